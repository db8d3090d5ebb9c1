/** One suite for both queue engines: what the product relies on, whichever carries it. */
import { type ChildProcess, fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import path from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { openDatabase } from '../../src/db/client.ts'
import type { JobAction } from '../../src/jobs/catalogue.ts'
import { JOBS } from '../../src/jobs/catalogue.ts'
import {
  type Consumer,
  FinalError,
  type Nudge,
  openConsumer,
  openPublisher,
  type Publisher,
} from '../../src/jobs/engines.ts'
import { ensureQueueRole, queueAccessForWorkers } from '../../src/jobs/queue-access.ts'
import type { QueueAccess } from '../../src/jobs/work-order.ts'
import { aRedis, findRedisServer } from '../support/a-redis.ts'
import { aDatabase } from '../support/databases.ts'
import { until } from '../support/until.ts'

/** Where both sides find an engine: the publisher as the control plane does, the consumer as a worker does. */
interface Engine {
  readonly forPublisher: QueueAccess
  readonly forWorkers: QueueAccess
  stop(): Promise<void>
}

async function postgresEngine(): Promise<Engine> {
  const database = await aDatabase(inject('postgresUrl'))
  const db = openDatabase(database.url, 2)
  const secretKey = randomBytes(32)
  await ensureQueueRole(db, secretKey)
  const forWorkers = await queueAccessForWorkers(db, secretKey, database.url, undefined)
  await db.$client.end()
  return { forPublisher: { engine: 'postgres', url: database.url }, forWorkers, stop: database.drop }
}

async function redisEngine(): Promise<Engine> {
  const redis = await aRedis()
  const access = { engine: 'redis', url: redis.url } as const
  return { forPublisher: access, forWorkers: access, stop: redis.stop }
}

const MAY_SKIP = process.env.PATCHBAY_TEST_NO_SKIP !== '1'
const noRedis = findRedisServer() === undefined
if (noRedis && MAY_SKIP) process.stderr.write('SKIPPED: the queue on Redis: needs redis-server (redis-tools)\n')
const ENGINES = [
  ['postgres', postgresEngine],
  ...(noRedis && MAY_SKIP ? [] : [['redis', redisEngine] as const]),
] as const

// Concurrent, for most of the time goes into waiting for back-offs and locks; each test has hypervisors of its own.
describe.concurrent.each(ENGINES)('the queue on %s', (_name, start) => {
  let engine: Engine
  let publisher: Publisher
  const consumers: Consumer[] = []
  const children: ChildProcess[] = []
  beforeAll(async () => {
    engine = await start()
    publisher = await openPublisher(engine.forPublisher)
  })
  afterAll(async () => {
    for (const child of children) child.kill('SIGKILL')
    await Promise.all(consumers.map((consumer) => consumer.close()))
    await publisher.close()
    await engine.stop()
  })

  let counter = 0
  /** A job of a hypervisor of its own, so that no test sees another's. */
  const aJob = (hypervisorId = `hv-${++counter}`, action: JobAction = 'nic.attach') => ({
    hypervisorId,
    jobId: `j-${randomBytes(5).toString('hex')}`,
    action,
    serverId: `i-${++counter}`,
  })
  /** Opens a consumer, and returns what it was given so far. */
  async function consume(
    hypervisorId: string,
    handle: (nudge: Nudge) => Promise<void> = async () => undefined,
    concurrency = 4,
  ) {
    const calls: (Nudge & { at: number })[] = []
    const consumer = await openConsumer(engine.forWorkers, hypervisorId, concurrency, async (nudge) => {
      calls.push({ ...nudge, at: performance.now() })
      await handle(nudge)
    })
    consumers.push(consumer)
    await consumer.ready()
    return calls
  }
  const idsOf = (calls: Nudge[]) => calls.map(({ jobId }) => jobId)

  it('answers when it is asked', async () => {
    await expect(publisher.ping()).resolves.toBeUndefined()
  })

  it('hands a job over once, with its server', async () => {
    const job = aJob()
    const calls = await consume(job.hypervisorId)
    await publisher.publish(job)
    await until('the job', () => calls.length > 0)
    const marker = aJob(job.hypervisorId)
    await publisher.publish(marker)
    await until('the next job', () => idsOf(calls).includes(marker.jobId))
    expect(calls[0]).toMatchObject({ jobId: job.jobId, serverId: job.serverId, lastAttempt: false })
    expect(idsOf(calls)).toEqual([job.jobId, marker.jobId])
  })

  it('hands over what was published before there was any consumer, in order', async () => {
    const jobs = Array.from({ length: 20 }, () => aJob('hv-late'))
    for (const job of jobs) await publisher.publish(job)
    const calls = await consume('hv-late', undefined, 1)
    await until('all of them', () => calls.length === jobs.length)
    expect(idsOf(calls)).toEqual(idsOf(jobs as never))
  })

  it('takes a job that is still queued, or at work, only once', async () => {
    const job = aJob()
    await publisher.publish(job)
    await publisher.publish(job)
    let finish: () => void = () => undefined
    const working = new Promise<void>((resolve) => {
      finish = resolve
    })
    const calls = await consume(job.hypervisorId, ({ jobId }) => (jobId === job.jobId ? working : Promise.resolve()))
    await until('the job', () => calls.length > 0)
    await publisher.publish(job)
    finish()
    const marker = aJob(job.hypervisorId)
    await publisher.publish(marker)
    await until('the next job', () => idsOf(calls).includes(marker.jobId))
    expect(idsOf(calls)).toEqual([job.jobId, marker.jobId])
  })

  it('takes a job again that is done with: the control plane knows better whether it is', async () => {
    const job = aJob()
    const calls = await consume(job.hypervisorId)
    await publisher.publish(job)
    await until('the job', () => calls.length === 1)
    await until('the job again', async () => {
      await publisher.publish(job) // nothing happens until the first one is off the queue
      return calls.length > 1
    })
  })

  it('calls again with growing pauses when a handler fails, and says which attempt is the last', async () => {
    const job = aJob(undefined, 'server.create')
    const calls = await consume(job.hypervisorId, () => Promise.reject(new Error('not yet')))
    await publisher.publish(job)
    const { attempts } = JOBS['server.create']
    await until('the last attempt', () => calls.length === attempts, 40_000)
    expect(calls.map(({ lastAttempt }) => lastAttempt)).toEqual([...Array(attempts - 1).fill(false), true])
    const pauses = calls.slice(1).map(({ at }, index) => at - (calls[index]?.at ?? 0))
    for (const [index, pause] of pauses.entries()) expect(pause).toBeGreaterThan(500 * 2 ** index * 0.9)
    await until('the job is off the queue and taken again', async () => {
      await publisher.publish(job)
      return calls.length > attempts
    })
    expect(calls[attempts]?.lastAttempt).toBe(false)
  }, 60_000)

  it('does not call again after a FinalError', async () => {
    const [final, passing] = [aJob('hv-final'), aJob('hv-final')]
    const calls = await consume('hv-final', async ({ jobId }) => {
      if (jobId === final.jobId) throw new FinalError('never')
      if (idsOf(calls).filter((id) => id === passing.jobId).length < 3) throw new Error('not yet')
    })
    await publisher.publish(final)
    await publisher.publish(passing)
    await until(
      'the other is tried for the third time',
      () => idsOf(calls).filter((id) => id === passing.jobId).length === 3,
    )
    expect(idsOf(calls).filter((id) => id === final.jobId)).toHaveLength(1)
  })

  it('keeps the jobs of two hypervisors apart', async () => {
    const [a, b] = [await consume('hv-a'), await consume('hv-b')]
    const jobs = Array.from({ length: 40 }, (_, n) => aJob(n % 2 ? 'hv-a' : 'hv-b'))
    await Promise.all(jobs.map((job) => publisher.publish(job)))
    await until('all of them', () => a.length + b.length >= jobs.length)
    const of = (hypervisor: string) => jobs.filter((job) => job.hypervisorId === hypervisor).map(({ jobId }) => jobId)
    expect(idsOf(a).sort()).toEqual(of('hv-a').sort())
    expect(idsOf(b).sort()).toEqual(of('hv-b').sort())
  })

  it('hands a job over again when its consumer is killed in the middle of it', async () => {
    const job = aJob()
    const program = path.join(import.meta.dirname, '..', 'support', 'take-job-and-hang.mjs')
    const child = fork(program, [JSON.stringify(engine.forWorkers), job.hypervisorId])
    children.push(child)
    const taken = new Promise((resolve) => child.once('message', resolve))
    await publisher.publish(job)
    expect(await taken).toEqual({ jobId: job.jobId })
    child.kill('SIGKILL')
    const killedAt = performance.now()
    const calls = await consume(job.hypervisorId)
    await until('the job', () => calls.length > 0, 20_000)
    expect(calls[0]).toMatchObject({ jobId: job.jobId, serverId: job.serverId })
    expect(performance.now() - killedAt).toBeLessThan(15_000)
  }, 60_000)
})

describe('the queue role of PostgreSQL', () => {
  let engine: Engine
  beforeAll(async () => {
    engine = await postgresEngine()
  })
  afterAll(() => engine.stop())

  it('reads and writes nothing of the state, and makes nothing in its schema', async () => {
    const owner = new pg.Client({ connectionString: engine.forPublisher.url })
    const worker = new pg.Client({ connectionString: engine.forWorkers.url })
    await Promise.all([owner.connect(), worker.connect()])
    try {
      const { rows } = await owner.query<{ name: string }>(
        `SELECT quote_ident(relname) AS name FROM pg_class
         WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'S', 'v', 'm')`,
      )
      const names = rows.map(({ name }) => name)
      expect(names).toEqual(expect.arrayContaining(['nic', 'access_key', 'setting', 'schema_migration']))
      const outcome = (sql: string) =>
        worker.query(sql).then(
          () => 'done',
          (error: pg.DatabaseError) => error.code,
        )
      for (const name of names) {
        expect(await outcome(`SELECT * FROM public.${name}`), name).toBe('42501')
        // 42809: a sequence has no rows to delete
        expect(['42501', '42809'], name).toContain(await outcome(`DELETE FROM public.${name}`))
      }
      expect(await outcome('CREATE TABLE public.mine ()')).toBe('42501')
      const { rows: role } = await worker.query<Record<string, boolean>>(
        'SELECT rolsuper, rolcreaterole, rolcreatedb, rolbypassrls FROM pg_roles WHERE rolname = current_user',
      )
      expect(role[0]).toEqual({ rolsuper: false, rolcreaterole: false, rolcreatedb: false, rolbypassrls: false })
    } finally {
      await Promise.all([owner.end(), worker.end()])
    }
  })

  it('keeps its password when it is made again, whoever starts next', async () => {
    const database = await aDatabase(inject('postgresUrl'))
    const db = openDatabase(database.url, 2)
    const secretKey = randomBytes(32)
    await Promise.all([ensureQueueRole(db, secretKey), ensureQueueRole(db, secretKey)])
    const first = await queueAccessForWorkers(db, secretKey, database.url, undefined)
    await ensureQueueRole(db, secretKey)
    expect(await queueAccessForWorkers(db, secretKey, database.url, undefined)).toEqual(first)
    const worker = new pg.Client({ connectionString: first.url })
    await worker.connect()
    await worker.end()
    await db.$client.end()
    await database.drop()
  })
})
