/**
 * How a job ends. This is the only place that clears the lock a job has on a server and on NICs:
 *
 * | job           | successful                                   | failed                                          |
 * |---------------|----------------------------------------------|-------------------------------------------------|
 * | nic.attach    | attaching → in_use                           | attaching → available, with the reason; gone if |
 * |               |                                              | it was made for a server to join a network      |
 * | nic.detach    | detaching → available; gone if it came with  | detaching → in_use: the guest kept it           |
 * |               | its server or with joining a network         |                                                 |
 * | server.create | pending → running, its NICs in_use           | pending → stopped; of an adoption → terminated  |
 * | server.start  | starting → running                           | starting → stopped                              |
 * | server.stop   | stopping → stopped                           | stopping → running                              |
 * | server.restart| starting → running                           | starting → stopped                              |
 * | server.delete | terminating → terminated; NICs that came     | back to what the server was, NICs in_use        |
 * |               | with it are gone, the others available       |                                                 |
 * | network.apply | nothing was locked: the settings stand, and the job says whether the hypervisor has them       |
 */
import { and, eq, inArray, sql } from 'drizzle-orm'
import { canonicalJson } from '../../canonical-json.ts'
import type { Db } from '../../db/client.ts'
import { event, job, nic, outbox, server } from '../../db/schema.ts'
import type { JobAction } from '../../jobs/catalogue.ts'
import type { JobProgress, JobReport, NicObservation, ReportedStep } from '../../jobs/work-order.ts'
import { DomainError } from '../errors.ts'
import { type NewEvent, recordEvents } from '../event/events.ts'
import { type NicRow, type NicState, underEachAddress } from '../nic/nics.ts'
import type { ServerState } from '../server/servers.ts'
import type { JobRequest, JobRow, JobStep } from './jobs.ts'
import { storable } from './storable.ts'

/**
 * Takes in a worker's report of one attempt.
 * @returns the job's state after it.
 * @throws DomainError `job_stale` when the job is final, not this hypervisor's, or a later attempt has begun.
 */
export async function reportJob(tx: Db, hypervisorId: string, jobId: string, told: JobReport): Promise<JobRow> {
  const report = storable(told)
  const now = await atAttempt(tx, hypervisorId, jobId, report.attempt)
  await storeObservations(tx, hypervisorId, report.observed)
  const final = report.outcome !== 'retry'
  // What passed meanwhile is in the steps now.
  if (final && now.steps.length > 0) {
    await tx.delete(event).where(and(eq(event.resourceId, jobId), eq(event.type, 'job.progress')))
  }
  const [after] = await tx
    .update(job)
    .set({
      steps: withSteps(now, report),
      error: report.error,
      ...(report.outcome === 'retry' ? {} : { state: report.outcome, finishedAt: sql`now()` }),
    })
    .where(eq(job.id, jobId))
    .returning()
  if (!after) throw new Error(`job ${jobId} vanished while locked`)
  if (final) {
    await settle(tx, after)
    await tx.delete(outbox).where(eq(outbox.jobId, jobId))
    if (after.parentId !== null) await endParent(tx, after.parentId)
  }
  await recordEvents(tx, [
    {
      projectId: after.projectId,
      type: final ? `job.${after.state}` : 'job.retry',
      id: jobId,
      jobId,
      data: { action: after.action, attempt: report.attempt, error: report.error, server_id: after.serverId },
    },
  ])
  return after
}

/**
 * Takes in how far an attempt is that is under way. What is older than what is known already is passed over.
 * @throws DomainError `job_stale` as for a report.
 */
export async function noteProgress(tx: Db, hypervisorId: string, jobId: string, told: JobProgress): Promise<void> {
  const progress = storable(told)
  const now = await atAttempt(tx, hypervisorId, jobId, progress.attempt)
  const known = (now.steps as JobStep[]).filter(({ attempt }) => attempt === progress.attempt)
  if (ended(known) > ended(progress.steps) || known.length > progress.steps.length) return
  await tx
    .update(job)
    .set({ steps: withSteps(now, progress) })
    .where(eq(job.id, jobId))
  const { attempt, steps } = progress
  await recordEvents(tx, [
    {
      projectId: now.projectId,
      type: 'job.progress',
      id: jobId,
      jobId,
      data: { action: now.action, attempt, step: steps.at(-1)?.name, server_id: now.serverId },
    },
  ])
}

