import { expect, it } from 'vitest'
import { gatewayOf, hostAddress, withPrefix } from './subnet.ts'

it.each([
  ['172.16.1.0/24', 0, '172.16.1.0'],
  ['172.16.1.0/24', 2, '172.16.1.2'],
  ['172.16.1.0/24', 253, '172.16.1.253'],
  ['10.255.254.0/24', 255, '10.255.254.255'],
  ['192.168.254.0/24', 100, '192.168.254.100'],
])('of %s, host %i is %s', (cidr, host, address) => {
  expect(hostAddress(cidr, host)).toBe(address)
})

it('the gateway is .1', () => {
  expect(gatewayOf('172.16.1.0/24')).toBe('172.16.1.1')
})

it('an address takes the prefix length of its network', () => {
  expect(withPrefix('172.16.1.100', '172.16.1.0/24')).toBe('172.16.1.100/24')
})
