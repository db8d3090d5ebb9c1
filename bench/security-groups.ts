/** A security group with as many rules as it may have, for as many members as a network has: how soon it is in force. */
import { runInNamespace } from '../src/workers/host/run-command.ts'
import { breakdown, breakdownText, stepMs, type TimedJob, timedJob } from './lib/job-times.ts'
import { makeMembers, moveMembers } from './lib/members.ts'
import type { Measurement, Run } from './lib/run.ts'
import { scratchNetns } from './lib/scratch-netns.ts'
import { type Stack, startStack } from './lib/stack.ts'
import { median, spread } from './lib/stats.ts'

const RULES = 1_000
const MEMBERS = 252
const TABLE = ['bridge', 'patchbay'] as const

export const securityGroups: Measurement = {
  name: 'security-groups',
  about: '1,000 rules put into a group of 252 NICs, and the same table by bare nft',
  run: measureSecurityGroups,
}

async function measureSecurityGroups({ report, quick }: Run): Promise<void> {
  const stack = await startStack()
  const api = await stack.api()
  const { id: groupId } = await api.call<{ id: string }>('POST', '/v1/security-groups', { name: 'bench' })
  const networkId = await api.makeNetwork(1)
  await moveMembers(stack, 'attach', await makeMembers(stack, networkId, MEMBERS, [groupId]))
  const scratch = await scratchNetns()
  const jobs: TimedJob[] = []
  const bare: number[] = []
  // The first time is a warm-up: it comes to a group with one rule, all others in the place of a thousand.
  for (let round = 0; round <= (quick ? 3 : 9); round++) {
    const firstPort = round % 2 === 0 ? 1_000 : 30_000
    const path = `/v1/security-groups/${groupId}/rules`
    const timed = await timedJob(api, path, { rules: rulesOf(groupId, firstPort) }, 'PUT')
    const listed = await listTable(stack, firstPort + RULES - 1)
    const ms = await loadTable(scratch, listed)
    if (round === 0) continue
    jobs.push(timed)
    bare.push(ms)
  }
  addFigures(report, jobs, bare)
  await stack.stop()
}

function addFigures(report: Run['report'], jobs: readonly TimedJob[], bare: readonly number[]): void {
  const whole = spread(jobs.map(({ ms }) => ms))
  const steps = spread(jobs.map((job) => stepMs(job, 'policies')))
  const measurement = 'security-groups'
  const name = `${RULES.toLocaleString('en')} rules, ${MEMBERS} members`
  const times = `longest ${whole.max.toFixed(0)} ms, ${jobs.length} times`
  report.add({ measurement, name: `${name}: request to successful, p50`, value: whole.p50, unit: 'ms', note: times })
  report.add({
    measurement,
    name: `${name}: of that the step policies, p50`,
    value: steps.p50,
    unit: 'ms',
    note: 'reads what should be and what the kernel has, then one transaction',
  })
  report.add({ measurement, name: 'bare nft -f of the same table, p50', value: median(bare), unit: 'ms' })
  report.add({ measurement, name: 'step policies / bare nft', value: steps.p50 / median(bare), unit: 'x' })
  report.add({ measurement, name: 'request to successful / bare nft', value: whole.p50 / median(bare), unit: 'x' })
  console.log(`    mean ms: ${breakdownText(breakdown(jobs))}`)
  report.details[measurement] = { request: jobs.map(({ ms }) => ms), where: breakdown(jobs), bare }
}

/** Everything out, and in: a port each, of TCP and UDP in turn, from a network or (one in ten) from the group itself. */
function rulesOf(groupId: string, firstPort: number): object[] {
  const inward = Array.from({ length: RULES - 1 }, (_, index) => ({
    protocol: index % 2 === 0 ? 'tcp' : 'udp',
    port_first: firstPort + index + 1,
    priority: index % 100,
    ...(index % 10 === 0
      ? { remote_group_id: groupId }
      : { remote_cidr: `10.${100 + (index >> 8)}.${index & 255}.0/24` }),
  }))
  return [{ direction: 'out', protocol: 'all' }, ...inward]
}

/**
 * The table of the security groups as nft prints it.
 * @throws {Error} unless the port of the last rule is in it: a figure counts only when what was asked for is so.
 */
async function listTable({ netns }: Stack, lastPort: number): Promise<string> {
  const { stdout } = await runInNamespace(netns, 'nft', ['list', 'table', ...TABLE])
  if (!stdout.includes(`dport ${lastPort} `)) throw new Error(`the rule of port ${lastPort} is not in force`)
  return stdout
}

/** Puts the table into a namespace, in the place of the one before. @returns ms. */
async function loadTable(netns: string, listed: string): Promise<number> {
  const table = TABLE.join(' ')
  const input = `table ${table}\ndelete table ${table}\n${listed}`
  const begun = performance.now()
  await runInNamespace(netns, 'nft', ['-f', '-'], { input })
  return performance.now() - begun
}
