/**
 * An HTTP client that costs next to nothing, since it shares the cores with what it measures: one keep-alive connection,
 * one request at a time, no agent, no streams. It understands what this service sends: answers with a length.
 */
import { connect, type Socket } from 'node:net'

const END_OF_HEAD = Buffer.from('\r\n\r\n')

export interface RawAnswer {
  readonly status: number
  readonly body: Buffer
}

export class Connection {
  readonly #socket: Socket
  #received: Buffer = Buffer.alloc(0)
  /** Why it cannot be used any more. */
  #failure: Error | undefined
  #waiting: { resolve: (answer: RawAnswer) => void; reject: (error: Error) => void } | undefined

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setNoDelay(true)
    socket.on('data', (chunk) => this.#take(chunk))
    socket.on('error', (error) => this.#fail(error))
    socket.on('close', () => this.#fail(new Error('the service closed the connection')))
  }

  static open(port: number): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port })
      socket.once('error', reject)
      socket.once('connect', () => {
        socket.off('error', reject)
        resolve(new Connection(socket))
      })
    })
  }

  /** False once the service has closed it, as it does with one that was idle for about a minute. */
  get isOpen(): boolean {
    return this.#failure === undefined
  }

  /** Sends one request as it stands, see `requestText`. */
  async send(request: string): Promise<RawAnswer> {
    if (this.#failure) throw this.#failure
    if (this.#waiting) throw new Error('one request at a time')
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject }
      this.#socket.write(request)
    })
  }

  close(): void {
    this.#socket.destroy()
  }

  #take(chunk: Buffer): void {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk])
    const endOfHead = this.#received.indexOf(END_OF_HEAD)
    if (endOfHead < 0) return
    const head = this.#received.toString('latin1', 0, endOfHead)
    const status = Number(head.slice(9, 12)) // HTTP/1.1 201 Created
    const length = status === 204 ? 0 : Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? Number.NaN)
    if (Number.isNaN(length)) {
      this.#fail(new Error(`an answer without a length: ${head}`))
      return
    }
    const start = endOfHead + END_OF_HEAD.length
    if (this.#received.length < start + length) return
    const body = this.#received.subarray(start, start + length)
    this.#received = this.#received.subarray(start + length)
    const waiting = this.#waiting
    this.#waiting = undefined
    waiting?.resolve({ status, body })
  }

  #fail(error: Error): void {
    this.#failure ??= error
    this.#waiting?.reject(error)
    this.#waiting = undefined
  }
}

/** A whole request as it goes over the wire. */
export function requestText(
  method: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  body?: unknown,
): string {
  const text = body === undefined ? '' : JSON.stringify(body)
  const all = {
    host: 'bench',
    ...headers,
    ...(body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
  }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${text}`
}
