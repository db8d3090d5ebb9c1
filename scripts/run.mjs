// npm run demo | bench | openapi: builds if need be, then runs the built program.
import { join } from 'node:path'
import { ensureService } from './lib/build.mjs'
import {
  BENCH_PROGRAMS,
  ensureGuestImage,
  ensurePgbench,
  ensurePrograms,
  ensureRedisServer,
} from './lib/debian-packages.mjs'
import { checkNode, ensureNpmPackages } from './lib/npm-packages.mjs'
import { completePath, fail, root, run, warn } from './lib/run.mjs'

const [name, ...args] = process.argv.slice(2)
if (!name) fail('usage: node scripts/run.mjs bench | <command of patchbay> [switches]')
checkNode()
completePath()
await ensureNpmPackages()
if (name === 'bench') {
  ensurePrograms(BENCH_PROGRAMS)
  ensureRedisServer()
  ensurePgbench()
}
await ensureService()
if (name === 'bench' && !ensureGuestImage()) warn('there is no guest image: the figures of QEMU guests will be missing')
const program = name === 'bench' ? join('dist', 'bench', 'main.js') : join('dist', 'src', 'cli.js')
process.exitCode = await run(process.execPath, [join(root, program), ...(name === 'bench' ? [] : [name]), ...args])
// The console's client is generated from what the command has just written, and follows it.
if (name === 'openapi' && process.exitCode === 0)
  process.exitCode = await run(process.execPath, [join(root, 'scripts', 'openapi-client.mjs'), ...args])
