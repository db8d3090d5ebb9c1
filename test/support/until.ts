import { setTimeout as sleep } from 'node:timers/promises'
import { givenTime } from './given-time.ts'

/**
 * Waits until `look`, asked every 20 ms, finds something other than `undefined`, `null` or `false`.
 * @param withinMs - of the time that the machine was given: what its host took meanwhile does not count.
 */
export async function until<T>(what: string, look: () => Promise<T> | T, withinMs = 30_000): Promise<NonNullable<T>> {
  const given = await givenTime()
  const end = Date.now() + withinMs
  for (;;) {
    const found = await look()
    if (found !== undefined && found !== null && found !== false) return found
    if (Date.now() > end && (await given()) > withinMs) throw new Error(`not within ${withinMs} ms: ${what}`)
    await sleep(20)
  }
}
