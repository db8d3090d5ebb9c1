/**
 * The two tables that filter what goes over the bridges of a data plane.
 *
 * A packet meets them in this order:
 *
 * 1. `bridge`, prerouting: the guard (`guard.ts`) drops what the guest may not send, and marks the rest with its NIC.
 * 2. `inet`, prerouting (by `br_netfilter`): connection tracking, then the rules of the sender's security groups. A
 *    packet of a connection that stands gets a mark which says so. What has begun goes on until it ends, whatever the
 *    rules become.
 * 3. `bridge`, forward: the rules of the receiver's security groups, unless the connection stands.
 *
 * Each bridge has a conntrack zone of its own: two networks with the same addresses do not share connections.
 */
import { ESTABLISHED_MARK, guardParts, packetMark } from './guard.ts'
import { bridgeName, tapName } from './names.ts'
import { ifnameKey, markValue, type NftChain, type NftHook, type NftSet, type NftTable, nftChain } from './nft.ts'
import { groupParts } from './security-groups.ts'
import type { NicPolicy, SecurityGroup } from './specs.ts'

/** Before fragments are put together (-400), which is done zone by zone, and before connection tracking (-200). */
const TRACKING: NftHook = { type: 'filter', hook: 'prerouting', priority: -450, policy: 'accept' }
/** After it. */
const EGRESS: NftHook = { type: 'filter', hook: 'prerouting', priority: -150, policy: 'accept' }
/** After `br_netfilter` (0), so that fragments are put together. */
const FORWARD: NftHook = { type: 'filter', hook: 'forward', priority: 10, policy: 'accept' }

const DHCP_REPLY = 'udp sport . udp dport { 67 . 68, 547 . 546 }'
const DHCP_REQUEST = 'udp sport . udp dport { 68 . 67, 546 . 547 }'

/** How much of what all networks share one NIC may take. */
export interface NicLimits {
  /** Connections that it may have begun and that stand, or are remembered. */
  readonly connections: number
}

export const NIC_LIMITS: NicLimits = { connections: 16_384 }

/** As many NICs as a hypervisor can have. */
const PER_NIC: Omit<NftSet, 'elements'> = { type: 'mark', dynamic: { size: 65_535 } }
const TOO_MANY_FRAGMENTS = 'add @fragments { meta mark limit rate over 5000/second burst 5000 packets } drop'

const inetChains = (limits: NicLimits): readonly (readonly [string, NftChain])[] => [
  [
    'tracking',
    nftChain(
      [
        // What waits for its other parts takes memory that is there once for all.
        `ip frag-off & 0x3fff != 0 meta mark != 0 ${TOO_MANY_FRAGMENTS}`,
        `exthdr frag exists meta mark != 0 ${TOO_MANY_FRAGMENTS}`,
        'ct zone set iifname map @zones accept',
        'notrack',
      ],
      TRACKING,
    ),
  ],
  [
    'egress',
    nftChain(
      [
        `ct state established,related meta mark set ${markValue(ESTABLISHED_MARK)} accept`,
        'ct state invalid drop',
        'meta mark 0 accept',
        // Only the first packet of a connection counts: one without an answer stays new for the whole of its life.
        `ct state new ct status & confirmed == 0 add @connections { meta mark ct count over ${limits.connections} } drop`,
        // A guest without these has no network at all. What they may say in it is the guard's.
        'icmpv6 type { nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert, mld-listener-query, mld-listener-report, mld-listener-done, mld2-listener-report } accept',
        // To all servers, or to ours in a network that is not routed. What goes to one address alone the rules decide.
        'ip daddr { 255.255.255.255, 169.254.169.253 } udp sport 68 udp dport 67 accept',
        'ip6 daddr ff02::1:2 udp sport 546 udp dport 547 accept',
        'meta mark vmap @senders',
        'drop',
      ],
      EGRESS,
    ),
  ],
]

const BRIDGE_CHAINS: readonly (readonly [string, NftChain])[] = [
  [
    'forward',
    nftChain(
      [
        `meta mark ${markValue(ESTABLISHED_MARK)} goto established`,
        'iifname "bp-*" jump from_segment',
        'oifname vmap @receivers',
        'oifname "tap*" drop',
        'iifname "gw-*" oifname "bp-*" ether type != arp drop',
        `oifname "bp-*" oifname != @open_segments ${DHCP_REQUEST} drop`,
      ],
      FORWARD,
    ),
  ],
  // It must go to an address of the NIC that gets it: else whoever has begun something with one NIC could send to
  // another. The mark is of no more use here; setting it is how a map is asked.
  [
    'established',
    nftChain([
      'oifname != "tap*" accept',
      'meta mark set oifname . ether daddr . ip daddr map @sources4 accept',
      'meta mark set oifname . ether daddr . ip6 daddr map @sources6 accept',
      'oifname @forwarders accept',
      'drop',
    ]),
  ],
  // A bridged network and the segment that it is joined to. Our server and theirs do not hear of each other, but for
  // ARP: that is how we ask whether an address is taken. Where we give out the addresses, neither do guests and theirs.
  [
    'from_segment',
    nftChain([
      'oifname "gw-*" ether type != arp drop',
      'iifname @open_segments return',
      `${DHCP_REPLY} drop`,
      'icmpv6 type { nd-router-advert, nd-redirect } drop',
    ]),
  ],
  // What every guest may get: it has no network without. DHCP is from our server, or from that of an open segment.
  [
    'always',
    nftChain([
      'ether type arp accept',
      'icmpv6 type { nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert } accept',
      `iifname "gw-*" ${DHCP_REPLY} accept`,
      `iifname @open_segments ${DHCP_REPLY} accept`,
    ]),
  ],
]

