import { createHash } from 'node:crypto'
import { access, readFile } from 'node:fs/promises'
import path from 'node:path'
import pg from 'pg'
import { adminKeyFile, type Config, hypervisorTokenFileOf } from './config.ts'
import { readMigrations } from './db/migrate.ts'
import { packageRoot } from './package-root.ts'

/** Says in the database which program prepared it last. */
export const PREPARED_SETTING = 'prepared_by'

/**
 * Prepares database and key files, see `prepare`. Nearly always there is nothing to do, which is found out here with two
 * queries: loading everything that preparing takes would cost a start more than all the rest of it.
 */
export async function initialise(config: Config, databaseUrl: string): Promise<void> {
  const fingerprint = await fingerprintOf(config)
  if (await isPrepared(config, databaseUrl, fingerprint)) return
  const { prepare } = await import('./prepare.ts')
  await prepare(config, databaseUrl, fingerprint)
}

/** Of what preparing depends on: our migrations, the version of the queue's tables, and where the queue is. */
async function fingerprintOf(config: Config): Promise<string> {
  const manifest = await readFile(path.join(packageRoot, 'package.json'), 'utf8')
  const { version, dependencies } = JSON.parse(manifest) as { version: string; dependencies: { bullmq: string } }
  const checksums = (await readMigrations()).map(({ checksum }) => checksum)
  const engine = config.redisUrl === undefined ? 'postgres' : 'redis'
  return createHash('sha256')
    .update(JSON.stringify([version, dependencies.bullmq, engine, config.zone, checksums]))
    .digest('hex')
}

async function isPrepared(config: Config, databaseUrl: string, fingerprint: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: databaseUrl, application_name: 'patchbay init' })
  await client.connect()
  try {
    await access(adminKeyFile(config.dataDir))
    const token = (await readFile(hypervisorTokenFileOf(config.dataDir, config.hypervisorId), 'utf8')).trim()
    const { rowCount } = await client.query(
      'SELECT FROM setting s, hypervisor h WHERE s.name = $1 AND s.value = $2 AND h.id = $3 AND h.token_hash = $4',
      [PREPARED_SETTING, fingerprint, config.hypervisorId, createHash('sha256').update(token).digest()],
    )
    return rowCount === 1
  } catch {
    return false // a file or a table is not there yet: whatever is really wrong, preparing will say
  } finally {
    await client.end()
  }
}
