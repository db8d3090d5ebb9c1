import { inArray, lt, sql } from 'drizzle-orm'
import type { Logger } from 'pino'
import type { Database } from './db/client.ts'
import { job } from './db/schema.ts'
import { forgetExpiredSessions } from './domain/access-key/sessions.ts'
import { forgetOldKeys } from './domain/idempotency/idempotency.ts'
import { forgetOldTraffic } from './domain/traffic/traffic.ts'

const EVERY_MS = 10 * 60_000
const BATCH = 1_000

/** Finished jobs stay readable for a week, idempotency keys for a day, traffic for 15 days. Events stay: they are the history. */
export function startHousekeeping(db: Database, log: Logger): { close(): void } {
  const run = async (): Promise<void> => {
    await forgetOldKeys(db)
    await forgetOldTraffic(db)
    await forgetExpiredSessions(db)
    // In batches: one long transaction would hold back the event streams.
    for (let deleted = BATCH; deleted === BATCH; ) {
      const old = db
        .select({ id: job.id })
        .from(job)
        .where(lt(job.finishedAt, sql`now() - interval '7 days'`))
        .limit(BATCH)
      deleted = (await db.delete(job).where(inArray(job.id, old))).rowCount ?? 0
    }
  }
  const timer = setInterval(() => {
    run().catch((error: unknown) => log.warn({ err: error }, 'housekeeping failed; trying again later'))
  }, EVERY_MS)
  timer.unref()
  return { close: () => clearInterval(timer) }
}
