import { expect, it } from 'vitest'

import { type DhcpBinding, dhcpConfig, dhcpFiles, netmask, parseLeases, routerIdOfConfig } from './dhcp-config.ts'
import type { SubnetSpec } from './specs.ts'

const subnet: SubnetSpec = {
  routerId: 'vpc-1',
  cidr: '172.16.1.0/24',
  gateway: '172.16.1.1',
  routed: true,
  dhcp: { leaseSeconds: 86_400, dnsServers: [] },
}
const network = { id: 'net-1', vni: 4096, mtu: 1450, subnet }
const binding = { router: 'pb-vpc-1', ifName: 'net-1000', ifIndex: 7, asRoot: false, dnsUpstreams: [] }
const config = (overrides: Partial<DhcpBinding> = {}, of: SubnetSpec = subnet) =>
  dhcpConfig(dhcpFiles('/run/x', 4096), network, of, { ...binding, ...overrides })

it('netmasks of prefixes', () => {
  expect(['10.0.0.0/8', '172.16.1.0/24', '10.0.0.0/23', '1.2.3.4/32', '0.0.0.0/0'].map(netmask)).toEqual([
    '255.0.0.0',
    '255.255.255.0',
    '255.255.254.0',
    '255.255.255.255',
    '0.0.0.0',
  ])
  for (const cidr of ['10.0.0.0', '10.0.0.0/33', '10.0.0.0/x']) expect(() => netmask(cidr)).toThrow(RangeError)
})

it('the same network has the same configuration, and one made afresh has another', () => {
  expect(config()).toBe(config())
  expect(config({ ifIndex: 8 })).not.toBe(config())
  expect(config()).toContain('dhcp-range=172.16.1.0,static,255.255.255.0,86400\n')
})

it('a configuration tells its VPC', () => {
  expect(routerIdOfConfig(config())).toBe('vpc-1')
  expect(routerIdOfConfig('port=53\n')).toBeUndefined()
})

it('leases are read, and what is no lease is passed over', () => {
  const line = '1795313799 52:54:00:00:00:01 172.16.1.100 name 01:52'
  expect(parseLeases(`${line}\nduid 00:01\n\n`)).toEqual([{ mac: '52:54:00:00:00:01', address: '172.16.1.100', line }])
})

it('a network without a gateway is told none, and of no name server', () => {
  const { gateway: _, ...isolated } = subnet
  const text = config({}, { ...isolated, routed: false })
  expect(text).toContain('dhcp-option=option:router\n')
  expect(text).toContain('dhcp-option=option:dns-server\n')
  expect(text).toContain('shared-network=net-1000,172.16.1.0\n')
  expect(text).toContain('port=0\n')
})

it('a bridged network names the gateway of its segment, and is no name server', () => {
  const text = config({}, { ...subnet, routed: false })
  expect(text).toContain('dhcp-option=tag:primary,option:router,172.16.1.1\n')
  expect(text).toContain('port=0\n')
})

it('name servers that were chosen are told to every NIC', () => {
  const dhcp = { leaseSeconds: 600, dnsServers: ['9.9.9.9', '2620:fe::fe', '1.1.1.1'], domain: 'example.org' }
  const text = config({}, { ...subnet, dhcp })
  expect(text).toContain('dhcp-option=option:dns-server,9.9.9.9,1.1.1.1\n')
  expect(text).toContain('dhcp-option=option6:dns-server,[2620:fe::fe]\n')
  expect(text).toContain('domain=example.org\n')
})

it.each([
  ['name server', { dnsServers: ['9.9.9.9\ndhcp-script=/bin/sh'] }],
  ['name server', { dnsServers: ['9.9.9.9,8.8.8.8'] }],
  ['name server', { dnsServers: ['fe80::1%x\nlog-queries'] }],
  ['domain', { domain: 'a\ndhcp-script=/bin/sh' }],
  ['domain', { domain: 'a,10.0.0.0/8' }],
  ['lease', { leaseSeconds: 60 }],
])('a %s that is none is refused', (_, dhcp) => {
  expect(() => config({}, { ...subnet, dhcp: { leaseSeconds: 600, dnsServers: [], ...dhcp } })).toThrow(RangeError)
})

it('an upstream or gateway that is no address is refused', () => {
  expect(() => config({ dnsUpstreams: ['ns.example.org'] })).toThrow(RangeError)
  expect(() => config({}, { ...subnet, gateway: '172.16.1.1,172.16.1.2' })).toThrow(RangeError)
})
