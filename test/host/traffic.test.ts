/** What a worker tells of the traffic of real taps. */
import { pino } from 'pino'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { TrafficReport, TrafficSample } from '../../src/jobs/traffic-report.ts'
import type { GuestNic } from '../../src/workers/guests/guest.ts'
import { readCounters } from '../../src/workers/host/traffic-counters.ts'
import { TrafficMeter } from '../../src/workers/traffic.ts'
import { describeOnKernel } from '../support/needs-root.ts'
import { until } from '../support/until.ts'
import { aDataPlane, aNetwork, aNic, hostOf, inside, ip, pings, type TestDataPlane } from './a-data-plane.ts'
import { aMachine, type Machine } from './a-machine.ts'

const EVERY_MS = 1_000
const GATEWAY = '172.16.1.1'

describeOnKernel('the traffic of taps', () => {
  let world: TestDataPlane
  let machine: Machine
  let meter: TrafficMeter
  let reports: TrafficReport[]
  let nic: GuestNic
  const network = aNetwork()

  beforeEach(async () => {
    world = await aDataPlane()
    reports = []
    nic = aNic(network, 0)
    await world.plane.ensureNetwork(network)
    await world.plane.ensureDhcpHosts(network, [hostOf(nic)])
    machine = await aMachine(world, network, nic)
    await machine.takesAddress()
    expect(await pings(machine.id, GATEWAY)).toBe(true)
    meter = new TrafficMeter(world.netns, async (report) => void reports.push(report), pino({ level: 'silent' }), {
      everyMs: EVERY_MS,
    })
  })
  afterEach(async () => {
    meter.close()
    await world.dispose()
    await machine.dispose()
  })

  const samplesOf = (mac: string): TrafficSample[] =>
    reports.flatMap(({ samples }) => samples.filter(({ nic_id }) => nic_id === mac))

  it('is told at full intervals of the clock, and is what went through', async () => {
    const countersOf = async () => (await readCounters(world.netns)).find(({ nicId }) => nicId === nic.mac)
    const before = await countersOf()
    meter.start()
    await until('a first report', () => samplesOf(nic.mac).length > 0)
    // 20 packets of 1000 bytes to the gateway, and 20 back.
    await inside(machine.id, 'busybox', 'ping', '-c', '20', '-i', '0.01', '-A', '-s', '1000', GATEWAY)
    const told = (key: 'in_bytes_per_second' | 'out_bytes_per_second') =>
      (samplesOf(nic.mac).reduce((sum, sample) => sum + sample[key], 0) * EVERY_MS) / 1000
    await until('all of it is told', () => told('out_bytes_per_second') > 15_000)
    meter.close()
    const after = await countersOf()
    expect(before && after).toBeDefined()
    const [into, out] = [(after?.in ?? 0) - (before?.in ?? 0), (after?.out ?? 0) - (before?.out ?? 0)]
    expect(out).toBeGreaterThan(20 * 1000)
    // Looks are an interval apart but for the first, and a little late on a busy machine.
    for (const [real, seen] of [
      [into, told('in_bytes_per_second')],
      [out, told('out_bytes_per_second')],
    ] as const) {
      expect(seen).toBeGreaterThan(real * 0.6)
      expect(seen).toBeLessThan(real * 1.4)
    }
    for (const { at } of reports) expect(Date.parse(at) % EVERY_MS).toBe(0)
    expect(new Set(reports.map(({ at }) => at)).size).toBe(reports.length)
  })

  it('says which way it went: what only the guest sends is out', async () => {
    meter.start()
    await until('a first report', () => samplesOf(nic.mac).length > 0)
    reports = []
    // To an address that nobody has, by a neighbour that is none: nothing comes back.
    await ip(machine.id, 'neigh', 'replace', '172.16.1.200', 'lladdr', '52:54:00:00:00:99', 'dev', 'eth0')
    await inside(machine.id, 'busybox', 'ping', '-c', '20', '-i', '0.01', '-W', '1', '-s', '1000', '172.16.1.200')
    await until('it is told', () => samplesOf(nic.mac).some((sample) => sample.out_bytes_per_second > 5_000))
    for (const sample of samplesOf(nic.mac)) expect(sample.in_bytes_per_second).toBeLessThan(1_000)
  })

  it('a tap that was made anew gives no sample until it was seen twice; devices of others give none', async () => {
    await ip(world.netns, 'link', 'add', 'name', 'theirs', 'type', 'bridge')
    meter.start()
    await until('a first report', () => samplesOf(nic.mac).length > 0)
    await world.plane.removeTaps([nic])
    await machine.dispose()
    machine = await aMachine(world, network, nic)
    const made = Date.now()
    const since = () => reports.filter(({ at, samples }) => Date.parse(at) > made && samples.length > 0)
    await until('it is told of again', () => since().length > 0)
    // At the first look after that it is new: this is the second.
    expect(Date.parse(since()[0]?.at ?? '')).toBeGreaterThan(made + EVERY_MS)
    expect(new Set(reports.flatMap(({ samples }) => samples.map(({ nic_id }) => nic_id)))).toEqual(new Set([nic.mac]))
  })

  it('a data plane that is away, and a control plane that refuses, end nothing', async () => {
    let refusals = 0
    meter = new TrafficMeter(
      world.netns,
      async (report) => {
        if (refusals++ === 0) throw new Error('refused')
        reports.push(report)
      },
      pino({ level: 'silent' }),
      { everyMs: EVERY_MS },
    )
    meter.start()
    await until('a report after the refused one', () => reports.length > 0)
    await world.plane.destroy()
    await until('nothing is told of what is away', () => silentFor(2 * EVERY_MS))
    await world.plane.open()
    await world.plane.ensureNetwork(network)
    await machine.dispose()
    machine = await aMachine(world, network, nic)
    const told = reports.length
    await until('reports come again', () => reports.length > told && samplesOf(nic.mac).length > 0)
  })

  /** Whether no report is of the last while. */
  const silentFor = (ms: number): boolean => Date.parse(reports.at(-1)?.at ?? '') < Date.now() - ms
})
