import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fail, root, run, say } from './run.mjs'

const OLDEST_NODE = [20, 19]

/** Ends the script on a Node that is too old, before anything fails in a way that does not say so. */
export function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1]))
    fail(`Node ${OLDEST_NODE.join('.')} or newer is needed, this is ${process.versions.node}`)
}

/**
 * Brings node_modules to what package-lock.json says.
 *
 * Not by `npm ci`: it refuses a lock file that does not list the binaries of every other platform, which ours does not
 * when it was made against a mirror of a few. `--no-save` takes the locked versions all the same, and writes no lock file.
 */
export async function ensureNpmPackages() {
  const why = whyInstall()
  if (!why) return
  say(`npm packages: ${why}; running npm install`)
  if ((await run('npm', INSTALL)) !== 0) fail('npm install failed; what it said is above')
  const still = whyInstall()
  if (still) fail(`npm install did not bring what package-lock.json lists: ${still}`)
}

// A development install whatever NODE_ENV says: the build needs the compiler.
const INSTALL = ['install', '--no-save', '--include=dev', '--no-audit', '--no-fund']

/**
 * npm writes what it has installed into node_modules/.package-lock.json as its last act, so comparing that with our lock
 * file tells a finished, current install from an old or a broken one, whoever ran it; times of files would not.
 * @returns undefined when nothing is to be done.
 */
function whyInstall() {
  const wanted = readPackages(join(root, 'package-lock.json'))
  const installed = readPackages(join(root, 'node_modules', '.package-lock.json'))
  if (!wanted) fail('package-lock.json is missing or damaged; it belongs to the repository')
  if (!installed) return 'not installed yet'
  const fingerprint = ({ version, integrity }) => `${version} ${integrity}`
  for (const [path, entry] of Object.entries(wanted)) {
    // The root package, and packages for other platforms, are in no install.
    if (path === '' || (entry.optional && !installed[path])) continue
    if (!installed[path]) return `${path} is missing`
    if (fingerprint(installed[path]) !== fingerprint(entry)) return `${path} is not the version of package-lock.json`
  }
  return undefined
}

function readPackages(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages
  } catch {
    return undefined
  }
}
