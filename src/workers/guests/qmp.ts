/**
 * QEMU's machine protocol over a unix socket.
 *
 * QEMU serves one client of a monitor at a time: the next one connects, but is greeted only when the first has gone.
 * So we connect for one operation and leave; events that happen between two connections are lost, and whoever waits
 * for one also looks at the state that the event tells of.
 *
 * @see https://www.qemu.org/docs/master/interop/qmp-spec.html
 */
import { TransientError } from '../errors.ts'
import { JsonLineSocket, type JsonObject } from './json-line-socket.ts'

/** QEMU refused a command. */
export class QmpError extends Error {
  override readonly name = 'QmpError'
  readonly command: string
  /** `GenericError`, `CommandNotFound`, `DeviceNotFound`, ... */
  readonly qmpClass: string
  /** QEMU's own words. */
  readonly desc: string

  constructor(command: string, error: { readonly class: string; readonly desc: string }) {
    super(`${command}: ${error.desc} (${error.class})`)
    this.command = command
    this.qmpClass = error.class
    this.desc = error.desc
  }
}

export interface QmpEvent {
  readonly event: string
  readonly data: JsonObject
}

export interface QmpOptions {
  /** For the connection, the greeting, and each command. Default 5 s. */
  readonly timeoutMs?: number
}

/** One session with a monitor. */
export class Qmp {
  readonly #socket: JsonLineSocket
  readonly #timeoutMs: number
  #events: QmpEvent[] = []
  #lastId = 0

  private constructor(socket: JsonLineSocket, timeoutMs: number) {
    this.#socket = socket
    this.#timeoutMs = timeoutMs
  }

  /**
   * Opens a session, hands it to `use`, and closes it whatever happens.
   * @throws {TransientError} when nobody listens on `path`, or another client holds the monitor for `timeoutMs`.
   */
  static async session<T>(path: string, use: (qmp: Qmp) => Promise<T>, options: QmpOptions = {}): Promise<T> {
    const timeoutMs = options.timeoutMs ?? 5_000
    const socket = await JsonLineSocket.open(path, timeoutMs)
    try {
      const greeting = await socket.receive(timeoutMs)
      if (!greeting?.QMP) throw new TransientError(`no QMP greeting on ${path}: does another client hold the monitor?`)
      const qmp = new Qmp(socket, timeoutMs)
      await qmp.execute('qmp_capabilities')
      return await use(qmp)
    } finally {
      socket.close()
    }
  }

  /**
   * Runs one command.
   * @returns its `return` member; the shape is the command's.
   * @throws {QmpError} when QEMU refuses it.
   * @throws {TransientError} when QEMU does not answer in time or goes away.
   */
  async execute<T = JsonObject>(command: string, args?: JsonObject): Promise<T> {
    const id = ++this.#lastId
    this.#socket.send({ execute: command, id, ...(args && { arguments: args }) })
    const end = performance.now() + this.#timeoutMs
    for (;;) {
      const message = await this.#socket.receive(end - performance.now())
      if (!message) throw new TransientError(`QEMU did not answer ${command} in ${this.#timeoutMs} ms`)
      if (this.#keepEvent(message) || message.id !== id) continue
      const { error } = message as { error?: { class: string; desc: string } }
      if (error) throw new QmpError(command, error)
      return message.return as T
    }
  }

  /**
   * The first event of this session that matches, also one that arrived before the call. It is then used up.
   * @returns `undefined` when none came in time.
   */
  async event(matches: (event: QmpEvent) => boolean, timeoutMs: number): Promise<QmpEvent | undefined> {
    const end = performance.now() + timeoutMs
    for (;;) {
      const at = this.#events.findIndex(matches)
      if (at >= 0) return this.#events.splice(at, 1)[0]
      const message = await this.#socket.receive(end - performance.now())
      if (!message) return undefined
      this.#keepEvent(message)
    }
  }

  #keepEvent(message: JsonObject): boolean {
    if (typeof message.event !== 'string') return false
    this.#events.push({ event: message.event, data: (message.data ?? {}) as JsonObject })
    return true
  }
}

/** Runs `command` and takes a refusal that `expected` recognises for an answer. True when it was not refused. */
export async function executeUnless(
  qmp: Qmp,
  expected: (error: QmpError) => boolean,
  command: string,
  args: JsonObject,
): Promise<boolean> {
  try {
    await qmp.execute(command, args)
    return true
  } catch (error) {
    if (error instanceof QmpError && expected(error)) return false
    throw error
  }
}

/** `device_del`, `netdev_del`, `qom-get` of something that is not there. */
export const isNotFound = (error: QmpError): boolean =>
  error.qmpClass === 'DeviceNotFound' || /not found/i.test(error.desc)

/** `netdev_add`, `device_add` with an id that is taken. */
export const isDuplicate = (error: QmpError): boolean => /duplicate/i.test(error.desc)
