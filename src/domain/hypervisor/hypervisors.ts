import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { and, asc, count, eq, gt, ne, sql } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import { hypervisor, server, zone } from '../../db/schema.ts'
import { bodyError, DomainError, notFound } from '../errors.ts'
import { type Items, type Page, pageOf, toItems } from '../paging.ts'
import { assertInterface, hasInterface } from './interfaces.ts'

/** A hypervisor is up while its worker was heard from within this time. */
export const UP_WITHIN_MS = 15_000
const TOKEN_BYTES = 32

export interface HypervisorView {
  id: string
  zone_id: string
  state: 'up' | 'down'
  facts: Record<string, unknown>
  last_seen_at: string | null
  created_at: string
}

const view = (row: typeof hypervisor.$inferSelect): HypervisorView => ({
  id: row.id,
  zone_id: row.zoneId,
  state: row.lastSeenAt && Date.now() - row.lastSeenAt.getTime() < UP_WITHIN_MS ? 'up' : 'down',
  facts: row.facts,
  last_seen_at: row.lastSeenAt?.toISOString() ?? null,
  created_at: row.createdAt.toISOString(),
})

export const hashToken = (token: string): Buffer => createHash('sha256').update(token).digest()
export const newToken = (): string => randomBytes(TOKEN_BYTES).toString('base64url')

/**
 * Registers a hypervisor, or gives a known one a new token.
 * @returns the token its worker shows; it is stored as a hash only.
 */
export async function registerHypervisor(tx: Db, id: string, zoneId: string): Promise<string> {
  const token = newToken()
  await tx.insert(zone).values({ id: zoneId }).onConflictDoNothing()
  await tx
    .insert(hypervisor)
    .values({ id, zoneId, tokenHash: hashToken(token) })
    .onConflictDoUpdate({ target: hypervisor.id, set: { tokenHash: hashToken(token), zoneId } })
  return token
}

/** Puts a hypervisor into a zone, which is made if it is new. */
export async function moveToZone(tx: Db, id: string, zoneId: string): Promise<void> {
  await tx.insert(zone).values({ id: zoneId }).onConflictDoNothing()
  await tx
    .update(hypervisor)
    .set({ zoneId })
    .where(and(eq(hypervisor.id, id), ne(hypervisor.zoneId, zoneId)))
}

/** Whether a worker's token is that of this hypervisor. */
export async function isHypervisorToken(db: Db, id: string, token: string): Promise<boolean> {
  const [row] = await db.select({ tokenHash: hypervisor.tokenHash }).from(hypervisor).where(eq(hypervisor.id, id))
  return row !== undefined && timingSafeEqual(row.tokenHash, hashToken(token))
}

/** Notes that a hypervisor's worker is alive, with what it says of itself. */
export async function heardFrom(db: Db, id: string, facts: Record<string, unknown>): Promise<void> {
  await db.update(hypervisor).set({ lastSeenAt: sql`now()`, facts }).where(eq(hypervisor.id, id))
}

export async function getHypervisor(db: Db, id: string): Promise<HypervisorView> {
  const [row] = await db.select().from(hypervisor).where(eq(hypervisor.id, id))
  if (!row) throw notFound('hypervisor', id)
  return view(row)
}

export async function listHypervisors(db: Db, page: Page): Promise<Items<HypervisorView>> {
  const { where, orderBy, limit } = pageOf(hypervisor.seq, page)
  const rows = await db.select().from(hypervisor).where(where).orderBy(orderBy).limit(limit)
  return toItems(rows, page, view)
}

/** What a server asks of the hypervisor it is made on. */
export interface HypervisorWanted {
  readonly id?: string | undefined
  /** Of no matter when `id` is given. */
  readonly zoneId?: string | undefined
  /** That its networks are bridged to. */
  readonly interfaces: readonly string[]
}

/**
 * The hypervisor a new server goes to: the one asked for, else of those that are up (in the zone, and have the interfaces)
 * the one with the fewest servers. One that is asked for may be down: the job waits for it.
 * @throws DomainError `not_found`, `interface_missing` (with the field), `no_hypervisor`.
 */
export async function pickHypervisor(tx: Db, wanted: HypervisorWanted): Promise<string> {
  if (wanted.id !== undefined) {
    const [row] = await tx.select({ id: hypervisor.id }).from(hypervisor).where(eq(hypervisor.id, wanted.id))
    if (!row) throw bodyError('not_found', '/hypervisor_id', `hypervisor ${wanted.id} not found`)
    for (const name of wanted.interfaces) await assertInterface(tx, row.id, name, '/hypervisor_id')
    return row.id
  }
  const isThere = wanted.zoneId === undefined ? undefined : eq(hypervisor.zoneId, wanted.zoneId)
  const [row] = await tx
    .select({ id: hypervisor.id })
    .from(hypervisor)
    .leftJoin(server, and(eq(server.hypervisorId, hypervisor.id), ne(server.state, 'terminated')))
    .where(
      and(
        gt(hypervisor.lastSeenAt, sql`now() - ${UP_WITHIN_MS} * interval '1 ms'`),
        isThere,
        ...wanted.interfaces.map(hasInterface),
      ),
    )
    .groupBy(hypervisor.id)
    .orderBy(asc(count(server.id)), asc(hypervisor.id))
    .limit(1)
  if (row) return row.id
  if (wanted.interfaces.length === 0) {
    const where = wanted.zoneId === undefined ? '' : ` in zone ${wanted.zoneId}`
    throw new DomainError('no_hypervisor', `no hypervisor is up${where}: try again, or name one with hypervisor_id`)
  }
  const names = wanted.interfaces.join(', ')
  throw bodyError('interface_missing', '/network_id', `no hypervisor that is up has the interface ${names}`)
}
