/**
 * The rules of a security group. A change of them is written at once, with the job that says when the hypervisors of the
 * group's NICs have it. Each takes the lock of the group first, so that the count of its rules is exact.
 */
import { and, eq } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import { securityGroup, securityGroupRule } from '../../db/schema.ts'
import type { Actor } from '../actor.ts'
import { bodyError, DomainError, type FieldError, notFound } from '../errors.ts'
import { recordEvents } from '../event/events.ts'
import { newId } from '../ids.ts'
import { type JobResource, type JobView, promiseApply } from '../job/jobs.ts'
import { hypervisorsOfGroup } from '../job/where-it-shows.ts'
import { type Items, type Page, pageOf, toItems } from '../paging.ts'
import { assertGroups } from './membership.ts'
import { changedRule, type NewRule, newRule, type RuleFields, ruleFaults } from './rule-fields.ts'

/** A group with more is hard to read, and slow to load on every hypervisor it shows on. */
export const RULES_PER_GROUP = 1000

type RuleRow = typeof securityGroupRule.$inferSelect

export interface RuleView extends RuleFields {
  readonly id: string
  readonly created_at: string
}

const view = (row: RuleRow): RuleView => ({
  id: row.id,
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
  created_at: row.createdAt.toISOString(),
})

const columns = (rule: RuleFields) => ({
  name: rule.name,
  direction: rule.direction,
  priority: rule.priority,
  action: rule.action,
  protocol: rule.protocol,
  portFirst: rule.port_first,
  portLast: rule.port_last,
  icmpType: rule.icmp_type,
  icmpCode: rule.icmp_code,
  remoteCidr: rule.remote_cidr,
  remoteGroupId: rule.remote_group_id,
})

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
    .where(own(projectId, groupId, id))
  if (!row) throw notFound('rule', id)
  return { generation: row.generation, read: view(row.rule) }
}

/**
 * Adds rules to a group, all or none. The job names them.
 * @param ifMatch - generation of the group that the caller has seen, here and below.
 * @throws DomainError `security_group_full`, and what `insertRules` throws.
 */
export async function addRules(
  tx: Db,
  actor: Actor,
  groupId: string,
  wanted: readonly NewRule[],
  ifMatch?: number,
): Promise<JobView> {
  const group = await lockGroup(tx, actor, groupId, ifMatch)
  if (group.ruleCount + wanted.length > RULES_PER_GROUP) {
    const use = `${group.ruleCount} of ${RULES_PER_GROUP} rules; ${wanted.length} more were asked for`
    throw bodyError('security_group_full', '/rules', `security group ${groupId} has ${use}`)
  }
  const ids = await insertRules(tx, actor, groupId, wanted)
  return promised(tx, actor, groupId, 'rules_added', { rule_ids: ids }, ids)
}

/** Puts these rules in the place of all that a group has; there is no moment with some of both. */
export async function replaceRules(
  tx: Db,
  actor: Actor,
  groupId: string,
  wanted: readonly NewRule[],
  ifMatch?: number,
): Promise<JobView> {
  await lockGroup(tx, actor, groupId, ifMatch)
  await tx.delete(securityGroupRule).where(eq(securityGroupRule.groupId, groupId))
  await insertRules(tx, actor, groupId, wanted)
  return promised(tx, actor, groupId, 'rules_replaced', { rule_count: wanted.length })
}

/** Changes a rule; what it then says must fit together like a new one. */
export async function changeRule(
  tx: Db,
  actor: Actor,
  groupId: string,
  id: string,
  changes: Partial<RuleFields>,
  ifMatch?: number,
): Promise<JobView> {
  await lockGroup(tx, actor, groupId, ifMatch)
  const { read: now } = await getRule(tx, actor.projectId, groupId, id)
  const rule = changedRule(now, changes)
  await assertRules(tx, actor, [rule], (_index, field) => `/${field}`)
  await tx.update(securityGroupRule).set(columns(rule)).where(eq(securityGroupRule.id, id))
  return promised(tx, actor, groupId, 'rule_changed', { rule_id: id, ...changes }, [id])
}

