import { type ChildProcess, spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'

export interface ChildSpec {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  /** The whole environment; nothing is inherited beside it. */
  readonly env: Record<string, string>
  /** The child loads its modules and waits for this, which it is sent at every start; never rejects. */
  readonly go: Promise<Record<string, string>>
  readonly say: (line: string) => void
  /** How long a stop may take before the child is killed, in ms. */
  readonly stopTimeoutMs: number
}

const FIRST_DELAY_MS = 200
const LONGEST_DELAY_MS = 5_000
/** A child that lived this long was well; its next end starts the delays anew. */
const WELL_AFTER_MS = 30_000

/**
 * A child process that is started again whenever it ends, until `stop`.
 *
 * It leads a session of its own: Ctrl-C in the terminal reaches the supervisor alone, which knows in what order to stop.
 * The IPC channel ends with us, however we end, and tells the child so (see `cli.ts`). Over it the child is told to begin, and says `ready`.
 */
export class KeptChild {
  /** Resolves when the child first says that it is ready. */
  readonly ready: Promise<void>
  /** How often it has ended without being asked to. */
  failures = 0

  readonly #spec: ChildSpec
  readonly #stopping = new AbortController()
  readonly #life: Promise<void>
  #process: ChildProcess | undefined
  #sayReady: () => void = () => undefined

  constructor(spec: ChildSpec) {
    this.#spec = spec
    this.ready = new Promise((resolve) => {
      this.#sayReady = resolve
    })
    this.#life = this.#live()
  }

  /** Asks the child to end, kills it when it takes too long, and waits until it is gone. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#process?.kill('SIGTERM')
    const late = setTimeout(() => {
      this.#spec.say(`${this.#spec.name} does not stop in ${this.#spec.stopTimeoutMs / 1000} s; killing it`)
      this.kill()
    }, this.#spec.stopTimeoutMs)
    await this.#life
    clearTimeout(late)
  }

  /** Ends the child at once and for good, without a chance to clean up. */
  kill(): void {
    this.#stopping.abort()
    this.#process?.kill('SIGKILL')
  }

  async #live(): Promise<void> {
    let delayMs = FIRST_DELAY_MS
    while (!this.#stopping.signal.aborted) {
      const startedAt = performance.now()
      const how = await this.#runOnce()
      if (this.#stopping.signal.aborted) return
      this.failures++
      if (performance.now() - startedAt > WELL_AFTER_MS) delayMs = FIRST_DELAY_MS
      this.#spec.say(`${this.#spec.name} ended by itself (${how}); starting it again in ${delayMs / 1000} s`)
      await sleep(delayMs, undefined, { signal: this.#stopping.signal }).catch(() => undefined)
      delayMs = Math.min(delayMs * 2, LONGEST_DELAY_MS)
    }
  }

  /** @returns how it ended. */
  #runOnce(): Promise<string> {
    const { command, args, env } = this.#spec
    const child = spawn(command, args, { env, detached: true, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    this.#process = child
    child.on('message', (message) => {
      if (message === 'ready') this.#sayReady()
    })
    // One that has ended meanwhile cannot be told, and need not be.
    void this.#spec.go.then((variables) => child.connected && child.send(variables, () => undefined))
    return new Promise((resolve) => {
      child.once('error', (error) => resolve(error.message))
      child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`))
    })
  }
}
