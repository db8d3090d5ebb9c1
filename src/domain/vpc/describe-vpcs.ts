import { and, desc, eq, inArray, isNotNull, isNull, or, type SQL, sql } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import { elasticIp, network, securityGroup, vpc } from '../../db/schema.ts'
import { type Found, found, matchesText, type Slice } from '../paging.ts'
import { defaultGroupOf } from '../security-group/default-group.ts'
import { hasTags, tagsOf, type WireTag } from '../tag/tags.ts'
import type { VpcRow } from './vpcs.ts'

/** What a VPC's router is: switched on, switched off, or gone with the VPC. */
export type RouterState = 'on' | 'off' | 'deleted'

export interface VpcFilter {
  readonly ids?: readonly string[] | undefined
  readonly states?: readonly RouterState[] | undefined
  /** A network of it. */
  readonly networkId?: string | undefined
  /** An id, or a part of a name. */
  readonly search?: string | undefined
  readonly tagIds?: readonly string[] | undefined
}

export interface DescribedVpc {
  readonly vpc: VpcRow
  readonly elasticIp: { readonly id: string; readonly name: string; readonly address: string } | null
  /** Of its router. */
  readonly group: { readonly id: string; readonly name: string }
  readonly networkIds: readonly string[]
  readonly tags: readonly WireTag[]
  /** What the newest unfinished job about it was asked for as, over the wire; '' when otherwise. */
  readonly askedOf: string | null
}

const NETWORK_IDS = sql<string[]>`coalesce((
  SELECT jsonb_agg(n.id ORDER BY n.seq) FROM network n WHERE n.vpc_id = vpc.id), '[]')`
const ASKED = sql<string | null>`(
  SELECT coalesce(j.asked_action, '') FROM job j
  WHERE j.finished_at IS NULL AND j.parent_id IS NULL
    AND j.resources @> jsonb_build_array(jsonb_build_object('type', 'vpc', 'id', vpc.id))
  ORDER BY j.seq DESC LIMIT 1)`

const IN_STATE: Readonly<Record<RouterState, SQL | undefined>> = {
  on: and(isNull(vpc.deletedAt), eq(vpc.routing, true)),
  off: and(isNull(vpc.deletedAt), eq(vpc.routing, false)),
  deleted: isNotNull(vpc.deletedAt),
}

/**
 * VPCs of a project with what belongs to them, newest first. Those that were deleted are among them only when asked for by
 * id or state, and the one that holds the basic network never is.
 */
export async function describeVpcs(
  db: Db,
  projectId: string,
  filter: VpcFilter,
  slice: Slice,
): Promise<Found<DescribedVpc>> {
  const { ids, states, networkId } = filter
  const defaultGroup = defaultGroupOf(projectId)
  const where = and(
    eq(vpc.projectId, projectId),
    eq(vpc.isBasic, false),
    ids ? inArray(vpc.id, [...ids]) : undefined,
    states ? or(...states.map((state) => IN_STATE[state]), sql`false`) : undefined,
    ids === undefined && states === undefined ? isNull(vpc.deletedAt) : undefined,
    networkId === undefined
      ? undefined
      : inArray(vpc.id, db.select({ id: network.vpcId }).from(network).where(eq(network.id, networkId))),
    matchesText(filter.search, vpc.id, vpc.name),
    hasTags(filter.tagIds, 'vpc', vpc.id),
  )
  const rows = await db
    .select({
      vpc,
      elasticIp: { id: elasticIp.id, name: elasticIp.name, address: elasticIp.address },
      groupId: sql<string>`coalesce(${vpc.securityGroupId}, ${defaultGroup})`,
      groupName: securityGroup.name,
      networkIds: NETWORK_IDS,
      tags: tagsOf('vpc', vpc.id),
      askedOf: ASKED,
    })
    .from(vpc)
    .leftJoin(elasticIp, eq(elasticIp.vpcId, vpc.id))
    .leftJoin(securityGroup, eq(securityGroup.id, sql`coalesce(${vpc.securityGroupId}, ${defaultGroup})`))
    .where(where)
    .orderBy(desc(vpc.seq))
    .offset(slice.offset)
    .limit(slice.limit)
  const described = rows.map(({ groupId, groupName, ...row }) => ({
    ...row,
    group: { id: groupId, name: groupName ?? '' },
  }))
  return found(slice, described, () => db.$count(vpc, where))
}
