import { readFile } from 'node:fs/promises'

/**
 * What came of `act`, and what part of the time that this machine had use for meanwhile its host gave to others, 0-1: a
 * virtual machine measures that as its own. 0 where nothing is virtual.
 */
export async function whileTaken<T>(act: () => Promise<T>): Promise<{ readonly result: T; readonly taken: number }> {
  const before = await processorTime()
  const result = await act()
  const after = await processorTime()
  const wanted = after.wanted - before.wanted
  return { result, taken: wanted > 0 ? (after.taken - before.taken) / wanted : 0 }
}

/** In ticks since the machine started, of all processors: what it had use for, and what of that others got (proc(5)). */
async function processorTime(): Promise<{ readonly wanted: number; readonly taken: number }> {
  const [line = ''] = (await readFile('/proc/stat', 'utf8')).split('\n', 1)
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = line.split(/\s+/).slice(1).map(Number)
  return { wanted: user + nice + system + irq + softirq + steal, taken: steal }
}
