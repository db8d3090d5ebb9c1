/** Resident memory of each process, after all that the service does has been done a while. */
import { cycle, makePairs } from './attach.ts'
import { createLoad } from './lib/create-load.ts'
import { fillNetworks, projectOf } from './lib/fill.ts'
import { proportionalMb, residentMb } from './lib/processes.ts'
import { atMost } from './lib/report.ts'
import type { Measurement, Run } from './lib/run.ts'
import { type Stack, startStack } from './lib/stack.ts'

const GOAL_MB = 150
const NETWORKS = 500
const PAIRS = 16
const PAGES = 100

export const memory: Measurement = {
  name: 'memory',
  about: 'resident memory of each process after a load of creates, pages, attaches and detaches',
  run: measureMemory,
}

async function measureMemory({ report, quick }: Run): Promise<void> {
  const stack = await startStack()
  await load(stack, quick)
  const pids = await stack.pids()
  const measurement = 'memory'
  for (const name of ['api', 'worker', 'supervisor'] as const) {
    const { now, peak } = await residentMb(pids[name])
    const goal = name === 'supervisor' ? {} : { goal: atMost(GOAL_MB) }
    report.add({
      measurement,
      name: `${name}: RSS`,
      value: now,
      unit: 'MiB',
      ...goal,
      note: `peak ${peak.toFixed(0)} MiB`,
    })
  }
  report.add({
    measurement,
    name: 'PostgreSQL: PSS',
    value: await proportionalMb(pids.postgres),
    unit: 'MiB',
    note: `${pids.postgres.length} processes, 128 MiB of it at most are shared buffers`,
  })
  await stack.stop()
}

async function load(stack: Stack, quick: boolean): Promise<void> {
  const pairs = await makePairs(stack, PAIRS)
  await fillNetworks(stack.sql, await projectOf(stack.sql), { from: 2 * 254, to: 2 * 254 + NETWORKS, taken: 0 })
  const { port, token } = stack
  await createLoad({
    port,
    token,
    inFlight: 32,
    first: 2 * 254,
    networks: NETWORKS,
    warmUpMs: 0,
    forMs: quick ? 2_000 : 10_000,
  })
  const api = await stack.api()
  for (let page = 0; page < PAGES; page++) await api.call('GET', '/v1/nics?limit=1000')
  await cycle(stack, pairs, PAIRS, PAIRS * (quick ? 4 : 25))
}
