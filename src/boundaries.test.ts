/** What may import what, and what nobody may do: read from the text of `src`. */
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'

const root = import.meta.dirname
const FILES = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
  .map((file) => ({ file, text: readFileSync(path.join(root, file), 'utf8') }))

/** What a file imports: packages by name, ours by path below `src`. */
const importsOf = ({ file, text }: (typeof FILES)[number]): string[] =>
  [
    ...text.matchAll(
      /(?:^|\n)(?:import|export)\b[^'"\n]*(?:\n[^'"]*?)?from\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/g,
    ),
  ].map(([, from, lazily]) => {
    const name = from ?? lazily ?? ''
    return name.startsWith('.') ? path.join(path.dirname(file), name) : name
  })

/** `file imports what`, for files below `from` and imports that match. */
function imports(from: RegExp, what: RegExp): string[] {
  return FILES.filter(({ file }) => from.test(file)).flatMap((one) =>
    importsOf(one)
      .filter((name) => what.test(name))
      .map((name) => `${one.file} imports ${name}`),
  )
}
const filesWith = (text: RegExp): string[] =>
  FILES.filter((one) => text.test(one.text))
    .map(({ file }) => file)
    .sort()

it('the imports are found', () => {
  expect(FILES.length).toBeGreaterThan(70)
  expect(imports(/^routes\/nics\.ts$/, /./)).toContain('routes/nics.ts imports domain/nic/nics.ts')
  expect(imports(/^cli\.ts$/, /./)).toContain('cli.ts imports workers/main.ts')
})

it('routes and workers never import each other', () => {
  expect([...imports(/^routes\//, /^workers\//), ...imports(/^workers\//, /^routes\//)]).toEqual([])
})

it('workers know neither the database nor the rules: they get a work order', () => {
  // Address arithmetic is the same on both sides.
  expect(imports(/^workers\//, /^(db|domain)\/(?!network\/subnet\.ts)|^(pg|drizzle-orm|fastify)/)).toEqual([])
})

it('the domain knows no HTTP, no queue engine and no kernel', () => {
  expect(
    imports(/^domain\//, /^(fastify|@fastify|bullmq|ioredis|node:https?|node:child_process)|^(routes|workers)\//),
  ).toEqual([])
  expect(imports(/^domain\//, /^jobs\/(engines|relay)/)).toEqual([])
})

it('the database layer knows of the domain its vocabulary only', () => {
  expect(
    imports(
      /^db\//,
      /^(routes|workers|jobs)\/|^domain\/(?!errors\.ts|server\/guest-kinds\.ts|network\/network-kinds\.ts)/,
    ),
  ).toEqual([])
})

it('the queue engine is named in one file', () => {
  const files = imports(/./, /^(bullmq|ioredis)$/).map((line) => line.split(' ')[0])
  expect(new Set(files)).toEqual(new Set(['jobs/engines.ts']))
})

it('only config.ts reads the environment', () => {
  // A command that a worker runs gets this PATH and nothing else of ours.
  expect(filesWith(/^(?! *\*| *\/\/).*process\.env/m)).toEqual(['config.ts', 'workers/host/run-command.ts'])
})

it('only the layers that drive the host start processes', () => {
  const OTHERS = [
    'data-lock.ts', // flock holds the lock of a data folder
    'embedded-postgres.ts',
    'kept-child.ts', // the supervisor's children: API and worker
    'postgres-account.ts', // PostgreSQL refuses to run as root
    'workers/kernel-monitor.ts', // ip monitor
  ]
  const starting = filesWith(/['"]node:child_process['"]/)
  expect(starting.filter((file) => !/^workers\/(host|guests)\//.test(file))).toEqual(OTHERS)
})

it('no type is switched off', () => {
  expect(filesWith(/@ts-(ignore|nocheck|expect-error)/)).toEqual([])
  expect(filesWith(/(:|<|\bas|\|)\s*any\b(?!\w| \w)/)).toEqual([])
})
