import { setTimeout as sleep } from 'node:timers/promises'
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres'
import pg from 'pg'
import { refusedConstraint, translateRefusal } from './constraint-errors.ts'

/** Either a pool (each statement is its own transaction) or the one connection of an open transaction. */
export type Db = NodePgDatabase & { readonly $client: pg.Pool | pg.PoolClient }

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
  const pool = new pg.Pool({
    connectionString: url,
    max,
    application_name: 'patchbay',
    keepAlive: true,
    // Nothing may wait without end: not for a connection, not for a lock that a frozen replica holds.
    connectionTimeoutMillis: 10_000,
    statement_timeout: 30_000,
    idle_in_transaction_session_timeout: 30_000,
  })
  // An idle connection that drops is replaced on next use; without a listener it would end the process.
  pool.on('error', () => undefined)
  return drizzle({ client: pool }) as Database
}

/** Deadlock and serialisation failures: PostgreSQL rolled us back for another's sake, the same again will do. */
const RETRYABLE = new Set(['40001', '40P01'])
const MAX_TRIES = 5
/** The longest pause before the second try; it doubles with each. Those that met at a lock must not meet again. */
const FIRST_PAUSE_MS = 10

/**
 * Runs `work` in one transaction and translates a refused constraint into the `DomainError` it stands for.
 * @throws DomainError when a rule or a constraint refuses; anything else passes through unchanged.
 */
export async function transaction<T>(db: Database, work: (tx: Db) => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    if (tries > 1) await sleep(Math.random() * FIRST_PAUSE_MS * 2 ** (tries - 2))
    const client = await db.$client.connect()
    let broken: Error | undefined
    try {
      await client.query('BEGIN')
      const result = await work(drizzle({ client }) as Db)
      await client.query('COMMIT')
      return result
    } catch (error) {
      await client.query('ROLLBACK').catch((cause: Error) => {
        broken = cause // the connection itself is gone: the pool must not hand it out again
      })
      if (tries < MAX_TRIES && mayPass(error)) continue
      throw translateRefusal(error)
    } finally {
      client.release(broken)
    }
  }
}

/** Whether the same work may do next time. A MAC that a NIC has already is one: others are drawn then. */
const mayPass = (error: unknown): boolean => gaveWay(error) || refusedConstraint(error)?.constraint === 'nic_pkey'

/** Whether PostgreSQL rolled a transaction back for the sake of another: the caller's request was in order. */
export const gaveWay = (error: unknown): boolean => RETRYABLE.has(sqlState(error) ?? '')

/** SQLSTATE of a PostgreSQL error, bare or wrapped by Drizzle. */
export function sqlState(error: unknown): string | undefined {
  const pgError = error instanceof Error && error.cause instanceof pg.DatabaseError ? error.cause : error
  return pgError instanceof pg.DatabaseError ? pgError.code : undefined
}

/**
 * Connection refused, cut or not to be had: of Node (ECONN…), of PostgreSQL (class 08, and 57P0x: shutting down). Or too long
 * in coming, 57014: as a rule for a lock that others hold.
 */
const AWAY = /^(ECONNREFUSED|ECONNRESET|ENOENT|EPIPE|ETIMEDOUT|08...|57P0[123]|57014|53300)$/
const CUT = /^(Connection terminated|timeout exceeded when trying to connect)/

/** Whether a query failed because no database answers: the caller's request was in order and may succeed later. */
export function isDatabaseAway(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    const { code } = at as { code?: unknown }
    if ((typeof code === 'string' && AWAY.test(code)) || CUT.test(at.message)) return true
  }
  return false
}
