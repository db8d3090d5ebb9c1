import { sql } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import { elasticIp, elasticIpPool } from '../../db/schema.ts'

/** Addresses of all elastic IP pools together, and how many of them are free. */
export async function countAddresses(db: Db): Promise<{ total: number; free: number }> {
  const { rows } = await db.execute<{ total: number; used: number }>(sql`
    SELECT coalesce((SELECT sum(last - first + 1) FROM ${elasticIpPool}), 0)::integer AS total,
           (SELECT count(*) FROM ${elasticIp})::integer AS used`)
  const { total = 0, used = 0 } = rows[0] ?? {}
  return { total, free: total - used }
}
