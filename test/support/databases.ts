import { randomBytes } from 'node:crypto'
import pg from 'pg'

export const TEMPLATE = 'patchbay_template'

/** The same server's URL for another database. */
export function inDatabase(url: string, database: string): string {
  const other = new URL(url)
  other.pathname = `/${database}`
  return other.href
}

export interface TestDatabase {
  readonly url: string
  drop(): Promise<void>
}

/** A database of its own, cloned from the migrated template. */
export const aDatabase = (serverUrl: string): Promise<TestDatabase> => make(serverUrl, TEMPLATE)

/** A database of its own that no migration has seen. */
export const anEmptyDatabase = (serverUrl: string): Promise<TestDatabase> => make(serverUrl, 'template0')

async function make(serverUrl: string, template: string): Promise<TestDatabase> {
  const name = `t_${randomBytes(6).toString('hex')}`
  const owner = new pg.Client({ connectionString: serverUrl })
  await owner.connect()
  try {
    // One clone at a time: PostgreSQL wants nobody else at the template.
    await owner.query('SELECT pg_advisory_lock(1)')
    await owner.query(`CREATE DATABASE ${name} TEMPLATE ${template}`)
  } finally {
    await owner.end()
  }
  const drop = async () => {
    const client = new pg.Client({ connectionString: serverUrl })
    await client.connect()
    await client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
    await client.query(`DROP ROLE IF EXISTS ${name}_queue`)
    await client.end()
  }
  return { url: inDatabase(serverUrl, name), drop }
}
