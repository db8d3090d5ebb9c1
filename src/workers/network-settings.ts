/**
 * The settings of the network around a hypervisor's NICs: filters, routers, bandwidth, DHCP. They have no transient
 * state and belong to no one server: jobs and the reconciler bring the whole hypervisor up to date, and only what
 * differs is changed.
 *
 * Jobs of servers apply them too, for their own cards, from an order that may be older than what has been applied since.
 * So whoever brings the whole up to date does so alone and counts (`epoch`), and a server's job that finds the count
 * changed since its order reads its part afresh.
 */
import type { DesiredState, OrderRouter, ReportedStep, WorkOrder } from '../jobs/work-order.ts'
import type { DataPlane } from './host/data-plane.ts'
import type { PolicyState } from './host/policies.ts'
import type { DataPlaneView } from './host/view.ts'
import {
  byNetwork,
  networkSpec,
  nicBandwidth,
  nicPolicy,
  type Placed,
  placed,
  routerSpec,
  securityGroup,
} from './placement.ts'
import { SharedLock } from './shared-lock.ts'
import { runSteps, type Step } from './steps.ts'

/** The part of an order that settings are applied from. */
export interface SettingsOrder {
  readonly cards: readonly Placed[]
  readonly groups: WorkOrder['groups']
  readonly routers: readonly OrderRouter[]
  /** `NetworkSettings.epoch` from before the order was read. */
  readonly epoch: number
}

/** What can be brought up to date by itself, in this order. */
export const PARTS = ['networks', 'policies', 'bandwidth', 'dhcp', 'routers'] as const
export type Part = (typeof PARTS)[number]

const MOST_UNTOLD = 3

export class NetworkSettings {
  readonly #plane: DataPlane
  readonly #desiredState: (serverId?: string) => Promise<DesiredState>
  readonly #lock = new SharedLock()
  #epoch = 0
  /** At which epoch a part was last brought up to date with success. */
  readonly #done = new Map<Part, number>()
  /** Groups whose rules the data plane was given, by id: at which generation. */
  #generations = new Map<string, number>()
  /** Looks in a row at filters that changed meanwhile. */
  #untold = 0

  constructor(plane: DataPlane, desiredState: (serverId?: string) => Promise<DesiredState>) {
    this.#plane = plane
    this.#desiredState = desiredState
  }

  /** Counts the times that the whole was brought up to date. */
  get epoch(): number {
    return this.#epoch
  }

  /**
   * Lets a server's job apply the settings of its own cards, as they are now.
   * @param work - as ordered; what the act gets is read afresh when the whole was brought up to date since.
   */
  forServer<W extends SettingsOrder & { readonly server: { readonly id: string } }>(
    work: W,
    act: (work: W) => Promise<void>,
  ): Promise<void> {
    return this.#lock.shared(async () => act(await this.refreshed(work)))
  }

  /** An order as it would be read now. */
  async refreshed<W extends SettingsOrder & { readonly server: { readonly id: string } }>(work: W): Promise<W> {
    const epoch = this.#epoch
    if (work.epoch === epoch) return work
    const { servers, networks, groups, routers } = await this.#desiredState(work.server.id)
    const macs = new Set(work.cards.map(({ nic }) => nic.id))
    const cards = servers.flatMap((server) => placed(server, networks)).filter(({ nic }) => macs.has(nic.id))
    return { ...work, cards, groups: groups.filter(({ rules }) => rules !== null), routers, epoch }
  }

  /**
   * Brings parts of the whole up to date. Those that somebody else has begun and ended since are left out: they have
   * what the caller wants.
   * @param since - epoch from before the caller knew of the change.
   * @param log - gets a line for each part.
   */
  apply(
    parts: readonly Part[],
    since: number,
    mayRetry: (error: unknown) => boolean = () => false,
    log: ReportedStep[] = [],
  ): Promise<void> {
    return this.#lock.exclusive(async () => {
      const missing = PARTS.filter((part) => parts.includes(part) && (this.#done.get(part) ?? 0) <= since)
      if (missing.length === 0) return
      const epoch = ++this.#epoch // before reading: what is ordered from here on is newer
      const desired = await this.#desiredState()
      const step = (part: Part): Step<DesiredState> => ({
        name: part,
        run: async (state) => {
          await this.#bring(part, state)
          this.#done.set(part, epoch)
        },
      })
      await runSteps(missing.map(step), desired, mayRetry, log)
    })
  }

