/** Sets of addresses or ports under a name. They are records: no rule can name one. */
import { and, desc, eq, inArray } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import { ipSet } from '../../db/schema-wire.ts'
import type { Actor } from '../actor.ts'
import { notFound } from '../errors.ts'
import { newId } from '../ids.ts'
import { type JobView, promiseApply } from '../job/jobs.ts'
import { type Found, found, type Slice } from '../paging.ts'

export type IpSet = typeof ipSet.$inferSelect
export type NewIpSet = Pick<IpSet, 'name' | 'ofPorts' | 'val'>

/** @returns its id. */
export async function createIpSet(tx: Db, actor: Actor, wanted: NewIpSet): Promise<string> {
  const id = newId('sgi')
  await tx.insert(ipSet).values({ id, projectId: actor.projectId, ...wanted })
  return id
}

/** Sets of a project, newest first. */
export async function describeIpSets(
  db: Db,
  projectId: string,
  filter: {
    readonly ids?: readonly string[] | undefined
    readonly ofPorts?: boolean | undefined
    readonly name?: string | undefined
  },
  slice: Slice,
): Promise<Found<IpSet>> {
  const where = and(
    eq(ipSet.projectId, projectId),
    filter.ids && inArray(ipSet.id, [...filter.ids]),
    filter.ofPorts === undefined ? undefined : eq(ipSet.ofPorts, filter.ofPorts),
    filter.name === undefined ? undefined : eq(ipSet.name, filter.name),
  )
  const rows = await db
    .select()
    .from(ipSet)
    .where(where)
    .orderBy(desc(ipSet.seq))
    .limit(slice.limit)
    .offset(slice.offset)
  return found(slice, rows, () => db.$count(ipSet, where))
}

/** Changes a set. @param change - what of it is to be otherwise, given what it is now. */
export async function updateIpSet(
  tx: Db,
  actor: Actor,
  id: string,
  change: (now: IpSet) => Partial<Pick<IpSet, 'name' | 'description' | 'val'>>,
): Promise<void> {
  const [now] = await lockIpSets(tx, actor, [id])
  const changes = now ? change(now) : {}
  if (Object.keys(changes).length > 0) await tx.update(ipSet).set(changes).where(eq(ipSet.id, id))
}

/** Deletes sets, all or none. */
export async function deleteIpSets(tx: Db, actor: Actor, ids: readonly string[]): Promise<void> {
  await lockIpSets(tx, actor, ids)
  await tx.delete(ipSet).where(inArray(ipSet.id, [...ids]))
}

/** Brings sets into force wherever rules name them, which is nowhere. @returns a job that is done. */
export async function applyIpSets(tx: Db, actor: Actor, ids: readonly string[]): Promise<JobView> {
  await lockIpSets(tx, actor, ids)
  return promiseApply(tx, actor, [], [])
}

async function lockIpSets(tx: Db, actor: Actor, ids: readonly string[]): Promise<IpSet[]> {
  const rows = await tx
    .select()
    .from(ipSet)
    .where(and(inArray(ipSet.id, [...ids]), eq(ipSet.projectId, actor.projectId)))
    .orderBy(ipSet.id)
    .for('update')
  const missing = ids.find((id) => !rows.some((row) => row.id === id))
  if (missing !== undefined) throw notFound('IP set', missing)
  return rows
}
