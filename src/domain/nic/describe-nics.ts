/** NICs by position, with what clients of the QingCloud wire see beside them. */
import { and, desc, eq, inArray, not, or, type SQL, sql } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import { nic } from '../../db/schema.ts'
import type { NetworkType } from '../network/network-view.ts'
import { type Found, found, fromOffset, type Slice } from '../paging.ts'
import { hasTags, tagsOf, type WireTag } from '../tag/tags.ts'
import { NIC_SHOWN, type NicElasticIp, type NicRow } from './nics.ts'

/** What the wire shows of a NIC. */
export interface NicDescription extends Pick<NicRow, (typeof SHOWN)[number]> {
  readonly groupIds: readonly string[]
  readonly isBasic: boolean
  /** On a server, or on its way out; one that comes with its server is on it from the beginning. */
  readonly isOn: boolean
  readonly elasticIp: NicElasticIp | null
  readonly tagList: readonly WireTag[]
}

/** Of a page of a hundred, each column counts. */
const SHOWN = [
  'id',
  'projectId',
  'networkId',
  'address',
  'ipv6Address',
  'name',
  'isPrimary',
  'serverId',
  'slot',
  'createdAt',
  'updatedAt',
] as const
const COLUMNS = Object.fromEntries(SHOWN.map((name) => [name, nic[name]])) as Pick<typeof nic, (typeof SHOWN)[number]>

/** Kinds of networks: `basic` is part of its project's basic one, the others are not. */
export type NetworkKind = NetworkType | 'basic'

export interface NicsWanted {
  readonly ids?: readonly string[] | undefined
  /** The whole name. */
  readonly name?: string | undefined
  readonly isOn?: boolean | undefined
  /** In one of these networks, or with `orBasic` in the basic one. */
  readonly networks?: { readonly ids: readonly string[]; readonly orBasic: boolean } | undefined
  readonly kinds?: readonly NetworkKind[] | undefined
  /** On one of these servers. */
  readonly serverIds?: readonly string[] | undefined
  readonly tagIds?: readonly string[] | undefined
}

const isOn = sql<boolean>`(${nic.state} IN ('in_use', 'detaching') OR ${nic.withServer})`

/** NICs of a project, newest first. */
export async function describeNics(
  db: Db,
  projectId: string,
  wanted: NicsWanted,
  slice: Slice,
): Promise<Found<NicDescription>> {
  const { ids, name, networks, serverIds } = wanted
  const where = and(
    eq(nic.projectId, projectId),
    ids && inArray(nic.id, [...ids]),
    name === undefined ? undefined : eq(nic.name, name),
    wanted.isOn === undefined ? undefined : wanted.isOn ? isOn : not(isOn),
    networks &&
      or(inArray(nic.networkId, [...networks.ids]), networks.orBasic ? ofKind(projectId, 'basic') : undefined),
    wanted.kinds && or(...wanted.kinds.map((kind) => ofKind(projectId, kind))),
    serverIds && and(inArray(nic.serverId, [...serverIds]), isOn),
    hasTags(wanted.tagIds, 'nic', nic.id),
  )
  const count = db.select({ count: sql`count(*)::integer` }).from(nic).where(where)
  const rows = await db
    .select({
      ...COLUMNS,
      groupIds: NIC_SHOWN.groupIds,
      isBasic: ofKind(projectId, 'basic'),
      isOn,
      elasticIp: NIC_SHOWN.elasticIp,
      tagList: tagsOf('nic', nic.id),
      // Here, and not in a query of its own: that would cost as much again as all of this.
      total: sql<number>`(${count})`,
    })
    .from(nic)
    .where(fromOffset(db, nic, where, slice))
    .orderBy(desc(nic.seq))
    .limit(slice.limit)
  const [first] = rows
  return first ? { rows, total: first.total } : found(slice, rows, () => db.$count(nic, where))
}

/** By the few networks of a project, and not by the network of each of its NICs. */
function ofKind(projectId: string, kind: NetworkKind): SQL<boolean> {
  const those = kind === 'basic' ? sql`v.is_basic` : sql`w.type = ${kind} AND v.is_basic IS NOT TRUE`
  return sql<boolean>`${nic.networkId} IN (
    SELECT w.id FROM network w LEFT JOIN vpc v ON v.id = w.vpc_id WHERE w.project_id = ${projectId} AND ${those})`
}
