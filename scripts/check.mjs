// npm run check: what takes seconds and finds most mistakes. Unit tests include the import boundaries.
import { join } from 'node:path'
import { ensureBuild } from './lib/build.mjs'
import { checkNode, ensureNpmPackages } from './lib/npm-packages.mjs'
import { completePath, root, run } from './lib/run.mjs'
import { printSummary, timed } from './lib/steps.mjs'

checkNode()
completePath()
await ensureNpmPackages()

const node = (...args) => run(process.execPath, args)
const module = (...path) => join(root, 'node_modules', ...path)
const STEPS = [
  ['format, lint', () => node(module('@biomejs', 'biome', 'bin', 'biome'), 'check', '--error-on-warnings')],
  ['types', () => node(module('typescript', 'bin', 'tsc'), '-p', 'tsconfig.json')],
  ['unit tests', () => node(module('vitest', 'vitest.mjs'), 'run', '--project', 'unit')],
  ['openapi drift', () => ensureBuild().then(() => node(join('dist', 'src', 'cli.js'), 'openapi', '--check'))],
]
const results = []
// All of them, even after a failure: one run then tells everything that is to be mended.
for (const [name, act] of STEPS)
  results.push(await timed(name, async () => ({ outcome: (await act()) === 0 ? 'ok' : 'FAILED' })))
printSummary('check', results)
process.exitCode = results.some(({ outcome }) => outcome !== 'ok') ? 1 : 0
