import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import pg from 'pg'
import { packageRoot } from '../package-root.ts'

const directory = path.join(packageRoot, 'migrations')
/** Advisory lock that lets one process migrate while the others wait; the number spells `PBAY`. */
const MIGRATION_LOCK = 0x50424159

/** A numbered file of `migrations/`. */
export interface Migration {
  readonly version: number
  readonly name: string
  readonly sql: string
  readonly checksum: string
}

/** The migrations that this program knows, in order. */
export async function readMigrations(): Promise<Migration[]> {
  const names = (await readdir(directory)).filter((name) => /^\d{4}_\w+\.sql$/.test(name)).sort()
  return Promise.all(
    names.map(async (name) => {
      const sql = await readFile(path.join(directory, name), 'utf8')
      return { version: Number(name.slice(0, 4)), name, sql, checksum: createHash('sha256').update(sql).digest('hex') }
    }),
  )
}

/**
 * Brings the database to this program's schema, each migration in one transaction. Safe to run from many processes.
 * @returns the names of the migrations that were applied now.
 * @throws Error when the database is newer than this program, or a merged migration was edited.
 */
export async function migrate(databaseUrl: string): Promise<string[]> {
  const client = new pg.Client({ connectionString: databaseUrl, application_name: 'patchbay migrate' })
  await client.connect()
  try {
    await client.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK])
    await client.query(`CREATE TABLE IF NOT EXISTS schema_migration (
      version integer PRIMARY KEY, name text NOT NULL, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())`)
    const known = await readMigrations()
    const applied = await appliedMigrations(client)
    assertKnown(known, applied)
    const done: string[] = []
    for (const migration of known.filter(({ version }) => !applied.has(version))) {
      await client.query('BEGIN')
      try {
        await client.query(migration.sql)
        await client.query('INSERT INTO schema_migration (version, name, checksum) VALUES ($1, $2, $3)', [
          migration.version,
          migration.name,
          migration.checksum,
        ])
        await client.query('COMMIT')
      } catch (cause) {
        await client.query('ROLLBACK')
        throw new Error(`migration ${migration.name}`, { cause })
      }
      done.push(migration.name)
    }
    return done
  } finally {
    await client.end() // releases the advisory lock
  }
}

/**
 * Refuses to run on a schema this program does not know: better than a wrong query.
 * @throws Error that says which side is older.
 */
export async function assertSchema(client: pg.Pool): Promise<void> {
  const known = await readMigrations()
  const applied = await appliedMigrations(client)
  assertKnown(known, applied)
  const missing = known.filter(({ version }) => !applied.has(version)).map(({ name }) => name)
  if (missing.length > 0) throw new Error(`the database lacks migrations ${missing.join(', ')}: run "patchbay init"`)
}

async function appliedMigrations(client: pg.Client | pg.Pool): Promise<Map<number, string>> {
  const { rows } = await client.query<{ version: number; checksum: string }>(
    'SELECT version, checksum FROM schema_migration',
  )
  return new Map(rows.map(({ version, checksum }) => [version, checksum]))
}

function assertKnown(known: readonly Migration[], applied: ReadonlyMap<number, string>): void {
  for (const [version, checksum] of applied) {
    const migration = known.find((candidate) => candidate.version === version)
    if (!migration)
      throw new Error(`the database has migration ${version}, which this program does not know: update it`)
    if (migration.checksum !== checksum) throw new Error(`migration ${migration.name} was edited after it was applied`)
  }
}
