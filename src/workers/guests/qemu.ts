/**
 * A guest that is a QEMU process: one that we start, or an existing one that was adopted by its monitor socket.
 *
 * - Ours runs in the data plane's network namespace, detached, so it outlives the worker. Everything that a later worker
 *   needs to find it is in its run directory: `pid`, `qmp.sock`, `agent.sock`, and `console.sock` for people.
 * - Whether it runs is told by the process table, never by these files: a crash leaves them behind.
 * - NIC in slot N sits on root port `portN` as device `nic-<mac>` with netdev `net-<mac>`.
 * - An adopted machine is never started or stopped here. Its NICs go to the first free root port. It must run in the
 *   data plane's namespace: elsewhere QEMU would not find our tap, and quietly make another one of the same name.
 */
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'

import { TransientError } from '../errors.ts'
import { tapName } from '../host/names.ts'
import { runInNamespace } from '../host/run-command.ts'
import type { TapSpec } from '../host/specs.ts'
import type { Guest, GuestInterface, GuestNic } from './guest.ts'
import { type ExecResult, GuestAgent } from './guest-agent.ts'
import { AGENT_BUS, nicDeviceId, portOf, type QemuMachine, type QemuPaths, qemuArguments } from './qemu-command.ts'
import {
  addCards,
  cardMacs,
  cutCards,
  deviceIds,
  freePorts,
  type PlugPlace,
  removeCards,
  waitForDriver,
} from './qemu-hotplug.ts'
import {
  assertGone,
  findListener,
  findProcess,
  hasKvm,
  isGoneWithin,
  killProcess,
  tapsOfProcess,
} from './qemu-process.ts'
import { Qmp } from './qmp.ts'

/** Bytes of `sun_path` without its closing NUL. @see unix(7) */
const SOCKET_PATH_BYTES = 107
/** How long a guest may take for a card, its boot included. */
const DRIVER_TIMEOUT_MS = 20_000
const RELEASE_TIMEOUT_MS = 10_000
const GRACE_MS = 30_000

interface QemuPlace {
  /** Id of the server. */
  readonly id: string
  /** Name of the data plane's network namespace, as `ip netns` lists it. */
  readonly netns: string
}

/** A machine that is started here. `dir` is its run directory, made when needed. */
export type QemuOwnedOptions = QemuPlace & QemuMachine & { readonly dir: string }

/** A machine that runs already, and is started and stopped by somebody else. */
export interface QemuAdoptedOptions extends QemuPlace {
  readonly adopted: {
    /** Path of a monitor socket in QMP mode, exactly as QEMU was given it, that nobody else keeps connected. */
    readonly qmpSocket: string
    /** Path of the guest agent's socket; without it nothing can be seen from inside. */
    readonly qgaSocket?: string
  }
}

export type QemuGuestOptions = QemuOwnedOptions | QemuAdoptedOptions

export class QemuGuest implements Guest {
  readonly #id: string
  readonly #netns: string
  readonly #owned: (QemuPaths & { machine: QemuMachine; dir: string }) | undefined
  readonly #qmpSocket: string
  readonly #agentSocket: string | undefined