/** Locks a job whose attempt this is. */
async function atAttempt(tx: Db, hypervisorId: string, jobId: string, attempt: number): Promise<JobRow> {
  const [row] = await tx
    .select()
    .from(job)
    .where(and(eq(job.id, jobId), eq(job.hypervisorId, hypervisorId)))
    .for('update')
  if (row?.state === 'working' && row.attempts === attempt) return row
  throw new DomainError('job_stale', `attempt ${attempt} of job ${jobId} is not the one that counts`)
}

/** A job that is tried for ever, because its worker dies of it, does not grow for ever. */
const ATTEMPTS_TOLD = 10
const withSteps = (row: JobRow, { attempt, steps }: JobProgress): JobStep[] => [
  ...(row.steps as JobStep[]).filter((step) => step.attempt !== attempt && step.attempt > attempt - ATTEMPTS_TOLD),
  ...steps.map((step) => ({ attempt, ...step })),
]

const ended = (steps: readonly ReportedStep[]): number => steps.filter(({ ended_at }) => ended_at !== null).length

/** A job with parts on several hypervisors ends with the last of them, and fails when one did. */
export async function endParent(tx: Db, parentId: string): Promise<void> {
  // Two parts that end at the same time must see each other.
  await tx.select({ id: job.id }).from(job).where(eq(job.id, parentId)).for('update')
  const parts = await tx.select().from(job).where(eq(job.parentId, parentId))
  if (parts.some((part) => part.finishedAt === null)) return
  // A part with parts of its own is on no hypervisor, and its error says already on which it was.
  const errors = parts.flatMap(({ hypervisorId, error }) =>
    error === null ? [] : hypervisorId === null ? error : `${hypervisorId}: ${error}`,
  )
  const state = parts.some((part) => part.state === 'failed') ? 'failed' : 'successful'
  const [after] = await tx
    .update(job)
    .set({ state, error: errors.join('; ') || null, finishedAt: sql`now()` })
    .where(eq(job.id, parentId))
    .returning()
  if (!after) throw new Error(`job ${parentId} vanished while locked`)
  await recordEvents(tx, [
    {
      projectId: after.projectId,
      type: `job.${state}`,
      id: parentId,
      jobId: parentId,
      data: { action: after.action, error: after.error },
    },
  ])
  if (after.parentId !== null) await endParent(tx, after.parentId)
}

async function settle(tx: Db, done: JobRow): Promise<void> {
  const ok = done.state === 'successful'
  const action = done.action as JobAction
  switch (action) {
    case 'nic.attach':
      return ok ? keepNics(tx, done) : freeNics(tx, done)
    case 'nic.detach':
      return ok ? freeNics(tx, done) : keepNics(tx, done)
    case 'server.create':
      await keepNics(tx, done)
      return moveServer(tx, done, ok ? 'running' : await afterFailedCreate(tx, done))
    case 'server.start':
    case 'server.restart':
      return moveServer(tx, done, ok ? 'running' : 'stopped')
    case 'server.stop':
      return moveServer(tx, done, ok ? 'stopped' : 'running')
    case 'network.apply':
      return
    case 'server.delete':
      if (!ok) {
        await keepNics(tx, done)
        return moveServer(tx, done, (done.request as JobRequest).previous_state ?? 'running')
      }
      await freeNics(tx, done)
      return moveServer(tx, done, 'terminated')
    default:
      return action satisfies never
  }
}

/** A server of ours can be started once what was wrong is mended; a machine that was not there to adopt is no server. */
async function afterFailedCreate(tx: Db, done: JobRow): Promise<'stopped' | 'terminated'> {
  const [row] = await tx.select({ qmpSocket: server.qmpSocket }).from(server).where(eq(server.jobId, done.id))
  return row?.qmpSocket ? 'terminated' : 'stopped'
}

