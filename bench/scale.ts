/** One more NIC where there are few, and where there are a thousand: whether an attach looks at more than it is about. */
import { setTimeout as sleep } from 'node:timers/promises'
import { cycle } from './attach.ts'
import { breakdown, breakdownText } from './lib/job-times.ts'
import { makeMembers, moveMembers } from './lib/members.ts'
import { cpuMs, family } from './lib/processes.ts'
import { atMost } from './lib/report.ts'
import type { Measurement, Run } from './lib/run.ts'
import { type Stack, startStack } from './lib/stack.ts'
import { type Spread, spread } from './lib/stats.ts'

const FEW = 10
const MANY = 1_000
const GOAL_OF_GROWTH = 1.5
const NICS_PER_NETWORK = 252
const WARM_UP = 5
/** Two periods of the reconciler. */
const WINDOW_MS = 4_000
const QUIET_WITHIN_MS = 120_000
/** What two windows at rest may differ by. */
const STEADY_SHARE = 0.2
const STEADY_MS = 40

export const scale: Measurement = {
  name: 'scale',
  about: 'one more attach with 10 and with 1,000 NICs on the hypervisor',
  run: measureScale,
}

async function measureScale(run: Run): Promise<void> {
  const stack = await startStack()
  const api = await stack.api()
  const vpcId = await api.makeVpc(1)
  // The NIC that is measured goes in and out of this network, which stays as it is while others fill up.
  const networkId = await api.makeNetworkIn(vpcId, '10.1.1.0/24')
  await moveMembers(stack, 'attach', await makeMembers(stack, networkId, FEW))
  const [nicId = ''] = await api.makeNics(networkId, 1)
  const pair = { nicId, serverId: await api.makeServer({ guest: 'namespace' }) }
  const few = await measureAt(run, stack, pair, FEW)
  const begun = performance.now()
  for (let there = FEW, subnet = 2; there < MANY; subnet++) {
    const count = Math.min(NICS_PER_NETWORK, MANY - there)
    const network = await api.makeNetworkIn(vpcId, `10.1.${subnet}.0/24`)
    await moveMembers(stack, 'attach', await makeMembers(stack, network, count))
    there += count
  }
  console.log(`  filled to ${MANY} NICs in ${((performance.now() - begun) / 1000).toFixed(1)} s`)
  const many = await measureAt(run, stack, pair, MANY)
  run.report.add({
    measurement: 'scale',
    name: `p50 with ${MANY.toLocaleString('en')} NICs / with ${FEW}`,
    value: many.p50 / few.p50,
    unit: 'x',
    goal: atMost(GOAL_OF_GROWTH),
    note: `p99 ${(many.p99 / few.p99).toFixed(2)} x`,
  })
  await stack.stop()
}

async function measureAt(
  { report, quick }: Run,
  stack: Stack,
  pair: { readonly serverId: string; readonly nicId: string },
  nics: number,
): Promise<Spread> {
  const atRest = await untilQuiet(stack)
  await cycle(stack, [pair], 1, WARM_UP)
  const { attached, detached } = await cycle(stack, [pair], 1, quick ? 15 : 60)
  const [inTimes, outTimes] = [spread(attached.map(({ ms }) => ms)), spread(detached.map(({ ms }) => ms))]
  const measurement = 'scale'
  const name = `with ${nics.toLocaleString('en')} NICs`
  report.add({
    measurement,
    name: `${name}: attach to in_use, p50`,
    value: inTimes.p50,
    unit: 'ms',
    note: `p99 ${inTimes.p99.toFixed(1)} ms, ${inTimes.count} times; detach p50 ${outTimes.p50.toFixed(1)} ms`,
  })
  report.add({
    measurement,
    name: `${name}: API and worker at rest`,
    value: atRest * 100,
    unit: '% of a core',
    note: 'the reconciler, every 2 s',
  })
  console.log(`    attach, mean ms: ${breakdownText(breakdown(attached))}`)
  console.log(`    detach, mean ms: ${breakdownText(breakdown(detached))}`)
  const [where, whereDetach] = [breakdown(attached), breakdown(detached)]
  const each = attached.map(({ ms }) => Number(ms.toFixed(1)))
  report.details[`scale ${name}`] = { attach: inTimes, detach: outTimes, where, where_detach: whereDetach, each }
  return inTimes
}

/**
 * Waits until the service does no more than it does for ever: until two windows cost the same.
 * @returns what API and worker, with the programs that they run, then take of a core.
 */
async function untilQuiet(stack: Stack): Promise<number> {
  const { api, worker } = await stack.pids()
  // Programs are started by shells of the worker's, which stay: what they used is not the worker's yet.
  const used = async () => cpuMs([api, ...(await family(worker))])
  const window = async () => {
    const [before, begun] = [await used(), performance.now()]
    await sleep(WINDOW_MS)
    return ((await used()) - before) / (performance.now() - begun)
  }
  const end = performance.now() + QUIET_WITHIN_MS
  let last = await window()
  for (;;) {
    const next = await window()
    if (Math.abs(next - last) <= Math.max(STEADY_SHARE * last, STEADY_MS / WINDOW_MS)) return next
    if (performance.now() > end) throw new Error('the service does not come to rest')
    last = next
  }
}
