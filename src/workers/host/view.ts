/**
 * What the data plane really is at this moment. One `ip` and one `tc` process for the data plane and one `ip` process
 * for each router in it; the rest is read from small files.
 */
import { readdir } from 'node:fs/promises'

import { ForeignObjectError } from '../errors.ts'
import { isBridgedPortAlright } from './bridged-ports.ts'
import { dhcpConfig, dhcpFiles, isInRange, runsAsRoot } from './dhcp-config.ts'
import { DhcpServer } from './dnsmasq.ts'
import { ipQueries } from './ip-command.ts'
import { type LinkView, listLinks, parseLink } from './links.ts'
import {
  bridgeName,
  dataPlaneMark,
  gatewayOfMark,
  gatewayPortName,
  networkOfMark,
  nicOfMark,
  nicOfShaperMark,
  routerMark,
  routerNetns,
  routerPortName,
} from './names.ts'
import { areSameNeighbours, type Neighbours, neighboursOf, parseNeighbours } from './neighbours.ts'
import { isOurNamespace } from './netns.ts'
import { isBridgeAlright, isGatewayAlright } from './networks.ts'
import { lookAtBandwidth } from './shaping.ts'
import type { DhcpHost, NetworkSpec, NicBandwidth, SubnetSpec } from './specs.ts'
import type { Uplinks } from './uplinks.ts'

/** Where a data plane is, and what is the same for all of its networks. */
export interface DataPlanePlace {
  /** Name of the namespace that everything lives in. */
  readonly netns: string
  /** Directory of the DHCP servers' files. */
  readonly runDir: string
  /** Addresses of the name servers that ours ask. */
  readonly dnsUpstreams: readonly string[]
}

/** A network as the kernel shows it. Parts that a crash or a stranger took away are absent. */
export interface NetworkView {
  readonly place: DataPlanePlace
  /** The data plane's devices, by name. */
  readonly links: ReadonlyMap<string, LinkView>
  /** The hypervisor's interfaces that the data plane is joined to in good order. */
  readonly uplinks: ReadonlySet<string>
  readonly vni: number
  /** Id of the network, from the mark of its bridge or port. */
  readonly id: string | undefined
  readonly bridge: LinkView | undefined
  /** The router port: its data plane end, the router it is marked with, and its end in the router. */
  readonly gatewayPort: LinkView | undefined
  readonly routerId: string | undefined
  readonly routerPort: LinkView | undefined
  /** The permanent neighbours that its router has in it. */
  readonly neighbours: Neighbours
  /** Pid of its DHCP server, when that runs. */
  readonly dhcpPid: number | undefined
  /** Configuration of its DHCP server, when there is one. */
  readonly dhcpConfig: string | undefined
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
  /** By the MAC of their NIC: the shapers marked as ours, of NICs without a tap too. `removeTaps` takes them away. */
  readonly shapers: ReadonlyMap<string, LinkView>
  /** By MAC: what each NIC with a tap is held to. */
  readonly bandwidth: ReadonlyMap<string, NicBandwidth>
  /** The hypervisor's interfaces that the data plane is joined to in good order. */
  readonly uplinks: ReadonlySet<string>
  /** By VNI: networks of which any part is there. */
  readonly networks: ReadonlyMap<number, NetworkView>
}

