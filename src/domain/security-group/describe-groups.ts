/** Security groups for clients of the QingCloud wire. */
import { and, desc, eq, getTableColumns, inArray, type SQL, sql } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import { securityGroup } from '../../db/schema.ts'
import { type Found, found, matchesText, type Slice } from '../paging.ts'
import { hasTags, tagsOf, type WireTag } from '../tag/tags.ts'

/** A server, by its primary NIC, or a VPC, by its router. */
export interface GroupUser {
  readonly type: 'server' | 'vpc'
  readonly id: string
  readonly name: string
}

export type DescribedGroup = typeof securityGroup.$inferSelect & {
  readonly tagged: readonly WireTag[]
  /** At most 1000; empty unless asked for. */
  readonly users: readonly GroupUser[]
}

export interface GroupsWanted {
  readonly ids?: readonly string[] | undefined
  /** An id, or a part of a name. */
  readonly search?: string | undefined
  readonly name?: string | undefined
  readonly tagIds?: readonly string[] | undefined
}

// The default group of a big project has more users than anybody reads. Its NICs need no row that says that they are in it.
const USERS = sql<GroupUser[]>`coalesce((
  SELECT jsonb_agg(jsonb_build_object('type', u.type, 'id', u.id, 'name', u.name)) FROM (
    SELECT 'server' AS type, s.id, s.name
    FROM nic_security_group g JOIN nic n ON n.id = g.nic_id JOIN server s ON s.id = n.server_id
    WHERE NOT security_group.is_default AND g.group_id = security_group.id AND n.is_primary
    UNION ALL
    SELECT 'server', s.id, s.name FROM nic n JOIN server s ON s.id = n.server_id
    WHERE security_group.is_default AND n.project_id = security_group.project_id AND n.in_default_group AND n.is_primary
    UNION ALL
    SELECT 'vpc', v.id, v.name FROM vpc v
    WHERE v.project_id = security_group.project_id AND v.deleted_at IS NULL AND NOT v.is_basic
      AND (v.security_group_id = security_group.id OR v.security_group_id IS NULL AND security_group.is_default)
    LIMIT 1000) u), '[]')`
const NO_USERS = sql<GroupUser[]>`'[]'::jsonb`

/** Groups of a project, newest first. @param withUsers - also who is in them. */
export async function describeGroups(
  db: Db,
  projectId: string,
  wanted: GroupsWanted,
  slice: Slice,
  withUsers: boolean,
): Promise<Found<DescribedGroup>> {
  const where: SQL | undefined = and(
    eq(securityGroup.projectId, projectId),
    wanted.ids && inArray(securityGroup.id, [...wanted.ids]),
    matchesText(wanted.search, securityGroup.id, securityGroup.name),
    wanted.name === undefined ? undefined : eq(securityGroup.name, wanted.name),
    hasTags(wanted.tagIds, 'security_group', securityGroup.id),
  )
  const rows = await db
    .select({
      ...getTableColumns(securityGroup),
      tagged: tagsOf('security_group', securityGroup.id),
      users: withUsers ? USERS : NO_USERS,
    })
    .from(securityGroup)
    .where(where)
    .orderBy(desc(securityGroup.seq))
    .limit(slice.limit)
    .offset(slice.offset)
  return found(slice, rows, () => db.$count(securityGroup, where))
}
