import { expect, it } from 'vitest'
import { gatewayOf, hostAddress, hostNumber, ipv6GatewayOf, withPrefix } from './subnet.ts'

it.each([
  ['172.16.1.0/24', 0, '172.16.1.0'],
  ['172.16.1.0/24', 2, '172.16.1.2'],
  ['172.16.1.0/24', 253, '172.16.1.253'],
  ['10.255.254.0/24', 255, '10.255.254.255'],
  ['192.168.254.0/24', 100, '192.168.254.100'],
])('of %s, host %i is %s', (cidr, host, address) => {
  expect(hostAddress(cidr, host)).toBe(address)
  expect(hostNumber(cidr, address)).toBe(host)
})

it('the gateway is .1', () => {
  expect(gatewayOf('172.16.1.0/24')).toBe('172.16.1.1')
})

it.each([
  ['172.16.1.0/24', '172.16.2.0', 256],
  ['172.16.1.0/24', '172.16.0.255', -1],
])('outside of %s, %s is no host', (cidr, address, number) => {
  expect(hostNumber(cidr, address)).toBe(number)
})

it.each([
  ['fd00::/64', 'fd00::1'],
  ['2001:db8:7:1::/64', '2001:db8:7:1::1'],
  ['fd00:0:0:1::/64', 'fd00:0:0:1::1'],
])('the IPv6 gateway of %s is %s', (cidr, gateway) => {
  expect(ipv6GatewayOf(cidr)).toBe(gateway)
})

it('an address takes the prefix length of its network', () => {
  expect(withPrefix('172.16.1.100', '172.16.1.0/24')).toBe('172.16.1.100/24')
})
