/**
 * The guard: what may come in by a port of a bridge, frame by frame, without memory. It stands before everything else
 * that looks at frames, and it marks each frame with the NIC that it came from, for the security groups.
 *
 * - It is fail-closed: from a tap that it does not know nothing passes.
 * - Where it forbids some contents (to be a DHCP server), it lets pass what it could read and found harmless. What is
 *   too short or too deeply nested to be read is dropped, so that fragments are no way round it.
 * - The common case, a frame with its right MAC and source address, takes one look-up.
 *
 * `ether type` is what stands in the frame, also where the kernel has put a VLAN tag aside. Without it, nft asks for
 * `meta protocol` before it looks at `ip` and `ip6`, which would be the protocol inside the tag.
 */
import { bitsOf, type Cidr, canonicalAddress, linkLocalOf, maskOf, parseCidr } from './addresses.ts'
import { bridgedPortNames, tapName } from './names.ts'
import { ifnameKey, markValue, type NftChain, type NftHook, type NftSet, type NftTable, nftChain } from './nft.ts'
import type { NicPolicy } from './specs.ts'

/** Mark of packets of connections that stand: no NIC's, see `filters.ts`. */
export const ESTABLISHED_MARK = 0xffff_ffff

/**
 * Mark of the packets of a NIC: the last four bytes of its MAC.
 * @returns 1..2^32-2.
 * @throws {RangeError} for 52:54:00:00:00:00 and 52:54:ff:ff:ff:ff: 0 marks packets of no NIC, the other one those of
 *   connections that stand.
 */
export function packetMark(mac: string): number {
  const mark = Number.parseInt(tapName(mac).slice('tap'.length), 16)
  if (mark === 0 || mark === ESTABLISHED_MARK) throw new RangeError(`packets of NIC ${mac} cannot be told from others`)
  return mark
}

/** Before connection tracking and everything else of a bridge. */
const PREROUTING: NftHook = { type: 'filter', hook: 'prerouting', priority: -300, policy: 'accept' }

/** Source addresses that a NIC without anti-spoofing may have at once: as long as a bridge remembers them (300 s). */
const UNGUARDED_STATIONS = { size: 256, timeoutSeconds: 300 }

const WELL_FORMED_ARP = 'arp htype 1 arp hlen 6 arp plen 4'
const SET_MARK = 'meta mark set iifname map @marks'

