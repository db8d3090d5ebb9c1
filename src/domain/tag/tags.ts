/** Tags with an id and a colour, that are put on resources. What a resource has under `tags` of its own is another thing. */
import { and, desc, eq, inArray, type SQL, sql } from 'drizzle-orm'
import type { PgColumn } from 'drizzle-orm/pg-core'
import type { Db } from '../../db/client.ts'
import { tag, tagResource } from '../../db/schema-wire.ts'
import type { Actor } from '../actor.ts'
import { notFound } from '../errors.ts'
import { type NewEvent, recordEvents } from '../event/events.ts'
import { newId } from '../ids.ts'
import { type Found, found, matchesText, type Slice } from '../paging.ts'
import type { TaggedType } from './tag-resources.ts'

/** A tag as the resources show it that have it. */
export interface WireTag {
  readonly tag_id: string
  readonly tag_name: string
  readonly color: string
  readonly description: string
}

/** The column with its table's name: alone, Drizzle leaves that out in a query of one table, and means the inner one. */
const outer = (column: PgColumn): SQL => sql`${column.table}.${sql.identifier(column.name)}::text`

/** The tags of a row, oldest first. For use in the selection of a query. @param id - column of the resource's id. */
export const tagsOf = (type: TaggedType, id: PgColumn): SQL<WireTag[]> =>
  sql<WireTag[]>`coalesce((
    SELECT jsonb_agg(jsonb_build_object(
      'tag_id', t.id, 'tag_name', t.name, 'color', t.color, 'description', t.description) ORDER BY t.seq)
    FROM tag_resource r JOIN tag t ON t.id = r.tag_id
    WHERE r.resource_type = ${type} AND r.resource_id = ${outer(id)}), '[]')`

/** The condition that a row has one of these tags; none without tags. */
export function hasTags(tagIds: readonly string[] | undefined, type: TaggedType, id: PgColumn): SQL | undefined {
  if (tagIds === undefined) return undefined
  const wanted = inArray(sql`r.tag_id`, [...tagIds])
  // From the tags to the rows: of the rows there may be many more.
  return sql`${id} IN (SELECT r.resource_id::${sql.raw(id.getSQLType())} FROM tag_resource r
    WHERE r.resource_type = ${type} AND ${wanted})`
}

export interface TagFields {
  readonly name: string
  readonly description: string
  /** `default`, `#rgb` or `#rrggbb`. */
  readonly color: string
}

/** Makes a tag. @returns its id. */
export async function createTag(tx: Db, actor: Actor, wanted: Pick<TagFields, 'name'> & Partial<TagFields>) {
  const id = newId('tag')
  await tx.insert(tag).values({ id, projectId: actor.projectId, ...wanted })
  await recordEvents(tx, [told(actor, 'created', id, { name: wanted.name })])
  return id
}

export type TagRow = typeof tag.$inferSelect & {
  readonly counts: readonly { readonly type: TaggedType; readonly count: number }[]
  /** What has the tag, oldest first; empty unless asked for. */
  readonly resources: readonly { readonly type: TaggedType; readonly id: string }[]
}

export interface TagFilter {
  readonly ids?: readonly string[] | undefined
  /** An id, or a part of a name. */
  readonly search?: string | undefined
  /** Ids of resources that have the tag. */
  readonly resourceIds?: readonly string[] | undefined
}

const COUNTS = sql<TagRow['counts']>`coalesce((SELECT jsonb_agg(c ORDER BY c.type) FROM (
  SELECT resource_type AS type, count(*)::integer AS count FROM tag_resource r WHERE r.tag_id = tag.id GROUP BY 1) c), '[]')`
const RESOURCES = sql<TagRow['resources']>`coalesce((
  SELECT jsonb_agg(jsonb_build_object('type', r.resource_type, 'id', r.resource_id) ORDER BY r.created_at, r.resource_id)
  FROM tag_resource r WHERE r.tag_id = tag.id), '[]')`
const NO_RESOURCES = sql<TagRow['resources']>`'[]'::jsonb`

/** Tags of a project, newest first. @param withResources - also what has them. */
export async function describeTags(
  db: Db,
  projectId: string,
  filter: TagFilter,
  slice: Slice,
  withResources: boolean,
): Promise<Found<TagRow>> {
  const { ids, search, resourceIds } = filter
  const attached = db.select({ id: tagResource.tagId }).from(tagResource)
  const where = and(
    eq(tag.projectId, projectId),
    ids && inArray(tag.id, [...ids]),
    matchesText(search, tag.id, tag.name),
    resourceIds && inArray(tag.id, attached.where(inArray(tagResource.resourceId, [...resourceIds]))),
  )
  const rows = await db
    .select({ tag, counts: COUNTS, resources: withResources ? RESOURCES : NO_RESOURCES })
    .from(tag)
    .where(where)
    .orderBy(desc(tag.seq))
    .limit(slice.limit)
    .offset(slice.offset)
  const flat = rows.map(({ tag: row, ...counted }) => ({ ...row, ...counted }))
  return found(slice, flat, () => db.$count(tag, where))
}

export async function updateTag(tx: Db, actor: Actor, id: string, changes: Partial<TagFields>): Promise<void> {
  await ownTags(tx, actor, [id])
  if (Object.keys(changes).length === 0) return
  await tx.update(tag).set(changes).where(eq(tag.id, id))
  await recordEvents(tx, [told(actor, 'updated', id, { ...changes })])
}

/** Deletes tags, all or none; what had them has them no more. */
export async function deleteTags(tx: Db, actor: Actor, ids: readonly string[]): Promise<void> {
  await ownTags(tx, actor, ids)
  await tx.delete(tag).where(inArray(tag.id, [...ids]))
  await recordEvents(
    tx,
    ids.map((id) => told(actor, 'deleted', id)),
  )
}

/** Locks tags of the caller's. @throws DomainError `not_found`. */
export async function ownTags(tx: Db, actor: Actor, ids: readonly string[]): Promise<void> {
  const rows = await tx
    .select({ id: tag.id })
    .from(tag)
    .where(and(inArray(tag.id, [...ids]), eq(tag.projectId, actor.projectId)))
    .orderBy(tag.id)
    .for('update')
  const missing = ids.find((id) => !rows.some((row) => row.id === id))
  if (missing !== undefined) throw notFound('tag', missing)
}

const told = (actor: Actor, what: string, id: string, data: Record<string, unknown> = {}): NewEvent => ({
  projectId: actor.projectId,
  type: `tag.${what}`,
  id,
  actor: actor.keyId,
  data,
})
