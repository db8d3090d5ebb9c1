/** A TCP connection that says something many times a second, to see whether it outlives a change. */
import { type ChildProcess, spawn } from 'node:child_process'
import { until } from './until.ts'

const SERVER = `
const server = require('node:net').createServer((socket) => socket.pipe(socket).on('error', () => {}))
server.listen(Number(process.argv[1]), '0.0.0.0', () => console.log('ready'))`

const CLIENT = `
const socket = require('node:net').connect(Number(process.argv[2]), process.argv[1])
let echoed = 0
socket.on('data', (data) => { echoed += data.length; console.log(echoed) })
socket.on('connect', () => setInterval(() => socket.write('x'), 20))
socket.on('close', () => process.exit(1))
socket.on('error', () => process.exit(1))`

export interface Stream {
  /** Resolves when the connection carries data in both directions now. @throws when it does not within 5 s. */
  flows(): Promise<void>
  close(): void
}

function inNetns(netns: string, script: string, ...args: string[]): ChildProcess {
  return spawn('nsenter', [`--net=/run/netns/${netns}`, '--', process.execPath, '-e', script, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}

/** An echo server in a namespace. @returns how to end it. */
export async function anEchoServer(netns: string, port: number): Promise<() => void> {
  const server = inNetns(netns, SERVER, String(port))
  let ready = false
  server.stdout?.once('data', () => {
    ready = true
  })
  await until(`a server on port ${port}`, async () => ready)
  return () => void server.kill()
}

/** Opens a connection from a namespace to an echo server. */
export async function aStream(fromNetns: string, address: string, port: number): Promise<Stream> {
  const client = inNetns(fromNetns, CLIENT, address, String(port))
  let echoed = 0
  client.stdout?.on('data', (text: Buffer) => {
    echoed = Number(text.toString().trim().split('\n').pop())
  })
  const flows = async () => {
    const before = echoed
    await until(
      `the stream to ${address}:${port} to carry data`,
      async () => {
        if (client.exitCode !== null) throw new Error(`the stream to ${address}:${port} is broken`)
        return echoed > before + 5
      },
      5_000,
    )
  }
  const close = () => void client.kill()
  await flows().catch((error: unknown) => {
    close()
    throw error
  })
  return { flows, close }
}
