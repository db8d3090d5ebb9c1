/** What callers mean for a guest to read at its first start. It is kept, and names nothing that a guest is given. */
import { and, eq } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import { userData } from '../../db/schema-wire.ts'
import type { Actor } from '../actor.ts'
import { notFound } from '../errors.ts'
import { newId } from '../ids.ts'

/** Keeps up to 2 MiB. @returns its id. @throws DomainError `body_too_large`. */
export async function keepUserData(
  tx: Db,
  actor: Actor,
  { name, content }: { readonly name: string; readonly content: Buffer },
): Promise<string> {
  const id = newId('ud')
  await tx.insert(userData).values({ id, projectId: actor.projectId, name, content })
  return id
}

/** @throws DomainError `not_found`. */
export async function assertUserData(db: Db, actor: Actor, id: string): Promise<void> {
  const [row] = await db
    .select({ id: userData.id })
    .from(userData)
    .where(and(eq(userData.id, id), eq(userData.projectId, actor.projectId)))
  if (!row) throw notFound('user data', id)
}
