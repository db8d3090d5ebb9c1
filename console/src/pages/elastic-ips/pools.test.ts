import { describe, expect, it } from 'vitest'
import { isHostOf, lies, overlaps, segmentOf, sizeOf, usualOf } from './pools.ts'

describe('the segment of a pool', () => {
  it('is a range from /16 to /30 without host bits', () => {
    expect(segmentOf('203.0.113.0/24')).toMatchObject({ prefix: 24 })
    for (const wrong of ['203.0.113.1/24', '203.0.113.0/31', '203.0.0.0/15', 'public', '']) {
      expect(segmentOf(wrong)).toBeUndefined()
    }
  })

  it('proposes a gateway and what is left, even where that is one address', () => {
    const small = segmentOf('203.0.113.4/30')
    expect(small && usualOf(small)).toEqual({ gateway: '203.0.113.5', first: '203.0.113.6', last: '203.0.113.6' })
    const usual = segmentOf('203.0.113.0/24')
    expect(usual && usualOf(usual)).toEqual({ gateway: '203.0.113.1', first: '203.0.113.2', last: '203.0.113.254' })
  })

  it('has hosts between its own address and its broadcast', () => {
    const segment = segmentOf('203.0.113.0/24')
    if (!segment) throw new Error('not a segment')
    expect(['203.0.113.1', '203.0.113.254'].every((address) => isHostOf(segment, address))).toBe(true)
    expect(['203.0.113.0', '203.0.113.255', '203.0.112.1', 'x'].some((address) => isHostOf(segment, address))).toBe(
      false,
    )
  })
})

it('a pool is counted with both ends', () => {
  expect(sizeOf('203.0.113.100', '203.0.113.199')).toBe(100)
  expect(sizeOf('203.0.113.9', '203.0.113.8')).toBeUndefined()
  expect(lies('203.0.113.1', '203.0.113.1', '203.0.113.1')).toBe(true)
  expect(lies('203.0.113.1', '', '203.0.113.1')).toBe(false)
})

it.each([
  ['203.0.113.0/24', '203.0.0.0/16', true],
  ['203.0.113.128/25', '203.0.113.0/24', true],
  ['203.0.113.0/24', '172.16.0.0/16', false],
])('%s and %s overlap: %s', (one, other, expected) => {
  expect(overlaps(one, other)).toBe(expected)
  expect(overlaps(other, one)).toBe(expected)
})
