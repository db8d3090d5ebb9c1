/**
 * From the attach request to the card in a QEMU guest, beside a bare hot-plug: the same machine without any Patchbay,
 * driven by `ip` and QMP alone. The two take turns, so that whatever else the machine does falls on both.
 *
 * "In the guest" is one thing for both: `waitForDriver`, which asks QEMU for virtio's DRIVER_OK, set by the guest's
 * driver when it makes the interface. For Patchbay it is the end of the step `plug`, as the worker reports it.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { GuestNic } from '../src/workers/guests/guest.ts'
import { tapName } from '../src/workers/host/names.ts'
import { breakdown, breakdownText, endOf, type TimedJob, timedJob } from './lib/job-times.ts'
import { BareGuest, hasGuestImage, untilGuestAnswers } from './lib/qemu-guests.ts'
import { atMost } from './lib/report.ts'
import type { Measurement, Run } from './lib/run.ts'
import { startStack } from './lib/stack.ts'
import { spread } from './lib/stats.ts'

const MACHINE = { vcpus: 1, memory_mb: 256 }
const WARM_UP = 2
/** A guest works on after a card came or went (its DHCP client, udev); that is to fall on nobody's figure. */
const REST_MS = 500
const GOAL_OF_BARE = 1.3

export const qemu: Measurement = {
  name: 'qemu',
  about: 'attach request to the device in a QEMU guest, beside a bare QMP hot-plug',
  run: measureQemu,
}

async function measureQemu({ report, quick }: Run): Promise<void> {
  if (!(await hasGuestImage())) return console.log('  no guest image or no QEMU: nothing measured')
  const stack = await startStack()
  const api = await stack.api()
  const networkId = await api.makeNetwork(1)
  const [nicId = ''] = await api.makeNics(networkId, 1)
  const serverId = await api.makeServer({ guest: 'qemu', network_id: networkId, ...MACHINE })
  const bare = await BareGuest.start(`${stack.netns}-bare`, MACHINE.vcpus, MACHINE.memory_mb)
  await untilGuestAnswers(api, serverId)
  const mac = '52:54:00:00:00:01'
  const nic: GuestNic = { mac, slot: 1, tap: tapName(mac), mtu: 1500 }
  const timeBare = (act: 'plug' | 'unplug') =>
    bare.session(async (qmp) => {
      const begun = performance.now()
      await bare[act](qmp, nic)
      return performance.now() - begun
    })

  const attached: TimedJob[] = []
  const detached: TimedJob[] = []
  const bareIn: number[] = []
  const bareOut: number[] = []
  for (let turn = -WARM_UP; turn < (quick ? 4 : 24); turn++) {
    const plugged = await timedJob(api, `/v1/nics/${nicId}/attach`, { server_id: serverId })
    await sleep(REST_MS)
    const unplugged = await timedJob(api, `/v1/nics/${nicId}/detach`)
    await sleep(REST_MS)
    const [inMs, restedMs, outMs] = [await timeBare('plug'), await sleep(REST_MS, 0), await timeBare('unplug')]
    await sleep(REST_MS + restedMs)
    if (turn < 0) continue
    attached.push(plugged)
    detached.push(unplugged)
    bareIn.push(inMs)
    bareOut.push(outMs)
  }
  addFigures(report, { attached, detached, bareIn, bareOut })
  await stack.stop()
}

interface Times {
  readonly attached: readonly TimedJob[]
  readonly detached: readonly TimedJob[]
  readonly bareIn: readonly number[]
  readonly bareOut: readonly number[]
}

function addFigures(report: Run['report'], { attached, detached, bareIn, bareOut }: Times): void {
  const inGuest = spread(attached.map((timed) => endOf(timed, 'plug') - timed.asked))
  const inUse = spread(attached.map(({ ms }) => ms))
  const out = spread(detached.map(({ ms }) => ms))
  const [bare, bareDetach] = [spread(bareIn), spread(bareOut)]
  const measurement = 'qemu'
  const add = (name: string, { p50, p99, count }: typeof bare) =>
    report.add({ measurement, name, value: p50, unit: 'ms', note: `p99 ${p99.toFixed(0)} ms, ${count} times` })
  add('attach request to device in the guest, p50', inGuest)
  add('attach request to in_use, p50', inUse)
  add('bare hot-plug to device in the guest, p50', bare)
  report.add({
    measurement,
    name: 'attach / bare hot-plug, p50',
    value: inGuest.p50 / bare.p50,
    unit: 'x',
    goal: atMost(GOAL_OF_BARE),
    note: `to in_use ${(inUse.p50 / bare.p50).toFixed(2)} x; means ${(inGuest.mean / bare.mean).toFixed(2)} x`,
  })
  add('detach request to available, p50', out)
  add('bare unplug to tap removed, p50', bareDetach)
  report.add({ measurement, name: 'detach / bare unplug, p50', value: out.p50 / bareDetach.p50, unit: 'x' })
  const where = { attach: breakdown(attached), detach: breakdown(detached) }
  for (const [act, stretches] of Object.entries(where)) console.log(`    ${act}, mean ms: ${breakdownText(stretches)}`)
  report.details.qemu = { inGuest, inUse, bare, out, bareDetach, where }
}
