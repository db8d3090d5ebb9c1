/**
 * NIC creates per second through REST, beside the same statement driven by pgbench: what PostgreSQL alone could take.
 *
 * The two take turns on one database, each round from the same empty table, so that neither has the better conditions.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { CREATE_NICS } from '../src/domain/nic/create-nics.ts'
import { createLoad } from './lib/create-load.ts'
import { fillNetworks, projectOf } from './lib/fill.ts'
import { cpuMs } from './lib/processes.ts'
import { atLeast } from './lib/report.ts'
import type { Measurement, Run } from './lib/run.ts'
import { type Stack, startStack } from './lib/stack.ts'
import { mean } from './lib/stats.ts'

const IN_FLIGHT = [1, 8, 32]
/** So many that two requests seldom want the same one, and none is ever full. */
const NETWORKS = 2_000
const WARM_UP_MS = 1_000
const PGBENCH_TRIES = 3
const GOAL_OF_CEILING = 0.5

export const creates: Measurement = {
  name: 'creates',
  about: 'REST NIC creates/s, beside the same SQL by pgbench',
  run: measureCreates,
}

async function measureCreates({ report, quick }: Run): Promise<void> {
  const stack = await startStack()
  const projectId = await projectOf(stack.sql)
  await fillNetworks(stack.sql, projectId, { from: 0, to: NETWORKS, taken: 0 })
  const script = path.join(stack.data, 'create-nics.pgbench')
  await writeFile(script, pgbenchScript())
  const [rounds, seconds] = quick ? [1, 2] : [3, 4]
  const details: unknown[] = []
  for (const inFlight of IN_FLIGHT) {
    const rest: number[] = []
    const ceiling: number[] = []
    const p50: number[] = []
    const clientCpu: number[] = []
    const apiCpuMs: number[] = []
    for (let round = 0; round < rounds; round++) {
      await emptyNics(stack)
      ceiling.push(await pgbench(stack, { script, projectId, clients: inFlight, seconds }))
      await emptyNics(stack)
      const { port, token } = stack
      const load = { port, token, inFlight, networks: NETWORKS, warmUpMs: WARM_UP_MS, forMs: seconds * 1000 }
      const { api } = await stack.pids()
      const before = await cpuMs([api])
      const result = await createLoad(load)
      apiCpuMs.push(((await cpuMs([api])) - before) / result.created)
      rest.push(result.perSecond)
      p50.push(result.latency.p50)
      clientCpu.push(result.clientCpu)
    }
    const name = `${inFlight} in flight`
    const measurement = 'creates'
    report.add({
      measurement,
      name: `${name}: REST`,
      value: mean(rest),
      unit: '/s',
      note: `p50 ${mean(p50).toFixed(2)} ms; API ${mean(apiCpuMs).toFixed(2)} ms CPU each; client used ${Math.round(mean(clientCpu) * 100)} % of a core`,
    })
    report.add({ measurement, name: `${name}: pgbench, same SQL`, value: mean(ceiling), unit: '/s' })
    const share = mean(rest) / mean(ceiling)
    report.add({
      measurement,
      name: `${name}: REST / pgbench`,
      value: share,
      unit: 'x',
      goal: atLeast(GOAL_OF_CEILING),
    })
    details.push({ inFlight, rest, ceiling, p50, clientCpu, apiCpuMs })
  }
  report.details.creates = details
  await stack.stop()
}

async function emptyNics({ sql }: Stack): Promise<void> {
  await sql.query('TRUNCATE nic, event')
  await sql.query('UPDATE network SET ports = DEFAULT')
  await sql.query('VACUUM FULL ANALYZE network')
  await sql.query('CHECKPOINT')
}

/**
 * The service's own statement for pgbench. Its variables are numbers and constant strings, so the two values that
 * change are made from numbers inside the statement; NULL has to be made from a string.
 */
function pgbenchScript(): string {
  const values: Readonly<Record<string, string>> = {
    $1: `('net-bench' || :network::int)`,
    $2: ':project',
    $3: ':count',
    $4: ':addresses',
    $5: 'ARRAY[to_hex(:mac::bigint)]',
    $6: ':name',
    $7: `''`,
    $8: ':tags',
    $9: ':actor',
    $10: `nullif(:none, '-')`,
    $11: `nullif(:none, '-')`,
    $12: 'true',
    $13: `'[]'`,
    $14: 'NULL::integer',
    $15: 'NULL::integer',
    $16: `'{}'`,
    $17: 'true',
    $18: 'NULL::smallint',
  }
  const statement = CREATE_NICS.replaceAll(/\$\d+/g, (parameter) => {
    const value = values[parameter]
    if (value === undefined) throw new Error(`${parameter} of CREATE_NICS is new: say here what it stands for`)
    return value
  })
  const firstMac = 0x525400000000
  return [
    `\\set network random(0, ${NETWORKS - 1})`,
    `\\set mac random(${firstMac}, ${firstMac + 0xffffffff})`,
    `${statement};\n`,
  ].join('\n')
}

interface PgbenchRun {
  readonly script: string
  readonly projectId: string
  readonly clients: number
  readonly seconds: number
}

/** @returns statements per second. A draw of a MAC that is taken ends pgbench; the service would draw again. */
async function pgbench(stack: Stack, run: PgbenchRun): Promise<number> {
  for (let tries = 1; ; tries++) {
    const output = await runPgbench(stack, run)
    const perSecond = Number(/^tps = ([\d.]+)/m.exec(output)?.[1])
    if (!output.includes('aborted') && perSecond > 0) return perSecond
    if (tries === PGBENCH_TRIES) throw new Error(`pgbench failed:\n${output}`)
    await emptyNics(stack)
  }
}

async function runPgbench({ postgres, keyId }: Stack, run: PgbenchRun): Promise<string> {
  const variables = {
    project: run.projectId,
    count: '1',
    addresses: '{}',
    name: 'bench',
    tags: '{}',
    actor: keyId,
    none: '-',
  }
  const args = [
    ...['-n', '-M', 'prepared', '-c', `${run.clients}`, '-j', '2', '-T', `${run.seconds + WARM_UP_MS / 1000}`],
    ...['-f', run.script, '-h', postgres.host, '-p', postgres.port, '-U', postgres.user],
    ...Object.entries(variables).flatMap(([name, value]) => ['-D', `${name}=${value}`]),
    postgres.database,
  ]
  const child = spawn('pgbench', args, { env: { ...process.env, PGPASSWORD: postgres.password } })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk))
  await once(child, 'close')
  return output
}
