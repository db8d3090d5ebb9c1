/**
 * The DHCP server of one network, and where it is routed its name server and what advertises its IPv6 prefix: a dnsmasq
 * process in the router's namespace, on the router's interface in the network.
 *
 * The process outlives the worker. It is found again by its pid file and known by its command line (the pid may have
 * passed to somebody else), its namespace (the router may have been made afresh) and its configuration on disk, which
 * is only ever written while no server runs: so a server that runs has the configuration that is there.
 */
import { mkdir, readFile, readlink, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'

import {
  type DhcpBinding,
  type DhcpFiles,
  dhcpConfig,
  dhcpFiles,
  isInRange,
  type Lease,
  parseLeases,
} from './dhcp-config.ts'
import { parseHostFiles, renderHostFiles, tagsSuffice } from './dhcp-host-files.ts'
import { namespaceIdentity, namespacePids } from './netns.ts'
import { holdsWithin, runInNamespace } from './run-command.ts'
import type { DhcpHost, NetworkSpec, SubnetSpec } from './specs.ts'

/** Leases that are given back one by one; for more, a restart with a shorter lease file is quicker. */
const MAX_RELEASES = 16

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ESRCH') return undefined // ESRCH: a process that ends while /proc is read
    throw error
  }
}

/** Replaces a file as a whole: a reader, and a crash, sees the old text or the new one. */
async function replaceText(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text, { mode: 0o644 })
  await rename(`${path}.new`, path)
}

/** True when any user may reach what is in `directory`: dnsmasq drops root before it reads its hosts file. */
async function isReachableByAll(directory: string): Promise<boolean> {
  for (let path = directory; ; path = dirname(path)) {
    if (((await stat(path)).mode & 0o001) === 0) return false
    if (path === dirname(path)) return true
  }
}

/** Command line (by argument) of a process; empty when there is none, or it has ended and nobody waits for it. */
const commandLine = async (pid: number): Promise<string[]> =>
  ((await readText(`/proc/${pid}/cmdline`)) ?? '').split('\0').filter(Boolean)

/**
 * True while a process is on its way out: it has no command line any more, but its sockets may still be bound.
 * @see do_exit() in the kernel's kernel/exit.c: memory goes before files, and the state becomes Z after both.
 */
async function isEnding(pid: number): Promise<boolean> {
  if ((await commandLine(pid)).length > 0) return false
  const state = /\) (\S)/.exec((await readText(`/proc/${pid}/stat`)) ?? '')?.[1]
  return state !== undefined && state !== 'Z' && state !== 'X'
}

