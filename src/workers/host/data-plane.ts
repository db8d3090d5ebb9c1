/**
 * The data plane of one worker, as one thing to talk to. Everything lives in one named network namespace (bridges and
 * taps) and one more per VPC (its router); the host's own interfaces are never touched.
 *
 * - Who may act: any number of callers at once. Work on one network is done one after the other, and so is work on
 *   one tap; each VPC's router has one caller at a time (taken after the network, never before).
 * - What a crash leaves: a part of what was asked for, marked or under our exact name. The same call completes it.
 * - What is remembered: networks that this process has seen in order, so that plugging a NIC into one costs nothing
 *   for the network. `look` compares and forgets those that are no longer so; call it on a timer, and when the kernel
 *   reports changes.
 */
import { mkdir, rm } from 'node:fs/promises'
import { vpcOfConfig } from './dhcp-config.ts'
import { DhcpHosts } from './dhcp-hosts.ts'
import { DhcpServer, endServersIn } from './dnsmasq.ts'
import { KeyedMutex } from './keyed-mutex.ts'
import { deleteLinks, listLinks } from './links.ts'
import { dataPlaneMark, routerMark, routerNetns, routerPortName, tapName } from './names.ts'
import {
  deleteNamespace,
  ensureNamespace,
  isOurNamespace,
  namespacePids,
  namespacesNamed,
  setSysctls,
} from './netns.ts'
import {
  ensureBridge,
  ensureGatewayPort,
  findNetworkLinks,
  removeNetworkLinks,
  removeRouterIfEmpty,
  vpcOfPort,
} from './networks.ts'
import type { DhcpHost, NetworkSpec, TapSpec } from './specs.ts'
import { ensureTaps, removeTaps } from './taps.ts'
import { type DataPlaneView, isNetworkAlright, lookAtDataPlane } from './view.ts'

export interface DataPlaneOptions {
  /** Name of the namespace that everything lives in, for example `patchbay`. Router namespaces begin with it. */
  readonly netns: string
  /**
   * Absolute path of a directory for the files of the DHCP servers; made when missing. It may be lost at any time.
   * When all users can reach it (as below /run), DHCP servers run unprivileged, otherwise as root.
   */
  readonly runDir: string
}

const DATA_PLANE_SYSCTLS = {
  // The hypervisor is no host of these networks: bridges and taps are to have no addresses and say nothing by themselves.
  'net.ipv6.conf.all.disable_ipv6': 1,
  'net.ipv6.conf.default.disable_ipv6': 1,
  'net.ipv4.ip_forward': 0,
  // Nothing to filter yet: frames between ports need not pass through the IP firewall.
  'net.bridge.bridge-nf-call-iptables': 0,
  'net.bridge.bridge-nf-call-ip6tables': 0,
  'net.bridge.bridge-nf-call-arptables': 0,
}

/** Given MACs, says which of them are to be removed after all. */
export type ConfirmMacs = (macs: readonly string[]) => Promise<readonly string[]>
const allOfThem: ConfirmMacs = async (macs) => macs

interface Known {
  readonly spec: NetworkSpec
  readonly hosts: DhcpHosts | undefined
}

const sameSpec = (a: NetworkSpec, b: NetworkSpec): boolean =>
  a.id === b.id &&
  a.mtu === b.mtu &&
  a.subnet?.vpcId === b.subnet?.vpcId &&
  a.subnet?.cidr === b.subnet?.cidr &&
  a.subnet?.gateway === b.subnet?.gateway

export class DataPlane {
  readonly netns: string
  readonly #runDir: string
  readonly #mutex = new KeyedMutex()
  readonly #known = new Map<number, Known>()
  /** By VNI: DHCP hosts of calls that wait for the network. */
  readonly #waitingHosts = new Map<number, DhcpHost[]>()

  constructor(options: DataPlaneOptions) {
    this.netns = options.netns
    this.#runDir = options.runDir
  }

