import { afterEach, beforeEach, expect, it } from 'vitest'

import { holdsWithin } from '../../src/workers/host/run-command.ts'
import { anEchoServer, aStream } from '../support/a-stream.ts'
import { describeOnKernel } from '../support/needs-root.ts'
import { inside, ip, pings, pingsOnce } from './a-data-plane.ts'
import { RawPort } from './a-policy.ts'
import {
  anElasticIp,
  aPresence,
  aRoutedWorld,
  type RoutedWorld,
  type TestGuest,
  type TestVpc,
  whoIsAt,
} from './a-router.ts'
import { udp } from './frames.ts'

const MACHINE = '203.0.113.1'

const ECHO_REPLY = `
use Socket;
socket(my $socket, AF_INET, SOCK_RAW, getprotobyname('icmp') || 1) or die;
send($socket, pack('C2 n3', 0, 0, 0xfffe, 1, 0), 0, pack_sockaddr_in(0, inet_aton($ARGV[0])));`

describeOnKernel('elastic IPs', () => {
  let world: RoutedWorld
  let machine: string
  let vpc: TestVpc
  let a: TestGuest
  let b: TestGuest
  const ends: (() => void)[] = []

  beforeEach(async () => {
    world = await aRoutedWorld()
    machine = world.outside.machine
    vpc = world.vpc()
    const network = await vpc.network(1)
    a = await world.guest(network, 10)
    b = await world.guest(network, 11)
  })
  afterEach(async () => {
    for (const end of ends.splice(0)) end()
    await world.dispose()
  })

  const present = async (netns: string, port: number, name: string) => {
    ends.push(await aPresence(netns, port, name))
  }
  const echoing = async (netns: string, port: number) => {
    ends.push(await anEchoServer(netns, port))
  }
  const stream = async (netns: string, address: string, port: number) => {
    const opened = await aStream(netns, address, port)
    ends.push(opened.close)
    return opened
  }

  it('of a NIC stands for it in both directions, and for pings', async () => {
    await present(machine, 80, 'outside')
    await present(a.id, 80, 'a')
    await vpc.ensure({ elasticIps: [anElasticIp(7, { nicAddress: a.address })] })
    expect(await pings(machine, '203.0.113.7')).toBe(true)
    expect(await whoIsAt(machine, '203.0.113.7', 80)).toBe(`a sees ${MACHINE}`)
    expect(await whoIsAt(a.id, MACHINE, 80)).toBe('outside sees 203.0.113.7')
    expect(await whoIsAt(b.id, MACHINE, 80)).toBeUndefined()
  })

  it('of the VPC lets out everybody when source NAT is on, and nobody when it is off', async () => {
    await present(machine, 80, 'outside')
    await echoing(machine, 81)
    const elasticIps = [anElasticIp(7), anElasticIp(8, { nicAddress: a.address })]
    await vpc.ensure({ elasticIps, sourceNat: true })
    expect(await pings(b.id, MACHINE)).toBe(true)
    expect(await whoIsAt(b.id, MACHINE, 80)).toBe('outside sees 203.0.113.7')
    expect(await whoIsAt(a.id, MACHINE, 80)).toBe('outside sees 203.0.113.8')
    const open = await stream(b.id, MACHINE, 81)

    await vpc.ensure({ elasticIps, sourceNat: false })
    expect(await pingsOnce(b.id, MACHINE)).toBe(false)
    expect(await whoIsAt(a.id, MACHINE, 80)).toBe('outside sees 203.0.113.8')
    await expect(open.flows()).rejects.toThrow()
  })

  it('of the VPC answers pings itself, and nothing else', async () => {
    await vpc.ensure({ elasticIps: [anElasticIp(7), anElasticIp(8, { nicAddress: a.address })] })
    expect(await pings(machine, '203.0.113.7')).toBe(true)
    await present(vpc.router, 8000, 'router')
    expect(await whoIsAt(machine, '203.0.113.7', 8000)).toBeUndefined()
    // Not by the addresses inside either, whoever sends them there.
    await ip(machine, 'route', 'add', '172.16.0.0/16', 'via', '203.0.113.7')
    expect(await pingsOnce(machine, '172.16.1.1')).toBe(false)
    expect(await pingsOnce(machine, b.address)).toBe(false)
    expect(await pingsOnce(machine, a.address)).toBe(false)
  })

  it('forwards the ports of the VPC that it is told to, also without source NAT', async () => {
    await present(a.id, 8080, 'a')
    await present(b.id, 80, 'b')
    await vpc.ensure({
      elasticIps: [anElasticIp(7)],
      portForwardings: [
        { protocol: 'tcp', port: 80, address: a.address, targetPort: 8080 },
        { protocol: 'tcp', port: 81, address: b.address, targetPort: 80 },
      ],
    })
    expect(await pings(machine, '203.0.113.7')).toBe(true)
    expect(await whoIsAt(machine, '203.0.113.7', 80)).toBe(`a sees ${MACHINE}`)
    expect(await whoIsAt(machine, '203.0.113.7', 81)).toBe(`b sees ${MACHINE}`)
    expect(await whoIsAt(machine, '203.0.113.7', 8080)).toBeUndefined()
  })

  it('a forwarded port that is removed ends its connections alone', async () => {
    await echoing(a.id, 80)
    const forwarding = { protocol: 'tcp' as const, port: 80, address: a.address, targetPort: 80 }
    const elasticIps = [anElasticIp(7)]
    await vpc.ensure({ elasticIps, portForwardings: [forwarding, { ...forwarding, port: 81 }] })
    const [stays, goes] = [await stream(machine, '203.0.113.7', 80), await stream(machine, '203.0.113.7', 81)]
    await vpc.ensure({ elasticIps, portForwardings: [forwarding] })
    await stays.flows()
    await expect(goes.flows()).rejects.toThrow()
  })

  it('are reached from inside the VPC, also from their own network', async () => {
    const other = await world.guest(await vpc.network(2), 10)
    await present(a.id, 80, 'a')
    await vpc.ensure({
      elasticIps: [
        anElasticIp(7),
        anElasticIp(8, { nicAddress: a.address }),
        anElasticIp(9, { nicAddress: b.address }),
      ],
      portForwardings: [{ protocol: 'tcp', port: 8000, address: a.address, targetPort: 80 }],
    })
    expect(await pings(b.id, '203.0.113.8')).toBe(true)
    expect(await whoIsAt(b.id, '203.0.113.8', 80)).toBe('a sees 203.0.113.9')
    expect(await whoIsAt(a.id, '203.0.113.8', 80)).toBe('a sees 203.0.113.8')
    expect(await whoIsAt(other.id, '203.0.113.8', 80)).toBe('a sees 172.16.1.1')
    expect(await whoIsAt(b.id, '203.0.113.7', 8000)).toBe('a sees 203.0.113.9')
    expect(await pings(other.id, '203.0.113.7')).toBe(true)
  })

  it('of two VPCs reach each other over the segment', async () => {
    const second = world.vpc()
    const twin = await world.guest(await second.network(1), 10)
    await present(twin.id, 80, 'twin')
    await vpc.ensure({ elasticIps: [anElasticIp(7, { nicAddress: a.address })] })
    await second.ensure({ elasticIps: [anElasticIp(8, { nicAddress: twin.address })] })
    expect(await pings(a.id, '203.0.113.8')).toBe(true)
    expect(await whoIsAt(a.id, '203.0.113.8', 80)).toBe('twin sees 203.0.113.7')
  })

  it('one that moves to another NIC does so at once, and connections of others go on', async () => {
    await echoing(machine, 81)
    await echoing(b.id, 82)
    await echoing(a.id, 83)
    await present(a.id, 80, 'a')
    await present(b.id, 80, 'b')
    const kept = [anElasticIp(7), anElasticIp(9, { nicAddress: b.address })]
    const c = await world.guest(await vpc.network(3), 10)
    await vpc.ensure({ elasticIps: [...kept, anElasticIp(8, { nicAddress: a.address })], sourceNat: true })
    expect(await whoIsAt(machine, '203.0.113.8', 80)).toBe(`a sees ${MACHINE}`)
    const others = [await stream(c.id, MACHINE, 81), await stream(machine, '203.0.113.9', 82)] as const
    const moved = await stream(machine, '203.0.113.8', 83)

    const spec = { elasticIps: [...kept, anElasticIp(8, { nicAddress: b.address })], sourceNat: true }
    await vpc.ensure(spec)
    expect(await whoIsAt(machine, '203.0.113.8', 80)).toBe(`b sees ${MACHINE}`)
    await expect(moved.flows()).rejects.toThrow()
    for (const other of others) await other.flows()
    expect(await vpc.isAlright(spec)).toBe(true)
  })

  it('one that moves to another VPC is announced there, and connections of others go on', async () => {
    await echoing(machine, 81)
    const second = world.vpc()
    const twin = await world.guest(await second.network(1), 10)
    await present(a.id, 80, 'a')
    await present(twin.id, 80, 'twin')
    await vpc.ensure({ elasticIps: [anElasticIp(7), anElasticIp(8, { nicAddress: a.address })], sourceNat: true })
    await second.ensure()
    expect(await whoIsAt(machine, '203.0.113.8', 80)).toBe(`a sees ${MACHINE}`)
    const other = await stream(b.id, MACHINE, 81)
    await vpc.ensure({ elasticIps: [anElasticIp(7)], sourceNat: true })
    await second.ensure({ elasticIps: [anElasticIp(8, { nicAddress: twin.address })] })
    // The machine has the first router's MAC in its cache, and would go on using it for a while.
    expect(await whoIsAt(machine, '203.0.113.8', 80)).toBe(`twin sees ${MACHINE}`)
    await other.flows()
  })

  it('of several segments each go by their own, and connections keep theirs', async () => {
    await ip(machine, 'addr', 'add', '198.51.100.1/24', 'dev', 'eth0')
    await ip(machine, 'addr', 'add', '192.0.2.1/32', 'dev', 'lo')
    await present(machine, 80, 'outside')
    await echoing(machine, 81)
    await present(a.id, 80, 'a')
    const elsewhere = { cidr: '198.51.100.0/24', gateway: '198.51.100.1', address: '198.51.100.9' }
    const forwarding = { protocol: 'tcp' as const, port: 80, address: a.address, targetPort: 80 }
    const own = { elasticIps: [anElasticIp(7)], sourceNat: true, portForwardings: [forwarding] }
    await vpc.ensure(own)
    expect(await whoIsAt(a.id, '192.0.2.1', 80)).toBe('outside sees 203.0.113.7')
    const before = await stream(a.id, '192.0.2.1', 81)
    const elasticIps = [...own.elasticIps, anElasticIp(0, { ...elsewhere, nicAddress: a.address })]
    await vpc.ensure({ ...own, elasticIps })
    expect(await whoIsAt(a.id, '192.0.2.1', 80)).toBe('outside sees 198.51.100.9')
    expect(await whoIsAt(machine, '198.51.100.9', 80)).toBe('a sees 198.51.100.1')
    expect(await whoIsAt(machine, '203.0.113.7', 80)).toBe(`a sees ${MACHINE}`)
    await before.flows()
  })

  it('what has no translation does not leave', async () => {
    await vpc.ensure({ elasticIps: [anElasticIp(7)], sourceNat: true })
    expect(await pings(b.id, MACHINE)).toBe(true)
    const leaks = async () => {
      const capture = inside(machine, 'timeout', '2', 'tcpdump', '-n', '-c', '1', '-i', 'eth0', 'src net 172.16.0.0/16')
      const sent = await holdsWithin(1_500, 100, async () => {
        // An answer that nobody asked for: connection tracking makes nothing of it, so there is no translation.
        await inside(b.id, 'perl', '-e', ECHO_REPLY, MACHINE)
        return false
      })
      return !sent && (await capture).stdout.includes(b.address)
    }
    expect(await leaks()).toBe(false)
    await inside(vpc.router, 'nft', 'flush', 'chain', 'inet', 'patchbay', 'leaving')
    expect(await holdsWithin(20_000, 0, leaks)).toBe(true)
  })

  it('let in no DHCP, and nothing that claims to come from the VPC', async () => {
    const elasticIps = [anElasticIp(7), anElasticIp(8, { nicAddress: a.address })]
    await vpc.ensure({
      elasticIps,
      portForwardings: [{ protocol: 'udp', port: 5000, address: b.address, targetPort: 68 }],
    })
    expect(await pings(machine, '203.0.113.8')).toBe(true)
    const macOf = async (netns: string, isIt: (name: string) => boolean) =>
      (JSON.parse(await ip(netns, '-j', 'link')) as { ifname: string; address: string }[]).find(({ ifname }) =>
        isIt(ifname),
      )?.address ?? ''
    const ends = {
      fromMac: await macOf(machine, (name) => name === 'eth0'),
      toMac: await macOf(vpc.router, (name) => name.startsWith('ext-')),
      from: MACHINE,
      to: '203.0.113.8',
    }
    const outside = await RawPort.open(machine, 'eth0')
    const ports = [await RawPort.open(a.id, 'eth0'), await RawPort.open(b.id, 'eth0')]
    const isSeen = (frame: Buffer) => ports.some((port) => port.hasSeen(frame))
    const refused = [
      udp(ends, 68, 67),
      udp(ends, 67, 68),
      udp({ ...ends, to: '203.0.113.7' }, 5000, 67),
      udp({ ...ends, from: b.address }, 9999),
      udp({ ...ends, from: '172.16.200.1' }, 9999),
    ]
    const passed = [udp({ ...ends, to: '203.0.113.7' }, 5000), udp(ends, 9999)]
    outside.send(...refused, ...passed)
    for (const frame of passed) expect(await holdsWithin(10_000, 1, async () => isSeen(frame))).toBe(true)
    expect(refused.map(isSeen)).toEqual(refused.map(() => false))
    await Promise.all([outside, ...ports].map((port) => port.close()))
  })

  it('tell outside that packets are too large', async () => {
    await vpc.ensure({ elasticIps: [anElasticIp(8, { nicAddress: a.address })] })
    expect(await pings(machine, '203.0.113.8')).toBe(true)
    await inside(machine, 'busybox', 'ping', '-c', '2', '-W', '1', '-s', '1472', '203.0.113.8')
    expect(await ip(machine, 'route', 'get', '203.0.113.8')).toMatch(/ mtu 1450/)
  })

  it('asking again, also after a restart, changes nothing', async () => {
    await echoing(a.id, 80)
    const spec = {
      elasticIps: [anElasticIp(7), anElasticIp(8, { nicAddress: a.address, bandwidthMbps: 100 })],
      sourceNat: true,
      portForwardings: [{ protocol: 'tcp' as const, port: 80, address: a.address, targetPort: 80 }],
    }
    await vpc.ensure(spec)
    const open = await stream(machine, '203.0.113.8', 80)
    const look = async () => {
      const shown = [
        await inside(vpc.router, 'nft', '-a', 'list', 'ruleset'),
        await inside(vpc.router, 'ip', '-j', 'addr'),
        await inside(world.plane.netns, 'ip', '-j', 'link'),
        await inside(vpc.router, 'tc', 'filter', 'show'),
      ]
      return shown.map(({ stdout }) => stdout)
    }
    const before = await look()
    await vpc.ensure(spec)
    expect(await look()).toEqual(before)
    await open.flows()
  })

  it('what a crash left to be forgotten is forgotten', async () => {
    await present(a.id, 80, 'a')
    const spec = { elasticIps: [anElasticIp(8, { nicAddress: a.address })] }
    await vpc.ensure(spec)
    expect(await whoIsAt(machine, '203.0.113.8', 80)).toBe(`a sees ${MACHINE}`)
    const known = async () => (await inside(vpc.router, 'conntrack', '-L', '-d', '203.0.113.8')).stdout
    expect(await known()).not.toBe('')
    await inside(vpc.router, 'nft', 'add', 'element', 'inet', 'patchbay', 'stale', '{ 203.0.113.8 . ip . 0 }')
    expect(await vpc.isAlright(spec)).toBe(false)
    await vpc.ensure(spec)
    expect(await vpc.isAlright(spec)).toBe(true)
    expect(await known()).toBe('')
  })

  it('a rule that the kernel refuses leaves the former ones in force', async () => {
    await present(a.id, 80, 'a')
    await vpc.ensure({ elasticIps: [anElasticIp(8, { nicAddress: a.address })] })
    const wrong = [anElasticIp(8, { nicAddress: a.address }), anElasticIp(9, { nicAddress: '172.16.300.1' })]
    await expect(vpc.ensure({ elasticIps: wrong })).rejects.toThrow(/172\.16\.300\.1/)
    expect(await whoIsAt(machine, '203.0.113.8', 80)).toBe(`a sees ${MACHINE}`)
  })

  it('an interface that is not there or not to be used is named', async () => {
    await expect(vpc.ensure({ elasticIps: [anElasticIp(8, { interface: 'eth9' })] })).rejects.toThrow(
      'interface eth9 is not on this hypervisor',
    )
    await expect(vpc.ensure({ elasticIps: [anElasticIp(8, { interface: 'eth0' })] })).rejects.toThrow(/may use/)
  })
})
