import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Redis } from 'ioredis'
import { until } from './until.ts'

/** `dist/tools` is where `npm test` puts a redis-server that it took out of a package. */
const FOLDERS = [
  ...(process.env.PATH ?? '').split(path.delimiter),
  path.join(import.meta.dirname, '..', '..', 'dist', 'tools'),
  '/usr/local/bin',
  '/usr/bin',
]

/** Path of a redis-server, or `undefined`. */
export function findRedisServer(): string | undefined {
  return FOLDERS.map((folder) => path.join(folder, 'redis-server')).find((file) => {
    try {
      accessSync(file, constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  return port
}

/** A Redis of its own, on loopback, that keeps nothing. */
export async function aRedis(): Promise<{ url: string; stop(): Promise<void> }> {
  const program = findRedisServer()
  if (program === undefined) throw new Error('no redis-server found')
  const dir = await mkdtemp(path.join(tmpdir(), 'patchbay-redis-'))
  const port = await freePort()
  const settings = { port, bind: '127.0.0.1', save: '', appendonly: 'no', dir }
  const child = spawn(
    program,
    Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]),
    { stdio: 'ignore' },
  )
  const exited = once(child, 'exit')
  const url = `redis://127.0.0.1:${port}`
  const client = new Redis(url, { retryStrategy: () => 50 })
  client.on('error', () => undefined)
  await until('Redis answers', () => client.ping().catch(() => undefined))
  client.disconnect()
  return {
    url,
    stop: async () => {
      child.kill()
      await exited
      await rm(dir, { recursive: true, force: true })
    },
  }
}
