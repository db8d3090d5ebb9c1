import { expect, it } from 'vitest'

import { groupParts } from './security-groups.ts'
import type { NicPolicy, SecurityGroup, SecurityRule } from './specs.ts'

const aNic = (index: number, overrides: Partial<NicPolicy> = {}): NicPolicy => ({
  mac: `52:54:00:00:00:0${index}`,
  vni: 4096,
  scope: 'vpc-a',
  addresses: [`172.16.1.${index}`],
  antiSpoofing: true,
  addressed: true,
  reserved: [],
  allowedPairs: [],
  bridged: true,
  groupIds: ['sg-a'],
  ...overrides,
})
const aRule = (overrides: Partial<SecurityRule> = {}): SecurityRule => ({
  direction: 'in',
  priority: 1,
  action: 'accept',
  protocol: 'all',
  ...overrides,
})
const aGroup = (id: string, rules: readonly SecurityRule[]): SecurityGroup => ({ id, version: 1, rules, members: [] })

const chainOf = (nics: readonly NicPolicy[], groups: readonly SecurityGroup[], direction: 'in' | 'out') => {
  const chain = [...groupParts(nics, groups, direction).chains.values()][0]
  return chain?.rules.map(({ text }) => text)
}
const inbound = (...rules: readonly SecurityRule[]) => chainOf([aNic(1)], [aGroup('sg-a', rules)], 'in')?.slice(0, -1)

it('rules are in the order of their priority, then drop before accept, then by group', () => {
  const port = (first: number) => ({ protocol: 'tcp', ports: { first, last: first } }) as const
  const groups = [
    aGroup('sg-b', [aRule(port(6)), aRule({ ...port(3), action: 'drop' })]),
    aGroup('sg-a', [
      aRule({ ...port(7), priority: 2 }),
      aRule(port(4)),
      aRule(port(5)),
      aRule({ ...port(1), priority: 0 }),
    ]),
  ]
  expect(chainOf([aNic(1, { groupIds: ['sg-b', 'sg-a'] })], groups, 'in')).toEqual([
    'tcp dport 1 accept',
    'tcp dport 3 drop',
    'tcp dport 4 accept',
    'tcp dport 5 accept',
    'tcp dport 6 accept',
    'tcp dport 7 accept',
    'drop',
  ])
})

it('NICs in the same groups share chains, whatever the order; others have their own', () => {
  const chains = (...nics: NicPolicy[]) => groupParts(nics, [], 'in').chains.size
  expect(chains(aNic(1, { groupIds: ['a', 'b'] }), aNic(2, { groupIds: ['b', 'a'] }))).toBe(1)
  expect(chains(aNic(1), aNic(2, { groupIds: ['sg-b'] }))).toBe(2)
  expect(chains(aNic(1), aNic(2, { scope: 'vpc-b' }))).toBe(2)
})

it('a rule matches what it says', () => {
  expect(inbound(aRule())).toEqual(['accept'])
  expect(inbound(aRule({ protocol: 'udp' }))).toEqual(['meta l4proto udp accept'])
  expect(inbound(aRule({ protocol: 'udp', ports: { first: 1, last: 9 } }))).toEqual(['udp dport 1-9 accept'])
  expect(inbound(aRule({ protocol: 'icmp', icmpType: 3, icmpCode: 4 }))).toEqual([
    'meta protocol ip meta l4proto icmp icmp type 3 icmp code 4 accept',
  ])
  expect(inbound(aRule({ remote: { cidr: '10.0.0.0/8' } }))).toEqual(['meta protocol ip ip saddr 10.0.0.0/8 accept'])
  expect(inbound(aRule({ remote: { cidr: '::/0' } }))).toEqual(['meta protocol ip6 accept'])
})

it('a rule that nothing can match is none', () => {
  expect(inbound(aRule({ protocol: 'icmp', remote: { cidr: 'fd00::/64' } }))).toEqual([])
  expect(inbound(aRule({ protocol: 'icmpv6', remote: { cidr: '10.0.0.0/8' } }))).toEqual([])
})

it('members of a remote group are those told and those here, in the scope of the NIC', () => {
  const groups = [
    aGroup('sg-a', [aRule({ remote: { groupId: 'sg-b' } })]),
    {
      ...aGroup('sg-b', []),
      members: [
        { scope: 'vpc-a', address: '172.16.9.9' },
        { scope: 'vpc-a', address: 'FD00::9' },
        { scope: 'vpc-b', address: '172.16.8.8' },
      ],
    },
  ]
  const { sets } = groupParts([aNic(1), aNic(2, { groupIds: ['sg-b'] })], groups, 'in')
  const members = [...sets]
    .filter(([name]) => name.startsWith('members'))
    .map(([, { elements }]) => [...elements.keys()])
  expect(members).toEqual([['172.16.9.9', '172.16.1.2'], ['fd00::9']])
})
