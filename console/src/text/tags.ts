import { texts } from './text.ts'

export const tagWords = texts({
  hint: { en: 'One on each line: name=value', zh: '每行一个，格式为 名称=值' },
  nameless: { en: 'A tag needs a name before the “=”', zh: '“=”前需要填写标签名称' },
})
