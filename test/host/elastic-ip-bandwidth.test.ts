import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it } from 'vitest'

import { describeOnKernel } from '../support/needs-root.ts'
import { expectMoreThan, expectRate, growthOf } from '../support/rates.ts'
import { inside, ip, pings } from './a-data-plane.ts'
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

  const iperf = (guest: TestGuest, direction: 'in' | 'out', ...more: string[]) =>
    inside(guest.id, 'iperf3', '-c', MACHINE, ...(direction === 'in' ? ['-R'] : []), ...more)
  /** Mbit/s of one TCP connection between a guest and the machine; the first second, while it finds its speed, left out. */
  const mbps = async (guest: TestGuest, direction: 'in' | 'out', ...more: string[]): Promise<number> => {
    const { stdout } = await iperf(guest, direction, '-J', '-O', '1', '-t', '3', ...more)
    return JSON.parse(stdout).end.sum_received.bits_per_second / 1e6
  }

  /**
   * What passes of UDP when twice as much is sent. Over a few seconds TCP tells too little of a slow limit: it loses
   * some 200 packets at once when it has filled the queue, and 5 Mbit/s then measure 4.1 to 5.3.
   */
  const slowMbps = (guest: TestGuest, direction: 'in' | 'out', asked: number) =>
    mbps(guest, direction, '-u', '-b', `${asked * 2}M`, '-l', '1400')
  const FASTEST_SLOW = 10

  it.each([5, 100, 1_000])('of %i Mbit/s is that in both directions, and nobody else has it', async (asked) => {
    const elasticIps = [anElasticIp(7), anElasticIp(8, { nicAddress: a.address, bandwidthMbps: asked })]
    await vpc.ensure({ elasticIps, sourceNat: true })
    expect(await pings(a.id, MACHINE)).toBe(true)
    for (const direction of ['out', 'in'] as const)
      await expectRate(asked, () => (asked <= FASTEST_SLOW ? slowMbps(a, direction, asked) : mbps(a, direction)))
    await expectMoreThan(asked * 1.3, () => mbps(b, 'out'))
  })

  it('of the VPC is shared by all who go out by it', async () => {
    await vpc.ensure({ elasticIps: [anElasticIp(7, { bandwidthMbps: 50 })], sourceNat: true })
    expect(await pings(b.id, MACHINE)).toBe(true)
    await expectRate(50, () => mbps(a, 'in'))
    await expectRate(50, () => mbps(b, 'out'))
  })

  it('changes, goes and comes while a connection goes on', async () => {
    const spec = (bandwidthMbps?: number) => ({
      elasticIps: [anElasticIp(8, { nicAddress: a.address, ...(bandwidthMbps !== undefined && { bandwidthMbps }) })],
    })
    await vpc.ensure(spec(20))
    expect(await pings(a.id, MACHINE)).toBe(true)
    const flow = iperf(a, 'in', '-t', '300')
    const received = async (): Promise<number> =>
      JSON.parse(await ip(a.id, '-j', '-s', 'link', 'show', 'dev', 'eth0'))[0].stats64.rx.bytes
    for (const figure of [20, 200, undefined, 100]) {
      await vpc.ensure(spec(figure))
      expect(await vpc.isAlright(spec(figure))).toBe(true)
      // The connection finds its new speed.
      await delay(1_000)
      const measure = () => growthOf(received)
      await (figure === undefined ? expectMoreThan(300, measure) : expectRate(figure, measure))
    }
    server.kill()
    await flow
  })
})
