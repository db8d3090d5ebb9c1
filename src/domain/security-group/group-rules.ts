/**
 * Changes of a security group's rules that take effect at once: written, with the job that says when the hypervisors of
 * the group's NICs have them. What waits to be applied (staged-rules.ts) is applied with them.
 */
import { eq } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import { securityGroup } from '../../db/schema.ts'
import type { Actor } from '../actor.ts'
import { recordEvents } from '../event/events.ts'
import { type JobResource, type JobView, promiseApply } from '../job/jobs.ts'
import { hypervisorsOfGroup } from '../job/where-it-shows.ts'
import type { NewRule, RuleFields } from './rule-fields.ts'
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
  return inForce(tx, actor, group, await writeNew(tx, actor, group, wanted))
}

/** Puts these rules in the place of all that a group has; there is no moment with some of both. */
export async function replaceRules(
  tx: Db,
  actor: Actor,
  groupId: string,
  wanted: readonly NewRule[],
  ifMatch?: number,
): Promise<JobView> {
  const group = await lockGroup(tx, actor, groupId, ifMatch)
  return inForce(tx, actor, group, await writeReplacement(tx, actor, group, wanted))
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
  const group = await lockGroup(tx, actor, groupId, ifMatch)
  return inForce(tx, actor, group, await writeChange(tx, actor, group, id, () => changes))
}

export async function deleteRule(
  tx: Db,
  actor: Actor,
  groupId: string,
  id: string,
  ifMatch?: number,
): Promise<JobView> {
  const group = await lockGroup(tx, actor, groupId, ifMatch)
  return inForce(tx, actor, group, await writeDeletion(tx, actor, group, [id]))
}

/** Brings the rules of a group into force as they stand. @returns the job that says when they are. */
export async function inForce(tx: Db, actor: Actor, group: GroupRow, { what, data, ruleIds }: Written) {
  const { id, projectId } = group
  if (group.inForce !== null) await tx.update(securityGroup).set({ inForce: null }).where(eq(securityGroup.id, id))
  const resources: JobResource[] = [
    { type: 'security_group', id },
    ...ruleIds.map((ruleId) => ({ type: 'security_group_rule' as const, id: ruleId })),
  ]
  const job = await promiseApply(tx, actor, resources, await hypervisorsOfGroup(tx, projectId, id))
  await recordEvents(tx, [{ projectId, type: `security_group.${what}`, id, actor: actor.keyId, jobId: job.id, data }])
  return job
}
