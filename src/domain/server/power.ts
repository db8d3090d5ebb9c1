/**
 * Making, starting, stopping and deleting servers: the promise. A server in a transient state belongs to the job in its
 * `job_id`; only that job's report moves it on (job/report-job.ts).
 */
import { posix } from 'node:path'
import { and, eq, inArray, sql } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import { network, nic, server } from '../../db/schema.ts'
import type { Actor } from '../actor.ts'
import type { Changes } from '../changes.ts'
import { bodyError, DomainError } from '../errors.ts'
import { recordEvents } from '../event/events.ts'
import { pickHypervisor } from '../hypervisor/hypervisors.ts'
import { newId } from '../ids.ts'
import { getJob, type JobView, lastJob, promiseJob } from '../job/jobs.ts'
import { createNics } from '../nic/create-nics.ts'
import type { GuestKind } from './guest-kinds.ts'
import { lockServer, notSteady } from './lock-server.ts'
import type { ServerRow } from './servers.ts'

export const DEFAULT_VCPUS = 1
export const DEFAULT_MEMORY_MB = 256

export interface NewServer extends Changes {
  readonly name: string
  readonly guest: GuestKind
  readonly network_id?: string
  /** Address of the primary NIC; the lowest free one when absent. */
  readonly address?: string
  /** Of the primary NIC; the project's default group when absent. */
  readonly security_group_ids?: readonly string[]
  readonly vcpus?: number
  readonly memory_mb?: number
  readonly hypervisor_id?: string
  /** Adopt the virtual machine behind this monitor instead of making one. */
  readonly qmp_socket?: string
  readonly qga_socket?: string
}

/** Promises a server; with a network, its primary NIC is made in the same transaction and sits in slot 0. */
export async function createServer(tx: Db, actor: Actor, wanted: NewServer): Promise<JobView> {
  if (wanted.qmp_socket !== undefined) assertMayAdopt(actor, wanted)
  const hypervisorId = await pickHypervisor(tx, {
    id: wanted.hypervisor_id,
    interface: await interfaceOf(tx, actor, wanted.network_id),
  })
  const id = newId('i')
  // The job comes first: the server and its NIC point at it, for it holds their locks.
  const job = await promiseJob(tx, actor, { action: 'server.create', hypervisorId, serverId: id, nicIds: [] })
  await tx.insert(server).values({
    id,
    projectId: actor.projectId,
    hypervisorId,
    name: wanted.name,
    description: wanted.description ?? '',
    tags: wanted.tags ?? {},
    guest: wanted.guest,
    state: 'pending',
    vcpus: wanted.vcpus ?? DEFAULT_VCPUS,
    memoryMb: wanted.memory_mb ?? DEFAULT_MEMORY_MB,
    qmpSocket: wanted.qmp_socket ?? null,
    qgaSocket: wanted.qga_socket ?? null,
    jobId: job.id,
  })
  await recordEvents(tx, [
    {
      projectId: actor.projectId,
      type: 'server.created',
      id,
      actor: actor.keyId,
      jobId: job.id,
      data: { name: wanted.name },
    },
  ])
  if (wanted.network_id === undefined) return job
  const [primary] = await createNics(tx, actor, {
    networkId: wanted.network_id,
    count: 1,
    name: wanted.name,
    addresses: wanted.address === undefined ? [] : [wanted.address],
    security_group_ids: wanted.security_group_ids,
    primaryOf: { serverId: id, jobId: job.id },
    pointer: () => '/address',
  })
  if (!primary) throw new Error('no primary NIC was made')
  await tx.execute(sql`UPDATE job SET nic_ids = ARRAY[${primary.id}] WHERE id = ${job.id}`)
  return getJob(tx, actor.projectId, job.id)
}

/** The interface that a network is bridged to, if it is. */
async function interfaceOf(tx: Db, actor: Actor, networkId: string | undefined): Promise<string | undefined> {
  if (networkId === undefined) return undefined
  const [row] = await tx
    .select({ interface: network.interface })
    .from(network)
    .where(and(eq(network.id, networkId), eq(network.projectId, actor.projectId)))
  return row?.interface ?? undefined
}

function assertMayAdopt(actor: Actor, wanted: NewServer): void {
  // A socket path reaches into the hypervisor's file system, which is more than a project's operator owns.
  if (actor.role !== 'admin')
    throw new DomainError('forbidden', 'adopting a machine by its socket needs the admin role')
  if (wanted.guest !== 'qemu') throw bodyError('adoption_needs_qemu', '/guest', 'must be qemu when qmp_socket is given')
  if (wanted.hypervisor_id === undefined) {
    throw bodyError(
      'adoption_needs_qmp',
      '/hypervisor_id',
      'says whose file system qmp_socket is in, and is required with it',
    )
  }
  for (const field of ['qmp_socket', 'qga_socket'] as const) {
    const path = wanted[field]
    if (path === undefined) continue
    if (path !== posix.normalize(path))
      throw bodyError('invalid_request', `/${field}`, `must be written ${posix.normalize(path)}`)
    if (path.startsWith('/run/patchbay/'))
      throw bodyError('already_adopted', `/${field}`, 'belongs to a server of ours')
  }
  if (wanted.network_id !== undefined) {
    throw bodyError(
      'adoption_needs_qmp',
      '/network_id',
      'an adopted machine brings its own primary NIC: attach others later',
    )
  }
}

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

interface Turn {
  readonly action: 'server.start' | 'server.stop'
  readonly from: 'running' | 'stopped'
  readonly via: 'starting' | 'stopping'
  readonly already: readonly ServerRow['state'][]
  readonly force?: boolean
}

async function turn(tx: Db, actor: Actor, id: string, { action, from, via, already, force }: Turn): Promise<JobView> {
  const now = await lockServer(tx, actor, id)
  if (now.qmpSocket !== null)
    throw new DomainError('server_adopted', `server ${id} is an adopted machine: its owner runs it`)
  if (already.includes(now.state)) {
    const standing = now.jobId ? await getJob(tx, actor.projectId, now.jobId) : await settledJob(tx, actor, id, action)
    if (standing) return standing
  }
  if (now.state !== from) throw notSteady(now)
  const job = await promiseJob(tx, actor, {
    action,
    hypervisorId: now.hypervisorId,
    serverId: id,
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
 * Promises to delete a server: its primary NIC goes with it, the others become available.
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
    await tx
      .update(nic)
      .set({ state: 'detaching', jobId: job.id, generation: sql`${nic.generation} + 1`, updatedAt: sql`now()` })
      .where(inArray(nic.id, nicIds))
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
