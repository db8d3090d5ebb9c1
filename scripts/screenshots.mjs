// npm run screenshots: pictures of the console, in docs/screenshots. Arguments are names of views (all when there are none).
import { join } from 'node:path'
import { ensureBuild } from './lib/build.mjs'
import { ensurePrograms, TEST_PROGRAMS } from './lib/debian-packages.mjs'
import { checkNode, ensureNpmPackages } from './lib/npm-packages.mjs'
import { completePath, root, run } from './lib/run.mjs'

checkNode()
completePath()
await ensureNpmPackages()
ensurePrograms(TEST_PROGRAMS)
await ensureBuild()
const names = process.argv.slice(2)
const wanted = names.length > 0 ? ['-t', `screenshots (${names.join('|')}), `] : []
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
process.exitCode = await run(process.execPath, [vitest, 'run', '--project', 'screenshots', ...wanted])
