import { afterEach, beforeEach, expect, it } from 'vitest'

import { namespacesNamed } from '../../src/workers/host/netns.ts'
import type { NetworkSpec } from '../../src/workers/host/specs.ts'
import { isNetworkAlright } from '../../src/workers/host/view.ts'
import { describeOnKernel } from '../support/needs-root.ts'
import {
  aDataPlane,
  aNetwork,
  aNic,
  aSubnet,
  hostOf,
  inside,
  ip,
  pings,
  type TestDataPlane,
  unique,
} from './a-data-plane.ts'
import { aMachine, type Machine } from './a-machine.ts'

/** A network that has addresses and no router of ours. */
function anUnroutedNetwork(gateway?: string): NetworkSpec {
  const id = `net-${unique()}`
  const { gateway: _, ...subnet } = aSubnet({ routerId: id, routed: false })
  return aNetwork({ id, subnet: gateway === undefined ? subnet : { ...subnet, gateway } })
}

describeOnKernel('a network that is not routed', () => {
  let world: TestDataPlane
  let machines: Machine[]
  let network: NetworkSpec
  let itsNamespace: string

  beforeEach(async () => {
    machines = []
    world = await aDataPlane()
    network = anUnroutedNetwork()
    itsNamespace = `${world.netns}-${network.id}`
    await world.plane.ensureNetwork(network)
  })
  afterEach(async () => {
    await world.dispose()
    for (const machine of machines) await machine.dispose()
  })

  const plugged = async (nic: ReturnType<typeof aNic>, on = network) => {
    await world.plane.ensureDhcpHosts(on, [hostOf(nic)])
    const machine = await aMachine(world, on, nic)
    machines.push(machine)
    return machine
  }
  const isAlright = async () => isNetworkAlright(network, (await world.plane.look()).networks.get(network.vni))

  it('gives out its addresses, and tells of no gateway and no name server', async () => {
    const told = await (await plugged(aNic(network, 0, 100))).asks()
    expect(told).toMatchObject({ ip: '172.16.1.100', mask: '24', mtu: '1450' })
    expect(told).not.toHaveProperty('router')
    expect(told).not.toHaveProperty('dns')
  })

  it('its machines reach each other, and every address of it is theirs', async () => {
    const a = await plugged(aNic(network, 0, 1))
    const b = await plugged(aNic(network, 0, 254))
    await Promise.all([a.takesAddress(), b.takesAddress()])
    expect(await pings(a.id, '172.16.1.254')).toBe(true)
    const holds = async (address: string) =>
      (await inside(b.id, 'busybox', 'arping', '-D', '-c', '2', '-w', '2', '-I', 'eth0', address)).exitCode !== 0
    expect(await holds('172.16.1.1')).toBe(true) // by the machine that has it, so the question is heard
    expect(await holds('172.16.1.2')).toBe(false)
    const { stdout } = await inside(itsNamespace, 'ip', '-4', '-o', 'addr')
    expect(stdout).not.toMatch(/172\.16\./)
  })

  it('forwards nothing', async () => {
    const read = async (key: string) => (await inside(itsNamespace, 'cat', `/proc/sys/net/${key}`)).stdout.trim()
    expect(await read('ipv4/ip_forward')).toBe('0')
    expect(await read('ipv6/conf/all/forwarding')).toBe('0')
  })

  it('an address that was given back is given to another MAC at once', async () => {
    const [first, next] = [aNic(network, 0, 100), aNic(network, 0, 100)]
    expect(await (await plugged(first)).asks()).toMatchObject({ ip: '172.16.1.100' })
    await world.plane.removeTaps([first])
    await world.plane.removeDhcpHosts(network, [first.mac])
    expect(await (await plugged(next)).asks()).toMatchObject({ ip: '172.16.1.100' })
  })

  it('made twice, also by a restarted worker, is the same; removed it leaves nothing', async () => {
    const dhcpPid = async () => (await world.plane.look()).networks.get(network.vni)?.dhcpPid
    const server = await dhcpPid()
    await world.restarted().ensureNetwork(network)
    expect(await dhcpPid()).toBe(server)
    expect(await isAlright()).toBe(true)
    await world.plane.removeNetwork(network)
    expect(await namespacesNamed(itsNamespace)).toEqual([])
    expect((await world.plane.look()).networks.size).toBe(0)
  })

  it('a lost address of its DHCP server is seen by a look, and mended', async () => {
    await ip(itsNamespace, 'addr', 'flush', 'dev', `net-${network.vni.toString(16)}`)
    expect(await isAlright()).toBe(false)
    await world.plane.ensureNetwork(network)
    expect(await isAlright()).toBe(true)
    expect(await (await plugged(aNic(network, 0, 100))).asks()).toMatchObject({ ip: '172.16.1.100' })
  })

  it("with a gateway of its segment tells the primary NIC of it, and holds nobody's address", async () => {
    const bridged = anUnroutedNetwork('172.16.1.1')
    await world.plane.ensureNetwork(bridged)
    const [primary, secondary] = [aNic(bridged, 0, 100), aNic(bridged, 1, 101)]
    expect(await (await plugged(primary, bridged)).asks()).toMatchObject({ ip: '172.16.1.100', router: '172.16.1.1' })
    expect(await (await plugged(secondary, bridged)).asks()).not.toHaveProperty('router')
    const port = (await world.plane.look()).networks.get(bridged.vni)?.routerPort
    expect(port?.addresses).toEqual(['169.254.169.253/32'])
  })
})
