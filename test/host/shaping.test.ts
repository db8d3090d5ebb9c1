import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterEach, beforeEach, expect, it } from 'vitest'

import { ForeignObjectError } from '../../src/workers/errors.ts'
import { NamespaceGuest } from '../../src/workers/guests/namespace.ts'
import { shaperName, tapName } from '../../src/workers/host/names.ts'
import { holdsWithin, runCommand } from '../../src/workers/host/run-command.ts'
import { describeOnKernel } from '../support/needs-root.ts'
import { expectMoreThan, expectRate, growthOf } from '../support/rates.ts'
import { aDataPlane, aNetwork, aNic, inside, ip, type TestDataPlane, tapOf, unique } from './a-data-plane.ts'

describeOnKernel('bandwidth', () => {
  let world: TestDataPlane
  let guests: NamespaceGuest[]
  let servers: ChildProcess[]

  beforeEach(async () => {
    guests = []
    servers = []
    world = await aDataPlane()
  })
  afterEach(async () => {
    await endServers()
    for (const guest of guests) await guest.stop({ force: true })
    await world.dispose()
  })

  const endServers = async () => {
    for (const server of servers.splice(0)) {
      const ended = once(server, 'exit')
      server.kill()
      await ended
    }
  }

  /** Two guests of a network; in the second, at 172.16.1.101, an iperf3 server. */
  const twoGuests = async () => {
    const network = aNetwork()
    await world.plane.ensureNetwork(network)
    const [a, b] = [await aGuest(network, 100), await aGuest(network, 101)]
    const server = spawn('nsenter', [`--net=/run/netns/${b.id}`, '--', 'iperf3', '-s'], { stdio: 'ignore' })
    servers.push(server)
    const listens = async () => (await inside(b.id, 'cat', '/proc/net/tcp6')).stdout.includes(':1451 ')
    expect(await holdsWithin(5_000, 10, listens)).toBe(true)
    return { a, b, mac: a.nic.mac }
  }
  const aGuest = async (network: ReturnType<typeof aNetwork>, host: number) => {
    const id = `i-${unique()}`
    const guest = new NamespaceGuest({ id, dataPlaneNetns: world.netns })
    guests.push(guest)
    const nic = aNic(network, 0, host)
    await world.plane.ensureTaps([tapOf(network, nic, guest.tapDevice(nic))])
    await guest.start([nic])
    return { id, guest, nic }
  }
  const iperf = (id: string, direction: 'in' | 'out', ...more: string[]) =>
    inside(id, 'iperf3', '-c', '172.16.1.101', ...(direction === 'in' ? ['-R'] : []), ...more)
  /** Mbit/s of a TCP stream between the guests, from the first one's view; its first second does not count. */
  const mbpsOf = async (id: string, direction: 'in' | 'out'): Promise<number> => {
    const { stdout } = await iperf(id, direction, '-J', '-O', '1', '-t', '2')
    return JSON.parse(stdout).end.sum_received.bits_per_second / 1e6
  }
  const tc = async (...args: string[]) => (await runCommand('tc', ['-n', world.netns, ...args])).stdout
  const isAlright = async (want: Parameters<typeof world.plane.isBandwidthAlright>[0][number]) =>
    world.plane.isBandwidthAlright([want], await world.plane.look())

  it.each([10, 100, 1000])('%i Mbit/s in both directions, within 10 %', async (mbps) => {
    const { a, mac } = await twoGuests()
    await world.plane.ensureBandwidth([{ mac, inMbps: mbps, outMbps: mbps }])
    for (const direction of ['in', 'out'] as const) await expectRate(mbps, () => mbpsOf(a.id, direction))
  })

  it('each direction has its own, and the other is free', async () => {
    const { a, mac } = await twoGuests()
    await world.plane.ensureBandwidth([{ mac, inMbps: 20 }])
    await expectRate(20, () => mbpsOf(a.id, 'in'))
    await expectMoreThan(200, () => mbpsOf(a.id, 'out'))
    await world.plane.ensureBandwidth([{ mac, outMbps: 20 }])
    await expectMoreThan(200, () => mbpsOf(a.id, 'in'))
    await expectRate(20, () => mbpsOf(a.id, 'out'))
  })

  it.each(['in', 'out'] as const)(
    'a change at run time holds at once, and the flow goes on (%s)',
    async (direction) => {
      const { a, b, mac } = await twoGuests()
      const both = (mbps: number) => ({ mac, inMbps: mbps, outMbps: mbps })
      await world.plane.ensureBandwidth([both(200)])
      const flow = iperf(a.id, direction, '-t', '300')
      const receiver = direction === 'in' ? a : b
      const received = async (): Promise<number> =>
        JSON.parse(await ip(receiver.id, '-j', '-s', 'link', 'show', 'dev', 'eth0'))[0].stats64.rx.bytes
      // A second's worth has passed.
      expect(await holdsWithin(10_000, 20, async () => (await received()) > 200e6 / 8)).toBe(true)
      await expectRate(200, () => growthOf(received))
      await world.plane.ensureBandwidth([both(40)])
      await expectRate(40, () => growthOf(received))
      await endServers()
      await flow
    },
  )

  it('asked for again, also by a restarted worker, changes nothing', async () => {
    const { mac } = await twoGuests()
    const want = { mac, inMbps: 100, outMbps: 50 }
    await world.plane.ensureBandwidth([want])
    const state = async () => [await tc('qdisc'), await tc('filter', 'show', 'dev', tapName(mac), 'ingress')]
    const once = await state()
    await world.plane.ensureBandwidth([want])
    await world.restarted().ensureBandwidth([want])
    expect(await state()).toEqual(once)
    expect((await world.plane.look()).bandwidth.get(mac)).toEqual(want)
  })

  it('a limit that is lifted leaves nothing', async () => {
    const { mac } = await twoGuests()
    const before = [await tc('qdisc'), await ip(world.netns, '-br', 'link')]
    await world.plane.ensureBandwidth([{ mac, inMbps: 100, outMbps: 50 }])
    await world.plane.ensureBandwidth([{ mac }])
    expect([await tc('qdisc'), await ip(world.netns, '-br', 'link')]).toEqual(before)
  })

  it('what shapes a NIC goes with its tap, and is taken away when the tap went alone', async () => {
    const { a, b } = await twoGuests()
    await world.plane.ensureBandwidth([a, b].map(({ nic }) => ({ mac: nic.mac, inMbps: 100, outMbps: 50 })))
    await world.plane.removeTaps([b.nic])
    expect([...(await world.plane.look()).shapers.keys()]).toEqual([a.nic.mac])
    await a.guest.stop({ force: true })
    expect((await world.plane.look()).taps.has(a.nic.mac)).toBe(false)
    expect([...(await world.plane.look()).shapers.keys()]).toEqual([a.nic.mac])
    await world.plane.removeTaps([a.nic])
    expect((await world.plane.look()).shapers.size).toBe(0)
  })

  it('a NIC without a tap is passed over, and does not keep the others from theirs', async () => {
    const { mac } = await twoGuests()
    const nowhere = aNic(aNetwork(), 0)
    await world.plane.ensureBandwidth([
      { mac: nowhere.mac, inMbps: 10, outMbps: 10 },
      { mac, inMbps: 10, outMbps: 10 },
    ])
    expect(await isAlright({ mac, inMbps: 10, outMbps: 10 })).toBe(true)
    expect((await world.plane.look()).links.has(shaperName(nowhere.mac))).toBe(false)
  })

  it.each([
    ['bucket towards the guest', (tap: string) => tc('qdisc', 'del', 'dev', tap, 'root')],
    ['bucket from the guest', (_: string, shaper: string) => tc('qdisc', 'del', 'dev', shaper, 'root')],
    ['redirection', (tap: string) => tc('filter', 'del', 'dev', tap, 'ingress')],
    ['ingress queue', (tap: string) => tc('qdisc', 'del', 'dev', tap, 'ingress')],
    ['shaper', (_: string, shaper: string) => ip(world.netns, 'link', 'delete', 'dev', shaper)],
    ['shaper that is up', (_: string, shaper: string) => ip(world.netns, 'link', 'set', 'dev', shaper, 'down')],
    [
      'rate',
      (tap: string) =>
        tc(
          ...['qdisc', 'replace', 'dev', tap, 'root', 'handle', '1:', 'tbf'],
          ...'rate 1gbit burst 1mb limit 2mb'.split(' '),
        ),
    ],
    [
      'kind of queue',
      async (tap: string) => {
        await tc('qdisc', 'del', 'dev', tap, 'root')
        await tc('qdisc', 'add', 'dev', tap, 'root', 'handle', '1:', 'htb')
      },
    ],
  ])('a lost %s is seen by a look, and mended', async (_, lose) => {
    const { mac } = await twoGuests()
    const want = { mac, inMbps: 50, outMbps: 50 }
    await world.plane.ensureBandwidth([want])
    expect(await isAlright(want)).toBe(true)
    await lose(tapName(mac), shaperName(mac))
    expect(await isAlright(want)).toBe(false)
    await world.plane.ensureBandwidth([want])
    expect(await isAlright(want)).toBe(true)
  })

  it("a stranger's device under a shaper's name is refused and untouched", async () => {
    const { mac } = await twoGuests()
    const name = shaperName(mac)
    await ip(world.netns, 'link', 'add', 'name', name, 'type', 'ifb')
    await ip(world.netns, 'link', 'set', 'dev', name, 'alias', 'theirs')
    const before = [await tc('qdisc'), await ip(world.netns, '-d', 'link', 'show', 'dev', name)]
    await expect(world.plane.ensureBandwidth([{ mac, outMbps: 10 }])).rejects.toThrow(ForeignObjectError)
    expect([await tc('qdisc'), await ip(world.netns, '-d', 'link', 'show', 'dev', name)]).toEqual(before)
  })

  it('1 Mbit/s and 25 Gbit/s can be asked for', async () => {
    const { a, mac } = await twoGuests()
    for (const mbps of [1, 25_000]) {
      const want = { mac, inMbps: mbps, outMbps: mbps }
      await world.plane.ensureBandwidth([want])
      expect(await isAlright(want)).toBe(true)
    }
    await expectMoreThan(200, () => mbpsOf(a.id, 'out'))
  })
})
