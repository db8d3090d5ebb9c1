/**
 * A network's devices: its bridge, and when we give out its addresses its port to a router.
 *
 * The router of a VPC is a namespace of its own, so that two VPCs may use the same ranges. It holds one interface per
 * network, with the gateway's addresses, and goes with its last network. What it does between them is in `router.ts`.
 *
 * A network that is not routed has a namespace to itself, where its DHCP server runs and nothing is forwarded. Its
 * interface there has an address that is none of the network's: every one of those is the guests', or on a bridged
 * network somebody else's.
 */
import { canonicalAddress } from './addresses.ts'
import { type IpLine, ipBatch } from './ip-command.ts'
import { isSettled, type LinkSettings, settle } from './link-settings.ts'
import { assertOurs, deleteLinks, findLinks, type LinkView, listAddresses, listLinks } from './links.ts'
import {
  bridgeMac,
  bridgeName,
  gatewayLinkLocal,
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

const bridgeSettings = (network: NetworkSpec): LinkSettings => ({
  alias: networkMark(network.id),
  // Set and not only inherited: an MTU that was set stays, else the bridge takes that of its smallest port.
  mtu: network.mtu,
  mac: bridgeMac(network.vni),
  isBridge: true,
})

/** Makes the bridge, or changes what differs. */
export async function ensureBridge(netns: string, network: NetworkSpec, have: LinkView | undefined): Promise<void> {
  const name = bridgeName(network.vni)
  await ipBatch(netns, [
    ...(have ? [] : [['link', 'add', 'name', name, 'type', 'bridge']]),
    ...settle(name, bridgeSettings(network), have),
  ])
}

/** True when the bridge is there and as it should be. */
export const isBridgeAlright = (network: NetworkSpec, have: LinkView | undefined): have is LinkView =>
  isSettled(bridgeSettings(network), have)

/** Address of the DHCP server's interface in a network that is not routed: link-local, the same everywhere. */
const UNROUTED_ADDRESS = '169.254.169.253/32'

/** Addresses of the router's interface in a network, with prefix length, as the kernel writes them. */
function routerPortAddresses(network: NetworkSpec, subnet: SubnetSpec): string[] {
  const { cidr, gateway, routed, ipv6 } = subnet
  if (!routed || gateway === undefined) return [UNROUTED_ADDRESS]
  const v4 = `${gateway}/${cidr.split('/')[1]}`
  return ipv6 === undefined ? [v4] : [v4, `${canonicalAddress(ipv6.gateway)}/64`, `${gatewayLinkLocal(network.vni)}/64`]
}

const isIpv6 = (address: string): boolean => address.includes(':')

const ROUTER_SYSCTLS = {
  // The router has an address in every network; each is to be seen only where it belongs.
  'net.ipv4.conf.all.arp_ignore': 1,
  'net.ipv4.conf.all.arp_announce': 2,
  // Of new interfaces; those of networks with IPv6 have it switched on.
  'net.ipv6.conf.default.disable_ipv6': 1,
}

/** Router namespaces whose settings this process has made sure of, by identity. */
const settled = new Set<string>()

async function ensureRouter(router: string): Promise<void> {
  await ensureNamespace(router, routerMark(router), { loUp: true })
  const identity = `${router} ${await namespaceIdentity(router)}`
  if (settled.has(identity)) return
  // New namespaces copy the host's IPv4 settings: a host that forwards would make routers that forward. Once there are
  // networks in it, whether it forwards is for `router.ts` to say.
  const isNew = !(await hasRouterPorts(router))
  await setSysctls(router, { ...ROUTER_SYSCTLS, ...(isNew && { 'net.ipv4.ip_forward': 0 }) })
  settled.add(identity)
}

const hasRouterPorts = async (router: string): Promise<boolean> =>
  (await listLinks(router)).some((link) => /^net-[0-9a-f]+$/.test(link.name))

/**
 * Makes the network's port to its router, and the router with its first network. The caller holds the router.
 * @param port - the data plane end as it stands; one that leads to another router is replaced.
 * @returns the router's interface in this network.
 */
export async function ensureGatewayPort(
  netns: string,
  network: NetworkSpec,
  subnet: SubnetSpec,
  port: LinkView | undefined,
): Promise<LinkView> {
  const router = routerNetns(netns, subnet.routerId)
  await ensureRouter(router)
  const names = { port: gatewayPortName(network.vni), inside: routerPortName(network.vni) }
  const look = async () => (await listAddresses(router)).find((link) => link.name === names.inside)

  const inside = await look()
  if (inside) assertOurs(router, inside, routerPortMark(network.id))
  // An unmarked port is one that a crash left: nobody knows which router it leads to, so it is made afresh.
  const mark = gatewayMark(network.id, subnet.routerId)
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
  const addresses = routerPortAddresses(network, subnet)
  const set: string[] = []
  if (have && have.mac !== gatewayMac(network.vni)) set.push('address', gatewayMac(network.vni))
  if (have && have.mtu !== network.mtu) set.push('mtu', `${network.mtu}`)
  if (have && have.group !== 'default') set.push('group', 'default')
  if (have?.alias !== routerPortMark(network.id)) set.push('alias', routerPortMark(network.id))
  if (!have?.up) set.push('up')
  const lines: IpLine[] = set.length > 0 ? [['link', 'set', 'dev', name, ...set]] : []
  const surplus = (have?.addresses ?? []).filter((address) => !addresses.includes(address))
  const missing = addresses.filter((address) => !have?.addresses.includes(address))
  // Switching IPv6 off takes its addresses away, so that is for last.
  const losesIpv6 = !addresses.some(isIpv6) && surplus.some(isIpv6)
  for (const address of surplus) lines.push(['addr', 'del', address, 'dev', name])
  for (const address of missing) {
    // Nobody else has it: what duplicate address detection would find out after a second is known.
    lines.push(['addr', 'replace', address, 'dev', name, ...(isIpv6(address) ? ['nodad'] : [])])
  }
  if (missing.some(isIpv6))
    await setSysctls(router, portSysctls(name, { disable_ipv6: 0, accept_ra: 0, accept_dad: 0 }))
  await ipBatch(router, lines)
  if (losesIpv6) await setSysctls(router, portSysctls(name, { disable_ipv6: 1 }))
}

const portSysctls = (name: string, values: Readonly<Record<string, number>>): Record<string, number> =>
  Object.fromEntries(Object.entries(values).map(([key, value]) => [`net.ipv6.conf.${name}.${key}`, value]))

/** True when the router's end of a port is as it should be. */
export function isGatewayAlright(network: NetworkSpec, subnet: SubnetSpec, inside: LinkView | undefined): boolean {
  if (!inside?.up || inside.mtu !== network.mtu) return false
  const addresses = routerPortAddresses(network, subnet)
  return (
    inside.addresses.length === addresses.length && addresses.every((address) => inside.addresses.includes(address))
  )
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

/** The router that a port leads to, as its mark tells; `undefined` when unmarked or absent. */
export const routerIdOfPort = (port: LinkView | undefined): string | undefined => gatewayOfMark(port?.alias)?.routerId

/**
 * Removes a router namespace when no network is left in it. The caller holds the router.
 * @param beforehand - run before an empty namespace goes: ends the processes that would keep it alive, nameless.
 */
export async function removeRouterIfEmpty(router: string, beforehand: () => Promise<void>): Promise<void> {
  if (!(await isOurNamespace(router, routerMark(router)))) return
  if (await hasRouterPorts(router)) return
  await beforehand()
  await deleteNamespace(router, routerMark(router))
}