/** Looks at everything there is. Calls that are under way may show half-done. */
export async function lookAtDataPlane(place: DataPlanePlace, uplinks: Uplinks): Promise<DataPlaneView> {
  const { netns, runDir } = place
  const exists = await isOurNamespace(netns, dataPlaneMark(netns))
  const links = new Map((exists ? await listLinks(netns) : []).map((link) => [link.name, link]))
  const taps = new Map<string, LinkView>()
  const shapers = new Map<string, LinkView>()
  const vnis = new Set<number>(await vnisOnDisk(runDir))
  for (const link of links.values()) {
    const mac = nicOfMark(link.alias)
    if (mac !== undefined) taps.set(mac, link)
    const shaped = nicOfShaperMark(link.alias)
    if (shaped !== undefined) shapers.set(shaped, link)
    if (networkOfMark(link.alias) ?? gatewayOfMark(link.alias)) vnis.add(Number.parseInt(link.name.slice(3), 16))
  }
  const routers = new Map<string, Promise<RouterParts>>()
  const joined = await uplinks.inOrder(links)
  const networks = new Map<number, NetworkView>()
  for (const vni of vnis) {
    const bridge = links.get(bridgeName(vni))
    const gatewayPort = links.get(gatewayPortName(vni))
    const mark = gatewayOfMark(gatewayPort?.alias)
    const routerId = mark?.routerId
    if (routerId !== undefined && !routers.has(routerId))
      routers.set(routerId, lookAtRouter(routerNetns(netns, routerId)))
    const router = routerId === undefined ? undefined : await routers.get(routerId)
    const server = new DhcpServer(runDir, vni)
    networks.set(vni, {
      place,
      links,
      uplinks: joined,
      vni,
      id: networkOfMark(bridge?.alias) ?? mark?.networkId,
      bridge,
      gatewayPort,
      routerId,
      routerPort: router?.links.get(routerPortName(vni)),
      neighbours: router?.neighbours.get(routerPortName(vni)) ?? new Map(),
      dhcpPid: await server.pid(),
      dhcpConfig: await server.configText(),
      hosts: (await server.hosts()) ?? new Map(),
    })
  }
  const bandwidth = await lookAtBandwidth(netns, [...links.values()], [...taps.keys()])
  return { exists, links, taps, shapers, bandwidth, uplinks: joined, networks }
}

interface RouterParts {
  /** Devices with their addresses, by name. */
  readonly links: ReadonlyMap<string, LinkView>
  /** Permanent neighbours, by device. */
  readonly neighbours: ReadonlyMap<string, Neighbours>
}

async function lookAtRouter(router: string): Promise<RouterParts> {
  // A stranger's namespace under the router's name concerns one VPC; `ensureNetwork` says so to whoever needs it.
  const ours = await isOurNamespace(router, routerMark(router)).catch((error: unknown) => {
    if (error instanceof ForeignObjectError) return false
    throw error
  })
  if (!ours) return { links: new Map(), neighbours: new Map() }
  const raw = await ipQueries(router, ['-d'], [['addr'], ['neigh', 'show', 'nud', 'permanent']])
  const links = raw.map(parseLink).filter((link) => link !== undefined)
  return { links: new Map(links.map((link) => [link.name, link])), neighbours: parseNeighbours(raw) }
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
  if (!have || !isBridgeAlright(want, bridge)) return false
  const { bridgedTo } = want
  if (bridgedTo !== undefined) {
    if (!have.uplinks.has(bridgedTo) || !isBridgedPortAlright({ ...want, bridgedTo }, have.links)) return false
  }
  if (!want.subnet) return gatewayPort === undefined
  return (
    have.routerId === want.subnet.routerId &&
    gatewayPort?.master === bridge.name &&
    gatewayPort.up &&
    gatewayPort.mtu === want.mtu &&
    gatewayPort.peerIndex === have.routerPort?.index &&
    isGatewayAlright(want, want.subnet, have.routerPort) &&
    have.dhcpPid !== undefined &&
    have.dhcpConfig === wantedConfig(want, want.subnet, have)
  )
}

/** True when the router of a routed network knows its hosts for good, and nobody else. */
export const areNeighboursAlright = ({ routerPort, dhcpConfig, hosts, neighbours }: NetworkView): boolean =>
  !routerPort || !isInRange(dhcpConfig ?? '') || areSameNeighbours(neighboursOf(hosts.values()), neighbours)

/** What its DHCP server should be told, where it is and as whom it runs. */
function wantedConfig(want: NetworkSpec, subnet: SubnetSpec, have: NetworkView): string {
  const { netns, runDir, dnsUpstreams } = have.place
  return dhcpConfig(dhcpFiles(runDir, want.vni), want, subnet, {
    router: routerNetns(netns, subnet.routerId),
    ifName: routerPortName(want.vni),
    ifIndex: have.routerPort?.index ?? 0,
    asRoot: runsAsRoot(have.dhcpConfig ?? ''),
    dnsUpstreams,
  })
}
