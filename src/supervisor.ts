/**
 * `patchbay up`: everything on one machine, as children of this process.
 *
 * Up: lock on the data folder → PostgreSQL → `initialise` → API and worker at once (the worker tries until the API
 * answers; both were started before, and waited). Down: worker (its guests go with it, unless they are to be kept) → API → PostgreSQL, since each needs the
 * next. Should this process be killed instead, the children notice: the API stops, the worker leaves its guests running
 * (see `cli.ts`), PostgreSQL is stopped by the kernel's word (see `postgres-account.ts`).
 */
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { get } from 'node:http'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { adminKeyFile, type Config, childEnvironment, hypervisorTokenFileOf } from './config.ts'
import { takeLock } from './data-lock.ts'
import { type EmbeddedPostgres, startEmbeddedPostgres } from './embedded-postgres.ts'
import { KeptChild } from './kept-child.ts'
import { OperatorError } from './operator-error.ts'

const API_STOP_TIMEOUT_MS = 15_000
/** A QEMU guest is given its time to shut down. */
const WORKER_STOP_TIMEOUT_MS = 45_000
/** `npm` passes Ctrl-C on to us though the terminal told us too; two signals this close are one wish. */
const SAME_WISH_MS = 700
const API_START_TIMEOUT_MS = 60_000
/** The service is of use without its worker, so the good news does not wait for it longer than this. */
const WORKER_PATIENCE_MS = 3_000
const HOPELESS_AFTER_FAILURES = 3

const say = (line: string): void => console.log(`patchbay: ${line}`)

/**
 * Brings everything up, and down again at SIGINT, SIGTERM or SIGHUP. Resolves when all of it has ended.
 * @throws {OperatorError} when it cannot come up; whatever had been started is stopped by then.
 */
export async function runSupervisor(config: Config, options: { keepGuests: boolean }): Promise<void> {
  const running = new Running()
  const stopAsked = listenForStop(running)
  try {
    await bringUp(config, options.keepGuests || config.keepGuests, running, stopAsked)
    await stopAsked
  } finally {
    await running.stop()
  }
}

/** What has been started so far, so that it can be stopped from any point on. */
class Running {
  unlock: (() => Promise<void>) | undefined
  postgres: EmbeddedPostgres | undefined
  api: KeptChild | undefined
  worker: KeptChild | undefined
  stopping = false

  async stop(): Promise<void> {
    this.stopping = true
    await this.worker?.stop()
    await this.api?.stop()
    await this.postgres?.stop()
    await this.unlock?.()
  }

  hurry(): void {
    this.worker?.kill()
    this.api?.kill()
  }
}

/** @returns a promise of the first signal that asks us to stop; the next one hurries. */
function listenForStop(running: Running): Promise<void> {
  return new Promise((resolve) => {
    let firstAt: number | undefined
    const onSignal = (signal: NodeJS.Signals) => {
      const now = performance.now()
      if (firstAt === undefined) {
        firstAt = now
        running.stopping = true
        say(`${signal}: stopping worker, API and database in this order; once more to hurry`)
        resolve()
      } else if (now - firstAt > SAME_WISH_MS) {
        say(`${signal} again: not waiting for worker and API`)
        running.hurry()
      }
    }
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal)
  })
}

async function bringUp(config: Config, keepGuests: boolean, running: Running, stopAsked: Promise<void>): Promise<void> {
  await mkdir(config.dataDir, { recursive: true })
  running.unlock = await takeLock(join(config.dataDir, 'lock'), `the data folder ${config.dataDir}`)
  const port = await claimPort(config)
  const apiUrl = `http://${authorityOf(config.host, port)}`
  // Children and `init` load their modules, most of their start, while PostgreSQL starts; then they are told to begin.
  let begin: (variables: Record<string, string>) => void = () => undefined
  const go = new Promise<Record<string, string>>((resolve) => {
    begin = resolve
  })
  running.api = keep('api', apiEnvironment(config, port), go, API_STOP_TIMEOUT_MS)
  if (process.getuid?.() === 0)
    running.worker = keep(
      'worker',
      workerEnvironment(config, apiUrl, keepGuests),
      go.then(() => ({})),
      WORKER_STOP_TIMEOUT_MS,
    )
  else say('not root, so there is no hypervisor worker on this machine: NICs can be managed, but not plugged in')
  const init = import('./init.ts')
  init.catch(() => undefined) // dealt with where it is awaited
  const databaseUrl = config.databaseUrl ?? (await startPostgres(config, running))
  await (await init).initialise(config, databaseUrl)
  if (running.stopping) return
  begin({ DATABASE_URL: databaseUrl })

  await Promise.race([apiReady(apiUrl, running.api), stopAsked])
  if (running.worker) {
    const late = sleep(WORKER_PATIENCE_MS, 'late' as const, { ref: false })
    const outcome = await Promise.race([running.worker.ready, late, stopAsked])
    if (outcome === 'late')
      say(`worker ${config.hypervisorId} is not ready yet; until it is, nothing can be plugged in`)
  }
  if (!running.stopping) announce(config, apiUrl, keepGuests)
}

/**
 * Finds out early whether the API will get its port, and settles on one when the choice is the system's: it has to stay
 * the same when the API is started again, or the worker would lose it.
 */
