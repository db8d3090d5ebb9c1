/**
 * Who gets which address in one network: the hosts file of its DHCP server, the leases that must not outlive it, and in
 * a routed network the router's neighbours. The caller holds the network.
 */
import { isSameHost } from './dhcp-host-files.ts'
import type { DhcpServer } from './dnsmasq.ts'
import { type Neighbours, neighboursOf, setNeighbours } from './neighbours.ts'
import type { DhcpHost } from './specs.ts'

/** Where a network's DHCP server is. */
export interface ServedAt {
  /** Namespace, and interface in it. */
  readonly router: string
  readonly ifName: string
  /** The router there passes on packets to the hosts. */
  readonly routed: boolean
}

export class DhcpHosts {
  readonly server: DhcpServer
  readonly #vni: number
  readonly #at: ServedAt
  #hosts = new Map<string, DhcpHost>()
  #revision = 0

  constructor(server: DhcpServer, vni: number, at: ServedAt) {
    this.server = server
    this.#vni = vni
    this.#at = at
  }

  /** Counts changes, so that a comparison with an older view of the disk is not taken for drift. */
  get revision(): number {
    return this.#revision
  }

  /** Takes over what is on disk. Whoever wrote it may have died half-way, or before telling the server. */
  async load(): Promise<void> {
    this.#hosts = (await this.server.hosts()) ?? new Map()
    await this.server.setHosts([...this.#hosts.values()], this.#at.router)
    await this.#setNeighbours(neighboursOf(this.#hosts.values()))
  }

  /** Adds hosts, or changes them. An address belongs to whoever it was given to last. */
  async add(hosts: readonly DhcpHost[]): Promise<void> {
    const next = new Map(this.#hosts)
    const byAddress = new Map([...next.values()].map((host) => [host.address, host.mac]))
    for (const host of hosts) {
      const holder = byAddress.get(host.address)
      if (holder !== undefined && holder !== host.mac) next.delete(holder)
      byAddress.set(host.address, host.mac)
      next.set(host.mac, host)
    }
    await this.#replace(next)
    await this.#releaseStale()
    await this.#setNeighbours(neighboursOf(hosts))
  }

  /** Removes hosts and their leases; those already gone count as removed. */
  async remove(macs: readonly string[]): Promise<void> {
    const next = new Map(this.#hosts)
    for (const mac of macs) next.delete(mac)
    await this.#replace(next)
    await this.#releaseStale()
  }

  /** True when `others` (what is on disk) is what this process wrote. */
  isSameAs(others: ReadonlyMap<string, DhcpHost>): boolean {
    return areSame(this.#hosts, others)
  }

  async #replace(next: Map<string, DhcpHost>): Promise<void> {
    this.#revision += 1
    if (!areSame(this.#hosts, next)) await this.server.setHosts([...next.values()], this.#at.router)
    const kept = neighboursOf(next.values())
    const left = [...neighboursOf(this.#hosts.values()).keys()].filter((address) => !kept.has(address))
    // The router would go on sending to the MAC that it knows.
    await this.#setNeighbours(new Map(), left)
    this.#hosts = next
    this.#revision += 1
  }

  async #setNeighbours(neighbours: Neighbours, gone: readonly string[] = []): Promise<void> {
    if (this.#at.routed) await setNeighbours(this.#at.router, this.#vni, neighbours, gone)
  }

  /** Ends every lease that no host entry stands for (any more), whoever left it. */
  async #releaseStale(): Promise<void> {
    const stale = (await this.server.leases()).filter(({ mac, address }) => this.#hosts.get(mac)?.address !== address)
    await this.server.release(stale, this.#at.router, this.#at.ifName)
  }
}

const areSame = (some: ReadonlyMap<string, DhcpHost>, others: ReadonlyMap<string, DhcpHost>): boolean =>
  some.size === others.size && [...some.values()].every((host) => isSameHost(host, others.get(host.mac)))
