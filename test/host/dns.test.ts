import { randomInt } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { afterEach, beforeEach, expect, it } from 'vitest'

import { runCommand } from '../../src/workers/host/run-command.ts'
import { describeOnKernel } from '../support/needs-root.ts'
import { aDataPlane, aNetwork, aNic, aSubnet, hostOf, inside, ip, type TestDataPlane, unique } from './a-data-plane.ts'
import { aMachine, type Machine } from './a-machine.ts'

const UPSTREAM = '172.16.1.53'

/** Asks over TCP for the address of a name; prints it. */
const OVER_TCP = `
const [server, name] = process.argv.slice(1)
const labels = name.split('.').map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)]))
const question = Buffer.concat([Buffer.from([0,7,1,0,0,1,0,0,0,0,0,0]), ...labels, Buffer.from([0,0,1,0,1])])
const socket = require('node:net').connect(53, server, () =>
  socket.write(Buffer.concat([Buffer.from([0, question.length]), question])))
socket.once('data', (answer) => { console.log([...answer.subarray(-4)].join('.')); socket.destroy() })`

describeOnKernel('DNS', () => {
  let world: TestDataPlane
  let machines: Machine[]
  const network = aNetwork({ subnet: aSubnet({ dhcp: { leaseSeconds: 600, dnsServers: [], domain: 'my.test' } }) })

  beforeEach(async () => {
    machines = []
    world = await aDataPlane({ dnsUpstreams: [UPSTREAM] })
    await world.plane.ensureNetwork(network)
  })
  afterEach(async () => {
    await world.dispose()
    for (const machine of machines) await machine.dispose()
  })

  /** A machine with its address. */
  const aHost = async (host: number, name?: string) => {
    const nic = aNic(network, 0, host)
    await world.plane.ensureDhcpHosts(network, [{ ...hostOf(nic), ...(name !== undefined && { name }) }])
    const machine = await aMachine(world, network, nic)
    machines.push(machine)
    await machine.takesAddress()
    return machine
  }
  const dhcpPid = async () => (await world.plane.look()).networks.get(network.vni)?.dhcpPid

  it('a NIC is found by its name, with the domain and without, and its name by its address', async () => {
    const machine = await aHost(100, 'web')
    expect(await machine.resolves('web.my.test')).toEqual(['172.16.1.100'])
    expect(await machine.resolves('web')).toEqual(['172.16.1.100'])
    expect(await machine.resolves('172.16.1.100')).toEqual(['web.my.test'])
    expect(await machine.resolves('db.my.test')).toEqual([])
    const { stdout } = await inside(machine.id, process.execPath, '-e', OVER_TCP, '172.16.1.1', 'web.my.test')
    expect(stdout.trim()).toBe('172.16.1.100')
  })

  it('names come, change and go while the server runs on', async () => {
    const machine = await aHost(100, 'web')
    const server = await dhcpPid()
    const db = aNic(network, 1, 101)
    await world.plane.ensureDhcpHosts(network, [{ ...hostOf(db), name: 'db' }])
    expect(await machine.resolves('db')).toEqual(['172.16.1.101'])
    await world.plane.ensureDhcpHosts(network, [{ ...hostOf(db), name: 'db2' }])
    expect([await machine.resolves('db'), await machine.resolves('db2')]).toEqual([[], ['172.16.1.101']])
    await world.plane.removeDhcpHosts(network, [db.mac])
    expect(await machine.resolves('db2')).toEqual([])
    expect(await dhcpPid()).toBe(server)
  })

  it('a guest cannot take a name by asking for it', async () => {
    const machine = await aHost(100, 'web')
    const thief = await aHost(101)
    await inside(
      thief.id,
      'busybox',
      'udhcpc',
      '-i',
      'eth0',
      '-n',
      '-q',
      '-f',
      '-x',
      'hostname:bank',
      '-s',
      '/bin/true',
    )
    expect(await machine.resolves('bank')).toEqual([])
    expect(await machine.resolves('bank.my.test')).toEqual([])
  })

  it('what is not ours is asked of the upstream servers', async () => {
    const machine = await aHost(100, 'web')
    expect(await machine.resolves('www.example.org')).toEqual([])
    const upstream = await aHost(53)
    const pidFile = `${world.runDir}/upstream.pid`
    const flags = [
      '--port=53',
      '--no-resolv',
      '--no-hosts',
      '--address=/example.org/192.0.2.7',
      `--pid-file=${pidFile}`,
    ]
    await inside(upstream.id, 'dnsmasq', '--conf-file=/dev/null', ...flags)
    try {
      expect(await machine.resolves('www.example.org')).toEqual(['192.0.2.7'])
    } finally {
      process.kill(Number(await readFile(pidFile, 'utf8')))
    }
  })

  it('without upstream servers our own names are known, and nothing else', async () => {
    const lonely = await aDataPlane()
    try {
      await lonely.plane.ensureNetwork(network)
      const nic = aNic(network, 0, 100)
      await lonely.plane.ensureDhcpHosts(network, [{ ...hostOf(nic), name: 'web' }])
      const machine = await aMachine(lonely, network, nic)
      machines.push(machine)
      await machine.takesAddress()
      expect(await machine.resolves('web')).toEqual(['172.16.1.100'])
      expect((await inside(machine.id, 'busybox', 'nslookup', 'example.org', '172.16.1.1')).stdout).toMatch(/REFUSED/)
    } finally {
      await lonely.dispose()
    }
  })

  it('a question that comes in from outside is not answered', async () => {
    const machine = await aHost(100, 'web')
    const router = `${world.netns}-${network.subnet.routerId}`
    const outside = `pbt-${unique()}`
    await runCommand('ip', ['netns', 'add', outside])
    try {
      const subnet = `198.51.100.${randomInt(64) * 4}`.split('.')
      const at = (host: number) => [...subnet.slice(0, 3), Number(subnet[3]) + host].join('.')
      await ip(router, 'link', 'add', 'ext-test', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', outside)
      await ip(router, 'addr', 'add', `${at(1)}/30`, 'dev', 'ext-test')
      await ip(router, 'link', 'set', 'dev', 'ext-test', 'up')
      await ip(outside, 'addr', 'add', `${at(2)}/30`, 'dev', 'eth0')
      await ip(outside, 'link', 'set', 'dev', 'eth0', 'up')
      await ip(outside, 'route', 'add', '172.16.1.1', 'via', at(1))
      const ask = async (server: string) => (await inside(outside, 'busybox', 'nslookup', 'web.my.test', server)).stdout
      expect((await inside(outside, 'busybox', 'ping', '-c', '1', '-w', '3', '172.16.1.1')).exitCode).toBe(0)
      expect(await ask('172.16.1.1')).not.toContain('172.16.1.100')
      expect(await ask(at(1))).not.toContain('172.16.1.100')
      expect(await machine.resolves('web.my.test')).toEqual(['172.16.1.100'])
    } finally {
      await runCommand('ip', ['netns', 'delete', outside])
    }
  })
})
