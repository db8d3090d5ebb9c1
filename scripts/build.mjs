// npm run build: the service and the console, as far as they are not what the sources say.
import { ensureBuild } from './lib/build.mjs'
import { checkNode, ensureNpmPackages } from './lib/npm-packages.mjs'
import { completePath } from './lib/run.mjs'

checkNode()
completePath()
await ensureNpmPackages()
await ensureBuild()
