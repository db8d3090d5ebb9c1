import { and, eq, sql } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import { network } from '../../db/schema.ts'
import type { Actor } from '../actor.ts'
import { assertUnchanged, type Changes, changeSet } from '../changes.ts'
import { DomainError, notFound } from '../errors.ts'
import { recordEvents } from '../event/events.ts'
import { type Items, matchesText, type Page, pageOf, toItems } from '../paging.ts'
import {
  type NetworkMode,
  type NetworkRow,
  type NetworkType,
  type NetworkView,
  networkView,
  reservedCount,
} from './network-view.ts'

export async function getNetwork(db: Db, projectId: string, id: string): Promise<NetworkView> {
  const [row] = await db
    .select()
    .from(network)
    .where(and(eq(network.id, id), eq(network.projectId, projectId)))
  if (!row) throw notFound('network', id)
  return networkView(row)
}

export interface NetworkFilter {
  readonly name?: string
  readonly type?: NetworkType
  readonly mode?: NetworkMode
  readonly vpc_id?: string
  readonly search?: string
}

export async function listNetworks(
  db: Db,
  projectId: string,
  filter: NetworkFilter,
  page: Page,
): Promise<Items<NetworkView>> {
  const { where, orderBy, limit } = pageOf(network.seq, page)
  const rows = await db
    .select()
    .from(network)
    .where(
      and(
        eq(network.projectId, projectId),
        filter.name ? eq(network.name, filter.name) : undefined,
        filter.type ? eq(network.type, filter.type) : undefined,
        filter.mode ? eq(network.mode, filter.mode) : undefined,
        filter.vpc_id ? eq(network.vpcId, filter.vpc_id) : undefined,
        matchesText(filter.search, network.id, network.name),
        where,
      ),
    )
    .orderBy(orderBy)
    .limit(limit)
  return toItems(rows, page, networkView)
}

export async function updateNetwork(
  tx: Db,
  actor: Actor,
  id: string,
  changes: Changes,
  ifMatch?: number,
): Promise<NetworkView> {
  const [row] = await tx
    .update(network)
    .set(changeSet(network.generation, changes))
    .where(own(actor, id, ifMatch))
    .returning()
  if (!row) throw await whyNot(tx, actor, id, ifMatch)
  await recordEvents(tx, [
    { projectId: row.projectId, type: 'network.updated', id, actor: actor.keyId, data: { ...changes } },
  ])
  return networkView(row)
}

/** Deletes a network without NICs and reserved addresses. @throws DomainError `network_in_use`. */
export async function deleteNetwork(tx: Db, actor: Actor, id: string, ifMatch?: number): Promise<void> {
  const now = await lockNetwork(tx, actor, id, ifMatch)
  refuseWithNics(now)
  await tx.delete(network).where(eq(network.id, id))
  await recordEvents(tx, [{ projectId: now.projectId, type: 'network.deleted', id, actor: actor.keyId }])
}

/**
 * Locks a network until the transaction ends: whoever changes where it lies or what it tells takes this lock first, and
 * whoever makes or deletes its NICs takes it too.
 */
export async function lockNetwork(tx: Db, actor: Actor, id: string, ifMatch?: number): Promise<NetworkRow> {
  const [row] = await tx
    .select()
    .from(network)
    .where(own(actor, id, ifMatch))
    .for('update')
  if (!row) throw await whyNot(tx, actor, id, ifMatch)
  return row
}

/**
 * The refusal of what would take the ground from under NICs and reserved addresses. The network is locked: there will be
 * no more of them.
 */
export function refuseWithNics(locked: NetworkRow): void {
  const { id, nic_count } = networkView(locked)
  const reserved = reservedCount(locked)
  if (nic_count === 0 && reserved === 0) return
  const has = reserved === 0 ? `${nic_count} NICs` : `${nic_count} NICs and ${reserved} reserved addresses`
  throw new DomainError('network_in_use', `network ${id} has ${has}: delete them first`)
}

const own = (actor: Actor, id: string, ifMatch?: number) =>
  and(eq(network.id, id), eq(network.projectId, actor.projectId), assertUnchanged(network.generation, ifMatch))

async function whyNot(tx: Db, actor: Actor, id: string, ifMatch: number | undefined): Promise<DomainError> {
  const now = await getNetwork(tx, actor.projectId, id)
  return new DomainError('precondition_failed', `network ${id} is at generation ${now.generation}, not ${ifMatch}`)
}

/** Keeps what only clients of the QingCloud wire read of a network, beside what is kept already. */
export async function keepWire(tx: Db, actor: Actor, id: string, values: NetworkRow['wire']): Promise<void> {
  await tx
    .update(network)
    .set({ wire: sql`${network.wire} || ${JSON.stringify(values)}::jsonb` })
    .where(own(actor, id))
}