const CHAINS: ReadonlyMap<string, NftChain> = new Map([
  [
    'prerouting',
    nftChain(
      [
        'meta mark set 0',
        'ether type ip meta mark set iifname . ether saddr . ip saddr map @sources4',
        'meta mark != 0 goto right_source4',
        'ether type ip6 meta mark set iifname . ether saddr . ip6 saddr map @sources6',
        'meta mark != 0 goto right_source6',
        'iifname vmap @guests',
        'iifname "tap*" drop',
        'iifname "bp-*" goto from_outside',
      ],
      PREROUTING,
    ),
  ],
  // The source is its own; is it something that only a server says? What comes to the end could not be read.
  [
    'right_source4',
    nftChain([
      'meta l4proto != udp accept',
      'udp dport 67 goto dhcp_client',
      'udp sport != 67 accept',
      // Not the first fragment: nothing to be read, and useless without the first one.
      'ip frag-off & 0x1fff != 0 accept',
      'drop',
    ]),
  ],
  [
    'right_source6',
    nftChain(['meta l4proto tcp accept', 'icmpv6 type nd-neighbor-advert goto own_target', 'goto harmless6']),
  ],
  [
    'harmless6',
    nftChain([
      'meta l4proto != { udp, ipv6-icmp } accept',
      'udp sport != 547 accept',
      'icmpv6 type != { nd-router-advert, nd-redirect } accept',
      'frag frag-off != 0 accept',
      'drop',
    ]),
  ],
  // The hardware address that DHCP goes by is one of its own: else it could give back, or use up, what is another's.
  ['dhcp_client', nftChain(['iifname . @th,288,48 @clients accept', 'drop'])],
  // A neighbour message is about an address of its own.
  ['own_target', nftChain(['iifname . @th,64,128 @targets accept', 'iifname vmap @wide_targets', 'drop'])],
  // Source not among the addresses of the NIC: what a guest says before it has one, and ARP.
  [
    'addressed',
    nftChain([
      'ether type != { ip, ip6, arp } drop',
      'iifname . ether saddr != @macs drop',
      SET_MARK,
      `${WELL_FORMED_ARP} iifname . ether saddr . arp saddr ether . arp saddr ip @senders accept`,
      // Whoever asks whether an address is free may ask for its own: those who use it would give up another.
      `${WELL_FORMED_ARP} arp saddr ip 0.0.0.0 iifname . ether saddr . arp saddr ether . arp daddr ip @senders accept`,
      'ip saddr 0.0.0.0 udp sport 68 udp dport 67 goto dhcp_client',
      'ip6 saddr :: icmpv6 type nd-neighbor-solicit goto own_target',
      'ip6 saddr :: icmpv6 type { nd-router-solicit, mld-listener-report, mld2-listener-report } accept',
      'drop',
    ]),
  ],
  // A NIC in a network whose addresses we do not give out. One without address in another network is `addressed`.
  [
    'unaddressed',
    nftChain([
      'ether type != { ip, ip6, arp } drop',
      'iifname . ether saddr != @macs drop',
      SET_MARK,
      'iifname . arp saddr ether != @macs drop',
      'ether type arp accept',
      'ether type ip goto right_source4',
      'goto harmless6',
    ]),
  ],
  // Anti-spoofing is off. Frames that security groups cannot see still do not pass.
  ['unguarded', nftChain(['ether type != { ip, ip6, arp } drop', SET_MARK])],
  // From the segment of a bridged network: a machine there is none of our NICs.
  [
    'from_outside',
    nftChain([
      'iifname . ether saddr @claimed_macs drop',
      'ether type ip iifname . ip saddr @claimed4 drop',
      'ether type ip6 iifname . ip6 saddr @claimed6 drop',
      'icmpv6 type nd-neighbor-advert iifname . @th,64,128 @claimed_targets drop',
      'ether type != arp accept',
      'arp htype != 1 drop',
      'iifname . arp saddr ip @claimed4 drop',
    ]),
  ],
])

/** Its sets and maps. */
const SETS: Readonly<Record<string, Omit<NftSet, 'elements'>>> = {
  // Every NIC: the mark of its packets, and the chain of those that have not passed at first sight.
  marks: { type: 'ifname', data: 'mark' },
  guests: { type: 'ifname', data: 'verdict' },
  // What a NIC may use as source: MAC; MAC and address; MAC, MAC inside ARP, and address inside ARP.
  macs: { type: 'ifname . ether_addr' },
  sources4: { type: 'ifname . ether_addr . ipv4_addr', data: 'mark' },
  sources6: { type: 'ifname . ether_addr . ipv6_addr', data: 'mark' },
  senders: { type: 'ifname . ether_addr . ether_addr . ipv4_addr' },
  // Addresses of which a NIC may say that they are at its MAC; whole blocks have a chain.
  targets: { type: 'ifname . integer', typeof: 'iifname . @th,64,128' },
  wide_targets: { type: 'ifname', data: 'verdict' },
  // Hardware addresses that a DHCP client may have.
  clients: { type: 'ifname . integer', typeof: 'iifname . @th,288,48' },
  // NICs that get packets of connections that stand wherever these go to: they forward, or we do not know what is theirs.
  forwarders: { type: 'ifname' },
  // By port to a segment, what nobody there may say that it is.
  claimed_macs: { type: 'ifname . ether_addr' },
  claimed4: { type: 'ifname . ipv4_addr' },
  claimed6: { type: 'ifname . ipv6_addr' },
  claimed_targets: { type: 'ifname . integer', typeof: 'iifname . @th,64,128' },
  // Ports to segments whose own DHCP servers and routers are for our guests too: we give out no addresses there.
  open_segments: { type: 'ifname' },
}

