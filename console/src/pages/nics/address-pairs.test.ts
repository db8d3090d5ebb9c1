import { expect, it } from 'vitest'
import { pairsFrom, textOfPairs, wrongLine } from './address-pairs.ts'

it('pairs are lines, and lines are pairs', () => {
  const text = '10.0.0.9\n10.0.1.0/24 52:54:00:AA:00:01\n\nfd00::9'
  const pairs = [{ address: '10.0.0.9' }, { address: '10.0.1.0/24', mac: '52:54:00:aa:00:01' }, { address: 'fd00::9' }]
  expect(pairsFrom(text)).toEqual(pairs)
  expect(pairsFrom(textOfPairs(pairs))).toEqual(pairs)
})

it.each([
  ['10.0.0.9\nvirtual', 2],
  ['10.0.0.9 52:54', 1],
  ['10.0.0.9 52:54:00:aa:00:01 more', 1],
  ['10.0.0.9', undefined],
  ['', undefined],
])('of %j line %s is wrong', (text, line) => expect(wrongLine(text)).toBe(line))
