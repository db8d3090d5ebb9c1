/**
 * Pools of elastic IPs: public addresses of one segment that hypervisors reach by one interface. They belong to the
 * installation, not to a project.
 */
import { and, eq, getTableColumns, sql } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import { refusedConstraint } from '../../db/constraint-errors.ts'
import { elasticIp, elasticIpPool } from '../../db/schema.ts'
import type { Actor } from '../actor.ts'
import { assertUnchanged, changeSet } from '../changes.ts'
import { bodyError, DomainError, notFound } from '../errors.ts'
import { type NewEvent, recordEvents } from '../event/events.ts'
import { assertInterfaceSomewhere } from '../hypervisor/interfaces.ts'
import { newId } from '../ids.ts'
import { type Items, type Page, pageOf, toItems } from '../paging.ts'
import { assertRangeFits, endsOf, type PoolRange } from './pool-range.ts'

export interface ElasticIpPoolView extends PoolRange {
  id: string
  name: string
  interface: string
  addresses_total: number
  addresses_available: number
  generation: number
  created_at: string
  updated_at: string
}

/** A pool with its size and its use, which is an index-only count. */
const COUNTED = {
  ...getTableColumns(elasticIpPool),
  total: sql<number>`(${elasticIpPool.last} - ${elasticIpPool.first} + 1)::integer`,
  used: sql<number>`(SELECT count(*)::integer FROM elastic_ip e WHERE e.pool_id = elastic_ip_pool.id)`,
}
type PoolRow = typeof elasticIpPool.$inferSelect & { total: number; used: number }

const view = (row: PoolRow): ElasticIpPoolView => ({
  id: row.id,
  name: row.name,
  cidr: row.cidr,
  gateway: row.gateway,
  first: row.first,
  last: row.last,
  interface: row.interface,
  addresses_total: row.total,
  addresses_available: row.total - row.used,
  generation: row.generation,
  created_at: row.createdAt.toISOString(),
  updated_at: row.updatedAt.toISOString(),
})

/**
 * Makes a pool.
 * @param wanted.interface - of hypervisors, to the segment; at least one of them has to report it.
 * @throws DomainError `cidr_invalid`, `pool_range_invalid`, `interface_unknown`, `name_in_use`, `elastic_ip_pool_overlaps`.
 */
export async function createPool(
  tx: Db,
  actor: Actor,
  wanted: PoolRange & { name: string; interface: string },
): Promise<ElasticIpPoolView> {
  assertRangeFits(wanted, wanted)
  await assertInterfaceSomewhere(tx, wanted.interface, '/interface')
  const id = newId('pool')
  await tx
    .insert(elasticIpPool)
    .values({ id, ...wanted })
    .catch((error: unknown) => refine(error, wanted))
  await recordEvents(tx, [told(actor, 'created', id, { ...wanted })])
  return getPool(tx, id)
}

export async function getPool(db: Db, id: string): Promise<ElasticIpPoolView> {
  const [row] = await db.select(COUNTED).from(elasticIpPool).where(eq(elasticIpPool.id, id))
  if (!row) throw notFound('elastic IP pool', id)
  return view(row)
}

export async function listPools(db: Db, filter: { name?: string }, page: Page): Promise<Items<ElasticIpPoolView>> {
  const { where, orderBy, limit } = pageOf(elasticIpPool.seq, page)
  const rows = await db
    .select(COUNTED)
    .from(elasticIpPool)
    .where(and(filter.name ? eq(elasticIpPool.name, filter.name) : undefined, where))
    .orderBy(orderBy)
    .limit(limit)
  return toItems(rows, page, view)
}

export interface PoolChanges {
  readonly name?: string
  readonly first?: string
  readonly last?: string
}

/**
 * Renames a pool, or moves the ends of its range.
 * @throws DomainError `pool_range_invalid`, `name_in_use`, `elastic_ip_pool_overlaps`; `elastic_ip_pool_in_use` when elastic
 *   IPs would be left outside.
 */