/** What one NIC adds to them. */
interface NicParts {
  /** Set, key and value. */
  readonly elements: (readonly [set: string, key: string, value: string])[]
  readonly chains: (readonly [name: string, chain: NftChain])[]
  /** Sets of its own that rules fill, and of its network. */
  readonly sets: (readonly [name: string, set: NftSet])[]
}

/** By NIC, because of a thousand NICs usually one has changed. */
const known = new WeakMap<NicPolicy, NicParts>()

/** The guard of these NICs: its part of a table. */
export function guardParts(nics: readonly NicPolicy[]): Pick<NftTable, 'sets' | 'chains'> {
  const elements = new Map(Object.keys(SETS).map((name) => [name, new Map<string, string>()]))
  const chains = new Map(CHAINS)
  const ownSets = new Map<string, NftSet>()
  for (const nic of nics) {
    const parts = known.get(nic) ?? partsOf(nic)
    known.set(nic, parts)
    for (const [set, key, value] of parts.elements) elements.get(set)?.set(key, value)
    for (const [name, chain] of parts.chains) chains.set(name, chain)
    for (const [name, set] of parts.sets) ownSets.set(name, set)
  }
  const addressed = new Set(nics.filter((nic) => nic.addressed).map(({ vni }) => vni))
  for (const vni of new Set(nics.map((nic) => nic.vni))) {
    if (!addressed.has(vni)) elements.get('open_segments')?.set(ifnameKey(bridgedPortNames(vni).inside), '')
  }
  const sets = Object.entries(SETS).map(
    ([name, set]) => [name, { ...set, elements: elements.get(name) ?? new Map<string, string>() }] as const,
  )
  return { sets: new Map<string, NftSet>([...sets, ...ownSets]), chains }
}

function partsOf(nic: NicPolicy): NicParts {
  const tap = ifnameKey(tapName(nic.mac))
  const mark = markValue(packetMark(nic.mac))
  const parts: NicParts = { elements: [['marks', tap, mark]], chains: [], sets: [] }
  const add = (set: string, key: string, value = '') => parts.elements.push([set, key, value])
  addClaims(parts, nic)
  if (!nic.antiSpoofing) {
    add('guests', tap, `goto ${addUnguardedChain(parts, tapName(nic.mac))}`)
    add('forwarders', tap)
    return parts
  }
  const pairs = nic.allowedPairs.map(({ address, mac = nic.mac }) => ({ mac, cidr: parseCidr(address) }))
  for (const mac of [nic.mac, ...pairs.map((pair) => pair.mac)]) {
    add('macs', `${tap} . ${mac}`)
    add('clients', `${tap} . ${Number.parseInt(mac.replaceAll(':', ''), 16)}`)
  }
  if (!nic.addressed) {
    add('guests', tap, 'goto unaddressed')
    add('forwarders', tap)
    return parts
  }

  const own = ownAddresses(nic).map((cidr) => ({ mac: nic.mac, cidr }))
  for (const { mac, cidr } of [...own, ...pairs.filter(({ cidr }) => cidr.isHost)]) {
    const address = canonicalAddress(cidr.address)
    if (cidr.version === 6) {
      add('sources6', `${tap} . ${mac} . ${address}`, mark)
      add('targets', `${tap} . ${hex(bitsOf(address))}`)
    } else {
      add('sources4', `${tap} . ${mac} . ${address}`, mark)
      add('senders', `${tap} . ${mac} . ${mac} . ${address}`)
    }
  }
  const blocks = pairs.filter(({ cidr }) => !cidr.isHost)
  const isWide = blocks.length > 0 || nic.reserved.length > 0
  if (isWide) add('forwarders', tap)
  add('guests', tap, isWide ? `goto ${addSourceChain(parts, nic, blocks)}` : 'goto addressed')
  return parts
}

