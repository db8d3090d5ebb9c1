/** Entries of a static: accounts of a VPN, further networks of a tunnel. */
import { and, desc, eq, inArray } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import { vpcStatic, vpcStaticEntry } from '../../db/schema-wire.ts'
import type { Actor } from '../actor.ts'
import { DomainError, notFound } from '../errors.ts'
import { newId } from '../ids.ts'
import { type Found, found, type Slice } from '../paging.ts'
import { lockStatic } from './statics.ts'

export type EntryRow = typeof vpcStaticEntry.$inferSelect

export interface EntryFields {
  readonly name?: string
  readonly val1?: string
  readonly val2?: string
}

const HAVE_ENTRIES: readonly number[] = [2, 6, 7]

/**
 * Adds entries to a static.
 * @returns their ids, in the order given.
 * @throws DomainError `not_found`, `vpc_static_invalid`.
 */
export async function addEntries(
  tx: Db,
  actor: Actor,
  staticId: string,
  wanted: readonly EntryFields[],
): Promise<string[]> {
  const { type } = await lockStatic(tx, actor, staticId)
  if (!HAVE_ENTRIES.includes(type)) {
    throw new DomainError('vpc_static_invalid', `static ${staticId} of type ${type} has no entries`)
  }
  const rows = wanted.map((fields) => ({ ...fields, id: newId('vse'), projectId: actor.projectId, staticId }))
  await tx.insert(vpcStaticEntry).values(rows)
  return rows.map(({ id }) => id)
}

/** @throws DomainError `not_found`. */
export async function updateEntry(tx: Db, actor: Actor, id: string, changes: EntryFields): Promise<void> {
  const [row] = await tx
    .update(vpcStaticEntry)
    .set({ id, ...changes }) // of nothing at all there is no UPDATE
    .where(own(actor, [id]))
    .returning({ id: vpcStaticEntry.id })
  if (!row) throw notFound('static entry', id)
}

/** Deletes entries, all or none. @throws DomainError `not_found`. */
export async function deleteEntries(tx: Db, actor: Actor, ids: readonly string[]): Promise<void> {
  const gone = await tx.delete(vpcStaticEntry).where(own(actor, ids)).returning({ id: vpcStaticEntry.id })
  const missing = ids.find((id) => !gone.some((row) => row.id === id))
  if (missing !== undefined) throw notFound('static entry', missing)
}

/** Entries of a project, newest first, each with the VPC of its static. */
export async function describeEntries(
  db: Db,
  projectId: string,
  filter: { readonly ids?: readonly string[] | undefined; readonly staticId?: string | undefined },
  slice: Slice,
): Promise<Found<{ entry: EntryRow; vpcId: string }>> {
  const where = and(
    eq(vpcStaticEntry.projectId, projectId),
    filter.ids ? inArray(vpcStaticEntry.id, [...filter.ids]) : undefined,
    filter.staticId === undefined ? undefined : eq(vpcStaticEntry.staticId, filter.staticId),
  )
  const rows = await db
    .select({ entry: vpcStaticEntry, vpcId: vpcStatic.vpcId })
    .from(vpcStaticEntry)
    .innerJoin(vpcStatic, eq(vpcStatic.id, vpcStaticEntry.staticId))
    .where(where)
    .orderBy(desc(vpcStaticEntry.seq))
    .offset(slice.offset)
    .limit(slice.limit)
  return found(slice, rows, () => db.$count(vpcStaticEntry, where))
}

const own = (actor: Actor, ids: readonly string[]) =>
  and(inArray(vpcStaticEntry.id, [...ids]), eq(vpcStaticEntry.projectId, actor.projectId))
