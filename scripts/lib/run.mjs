import { spawn, spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder of package.json. */
export const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')

export const say = (line) => console.log(`patchbay: ${line}`)
export const warn = (line) => console.error(`patchbay: WARNING: ${line}`)

/** Ends the script with one clear line. */
export function fail(line) {
  console.error(`patchbay: ${line}`)
  process.exit(1)
}

/** Where Debian keeps the commands of root, which a root shell started by `su` does not always have on its PATH. */
const SYSTEM_FOLDERS = ['/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/local/bin', '/usr/bin', '/bin']

/** Folder of the commands that are taken out of packages, rather than installed with the services these bring. */
export const toolsFolder = join(root, 'dist', 'tools')

/** Makes sure that this process and its children find the commands of root, and those of `toolsFolder`. */
export function completePath() {
  const folders = [...(process.env.PATH ?? '').split(delimiter), toolsFolder, ...SYSTEM_FOLDERS]
  process.env.PATH = [...new Set(folders.filter(Boolean))].join(delimiter)
}

/** Path of a command, or undefined. A lookup by file costs microseconds where `which` costs a process. */
export function findCommand(name) {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const file = join(folder, name)
    try {
      accessSync(file, constants.X_OK)
      return file
    } catch {
      // not in this folder
    }
  }
  return undefined
}

/** Runs a command to its end, its output shown as it comes. Returns its exit code, 128 if a signal ended it. */
export async function run(command, args, { env = {}, cwd = root } = {}) {
  const child = spawn(command, args, { stdio: 'inherit', cwd, env: { ...process.env, ...env } })
  // Ctrl-C reaches the child as well; it ends, and then so do we, in good order.
  const ignore = () => undefined
  process.on('SIGINT', ignore)
  try {
    return await new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('exit', (code) => resolve(code ?? 128))
    })
  } finally {
    process.off('SIGINT', ignore)
  }
}

/** Runs a command to its end and returns `{ code, output }`, the output being both streams. */
export function capture(command, args, { env = {}, cwd = root } = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, ...env },
    maxBuffer: 64 * 1024 * 1024,
  })
  return { code: status ?? 128, output: error ? String(error) : `${stdout}${stderr}` }
}
