/**
 * Attach and detach: the promise. Locks are taken server first, then NICs by id, so that two callers cannot deadlock.
 *
 * A NIC in `attaching` or `detaching` belongs to the job in its `job_id`; only that job's report moves it on
 * (job/report-job.ts).
 */
import { and, asc, eq, getTableColumns, inArray, sql } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import { nic } from '../../db/schema.ts'
import type { Actor } from '../actor.ts'
import { DomainError, type FieldError, notFound } from '../errors.ts'
import { recordEvents } from '../event/events.ts'
import { assertInterface } from '../hypervisor/interfaces.ts'
import { getJob, type JobView, lastJob, promiseJob } from '../job/jobs.ts'
import { lockServer, notSteady } from '../server/lock-server.ts'
import type { NicRow } from './nics.ts'

/** Slot 0 is the primary NIC's, 1-63 are for secondary NICs. */
export const SECONDARY_SLOTS = 63
export const SLOTS = SECONDARY_SLOTS + 1

export interface AttachRequest {
  readonly serverId: string
  readonly nicIds: readonly string[]
  /** Wanted slot, 1..63, when one NIC is attached; the lowest free one otherwise. */
  readonly slot?: number | undefined
  readonly pointer: (index: number) => FieldError['pointer']
}

/**
 * Promises to attach NICs to a server, all or none, as one job.
 * NICs that are on the server already are left as they are; when all are, the job that brought them there is returned.
 */
export async function attachNics(tx: Db, actor: Actor, wanted: AttachRequest): Promise<JobView> {
  const target = await lockServer(tx, actor, wanted.serverId)
  if (target.state !== 'running' && target.state !== 'stopped') throw notSteady(target)
  const nics = await lockNics(tx, actor, wanted.nicIds, wanted.pointer)
  const there = nics.filter(
    (row) => row.serverId === target.id && (row.state === 'attaching' || row.state === 'in_use'),
  )
  for (const row of nics) assertAttachable(row, target.id, wanted.slot)
  const missing = nics.filter((row) => !there.includes(row))
  if (missing.length === 0) return standingJob(tx, actor, there, { action: 'nic.attach', server_id: target.id })
  // One job has to answer for all of them: it cannot while another still moves some.
  const moving = there.find((row) => row.jobId !== null)
  if (moving) throw busy(moving)

  for (const row of missing) {
    for (const name of row.interfaces) {
      await assertInterface(tx, target.hypervisorId, name, wanted.pointer(nics.indexOf(row)))
    }
  }
  const slots = await freeSlots(tx, target.id, missing.length, wanted.slot)
  const job = await promiseJob(tx, actor, {
    action: 'nic.attach',
    hypervisorId: target.hypervisorId,
    serverId: target.id,
    nicIds: missing.map(({ id }) => id),
  })
  for (const [index, row] of missing.entries()) {
    await tx
      .update(nic)
      .set({
        ...moved('attaching', job.id),
        serverId: target.id,
        slot: slots[index] ?? null,
        lastError: null,
      })
      .where(eq(nic.id, row.id))
  }
  const placed = missing.map((row, index) => ({ ...row, slot: slots[index] ?? null }))
  await recordMoves(tx, actor, placed, 'attaching', job.id, target.id)
  return job
}

export interface DetachRequest {
  readonly nicIds: readonly string[]
  /** The server they must be on; any server when absent. */
  readonly serverId?: string | undefined
  /** Cut the tap instead of waiting for the guest to let go. */
  readonly force?: boolean | undefined
  readonly pointer: (index: number) => FieldError['pointer']
}

/**
 * Promises to detach NICs from their server, all or none, as one job. Primary NICs are refused, and others that came with
 * joining a network: those leave with it.
 */
