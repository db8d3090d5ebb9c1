/** Making servers: the promise. The job in `job_id` has the new server; its report says whether it runs. */
import { posix } from 'node:path'
import { and, eq, inArray, isNotNull } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import { network, server } from '../../db/schema.ts'
import type { Actor } from '../actor.ts'
import type { Changes } from '../changes.ts'
import { bodyError, DomainError } from '../errors.ts'
import { recordEvents } from '../event/events.ts'
import { pickHypervisor } from '../hypervisor/hypervisors.ts'
import { newId } from '../ids.ts'
import { type JobView, promiseJob } from '../job/jobs.ts'
import { makeCards } from './cards.ts'
import type { GuestKind } from './guest-kinds.ts'

export const DEFAULT_VCPUS = 1
export const DEFAULT_MEMORY_MB = 256

export interface NewServer extends Changes {
  readonly name: string
  readonly guest: GuestKind
  /** The first is the network of its primary NIC. At most one of them has addresses. */
  readonly networks?: readonly NetworkWanted[]
  /** Of its NICs; the project's default group when absent. */
  readonly security_group_ids?: readonly string[]
  readonly vcpus?: number
  readonly memory_mb?: number
  readonly hypervisor_id?: string
  /** Where it is made, unless a hypervisor is named. */
  readonly zone_id?: string
  /** Adopt the virtual machine behind this monitor instead of making one. */
  readonly qmp_socket?: string
  readonly qga_socket?: string
  /** What only clients of the QingCloud wire read. */
  readonly wire?: Readonly<Record<string, string | number>>
}

export interface NetworkWanted {
  readonly network_id: string
  /** The lowest free one when absent. */
  readonly address?: string | undefined
}

/**
 * Promises a server. With networks, its NICs are made in the same transaction, in slots 0, 1, …
 * @param id - its id, where it has to be known beforehand.
 * @throws DomainError `no_hypervisor`, `interface_missing`, `server_joined_already`; as `createNics`.
 */
export async function createServer(tx: Db, actor: Actor, wanted: NewServer, id = newId('i')): Promise<JobView> {
  if (wanted.qmp_socket !== undefined) assertMayAdopt(actor, wanted)
  const networks = wanted.networks ?? []
  const hypervisorId = await pickHypervisor(tx, {
    id: wanted.hypervisor_id,
    zoneId: wanted.zone_id,
    interfaces: await interfacesOf(tx, actor, networks),
  })
  // The job comes first: the server and its NICs point at it, for it holds their locks.
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
    wire: { ...wanted.wire },
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
  const cards = networks.map(({ network_id, address }, slot) => ({ networkId: network_id, address, slot }))
  return makeCards(tx, actor, { id, name: wanted.name }, job, cards, wanted.security_group_ids)
}

/** The interfaces that bridged ones among these networks are bridged to. */
async function interfacesOf(tx: Db, actor: Actor, networks: readonly NetworkWanted[]): Promise<string[]> {
  if (networks.length === 0) return []
  const ids = networks.map(({ network_id }) => network_id)
  const rows = await tx
    .selectDistinct({ interface: network.interface })
    .from(network)
    .where(and(inArray(network.id, ids), eq(network.projectId, actor.projectId), isNotNull(network.interface)))
  return rows.flatMap((row) => row.interface ?? [])
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
  if ((wanted.networks ?? []).length > 0) {
    throw bodyError(
      'adoption_needs_qmp',
      '/network_id',
      'an adopted machine brings its own primary NIC: attach others later',
    )
  }
}
