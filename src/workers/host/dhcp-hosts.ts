/**
 * Who gets which address in one network: the hosts file of its DHCP server, and the leases that must not outlive it.
 * The caller holds the network.
 */
import { parseHosts, renderHosts } from './dhcp-config.ts'
import type { DhcpServer } from './dnsmasq.ts'
import { forgetNeighbours } from './networks.ts'
import type { DhcpHost } from './specs.ts'
import type { DataPlaneView } from './view.ts'

export class DhcpHosts {
  readonly server: DhcpServer
  readonly #vni: number
  readonly #at: { readonly router: string; readonly ifName: string }
  #hosts = new Map<string, DhcpHost>()

  constructor(server: DhcpServer, vni: number, at: { readonly router: string; readonly ifName: string }) {
    this.server = server
    this.#vni = vni
    this.#at = at
  }

  /** Takes over what is on disk. */
  async load(): Promise<void> {
    const text = await this.server.hostsText()
    this.#hosts = parseHosts(text ?? '')
    // Whoever wrote the file may have died before telling the server; and a lost file is made again.
    if (text === undefined) await this.server.setHosts('')
    else await this.server.reload()
  }

  /** Adds hosts, or changes them. An address belongs to whoever it was given to last. */
  async add(hosts: readonly DhcpHost[]): Promise<void> {
    const next = new Map(this.#hosts)
    const byAddress = new Map([...next.values()].map((host) => [host.address, host.mac]))
    for (const { mac, address, primary } of hosts) {
      const holder = byAddress.get(address)
      if (holder !== undefined && holder !== mac) next.delete(holder)
      byAddress.set(address, mac)
      next.set(mac, { mac, address, primary })
    }
    await this.#replace(next)
    await this.#releaseStale()
  }

  /** Removes hosts and their leases; those already gone count as removed. */
  async remove(macs: readonly string[]): Promise<void> {
    const next = new Map(this.#hosts)
    const addresses = macs.map((mac) => next.get(mac)?.address).filter((address) => address !== undefined)
    for (const mac of macs) next.delete(mac)
    await this.#replace(next)
    await this.#releaseStale()
    // The router would go on sending to the MAC it knows until it stops believing in it (about half a minute).
    await forgetNeighbours(this.#at.router, this.#vni, addresses)
  }

  /** False when the file on disk, as `view` shows it, is not what this process wrote. */
  isOnDisk(view: DataPlaneView, vni: number): boolean {
    return renderHosts((view.networks.get(vni)?.hosts ?? new Map()).values()) === renderHosts(this.#hosts.values())
  }

  async #replace(next: Map<string, DhcpHost>): Promise<void> {
    const text = renderHosts(next.values())
    if (text !== renderHosts(this.#hosts.values())) await this.server.setHosts(text)
    this.#hosts = next
  }

  /** Ends every lease that no host entry stands for (any more), whoever left it. */
  async #releaseStale(): Promise<void> {
    const stale = (await this.server.leases()).filter(({ mac, address }) => this.#hosts.get(mac)?.address !== address)
    await this.server.release(stale, this.#at.router, this.#at.ifName)
  }
}