export async function updatePool(
  tx: Db,
  actor: Actor,
  id: string,
  changes: PoolChanges,
  ifMatch?: number,
): Promise<ElasticIpPoolView> {
  const now = await lockPool(tx, id, ifMatch)
  const range = { ...now, ...changes }
  if (changes.first !== undefined || changes.last !== undefined) {
    assertRangeFits(range, changes)
    await assertNoneOutside(tx, range)
  }
  await tx
    .update(elasticIpPool)
    .set(changeSet(elasticIpPool.generation, changes))
    .where(eq(elasticIpPool.id, id))
    .catch((error: unknown) => refine(error, changes))
  await recordEvents(tx, [told(actor, 'updated', id, { ...changes })])
  return getPool(tx, id)
}

async function assertNoneOutside(tx: Db, pool: { id: string; first: string; last: string }): Promise<void> {
  const [use] = await tx
    .select({
      before: sql<number>`count(*) FILTER (WHERE ${elasticIp.address} < ${pool.first}::inet)::integer`,
      after: sql<number>`count(*) FILTER (WHERE ${elasticIp.address} > ${pool.last}::inet)::integer`,
    })
    .from(elasticIp)
    .where(eq(elasticIp.poolId, pool.id))
  if (use?.before)
    throw bodyError('elastic_ip_pool_in_use', '/first', `${use.before} elastic IPs lie before ${pool.first}`)
  if (use?.after) throw bodyError('elastic_ip_pool_in_use', '/last', `${use.after} elastic IPs lie after ${pool.last}`)
}

/** Deletes a pool without elastic IPs. @throws DomainError `elastic_ip_pool_in_use`. */
export async function deletePool(tx: Db, actor: Actor, id: string, ifMatch?: number): Promise<void> {
  await lockPool(tx, id, ifMatch)
  const used = await tx.$count(elasticIp, eq(elasticIp.poolId, id))
  if (used > 0)
    throw new DomainError('elastic_ip_pool_in_use', `pool ${id} has ${used} elastic IPs in use: delete them first`)
  await tx.delete(elasticIpPool).where(eq(elasticIpPool.id, id))
  await recordEvents(tx, [told(actor, 'deleted', id)])
}

/** Locks a pool: whoever takes an address of it, or changes it, waits until this transaction ends. */
async function lockPool(tx: Db, id: string, ifMatch: number | undefined) {
  const [row] = await tx
    .select()
    .from(elasticIpPool)
    .where(and(eq(elasticIpPool.id, id), assertUnchanged(elasticIpPool.generation, ifMatch)))
    .for('update')
  if (row) return row
  const { generation } = await getPool(tx, id)
  throw new DomainError('precondition_failed', `elastic IP pool ${id} is at generation ${generation}, not ${ifMatch}`)
}

/** Says, for a refused pool, which of the fields that were asked for it was. */
function refine(error: unknown, asked: Partial<PoolRange> & { name?: string }): never {
  switch (refusedConstraint(error)?.constraint) {
    case 'elastic_ip_pool_name_key':
      throw bodyError('name_in_use', '/name', `elastic IP pool ${asked.name} exists already`, error)
    case 'elastic_ip_pool_unicast':
      throw bodyError(
        'cidr_invalid',
        '/cidr',
        'cidr must be of unicast addresses: not of 0.0.0.0/8, 127.0.0.0/8, 169.254.0.0/16 or 224.0.0.0/3',
        error,
      )
    case 'elastic_ip_pool_cidr_excl':
      throw bodyError('elastic_ip_pool_overlaps', '/cidr', 'cidr overlaps that of another elastic IP pool', error)
    case 'elastic_ip_pool_range_free': {
      const detail = 'the range overlaps that of a bridged network on this interface, or holds the gateway of one'
      throw new DomainError('elastic_ip_pool_overlaps', detail, {
        cause: error,
        errors: endsOf(asked).map((end) => ({ in: 'body', pointer: `/${end}`, detail })),
      })
    }
    case 'elastic_ip_pool_gateway_free':
      throw bodyError(
        'elastic_ip_pool_overlaps',
        '/gateway',
        'gateway is in the range of addresses that a bridged network on this interface gives out',
        error,
      )
    default:
      throw error
  }
}

/** Events of the installation go to the project whose admin made them. */
const told = (actor: Actor, what: string, id: string, data: Record<string, unknown> = {}): NewEvent => ({
  projectId: actor.projectId,
  type: `elastic_ip_pool.${what}`,
  id,
  actor: actor.keyId,
  data,
})
