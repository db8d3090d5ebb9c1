/**
 * Runs host commands: argument arrays, which no shell ever reads. `ip` is called through `ip-command.ts`.
 */
import { type ExecFileException, execFile } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'

import { isForShell, runInShell } from './command-shells.ts'

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

/** A full `ip -j -d link` is about 1.3 kB a link. */
const MOST_OUTPUT = 256 * 1024 * 1024
/** None of our programs takes long; one that hangs must not hold its server, and its job, for ever. */
const TIMEOUT_MS = 30_000

/** C messages, because we match some; sbin may not be in PATH. */
const ENVIRONMENT = { PATH: `${process.env.PATH ?? ''}:/usr/sbin:/usr/bin:/sbin:/bin`, LC_ALL: 'C' }

/** Exit codes of a shell for a program that was not found, and for one that a signal killed: 128 and its number. */
const NOT_FOUND = 127
const KILLED = 128
const LAST_SIGNAL = 64

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
  const { input = '' } = options
  if (typeof input === 'function' || !isForShell(command, input)) return runHere(file, args, options)
  const { exitCode, stdout, stderr } = await runInShell(command, input, ENVIRONMENT, TIMEOUT_MS)
  if (exitCode === 0) return { exitCode, stdout, stderr }
  // Nothing has run: who cannot start it knows better why.
  if (exitCode === NOT_FOUND) return runHere(file, args, options)
  if (exitCode === undefined) throw new HostCommandError(`${file} was killed`, { command, stderr })
  if (exitCode > KILLED && exitCode <= KILLED + LAST_SIGNAL) {
    throw new HostCommandError(`${file} was killed by signal ${exitCode - KILLED}`, { command, stderr })
  }
  return failed(command, { exitCode, stdout, stderr }, options)
}

/** The same, started by this process itself. */
async function runHere(file: string, args: readonly string[], options: CommandOptions): Promise<CommandOutput> {
  const command = [file, ...args]
  const { error, stdout, stderr } = await new Promise<{
    error: ExecFileException | null
    stdout: string
    stderr: string
  }>((resolve) => {
    const child = execFile(
      file,
      [...args],
      { maxBuffer: MOST_OUTPUT, timeout: TIMEOUT_MS, killSignal: 'SIGKILL', env: ENVIRONMENT },
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
  return failed(command, { exitCode: error.code, stdout, stderr }, options)
}

function failed(command: readonly string[], output: CommandOutput, { allowFailure }: CommandOptions): CommandOutput {
  if (allowFailure) return output
  const { exitCode, stdout, stderr } = output
  const text = stderr.trim() || stdout.trim() || `exit code ${exitCode}`
  throw new HostCommandError(`${command.join(' ')}: ${text}`, { command, exitCode, stderr })
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
