/**
 * Workers hold no credentials of the state database. On the PostgreSQL engine they get those of a role of their own,
 * which sees the queue's schema and nothing else; the control plane hands them out against the hypervisor's token.
 */
import { randomBytes } from 'node:crypto'
import { eq } from 'drizzle-orm'
import pg from 'pg'
import type { Db } from '../db/client.ts'
import { setting } from '../db/schema.ts'
import { decryptSecret, encryptSecret, type SecretKey } from '../domain/access-key/secrets.ts'
import type { QueueAccess } from './work-order.ts'

const PASSWORD_SETTING = 'queue_role_password'

/** Name of the queue role: roles belong to the whole PostgreSQL server, so the database is part of it. */
const roleOf = (database: string): string => `${database}_queue`.slice(0, 63)

/**
 * Makes the queue role, or brings its rights up to date. Run as the owner, after the queue's tables are there.
 * @throws Error when this user may not create roles.
 */
export async function ensureQueueRole(db: Db, secretKey: SecretKey): Promise<void> {
  const { rows } = await db.$client.query<{ database: string }>('SELECT current_database() AS database')
  const role = pg.escapeIdentifier(roleOf(rows[0]?.database ?? ''))
  const password = (await readPassword(db, secretKey)) ?? (await drawPassword(db, secretKey))
  const literal = pg.escapeLiteral(password)
  // One transaction, and one replica after the other: PostgreSQL refuses grants that meet ("tuple concurrently updated").
  await db.$client.query(`SELECT pg_advisory_xact_lock(hashtextextended('patchbay queue role', 0));
    DO $do$ BEGIN
      CREATE ROLE ${role} LOGIN PASSWORD ${literal};
    EXCEPTION WHEN duplicate_object OR unique_violation THEN ALTER ROLE ${role} LOGIN PASSWORD ${literal};
    END $do$;
    GRANT USAGE ON SCHEMA bullmq TO ${role};
    GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA bullmq TO ${role};
    GRANT USAGE, SELECT, UPDATE ON ALL SEQUENCES IN SCHEMA bullmq TO ${role};
    GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA bullmq TO ${role}`)
}

async function readPassword(db: Db, secretKey: SecretKey): Promise<string | undefined> {
  const [row] = await db.select().from(setting).where(eq(setting.name, PASSWORD_SETTING))
  return row && decryptSecret(secretKey, Buffer.from(row.value, 'base64'))
}

async function drawPassword(db: Db, secretKey: SecretKey): Promise<string> {
  const drawn = randomBytes(24).toString('base64url')
  const value = encryptSecret(secretKey, drawn).toString('base64')
  await db.insert(setting).values({ name: PASSWORD_SETTING, value }).onConflictDoNothing()
  return (await readPassword(db, secretKey)) ?? drawn // another replica may have been first
}

/**
 * What a worker is told of its queue.
 * @param databaseUrl - the owner's URL; user and password are replaced by the queue role's.
 */
export async function queueAccessForWorkers(
  db: Db,
  secretKey: SecretKey,
  databaseUrl: string,
  redisUrl: string | undefined,
): Promise<QueueAccess> {
  if (redisUrl !== undefined) return { engine: 'redis', url: redisUrl }
  const { rows } = await db.$client.query<{ database: string }>('SELECT current_database() AS database')
  const password = await readPassword(db, secretKey)
  if (password === undefined) throw new Error('the queue role is missing: run "patchbay init"')
  return { engine: 'postgres', url: withCredentials(databaseUrl, roleOf(rows[0]?.database ?? ''), password) }
}

/** A PostgreSQL URL with other credentials. Those of a socket URL (`postgres:///db?host=/dir`) go into its query. */
export function withCredentials(databaseUrl: string, user: string, password: string): string {
  const url = new URL(databaseUrl)
  if (url.hostname === '') {
    url.searchParams.set('user', user)
    url.searchParams.set('password', password)
  } else {
    url.username = encodeURIComponent(user)
    url.password = encodeURIComponent(password)
  }
  return url.href
}
