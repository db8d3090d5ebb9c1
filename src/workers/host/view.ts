/**
 * What the data plane really is at this moment. One `ip` process for the data plane and one for each router in it;
 * the rest is read from small files.
 */
import { readdir } from 'node:fs/promises'

import { ForeignObjectError } from '../errors.ts'
import { DhcpServer } from './dnsmasq.ts'
import { type LinkView, listAddresses, listLinks } from './links.ts'
import {
  bridgeName,
  dataPlaneMark,
  gatewayOfMark,
  gatewayPortName,
  networkMark,
  networkOfMark,
  nicOfMark,
  routerMark,
  routerNetns,
  routerPortName,
} from './names.ts'
import { isOurNamespace } from './netns.ts'
import { isGatewayAlright } from './networks.ts'
import type { DhcpHost, NetworkSpec } from './specs.ts'

/** A network as the kernel shows it. Parts that a crash or a stranger took away are absent. */
export interface NetworkView {
  readonly vni: number
  /** Id of the network, from the mark of its bridge or port. */
  readonly id: string | undefined
  readonly bridge: LinkView | undefined
  /** The router port: its data plane end, the VPC it is marked with, and its end in the router. */
  readonly gatewayPort: LinkView | undefined
  readonly vpcId: string | undefined
  readonly routerPort: LinkView | undefined
  /** Pid of its DHCP server, when that runs. */
  readonly dhcpPid: number | undefined
  /** By MAC: the hosts that its DHCP server knows. */
  readonly hosts: ReadonlyMap<string, DhcpHost>
}

export interface DataPlaneView {
  /** False when the namespace itself is gone; everything else is empty then. */
  readonly exists: boolean
  /** Every device in the namespace by name, foreign ones too. */
  readonly links: ReadonlyMap<string, LinkView>
  /** The taps and veth ends marked as ours, by the MAC of their NIC. */
  readonly taps: ReadonlyMap<string, LinkView>
  /** By VNI: networks of which any part is there. */
  readonly networks: ReadonlyMap<number, NetworkView>
}

/** Looks at everything there is. Calls that are under way may show half-done. */
export async function lookAtDataPlane(netns: string, runDir: string): Promise<DataPlaneView> {
  const exists = await isOurNamespace(netns, dataPlaneMark(netns))
  const links = new Map((exists ? await listLinks(netns) : []).map((link) => [link.name, link]))
  const taps = new Map<string, LinkView>()
  const vnis = new Set<number>(await vnisOnDisk(runDir))
  for (const link of links.values()) {
    const mac = nicOfMark(link.alias)
    if (mac !== undefined) taps.set(mac, link)
    if (networkOfMark(link.alias) ?? gatewayOfMark(link.alias)) vnis.add(Number.parseInt(link.name.slice(3), 16))
  }
  const routers = new Map<string, Promise<Map<string, LinkView>>>()
  const networks = new Map<number, NetworkView>()
  for (const vni of vnis) {
    const bridge = links.get(bridgeName(vni))
    const gatewayPort = links.get(gatewayPortName(vni))
    const mark = gatewayOfMark(gatewayPort?.alias)
    const vpcId = mark?.vpcId
    if (vpcId !== undefined && !routers.has(vpcId)) routers.set(vpcId, lookAtRouter(routerNetns(netns, vpcId)))
    const server = new DhcpServer(runDir, vni)
    networks.set(vni, {
      vni,
      id: networkOfMark(bridge?.alias) ?? mark?.networkId,
      bridge,
      gatewayPort,
      vpcId,
      routerPort: vpcId === undefined ? undefined : (await routers.get(vpcId))?.get(routerPortName(vni)),
      dhcpPid: await server.pid(),
      hosts: (await server.hosts()) ?? new Map(),
    })
  }
  return { exists, links, taps, networks }
}

async function lookAtRouter(router: string): Promise<Map<string, LinkView>> {
  // A stranger's namespace under the router's name concerns one VPC; `ensureNetwork` says so to whoever needs it.
  const ours = await isOurNamespace(router, routerMark(router)).catch((error: unknown) => {
    if (error instanceof ForeignObjectError) return false
    throw error
  })
  if (!ours) return new Map()
  return new Map((await listAddresses(router)).map((link) => [link.name, link]))
}

async function vnisOnDisk(runDir: string): Promise<number[]> {
  try {
    return (await readdir(`${runDir}/dhcp`)).map((name) => Number.parseInt(name, 16)).filter((vni) => vni >= 4096)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

/** True when a network stands as asked for, as far as a view can show it. */
export function isNetworkAlright(want: NetworkSpec, have: NetworkView | undefined): boolean {
  const { bridge, gatewayPort } = have ?? {}
  if (!have || bridge?.alias !== networkMark(want.id) || !bridge.up || bridge.mtu !== want.mtu) return false
  if (!want.subnet) return gatewayPort === undefined
  return (
    have.vpcId === want.subnet.vpcId &&
    gatewayPort?.master === bridge.name &&
    gatewayPort.up &&
    gatewayPort.mtu === want.mtu &&
    gatewayPort.peerIndex === have.routerPort?.index &&
    isGatewayAlright(want, want.subnet, have.routerPort) &&
    have.dhcpPid !== undefined
  )
}
