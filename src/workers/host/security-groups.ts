/**
 * The rules of security groups, as nft takes them. They are asked of new connections only, see `filters.ts`.
 *
 * NICs in the same groups share a chain for each direction, so one NIC more is an element.
 */
import { createHash } from 'node:crypto'

import { canonicalAddress, parseCidr } from './addresses.ts'
import { type NftChain, type NftSet, nftChain } from './nft.ts'
import type { NicPolicy, SecurityGroup, SecurityRule } from './specs.ts'

/** NICs in the same groups and with the same idea of who is at an address. */
interface Profile {
  /** Names its chains. */
  readonly hash: string
  readonly scope: string
  readonly groupIds: readonly string[]
}

const shortHash = (of: string): string => createHash('sha256').update(of).digest('hex').slice(0, 16)

/** Names of the sets of a group's members, by version of IP. */
const memberSetNames = (scope: string, groupId: string) => {
  const hash = shortHash(`${scope}\n${groupId}`)
  return { 4: `members4_${hash}`, 6: `members6_${hash}` } as const
}

/** The rules of one direction: part of a table. */
export interface GroupParts {
  /** By MAC, the chain to go to with a new connection of that NIC. It lets pass or drops. */
  readonly chainOf: ReadonlyMap<string, string>
  readonly chains: ReadonlyMap<string, NftChain>
  /** Members of the groups that the rules name. */
  readonly sets: ReadonlyMap<string, NftSet>
}

/**
 * Chains for the groups of these NICs. A group that is not given has no rules: nothing passes.
 * @param always - rules that stand before all others in every chain.
 */
export function groupParts(
  nics: readonly NicPolicy[],
  groups: readonly SecurityGroup[],
  direction: SecurityRule['direction'],
  always: readonly string[] = [],
): GroupParts {
  const profiles = new Map<string, Profile>()
  const chainOf = new Map<string, string>()
  for (const { mac, scope, groupIds } of nics) {
    const sorted = [...groupIds].sort()
    const key = [scope, ...sorted].join('\n')
    const profile = profiles.get(key) ?? { hash: shortHash(key), scope, groupIds: sorted }
    profiles.set(key, profile)
    chainOf.set(mac, `${direction}_${profile.hash}`)
  }

  const byId = new Map(groups.map((group) => [group.id, group]))
  const chains = new Map<string, NftChain>()
  const remotes: { scope: string; groupId: string }[] = []
  for (const { hash, scope, groupIds } of profiles.values()) {
    const rules = inOrder(groupIds.flatMap((id) => byId.get(id)?.rules ?? [])).filter(
      (rule) => rule.direction === direction,
    )
    chains.set(
      `${direction}_${hash}`,
      nftChain([...always, ...rules.flatMap((rule) => ruleTexts(rule, scope)), 'drop']),
    )
    for (const { remote } of rules) {
      if (remote && 'groupId' in remote) remotes.push({ scope, groupId: remote.groupId })
    }
  }
  return { chainOf, chains, sets: membersOf(remotes, nics, byId) }
}

/** By priority; of those with the same, `drop` first. Otherwise as they came: the sort is stable. */
const inOrder = (rules: readonly SecurityRule[]): SecurityRule[] =>
  [...rules].sort((a, b) => a.priority - b.priority || Number(b.action === 'drop') - Number(a.action === 'drop'))

/**
 * Members of groups that rules name as their remote: those that we were told, and those that are here. What comes from a
 * reserved address comes from one of the NICs that may use it.
 */
