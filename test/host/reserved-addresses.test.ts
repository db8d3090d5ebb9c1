/** NICs without address in a network that has some: what they may say, and what reaches them. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { linkLocalOf } from '../../src/workers/host/addresses.ts'
import { holdsWithin } from '../../src/workers/host/run-command.ts'
import { inside } from './a-data-plane.ts'
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
} from './a-policy.ts'
import { arp, dhcpRequest, icmp, icmpv6, neighbourAdvertisement, tcpSyn, udp } from './frames.ts'

const RESERVED = ['172.16.1.50', '172.16.1.51']
const OTHER_MAC = '52:54:00:0b:ad:01'
const OPEN = aGroup([aRule()])

/** One ping from an address. */
const answersOnce = async (from: FilteredGuest, address: string, own: string = from.address) =>
  (await inside(from.netns, 'busybox', 'ping', '-c', '1', '-W', '1', '-I', own, address)).exitCode === 0
/** Pings until there is an answer: a neighbour that was asked for in vain is asked for again after a while. */
const answers = (...ping: Parameters<typeof answersOnce>) => holdsWithin(5_000, 20, () => answersOnce(...ping))

describe('a NIC without address', () => {
  let bench: FilterBench
  let a: FilteredGuest
  /** May use the reserved addresses. */
  let pod: FilteredGuest
  /** The same, on the same network. */
  let pod2: FilteredGuest
  /** In a network without reserved addresses; has IPv6. */
  let mute: FilteredGuest
  let listener: FilteredGuest
  let witness: FilteredGuest

  beforeAll(async () => {
    bench = await aFilterBench()
    const [vni, otherVni] = [aVni(), aVni()]
    const bare = { addresses: [], addressed: true, groupIds: [OPEN.id] }
    a = await bench.guest({ vni, host: 2, groupIds: [OPEN.id] })
    const allowedPairs = [{ address: '172.16.1.77', mac: OTHER_MAC }]
    pod = await bench.guest({ ...bare, vni, reserved: RESERVED, allowedPairs })
    pod2 = await bench.guest({ ...bare, vni, reserved: RESERVED })
    mute = await bench.guest({ ...bare, vni: otherVni, addresses: ['fd00::3'] })
    listener = await bench.guest({ vni: otherVni, host: 4, groupIds: [OPEN.id] })
    witness = await bench.guest({ vni: otherVni, host: 5, groupIds: [OPEN.id] })
    await bench.apply(OPEN)
  })
  afterAll(() => bench.dispose())

  const from = (address: string, fromMac = pod.mac) => between(pod, a, { from: address, fromMac })
  const from6 = (address: string) => between6(pod, a, { from: address })

  it.each<[string, () => Buffer, boolean]>([
    ['a reserved address', () => icmp(from('172.16.1.50'), 8), true],
    ['another reserved address', () => tcpSyn(from('172.16.1.51'), 80), true],
    ['a reserved address, asking by ARP', () => arp({ ...from('172.16.1.51'), toMac: BROADCAST }), true],
    ['a reserved address, answering by ARP', () => arp(from('172.16.1.50'), { operation: 2 }), true],
    [
      'a reserved address, announcing it',
      () => arp({ ...from('172.16.1.50'), to: '172.16.1.50' }, { operation: 2 }),
      true,
    ],
    [
      'whether a reserved address is free',
      () => arp({ ...from('0.0.0.0'), toMac: BROADCAST, to: '172.16.1.50' }),
      true,
    ],
    ['an allowed pair', () => icmp(from('172.16.1.77', OTHER_MAC), 8), true],
    ['its link-local address', () => icmpv6(from6(linkLocalOf(pod.mac)), 128), true],
    [
      'its wish for an address',
      () => dhcpRequest({ ...from('0.0.0.0'), toMac: BROADCAST, to: '255.255.255.255' }),
      true,
    ],
    ['an address of nobody', () => icmp(from('172.16.1.52'), 8), false],
    ['an address of nobody, by ARP', () => arp(from('172.16.1.52'), { operation: 2 }), false],
    ['the address of a neighbour', () => icmp(from('172.16.1.2'), 8), false],
    ['the address of a neighbour, by ARP', () => arp(from('172.16.1.2'), { operation: 2 }), false],
    ['the gateway’s, by ARP', () => arp(from('172.16.1.1'), { operation: 2 }), false],
    [
      'whether a neighbour’s address is free',
      () => arp({ ...from('0.0.0.0'), toMac: BROADCAST, to: '172.16.1.2' }),
      false,
    ],
    ['an address outside the network', () => icmp(from('10.9.8.7'), 8), false],
    ['a reserved address with another MAC', () => icmp(from('172.16.1.50', OTHER_MAC), 8), false],
    ['a reserved address of another MAC, inside ARP', () => arp(from('172.16.1.50'), { senderMac: OTHER_MAC }), false],
    ['a reserved address, as a DHCP server', () => udp(from('172.16.1.50'), 68, 67), false],
    ['an IPv6 address of nobody', () => icmpv6(from6('fd00::50'), 128), false],
    [
      'an IPv6 address of a neighbour, announced',
      () => neighbourAdvertisement(from6(linkLocalOf(pod.mac)), 'fd00::2'),
      false,
    ],
  ])('%s', async (_, frame, isAllowed) => {
    // Its own probe would be one for no address.
    expect(await passes(pod, a, frame(), { ...pod, address: '172.16.1.51' })).toBe(isAllowed)
  })

  it('says nothing of IPv4 where nothing is reserved, and its own IPv6', async () => {
    const ends = (own: string) =>
      between(mute, listener, { from: own, to: own.includes(':') ? 'fd00::4' : '172.16.1.4' })
    // A port that is new takes a moment before it forwards.
    const speaks = () => passes(mute, listener, icmpv6(ends('fd00::3'), 128), witness)
    expect(await holdsWithin(5_000, 1, speaks)).toBe(true)
    expect(await passes(mute, listener, icmp(ends('172.16.1.50'), 8), witness)).toBe(false)
    expect(await passes(mute, listener, arp(ends('172.16.1.50')), witness)).toBe(false)
    expect(await passes(mute, listener, icmpv6(ends('fd00::4'), 128), witness)).toBe(false)
  })

  it('is reached at a reserved address by whom its groups let in, and answered', async () => {
    const to = between(a, pod, { to: '172.16.1.50' })
    expect(await passes(a, pod, arp({ ...to, toMac: BROADCAST }))).toBe(true)
    expect(await passes(a, pod, tcpSyn(to, 80))).toBe(true)
    const members = aGroup([aRule({ remote: { groupId: 'sg-pods' } })], { id: 'sg-pods' })
    const only = (guest: FilteredGuest) => ({ ...guest.nic, groupIds: ['sg-pods'] })
    const strangers = aGroup([], { id: 'sg-strangers' })
    await bench.policies.replace(async () => ({
      nics: [only(pod), only(pod2), { ...a.nic, groupIds: ['sg-strangers'] }],
      groups: [members, strangers],
    }))
    expect(await passes(a, pod, tcpSyn(to, 81))).toBe(false)
    // From a reserved address it comes from one of the members.
    const among = { ...to, fromMac: pod2.mac, from: '172.16.1.51' }
    expect(await holdsWithin(5_000, 1, () => passes(pod2, pod, tcpSyn(among, 81), a))).toBe(true)
    // What it has begun itself is answered, though nothing else would let the answer in.
    await inside(pod.netns, 'ip', 'address', 'add', '172.16.1.50/24', 'dev', 'eth0')
    await bench.policies.replace(async () => ({
      nics: [only(pod), { ...a.nic, groupIds: [OPEN.id] }],
      groups: [members, OPEN],
    }))
    const { exitCode } = await inside(
      pod.netns,
      'busybox',
      'ping',
      '-c',
      '1',
      '-W',
      '5',
      '-I',
      '172.16.1.50',
      a.address,
    )
    expect(exitCode).toBe(0)
    expect((await inside(a.netns, 'busybox', 'ping', '-c', '1', '-W', '1', '172.16.1.50')).exitCode).toBe(1)
  })

  it('loses an address that is reserved no more, with the connections of it; others go on', async () => {
    await bench.apply(OPEN)
    await inside(pod.netns, 'ip', 'address', 'replace', '172.16.1.51/24', 'dev', 'eth0')
    for (const own of RESERVED) expect(await answers(pod, a.address, own), own).toBe(true)
    const connections = async () => (await inside(bench.netns, 'conntrack', '-L')).stdout
    const state = bench.state([OPEN])
    const nics = state.nics.map((nic) => (nic.reserved.length > 0 ? { ...nic, reserved: ['172.16.1.51'] } : nic))
    const without = async () => ({ ...state, nics })
    expect(await bench.policies.isAlright({ ...state, nics })).toBe(false)
    await bench.policies.replace(without)
    expect(await bench.policies.isAlright({ ...state, nics })).toBe(true)
    expect(await connections()).not.toMatch(/src=172\.16\.1\.50/)
    expect(await connections()).toMatch(/src=172\.16\.1\.51/)
    expect(await answersOnce(pod, a.address, '172.16.1.50')).toBe(false)
    expect(await answers(pod, a.address, '172.16.1.51')).toBe(true)
    // One of the two NICs goes: the other goes on using what is reserved.
    await bench.policies.remove([pod2.mac])
    expect(await connections()).toMatch(/src=172\.16\.1\.51/)
    expect(await answers(pod, a.address, '172.16.1.51')).toBe(true)
  })
})
