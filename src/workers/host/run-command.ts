/**
 * Runs host commands: argument arrays, never a shell. `ip` is called through `ip-command.ts`.
 */
import { type ExecFileException, execFile } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'

/** Debian package of each program, told to whoever lacks it. */
const PACKAGE: Readonly<Record<string, string>> = {
  ip: 'iproute2',
  dnsmasq: 'dnsmasq-base',
  dhcp_release: 'dnsmasq-utils',
  nsenter: 'util-linux',
  unshare: 'util-linux',
  sysctl: 'procps',
  nft: 'nftables',
  conntrack: 'conntrack',
  busybox: 'busybox-static',
  tc: 'iproute2',
}

/** A host command failed. The fields are context for the log; `message` names command and cause. */
export class HostCommandError extends Error {
  override readonly name = 'HostCommandError'
  /** Program and arguments. */
  readonly command: readonly string[]
  /** Exit code, or `undefined` when it was killed or never started. */
  readonly exitCode: number | undefined
  readonly stderr: string

  constructor(message: string, of: { command: readonly string[]; exitCode?: number | undefined; stderr: string }) {
    super(message)
    this.command = of.command
    this.exitCode = of.exitCode
    this.stderr = of.stderr
  }
}

export interface CommandOutput {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

export interface CommandOptions {
  /** Given to the program on its standard input; a function gets the pid that the program runs under. */
  readonly input?: string | ((pid: number) => string)
  /** Hand back a non-zero exit instead of throwing. */
  readonly allowFailure?: boolean
}

/** None of our programs takes long; one that hangs must not hold its server, and its job, for ever. */
const TIMEOUT_MS = 30_000

/**
 * Runs one program to its end.
 * @throws {HostCommandError} when it cannot be started, dies of a signal, or (unless `allowFailure`) exits non-zero.
 */
export async function runCommand(
  file: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandOutput> {
  const command = [file, ...args]
  const { error, stdout, stderr } = await new Promise<{
    error: ExecFileException | null
    stdout: string
    stderr: string
  }>((resolve) => {
    const child = execFile(
      file,
      [...args],
      {
        // A full `ip -j -d link` is about 1.3 kB a link; C messages, because we match some; sbin may not be in PATH.
        maxBuffer: 256 * 1024 * 1024,
        timeout: TIMEOUT_MS,
        killSignal: 'SIGKILL',
        env: { PATH: `${process.env.PATH ?? ''}:/usr/sbin:/usr/bin:/sbin:/bin`, LC_ALL: 'C' },
      },
      (error, stdout, stderr) => resolve({ error, stdout, stderr }),
    )
    // A program that ends before it read its input gives EPIPE here; its exit code tells the story.
    child.stdin?.on('error', () => undefined)
    const { input } = options
    child.stdin?.end(typeof input === 'function' ? input(child.pid ?? 0) : input)
  })
  if (error === null) return { exitCode: 0, stdout, stderr }
  if (error.code === 'ENOENT') {
    const hint = PACKAGE[file] ? ` (Debian package ${PACKAGE[file]})` : ''
    throw new HostCommandError(`${file} is not installed${hint}`, { command, stderr: '' })
  }
  if (typeof error.code !== 'number') {
    const why = error.signal ? `was killed by ${error.signal}` : `could not be run: ${error.code ?? error.message}`
    throw new HostCommandError(`${file} ${why}`, { command, stderr })
  }
  if (options.allowFailure) return { exitCode: error.code, stdout, stderr }
  const text = stderr.trim() || stdout.trim() || `exit code ${error.code}`
  throw new HostCommandError(`${command.join(' ')}: ${text}`, { command, exitCode: error.code, stderr })
}

/**
 * Runs a program inside a named network namespace.
 *
 * `nsenter` and not `ip netns exec`: the latter also makes a mount namespace, and a daemon started in one keeps a
 * copy of every mount of the host for as long as it lives.
 */
export const runInNamespace = (
  netns: string,
  file: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandOutput> => runCommand('nsenter', [`--net=/run/netns/${netns}`, '--', file, ...args], options)

/**
 * Waits until `condition` holds, asking every `everyMs`.
 * @returns true once it holds, false when it still does not after `timeoutMs`.
 */
export async function holdsWithin(
  timeoutMs: number,
  everyMs: number,
  condition: () => Promise<boolean>,
): Promise<boolean> {
  const end = performance.now() + timeoutMs
  for (;;) {
    if (await condition()) return true
    if (performance.now() >= end) return false
    await delay(everyMs)
  }
}
