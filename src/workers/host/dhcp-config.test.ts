import { expect, it } from 'vitest'

import {
  dhcpConfig,
  dhcpFiles,
  netmask,
  parseHosts,
  parseLeases,
  parsePrimaries,
  renderHosts,
  renderPrimaries,
  vpcOfConfig,
} from './dhcp-config.ts'

const subnet = { vpcId: 'vpc-1', cidr: '172.16.1.0/24', gateway: '172.16.1.1' }
const network = { id: 'net-1', vni: 4096, mtu: 1450, subnet }
const binding = { router: 'pb-vpc-1', ifName: 'net-1000', ifIndex: 7, asRoot: false }
const config = (overrides = {}) => dhcpConfig(dhcpFiles('/run/x', 4096), network, subnet, { ...binding, ...overrides })

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
  expect(config()).toContain('dhcp-range=172.16.1.0,static,255.255.255.0,24h\n')
})

it('a configuration tells its VPC', () => {
  expect(vpcOfConfig(config())).toBe('vpc-1')
  expect(vpcOfConfig('port=53\n')).toBeUndefined()
})

it('hosts and their roles are read back as they were written, in any order', () => {
  const hosts = [
    { mac: '52:54:00:00:00:02', address: '172.16.1.9', primary: true },
    { mac: '52:54:00:00:00:01', address: '172.16.1.10', primary: false },
  ]
  const text = renderHosts(hosts)
  expect(renderHosts([...hosts].reverse())).toBe(text)
  expect([...parseHosts(text, parsePrimaries(renderPrimaries(hosts))).values()]).toEqual([...hosts].reverse())
})

it('hosts carry no tags: dnsmasq 2.90 dies of them', () => {
  expect(renderHosts([{ mac: '52:54:00:00:00:02', address: '172.16.1.9', primary: true }])).not.toContain('set:')
})

it('leases are read, and what is no lease is passed over', () => {
  const line = '1795313799 52:54:00:00:00:01 172.16.1.100 name 01:52'
  expect(parseLeases(`${line}\nduid 00:01\n\n`)).toEqual([{ mac: '52:54:00:00:00:01', address: '172.16.1.100', line }])
})