function membersOf(
  remotes: readonly { readonly scope: string; readonly groupId: string }[],
  nics: readonly NicPolicy[],
  groups: ReadonlyMap<string, SecurityGroup>,
): Map<string, NftSet> {
  const sets = new Map<string, NftSet>()
  const members = new Map<string, Record<4 | 6, Map<string, string>>>()
  const keyOf = (scope: string, groupId: string) => `${scope} ${groupId}`
  for (const { scope, groupId } of remotes) {
    if (members.has(keyOf(scope, groupId))) continue
    const elements = { 4: new Map<string, string>(), 6: new Map<string, string>() }
    members.set(keyOf(scope, groupId), elements)
    const names = memberSetNames(scope, groupId)
    sets.set(names[4], { type: 'ipv4_addr', elements: elements[4] })
    sets.set(names[6], { type: 'ipv6_addr', elements: elements[6] })
  }
  const add = (scope: string, groupId: string, address: string) =>
    members.get(keyOf(scope, groupId))?.[parseCidr(address).version].set(canonicalAddress(address), '')
  for (const groupId of new Set(remotes.map((remote) => remote.groupId))) {
    for (const { scope, address } of groups.get(groupId)?.members ?? []) add(scope, groupId, address)
  }
  const seen = new Set<string>() // those of a network are the same for each of its NICs
  for (const { vni, scope, groupIds, addresses, reserved } of nics) {
    for (const groupId of groupIds) {
      for (const address of addresses) add(scope, groupId, address)
      if (reserved.length === 0 || seen.has(`${vni} ${groupId}`)) continue
      seen.add(`${vni} ${groupId}`)
      for (const address of reserved) add(scope, groupId, address)
    }
  }
  return sets
}

/** The rules of nft for one of ours: none when it cannot match anything, two for a group with both kinds of addresses. */
function ruleTexts(rule: SecurityRule, scope: string): string[] {
  return remoteMatches(rule, scope).flatMap(({ version, match }) =>
    protocolMatches(rule, version).map((protocol) => [...protocol, ...match, rule.action].join(' ')),
  )
}

interface RemoteMatch {
  /** Version of IP that the match is about; absent: either. */
  readonly version?: 4 | 6
  readonly match: readonly string[]
}

const IP = { 4: 'ip', 6: 'ip6' } as const
/** Not `meta nfproto`, which a bridge's table answers with "bridge". */
const FAMILY = { 4: 'meta protocol ip', 6: 'meta protocol ip6' } as const

function remoteMatches({ remote, direction }: SecurityRule, scope: string): RemoteMatch[] {
  if (!remote) return [{ match: [] }]
  const side = direction === 'in' ? 'saddr' : 'daddr'
  if ('groupId' in remote) {
    const names = memberSetNames(scope, remote.groupId)
    return ([4, 6] as const).map((version) => ({ version, match: [`${IP[version]} ${side} @${names[version]}`] }))
  }
  const { version, length, text } = parseCidr(remote.cidr)
  return [{ version, match: length === 0 ? [] : [`${IP[version]} ${side} ${text}`] }]
}

/** Numbers of protocols that stand in front of neither ports nor types. */
const NUMBER = { gre: 47, esp: 50, ipip: 4 } as const

/** What a packet of the rule's protocol looks like in this version of IP (absent: in either): a match for each look. */
function protocolMatches(rule: SecurityRule, version: 4 | 6 | undefined): string[][] {
  const family = version === undefined ? [] : [FAMILY[version]]
  const { protocol, ports } = rule
  switch (protocol) {
    case 'all':
      return [family]
    case 'tcp':
    case 'udp':
      return [[...family, ports ? `${protocol} dport ${portText(ports)}` : `meta l4proto ${protocol}`]]
    case 'icmp':
      return version === 6 ? [] : [[FAMILY[4], 'meta l4proto icmp', ...icmpMatch(rule)]]
    case 'icmpv6':
      return version === 4 ? [] : [[FAMILY[6], 'meta l4proto ipv6-icmp', ...icmpMatch(rule)]]
    case 'ah': {
      // In IPv6 it is an extension header, so it is never the transport protocol.
      const looks = { 4: [FAMILY[4], 'meta l4proto 51'], 6: [FAMILY[6], 'ip6 nexthdr 51'] }
      return version === undefined ? [looks[4], looks[6]] : [looks[version]]
    }
    case 'gre':
    case 'esp':
    case 'ipip':
      return [[...family, `meta l4proto ${NUMBER[protocol]}`]]
  }
}

/** nft refuses a range of one. */
const portText = ({ first, last }: { readonly first: number; readonly last: number }): string =>
  first === last ? String(first) : `${first}-${last}`

const icmpMatch = ({ protocol, icmpType, icmpCode }: SecurityRule): string[] =>
  icmpType === undefined
    ? []
    : [`${protocol} type ${icmpType}`, ...(icmpCode === undefined ? [] : [`${protocol} code ${icmpCode}`])]
