import { setTimeout as sleep } from 'node:timers/promises'

/** Waits until `look` finds something other than `undefined` or `false`. */
export async function until<T>(what: string, look: () => Promise<T> | T, withinMs = 15_000): Promise<NonNullable<T>> {
  const end = Date.now() + withinMs
  for (;;) {
    const found = await look()
    if (found !== undefined && found !== null && found !== false) return found
    if (Date.now() > end) throw new Error(`not within ${withinMs} ms: ${what}`)
    await sleep(20)
  }
}
