/** From `npm start` to ready, as a user sees it: the first time on an empty data folder, and again. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { packageRoot } from '../src/package-root.ts'
import { whenDone } from './lib/cleanup.ts'
import { atMost } from './lib/report.ts'
import type { Measurement, Run } from './lib/run.ts'
import { aPlace } from './lib/stack.ts'
import { spread } from './lib/stats.ts'

const GOAL_S = 3
const READY_MS = 120_000

export const start: Measurement = {
  name: 'start',
  about: 'time from npm start to ready',
  run: measureStart,
}

async function measureStart({ report, quick }: Run): Promise<void> {
  const { env } = await aPlace()
  const first = await startOnce(env)
  const again: Awaited<ReturnType<typeof startOnce>>[] = []
  for (let time = 0; time < (quick ? 1 : 5); time++) again.push(await startOnce(env))
  const later = spread(again.map(({ readyS }) => readyS))
  const measurement = 'start'
  report.add({ measurement, name: 'first start, empty data folder', value: first.readyS, unit: 's' })
  report.add({
    measurement,
    name: 'second start, p50',
    value: later.p50,
    unit: 's',
    goal: atMost(GOAL_S),
    note: `longest ${later.max.toFixed(2)} s of ${later.count}`,
  })
  const stop = spread(again.map(({ stoppedS }) => stoppedS))
  report.add({ measurement, name: 'Ctrl-C to the end, p50', value: stop.p50, unit: 's' })
  report.details.start = { first, again }
}

async function startOnce(env: Record<string, string>): Promise<{ readyS: number; stoppedS: number }> {
  const begun = performance.now()
  // A session of its own, so that a signal to its process group is what Ctrl-C in a terminal is.
  const child = spawn('npm', ['start'], { cwd: packageRoot, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  const end = whenDone(() => interrupt(child))
  await readyLine(child)
  const readyS = (performance.now() - begun) / 1000
  const asked = performance.now()
  await end()
  return { readyS, stoppedS: (performance.now() - asked) / 1000 }
}

async function readyLine(child: ChildProcess): Promise<void> {
  let output = ''
  const ready = new Promise<'ready'>((resolve) => {
    const take = (chunk: Buffer) => {
      output += chunk
      if (/^patchbay: ready/m.test(output)) resolve('ready')
    }
    child.stdout?.on('data', take)
    child.stderr?.on('data', take)
  })
  const ended = once(child, 'exit').then(() => 'ended' as const)
  const late = sleep(READY_MS, 'late' as const, { ref: false })
  const outcome = await Promise.race([ready, ended, late])
  if (outcome !== 'ready') throw new Error(`npm start: ${outcome} before it was ready:\n${output}`)
}

async function interrupt(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  process.kill(-child.pid, 'SIGINT')
  await ended
}
