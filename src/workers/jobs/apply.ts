/** What `network.apply` does: the parts of the network's settings that what it is about shows in. */
import type { WorkOrder } from '../../jobs/work-order.ts'
import type { ControlPlane } from '../control-plane.ts'
import type { Part } from '../network-settings.ts'
import { guestNic, placed } from '../placement.ts'
import type { Servers } from '../servers.ts'

type Resource = WorkOrder['job']['resources'][number]

const SHOWS_IN: Readonly<Record<string, readonly Part[]>> = {
  nic: ['policies', 'bandwidth'],
  server: ['dhcp'],
  network: ['networks', 'policies', 'dhcp'],
  vpc: ['routers'],
  elastic_ip: ['routers'],
  port_forwarding: ['routers'],
  reserved_address: ['policies'],
  security_group: ['policies'],
  security_group_rule: ['policies'],
}

/** The parts to be brought up to date. */
export const partsOf = (resources: readonly Resource[]): Part[] => resources.flatMap(({ type }) => SHOWS_IN[type] ?? [])

/**
 * Configures the namespace guests in the networks that a job is about: they have no client that would hear of a new IPv6
 * prefix, so the worker is their client.
 */
export async function configureNamespaces(
  control: Pick<ControlPlane, 'desiredState'>,
  servers: Servers,
  resources: readonly Resource[],
): Promise<void> {
  const about = new Set(resources.filter(({ type }) => type === 'network').map(({ id }) => id))
  if (about.size === 0) return
  const before = await control.desiredState()
  for (const { id, guest, nics } of before.servers) {
    if (guest !== 'namespace' || !nics.some((nic) => about.has(nic.network_id))) continue
    await servers.locked(id, async () => {
      const { servers: fresh, networks } = await control.desiredState(id) // a job may have been at it meanwhile
      for (const server of fresh.filter(({ state }) => state === 'running')) {
        const cards = placed(server, networks).filter(({ nic }) => nic.state === 'in_use')
        const namespace = servers.guestOf(server)
        if (await namespace.isRunning()) await namespace.plug(cards.map(guestNic))
      }
    })
  }
}
