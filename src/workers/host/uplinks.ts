/**
 * Uplinks: how networks get to the segments that the hypervisor is on. Each interface that is used has a bridge in the
 * data plane, `ext-…`, joined to it by one device:
 *
 * - when the interface is a Linux bridge, by a veth pair whose other end is a port of that bridge, among the host's
 *   devices;
 * - otherwise by a macvlan in passthru mode. It takes every frame that comes in, whatever its address, so the
 *   hypervisor itself is deaf on this interface: one that has addresses is refused.
 *
 * Nothing that the host has is changed, but for that port. Both ways, the last to leave takes the uplink away, and the
 * interface is as it was.
 *
 * Who may act: one caller at a time. Whoever joins an uplink holds it until its own port is in the bridge, so that it
 * is not taken away meanwhile for having none.
 */
import { ipBatch } from './ip-command.ts'
import { KeyedMutex } from './keyed-mutex.ts'
import { isSettled, type LinkSettings, settle } from './link-settings.ts'
import { assertOurs, deleteLinks, findLinks, type LinkView, listLinks, parseLink } from './links.ts'
import {
  uplinkBridgeName,
  uplinkHostEndMac,
  uplinkHostEndName,
  uplinkMark,
  uplinkOfMark,
  uplinkPortName,
} from './names.ts'
import { runCommand } from './run-command.ts'

export interface UplinkOptions {
  /** Namespace of the data plane. */
  readonly netns: string
  /** Namespace that the hypervisor's interfaces are in; absent: the worker's own. */
  readonly hostNetns?: string
  /** Names of the interfaces that may be used, `eth1`, `br0`. */
  readonly interfaces: readonly string[]
}

/** The data plane's end of an uplink. */
export interface Uplink {
  readonly bridge: string
  /** Bytes, of the hypervisor's interface. */
  readonly mtu: number
}

const UPLINK_DEVICE = /^(?:ext|up)-[0-9a-f]{8}$/

export class Uplinks {
  readonly netns: string
  readonly #hostNetns: string | undefined
  readonly #allowed: readonly string[]
  readonly #mutex = new KeyedMutex()

  constructor(options: UplinkOptions) {
    this.netns = options.netns
    this.#hostNetns = options.hostNetns
    this.#allowed = options.interfaces
  }

  /**
   * Makes the uplink when it is not there, and lets the caller put a port into its bridge.
   * @throws {Error} when the interface may not be used, is not there, or could not be joined without harm.
   * @throws {ForeignObjectError} when a device of its name is not ours.
   */
  join<T>(hostInterface: string, attach: (uplink: Uplink) => Promise<T>): Promise<T> {
    return this.#alone(async () => attach(await this.#ensure(hostInterface)))
  }

