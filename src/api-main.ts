import { pino } from 'pino'
import { buildApp } from './app.ts'
import { type Config, loadSecretKey } from './config.ts'
import { openDatabase } from './db/client.ts'
import { assertSchema } from './db/migrate.ts'
import { startHousekeeping } from './housekeeping.ts'
import { openPublisher } from './jobs/engines.ts'
import { queueAccessForWorkers } from './jobs/queue-access.ts'
import { startRelay } from './jobs/relay.ts'

/** Runs one API replica until SIGTERM or SIGINT. */
export async function runApi(config: Config): Promise<void> {
  if (config.databaseUrl === undefined) throw new Error('DATABASE_URL is required to run the API by itself')
  const log = pino({ level: config.logLevel, name: 'api' })
  const db = openDatabase(config.databaseUrl)
  await assertSchema(db.$client)
  const secretKey = loadSecretKey(config)
  const publisher = await openPublisher(
    config.redisUrl === undefined
      ? { engine: 'postgres', url: config.databaseUrl }
      : { engine: 'redis', url: config.redisUrl },
  )
  const queueAccess = await queueAccessForWorkers(db, secretKey, config.databaseUrl, config.redisUrl)
  const relay = startRelay(db, publisher, log)
  const housekeeping = startHousekeeping(db, log)
  const app = await buildApp(
    {
      db,
      publisher,
      relay,
      secretKey,
      queueAccess,
      instances: { guest: config.guest, images: config.images },
      trustedProxies: config.trustedProxies,
    },
    log,
  )
  await app.listen({ host: config.host, port: config.port })

  let stopping = false
  const stop = async (): Promise<void> => {
    if (stopping) return
    stopping = true
    await app.close()
    housekeeping.close()
    await relay.close()
    await publisher.close()
    await db.$client.end()
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void stop())
}
