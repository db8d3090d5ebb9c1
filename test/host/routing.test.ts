import { afterEach, beforeEach, expect, it } from 'vitest'

import { gatewayMac } from '../../src/workers/host/names.ts'
import { holdsWithin } from '../../src/workers/host/run-command.ts'
import { describeOnKernel } from '../support/needs-root.ts'
import { aNic, aSubnet, hostOf, inside, ip, pings, pingsOnce } from './a-data-plane.ts'
import { aMachine } from './a-machine.ts'
import { RawPort } from './a-policy.ts'
import { anElasticIp, aRoutedWorld, hostSlate, type RoutedWorld } from './a-router.ts'
import { inFragments, udp } from './frames.ts'

/** Source and destination ports of DHCP, for IPv4 and IPv6. */
const DHCP = [
  [67, 68],
  [68, 67],
  [547, 546],
  [546, 547],
] as const

describeOnKernel('the router of a VPC', () => {
  let world: RoutedWorld
  beforeEach(async () => {
    world = await aRoutedWorld()
  })
  afterEach(() => world.dispose())

  it('routes between the networks of its VPC', async () => {
    const vpc = world.vpc()
    const [one, two] = [await vpc.network(1), await vpc.network(2)]
    const [a, b] = [await world.guest(one, 10), await world.guest(two, 10)]
    expect(await pingsOnce(a.id, b.address)).toBe(false)
    await vpc.ensure()
    expect(await pings(a.id, b.address)).toBe(true)
    expect(await pings(b.id, a.address)).toBe(true)
  })

  it('passes on no DHCP from one network to another, in fragments neither', async () => {
    const vpc = world.vpc()
    const aDualNetwork = (third: number) => {
      const subnet = aSubnet({ routerId: vpc.id, cidr: `172.16.${third}.0/24`, gateway: `172.16.${third}.1` })
      return vpc.network(third, {
        subnet: { ...subnet, ipv6: { cidr: `fd00:${third}::/64`, gateway: `fd00:${third}::1` } },
      })
    }
    const [one, two] = [await aDualNetwork(1), await aDualNetwork(2)]
    const [a, b] = [await world.guest(one, 10), await world.guest(two, 10)]
    await vpc.ensure()
    expect(await vpc.isAlright()).toBe(true)
    for (const [guest, third] of [
      [a, 1],
      [b, 2],
    ] as const) {
      await ip(guest.id, 'addr', 'add', `fd00:${third}::10/64`, 'dev', 'eth0', 'nodad')
      await ip(guest.id, 'route', 'replace', 'default', 'via', `fd00:${third}::1`)
    }
    expect(await pings(a.id, b.address)).toBe(true)
    expect(await pings(a.id, 'fd00:2::10')).toBe(true)
    for (const address of [b.address, 'fd00:2::10']) {
      const ping = await inside(a.id, 'busybox', 'ping', '-c', '1', '-W', '2', '-s', '4000', address)
      expect(ping.exitCode, address).toBe(0)
    }

    const [{ address: fromMac }] = JSON.parse(await ip(a.id, '-j', 'link', 'show', 'dev', 'eth0')) as [
      { address: string },
    ]
    const macs = { fromMac, toMac: gatewayMac(one.vni) }
    const ends = {
      4: { ...macs, from: a.address, to: b.address },
      6: { ...macs, from: 'fd00:1::10', to: 'fd00:2::10' },
    }
    const [from, to] = [await RawPort.open(a.id, 'eth0'), await RawPort.open(b.id, 'eth0')]
    const whole = DHCP.map(([source, port]) => udp(ends[port < 500 ? 4 : 6], port, source))
    // Of the second kind the first fragment ends before the ports.
    const heads = whole.slice(2).flatMap((frame) => [16, 8].map((cut) => inFragments(frame, cut)[0]))
    const others = [udp(ends[4], 9999, 67), udp(ends[6], 546, 9999), ...inFragments(udp(ends[6], 9999), 16)]
    from.send(...whole, ...heads, ...others)
    for (const other of others) expect(await holdsWithin(10_000, 1, async () => to.hasSeen(other))).toBe(true)
    for (const frame of [...whole, ...heads]) expect(to.hasSeen(frame), frame.toString('hex')).toBe(false)
    await Promise.all([from.close(), to.close()])
  })

  it('that is off passes nothing on and answers nothing; guests keep their network, leases and names', async () => {
    const vpc = world.vpc()
    const [one, two] = [await vpc.network(1), await vpc.network(2)]
    const [a, twin, b] = [await world.guest(one, 10), await world.guest(one, 11), await world.guest(two, 10)]
    const nic = aNic(one, 0, 20)
    await world.plane.plane.ensureDhcpHosts(one, [{ ...hostOf(nic), name: 'web' }])
    const machine = await aMachine(world.plane, one, nic)
    await machine.takesAddress()
    for (const elasticIps of [[], [anElasticIp(7), anElasticIp(8, { nicAddress: a.address })]]) {
      const on = { elasticIps, sourceNat: elasticIps.length > 0 }
      await vpc.ensure(on)
      const outside = elasticIps.length > 0 ? ['203.0.113.1'] : []
      const beyond = [b.address, '172.16.1.1', '172.16.2.1', ...outside]
      for (const address of beyond) expect(await pings(a.id, address), address).toBe(true)

      const off = { ...on, routing: false }
      await vpc.ensure(off)
      expect(await vpc.isAlright(off)).toBe(true)
      expect(await vpc.isAlright(on)).toBe(false)
      for (const address of beyond) expect(await pingsOnce(a.id, address), address).toBe(false)
      if (outside.length > 0) {
        for (const last of [7, 8]) expect(await pingsOnce(world.outside.machine, `203.0.113.${last}`)).toBe(false)
      }
      expect(await pings(a.id, twin.address)).toBe(true)
      expect(await machine.asks()).toMatchObject({ ip: '172.16.1.20', router: '172.16.1.1' })
      expect(await machine.resolves('web')).toEqual(['172.16.1.20'])

      await inside(vpc.router, 'nft', 'flush', 'chain', 'inet', 'patchbay', 'off')
      expect(await vpc.isAlright(off)).toBe(false)
      await vpc.ensure(on)
      expect(await vpc.isAlright(on)).toBe(true)
      for (const address of beyond) expect(await pings(a.id, address), address).toBe(true)
    }
    await machine.dispose()
  })

  it('without elastic IPs has its filter put back, and remembers no connections', async () => {
    const vpc = world.vpc()
    const [a, b] = [await world.guest(await vpc.network(1), 10), await world.guest(await vpc.network(2), 10)]
    await vpc.ensure()
    for (const harm of ['delete table inet patchbay', 'flush chain inet patchbay routed']) {
      await inside(vpc.router, 'nft', ...harm.split(' '))
      expect(await vpc.isAlright(), harm).toBe(false)
      await vpc.ensure()
      expect(await vpc.isAlright(), harm).toBe(true)
    }
    expect(await pings(a.id, b.address)).toBe(true)
    expect((await inside(vpc.router, 'conntrack', '-L')).stdout).toBe('')
  })

  it('two VPCs with the same ranges do not meet', async () => {
    const [one, two] = [world.vpc(), world.vpc()]
    const networks = [await one.network(1), await two.network(2), await two.network(1)] as const
    const a = await world.guest(networks[0], 10)
    const [b, twin] = [await world.guest(networks[1], 10), await world.guest(networks[2], 10)]
    await one.ensure()
    await two.ensure()
    expect(await pings(b.id, twin.address)).toBe(true)
    expect(await pingsOnce(a.id, b.address)).toBe(false)
  })

  it('tells guests at once that a network of the VPC is not here, and does not ask outside for it', async () => {
    const vpc = world.vpc()
    const a = await world.guest(await vpc.network(1), 10)
    const elasticIps = [anElasticIp(7)]
    await vpc.ensure({ elasticIps, sourceNat: true })
    expect(await pings(a.id, '203.0.113.1')).toBe(true)
    await ip(world.outside.machine, 'addr', 'add', '172.16.9.9/32', 'dev', 'lo')
    const { stdout } = await inside(a.id, 'busybox', 'traceroute', '-n', '-w', '1', '-q', '1', '-m', '3', '172.16.9.9')
    expect(stdout).toMatch(/ 172\.16\.1\.1 .*!H/)
    expect(await pingsOnce(a.id, '172.16.9.9')).toBe(false)
  })

  it('what was changed by hand is seen and mended, and nothing else is touched', async () => {
    const vpc = world.vpc()
    await world.guest(await vpc.network(1), 10)
    const spec = { elasticIps: [anElasticIp(7), anElasticIp(8, { nicAddress: '172.16.1.10', bandwidthMbps: 50 })] }
    await vpc.ensure(spec)
    expect(await vpc.isAlright(spec)).toBe(true)
    const links = JSON.parse(await ip(vpc.router, '-j', 'link')) as { ifname: string }[]
    const ext = links.find(({ ifname }) => ifname.startsWith('ext-'))?.ifname ?? ''
    const ports = JSON.parse(await ip(world.plane.netns, '-j', 'link')) as { ifname: string }[]
    const named = (prefix: string) => ports.find(({ ifname }) => ifname.startsWith(prefix))?.ifname ?? ''
    const table = (await ip(vpc.router, 'rule')).match(/fwmark \S+ lookup (\d+)/)?.[1] ?? ''

    const inRouter = (...command: [string, ...string[]]) => inside(vpc.router, ...command)
    const inPlane = (...command: [string, ...string[]]) => inside(world.plane.netns, ...command)
    const harms = [
      () => inRouter('sysctl', '-w', 'net.ipv4.ip_forward=0'),
      () => inRouter('sysctl', '-w', 'net.ipv6.conf.all.forwarding=0'),
      () => inRouter('sysctl', '-w', `net.ipv4.conf.${ext}.rp_filter=1`),
      () => inRouter('ip', 'route', 'del', 'unreachable', '172.16.0.0/16'),
      () => inRouter('ip', 'route', 'del', 'default', 'table', table),
      () => inRouter('ip', 'route', 'replace', 'default', 'via', '203.0.113.2', 'dev', ext, 'onlink', 'table', table),
      () => inRouter('ip', 'route', 'add', '192.0.2.0/24', 'dev', ext, 'table', table),
      () => inRouter('ip', 'rule', 'del', 'pref', '100'),
      () => inRouter('ip', 'rule', 'del', 'pref', '110'),
      () => inRouter('ip', 'rule', 'add', 'pref', '50', 'lookup', table),
      () => inRouter('ip', 'addr', 'del', '203.0.113.7/32', 'dev', ext),
      () => inRouter('ip', 'addr', 'add', '203.0.113.99/32', 'dev', ext),
      () => inRouter('ip', 'link', 'set', 'dev', ext, 'down'),
      () => inRouter('ip', 'link', 'del', 'dev', ext),
      () => inRouter('tc', 'qdisc', 'del', 'dev', ext, 'root'),
      () => inPlane('tc', 'qdisc', 'del', 'dev', named('eg-'), 'root'),
      () => inPlane('tc', 'filter', 'del', 'dev', named('eg-'), 'parent', '1:'),
      () => inPlane('ip', 'link', 'set', 'dev', named('eg-'), 'nomaster'),
      () => inPlane('ip', 'link', 'del', 'dev', named('up-')),
      () => inPlane('ip', 'link', 'set', 'dev', named('ext-'), 'down'),
      () => inRouter('nft', 'delete', 'table', 'inet', 'patchbay'),
      () => inRouter('nft', 'flush', 'chain', 'inet', 'patchbay', 'leaving'),
      () => inRouter('nft', 'delete', 'element', 'inet', 'patchbay', 'nic_of', '{ 203.0.113.8 }'),
    ]
    for (const harm of harms) {
      expect(await harm(), harm.toString()).toMatchObject({ exitCode: 0 })
      expect(await vpc.isAlright(spec), harm.toString()).toBe(false)
      await vpc.ensure(spec)
      expect(await vpc.isAlright(spec), harm.toString()).toBe(true)
    }
  })

  it('of a VPC without elastic IPs leads nowhere else', async () => {
    const vpc = world.vpc()
    const a = await world.guest(await vpc.network(1), 10)
    const before = await hostSlate(world.outside.hostNetns)
    await vpc.ensure({ elasticIps: [anElasticIp(7)], sourceNat: true })
    expect(await pings(a.id, '203.0.113.1')).toBe(true)
    await vpc.ensure()
    expect(await vpc.isAlright()).toBe(true)
    expect(await pingsOnce(a.id, '203.0.113.1')).toBe(false)
    expect((await ip(vpc.router, 'rule')).trim().split('\n')).toHaveLength(3)
    expect((await inside(vpc.router, 'conntrack', '-L')).stdout).toBe('')
    expect(await hostSlate(world.outside.hostNetns)).toEqual(before)
  })
})