export async function detachNics(tx: Db, actor: Actor, wanted: DetachRequest): Promise<JobView> {
  const serverId = wanted.serverId ?? (await serverOf(tx, actor, wanted.nicIds[0] ?? ''))
  const from = serverId === null ? undefined : await lockServer(tx, actor, serverId)
  const nics = await lockNics(tx, actor, wanted.nicIds, wanted.pointer)
  for (const row of nics) {
    if (row.isPrimary)
      throw new DomainError('nic_primary', `NIC ${row.id} is the primary NIC of server ${row.serverId}`)
    if (row.serverId !== null && row.serverId !== from?.id) {
      throw new DomainError('nic_not_in_use', `NIC ${row.id} is on server ${row.serverId}, not on ${from?.id}`)
    }
    if (row.withServer) {
      throw new DomainError(
        'nic_joined',
        `NIC ${row.id} came with joining a network: server ${row.serverId} can leave it`,
      )
    }
    if (row.state === 'attaching') throw busy(row)
  }
  const attached = nics.filter((row) => row.state === 'in_use')
  if (attached.length === 0) {
    const asked = wanted.serverId === undefined ? {} : { server_id: wanted.serverId }
    return standingJob(tx, actor, nics, { action: 'nic.detach', ...asked })
  }
  if (!from) throw new Error(`NIC ${attached[0]?.id} is in use on no server`) // nic_server_unless_available
  if (from.state !== 'running' && from.state !== 'stopped') throw notSteady(from)

  const job = await promiseJob(tx, actor, {
    action: 'nic.detach',
    hypervisorId: from.hypervisorId,
    serverId: from.id,
    nicIds: attached.map(({ id }) => id),
    request: { force: wanted.force ?? false },
  })
  await tx
    .update(nic)
    .set(moved('detaching', job.id))
    .where(
      inArray(
        nic.id,
        attached.map(({ id }) => id),
      ),
    )
  await recordMoves(tx, actor, attached, 'detaching', job.id, from.id)
  return job
}

/** The SET part of a NIC's move into a job's hands. */
export const moved = (state: 'attaching' | 'detaching', jobId: string) => ({
  state,
  jobId,
  generation: sql`${nic.generation} + 1`,
  updatedAt: sql`now()`,
})

async function serverOf(tx: Db, actor: Actor, nicId: string): Promise<string | null> {
  const [row] = await tx
    .select({ serverId: nic.serverId })
    .from(nic)
    .where(and(eq(nic.id, nicId), eq(nic.projectId, actor.projectId)))
  if (!row) throw notFound('NIC', nicId)
  return row.serverId
}

/** A NIC with the interfaces that it needs of its hypervisor: its network's when that is bridged, its elastic IP's. */
type LockedNic = NicRow & { readonly interfaces: string[] }

/** Locks NICs in the order of their ids and returns them in the order asked for. */
async function lockNics(
  tx: Db,
  actor: Actor,
  ids: readonly string[],
  pointer: AttachRequest['pointer'],
): Promise<LockedNic[]> {
  const rows = await tx
    .select({
      ...getTableColumns(nic),
      interfaces: sql<string[]>`array(
        SELECT w.interface FROM network w WHERE w.id = nic.network_id AND w.interface IS NOT NULL
        UNION SELECT p.interface FROM elastic_ip e JOIN elastic_ip_pool p ON p.id = e.pool_id WHERE e.nic_id = nic.id)`,
    })
    .from(nic)
    .where(and(inArray(nic.id, [...ids]), eq(nic.projectId, actor.projectId)))
    .orderBy(asc(nic.id))
    .for('update')
  const byId = new Map(rows.map((row) => [row.id, row]))
  const errors = ids.flatMap((id, index) =>
    byId.has(id) ? [] : [{ in: 'body' as const, pointer: pointer(index), detail: `NIC ${id} not found` }],
  )
  if (errors.length > 0) throw new DomainError('not_found', errors.map(({ detail }) => detail).join('; '), { errors })
  return ids.flatMap((id) => byId.get(id) ?? [])
}

