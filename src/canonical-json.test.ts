import { expect, it } from 'vitest'
import { canonicalJson } from './canonical-json.ts'

it('objects with the same fields in another order give the same text, however deep', () => {
  const one = { b: [{ y: 1, x: { d: null, c: true } }], a: 'text' }
  const other = { a: 'text', b: [{ x: { c: true, d: null }, y: 1 }] }
  expect(canonicalJson(one)).toBe(canonicalJson(other))
  expect(canonicalJson(one)).toBe('{"a":"text","b":[{"x":{"c":true,"d":null},"y":1}]}')
})

it('lists keep their order', () => {
  expect(canonicalJson([2, 1])).not.toBe(canonicalJson([1, 2]))
})

it('values that differ give texts that differ', () => {
  const values = [{}, [], '', 0, false, null, { a: null }, { a: [] }, { a: {} }, { a: '1' }, { a: 1 }, [[]], [{}]]
  expect(new Set(values.map(canonicalJson)).size).toBe(values.length)
})

it('nothing at all is null', () => {
  expect(canonicalJson(undefined)).toBe('null')
})
