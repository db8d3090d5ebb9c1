/**
 * The relay publishes what the outbox promises. It runs in every API replica; `FOR UPDATE SKIP LOCKED` shares the rows
 * out. A row stands until its job is final, and comes due again after `REPUBLISH_MS`: a message that the queue lost
 * (a flushed Redis, a job that was given up as stalled) is published again, and one that is still there is left alone,
 * for the queue knows it by the job's id.
 */
import { asc, eq, inArray, lte, sql } from 'drizzle-orm'
import type { Logger } from 'pino'
import { type Database, type Db, transaction } from '../db/client.ts'
import { job, outbox } from '../db/schema.ts'
import type { JobAction } from './catalogue.ts'
import type { Message, Publisher } from './engines.ts'

/** Finds what a replica promised and died over, and what the queue lost; a replica sends its own promises at once. */
const POLL_MS = 500
const REPUBLISH_MS = 60_000
/** For this long a row is in the hands of the replica that took it; should that one die, another takes it then. */
const LEASE_MS = 3_000
const PUBLISH_MS = 5_000
const BATCH = 100

export interface Relay {
  /** Publishes a job that this replica has just promised: returns at once, and goes on in the background. */
  send(message: Message): void
  /** Publishes at once what is due: the parts of a job that were just promised. */
  look(): void
  close(): Promise<void>
}

export function startRelay(db: Database, publisher: Publisher, log: Logger): Relay {
  let running: Promise<void> | undefined
  let again = false
  let closed = false

  const run = async (): Promise<void> => {
    do {
      again = false
      try {
        while (!closed && (await publishDue(db, publisher)) === BATCH);
      } catch (error) {
        if (!closed) log.warn({ err: error }, 'the queue does not take jobs; trying again')
      }
    } while (again && !closed)
  }
  const nudge = (): void => {
    if (closed) return
    if (running) {
      again = true
      return
    }
    running = run().finally(() => {
      running = undefined
      if (again) nudge()
    })
  }
  const timer = setInterval(nudge, POLL_MS)
  nudge()
  const sending = new Set<Promise<void>>()
  const send = (message: Message): void => {
    const sent = withinTime(publisher.publish(message))
      .then(() => putOff(db, [message], REPUBLISH_MS))
      .catch((error: unknown) => {
        if (!closed) log.warn({ err: error, job: message.jobId }, 'the queue did not take a job; trying again')
      })
      .finally(() => sending.delete(sent))
    sending.add(sent)
  }
  return {
    send,
    look: nudge,
    close: async () => {
      closed = true
      clearInterval(timer)
      await running
      await Promise.all(sending)
    },
  }
}

/**
 * Publishes a batch of rows that are due. They are leased first, in a transaction of its own: a queue that hangs holds no
 * lock that a report or an event stream would wait for. Those that the queue did not take come due again after the lease.
 * @returns how many there were.
 */
export async function publishDue(db: Database, publisher: Publisher): Promise<number> {
  const due = await takeDue(db)
  const outcomes = await Promise.allSettled(due.map((message) => withinTime(publisher.publish(message))))
  const published = due.filter((_, index) => outcomes[index]?.status === 'fulfilled')
  if (published.length > 0) await putOff(db, published, REPUBLISH_MS)
  const failure = outcomes.find((outcome) => outcome.status === 'rejected')
  if (failure) {
    throw new Error(`${due.length - published.length} jobs could not be published`, { cause: failure.reason })
  }
  return due.length
}

/** Rows of jobs that have ended meanwhile are gone: nothing is done about those. */
async function putOff(db: Db, messages: readonly Message[], forMs: number): Promise<void> {
  const ids = messages.map(({ jobId }) => jobId)
  await db
    .update(outbox)
    .set({ dueAt: sql`now() + ${forMs} * interval '1 ms'` })
    .where(inArray(outbox.jobId, ids))
}

function takeDue(db: Database): Promise<Message[]> {
  return transaction(db, async (tx) => {
    const rows = await tx
      .select({ jobId: outbox.jobId, hypervisorId: outbox.hypervisorId, action: job.action, serverId: job.serverId })
      .from(outbox)
      .innerJoin(job, eq(job.id, outbox.jobId))
      .where(lte(outbox.dueAt, sql`now()`))
      .orderBy(asc(outbox.dueAt))
      .limit(BATCH)
      .for('update', { of: outbox, skipLocked: true })
    const messages = rows.map((row) => ({ ...row, action: row.action as JobAction }))
    if (messages.length > 0) await putOff(tx, messages, LEASE_MS)
    return messages
  })
}

/** BullMQ on Redis waits for a connection without end. */
async function withinTime(published: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`the queue did not answer within ${PUBLISH_MS} ms`)), PUBLISH_MS)
  })
  await Promise.race([published, late]).finally(() => clearTimeout(timer))
}
