/** The Drizzle tables against the migrated database, in both directions; and the migrations themselves. */
import { getTableColumns, is, type SQL } from 'drizzle-orm'
import { getTableConfig, isPgEnum, type PgColumn, PgTable } from 'drizzle-orm/pg-core'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest'
import * as columns from '../../src/db/columns.ts'
import { assertSchema, migrate } from '../../src/db/migrate.ts'
import * as schema from '../../src/db/schema.ts'
import * as wire from '../../src/db/schema-wire.ts'
import { aDatabase, anEmptyDatabase } from '../support/databases.ts'

let database: Awaited<ReturnType<typeof aDatabase>>
let pool: pg.Pool
async function open(made: Promise<typeof database>) {
  database = await made
  pool = new pg.Pool({ connectionString: database.url, max: 2 })
}
afterEach(async () => {
  await pool.end()
  await database.drop()
})

const OF_THE_MIGRATIONS_THEMSELVES = 'schema_migration'

describe('the Drizzle schema', () => {
  beforeEach(() => open(aDatabase(inject('postgresUrl'))))

  it('has the tables, columns, types, nullability and defaults of the database, and no others', async () => {
    const { rows } = await pool.query<{ table: string; column: string; said: string }>(
      `SELECT c.relname AS table, a.attname AS column,
         format_type(a.atttypid, a.atttypmod) || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END
         || CASE WHEN a.attidentity <> '' THEN ' identity' WHEN a.attgenerated <> '' THEN ' generated'
                 WHEN a.atthasdef THEN ' default' ELSE '' END AS said
       FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
       WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
         AND c.relname <> $1`,
      [OF_THE_MIGRATIONS_THEMSELVES],
    )
    const inDatabase = Object.fromEntries(rows.map(({ table, column, said }) => [`${table}.${column}`, said]))
    const inDrizzle = Object.fromEntries(
      [schema, wire]
        .flatMap((tables) => Object.values(tables))
        .filter((value) => is(value, PgTable))
        .flatMap((table) =>
          Object.values(getTableColumns(table)).map((column) => [
            `${getTableConfig(table).name}.${column.name}`,
            describeColumn(column),
          ]),
        ),
    )
    expect(inDrizzle).toEqual(inDatabase)
  })

  it('has the enums of the database, with their values in order, and no others', async () => {
    const { rows } = await pool.query<{ name: string; labels: string[] }>(
      `SELECT t.typname AS name, array_agg(e.enumlabel::text ORDER BY e.enumsortorder) AS labels
       FROM pg_type t JOIN pg_enum e ON e.enumtypid = t.oid WHERE t.typnamespace = 'public'::regnamespace GROUP BY 1`,
    )
    const inDrizzle = Object.values(columns)
      .filter((value) => isPgEnum(value))
      .map(({ enumName, enumValues }) => [enumName, [...enumValues]])
    expect(Object.fromEntries(inDrizzle)).toEqual(Object.fromEntries(rows.map(({ name, labels }) => [name, labels])))
  })
})

function describeColumn(column: PgColumn): string {
  const { generated, generatedIdentity } = column as PgColumn & { generated?: { as: SQL } }
  const filled = generatedIdentity ? ' identity' : generated ? ' generated' : column.hasDefault ? ' default' : ''
  return `${column.getSQLType()}${column.notNull ? ' not null' : ''}${filled}`
}

describe('migrations', () => {
  beforeEach(() => open(anEmptyDatabase(inject('postgresUrl'))))

  const fingerprint = async () =>
    (
      await pool.query(
        `SELECT relname, relkind, oid::text FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY oid`,
      )
    ).rows

  it('applied twice do nothing the second time', async () => {
    expect(await migrate(database.url)).not.toEqual([])
    const before = await fingerprint()
    expect(await migrate(database.url)).toEqual([])
    expect(await fingerprint()).toEqual(before)
    await expect(assertSchema(pool)).resolves.toBeUndefined()
  })

  it('applied by two processes at once are applied once, and neither fails', async () => {
    const done = await Promise.all([migrate(database.url), migrate(database.url)])
    const { rows } = await pool.query<{ name: string }>('SELECT name FROM schema_migration ORDER BY version')
    expect(done.flat().sort()).toEqual(rows.map(({ name }) => name))
  })

  it('that were edited after they were applied are refused', async () => {
    await migrate(database.url)
    await pool.query(`UPDATE schema_migration SET checksum = 'other' WHERE version = 1`)
    const edited = /0001_init\.sql was edited after it was applied/
    await expect(migrate(database.url)).rejects.toThrow(edited)
    await expect(assertSchema(pool)).rejects.toThrow(edited)
  })

  it('of a newer program are refused', async () => {
    await migrate(database.url)
    await pool.query(`INSERT INTO schema_migration (version, name, checksum) VALUES (9999, '9999_later.sql', 'x')`)
    const newer = /migration 9999, which this program does not know/
    await expect(migrate(database.url)).rejects.toThrow(newer)
    await expect(assertSchema(pool)).rejects.toThrow(newer)
  })

  it('that are missing keep the service from starting, and the refusal says what to run', async () => {
    await migrate(database.url)
    await pool.query('DELETE FROM schema_migration')
    await expect(assertSchema(pool)).rejects.toThrow(/lacks migrations 0001_init\.sql.*run "patchbay init"/)
  })

  it('that fail half-way leave nothing behind', async () => {
    await pool.query('CREATE TABLE setting (other text)') // in the way of the last table of the first migration
    await expect(migrate(database.url)).rejects.toThrow('migration 0001_init.sql')
    const { rows } = await pool.query(`SELECT relname FROM pg_class WHERE relname IN ('nic', 'network', 'event')`)
    expect(rows).toEqual([])
  })
})
