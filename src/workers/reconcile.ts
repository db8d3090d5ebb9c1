/**
 * The reconciler compares what should stand on this hypervisor with what does, and repairs through the same steps that
 * the jobs take. It runs on start, on a timer, and when the kernel says that a device went.
 *
 * - It looks first without locks. What seems wrong is looked at again with the server (or network) locked and its desired
 *   state read afresh, so that it never works against a job.
 * - NICs and servers in a transient state belong to their job: hands off.
 * - What does not carry our mark is never touched. Guests are ours when their server has a folder here.
 */
import type { Logger } from 'pino'
import type { DesiredState, OrderServer } from '../jobs/work-order.ts'
import type { ControlPlane } from './control-plane.ts'
import type { DataPlane } from './host/data-plane.ts'
import { isSameHost } from './host/dhcp-host-files.ts'
import { findLinks } from './host/links.ts'
import { bridgeName, tapName } from './host/names.ts'
import { type DataPlaneView, isNetworkAlright } from './host/view.ts'
import {
  ensureBandwidth,
  ensureDhcpHosts,
  ensureNetworks,
  ensurePolicies,
  ensureRouters,
  ensureTaps,
  plug,
  removeDhcpHosts,
  removeTaps,
  type ServerWork,
  unplug,
} from './host-work.ts'
import type { NetworkSettings } from './network-settings.ts'
import type { Observer } from './observer.ts'
import { dhcpHosts, guestNic, networkSpec, type Placed, placed } from './placement.ts'
import { Semaphore } from './semaphore.ts'
import type { Servers } from './servers.ts'

/** Drift is healed within 3 s: one period and the repair. */
const PERIOD_MS = 2_000
/** A server whose repair failed is left alone for a while, longer each time. */
const FIRST_REST_MS = 2_000
const LONGEST_REST_MS = 60_000

/** Rounds that fail in a row before a warning. */
const WORTH_A_WARNING = 3
/** Servers that are looked at and repaired side by side. */
const ATONCE = 8

export interface ReconcilerParts {
  readonly control: ControlPlane
  readonly plane: DataPlane
  readonly servers: Servers
  readonly settings: NetworkSettings
  readonly observer: Observer
  readonly log: Logger
  /** Called when the data plane's namespace is another one than before. */
  readonly onMadeAnew: () => void
}

export class Reconciler {
  readonly #parts: ReconcilerParts
  readonly #resting = new Map<string, { until: number; pauseMs: number }>()
  readonly #hands = new Map<string, Promise<void>>()
  readonly #places = new Semaphore(ATONCE)
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> | undefined
  #again = false
  #closed = false
  #failed = 0

  constructor(parts: ReconcilerParts) {
    this.#parts = parts
  }

  start(): void {
    this.#timer = setInterval(() => this.nudge(), PERIOD_MS)
    this.nudge()
  }

