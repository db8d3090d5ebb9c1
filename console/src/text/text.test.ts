import { expect, it } from 'vitest'
import { languageOf, say } from './text.ts'

const servers = {
  en: { one: '{count} server of {who}', other: '{count} servers of {who}' },
  zh: '{who} 的 {count} 台云服务器',
}

it('says a text with its values, and one from several in English', () => {
  expect(say(servers, 'en', { count: 1, who: 'ann' })).toBe('1 server of ann')
  expect(say(servers, 'en', { count: 0, who: 'ann' })).toBe('0 servers of ann')
  expect(say(servers, 'zh', { count: 1, who: 'ann' })).toBe('ann 的 1 台云服务器')
})

it('writes numbers as the language does, and leaves words as they are', () => {
  expect(say({ en: '{n} bytes', zh: '{n} 字节' }, 'en', { n: 1234567 })).toBe('1,234,567 bytes')
  expect(say({ en: '{n} bytes', zh: '{n} 字节' }, 'zh', { n: 1234567 })).toBe('1,234,567 字节')
  expect(say({ en: '{n}', zh: '{n}' }, 'en', { n: '1234567 {x}' })).toBe('1234567 {x}')
})

it('does not pass over a value that is missing', () => {
  expect(() => say(servers, 'en', { count: 2 })).toThrow(RangeError)
})

it.each([
  ['what was chosen before', 'zh', ['en-GB'], 'zh'],
  ['the first language of the browser that we have', null, ['fr', 'zh-TW', 'en'], 'zh'],
  ['English when we have none of them', null, ['fr', 'de'], 'en'],
  ['the browser’s, when what is stored is not ours', 'xx', ['ZH-cn'], 'zh'],
] as const)('takes %s', (_, chosen, preferred, language) => {
  expect(languageOf(chosen, preferred)).toBe(language)
})
