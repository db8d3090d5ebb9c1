/** What a guest may send: frames that no honest guest sends are sent, and looked for behind the filters. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { linkLocalOf } from '../../src/workers/host/addresses.ts'
import { gatewayPortName, tapName } from '../../src/workers/host/names.ts'
import type { NicPolicy } from '../../src/workers/host/specs.ts'
import {
  aFilterBench,
  aGroup,
  aRule,
  aVni,
  BROADCAST,
  between,
  between6,
  type FilterBench,
  type FilteredGuest,
  passes,
  type Station,
} from './a-policy.ts'
import {
  arp,
  dhcpRequest,
  type Ends,
  ethernet,
  icmp,
  icmpv6,
  inFragments,
  ip,
  neighbourAdvertisement,
  neighbourSolicitation,
  routerAdvertisement,
  tagged,
  tcpSyn,
  udp,
} from './frames.ts'

const OTHER_MAC = '52:54:00:0b:ad:01'
const everybody = (from: Station): Ends => ({
  fromMac: from.mac,
  toMac: BROADCAST,
  from: '172.16.1.254',
  to: '255.255.255.255',
})
const ALL_NODES = { toMac: '33:33:00:00:00:01', to: 'ff02::1' }
/** Security groups are not what is tested here. */
const OPEN = aGroup([aRule()])

