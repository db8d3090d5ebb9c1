/**
 * Address translation and filter of a VPC's router: table `inet patchbay` in its namespace. Without elastic IPs it is
 * no more than a filter between the VPC's networks, which remembers no connections.
 *
 * - A router that is switched off keeps its sets, so that what it stands for is the same when it is on again.
 * - DHCP stays in its network: what hosts take from their own server must not come from another network or from outside.
 * - An elastic IP of a NIC stands for the NIC, 1:1, in both directions and for all protocols.
 * - One of the VPC itself stands for its forwarded ports, and with source NAT for every address without one of its own.
 *   With several, the lowest is what the world sees.
 * - Guests of the VPC reach its elastic IPs too. They are then seen with their own elastic IP, or the gateway's address:
 *   an answer that went to the caller directly, past the translation, would not be recognised.
 * - What leaves by a segment has an elastic IP of this segment for its source, or does not leave. What comes in has none
 *   of the VPC's addresses for its source.
 *
 * A connection keeps the translation it began with. So when an elastic IP or a port gets another meaning, what is left of
 * the old one has to be forgotten, after the new rules are in force. What is still to be forgotten stands in the set
 * `stale` of the table itself, written in the same transaction: a crash in between loses nothing.
 */
import { forgetAllConnections, forgetConnections } from './connection-tracking.ts'
import { applyNft, diffTables, ifnameKey, markValue, type NftSet, type NftTable, nftChain, readTable } from './nft.ts'
import { byText, type Segment } from './segments.ts'
import type { RouterSpec } from './specs.ts'

const FAMILY = 'inet'
const TABLE = 'patchbay'

/** Reads a router's table. */
export const readRouterTable = (router: string): Promise<NftTable | undefined> => readTable(router, FAMILY, TABLE)

const set = (type: string, elements: readonly string[]): NftSet => ({
  type,
  elements: new Map(elements.map((key) => [key, ''])),
})
const map = (type: string, data: string, elements: readonly (readonly [string, string])[]): NftSet => ({
  type,
  data,
  elements: new Map(elements),
})

/**
 * The table that a router is to have.
 * @param segments - of `spec`.
 */
export function routerTable(spec: RouterSpec, segments: readonly Segment[]): NftTable {
  const table = segments.length === 0 ? tableBetweenNetworks : tableWithElasticIps(spec, segments)
  return spec.routing ? table : { ...table, chains: new Map([...table.chains, ...SWITCHED_OFF]) }
}

function tableWithElasticIps(spec: RouterSpec, segments: readonly Segment[]): NftTable {
  const elasticIps = segments.flatMap((segment) => segment.elasticIps.map((elasticIp) => ({ ...elasticIp, segment })))
  const own = elasticIps.filter(({ nicAddress }) => nicAddress === undefined)
  // From the highest to the lowest, so that of two elastic IPs of one NIC the lowest is what the world sees.
  const ofNics = elasticIps
    .filter((elasticIp) => elasticIp.nicAddress !== undefined)
    .map((elasticIp) => ({ ...elasticIp, nicAddress: elasticIp.nicAddress as string }))
    .sort((a, b) => byText(b.address, a.address))
  const sets: [string, NftSet][] = [
    [
      'own',
      set(
        'ipv4_addr',
        own.map(({ address }) => address),
      ),
    ],
    [
      'elastic_ips',
      set(
        'ifname . ipv4_addr',
        elasticIps.map(({ address, segment }) => `${ifnameKey(segment.link)} . ${address}`),
      ),
    ],
    [
      'nics',
      set(
        'ipv4_addr',
        ofNics.map(({ nicAddress }) => nicAddress),
      ),
    ],
    [
      'nic_of',
      map(
        'ipv4_addr',
        'ipv4_addr',
        ofNics.map(({ address, nicAddress }) => [address, nicAddress]),
      ),
    ],
    [
      'elastic_ip_of',
      map(
        'ipv4_addr',
        'ipv4_addr',
        ofNics.map(({ address, nicAddress }) => [nicAddress, address]),
      ),
    ],
    [
      'mark_of_nic',
      map(
        'ipv4_addr',
        'mark',
        ofNics.map(({ nicAddress, segment }) => [nicAddress, markValue(segment.number)]),
      ),
    ],
    [
      'mark_of_link',
      map(
        'ifname',
        'mark',
        segments.map(({ link, number }) => [ifnameKey(link), markValue(number)]),
      ),
    ],
    [
      'forwardings',
      map(
        'ipv4_addr . inet_proto . inet_service',
        'ipv4_addr . inet_service',
        own.flatMap(({ address }) =>
          spec.portForwardings.map(({ protocol, port, address: target, targetPort }) => [
            `${address} . ${protocol} . ${port}`,
            `${target} . ${targetPort}`,
          ]),
        ),
      ),
    ],
    ['stale', set('ipv4_addr . inet_proto . inet_service', [])],
  ]
  return { family: FAMILY, name: TABLE, sets: new Map(sets), chains: new Map(chains(spec, own[0])) }
}

