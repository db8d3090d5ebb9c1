import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { pino } from 'pino'
import { buildApp, type Deps } from './app.ts'
import { packageRoot } from './package-root.ts'

const file = path.join(packageRoot, 'openapi/openapi.json')

/** The OpenAPI document as the routes define it. Needs no database: nothing is asked of it. */
export async function openapiDocument(): Promise<string> {
  const app = await buildApp({ db: {}, relay: { send: () => undefined } } as unknown as Deps, pino({ level: 'silent' }))
  await app.ready()
  const text = `${JSON.stringify(app.swagger(), null, 2)}\n`
  await app.close()
  return text
}

/** Writes `openapi/openapi.json`; with `--check` fails when it is not what the routes say. */
export async function runOpenapi(args: readonly string[]): Promise<void> {
  const text = await openapiDocument()
  if (!args.includes('--check')) return writeFile(file, text)
  const stored = await readFile(file, 'utf8').catch(() => '')
  if (stored !== text) throw new Error('openapi/openapi.json is not what the routes say: run "npm run openapi"')
}
