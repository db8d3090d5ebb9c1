import { afterEach, beforeEach, expect, it } from 'vitest'

import { NamespaceGuest } from '../../src/workers/guests/namespace.ts'
import { gatewayMac } from '../../src/workers/host/names.ts'
import { holdsWithin, runInNamespace } from '../../src/workers/host/run-command.ts'
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
  pingsOnce,
  slate,
  type TestDataPlane,
  type TestSubnet,
  tapOf,
  unique,
} from './a-data-plane.ts'
import { aMachine } from './a-machine.ts'

const withIpv6 = (subnet: TestSubnet, prefix = 'fd00:1:2:3'): TestSubnet => ({
  ...subnet,
  ipv6: { cidr: `${prefix}::/64`, gateway: `${prefix}::1` },
})

/** The address that a MAC of ours makes of a prefix, as the kernel writes it. */
function eui64(prefix: string, mac: string): string {
  const [a = '', b = '', c = '', d = '', e = '', f = ''] = mac.split(':')
  const flipped = (Number.parseInt(a, 16) ^ 2).toString(16) // of ours: 52 becomes 50
  const groups = [`${flipped}${b}`, `${c}ff`, `fe${d}`, `${e}${f}`].map((hex) => Number.parseInt(hex, 16).toString(16))
  return `${prefix}:${groups.join(':')}`
}

/** Sends a packet to each of 3000 addresses of a prefix, `fd00::`. */
const SCAN = `
use Socket qw(:all);
socket(my $socket, AF_INET6, SOCK_DGRAM, 0) or die;
for my $n (4096 .. 7095) {
  send($socket, 'x', 0, pack_sockaddr_in6(9, inet_pton(AF_INET6, sprintf('%s%x', $ARGV[0], $n))));
}`

