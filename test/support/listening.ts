import pg from 'pg'
import type { Service } from './a-service.ts'
import { until } from './until.ts'

/** Opens a port of the service on loopback, for what injected requests cannot show. */
export async function listening({ app }: Service): Promise<number> {
  return Number(new URL(await app.listen({ host: '127.0.0.1', port: 0 })).port)
}

const QUIET_MS = 1_500

/** Waits until the service, which polls such a table for somebody, asks no more. */
export async function untilNobodyPolls({ databaseUrl }: Service, table: string): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    await until(`nobody polls ${table}`, async () => {
      const { rows } = await client.query<{ quiet: boolean }>(
        `SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
           AND query LIKE $1 AND query_start > clock_timestamp() - $2 * interval '1 ms') AS quiet`,
        [`%from "${table}"%`, QUIET_MS],
      )
      return rows[0]?.quiet
    })
  } finally {
    await client.end()
  }
}

/** Waits until the service asks such a table. */
export async function untilSomebodyPolls({ databaseUrl }: Service, table: string): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    await until(`somebody polls ${table}`, async () => {
      const { rowCount } = await client.query(
        `SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE $1`,
        [`%from "${table}"%`],
      )
      return rowCount
    })
  } finally {
    await client.end()
  }
}
