import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { lchown, readdir, readFile, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** An account of its own: Debian's `postgres` may own other clusters of this machine, and would then own ours. */
export const ACCOUNT_NAME = 'patchbay-postgres'

export interface Ids {
  readonly uid: number
  readonly gid: number
}

/** How PostgreSQL is run on this machine. */
export interface PostgresAccount {
  /** Whom cluster and socket must belong to; undefined when we run it as ourselves. */
  readonly ids: Ids | undefined
  /** The command line that runs `program` under the account, ending with this process. */
  command(program: string, args: readonly string[]): [string, string[]]
}

/**
 * One capability: to pass through folders, and read files, of others. PostgreSQL asks access(2) whether it may run its own
 * files, which forgets capabilities of a user other than root unless `no_setuid_fixup` is set (capabilities(7)).
 */
const PASS_THROUGH = [
  '--securebits=+no_setuid_fixup',
  ...['--inh-caps', '--ambient-caps', '--bounding-set'].map((option) => `${option}=-all,+dac_read_search`),
]

/**
 * PostgreSQL refuses to run as root, so root lends it an account, made on first use. Others run it as themselves.
 *
 * `setpriv` also asks the kernel to stop the server when our process dies (SIGINT is PostgreSQL's fast shutdown). It has
 * to come after the change of user, which clears that wish.
 * @param paths - what the account must be able to reach. A clone in /root is not, so there the server gets the one
 *   capability to pass through folders and read files of others; it still owns and writes only its own.
 */
export async function postgresAccount(
  paths: readonly string[],
  log: { info(message: string): void },
): Promise<PostgresAccount> {
  const dieWithUs = ['--pdeathsig', 'INT']
  if (process.getuid?.() !== 0)
    return { ids: undefined, command: (program, args) => ['setpriv', [...dieWithUs, program, ...args]] }
  const ids = (await findAccount()) ?? (await makeAccount(log))
  const become = [`--reuid=${ids.uid}`, `--regid=${ids.gid}`, '--clear-groups', '--no-new-privs']
  const reachable = (await Promise.all(paths.map((path) => canReach(path, ids)))).every(Boolean)
  // Dropped from the bounding set as well: what PostgreSQL starts can get no more than this.
  const rights = reachable ? ['--inh-caps=-all', '--bounding-set=-all'] : PASS_THROUGH
  return { ids, command: (program, args) => ['setpriv', [...become, ...rights, ...dieWithUs, program, ...args]] }
}

async function findAccount(): Promise<Ids | undefined> {
  const lines = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'))
  const fields = lines.find(([name]) => name === ACCOUNT_NAME)
  return fields && { uid: Number(fields[2]), gid: Number(fields[3]) }
}

async function makeAccount(log: { info(message: string): void }): Promise<Ids> {
  log.info(`adding the system user ${ACCOUNT_NAME}, since PostgreSQL does not run as root`)
  const args = ['--system', '--user-group', '--no-create-home', '--home-dir', '/nonexistent']
  let output = ''
  // useradd refuses while another one holds its lock, or when that other one just made the account.
  for (let attempt = 0; attempt < 10; attempt++) {
    const useradd = spawn('useradd', [...args, '--shell', '/usr/sbin/nologin', ACCOUNT_NAME], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    output = ''
    useradd.stderr.on('data', (chunk: Buffer) => (output += chunk))
    await once(useradd, 'close')
    const ids = await findAccount()
    if (ids) return ids
    await sleep(200)
  }
  throw new Error(`the user ${ACCOUNT_NAME} cannot be added: ${output.trim()}`)
}

/** Whether every folder above `path` lets the account pass, going by owner, group and others. */
async function canReach(path: string, ids: Ids): Promise<boolean> {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    const { mode, uid, gid } = await stat(folder)
    const passes = uid === ids.uid ? 0o100 : gid === ids.gid ? 0o010 : 0o001
    if ((mode & passes) === 0) return false
    if (folder === dirname(folder)) return true
  }
}

/** Gives a folder and all in it to `ids`; links are not followed. */
export async function chownTree(path: string, ids: Ids): Promise<void> {
  const below = await readdir(path, { recursive: true })
  for (const name of ['.', ...below]) await lchown(join(path, name), ids.uid, ids.gid)
}
