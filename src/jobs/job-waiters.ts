import { EventEmitter, once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Db } from '../db/client.ts'
import { getJob, type JobView } from '../domain/job/jobs.ts'

/** Finds the end of a job that was reported to another replica. */
const POLL_MS = 250

const finished = new EventEmitter()
finished.setMaxListeners(0)

/** Says in this process that a job is final: whoever waits for it here goes on at once. */
export function announceFinished(jobId: string): void {
  finished.emit(jobId)
}

/**
 * Waits until a job is final.
 * @param forMs - longest wait.
 * @param signal - ends the wait early: the client has gone.
 * @returns the job as it is then, finished or not.
 */
export async function waitForJob(
  db: Db,
  projectId: string,
  id: string,
  forMs: number,
  signal: AbortSignal,
): Promise<JobView> {
  const until = Date.now() + forMs
  for (;;) {
    const round = new AbortController()
    const abort = () => round.abort()
    signal.addEventListener('abort', abort, { once: true })
    // Listen before looking: an end that is announced in between is not missed.
    const announced = once(finished, id, { signal: round.signal }).catch(() => undefined)
    try {
      const job = await getJob(db, projectId, id)
      const left = until - Date.now()
      if (job.finished_at !== null || left <= 0 || signal.aborted) return job
      await Promise.race([
        announced,
        sleep(Math.min(left, POLL_MS), undefined, { signal: round.signal }).catch(() => undefined),
      ])
    } finally {
      signal.removeEventListener('abort', abort)
      round.abort()
    }
  }
}
