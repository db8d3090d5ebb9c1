/**
 * The settings of the network around a hypervisor's NICs: filters, routers, bandwidth, DHCP. They have no transient
 * state and belong to no one server: jobs and the reconciler bring the whole hypervisor up to date, and only what
 * differs is changed.
 */
import type { DesiredState, OrderRouter, WorkOrder } from '../jobs/work-order.ts'
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

export class NetworkSettings {
  readonly #plane: DataPlane
  readonly #desiredState: () => Promise<DesiredState>
  /** Groups whose rules the data plane was given, by id: at which generation. */
  #generations = new Map<string, number>()

  constructor(plane: DataPlane, desiredState: () => Promise<DesiredState>) {
    this.#plane = plane
    this.#desiredState = desiredState
  }

  /**
   * Has the filters know these cards; call it before their taps are there. What it takes does not depend on how many
   * other cards there are, unless the rules of one of their groups are not known here yet.
   */
  async ensurePolicies(cards: readonly Placed[], groups: WorkOrder['groups']): Promise<void> {
    if (cards.length === 0) return
    const known = groups.every(({ id, generation }) => this.#generations.get(id) === generation)
    await (known ? this.#plane.policies.ensure(cards.map(nicPolicy)) : this.replacePolicies())
  }

  /**
   * Brings all filters up to date, in one transaction.
   * @returns true when something had to be changed.
   */
  replacePolicies(): Promise<boolean> {
    return this.#plane.policies.replace(async () => {
      const desired = await this.#desiredState()
      this.#generations = new Map(
        desired.groups.filter(({ rules }) => rules !== null).map(({ id, generation }) => [id, generation]),
      )
      return policyState(desired)
    })
  }

  arePoliciesAlright(desired: DesiredState): Promise<boolean> {
    return this.#plane.policies.isAlright(policyState(desired))
  }

  /** Networks that are there: their DHCP settings and IPv6. */
  async ensureNetworks({ servers, networks }: DesiredState): Promise<void> {
    const there = new Set(
      servers.flatMap((server) => (server.state === 'running' ? server.nics : []).map((nic) => nic.network_id)),
    )
    await Promise.all(
      networks.filter(({ id }) => there.has(id)).map((network) => this.#plane.ensureNetwork(networkSpec(network))),
    )
  }

  async ensureRouters({ routers }: { readonly routers: readonly OrderRouter[] }): Promise<void> {
    await Promise.all(routers.map((router) => this.#plane.routers.ensure(routerSpec(router))))
  }

  areRoutersAlright({ routers }: DesiredState, view: DataPlaneView): Promise<boolean> {
    return this.#plane.routers.areAlright(routers.map(routerSpec), view)
  }

  isBandwidthAlright(desired: DesiredState, view: DataPlaneView): boolean {
    return this.#plane.isBandwidthAlright(steady(desired).map(nicBandwidth), view)
  }

  ensureBandwidth(desired: DesiredState): Promise<void> {
    return this.#plane.ensureBandwidth(steady(desired).map(nicBandwidth))
  }

  async ensureDhcpHosts(desired: DesiredState): Promise<void> {
    await Promise.all(byNetwork(steady(desired)).map(({ spec, hosts }) => this.#plane.ensureDhcpHosts(spec, hosts)))
  }
}

/** Cards in running servers that no job is moving. */
const steady = ({ servers, networks }: DesiredState): Placed[] =>
  servers
    .filter(({ state }) => state === 'running')
    .flatMap((server) => placed(server, networks))
    .filter(({ nic }) => nic.state === 'in_use')

/** Also of cards on their way in or out: their job wants the same. */
const policyState = ({ servers, networks, groups }: DesiredState): PolicyState => ({
  nics: servers
    .filter(({ state }) => state !== 'stopped')
    .flatMap((server) => placed(server, networks))
    .map(nicPolicy),
  groups: groups.map(securityGroup),
})
