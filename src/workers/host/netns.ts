/**
 * Named network namespaces: the data plane's, one per VPC router, one per namespace guest.
 *
 * A namespace of ours carries its mark as the alias of its `lo`, and never exists under its name without it: it is
 * made nameless, marked, and only then given its name. So an unmarked namespace under our name is somebody else's,
 * and a crash half-way leaves nothing at all.
 */
import { readdir, stat, statfs } from 'node:fs/promises'

import { ForeignObjectError } from '../errors.ts'
import { saysExists, saysGone } from './ip-command.ts'
import { KeyedMutex } from './keyed-mutex.ts'
import { findLinks } from './links.ts'
import { HostCommandError, holdsWithin, runCommand, runInNamespace } from './run-command.ts'

const DIRECTORY = '/run/netns'
const NSFS_MAGIC = 0x6e736673 // linux/magic.h

const mutex = new KeyedMutex()
/** Namespaces whose mark this process has read: name → identity and mark. */
const verified = new Map<string, string>()

const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT'

/**
 * Tells one namespace from another that later gets the same name.
 * @returns inode and time of the namespace (the kernel uses inode numbers again), or `undefined` when there is none.
 */
export async function namespaceIdentity(name: string): Promise<string | undefined> {
  try {
    const { ino, ctimeNs } = await stat(`${DIRECTORY}/${name}`, { bigint: true })
    return `${ino}@${ctimeNs}`
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

/**
 * True when the namespace is there and carries `mark`; false when there is none.
 * @throws {ForeignObjectError} when a namespace of that name carries no mark or another one.
 */
export async function isOurNamespace(name: string, mark: string): Promise<boolean> {
  const identity = await namespaceIdentity(name)
  if (identity === undefined) return false
  if (verified.get(name) === `${identity} ${mark}`) return true
  if (!(await isMounted(name))) return false
  const alias = (await findLinks(name, ['lo'])).get('lo')?.alias
  if (alias !== mark) {
    throw new ForeignObjectError(`network namespace ${name} is not ours: its lo has the alias "${alias ?? ''}"`)
  }
  verified.set(name, `${identity} ${mark}`)
  return true
}

/** False for the plain file that a crash of any `ip netns add` leaves: there is no namespace behind it. */
async function isMounted(name: string): Promise<boolean> {
  const mounted = async () => (await statfs(`${DIRECTORY}/${name}`)).type === NSFS_MAGIC
  // The file stands there for a moment in every creation: give a living one the time to get on.
  return holdsWithin(100, 10, mounted)
}

/**
 * Makes a namespace that carries `mark` on its `lo`; one that is there already stays as it is.
 * @param options.loUp - brings `lo` up in a new one.
 * @throws {ForeignObjectError} when a namespace of that name is not ours.
 */
export async function ensureNamespace(name: string, mark: string, options: { loUp: boolean }): Promise<void> {
  if (!/^[\w.-]{1,200}$/.test(name)) throw new RangeError(`"${name}" cannot name a network namespace`)
  await mutex.run([name], async () => {
    if (await isOurNamespace(name, mark)) return
    // Only a dead file can still stand here: isOurNamespace has looked.
    if ((await namespaceIdentity(name)) !== undefined) await runCommand('ip', ['netns', 'delete', name])
    try {
      // unshare becomes ip, so the pid of the child is the one whose namespace gets the name.
      await runCommand('unshare', ['--net', '--', 'ip', '-batch', '-'], {
        input: (pid) => `link set dev lo alias ${mark} ${options.loUp ? 'up' : 'down'}\nnetns attach ${name} ${pid}\n`,
      })
    } catch (error) {
      // Somebody was quicker: another worker process (then it is ours after all), or a stranger.
      if (!(error instanceof HostCommandError && saysExists(error.stderr))) throw error
      if (!(await isOurNamespace(name, mark))) throw error
      return
    }
    verified.set(name, `${await namespaceIdentity(name)} ${mark}`)
  })
}

/**
 * Takes a namespace away; success when there is none. Processes inside keep it alive without its name.
 * @throws {ForeignObjectError} when a namespace of that name is not ours.
 */
export async function deleteNamespace(name: string, mark: string): Promise<void> {
  await mutex.run([name], async () => {
    verified.delete(name) // deleting is rare and final: read the mark itself
    if (!(await isOurNamespace(name, mark))) return
    verified.delete(name)
    const { exitCode, stderr } = await runCommand('ip', ['netns', 'delete', name], { allowFailure: true })
    if (exitCode !== 0 && !saysGone(stderr)) {
      throw new HostCommandError(`ip netns delete ${name}: ${stderr.trim()}`, {
        command: ['ip', 'netns', 'delete', name],
        exitCode,
        stderr,
      })
    }
  })
}

/** Names of all namespaces of the host that begin with `prefix`. */
export async function namespacesNamed(prefix: string): Promise<string[]> {
  try {
    return (await readdir(DIRECTORY)).filter((name) => name.startsWith(prefix))
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}

/**
 * Sets kernel parameters of a namespace. Unknown ones are passed over: a parameter of a module that is not loaded
 * has nothing to switch off.
 * @param values - for example `{ 'net.ipv4.ip_forward': 0 }`.
 */
export async function setSysctls(netns: string, values: Readonly<Record<string, number>>): Promise<void> {
  const args = Object.entries(values).map(([key, value]) => `${key}=${value}`)
  await runInNamespace(netns, 'sysctl', ['-e', '-q', '-w', ...args])
}

/** Ids of the processes that run in a namespace. Reads all of /proc: not for a hot path. */
export async function namespacePids(name: string): Promise<number[]> {
  if ((await namespaceIdentity(name)) === undefined) return []
  const { stdout } = await runCommand('ip', ['netns', 'pids', name])
  return stdout.split('\n').filter(Boolean).map(Number)
}
