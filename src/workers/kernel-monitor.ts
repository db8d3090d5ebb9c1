import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Logger } from 'pino'
import type { FilterChanges } from './host/policies.ts'

/** Kernel messages come in flocks, and most are of our own making: so often, and no more, they call for a round. */
const QUIET_MS = 700
const REOPEN_MS = 1_000
/** Within which a program that was started listens to the kernel. */
const LISTENS_MS = 5_000

/** A program that tells what happens in a namespace, line by line, as long as it is open. */
class Listener {
  readonly #command: readonly string[]
  readonly #onLine: (line: string) => void
  readonly #log: Logger
  #child: ChildProcess | undefined
  #startedAt = 0
  #closed = false

  constructor(command: readonly string[], onLine: (line: string) => void, log: Logger) {
    this.#command = command
    this.#onLine = onLine
    this.#log = log
  }

  /** Since when it listens without a gap, in ms of `performance.now()`; `undefined` when it may not (yet). */
  get since(): number | undefined {
    const since = this.#startedAt + LISTENS_MS
    return this.#child && performance.now() > since ? since : undefined
  }

  open(): void {
    if (this.#closed) return
    // It ends with this process, however that ends: it would keep the namespace alive.
    const args = ['--pdeathsig', 'TERM', '--', ...this.#command]
    const child = spawn('setpriv', args, { stdio: ['ignore', 'pipe', 'ignore'] })
    this.#child = child
    this.#startedAt = performance.now()
    child.on('error', (error) => this.#log.warn({ err: error }, 'cannot watch the kernel; the timer goes on'))
    child.on('close', () => {
      this.#child = undefined
      setTimeout(() => this.open(), REOPEN_MS).unref()
    })
    createInterface(child.stdout).on('line', this.#onLine)
  }

  /** Lets go of the namespace that it watches, which it would keep alive without its name, and watches the new one. */
  restart(): void {
    this.#child?.kill()
    this.#child = undefined
  }

  close(): void {
    this.#closed = true
    this.#child?.kill()
  }
}

/** Calls back, at most every `QUIET_MS`, when the kernel says that a device in the data plane went. */
export class KernelMonitor {
  readonly #listener: Listener
  #pending: NodeJS.Timeout | undefined

  constructor(netns: string, onChange: () => void, log: Logger) {
    const onLine = (line: string) => {
      if (!line.startsWith('Deleted') || this.#pending) return
      this.#pending = setTimeout(() => {
        this.#pending = undefined
        onChange()
      }, QUIET_MS)
    }
    this.#listener = new Listener(['ip', '-n', netns, '-o', 'monitor', 'link'], onLine, log)
  }

  open(): void {
    this.#listener.open()
  }

  restart(): void {
    this.#listener.restart()
  }

  close(): void {
    clearTimeout(this.#pending)
    this.#listener.close()
  }
}

/**
 * Counts the changes to the filters of a namespace, whoever makes them.
 * @see nft(8), monitor: after each transaction it prints `# new generation 7 by process 4711 (nft)`, and when it was not
 *   quick enough for the kernel `# ERROR: We lost some netlink events!`.
 */
export class FilterMonitor {
  readonly #listener: Listener
  #changes = 0

  constructor(netns: string, log: Logger) {
    const onLine = (line: string) => {
      if (line.startsWith('# ')) this.#changes += 1
    }
    this.#listener = new Listener(['nsenter', `--net=/run/netns/${netns}`, '--', 'nft', 'monitor'], onLine, log)
  }

  /**
   * Changes since it listens without a gap; one that has just been made may not be counted yet. `undefined` while some
   * may be missed.
   */
  seen(): FilterChanges | undefined {
    const { since } = this.#listener
    return since === undefined ? undefined : { since, count: this.#changes }
  }

  open(): void {
    this.#listener.open()
  }

  restart(): void {
    this.#listener.restart()
  }

  close(): void {
    this.#listener.close()
  }
}