  /**
   * Makes the namespace when it is not there, and clears away routers that a crash left without a network.
   * @throws {ForeignObjectError} when a namespace of that name is not ours.
   */
  async open(): Promise<void> {
    // For all to enter: DHCP servers run as somebody who owns nothing. What is private has a folder of its own in it.
    await mkdir(this.#runDir, { recursive: true, mode: 0o755 })
    await ensureNamespace(this.netns, dataPlaneMark(this.netns), { loUp: true })
    await setSysctls(this.netns, DATA_PLANE_SYSCTLS)
    for (const router of await this.#routers()) {
      await this.#withVpc(router.slice(this.netns.length + 1), () => this.#removeRouter(router))
    }
  }

  /**
   * Brings a network to the state asked for: its bridge, and with a subnet its router port, gateway address and DHCP
   * server. A network that lost its subnet, or joined another VPC, leaves its old router. DHCP hosts stay.
   * @throws {ForeignObjectError} when a device of its name is not ours.
   */
  async ensureNetwork(network: NetworkSpec): Promise<void> {
    // Without waiting for whoever adds hosts to it. It cannot be on its way out: `removeNetwork` asks first who needs it.
    if (await this.#isInOrder(network)) return
    await this.#withNetwork(network.vni, () => this.#ensureNetwork(network))
  }

  /**
   * Takes a network away, with its DHCP hosts; its VPC's router goes with its last network. Taps are left alone.
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
      const server = new DhcpServer(this.#runDir, network.vni)
      // The files come last: after a crash they are what still tells the VPC.
      const vpcId =
        vpcOfPort(links.gatewayPort) ?? known?.spec.subnet?.vpcId ?? vpcOfConfig((await server.configText()) ?? '')
      await removeNetworkLinks(this.netns, links, false)
      if (vpcId !== undefined) await this.#leaveRouter(server, vpcId)
      await server.remove(undefined)
    })
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
   * Takes taps away; those already gone count as removed.
   * @param confirm - asked once nobody else can be working on these taps: which of them really are to go.
   * @throws {ForeignObjectError} when a device of such a name is not ours; the others are gone then.
   */
  async removeTaps(taps: readonly { readonly mac: string }[], confirm: ConfirmMacs = allOfThem): Promise<void> {
    const macs = taps.map((tap) => tap.mac)
    if (taps.length === 0) return
    await this.#mutex.run(macs.map(tapName), async () => removeTaps(this.netns, await confirm(macs)))
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
   * next `ensureNetwork` repairs them; one that is in order costs it nothing.
   */
  async look(): Promise<DataPlaneView> {
    const before = [...this.#known].map(([vni, known]) => ({ vni, known, revision: known.hosts?.revision }))
    const view = await lookAtDataPlane(this.netns, this.#runDir)
    for (const { vni, known, revision } of before) {
      if (known.hosts?.revision !== revision) continue // changed while we looked: the next look tells
      const have = view.networks.get(vni)
      const alright = isNetworkAlright(known.spec, have) && known.hosts?.isSameAs(have?.hosts ?? new Map()) !== false
      if (!alright && this.#known.get(vni) === known) this.#known.delete(vni)
    }
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
    for (const router of await this.#routers()) {
      await endServersIn(router, this.#runDir)
      await deleteNamespace(router, routerMark(router))
    }
    // A machine that was adopted runs in it, and is not ours to cut off for good: it finds the namespace again.
    if ((await namespacePids(this.netns)).length > 0) await this.#removeLinks()
    else await deleteNamespace(this.netns, dataPlaneMark(this.netns))
    await rm(`${this.#runDir}/dhcp`, { recursive: true, force: true })
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

  #withVpc<T>(vpcId: string, act: () => Promise<T>): Promise<T> {
    return this.#mutex.run([`vpc ${vpcId}`], act)
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
    if (!known || !sameSpec(known.spec, network)) return false
    return !known.hosts || (await known.hosts.server.pid()) !== undefined
  }

  async #ensureNetwork(network: NetworkSpec): Promise<void> {
    if (await this.#isInOrder(network)) return
    this.#known.delete(network.vni)
    const links = await findNetworkLinks(this.netns, network)
    await ensureBridge(this.netns, network, links.bridge)
    const server = new DhcpServer(this.#runDir, network.vni)
    const oldVpc = vpcOfPort(links.gatewayPort) ?? vpcOfConfig((await server.configText()) ?? '')
    const { subnet } = network
    if (oldVpc !== undefined && oldVpc !== subnet?.vpcId) {
      await removeNetworkLinks(this.netns, links, true)
      await this.#leaveRouter(server, oldVpc)
      links.gatewayPort = undefined
    }
    if (!subnet) {
      // Unmarked, so no VPC was known: nothing but the port itself can be there.
      if (links.gatewayPort) await removeNetworkLinks(this.netns, links, true)
      this.#known.set(network.vni, { spec: network, hosts: undefined })
      return
    }
    const router = routerNetns(this.netns, subnet.vpcId)
    const inside = await this.#withVpc(subnet.vpcId, () =>
      ensureGatewayPort(this.netns, network, subnet, links.gatewayPort),
    )
    const binding = { router, ifName: inside.name, ifIndex: inside.index }
    await server.ensureRunning(network, subnet, binding)
    const hosts = new DhcpHosts(server, network.vni, binding)
    await hosts.load()
    this.#known.set(network.vni, { spec: network, hosts })
  }

  /** The hosts of a network that this process has not brought in order itself. */
  async #hostsOnDisk(vni: number): Promise<DhcpHosts | undefined> {
    const server = new DhcpServer(this.#runDir, vni)
    const vpcId = vpcOfConfig((await server.configText()) ?? '')
    if (vpcId === undefined) return undefined
    const hosts = new DhcpHosts(server, vni, {
      router: routerNetns(this.netns, vpcId),
      ifName: routerPortName(vni),
    })
    await hosts.load()
    return hosts
  }

  /** Ends a network's DHCP server, and its VPC's router when this was its last network. */
  async #leaveRouter(server: DhcpServer, vpcId: string): Promise<void> {
    const router = routerNetns(this.netns, vpcId)
    await server.remove(router)
    await this.#withVpc(vpcId, () => this.#removeRouter(router))
  }

  #removeRouter(router: string): Promise<void> {
    return removeRouterIfEmpty(router, () => endServersIn(router, this.#runDir))
  }
}