  /** As `apply`, with what stands in the kernel read again: somebody else has changed it. */
  async mend(part: 'policies' | 'routers' | 'bandwidth'): Promise<void> {
    if (part === 'policies') await this.#plane.policies.forget()
    await this.apply([part], this.#epoch)
  }

  /** Counts the changes to the filters. */
  get revision(): number {
    return this.#plane.policies.revision
  }

  /**
   * Which parts do not stand as asked for.
   * @param revision - from before `desired` was read.
   */
  async drift(
    desired: DesiredState,
    view: DataPlaneView,
    revision: number,
  ): Promise<('policies' | 'routers' | 'bandwidth')[]> {
    const [policies, routers] = await Promise.all([
      this.#arePoliciesAlright(desired, revision),
      this.#plane.routers.areAlright(desired.routers.map(routerSpec), view),
    ])
    const bandwidth = this.#plane.isBandwidthAlright(carried(desired).map(nicBandwidth), view)
    return [
      ...(policies ? [] : (['policies'] as const)),
      ...(bandwidth ? [] : (['bandwidth'] as const)),
      ...(routers ? [] : (['routers'] as const)),
    ]
  }

  /**
   * Has the filters know these cards; call it before their taps are there. What it takes does not depend on how many
   * other cards there are, unless the rules of one of their groups are not known here yet.
   */
  async ensurePolicies(cards: readonly Placed[], groups: WorkOrder['groups']): Promise<void> {
    if (cards.length === 0) return
    const known = groups.every(({ id, generation }) => this.#generations.get(id) === generation)
    await (known ? this.#plane.policies.ensure(cards.map(nicPolicy)) : this.#replacePolicies(this.#desiredState))
  }

  /** Every one of them, also when one cannot be brought about. */
  async ensureRouters(routers: readonly OrderRouter[]): Promise<void> {
    const outcomes = await Promise.allSettled(routers.map((router) => this.#plane.routers.ensure(routerSpec(router))))
    const failed = outcomes.filter((outcome) => outcome.status === 'rejected').map(({ reason }) => reason as unknown)
    if (failed.length > 1) throw new AggregateError(failed, `${failed.length} routers could not be brought up to date`)
    if (failed.length === 1) throw failed[0]
  }

  /**
   * Filters that a job has changed while we looked say nothing: the next look tells. On a hypervisor that is never at
   * rest, one look in a few counts all the same.
   */
  async #arePoliciesAlright(desired: DesiredState, revision: number): Promise<boolean> {
    const alright = await this.#plane.policies.isAlright(policyState(desired))
    const isTold = alright || this.revision === revision || this.#untold >= MOST_UNTOLD
    this.#untold = isTold ? 0 : this.#untold + 1
    return alright || !isTold
  }

  async #bring(part: Part, desired: DesiredState): Promise<void> {
    switch (part) {
      case 'networks':
        return this.#ensureNetworks(desired)
      case 'policies':
        return this.#replacePolicies(async () => desired)
      case 'bandwidth':
        return this.#plane.ensureBandwidth(carried(desired).map(nicBandwidth))
      case 'dhcp':
        await Promise.all(
          byNetwork(carried(desired)).map(({ spec, hosts }) => this.#plane.ensureDhcpHosts(spec, hosts)),
        )
        return
      case 'routers':
        return this.ensureRouters(desired.routers)
    }
  }

  async #replacePolicies(state: () => Promise<DesiredState>): Promise<void> {
    let generations = this.#generations
    await this.#plane.policies.replace(async () => {
      const desired = await state()
      const ruled = desired.groups.filter(({ rules }) => rules !== null)
      generations = new Map(ruled.map(({ id, generation }) => [id, generation]))
      return policyState(desired)
    })
    this.#generations = generations
  }

  /** Their DHCP settings and IPv6; a network that nobody here needs yet comes with its first card. */
  async #ensureNetworks(desired: DesiredState): Promise<void> {
    const specs = new Map(carried(desired).map(({ network }) => [network.id, networkSpec(network)]))
    await Promise.all([...specs.values()].map((spec) => this.#plane.ensureNetwork(spec)))
  }
}

/** Cards that are in running servers or on their way in. */
const carried = ({ servers, networks }: DesiredState): Placed[] =>
  servers
    .filter(({ state }) => ['running', 'starting', 'pending'].includes(state))
    .flatMap((server) => placed(server, networks))
    .filter(({ nic }) => nic.state !== 'detaching')

/** Also of cards on their way out: their job takes them away. */
const policyState = ({ servers, networks, groups }: DesiredState): PolicyState => ({
  nics: servers
    .filter(({ state }) => state !== 'stopped')
    .flatMap((server) => placed(server, networks))
    .map(nicPolicy),
  groups: groups.map(securityGroup),
})
