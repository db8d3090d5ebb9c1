import { mkdir, readdir, rm } from 'node:fs/promises'
import path from 'node:path'
import type { OrderServer } from '../jobs/work-order.ts'
import type { Guest } from './guests/guest.ts'
import { NamespaceGuest } from './guests/namespace.ts'
import { QemuGuest } from './guests/qemu.ts'
import { KeyedMutex } from './host/keyed-mutex.ts'
import { Semaphore } from './semaphore.ts'

export interface GuestImage {
  readonly kernel: string
  readonly initrd: string
}

/**
 * Where a worker keeps what belongs to running processes and devices: below /run, for none of it outlives the machine,
 * and the paths of its sockets stay short.
 */
export const runDirOf = (netns: string): string => path.join('/run/patchbay', netns)

/** Socket of the guest agent of a QEMU server that a worker on this machine runs. */
export const agentSocketOf = (netns: string, serverId: string): string =>
  path.join(runDirOf(netns), 'servers', `qemu.${serverId}`, 'agent.sock')

/** Jobs at work at once on a hypervisor. */
const AT_WORK = 32

/** What has to be known of a server to find its guest again without the control plane. */
type Described = Pick<OrderServer, 'id' | 'guest' | 'vcpus' | 'memory_mb' | 'qmp_socket' | 'qga_socket'>

/**
 * The servers of this hypervisor. Each has a folder from before its guest is first started until after it is gone: by
 * these folders, and not by what else runs on the machine, a worker knows which guests are its own to stop.
 */
export class Servers {
  readonly #netns: string
  readonly #directory: string
  readonly #image: GuestImage
  readonly #mutex = new KeyedMutex()
  readonly #atWork = new Semaphore(AT_WORK)

  constructor(options: { netns: string; runDir: string; image: GuestImage }) {
    this.#netns = options.netns
    this.#directory = path.join(options.runDir, 'servers')
    this.#image = options.image
  }

  /** One act at a time on one server; different servers side by side. */
  locked<T>(serverId: string, act: () => Promise<T>): Promise<T> {
    return this.#mutex.run([serverId], act)
  }

  /**
   * The same for a job. Only so many are at work on the hypervisor at once; one that waits for its server takes no place
   * from the others, so a server that hangs holds up nobody but itself.
   */
  atWork<T>(serverId: string, act: () => Promise<T>): Promise<T> {
    return this.#mutex.run([serverId], () => this.#atWork.run(act))
  }

  /** Whether somebody has the server locked, or waits for it. */
  isBusy(serverId: string): boolean {
    return this.#mutex.isHeld(serverId)
  }

  /** Makes the server's folder; call it before the guest may start. */
  async register(server: Described): Promise<void> {
    await mkdir(this.#folder(server), { recursive: true, mode: 0o700 })
  }

  /** The server is gone from here. */
  async forget(server: Pick<Described, 'id' | 'guest'>): Promise<void> {
    await rm(this.#folder(server), { recursive: true, force: true })
  }

  /** Every server that has a folder here. */
  async registered(): Promise<{ id: string; guest: OrderServer['guest'] }[]> {
    const names = await readdir(this.#directory).catch(() => [])
    return names.flatMap((name) => {
      const match = /^(qemu|namespace)\.(i-[a-z0-9]+)$/.exec(name)
      return match?.[1] && match[2] ? [{ guest: match[1] as OrderServer['guest'], id: match[2] }] : []
    })
  }

  guestOf(server: Described): Guest {
    if (server.guest === 'namespace') return new NamespaceGuest({ id: server.id, dataPlaneNetns: this.#netns })
    return new QemuGuest({
      id: server.id,
      dir: this.#folder(server),
      netns: this.#netns,
      vcpus: server.vcpus,
      memoryMb: server.memory_mb,
      kernel: this.#image.kernel,
      initrd: this.#image.initrd,
      ...(server.qmp_socket === null
        ? {}
        : {
            adopted: {
              qmpSocket: server.qmp_socket,
              ...(server.qga_socket === null ? {} : { qgaSocket: server.qga_socket }),
            },
          }),
    })
  }

  /** The guest of a server that only its folder tells of: good for stopping it. */
  remnant(server: { id: string; guest: OrderServer['guest'] }): Guest {
    return this.guestOf({ ...server, vcpus: 1, memory_mb: 128, qmp_socket: null, qga_socket: null })
  }

  #folder({ id, guest }: Pick<Described, 'id' | 'guest'>): string {
    return path.join(this.#directory, `${guest}.${id}`)
  }
}
