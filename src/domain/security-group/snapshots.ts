/** Snapshots of a security group's rules, to go back to. They go with their group. */
import { and, asc, desc, eq, inArray } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import { securityGroupRule } from '../../db/schema.ts'
import { securityGroupSnapshot } from '../../db/schema-wire.ts'
import type { Actor } from '../actor.ts'
import { notFound } from '../errors.ts'
import { newId } from '../ids.ts'
import { type Found, found, type Slice } from '../paging.ts'
import type { RuleFields } from './rule-fields.ts'
import { ruleFields } from './rule-rows.ts'
import { lockGroup } from './rule-writes.ts'
import { stageReplacement } from './staged-rules.ts'

export type Snapshot = Omit<typeof securityGroupSnapshot.$inferSelect, 'rules'> & {
  readonly rules: readonly RuleFields[]
}

/** Keeps the rules of a group as they stand, applied or not. @returns the id of the snapshot. */
export async function takeSnapshot(tx: Db, actor: Actor, groupId: string, name: string): Promise<string> {
  await lockGroup(tx, actor, groupId)
  const rules = await tx
    .select()
    .from(securityGroupRule)
    .where(eq(securityGroupRule.groupId, groupId))
    .orderBy(asc(securityGroupRule.seq))
  const id = newId('sgs')
  await tx
    .insert(securityGroupSnapshot)
    .values({ id, projectId: actor.projectId, groupId, name, rules: rules.map((row) => ({ ...ruleFields(row) })) })
  return id
}

/** Snapshots of a group, newest first unless otherwise asked. */
export async function describeSnapshots(
  db: Db,
  projectId: string,
  filter: { readonly groupId: string; readonly ids?: readonly string[] | undefined },
  slice: Slice,
  oldestFirst: boolean,
): Promise<Found<Snapshot>> {
  const where = and(
    eq(securityGroupSnapshot.projectId, projectId),
    eq(securityGroupSnapshot.groupId, filter.groupId),
    filter.ids && inArray(securityGroupSnapshot.id, [...filter.ids]),
  )
  const rows = await db
    .select()
    .from(securityGroupSnapshot)
    .where(where)
    .orderBy(oldestFirst ? asc(securityGroupSnapshot.seq) : desc(securityGroupSnapshot.seq))
    .limit(slice.limit)
    .offset(slice.offset)
  return found(slice, rows.map(snapshot), () => db.$count(securityGroupSnapshot, where))
}

/** Deletes snapshots, all or none. */
export async function deleteSnapshots(tx: Db, actor: Actor, ids: readonly string[]): Promise<void> {
  const gone = await tx
    .delete(securityGroupSnapshot)
    .where(and(inArray(securityGroupSnapshot.id, [...ids]), eq(securityGroupSnapshot.projectId, actor.projectId)))
    .returning({ id: securityGroupSnapshot.id })
  const missing = ids.find((id) => !gone.some((row) => row.id === id))
  if (missing !== undefined) throw notFound('security group snapshot', missing)
}

/**
 * Gives a group the rules of a snapshot of it; they wait to be applied.
 * @throws DomainError `not_found`, also of a remote group that is no longer there.
 */
export async function rollBack(tx: Db, actor: Actor, groupId: string, id: string): Promise<void> {
  await lockGroup(tx, actor, groupId)
  const [row] = await tx
    .select()
    .from(securityGroupSnapshot)
    .where(
      and(
        eq(securityGroupSnapshot.id, id),
        eq(securityGroupSnapshot.groupId, groupId),
        eq(securityGroupSnapshot.projectId, actor.projectId),
      ),
    )
  if (!row) throw notFound('security group snapshot', id)
  await stageReplacement(tx, actor, groupId, snapshot(row).rules)
}

const snapshot = (row: typeof securityGroupSnapshot.$inferSelect): Snapshot => ({
  ...row,
  rules: row.rules as unknown as RuleFields[],
})
