import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Logger } from 'pino'

/** Kernel messages come in flocks, and most are of our own making: so often, and no more, they call for a round. */
const QUIET_MS = 700
const REOPEN_MS = 1_000

/** Calls back, at most every `QUIET_MS`, when the kernel says that a device in the data plane went. */
export class KernelMonitor {
  readonly #netns: string
  readonly #onChange: () => void
  readonly #log: Logger
  #child: ChildProcess | undefined
  #pending: NodeJS.Timeout | undefined
  #closed = false

  constructor(netns: string, onChange: () => void, log: Logger) {
    this.#netns = netns
    this.#onChange = onChange
    this.#log = log
  }

  open(): void {
    if (this.#closed) return
    const child = spawn('ip', ['-n', this.#netns, '-o', 'monitor', 'link'], { stdio: ['ignore', 'pipe', 'ignore'] })
    this.#child = child
    child.on('error', (error) => this.#log.warn({ err: error }, 'cannot watch the kernel; the timer goes on'))
    child.on('close', () => setTimeout(() => this.open(), REOPEN_MS).unref())
    createInterface(child.stdout).on('line', (line) => {
      if (!line.startsWith('Deleted') || this.#pending) return
      this.#pending = setTimeout(() => {
        this.#pending = undefined
        this.#onChange()
      }, QUIET_MS)
    })
  }

  /** Lets go of the namespace that it watches, which it would keep alive without its name, and watches the new one. */
  restart(): void {
    this.#child?.kill()
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#pending)
    this.#child?.kill()
  }
}
