import { and, eq, getTableColumns, inArray, isNull, sql } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import type { NIC_STATES } from '../../db/columns.ts'
import { type AddressPair, nic } from '../../db/schema.ts'
import type { Actor } from '../actor.ts'
import { assertUnchanged } from '../changes.ts'
import { DomainError, notFound } from '../errors.ts'
import { type NewEvent, recordEvents } from '../event/events.ts'
import { defaultGroupOf } from '../security-group/default-group.ts'

export type NicState = (typeof NIC_STATES)[number]
export type NicRow = typeof nic.$inferSelect

/** A NIC with what else is shown of it. */
export type NicShown = NicRow & {
  /** Ids of the security groups that it was put into, in order; none: it is in its project's default group. */
  readonly groupIds: readonly string[]
  readonly elasticIp: NicElasticIp | null
}

export interface NicElasticIp {
  readonly id: string
  readonly address: string
  readonly bandwidth_mbps: number | null
}

/** What the hypervisor's kernel shows of a NIC. */
export interface HostView {
  tap: string
  bridge: string | null
  up: boolean
  mtu: number
}

/** What the guest's own system shows of a NIC. */
export interface GuestView {
  interface_name: string
  mac: string
  addresses: string[]
}

export interface NicView {
  id: string
  name: string
  description: string
  tags: Record<string, string>
  network_id: string
  port: number
  address: string | null
  ipv6_address: string | null
  primary: boolean
  state: NicState
  server_id: string | null
  slot: number | null
  job_id: string | null
  last_error: string | null
  security_group_ids: string[]
  elastic_ip: { id: string; address: string } | null
  anti_spoofing: boolean
  allowed_address_pairs: AddressPair[]
  /** Mbit/s (10^6 bit/s); `null`: not limited. */
  bandwidth: { in_mbps: number | null; out_mbps: number | null }
  host: HostView | null
  guest: GuestView | null
  observed_at: string | null
  generation: number
  created_at: string
  updated_at: string
}

export const nicView = (row: NicShown): NicView => ({
  id: row.id,
  name: row.name,
  description: row.description,
  tags: row.tags,
  network_id: row.networkId,
  port: row.port,
  address: row.address,
  ipv6_address: row.ipv6Address,
  primary: row.isPrimary,
  state: row.state,
  server_id: row.serverId,
  slot: row.slot,
  job_id: row.jobId,
  last_error: row.lastError,
  security_group_ids: row.groupIds.length > 0 ? [...row.groupIds] : [defaultGroupOf(row.projectId)],
  elastic_ip: row.elasticIp && { id: row.elasticIp.id, address: row.elasticIp.address },
  anti_spoofing: row.antiSpoofing,
  allowed_address_pairs: row.allowedAddressPairs,
  bandwidth: { in_mbps: row.bandwidthInMbps, out_mbps: row.bandwidthOutMbps },
  host: row.hostView as HostView | null,
  guest: row.guestView as GuestView | null,
  observed_at: row.observedAt?.toISOString() ?? null,
  generation: row.generation,
  created_at: row.createdAt.toISOString(),
  updated_at: row.updatedAt.toISOString(),
})

/** Every column of `nic` under its TypeScript name, for hand-written SQL whose rows `nicView` is to take. */
export const NIC_COLUMNS = Object.entries(getTableColumns(nic))
  .map(([key, column]) => `${column.name} AS "${key}"`)
  .join(', ')

/** What `nicView` takes. What is not of `nic` is looked up for the rows of the answer only: by subqueries, not by joins. */
export const NIC_SHOWN = {
  ...getTableColumns(nic),
  groupIds: sql<
    string[]
  >`array(SELECT g.group_id FROM nic_security_group g WHERE g.nic_id = nic.id ORDER BY g.group_id)`,
  elasticIp: sql<NicElasticIp | null>`(
    SELECT jsonb_build_object('id', e.id, 'address', host(e.address), 'bandwidth_mbps', e.bandwidth_mbps)
    FROM elastic_ip e WHERE e.nic_id = nic.id)`,
}

export async function getNic(db: Db, projectId: string, id: string): Promise<NicView> {
  const [row] = await db
    .select(NIC_SHOWN)
    .from(nic)
    .where(and(eq(nic.id, id), eq(nic.projectId, projectId)))
  if (!row) throw notFound('NIC', id)
  return nicView(row)
}

/** Deletes an available NIC; its elastic IP becomes available. @throws DomainError `nic_in_use`, `nic_primary`. */
export async function deleteNic(tx: Db, actor: Actor, id: string, ifMatch?: number): Promise<void> {
  const [row] = await tx
    .delete(nic)
    .where(and(ownNic(actor, id, ifMatch), isDeletable))
    .returning()
  if (!row) throw await whyNotNic(tx, actor, id, ifMatch)
  await recordEvents(tx, deleted(actor, row))
}

/** Deletes available NICs, all or none. @throws DomainError as `deleteNic`. */
export async function deleteNics(tx: Db, actor: Actor, ids: readonly string[]): Promise<void> {
  const own = and(inArray(nic.id, [...ids]), eq(nic.projectId, actor.projectId))
  // In one order, whoever deletes them: two callers cannot deadlock.
  await tx.select({ id: nic.id }).from(nic).where(own).orderBy(nic.id).for('update')
  const rows = await tx.delete(nic).where(and(own, isDeletable)).returning()
  const gone = new Set(rows.map(({ id }) => id))
  const left = ids.find((id) => !gone.has(id))
  if (left !== undefined) throw await whyNotNic(tx, actor, left, undefined)
  await recordEvents(
    tx,
    rows.flatMap((row) => deleted(actor, row)),
  )
}

const isDeletable = and(eq(nic.state, 'available'), isNull(nic.serverId))
const deleted = (actor: Actor, row: NicRow): NewEvent[] =>
  underEachAddress(row, { type: 'nic.deleted', actor: actor.keyId, data: { network_id: row.networkId } })

/** An event of a NIC, once for each of its addresses: "who had this address, when" can be asked of both versions of IP. */
export function underEachAddress(
  row: Pick<NicRow, 'id' | 'projectId' | 'address' | 'ipv6Address'>,
  told: Omit<NewEvent, 'id' | 'projectId' | 'address'>,
): NewEvent[] {
  const addresses = row.ipv6Address === null ? [row.address] : [row.address, row.ipv6Address]
  return addresses.map((address) => ({ ...told, id: row.id, projectId: row.projectId, address }))
}

/** The condition that a NIC is the caller's, and as it was seen when `If-Match` says so. */
export const ownNic = (actor: Actor, id: string, ifMatch?: number) =>
  and(eq(nic.id, id), eq(nic.projectId, actor.projectId), assertUnchanged(nic.generation, ifMatch))

/** Why no NIC met the condition of a change. @throws DomainError `not_found`. */
export async function whyNotNic(tx: Db, actor: Actor, id: string, ifMatch: number | undefined): Promise<DomainError> {
  const now = await getNic(tx, actor.projectId, id)
  if (ifMatch !== undefined && now.generation !== ifMatch) {
    return new DomainError('precondition_failed', `NIC ${id} is at generation ${now.generation}, not ${ifMatch}`)
  }
  if (now.primary) return new DomainError('nic_primary', `NIC ${id} is the primary NIC of server ${now.server_id}`)
  return new DomainError('nic_in_use', `NIC ${id} is ${now.state} on server ${now.server_id}: detach it first`)
}