async function claimPort({ host, port }: Config): Promise<number> {
  const probe = createServer()
  try {
    probe.listen(port, host)
    await once(probe, 'listening')
    return (probe.address() as { port: number }).port
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const where = authorityOf(host, port)
    if (code === 'EADDRINUSE')
      throw new OperatorError(`${where} is already in use: stop what listens there, or set PATCHBAY_PORT`)
    throw new OperatorError(`cannot listen on ${where} (${code}): set PATCHBAY_HOST and PATCHBAY_PORT`, {
      cause: error,
    })
  } finally {
    probe.close()
  }
}

/** How this machine reaches a listener: the wildcard addresses are no place to connect to. */
function authorityOf(host: string, port: number): string {
  const reachable = { '0.0.0.0': '127.0.0.1', '::': '::1' }[host] ?? host
  return `${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`
}

/** Starts the embedded server, and again whenever it ends by itself: sessions of the API reconnect, the URL stays. */
async function startPostgres(config: Config, running: Running): Promise<string> {
  const start = async (): Promise<string> => {
    const postgres = await startEmbeddedPostgres({ dataDir: config.dataDir, log: { info: say, warn: say } })
    running.postgres = postgres
    void postgres.exited.then(() => again())
    return postgres.url
  }
  const again = async (): Promise<void> => {
    for (let delayMs = 200; !running.stopping; delayMs = Math.min(delayMs * 2, 5_000)) {
      say(`PostgreSQL ended by itself; starting it again in ${delayMs / 1000} s`)
      await sleep(delayMs)
      if (running.stopping) return
      try {
        await start()
        // A stop that came meanwhile may have looked before there was a server to stop.
        if (running.stopping) await running.postgres?.stop()
        return
      } catch (error) {
        say((error as Error).message)
      }
    }
  }
  return start()
}

function keep(
  command: 'api' | 'worker',
  env: Record<string, string>,
  go: Promise<Record<string, string>>,
  stopTimeoutMs: number,
): KeptChild {
  // A worker makes much short-lived text (`ip -j`), which V8 would let pile up: it stands on the hypervisor's memory.
  const memory = command === 'worker' ? ['--max-semi-space-size=2'] : []
  const args = [...memory, join(import.meta.dirname, 'cli.js'), command]
  return new KeptChild({ name: command, command: process.execPath, args, env, go, say, stopTimeoutMs })
}

/** Without DATABASE_URL, which is known, and sent, later. */
const apiEnvironment = (config: Config, port: number): Record<string, string> =>
  childEnvironment({
    REDIS_URL: config.redisUrl,
    PATCHBAY_HOST: config.host,
    PATCHBAY_PORT: String(port),
    PATCHBAY_DATA: config.dataDir,
    PATCHBAY_LOG_LEVEL: config.logLevel,
    PATCHBAY_SECRET_KEY: config.secretKey,
    PATCHBAY_ZONE: config.zone,
    PATCHBAY_GUEST: config.guest,
    PATCHBAY_IMAGES: config.images.join(',') || undefined,
    PATCHBAY_TRUSTED_PROXIES: config.trustedProxies.join(',') || undefined,
  })

/** No database, no queue, no key that encrypts: a worker knows the API and its own token. */
const workerEnvironment = (config: Config, apiUrl: string, keepGuests: boolean): Record<string, string> =>
  childEnvironment({
    PATCHBAY_API_URL: apiUrl,
    PATCHBAY_HYPERVISOR_ID: config.hypervisorId,
    PATCHBAY_HYPERVISOR_TOKEN: config.hypervisorToken,
    PATCHBAY_HYPERVISOR_TOKEN_FILE: config.hypervisorToken
      ? undefined
      : (config.hypervisorTokenFile ?? hypervisorTokenFileOf(config.dataDir, config.hypervisorId)),
    PATCHBAY_DATA: config.dataDir,
    PATCHBAY_NETNS: config.netns,
    PATCHBAY_INTERFACES: config.interfaces.join(',') || undefined,
    PATCHBAY_INTERFACES_NETNS: config.interfacesNetns,
    PATCHBAY_DNS: config.dnsUpstreams.join(',') || undefined,
    PATCHBAY_KEEP_GUESTS: keepGuests ? '1' : '0',
    PATCHBAY_LOG_LEVEL: config.logLevel,
  })

/** Waits for the API's word over HTTP; one that keeps ending before it was ever ready will not get better by itself. */
async function apiReady(apiUrl: string, api: KeptChild): Promise<void> {
  const deadline = performance.now() + API_START_TIMEOUT_MS
  while (!(await answersReady(`${apiUrl}/readyz`))) {
    if (api.failures >= HOPELESS_AFTER_FAILURES)
      throw new OperatorError('the API does not start; what it said is above')
    if (performance.now() > deadline)
      throw new OperatorError(`the API is not ready after ${API_START_TIMEOUT_MS / 1000} s`)
    await sleep(20)
  }
}

function answersReady(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get(url, { agent: false, timeout: 2_000 }, (response) => {
      response.resume()
      resolve(response.statusCode === 200)
    })
    request.once('timeout', () => request.destroy()).once('error', () => resolve(false))
  })
}

function announce(config: Config, apiUrl: string, keepGuests: boolean): void {
  const guests = keepGuests ? 'guests go on running' : 'guests stop too; PATCHBAY_KEEP_GUESTS=1 keeps them'
  console.log(
    [
      `patchbay: ready in ${(performance.now() / 1000).toFixed(1)} s`,
      `  console  ${apiUrl}/`,
      `  API      ${apiUrl}/v1, described at ${apiUrl}/docs`,
      `  key      ${adminKeyFile(config.dataDir)}`,
      `  stop     Ctrl-C (${guests})`,
    ].join('\n'),
  )
}
