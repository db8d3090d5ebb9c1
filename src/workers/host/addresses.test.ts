import { expect, it } from 'vitest'

import { bitsOf, canonicalAddress, linkLocalOf, maskOf, parseCidr } from './addresses.ts'

it.each([
  ['10.0.0.1', '10.0.0.1'],
  ['::', '::'],
  ['FD00:0:0:1::05', 'fd00:0:0:1::5'],
  ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
  ['1:0:0:2:3:0:0:4', '1::2:3:0:0:4'],
  ['1:0:2:0:3:0:4:0', '1:0:2:0:3:0:4:0'],
  ['fe80:0:0:0:0:0:0:0', 'fe80::'],
  ['::ffff:1.2.3.4', '::ffff:102:304'],
])('%s is written %s', (address, canonical) => {
  expect(canonicalAddress(address)).toBe(canonical)
})

it('an address without a prefix is a block of one', () => {
  expect(parseCidr('10.0.0.1')).toMatchObject({ version: 4, length: 32, isHost: true, text: '10.0.0.1/32' })
  expect(parseCidr('fd00::1/128')).toMatchObject({ version: 6, length: 128, isHost: true })
  expect(parseCidr('fd00::/64')).toMatchObject({ version: 6, length: 64, isHost: false })
})

it.each(['', '10.0.0', '10.0.0.0/33', 'fd00::/129', '10.0.0.0/8/8', '10.0.0.0/', '10.0.0.0/-1', '1.2.3.4 accept', 'x'])(
  '%j is no address',
  (text) => {
    expect(() => parseCidr(text)).toThrow(RangeError)
  },
)

it('an IPv6 address and the mask of a block are numbers', () => {
  expect(bitsOf('fd00::1')).toBe(0xfd000000000000000000000000000001n)
  expect(maskOf(parseCidr('fd00::/61'))).toBe(0xfffffffffffffff80000000000000000n)
  expect(maskOf(parseCidr('::/0'))).toBe(0n)
})

it('the link-local address of a MAC is that of its EUI-64', () => {
  expect(linkLocalOf('52:54:00:0a:bc:de')).toBe('fe80::5054:ff:fe0a:bcde')
})
