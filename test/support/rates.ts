/**
 * Claims about Mbit/s on a machine that may be virtual itself. Much makes less pass than a limit allows: a connection that
 * still finds its speed, and above all the host, which runs others instead of this machine (its shapers send nothing
 * meanwhile, and may not make up for it). Nothing makes more pass. So what is let through at most holds of every
 * measurement; what is let through at least holds of one of a few, and when the machine was never given all its time, of
 * the part that it was given.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'vitest'
import { whileTaken } from './given-time.ts'

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
    const { result: measured, taken } = await whileTaken(measure)
    if (measured >= mbps) return
    tries.push(`${measured.toFixed(1)} Mbit/s with ${(taken * 100).toFixed(0)} % of the time taken`)
    isAllThatCould ||= measured >= mbps * (1 - taken)
  }
  const told = `not ${mbps} Mbit/s or more: ${tries.join(', ')}`
  expect(isAllThatCould, told).toBe(true)
  console.log(told)
}
