import { createHash } from 'node:crypto'
import { and, eq, lt, sql } from 'drizzle-orm'
import { canonicalJson } from '../../canonical-json.ts'
import type { Db } from '../../db/client.ts'
import { idempotencyKey } from '../../db/schema.ts'
import { decryptSecret, encryptSecret, type SecretKey } from '../access-key/secrets.ts'
import { DomainError } from '../errors.ts'

/** What makes two requests the same one. */
export interface IdempotentRequest {
  readonly projectId: string
  readonly key: string
  readonly method: string
  readonly path: string
  readonly body: unknown
  /** Encrypts the stored answer: set when it holds what is to be shown once only. */
  readonly sealWith?: SecretKey | undefined
}

/**
 * Does `work` once per key: key and outcome are stored in the transaction of the work itself, so that a second request
 * waits for the first and gets its answer. A refused request stores nothing, and may be tried again with its key.
 * @throws DomainError `idempotency_key_reused` when the key came with another request.
 */
export async function once<T>(
  tx: Db,
  request: IdempotentRequest,
  work: (tx: Db) => Promise<T>,
): Promise<{ answer: T; replayed: boolean }> {
  const { projectId, key } = request
  const requestHash = createHash('sha256')
    .update(canonicalJson([request.method, request.path, request.body]))
    .digest()
  const mine = and(eq(idempotencyKey.projectId, projectId), eq(idempotencyKey.key, key))
  const [fresh] = await tx
    .insert(idempotencyKey)
    .values({ projectId, key, requestHash })
    .onConflictDoNothing()
    .returning({ key: idempotencyKey.key })
  if (!fresh) {
    const [stored] = await tx.select().from(idempotencyKey).where(mine)
    if (!stored) throw new DomainError('unavailable', `the Idempotency-Key ${key} expired this moment; try again`)
    if (!stored.requestHash.equals(requestHash)) {
      throw new DomainError('idempotency_key_reused', `the Idempotency-Key ${key} was used for another request`, {
        errors: [{ in: 'header', pointer: '/idempotency-key', detail: 'was used for another request' }],
      })
    }
    return { answer: unseal(stored.body, request.sealWith) as T, replayed: true }
  }
  const answer = await work(tx)
  await tx
    .update(idempotencyKey)
    .set({ body: seal(answer, request.sealWith) })
    .where(mine)
  return { answer, replayed: false }
}

const seal = (answer: unknown, key: SecretKey | undefined): unknown =>
  key ? { sealed: encryptSecret(key, JSON.stringify(answer)).toString('base64') } : answer

function unseal(stored: unknown, key: SecretKey | undefined): unknown {
  if (!key) return stored
  const { sealed } = stored as { sealed: string }
  return JSON.parse(decryptSecret(key, Buffer.from(sealed, 'base64')))
}

/** Keys are remembered for 24 hours. */
export async function forgetOldKeys(db: Db): Promise<void> {
  await db.delete(idempotencyKey).where(lt(idempotencyKey.createdAt, sql`now() - interval '24 hours'`))
}
