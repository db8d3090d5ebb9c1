/**
 * `npm run bench [-- measurement...] [--quick]`: measures, compares with the goals, prints a table, writes JSON.
 * @see README.md in this folder.
 */
import path from 'node:path'
import { parseArgs } from 'node:util'
import { packageRoot } from '../src/package-root.ts'
import { attach } from './attach.ts'
import { creates } from './creates.ts'
import { cleanUp } from './lib/cleanup.ts'
import { busyShare, machineFacts } from './lib/machine.ts'
import { isMet, Report } from './lib/report.ts'
import type { Measurement } from './lib/run.ts'
import { many } from './many.ts'
import { memory } from './memory.ts'
import { networkFull } from './network-full.ts'
import { pages } from './pages.ts'
import { qemu } from './qemu.ts'
import { scale } from './scale.ts'
import { securityGroups } from './security-groups.ts'
import { signed } from './signed.ts'
import { start } from './start.ts'
import { throughput } from './throughput.ts'

const MEASUREMENTS: readonly Measurement[] = [
  start,
  creates,
  pages,
  attach,
  qemu,
  many,
  networkFull,
  scale,
  securityGroups,
  signed,
  throughput,
  memory,
]

/** Share of the CPU that others may take without a warning. */
const BUSY = 0.1

const help = (): string =>
  [
    'usage: npm run bench [-- [measurement...] [--quick]]',
    '',
    ...MEASUREMENTS.map(({ name, about }) => `  ${name.padEnd(17)}${about}`),
    '',
    '--quick: a short look whether all works; the figures are rough',
  ].join('\n')

function misuse(why: string): never {
  console.error(`bench: ${why}\n\n${help()}`)
  process.exit(2)
}

function readArguments(): { chosen: readonly Measurement[]; quick: boolean } {
  try {
    const options = { quick: { type: 'boolean' }, help: { type: 'boolean' } } as const
    const { values, positionals } = parseArgs({ options, allowPositionals: true })
    if (values.help) {
      console.log(help())
      process.exit(0)
    }
    const unknown = positionals.filter((name) => MEASUREMENTS.every((each) => each.name !== name))
    if (unknown.length > 0) misuse(`there is no measurement ${unknown.join(', ')}`)
    const chosen = MEASUREMENTS.filter(({ name }) => positionals.length === 0 || positionals.includes(name))
    return { chosen, quick: values.quick ?? false }
  } catch (error) {
    return misuse((error as Error).message)
  }
}

let interrupted = false

async function measure({ name, about, run }: Measurement, report: Report, quick: boolean): Promise<void> {
  console.log(`\n${name}: ${about}`)
  const busy = await busyShare()
  report.busyBefore[name] = Number(busy.toFixed(2))
  if (busy > BUSY)
    console.log(`  WARNING: others use ${Math.round(busy * 100)} % of the CPU; do not trust these figures`)
  const begun = performance.now()
  try {
    await run({ report, quick })
  } catch (error) {
    // Interrupted, it lost its Patchbay to the cleaning up.
    if (!interrupted) console.error(error)
    const message = error instanceof Error ? error.message : String(error)
    report.failures.push({ measurement: name, error: interrupted ? 'interrupted' : message })
  }
  await cleanUp()
  console.log(`  (${((performance.now() - begun) / 1000).toFixed(0)} s)`)
}

const { chosen, quick } = readArguments()
if (process.getuid?.() !== 0) misuse('only root can make the bridges, taps and namespaces that are measured')
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    interrupted = true
    console.error(`bench: ${signal}: cleaning up`)
    void cleanUp().finally(() => process.exit(1))
  })
}
const startedAt = new Date()
const machine = await machineFacts()
console.log(
  Object.entries(machine)
    .map(([name, value]) => `${name.replaceAll('_', ' ')}: ${value}`)
    .join('\n'),
)
const report = new Report()
for (const each of chosen) {
  await measure(each, report, quick)
  if (interrupted) break
}
console.log(`\n${report.table()}\n`)
const file = await report.write(path.join(packageRoot, 'bench', 'results'), startedAt, { quick, machine })
const goals = report.figures.map(isMet).filter((met) => met !== undefined)
console.log(
  `${goals.filter(Boolean).length} of ${goals.length} goals met${quick ? ' (--quick: rough figures)' : ''}; ` +
    `${path.relative(packageRoot, file)}`,
)
// A goal that was missed is a finding; a measurement that failed is a fault.
process.exit(interrupted || report.failures.length > 0 ? 1 : 0)
