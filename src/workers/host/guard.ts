/**
 * The guard: what may enter a bridge by a port, frame by frame, without memory. It stands before everything else that
 * looks at frames, and it marks each frame with the NIC that it came from, for the security groups.
 *
 * - It is fail-closed: from a tap that it does not know nothing passes, nor to one.
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

/**
 * Mark of the packets of a NIC: the last four bytes of its MAC.
 * @returns 1..2^32-1.
 * @throws {RangeError} for 52:54:00:00:00:00, because 0 marks packets that are of no NIC.
 */
export function packetMark(mac: string): number {
  const mark = Number.parseInt(tapName(mac).slice('tap'.length), 16)
  if (mark === 0) throw new RangeError(`NIC ${mac} cannot be filtered: its packets would have no mark`)
  return mark
}

/** Before connection tracking and everything else of a bridge. */
const PREROUTING: NftHook = { type: 'filter', hook: 'prerouting', priority: -300, policy: 'accept' }
/** Before the hook that hands frames to the filters of IP (-1), which see our mark. */
const FORWARD: NftHook = { type: 'filter', hook: 'forward', priority: -200, policy: 'accept' }

const DHCP_REPLY = 'udp sport . udp dport { 67 . 68, 547 . 546 }'
const DHCP_REQUEST = 'udp sport . udp dport { 68 . 67, 546 . 547 }'
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
      ],
      PREROUTING,
    ),
  ],
  // The source is its own; is it something that only a server says? What comes to the end could not be read.
  [
    'right_source4',
    nftChain([
      'meta l4proto != udp accept',
      'udp sport != 67 accept',
      // Not the first fragment: nothing to be read, and useless without the first one.
      'ip frag-off & 0x1fff != 0 accept',
      'drop',
    ]),
  ],
  [
    'right_source6',
    nftChain(['meta l4proto tcp accept', 'icmpv6 type nd-neighbor-advert goto advertisement', 'goto harmless6']),
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
  ['advertisement', nftChain(['iifname . @th,64,128 @targets accept', 'iifname vmap @wide_targets', 'drop'])],
  // Source not among the addresses of the NIC: what a guest says before it has one, and ARP.
  [
    'addressed',
    nftChain([
      'ether type != { ip, ip6, arp } drop',
      'iifname . ether saddr != @macs drop',
      SET_MARK,
      `${WELL_FORMED_ARP} iifname . ether saddr . arp saddr ether . arp saddr ip @senders accept`,
      'ip saddr 0.0.0.0 udp sport 68 udp dport 67 accept',
      'ip6 saddr :: icmpv6 type { nd-neighbor-solicit, nd-router-solicit, mld-listener-report, mld2-listener-report } accept',
      'drop',
    ]),
  ],
  // A NIC in a network whose addresses we do not give out.
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
  // From here on the mark is that of the NIC which the frame goes to. No mark: no security group is asked.
  [
    'forward',
    nftChain(
      [
        'meta mark set 0',
        'meta mark set oifname map @marks',
        'meta mark 0 goto to_others',
        'iifname "bp-*" jump from_segment',
        'meta l4proto != udp accept',
        // Whoever may not be a server did not get this far.
        `${DHCP_REPLY} meta mark set 0`,
      ],
      FORWARD,
    ),
  ],
  // A bridged network and the segment that it is joined to: where we give out the addresses, its guests and its servers
  // do not hear of each other. Nor do our server and theirs, but for ARP: that is how we ask whether an address is taken.
  [
    'from_segment',
    nftChain([
      'iifname @open_segments return',
      `${DHCP_REPLY} drop`,
      'icmpv6 type { nd-router-advert, nd-redirect } drop',
    ]),
  ],
  [
    'to_others',
    nftChain([
      'oifname "tap*" drop',
      'iifname "bp-*" oifname "gw-*" ether type != arp drop',
      'iifname "gw-*" oifname "bp-*" ether type != arp drop',
      `oifname "bp-*" oifname != @open_segments ${DHCP_REQUEST} drop`,
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
  // Ports to segments whose own DHCP servers and routers are for our guests too: we give out no addresses there.
  open_segments: { type: 'ifname' },
}

/** What one NIC adds to the table. */
interface NicParts {
  /** Set, key and value. */
  readonly elements: (readonly [set: string, key: string, value: string])[]
  readonly chains: (readonly [name: string, chain: NftChain])[]
}

/** By NIC, because of a thousand NICs usually one has changed. */
const known = new WeakMap<NicPolicy, NicParts>()

/** The guard's table for these NICs. */
export function guardTable(nics: readonly NicPolicy[]): NftTable {
  const elements = new Map(Object.keys(SETS).map((name) => [name, new Map<string, string>()]))
  const chains = new Map(CHAINS)
  for (const nic of nics) {
    const parts = known.get(nic) ?? partsOf(nic)
    known.set(nic, parts)
    for (const [set, key, value] of parts.elements) elements.get(set)?.set(key, value)
    for (const [name, chain] of parts.chains) chains.set(name, chain)
  }
  const addressed = new Set(nics.filter(({ addresses }) => addresses.length > 0).map(({ vni }) => vni))
  for (const vni of new Set(nics.map((nic) => nic.vni))) {
    if (!addressed.has(vni)) elements.get('open_segments')?.set(ifnameKey(bridgedPortNames(vni).inside), '')
  }
  const sets = new Map(
    Object.entries(SETS).map(([name, set]) => [name, { ...set, elements: elements.get(name) ?? new Map() }]),
  )
  return { family: 'bridge', name: 'patchbay', sets, chains }
}

function partsOf(nic: NicPolicy): NicParts {
  const tap = ifnameKey(tapName(nic.mac))
  const mark = markValue(packetMark(nic.mac))
  const parts: NicParts = { elements: [['marks', tap, mark]], chains: [] }
  const add = (set: string, key: string, value = '') => parts.elements.push([set, key, value])
  if (!nic.antiSpoofing) {
    add('guests', tap, 'goto unguarded')
    return parts
  }
  const pairs = nic.allowedPairs.map(({ address, mac = nic.mac }) => ({ mac, cidr: parseCidr(address) }))
  for (const mac of [nic.mac, ...pairs.map((pair) => pair.mac)]) add('macs', `${tap} . ${mac}`)
  if (nic.addresses.length === 0) {
    add('guests', tap, 'goto unaddressed')
    return parts
  }

  const own = [...nic.addresses, linkLocalOf(nic.mac)].map((address) => ({ mac: nic.mac, cidr: parseCidr(address) }))
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
  // A probe: whoever asks whether an address is free says nothing of its own.
  add('senders', `${tap} . ${nic.mac} . ${nic.mac} . 0.0.0.0`)
  const blocks = pairs.filter(({ cidr }) => !cidr.isHost)
  add('guests', tap, blocks.length === 0 ? 'goto addressed' : `goto ${addSourceChain(parts, nic, blocks)}`)
  return parts
}

interface Block {
  readonly mac: string
  readonly cidr: Cidr
}

/** For a NIC that may use whole blocks: it has chains of its own. Gives the name of the one for its frames. */
function addSourceChain({ elements, chains }: NicParts, nic: NicPolicy, blocks: readonly Block[]): string {
  const tap = tapName(nic.mac)
  const sources = blocks.flatMap(({ mac, cidr }) =>
    cidr.version === 6
      ? [`ether type ip6 ether saddr ${mac} ip6 saddr ${cidr.text} ${SET_MARK} goto right_source6`]
      : [
          `ether type ip ether saddr ${mac} ip saddr ${cidr.text} ${SET_MARK} goto right_source4`,
          `${WELL_FORMED_ARP} ether saddr ${mac} arp saddr ether ${mac} arp saddr ip ${cidr.text} accept`,
        ],
  )
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