  /** @throws {RangeError} when `dir` is too long for the unix sockets in it. */
  constructor(options: QemuGuestOptions) {
    this.#id = options.id
    this.#netns = options.netns
    if ('adopted' in options) {
      this.#owned = undefined
      this.#qmpSocket = options.adopted.qmpSocket
      this.#agentSocket = options.adopted.qgaSocket
      return
    }
    const { dir } = options
    const inDir = (name: string) => join(dir, name)
    const agent = inDir('agent.sock')
    const console = inDir('console.sock') // the longest of the three
    if (Buffer.byteLength(console) > SOCKET_PATH_BYTES) {
      throw new RangeError(`${console} is longer than ${SOCKET_PATH_BYTES} bytes: choose a shorter run directory`)
    }
    this.#qmpSocket = inDir('qmp.sock')
    this.#agentSocket = agent
    this.#owned = {
      machine: options,
      dir,
      qmp: this.#qmpSocket,
      agent,
      pidFile: inDir('pid'),
      console: console,
    }
  }

  tapDevice(_nic: GuestNic): TapSpec['device'] {
    return { kind: 'tap' }
  }

  async isRunning(): Promise<boolean> {
    return (await this.#process()) !== undefined
  }

  async start(nics: readonly GuestNic[]): Promise<void> {
    const owned = this.#mine()
    if (await this.isRunning()) return
    await mkdir(owned.dir, { recursive: true, mode: 0o700 })
    // NICs on the command line: either QEMU stands with all of them, or it does not start.
    const args = qemuArguments(owned.machine, owned, nics, { kvm: await hasKvm() })
    await runInNamespace(this.#netns, 'qemu-system-x86_64', args)
  }

  async stop(options: { readonly force: boolean; readonly graceMs?: number }): Promise<void> {
    const { pidFile } = this.#mine()
    if (!options.force && (await this.isRunning())) {
      await this.#askToPowerOff()
      await isGoneWithin(pidFile, options.graceMs ?? GRACE_MS)
    }
    const pid = await findProcess(pidFile)
    // No `quit` before it: a SIGKILL cuts the power just as well, and works on a QEMU that hangs.
    if (pid !== undefined) killProcess(pid)
    await assertGone(pidFile)
    for (const path of [pidFile, this.#qmpSocket, this.#mine().agent, this.#mine().console])
      await rm(path, { force: true })
  }

  async plug(nics: readonly GuestNic[]): Promise<void> {
    if (nics.length === 0) return
    const pid = await this.#process()
    if (pid === undefined) throw new TransientError(`server ${this.#id} does not run`)
    const taps = await tapsOfProcess(pid)
    await Qmp.session(this.#qmpSocket, async (qmp) => {
      // A card that comes while the system boots can be missed by it: first there is a driver for the agent's port.
      if (this.#owned) await waitForDriver(qmp, [AGENT_BUS], DRIVER_TIMEOUT_MS)
      await addCards(qmp, nics, await this.#place(qmp, nics, taps))
      await waitForDriver(
        qmp,
        nics.map((nic) => nicDeviceId(nic.mac)),
        DRIVER_TIMEOUT_MS,
      )
    })
  }

  async unplug(
    nics: readonly GuestNic[],
    options: { readonly force: boolean; readonly timeoutMs?: number },
  ): Promise<void> {
    if (nics.length === 0 || !(await this.isRunning())) return
    const macs = nics.map((nic) => nic.mac)
    await Qmp.session(this.#qmpSocket, (qmp) =>
      options.force ? cutCards(qmp, macs) : removeCards(qmp, macs, options.timeoutMs ?? RELEASE_TIMEOUT_MS),
    )
  }

  async plugged(): Promise<ReadonlySet<string>> {
    const pid = await this.#process()
    if (pid === undefined) return new Set()
    const taps = await tapsOfProcess(pid)
    const macs = await Qmp.session(this.#qmpSocket, cardMacs)
    return new Set(macs.filter((mac) => taps.has(tapName(mac))))
  }

  async look(): Promise<readonly GuestInterface[] | undefined> {
    if (this.#agentSocket === undefined || !(await this.isRunning())) return undefined
    try {
      return await GuestAgent.session(this.#agentSocket, (agent) => agent.interfaces())
    } catch (error) {
      if (error instanceof TransientError) return undefined
      throw error
    }
  }

  /**
   * Runs a program inside the guest, through its agent.
   * @param options.timeoutMs - default 30 s.
   * @throws {TransientError} when no agent answers, or the program does not end in time.
   */
  async exec(
    command: string,
    args: readonly string[],
    options: { readonly timeoutMs?: number } = {},
  ): Promise<ExecResult> {
    if (this.#agentSocket === undefined) throw new Error(`server ${this.#id} has no guest agent`)
    return GuestAgent.session(this.#agentSocket, (agent) => agent.exec(command, args, options.timeoutMs))
  }

  #mine() {
    if (!this.#owned) throw new Error(`server ${this.#id} was adopted: whoever made it starts and stops it`)
    return this.#owned
  }

  /** Pid of the running machine. An adopted one that does not run in our namespace is an error. */
  async #process(): Promise<number | undefined> {
    if (this.#owned) return findProcess(this.#owned.pidFile)
    const pid = await findListener(this.#netns, this.#qmpSocket)
    if (pid !== undefined) return pid
    // Nobody in our namespace listens there. Either nobody at all does, or a QEMU elsewhere: that one answers.
    const answers = await Qmp.session(this.#qmpSocket, async () => true).catch((error: unknown) => {
      if (error instanceof TransientError) return false
      throw error
    })
    if (answers) {
      throw new Error(
        `the QEMU on ${this.#qmpSocket} does not run in network namespace ${this.#netns}: start it there ` +
          `(ip netns exec ${this.#netns} qemu-system-x86_64 ...), or it cannot reach the taps of server ${this.#id}`,
      )
    }
    return undefined
  }

  async #place(qmp: Qmp, nics: readonly GuestNic[], taps: ReadonlySet<string>): Promise<PlugPlace> {
    if (this.#owned) {
      return { busOf: (nic) => portOf(nic.slot), vcpus: this.#owned.machine.vcpus, taps }
    }
    const [present, cpus, free] = [
      await deviceIds(qmp),
      await qmp.execute<unknown[]>('query-cpus-fast'),
      await freePorts(qmp),
    ]
    const ports = free?.values()
    const buses = new Map<string, string>()
    for (const nic of nics) {
      if (present.has(nicDeviceId(nic.mac)) || ports === undefined) continue
      const port = ports.next()
      if (port.done) throw new Error(`server ${this.#id} has no free PCI Express root port for ${nic.mac}`)
      buses.set(nic.mac, port.value)
    }
    return { busOf: (nic) => buses.get(nic.mac), vcpus: cpus.length, taps }
  }

  /** By its agent, or where none answers by the power button. Neither has to work: the caller waits, and cuts. */
  async #askToPowerOff(): Promise<void> {
    const { agent } = this.#mine()
    const ifItAnswers = (error: unknown) => {
      if (error instanceof Error) return false
      throw error
    }
    const asked = await GuestAgent.session(agent, (session) => session.shutdown()).then(() => true, ifItAnswers)
    if (!asked) {
      await Qmp.session(this.#qmpSocket, (qmp) => qmp.execute('system_powerdown')).catch(ifItAnswers)
    }
  }
}