function assertAttachable(row: NicRow, serverId: string, slot: number | undefined): void {
  switch (row.state) {
    case 'available':
      return
    case 'detaching':
      throw busy(row)
    case 'attaching':
    case 'in_use':
      if (row.serverId !== serverId) {
        throw new DomainError('nic_in_use', `NIC ${row.id} is ${row.state} on server ${row.serverId}: detach it first`)
      }
      if (slot !== undefined && row.slot !== slot) {
        throw new DomainError('nic_in_use', `NIC ${row.id} is in slot ${row.slot} of this server: detach it first`)
      }
  }
}

/** The refusal of an act on a NIC that a job has in hand. */
export const busy = (row: NicRow) =>
  new DomainError('nic_busy', `NIC ${row.id} is ${row.state} by job ${row.jobId}; try again`)

/** What answers a request for what is already so: the live job that is bringing it about, or the last one that did. */
async function standingJob(
  tx: Db,
  actor: Actor,
  nics: readonly NicRow[],
  which: { action: 'nic.attach' | 'nic.detach'; server_id?: string },
): Promise<JobView> {
  const live = new Set(nics.flatMap(({ jobId }) => jobId ?? []))
  if (live.size > 1)
    throw new DomainError('nic_busy', `the NICs are being moved by jobs ${[...live].join(', ')}; try again`)
  const [liveId] = live
  if (liveId) return getJob(tx, actor.projectId, liveId)
  const [first] = nics
  const job = first && (await lastJob(tx, actor.projectId, { ...which, nic_id: first.id }))
  if (job) return job
  // A primary NIC came with its server, and housekeeping forgets jobs: then no job can be shown.
  if (first?.isPrimary)
    throw new DomainError('nic_primary', `NIC ${first.id} is the primary NIC of server ${first.serverId}`)
  if (which.action === 'nic.attach')
    throw new DomainError(
      'nic_in_use',
      `NIC ${first?.id} is in slot ${first?.slot} of server ${first?.serverId} already`,
    )
  throw new DomainError(
    'nic_not_in_use',
    `NIC ${first?.id} is not on ${which.server_id ? `server ${which.server_id}` : 'a server'}`,
  )
}

/** The slots that new NICs go to. Called with the server locked; `nic_server_slot_key` holds whatever happens. */
export async function freeSlots(
  tx: Db,
  serverId: string,
  count: number,
  wanted: number | undefined,
): Promise<number[]> {
  const taken = await tx.select({ slot: nic.slot }).from(nic).where(eq(nic.serverId, serverId))
  const used = new Set(taken.map(({ slot }) => slot))
  if (wanted !== undefined && used.has(wanted)) {
    throw new DomainError('slot_in_use', `slot ${wanted} of server ${serverId} is taken`, {
      errors: [{ in: 'body', pointer: '/slot', detail: 'is taken' }],
    })
  }
  const secondary = Array.from({ length: SECONDARY_SLOTS }, (_, index) => index + 1)
  const free = wanted === undefined ? secondary.filter((slot) => !used.has(slot)) : [wanted]
  if (free.length < count) {
    const asked = count > 1 ? `; ${count} more were asked for` : ''
    const use = used.has(0)
      ? `${used.size} of ${SLOTS} NICs`
      : `${used.size} of ${SECONDARY_SLOTS} secondary NICs (slot 0 is for a primary NIC)`
    throw new DomainError('server_full', `server ${serverId} has ${use}${asked}`)
  }
  return free.slice(0, count)
}

export function recordMoves(
  tx: Db,
  actor: Actor,
  nics: readonly NicRow[],
  to: string,
  jobId: string,
  serverId: string,
) {
  return recordEvents(
    tx,
    nics.map((row) => ({
      projectId: row.projectId,
      type: `nic.${to}` as const,
      id: row.id,
      address: row.address,
      actor: actor.keyId,
      jobId,
      data: { server_id: serverId, slot: row.slot, network_id: row.networkId },
    })),
  )
}
