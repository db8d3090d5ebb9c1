/**
 * The whole service as a user has it: `patchbay up` with PostgreSQL, API and worker as processes of their own, in a data
 * folder, a port and a data plane that no other test uses. Seen through HTTP, and from inside its guests.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import path from 'node:path'
import { type GuestShell, shellOf } from '../../src/workers/guest-shell.ts'
import { runCommand } from '../../src/workers/host/run-command.ts'
import type { Answer } from './a-service.ts'
import { until } from './until.ts'

const cli = path.join(import.meta.dirname, '../../dist/src/cli.js')
const READY_MS = 60_000

export interface RunningService {
  /** Where its API listens, without a trailing slash. */
  readonly url: string
  readonly netns: string
  readonly dataDir: string
  call(method: string, url: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>
  /** A call that must succeed: its body. */
  get(url: string): Promise<Answer['body']>
  post(url: string, body?: unknown): Promise<Answer['body']>
  /** An act, waited for; fails unless the job succeeds. */
  act(method: string, url: string, body?: unknown): Promise<Answer['body']>
  shell(serverId: string, guest: 'qemu' | 'namespace'): GuestShell
  /** Pid of the API or worker process as it is now. */
  pidOf(command: 'api' | 'worker'): number
  /** Devices in the data plane, without `lo`. */
  links(): Promise<string[]>
  /** Stops it as Ctrl-C does; its data stays. */
  interrupt(): Promise<void>
  /** Starts it again on the same data. */
  start(): Promise<void>
  /** Stops it if it runs, and takes its data away. */
  dispose(): Promise<void>
  log(): string
}

export async function aRunningService(environment: Record<string, string> = {}): Promise<RunningService> {
  const netns = `pbe-${randomBytes(4).toString('hex')}`
  const dataDir = await mkdtemp('/tmp/patchbay-e2e-')
  const port = await freePort()
  const base = `http://127.0.0.1:${port}`
  let child: ChildProcess | undefined
  let log = ''
  let token = ''

  const start = async (): Promise<void> => {
    let ready = false
    const env = {
      ...process.env,
      PATCHBAY_DATA: dataDir,
      PATCHBAY_PORT: String(port),
      PATCHBAY_NETNS: netns,
      ...environment,
    }
    const started = spawn(process.execPath, [cli, 'up'], { env, stdio: ['ignore', 'pipe', 'pipe'] })
    child = started
    for (const stream of [started.stdout, started.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        log += chunk.toString()
        ready ||= /ready in/.test(chunk.toString())
      })
    }
    await until('the service to be ready', async () => ready || started.exitCode !== null, READY_MS)
    if (!ready) throw new Error(`the service did not start:\n${log}`)
    token = (JSON.parse(await readFile(path.join(dataDir, 'admin-key.json'), 'utf8')) as { token: string }).token
    await until('the worker to be up', async () => {
      const { body } = await call('GET', '/v1/hypervisors')
      return body.items[0]?.state === 'up'
    })
  }
  const call: RunningService['call'] = async (method, url, body, headers = {}) => {
    const response = await fetch(`${base}${url}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      body: body === undefined ? null : JSON.stringify(body),
    })
    const text = await response.text()
    return {
      status: response.status,
      headers: Object.fromEntries(response.headers),
      body: text === '' ? {} : JSON.parse(text),
    }
  }
  const wanted = async (answer: Promise<Answer>): Promise<Answer['body']> => {
    const { status, body } = await answer
    if (status >= 300) throw new Error(`${status} ${JSON.stringify(body)}`)
    return body
  }
  const interrupt = async (): Promise<void> => {
    const ending = child
    if (!ending || ending.exitCode !== null) return
    ending.kill('SIGINT')
    await until('the service to stop', async () => ending.exitCode !== null || ending.signalCode !== null, READY_MS)
  }
  const service: RunningService = {
    url: base,
    netns,
    dataDir,
    call,
    get: (url) => wanted(call('GET', url)),
    post: (url, body = {}) => wanted(call('POST', url, body)),
    act: async (method, url, body) => {
      const job = await wanted(call(method, url, body, { prefer: 'wait=60' }))
      if (job.state !== 'successful')
        throw new Error(`${method} ${url}: job ${job.state}: ${job.error}\n${log.slice(-4000)}`)
      return job
    },
    shell: (serverId, guest) => shellOf(netns, serverId, guest),
    pidOf: (command) => childOf(child?.pid ?? 0, command),
    links: async () => {
      const { stdout } = await runCommand('ip', ['-n', netns, '-j', 'link'])
      return (JSON.parse(stdout) as { ifname?: string }[]).flatMap(({ ifname }) =>
        ifname && ifname !== 'lo' ? [ifname] : [],
      )
    },
    interrupt,
    start,
    dispose: async () => {
      await interrupt()
      await rm(dataDir, { recursive: true, force: true })
    },
    log: () => log,
  }
  await start()
  return service
}

async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve))
  const address = probe.address()
  await new Promise((resolve) => probe.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

/** The child of a process that runs a command of ours. */
function childOf(parent: number, command: string): number {
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      const ppid = /^PPid:\t(\d+)$/m.exec(readFileSync(`/proc/${name}/status`, 'utf8'))?.[1]
      const args = readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0')
      if (Number(ppid) === parent && args.includes(command)) return Number(name)
    } catch {
      // It ended while we were looking.
    }
  }
  throw new Error(`no process "${command}" below ${parent}`)
}
