/**
 * Sessions: a browser shows an access key once, and from then on a random token in a cookie. A session ends by signing
 * out, by signing in anew in the same browser, after 12 hours whatever happens, and with its key.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import { and, eq, gt, lte, sql } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import { accessKey, project, session } from '../../db/schema.ts'
import type { AccessRole, Actor } from '../actor.ts'
import { DomainError } from '../errors.ts'
import { hashToken, newToken } from '../hypervisor/hypervisors.ts'
import { decryptSecret, type SecretKey } from './secrets.ts'

export const SESSION_SECONDS = 12 * 60 * 60

export interface SessionView {
  access_key_id: string
  name: string
  role: AccessRole
  project: { id: string; name: string }
  /** `null` for who shows the key itself with each request, as `expires_at`. */
  created_at: string | null
  expires_at: string | null
}

const isLive = gt(session.expiresAt, sql`now()`)

/**
 * Begins a session for who knows the secret of an access key.
 * @returns the token, which is stored as a hash only.
 * @throws DomainError `unauthorized`, which does not tell an unknown key from a wrong secret.
 */
export async function createSession(
  db: Db,
  secretKey: SecretKey,
  shown: { readonly keyId: string; readonly secret: string },
): Promise<{ token: string; view: SessionView }> {
  const [key] = await db
    .select({ id: accessKey.id, sealed: accessKey.secretEncrypted })
    .from(accessKey)
    .where(eq(accessKey.id, shown.keyId))
  const secret = key ? decryptSecret(secretKey, key.sealed) : ''
  const isRight = timingSafeEqual(digest(secret), digest(shown.secret)) // of equal length, whatever was shown
  if (!key || !isRight) throw new DomainError('unauthorized', 'there is no access key with this id and this secret')
  const token = newToken()
  await db.insert(session).values({
    tokenHash: hashToken(token),
    accessKeyId: key.id,
    expiresAt: sql`now() + ${SESSION_SECONDS} * interval '1 second'`,
  })
  return { token, view: await getSession(db, key.id, token) }
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

/** Whose session this is, and until when. */
export async function actorOfSession(db: Db, token: string): Promise<{ actor: Actor; expiresAt: Date } | undefined> {
  const [row] = await db
    .select({
      actor: { keyId: accessKey.id, projectId: accessKey.projectId, role: accessKey.role },
      expiresAt: session.expiresAt,
    })
    .from(session)
    .innerJoin(accessKey, eq(accessKey.id, session.accessKeyId))
    .where(and(eq(session.tokenHash, hashToken(token)), isLive))
  return row
}

/** Who asks, by the key and, if it came in by one, the session. @throws DomainError `unauthorized` when it is gone. */
export async function getSession(db: Db, keyId: string, token: string | undefined): Promise<SessionView> {
  const ofToken = token === undefined ? sql`false` : and(eq(session.tokenHash, hashToken(token)), isLive)
  const [row] = await db
    .select({ key: accessKey, project, session })
    .from(accessKey)
    .innerJoin(project, eq(project.id, accessKey.projectId))
    .leftJoin(session, and(eq(session.accessKeyId, accessKey.id), ofToken))
    .where(eq(accessKey.id, keyId))
  if (!row || (token !== undefined && !row.session)) throw sessionOver()
  return {
    access_key_id: row.key.id,
    name: row.key.name,
    role: row.key.role,
    project: { id: row.project.id, name: row.project.name },
    created_at: row.session?.createdAt.toISOString() ?? null,
    expires_at: row.session?.expiresAt.toISOString() ?? null,
  }
}

export const sessionOver = (): DomainError => new DomainError('unauthorized', 'this session is over: sign in again')

/** Whether a key, and the session it came in by, are still there: asked again while an answer goes on for long. */
export async function isStillIn(db: Db, keyId: string, token: string | undefined): Promise<boolean> {
  if (token !== undefined) return (await actorOfSession(db, token)) !== undefined
  return (await db.$count(accessKey, eq(accessKey.id, keyId))) > 0
}

/** Ends a session. */
export async function deleteSession(db: Db, token: string): Promise<void> {
  await db.delete(session).where(eq(session.tokenHash, hashToken(token)))
}

export async function forgetExpiredSessions(db: Db): Promise<void> {
  await db.delete(session).where(lte(session.expiresAt, sql`now()`))
}