  /** Asks for a round as soon as possible. */
  nudge(): void {
    if (this.#closed) return
    if (this.#running) {
      this.#again = true
      return
    }
    this.#running = this.round()
      .then(() => {
        this.#failed = 0
      })
      .catch((error: unknown) => {
        this.#failed += 1
        // A control plane that is just starting is no news; one that stays away is.
        const level = this.#failed < WORTH_A_WARNING ? 'debug' : 'warn'
        if (!this.#closed) this.#parts.log[level]({ err: error }, 'reconciling failed; trying again')
      })
      .finally(() => {
        this.#running = undefined
        if (this.#again) {
          this.#again = false
          this.nudge()
        }
      })
  }

  async close(): Promise<void> {
    this.#closed = true
    clearInterval(this.#timer)
    await this.#running
    await Promise.all(this.#hands.values())
  }

  /** One comparison, and the repairs that it calls for. */
  async round(): Promise<void> {
    const { control, plane, servers, settings } = this.#parts
    const { revision } = settings
    const desired = await control.desiredState()
    let view = await plane.look()
    if (!view.exists) {
      await this.#makeAnew()
      view = await plane.look()
    }
    for (const server of desired.servers) {
      this.#inHand(server.id, async () => {
        if (await this.#seemsWrong(server, desired, view)) await this.#repair(server.id)
      })
    }
    const known = new Set(desired.servers.map(({ id }) => id))
    for (const server of await servers.registered()) {
      if (!known.has(server.id)) this.#inHand(server.id, () => this.#removeServer(server))
    }
    this.#inHand('network', () => this.#mendSettings(desired, view, revision))
    await this.#removeTaps(desired, view)
    await this.#removeNetworks(desired, view)
    await plane.removeUnusedUplinks(view)
  }

  /** Somebody deleted the data plane's namespace. The filters come first: no tap may stand without them. */
  async #makeAnew(): Promise<void> {
    const { plane, settings, log, onMadeAnew } = this.#parts
    log.warn({ netns: plane.netns }, 'the namespace of the data plane is gone: making it anew')
    await plane.open()
    onMadeAnew()
    await settings.mend('policies')
  }

  /** Filters, routers and bandwidth: what somebody took away or changed by hand, or a job left half done. */
  async #mendSettings(desired: DesiredState, view: DataPlaneView, revision: number): Promise<void> {
    const { settings, log } = this.#parts
    for (const part of await settings.drift(desired, view, revision)) {
      // Each by itself: a router that cannot be mended must not keep the filters from being so.
      this.#inHand(part, async () => {
        log.info({ part }, 'putting the network right')
        await settings.mend(part)
      })
    }
  }

  /**
   * Looks after one server beside the round: one that takes long holds up neither the others nor the next round, which
   * leaves it alone until it is done.
   */
  #inHand(serverId: string, act: () => Promise<void>): void {
    if (this.#hands.has(serverId)) return
    const done = this.#places
      .run(() => this.#attempt(serverId, act))
      .finally(() => {
        this.#hands.delete(serverId)
      })
    this.#hands.set(serverId, done)
  }

  async #attempt(key: string, act: () => Promise<void>): Promise<void> {
    const rest = this.#resting.get(key)
    if (this.#closed || (rest && rest.until > Date.now())) return
    try {
      await act()
      this.#resting.delete(key)
    } catch (error) {
      const pauseMs = Math.min(rest ? rest.pauseMs * 2 : FIRST_REST_MS, LONGEST_REST_MS)
      this.#resting.set(key, { until: Date.now() + pauseMs, pauseMs })
      this.#parts.log.warn({ err: error, server: key, restMs: pauseMs }, 'repair failed')
    }
  }

  async #seemsWrong(server: OrderServer, desired: DesiredState, view: DataPlaneView): Promise<boolean> {
    if (server.state !== 'running' && server.state !== 'stopped') return false
    const { servers } = this.#parts
    if (servers.isBusy(server.id)) return false // a job is at it: next round
    const guest = servers.guestOf(server)
    const cards = steadyCards(server, desired)
    // A veth pair ends in its guest: while all are in order, so is the guest, and nobody has to be asked.
    const seen =
      server.guest === 'namespace' && cards.length > 0 && cards.every((card) => !isCardWrong(server, card, view))
    if (seen && server.state === 'running') return false
    const running = await guest.isRunning()
    if (server.state === 'stopped') return running || cards.some(({ nic }) => view.taps.has(nic.id))
    if (!running || cards.some((card) => isCardWrong(server, card, view))) return true
    if (server.guest !== 'qemu' || cards.length === 0) return false // a veth pair dies at both ends, and shows in the view
    const plugged = await servers.locked(server.id, () => guest.plugged())
    return cards.some(({ nic }) => !plugged.has(nic.id))
  }

  #repair(serverId: string): Promise<void> {
    const { control, plane, servers, settings, observer, log } = this.#parts
    return servers.locked(serverId, async () => {
      const { epoch } = settings
      const fresh = await control.desiredState(serverId)
      const [server] = fresh.servers
      if (!server || (server.state !== 'running' && server.state !== 'stopped')) return
      const work: ServerWork = {
        plane,
        settings,
        server,
        guest: servers.guestOf(server),
        cards: steadyCards(server, fresh),
        groups: fresh.groups.filter(({ rules }) => rules !== null),
        routers: fresh.routers,
        epoch,
        force: false,
        observed: [],
      }
      log.info({ server: serverId, state: server.state }, 'repairing')
      if (server.state === 'stopped') {
        await work.guest.stop({ force: true })
        await removeDhcpHosts(work)
        await removeTaps(work)
        return
      }
      await servers.register(server)
      await bringUp(work)
      observer.follow(work)
    })
  }

  /** A server whose folder is here but which the control plane does not have any more. */
  #removeServer(server: { id: string; guest: OrderServer['guest'] }): Promise<void> {
    const { control, servers, log } = this.#parts
    return servers.locked(server.id, async () => {
      const fresh = await control.desiredState(server.id)
      if (fresh.servers.length > 0) return
      log.info({ server: server.id }, 'removing a server that is no more')
      await servers.remnant(server).stop({ force: true })
      await servers.forget(server)
    })
  }

  /** Taps of ours whose NIC is on no server here. Asked again under the tap's lock: a job may have begun meanwhile. */
  async #removeTaps(desired: DesiredState, view: DataPlaneView): Promise<void> {
    const { plane, log } = this.#parts
    const wanted = nicIds(desired)
    const orphans = [...new Set([...view.taps.keys(), ...view.shapers.keys()])].filter((mac) => !wanted.has(mac))
    if (orphans.length === 0) return
    await plane.removeTaps(
      orphans.map((mac) => ({ mac })),
      async (macs) => {
        const removed = await this.#unwanted(macs)
        if (removed.length > 0) log.info({ taps: removed }, 'removing orphaned taps')
        return removed
      },
    )
  }

  /** Networks of ours that no NIC here needs, and DHCP entries of NICs that are on no server here. */
  async #removeNetworks(desired: DesiredState, view: DataPlaneView): Promise<void> {
    const { control, plane, log } = this.#parts
    const needed = new Map(desired.networks.map((network) => [network.vni, network]))
    const wanted = nicIds(desired)
    for (const { vni, id = '', hosts } of view.networks.values()) {
      const network = needed.get(vni)
      if (network) {
        const orphans = [...hosts.keys()].filter((mac) => !wanted.has(mac))
        await plane.removeDhcpHosts(networkSpec(network), orphans, (macs) => this.#unwanted(macs))
        continue
      }
      await plane.removeNetwork({ id, vni }, async () => {
        const fresh = await control.desiredState()
        const unneeded = fresh.networks.every((other) => other.vni !== vni)
        if (unneeded) log.info({ network: id, vni }, 'removing a network without NICs')
        return unneeded
      })
    }
  }

  async #unwanted(macs: readonly string[]): Promise<string[]> {
    const wanted = nicIds(await this.#parts.control.desiredState())
    return macs.filter((mac) => !wanted.has(mac))
  }
}

