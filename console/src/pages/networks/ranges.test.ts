import { describe, expect, it } from 'vitest'
import { addressesIn, addressTotal, faultOf, firstFree, isIpv4, isIpv6Slash64, rangeOf } from './ranges.ts'

describe('a range', () => {
  it('is read from its text, and nothing else is', () => {
    expect(rangeOf('172.16.1.0/24')).toEqual({ first: 0xac100100, prefix: 24, isExact: true })
    for (const text of [
      '172.16.1.0',
      '172.16.1/24',
      '172.16.1.256/24',
      '172.16.1.0/33',
      '172.16.01.0/24',
      '1.2.3.4/2/4',
    ])
      expect(rangeOf(text), text).toBeUndefined()
  })

  it('is refused with what would do', () => {
    const inside = { prefix: 24, inside: '172.16.0.0/16' } as const
    expect(faultOf('172.16.7.0/24', inside)).toBeUndefined()
    expect(faultOf('nonsense', inside)).toEqual({ what: 'form' })
    expect(faultOf('172.16.0.0/16', inside)).toEqual({ what: 'length' })
    expect(faultOf('172.16.7.9/24', inside)).toEqual({ what: 'start', start: '172.16.7.0/24' })
    expect(faultOf('172.17.7.0/24', inside)).toEqual({ what: 'outside' })
    expect(faultOf('8.8.0.0/16', { prefix: 16, isPrivate: true })).toEqual({ what: 'not_private' })
    expect(faultOf('172.31.0.0/16', { prefix: 16, isPrivate: true })).toBeUndefined()
    expect(faultOf('172.32.0.0/16', { prefix: 16, isPrivate: true })).toEqual({ what: 'not_private' })
  })
})

describe('the first free range of a VPC', () => {
  const all = Array.from({ length: 253 }, (_, index) => `172.16.${index + 1}.0/24`)

  it('is the lowest after those that are taken, from .1 on', () => {
    expect(firstFree('172.16.0.0/16', [])).toBe('172.16.1.0/24')
    expect(firstFree('172.16.0.0/16', ['172.16.1.0/24', '172.16.2.0/24', '172.16.4.0/24'])).toBe('172.16.3.0/24')
  })

  it('is one of .0 and .254 last, and never both', () => {
    expect(firstFree('172.16.0.0/16', all)).toBe('172.16.0.0/24')
    expect(firstFree('172.16.0.0/16', [...all, '172.16.0.0/24'])).toBeUndefined()
    expect(firstFree('172.16.0.0/16', [...all, '172.16.254.0/24'])).toBeUndefined()
  })
})

it('a network gives out 252 addresses, or those of its range without the gateway', () => {
  expect(addressTotal(null, null)).toBe(252)
  expect(addressTotal({ first: '172.16.1.2', last: '172.16.1.253' }, '172.16.1.1')).toBe(252)
  expect(addressTotal({ first: '203.0.113.10', last: '203.0.113.19' }, '203.0.113.15')).toBe(9)
})

it('addresses are read from any list, with commas of either language', () => {
  expect(addressesIn('1.1.1.1, 8.8.8.8，9.9.9.9')).toEqual(['1.1.1.1', '8.8.8.8', '9.9.9.9'])
  expect(addressesIn(' 10.0.0.2, 10.0.0.3\n10.0.0.4；10.0.0.5 ')).toHaveLength(4)
  expect(addressesIn('  ')).toEqual([])
})

it.each([
  ['172.16.1.2', true],
  ['172.16.1.256', false],
  ['172.16.1.02', false],
  ['172.16.1', false],
  ['::1', false],
])('%s is an IPv4 address: %s', (text, is) => expect(isIpv4(text)).toBe(is))

it('IPv6 ranges are /64 of global or unique local addresses', () => {
  expect(['fd00:0:0:1::/64', '2001:db8:1::/64'].every(isIpv6Slash64)).toBe(true)
  expect(['fd00::/48', 'fd00::', 'nonsense', '172.16.1.0/24'].some(isIpv6Slash64)).toBe(false)
})
