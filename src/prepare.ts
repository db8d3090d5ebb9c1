import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { adminKeyFile, type Config, hypervisorTokenFileOf, loadSecretKey } from './config.ts'
import { openDatabase, transaction } from './db/client.ts'
import { migrate } from './db/migrate.ts'
import { setting } from './db/schema.ts'
import { createAccessKey } from './domain/access-key/access-keys.ts'
import { isHypervisorToken, moveToZone, registerHypervisor } from './domain/hypervisor/hypervisors.ts'
import { createProject, findProject } from './domain/project/projects.ts'
import { PREPARED_SETTING } from './init.ts'
import { migrateQueue } from './jobs/engines.ts'
import { ensureQueueRole } from './jobs/queue-access.ts'

export const DEFAULT_PROJECT = 'default'

/**
 * Prepares a database and the files beside it; run again, it changes nothing. It makes: schema, the project `default` with an
 * admin key in `admin-key.json`, the hypervisor with its token file, and the queue's tables and role.
 */
export async function prepare(config: Config, databaseUrl: string, fingerprint: string): Promise<void> {
  await mkdir(config.dataDir, { recursive: true })
  await migrate(databaseUrl)
  const db = openDatabase(databaseUrl, 2)
  try {
    const secretKey = loadSecretKey(config)
    if (config.redisUrl === undefined) {
      await migrateQueue(databaseUrl)
      await ensureQueueRole(db, secretKey)
    }
    if (!(await findProject(db, DEFAULT_PROJECT))) {
      await transaction(db, async (tx) => {
        const project = await createProject(tx, undefined, DEFAULT_PROJECT)
        const made = await createAccessKey(
          tx,
          undefined,
          { projectId: project.id, name: 'first admin', role: 'admin' },
          secretKey,
        )
        // Inside the transaction: a key that nobody can read must not be committed.
        const { access_key_id, secret_access_key, token } = made
        await writePrivate(adminKeyFile(config.dataDir), { access_key_id, secret_access_key, token })
      })
    }
    const tokenFile = hypervisorTokenFileOf(config.dataDir, config.hypervisorId)
    const known = await readFile(tokenFile, 'utf8').catch(() => '')
    if (known.trim() === '' || !(await isHypervisorToken(db, config.hypervisorId, known.trim()))) {
      const token = await transaction(db, (tx) => registerHypervisor(tx, config.hypervisorId, config.zone))
      await writePrivate(tokenFile, token)
    }
    await transaction(db, (tx) => moveToZone(tx, config.hypervisorId, config.zone))
    await db
      .insert(setting)
      .values({ name: PREPARED_SETTING, value: fingerprint })
      .onConflictDoUpdate({ target: setting.name, set: { value: fingerprint } })
  } finally {
    await db.$client.end()
  }
}

/** Writes a file that only its owner may read, whole or not at all. */
async function writePrivate(file: string, content: object | string): Promise<void> {
  const text = typeof content === 'string' ? `${content}\n` : `${JSON.stringify(content, null, 2)}\n`
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 })
  const draft = `${file}.new`
  await writeFile(draft, text, { mode: 0o600 })
  await chmod(draft, 0o600) // a leftover draft keeps the mode it had
  await rename(draft, file)
}
