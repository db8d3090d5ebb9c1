import { execFile, fork } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { LockedError } from '../../src/data-lock.ts'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/embedded-postgres.ts'

const log = { info: vi.fn<(line: string) => void>(), warn: vi.fn<(line: string) => void>() }
const isRoot = process.getuid?.() === 0
let dataDir: string
let running: EmbeddedPostgres | undefined

async function start(folder = dataDir): Promise<EmbeddedPostgres> {
  running = await startEmbeddedPostgres({ dataDir: folder, log })
  return running
}

async function query(url: string, sql: string): Promise<unknown[][]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query({ text: sql, rowMode: 'array' })).rows as unknown[][]
  } finally {
    await client.end()
  }
}

/** A process that has ended and that nobody has waited for yet is still listed, as a zombie. */
const isAlive = (pid: number): boolean => {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}
const untilGone = (pid: number) => vi.waitUntil(() => !isAlive(pid), { timeout: 10_000, interval: 10 })

beforeAll(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'patchbay-pg-'))
  chmodSync(dataDir, 0o755)
})
afterEach(async () => {
  await running?.stop()
  running = undefined
  log.warn.mockClear()
})
afterAll(() => {
  rmSync(dataDir, { recursive: true, force: true })
})

describe('a data folder', () => {
  test('keeps its data, and its URL, over a restart', async () => {
    const first = await start()
    await query(first.url, 'CREATE TABLE kept AS SELECT 42 AS answer')
    await first.stop()
    const second = await start()
    expect(second.url).toBe(first.url)
    expect(await query(second.url, 'SELECT answer FROM kept')).toEqual([[42]])
  })

  test('is refused to a second start, which names the first', async () => {
    const { url } = await start()
    const refused = startEmbeddedPostgres({ dataDir, log })
    await expect(refused).rejects.toThrow(LockedError)
    await expect(refused).rejects.toThrow(`process ${process.pid}`)
    expect(await query(url, 'SELECT 1')).toEqual([[1]])
  })

  test('opens again after the server was killed, its pid file left behind', async () => {
    const { pid, url, exited } = await start()
    await query(url, 'CREATE TABLE survivor AS SELECT 1 AS one')
    process.kill(pid, 'SIGKILL')
    await exited
    expect(readFileSync(join(dataDir, 'postgres', 'data', 'postmaster.pid'), 'utf8')).toContain(String(pid))
    expect(await query((await start()).url, 'SELECT one FROM survivor')).toEqual([[1]])
  })

  test('written by another major version is refused with both named', async () => {
    const { stop } = await start()
    await stop()
    const file = join(dataDir, 'postgres', 'data', 'PG_VERSION')
    const version = readFileSync(file, 'utf8')
    writeFileSync(file, '9\n')
    await expect(start()).rejects.toThrow(/written by PostgreSQL 9, and this Patchbay brings PostgreSQL 1\d/)
    writeFileSync(file, version)
    await start()
  })

  test('too deep for a socket path is served on loopback, with the same port each time', async () => {
    const deep = join(dataDir, 'd'.repeat(100))
    const first = await start(deep)
    expect(new URL(first.url).hostname).toBe('127.0.0.1')
    expect(await query(first.url, 'SHOW listen_addresses')).toEqual([['127.0.0.1']])
    await first.stop()
    expect((await start(deep)).url).toBe(first.url)
  })
})

describe('a supervisor killed by -9', () => {
  /** A process that starts the server, says its pid, and waits to be killed. */
  async function startElsewhere(): Promise<{ kill(): Promise<void>; pid: number }> {
    const program = join(import.meta.dirname, '..', 'support', 'start-embedded-postgres.mjs')
    const child = fork(program, [dataDir], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
    const [message] = (await once(child, 'message')) as [{ pid: number }]
    return {
      pid: message.pid,
      async kill() {
        child.kill('SIGKILL')
        await once(child, 'exit')
      },
    }
  }

  test('takes its server with it', async () => {
    const other = await startElsewhere()
    await other.kill()
    await untilGone(other.pid)
    await start()
  })

  test('leaves at most a server that the next start stops before its own', async () => {
    const other = await startElsewhere()
    // A stopped process cannot follow the kernel's word, as one deep in recovery or a checkpoint would not for long.
    process.kill(other.pid, 'SIGSTOP')
    await other.kill()
    const starting = start()
    await vi.waitUntil(() => log.warn.mock.calls.some(([line]) => line.includes('still runs')), { timeout: 10_000 })
    process.kill(other.pid, 'SIGCONT')
    const { url, pid } = await starting
    expect(isAlive(other.pid)).toBe(false)
    expect(pid).not.toBe(other.pid)
    expect(await query(url, 'SELECT 1')).toEqual([[1]])
  })
})

describe('reach', () => {
  test('is a socket in a folder that others cannot enter, and no TCP port', async () => {
    const { url } = await start()
    expect(await query(url, 'SHOW listen_addresses')).toEqual([['']])
    expect(statSync(join(dataDir, 'postgres', 'run')).mode & 0o777).toBe(0o700)
    expect(statSync(join(dataDir, 'postgres', 'password')).mode & 0o777).toBe(0o600)
  })

  test('needs the password even through the socket', async () => {
    const { url } = await start()
    const wrong = new URL(url)
    wrong.password = 'guess'
    await expect(query(wrong.href, 'SELECT 1')).rejects.toMatchObject({ code: '28P01' })
  })

  test.runIf(isRoot)('is closed to another user of this machine', async () => {
    const { url } = await start()
    const program = join(import.meta.dirname, '..', 'support', 'connect-unix-socket.cjs')
    const socket = join(decodeURIComponent(new URL(url).hostname), '.s.PGSQL.5432')
    const connect = promisify(execFile)(process.execPath, ['-', socket], { uid: 65_534, gid: 65_534 })
    connect.child.stdin?.end(readFileSync(program))
    await expect(connect).rejects.toMatchObject({ stderr: expect.stringContaining('EACCES') })
  })
})