const ownAddresses = (nic: NicPolicy): Cidr[] =>
  [...nic.addresses, ...(nic.addressed ? [linkLocalOf(nic.mac)] : [])].map(parseCidr)

/** What the segment of a bridged network may not say that it is. */
function addClaims({ elements }: NicParts, nic: NicPolicy): void {
  if (!nic.bridged) return
  const port = ifnameKey(bridgedPortNames(nic.vni).inside)
  const add = (set: string, key: string) => elements.push([set, `${port} . ${key}`, ''])
  add('claimed_macs', nic.mac)
  for (const address of nic.reserved) add('claimed4', address)
  for (const cidr of ownAddresses(nic)) {
    const address = canonicalAddress(cidr.address)
    add(cidr.version === 6 ? 'claimed6' : 'claimed4', address)
    if (cidr.version === 6) add('claimed_targets', hex(bitsOf(address)))
  }
}

/** For a NIC without anti-spoofing: a bridge remembers each source, so one NIC may not have any number of them. */
function addUnguardedChain({ sets, chains }: NicParts, tap: string): string {
  sets.push([`stations_${tap}`, { type: 'ether_addr', dynamic: UNGUARDED_STATIONS, elements: new Map() }])
  chains.push([`unguarded_${tap}`, nftChain([`update @stations_${tap} { ether saddr } goto unguarded`, 'drop'])])
  return `unguarded_${tap}`
}

interface Block {
  readonly mac: string
  readonly cidr: Cidr
}

/** The set of a network's reserved addresses: its NICs without address share it. */
const reservedSet = (vni: number): string => `reserved_${vni.toString(16)}`

/** What lets pass what has one of these addresses of IPv4: a block, or a set. */
const fromAny4 = (mac: string, addresses: string): string[] => [
  `ether type ip ether saddr ${mac} ip saddr ${addresses} ${SET_MARK} goto right_source4`,
  `${WELL_FORMED_ARP} ether saddr ${mac} arp saddr ether ${mac} arp saddr ip ${addresses} accept`,
  `${WELL_FORMED_ARP} ether saddr ${mac} arp saddr ether ${mac} arp saddr ip 0.0.0.0 arp daddr ip ${addresses} accept`,
]

/**
 * For a NIC that may use whole blocks, or the reserved addresses of its network: it has chains of its own. Gives the name
 * of the one for its frames.
 */
function addSourceChain({ elements, chains, sets }: NicParts, nic: NicPolicy, blocks: readonly Block[]): string {
  const tap = tapName(nic.mac)
  const sources = blocks.flatMap(({ mac, cidr }) =>
    cidr.version === 6
      ? [`ether type ip6 ether saddr ${mac} ip6 saddr ${cidr.text} ${SET_MARK} goto right_source6`]
      : fromAny4(mac, cidr.text),
  )
  if (nic.reserved.length > 0) {
    const elementsOfSet = new Map(nic.reserved.map((address) => [address, '']))
    sets.push([reservedSet(nic.vni), { type: 'ipv4_addr', elements: elementsOfSet }])
    sources.push(...fromAny4(nic.mac, `@${reservedSet(nic.vni)}`))
  }
  chains.push([`source_${tap}`, nftChain([...sources, 'goto addressed'])])
  const targets = blocks
    .filter(({ cidr }) => cidr.version === 6)
    .map(({ cidr }) => `@th,64,128 & ${hex(maskOf(cidr))} == ${hex(bitsOf(cidr.address) & maskOf(cidr))} accept`)
  if (targets.length > 0) {
    chains.push([`target_${tap}`, nftChain(targets)])
    elements.push(['wide_targets', ifnameKey(tap), `jump target_${tap}`])
  }
  return `source_${tap}`
}

const hex = (value: bigint): string => `0x${value.toString(16)}`
