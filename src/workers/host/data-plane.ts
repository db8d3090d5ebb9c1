/**
 * The data plane of one worker, as one thing to talk to. Everything lives in one named network namespace (bridges and
 * taps) and one more per VPC (its router) or network that is not routed; the host's own interfaces are never touched.
 *
 * - Who may act: any number of callers at once. Work on one network is done one after the other, and so is work on
 *   one tap; each router has one caller at a time (taken after the network, never before).
 * - What a crash leaves: a part of what was asked for, marked or under our exact name. The same call completes it.
 * - What is remembered: networks that this process has seen in order, so that plugging a NIC into one costs nothing
 *   for the network. `look` compares and forgets those that are no longer so; call it on a timer, and when the kernel
 *   reports changes.
 */
import { mkdir, rm } from 'node:fs/promises'
import { isDeepStrictEqual } from 'node:util'
import { probeAddress } from './arp.ts'
import { ensureBridgedPort, removeBridgedPort } from './bridged-ports.ts'
import { isInRange, routerIdOfConfig } from './dhcp-config.ts'
import { DhcpHosts } from './dhcp-hosts.ts'
import { DhcpServer, endServersIn } from './dnsmasq.ts'
import { NIC_LIMITS } from './filters.ts'
import { settleKernel } from './kernel-settings.ts'
import { KeyedMutex } from './keyed-mutex.ts'
import { deleteLinks, listLinks } from './links.ts'
import { dataPlaneMark, routerMark, routerNetns, routerPortName, tapName, uplinkOfMark } from './names.ts'
import { neighboursOf, setNeighbours } from './neighbours.ts'
import { deleteNamespace, ensureNamespace, isOurNamespace, namespacePids, namespacesNamed } from './netns.ts'
import {
  ensureBridge,
  ensureGatewayPort,
  findNetworkLinks,
  removeNetworkLinks,
  removeRouterIfEmpty,
  routerIdOfPort,
} from './networks.ts'
import { type FilterChanges, NicPolicies } from './policies.ts'
import { Routers } from './routers.ts'
import { holdsWithin } from './run-command.ts'
import { ensureBandwidth, isBandwidthAlright } from './shaping.ts'
import type { DhcpHost, NetworkSpec, NicBandwidth, TapSpec } from './specs.ts'
import { ensureTaps, removeTaps } from './taps.ts'
import { Uplinks } from './uplinks.ts'
import {
  areNeighboursAlright,
  type DataPlanePlace,
  type DataPlaneView,
  isNetworkAlright,
  lookAtDataPlane,
  type NetworkView,
} from './view.ts'

/** How long programs that are on their way out of the namespace may take. */
const LEAVING_MS = 2_000

export interface DataPlaneOptions {
  /** Name of the namespace that everything lives in, for example `patchbay`. Router namespaces begin with it. */
  readonly netns: string
  /**
   * Absolute path of a directory for the files of the DHCP servers; made when missing. It may be lost at any time.
   * When all users can reach it (as below /run), DHCP servers run unprivileged, otherwise as root.
   */
  readonly runDir: string
  /**
   * Addresses of name servers that ours ask on behalf of guests, from within the VPC's router. Without any they know
   * our own names alone.
   */
  readonly dnsUpstreams?: readonly string[]
  /** Names of the hypervisor's interfaces that bridged networks and elastic IPs may use. */
  readonly interfaces?: readonly string[]
  /** Namespace that these are in; absent: the worker's own. */
  readonly interfacesNetns?: string | undefined
  /** Transactions on the filters, whoever makes them; absent or `undefined`: nobody counts them, see `NicPolicies`. */
  readonly filterChangesSeen?: () => FilterChanges | undefined
}

/** Given MACs, says which of them are to be removed after all. */
export type ConfirmMacs = (macs: readonly string[]) => Promise<readonly string[]>
const allOfThem: ConfirmMacs = async (macs) => macs

interface Known {
  readonly spec: NetworkSpec
  readonly hosts: DhcpHosts | undefined
}

export class DataPlane {
  readonly netns: string
  /** Guard and security groups of all NICs. A tap that they do not know passes nothing. */
  readonly policies: NicPolicies
  /** What the routers of VPCs do besides serving their networks. */
  readonly routers: Routers
  readonly #uplinks: Uplinks
  readonly #place: DataPlanePlace
  readonly #mutex = new KeyedMutex()
  readonly #known = new Map<number, Known>()
  /** By VNI: DHCP hosts of calls that wait for the network. */
  readonly #waitingHosts = new Map<number, DhcpHost[]>()

