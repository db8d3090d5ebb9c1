/** What may begin between guests, by the rules of their security groups. */
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { NicPolicies } from '../../src/workers/host/policies.ts'
import type { SecurityRule } from '../../src/workers/host/specs.ts'
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
import { Stream } from './a-stream.ts'
import {
  arp,
  dhcpRequest,
  icmp,
  icmpv6,
  inFragments,
  inFragments4,
  ip,
  neighbourAdvertisement,
  readdressed,
  tcpSyn,
  udp,
} from './frames.ts'

describe('security groups', () => {
  let bench: FilterBench
  let server: FilteredGuest
  let client: FilteredGuest
  let other: FilteredGuest

  beforeAll(async () => {
    bench = await aFilterBench()
    const vni = aVni()
    server = await bench.guest({ vni, host: 2, groupIds: ['sg-server', 'sg-more'] })
    client = await bench.guest({ vni, host: 3, groupIds: ['sg-client'] })
    other = await bench.guest({ vni, host: 4, groupIds: ['sg-other'] })
  })
  afterAll(() => bench.dispose())

  /** The server is in a group with these rules; the others may send everything and get nothing. */
  const serve = (rules: readonly SecurityRule[], more: readonly SecurityRule[] = []) =>
    bench.apply(
      aGroup(rules, { id: 'sg-server' }),
      aGroup(more, { id: 'sg-more' }),
      aGroup([], { id: 'sg-client' }),
      aGroup([], { id: 'sg-other' }),
    )
  const toServer = () => between(client, server)
  const toServer6 = () => between6(client, server)
  const arrives = (frame: Buffer) => passes(client, server, frame)

  const web = aRule({ protocol: 'tcp', ports: { first: 80, last: 80 } })
  const range = aRule({ protocol: 'udp', ports: { first: 1000, last: 1999 } })
  const anyPort = { ports: { first: 1, last: 65_535 } }
  const shut = aRule({ protocol: 'tcp', ports: { first: 80, last: 80 }, action: 'drop' })
  const from = (cidr: string) => aRule({ remote: { cidr } })

  it.each<[string, SecurityRule[], () => Buffer, boolean]>([
    ['without a rule nothing comes in, TCP', [], () => tcpSyn(toServer(), 80), false],
    ['without a rule nothing comes in, ping', [], () => icmp(toServer(), 8), false],
    ['without a rule nothing comes in, IPv6', [], () => icmpv6(toServer6(), 128), false],
    [
      'without a rule a neighbour advertisement comes in',
      [],
      () => neighbourAdvertisement(toServer6(), client.address6),
      true,
    ],
    ['an open port', [web], () => tcpSyn(toServer(), 80), true],
    ['an open port, IPv6', [web], () => tcpSyn(toServer6(), 80), true],
    ['the port beside it', [web], () => tcpSyn(toServer(), 81), false],
    ['the port beside it, IPv6', [web], () => tcpSyn(toServer6(), 81), false],
    ['its number in the other protocol', [web], () => udp(toServer(), 80), false],
    ['the first port of a range', [range], () => udp(toServer(), 1000), true],
    ['the last port of a range', [range], () => udp(toServer6(), 1999), true],
    ['the port before a range', [range], () => udp(toServer(), 999), false],
    ['the port behind a range', [range], () => udp(toServer6(), 2000), false],
    ['all of TCP', [aRule({ protocol: 'tcp' })], () => tcpSyn(toServer(), 7), true],
    ['all of TCP, by ports', [aRule({ protocol: 'tcp', ...anyPort })], () => tcpSyn(toServer6(), 65_535), true],
    ['UDP where all of TCP is open', [aRule({ protocol: 'tcp' })], () => udp(toServer(), 7), false],
    ['a type of ICMP', [aRule({ protocol: 'icmp', icmpType: 8 })], () => icmp(toServer(), 8), true],
    ['another type of ICMP', [aRule({ protocol: 'icmp', icmpType: 13 })], () => icmp(toServer(), 8), false],
    ['a code of ICMP', [aRule({ protocol: 'icmp', icmpType: 8, icmpCode: 0 })], () => icmp(toServer(), 8), true],
    ['another code of ICMP', [aRule({ protocol: 'icmp', icmpType: 8, icmpCode: 1 })], () => icmp(toServer(), 8), false],
    ['all of ICMP', [aRule({ protocol: 'icmp' })], () => icmp(toServer(), 8), true],
    ['ICMPv6 where ICMP is open', [aRule({ protocol: 'icmp' })], () => icmpv6(toServer6(), 128), false],
    ['a type of ICMPv6', [aRule({ protocol: 'icmpv6', icmpType: 128 })], () => icmpv6(toServer6(), 128), true],
    ['another type of ICMPv6', [aRule({ protocol: 'icmpv6', icmpType: 129 })], () => icmpv6(toServer6(), 128), false],
    ['ICMP where ICMPv6 is open', [aRule({ protocol: 'icmpv6' })], () => icmp(toServer(), 8), false],
    ['the right address', [from('172.16.1.3/32')], () => tcpSyn(toServer(), 9), true],
    ['an address of the block', [from('172.16.0.0/12')], () => tcpSyn(toServer(), 9), true],
    ['another address', [from('172.16.1.4/32')], () => tcpSyn(toServer(), 9), false],
    ['IPv6 where a block of IPv4 is open', [from('0.0.0.0/0')], () => tcpSyn(toServer6(), 9), false],
    ['an address of the IPv6 block', [from('fd00::/64')], () => tcpSyn(toServer6(), 9), true],
    ['another IPv6 address', [from('fd01::/64')], () => tcpSyn(toServer6(), 9), false],
    ['IPv4 where all of IPv6 is open', [from('::/0')], () => tcpSyn(toServer(), 9), false],
    ['an accept beside a drop of the same priority', [web, shut], () => tcpSyn(toServer(), 80), false],
    ['an accept before a drop', [{ ...web, priority: 0 }, shut], () => tcpSyn(toServer(), 80), true],
    ['a drop before an accept', [{ ...shut, priority: 0 }, web], () => tcpSyn(toServer(), 80), false],
    ['what a drop is not about', [{ ...shut, priority: 0 }, aRule()], () => tcpSyn(toServer(), 81), true],
  ])('%s', async (_, rules, frame, isOpen) => {
    await serve(rules)
    expect(await arrives(frame())).toBe(isOpen)
  })

  it.each([
    ['gre', 47],
    ['esp', 50],
    ['ah', 51],
    ['ipip', 4],
  ] as const)('%s is open where a rule names it, and to no other protocol', async (protocol, number) => {
    // Begins as AH does: the protocol inside (one that nobody knows), and the length of the header.
    const payload = () => Buffer.concat([Buffer.from([253, 4]), Buffer.alloc(22), randomBytes(6)])
    const packet = () => ip(toServer(), number, payload())
    const packet6 = () => ip(toServer6(), number, payload())
    await serve([aRule({ protocol: protocol === 'gre' ? 'esp' : 'gre' })])
    expect(await arrives(packet())).toBe(false)
    expect(await arrives(packet6())).toBe(false)
    await serve([aRule({ protocol })])
    expect(await arrives(packet())).toBe(true)
    expect(await arrives(packet6())).toBe(true)
    expect(await arrives(tcpSyn(toServer(), 80))).toBe(false)
  })

  it('the rules of all groups of a NIC count together, by priority', async () => {
    await serve([web], [range])
    expect(await arrives(tcpSyn(toServer(), 80))).toBe(true)
    expect(await arrives(udp(toServer(), 1000))).toBe(true)
    await serve([web], [{ ...shut, priority: 0 }])
    expect(await arrives(tcpSyn(toServer(), 80))).toBe(false)
  })

  it('nothing goes out without a rule but what a guest needs to have an address', async () => {
    await bench.apply(
      aGroup([aRule()], { id: 'sg-server' }),
      aGroup([], { id: 'sg-client', rules: [aRule({ direction: 'out', protocol: 'udp' })] }),
    )
    expect(await arrives(udp(toServer(), 9))).toBe(true)
    expect(await arrives(tcpSyn(toServer(), 9))).toBe(false)
    expect(await arrives(icmpv6(toServer6(), 128))).toBe(false)
    expect(await arrives(arp(toServer()))).toBe(true)
    expect(await arrives(icmpv6(toServer6(), 135, 0, Buffer.alloc(20, 1)))).toBe(true)
    // Its own group is not given: not even UDP.
    expect(await passes(other, server, udp(between(other, server), 9))).toBe(false)
    const request = { ...between(other, server), from: '0.0.0.0', to: '255.255.255.255', toMac: BROADCAST }
    expect(await passes(other, server, dhcpRequest(request))).toBe(true)
    const request6 = { ...between6(other, server), to: 'ff02::1:2', toMac: '33:33:00:01:00:02' }
    expect(await passes(other, server, udp(request6, 547, 546))).toBe(true)
  })

  it('what looks like DHCP, and is not to all servers or from ours, is as everything else', async () => {
    await bench.apply(aGroup([aRule()], { id: 'sg-server' }))
    expect(await passes(other, server, dhcpRequest(between(other, server)))).toBe(false)
    expect(await passes(other, server, udp(between6(other, server), 547, 546))).toBe(false)
    const free = await bench.guest({ vni: server.nic.vni, host: 5, antiSpoofing: false, groupIds: ['sg-other'] })
    await serve([])
    expect(await passes(free, server, udp(between(free, server), 68, 67))).toBe(false)
    expect(await passes(free, server, udp(between6(free, server), 546, 547))).toBe(false)
    await serve([aRule({ protocol: 'udp', ports: { first: 68, last: 68 } })])
    expect(await passes(free, server, udp(between(free, server), 68, 67))).toBe(true)
  })

  it('a group as remote stands for its members, those elsewhere and those that have just come', async () => {
    const fromClients = aRule({ remote: { groupId: 'sg-client' } })
    await serve([fromClients])
    expect(await arrives(tcpSyn(toServer(), 80))).toBe(true)
    expect(await arrives(tcpSyn(toServer6(), 80))).toBe(true)
    expect(await passes(other, server, tcpSyn(between(other, server), 80))).toBe(false)
    expect(await passes(other, server, tcpSyn(between6(other, server), 80))).toBe(false)

    const member = (address: string) => ({ scope: server.nic.scope, address })
    const told = aGroup([], { id: 'sg-other', members: [member(other.address), member('fd00:0::4')] })
    await bench.apply(aGroup([aRule({ remote: { groupId: 'sg-other' } })], { id: 'sg-server' }), aGroup([], told))
    expect(await passes(other, server, tcpSyn(between(other, server), 80))).toBe(true)

    await serve([fromClients])
    await bench.policies.ensure([{ ...other.nic, groupIds: ['sg-client'] }])
    expect(await passes(other, server, tcpSyn(between(other, server), 80))).toBe(true)
    await bench.policies.ensure([other.nic])
    expect(await passes(other, server, tcpSyn(between(other, server), 80))).toBe(false)
  })

  it('a member with the same address somewhere else is not meant', async () => {
    const elsewhere = [{ scope: 'vpc-elsewhere', address: other.address }]
    await bench.apply(
      aGroup([aRule({ remote: { groupId: 'sg-far' } })], { id: 'sg-server' }),
      aGroup([], { id: 'sg-other' }),
      aGroup([], { id: 'sg-far', members: elsewhere }),
    )
    expect(await passes(other, server, tcpSyn(between(other, server), 80))).toBe(false)
  })

  it('packets larger than the MTU come through, both ways', async () => {
    await serve([aRule()])
    for (const address of [server.address, server.address6]) {
      const { exitCode } = await inside(client.netns, 'busybox', 'ping', '-c', '2', '-s', '4000', '-W', '2', address)
      expect(exitCode).toBe(0)
    }
  })

  it('fragments of two networks with the same addresses are not put together', async () => {
    const [vni, again] = [aVni(), aVni()]
    const groupIds = ['sg-server']
    const a = await bench.guest({ vni, host: 2, groupIds })
    const b = await bench.guest({ vni, host: 3, groupIds })
    const c = await bench.guest({ vni: again, host: 2, groupIds })
    const d = await bench.guest({ vni: again, host: 3, groupIds })
    await serve([aRule()])
    for (const [head, tail] of [inFragments4(icmp(between(a, b), 8), 8), inFragments(udp(between6(a, b), 9), 16)]) {
      a.port.send(head)
      expect(await passes(a, b, udp(between(a, b), 9))).toBe(true)
      expect(await passes(c, d, readdressed(tail, between(c, d)))).toBe(false)
      expect(await passes(a, b, udp(between(a, b), 9))).toBe(true)
      expect(b.port.hasSeen(tail)).toBe(false)
      expect(await passes(a, b, tail)).toBe(true)
    }
  })

  it('a packet of a connection that stands comes to no NIC but that whose address it is for', async () => {
    await serve([range])
    const [there, back] = [() => udp(toServer(), 1001, 5001), () => udp(between(server, client), 5001, 1001)]
    expect(await passes(client, server, there())).toBe(true)
    expect(await passes(server, client, back())).toBe(true)
    expect(await passes(client, server, there())).toBe(true)
    expect(await passes(client, other, readdressed(there(), between(client, other)))).toBe(false)
    // But one that forwards gets it.
    await bench.policies.ensure([{ ...other.nic, allowedPairs: [{ address: '10.0.0.0/8' }] }])
    expect(await passes(client, other, readdressed(there(), between(client, other)))).toBe(true)
    await bench.policies.ensure([other.nic])
  })

  it('a connection that stands goes on when its port is closed; a new one does not come in', async () => {
    await serve([web])
    const stream = await Stream.open(client, server, 80)
    try {
      expect(await stream.echoes()).toBe(true)
      await serve([])
      expect(await stream.echoes()).toBe(true)
      expect(await arrives(tcpSyn(toServer(), 80))).toBe(false)
      // Nor does a worker that starts again, and remembers nothing, disturb it.
      const groups = ['sg-server', 'sg-more', 'sg-client', 'sg-other'].map((id) => aGroup([], { id }))
      expect(await new NicPolicies(bench.netns).replace(async () => bench.state(groups))).toBe(false)
      expect(await stream.echoes()).toBe(true)
    } finally {
      await stream.close()
    }
  })

  it('two networks with the same addresses do not share connections', async () => {
    await serve([web])
    const groupIds = ['sg-client']
    const [vni, again] = [aVni(), aVni()]
    const pairs = [
      [await bench.guest({ vni, host: 2, groupIds }), await bench.guest({ vni, host: 3, groupIds })],
      [await bench.guest({ vni: again, host: 2, groupIds }), await bench.guest({ vni: again, host: 3, groupIds })],
    ] as const
    await serve([])
    const [[a, b], [c, d]] = pairs
    // The answer to what was asked in one network is an answer there alone.
    expect(await passes(a, b, udp(between(a, b), 2000, 1000))).toBe(false)
    await bench.apply(aGroup([range], { id: 'sg-client' }))
    expect(await passes(a, b, udp(between(a, b), 1999, 1000))).toBe(true)
    await serve([])
    expect(await passes(b, a, udp(between(b, a), 1000, 1999))).toBe(true)
    expect(await passes(d, c, udp(between(d, c), 1000, 1999))).toBe(false)
  })
})

