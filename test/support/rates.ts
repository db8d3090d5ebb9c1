/**
 * Claims about Mbit/s on a machine that may be virtual itself. Much makes less pass than a limit allows: a connection that
 * still finds its speed, and above all the host, which runs others instead of this machine (its shapers send nothing
 * meanwhile, and may not make up for it). Nothing makes more pass. So what is let through at most holds of every
 * measurement; what is let through at least holds of one of a few, and when the machine was never given all its time, of
 * the part that it was given.
 */
import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'vitest'

const TOLERANCE = 0.1
const MOST_TRIES = 4

/** `measure`, in Mbit/s, is what was asked for, within 10 %. */
export async function expectRate(mbps: number, measure: () => Promise<number>): Promise<void> {
  await atLeast(mbps * (1 - TOLERANCE), async () => {
    const measured = await measure()
    expect(measured, `${mbps} Mbit/s let through more`).toBeLessThan(mbps * (1 + TOLERANCE))
    return measured
  })
}

/** `measure`, in Mbit/s, is more than that. */
export const expectMoreThan = (mbps: number, measure: () => Promise<number>): Promise<void> => atLeast(mbps, measure)

/** Mbit/s by which a counter of bytes grows over the next 3 s. */
export async function growthOf(bytes: () => Promise<number>): Promise<number> {
  const [start, first] = [performance.now(), await bytes()]
  await delay(3_000)
  const last = await bytes()
  return ((last - first) * 8) / 1_000 / (performance.now() - start)
}

async function atLeast(mbps: number, measure: () => Promise<number>): Promise<void> {
  const tries: string[] = []
  let isAllThatCould = false
  while (tries.length < MOST_TRIES) {
    const before = await processorTime()
    const measured = await measure()
    const after = await processorTime()
    if (measured >= mbps) return
    const taken = (after.taken - before.taken) / (after.wanted - before.wanted)
    tries.push(`${measured.toFixed(1)} Mbit/s with ${(taken * 100).toFixed(0)} % of the time taken`)
    isAllThatCould ||= measured >= mbps * (1 - taken)
  }
  const told = `not ${mbps} Mbit/s or more: ${tries.join(', ')}`
  expect(isAllThatCould, told).toBe(true)
  console.log(told)
}

/** In ticks since the machine started, of all processors: what it had use for, and what of that others got (proc(5)). */
async function processorTime(): Promise<{ readonly wanted: number; readonly taken: number }> {
  const [line = ''] = (await readFile('/proc/stat', 'utf8')).split('\n', 1)
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = line.split(/\s+/).slice(1).map(Number)
  return { wanted: user + nice + system + irq + softirq + steal, taken: steal }
}
