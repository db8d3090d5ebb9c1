import { expect, it } from 'vitest'

import { diffTables } from './nft.ts'
import { routerTable, staleElements } from './router-nat.ts'
import { segmentsOf } from './segments.ts'
import type { ElasticIpSpec, RouterSpec } from './specs.ts'

const elasticIp = (last: number, nicAddress?: string): ElasticIpSpec => ({
  address: `203.0.113.${last}`,
  cidr: '203.0.113.0/24',
  gateway: '203.0.113.1',
  interface: 'eth1',
  ...(nicAddress !== undefined && { nicAddress }),
})

function table(overrides: Partial<RouterSpec>) {
  const spec = {
    vpcId: 'vpc-a',
    cidr: '172.16.0.0/16',
    elasticIps: [],
    routing: true,
    sourceNat: false,
    portForwardings: [],
    ...overrides,
  }
  return routerTable(spec, segmentsOf(spec))
}

const web = { protocol: 'tcp' as const, port: 80, address: '172.16.1.5', targetPort: 8080 }

it('an elastic IP that stands for another NIC, or for the VPC, is to be forgotten; others are not', () => {
  const before = table({ elasticIps: [elasticIp(7), elasticIp(8, '172.16.1.5'), elasticIp(9, '172.16.1.6')] })
  const moved = table({ elasticIps: [elasticIp(7), elasticIp(8, '172.16.1.7'), elasticIp(9, '172.16.1.6')] })
  const given = table({ elasticIps: [elasticIp(7), elasticIp(8), elasticIp(9, '172.16.1.6')] })
  expect(staleElements(moved, before)).toEqual(['203.0.113.8 . ip . 0'])
  expect(staleElements(given, before)).toEqual(['203.0.113.8 . ip . 0'])
  expect(staleElements(before, before)).toEqual([])
})

it('one that comes and one that goes are to be forgotten', () => {
  const [none, one] = [
    table({ elasticIps: [elasticIp(7)] }),
    table({ elasticIps: [elasticIp(7), elasticIp(8, '172.16.1.5')] }),
  ]
  expect(staleElements(one, none)).toEqual(['203.0.113.8 . ip . 0'])
  expect(staleElements(none, one)).toEqual(['203.0.113.8 . ip . 0'])
})

it('a forwarded port that leads elsewhere is to be forgotten, and no other port', () => {
  const elasticIps = [elasticIp(7)]
  const before = table({ elasticIps, portForwardings: [web, { ...web, port: 81 }] })
  const after = table({
    elasticIps,
    portForwardings: [
      { ...web, targetPort: 8081 },
      { ...web, port: 81 },
    ],
  })
  expect(staleElements(after, before)).toEqual(['203.0.113.7 . tcp . 80'])
})

it('source NAT switched changes rules and forgets nothing', () => {
  const elasticIps = [elasticIp(7)]
  const [off, on] = [table({ elasticIps }), table({ elasticIps, sourceNat: true })]
  expect(staleElements(on, off)).toEqual([])
  expect(diffTables(on, off).join('\n')).toContain('snat ip to 203.0.113.7')
})

it('without elastic IPs there is a filter, and nothing that asks for connections', () => {
  const { chains, sets } = table({ sourceNat: true })
  expect([...chains.keys()]).toEqual(['routed', 'between'])
  expect(sets.size).toBe(0)
  expect([...chains.values()].flatMap(({ rules }) => rules.map(({ text }) => text)).join()).not.toMatch(/\bct /)
})

it('switched off it keeps what it stands for, so that nothing is to be forgotten, and passes nothing on', () => {
  const elasticIps = [elasticIp(7), elasticIp(8, '172.16.1.5')]
  const [on, off] = [table({ elasticIps }), table({ elasticIps, routing: false })]
  expect(staleElements(off, on)).toEqual([])
  expect(off.sets).toEqual(on.sets)
  expect(off.chains.get('routed')).toEqual({ base: on.chains.get('routed')?.base, rules: [] })
  expect(off.chains.get('off')?.base).toMatchObject({ hook: 'prerouting', policy: 'drop' })
  expect(diffTables(on, off)).toContain('delete chain inet patchbay off')
})

it('a NIC with two elastic IPs is seen by the lowest', () => {
  const { sets } = table({ elasticIps: [elasticIp(7, '172.16.1.5'), elasticIp(8, '172.16.1.5')] })
  expect(sets.get('elastic_ip_of')?.elements).toEqual(new Map([['172.16.1.5', '203.0.113.7']]))
  expect(sets.get('nic_of')?.elements.size).toBe(2)
})
