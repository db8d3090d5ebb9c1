import type { DesiredState } from '../../jobs/work-order.ts'
import type { NetworkSettings } from '../network-settings.ts'
import { guestNic, placed } from '../placement.ts'
import type { Servers } from '../servers.ts'
import type { Step } from '../steps.ts'

/** A hypervisor at work on its network settings, with the state that they should be in. */
export interface HypervisorWork {
  readonly settings: NetworkSettings
  readonly servers: Servers
  readonly desired: DesiredState
}

/**
 * The steps of the jobs that are about no one server. None is undone: each is one transaction or changes what differs,
 * so what was there before stays in force when the kernel refuses, and the next try or the reconciler goes on from there.
 */
export const HYPERVISOR_STEPS = {
  'network.apply': [
    { name: 'networks', run: ({ settings, desired }) => settings.ensureNetworks(desired) },
    { name: 'policies', run: async ({ settings }) => void (await settings.replacePolicies()) },
    { name: 'bandwidth', run: ({ settings, desired }) => settings.ensureBandwidth(desired) },
    { name: 'routers', run: ({ settings, desired }) => settings.ensureRouters(desired) },
    { name: 'dhcp', run: ({ settings, desired }) => settings.ensureDhcpHosts(desired) },
    { name: 'guests', run: configureNamespaces },
  ],
} as const satisfies Record<string, readonly Step<HypervisorWork>[]>

/** Namespace guests have no client that would hear of a new IPv6 prefix: the worker is their client. */
async function configureNamespaces({ servers, desired }: HypervisorWork): Promise<void> {
  for (const server of desired.servers) {
    if (server.guest !== 'namespace' || server.state !== 'running') continue
    const cards = placed(server, desired.networks).filter(({ nic }) => nic.state === 'in_use')
    await servers.locked(server.id, async () => {
      const guest = servers.guestOf(server)
      if (await guest.isRunning()) await guest.plug(cards.map(guestNic))
    })
  }
}