describe('of what all NICs share', () => {
  it('one NIC takes so many connections, and leaves the others theirs', async () => {
    const bench = await aFilterBench({ connections: 3 })
    try {
      const group = aGroup([aRule()])
      const [vni, groupIds] = [aVni(), [group.id]]
      const a = await bench.guest({ vni, host: 2, groupIds })
      const b = await bench.guest({ vni, host: 3, groupIds })
      await bench.apply(group)
      const once = udp(between(a, b), 9, 1000)
      for (const port of [1000, 1001, 1002]) expect(await passes(a, b, udp(between(a, b), 9, port))).toBe(true)
      expect(await passes(a, b, udp(between(a, b), 9, 1003))).toBe(false)
      // However many packets one has, and without an answer.
      expect(
        await passes(
          a,
          b,
          Array.from({ length: 100 }, () => once),
        ),
      ).toBe(true)
      expect(await passes(b, a, udp(between(b, a), 9, 1003))).toBe(true)
      expect(await bench.policies.isAlright(bench.state([group]))).toBe(true)
      expect(await new NicPolicies(bench.netns, { connections: 3 }).replace(async () => bench.state([group]))).toBe(
        false,
      )
    } finally {
      await bench.dispose()
    }
  })

  it('one NIC takes so much room for fragments, and leaves the others theirs', async () => {
    const bench = await aFilterBench()
    try {
      const group = aGroup([aRule()])
      const groupIds = [group.id]
      const [vni, elsewhere] = [aVni(), aVni()]
      const flooder = await bench.guest({ vni: elsewhere, host: 2, groupIds })
      const beside = await bench.guest({ vni: elsewhere, host: 3, groupIds })
      const a = await bench.guest({ vni, host: 2, groupIds })
      const b = await bench.guest({ vni, host: 3, groupIds })
      await bench.apply(group)
      const unfinished = Array.from({ length: 40_000 }, (_, index) => {
        const ends = between(flooder, beside, { to: `172.16.${index % 8}.250` })
        return inFragments4(icmp(ends, 8), 8)[0]
      })
      const waiting = async () => {
        const { stdout } = await inside(bench.netns, 'cat', '/proc/net/sockstat')
        return Number(/^FRAG: inuse (\d+)/m.exec(stdout)?.[1])
      }
      await passes(flooder, beside, unfinished)
      const inUse = await waiting()
      expect(inUse).toBeGreaterThan(4_000)
      expect(inUse).toBeLessThan(20_000)
      expect(await passes(a, b, inFragments4(icmp(between(a, b), 8), 8))).toBe(true)
    } finally {
      await bench.dispose()
    }
  })
})
