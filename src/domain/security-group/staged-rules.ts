/**
 * Changes of a security group's rules in two phases: they are written, and hypervisors go on enforcing what
 * `security_group.in_force` holds, the rules as they were before the first such change, until the group is applied.
 */
import { and, asc, eq, inArray, sql } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import { securityGroup, securityGroupRule } from '../../db/schema.ts'
import type { Actor } from '../actor.ts'
import { notFound } from '../errors.ts'
import { recordEvents } from '../event/events.ts'
import type { JobView } from '../job/jobs.ts'
import { inForce } from './group-rules.ts'
import type { NewRule, RuleFields } from './rule-fields.ts'
import { orderRule } from './rule-rows.ts'
import {
  type GroupRow,
  lockGroup,
  type Written,
  writeChange,
  writeDeletion,
  writeNew,
  writeReplacement,
} from './rule-writes.ts'

/**
 * Adds rules to a group, all or none; they wait to be applied.
 * @returns their ids, in the order asked for.
 * @throws DomainError `security_group_full`, and what `insertRules` throws.
 */
export async function stageRules(
  tx: Db,
  actor: Actor,
  groupId: string,
  wanted: readonly NewRule[],
): Promise<readonly string[]> {
  const group = await lockGroup(tx, actor, groupId)
  await keepInForce(tx, group)
  return staged(tx, actor, group, await writeNew(tx, actor, group, wanted))
}

/**
 * Changes a rule; the change waits to be applied.
 * @param change - what of the rule is to be otherwise, given what it says now.
 */
export async function stageChange(
  tx: Db,
  actor: Actor,
  id: string,
  change: (now: RuleFields) => Partial<RuleFields>,
): Promise<void> {
  for (const [groupId] of await groupsOf(tx, actor, [id])) {
    const group = await lockGroup(tx, actor, groupId)
    await keepInForce(tx, group)
    await staged(tx, actor, group, await writeChange(tx, actor, group, id, change))
  }
}

/** Puts these rules in the place of all that a group has; that waits to be applied. */
export async function stageReplacement(
  tx: Db,
  actor: Actor,
  groupId: string,
  wanted: readonly NewRule[],
): Promise<void> {
  const group = await lockGroup(tx, actor, groupId)
  await keepInForce(tx, group)
  await staged(tx, actor, group, await writeReplacement(tx, actor, group, wanted))
}

/** Deletes rules, of whatever groups, all or none; hypervisors enforce them until their groups are applied. */
export async function stageDeletion(tx: Db, actor: Actor, ids: readonly string[]): Promise<void> {
  for (const [groupId, ruleIds] of await groupsOf(tx, actor, ids)) {
    const group = await lockGroup(tx, actor, groupId)
    await keepInForce(tx, group)
    await staged(tx, actor, group, await writeDeletion(tx, actor, group, ruleIds))
  }
}

/** Brings what waits in a group into force, all of it in one step; with nothing waiting, says the same once more. */
export async function applyGroup(tx: Db, actor: Actor, id: string): Promise<JobView> {
  const group = await lockGroup(tx, actor, id)
  // By its generation hypervisors know that there is something new.
  if (group.inForce !== null) {
    await tx
      .update(securityGroup)
      .set({ generation: sql`${securityGroup.generation} + 1` })
      .where(eq(securityGroup.id, id))
  }
  return inForce(tx, actor, group, { what: 'applied', data: {}, ruleIds: [] })
}

/** Puts aside what is in force, if it is not yet; the rules may change then. */
async function keepInForce(tx: Db, group: GroupRow): Promise<void> {
  if (group.inForce !== null) return
  const rules = await tx
    .select()
    .from(securityGroupRule)
    .where(eq(securityGroupRule.groupId, group.id))
    .orderBy(asc(securityGroupRule.seq))
  await tx
    .update(securityGroup)
    .set({ inForce: rules.map(orderRule) })
    .where(eq(securityGroup.id, group.id))
}

async function staged(tx: Db, actor: Actor, group: GroupRow, { what, data, ruleIds }: Written) {
  const told = { ...data, staged: true }
  await recordEvents(tx, [
    { projectId: group.projectId, type: `security_group.${what}`, id: group.id, actor: actor.keyId, data: told },
  ])
  return ruleIds
}

/** The groups of some rules with those of them, in the order that locks are taken in. @throws DomainError `not_found`. */
async function groupsOf(tx: Db, actor: Actor, ids: readonly string[]): Promise<Map<string, string[]>> {
  const rows = await tx
    .select({ id: securityGroupRule.id, groupId: securityGroupRule.groupId })
    .from(securityGroupRule)
    .where(and(inArray(securityGroupRule.id, [...ids]), eq(securityGroupRule.projectId, actor.projectId)))
    .orderBy(asc(securityGroupRule.groupId), asc(securityGroupRule.id))
  const missing = ids.find((id) => !rows.some((row) => row.id === id))
  if (missing !== undefined) throw notFound('rule', missing)
  const groups = new Map<string, string[]>()
  for (const { id, groupId } of rows) groups.set(groupId, [...(groups.get(groupId) ?? []), id])
  return groups
}
