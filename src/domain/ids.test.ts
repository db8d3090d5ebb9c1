import { expect, it } from 'vitest'
import { ID_PATTERN, newId, newMac } from './ids.ts'

it('an id is its prefix, a dash and 10 letters that are not misread', () => {
  for (const prefix of ['prj', 'vpc', 'net', 'i', 'j'] as const) {
    expect(newId(prefix)).toMatch(new RegExp(`^${prefix}-${ID_PATTERN}$`))
    expect(newId(prefix)).not.toMatch(/-.*[ilou]/)
  }
})

it('10,000 ids are all different, and use every letter about equally', () => {
  const ids = Array.from({ length: 10_000 }, () => newId('net').slice(4))
  expect(new Set(ids).size).toBe(ids.length)
  const counts = new Map<string, number>()
  for (const letter of ids.join('')) counts.set(letter, (counts.get(letter) ?? 0) + 1)
  expect(counts.size).toBe(32)
  // 100,000 letters over 32: 3,125 each, give or take 8 standard deviations of 55.
  for (const count of counts.values()) expect(Math.abs(count - 3_125)).toBeLessThan(440)
})

it('a MAC is 52:54 and four random bytes: locally administered, and for one card', () => {
  const macs = Array.from({ length: 10_000 }, newMac)
  for (const mac of macs) expect(mac).toMatch(/^52:54(:[0-9a-f]{2}){4}$/)
  const first = Number.parseInt(macs[0]?.slice(0, 2) ?? '', 16)
  expect([first & 0b10, first & 0b01]).toEqual([0b10, 0])
  // Of 10,000 draws from 2^32, two are the same once in 86 runs: more than two such pairs is a bug.
  expect(new Set(macs).size).toBeGreaterThan(9_997)
})
