/** Memory of processes, from /proc. */
import { readdir, readFile } from 'node:fs/promises'

const KIB_PER_MIB = 1024

const read = (pid: number, file: string): Promise<string> => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '')

const field = (text: string, name: string): number =>
  Number(new RegExp(`^${name}:\\s*(\\d+) kB`, 'm').exec(text)?.[1] ?? Number.NaN) / KIB_PER_MIB

/** Resident memory of a process in MiB: now, and at its highest so far. */
export async function residentMb(pid: number): Promise<{ now: number; peak: number }> {
  const status = await read(pid, 'status')
  return { now: field(status, 'VmRSS'), peak: field(status, 'VmHWM') }
}

/** MiB of several processes together, what they share counted once (the kernel's proportional set size). */
export async function proportionalMb(pids: readonly number[]): Promise<number> {
  const rollups = await Promise.all(pids.map((pid) => read(pid, 'smaps_rollup')))
  return rollups.filter((text) => text !== '').reduce((sum, text) => sum + field(text, 'Pss'), 0)
}

/** A process and all that descend from it. */
export async function family(pid: number): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
  const parents = new Map<number, number>()
  await Promise.all(
    pids.map(async (each) => {
      // pid (command) state ppid: the command may hold blanks and parentheses.
      const parent = /\) \S (\d+) /.exec(await read(each, 'stat'))?.[1]
      if (parent) parents.set(each, Number(parent))
    }),
  )
  const found = [pid]
  for (const each of found) for (const [child, parent] of parents) if (parent === each) found.push(child)
  return found
}

/** The arguments that a process was started with. */
export const commandLine = async (pid: number): Promise<string[]> =>
  (await read(pid, 'cmdline')).split('\0').filter(Boolean)

/** Clock ticks per second in /proc, the same on every Linux. @see proc_pid_stat(5), sysconf(_SC_CLK_TCK) */
const TICKS_PER_S = 100

/** CPU time in ms that processes have used so far; for those that ended, what their living parents counted. */
export async function cpuMs(pids: readonly number[]): Promise<number> {
  const stats = await Promise.all(pids.map((pid) => read(pid, 'stat')))
  // After the command: state is field 0, utime, stime, cutime and cstime are 11 to 14.
  const fields = stats.map((text) => text.slice(text.lastIndexOf(') ') + 2).split(' '))
  const ticks = fields.flatMap((each) => each.slice(11, 15).map(Number))
  return (ticks.reduce((sum, each) => sum + each, 0) * 1000) / TICKS_PER_S
}
