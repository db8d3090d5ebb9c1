/**
 * QEMU as a process of the host: which one is ours, which taps it holds, in which network namespace it is.
 * What the kernel says counts; a pid file is a hint, for a crash leaves it behind and pids are used again.
 */
import { access, constants, readdir, readFile, stat } from 'node:fs/promises'
import { TransientError } from '../errors.ts'
import { holdsWithin, runInNamespace } from '../host/run-command.ts'

const isMissing = (error: unknown): boolean =>
  ['ENOENT', 'ESRCH', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')

/** `undefined` in place of the failure of reading what is no longer there. */
async function ifThere<T>(read: Promise<T>): Promise<T | undefined> {
  try {
    return await read
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

/**
 * The process that a pid file names.
 * @returns its pid when it lives and was started with `-pidfile <pidFile>`, `undefined` otherwise.
 */
export async function findProcess(pidFile: string): Promise<number | undefined> {
  const pid = Number((await ifThere(readFile(pidFile, 'utf8')))?.trim() || Number.NaN)
  if (!Number.isInteger(pid) || pid <= 0) return undefined
  return (await isProcessOf(pid, pidFile)) ? pid : undefined
}

/** A dead process that nobody has waited for has an empty command line. */
const isProcessOf = async (pid: number, pidFile: string): Promise<boolean> =>
  (await ifThere(readFile(`/proc/${pid}/cmdline`, 'utf8')))?.split('\0').includes(pidFile) ?? false

/** Waits until the process of `findProcess` is gone, and with it its hold on taps and sockets. False on timeout. */
export const isGoneWithin = (pidFile: string, timeoutMs: number): Promise<boolean> =>
  holdsWithin(timeoutMs, 10, async () => (await findProcess(pidFile)) === undefined)

/**
 * Names of the tap devices that a process holds open. A descriptor whose tap was deleted holds none.
 * @see linux/drivers/net/tun.c, tun_chr_show_fdinfo
 */
export async function tapsOfProcess(pid: number): Promise<ReadonlySet<string>> {
  const descriptors = (await ifThere(readdir(`/proc/${pid}/fdinfo`))) ?? []
  const infos = await Promise.all(
    descriptors.map((descriptor) => ifThere(readFile(`/proc/${pid}/fdinfo/${descriptor}`, 'utf8'))),
  )
  return new Set(infos.flatMap((info) => /^iff:[ \t]*(\S+)$/m.exec(info ?? '')?.[1] ?? []))
}

/**
 * The process that listens on a unix socket, when it made that socket inside a network namespace.
 *
 * Unix sockets are listed by the namespace of the process that made them, so one of another namespace is not found.
 * @param netns - name, as `ip netns` lists it.
 * @returns its pid, or `undefined` when no process of that namespace listens there.
 */
export async function findListener(netns: string, socketPath: string): Promise<number | undefined> {
  const { stdout } = await runInNamespace(netns, 'ss', ['-xlpH'])
  const pid = parseListeners(stdout).get(socketPath)
  if (pid === undefined) return undefined
  const [its, ours] = await Promise.all([ifThere(stat(`/proc/${pid}/ns/net`)), ifThere(stat(`/run/netns/${netns}`))])
  return its !== undefined && its.ino === ours?.ino ? pid : undefined
}

/** Listening unix sockets and their processes, from `ss -xlpH`. */
export function parseListeners(output: string): ReadonlyMap<string, number> {
  const listeners = new Map<string, number>()
  for (const line of output.split('\n')) {
    // Netid State Recv-Q Send-Q Path Inode Peer PeerPort users:(("name",pid=1,fd=2))
    const [, path, pid] = /^\S+\s+LISTEN\s+\d+\s+\d+\s+(.+?)\s+\d+\s.*pid=(\d+)/.exec(line) ?? []
    if (path && pid) listeners.set(path, Number(pid))
  }
  return listeners
}

let kvm: Promise<boolean> | undefined

/**
 * True when QEMU can use KVM. That `/dev/kvm` opens is not enough: some sandboxes offer the device without a CPU behind
 * it, and a machine started on it never runs an instruction.
 */
export const hasKvm = (): Promise<boolean> => {
  kvm ??= (async () => {
    const opens = await access('/dev/kvm', constants.R_OK | constants.W_OK).then(
      () => true,
      () => false,
    )
    return opens && /^flags\s*:.*\b(vmx|svm)\b/m.test(await readFile('/proc/cpuinfo', 'utf8'))
  })()
  return kvm
}

/** Ends a process at once. One that is gone already is a success. */
export function killProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if (!isMissing(error)) throw error
  }
}

/** @throws {TransientError} when the process is still there after 5 s, held up in the kernel. */
export async function assertGone(pidFile: string): Promise<void> {
  if (!(await isGoneWithin(pidFile, 5_000))) throw new TransientError(`the process of ${pidFile} does not end`)
}
