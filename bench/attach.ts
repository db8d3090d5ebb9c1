/** From the attach request to `in_use`, for namespace guests, on both queue engines. */
import { breakdown, breakdownText, type TimedJob, timedJob } from './lib/job-times.ts'
import { atMost } from './lib/report.ts'
import { inLanes, type Measurement, type Run } from './lib/run.ts'
import { type Stack, startStack } from './lib/stack.ts'
import { spread } from './lib/stats.ts'

/** p50 in ms, at 1 in flight. */
const GOALS = { postgres: 40, redis: 25 } as const
const SERVERS = 16
const WARM_UP_ROUNDS = 3

export const attach: Measurement = {
  name: 'attach',
  about: 'attach request to in_use, namespace guests, on both queue engines',
  async run(run) {
    for (const engine of ['postgres', 'redis'] as const) await measureEngine(run, engine)
  },
}

/** A server with a NIC that goes in and out of it; its primary NIC keeps their network in place. */
export interface Pair {
  readonly serverId: string
  readonly nicId: string
}

export async function makePairs(stack: Stack, count: number): Promise<Pair[]> {
  const api = await stack.api()
  const networkId = await api.makeNetwork(1)
  const nicIds = await api.makeNics(networkId, count)
  const pairs: Pair[] = []
  for (const nicId of nicIds)
    pairs.push({ nicId, serverId: await api.makeServer({ guest: 'namespace', network_id: networkId }) })
  return pairs
}

async function measureEngine({ report, quick }: Run, engine: keyof typeof GOALS): Promise<void> {
  const stack = await startStack(engine)
  const pairs = await makePairs(stack, SERVERS)
  await cycle(stack, pairs, pairs.length, WARM_UP_ROUNDS * pairs.length)
  for (const inFlight of [1, SERVERS]) {
    const { attached, detached } = await cycle(stack, pairs, inFlight, (quick ? 4 : 12) * SERVERS)
    const [inTimes, outTimes] = [attached, detached].map((jobs) => spread(jobs.map(({ ms }) => ms)))
    if (!inTimes || !outTimes) throw new Error('nothing was measured')
    const where = breakdown(attached)
    const name = `${engine}, ${inFlight} in flight`
    const measurement = 'attach'
    report.add({
      measurement,
      name: `${name}: attach to in_use, p50`,
      value: inTimes.p50,
      unit: 'ms',
      ...(inFlight === 1 ? { goal: atMost(GOALS[engine]) } : {}),
      note: `p99 ${inTimes.p99.toFixed(1)} ms, ${inTimes.count} times`,
    })
    report.add({
      measurement,
      name: `${name}: detach to available, p50`,
      value: outTimes.p50,
      unit: 'ms',
      note: `p99 ${outTimes.p99.toFixed(1)} ms`,
    })
    console.log(`    attach, mean ms: ${breakdownText(where)}`)
    console.log(`    detach, mean ms: ${breakdownText(breakdown(detached))}`)
    report.details[`attach ${name}`] = { attach: inTimes, detach: outTimes, where, where_detach: breakdown(detached) }
  }
  await stack.stop()
}

/** Attaches and detaches `count` times, with `inFlight` requests under way; each pair is used by one lane only. */
export async function cycle(
  stack: Stack,
  pairs: readonly Pair[],
  inFlight: number,
  count: number,
): Promise<{ attached: TimedJob[]; detached: TimedJob[] }> {
  const apis = await Promise.all(Array.from({ length: inFlight }, () => stack.api()))
  const attached: TimedJob[] = []
  const detached: TimedJob[] = []
  const turns = Array.from({ length: inFlight }, () => 0)
  await inLanes(inFlight, count, async (lane) => {
    const own = pairs.filter((_, index) => index % inFlight === lane)
    const turn = turns[lane] ?? 0
    turns[lane] = turn + 1
    const [api, pair] = [apis[lane], own[turn % own.length]]
    if (!api || !pair) throw new Error(`lane ${lane} has nothing to do`)
    attached.push(await timedJob(api, `/v1/nics/${pair.nicId}/attach`, { server_id: pair.serverId }))
    detached.push(await timedJob(api, `/v1/nics/${pair.nicId}/detach`))
  })
  return { attached, detached }
}
