/**
 * The join of a bridged network: a veth pair between the network's own bridge (`bp-…`) and that of the hypervisor's
 * interface (`bx-…`). A bridge each keeps what is told apart by bridge, filters and connection tracking, apart.
 */
import { ipBatch } from './ip-command.ts'
import { isSettled, type LinkSettings, settle } from './link-settings.ts'
import { assertOurs, deleteLinks, findLinks, type LinkView } from './links.ts'
import { bridgedPortMark, bridgedPortNames, bridgeName, uplinkBridgeName } from './names.ts'
import type { NetworkSpec } from './specs.ts'
import type { Uplinks } from './uplinks.ts'

/** A network that is joined to an interface of the hypervisor. */
export type BridgedNetwork = Pick<NetworkSpec, 'id' | 'vni' | 'mtu'> & { readonly bridgedTo: string }

/** The settings of both ends. */
function settings(network: BridgedNetwork): { inside: LinkSettings; outside: LinkSettings } {
  const common = { alias: bridgedPortMark(network.id), mtu: network.mtu }
  return {
    inside: { ...common, master: bridgeName(network.vni) },
    outside: { ...common, master: uplinkBridgeName(network.bridgedTo) },
  }
}

/**
 * Joins a network, whose bridge must be there, to the interface that it names.
 * @throws {Error} when the interface cannot be used, or does not carry frames as large as the network's.
 * @throws {ForeignObjectError} when a device of the pair's names is not ours.
 */
export async function ensureBridgedPort(uplinks: Uplinks, network: BridgedNetwork): Promise<void> {
  const { netns } = uplinks
  const { inside, outside } = bridgedPortNames(network.vni)
  const want = settings(network)
  await uplinks.join(network.bridgedTo, async (uplink) => {
    if (network.mtu > uplink.mtu) {
      throw new Error(
        `network ${network.id} has an MTU of ${network.mtu} bytes, interface ${network.bridgedTo} only ${uplink.mtu}`,
      )
    }
    let links = await findLinks(netns, [inside, outside])
    for (const link of links.values()) assertOurs(netns, link, bridgedPortMark(network.id))
    if (links.size === 1) {
      // Somebody moved the other end away. Deleting one end deletes both, wherever they are.
      await deleteLinks(netns, [...links.keys()])
      links = new Map()
    }
    if (links.size === 0) {
      await ipBatch(netns, [['link', 'add', 'name', inside, 'type', 'veth', 'peer', 'name', outside]])
    }
    await ipBatch(netns, [
      ...settle(inside, want.inside, links.get(inside)),
      ...settle(outside, want.outside, links.get(outside)),
    ])
  })
}

/**
 * Takes a network off the interface that it was joined to, and the uplink when it was the last there.
 * @throws {ForeignObjectError} when a device of the pair's names is not ours.
 */
export async function removeBridgedPort(uplinks: Uplinks, network: { id: string; vni: number }): Promise<void> {
  const { inside, outside } = bridgedPortNames(network.vni)
  const links = await findLinks(uplinks.netns, [inside, outside])
  for (const link of links.values()) assertOurs(uplinks.netns, link, bridgedPortMark(network.id))
  await deleteLinks(uplinks.netns, [...links.keys()])
  await uplinks.removeUnused()
}

/**
 * Whether a network is joined as asked, up to the uplink; for the rest see `Uplinks.inOrder`.
 * @param links - the data plane's devices, by name.
 */
export function isBridgedPortAlright(network: BridgedNetwork, links: ReadonlyMap<string, LinkView>): boolean {
  const { inside, outside } = bridgedPortNames(network.vni)
  const want = settings(network)
  return isSettled(want.inside, links.get(inside)) && isSettled(want.outside, links.get(outside))
}
