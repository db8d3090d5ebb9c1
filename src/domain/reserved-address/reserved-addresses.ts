/**
 * Addresses of a network that no NIC is given. NICs without address in the same network may use them, any of them any
 * address: it is their guests who agree on who uses which, as container networks do.
 */
import { and, asc, desc, eq, inArray, isNotNull, isNull } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import { nic, reservedAddress } from '../../db/schema.ts'
import type { Actor } from '../actor.ts'
import { assertUnchanged, type Changes, changeSet } from '../changes.ts'
import { DomainError, notFound } from '../errors.ts'
import { type NewEvent, recordEvents } from '../event/events.ts'
import { type JobView, promiseApply } from '../job/jobs.ts'
import { hypervisorsOfNics, hypervisorsThatName } from '../job/where-it-shows.ts'
import { NIC_SHOWN } from '../nic/nics.ts'
import { type Found, found, type Items, matchesText, type Page, pageOf, type Slice, toItems } from '../paging.ts'
import { defaultGroupOf } from '../security-group/default-group.ts'

export type ReservedAddressRow = typeof reservedAddress.$inferSelect

export interface ReservedAddressView {
  id: string
  network_id: string
  name: string
  description: string
  address: string
  generation: number
  created_at: string
  updated_at: string
}

const view = (row: ReservedAddressRow): ReservedAddressView => ({
  id: row.id,
  network_id: row.networkId,
  name: row.name,
  description: row.description,
  address: row.address,
  generation: row.generation,
  created_at: row.createdAt.toISOString(),
  updated_at: row.updatedAt.toISOString(),
})

export async function getReservedAddress(db: Db, projectId: string, id: string): Promise<ReservedAddressView> {
  const [row] = await db
    .select()
    .from(reservedAddress)
    .where(matching(projectId, { ids: [id] }))
  if (!row) throw notFound('reserved address', id)
  return view(row)
}

export interface ReservedAddressFilter {
  readonly ids?: readonly string[] | undefined
  readonly networkIds?: readonly string[] | undefined
  readonly name?: string | undefined
  /** An id, or a part of a name or an address. */
  readonly search?: string | undefined
}

const matching = (projectId: string, { ids, networkIds, name, search }: ReservedAddressFilter) =>
  and(
    eq(reservedAddress.projectId, projectId),
    ids && inArray(reservedAddress.id, [...ids]),
    networkIds && inArray(reservedAddress.networkId, [...networkIds]),
    name === undefined ? undefined : eq(reservedAddress.name, name),
    matchesText(search, reservedAddress.id, reservedAddress.name, reservedAddress.address),
  )

export async function listReservedAddresses(
  db: Db,
  projectId: string,
  filter: ReservedAddressFilter,
  page: Page,
): Promise<Items<ReservedAddressView>> {
  const { where, orderBy, limit } = pageOf(reservedAddress.seq, page)
  const rows = await db
    .select()
    .from(reservedAddress)
    .where(and(matching(projectId, filter), where))
    .orderBy(orderBy)
    .limit(limit)
  return toItems(rows, page, view)
}

/** Reserved addresses of a project, newest first. */
export async function describeReservedAddresses(
  db: Db,
  projectId: string,
  filter: ReservedAddressFilter,
  slice: Slice,
): Promise<Found<ReservedAddressRow>> {
  const where = matching(projectId, filter)
  const rows = await db
    .select()
    .from(reservedAddress)
    .where(where)
    .orderBy(desc(reservedAddress.seq))
    .limit(slice.limit)
    .offset(slice.offset)
  return found(slice, rows, () => db.$count(reservedAddress, where))
}

/** The reserved addresses of networks, in order; a network without any is left out. */
export async function reservedByNetwork(db: Db, networkIds: readonly string[]): Promise<Map<string, string[]>> {
  const byNetwork = new Map<string, string[]>()
  if (networkIds.length === 0) return byNetwork
  const rows = await db
    .select({ networkId: reservedAddress.networkId, address: reservedAddress.address })
    .from(reservedAddress)
    .where(inArray(reservedAddress.networkId, [...networkIds]))
    .orderBy(asc(reservedAddress.networkId), asc(reservedAddress.port))
  for (const { networkId, address } of rows) {
    const known = byNetwork.get(networkId) ?? []
    byNetwork.set(networkId, known)
    known.push(address)
  }
  return byNetwork
}

