import { randomBytes } from 'node:crypto'
import { and, desc, eq, inArray } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import { accessKey } from '../../db/schema.ts'
import type { AccessRole, Actor } from '../actor.ts'
import { DomainError, notFound } from '../errors.ts'
import { recordEvents } from '../event/events.ts'
import { hashToken, newToken } from '../hypervisor/hypervisors.ts'
import { type Found, found, type Items, matchesText, type Page, pageOf, type Slice, toItems } from '../paging.ts'
import { decryptSecret, encryptSecret, type SecretKey } from './secrets.ts'

export interface AccessKeyView {
  access_key_id: string
  project_id: string
  name: string
  role: AccessRole
  created_at: string
}

/** An access key with what is shown once only, when it is made. */
export interface NewAccessKeyView extends AccessKeyView {
  secret_access_key: string
  token: string
}

const view = (row: typeof accessKey.$inferSelect): AccessKeyView => ({
  access_key_id: row.id,
  project_id: row.projectId,
  name: row.name,
  role: row.role,
  created_at: row.createdAt.toISOString(),
})

/** 20 upper-case letters and digits, as the ids of cloud access keys have. */
const newKeyId = (): string => {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567' // 32 of them, so that a byte maps without bias
  return Array.from(randomBytes(20), (byte) => letters[byte % letters.length]).join('')
}

/** Makes an access key for a project. Token and secret are in the answer and nowhere else in clear text. */
export async function createAccessKey(
  tx: Db,
  actorId: string | undefined,
  wanted: { projectId: string; name: string; role: AccessRole },
  secretKey: SecretKey,
): Promise<NewAccessKeyView> {
  const secret = randomBytes(30).toString('base64url')
  const token = newToken()
  const [row] = await tx
    .insert(accessKey)
    .values({
      ...wanted,
      id: newKeyId(),
      tokenHash: hashToken(token),
      secretEncrypted: encryptSecret(secretKey, secret),
    })
    .returning()
  if (!row) throw new Error('INSERT INTO access_key returned no row')
  await recordEvents(tx, [
    { projectId: row.projectId, type: 'access_key.created', id: row.id, actor: actorId, data: { role: row.role } },
  ])
  return { ...view(row), secret_access_key: secret, token }
}

/** Who a bearer token belongs to. */
export async function actorOfToken(db: Db, token: string): Promise<Actor | undefined> {
  const [row] = await db
    .select({ keyId: accessKey.id, projectId: accessKey.projectId, role: accessKey.role })
    .from(accessKey)
    .where(eq(accessKey.tokenHash, hashToken(token)))
  return row
}

/** Who an access key belongs to, with the secret that its signatures are made with. */
export async function actorOfKey(
  db: Db,
  id: string,
  secretKey: SecretKey,
): Promise<{ actor: Actor; secret: string } | undefined> {
  const [row] = await db.select().from(accessKey).where(eq(accessKey.id, id))
  if (!row) return undefined
  const actor = { keyId: row.id, projectId: row.projectId, role: row.role }
  return { actor, secret: decryptSecret(secretKey, row.secretEncrypted) }
}

/** Access keys of one project, or of all. */
export async function listAccessKeys(db: Db, projectId: string | undefined, page: Page): Promise<Items<AccessKeyView>> {
  const { where, orderBy, limit } = pageOf(accessKey.seq, page)
  const rows = await db
    .select()
    .from(accessKey)
    .where(and(projectId ? eq(accessKey.projectId, projectId) : undefined, where))
    .orderBy(orderBy)
    .limit(limit)
  return toItems(rows, page, view)
}

/** Access keys of a project for the wire. @param filter.search - an id, or a part of a name. */
export async function describeAccessKeys(
  db: Db,
  projectId: string,
  filter: { ids?: readonly string[] | undefined; search?: string | undefined },
  slice: Slice,
): Promise<Found<typeof accessKey.$inferSelect>> {
  const where = and(
    eq(accessKey.projectId, projectId),
    filter.ids ? inArray(accessKey.id, [...filter.ids]) : undefined,
    matchesText(filter.search, accessKey.id, accessKey.name),
  )
  const rows = await db
    .select()
    .from(accessKey)
    .where(where)
    .orderBy(desc(accessKey.seq))
    .limit(slice.limit)
    .offset(slice.offset)
  return found(slice, rows, () => db.$count(accessKey, where))
}

/** Locks every admin key, so that of two admins who delete each other's key one is told no. */
const lockAdminKeys = (tx: Db) =>
  tx.select({ id: accessKey.id }).from(accessKey).where(eq(accessKey.role, 'admin')).orderBy(accessKey.id).for('update')

/** Keeps the caller's own admin key until the transaction ends. @throws DomainError `unauthorized` when it is gone. */
export async function assertStillAdmin(tx: Db, actor: Actor): Promise<void> {
  const admins = await lockAdminKeys(tx)
  if (!admins.some(({ id }) => id === actor.keyId))
    throw new DomainError('unauthorized', `access key ${actor.keyId} was deleted meanwhile`)
}

/** Takes an access key away; requests with it are refused from then on. @throws DomainError `last_admin_key`. */
export async function deleteAccessKey(tx: Db, actor: Actor, id: string): Promise<void> {
  const admins = await lockAdminKeys(tx)
  if (admins.length === 1 && admins[0]?.id === id) {
    throw new DomainError('last_admin_key', `access key ${id} is the last one with the admin role: make another first`)
  }
  const [row] = await tx.delete(accessKey).where(eq(accessKey.id, id)).returning()
  if (!row) throw notFound('access key', id)
  await recordEvents(tx, [{ projectId: row.projectId, type: 'access_key.deleted', id, actor: actor.keyId }])
}

export async function getAccessKey(db: Db, id: string): Promise<AccessKeyView> {
  const [row] = await db.select().from(accessKey).where(eq(accessKey.id, id))
  if (!row) throw notFound('access key', id)
  return view(row)
}
