import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fail, root, run, say } from './run.mjs'

const SOURCE_FOLDERS = ['src', 'bench']
const SETTINGS = ['tsconfig.json', 'tsconfig.build.json', 'package-lock.json']
const stamp = join(root, 'dist', '.build-stamp')

/** Compiles src/ and bench/ into dist/, unless dist/ was compiled from just these sources. */
export async function ensureBuild() {
  const sources = SOURCE_FOLDERS.flatMap(listSources)
  const hash = createHash('sha256')
  for (const file of [...SETTINGS, ...sources]) hash.update(`${file}\0`).update(readFileSync(join(root, file)))
  const digest = hash.digest('hex')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) return
  say('building')
  mkdirSync(join(root, 'dist'), { recursive: true })
  // Gone until the build has succeeded, so that a broken one is not taken for current.
  rmSync(stamp, { force: true })
  const tsc = join('node_modules', 'typescript', 'bin', 'tsc')
  if ((await run(process.execPath, [tsc, '-p', 'tsconfig.build.json'])) !== 0) fail('the build failed; see above')
  removeOrphans(new Set(sources))
  writeFileSync(stamp, digest)
}

function listSources(folder) {
  return listFiles(folder).filter((file) => /\.(ts|json)$/.test(file) && !file.endsWith('.test.ts'))
}

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
  for (const file of SOURCE_FOLDERS.flatMap((folder) => listFiles(join('dist', folder)))) {
    const source = file.replace(/^dist./, '').replace(/\.js(\.map)?$/, '.ts')
    if (source.endsWith('.ts') && !sources.has(source)) rmSync(join(root, file))
  }
}
