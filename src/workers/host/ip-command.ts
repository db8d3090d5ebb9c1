/**
 * `ip` of iproute2, always in a named network namespace.
 *
 * What its exit tells (iproute2 6.1, read from `ip/ip.c` and tried out):
 * - A batch line that the kernel refuses prints its reason and then `Command failed -:<line>`; without `-force` the
 *   batch ends there, with it the batch goes on. Exit code 1 in both cases.
 * - A line that does not parse, and that includes a `master` or `netns` that is not there, ends the batch even with
 *   `-force`, with exit code 255 and no line number.
 * - A dump that changed while it was read says so on stderr only, with exit code 0.
 */
import { setTimeout as delay } from 'node:timers/promises'

import { type CommandOutput, HostCommandError, runCommand } from './run-command.ts'

/** One line of `ip -batch`, as arguments without the leading `ip`. */
export type IpLine = readonly string[]

/** A line of a batch that the kernel refused. */
export interface BatchFailure {
  /** Index into the lines given, or `undefined` when `ip` did not say and it cannot be told. */
  readonly index: number | undefined
  readonly reason: string
}

/** Part of a batch failed; `failures` says which lines and why. */
export class IpBatchError extends HostCommandError {
  readonly failures: readonly BatchFailure[]

  constructor(netns: string, lines: readonly IpLine[], failures: readonly BatchFailure[], output: CommandOutput) {
    const told = failures.map(({ index, reason }) =>
      index === undefined ? reason : `ip ${lines[index]?.join(' ')}: ${reason}`,
    )
    super(`in namespace ${netns}: ${told.join('; ')}`, {
      command: ['ip', '-n', netns, '-batch', '-'],
      exitCode: output.exitCode,
      stderr: output.stderr,
    })
    this.failures = failures
  }
}

const ATTEMPTS = 6
const backOff = (attempt: number) => delay(5 * 2 ** attempt)

// TUNSETIFF answers EBUSY for a tap that exists already: waiting does not help that one.
const passesByItself = (reason: string) =>
  !reason.includes('TUNSETIFF') &&
  /Device or resource busy|Resource temporarily unavailable|Interrupted system call|Dump was interrupted/.test(reason)

/**
 * True when `reason` says that a device or namespace to be made is there already.
 * @see tun_set_iff() in the kernel's drivers/net/tun.c: EBUSY under IFF_TUN_EXCL, which `ip tuntap add` sets.
 */
export const saysExists = (reason: string): boolean => /File exists|TUNSETIFF.*busy/s.test(reason)

/** True when `reason` says that a device is not there (any more). */
export const saysGone = (reason: string): boolean =>
  /Cannot find device|No such device|does not exist|No such file|No such process|Cannot assign requested address/.test(
    reason,
  )

/** Joins lines into the text of a batch, which has quoting, comments and line continuation of its own. */
function batchText(lines: readonly IpLine[]): string {
  for (const word of lines.flat()) {
    if (!/^[\w:./@%+=,-]+$/.test(word)) throw new RangeError(`"${word}" cannot stand in an ip batch`)
  }
  return lines.map((line) => `${line.join(' ')}\n`).join('')
}

/**
 * Reads what a batch printed on stderr.
 * @returns one entry for each failed line, in order; empty when nothing failed.
 */
export function parseBatchFailures(stderr: string, lines: readonly IpLine[]): BatchFailure[] {
  const failures: BatchFailure[] = []
  let rest = stderr
  for (const match of stderr.matchAll(/([\s\S]*?)Command failed -:(\d+)\n?/g)) {
    failures.push({ index: Number(match[2]) - 1, reason: match[1]?.trim() || 'refused without a reason' })
    rest = stderr.slice(match.index + match[0].length)
  }
  if (/^Error:|syntax|garbage|unknown/im.test(rest)) {
    // No line number: the first line with the refused argument in it is the one.
    const word = /"([^"]+)"/.exec(rest)?.[1]
    const index = word === undefined ? -1 : lines.findIndex((line) => line.includes(word))
    failures.push({ index: index < 0 ? undefined : index, reason: rest.trim() })
  }
  return failures
}