/** @throws DomainError `not_found`, `precondition_failed`. */
export async function updateReservedAddress(
  tx: Db,
  actor: Actor,
  id: string,
  changes: Pick<Changes, 'name' | 'description'>,
  ifMatch?: number,
): Promise<ReservedAddressView> {
  const [row] = await tx
    .update(reservedAddress)
    .set(changeSet(reservedAddress.generation, changes))
    .where(and(matching(actor.projectId, { ids: [id] }), assertUnchanged(reservedAddress.generation, ifMatch)))
    .returning()
  if (!row) throw hasChanged(await getReservedAddress(tx, actor.projectId, id), ifMatch)
  const { projectId, address } = row
  await recordEvents(tx, [
    { projectId, type: 'reserved_address.updated', id, address, actor: actor.keyId, data: { ...changes } },
  ])
  return view(row)
}

const hasChanged = (
  { id, generation }: Pick<ReservedAddressView, 'id' | 'generation'>,
  ifMatch: number | undefined,
): DomainError =>
  new DomainError('precondition_failed', `reserved address ${id} is at generation ${generation}, not ${ifMatch}`)

/**
 * Gives reserved addresses back to their networks, all or none, as one job: when it is done no NIC may use them any more.
 * @throws DomainError `not_found`, with every id that is not there; `precondition_failed`.
 */
export async function releaseAddresses(
  tx: Db,
  actor: Actor,
  ids: readonly string[],
  ifMatch?: number,
): Promise<JobView> {
  const where = matching(actor.projectId, { ids })
  // In one order, whoever deletes them: two callers cannot deadlock.
  const rows = await tx.select().from(reservedAddress).where(where).orderBy(reservedAddress.id).for('update')
  const there = new Set(rows.map(({ id }) => id))
  const missing = ids.filter((id) => !there.has(id))
  if (missing.length > 0) {
    throw new DomainError('not_found', missing.map((id) => `reserved address ${id} not found`).join('; '))
  }
  const changed = rows.find(({ generation }) => ifMatch !== undefined && generation !== ifMatch)
  if (changed) throw hasChanged(changed, ifMatch)
  await tx.delete(reservedAddress).where(where)
  return promiseReserved(tx, actor, rows, 'deleted')
}

/** Promises that the NICs without address in these networks may use exactly what is reserved there, and tells of it. */
export async function promiseReserved(
  tx: Db,
  actor: Actor,
  rows: readonly ReservedAddressRow[],
  what: 'created' | 'deleted',
): Promise<JobView> {
  const networkIds = [...new Set(rows.map(({ networkId }) => networkId))]
  const hypervisorIds = new Set<string>()
  for (const networkId of networkIds)
    for (const id of await whereItShows(tx, actor.projectId, networkId)) hypervisorIds.add(id)
  const resources = rows.map(({ id }) => ({ type: 'reserved_address' as const, id }))
  const job = await promiseApply(tx, actor, resources, [...hypervisorIds].sort())
  await recordEvents(
    tx,
    rows.map(
      ({ projectId, id, address, networkId, name }): NewEvent => ({
        projectId,
        type: `reserved_address.${what}`,
        id,
        address,
        actor: actor.keyId,
        jobId: job.id,
        data: { network_id: networkId, name },
      }),
    ),
  )
  return job
}

/** At the NICs that may use them, and at those with rules that name a group of one of these. */
async function whereItShows(tx: Db, projectId: string, networkId: string): Promise<string[]> {
  const isBare = and(eq(nic.networkId, networkId), isNull(nic.address), isNotNull(nic.serverId))
  const rows = await tx.select({ groupIds: NIC_SHOWN.groupIds }).from(nic).where(isBare)
  if (rows.length === 0) return []
  const groupIds = new Set(rows.flatMap((row) => (row.groupIds.length > 0 ? row.groupIds : defaultGroupOf(projectId))))
  return [
    ...(await hypervisorsOfNics(tx, isBare)),
    ...(await hypervisorsThatName(tx, { projectId, networkId }, [...groupIds])),
  ]
}
