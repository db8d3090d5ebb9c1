/**
 * The security group of a server: that of its primary NIC. It is kept with the server too (`server.wire`), for the primary
 * NIC that it gets when it has none, or another one later.
 */
import { and, asc, eq, inArray, isNotNull, sql } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import { nic, server } from '../../db/schema.ts'
import type { Actor } from '../actor.ts'
import { notFound } from '../errors.ts'
import { type JobView, promiseApply } from '../job/jobs.ts'
import { together } from '../job/together.ts'
import { setNicGroups } from '../nic/nic-settings.ts'
import { notSteady } from '../server/lock-server.ts'
import { defaultGroupOf } from './default-group.ts'
import { applyGroup } from './staged-rules.ts'

/**
 * Puts servers into a security group, and out of all others, and applies it.
 * @returns the job that says when hypervisors have all of it.
 * @throws DomainError `not_found`, `server_terminated`.
 */
export async function bindServers(
  tx: Db,
  actor: Actor,
  groupId: string,
  serverIds: readonly string[],
): Promise<JobView> {
  const nicIds = await primaryNics(tx, actor, serverIds, groupId)
  return together(tx, actor, 'network.apply', [groupId, ...nicIds], (as, id) =>
    id === groupId ? applyGroup(tx, as, id) : setNicGroups(tx, as, id, [groupId]),
  )
}

/** Puts servers back into the default group of their project. */
export async function unbindServers(tx: Db, actor: Actor, serverIds: readonly string[]): Promise<JobView> {
  const groupId = defaultGroupOf(actor.projectId)
  const nicIds = await primaryNics(tx, actor, serverIds, groupId)
  if (nicIds.length === 0) {
    const about = serverIds.map((id) => ({ type: 'server' as const, id }))
    return promiseApply(tx, actor, about, [])
  }
  return together(tx, actor, 'network.apply', nicIds, (as, id) => setNicGroups(tx, as, id, [groupId]))
}

/** The primary NICs of servers, which are to be in a group and so are locked. */
async function primaryNics(tx: Db, actor: Actor, ids: readonly string[], groupId: string): Promise<string[]> {
  const rows = await tx
    .select()
    .from(server)
    .where(and(inArray(server.id, [...ids]), eq(server.projectId, actor.projectId)))
    .orderBy(asc(server.id))
    .for('update')
  for (const id of ids) {
    const row = rows.find((one) => one.id === id)
    if (!row) throw notFound('server', id)
    if (row.state === 'terminated' || row.state === 'terminating') throw notSteady(row)
  }
  const kept = JSON.stringify({ security_group_id: groupId })
  await tx
    .update(server)
    .set({ wire: sql`${server.wire} || ${kept}::jsonb` })
    .where(inArray(server.id, [...ids]))
  const cards = await tx
    .select({ id: nic.id })
    .from(nic)
    .where(and(isNotNull(nic.serverId), inArray(nic.serverId, [...ids]), eq(nic.isPrimary, true)))
  return cards.map(({ id }) => id)
}
