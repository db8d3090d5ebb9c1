import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { afterEach, beforeEach, expect, it } from 'vitest'

import { ForeignObjectError } from '../../src/workers/errors.ts'
import { NamespaceGuest } from '../../src/workers/guests/namespace.ts'
import { DataPlane } from '../../src/workers/host/data-plane.ts'
import { deleteLinks } from '../../src/workers/host/links.ts'
import { bridgeName, gatewayMac, gatewayPortName, networkMark, nicMark, tapName } from '../../src/workers/host/names.ts'
import { namespacePids, namespacesNamed } from '../../src/workers/host/netns.ts'
import { holdsWithin, runCommand } from '../../src/workers/host/run-command.ts'
import { describeOnKernel } from '../support/needs-root.ts'
import { until } from '../support/until.ts'
import {
  aDataPlane,
  aNetwork,
  aNic,
  aSubnet,
  hostOf,
  inside,
  ip,
  pings,
  pingsOnce,
  slate,
  type TestDataPlane,
  tapOf,
  unique,
} from './a-data-plane.ts'
import { BROADCAST, RawPort } from './a-policy.ts'
import { arp, ethernet } from './frames.ts'

describeOnKernel('the data plane', () => {
  let world: TestDataPlane
  let plane: DataPlane
  let netns: string

  beforeEach(async () => {
    world = await aDataPlane()
    plane = world.plane
    netns = world.netns
  })
  afterEach(() => world.dispose())

  const routers = () => namespacesNamed(`${netns}-`)
  const names = async () => [...(await plane.look()).links.keys()].filter((name) => name !== 'lo').sort()
  const dhcpPid = async (vni: number) => (await plane.look()).networks.get(vni)?.dhcpPid

  /** A guest with one NIC in slot 0 of a network. */
  const aGuest = async (network: ReturnType<typeof aNetwork>, host: number) => {
    const id = `i-${unique()}`
    const guest = new NamespaceGuest({ id, dataPlaneNetns: netns })
    const nic = aNic(network, 0, host)
    await plane.ensureTaps([tapOf(network, nic, guest.tapDevice(nic))])
    await guest.start([nic])
    return { id, guest, nic, stop: () => guest.stop({ force: true }) }
  }

  it('a network made twice, also by a restarted worker, is the same network', async () => {
    const network = aNetwork()
    const router = `${netns}-${network.subnet.routerId}`
    await plane.ensureNetwork(network)
    const once = [await slate(netns), await slate(router), await dhcpPid(network.vni)]
    await plane.ensureNetwork(network)
    await world.restarted().ensureNetwork(network)
    expect([await slate(netns), await slate(router), await dhcpPid(network.vni)]).toEqual(once)
    expect(await dhcpPid(network.vni)).toBeTypeOf('number')
  })

  it('asking for a network ten times at once makes it once', async () => {
    const network = aNetwork()
    await Promise.all(Array.from({ length: 10 }, () => plane.ensureNetwork(network)))
    expect(await names()).toEqual([bridgeName(network.vni), gatewayPortName(network.vni)])
    expect(await namespacePids(`${netns}-${network.subnet.routerId}`)).toEqual([await dhcpPid(network.vni)])
  })

  it('a network removed twice leaves nothing, and its router goes with the last network', async () => {
    const one = aNetwork()
    const two = aNetwork({ subnet: { ...one.subnet, cidr: '172.16.2.0/24', gateway: '172.16.2.1' } })
    await Promise.all([plane.ensureNetwork(one), plane.ensureNetwork(two)])
    await plane.removeNetwork(one)
    expect(await routers()).toEqual([`${netns}-${one.subnet.routerId}`])
    await world.restarted().removeNetwork(two)
    await plane.removeNetwork(two)
    await plane.removeNetwork(one)
    expect(await names()).toEqual([])
    expect(await routers()).toEqual([])
    expect((await plane.look()).networks.size).toBe(0)
  })

  it('networks of one VPC that come and go at the same time do not take the router from each other', async () => {
    const one = aNetwork()
    const two = aNetwork({ subnet: { ...one.subnet, cidr: '172.16.2.0/24', gateway: '172.16.2.1' } })
    await plane.ensureNetwork(one)
    for (let round = 0; round < 3; round++) {
      await Promise.all([plane.removeNetwork(one), plane.ensureNetwork(two)])
      await Promise.all([plane.removeNetwork(two), plane.ensureNetwork(one)])
    }
    expect((await plane.look()).networks.get(one.vni)?.routerPort?.addresses).toEqual(['172.16.1.1/24'])
  })

  it('a network that joins a VPC gains its gateway, one that leaves loses it, with taps in place', async () => {
    const joined = aNetwork()
    const { subnet: _, ...bare } = joined
    await plane.ensureNetwork(bare)
    const nic = aNic(joined, 0)
    await plane.ensureTaps([tapOf(joined, nic)])
    const alone = await slate(netns)
    await plane.ensureNetwork(joined)
    expect(await names()).toContain(gatewayPortName(joined.vni))
    await plane.ensureNetwork(bare)
    expect(await slate(netns)).toEqual(alone)
    expect(await routers()).toEqual([])
  })

  it('a network that changes VPC and range answers in the new one alone', async () => {
    const before = aNetwork()
    const after = { ...before, subnet: aSubnet({ cidr: '10.1.2.0/24', gateway: '10.1.2.1' }) }
    await plane.ensureNetwork(before)
    await world.restarted().ensureNetwork(after)
    expect(await routers()).toEqual([`${netns}-${after.subnet.routerId}`])
    const moved = { ...after, subnet: { ...after.subnet, cidr: '10.1.3.0/24', gateway: '10.1.3.1' } }
    await plane.ensureNetwork(moved)
    expect((await plane.look()).networks.get(moved.vni)?.routerPort?.addresses).toEqual(['10.1.3.1/24'])
  })

  it('the gateway answers its network, and two VPCs use one range side by side', async () => {
    const [one, two] = [aNetwork(), aNetwork()]
    await Promise.all([plane.ensureNetwork(one), plane.ensureNetwork(two)])
    const [a, b] = [await aGuest(one, 100), await aGuest(two, 100)]
    expect(await Promise.all([pings(a.id, '172.16.1.1'), pings(b.id, '172.16.1.1')])).toEqual([true, true])
    await plane.removeNetwork(one)
    expect(await Promise.all([pingsOnce(a.id, '172.16.1.1'), pings(b.id, '172.16.1.1')])).toEqual([false, true])
    await Promise.all([a.stop(), b.stop()])
  })

  it('a router that was not told to forwards nothing, and answers for no gateway but the one of the network asked', async () => {
    const one = aNetwork()
    const two = aNetwork({ subnet: { ...one.subnet, cidr: '172.16.2.0/24', gateway: '172.16.2.1' } })
    await Promise.all([plane.ensureNetwork(one), plane.ensureNetwork(two)])
    const [a, b] = [await aGuest(one, 100), await aGuest(two, 100)].map((guest) => guest)
    if (!a || !b) throw new Error('two guests were made')
    await b.guest.plug([{ ...b.nic, address: '172.16.2.100/24', gateway: '172.16.2.1' }])
    expect(await pings(b.id, '172.16.2.1')).toBe(true)
    expect(await pingsOnce(a.id, '172.16.2.100')).toBe(false)
    const arp = await inside(a.id, 'busybox', 'arping', '-c', '1', '-w', '1', '-I', 'eth0', '172.16.2.1')
    expect(arp.exitCode).not.toBe(0)
    await Promise.all([a.stop(), b.stop()])
  })

  it('a frame to a link-local group does not tell the bridge where a MAC is', async () => {
    const network = aNetwork()
    await plane.ensureNetwork(network)
    // As of a bridge that was made before.
    await ip(netns, 'link', 'set', 'dev', bridgeName(network.vni), 'type', 'bridge', 'no_linklocal_learn', '0')
    await plane.look()
    await plane.ensureNetwork(network)
    const [attacker, neighbour] = [await aGuest(network, 100), await aGuest(network, 101)]
    const port = await RawPort.open(attacker.id, 'eth0')
    const seen = await RawPort.open(neighbour.id, 'eth0')
    const portOf = async (mac: string) => {
      const { stdout } = await inside(netns, 'bridge', '-j', 'fdb', 'show', 'br', bridgeName(network.vni))
      const entries = JSON.parse(stdout) as { mac: string; ifname: string; state: string }[]
      return entries.find((entry) => entry.mac === mac && entry.state !== 'permanent')?.ifname
    }
    expect(await pings(neighbour.id, '172.16.1.1')).toBe(true)
    for (const mac of [gatewayMac(network.vni), neighbour.nic.mac]) {
      for (let group = 2; group < 16; group++) {
        const to = `01:80:c2:00:00:${group.toString(16).padStart(2, '0')}`
        port.send(ethernet(mac, to, 0x88cc, Buffer.alloc(46)))
      }
    }
    const last = arp({ fromMac: attacker.nic.mac, toMac: BROADCAST, from: '172.16.1.100', to: '172.16.1.250' })
    port.send(last)
    expect(await holdsWithin(10_000, 1, async () => seen.hasSeen(last))).toBe(true)
    expect(await portOf(attacker.nic.mac)).toBe(tapName(attacker.nic.mac))
    expect(await portOf(gatewayMac(network.vni))).toBe(gatewayPortName(network.vni))
    expect(await portOf(neighbour.nic.mac)).toBe(tapName(neighbour.nic.mac))
    await Promise.all([port.close(), seen.close()])
    await Promise.all([attacker.stop(), neighbour.stop()])
  })

  it('frames between ports pass through the filters, and the data plane forwards nothing', async () => {
    const read = async (key: string) => (await inside(netns, 'cat', `/proc/sys/net/${key}`)).stdout.trim()
    expect(await read('bridge/bridge-nf-call-iptables')).toBe('1')
    expect(await read('bridge/bridge-nf-call-ip6tables')).toBe('1')
    expect(await read('bridge/bridge-nf-filter-vlan-tagged')).toBe('0')
    expect(await read('ipv4/ip_forward')).toBe('0')
  })

  it('a router that forwards goes on, whoever comes to it later', async () => {
    const one = aNetwork()
    const two = aNetwork({ subnet: { ...one.subnet, cidr: '172.16.2.0/24', gateway: '172.16.2.1' } })
    const router = `${netns}-${one.subnet.routerId}`
    await plane.ensureNetwork(one)
    await inside(router, 'sysctl', '-q', '-w', 'net.ipv4.ip_forward=1')
    await plane.ensureNetwork(two)
    await world.restarted().ensureNetwork({ ...one, mtu: 1400 })
    expect((await inside(router, 'cat', '/proc/sys/net/ipv4/ip_forward')).stdout.trim()).toBe('1')
  })

  it('taps made twice are the same taps, and are gone after being removed twice', async () => {
    const network = aNetwork()
    await plane.ensureNetwork(network)
    const before = await slate(netns)
    const taps = [0, 1, 2].map((slot) => tapOf(network, aNic(network, slot)))
    await plane.ensureTaps(taps)
    const once = await slate(netns)
    await plane.ensureTaps(taps)
    await Promise.all([plane.ensureTaps(taps.slice(1)), world.restarted().ensureTaps(taps.slice(0, 2))])
    expect(await slate(netns)).toEqual(once)
    await plane.removeTaps(taps)
    await plane.removeTaps(taps)
    expect(await slate(netns)).toEqual(before)
  })

  it('a tap that drifted is put right', async () => {
    const network = aNetwork()
    await plane.ensureNetwork(network)
    const taps = [0, 1].map((slot) => tapOf(network, aNic(network, slot)))
    await plane.ensureTaps(taps)
    const right = await slate(netns)
    const drift = ['mtu', '1300', 'nomaster', 'address', '02:00:00:00:00:01', 'group', '99', 'down']
    await ip(netns, 'link', 'set', 'dev', tapName(taps[1]?.mac ?? ''), ...drift)
    await plane.ensureTaps(taps)
    expect(await slate(netns)).toEqual(right)
  })

  it('a tap whose NIC went from a virtual machine to a namespace is made afresh', async () => {
    const network = aNetwork()
    await plane.ensureNetwork(network)
    const nic = aNic(network, 0)
    const guest = new NamespaceGuest({ id: `i-${unique()}`, dataPlaneNetns: netns })
    await plane.ensureTaps([tapOf(network, nic)])
    await plane.ensureTaps([tapOf(network, nic, guest.tapDevice(nic))])
    expect((await plane.look()).taps.get(nic.mac)?.kind).toBe('veth')
    await guest.stop({ force: true })
  })

  it('252 NICs of a network come and go', async () => {
    const network = aNetwork()
    await plane.ensureNetwork(network)
    const nics = Array.from({ length: 252 }, (_, index) => aNic(network, index % 64, index + 2))
    await plane.ensureTaps(nics.map((nic) => tapOf(network, nic)))
    await plane.ensureDhcpHosts(network, nics.map(hostOf))
    const view = await plane.look()
    expect(view.taps.size).toBe(252)
    expect(view.networks.get(network.vni)?.hosts.size).toBe(252)
    await plane.removeTaps(nics)
    await plane.removeDhcpHosts(
      network,
      nics.map(({ mac }) => mac),
    )
    expect((await plane.look()).taps.size).toBe(0)
  })

  it.each(['tap', 'veth'] as const)(
    "a stranger's device under a tap's name is refused and untouched (%s)",
    async (kind) => {
      const network = aNetwork()
      await plane.ensureNetwork(network)
      const [mine, theirs] = [tapOf(network, aNic(network, 0)), tapOf(network, aNic(network, 1))]
      const name = tapName(theirs.mac)
      await (kind === 'tap'
        ? ip(netns, 'tuntap', 'add', 'dev', name, 'mode', 'tap')
        : ip(netns, 'link', 'add', 'name', name, 'type', 'veth', 'peer', 'name', 'other'))
      await ip(netns, 'link', 'set', 'dev', name, 'alias', 'libvirt:web-1', 'mtu', '1400')
      const before = await ip(netns, '-j', '-d', 'link', 'show', 'dev', name)
      await expect(plane.ensureTaps([mine, theirs])).rejects.toThrow(ForeignObjectError)
      await expect(plane.removeTaps([theirs, mine])).rejects.toThrow(ForeignObjectError)
      expect(await ip(netns, '-j', '-d', 'link', 'show', 'dev', name)).toBe(before)
      expect(await names()).not.toContain(tapName(mine.mac))
    },
  )

  it.each([
    ['bridge', bridgeName],
    ['router port', gatewayPortName],
  ])("a stranger's device under the name of a %s is refused and untouched", async (_, nameOf) => {
    const network = aNetwork()
    const name = nameOf(network.vni)
    await ip(netns, 'link', 'add', 'name', name, 'type', 'bridge')
    await ip(netns, 'link', 'set', 'dev', name, 'alias', networkMark('net-other'))
    const before = await slate(netns)
    await expect(plane.ensureNetwork(network)).rejects.toThrow(ForeignObjectError)
    await expect(plane.removeNetwork(network)).rejects.toThrow(ForeignObjectError)
    expect(await slate(netns)).toEqual(before)
  })

  it("a stranger's namespace under our name is refused and stays", async () => {
    const name = `pbt-${unique()}`
    await runCommand('ip', ['netns', 'add', name])
    try {
      const theirs = new DataPlane({ netns: name, runDir: world.runDir })
      await expect(theirs.open()).rejects.toThrow(ForeignObjectError)
      await expect(theirs.destroy()).rejects.toThrow(ForeignObjectError)
      expect(await namespacesNamed(name)).toEqual([name])
    } finally {
      await runCommand('ip', ['netns', 'delete', name])
    }
  })

  it('devices that a crash left unmarked are completed', async () => {
    const network = aNetwork()
    const nic = aNic(network, 0)
    await ip(netns, 'link', 'add', 'name', bridgeName(network.vni), 'type', 'bridge')
    await ip(netns, 'link', 'add', 'name', gatewayPortName(network.vni), 'type', 'veth', 'peer', 'name', 'lost')
    await ip(netns, 'tuntap', 'add', 'dev', tapName(nic.mac), 'mode', 'tap')
    await plane.ensureNetwork(network)
    await plane.ensureTaps([tapOf(network, nic)])
    const { links, taps } = await plane.look()
    expect(links.get(bridgeName(network.vni))).toMatchObject({ alias: networkMark(network.id), mtu: 1450, up: true })
    expect(taps.get(nic.mac)).toMatchObject({ alias: nicMark(nic.mac), master: bridgeName(network.vni), up: true })
    expect(links.has('lost')).toBe(false)
  })

  it('a router that a crash left without a network is cleared away when the worker opens', async () => {
    const network = aNetwork()
    await plane.ensureNetwork(network)
    await deleteLinks(netns, [gatewayPortName(network.vni)])
    await world.restarted().open()
    expect(await routers()).toEqual([])
  })

  it.each([
    ['bridge', (network: ReturnType<typeof aNetwork>) => deleteLinks(netns, [bridgeName(network.vni)])],
    ['router port', (network: ReturnType<typeof aNetwork>) => deleteLinks(netns, [gatewayPortName(network.vni)])],
    [
      'gateway address',
      (network: ReturnType<typeof aNetwork>) =>
        ip(
          `${netns}-${network.subnet.routerId}`,
          'addr',
          'del',
          '172.16.1.1/24',
          'dev',
          `net-${network.vni.toString(16)}`,
        ),
    ],
    [
      'router namespace',
      (network: ReturnType<typeof aNetwork>) =>
        runCommand('ip', ['netns', 'delete', `${netns}-${network.subnet.routerId}`]),
    ],
    ['run directory', () => runCommand('rm', ['-rf', `${world.runDir}/dhcp`])],
  ])('a lost %s is made again after a look', async (_, lose) => {
    const network = aNetwork()
    await plane.ensureNetwork(network)
    await lose(network)
    await plane.look()
    await plane.ensureNetwork(network)
    const guest = await aGuest(network, 100)
    // A port joins its new bridge only with the next look, as everything that drifts.
    expect(await pings(guest.id, '172.16.1.1')).toBe(true)
    expect(await namespacePids(`${netns}-${network.subnet.routerId}`)).toEqual([await dhcpPid(network.vni)])
    await guest.stop()
  })

  it('a bridge that is missing is named by the error, with the tap', async () => {
    const network = aNetwork()
    const tap = tapOf(network, aNic(network, 0))
    await expect(plane.ensureTaps([tap])).rejects.toThrow(new RegExp(`${tapName(tap.mac)}.*${bridgeName(network.vni)}`))
  })

  it('destroy leaves nothing, and the host was never touched', async () => {
    const host = async () => ({
      links: (JSON.parse((await runCommand('ip', ['-j', 'link'])).stdout) as { ifname: string }[]).map((l) => l.ifname),
      routes: (await runCommand('ip', ['route', 'show', 'table', 'all'])).stdout,
      rules: (await runCommand('ip', ['rule'])).stdout,
      namespaces: await namespacesNamed('pbt-other'),
    })
    const before = await host()
    const other = await aDataPlane()
    const networks = [aNetwork(), aNetwork()]
    await Promise.all(networks.map((network) => other.plane.ensureNetwork(network)))
    await other.plane.ensureTaps(networks.map((network) => tapOf(network, aNic(network, 0))))
    const servers = [...(await other.plane.look()).networks.values()].map((network) => network.dhcpPid)
    expect(await host()).toEqual(before)
    await other.plane.destroy()
    await other.plane.destroy()
    expect(await namespacesNamed(other.netns)).toEqual([])
    for (const pid of servers) {
      // Gone, or a zombie where nobody reaps them.
      expect(await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).toBe('')
    }
    expect(await host()).toEqual(before)
    await other.plane.open() // and it can be opened again at once
    await other.dispose()
  })

  it.each([
    ['is about to leave goes with it', '0.5', 0],
    ['stays keeps it, without what is ours', '600', 1],
  ])('taken down with a program in it that %s', async (_, seconds, left) => {
    const other = await aDataPlane()
    const program = spawn('ip', ['netns', 'exec', other.netns, 'sleep', seconds])
    try {
      await other.plane.ensureNetwork(aNetwork())
      await until('it to run', async () => (await namespacePids(other.netns)).includes(program.pid ?? 0))
      await other.plane.destroy()
      expect(await namespacesNamed(other.netns)).toHaveLength(left)
      expect(await namespacePids(other.netns)).toHaveLength(left)
      if (left === 0) return
      const { stdout: links } = await runCommand('ip', ['-n', other.netns, '-br', 'link'])
      expect(links).toMatch(/^lo /)
      expect(links).not.toMatch(/br-|gw-/)
    } finally {
      program.kill('SIGKILL')
      await other.dispose()
    }
  })
})
