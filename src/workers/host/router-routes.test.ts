import { expect, it } from 'vitest'

import { isSameRouting, parseRouting, wantedRouting } from './router-routes.ts'
import { segmentsOf } from './segments.ts'
import type { RouterSpec } from './specs.ts'

const spec: RouterSpec = {
  vpcId: 'vpc-a',
  cidr: '172.16.0.0/16',
  elasticIps: [{ address: '203.0.113.7', cidr: '203.0.113.0/24', gateway: '203.0.113.1', interface: 'eth1' }],
  routing: true,
  sourceNat: false,
  portForwardings: [],
}
const segments = segmentsOf(spec)
const [{ number, link }] = segments as [(typeof segments)[number]]
const table = `${number}`

// As iproute2 6.1 prints them with -j -d.
const RULES = [
  { priority: 0, src: 'all', table: 'local', protocol: 'kernel' },
  { priority: 100, src: 'all', table: 'main', suppress_prefixlen: 0, protocol: 'unspec' },
  { priority: 110, src: 'all', fwmark: `0x${number.toString(16)}`, table, protocol: 'unspec' },
  { priority: 120, src: '203.0.113.7', table, protocol: 'unspec' },
  { priority: 130, src: 'all', table, protocol: 'unspec' },
  { priority: 32766, src: 'all', table: 'main', protocol: 'kernel' },
  { priority: 32767, src: 'all', table: 'default', protocol: 'kernel' },
]
const ROUTES = [
  { type: 'unicast', dst: 'default', gateway: '203.0.113.1', dev: link, table, scope: 'global', flags: ['onlink'] },
  { type: 'unicast', dst: '203.0.113.0/24', dev: link, table, scope: 'link', flags: [] },
  { type: 'unreachable', dst: '172.16.0.0/16', table: 'main', scope: 'global', metric: 4294967295, flags: [] },
  { type: 'unicast', dst: '172.16.1.0/24', dev: 'net-1000', table: 'main', scope: 'link', flags: [] },
  { type: 'local', dst: '203.0.113.7', dev: link, table: 'local', scope: 'host', flags: [] },
  { type: 'unicast', dst: 'fe80::/64', dev: 'net-1000', table: 'main', scope: 'global', flags: [] },
]

it('what ip shows of a router that is as wanted is the same routing', () => {
  expect(parseRouting([...RULES, ...ROUTES])).toEqual(wantedRouting(spec, segments))
})

it.each(RULES.slice(1, 5))('without the rule of preference $priority it is another', (gone) => {
  const have = parseRouting([...RULES.filter((rule) => rule !== gone), ...ROUTES])
  expect(isSameRouting(wantedRouting(spec, segments), have)).toBe(false)
})

it.each(ROUTES.slice(0, 3))('without the route to $dst it is another', (gone) => {
  const have = parseRouting([...RULES, ...ROUTES.filter((route) => route !== gone)])
  expect(isSameRouting(wantedRouting(spec, segments), have)).toBe(false)
})

it('without elastic IPs there are no rules', () => {
  expect(wantedRouting({ ...spec, elasticIps: [] }, []).rules).toEqual(new Set())
})