export async function deleteRule(
  tx: Db,
  actor: Actor,
  groupId: string,
  id: string,
  ifMatch?: number,
): Promise<JobView> {
  await lockGroup(tx, actor, groupId, ifMatch)
  const gone = await tx
    .delete(securityGroupRule)
    .where(own(actor.projectId, groupId, id))
    .returning()
  if (gone.length === 0) throw notFound('rule', id)
  return promised(tx, actor, groupId, 'rule_deleted', { rule_id: id }, [id])
}

/**
 * Writes new rules of a group.
 * @returns their ids, in the order asked for.
 * @throws DomainError `rule_invalid`, or `not_found` for a remote group, with the fields: `/rules/3/port_last`.
 */
export async function insertRules(
  tx: Db,
  actor: Actor,
  groupId: string,
  wanted: readonly NewRule[],
): Promise<string[]> {
  if (wanted.length === 0) return []
  const rules = wanted.map(newRule)
  await assertRules(tx, actor, rules, (index, field) => `/rules/${index}/${field}`)
  const rows = rules.map((rule) => ({ id: newId('sgr'), groupId, projectId: actor.projectId, ...columns(rule) }))
  await tx.insert(securityGroupRule).values(rows)
  return rows.map(({ id }) => id)
}

async function assertRules(
  tx: Db,
  actor: Actor,
  rules: readonly RuleFields[],
  pointer: (index: number, field: keyof RuleFields) => string,
): Promise<void> {
  const errors: FieldError[] = rules.flatMap((rule, index) =>
    ruleFaults(rule).map(({ field, detail }) => ({ in: 'body', pointer: pointer(index, field), detail })),
  )
  if (errors.length > 0) {
    // A thousand rules can be wrong at once: nobody reads more than these.
    const shown = errors.slice(0, 100)
    const message = shown.map((error) => `${error.pointer} ${error.detail}`).join('; ')
    throw new DomainError('rule_invalid', message, { errors: shown })
  }
  const remotes = rules.flatMap(({ remote_group_id: id }, index) => (id === null ? [] : [{ id, index }]))
  if (remotes.length === 0) return
  await assertGroups(
    tx,
    actor,
    remotes.map(({ id }) => id),
    (nth) => pointer(remotes[nth]?.index ?? 0, 'remote_group_id'),
  )
}

/** Locks a group as its rules do that change; others may go on naming it. */
async function lockGroup(tx: Db, actor: Actor, id: string, ifMatch: number | undefined) {
  const [row] = await tx
    .select()
    .from(securityGroup)
    .where(and(eq(securityGroup.id, id), eq(securityGroup.projectId, actor.projectId)))
    .for('no key update')
  if (!row) throw notFound('security group', id)
  if (ifMatch !== undefined && row.generation !== ifMatch) {
    throw new DomainError(
      'precondition_failed',
      `security group ${id} is at generation ${row.generation}, not ${ifMatch}`,
    )
  }
  return row
}

async function promised(
  tx: Db,
  actor: Actor,
  groupId: string,
  what: string,
  data: Record<string, unknown>,
  ruleIds: readonly string[] = [],
): Promise<JobView> {
  const { projectId } = actor
  const resources: JobResource[] = [
    { type: 'security_group', id: groupId },
    ...ruleIds.map((id) => ({ type: 'security_group_rule' as const, id })),
  ]
  const job = await promiseApply(tx, actor, resources, await hypervisorsOfGroup(tx, projectId, groupId))
  await recordEvents(tx, [
    { projectId, type: `security_group.${what}`, id: groupId, actor: actor.keyId, jobId: job.id, data },
  ])
  return job
}

const own = (projectId: string, groupId: string, id: string) =>
  and(eq(securityGroupRule.id, id), eq(securityGroupRule.groupId, groupId), eq(securityGroupRule.projectId, projectId))
