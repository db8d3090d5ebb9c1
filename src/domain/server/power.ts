/**
 * Starting, stopping, restarting and deleting servers: the promise. A server in a transient state belongs to the job in
 * its `job_id`; only that job's report moves it on (job/report-job.ts).
 */
import { and, eq, inArray, sql } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import { nic, server } from '../../db/schema.ts'
import type { Actor } from '../actor.ts'
import { DomainError } from '../errors.ts'
import { recordEvents } from '../event/events.ts'
import { getJob, type JobView, lastJob, promiseJob } from '../job/jobs.ts'
import { moved, recordMoves } from '../nic/attach-nics.ts'
import { lockServer, notSteady } from './lock-server.ts'
import type { ServerRow } from './servers.ts'

/** Promises to start a stopped server, with the NICs it has. */
export function startServer(tx: Db, actor: Actor, id: string): Promise<JobView> {
  return turn(tx, actor, id, {
    action: 'server.start',
    from: 'stopped',
    via: 'starting',
    already: ['running', 'starting'],
  })
}

/** Promises to stop a running server; its NICs stay on it. `force` cuts the power. */
export function stopServer(tx: Db, actor: Actor, id: string, force: boolean): Promise<JobView> {
  return turn(tx, actor, id, {
    action: 'server.stop',
    from: 'running',
    via: 'stopping',
    already: ['stopped', 'stopping'],
    force,
  })
}

/**
 * Promises to stop and start a running server as one job; its NICs stay on it. While that goes on, asking again returns
 * the same job. `force` cuts the power.
 * @throws DomainError `server_not_running`, `server_adopted`, `server_busy`, `server_terminated`.
 */
export async function restartServer(tx: Db, actor: Actor, id: string, force: boolean): Promise<JobView> {
  const now = await lockOwn(tx, actor, id)
  if (now.state === 'starting' && now.jobId) {
    const job = await getJob(tx, actor.projectId, now.jobId)
    if (job.action === 'server.restart') return job
  }
  if (now.state === 'stopped') {
    throw new DomainError('server_not_running', `server ${id} is not running, can not be restarted`)
  }
  if (now.state !== 'running') throw notSteady(now)
  return promiseTurn(tx, actor, now, { action: 'server.restart', via: 'starting', force })
}

interface Turn {
  readonly action: 'server.start' | 'server.stop' | 'server.restart'
  readonly via: 'starting' | 'stopping'
  readonly force?: boolean
}
interface TurnFrom extends Turn {
  readonly from: 'running' | 'stopped'
  readonly already: readonly ServerRow['state'][]
}

async function turn(tx: Db, actor: Actor, id: string, { from, already, ...wanted }: TurnFrom): Promise<JobView> {
  const now = await lockOwn(tx, actor, id)
  if (already.includes(now.state)) {
    const standing = now.jobId
      ? await getJob(tx, actor.projectId, now.jobId)
      : await settledJob(tx, actor, id, wanted.action)
    if (standing) return standing
  }
  if (now.state !== from) throw notSteady(now)
  return promiseTurn(tx, actor, now, wanted)
}

/** Locks a server that is ours to start and stop. */
async function lockOwn(tx: Db, actor: Actor, id: string): Promise<ServerRow> {
  const row = await lockServer(tx, actor, id)
  if (row.qmpSocket !== null) {
    throw new DomainError('server_adopted', `server ${id} is an adopted machine: its owner runs it`)
  }
  return row
}

async function promiseTurn(tx: Db, actor: Actor, now: ServerRow, { action, via, force }: Turn): Promise<JobView> {
  const job = await promiseJob(tx, actor, {
    action,
    hypervisorId: now.hypervisorId,
    serverId: now.id,
    nicIds: [],
    request: { force: force ?? false },
  })
  await moveServer(tx, actor, now, via, job.id)
  return job
}

/** A server that runs was started by its last start, or by its making; one that is stopped, by its last stop likewise. */
async function settledJob(tx: Db, actor: Actor, id: string, action: string): Promise<JobView | undefined> {
  return (
    (await lastJob(tx, actor.projectId, { server_id: id, action })) ??
    (await lastJob(tx, actor.projectId, { server_id: id, action: 'server.create' }))
  )
}

/**
 * Promises to delete a server: NICs that came with it or with joining go with it, the others become available.
 * An adopted machine is let go of and runs on.
 */
export async function deleteServer(
  tx: Db,
  actor: Actor,
  id: string,
  options: { force: boolean; ifMatch?: number | undefined },
): Promise<JobView> {
  const now = await lockServer(tx, actor, id)
  if (options.ifMatch !== undefined && now.generation !== options.ifMatch) {
    throw new DomainError(
      'precondition_failed',
      `server ${id} is at generation ${now.generation}, not ${options.ifMatch}`,
    )
  }
  if (now.state === 'terminating' || now.state === 'terminated') {
    const standing = await lastJob(tx, actor.projectId, { server_id: id, action: 'server.delete' })
    if (standing) return standing
  }
  if (now.state !== 'running' && now.state !== 'stopped') throw notSteady(now)
  const nics = await tx.select().from(nic).where(eq(nic.serverId, id)).orderBy(nic.id).for('update')
  const busy = nics.find((row) => row.state !== 'in_use')
  if (busy) throw new DomainError('nic_busy', `NIC ${busy.id} is ${busy.state} by job ${busy.jobId}; try again`)
  const nicIds = nics.map((row) => row.id)
  const job = await promiseJob(tx, actor, {
    action: 'server.delete',
    hypervisorId: now.hypervisorId,
    serverId: id,
    nicIds,
    request: { force: options.force, previous_state: now.state },
  })
  if (nicIds.length > 0) {
    await tx.update(nic).set(moved('detaching', job.id)).where(inArray(nic.id, nicIds))
    await recordMoves(tx, actor, nics, 'detaching', job.id, id)
  }
  await moveServer(tx, actor, now, 'terminating', job.id)
  return job
}

async function moveServer(
  tx: Db,
  actor: Actor,
  row: ServerRow,
  state: ServerRow['state'],
  jobId: string,
): Promise<void> {
  await tx
    .update(server)
    .set({ state, jobId, lastError: null, generation: sql`${server.generation} + 1`, updatedAt: sql`now()` })
    .where(and(eq(server.id, row.id), eq(server.state, row.state)))
  await recordEvents(tx, [{ projectId: row.projectId, type: `server.${state}`, id: row.id, actor: actor.keyId, jobId }])
}
