/**
 * A Patchbay of its own for one measurement: the built program as `npm start` runs it (supervisor, API, worker, embedded
 * PostgreSQL), with a data folder, a port and a data plane that nobody else has; with Redis when asked for.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { openSync, readFileSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { adminKeyFile } from '../../src/config.ts'
import { packageRoot } from '../../src/package-root.ts'
import { Api } from './api.ts'
import { whenDone } from './cleanup.ts'
import { commandLine, family } from './processes.ts'

const READY_MS = 60_000
const STOP_MS = 60_000

export interface Place {
  readonly data: string
  readonly port: number
  readonly netns: string
  /** The environment that puts a Patchbay there, with nothing of the caller's own Patchbay in it. */
  readonly env: Record<string, string>
}

export interface Postgres {
  readonly host: string
  readonly port: string
  readonly user: string
  readonly password: string
  readonly database: string
}

export interface Stack extends Place {
  readonly token: string
  readonly keyId: string
  readonly postgres: Postgres
  /** A session in its database, as its owner. */
  readonly sql: pg.Client
  /** A connection of the caller's own; closed with the stack. */
  api(): Promise<Api>
  pids(): Promise<{ supervisor: number; api: number; worker: number; postgres: number[] }>
  stop(): Promise<void>
}

/** A data folder, a port and a name that nobody uses. The folder goes when the bench ends. */
export async function aPlace(): Promise<Place> {
  const data = await mkdtemp(path.join(tmpdir(), 'patchbay-bench-'))
  whenDone(() => rm(data, { recursive: true, force: true }))
  const port = await freePort()
  const netns = `pbb-${randomBytes(4).toString('hex')}`
  // The worker leaves it for the next one on this data plane, of which there will be none.
  whenDone(() => rm(`/run/patchbay/${netns}.lock`, { force: true }))
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(PATCHBAY_.*|DATABASE_.*|REDIS_URL|npm_.*)$/.test(name),
  )
  const own = { PATCHBAY_DATA: data, PATCHBAY_PORT: String(port), PATCHBAY_NETNS: netns }
  return { data, port, netns, env: { ...Object.fromEntries(inherited), ...own } as Record<string, string> }
}

export async function freePort(): Promise<number> {
  const probe = createServer()
  probe.listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as { port: number }
  probe.close()
  await once(probe, 'close')
  return port
}

/**
 * Starts a Patchbay and waits until its worker is there.
 * @param engine - of the queue; `redis` starts a Redis for it.
 */
export async function startStack(engine: 'postgres' | 'redis' = 'postgres'): Promise<Stack> {
  const place = await aPlace()
  const redis = engine === 'redis' ? await startRedis(place.data) : undefined
  const env = { ...place.env, ...(redis ? { REDIS_URL: redis.url } : {}) }
  const log = path.join(place.data, 'bench.log')
  const out = openSync(log, 'w')
  const program = path.join(packageRoot, 'dist', 'src', 'cli.js')
  // A session of its own: Ctrl-C reaches the bench, which stops this in its turn.
  const child = spawn(process.execPath, [program, 'up'], { env, stdio: ['ignore', out, out], detached: true })
  const end = whenDone(() => stopProcess(child))
  await untilReady(child, log)
  const key = JSON.parse(await readFile(adminKeyFile(place.data), 'utf8')) as { access_key_id: string; token: string }
  const postgres = await postgresIn(place.data)
  const sql = new pg.Client({ ...postgres, port: Number(postgres.port) })
  sql.on('error', () => undefined)
  await sql.connect()
  const connections: Api[] = []
  const api = async () => {
    const opened = await Api.open({ port: place.port, token: key.token })
    connections.push(opened)
    return opened
  }
  await untilWorker(await api())
  const stop = async () => {
    for (const each of connections) each.close()
    await sql.end().catch(() => undefined)
    await end()
    await redis?.stop()
  }
  const pids = () => pidsOf(child.pid ?? 0, place.data)
  return { ...place, token: key.token, keyId: key.access_key_id, postgres, sql, api, pids, stop }
}

async function untilReady(child: ChildProcess, log: string): Promise<void> {
  const deadline = performance.now() + READY_MS
  while (!readFileSync(log, 'utf8').includes('patchbay: ready')) {
    if (child.exitCode !== null || performance.now() > deadline)
      throw new Error(`the service does not start:\n${readFileSync(log, 'utf8')}`)
    await sleep(20)
  }
}

async function untilWorker(api: Api): Promise<void> {
  for (const deadline = performance.now() + READY_MS; performance.now() < deadline; await sleep(50)) {
    const { items } = await api.call<{ items: { state: string }[] }>('GET', '/v1/hypervisors')
    if (items.some(({ state }) => state === 'up')) return
  }
  throw new Error('the worker does not come up')
}

/** Asks a process to end, and waits for it. SIGTERM makes a supervisor stop guests and database in good order. */
async function stopProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  const late = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
  await exited
  clearTimeout(late)
}

/** Where the embedded server of a data folder is, as `src/embedded-postgres.ts` describes the folder. */
async function postgresIn(data: string): Promise<Postgres> {
  const home = path.join(data, 'postgres')
  const password = (await readFile(path.join(home, 'password'), 'utf8')).trim()
  const port = await readFile(path.join(home, 'port'), 'utf8').catch(() => undefined)
  const endpoint =
    port === undefined ? { host: path.join(home, 'run'), port: '5432' } : { host: '127.0.0.1', port: port.trim() }
  return { ...endpoint, user: 'patchbay', password, database: 'patchbay' }
}

async function startRedis(folder: string): Promise<{ url: string; stop: () => Promise<void> }> {
  const port = await freePort()
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder]
  const child = spawn('redis-server', args, { stdio: 'ignore', detached: true })
  child.on('error', () => undefined) // told below, as a service that does not start
  const stop = whenDone(() => stopProcess(child))
  return { url: `redis://127.0.0.1:${port}`, stop }
}

async function pidsOf(supervisor: number, data: string) {
  const children = await family(supervisor)
  const lines = await Promise.all(children.map(async (pid) => ({ pid, line: await commandLine(pid) })))
  const pidOf = (command: string) => {
    const found = lines.find(({ line }) => line.at(-2)?.endsWith('cli.js') && line.at(-1) === command)
    if (!found) throw new Error(`there is no process of patchbay ${command}`)
    return found.pid
  }
  const postmaster = await readFile(path.join(data, 'postgres', 'data', 'postmaster.pid'), 'utf8')
  const postgres = await family(Number(postmaster.split('\n')[0]))
  return { supervisor, api: pidOf('api'), worker: pidOf('worker'), postgres }
}
