/**
 * A network's devices: its bridge, and when it is joined to a VPC its port to the VPC's router.
 *
 * The router of a VPC is a namespace of its own, so that two VPCs may use the same ranges. It holds one interface per
 * network, with the gateway's address, and goes with its last network. It answers for the gateways but forwards
 * nothing yet: routing between networks, NAT and port forwarding will be programmed in here.
 */
import { type IpLine, ipBatch, saysGone } from './ip-command.ts'
import { assertOurs, deleteLinks, findLinks, type LinkView, listAddresses, listLinks } from './links.ts'
import {
  bridgeMac,
  bridgeName,
  gatewayMac,
  gatewayMark,
  gatewayOfMark,
  gatewayPortName,
  networkMark,
  routerMark,
  routerNetns,
  routerPortMark,
  routerPortName,
} from './names.ts'
import { deleteNamespace, ensureNamespace, isOurNamespace, namespaceIdentity, setSysctls } from './netns.ts'
import type { NetworkSpec, SubnetSpec } from './specs.ts'

/** The two devices of a network in the data plane, as they stand. */
export interface NetworkLinks {
  bridge: LinkView | undefined
  gatewayPort: LinkView | undefined
}

const ANY_GATEWAY = /^patchbay:gateway:/

/**
 * Looks at a network's devices.
 * @throws {ForeignObjectError} when one of them is not ours, or belongs to another network.
 */
export async function findNetworkLinks(netns: string, network: { id: string; vni: number }): Promise<NetworkLinks> {
  const names = [bridgeName(network.vni), gatewayPortName(network.vni)] as const
  const links = await findLinks(netns, names)
  const [bridge, gatewayPort] = names.map((name) => links.get(name))
  if (bridge) assertOurs(netns, bridge, networkMark(network.id))
  if (gatewayPort) assertOurs(netns, gatewayPort, ANY_GATEWAY)
  return { bridge, gatewayPort }
}

/** Makes the bridge, or changes what differs. */
export async function ensureBridge(netns: string, network: NetworkSpec, have: LinkView | undefined): Promise<void> {
  const name = bridgeName(network.vni)
  const lines: IpLine[] = []
  if (!have) {
    // No spanning tree: the only loops there could be are ones we make. Multicast is flooded like everything unknown:
    // snooping without a querier in the network drops groups that it has forgotten.
    lines.push([
      ...['link', 'add', 'name', name, 'address', bridgeMac(network.vni), 'type', 'bridge'],
      ...['stp_state', '0', 'forward_delay', '0', 'mcast_snooping', '0'],
    ])
  }
  const set: string[] = []
  if (have && have.mac !== bridgeMac(network.vni)) set.push('address', bridgeMac(network.vni))
  // Set and not only inherited: an MTU that was set stays, else the bridge takes that of its smallest port.
  if (have?.mtu !== network.mtu) set.push('mtu', `${network.mtu}`)
  if (have?.alias !== networkMark(network.id)) set.push('alias', networkMark(network.id))
  if (!have?.up) set.push('up')
  if (set.length > 0) lines.push(['link', 'set', 'dev', name, ...set])
  await ipBatch(netns, lines)
}

const ROUTER_SYSCTLS = {
  // New namespaces copy the host's IPv4 settings: a host that forwards would make routers that forward.
  'net.ipv4.ip_forward': 0,
  // The router has an address in every network; each is to be seen only where it belongs.
  'net.ipv4.conf.all.arp_ignore': 1,
  'net.ipv4.conf.all.arp_announce': 2,
  'net.ipv6.conf.all.disable_ipv6': 1,
  'net.ipv6.conf.default.disable_ipv6': 1,
}

/** Router namespaces whose settings this process has made sure of, by identity. */
const settled = new Set<string>()

async function ensureRouter(router: string): Promise<void> {
  await ensureNamespace(router, routerMark(router), { loUp: true })
  const identity = `${router} ${await namespaceIdentity(router)}`
  if (settled.has(identity)) return
  await setSysctls(router, ROUTER_SYSCTLS)
  settled.add(identity)
}

/**
 * Makes the network's port to its VPC's router, and the router with its first network. The caller holds the VPC.
 * @param port - the data plane end as it stands; one that leads to another VPC is replaced.
 * @returns the router's interface in this network.
 */
