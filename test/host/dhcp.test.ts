import { chmod, readFile, rm, writeFile } from 'node:fs/promises'
import { afterEach, beforeEach, expect, it } from 'vitest'

import { isSameHost } from '../../src/workers/host/dhcp-host-files.ts'
import { DhcpServer } from '../../src/workers/host/dnsmasq.ts'
import { namespacePids } from '../../src/workers/host/netns.ts'
import { holdsWithin } from '../../src/workers/host/run-command.ts'
import type { NetworkSpec } from '../../src/workers/host/specs.ts'
import { isNetworkAlright } from '../../src/workers/host/view.ts'
import { describeOnKernel } from '../support/needs-root.ts'
import { aDataPlane, aNetwork, aNic, hostOf, ip, type TestDataPlane } from './a-data-plane.ts'
import { aMachine as aMachineIn, type Machine } from './a-machine.ts'

type Nic = ReturnType<typeof aNic>

describeOnKernel('DHCP', () => {
  let world: TestDataPlane
  let network: ReturnType<typeof aNetwork>
  let machines: Machine[]

  beforeEach(async () => {
    machines = []
    world = await aDataPlane()
    network = aNetwork()
    await world.plane.ensureNetwork(network)
  })
  afterEach(async () => {
    await world.dispose()
    for (const machine of machines) await machine.dispose()
  })

  const aMachine = async (nic: Nic, on: NetworkSpec = network) => {
    const machine = await aMachineIn(world, on, nic)
    machines.push(machine)
    return machine
  }
  const folder = () => `${world.runDir}/dhcp/${network.vni.toString(16)}`
  const pid = async (vni = network.vni) => (await world.plane.look()).networks.get(vni)?.dhcpPid

  it('a NIC gets exactly its address, the MTU, and the gateway when it is the primary one', async () => {
    const [primary, secondary] = [aNic(network, 0, 100), aNic(network, 1, 101)]
    await world.plane.ensureDhcpHosts(network, [primary, secondary].map(hostOf))
    const [a, b] = [await aMachine(primary), await aMachine(secondary)]
    expect(await a.asks()).toMatchObject({ ip: '172.16.1.100', mask: '24', mtu: '1450', router: '172.16.1.1' })
    const told = await b.asks()
    expect(told).toMatchObject({ ip: '172.16.1.101', mtu: '1450' })
    expect(told).not.toHaveProperty('router')
    expect(told).not.toHaveProperty('dns')
  })

  it('a MAC without an entry gets nothing', async () => {
    await world.plane.ensureDhcpHosts(network, [hostOf(aNic(network, 0, 100))])
    const stranger = await aMachine(aNic(network, 1, 101))
    expect(await stranger.asks(2)).toBeUndefined()
  })

  it('two VPCs with one range each serve their own', async () => {
    const other = aNetwork()
    await world.plane.ensureNetwork(other)
    const [here, there] = [aNic(network, 0, 50), aNic(other, 0, 60)]
    await world.plane.ensureDhcpHosts(network, [hostOf(here)])
    await world.plane.ensureDhcpHosts(other, [hostOf(there)])
    expect(await (await aMachine(here)).asks()).toMatchObject({ ip: '172.16.1.50' })
    expect(await (await aMachine(there, other)).asks()).toMatchObject({ ip: '172.16.1.60' })
  })

  it('two networks of one VPC each serve their own', async () => {
    const other = aNetwork({ subnet: { ...network.subnet, cidr: '172.16.2.0/24', gateway: '172.16.2.1' } })
    await world.plane.ensureNetwork(other)
    const [here, there] = [aNic(network, 0, 50), aNic(other, 0, 60)]
    await world.plane.ensureDhcpHosts(network, [hostOf(here)])
    await world.plane.ensureDhcpHosts(other, [hostOf(there)])
    expect(await (await aMachine(here)).asks()).toMatchObject({ ip: '172.16.1.50', router: '172.16.1.1' })
    expect(await (await aMachine(there, other)).asks()).toMatchObject({ ip: '172.16.2.60', router: '172.16.2.1' })
  })

  it('an address that was given back is given to another MAC at once', async () => {
    const [first, next] = [aNic(network, 1, 100), aNic(network, 1, 100)]
    await world.plane.ensureDhcpHosts(network, [hostOf(first)])
    expect(await (await aMachine(first)).asks()).toMatchObject({ ip: '172.16.1.100' })
    const server = await pid()

    await world.plane.removeTaps([first])
    await world.plane.removeDhcpHosts(network, [first.mac])
    await world.plane.removeDhcpHosts(network, [first.mac])
    await world.plane.ensureDhcpHosts(network, [hostOf(next)])
    expect(await (await aMachine(next)).asks(1)).toMatchObject({ ip: '172.16.1.100' })
    expect(await pid()).toBe(server) // and the server ran on
  })

  it('without the release dnsmasq would keep the address: the test above can fail', async () => {
    const [first, next] = [aNic(network, 1, 100), aNic(network, 1, 100)]
    await world.plane.ensureDhcpHosts(network, [hostOf(first)])
    await (await aMachine(first)).asks()
    const server = new DhcpServer(world.runDir, network.vni)
    await server.setHosts([hostOf(next)], `${world.netns}-${network.subnet.routerId}`)
    expect(await (await aMachine(next)).asks(2)).toBeUndefined()
  })

  it('an address given to another MAC without being given back is taken from the first', async () => {
    const [first, next] = [aNic(network, 1, 100), aNic(network, 1, 100)]
    await world.plane.ensureDhcpHosts(network, [hostOf(first)])
    const machine = await aMachine(first)
    await machine.asks()
    await world.plane.ensureDhcpHosts(network, [hostOf(next)])
    expect(await (await aMachine(next)).asks(1)).toMatchObject({ ip: '172.16.1.100' })
    expect(await machine.asks(1)).toBeUndefined()
  })

  it('its router knows a NIC for good, whatever dnsmasq does to that, until it leaves', async () => {
    const nic = aNic(network, 0, 100)
    const port = `net-${network.vni.toString(16)}`
    const router = `${world.netns}-${network.subnet.routerId}`
    const known = async () =>
      (await ip(router, 'neigh', 'show', 'nud', 'permanent'))
        .split('\n')
        .filter(Boolean)
        .map((line) => line.replace(/ PERMANENT ?$/, ''))
    const entry = `172.16.1.100 dev ${port} lladdr ${nic.mac}`
    await world.plane.ensureDhcpHosts(network, [hostOf(nic)])
    expect(await known()).toEqual([entry])
    expect(await (await aMachine(nic)).asks()).toBeDefined()
    expect(await known()).toEqual([]) // an answer makes it an ordinary entry
    await world.restarted().look()
    expect(await known()).toEqual([entry])

    await ip(router, 'neigh', 'del', '172.16.1.100', 'dev', port)
    await ip(router, 'neigh', 'add', '172.16.1.101', 'lladdr', nic.mac, 'dev', port, 'nud', 'permanent')
    await world.plane.look()
    expect(await known()).toEqual([entry])

    await ip(world.netns, 'link', 'delete', 'dev', `gw-${network.vni.toString(16)}`)
    await world.plane.look()
    await world.plane.ensureNetwork(network)
    expect(await known()).toEqual([entry])
    await world.plane.removeDhcpHosts(network, [nic.mac])
    expect(await known()).toEqual([])
    await world.plane.look()
    expect(await known()).toEqual([])
  })

  it('the server lives through changes of hosts that it has answered', async () => {
    const [primary, secondary] = [aNic(network, 0, 100), aNic(network, 1, 101)]
    await world.plane.ensureDhcpHosts(network, [primary, secondary].map(hostOf))
    const machines = [await aMachine(primary), await aMachine(secondary)]
    const server = await pid()
    for (const host of [110, 111, 112]) {
      expect(await Promise.all(machines.map((machine) => machine.asks()))).not.toContain(undefined)
      await world.plane.ensureDhcpHosts(network, [hostOf(aNic(network, 1, host))])
    }
    expect(await pid()).toBe(server)
  })

  it('a NIC that becomes the primary one is told the gateway, and keeps its lease', async () => {
    const nic = aNic(network, 1, 100)
    await world.plane.ensureDhcpHosts(network, [hostOf(nic)])
    const machine = await aMachine(nic)
    expect(await machine.asks()).not.toHaveProperty('router')
    await world.plane.ensureDhcpHosts(network, [{ ...hostOf(nic), primary: true }])
    expect(await new DhcpServer(world.runDir, network.vni).leases()).toHaveLength(1)
    expect(await machine.asks()).toMatchObject({ ip: '172.16.1.100', router: '172.16.1.1' })
  })

  it('many servers that start at once are all served', async () => {
    const nics = Array.from({ length: 40 }, (_, index) => aNic(network, 0, index + 100))
    await Promise.all(nics.map((nic) => world.plane.ensureDhcpHosts(network, [hostOf(nic)])))
    expect((await world.plane.look()).networks.get(network.vni)?.hosts.size).toBe(40)
    expect(await (await aMachine(nics[39] ?? aNic(network, 0))).asks()).toMatchObject({ ip: '172.16.1.139' })
  })

  it('a MAC whose address changed gets the new one', async () => {
    const nic = aNic(network, 0, 100)
    await world.plane.ensureDhcpHosts(network, [hostOf(nic)])
    const machine = await aMachine(nic)
    await machine.asks()
    await world.plane.ensureDhcpHosts(network, [{ ...hostOf(nic), address: '172.16.1.101' }])
    expect(await machine.asks(1)).toMatchObject({ ip: '172.16.1.101' })
  })

  it('many leases at once are given back by one restart', async () => {
    const nics = Array.from({ length: 20 }, (_, index) => aNic(network, 1, index + 100))
    await world.plane.ensureDhcpHosts(network, nics.map(hostOf))
    const machines = await Promise.all(nics.map((nic) => aMachine(nic)))
    expect(await Promise.all(machines.map((machine) => machine.asks()))).not.toContain(undefined)
    const server = new DhcpServer(world.runDir, network.vni)
    expect(await server.leases()).toHaveLength(20)
    await world.plane.removeDhcpHosts(
      network,
      nics.slice(0, 18).map(({ mac }) => mac),
    )
    expect((await server.leases()).map(({ mac }) => mac).sort()).toEqual(
      nics
        .slice(18)
        .map(({ mac }) => mac)
        .sort(),
    )
    const next = aNic(network, 0, 100)
    await world.plane.ensureDhcpHosts(network, [hostOf(next)])
    expect(await (await aMachine(next)).asks(1)).toMatchObject({ ip: '172.16.1.100' })
  })

  it.each(['SIGTERM', 'SIGKILL'] as const)(
    'a server that ended of %s is started again, with its hosts',
    async (signal) => {
      const nic = aNic(network, 0, 100)
      await world.plane.ensureDhcpHosts(network, [hostOf(nic)])
      const before = await pid()
      process.kill(before ?? 0, signal)
      await holdsWithin(10_000, 1, async () => (await pid()) === undefined)
      await world.plane.ensureNetwork(network)
      expect(await pid()).not.toBe(before)
      expect(await (await aMachine(nic)).asks()).toMatchObject({ ip: '172.16.1.100' })
    },
  )

  it('a worker that was restarted adopts the server and its hosts', async () => {
    const [old, added] = [aNic(network, 0, 100), aNic(network, 1, 101)]
    await world.plane.ensureDhcpHosts(network, [hostOf(old)])
    const before = await pid()
    const next = world.restarted()
    await next.ensureDhcpHosts(network, [hostOf(added)])
    expect(await pid()).toBe(before)
    expect(await (await aMachine(old)).asks()).toMatchObject({ ip: '172.16.1.100' })
    expect(await (await aMachine(added)).asks()).toMatchObject({ ip: '172.16.1.101' })
  })

  it('a server with another MTU is replaced, and its guests are told', async () => {
    const nic = aNic(network, 0, 100)
    await world.plane.ensureDhcpHosts(network, [hostOf(nic)])
    const jumbo = { ...network, mtu: 8950 }
    await world.plane.ensureNetwork(jumbo)
    expect(await (await aMachine({ ...nic, mtu: 8950 }, jumbo)).asks()).toMatchObject({ mtu: '8950' })
  })

  it('a pid file that names a stranger is not believed', async () => {
    const before = await pid()
    await writeFile(`${world.runDir}/dhcp/${network.vni.toString(16)}/pid`, `${process.pid}\n`)
    await world.restarted().ensureNetwork(network)
    const now = await pid()
    expect(now).not.toBe(process.pid)
    expect(await namespacePids(`${world.netns}-${network.subnet.routerId}`)).toEqual([now])
    expect(now).not.toBe(before)
  })

  it('a wiped run directory is rebuilt from what is asked for, by one server only', async () => {
    const nic = aNic(network, 0, 100)
    await world.plane.ensureDhcpHosts(network, [hostOf(nic)])
    await rm(`${world.runDir}/dhcp`, { recursive: true })
    await world.plane.look()
    await world.plane.ensureDhcpHosts(network, [hostOf(nic)])
    expect(await namespacePids(`${world.netns}-${network.subnet.routerId}`)).toEqual([await pid()])
    expect(await (await aMachine(nic)).asks()).toMatchObject({ ip: '172.16.1.100' })
  })

  it('lease time, name servers and domain are those of the network', async () => {
    const dhcp = { leaseSeconds: 900, dnsServers: ['9.9.9.9', '1.1.1.1'], domain: 'example.org' }
    const changed = { ...network, subnet: { ...network.subnet, dhcp } }
    const nic = aNic(network, 1, 100)
    await world.plane.ensureNetwork(changed)
    await world.plane.ensureDhcpHosts(changed, [{ ...hostOf(nic), name: 'web' }])
    const told = await (await aMachine(nic)).asks()
    expect(told).toMatchObject({ lease: '900', dns: '9.9.9.9 1.1.1.1', domain: 'example.org', hostname: 'web' })
  })

  it('the primary NIC is told of our own name server, unless others were chosen', async () => {
    const [primary, secondary] = [aNic(network, 0, 100), aNic(network, 1, 101)]
    await world.plane.ensureDhcpHosts(network, [primary, secondary].map(hostOf))
    expect(await (await aMachine(primary)).asks()).toMatchObject({ dns: '172.16.1.1' })
    expect(await (await aMachine(secondary)).asks()).not.toHaveProperty('dns')
  })

  it('options of a server are told to its NICs alone, beside ours or instead of them', async () => {
    const [own, other] = [aNic(network, 0, 100), aNic(network, 0, 101)]
    const options = { '42': '172.16.1.5,172.16.1.6', '66': 'boot.example.org', '3': '172.16.1.254', '26': '1400' }
    await world.plane.ensureDhcpHosts(network, [{ ...hostOf(own), options }, hostOf(other)])
    const told = await (await aMachine(own)).asks(3, [26, 42, 66])
    expect(told).toMatchObject({ ntpsrv: '172.16.1.5 172.16.1.6', tftp: 'boot.example.org' })
    expect(told).toMatchObject({ router: '172.16.1.254', mtu: '1400' })
    const untold = await (await aMachine(other)).asks(3, [26, 42, 66])
    expect(untold).toMatchObject({ router: '172.16.1.1', mtu: '1450' })
    expect(untold).not.toHaveProperty('ntpsrv')
  })

  it('options that change, or go, need no other server', async () => {
    const nic = aNic(network, 0, 100)
    const host = hostOf(nic)
    await world.plane.ensureDhcpHosts(network, [{ ...host, options: { '42': '172.16.1.5' } }])
    const machine = await aMachine(nic)
    const server = await pid()
    expect(await machine.asks(3, [42])).toMatchObject({ ntpsrv: '172.16.1.5' })
    await world.plane.ensureDhcpHosts(network, [{ ...host, options: { '42': '172.16.1.7' } }])
    expect(await machine.asks(3, [42])).toMatchObject({ ntpsrv: '172.16.1.7' })
    await world.plane.ensureDhcpHosts(network, [host])
    expect(await machine.asks(3, [42])).not.toHaveProperty('ntpsrv')
    expect(await pid()).toBe(server)
  })

  it('a value that could be read as a setting is refused, and nothing changes', async () => {
    const nic = aNic(network, 0, 100)
    await world.plane.ensureDhcpHosts(network, [hostOf(nic)])
    const bad = { ...hostOf(nic), options: { '42': '172.16.1.5\n3,6.6.6.6' } }
    await expect(world.plane.ensureDhcpHosts(network, [bad])).rejects.toThrow(RangeError)
    expect(await (await aMachine(nic)).asks()).toMatchObject({ ip: '172.16.1.100', router: '172.16.1.1' })
  })

  it.each([
    ['dead server', async () => process.kill((await pid()) ?? 0, 'SIGKILL')],
    ['changed configuration', () => writeFile(`${folder()}/dnsmasq.conf`, '# network x of y, z, interface 1\n')],
    ['removed host entry', () => writeFile(`${folder()}/hosts`, '')],
    ['removed name', () => writeFile(`${folder()}/names`, '')],
    ['removed option', () => writeFile(`${folder()}/options`, '')],
  ])('a %s is seen by a look, and mended', async (_, harm) => {
    const nic = aNic(network, 0, 100)
    const host = { ...hostOf(nic), name: 'web', options: { '42': '172.16.1.5' } }
    await world.plane.ensureDhcpHosts(network, [host])
    const isAlright = async () => {
      const have = (await world.plane.look()).networks.get(network.vni)
      return isNetworkAlright(network, have) && isSameHost(host, have?.hosts.get(nic.mac))
    }
    expect(await isAlright()).toBe(true)
    await harm()
    expect(await holdsWithin(10_000, 10, async () => !(await isAlright()))).toBe(true)
    await world.plane.ensureDhcpHosts(network, [host])
    expect(await isAlright()).toBe(true)
    const machine = await aMachine(nic)
    expect(await machine.asks(3, [42])).toMatchObject({ ip: '172.16.1.100', ntpsrv: '172.16.1.5', hostname: 'web' })
  })

  it('removing hosts of a network that is not there makes nothing', async () => {
    const nowhere = aNetwork()
    await world.plane.removeDhcpHosts(nowhere, [aNic(nowhere, 0).mac])
    expect((await world.plane.look()).networks.has(nowhere.vni)).toBe(false)
  })

  it('a run directory that only root can reach is served from as well', async () => {
    await chmod(world.runDir, 0o700)
    await rm(`${world.runDir}/dhcp`, { recursive: true })
    await world.plane.look()
    const nic = aNic(network, 0, 100)
    await world.plane.ensureDhcpHosts(network, [hostOf(nic)])
    expect(await (await aMachine(nic)).asks()).toMatchObject({ ip: '172.16.1.100' })
  })

  it('the server has no rights of root where its files can be reached without', async () => {
    const status = await readFile(`/proc/${await pid()}/status`, 'utf8')
    expect(status).not.toMatch(/^Uid:\s+0\s/m)
  })
})