const nicIds = (desired: DesiredState): ReadonlySet<string> =>
  new Set(desired.servers.flatMap((server) => server.nics.map(({ id }) => id)))

/** The cards that are to be there, and that no job is moving. */
const steadyCards = (server: OrderServer, desired: DesiredState): Placed[] =>
  placed(server, desired.networks).filter(({ nic }) => nic.state === 'in_use')

function isCardWrong(server: OrderServer, card: Placed, view: DataPlaneView): boolean {
  const { nic, network } = card
  const tap = view.taps.get(nic.id)
  if (tap?.master !== bridgeName(network.vni) || !tap.up || tap.mtu !== network.mtu) return true
  // A tap has a carrier while QEMU holds it; a veth end has none when the guest has taken its own end down.
  if (server.guest === 'qemu' && !tap.carrier) return true
  const stands = view.networks.get(network.vni)
  if (!isNetworkAlright(networkSpec(network), stands)) return true
  return dhcpHosts(card).some((host) => !isSameHost(host, stands?.hosts.get(host.mac)))
}

/** Brings a server that should run, and all its steady cards, into the state asked for. */
async function bringUp(work: ServerWork): Promise<void> {
  const { guest, server, cards } = work
  const running = await guest.isRunning()
  if (!running && server.qmp_socket !== null) throw new Error(`adopted server ${server.id} does not answer`)
  if (running) await letGoOfDeadTaps(work)
  await ensureNetworks(work)
  await ensurePolicies(work)
  await ensureTaps(work)
  await ensureBandwidth(work)
  await ensureRouters(work)
  await ensureDhcpHosts(work)
  await (running ? plug(work) : guest.start(cards.map(guestNic)))
}

/** QEMU cannot take over a tap that was made anew under its feet: the card has to be plugged again. */
async function letGoOfDeadTaps(work: ServerWork): Promise<void> {
  const { guest, plane, server, cards } = work
  if (server.guest !== 'qemu') return
  const links = await findLinks(
    plane.netns,
    cards.map(({ nic }) => tapName(nic.id)),
  )
  const plugged = await guest.plugged()
  const dead = cards.filter(({ nic }) => plugged.has(nic.id) && !links.get(tapName(nic.id))?.carrier)
  if (dead.length > 0) await unplug({ ...work, cards: dead })
}
