import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it } from 'vitest'

import { describeOnKernel } from '../support/needs-root.ts'
import { inside, pings } from './a-data-plane.ts'
import { anElasticIp, aRoutedWorld, type RoutedWorld, type TestGuest, type TestVpc } from './a-router.ts'

const MACHINE = '203.0.113.1'

describeOnKernel('the bandwidth of an elastic IP', () => {
  let world: RoutedWorld
  let vpc: TestVpc
  let a: TestGuest
  let b: TestGuest
  let server: ChildProcess

  beforeEach(async () => {
    world = await aRoutedWorld()
    vpc = world.vpc()
    const network = await vpc.network(1)
    a = await world.guest(network, 10)
    b = await world.guest(network, 11)
    const command = [`--net=/run/netns/${world.outside.machine}`, '--', 'iperf3', '-s', '--forceflush']
    server = spawn('nsenter', command, { stdio: ['ignore', 'pipe', 'ignore'] })
    if (server.stdout) await once(server.stdout, 'data')
  })
  afterEach(async () => {
    server.kill()
    await world.dispose()
  })

  interface Report {
    readonly intervals: readonly { readonly sum: { readonly bits_per_second: number } }[]
    readonly end: { readonly sum_received: { readonly bits_per_second: number } }
  }
  /** One TCP connection between a guest and the machine; the first second, while it finds its speed, left out. */
  const report = async (guest: TestGuest, direction: 'in' | 'out', seconds = 3, ...more: string[]): Promise<Report> => {
    const args = ['-J', '-O', '1', '-t', `${seconds}`, '-c', MACHINE, ...(direction === 'in' ? ['-R'] : []), ...more]
    const { stdout } = await inside(guest.id, 'iperf3', ...args)
    return JSON.parse(stdout) as Report
  }
  const mbps = async (guest: TestGuest, direction: 'in' | 'out', ...more: string[]) =>
    (await report(guest, direction, 3, ...more)).end.sum_received.bits_per_second / 1e6

  /**
   * What passes of UDP when twice as much is sent. Over a few seconds TCP tells too little of a slow limit: it loses
   * some 200 packets at once when it has filled the queue, and 5 Mbit/s then measure 4.1 to 5.3.
   */
  const slowMbps = (guest: TestGuest, direction: 'in' | 'out', asked: number) =>
    mbps(guest, direction, '-u', '-b', `${asked * 2}M`, '-l', '1400')
  const FASTEST_SLOW = 10

  const within10Percent = (measured: number, asked: number) => {
    expect(measured).toBeGreaterThan(asked * 0.9)
    expect(measured).toBeLessThan(asked * 1.1)
  }

  it.each([5, 100, 1_000])('of %i Mbit/s is that in both directions, and nobody else has it', async (asked) => {
    const elasticIps = [anElasticIp(7), anElasticIp(8, { nicAddress: a.address, bandwidthMbps: asked })]
    await vpc.ensure({ elasticIps, sourceNat: true })
    expect(await pings(a.id, MACHINE)).toBe(true)
    for (const direction of ['out', 'in'] as const) {
      const measured = await (asked <= FASTEST_SLOW ? slowMbps(a, direction, asked) : mbps(a, direction))
      within10Percent(measured, asked)
    }
    expect(await mbps(b, 'out')).toBeGreaterThan(asked * 1.3)
  })

  it('of the VPC is shared by all who go out by it', async () => {
    await vpc.ensure({ elasticIps: [anElasticIp(7, { bandwidthMbps: 50 })], sourceNat: true })
    expect(await pings(b.id, MACHINE)).toBe(true)
    within10Percent(await mbps(a, 'in'), 50)
    within10Percent(await mbps(b, 'out'), 50)
  })

  it('changes, goes and comes while a connection goes on', async () => {
    const spec = (bandwidthMbps?: number) => ({
      elasticIps: [anElasticIp(8, { nicAddress: a.address, ...(bandwidthMbps !== undefined && { bandwidthMbps }) })],
    })
    await vpc.ensure(spec(20))
    expect(await pings(a.id, MACHINE)).toBe(true)
    const whole = report(a, 'in', 18)
    const figures = [20, 200, undefined, 100] as const
    for (const figure of figures) {
      await vpc.ensure(spec(figure))
      expect(await vpc.isAlright(spec(figure))).toBe(true)
      // Each holds for a while, for a speed is what passes in a time.
      await delay(4_500)
    }
    const speeds = (await whole).intervals.map(({ sum }) => sum.bits_per_second / 1e6)
    /** Mean of two seconds in the midst of a figure's time. */
    const speedAt = (figure: number) => {
      const second = Math.round(4.6 * figure) + 2
      return ((speeds[second] ?? 0) + (speeds[second + 1] ?? 0)) / 2
    }
    within10Percent(speedAt(0), 20)
    within10Percent(speedAt(1), 200)
    expect(speedAt(2)).toBeGreaterThan(300)
    within10Percent(speedAt(3), 100)
  })
})
