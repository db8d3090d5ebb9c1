/**
 * The relay publishes what the outbox promises. It runs in every API replica; `FOR UPDATE SKIP LOCKED` shares the rows
 * out. A row stands until its job is final, and comes due again after `REPUBLISH_MS`: a message that the queue lost
 * (a flushed Redis, a job that was given up as stalled) is published again, and one that is still there is left alone,
 * for the queue knows it by the job's id.
 */
import { asc, eq, inArray, lte, sql } from 'drizzle-orm'
import type { Logger } from 'pino'
import { type Database, transaction } from '../db/client.ts'
import { job, outbox } from '../db/schema.ts'
import type { JobAction } from './catalogue.ts'
import type { Publisher } from './engines.ts'

/** Finds what another replica promised and died over; this replica's own promises are published at once. */
const POLL_MS = 500
const REPUBLISH_MS = 60_000
const BATCH = 100

export interface Relay {
  /** Says that the outbox has something: returns at once, and publishes in the background. */
  nudge(): void
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
  return {
    nudge,
    close: async () => {
      closed = true
      clearInterval(timer)
      await running
    },
  }
}

/** Publishes a batch of rows that are due. @returns how many there were. */
export function publishDue(db: Database, publisher: Publisher): Promise<number> {
  return transaction(db, async (tx) => {
    const rows = await tx
      .select({ jobId: outbox.jobId, hypervisorId: outbox.hypervisorId, action: job.action, serverId: job.serverId })
      .from(outbox)
      .innerJoin(job, eq(job.id, outbox.jobId))
      .where(lte(outbox.dueAt, sql`now()`))
      .orderBy(asc(outbox.dueAt))
      .limit(BATCH)
      .for('update', { of: outbox, skipLocked: true })
    if (rows.length === 0) return 0
    await Promise.all(rows.map((row) => publisher.publish({ ...row, action: row.action as JobAction })))
    await tx
      .update(outbox)
      .set({ dueAt: sql`now() + ${REPUBLISH_MS} * interval '1 ms'` })
      .where(
        inArray(
          outbox.jobId,
          rows.map(({ jobId }) => jobId),
        ),
      )
    return rows.length
  })
}
