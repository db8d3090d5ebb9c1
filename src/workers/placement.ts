/** From a work order to what the data plane and the guests are asked for. */
import { ipv6GatewayOf, withPrefix } from '../domain/network/subnet.ts'
import type { OrderGroup, OrderNetwork, OrderNic, OrderRouter, OrderServer } from '../jobs/work-order.ts'
import type { Guest, GuestNic } from './guests/guest.ts'
import { tapName } from './host/names.ts'
import type {
  DhcpHost,
  NetworkSpec,
  NicBandwidth,
  NicPolicy,
  RouterSpec,
  SecurityGroup,
  SecurityRule,
  SubnetSpec,
  TapSpec,
} from './host/specs.ts'

/** A NIC of a server with the network it is in. */
export interface Placed {
  readonly nic: OrderNic
  readonly network: OrderNetwork
  readonly server: OrderServer
}

/** The NICs of a server, each with its network. */
export function placed(server: OrderServer, networks: readonly OrderNetwork[]): Placed[] {
  const byId = new Map(networks.map((network) => [network.id, network]))
  return server.nics.map((nic) => {
    const network = byId.get(nic.network_id)
    if (!network) throw new Error(`the order names network ${nic.network_id} of NIC ${nic.id} but does not describe it`)
    return { nic, network, server }
  })
}

/** `{ key: value }`, or nothing at all: our specs leave out what is not there. */
const given = <K extends string, V>(key: K, value: V | null): { [P in K]?: V } =>
  value === null ? {} : ({ [key]: value } as { [P in K]: V })

export function networkSpec(network: OrderNetwork): NetworkSpec {
  const { id, vni, mtu } = network
  const subnet = subnetSpec(network)
  return { id, vni, mtu, ...given('bridgedTo', network.interface), ...(subnet ? { subnet } : {}) }
}

function subnetSpec(network: OrderNetwork): SubnetSpec | undefined {
  const { cidr, ipv6_cidr: ipv6 } = network
  if (cidr === null) return undefined
  return {
    routerId: network.vpc_id ?? network.id,
    cidr,
    routed: network.mode === 'routed',
    ...given('gateway', network.gateway),
    ...(ipv6 === null ? {} : { ipv6: { cidr: ipv6, gateway: ipv6GatewayOf(ipv6) } }),
    dhcp: {
      leaseSeconds: network.lease_seconds,
      dnsServers: network.dns_servers,
      ...given('domain', network.domain),
    },
  }
}

export const guestNic = ({ nic, network }: Placed): GuestNic => ({
  mac: nic.id,
  slot: nic.slot,
  tap: tapName(nic.id),
  mtu: network.mtu,
  ...(nic.address !== null && network.cidr !== null ? { address: withPrefix(nic.address, network.cidr) } : {}),
  ...given('gateway', network.gateway),
  ...(nic.ipv6_address !== null && network.ipv6_cidr !== null
    ? { ipv6Address: withPrefix(nic.ipv6_address, network.ipv6_cidr), ipv6Gateway: ipv6GatewayOf(network.ipv6_cidr) }
    : {}),
})

export const tapSpec = (guest: Guest, card: Placed): TapSpec => ({
  mac: card.nic.id,
  vni: card.network.vni,
  mtu: card.network.mtu,
  device: guest.tapDevice(guestNic(card)),
})

export const nicPolicy = ({ nic, network }: Placed): NicPolicy => ({
  mac: nic.id,
  vni: network.vni,
  bridged: network.mode === 'bridged',
  scope: network.vpc_id ?? network.id,
  addressed: network.cidr !== null,
  addresses: [nic.address, nic.ipv6_address].filter((address) => address !== null),
  reserved: nic.address === null ? network.reserved_addresses : [],
  antiSpoofing: nic.anti_spoofing,
  allowedPairs: nic.allowed_address_pairs,
  groupIds: nic.security_group_ids,
})

export const nicBandwidth = ({ nic }: Placed): NicBandwidth => ({
  mac: nic.id,
  ...given('inMbps', nic.bandwidth_in_mbps),
  ...given('outMbps', nic.bandwidth_out_mbps),
})

/** A group that rules only name as their remote comes without rules of its own. */
export const securityGroup = ({ id, generation, rules, members }: OrderGroup): SecurityGroup => ({
  id,
  version: generation,
  members,
  rules: (rules ?? []).map(
    (rule): SecurityRule => ({
      direction: rule.direction,
      priority: rule.priority,
      action: rule.action,
      protocol: rule.protocol,
      ...(rule.port_first === null || rule.port_last === null
        ? {}
        : { ports: { first: rule.port_first, last: rule.port_last } }),
      ...given('icmpType', rule.icmp_type),
      ...given('icmpCode', rule.icmp_code),
      ...(rule.remote_cidr === null ? {} : { remote: { cidr: rule.remote_cidr } }),
      ...(rule.remote_group_id === null ? {} : { remote: { groupId: rule.remote_group_id } }),
    }),
  ),
})

export const routerSpec = (router: OrderRouter): RouterSpec => ({
  vpcId: router.vpc_id,
  cidr: router.cidr,
  routing: router.routing,
  sourceNat: router.source_nat,
  elasticIps: router.elastic_ips.map(({ nic_address, bandwidth_mbps, ...segment }) => ({
    ...segment,
    ...given('nicAddress', nic_address),
    ...given('bandwidthMbps', bandwidth_mbps),
  })),
  portForwardings: router.port_forwardings.map(({ target_port, ...rest }) => ({ ...rest, targetPort: target_port })),
})

/** The DHCP entry of a NIC, if it has an address. */
export function dhcpHosts({ nic, server }: Placed): DhcpHost[] {
  if (nic.address === null) return []
  return [
    {
      mac: nic.id,
      address: nic.address,
      ...given('ipv6Address', nic.ipv6_address),
      primary: nic.slot === 0,
      name: hostName(server, nic.slot),
      ...(Object.keys(server.dhcp_options).length > 0 ? { options: server.dhcp_options } : {}),
    },
  ]
}

/**
 * Name of a server's NIC in our DNS: the server's own name where that can be a label, else its id; secondary NICs by
 * their slot.
 * @see RFC 1123, section 2.1
 */
export function hostName(server: Pick<OrderServer, 'id' | 'name'>, slot: number): string {
  const plain = server.name.toLowerCase()
  const label = /^[a-z0-9]([a-z0-9-]{0,50}[a-z0-9])?$/.test(plain) ? plain : server.id
  return slot === 0 ? label : `${label}-eth${slot}`
}

/** Cards by the network they are in, each network once. */
export function byNetwork(cards: readonly Placed[]): { spec: NetworkSpec; hosts: DhcpHost[]; macs: string[] }[] {
  const groups = new Map<string, { spec: NetworkSpec; hosts: DhcpHost[]; macs: string[] }>()
  for (const card of cards) {
    const group = groups.get(card.network.id) ?? { spec: networkSpec(card.network), hosts: [], macs: [] }
    groups.set(card.network.id, group)
    group.hosts.push(...dhcpHosts(card))
    group.macs.push(card.nic.id)
  }
  return [...groups.values()]
}
