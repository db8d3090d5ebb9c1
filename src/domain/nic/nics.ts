import { and, eq, getTableColumns, isNull, type SQL, sql } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import { type NIC_STATES, nic } from '../../db/schema.ts'
import type { Actor } from '../actor.ts'
import { assertUnchanged, type Changes, changeSet } from '../changes.ts'
import { bodyError, DomainError, notFound } from '../errors.ts'
import { recordEvents } from '../event/events.ts'
import { type Items, type Page, pageOf, toItems } from '../paging.ts'
import { refinePlacement } from './refine-placement.ts'

export type NicState = (typeof NIC_STATES)[number]
export type NicRow = typeof nic.$inferSelect

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
  primary: boolean
  state: NicState
  server_id: string | null
  slot: number | null
  job_id: string | null
  last_error: string | null
  host: HostView | null
  guest: GuestView | null
  observed_at: string | null
  generation: number
  created_at: string
  updated_at: string
}

export const nicView = (row: NicRow): NicView => ({
  id: row.id,
  name: row.name,
  description: row.description,
  tags: row.tags,
  network_id: row.networkId,
  port: row.port,
  address: row.address,
  primary: row.isPrimary,
  state: row.state,
  server_id: row.serverId,
  slot: row.slot,
  job_id: row.jobId,
  last_error: row.lastError,
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

export async function getNic(db: Db, projectId: string, id: string): Promise<NicView> {
  const [row] = await db
    .select()
    .from(nic)
    .where(and(eq(nic.id, id), eq(nic.projectId, projectId)))
  if (!row) throw notFound('NIC', id)
  return nicView(row)
}

export interface NicFilter {
  readonly name?: string
  readonly state?: NicState
  readonly network_id?: string
  readonly server_id?: string
  readonly address?: string
}

export async function listNics(db: Db, projectId: string, filter: NicFilter, page: Page): Promise<Items<NicView>> {
  const { where, orderBy, limit } = pageOf(nic.seq, page)
  const rows = await db
    .select()
    .from(nic)
    .where(
      and(
        eq(nic.projectId, projectId),
        filter.name ? eq(nic.name, filter.name) : undefined,
        filter.state ? eq(nic.state, filter.state) : undefined,
        filter.network_id ? eq(nic.networkId, filter.network_id) : undefined,
        filter.server_id ? eq(nic.serverId, filter.server_id) : undefined,
        filter.address ? eq(nic.address, filter.address) : undefined,
        where,
      ),
    )
    .orderBy(orderBy)
    .limit(limit)
  return toItems(rows, page, nicView)
}

export interface NicChanges extends Changes {
  /** Only of an available NIC: a card in a server keeps its address. */
  readonly address?: string
}

export async function updateNic(
  tx: Db,
  actor: Actor,
  id: string,
  changes: NicChanges,
  ifMatch?: number,
): Promise<NicView> {
  const { address, ...rest } = changes
  const move = address === undefined ? undefined : await moveAddress(tx, actor, id, address, ifMatch)
  const [row] = await tx
    .update(nic)
    .set({ ...changeSet(nic.generation, rest), ...move?.set })
    .where(and(own(actor, id, ifMatch), move && eq(nic.state, 'available')))
    .returning()
  if (!row) throw await whyNot(tx, actor, id, ifMatch)
  const told = { projectId: row.projectId, id, actor: actor.keyId }
  await recordEvents(tx, [
    // Under the old address too: its history must say when it was given up.
    ...(move?.left ? [{ ...told, type: 'nic.address_released' as const, address: move.left, data: { address } }] : []),
    { ...told, type: 'nic.updated', address: row.address, data: { ...changes } },
  ])
  return nicView(row)
}

interface AddressMove {
  readonly set: { port?: SQL; address?: SQL }
  /** The address given up; `undefined` when the NIC has the wanted one already. */
  readonly left?: string
}

/** Takes the port of an address for a NIC that has another; the trigger on `nic` gives the old one back. */
async function moveAddress(
  tx: Db,
  actor: Actor,
  id: string,
  address: string,
  ifMatch: number | undefined,
): Promise<AddressMove> {
  const [now] = await tx
    .select({ networkId: nic.networkId, address: nic.address, state: nic.state })
    .from(nic)
    .where(own(actor, id, ifMatch))
    .for('update')
  if (!now) throw await whyNot(tx, actor, id, ifMatch)
  if (now.state !== 'available') {
    throw new DomainError('nic_in_use', `NIC ${id} is ${now.state}: detach it before changing its address`)
  }
  if (now.address === address) return { set: {} }
  if (now.address === null)
    throw bodyError('network_unmanaged', '/address', `network ${now.networkId} has no addresses`)
  const { rows } = await tx
    .execute<{ port: number }>(
      sql`SELECT port FROM network_take_ports(${now.networkId}, ${actor.projectId}, 1, ARRAY[${address}::inet])`,
    )
    .catch((error: unknown) =>
      refinePlacement(error, { networkId: now.networkId, addresses: [address], pointer: () => '/address' }),
    )
  return { set: { port: sql`${rows[0]?.port}::smallint`, address: sql`${address}::inet` }, left: now.address }
}

/** Deletes an available NIC. @throws DomainError `nic_in_use`, `nic_primary`. */
export async function deleteNic(tx: Db, actor: Actor, id: string, ifMatch?: number): Promise<void> {
  const [row] = await tx
    .delete(nic)
    .where(and(own(actor, id, ifMatch), eq(nic.state, 'available'), isNull(nic.serverId)))
    .returning()
  if (!row) throw await whyNot(tx, actor, id, ifMatch)
  await recordEvents(tx, [
    {
      projectId: row.projectId,
      type: 'nic.deleted',
      id,
      address: row.address,
      actor: actor.keyId,
      data: { network_id: row.networkId },
    },
  ])
}

const own = (actor: Actor, id: string, ifMatch?: number) =>
  and(eq(nic.id, id), eq(nic.projectId, actor.projectId), assertUnchanged(nic.generation, ifMatch))

async function whyNot(tx: Db, actor: Actor, id: string, ifMatch: number | undefined): Promise<DomainError> {
  const now = await getNic(tx, actor.projectId, id)
  if (ifMatch !== undefined && now.generation !== ifMatch) {
    return new DomainError('precondition_failed', `NIC ${id} is at generation ${now.generation}, not ${ifMatch}`)
  }
  if (now.primary) return new DomainError('nic_primary', `NIC ${id} is the primary NIC of server ${now.server_id}`)
  return new DomainError('nic_in_use', `NIC ${id} is ${now.state} on server ${now.server_id}: detach it first`)
}
