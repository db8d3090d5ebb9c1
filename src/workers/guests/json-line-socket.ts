/**
 * A unix socket that carries one JSON object a line each way: what QMP and the guest agent have in common.
 */
import { connect, type Socket } from 'node:net'

import { TransientError } from '../errors.ts'

/** 0xff, which never occurs in UTF-8: the guest agent's delimiter. Strings here are latin1, so it stays one byte. */
const DELIMITER = '\xff'

export type JsonObject = Readonly<Record<string, unknown>>

/**
 * Cuts what arrived into lines.
 * @param text - latin1, as read; may begin with what was left of the last read.
 * @returns whole lines without delimiter bytes, and the rest that has no end yet. A delimiter drops what was before it
 *   in its line: the end of an answer that an earlier client did not wait for.
 */
export function cutLines(text: string): { lines: string[]; rest: string } {
  const parts = text.split('\n')
  const rest = parts.pop() ?? ''
  const lines = parts.map((line) => line.slice(line.lastIndexOf(DELIMITER) + 1).trim()).filter((line) => line !== '')
  return { lines, rest }
}

/** One connection. Both peers here serve one client at a time: open it for one operation, and close it. */
/** Characters of one message; 64 cards with their addresses take some 20,000. */
const LONGEST_LINE = 1024 * 1024
const MOST_UNREAD = 10_000

export class JsonLineSocket {
  readonly #socket: Socket
  readonly #path: string
  readonly #waiting: ((arrived: boolean) => void)[] = []
  readonly #messages: JsonObject[] = []
  #rest = ''
  #closed = false

  private constructor(socket: Socket, path: string) {
    this.#socket = socket
    this.#path = path
    socket.setEncoding('latin1')
    socket.on('data', (text: string) => this.#read(text))
    socket.on('error', () => this.#end())
    socket.on('close', () => this.#end())
  }

  /** @throws {TransientError} when nobody listens there (yet), or not within `timeoutMs`. */
  static async open(path: string, timeoutMs: number): Promise<JsonLineSocket> {
    const socket = connect({ path })
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => socket.destroy(new Error(`no connection in ${timeoutMs} ms`)), timeoutMs)
      socket.once('connect', () => {
        clearTimeout(timer)
        resolve()
      })
      socket.once('error', (cause) => {
        clearTimeout(timer)
        reject(new TransientError(`connecting to ${path}`, { cause }))
      })
    })
    return new JsonLineSocket(socket, path)
  }

  send(message: JsonObject, options: { readonly delimited?: boolean } = {}): void {
    const text = Buffer.from(`${JSON.stringify(message)}\n`, 'utf8')
    this.#socket.write(options.delimited ? Buffer.concat([Buffer.from(DELIMITER, 'latin1'), text]) : text)
  }

  /**
   * The next message, in order of arrival.
   * @returns `undefined` when none came in time.
   * @throws {TransientError} when the peer closed the connection.
   */
  async receive(timeoutMs: number): Promise<JsonObject | undefined> {
    if (this.#messages.length === 0 && !this.#closed) await this.#arrival(timeoutMs)
    const message = this.#messages.shift()
    if (message === undefined && this.#closed) throw new TransientError(`${this.#path} was closed by the other side`)
    return message
  }

  close(): void {
    this.#socket.destroy()
  }

  #arrival(timeoutMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => done(false), Math.max(0, timeoutMs))
      const done = (arrived: boolean) => {
        clearTimeout(timer)
        const at = this.#waiting.indexOf(done)
        if (at >= 0) this.#waiting.splice(at, 1)
        resolve(arrived)
      }
      this.#waiting.push(done)
    })
  }

  #read(text: string): void {
    if (this.#closed) return
    const { lines, rest } = cutLines(this.#rest + text)
    this.#rest = rest
    if (rest.length > LONGEST_LINE || this.#messages.length > MOST_UNREAD) {
      // A guest chooses what its agent says, and must not be able to fill our memory with it.
      this.#end()
      this.close()
      return
    }
    for (const line of lines) {
      const message = parse(line)
      if (message) this.#messages.push(message)
    }
    if (lines.length > 0) this.#wake()
  }

  #end(): void {
    this.#closed = true
    this.#wake()
  }

  #wake(): void {
    for (const done of [...this.#waiting]) done(true)
  }
}

/** The half of a line that an earlier client left in the pipe is no JSON; it is nobody's answer either. */
function parse(line: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(line, 'latin1').toString('utf8'))
    return typeof value === 'object' && value !== null ? (value as JsonObject) : undefined
  } catch {
    return undefined
  }
}