describe('the guard', () => {
  let bench: FilterBench
  let a: FilteredGuest
  let b: FilteredGuest
  /** In a network whose addresses we do not give out. */
  let bare: FilteredGuest
  let bareReceiver: FilteredGuest
  /** Anti-spoofing is off. */
  let free: FilteredGuest
  /** May use more than its own. */
  let paired: FilteredGuest

  beforeAll(async () => {
    bench = await aFilterBench()
    const [vni, bareVni] = [aVni(), aVni()]
    const guest = (host: number, overrides: Partial<NicPolicy> = {}) =>
      bench.guest({ vni, host, groupIds: [OPEN.id], ...overrides })
    a = await guest(2)
    b = await guest(3)
    free = await guest(4, { antiSpoofing: false })
    const allowedPairs = [
      { address: '172.16.1.77' },
      { address: '172.16.1.78', mac: OTHER_MAC },
      { address: '192.168.0.0/16' },
      { address: 'fd00::77' },
      { address: 'fd00:1::/64', mac: OTHER_MAC },
      { address: 'fd00:2::/61' },
    ]
    paired = await guest(5, { allowedPairs })
    bare = await guest(6, { vni: bareVni, addresses: [] })
    bareReceiver = await guest(7, { vni: bareVni, addresses: [] })
    await bench.apply(OPEN)
  })
  afterAll(() => bench.dispose())

  const linkLocal = (guest: FilteredGuest) => linkLocalOf(guest.mac)

  describe('lets pass what is a NIC’s own', () => {
    it.each<[string, () => Buffer]>([
      ['IPv4', () => icmp(between(a, b), 8)],
      ['IPv6', () => icmpv6(between6(a, b), 128)],
      ['IPv6 of its link-local address', () => icmpv6(between6(a, b, { from: linkLocal(a) }), 128)],
      ['UDP', () => udp(between(a, b), 5000)],
      ['TCP', () => tcpSyn(between6(a, b), 5000)],
      ['a protocol that nobody knows', () => ip(between(a, b), 253)],
      ['an ARP question', () => arp(between(a, b, { toMac: BROADCAST }))],
      ['an ARP answer', () => arp(between(a, b), { operation: 2 })],
      ['an ARP probe', () => arp(between(a, b, { from: '0.0.0.0', toMac: BROADCAST, to: a.address }))],
      ['gratuitous ARP', () => arp(between(a, b, { toMac: BROADCAST, to: a.address }), { operation: 2 })],
      ['a DHCP request', () => dhcpRequest({ ...everybody(a), from: '0.0.0.0' })],
      ['a neighbour advertisement', () => neighbourAdvertisement(between6(a, b), a.address6)],
      ['one of its link-local address', () => neighbourAdvertisement(between6(a, b), linkLocal(a))],
      [
        'the question whether its address is free',
        () => neighbourSolicitation(between6(a, b, { ...ALL_NODES, from: '::' }), a.address6),
      ],
      [
        'the same of its link-local address',
        () => neighbourSolicitation(between6(a, b, { ...ALL_NODES, from: '::' }), linkLocal(a)),
      ],
      ['the renewal of its lease', () => dhcpRequest(between(a, b))],
    ])('%s', async (_, frame) => {
      expect(await passes(a, b, frame())).toBe(true)
    })

    it('a packet in fragments', async () => {
      expect(await passes(a, b, inFragments(udp(between6(a, b), 5000), 16))).toBe(true)
    })
  })

  describe('drops', () => {
    it.each<[string, () => Buffer]>([
      ['a MAC of another', () => icmp(between(a, b, { fromMac: OTHER_MAC }), 8)],
      ['a MAC of another, in ARP', () => arp(between(a, b, { fromMac: OTHER_MAC }))],
      ['a MAC of another, inside ARP alone', () => arp(between(a, b), { operation: 2, senderMac: OTHER_MAC })],
      ['an IPv4 address of another', () => icmp(between(a, b, { from: '172.16.1.4' }), 8)],
      ['an IPv4 address of nobody', () => udp(between(a, b, { from: '0.0.0.0' }), 5000)],
      ['an IPv6 address of another', () => icmpv6(between6(a, b, { from: 'fd00::4' }), 128)],
      ['a link-local address of another', () => icmpv6(between6(a, b, { from: linkLocal(b) }), 128)],
      ['an IPv6 address of nobody', () => udp(between6(a, b, { from: '::' }), 5000)],
      ['an ARP answer for another', () => arp(between(a, b, { from: '172.16.1.1' }), { operation: 2 })],
      ['gratuitous ARP for another', () => arp(between(a, b, { from: b.address, toMac: BROADCAST, to: b.address }))],
      [
        'the question whether the address of another is free, ARP',
        () => arp(between(a, b, { from: '0.0.0.0', toMac: BROADCAST })),
      ],
      [
        'the question whether the address of another is free, IPv6',
        () => neighbourSolicitation(between6(a, b, { ...ALL_NODES, from: '::' }), b.address6),
      ],
      ['DHCP in the name of another', () => dhcpRequest({ ...everybody(a), from: '0.0.0.0' }, b.mac)],
      ['DHCP in the name of another, from its own address', () => dhcpRequest(between(a, b), b.mac)],
      [
        'the same from another port',
        () => udp(between(a, b), 67, 1068, dhcpRequest(between(a, b), b.mac).subarray(42)),
      ],
      ['a neighbour advertisement for another', () => neighbourAdvertisement(between6(a, b), 'fd00::1')],
      ['a DHCP server', () => udp(between(a, b, { to: '255.255.255.255', toMac: BROADCAST }), 68, 67)],
      ['a DHCPv6 server', () => udp(between6(a, b, { from: linkLocal(a) }), 546, 547)],
      ['a router advertisement', () => routerAdvertisement(between6(a, b, { ...ALL_NODES, from: linkLocal(a) }))],
      ['a redirect', () => icmpv6(between6(a, b, { from: linkLocal(a) }), 137, 0, Buffer.alloc(36, 1))],
      ['a frame in a VLAN', () => tagged(icmp(between(a, b), 8), 5)],
      ['a frame in VLAN 0', () => tagged(icmpv6(between6(a, b), 128), 0)],
      ['ARP in a VLAN', () => tagged(arp(between(a, b)), 5)],
      ['another kind of frame', () => ethernet(a.mac, b.mac, 0x88cc, Buffer.alloc(60, 7))],
    ])('%s', async (_, frame) => {
      expect(await passes(a, b, frame())).toBe(false)
    })

    it.each([8, 16])('a router advertisement in fragments, cut after %i bytes', async (cut) => {
      const frames = inFragments(routerAdvertisement(between6(a, b, { ...ALL_NODES, from: linkLocal(a) })), cut)
      expect(await passes(a, b, frames)).toBe(false)
    })

    it.each([8, 16])('a neighbour advertisement for another in fragments, cut after %i bytes', async (cut) => {
      const frames = inFragments(neighbourAdvertisement(between6(a, b), 'fd00::1'), cut)
      expect(await passes(a, b, frames)).toBe(false)
    })

    it('everything of a tap that it does not know, and everything to it', async () => {
      const unknown = await bench.station(a.nic.vni, tapName('52:54:0f:0f:0f:0f'))
      const toA: Ends = { fromMac: unknown.mac, toMac: a.mac, from: '172.16.1.9', to: a.address }
      expect(await passes(unknown, a, icmp(toA, 8), b)).toBe(false)
      expect(await passes(unknown, a, arp(toA), b)).toBe(false)
      const fromA = arp({ fromMac: a.mac, toMac: BROADCAST, from: a.address, to: '172.16.1.9' })
      expect(await passes(a, b, fromA)).toBe(true)
      expect(unknown.port.hasSeen(fromA)).toBe(false)
    })
  })

  describe('of a NIC with allowed pairs', () => {
    const from = (address: string, fromMac = paired.mac) =>
      (address.includes(':') ? between6 : between)(paired, b, { from: address, fromMac })

    it.each<[string, () => Buffer, boolean]>([
      ['its own address', () => icmp(between(paired, b), 8), true],
      ['the address, IPv4', () => icmp(from('172.16.1.77'), 8), true],
      ['the address, ARP', () => arp(from('172.16.1.77'), { operation: 2 }), true],
      ['the address with its own MAC', () => icmp(from('172.16.1.78', OTHER_MAC), 8), true],
      ['the address with its own MAC, ARP', () => arp(from('172.16.1.78', OTHER_MAC), { operation: 2 }), true],
      ['the address with another MAC', () => icmp(from('172.16.1.78'), 8), false],
      ['its own address with the other MAC', () => icmp(from(paired.address, OTHER_MAC), 8), false],
      ['an address of the block', () => icmp(from('192.168.3.4'), 8), true],
      ['an address of the block, ARP', () => arp(from('192.168.3.4'), { operation: 2 }), true],
      ['an address of the block with another MAC', () => icmp(from('192.168.3.4', OTHER_MAC), 8), false],
      ['an address beside the block', () => icmp(from('192.169.0.1'), 8), false],
      ['an address of the block, as a DHCP server', () => udp(from('192.168.3.4'), 68, 67), false],
      ['the address, IPv6', () => icmpv6(from('fd00::77'), 128), true],
      ['the address, announced', () => neighbourAdvertisement(from('fd00::77'), 'fd00::77'), true],
      ['a probe for an address of the block', () => arp({ ...from('0.0.0.0'), to: '192.168.3.4' }), true],
      ['a probe for an address beside it', () => arp({ ...from('0.0.0.0'), to: '192.169.0.1' }), false],
      ['an IPv6 address of the block', () => icmpv6(from('fd00:1::9', OTHER_MAC), 128), true],
      ['an IPv6 address of the block with another MAC', () => icmpv6(from('fd00:1::9'), 128), false],
      [
        'an IPv6 address of the block, announced',
        () => neighbourAdvertisement(from('fd00:2::9'), 'fd00:2:0:7::1'),
        true,
      ],
      ['an IPv6 address beside it, announced', () => neighbourAdvertisement(from('fd00:2::9'), 'fd00:2:0:8::1'), false],
      ['an address of another NIC, announced', () => neighbourAdvertisement(from('fd00::77'), 'fd00::2'), false],
    ])('%s', async (_, frame, isAllowed) => {
      expect(await passes(paired, b, frame())).toBe(isAllowed)
    })
  })

  describe('of a NIC in a network whose addresses we do not give out', () => {
    it.each<[string, () => Buffer, boolean]>([
      ['any IPv4 address', () => icmp(between(bare, bareReceiver, { from: '10.9.8.7', to: '10.9.8.6' }), 8), true],
      ['any IPv6 address', () => icmpv6(between6(bare, bareReceiver, { from: 'fd09::7', to: 'fd09::6' }), 128), true],
      ['ARP for any address', () => arp(between(bare, bareReceiver, { from: '10.9.8.7', to: '10.9.8.6' })), true],
      ['an advertisement', () => neighbourAdvertisement(between6(bare, bareReceiver), 'fd09::7'), true],
      [
        'another MAC',
        () => icmp(between(bare, bareReceiver, { fromMac: OTHER_MAC, from: '10.9.8.7', to: '10.9.8.6' }), 8),
        false,
      ],
      [
        'another MAC inside ARP',
        () => arp(between(bare, bareReceiver, { from: '10.9.8.7', to: '10.9.8.6' }), { senderMac: OTHER_MAC }),
        false,
      ],
      [
        'DHCP in the name of another',
        () => dhcpRequest(between(bare, bareReceiver, { from: '0.0.0.0', to: '255.255.255.255' }), OTHER_MAC),
        false,
      ],
      ['a DHCP server', () => udp(between(bare, bareReceiver, { from: '10.9.8.7', to: '10.9.8.6' }), 68, 67), false],
      ['a router advertisement', () => routerAdvertisement(between6(bare, bareReceiver, ALL_NODES)), false],
      [
        'a frame in a VLAN',
        () => tagged(arp(between(bare, bareReceiver, { from: '10.9.8.7', to: '10.9.8.6' })), 5),
        false,
      ],
    ])('%s', async (_, frame, isAllowed) => {
      expect(await passes(bare, bareReceiver, frame())).toBe(isAllowed)
    })
  })

  describe('of a NIC without anti-spoofing', () => {
    it.each<[string, () => Buffer, boolean]>([
      ['DHCP in the name of another', () => dhcpRequest(between(free, b), b.mac), true],
      ['another MAC and address', () => icmp(between(free, b, { fromMac: OTHER_MAC, from: '10.9.8.7' }), 8), true],
      ['an ARP answer for another', () => arp(between(free, b, { from: '172.16.1.1' }), { operation: 2 }), true],
      ['an advertisement for another', () => neighbourAdvertisement(between6(free, b), 'fd00::1'), true],
      ['a DHCP server', () => udp(between(free, b), 68, 67), true],
      [
        'a router advertisement',
        () => routerAdvertisement(between6(free, b, { ...ALL_NODES, from: linkLocal(free) })),
        true,
      ],
      ['a frame in a VLAN', () => tagged(icmp(between(free, b), 8), 5), false],
      ['another kind of frame', () => ethernet(free.mac, b.mac, 0x88cc, Buffer.alloc(60, 7)), false],
    ])('%s', async (_, frame, isAllowed) => {
      expect(await passes(free, b, frame())).toBe(isAllowed)
    })
  })

  it('a NIC without anti-spoofing has so many hardware addresses, and goes on with those', async () => {
    const many = (group: number) =>
      Array.from({ length: 100 }, (_, index) =>
        arp(between(free, b, { fromMac: `52:54:0c:00:0${group}:${index < 10 ? '0' : ''}${index}` })),
      )
    // As many as the receiver can hold at a time.
    expect(await passes(free, b, many(0))).toBe(true)
    expect(await passes(free, b, many(1))).toBe(true)
    expect(await passes(free, b, many(2))).toBe(false)
    expect(await passes(free, b, many(0).slice(0, 1))).toBe(true)
    expect(await passes(a, b, arp(between(a, b)))).toBe(true)
  })
})

