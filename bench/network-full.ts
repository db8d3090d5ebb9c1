/** A network filled to the last address: 252 NICs on four namespace servers, in and out. */
import { breakdown, breakdownText } from './lib/job-times.ts'
import { makeMembers, moveMembers } from './lib/members.ts'
import type { Measurement, Run } from './lib/run.ts'
import { type Stack, startStack } from './lib/stack.ts'
import { epochMs, mean } from './lib/stats.ts'

const NICS = 252

export const networkFull: Measurement = {
  name: 'network-full',
  about: '252 NICs, all that a network has, attached and detached',
  run: measureNetworkFull,
}

async function measureNetworkFull({ report, quick }: Run): Promise<void> {
  const stack = await startStack()
  const networkId = await (await stack.api()).makeNetwork(1)
  const begun = epochMs()
  const members = await makeMembers(stack, networkId, NICS)
  console.log(`  made ${NICS} NICs and ${members.length} servers in ${(epochMs() - begun).toFixed(0)} ms`)
  const times = { attach: [] as number[], detach: [] as number[] }
  const where: Record<string, Record<string, number>> = {}
  for (let round = 0; round < (quick ? 1 : 3); round++) {
    for (const act of ['attach', 'detach'] as const) {
      const { jobs, ms } = await moveMembers(stack, act, members)
      times[act].push(ms)
      where[act] = breakdown(jobs)
      await assertInUse(stack, act === 'attach' ? NICS : 0)
    }
  }
  for (const act of ['attach', 'detach'] as const) {
    const ms = mean(times[act])
    const note = `${(ms / NICS).toFixed(1)} ms per NIC, ${members.length} calls at once, ${times[act].length} time(s)`
    report.add({ measurement: 'network-full', name: `namespace: ${act} ${NICS}`, value: ms, unit: 'ms', note })
    console.log(`    ms of a call in the last round: ${breakdownText(where[act] ?? {})}`)
  }
  report.details['network-full'] = { ms: times, where }
  await stack.stop()
}

/** A figure counts only when what was asked for is so. */
async function assertInUse({ sql }: Stack, expected: number): Promise<void> {
  const { rows } = await sql.query<{ count: string }>("SELECT count(*) FROM nic WHERE state = 'in_use'")
  if (Number(rows[0]?.count) !== expected) throw new Error(`${rows[0]?.count} NICs are in use, not ${expected}`)
}
