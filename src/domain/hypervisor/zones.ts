import { asc, eq, sql } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import { zone } from '../../db/schema.ts'

export interface ZoneView {
  readonly id: string
  /** Whether it has hypervisors. */
  readonly active: boolean
}

/** All zones, those that are active first. There are few. */
export function listZones(db: Db): Promise<ZoneView[]> {
  const active = sql<boolean>`EXISTS (SELECT FROM hypervisor h WHERE h.zone_id = zone.id)`
  return db.select({ id: zone.id, active }).from(zone).orderBy(sql`2 DESC`, asc(zone.id))
}

const known = new WeakMap<object, Set<string>>()

/** Whether there is a zone of this id. Zones are never deleted: one that was seen is not looked up again. */
export async function isZone(db: Db, id: string): Promise<boolean> {
  const seen = known.get(db.$client) ?? new Set<string>()
  known.set(db.$client, seen)
  if (seen.has(id)) return true
  const rows = await db.select({ id: zone.id }).from(zone).where(eq(zone.id, id))
  if (rows.length > 0) seen.add(id)
  return rows.length > 0
}