/** Ports of DHCP, source and destination, of servers and of clients. */
const DHCP = '{ 67 . 68, 68 . 67, 546 . 547, 547 . 546 }'

/**
 * What is passed on.
 * @param more - rules for what does not go from one network to another.
 */
function chainsBetweenNetworks(more: readonly string[]) {
  return [
    [
      'routed',
      nftChain([`udp sport . udp dport ${DHCP} drop`, 'iifname "net-*" oifname "net-*" goto between', ...more], {
        type: 'filter',
        hook: 'forward',
        priority: 0,
        policy: 'drop',
      }),
    ],
    // A fragment is passed on as it came. Of one that is the first, the ports must be there to be read.
    [
      'between',
      nftChain([
        'meta l4proto != udp accept',
        `udp sport . udp dport != ${DHCP} accept`,
        'ip frag-off & 0x1fff != 0 accept',
        'frag frag-off != 0 accept',
        'drop',
      ]),
    ],
  ] as const
}

const tableBetweenNetworks: NftTable = {
  family: FAMILY,
  name: TABLE,
  sets: new Map(),
  chains: new Map(chainsBetweenNetworks([])),
}

/**
 * What a router that is off has instead: it passes nothing on, and takes in nothing but what keeps guests of one network
 * together: DHCP, questions to its name server, and whatever IPv6 needs for these.
 */
const SWITCHED_OFF = [
  [
    'off',
    nftChain(
      [
        'iifname "lo" accept',
        'udp dport { 53, 67, 547 } accept',
        'tcp dport 53 accept',
        'icmpv6 type { nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert } accept',
      ],
      { type: 'filter', hook: 'prerouting', priority: -310, policy: 'drop' },
    ),
  ],
  ['routed', nftChain([], { type: 'filter', hook: 'forward', priority: 0, policy: 'drop' })],
] as const

