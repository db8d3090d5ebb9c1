/**
 * What a router knows of its networks' NICs without asking: their MACs, as permanent neighbours. The kernel has one
 * neighbour table for all namespaces (`net.ipv6.neigh.default.gc_thresh3` entries, 1024), so a guest that has its router
 * look for addresses that nobody has would fill it for all VPCs. Permanent entries are neither counted nor collected.
 *
 * dnsmasq makes an ordinary entry of a permanent one whenever it answers a client that has no address yet. So whether
 * they stand is to be looked at often.
 * @see neigh_update_gc_list() in the kernel's net/core/neighbour.c, arp_req_set() in net/ipv4/arp.c; SIOCSARP in
 *   dnsmasq's src/dhcp.c.
 */
import { canonicalAddress } from './addresses.ts'
import { ipBatch, saysGone } from './ip-command.ts'
import { routerPortName } from './names.ts'
import type { DhcpHost } from './specs.ts'

/** By address, as the kernel writes it: the MAC. */
export type Neighbours = ReadonlyMap<string, string>

/** The neighbours that these hosts are. */
export function neighboursOf(hosts: Iterable<DhcpHost>): Neighbours {
  const neighbours = new Map<string, string>()
  for (const { mac, address, ipv6Address } of hosts) {
    neighbours.set(address, mac)
    if (ipv6Address !== undefined) neighbours.set(canonicalAddress(ipv6Address), mac)
  }
  return neighbours
}

/** Reads the permanent ones from the objects of `ip -j neigh`, by device. */
export function parseNeighbours(raw: readonly Record<string, unknown>[]): Map<string, Neighbours> {
  const byDevice = new Map<string, Map<string, string>>()
  for (const { dst, dev, lladdr, state } of raw) {
    if (typeof dst !== 'string' || typeof dev !== 'string' || typeof lladdr !== 'string') continue
    if (!Array.isArray(state) || !state.includes('PERMANENT')) continue
    byDevice.set(dev, (byDevice.get(dev) ?? new Map()).set(dst, lladdr))
  }
  return byDevice
}

/** True when both say the same. */
export const areSameNeighbours = (some: Neighbours, others: Neighbours): boolean =>
  some.size === others.size && [...some].every(([address, mac]) => others.get(address) === mac)

/**
 * Has a router know neighbours in one network for good, and forget others, so that their next holders are found at
 * once. One process. A router that is not there, or has lost IPv6, is left as it is: there is more to be mended first.
 * @param gone - addresses, without prefix length.
 */
export async function setNeighbours(
  router: string,
  vni: number,
  neighbours: Neighbours,
  gone: readonly string[] = [],
): Promise<void> {
  const at = ['dev', routerPortName(vni)]
  const lines = [
    ...gone.map((address) => ['neigh', 'del', address, ...at]),
    ...[...neighbours].map(([address, mac]) => ['neigh', 'replace', address, 'lladdr', mac, ...at, 'nud', 'permanent']),
  ]
  const tolerate = (reason: string) => saysGone(reason) || reason.includes('IPv6 is disabled')
  await ipBatch(router, lines, { tolerate })
}
