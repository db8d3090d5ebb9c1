/**
 * SSH key pairs of a project, and which servers they are on. They are records: nothing puts a key into a guest, whose
 * image is its owner's. Private keys are never kept.
 */
import { and, desc, eq, getTableColumns, inArray, sql } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import { keyPair, keyPairServer } from '../../db/schema-wire.ts'
import type { Actor } from '../actor.ts'
import { DomainError, notFound } from '../errors.ts'
import { recordEvents } from '../event/events.ts'
import { newId } from '../ids.ts'
import { type JobResource, type JobView, promiseApply } from '../job/jobs.ts'
import { type Found, found, matchesText, type Slice } from '../paging.ts'
import { lockServer, notSteady } from '../server/lock-server.ts'
import { hasTags, tagsOf, type WireTag } from '../tag/tags.ts'
import type { PublicKey } from './ssh-keys.ts'

export interface DescribedKeyPair extends KeyPairRow {
  readonly serverIds: string[]
  readonly wireTags: WireTag[]
}
type KeyPairRow = typeof keyPair.$inferSelect

export interface KeyPairFilter {
  readonly ids?: readonly string[] | undefined
  readonly serverId?: string | undefined
  readonly algorithms?: readonly string[] | undefined
  /** An id, or a part of a name. */
  readonly search?: string | undefined
  readonly tagIds?: readonly string[] | undefined
}

export async function describeKeyPairs(
  db: Db,
  projectId: string,
  filter: KeyPairFilter,
  slice: Slice,
): Promise<Found<DescribedKeyPair>> {
  const where = and(
    eq(keyPair.projectId, projectId),
    filter.ids ? inArray(keyPair.id, [...filter.ids]) : undefined,
    filter.serverId === undefined
      ? undefined
      : sql`EXISTS (SELECT FROM key_pair_server s WHERE s.key_pair_id = key_pair.id AND s.server_id = ${filter.serverId})`,
    filter.algorithms ? inArray(keyPair.algorithm, [...filter.algorithms]) : undefined,
    matchesText(filter.search, keyPair.id, keyPair.name),
    hasTags(filter.tagIds, 'key_pair', keyPair.id),
  )
  const rows = await db
    .select({
      ...getTableColumns(keyPair),
      serverIds: sql<string[]>`array(
        SELECT s.server_id FROM key_pair_server s WHERE s.key_pair_id = key_pair.id ORDER BY 1)`,
      wireTags: tagsOf('key_pair', keyPair.id),
    })
    .from(keyPair)
    .where(where)
    .orderBy(desc(keyPair.seq))
    .limit(slice.limit)
    .offset(slice.offset)
  return found(slice, rows, () => db.$count(keyPair, where))
}

/** Keeps a public key. @returns the id of the pair. */
export async function createKeyPair(
  tx: Db,
  actor: Actor,
  { name, algorithm, publicKey }: PublicKey & { readonly name: string },
): Promise<string> {
  const id = newId('kp')
  await tx.insert(keyPair).values({ id, projectId: actor.projectId, name, algorithm, publicKey })
  await told(tx, actor, 'created', id, { name, algorithm })
  return id
}

/** @throws DomainError `not_found`. */
export async function updateKeyPair(
  tx: Db,
  actor: Actor,
  id: string,
  changes: { readonly name?: string | undefined; readonly description?: string | undefined },
): Promise<void> {
  await lockKeyPairs(tx, actor, [id])
  if (Object.values(changes).every((value) => value === undefined)) return
  await tx.update(keyPair).set(changes).where(eq(keyPair.id, id))
  await told(tx, actor, 'updated', id, { ...changes })
}

/** Deletes key pairs, all or none. @throws DomainError `not_found`, `key_pair_in_use` (with the servers). */
export async function deleteKeyPairs(tx: Db, actor: Actor, ids: readonly string[]): Promise<void> {
  await lockKeyPairs(tx, actor, ids)
  const [used] = await tx
    .select({
      id: keyPairServer.keyPairId,
      servers: sql<string>`string_agg(${keyPairServer.serverId}, ', ' ORDER BY 1)`,
    })
    .from(keyPairServer)
    .where(inArray(keyPairServer.keyPairId, [...ids]))
    .groupBy(keyPairServer.keyPairId)
    .limit(1)
  if (used)
    throw new DomainError('key_pair_in_use', `key pair ${used.id} is on servers ${used.servers}: detach it first`)
  await tx.delete(keyPair).where(inArray(keyPair.id, [...ids]))
  for (const id of new Set(ids)) await told(tx, actor, 'deleted', id, {})
}

/**
 * Notes key pairs on servers, all on all; where one is, it stays.
 * @throws DomainError `not_found`, `server_terminated`.
 */
export async function putKeyPairs(
  tx: Db,
  actor: Actor,
  ids: readonly string[],
  serverIds: readonly string[],
): Promise<void> {
  await lockBoth(tx, actor, ids, serverIds)
  const { projectId } = actor
  const rows = ids.flatMap((keyPairId) => serverIds.map((serverId) => ({ keyPairId, serverId, projectId })))
  await tx.insert(keyPairServer).values(rows).onConflictDoNothing()
  for (const id of ids) await told(tx, actor, 'attached', id, { server_ids: serverIds })
}

/** The same as an act: the job is done, for there is nothing to wait for. */
export async function attachKeyPairs(
  tx: Db,
  actor: Actor,
  ids: readonly string[],
  serverIds: readonly string[],
): Promise<JobView> {
  await putKeyPairs(tx, actor, ids, serverIds)
  return promiseApply(tx, actor, about(ids, serverIds), [])
}

/** Takes key pairs off servers; where one is not, it is not. Otherwise as `attachKeyPairs`. */
export async function detachKeyPairs(
  tx: Db,
  actor: Actor,
  ids: readonly string[],
  serverIds: readonly string[],
): Promise<JobView> {
  await lockBoth(tx, actor, ids, serverIds)
  await tx
    .delete(keyPairServer)
    .where(and(inArray(keyPairServer.keyPairId, [...ids]), inArray(keyPairServer.serverId, [...serverIds])))
  for (const id of ids) await told(tx, actor, 'detached', id, { server_ids: serverIds })
  return promiseApply(tx, actor, about(ids, serverIds), [])
}

/** Servers first, in the order of their ids, as everywhere. */
async function lockBoth(tx: Db, actor: Actor, ids: readonly string[], serverIds: readonly string[]): Promise<void> {
  for (const serverId of [...new Set(serverIds)].sort()) {
    const row = await lockServer(tx, actor, serverId)
    if (row.state === 'terminated' || row.state === 'terminating') throw notSteady(row)
  }
  await lockKeyPairs(tx, actor, ids)
}

async function lockKeyPairs(tx: Db, actor: Actor, ids: readonly string[]): Promise<void> {
  const rows = await tx
    .select({ id: keyPair.id })
    .from(keyPair)
    .where(and(inArray(keyPair.id, [...ids]), eq(keyPair.projectId, actor.projectId)))
    .orderBy(keyPair.id)
    .for('update')
  const missing = ids.find((id) => !rows.some((row) => row.id === id))
  if (missing !== undefined) throw notFound('key pair', missing)
}

const about = (ids: readonly string[], serverIds: readonly string[]): JobResource[] => [
  ...serverIds.map((id) => ({ type: 'server' as const, id })),
  ...ids.map((id) => ({ type: 'key_pair' as const, id })),
]

const told = (tx: Db, actor: Actor, what: string, id: string, data: Record<string, unknown>) =>
  recordEvents(tx, [{ projectId: actor.projectId, type: `key_pair.${what}`, id, actor: actor.keyId, data }])