/** Family and name of the tables, in the order of `filterTables`. */
export const TABLES = [
  ['bridge', 'patchbay'],
  ['inet', 'patchbay'],
] as const

/** The tables for these NICs and the groups that they are in. */
export const filterTables = (
  nics: readonly NicPolicy[],
  groups: readonly SecurityGroup[],
  limits = NIC_LIMITS,
): readonly NftTable[] => [bridgeTable(nics, groups), inetTable(nics, groups, limits)]

function bridgeTable(nics: readonly NicPolicy[], groups: readonly SecurityGroup[]): NftTable {
  const guard = guardParts(nics)
  const ingress = groupParts(nics, groups, 'in', ['jump always'])
  const receivers = new Map([...ingress.chainOf].map(([mac, chain]) => [ifnameKey(tapName(mac)), `goto ${chain}`]))
  return {
    family: 'bridge',
    name: 'patchbay',
    sets: new Map([
      ...guard.sets,
      ...ingress.sets,
      ['receivers', { type: 'ifname', data: 'verdict', elements: receivers }],
    ]),
    chains: new Map([...guard.chains, ...BRIDGE_CHAINS, ...ingress.chains]),
  }
}

function inetTable(nics: readonly NicPolicy[], groups: readonly SecurityGroup[], limits: NicLimits): NftTable {
  const egress = groupParts(nics, groups, 'out')
  const senders = new Map([...egress.chainOf].map(([mac, chain]) => [markValue(packetMark(mac)), `goto ${chain}`]))
  return {
    family: 'inet',
    name: 'patchbay',
    sets: new Map([
      ...egress.sets,
      ['senders', { type: 'mark', data: 'verdict', elements: senders }],
      ['zones', { type: 'ifname', data: 'integer', typeof: 'iifname : ct zone', elements: zoneElements(nics) }],
      ['connections', { ...PER_NIC, elements: new Map() }],
      ['fragments', { ...PER_NIC, elements: new Map() }],
    ]),
    chains: new Map([...inetChains(limits), ...egress.chains]),
  }
}

const zoneElements = (nics: readonly NicPolicy[]): Map<string, string> =>
  new Map([...zonesOf(nics)].map(([vni, zone]) => [ifnameKey(bridgeName(vni)), String(zone)]))

/**
 * By VNI, the zone of a network's connections: computed from the VNI, the next free one when two would have the same.
 * 1..65535, because 0 is where everybody else's connections are.
 */
export function zonesOf(nics: readonly NicPolicy[]): Map<number, number> {
  const taken = new Set<number>()
  const vnis = [...new Set(nics.map(({ vni }) => vni))].sort((a, b) => a - b)
  return new Map(
    vnis.map((vni) => {
      let zone = (vni % 65_535) + 1
      while (taken.has(zone)) zone = (zone % 65_535) + 1
      taken.add(zone)
      return [vni, zone]
    }),
  )
}

/**
 * Of all NICs before and after a change those that tell what it changes in the tables: the NICs that it is about, and of
 * the others, for everything that NICs have in common, those that have it too. What the tables of these differ by is what
 * the tables of all do, so a change costs the same whoever else is there.
 */
export function aroundChange(
  before: ReadonlyMap<string, NicPolicy>,
  after: ReadonlyMap<string, NicPolicy>,
): { readonly before: readonly NicPolicy[]; readonly after: readonly NicPolicy[] } {
  const isChanged = ({ mac }: NicPolicy) => before.get(mac) !== after.get(mac)
  const changed = new Set([...before.values(), ...after.values()].filter(isChanged))
  const addresses = new Set([...changed].flatMap((nic) => nic.addresses))
  const told = new Set(changed)
  // The first and the last: where they disagree, as about what is reserved in their network, these are heard.
  const first = new Map<string, NicPolicy>()
  const last = new Map<string, NicPolicy>()
  const profiles = new Set<string>()
  for (const nic of after.values()) {
    if (changed.has(nic)) continue
    const { shared, profile } = textsOf(nic)
    if (!first.has(shared)) first.set(shared, nic)
    last.set(shared, nic)
    profiles.add(profile)
    if (nic.addresses.some((address) => addresses.has(address))) told.add(nic)
  }
  // Other rules are asked from now on: they may name groups that anybody may be in.
  if ([...changed].some((nic) => !profiles.has(textsOf(nic).profile)))
    return { before: [...before.values()], after: [...after.values()] }
  for (const nic of [...first.values(), ...last.values()]) told.add(nic)
  const only = (nics: ReadonlyMap<string, NicPolicy>) => [...nics.values()].filter((nic) => told.has(nic))
  return { before: only(before), after: only(after) }
}

interface NicTexts {
  /** What chooses the rules that are asked about it. */
  readonly profile: string
  /** All that makes something in the tables which is not named by the NIC or by an address of its own. */
  readonly shared: string
}

const nicTexts = new WeakMap<NicPolicy, NicTexts>()

function textsOf(nic: NicPolicy): NicTexts {
  const known = nicTexts.get(nic)
  if (known) return known
  const { vni, scope, bridged, addressed, reserved, groupIds } = nic
  const profile = JSON.stringify([scope, groupIds])
  const texts = { profile, shared: JSON.stringify([profile, vni, bridged, addressed, reserved]) }
  nicTexts.set(nic, texts)
  return texts
}
