/** A TCP connection between two namespaces that stays open while something else happens. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'

import { holdsWithin } from '../../src/workers/host/run-command.ts'
import { inside } from './a-data-plane.ts'

const run = (netns: string, ...command: string[]): ChildProcessWithoutNullStreams => {
  const child = spawn('nsenter', [`--net=/run/netns/${netns}`, '--', ...command])
  child.stdin.on('error', () => undefined)
  return child
}

export class Stream {
  readonly #ends: readonly ChildProcessWithoutNullStreams[]
  readonly #client: ChildProcessWithoutNullStreams
  #received = ''
  #lines = 0

  private constructor(server: ChildProcessWithoutNullStreams, client: ChildProcessWithoutNullStreams) {
    this.#ends = [server, client]
    this.#client = client
    client.stdout.on('data', (data) => {
      this.#received += data
    })
  }

  /** Connects; whoever listens sends back what it gets. */
  static async open(from: { netns: string }, to: { netns: string; address: string }, port: number): Promise<Stream> {
    const server = run(to.netns, 'busybox', 'nc', '-l', '-p', String(port), '-e', 'cat')
    const listening = new RegExp(`:${port.toString(16).toUpperCase().padStart(4, '0')} 0+:0000 0A`)
    const isListening = async () =>
      listening.test((await inside(to.netns, 'cat', '/proc/net/tcp', '/proc/net/tcp6')).stdout)
    if (!(await holdsWithin(5_000, 5, isListening))) throw new Error(`nobody listens on port ${port}`)
    return new Stream(server, run(from.netns, 'busybox', 'nc', to.address, String(port)))
  }

  /** Sends a line, and says whether it comes back. */
  async echoes(): Promise<boolean> {
    const line = `line ${++this.#lines}`
    this.#client.stdin.write(`${line}\n`)
    return holdsWithin(5_000, 2, async () => this.#received.includes(line))
  }

  async close(): Promise<void> {
    await Promise.all(
      this.#ends.map(async (end) => {
        if (end.exitCode !== null || end.signalCode !== null) return
        const ended = once(end, 'exit')
        end.kill('SIGKILL')
        await ended
      }),
    )
  }
}
