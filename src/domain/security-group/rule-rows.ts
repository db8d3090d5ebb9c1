/** The rules of a security group as they are read. */
import { and, desc, eq, inArray } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import { securityGroup, securityGroupRule } from '../../db/schema.ts'
import type { OrderRule } from '../../jobs/work-order.ts'
import { notFound } from '../errors.ts'
import { type Found, found, type Items, type Page, pageOf, type Slice, toItems } from '../paging.ts'
import type { RuleFields } from './rule-fields.ts'

export type RuleRow = typeof securityGroupRule.$inferSelect

export interface RuleView extends RuleFields {
  readonly id: string
  readonly created_at: string
}

export const ruleFields = (row: RuleRow): RuleFields => ({
  name: row.name,
  direction: row.direction,
  priority: row.priority,
  action: row.action,
  protocol: row.protocol,
  port_first: row.portFirst,
  port_last: row.portLast,
  icmp_type: row.icmpType,
  icmp_code: row.icmpCode,
  remote_cidr: row.remoteCidr,
  remote_group_id: row.remoteGroupId,
  wire: row.wire,
})

/** What hypervisors are told of a rule. */
export function orderRule(row: RuleRow): OrderRule {
  const { name: _name, wire: _wire, ...rule } = ruleFields(row)
  return rule
}

function view(row: RuleRow): RuleView {
  const { wire: _, ...rule } = ruleFields(row)
  return { id: row.id, ...rule, created_at: row.createdAt.toISOString() }
}

/** What was read of a group's rules, with the generation of the group: its ETag, for a rule has none of its own. */
export interface OfGroup<T> {
  readonly generation: number
  readonly read: T
}

export async function listRules(
  db: Db,
  projectId: string,
  groupId: string,
  page: Page,
): Promise<OfGroup<Items<RuleView>>> {
  const { where, orderBy, limit } = pageOf(securityGroupRule.seq, page)
  // Before the rules: should they change in between, the caller holds an old generation, and is told by it.
  const [group] = await db
    .select({ generation: securityGroup.generation })
    .from(securityGroup)
    .where(and(eq(securityGroup.id, groupId), eq(securityGroup.projectId, projectId)))
  if (!group) throw notFound('security group', groupId)
  const rows = await db
    .select()
    .from(securityGroupRule)
    .where(and(eq(securityGroupRule.groupId, groupId), where))
    .orderBy(orderBy)
    .limit(limit)
  return { generation: group.generation, read: toItems(rows, page, view) }
}

export async function getRule(db: Db, projectId: string, groupId: string, id: string): Promise<OfGroup<RuleView>> {
  const [row] = await db
    .select({ rule: securityGroupRule, generation: securityGroup.generation })
    .from(securityGroupRule)
    .innerJoin(securityGroup, eq(securityGroup.id, securityGroupRule.groupId))
    .where(ownRule(projectId, groupId, id))
  if (!row) throw notFound('rule', id)
  return { generation: row.generation, read: view(row.rule) }
}

/** Rules of a project's groups, newest first. */
export async function describeRules(
  db: Db,
  projectId: string,
  filter: {
    readonly groupId?: string | undefined
    readonly ids?: readonly string[] | undefined
    readonly direction?: RuleFields['direction'] | undefined
  },
  slice: Slice,
): Promise<Found<RuleRow>> {
  const { groupId, ids, direction } = filter
  const where = and(
    eq(securityGroupRule.projectId, projectId),
    groupId === undefined ? undefined : eq(securityGroupRule.groupId, groupId),
    ids && inArray(securityGroupRule.id, [...ids]),
    direction && eq(securityGroupRule.direction, direction),
  )
  const rows = await db
    .select()
    .from(securityGroupRule)
    .where(where)
    .orderBy(desc(securityGroupRule.seq))
    .limit(slice.limit)
    .offset(slice.offset)
  return found(slice, rows, () => db.$count(securityGroupRule, where))
}

export const ownRule = (projectId: string, groupId: string, id: string) =>
  and(eq(securityGroupRule.id, id), eq(securityGroupRule.groupId, groupId), eq(securityGroupRule.projectId, projectId))