/** Ends a process and waits until it is gone. The caller has made sure whose it is, by `isStill`. */
async function endProcess(pid: number, isStill: () => Promise<boolean>): Promise<void> {
  for (const [signal, patienceMs] of [
    ['SIGTERM', 2000],
    ['SIGKILL', 5000],
  ] as const) {
    try {
      process.kill(pid, signal)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
    if (await holdsWithin(patienceMs, 1, async () => !(await isStill()) && !(await isEnding(pid)))) return
  }
  throw new Error(`dnsmasq (pid ${pid}) does not end`)
}

/** Ends every DHCP server of this run directory that runs in a namespace, whatever its pid file says. */
export async function endServersIn(router: string, runDir: string): Promise<void> {
  await endMatching(router, (argument) => argument.startsWith(`--conf-file=${runDir}/dhcp/`))
}

async function endMatching(router: string, isOurs: (argument: string) => boolean): Promise<void> {
  for (const pid of await namespacePids(router)) {
    const isStill = async () => (await commandLine(pid)).some(isOurs)
    if (await isStill()) await endProcess(pid, isStill)
  }
}

export class DhcpServer {
  readonly files: DhcpFiles

  constructor(runDir: string, vni: number) {
    this.files = dhcpFiles(runDir, vni)
  }

  /** Pid of the running server, or `undefined`. Reads two small files: fit for a hot path. */
  async pid(): Promise<number | undefined> {
    const pid = Number((await readText(this.files.pid))?.trim())
    if (!Number.isInteger(pid) || pid <= 0) return undefined
    return (await this.#isServer(pid)) ? pid : undefined
  }

  async #isServer(pid: number): Promise<boolean> {
    return (await commandLine(pid)).includes(`--conf-file=${this.files.config}`)
  }

  /**
   * Makes a server run with exactly this configuration: adopts the one that does, replaces any other.
   * @returns true when it was started, false when it was running already.
   */
  async ensureRunning(
    network: NetworkSpec,
    subnet: SubnetSpec,
    binding: Omit<DhcpBinding, 'asRoot'>,
  ): Promise<boolean> {
    const { files } = this
    await mkdir(files.directory, { recursive: true, mode: 0o755 })
    const asRoot = !(await isReachableByAll(files.directory))
    const config = dhcpConfig(files, network, subnet, { ...binding, asRoot })
    const pid = await this.pid()
    if (pid !== undefined && (await readText(files.config)) === config && (await runsIn(pid, binding.router))) {
      return false
    }
    await this.#end(binding.router)
    await this.#start(config, binding.router)
    return true
  }

  async #start(config: string, router: string): Promise<void> {
    const { files } = this
    const hosts = await this.hosts()
    // A lease without its host would keep the address from the next one.
    const leases = (await this.leases()).filter(({ mac, address }) => hosts?.get(mac)?.address === address)
    await replaceText(files.leases, leases.map(({ line }) => `${line}\n`).join(''))
    if (hosts === undefined) await this.#write([])
    await replaceText(files.config, config)
    // It goes to the background by itself, once it is bound and has written its pid file.
    await runInNamespace(router, 'dnsmasq', [`--conf-file=${files.config}`])
  }

  async #end(router: string | undefined): Promise<void> {
    const pid = await this.pid()
    if (pid !== undefined) await endProcess(pid, () => this.#isServer(pid))
    // The pid file may be lost with the run directory while its server runs on, answering from memory.
    else if (router !== undefined) await endMatching(router, (arg) => arg === `--conf-file=${this.files.config}`)
  }

  /**
   * Ends the server and removes its files.
   * @param router - namespace to look in when the pid file is lost.
   */
  async remove(router: string | undefined): Promise<void> {
    await this.#end(router)
    await rm(this.files.directory, { recursive: true, force: true })
  }

  /** Text of the configuration on disk. */
  configText(): Promise<string | undefined> {
    return readText(this.files.config)
  }

  /** The hosts on disk, by MAC; `undefined` when the files are lost. */
  async hosts(): Promise<Map<string, DhcpHost> | undefined> {
    const { files } = this
    const [hosts, tags] = [await readText(files.hosts), await readText(files.tags)]
    if (hosts === undefined || tags === undefined) return undefined
    const [options, names] = [await readText(files.options), await readText(files.names)]
    return parseHostFiles({ hosts, tags, options: options ?? '', names: names ?? '' })
  }

  /** Writes the files for these hosts; `tags` as they are rendered, unless told to leave them. */
  async #write(hosts: readonly DhcpHost[], options: { readonly keepTags?: boolean } = {}): Promise<void> {
    const { files } = this
    const text = renderHostFiles(hosts)
    if (!options.keepTags) await replaceText(files.tags, text.tags)
    await replaceText(files.options, text.options)
    await replaceText(files.names, text.names)
    await replaceText(files.hosts, text.hosts)
  }

  /**
   * Replaces the hosts. The server reads them again, which costs nothing; when a MAC becomes primary or is no longer,
   * or is the first time given options of its own, it is started afresh (see `dhcp-host-files.ts`) and keeps its leases.
   * @throws {RangeError} when a value could be read as more than it is; nothing has changed then.
   */
  async setHosts(hosts: readonly DhcpHost[], router: string): Promise<void> {
    if (tagsSuffice((await readText(this.files.tags)) ?? '', hosts)) {
      await this.#write(hosts, { keepTags: true })
      await this.reload()
      return
    }
    renderHostFiles(hosts) // refuses what it must before the server ends
    const config = await this.configText()
    if (config === undefined) throw new Error(`${this.files.config} is gone`)
    await this.#end(router)
    await this.#write(hosts)
    await this.#start(config, router)
  }

  /** Has the server read its hosts again. It does so before it looks at the next packet. */
  async reload(): Promise<void> {
    const pid = await this.pid()
    if (pid !== undefined) process.kill(pid, 'SIGHUP')
  }

  /** Leases as last written; dnsmasq writes them before it answers. */
  async leases(): Promise<Lease[]> {
    return parseLeases((await readText(this.files.leases)) ?? '')
  }

  /**
   * Gives leases back, so that their addresses can be given to others at once. Their hosts are out of the hosts file
   * already. dnsmasq keeps leases in memory and would hold on to them until they expire.
   */
  async release(leases: readonly Lease[], router: string, ifName: string): Promise<void> {
    if (leases.length === 0) return
    if ((await this.pid()) === undefined) return // nobody remembers them: the next start drops them from the file
    const lines = new Set(leases.map(({ mac, address }) => `${mac} ${address}`))
    const isReleased = async () => !(await this.leases()).some(({ mac, address }) => lines.has(`${mac} ${address}`))
    const config = await this.configText()
    if (config === undefined) throw new Error(`${this.files.config} is gone`)
    // dhcp_release looks for the server among the interface's own addresses, and without a word does nothing.
    if (leases.length <= MAX_RELEASES && isInRange(config)) {
      await Promise.all(
        leases.map(({ mac, address }) => runInNamespace(router, 'dhcp_release', [ifName, address, mac])),
      )
      if (await holdsWithin(500, 1, isReleased)) return
    }
    // A start drops every lease whose host is gone. The others keep theirs.
    await this.#end(router)
    await this.#start(config, router)
  }
}

async function runsIn(pid: number, netns: string): Promise<boolean> {
  const inode = (await namespaceIdentity(netns))?.split('@')[0]
  try {
    return (await readlink(`/proc/${pid}/ns/net`)) === `net:[${inode}]`
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}