  /** Takes away the uplinks that nobody has a port in. */
  removeUnused(): Promise<void> {
    return this.#alone(async () => {
      const links = await listLinks(this.netns)
      const isUsed = (name: string) => {
        const hash = name.slice(name.indexOf('-') + 1)
        return links.some(({ master, name: port }) => master === `ext-${hash}` && port !== `up-${hash}`)
      }
      const unused = links.filter(
        ({ name, alias }) =>
          UPLINK_DEVICE.test(name) && (alias === undefined || uplinkOfMark(alias) !== undefined) && !isUsed(name),
      )
      await deleteLinks(
        this.netns,
        unused.map(({ name }) => name),
      )
    })
  }

  /**
   * Which uplinks stand as they should, from here to the hypervisor's interface.
   * @param links - the data plane's devices, by name.
   * @returns names of the hypervisor's interfaces.
   */
  async inOrder(links: ReadonlyMap<string, LinkView>): Promise<ReadonlySet<string>> {
    const marked = [...links.values()].map(({ alias }) => uplinkOfMark(alias)).filter((name) => name !== undefined)
    if (marked.length === 0) return new Set()
    const host = await this.#hostLinks()
    const alright = (name: string) => {
      const target = host.get(name)
      if (!target) return false
      const port = links.get(uplinkPortName(name))
      return (
        isSettled(bridgeSettings(name, target.mtu), links.get(uplinkBridgeName(name))) &&
        isSettled(portSettings(name, target.mtu), port) &&
        this.#isJoined(port, target, host)
      )
    }
    return new Set(marked.filter(alright))
  }

  /** Which of the interfaces that may be used are on this hypervisor. */
  async interfacesThere(): Promise<string[]> {
    if (this.#allowed.length === 0) return []
    const host = await this.#hostLinks()
    return this.#allowed.filter((name) => host.has(name))
  }

  #alone<T>(act: () => Promise<T>): Promise<T> {
    return this.#mutex.run(['uplinks'], act)
  }

  async #ensure(hostInterface: string): Promise<Uplink> {
    const host = await this.#hostLinks()
    const target = this.#usable(hostInterface, host)
    const mark = uplinkMark(hostInterface)
    const bridge = uplinkBridgeName(hostInterface)
    const port = uplinkPortName(hostInterface)
    const links = await findLinks(this.netns, [bridge, port])
    for (const link of links.values()) assertOurs(this.netns, link, mark)

    const haveBridge = links.get(bridge)
    await ipBatch(this.netns, [
      ...(haveBridge ? [] : [['link', 'add', 'name', bridge, 'type', 'bridge']]),
      ...settle(bridge, bridgeSettings(hostInterface, target.mtu), haveBridge),
    ])

    let havePort = links.get(port)
    if (havePort && !this.#isJoined(havePort, target, host)) {
      await deleteLinks(this.netns, [port])
      havePort = undefined
    }
    if (!havePort) await this.#makePort(hostInterface, target, host)
    await ipBatch(this.netns, settle(port, portSettings(hostInterface, target.mtu), havePort))
    return { bridge, mtu: target.mtu }
  }

  #usable(hostInterface: string, host: ReadonlyMap<string, LinkView>): LinkView {
    if (!this.#allowed.includes(hostInterface)) {
      throw new Error(`interface ${hostInterface} is not one that networks may use: ${this.#allowed.join(', ')}`)
    }
    const target = host.get(hostInterface)
    if (!target) throw new Error(`interface ${hostInterface} is not on this hypervisor`)
    if (!target.up) throw new Error(`interface ${hostInterface} is down`)
    if (target.kind === 'bridge') return target
    if (target.master !== undefined) {
      throw new Error(`interface ${hostInterface} is a port of ${target.master}: use that one`)
    }
    const own = target.addresses.filter((address) => !address.startsWith('fe80:'))
    if (own.length > 0) {
      throw new Error(
        `interface ${hostInterface} carries addresses of the hypervisor (${own.join(', ')}), which would be cut off: ` +
          `use a bridge that has it as a port`,
      )
    }
    return target
  }

  /** Whether the data plane's port leads to the interface. */
  #isJoined(port: LinkView, target: LinkView, host: ReadonlyMap<string, LinkView>): boolean {
    if (target.kind !== 'bridge') return port.kind === 'macvlan' && port.peerIndex === target.index
    const end = host.get(uplinkHostEndName(this.netns, target.name))
    return (
      end !== undefined && port.kind === 'veth' && port.peerIndex === end.index && end.master === target.name && end.up
    )
  }

  async #makePort(hostInterface: string, target: LinkView, host: ReadonlyMap<string, LinkView>): Promise<void> {
    const port = uplinkPortName(hostInterface)
    if (target.kind !== 'bridge') {
      const kind = ['type', 'macvlan', 'mode', 'passthru']
      await this.#hostIp(['link', 'add', 'name', port, 'link', hostInterface, 'netns', this.netns, ...kind])
      return
    }
    const end = uplinkHostEndName(this.netns, hostInterface)
    const leftover = host.get(end)
    if (leftover) {
      assertOurs(this.#hostNetns ?? 'of the host', leftover, uplinkMark(hostInterface))
      await this.#hostIp(['link', 'delete', 'dev', end])
    }
    const mtu = ['mtu', `${target.mtu}`]
    await this.#hostIp([
      ...['link', 'add', 'name', end, 'address', uplinkHostEndMac(this.netns, hostInterface), ...mtu],
      ...['type', 'veth', 'peer', 'name', port, ...mtu, 'netns', this.netns],
    ])
    // A port and nothing else: without addresses of its own it says nothing on the segment.
    const mark = ['alias', uplinkMark(hostInterface)]
    await this.#hostIp(['link', 'set', 'dev', end, 'addrgenmode', 'none'])
    await this.#hostIp(['link', 'set', 'dev', end, ...mark, 'master', hostInterface, 'up'])
  }

  async #hostLinks(): Promise<Map<string, LinkView>> {
    const listing = JSON.parse(await this.#hostIp(['-j', '-d', 'addr'])) as Record<string, unknown>[]
    const links = listing.map(parseLink).filter((link) => link !== undefined)
    return new Map(links.map((link) => [link.name, link]))
  }

  async #hostIp(args: readonly string[]): Promise<string> {
    const where = this.#hostNetns === undefined ? [] : ['-n', this.#hostNetns]
    return (await runCommand('ip', [...where, ...args])).stdout
  }
}

const bridgeSettings = (hostInterface: string, mtu: number): LinkSettings => ({
  alias: uplinkMark(hostInterface),
  mtu,
  isBridge: true,
})

const portSettings = (hostInterface: string, mtu: number): LinkSettings => ({
  alias: uplinkMark(hostInterface),
  mtu,
  master: uplinkBridgeName(hostInterface),
})