describe('a bridged network', () => {
  let bench: FilterBench
  /** Our gateway or DHCP port, a machine of the segment, a guest: in a network with our DHCP, and in one without. */
  let ours: { gateway: Station; segment: Station; guest: FilteredGuest }
  let theirs: { gateway: Station; segment: Station; guest: FilteredGuest }
  /** In the network with our DHCP; everything may come in. */
  let open: FilteredGuest

  beforeAll(async () => {
    bench = await aFilterBench()
    const closed = aGroup()
    const network = async (overrides: Partial<NicPolicy>) => {
      const vni = aVni()
      return {
        gateway: await bench.station(vni, gatewayPortName(vni)),
        segment: await bench.station(vni, `bp-${vni.toString(16)}`),
        guest: await bench.guest({ vni, groupIds: [closed.id], ...overrides }),
      }
    }
    ours = await network({})
    theirs = await network({ addresses: [] })
    open = await bench.guest({ vni: ours.guest.nic.vni, host: 3, groupIds: [OPEN.id] })
    await bench.apply(closed, OPEN)
  })
  afterAll(() => bench.dispose())

  const reply = (from: Station) => udp(everybody(from), 68, 67)
  const request = (from: Station) => dhcpRequest({ ...everybody(from), from: '0.0.0.0' })
  const router = (from: Station) =>
    routerAdvertisement({ ...ALL_NODES, fromMac: from.mac, from: linkLocalOf(from.mac) })

  it('with our DHCP, its guests hear our server and our router, though no rule lets them', async () => {
    const { gateway, guest } = ours
    expect(await passes(gateway, guest, reply(gateway))).toBe(true)
    expect(await passes(gateway, guest, router(gateway))).toBe(true)
    expect(await passes(gateway, guest, icmp({ ...everybody(gateway), to: guest.address, toMac: guest.mac }, 8))).toBe(
      false,
    )
  })

  it('with our DHCP, neither server nor router of the segment is heard, and requests do not get there', async () => {
    const { segment, guest } = ours
    expect(await passes(segment, guest, reply(segment))).toBe(false)
    expect(await passes(segment, guest, router(segment))).toBe(false)
    expect(await passes(guest, segment, request(guest))).toBe(false)
    expect(await passes(guest, segment, udp(between(guest, guest, { toMac: segment.mac, to: '172.16.1.9' }), 53))).toBe(
      true,
    )
  })

  it('without our DHCP, server and router of the segment are heard, and requests get there', async () => {
    const { segment, guest } = theirs
    expect(await passes(segment, guest, reply(segment))).toBe(true)
    expect(await passes(segment, guest, router(segment))).toBe(true)
    expect(await passes(guest, segment, request(guest))).toBe(true)
  })

  it('gives its guests nothing of the segment that security groups cannot see', async () => {
    const { segment, guest } = theirs
    const ping = icmp({ fromMac: segment.mac, toMac: guest.mac, from: '10.9.8.7', to: '10.9.8.6' }, 8)
    expect(await passes(segment, guest, ping)).toBe(false)
    expect(await passes(segment, guest, tagged(ping, 5))).toBe(false)
  })

  it.each<[string, () => Buffer]>([
    ['IPv4', () => icmp(between(ours.guest, open, { fromMac: ours.segment.mac }), 8)],
    ['IPv6', () => icmpv6(between6(ours.guest, open, { fromMac: ours.segment.mac }), 128)],
    ['ARP', () => arp(between(ours.guest, open, { fromMac: ours.segment.mac }), { operation: 2 })],
    [
      'a neighbour advertisement',
      () =>
        neighbourAdvertisement(
          between6(ours.guest, open, { fromMac: ours.segment.mac, from: 'fe80::9' }),
          linkLocalOf(ours.guest.mac),
        ),
    ],
    ['its MAC', () => icmp(between(ours.guest, open, { from: '172.16.1.99' }), 8)],
  ])('does not believe a machine of the segment that says it is one of its NICs: %s', async (_, frame) => {
    expect(await passes(ours.segment, open, frame())).toBe(false)
    expect(
      await passes(
        ours.segment,
        open,
        icmp(between(ours.guest, open, { fromMac: ours.segment.mac, from: '172.16.1.99' }), 8),
      ),
    ).toBe(true)
  })

  it('shows its segment nothing of our port but ARP, nor our port anything of the segment', async () => {
    const { gateway, segment, guest } = ours
    expect(await passes(gateway, segment, reply(gateway))).toBe(false)
    expect(await passes(segment, gateway, request(segment))).toBe(false)
    const question = arp({ fromMac: gateway.mac, toMac: BROADCAST, from: '0.0.0.0', to: '172.16.1.9' })
    expect(await passes(gateway, segment, question)).toBe(true)
    expect(await passes(guest, gateway, request(guest))).toBe(true)
  })
})
