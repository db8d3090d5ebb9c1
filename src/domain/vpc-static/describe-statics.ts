/** Port forwardings and statics of VPCs as one collection: a port forwarding is a static of type 1. */
import { and, desc, eq, inArray, type SQL, sql } from 'drizzle-orm'
import { unionAll } from 'drizzle-orm/pg-core'
import type { Db } from '../../db/client.ts'
import { portForwarding } from '../../db/schema.ts'
import { vpcStatic } from '../../db/schema-wire.ts'
import { type Found, found, type Slice } from '../paging.ts'
import type { StaticValues } from './static-values.ts'

/** The type of port forwardings: val1 port, val2 address, val3 port of the address, val4 protocol. */
export const FORWARDING_TYPE = 1

export interface StaticEntry {
  readonly id: string
  readonly val1: string
  readonly val2: string
}

export interface AnyStatic {
  /** `pf-…` or `vs-…`. */
  readonly id: string
  readonly projectId: string
  /** 1..8. */
  readonly type: number
  readonly vpcId: string
  readonly networkId: string | null
  readonly name: string
  readonly values: StaticValues
  readonly enabled: boolean
  readonly createdAt: Date
  readonly entries: readonly StaticEntry[]
}

export interface StaticFilter {
  /** Of either kind. */
  readonly ids?: readonly string[] | undefined
  readonly vpcId?: string | undefined
  readonly networkId?: string | undefined
  readonly types?: readonly number[] | undefined
}

const VALUES_OF_FORWARDING = sql<StaticValues>`jsonb_build_object('val1', ${portForwarding.port}::text,
  'val2', host(${portForwarding.address}), 'val3', ${portForwarding.targetPort}::text, 'val4', ${portForwarding.protocol})`
const ENTRIES = sql<StaticEntry[]>`coalesce((
  SELECT jsonb_agg(jsonb_build_object('id', e.id, 'val1', e.val1, 'val2', e.val2) ORDER BY e.seq)
  FROM vpc_static_entry e WHERE e.static_id = vpc_static.id), '[]')`

/** Statics of a project of every type, newest first. */
export async function describeStatics(
  db: Db,
  projectId: string,
  filter: StaticFilter,
  slice: Slice,
): Promise<Found<AnyStatic>> {
  const either = unionAll(
    db
      .select({
        id: portForwarding.id,
        seq: portForwarding.seq,
        projectId: portForwarding.projectId,
        type: sql<number>`${FORWARDING_TYPE}::smallint`.as('type'),
        vpcId: portForwarding.vpcId,
        networkId: sql<string | null>`NULL::text`.as('network_id'),
        name: portForwarding.name,
        values: VALUES_OF_FORWARDING.as('vals'),
        enabled: portForwarding.enabled,
        createdAt: portForwarding.createdAt,
        entries: sql<StaticEntry[]>`'[]'::jsonb`.as('entries'),
      })
      .from(portForwarding),
    db
      .select({
        id: vpcStatic.id,
        seq: vpcStatic.seq,
        projectId: vpcStatic.projectId,
        type: sql<number>`${vpcStatic.type}`.as('type'),
        vpcId: vpcStatic.vpcId,
        networkId: sql<string | null>`${vpcStatic.networkId}`.as('network_id'),
        name: vpcStatic.name,
        values: sql<StaticValues>`${vpcStatic.vals}`.as('vals'),
        enabled: vpcStatic.enabled,
        createdAt: vpcStatic.createdAt,
        entries: ENTRIES.as('entries'),
      })
      .from(vpcStatic),
  ).as('either')
  const matching: SQL | undefined = and(
    eq(either.projectId, projectId),
    filter.ids ? inArray(either.id, [...filter.ids]) : undefined,
    filter.vpcId === undefined ? undefined : eq(either.vpcId, filter.vpcId),
    filter.networkId === undefined ? undefined : eq(either.networkId, filter.networkId),
    filter.types ? inArray(either.type, [...filter.types]) : undefined,
  )
  const rows = await db
    .select()
    .from(either)
    .where(matching)
    // Each kind is numbered by itself; of those that were made at once, the order within the kind counts.
    .orderBy(desc(either.createdAt), either.type, desc(either.seq))
    .offset(slice.offset)
    .limit(slice.limit)
  return found(slice, rows, () => db.$count(db.select({ id: either.id }).from(either).where(matching).as('matching')))
}
