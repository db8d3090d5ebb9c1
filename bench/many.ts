/** 63 NICs in one call, into a namespace guest and into a QEMU guest with one CPU, and out again. */
import type { JobView } from '../src/domain/job/jobs.ts'
import type { Api } from './lib/api.ts'
import { breakdown, breakdownText, timedJob } from './lib/job-times.ts'
import { hasGuestImage, untilGuestAnswers } from './lib/qemu-guests.ts'
import type { Measurement, Run } from './lib/run.ts'
import { startStack } from './lib/stack.ts'
import { mean } from './lib/stats.ts'

const NICS = 63

export const many: Measurement = {
  name: 'many',
  about: '63 NICs attached and detached in one call',
  run: measureMany,
}

async function measureMany(run: Run): Promise<void> {
  const stack = await startStack()
  const api = await stack.api()
  const networkId = await api.makeNetwork(1)
  const nicIds = await api.makeNics(networkId, NICS)
  const namespace = await api.makeServer({ guest: 'namespace' })
  await measureGuest(run, api, 'namespace', namespace, nicIds, run.quick ? 1 : 3)
  if (await hasGuestImage()) {
    const qemu = await api.makeServer({ guest: 'qemu', network_id: networkId, vcpus: 1, memory_mb: 256 })
    await untilGuestAnswers(api, qemu)
    await measureGuest(run, api, 'qemu, 1 CPU', qemu, nicIds, 1)
  } else console.log('  no guest image or no QEMU: nothing measured there')
  await stack.stop()
}

async function measureGuest(
  { report }: Run,
  api: Api,
  guest: string,
  serverId: string,
  nicIds: readonly string[],
  rounds: number,
): Promise<void> {
  for (const act of ['attach', 'detach'] as const) report.details[`many ${guest} ${act}`] = []
  const times = { attach: [] as number[], detach: [] as number[] }
  const where: Record<string, string> = {}
  for (let round = 0; round < rounds; round++) {
    for (const act of ['attach', 'detach'] as const) {
      const timed = await timedJob(api, `/v1/servers/${serverId}/${act}-nics`, { nic_ids: nicIds })
      times[act].push(timed.ms)
      where[act] = breakdownText(breakdown([timed]))
      await assertAll(api, serverId, timed.job, act === 'attach' ? NICS : 0)
    }
  }
  for (const act of ['attach', 'detach'] as const) {
    const ms = mean(times[act])
    const note = `${(ms / NICS).toFixed(1)} ms per NIC, ${rounds} time${rounds === 1 ? '' : 's'}`
    report.add({ measurement: 'many', name: `${guest}: ${act} ${NICS} in one call`, value: ms, unit: 'ms', note })
    console.log(`    ms: ${where[act]}`)
    report.details[`many ${guest} ${act}`] = { ms: times[act], where: where[act] }
  }
}

/** A figure counts only when what was asked for is so. */
async function assertAll(api: Api, serverId: string, job: JobView, expected: number): Promise<void> {
  const inUse = (await api.nicsOf(serverId)).filter(({ primary, state }) => !primary && state === 'in_use')
  if (inUse.length !== expected) throw new Error(`after job ${job.id} ${inUse.length} NICs are in use, not ${expected}`)
}
