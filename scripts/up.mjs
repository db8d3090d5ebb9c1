// npm start: whatever is missing, then `patchbay up` in this very process.
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ensureBuild } from './lib/build.mjs'
import { ensureGuestImage, ensurePrograms, RUN_PROGRAMS } from './lib/debian-packages.mjs'
import { checkNode, ensureNpmPackages } from './lib/npm-packages.mjs'
import { completePath, findCommand, root, warn } from './lib/run.mjs'

checkNode()
completePath()
await ensureNpmPackages()
ensurePrograms(RUN_PROGRAMS)
await ensureBuild()
if (!findCommand('qemu-system-x86_64')) warn('QEMU is not installed: servers with guest "qemu" cannot be started')
else if (!ensureGuestImage()) warn('there is no guest image: servers with guest "qemu" cannot be started')

process.chdir(root)
const cli = join(root, 'dist', 'src', 'cli.js')
process.argv = [process.execPath, cli, 'up', ...process.argv.slice(2)]
await import(pathToFileURL(cli).href)
