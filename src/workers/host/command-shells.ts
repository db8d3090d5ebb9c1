/**
 * Small processes that start programs for this one.
 *
 * Node starts a program by fork(), which copies the tables of all the memory that Node has, while everything else waits:
 * 1.5 ms with 50 MiB, 10 ms with 150 MiB. A shell has next to none. So a few of them stay, and each runs one program at
 * a time. What they are told is never read as shell: words and lines are read as they are, and `"$@"` is run.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import type { Readable, Writable } from 'node:stream'

/** How a program ended. */
export interface Ended {
  /** As a shell has it: 128 and the signal that killed it; `undefined`: its shell was killed. */
  readonly exitCode: number | undefined
  readonly stdout: string
  readonly stderr: string
}

/**
 * Reads how many words and lines follow, then these; runs the words with the lines as input; then says on both outputs
 * that it has ended. @see POSIX.1-2017, Shell Command Language: nothing in what a variable holds is expanded again.
 */
const PROGRAM = `
mark=$1
while IFS= read -r words && IFS= read -r lines; do
  set --
  while [ "$words" -gt 0 ]; do IFS= read -r word; set -- "$@" "$word"; words=$((words - 1)); done
  if [ "$lines" -eq 0 ]; then
    "$@" </dev/null
  else
    IFS= read -r input
    while [ "$lines" -gt 1 ]; do IFS= read -r line; input="$input
$line"; lines=$((lines - 1)); done
    "$@" <<END
$input
END
  fi
  printf '%s %s\\n' "$mark" "$?"
  printf '%s\\n' "$mark" >&2
done`

/** A shell reads byte by byte: with more than this, a fork is quicker. Characters. */
const LONGEST_INPUT = 16_384
/** Shells that stay when they have nothing to do. */
const KEPT = 8

/** Whether a shell can be told it. What has no end of line at its end gets one. */
export const isForShell = (words: readonly string[], input: string): boolean =>
  input.length <= LONGEST_INPUT && !/[\n\0]/.test(words.join(' ')) && !input.includes('\0')

const idle: CommandShell[] = []

/**
 * Runs a program in a shell that has nothing else to do.
 * @param command - program and arguments.
 * @param env - the same in every call.
 * @param timeoutMs - after which it is killed, with all that it has started.
 */
export async function runInShell(
  command: readonly string[],
  input: string,
  env: Readonly<Record<string, string>>,
  timeoutMs: number,
): Promise<Ended> {
  const shell = idle.pop() ?? new CommandShell(env)
  const ended = await shell.run(command, input, timeoutMs)
  if (shell.isDead) return ended
  if (idle.length < KEPT) idle.push(shell)
  else shell.end()
  return ended
}

class CommandShell {
  readonly #mark = randomBytes(16).toString('hex')
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>
  readonly #stdout = new Output()
  readonly #stderr = new Output()
  #ended: (() => void) | undefined
  isDead = false

  constructor(env: Readonly<Record<string, string>>) {
    // A group of its own: so it can be killed with what it runs, and Ctrl-C is for the worker alone.
    const child = spawn('sh', ['-c', PROGRAM, 'sh', this.#mark], { detached: true, stdio: 'pipe', env: { ...env } })
    this.#child = child
    const die = () => {
      this.isDead = true
      const at = idle.indexOf(this)
      if (at >= 0) idle.splice(at, 1)
      this.#ended?.()
    }
    child.on('error', die)
    child.on('close', die)
    child.stdin.on('error', () => undefined) // it is dead, which is told by `close`
    child.stdout.on('data', (chunk: Buffer) => this.#take(this.#stdout, chunk))
    child.stderr.on('data', (chunk: Buffer) => this.#take(this.#stderr, chunk))
  }

  async run(command: readonly string[], input: string, timeoutMs: number): Promise<Ended> {
    const lines = input === '' ? [] : input.replace(/\n$/, '').split('\n')
    this.#hold(true)
    const ended = new Promise<void>((resolve) => {
      this.#ended = resolve
    })
    const late = setTimeout(() => this.#kill(), timeoutMs)
    this.#child.stdin.write(`${[command.length, lines.length, ...command, ...lines].join('\n')}\n`)
    if (!this.isDead) await ended
    clearTimeout(late)
    this.#ended = undefined
    this.#hold(false)
    const [stdout, status] = this.#stdout.split(this.#mark)
    const [stderr] = this.#stderr.split(this.#mark)
    return { exitCode: status === undefined ? undefined : Number(status), stdout, stderr }
  }

  end(): void {
    this.#child.stdin.end()
  }

  #take(output: Output, chunk: Buffer): void {
    output.add(chunk)
    if (this.#stdout.hasEnd(this.#mark) && this.#stderr.hasEnd(this.#mark)) this.#ended?.()
  }

  #kill(): void {
    try {
      if (this.#child.pid !== undefined) process.kill(-this.#child.pid, 'SIGKILL')
    } catch {
      // it was quicker
    }
  }

  /** Nobody waits for a shell that has nothing to do: the process may end without it. */
  #hold(isBusy: boolean): void {
    const { stdin, stdout, stderr } = this.#child as unknown as Record<'stdin' | 'stdout' | 'stderr', Held>
    for (const each of [this.#child, stdin, stdout, stderr]) isBusy ? each.ref() : each.unref()
  }
}

/** The pipes of a child are sockets. */
interface Held {
  ref(): void
  unref(): void
}

/** What came from one pipe since the last program. */
class Output {
  #chunks: Buffer[] = []
  #tail = ''

  add(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#tail = (this.#tail + chunk.subarray(-TAIL).toString('latin1')).slice(-TAIL)
  }

  hasEnd(mark: string): boolean {
    return this.#tail.endsWith('\n') && this.#tail.includes(mark)
  }

  /** What stands before the mark, and after it; of a shell that was killed, all. */
  split(mark: string): [text: string, after?: string] {
    const text = Buffer.concat(this.#chunks).toString()
    this.#chunks = []
    this.#tail = ''
    const at = text.lastIndexOf(mark)
    return at < 0 ? [text] : [text.slice(0, at), text.slice(at + mark.length).trim()]
  }
}

/** Characters in which a mark with its exit code and end of line has room. */
const TAIL = 40
