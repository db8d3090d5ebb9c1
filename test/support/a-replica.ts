import { pino } from 'pino'
import { vi } from 'vitest'
import type { App } from '../../src/app.ts'
import { openDatabase } from '../../src/db/client.ts'
import type { Service } from './a-service.ts'

export interface Replica {
  readonly app: App
  close(): Promise<void>
}

/**
 * A second API replica on the same database. Its modules are loaded afresh, so that nothing is shared in memory with
 * the first, as if it were another process.
 */
export async function aReplica(service: Service): Promise<Replica> {
  vi.resetModules()
  const { buildApp } = await import('../../src/app.ts')
  const db = openDatabase(service.databaseUrl, 5)
  const app = await buildApp({ ...service.deps, db }, pino({ level: 'silent' }))
  await app.ready()
  return {
    app,
    close: async () => {
      await app.close()
      await db.$client.end()
    },
  }
}
