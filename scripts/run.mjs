// npm run demo | bench | openapi: builds if need be, then runs the built program.
import { join } from 'node:path'
import { ensureBuild } from './lib/build.mjs'
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
await ensureBuild()
if (name === 'bench' && !ensureGuestImage()) warn('there is no guest image: the figures of QEMU guests will be missing')
const program = name === 'bench' ? join('dist', 'bench', 'main.js') : join('dist', 'src', 'cli.js')
process.exitCode = await run(process.execPath, [join(root, program), ...(name === 'bench' ? [] : [name]), ...args])
