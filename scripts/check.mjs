// npm run check: what takes seconds and finds most mistakes. Unit tests include the import boundaries.
import { join } from 'node:path'
import { ensureService } from './lib/build.mjs'
import { checkNode, ensureNpmPackages } from './lib/npm-packages.mjs'
import { completePath, root, run } from './lib/run.mjs'
import { printSummary, timed } from './lib/steps.mjs'

checkNode()
completePath()
await ensureNpmPackages()

const node = (...args) => run(process.execPath, args)
const module = (...path) => join(root, 'node_modules', ...path)
const tsc = (project) => node(module('typescript', 'bin', 'tsc'), '-p', project)
const STEPS = [
  ['format, lint', () => node(module('@biomejs', 'biome', 'bin', 'biome'), 'check', '--error-on-warnings')],
  ['types', () => tsc('tsconfig.json')],
  ['console types', () => tsc(join('console', 'tsconfig.json'))],
  ['console test types', () => tsc(join('test', 'console', 'tsconfig.json'))],
  ['unit tests', () => node(module('vitest', 'vitest.mjs'), 'run', '--project', 'unit')],
  ['openapi drift', () => ensureService().then(() => node(join('dist', 'src', 'cli.js'), 'openapi', '--check'))],
  ['client drift', () => node(join('scripts', 'openapi-client.mjs'), '--check')],
]
const results = []
// All of them, even after a failure: one run then tells everything that is to be mended.
for (const [name, act] of STEPS)
  results.push(await timed(name, async () => ({ outcome: (await act()) === 0 ? 'ok' : 'FAILED' })))
printSummary('check', results)
process.exitCode = results.some(({ outcome }) => outcome !== 'ok') ? 1 : 0