describeOnKernel('IPv6', () => {
  let world: TestDataPlane
  let guests: NamespaceGuest[]
  let network: ReturnType<typeof aNetwork>

  beforeEach(async () => {
    guests = []
    world = await aDataPlane()
    network = aNetwork({ subnet: withIpv6(aSubnet()) })
    await world.plane.ensureNetwork(network)
  })
  afterEach(async () => {
    for (const guest of guests) await guest.stop({ force: true })
    await world.dispose()
  })

  /** A guest with NICs in slots 0 and on, one in each network; the address of the first. */
  const aGuest = async (...networks: ReturnType<typeof aNetwork>[]) => {
    const id = `i-${unique()}`
    const guest = new NamespaceGuest({ id, dataPlaneNetns: world.netns })
    guests.push(guest)
    const nics = networks.map(({ subnet, ...rest }, slot) => {
      const nic = aNic({ ...rest, subnet }, slot, 100 + guests.length)
      const address = eui64(subnet.ipv6?.cidr.replace('::/64', '') ?? '', nic.mac)
      return { ...nic, ipv6Address: `${address}/64`, ipv6Gateway: subnet.ipv6?.gateway ?? '' }
    })
    await world.plane.ensureTaps(nics.map((nic, slot) => tapOf(networks[slot] ?? network, nic, guest.tapDevice(nic))))
    await guest.start(nics)
    return { id, guest, nics, address: nics[0]?.ipv6Address.split('/')[0] ?? '' }
  }
  const router = () => `${world.netns}-${network.subnet.routerId}`
  const port = () => `net-${network.vni.toString(16)}`
  const isAlright = async () => isNetworkAlright(network, (await world.plane.look()).networks.get(network.vni))
  const portHasIpv6 = async () => (await ip(router(), '-6', 'addr', 'show', 'dev', port())) !== ''

  it('two guests reach each other and the gateway, with packets of full size', async () => {
    const [a, b] = [await aGuest(network), await aGuest(network)]
    expect(await pings(a.id, b.address)).toBe(true)
    expect(await pings(a.id, 'fd00:1:2:3::1')).toBe(true)
    const payload = String(network.mtu - 48) // 40 bytes of IPv6, 8 of ICMP
    for (const to of [b.address, 'fd00:1:2:3::1']) {
      const { exitCode } = await inside(a.id, 'busybox', 'ping', '-6', '-c', '1', '-W', '2', '-s', payload, to)
      expect(exitCode).toBe(0)
    }
  })

  it('guests of two networks of a VPC reach each other once the router forwards', async () => {
    const other = aNetwork({
      subnet: withIpv6({ ...network.subnet, cidr: '172.16.2.0/24', gateway: '172.16.2.1' }, 'fd00:1:2:4'),
    })
    await world.plane.ensureNetwork(other)
    const [a, b] = [await aGuest(network), await aGuest(other)]
    await runInNamespace(router(), 'sysctl', ['-q', '-w', 'net.ipv6.conf.all.forwarding=1'])
    expect(await pings(a.id, b.address)).toBe(true)
    // And what comes to the networks later does not switch it off.
    await world.restarted().ensureNetwork({ ...network, mtu: 1400 })
    expect(await pings(a.id, b.address)).toBe(true)
  })

  it('a guest that scans a network does not make the routers of others lose their guests', async () => {
    const scanned = aNetwork({
      subnet: withIpv6({ ...network.subnet, cidr: '172.16.2.0/24', gateway: '172.16.2.1' }, 'fd00:1:2:4'),
    })
    const other = aNetwork({ subnet: withIpv6(aSubnet(), 'fd00:9:9:9') })
    await Promise.all([scanned, other].map((each) => world.plane.ensureNetwork(each)))
    await runInNamespace(router(), 'sysctl', ['-q', '-w', 'net.ipv6.conf.all.forwarding=1'])
    const [scanner, known, unknown] = [await aGuest(network), await aGuest(other), await aGuest(other)]
    const theirs = `${world.netns}-${other.subnet.routerId}`
    const [nic = aNic(other, 0)] = known.nics
    await world.plane.ensureDhcpHosts(other, [{ ...hostOf(nic), ipv6Address: known.address }])
    expect(await pings(scanner.id, 'fd00:1:2:4::1')).toBe(true)
    // A guest of the test shares the kernel's table; a machine has its own.
    const gateway = ['fd00:9:9:9::1', 'lladdr', gatewayMac(other.vni), 'dev', 'eth0', 'nud', 'permanent']
    for (const { id } of [known, unknown]) await ip(id, 'neigh', 'replace', ...gateway)
    for (const { address } of [known, unknown]) expect(await pings(theirs, address)).toBe(true)
    // As after a while without packets. What is permanent stays.
    await ip(theirs, 'neigh', 'flush', 'dev', `net-${other.vni.toString(16)}`)

    await inside(scanner.id, 'perl', '-e', SCAN, 'fd00:1:2:4::')
    const reached = await Promise.all([known, unknown].map(({ address }) => pingsOnce(theirs, address)))
    expect(reached).toEqual([true, false])
  })

  it('a NIC is found by its name', async () => {
    const nic = aNic(network, 0, 100)
    const address = eui64('fd00:1:2:3', nic.mac)
    await world.plane.ensureDhcpHosts(network, [{ ...hostOf(nic), ipv6Address: address, name: 'web' }])
    expect((await world.plane.look()).networks.get(network.vni)?.hosts.get(nic.mac)?.ipv6Address).toBe(address)
    const machine = await aMachine(world, network, nic)
    try {
      await machine.takesAddress()
      expect((await machine.resolves('web')).sort()).toEqual(['172.16.1.100', address])
      expect(await machine.resolves(address)).toEqual(['web'])
      expect(await ip(router(), 'neigh', 'show', 'nud', 'permanent')).toContain(
        `${address} dev ${port()} lladdr ${nic.mac}`,
      )
    } finally {
      await machine.dispose()
    }
  })

  it('the primary NIC alone has a default route', async () => {
    const other = aNetwork({ subnet: withIpv6(aSubnet(), 'fd00:9:9:9') })
    await world.plane.ensureNetwork(other)
    const { id, guest, nics } = await aGuest(network, other)
    await guest.plug(nics)
    await pings(id, 'fd00:9:9:9::1')
    const routes = await ip(id, '-6', 'route', 'show', 'default')
    expect(routes.trim().split('\n')).toEqual([expect.stringMatching(/^default via fd00:1:2:3::1 dev eth0 /)])
    const addresses = (await guest.look())?.flatMap((nic) => nic.addresses)
    expect(addresses).toEqual(expect.arrayContaining(nics.map((nic) => nic.ipv6Address)))
  })

  it('a machine that configures nothing forms its address, and takes the gateway and the MTU', async () => {
    const nic = aNic(network, 0)
    const machine = await aMachine(world, network, nic)
    try {
      const address = eui64('fd00:1:2:3', nic.mac)
      const shows = async () =>
        (await ip(machine.id, '-6', 'addr', 'show', 'dev', 'eth0', '-tentative')).includes(`${address}/64`)
      expect(await holdsWithin(10_000, 50, shows)).toBe(true)
      const gateway = /inet6 (fe80::\S+)\/64/.exec(await ip(router(), '-6', 'addr', 'show', 'dev', port()))?.[1]
      expect(await ip(machine.id, '-6', 'route', 'show', 'default')).toContain(`via ${gateway} `)
      expect((await inside(machine.id, 'cat', '/proc/sys/net/ipv6/conf/eth0/mtu')).stdout.trim()).toBe('1450')
      expect(await pings(machine.id, 'fd00:1:2:3::1')).toBe(true)
    } finally {
      await machine.dispose()
    }
  })

  it('a network without it has it switched off, and can gain and lose it', async () => {
    const { ipv6: _, ...subnet } = network.subnet
    const bare = { ...network, subnet }
    await world.plane.ensureNetwork(bare)
    expect(await portHasIpv6()).toBe(false)
    const without = await slate(router())
    await world.plane.ensureNetwork(network)
    expect(await isAlright()).toBe(true)
    const guest = await aGuest(network)
    expect(await pings(guest.id, 'fd00:1:2:3::1')).toBe(true)
    await world.plane.ensureNetwork(bare)
    expect(await slate(router())).toEqual(without)
    await ip(router(), 'link', 'set', 'dev', port(), 'down')
    await world.plane.look()
    await world.plane.ensureNetwork(bare)
    expect(await portHasIpv6()).toBe(false)
  })

  it.each([
    ['gateway address', () => ip(router(), 'addr', 'del', 'fd00:1:2:3::1/64', 'dev', port())],
    ['link-local address', () => ip(router(), '-6', 'addr', 'flush', 'dev', port(), 'scope', 'link')],
    ['switch', () => runInNamespace(router(), 'sysctl', ['-q', '-w', `net.ipv6.conf.${port()}.disable_ipv6=1`])],
  ])('a lost %s is seen by a look, and mended', async (_, lose) => {
    const nic = aNic(network, 0, 200)
    const ipv6Address = eui64('fd00:1:2:3', nic.mac)
    await world.plane.ensureDhcpHosts(network, [{ ...hostOf(nic), ipv6Address }])
    expect(await isAlright()).toBe(true)
    await lose()
    expect(await isAlright()).toBe(false)
    await world.plane.ensureNetwork(network)
    expect(await isAlright()).toBe(true)
    const guest = await aGuest(network)
    expect(await pings(guest.id, 'fd00:1:2:3::1')).toBe(true)
    await world.plane.look()
    expect(await ip(router(), 'neigh', 'show', 'nud', 'permanent')).toContain(ipv6Address)
  })
})
