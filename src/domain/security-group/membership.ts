/**
 * Which NICs are in which security groups. Rows of `nic_security_group` say so; a NIC without any is in the default
 * group of its project, so that making NICs costs no row more. `nic.in_default_group` is true of those, and of NICs that
 * were put into the default group: a million others need not be looked at to find them.
 */
import { and, eq, inArray, or, type SQL, sql } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import { nic, nicSecurityGroup, securityGroup } from '../../db/schema.ts'
import type { Actor } from '../actor.ts'
import { DomainError } from '../errors.ts'
import { defaultGroupOf } from './default-group.ts'

/** The condition on `nic` that it is in one of these groups of a project. */
export function inGroups(tx: Db, projectId: string, groupIds: readonly string[]): SQL | undefined {
  const others = groupIds.filter((id) => id !== defaultGroupOf(projectId))
  const rows = tx.select({ id: nicSecurityGroup.nicId }).from(nicSecurityGroup)
  return or(
    // Bare, not compared with a parameter: else the index of these NICs cannot be used.
    others.length < groupIds.length ? and(eq(nic.projectId, projectId), sql`${nic.inDefaultGroup}`) : undefined,
    others.length > 0 ? inArray(nic.id, rows.where(inArray(nicSecurityGroup.groupId, others))) : undefined,
  )
}

/**
 * The condition on `security_group` that rules which it enforces until it is applied have one of these groups as their
 * remote. Its rules as they stand are found in `security_group_rule`.
 */
export function inForceNames(groupIds: readonly string[]): SQL {
  const named = inArray(sql`r ->> 'remote_group_id'`, [...groupIds])
  return sql`EXISTS (SELECT FROM jsonb_array_elements(${securityGroup.inForce}) r WHERE ${named})`
}

/**
 * Refuses ids that are no groups of the caller's project. The others cannot be deleted until the transaction ends.
 * @param pointer - where the body names group n.
 * @throws DomainError `not_found`, with every id that is not there.
 */
export async function assertGroups(
  tx: Db,
  actor: Actor,
  ids: readonly string[],
  pointer: (index: number) => string = (index) => `/security_group_ids/${index}`,
): Promise<void> {
  const rows = await tx
    .select({ id: securityGroup.id })
    .from(securityGroup)
    .where(and(inArray(securityGroup.id, [...new Set(ids)]), eq(securityGroup.projectId, actor.projectId)))
    .for('key share')
  const there = new Set(rows.map(({ id }) => id))
  const errors = ids.flatMap((id, index) =>
    there.has(id) ? [] : [{ in: 'body' as const, pointer: pointer(index), detail: `security group ${id} not found` }],
  )
  if (errors.length > 0) throw new DomainError('not_found', errors.map(({ detail }) => detail).join('; '), { errors })
}
