import { readFile } from 'node:fs/promises'

/**
 * What came of `act`, and what part of that time the host of this machine gave to others while a processor of it was to
 * run, 0-1: of the processor that lost most. A virtual machine measures that itself; 0 where nothing is virtual.
 */
export async function whileTaken<T>(act: () => Promise<T>): Promise<{ readonly result: T; readonly taken: number }> {
  const before = await processorTimes()
  const result = await act()
  return { result, taken: await takenSince(before) }
}

/** Starts a stopwatch for the time that this machine was given: it tells the milliseconds less those that were taken. */
export async function givenTime(): Promise<() => Promise<number>> {
  const [before, began] = [await processorTimes(), performance.now()]
  return async () => (performance.now() - began) * (1 - (await takenSince(before)))
}

async function takenSince(before: readonly ProcessorTime[]): Promise<number> {
  const shares = (await processorTimes()).map(({ all, taken }, cpu) => {
    const passed = all - (before[cpu]?.all ?? 0)
    return passed > 0 ? (taken - (before[cpu]?.taken ?? 0)) / passed : 0
  })
  return Math.max(0, ...shares)
}

/** In ticks since the machine started: all time, and what of it others got (steal, proc(5)). */
interface ProcessorTime {
  readonly all: number
  readonly taken: number
}

async function processorTimes(): Promise<ProcessorTime[]> {
  const lines = (await readFile('/proc/stat', 'utf8')).split('\n').filter((line) => /^cpu\d/.test(line))
  return lines.map((line) => {
    // What guests of this machine got is in user time already.
    const [user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, taken = 0] = line
      .split(/\s+/)
      .slice(1)
      .map(Number)
    return { all: user + nice + system + idle + iowait + irq + softirq + taken, taken }
  })
}
