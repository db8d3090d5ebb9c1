/** From a work order to what the data plane and the guests are asked for. */
import { withPrefix } from '../domain/network/subnet.ts'
import type { OrderNetwork, OrderNic, OrderServer } from '../jobs/work-order.ts'
import type { Guest, GuestNic } from './guests/guest.ts'
import { tapName } from './host/names.ts'
import type { DhcpHost, NetworkSpec, TapSpec } from './host/specs.ts'

/** A NIC of a server with the network it is in. */
export interface Placed {
  readonly nic: OrderNic
  readonly network: OrderNetwork
}

/** The NICs of a server, each with its network. */
export function placed(server: OrderServer, networks: readonly OrderNetwork[]): Placed[] {
  const byId = new Map(networks.map((network) => [network.id, network]))
  return server.nics.map((nic) => {
    const network = byId.get(nic.network_id)
    if (!network) throw new Error(`the order names network ${nic.network_id} of NIC ${nic.id} but does not describe it`)
    return { nic, network }
  })
}

export const networkSpec = (network: OrderNetwork): NetworkSpec => ({
  id: network.id,
  vni: network.vni,
  mtu: network.mtu,
  ...(network.vpc_id !== null && network.cidr !== null && network.gateway !== null
    ? { subnet: { vpcId: network.vpc_id, cidr: network.cidr, gateway: network.gateway } }
    : {}),
})

export const guestNic = ({ nic, network }: Placed): GuestNic => ({
  mac: nic.id,
  slot: nic.slot,
  tap: tapName(nic.id),
  mtu: network.mtu,
  ...(nic.address !== null && network.cidr !== null ? { address: withPrefix(nic.address, network.cidr) } : {}),
  ...(network.gateway === null ? {} : { gateway: network.gateway }),
})

export const tapSpec = (guest: Guest, card: Placed): TapSpec => ({
  mac: card.nic.id,
  vni: card.network.vni,
  mtu: card.network.mtu,
  device: guest.tapDevice(guestNic(card)),
})

const dhcpHost = ({ nic }: Placed): DhcpHost[] =>
  nic.address === null ? [] : [{ mac: nic.id, address: nic.address, primary: nic.slot === 0 }]

/** Cards by the network they are in, each network once. */
export function byNetwork(cards: readonly Placed[]): { spec: NetworkSpec; hosts: DhcpHost[]; macs: string[] }[] {
  const groups = new Map<string, { spec: NetworkSpec; hosts: DhcpHost[]; macs: string[] }>()
  for (const card of cards) {
    const group = groups.get(card.network.id) ?? { spec: networkSpec(card.network), hosts: [], macs: [] }
    groups.set(card.network.id, group)
    group.hosts.push(...dhcpHost(card))
    group.macs.push(card.nic.id)
  }
  return [...groups.values()]
}