  constructor(options: DataPlaneOptions) {
    const { netns, runDir, dnsUpstreams = [], interfaces = [], interfacesNetns: hostNetns } = options
    this.netns = netns
    this.#place = { netns, runDir, dnsUpstreams }
    this.policies = new NicPolicies(netns, NIC_LIMITS, options.filterChangesSeen)
    this.#uplinks = new Uplinks({ netns, interfaces, ...(hostNetns === undefined ? {} : { hostNetns }) })
    this.routers = new Routers(this.#uplinks, (vpcId, act) => this.#withRouter(vpcId, act))
  }

  /**
   * Makes the namespace when it is not there, and clears away routers that a crash left without a network.
   * @throws {ForeignObjectError} when a namespace of that name is not ours.
   */
  async open(): Promise<void> {
    // For all to enter: DHCP servers run as somebody who owns nothing. What is private has a folder of its own in it.
    await mkdir(this.#place.runDir, { recursive: true, mode: 0o755 })
    await ensureNamespace(this.netns, dataPlaneMark(this.netns), { loUp: true })
    await settleKernel(this.netns)
    for (const router of await this.#routers()) {
      await this.#withRouter(router.slice(this.netns.length + 1), () => this.#removeRouter(router))
    }
  }

  /**
   * Brings a network to the state asked for: its bridge, and with a subnet its router port with its addresses, and its
   * DHCP server. A network that lost its subnet, or joined another VPC, leaves its old router. DHCP hosts stay.
   * @throws {ForeignObjectError} when a device of its name is not ours.
   */
  async ensureNetwork(network: NetworkSpec): Promise<void> {
    // Without waiting for whoever adds hosts to it. It cannot be on its way out: `removeNetwork` asks first who needs it.
    if (await this.#isInOrder(network)) return
    await this.#withNetwork(network.vni, () => this.#ensureNetwork(network))
  }

  /**
   * Takes a network away, with its DHCP hosts; its router goes with its last network. Taps are left alone.
   * @param confirm - asked once nobody else can be working on the network: false leaves it as it is.
   */
  async removeNetwork(
    network: { readonly id: string; readonly vni: number },
    confirm: () => Promise<boolean> = async () => true,
  ): Promise<void> {
    await this.#withNetwork(network.vni, async () => {
      if (!(await confirm())) return
      const known = this.#known.get(network.vni)
      this.#known.delete(network.vni)
      const links = await findNetworkLinks(this.netns, network)
      const server = new DhcpServer(this.#place.runDir, network.vni)
      // The files come last: after a crash they are what still tells the router.
      const routerId =
        routerIdOfPort(links.gatewayPort) ??
        known?.spec.subnet?.routerId ??
        routerIdOfConfig((await server.configText()) ?? '')
      await removeNetworkLinks(this.netns, links, false)
      await removeBridgedPort(this.#uplinks, network)
      if (routerId !== undefined) await this.#leaveRouter(server, routerId)
      await server.remove(undefined)
    })
  }

  /** Takes away the uplinks that neither a network nor an elastic IP uses any more. */
  async removeUnusedUplinks({ links }: DataPlaneView): Promise<void> {
    if ([...links.values()].some(({ alias }) => uplinkOfMark(alias) !== undefined)) await this.#uplinks.removeUnused()
  }

  /** Which of the interfaces that networks may use are on this hypervisor. */
  interfacesThere(): Promise<string[]> {
    return this.#uplinks.interfacesThere()
  }

  /**
   * Asks the segment of a bridged network, which must be there, whether a machine on it holds an address.
   * @returns its MAC, or `undefined`.
   */
  async probeAddress({ vni, subnet }: NetworkSpec, address: string): Promise<string | undefined> {
    return subnet && probeAddress(routerNetns(this.netns, subnet.routerId), routerPortName(vni), address)
  }

  /**
   * Makes taps, marks them and joins them to their bridges, all in one go. The networks must be there.
   * @throws {ForeignObjectError} when a device of such a name is not ours.
   */
  async ensureTaps(taps: readonly TapSpec[]): Promise<void> {
    const names = taps.map((tap) => tapName(tap.mac))
    if (taps.length > 0) await this.#mutex.run(names, () => ensureTaps(this.netns, taps))
  }

  /**
   * Takes taps away, with what shapes them; those already gone count as removed.
   * @param confirm - asked once nobody else can be working on these taps: which of them really are to go.
   * @throws {ForeignObjectError} when a device of such a name is not ours; the others are gone then.
   */
  async removeTaps(taps: readonly { readonly mac: string }[], confirm: ConfirmMacs = allOfThem): Promise<void> {
    const macs = taps.map((tap) => tap.mac)
    if (taps.length === 0) return
    await this.#mutex.run(macs.map(tapName), async () => removeTaps(this.netns, await confirm(macs)))
  }

  /**
   * Holds NICs to their bandwidth, or to none any more, while their flows go on. A NIC without a tap is passed over.
   * @throws {ForeignObjectError} when a shaper of such a name is not ours; nothing has changed then.
   */
  async ensureBandwidth(nics: readonly NicBandwidth[]): Promise<void> {
    const names = nics.map(({ mac }) => tapName(mac))
    if (nics.length > 0) await this.#mutex.run(names, () => ensureBandwidth(this.netns, nics))
  }

  /** True when the NICs that have a tap are held to what is asked for, as a view shows it. */
  isBandwidthAlright(nics: readonly NicBandwidth[], { taps, bandwidth }: DataPlaneView): boolean {
    return nics.every((nic) => !taps.has(nic.mac) || isBandwidthAlright(nic, bandwidth.get(nic.mac)))
  }

  /**
   * Has the network's DHCP server give these MACs exactly these addresses, from the next packet on. An address that
   * another MAC had is taken from it. Nothing to do in a network without a subnet.
   */
  async ensureDhcpHosts(network: NetworkSpec, hosts: readonly DhcpHost[]): Promise<void> {
    if (!network.subnet || hosts.length === 0) return
    // Whoever has the network next takes everybody's: many servers that start at once cost a few acts, not one each.
    const waiting = this.#waitingHosts.get(network.vni) ?? []
    this.#waitingHosts.set(network.vni, waiting)
    waiting.push(...hosts)
    await this.#withNetwork(network.vni, async () => {
      await this.#ensureNetwork(network)
      const others = waiting.splice(0)
      // Ours again: the one who took them may have failed, or they were removed meanwhile.
      await this.#known.get(network.vni)?.hosts?.add([...others, ...hosts])
    })
  }

  /**
   * Has the network's DHCP server forget these MACs, and gives their leases back. Makes nothing that is not there.
   * @param confirm - asked once nobody else can be working on the network: which of them really are to go.
   */
  async removeDhcpHosts(
    network: NetworkSpec,
    macs: readonly string[],
    confirm: ConfirmMacs = allOfThem,
  ): Promise<void> {
    if (!network.subnet || macs.length === 0) return
    await this.#withNetwork(network.vni, async () => {
      const hosts = this.#known.get(network.vni)?.hosts ?? (await this.#hostsOnDisk(network.vni))
      await hosts?.remove(await confirm(macs))
    })
  }

  /**
   * What the kernel shows now. Networks that this process took for in order and that are not are forgotten, so the
   * next `ensureNetwork` repairs them; one that is in order costs it nothing. The routers' neighbours are put right here:
   * dnsmasq makes a lesser entry of one with every new client.
   */
  async look(): Promise<DataPlaneView> {
    const before = [...this.#known].map(([vni, known]) => ({ vni, known, revision: known.hosts?.revision }))
    const view = await lookAtDataPlane(this.#place, this.#uplinks)
    for (const { vni, known, revision } of before) {
      if (known.hosts?.revision !== revision) continue // changed while we looked: the next look tells
      const have = view.networks.get(vni)
      const alright = isNetworkAlright(known.spec, have) && known.hosts?.isSameAs(have?.hosts ?? new Map()) !== false
      if (!alright && this.#known.get(vni) === known) this.#known.delete(vni)
    }
    const strayed = [...view.networks.values()].filter((network) => !areNeighboursAlright(network))
    await Promise.all(strayed.map((network) => this.#mendNeighbours(network)))
    return view
  }

  /** Waits for calls that are under way. Nothing is torn down: guests keep their network without a worker. */
  async close(): Promise<void> {
    await this.#mutex.idle()
  }

  /** Takes everything away: DHCP servers, routers, bridges, taps, and the namespace. Guests lose their NICs. */
  async destroy(): Promise<void> {
    await this.close()
    this.#known.clear()
    this.routers.forget()
    for (const router of await this.#routers()) {
      await endServersIn(router, this.#place.runDir)
      await deleteNamespace(router, routerMark(router))
    }
    // A machine that was adopted runs in it, and is not ours to cut off for good: it finds the namespace again.
    // What watched it for us may be on its way out still.
    const isEmpty = async () => (await namespacePids(this.netns)).length === 0
    if (await holdsWithin(LEAVING_MS, 20, isEmpty)) await deleteNamespace(this.netns, dataPlaneMark(this.netns))
    else await this.#removeLinks()
    await rm(`${this.#place.runDir}/dhcp`, { recursive: true, force: true })
  }

  /** Every device of ours. */
  async #removeLinks(): Promise<void> {
    const links = await listLinks(this.netns)
    await deleteLinks(
      this.netns,
      links.filter(({ name, alias }) => name !== 'lo' && alias?.startsWith('patchbay:')).map(({ name }) => name),
    )
  }

  #withNetwork<T>(vni: number, act: () => Promise<T>): Promise<T> {
    return this.#mutex.run([`network ${vni}`], act)
  }

  #withRouter<T>(routerId: string, act: () => Promise<T>): Promise<T> {
    return this.#mutex.run([`router ${routerId}`], act)
  }

  /** Names of this data plane's router namespaces. Another data plane's name may begin with ours: marks decide. */
  async #routers(): Promise<string[]> {
    const routers: string[] = []
    for (const name of await namespacesNamed(`${this.netns}-`)) {
      const ours = await isOurNamespace(name, routerMark(name)).catch(() => false)
      if (ours) routers.push(name)
    }
    return routers
  }

  /** Whether this process has brought the network in order, and its DHCP server still runs. */
  async #isInOrder(network: NetworkSpec): Promise<boolean> {
    const known = this.#known.get(network.vni)
    if (!known || !isDeepStrictEqual(known.spec, network)) return false
    return !known.hosts || (await known.hosts.server.pid()) !== undefined
  }

  async #ensureNetwork(network: NetworkSpec): Promise<void> {
    if (await this.#isInOrder(network)) return
    this.#known.delete(network.vni)
    const links = await findNetworkLinks(this.netns, network)
    await ensureBridge(this.netns, network, links.bridge)
    const { bridgedTo } = network
    if (bridgedTo !== undefined) await ensureBridgedPort(this.#uplinks, { ...network, bridgedTo })
    const server = new DhcpServer(this.#place.runDir, network.vni)
    const oldRouter = routerIdOfPort(links.gatewayPort) ?? routerIdOfConfig((await server.configText()) ?? '')
    const { subnet } = network
    if (oldRouter !== undefined && oldRouter !== subnet?.routerId) {
      await removeNetworkLinks(this.netns, links, true)
      await this.#leaveRouter(server, oldRouter)
      links.gatewayPort = undefined
    }
    if (!subnet) {
      // Unmarked, so no router was known: nothing but the port itself can be there.
      if (links.gatewayPort) await removeNetworkLinks(this.netns, links, true)
      this.#known.set(network.vni, { spec: network, hosts: undefined })
      return
    }
    const router = routerNetns(this.netns, subnet.routerId)
    const inside = await this.#withRouter(subnet.routerId, () =>
      ensureGatewayPort(this.netns, network, subnet, links.gatewayPort),
    )
    const { dnsUpstreams } = this.#place
    const binding = { router, ifName: inside.name, ifIndex: inside.index, dnsUpstreams }
    await server.ensureRunning(network, subnet, binding)
    const hosts = new DhcpHosts(server, network.vni, { router, ifName: inside.name, routed: subnet.routed })
    await hosts.load()
    this.#known.set(network.vni, { spec: network, hosts })
  }

  #mendNeighbours({ vni, routerId, neighbours }: NetworkView): Promise<void> {
    return this.#withNetwork(vni, async () => {
      // They may have changed since they were looked at, and nobody changes them now.
      const hosts = await new DhcpServer(this.#place.runDir, vni).hosts()
      if (routerId === undefined || !hosts) return
      const want = neighboursOf(hosts.values())
      const gone = [...neighbours.keys()].filter((address) => !want.has(address))
      await setNeighbours(routerNetns(this.netns, routerId), vni, want, gone)
    })
  }

  /** The hosts of a network that this process has not brought in order itself. */
  async #hostsOnDisk(vni: number): Promise<DhcpHosts | undefined> {
    const server = new DhcpServer(this.#place.runDir, vni)
    const config = (await server.configText()) ?? ''
    const routerId = routerIdOfConfig(config)
    if (routerId === undefined) return undefined
    const hosts = new DhcpHosts(server, vni, {
      router: routerNetns(this.netns, routerId),
      ifName: routerPortName(vni),
      routed: isInRange(config),
    })
    await hosts.load()
    return hosts
  }

  /** Ends a network's DHCP server, and its router when this was its last network. */
  async #leaveRouter(server: DhcpServer, routerId: string): Promise<void> {
    const router = routerNetns(this.netns, routerId)
    await server.remove(router)
    await this.#withRouter(routerId, () => this.#removeRouter(router))
  }

  #removeRouter(router: string): Promise<void> {
    return removeRouterIfEmpty(router, () => endServersIn(router, this.#place.runDir))
  }
}
