/**
 * The stock qemu-guest-agent, over the unix socket of its virtio-serial port.
 *
 * There is no end of a connection inside the guest: what an earlier client asked is still answered, to whoever is
 * connected then. So each session begins with `guest-sync-delimited` and drops everything before its own answer.
 *
 * @see https://www.qemu.org/docs/master/interop/qemu-ga-ref.html
 */
import { randomInt } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'

import { TransientError } from '../errors.ts'
import type { GuestInterface } from './guest.ts'
import { JsonLineSocket, type JsonObject } from './json-line-socket.ts'

/** The agent answered, with a refusal. */
export class AgentError extends Error {
  override readonly name = 'AgentError'
}

export interface AgentOptions {
  /** How long the agent may take to show that it is there. Default 3 s. */
  readonly syncTimeoutMs?: number
  /** How long it may take for one command. Default 10 s. */
  readonly timeoutMs?: number
}

export interface ExecResult {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

/** One session with a guest's agent. */
export class GuestAgent {
  readonly #socket: JsonLineSocket
  readonly #timeoutMs: number

  private constructor(socket: JsonLineSocket, timeoutMs: number) {
    this.#socket = socket
    this.#timeoutMs = timeoutMs
  }

  /**
   * Opens a session, hands it to `use`, and closes it whatever happens.
   * @throws {TransientError} when no agent answers (none installed, still booting, or the machine does not run).
   */
  static async session<T>(
    path: string,
    use: (agent: GuestAgent) => Promise<T>,
    options: AgentOptions = {},
  ): Promise<T> {
    const { syncTimeoutMs = 3_000, timeoutMs = 10_000 } = options
    const socket = await JsonLineSocket.open(path, syncTimeoutMs)
    try {
      const id = randomInt(2 ** 31)
      socket.send({ execute: 'guest-sync-delimited', arguments: { id } }, { delimited: true })
      const end = performance.now() + syncTimeoutMs
      for (;;) {
        const message = await socket.receive(end - performance.now())
        if (!message) throw new TransientError(`no guest agent answered on ${path} in ${syncTimeoutMs} ms`)
        if (message.return === id) break
      }
      return await use(new GuestAgent(socket, timeoutMs))
    } finally {
      socket.close()
    }
  }

  /**
   * @throws {AgentError} when the agent refuses.
   * @throws {TransientError} when it does not answer in time.
   */
  async execute<T = JsonObject>(command: string, args?: JsonObject): Promise<T> {
    this.#socket.send({ execute: command, ...(args && { arguments: args }) })
    const message = await this.#socket.receive(this.#timeoutMs)
    if (!message) throw new TransientError(`the guest agent did not answer ${command} in ${this.#timeoutMs} ms`)
    const { error } = message as { error?: { class: string; desc: string } }
    if (error) throw new AgentError(`${command}: ${error.desc} (${error.class})`)
    return message.return as T
  }

  /** The guest's interfaces, without its loopback. */
  async interfaces(): Promise<GuestInterface[]> {
    return guestInterfaces(await this.execute<AgentInterface[]>('guest-network-get-interfaces'))
  }

  /** Asks the guest to power off. Success has no answer, so this returns once a refusal would have come. */
  async shutdown(): Promise<void> {
    this.#socket.send({ execute: 'guest-shutdown', arguments: { mode: 'powerdown' } })
    const message = await this.#socket.receive(500).catch(() => undefined)
    if (message?.error) throw new AgentError('guest-shutdown was refused')
  }

  /**
   * Runs a program inside the guest and waits for its end.
   * @param path - program, found through the agent's PATH.
   * @throws {TransientError} when it still runs after `timeoutMs` (it is left running).
   */
  async exec(path: string, args: readonly string[], timeoutMs = 30_000): Promise<ExecResult> {
    const end = performance.now() + timeoutMs
    const { pid } = await this.execute<{ pid: number }>('guest-exec', { path, arg: args, 'capture-output': true })
    for (let pauseMs = 5; ; pauseMs = Math.min(pauseMs * 2, 100)) {
      const status = await this.execute<AgentExecStatus>('guest-exec-status', { pid })
      if (status.exited) return execResult(status)
      if (performance.now() > end) throw new TransientError(`${path} still runs in the guest after ${timeoutMs} ms`)
      await delay(pauseMs)
    }
  }
}

/** As `guest-network-get-interfaces` tells; what we do not use is left out. */
export interface AgentInterface {
  readonly name: string
  readonly 'hardware-address'?: string
  readonly 'ip-addresses'?: readonly { readonly 'ip-address': string; readonly prefix: number }[]
}

/** As `guest-exec-status` tells; data is base64. */
export interface AgentExecStatus {
  readonly exited: boolean
  readonly exitcode?: number
  readonly signal?: number
  readonly 'out-data'?: string
  readonly 'err-data'?: string
}

/** What we show of the agent's listing: no loopback, nothing without a MAC, MACs in lower case. */
export function guestInterfaces(listed: readonly AgentInterface[]): GuestInterface[] {
  return listed.flatMap((each) => {
    const mac = each['hardware-address']?.toLowerCase()
    if (each.name === 'lo' || !mac || mac === '00:00:00:00:00:00') return []
    const addresses = (each['ip-addresses'] ?? []).map((ip) => `${ip['ip-address']}/${ip.prefix}`)
    return [{ name: each.name, mac, addresses }]
  })
}

/** A program that a signal ended has 128 + its number as exit code, as in a shell. */
export function execResult(status: AgentExecStatus): ExecResult {
  const text = (data: string | undefined) => Buffer.from(data ?? '', 'base64').toString('utf8')
  return {
    exitCode: status.exitcode ?? 128 + (status.signal ?? 0),
    stdout: text(status['out-data']),
    stderr: text(status['err-data']),
  }
}