function chains({ cidr, sourceNat }: RouterSpec, own: { address: string; segment: Segment } | undefined) {
  const hairpin = `oifname "net-*" ct status dnat ip saddr ${cidr}`
  const accept = 'accept' as const
  return [
    // Before connection tracking: it is no packet of a connection either.
    [
      'from_outside',
      nftChain([`iifname "ext-*" ip saddr ${cidr} drop`], {
        type: 'filter',
        hook: 'prerouting',
        priority: -300,
        policy: accept,
      }),
    ],
    [
      'segment',
      nftChain(
        [
          'iifname "ext-*" ct state new ct mark set iifname map @mark_of_link',
          ...(own ? [`iifname "net-*" ct state new ct mark set ${markValue(own.segment.number)}`] : []),
          'iifname "net-*" ct state new ct mark set ip saddr map @mark_of_nic',
          'iifname "net-*" meta mark set ct mark',
        ],
        { type: 'filter', hook: 'prerouting', priority: -150, policy: accept },
      ),
    ],
    [
      'inwards',
      nftChain(['dnat ip to ip daddr map @nic_of', 'dnat ip to ip daddr . meta l4proto . th dport map @forwardings'], {
        type: 'nat',
        hook: 'prerouting',
        priority: -100,
        policy: accept,
      }),
    ],
    [
      'outwards',
      nftChain(
        [
          'oifname "ext-*" snat ip to ip saddr map @elastic_ip_of',
          ...(own && sourceNat ? [`oifname "ext-*" ip saddr ${cidr} snat ip to ${own.address}`] : []),
          `${hairpin} snat ip to ip saddr map @elastic_ip_of`,
          `${hairpin} masquerade`,
        ],
        { type: 'nat', hook: 'postrouting', priority: 100, policy: accept },
      ),
    ],
    ...chainsBetweenNetworks([
      'iifname "ext-*" oifname "net-*" ct state established,related accept',
      'iifname "ext-*" oifname "net-*" ct status dnat accept',
      'iifname "net-*" oifname "ext-*" ct direction reply accept',
      'iifname "net-*" oifname "ext-*" ip saddr @nics accept',
      // Ends what goes out when it is switched off, for it is looked at for every packet.
      ...(sourceNat ? [`iifname "net-*" oifname "ext-*" ip saddr ${cidr} accept`] : []),
    ]),
    [
      'leaving',
      nftChain(['oifname "ext-*" meta nfproto ipv6 drop', 'oifname "ext-*" oifname . ip saddr != @elastic_ips drop'], {
        type: 'filter',
        hook: 'postrouting',
        priority: 150,
        policy: accept,
      }),
    ],
    [
      'to_router',
      nftChain(
        [
          'iifname != "ext-*" accept',
          'ct state established,related accept',
          'icmp type echo-request ip daddr @own accept',
        ],
        { type: 'filter', hook: 'input', priority: 0, policy: 'drop' },
      ),
    ],
  ] as const
}

/** What each elastic IP and each forwarded port stands for; keys as elements of `stale`. */
function meanings(table: NftTable): Map<string, string> {
  const elements = (name: string) => [...(table.sets.get(name)?.elements ?? [])]
  return new Map([
    ...elements('own').map(([address]) => [`${address} . ip . 0`, 'own'] as const),
    ...elements('nic_of').map(([address, nic]) => [`${address} . ip . 0`, nic] as const),
    ...elements('forwardings'),
  ])
}

/**
 * What is to be forgotten when `want` takes the place of `have`: elements of `stale`. Those that had no meaning here
 * are among them, for a guest may have talked to them while they were somewhere else.
 */
export function staleElements(want: NftTable, have: NftTable): string[] {
  const [after, before] = [meanings(want), meanings(have)]
  const changed = [...before.keys(), ...after.keys()].filter((key) => before.get(key) !== after.get(key))
  return [...new Set([...(have.sets.get('stale')?.elements.keys() ?? []), ...changed])].sort(byText)
}

/**
 * Brings a router's table to what is wanted. Connections live on, but for those of elastic IPs and forwarded ports that
 * stand for something else now.
 * @param have - as it stands; without one nothing is forgotten: there was no translation, or somebody deleted the table.
 * @throws {HostCommandError} with nft's own words when it refuses; the former rules are in force then.
 */
export async function ensureTranslation(router: string, want: NftTable, have: NftTable | undefined): Promise<void> {
  const stale = have ? staleElements(want, have) : []
  const remembering: NftTable = {
    ...want,
    sets: new Map([...want.sets, ['stale', set('ipv4_addr . inet_proto . inet_service', stale)]]),
  }
  await applyNft(router, diffTables(remembering, have))
  if (stale.length === 0) return
  await forgetConnections(router, stale)
  await applyNft(router, diffTables(want, remembering))
}

/**
 * Ends translation, and has the router forget every connection. Nothing may come in from a segment any more.
 * @param want - the table of a router without segments.
 * @param have - as it stands.
 */
export async function endTranslation(router: string, want: NftTable, have: NftTable | undefined): Promise<void> {
  const commands = diffTables(want, have)
  if (commands.length === 0) return
  if (have) await forgetAllConnections(router)
  await applyNft(router, commands)
}
