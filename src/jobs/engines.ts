/**
 * The queue, on either engine. A message is a nudge that carries a job's id and nothing else: the worker claims the job
 * from the control plane and gets everything there.
 *
 * - `postgres`: BullMQ in the schema `bullmq` of a PostgreSQL database.
 * - `redis`: BullMQ on Redis, Valkey or Redis Cluster; a hash tag per hypervisor spreads the queues over a cluster.
 */
import {
  createPostgresBackend,
  createRedisBackend,
  type PostgresConnectionOptions,
  Queue,
  runMigrations,
  UnrecoverableError,
  Worker,
} from 'bullmq'
import type { Redis } from 'ioredis'
import pg from 'pg'
import { BACKOFF_MS, JOBS, type JobAction } from './catalogue.ts'
import type { QueueAccess } from './work-order.ts'

const QUEUE_SCHEMA = 'bullmq'
/** A worker that dies is noticed after this; its jobs are handed out again. */
const LOCK_MS = 5_000
const STALLED_CHECK_MS = 2_000
/** A job that takes its worker down this often is left to the relay, which publishes it again. */
const MAX_STALLED = 100

/** What the sending side knows of a job. */
export interface Message {
  readonly hypervisorId: string
  readonly jobId: string
  readonly action: JobAction
  readonly serverId: string | null
}

export interface Publisher {
  /** Adds a nudge; adding one that is still queued changes nothing. */
  publish(message: Message): Promise<void>
  /** Rejects when the queue does not answer. */
  ping(): Promise<void>
  close(): Promise<void>
}

export interface Nudge {
  readonly jobId: string
  /** The server whose turn to wait for before the job is claimed; `null`: the job is about the network. */
  readonly serverId: string | null
  /** No further attempt follows this one. */
  readonly lastAttempt: boolean
}

/** Thrown by a handler whose failure is final: the queue does not call again. */
export class FinalError extends UnrecoverableError {}

export interface Consumer {
  /** Resolves when the connection is up and jobs are taken. */
  ready(): Promise<void>
  /** Takes no more jobs, and waits for those at work. */
  close(): Promise<void>
}

interface Wire {
  readonly connection: pg.Pool | Redis
  readonly queueOptions: { prefix?: string }
  ping(): Promise<void>
  close(): Promise<void>
}

async function openWire(access: QueueAccess, hypervisorId?: string): Promise<Wire> {
  if (access.engine === 'redis') {
    const { Redis } = await import('ioredis') // not loaded where the queue is PostgreSQL
    // Blocking commands may wait for ever, which is what BullMQ asks of a connection.
    const redis = new Redis(access.url, { maxRetriesPerRequest: null })
    redis.on('error', () => undefined) // reconnects by itself; readiness tells
    return {
      connection: redis,
      queueOptions: hypervisorId === undefined ? {} : { prefix: `{${hypervisorId}}` },
      ping: async () => {
        await redis.ping()
      },
      close: async () => redis.disconnect(),
    }
  }
  const pool = new pg.Pool({
    connectionString: access.url,
    max: 6,
    keepAlive: true,
    application_name: 'patchbay queue',
    // A message that a crash of PostgreSQL takes is published again by the relay: its commit need not wait for the disk.
    options: `-c search_path=${QUEUE_SCHEMA} -c synchronous_commit=off`,
  })
  pool.on('error', () => undefined) // a dropped idle connection is replaced on next use
  return {
    connection: pool,
    queueOptions: {},
    ping: async () => {
      await pool.query('SELECT 1')
    },
    close: () => pool.end(),
  }
}

const queueName = (hypervisorId: string): string => `hypervisor.${hypervisorId}`

/** Opens the sending side: one queue per hypervisor, made when first needed. */
export async function openPublisher(access: QueueAccess): Promise<Publisher> {
  const wire = await openWire(access)
  const queues = new Map<string, Queue>()
  const queueOf = (hypervisorId: string): Queue => {
    const known = queues.get(hypervisorId)
    if (known) return known
    const made = openQueue(access, wire, hypervisorId)
    made.on('error', () => undefined) // a failed publish rejects where it is awaited
    queues.set(hypervisorId, made)
    return made
  }
  return {
    publish: async ({ hypervisorId, jobId, action, serverId }) => {
      await queueOf(hypervisorId).add(
        action,
        { serverId },
        {
          jobId,
          attempts: JOBS[action].attempts,
          backoff: { type: 'exponential', delay: BACKOFF_MS },
          // What became of a job is known to the control plane; here it would only block the same id from coming back.
          removeOnComplete: true,
          removeOnFail: true,
        },
      )
    },
    ping: () => wire.ping(),
    close: async () => {
      await Promise.all([...queues.values()].map((queue) => queue.close()))
      await wire.close()
    },
  }
}

function openQueue(access: QueueAccess, wire: Wire, hypervisorId: string): Queue {
  const name = queueName(hypervisorId)
  return access.engine === 'redis'
    ? new Queue(name, { connection: wire.connection as Redis, prefix: `{${hypervisorId}}` }, createRedisBackend)
    : (new Queue(
        name,
        { connection: wire.connection as PostgresConnectionOptions },
        createPostgresBackend,
      ) as unknown as Queue)
}

/** The part of BullMQ's job that we read. */
interface QueuedJob {
  readonly id?: string
  readonly data: { readonly serverId: string | null }
  readonly attemptsMade: number
  readonly opts: { readonly attempts?: number }
}

/**
 * Opens the receiving side, on a hypervisor.
 * @param handle - resolves when the job is done with; throws `FinalError` when it failed for good, anything else when
 *   the queue is to call again after a back-off.
 */
export async function openConsumer(
  access: QueueAccess,
  hypervisorId: string,
  concurrency: number,
  handle: (nudge: Nudge) => Promise<void>,
): Promise<Consumer> {
  const wire = await openWire(access, hypervisorId)
  const options = {
    concurrency,
    lockDuration: LOCK_MS,
    stalledInterval: STALLED_CHECK_MS,
    maxStalledCount: MAX_STALLED,
    ...wire.queueOptions,
  }
  const process = async (job: QueuedJob) => {
    if (job.id === undefined) throw new FinalError('a queue message without a job id')
    const lastAttempt = job.attemptsMade + 1 >= (job.opts.attempts ?? 1)
    await handle({ jobId: job.id, serverId: job.data.serverId, lastAttempt })
  }
  const name = queueName(hypervisorId)
  const worker =
    access.engine === 'redis'
      ? new Worker(name, process, { ...options, connection: wire.connection as Redis }, createRedisBackend)
      : new Worker(
          name,
          process,
          { ...options, connection: wire.connection as PostgresConnectionOptions },
          createPostgresBackend,
        )
  worker.on('error', () => undefined) // BullMQ reconnects by itself
  return {
    ready: async () => {
      await worker.waitUntilReady()
    },
    close: async () => {
      await worker.close()
      await wire.close()
    },
  }
}

/** Brings BullMQ's own tables to its version; needs the owner of the database. */
export async function migrateQueue(databaseUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    await runMigrations(client, QUEUE_SCHEMA)
  } finally {
    await client.end()
  }
}
