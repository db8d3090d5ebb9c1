import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { compressFiles } from './compress.mjs'
import { fail, root, run, say } from './run.mjs'

const SERVICE_FOLDERS = ['src', 'bench']
const SERVICE_SETTINGS = ['tsconfig.json', 'tsconfig.build.json', 'package-lock.json']
const CONSOLE_SETTINGS = ['tsconfig.json', 'package-lock.json']

/** Brings everything in dist/ to what the sources say. */
export async function ensureBuild() {
  await ensureService()
  await ensureConsole()
}

/** Compiles src/ and bench/ into dist/, unless dist/ was compiled from just these sources. */
export async function ensureService() {
  const sources = SERVICE_FOLDERS.flatMap(listFiles).filter((file) => isSource(file) && /\.(ts|json)$/.test(file))
  await unlessStamped('dist', [...SERVICE_SETTINGS, ...sources], async () => {
    say('building')
    await node(join('typescript', 'bin', 'tsc'), '-p', 'tsconfig.build.json')
    removeOrphans(new Set(sources))
  })
}

/** Builds console/ into dist/console, each file with its compressed siblings, unless it was built from just these sources. */
export async function ensureConsole() {
  const sources = listFiles('console').filter(isSource)
  await unlessStamped(join('dist', 'console'), [...CONSOLE_SETTINGS, ...sources], async () => {
    say('building the console')
    await node(join('vite', 'bin', 'vite.js'), 'build', 'console', '--logLevel', 'warn')
    await compressFiles(join(root, 'dist', 'console'))
  })
}

/** Acts unless the stamp in `folder` says that this was done with these very files. */
async function unlessStamped(folder, files, act) {
  const stamp = join(root, folder, '.build-stamp')
  const hash = createHash('sha256')
  for (const file of files) hash.update(`${file}\0`).update(readFileSync(join(root, file)))
  const digest = hash.digest('hex')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) return
  mkdirSync(join(root, folder), { recursive: true })
  // Gone until the build has succeeded, so that a broken one is not taken for current.
  rmSync(stamp, { force: true })
  await act()
  writeFileSync(stamp, digest)
}

/** Runs a program of a package to its end. */
async function node(program, ...args) {
  const code = await run(process.execPath, [join('node_modules', program), ...args], {
    // React has a slow form for development, which Vite would take over from whoever called us.
    env: { NODE_ENV: 'production' },
  })
  if (code !== 0) fail('the build failed; see above')
}

const isSource = (file) => !/\.test\.tsx?$/.test(file)

function listFiles(folder) {
  if (!existsSync(join(root, folder))) return []
  return readdirSync(join(root, folder), { withFileTypes: true })
    .flatMap((entry) => {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) return entry.name === 'results' ? [] : listFiles(path)
      return [path]
    })
    .sort()
}

/** Takes away what was compiled from sources that are no more; it would still run when imported by name. */
function removeOrphans(sources) {
  for (const file of SERVICE_FOLDERS.flatMap((folder) => listFiles(join('dist', folder)))) {
    const source = file.replace(/^dist./, '').replace(/\.js(\.map)?$/, '.ts')
    if (source.endsWith('.ts') && !sources.has(source)) rmSync(join(root, file))
  }
}