export async function ensureGatewayPort(
  netns: string,
  network: NetworkSpec,
  subnet: SubnetSpec,
  port: LinkView | undefined,
): Promise<LinkView> {
  const router = routerNetns(netns, subnet.vpcId)
  await ensureRouter(router)
  const names = { port: gatewayPortName(network.vni), inside: routerPortName(network.vni) }
  const look = async () => (await listAddresses(router)).find((link) => link.name === names.inside)

  const inside = await look()
  if (inside) assertOurs(router, inside, routerPortMark(network.id))
  // An unmarked port is one that a crash left: nobody knows which router it leads to, so it is made afresh.
  const mark = gatewayMark(network.id, subnet.vpcId)
  if (inside && port?.alias === mark && port.peerIndex === inside.index) {
    await settlePort(netns, network, port)
    await settleInside(router, network, subnet, inside)
    return inside
  }
  if (port) await deleteLinks(netns, [port.name])
  if (inside) await deleteLinks(router, [inside.name])
  await ipBatch(netns, [
    [
      ...['link', 'add', 'name', names.port, 'mtu', `${network.mtu}`, 'type', 'veth', 'peer', 'name', names.inside],
      ...['address', gatewayMac(network.vni), 'mtu', `${network.mtu}`, 'netns', router],
    ],
    ['link', 'set', 'dev', names.port, 'alias', mark, 'master', bridgeName(network.vni), 'up'],
  ])
  await settleInside(router, network, subnet, undefined)
  const made = await look()
  if (!made) throw new Error(`${names.inside} is gone from router ${router} while it was being set up`)
  return made
}

async function settlePort(netns: string, network: NetworkSpec, have: LinkView): Promise<void> {
  const set: string[] = []
  if (have.mtu !== network.mtu) set.push('mtu', `${network.mtu}`)
  if (have.group !== 'default') set.push('group', 'default')
  if (have.master !== bridgeName(network.vni)) set.push('master', bridgeName(network.vni))
  if (!have.up) set.push('up')
  if (set.length > 0) await ipBatch(netns, [['link', 'set', 'dev', gatewayPortName(network.vni), ...set]])
}

async function settleInside(router: string, network: NetworkSpec, subnet: SubnetSpec, have: LinkView | undefined) {
  const name = routerPortName(network.vni)
  const address = `${subnet.gateway}/${subnet.cidr.split('/')[1]}`
  const set: string[] = []
  if (have && have.mac !== gatewayMac(network.vni)) set.push('address', gatewayMac(network.vni))
  if (have && have.mtu !== network.mtu) set.push('mtu', `${network.mtu}`)
  if (have && have.group !== 'default') set.push('group', 'default')
  if (have?.alias !== routerPortMark(network.id)) set.push('alias', routerPortMark(network.id))
  if (!have?.up) set.push('up')
  const lines: IpLine[] = set.length > 0 ? [['link', 'set', 'dev', name, ...set]] : []
  for (const other of have?.addresses ?? []) {
    if (other !== address) lines.push(['addr', 'del', other, 'dev', name])
  }
  if (!have?.addresses.includes(address)) lines.push(['addr', 'replace', address, 'dev', name])
  await ipBatch(router, lines)
}

/** True when the router's end of a port is as it should be. */
export function isGatewayAlright(network: NetworkSpec, subnet: SubnetSpec, inside: LinkView | undefined): boolean {
  const address = `${subnet.gateway}/${subnet.cidr.split('/')[1]}`
  return inside?.up === true && inside.mtu === network.mtu && inside.addresses.includes(address)
}

/**
 * Takes a network's devices away: both ends of its router port, and unless `keepBridge` its bridge.
 * @param links - as they stand, found by `findNetworkLinks`.
 */
export async function removeNetworkLinks(netns: string, links: NetworkLinks, keepBridge: boolean): Promise<void> {
  const gone = keepBridge ? [links.gatewayPort] : [links.gatewayPort, links.bridge]
  await deleteLinks(
    netns,
    gone.filter((link) => link !== undefined).map((link) => link.name),
  )
}

/** The VPC that a router port leads to, as its mark tells; `undefined` when unmarked or absent. */
export const vpcOfPort = (port: LinkView | undefined): string | undefined => gatewayOfMark(port?.alias)?.vpcId

/**
 * Removes a router namespace when no network is left in it. The caller holds the VPC.
 * @param beforehand - run before an empty namespace goes: ends the processes that would keep it alive, nameless.
 */
export async function removeRouterIfEmpty(router: string, beforehand: () => Promise<void>): Promise<void> {
  if (!(await isOurNamespace(router, routerMark(router)))) return
  if ((await listLinks(router)).some((link) => /^net-[0-9a-f]+$/.test(link.name))) return
  await beforehand()
  await deleteNamespace(router, routerMark(router))
}

/**
 * Has the router forget which MACs it has seen behind addresses, so that their next holders are found at once.
 * @param addresses - without prefix length.
 */
export const forgetNeighbours = (router: string, vni: number, addresses: readonly string[]): Promise<void> =>
  ipBatch(
    router,
    addresses.map((address) => ['neigh', 'del', address, 'dev', routerPortName(vni)]),
    { tolerate: saysGone },
  )
