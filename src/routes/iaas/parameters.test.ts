import { describe, expect, test } from 'vitest'
import { Parameters } from './parameters.ts'

const parameters = (values: Record<string, string>) => new Parameters(new Map(Object.entries(values)))

describe('a directive', () => {
  test('is what was asked for, nested, without signature and secrets', () => {
    const asked = parameters({
      action: 'RunInstances',
      'vxnets.2': 'b',
      'vxnets.10': 'c',
      'vxnets.1': 'a',
      'rules.2.val1': '22',
      'rules.1.protocol': 'tcp',
      'rules.1.priority': '0',
      'rules.1.password': 'x',
      login_passwd: 'secret',
      signature: 's',
      access_key_id: 'k',
      'odd name': '1',
      __proto__x: '1',
      'x.0': '1',
    })
    expect(asked.directive()).toEqual({
      action: 'RunInstances',
      vxnets: ['a', 'b', 'c'],
      rules: [{ protocol: 'tcp', priority: '0' }, { val1: '22' }],
    })
  })

  test('of ten thousand names takes no time', () => {
    const many = Object.fromEntries(Array.from({ length: 20_000 }, (_, n) => [`p${n}.1`, 'x']))
    const began = performance.now()
    expect(Object.keys(parameters(many).directive())).toHaveLength(20_000)
    expect(performance.now() - began).toBeLessThan(1_000)
  })
})

describe('a scalar', () => {
  test('may come as a list, and a list as a scalar', () => {
    const both = parameters({ 'status.1': 'available', nics: 'a', empty: '' })
    expect(both.text('status')).toBe('available')
    expect(both.list('nics')).toEqual(['a'])
    expect([both.given('empty'), both.text('empty'), both.list('empty')]).toEqual(['', undefined, undefined])
  })

  test.each(['1.5', ' 1', '0x10', '1e3', '99999999999999999999'])('%s is no whole number', (text) => {
    expect(() => parameters({ count: text }).int('count', { min: 0, max: 10 })).toThrow('must be a whole number')
  })

  test('of an object is blamed under its whole name', () => {
    const [rule] = parameters({ 'rules.3.priority': 'x' }).objects('rules')
    expect(() => rule?.int('priority', { min: 0, max: 100 })).toThrow('parameter rules.3.priority must be')
  })
})
