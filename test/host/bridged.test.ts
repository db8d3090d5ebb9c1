import { afterEach, beforeEach, expect, it } from 'vitest'

import { ForeignObjectError } from '../../src/workers/errors.ts'
import { probeAddress } from '../../src/workers/host/arp.ts'
import {
  type BridgedNetwork,
  ensureBridgedPort,
  isBridgedPortAlright,
  removeBridgedPort,
} from '../../src/workers/host/bridged-ports.ts'
import { listLinks } from '../../src/workers/host/links.ts'
import { bridgedPortNames, routerPortName, uplinkBridgeName, uplinkPortName } from '../../src/workers/host/names.ts'
import type { NetworkSpec } from '../../src/workers/host/specs.ts'
import { Uplinks } from '../../src/workers/host/uplinks.ts'
import { givenTime } from '../support/given-time.ts'
import { describeOnKernel } from '../support/needs-root.ts'
import { aNetwork, aSubnet, inside, ip, pings, unique } from './a-data-plane.ts'
import { anElasticIp, aRoutedWorld, hostSlate, type RoutedWorld } from './a-router.ts'

const MACHINE = '192.168.77.1'

/** Makes all of a bridged network but its join. */
const anUnjoined = (world: RoutedWorld, { bridgedTo: _, ...network }: NetworkSpec) =>
  world.plane.plane.ensureNetwork(network)

