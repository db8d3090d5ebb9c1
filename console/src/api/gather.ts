import type { Event } from './client.ts'

/** Changes are shown together, this many milliseconds after the first of them. */
const GATHER_MS = 150
/** What takes longer to read than this is read again meanwhile. */
const LONGEST_MS = 5_000

/**
 * Calls `act` with what came within a short time, so that a job of 63 cards is one change of the screen; and not before what
 * it did last is done: views that take their time to read would be begun anew with each event, and never be shown.
 */
export function gatherer(act: (events: readonly Event[]) => Promise<unknown>): (event: Event) => void {
  let events: Event[] = []
  let isAtIt = false
  const passOn = async () => {
    isAtIt = true
    while (events.length > 0) {
      await sleep(GATHER_MS)
      const gathered = events
      events = []
      await Promise.race([act(gathered), sleep(LONGEST_MS)])
    }
    isAtIt = false
  }
  return (event) => {
    events.push(event)
    if (!isAtIt) void passOn()
  }
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