/**
 * Runs lines in one `ip` process. Lines that fail for a reason that passes by itself are tried again.
 * @param options.tolerate - given: every line is run and failures it accepts count as success (`-force`);
 *   absent: the batch ends at the first line that fails, and those after it were not run.
 * @throws {IpBatchError} naming the lines that failed.
 */
export async function ipBatch(
  netns: string,
  lines: readonly IpLine[],
  options: { readonly tolerate?: (reason: string) => boolean } = {},
): Promise<void> {
  const { tolerate } = options
  const flags = tolerate ? ['-force'] : []
  let todo = lines
  for (let attempt = 0; todo.length > 0; attempt++) {
    const input = batchText(todo)
    const output = await runCommand('ip', ['-n', netns, ...flags, '-batch', '-'], { input, allowFailure: true })
    if (output.exitCode === 0) return
    const failures = parseBatchFailures(output.stderr, todo)
    if (failures.length === 0) failures.push({ index: undefined, reason: output.stderr.trim() || 'no reason given' })
    const hard = failures.filter(({ reason }) => !tolerate?.(reason))
    if (hard.length === 0) return
    const again = hard.every(({ index, reason }) => index !== undefined && passesByItself(reason))
    if (!again || attempt + 1 >= ATTEMPTS) {
      const offset = lines.length - todo.length
      const whole = tolerate
        ? hard
        : hard.map((failure) => ({
            ...failure,
            index: failure.index === undefined ? undefined : failure.index + offset,
          }))
      throw new IpBatchError(netns, tolerate ? todo : lines, whole, output)
    }
    const refused = new Set(hard.map(({ index }) => index))
    todo = tolerate ? todo.filter((_, index) => refused.has(index)) : todo.slice(hard[0]?.index)
    await backOff(attempt)
  }
}

/**
 * Runs an `ip` query and gives its JSON, again and again while the kernel says that the dump was interrupted.
 * @param args - without `ip`, `-n` and `-j`, for example `['-d', 'link']`.
 * @returns the objects of the answer; those without fields, which `ip` prints for what a filter left out, are dropped.
 * @throws {HostCommandError} when `ip` fails.
 */
export async function ipQuery(netns: string, args: readonly string[]): Promise<Record<string, unknown>[]> {
  for (let attempt = 0; ; attempt++) {
    const { exitCode, stdout, stderr } = await runCommand('ip', ['-n', netns, '-j', ...args], { allowFailure: true })
    const may = attempt + 1 < ATTEMPTS && passesByItself(stderr)
    if (exitCode === 0 && !may) return parseAnswers(stdout)
    if (!may) {
      const command = ['ip', '-n', netns, '-j', ...args]
      throw new HostCommandError(`${command.join(' ')}: ${stderr.trim()}`, { command, exitCode, stderr })
    }
    await backOff(attempt)
  }
}

/**
 * Asks several queries of one `ip` process. A query whose object is not there adds nothing.
 * @throws {IpBatchError} when a query fails for any other reason.
 */
export async function ipQueries(
  netns: string,
  args: readonly string[],
  lines: readonly IpLine[],
): Promise<Record<string, unknown>[]> {
  for (let attempt = 0; ; attempt++) {
    const output = await runCommand('ip', ['-n', netns, '-j', ...args, '-force', '-batch', '-'], {
      input: batchText(lines),
      allowFailure: true,
    })
    const hard = parseBatchFailures(output.stderr, lines).filter(({ reason }) => !saysGone(reason))
    if (hard.length === 0 && output.exitCode > 1) hard.push({ index: undefined, reason: output.stderr.trim() })
    if (hard.length === 0 && !passesByItself(output.stderr)) return parseAnswers(output.stdout)
    if (attempt + 1 >= ATTEMPTS || hard.some(({ reason }) => !passesByItself(reason))) {
      throw new IpBatchError(netns, lines, hard, output)
    }
    await backOff(attempt)
  }
}

/** Each query of a batch prints a JSON array on a line of its own; an empty answer prints nothing. */
function parseAnswers(stdout: string): Record<string, unknown>[] {
  return stdout
    .split('\n')
    .filter((line) => line.trim() !== '')
    .flatMap((line) => JSON.parse(line) as Record<string, unknown>[])
    .filter((entry) => Object.keys(entry).length > 0)
}