describeOnKernel('a bridged network', () => {
  let world: RoutedWorld
  let uplinks: Uplinks
  let hostNetns: string
  let machine: string
  let netns: string

  beforeEach(async () => {
    world = await aRoutedWorld()
    uplinks = world.uplinks
    hostNetns = world.outside.hostNetns
    machine = world.outside.machine
    netns = world.plane.netns
  })
  afterEach(() => world.dispose())

  const aBridgedNetwork = (overrides: { bridgedTo?: string; mtu?: number } = {}) => {
    const id = `net-${unique()}`
    const subnet = aSubnet({ routerId: id, cidr: '192.168.77.0/24', gateway: MACHINE, routed: false })
    return { ...aNetwork({ id, mtu: 1500, subnet }), bridgedTo: 'eth1', ...overrides }
  }
  const joined = async (network: ReturnType<typeof aBridgedNetwork>) => {
    await anUnjoined(world, network)
    await ensureBridgedPort(uplinks, network)
  }
  const links = async () => new Map((await listLinks(netns)).map((link) => [link.name, link]))
  const isAlright = async (network: BridgedNetwork) => {
    const have = await links()
    return isBridgedPortAlright(network, have) && (await uplinks.inOrder(have)).has(network.bridgedTo)
  }
  /** A packet of `mtu` bytes and its answer; it would not be fragmented on the way, for it fits the sender's device. */
  const pingsFullSize = async (from: string, address: string, mtu: number) => {
    const ping = ['ping', '-c', '1', '-W', '1', '-s', `${mtu - 28}`, address]
    return (await inside(from, 'busybox', ...ping)).exitCode === 0
  }

  it.each(['eth1', 'br0'])('has its guests on the segment of %s, in both directions and at full size', async (name) => {
    if (name === 'br0') {
      await ip(hostNetns, 'link', 'add', 'br0', 'type', 'bridge')
      await ip(hostNetns, 'link', 'set', 'dev', 'br0', 'up')
      await ip(hostNetns, 'link', 'set', 'dev', 'eth1', 'master', 'br0')
    }
    const before = await hostSlate(hostNetns)
    const network = aBridgedNetwork({ bridgedTo: name })
    await joined(network)
    const guest = await world.guest(network, 20)
    expect(await pings(guest.id, MACHINE)).toBe(true)
    expect(await pings(machine, guest.address)).toBe(true)
    expect(await pingsFullSize(guest.id, MACHINE, 1500)).toBe(true)
    expect(await pingsFullSize(machine, guest.address, 1500)).toBe(true)
    expect(await isAlright(network)).toBe(true)

    await removeBridgedPort(uplinks, network)
    expect(await isAlright(network)).toBe(false)
    expect(await hostSlate(hostNetns)).toEqual(before)
  })

  it("has as large packets as the hypervisor's interface, and no larger ones", async () => {
    await ip(hostNetns, 'link', 'set', 'dev', 'eth1', 'mtu', '9000')
    await ip(machine, 'link', 'set', 'dev', 'eth0', 'mtu', '9000')
    const network = aBridgedNetwork({ mtu: 9000 })
    await joined(network)
    const guest = await world.guest(network, 20)
    expect(await pings(guest.id, MACHINE)).toBe(true)
    expect(await pingsFullSize(guest.id, MACHINE, 9000)).toBe(true)
    expect(await pingsFullSize(machine, guest.address, 9000)).toBe(true)
    await expect(joined(aBridgedNetwork({ mtu: 9001 }))).rejects.toThrow(/9001 bytes, interface eth1 only 9000/)
  })

  it('shares its interface with others and with elastic IPs; the last to leave takes the uplink away', async () => {
    const before = await hostSlate(hostNetns)
    const vpc = world.vpc()
    await vpc.network(1)
    await vpc.ensure({ elasticIps: [anElasticIp(7)] })
    const [one, two] = [aBridgedNetwork(), aBridgedNetwork()]
    await Promise.all([joined(one), joined(two)])
    const [a, b] = [await world.guest(one, 20), await world.guest(two, 21)]
    expect(await pings(a.id, b.address)).toBe(true)
    await removeBridgedPort(uplinks, two)
    await vpc.ensure()
    expect(await pings(a.id, MACHINE)).toBe(true)
    await removeBridgedPort(uplinks, one)
    await removeBridgedPort(uplinks, one)
    expect([...(await links()).keys()].filter((name) => /^(ext|up|eg|bp|bx)-/.test(name))).toEqual([])
    expect(await hostSlate(hostNetns)).toEqual(before)
  })

  it('what was changed by hand is seen and mended, and twice changes nothing', async () => {
    const network = aBridgedNetwork()
    await joined(network)
    const { inside: bp, outside: bx } = bridgedPortNames(network.vni)
    const [ext, up] = [uplinkBridgeName('eth1'), uplinkPortName('eth1')]
    const once = await ip(netns, '-j', 'link')
    await ensureBridgedPort(uplinks, network)
    expect(await ip(netns, '-j', 'link')).toBe(once)
    const harms = [
      ...[bp, bx, up].map((name) => ['set', 'dev', name, 'nomaster']),
      ...[bp, bx, up, ext].map((name) => ['set', 'dev', name, 'down']),
      ...[bp, up, ext].map((name) => ['delete', 'dev', name]),
      ['set', 'dev', bx, 'netns', hostNetns],
      ['set', 'dev', bp, 'mtu', '1300'],
      ['set', 'dev', ext, 'type', 'bridge', 'no_linklocal_learn', '0'],
    ]
    for (const harm of harms) {
      await ip(netns, 'link', ...harm)
      expect(await isAlright(network), harm.join(' ')).toBe(false)
      await ensureBridgedPort(uplinks, network)
      expect(await isAlright(network), harm.join(' ')).toBe(true)
    }
    const guest = await world.guest(network, 20)
    expect(await pings(guest.id, MACHINE)).toBe(true)
  })

  it('an interface of the hypervisor that is made anew is joined anew', async () => {
    const network = aBridgedNetwork()
    await joined(network)
    await ip(hostNetns, 'link', 'delete', 'dev', 'eth1')
    expect(await isAlright(network)).toBe(false)
    await expect(joined(network)).rejects.toThrow('interface eth1 is not on this hypervisor')
    await ip(hostNetns, 'link', 'add', 'eth1', 'type', 'bridge')
    await expect(joined(network)).rejects.toThrow('interface eth1 is down')
    await ip(hostNetns, 'link', 'set', 'dev', 'eth1', 'up')
    await joined(network)
    expect(await isAlright(network)).toBe(true)
  })

  it('does not take an interface that others need', async () => {
    await expect(joined(aBridgedNetwork({ bridgedTo: 'lo' }))).rejects.toThrow('is not one that networks may use')
    await ip(hostNetns, 'addr', 'add', '192.0.2.1/24', 'dev', 'eth1')
    await expect(joined(aBridgedNetwork())).rejects.toThrow('carries addresses of the hypervisor (192.0.2.1/24)')
    await ip(hostNetns, 'addr', 'flush', 'dev', 'eth1')
    await ip(hostNetns, 'link', 'add', 'br0', 'type', 'bridge')
    await ip(hostNetns, 'link', 'set', 'dev', 'eth1', 'master', 'br0')
    await expect(joined(aBridgedNetwork())).rejects.toThrow('interface eth1 is a port of br0')
  })

  it('a device of its names that is not ours is refused, and what is not ours stays', async () => {
    const network = aBridgedNetwork()
    const { inside: bp } = bridgedPortNames(network.vni)
    for (const name of [bp, uplinkPortName('eth1'), uplinkBridgeName('eth1')]) {
      await ip(netns, 'link', 'add', name, 'type', 'bridge')
      await ip(netns, 'link', 'set', 'dev', name, 'alias', 'somebody')
      await expect(joined(network)).rejects.toThrow(ForeignObjectError)
      await uplinks.removeUnused()
      expect(await ip(netns, 'link', 'show', 'dev', name)).toContain('somebody')
      await ip(netns, 'link', 'delete', 'dev', name)
    }
    await joined(network)
  })

  it('two data planes share a bridge of the hypervisor', async () => {
    await ip(hostNetns, 'link', 'add', 'br0', 'type', 'bridge')
    await ip(hostNetns, 'link', 'set', 'dev', 'br0', 'up')
    await ip(hostNetns, 'link', 'set', 'dev', 'eth1', 'master', 'br0')
    const other = await aRoutedWorld()
    try {
      const others = new Uplinks({ netns: other.plane.netns, hostNetns, interfaces: ['br0'] })
      const [mine, theirs] = [aBridgedNetwork({ bridgedTo: 'br0' }), aBridgedNetwork({ bridgedTo: 'br0' })]
      await joined(mine)
      await anUnjoined(other, theirs)
      await ensureBridgedPort(others, theirs)
      const [a, b] = [await world.guest(mine, 20), await other.guest(theirs, 21)]
      expect(await pings(a.id, b.address)).toBe(true)
      await removeBridgedPort(others, theirs)
      expect(await isAlright(mine)).toBe(true)
    } finally {
      await other.dispose()
    }
  })

  it('a probe finds who holds an address of the segment, and that nobody does', async () => {
    const network = aBridgedNetwork()
    await joined(network)
    const [port, namespace] = [routerPortName(network.vni), `${netns}-${network.id}`]
    const [eth0] = JSON.parse(await ip(machine, '-j', 'link', 'show', 'dev', 'eth0')) as [{ address: string }]
    /** In ms that this machine was given: while its host runs others nothing gets on. */
    const timed = async <T>(act: () => Promise<T>) => {
      const given = await givenTime()
      return { result: await act(), ms: await given() }
    }
    const there = await timed(() => probeAddress(namespace, port, MACHINE))
    expect(there.result).toBe(eth0.address)
    expect(there.ms).toBeLessThan(1_000)
    const nobody = await timed(() => probeAddress(namespace, port, '192.168.77.99'))
    expect(nobody.result).toBeUndefined()
    expect(there.ms + nobody.ms).toBeLessThan(3_000)
    await expect(probeAddress(namespace, 'net-none', MACHINE)).rejects.toThrow(/net-none/)
    // It claimed nothing: the machine has learnt no address from it.
    expect(await ip(machine, 'neigh')).not.toContain('192.168.77.99')
  })
})