/** The NICs that a job holds stay on their server. */
const keepNics = (tx: Db, done: JobRow) => releaseNics(tx, done, 'in_use', {})

/** The NICs that a job holds leave their server; those that came with it are deleted. */
async function freeNics(tx: Db, done: JobRow): Promise<void> {
  const rows = await tx
    .delete(nic)
    .where(and(eq(nic.jobId, done.id), eq(nic.withServer, true)))
    .returning()
  await recordEvents(
    tx,
    rows.flatMap((row) => underEachAddress(row, nicEvent(row, done, 'nic.deleted'))),
  )
  const left = { serverId: null, slot: null, hostView: null, guestView: null, observedAt: null }
  await releaseNics(tx, done, 'available', left)
}

async function releaseNics(tx: Db, done: JobRow, state: NicState, set: Partial<NicRow>): Promise<void> {
  const rows = await tx
    .update(nic)
    .set({
      ...set,
      state,
      jobId: null,
      lastError: done.error,
      generation: sql`${nic.generation} + 1`,
      updatedAt: sql`now()`,
    })
    .where(eq(nic.jobId, done.id))
    .returning()
  await recordEvents(
    tx,
    rows.map((row) => nicEvent(row, done, `nic.${state}`)),
  )
}

const nicEvent = (row: NicRow, done: JobRow, type: `nic.${string}`): NewEvent => ({
  projectId: row.projectId,
  type,
  id: row.id,
  address: row.address,
  jobId: done.id,
  data: {
    server_id: done.serverId,
    // A NIC that has left is in none any more.
    ...(row.slot === null ? {} : { slot: row.slot }),
    network_id: row.networkId,
    ...(done.error === null ? {} : { error: done.error }),
  },
})

function serverOf(done: JobRow): string {
  if (done.serverId === null) throw new Error(`job ${done.id} (${done.action}) is about no server`)
  return done.serverId
}

async function moveServer(tx: Db, done: JobRow, state: ServerState): Promise<void> {
  await tx
    .update(server)
    .set({
      state,
      jobId: null,
      lastError: done.error,
      deletedAt: state === 'terminated' ? sql`now()` : null,
      generation: sql`${server.generation} + 1`,
      updatedAt: sql`now()`,
    })
    .where(eq(server.jobId, done.id))
  await recordEvents(tx, [
    {
      projectId: done.projectId,
      type: `server.${state}`,
      id: serverOf(done),
      jobId: done.id,
      data: done.error === null ? {} : { error: done.error },
    },
  ])
}

/**
 * Stores what kernel and guest show of NICs of one hypervisor; others are passed over. An event is written only when
 * what is seen has changed. The generation stays: seeing is no change of the NIC.
 */
export async function storeObservations(
  tx: Db,
  hypervisorId: string,
  observed: readonly NicObservation[],
): Promise<void> {
  if (observed.length === 0) return
  const ids = observed.map(({ id }) => id)
  const mine = tx.select({ id: server.id }).from(server).where(eq(server.hypervisorId, hypervisorId))
  const rows = await tx
    .select()
    .from(nic)
    .where(and(inArray(nic.id, ids), inArray(nic.serverId, mine)))
    .orderBy(nic.id)
    .for('no key update')
  const seen = new Map(storable(observed).map((one) => [one.id, one]))
  for (const row of rows) {
    const { host, guest } = seen.get(row.id) ?? { host: null, guest: null }
    await tx.update(nic).set({ hostView: host, guestView: guest, observedAt: sql`now()` }).where(eq(nic.id, row.id))
    if (same(row.hostView, host) && same(row.guestView, guest)) continue
    await recordEvents(tx, [
      { projectId: row.projectId, type: 'nic.observed', id: row.id, address: row.address, data: { host, guest } },
    ])
  }
}

const same = (stored: unknown, fresh: unknown): boolean => canonicalJson(stored) === canonicalJson(fresh)
