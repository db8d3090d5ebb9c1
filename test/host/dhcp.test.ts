import { chmod, readFile, rm, writeFile } from 'node:fs/promises'
import { afterEach, beforeEach, expect, it } from 'vitest'

import { DhcpServer } from '../../src/workers/host/dnsmasq.ts'
import { namespacePids } from '../../src/workers/host/netns.ts'
import { holdsWithin, runInNamespace } from '../../src/workers/host/run-command.ts'
import type { NetworkSpec } from '../../src/workers/host/specs.ts'
import { describeOnKernel } from '../support/needs-root.ts'
import { aDataPlane, aNetwork, aNic, hostOf, ip, type TestDataPlane, tapOf, unique } from './a-data-plane.ts'

type Nic = ReturnType<typeof aNic>

describeOnKernel('DHCP', () => {
  let world: TestDataPlane
  let network: ReturnType<typeof aNetwork>
  let guests: string[]

  beforeEach(async () => {
    guests = []
    world = await aDataPlane()
    network = aNetwork()
    await world.plane.ensureNetwork(network)
  })
  afterEach(async () => {
    await world.dispose()
    for (const id of guests) await ip(id, 'netns', 'delete', id)
  })

  /** A machine with a DHCP client: its cards have their MACs and nothing else. */
  const aMachine = async (nic: Nic, on: NetworkSpec = network) => {
    const id = `i-${unique()}`
    await world.plane.ensureTaps([tapOf(on, nic, { kind: 'veth', netns: id, ifName: 'eth0' })])
    guests.push(id)
    await ip(id, 'link', 'set', 'dev', 'eth0', 'address', nic.mac, 'up')
    const script = `${world.runDir}/${id}.sh`
    await writeFile(script, '#!/bin/sh\n[ "$1" = bound ] && env > "$0.out"\nexit 0\n', { mode: 0o755 })
    return {
      /** What a DHCP client is told, as its script sees it; `undefined` when nobody answers it. */
      asks: async (tries = 3): Promise<Record<string, string> | undefined> => {
        await rm(`${script}.out`, { force: true })
        const args = ['udhcpc', '-i', 'eth0', '-n', '-q', '-f', '-t', `${tries}`, '-T', '1', '-s', script]
        await runInNamespace(id, 'busybox', args, { allowFailure: true })
        const text = await readFile(`${script}.out`, 'utf8').catch(() => undefined)
        return text === undefined
          ? undefined
          : Object.fromEntries(text.split('\n').map((line) => [line.split('=')[0], line.replace(/^[^=]*=/, '')]))
      },
    }
  }
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
    await server.setHosts([hostOf(next)], `${world.netns}-${network.subnet.vpcId}`)
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
      await holdsWithin(2000, 1, async () => (await pid()) === undefined)
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
    expect(await namespacePids(`${world.netns}-${network.subnet.vpcId}`)).toEqual([now])
    expect(now).not.toBe(before)
  })

  it('a wiped run directory is rebuilt from what is asked for, by one server only', async () => {
    const nic = aNic(network, 0, 100)
    await world.plane.ensureDhcpHosts(network, [hostOf(nic)])
    await rm(`${world.runDir}/dhcp`, { recursive: true })
    await world.plane.look()
    await world.plane.ensureDhcpHosts(network, [hostOf(nic)])
    expect(await namespacePids(`${world.netns}-${network.subnet.vpcId}`)).toEqual([await pid()])
    expect(await (await aMachine(nic)).asks()).toMatchObject({ ip: '172.16.1.100' })
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
