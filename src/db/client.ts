import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres'
import pg from 'pg'
import { translateRefusal } from './constraint-errors.ts'
import * as schema from './schema.ts'

/** Either a pool (each statement is its own transaction) or the one connection of an open transaction. */
export type Db = NodePgDatabase<typeof schema> & { readonly $client: pg.Pool | pg.PoolClient }

/** A database handle that can open transactions. */
export interface Database extends Db {
  readonly $client: pg.Pool
}

/**
 * Opens a pool.
 * @param url - `postgres://` URL, or `postgres:///name?host=/socket/directory`.
 * @param max - connections at most.
 */
export function openDatabase(url: string, max = 16): Database {
  const pool = new pg.Pool({ connectionString: url, max, application_name: 'patchbay' })
  // An idle connection that drops is replaced on next use; without a listener it would end the process.
  pool.on('error', () => undefined)
  return drizzle({ client: pool, schema }) as Database
}

/** Deadlock and serialisation failures: PostgreSQL rolled us back for another's sake, the same again will do. */
const RETRYABLE = new Set(['40001', '40P01'])
const MAX_TRIES = 5

/**
 * Runs `work` in one transaction and translates a refused constraint into the `DomainError` it stands for.
 * @throws DomainError when a rule or a constraint refuses; anything else passes through unchanged.
 */
export async function transaction<T>(db: Database, work: (tx: Db) => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    const client = await db.$client.connect()
    let broken: Error | undefined
    try {
      await client.query('BEGIN')
      const result = await work(drizzle({ client, schema }) as Db)
      await client.query('COMMIT')
      return result
    } catch (error) {
      await client.query('ROLLBACK').catch((cause: Error) => {
        broken = cause // the connection itself is gone: the pool must not hand it out again
      })
      if (tries < MAX_TRIES && RETRYABLE.has(sqlState(error) ?? '')) continue
      throw translateRefusal(error)
    } finally {
      client.release(broken)
    }
  }
}

/** SQLSTATE of a PostgreSQL error, bare or wrapped by Drizzle. */
export function sqlState(error: unknown): string | undefined {
  const pgError = error instanceof Error && error.cause instanceof pg.DatabaseError ? error.cause : error
  return pgError instanceof pg.DatabaseError ? pgError.code : undefined
}
