import { and, count, eq, ne } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import { nicSecurityGroup, securityGroup, securityGroupRule, vpc } from '../../db/schema.ts'
import type { Actor } from '../actor.ts'
import { assertUnchanged, type Changes, changeSet } from '../changes.ts'
import { DomainError, notFound } from '../errors.ts'
import { recordEvents } from '../event/events.ts'
import { newId } from '../ids.ts'
import { type Items, matchesText, type Page, pageOf, toItems } from '../paging.ts'
import { inForceNames } from './membership.ts'
import type { NewRule } from './rule-fields.ts'
import { insertRules } from './rule-writes.ts'

export interface SecurityGroupView {
  id: string
  name: string
  description: string
  tags: Record<string, string>
  is_default: boolean
  rule_count: number
  /** Whether hypervisors are to enforce the rules as they stand; if not, some wait to be applied. */
  applied: boolean
  /** Counts changes of the group and of its rules. */
  generation: number
  created_at: string
  updated_at: string
}

const view = (row: typeof securityGroup.$inferSelect): SecurityGroupView => ({
  id: row.id,
  name: row.name,
  description: row.description,
  tags: row.tags,
  is_default: row.isDefault,
  rule_count: row.ruleCount,
  applied: row.inForce === null,
  generation: row.generation,
  created_at: row.createdAt.toISOString(),
  updated_at: row.updatedAt.toISOString(),
})

/** What a group has that is made without rules: its NICs reach out, and nothing but answers comes in. */
const ALL_OUT: readonly NewRule[] = [{ name: 'all out', direction: 'out', protocol: 'all', priority: 100 }]

/**
 * Makes a security group with its rules.
 * @throws DomainError `rule_invalid`, `not_found` (of a remote group), with the field of the rule.
 */
export async function createGroup(
  tx: Db,
  actor: Actor,
  wanted: Changes & { name: string; rules?: readonly NewRule[] },
): Promise<SecurityGroupView> {
  const { rules, ...values } = wanted
  const [row] = await tx
    .insert(securityGroup)
    .values({ id: newId('sg'), projectId: actor.projectId, ...values })
    .returning({ id: securityGroup.id })
  if (!row) throw new Error('INSERT INTO security_group returned no row')
  await insertRules(tx, actor, row.id, rules ?? ALL_OUT)
  const made = await getGroup(tx, actor.projectId, row.id)
  await recordEvents(tx, [
    {
      projectId: actor.projectId,
      type: 'security_group.created',
      id: made.id,
      actor: actor.keyId,
      data: { name: made.name, rule_count: made.rule_count },
    },
  ])
  return made
}

export async function getGroup(db: Db, projectId: string, id: string): Promise<SecurityGroupView> {
  const [row] = await db
    .select()
    .from(securityGroup)
    .where(and(eq(securityGroup.id, id), eq(securityGroup.projectId, projectId)))
  if (!row) throw notFound('security group', id)
  return view(row)
}

export async function listGroups(
  db: Db,
  projectId: string,
  filter: { readonly name?: string; readonly search?: string },
  page: Page,
): Promise<Items<SecurityGroupView>> {
  const { where, orderBy, limit } = pageOf(securityGroup.seq, page)
  const rows = await db
    .select()
    .from(securityGroup)
    .where(
      and(
        eq(securityGroup.projectId, projectId),
        filter.name ? eq(securityGroup.name, filter.name) : undefined,
        matchesText(filter.search, securityGroup.id, securityGroup.name),
        where,
      ),
    )
    .orderBy(orderBy)
    .limit(limit)
  return toItems(rows, page, view)
}

export async function updateGroup(
  tx: Db,
  actor: Actor,
  id: string,
  changes: Changes,
  ifMatch?: number,
): Promise<SecurityGroupView> {
  const [row] = await tx
    .update(securityGroup)
    .set(changeSet(securityGroup.generation, changes))
    .where(own(actor, id, ifMatch))
    .returning()
  if (!row) throw await whyNot(tx, actor, id, ifMatch)
  await recordEvents(tx, [
    { projectId: row.projectId, type: 'security_group.updated', id, actor: actor.keyId, data: { ...changes } },
  ])
  return view(row)
}

/**
 * Deletes a group that nothing uses, with its rules.
 * @throws DomainError `security_group_default`, `security_group_in_use` (with the NICs, VPCs and rules that use it).
 */
export async function deleteGroup(tx: Db, actor: Actor, id: string, ifMatch?: number): Promise<void> {
  // Locked against whoever would use it: what is counted below stays true.
  const [row] = await tx
    .select()
    .from(securityGroup)
    .where(own(actor, id, ifMatch))
    .for('update')
  if (!row) throw await whyNot(tx, actor, id, ifMatch)
  if (row.isDefault) {
    throw new DomainError('security_group_default', `security group ${id} is the default group of its project`)
  }
  const uses = await usesOf(tx, row.projectId, id)
  if (uses.length > 0) {
    throw new DomainError('security_group_in_use', `security group ${id} has ${uses.join(', and ')}`)
  }
  await tx.delete(securityGroup).where(eq(securityGroup.id, id))
  await recordEvents(tx, [
    { projectId: row.projectId, type: 'security_group.deleted', id, actor: actor.keyId, data: { name: row.name } },
  ])
}

/** How many ids of users a refusal names. */
const NAMED = 3

/** What keeps a group from being deleted. */
async function usesOf(tx: Db, projectId: string, id: string): Promise<string[]> {
  const cards = await tx
    .select({ id: nicSecurityGroup.nicId })
    .from(nicSecurityGroup)
    .where(eq(nicSecurityGroup.groupId, id))
    .orderBy(nicSecurityGroup.nicId)
  const vpcs = await tx.select({ id: vpc.id }).from(vpc).where(eq(vpc.securityGroupId, id)).orderBy(vpc.id)
  const [rules] = await tx
    .select({ n: count() })
    .from(securityGroupRule)
    .where(and(eq(securityGroupRule.remoteGroupId, id), ne(securityGroupRule.groupId, id)))
  // After the rules: one that is being deleted is found among those in force, if no longer there.
  const [held] = await tx
    .select({ n: count() })
    .from(securityGroup)
    .where(and(eq(securityGroup.projectId, projectId), ne(securityGroup.id, id), inForceNames([id])))
  return [
    cards.length > 0 ? [`${cards.length} NICs in it (${someOf(cards)})`] : [],
    vpcs.length > 0 ? [`${vpcs.length} VPCs in it (${someOf(vpcs)})`] : [],
    rules?.n ? [`${rules.n} rules of other groups that name it`] : [],
    rules?.n === 0 && held?.n ? [`${held.n} other groups that name it until they are applied`] : [],
  ].flat()
}

const someOf = (users: readonly { id: string }[]): string =>
  [...users.slice(0, NAMED).map(({ id }) => id), ...(users.length > NAMED ? ['…'] : [])].join(', ')

const own = (actor: Actor, id: string, ifMatch?: number) =>
  and(
    eq(securityGroup.id, id),
    eq(securityGroup.projectId, actor.projectId),
    assertUnchanged(securityGroup.generation, ifMatch),
  )

async function whyNot(tx: Db, actor: Actor, id: string, ifMatch: number | undefined): Promise<DomainError> {
  const now = await getGroup(tx, actor.projectId, id)
  return new DomainError(
    'precondition_failed',
    `security group ${id} is at generation ${now.generation}, not ${ifMatch}`,
  )
}
