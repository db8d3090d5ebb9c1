// npm test: whatever the tests need, then the projects of vitest.config.ts, one after the other.
// Arguments go to vitest (`npm test -- nics` runs the files with `nics` in their path).
// PATCHBAY_TEST_NO_SKIP=1 makes a skipped test a failure: what .ci/run promises is that everything was run.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { ensureBuild } from './lib/build.mjs'
import { ensureGuestImage, ensurePrograms, ensureRedisServer, TEST_PROGRAMS } from './lib/debian-packages.mjs'
import { checkNode, ensureNpmPackages } from './lib/npm-packages.mjs'
import { completePath, fail, root, run, warn } from './lib/run.mjs'
import { printSummary, timed } from './lib/steps.mjs'

const noSkip = process.env.PATCHBAY_TEST_NO_SKIP === '1'
const extra = process.argv.slice(2)
const isRoot = process.getuid() === 0

checkNode()
completePath()
await ensureNpmPackages()
ensurePrograms(TEST_PROGRAMS)
ensureRedisServer()
await ensureBuild()
if (!ensureGuestImage()) {
  if (noSkip) fail('there is no guest image, so the tests with QEMU guests cannot run')
  warn('there is no guest image: tests with QEMU guests are skipped')
}

const reports = mkdtempSync(join(tmpdir(), 'patchbay-test-'))
const results = []
try {
  for (const project of ['unit', 'integration', 'host', 'e2e', 'clients', 'console', 'measured'])
    results.push(await timed(`${project} tests`, () => runProject(project)))
} finally {
  rmSync(reports, { recursive: true })
}
printSummary('tests', results)
printFailures()
process.exitCode = results.some(({ outcome }) => outcome === 'FAILED') ? 1 : 0

async function runProject(project) {
  if (project === 'host' && !isRoot) {
    console.log('SKIPPED: host tests make bridges, taps and namespaces, and need root')
    return noSkip ? { outcome: 'FAILED', note: 'skipped: not root' } : { outcome: 'SKIPPED', note: 'not root' }
  }
  const report = join(reports, `${project}.json`)
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
  const code = await run(process.execPath, [
    vitest,
    'run',
    '--project',
    project,
    '--passWithNoTests',
    ...reporters,
    ...extra,
  ])
  return judge(code, existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')) : undefined)
}

function judge(code, report) {
  const skipped = report ? report.numPendingTests + report.numTodoTests : 0
  const total = report?.numTotalTests ?? 0
  const counts = `${report?.numPassedTests ?? 0} passed, ${report?.numFailedTests ?? 0} failed, ${skipped} skipped`
  if (code !== 0) return { outcome: 'FAILED', note: counts, failures: failuresIn(report) }
  if (noSkip && skipped > 0) return { outcome: 'FAILED', note: `${counts}; nothing may be skipped: ${namesOf(report)}` }
  // A project without tests is a mistake in a path, unless the arguments left it none.
  if (noSkip && total === 0 && extra.length === 0) return { outcome: 'FAILED', note: 'no tests found' }
  return { outcome: 'ok', note: counts }
}

/** `{ name, why }` of each test that failed, and of each file that came to no tests. */
function failuresIn(report) {
  const files = report?.testResults.filter(({ status }) => status === 'failed') ?? []
  return files.flatMap(({ name, message, assertionResults }) => {
    const file = relative(root, name)
    const tests = assertionResults
      .filter(({ status }) => status === 'failed')
      .map(({ fullName, failureMessages }) => ({ name: `${file}: ${fullName}`, why: whyOf(failureMessages) }))
    return tests.length > 0 ? tests : [{ name: file, why: message }]
  })
}

// The stack of a time-out is made before there is a message, and is all that vitest puts into its report.
const whyOf = ([message = '']) => (message.startsWith('Error: STACK_TRACE_ERROR') ? 'timed out' : message)

/** At the end of everything: one look at it tells what is to be mended, pages away from where it was printed. */
function printFailures() {
  const failures = results.flatMap(({ name, failures }) => failures?.map((failure) => ({ in: name, ...failure })) ?? [])
  if (failures.length > 0) console.log('\nfailed')
  for (const { in: tests, name, why } of failures)
    console.log(`  ${tests}: ${name}\n    ${stripVTControlCharacters(why).split('\n', 1)[0].slice(0, 300)}`)
}

const namesOf = (report) =>
  report.testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .filter(({ status }) => ['pending', 'skipped', 'todo', 'disabled'].includes(status))
    .map(({ fullName }) => fullName)
    .join('; ')
