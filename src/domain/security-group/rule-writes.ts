/**
 * Writes to the rules of a security group, without what brings them into force. Whoever writes has locked the group, so
 * that the count of its rules is exact.
 */
import { and, eq, inArray } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import { securityGroup, securityGroupRule } from '../../db/schema.ts'
import type { Actor } from '../actor.ts'
import { bodyError, DomainError, type FieldError, notFound } from '../errors.ts'
import { newId } from '../ids.ts'
import { assertGroups } from './membership.ts'
import { changedRule, type NewRule, newRule, type RuleFields, ruleFaults } from './rule-fields.ts'
import { ownRule, ruleFields } from './rule-rows.ts'

/** A group with more is hard to read, and slow to load on every hypervisor it shows on. */
export const RULES_PER_GROUP = 1000

export type GroupRow = typeof securityGroup.$inferSelect

/** What was written, for the event that tells of it. */
export interface Written {
  readonly what: string
  readonly data: Record<string, unknown>
  readonly ruleIds: readonly string[]
}

/** Locks a group as its rules do that change; others may go on naming it. */
export async function lockGroup(tx: Db, actor: Actor, id: string, ifMatch?: number): Promise<GroupRow> {
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

/** Adds rules. @throws DomainError `security_group_full`, and what `insertRules` throws. */
export async function writeNew(tx: Db, actor: Actor, group: GroupRow, wanted: readonly NewRule[]): Promise<Written> {
  if (group.ruleCount + wanted.length > RULES_PER_GROUP) {
    const use = `${group.ruleCount} of ${RULES_PER_GROUP} rules; ${wanted.length} more were asked for`
    throw bodyError('security_group_full', '/rules', `security group ${group.id} has ${use}`)
  }
  const ids = await insertRules(tx, actor, group.id, wanted)
  return { what: 'rules_added', data: { rule_ids: ids }, ruleIds: ids }
}

/** Puts rules in the place of all that there are. @throws DomainError as `insertRules`. */
export async function writeReplacement(
  tx: Db,
  actor: Actor,
  { id }: GroupRow,
  wanted: readonly NewRule[],
): Promise<Written> {
  await tx.delete(securityGroupRule).where(eq(securityGroupRule.groupId, id))
  await insertRules(tx, actor, id, wanted)
  return { what: 'rules_replaced', data: { rule_count: wanted.length }, ruleIds: [] }
}

/**
 * Changes a rule; what it then says must fit together like a new one.
 * @param change - what of it is to be otherwise, given what it says now.
 */
export async function writeChange(
  tx: Db,
  actor: Actor,
  group: GroupRow,
  id: string,
  change: (now: RuleFields) => Partial<RuleFields>,
): Promise<Written> {
  const [row] = await tx
    .select()
    .from(securityGroupRule)
    .where(ownRule(actor.projectId, group.id, id))
  if (!row) throw notFound('rule', id)
  const now = ruleFields(row)
  const changes = change(now)
  const rule = changedRule(now, changes)
  await assertRules(tx, actor, [rule], (_index, field) => `/${field}`)
  await tx.update(securityGroupRule).set(columns(rule)).where(eq(securityGroupRule.id, id))
  return { what: 'rule_changed', data: { rule_id: id, ...changes }, ruleIds: [id] }
}

/** Deletes rules, all or none. */
export async function writeDeletion(tx: Db, actor: Actor, group: GroupRow, ids: readonly string[]): Promise<Written> {
  const gone = await tx
    .delete(securityGroupRule)
    .where(
      and(
        inArray(securityGroupRule.id, [...ids]),
        eq(securityGroupRule.groupId, group.id),
        eq(securityGroupRule.projectId, actor.projectId),
      ),
    )
    .returning({ id: securityGroupRule.id })
  const missing = ids.find((id) => !gone.some((row) => row.id === id))
  if (missing !== undefined) throw notFound('rule', missing)
  const data = ids.length === 1 ? { rule_id: ids[0] } : { rule_ids: ids }
  return { what: ids.length === 1 ? 'rule_deleted' : 'rules_deleted', data, ruleIds: ids }
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
  wire: { ...rule.wire },
})
