/**
 * Traffic of NICs over time. Workers report samples, each the mean of the time since the one before; readers ask for
 * steps of time, and get the mean of the samples taken in each. A sample is kept for 15 days.
 */
import { and, asc, eq, inArray, sql } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import { network, nic, nicTraffic } from '../../db/schema.ts'
import type { TrafficReport } from '../../jobs/traffic-report.ts'
import { notFound } from '../errors.ts'
import { isBasicNetwork } from '../network/basic-network.ts'

/** Seconds; the shortest is how often workers look. */
export const TRAFFIC_STEPS = [300, 900, 1800, 3600, 7200, 86_400] as const
export type TrafficStep = (typeof TRAFFIC_STEPS)[number]

export const TRAFFIC_DAYS = 15
const BATCH = 10_000

/** Which steps are asked for: those that begin from `from` to `to`. They are counted from the Unix epoch. */
export interface TrafficRange {
  /** Unix time, milliseconds, as `to`. */
  readonly from: number
  readonly to: number
  /** Seconds. */
  readonly step: TrafficStep
}

/** The mean of the samples taken in one step, bytes per second. `in` is towards the guest. */
export interface TrafficPoint {
  /** When the step begins: Unix time, seconds. */
  readonly at: number
  readonly in: number
  readonly out: number
}

export interface NicTraffic {
  readonly nicId: string
  readonly networkId: string
  readonly isBasic: boolean
  readonly slot: number
  /** Oldest first; a step without samples is left out. */
  readonly points: readonly TrafficPoint[]
}

/**
 * Stores samples of NICs on servers of one hypervisor; others are passed over, as is what was told already.
 * @param report.at - when they were taken.
 */
export async function storeTraffic(db: Db, hypervisorId: string, { at, samples }: TrafficReport): Promise<void> {
  const ids = samples.map(({ nic_id }) => nic_id)
  const into = samples.map((sample) => sample.in_bytes_per_second)
  const out = samples.map((sample) => sample.out_bytes_per_second)
  // Locked: one that is deleted meanwhile is waited for, and then not found.
  await db.$client.query(
    `WITH mine AS (
       SELECT n.id FROM nic n JOIN server s ON s.id = n.server_id
       WHERE n.id = ANY($1::macaddr[]) AND s.hypervisor_id = $5 ORDER BY n.id FOR KEY SHARE OF n
     )
     INSERT INTO nic_traffic (nic_id, at, in_rate, out_rate)
     SELECT mine.id, to_timestamp($4), told.in_rate, told.out_rate
     FROM mine JOIN unnest($1::macaddr[], $2::bigint[], $3::bigint[]) AS told (id, in_rate, out_rate) USING (id)
     ON CONFLICT DO NOTHING`,
    [ids, into, out, Date.parse(at) / 1000, hypervisorId],
  )
}

/** Traffic of one NIC. @throws DomainError `not_found`. */
export async function getNicTraffic(
  db: Db,
  projectId: string,
  nicId: string,
  range: TrafficRange,
): Promise<TrafficPoint[]> {
  const own = await db.$count(nic, and(eq(nic.id, nicId), eq(nic.projectId, projectId)))
  if (own === 0) throw notFound('NIC', nicId)
  return (await pointsOf(db, [nicId], range)).get(nicId) ?? []
}

/** Traffic of those of the named NICs that are the project’s, in the order of their ids. */
export async function listNicTraffic(
  db: Db,
  projectId: string,
  nicIds: readonly string[],
  range: TrafficRange,
): Promise<{ nicId: string; points: readonly TrafficPoint[] }[]> {
  const own = await db
    .select({ id: nic.id })
    .from(nic)
    .where(and(eq(nic.projectId, projectId), inArray(nic.id, [...nicIds])))
  const points = await pointsOf(
    db,
    own.map(({ id }) => id),
    range,
  )
  return [...points].map(([nicId, of]) => ({ nicId, points: of })).sort((a, b) => (a.nicId < b.nicId ? -1 : 1))
}

/** Traffic of those of the named NICs that are on a server. */
export async function listServerTraffic(
  db: Db,
  projectId: string,
  serverId: string,
  nicIds: readonly string[],
  range: TrafficRange,
): Promise<NicTraffic[]> {
  if (nicIds.length === 0) return []
  const rows = await db
    .select({ nicId: nic.id, networkId: nic.networkId, isBasic: isBasicNetwork, slot: nic.slot })
    .from(nic)
    .innerJoin(network, eq(network.id, nic.networkId))
    .where(and(eq(nic.projectId, projectId), eq(nic.serverId, serverId), inArray(nic.id, [...nicIds])))
    .orderBy(asc(nic.slot))
  const points = await pointsOf(
    db,
    rows.map(({ nicId }) => nicId),
    range,
  )
  return rows.map((row) => ({ ...row, slot: row.slot ?? 0, points: points.get(row.nicId) ?? [] }))
}

async function pointsOf(
  db: Db,
  nicIds: readonly string[],
  { from, to, step }: TrafficRange,
): Promise<Map<string, TrafficPoint[]>> {
  const points = new Map<string, TrafficPoint[]>(nicIds.map((id) => [id, []]))
  if (nicIds.length === 0) return points
  const first = Math.ceil(from / 1000 / step) * step
  const end = (Math.floor(to / 1000 / step) + 1) * step
  const { rows } = await db.$client.query<{ id: string; at: string; in: string; out: string }>(
    `SELECT nic_id AS id, floor(extract(epoch FROM at) / $4) * $4 AS at, avg(in_rate)::bigint AS in, avg(out_rate)::bigint AS out
     FROM nic_traffic WHERE nic_id = ANY($1::macaddr[]) AND at >= to_timestamp($2) AND at < to_timestamp($3)
     GROUP BY 1, 2 ORDER BY 1, 2`,
    [nicIds, first, end, step],
  )
  for (const row of rows) {
    points.get(row.id)?.push({ at: Number(row.at), in: Number(row.in), out: Number(row.out) })
  }
  return points
}

/** Takes away what is older than 15 days, in batches: one long transaction would hold back the event streams. */
export async function forgetOldTraffic(db: Db): Promise<void> {
  const old = sql`array(SELECT ctid FROM nic_traffic WHERE at < now() - ${TRAFFIC_DAYS} * interval '1 day' LIMIT ${BATCH})`
  for (let deleted = BATCH; deleted === BATCH; ) {
    deleted = (await db.delete(nicTraffic).where(sql`ctid = ANY(${old})`)).rowCount ?? 0
  }
}
