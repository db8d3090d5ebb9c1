/**
 * Which address of which pool an elastic IP gets. The pool's row is locked meanwhile, so two callers never find the same
 * address free; `elastic_ip_address_key` holds whatever happens.
 */
import { asc, eq, sql } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import { refusedConstraint } from '../../db/constraint-errors.ts'
import { elasticIp, elasticIpPool } from '../../db/schema.ts'
import { bodyError, DomainError } from '../errors.ts'

type Pool = typeof elasticIpPool.$inferSelect

/** Locks the pool asked for, or the only one there is. */
export async function choosePool(tx: Db, id: string | undefined): Promise<Pool> {
  const [pool, another] = await tx
    .select()
    .from(elasticIpPool)
    .where(id === undefined ? undefined : eq(elasticIpPool.id, id))
    .limit(2)
    .for('no key update')
  if (another) throw bodyError('invalid_request', '/pool_id', 'pool_id is required: there are several elastic IP pools')
  if (pool) return pool
  throw bodyError(
    'not_found',
    '/pool_id',
    id === undefined ? 'there is no elastic IP pool' : `elastic IP pool ${id} not found`,
  )
}

/**
 * Locks all pools, and chooses the oldest that has a free address.
 * @throws DomainError `elastic_ip_pool_full`, also when there is none.
 */
export async function anyPool(tx: Db): Promise<Pool> {
  const pools = await tx.select().from(elasticIpPool).orderBy(asc(elasticIpPool.seq)).for('no key update')
  if (pools.length === 0) {
    const how = 'an administrator makes one with POST /v1/elastic-ip-pools'
    throw new DomainError('elastic_ip_pool_full', `there is no elastic IP pool: ${how}`)
  }
  // Only now, for who held a lock has taken addresses.
  const [free] = await tx
    .select({ id: elasticIpPool.id })
    .from(elasticIpPool)
    .where(sql`${elasticIpPool.last} - ${elasticIpPool.first} >= ${takenOf}`)
    .orderBy(asc(elasticIpPool.seq))
    .limit(1)
  const pool = pools.find(({ id }) => id === free?.id)
  if (pool) return pool
  throw new DomainError('elastic_ip_pool_full', `all addresses of all ${pools.length} elastic IP pools are in use`)
}

const takenOf = sql`(SELECT count(*) FROM elastic_ip e WHERE e.pool_id = elastic_ip_pool.id)`

/** The wanted address if the pool has it, else the lowest free one. */
export async function freeAddress(tx: Db, pool: Pool, wanted: string | undefined): Promise<string> {
  if (wanted === undefined) return lowestFree(tx, pool)
  const { rows } = await tx.execute<{ inside: boolean }>(
    sql`SELECT ${wanted}::inet BETWEEN ${pool.first}::inet AND ${pool.last}::inet AS inside`,
  )
  if (rows[0]?.inside) return wanted
  throw bodyError(
    'address_out_of_range',
    '/address',
    `address ${wanted} is not in pool ${pool.id}: ${pool.first} to ${pool.last}`,
  )
}

/**
 * The first gap, by bisection: of a stretch without gap as many addresses are taken as it is long. Counting an index
 * stays quick (about 15 ms for 60,000 addresses), and does not depend on where the gap is. The stretch reaches one past
 * the end, where a full pool has its "gap".
 */
async function lowestFree(tx: Db, pool: Pool): Promise<string> {
  const { rows } = await tx.execute<{ offset: number; total: number; address: string }>(sql`
    WITH RECURSIVE
    pool (first, total) AS (SELECT ${pool.first}::inet, ${pool.last}::inet - ${pool.first}::inet + 1),
    stretch (start, length) AS (
      SELECT 0::bigint, total + 1 FROM pool
      UNION ALL
      SELECT CASE WHEN taken = half THEN start + half ELSE start END, CASE WHEN taken = half THEN length - half ELSE half END
      FROM (SELECT start, length, length / 2 AS half FROM stretch WHERE length > 1) s, pool, LATERAL (
        SELECT count(*) AS taken FROM ${elasticIp}
        WHERE pool_id = ${pool.id} AND address >= first + start AND address < first + start + half
      ) t
    )
    SELECT start::integer AS offset, total::integer, host(first + start) AS address FROM stretch, pool WHERE length = 1`)
  const [found] = rows
  if (!found) throw new Error(`bisecting pool ${pool.id} came to no end`)
  if (found.offset < found.total) return found.address
  throw bodyError(
    'elastic_ip_pool_full',
    '/pool_id',
    `elastic IP pool ${pool.id} has ${found.total} of ${found.total} addresses in use`,
  )
}

/** Says, for an address that another elastic IP has, which it was. For use in a `catch` handler. */
export function refuseTaken(error: unknown, address: string): never {
  if (refusedConstraint(error)?.constraint !== 'elastic_ip_address_key') throw error
  throw bodyError('address_in_use', '/address', `address ${address} is an elastic IP already`, error)
}
