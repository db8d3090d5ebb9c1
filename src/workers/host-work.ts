/**
 * The parts that jobs and the reconciler have in common: bringing the devices of some NICs of one server into the state
 * asked for, and taking them away. Everything here may be called again after a crash at any line.
 */
import type { NicObservation, OrderServer } from '../jobs/work-order.ts'
import { TransientError } from './errors.ts'
import type { Guest, GuestInterface } from './guests/guest.ts'
import type { DataPlane } from './host/data-plane.ts'
import { findLinks, type LinkView } from './host/links.ts'
import { bridgeName, tapName } from './host/names.ts'
import { byNetwork, guestNic, type Placed, tapSpec } from './placement.ts'

/** One server at work: its guest, the cards that the work is about, and the data plane they are in. */
export interface ServerWork {
  readonly plane: DataPlane
  readonly guest: Guest
  readonly server: OrderServer
  readonly cards: readonly Placed[]
  readonly force: boolean
  /** Filled by `verify`: what kernel and guest show of the cards. */
  readonly observed: NicObservation[]
}

export async function ensureNetworks({ plane, cards }: ServerWork): Promise<void> {
  await Promise.all(byNetwork(cards).map(({ spec }) => plane.ensureNetwork(spec)))
}

export const ensureTaps = ({ plane, guest, cards }: ServerWork): Promise<void> =>
  plane.ensureTaps(cards.map((card) => tapSpec(guest, card)))

export const removeTaps = ({ plane, cards }: ServerWork): Promise<void> =>
  plane.removeTaps(cards.map(({ nic }) => ({ mac: nic.id })))

export async function ensureDhcpHosts({ plane, cards }: ServerWork): Promise<void> {
  await Promise.all(byNetwork(cards).map(({ spec, hosts }) => plane.ensureDhcpHosts(spec, hosts)))
}

export async function removeDhcpHosts({ plane, cards }: ServerWork): Promise<void> {
  await Promise.all(byNetwork(cards).map(({ spec, macs }) => plane.removeDhcpHosts(spec, macs)))
}

export const plug = ({ guest, cards }: ServerWork): Promise<void> => guest.plug(cards.map(guestNic))

export const unplug = ({ guest, cards, force }: ServerWork): Promise<void> =>
  guest.unplug(cards.map(guestNic), { force })

/**
 * Looks at the cards in the kernel and in the guest, and stores what is seen.
 * @throws TransientError when a tap is not up on its bridge, or the guest lacks the card.
 */
export async function verify(work: ServerWork): Promise<void> {
  const { plane, guest, server, cards, observed } = work
  // A namespace shows at once what it has; a virtual machine is asked later, when it has had time for DHCP.
  const look = server.guest === 'namespace' ? guest.look() : undefined
  const [links, inside, plugged] = await Promise.all([
    findLinks(
      plane.netns,
      cards.map(({ nic }) => tapName(nic.id)),
    ),
    look,
    look?.then((seen) => new Set(seen?.map(({ mac }) => mac))) ?? guest.plugged(),
  ])
  const wrong = cards.flatMap(({ nic, network }) => {
    const link = links.get(tapName(nic.id))
    const bridge = bridgeName(network.vni)
    if (link?.master !== bridge || !link.up) return [`${tapName(nic.id)} is not up on ${bridge}`]
    return plugged.has(nic.id) ? [] : [`the guest does not have ${nic.id}`]
  })
  if (wrong.length > 0) throw new TransientError(wrong.join('; '))
  observed.splice(
    0,
    observed.length,
    ...cards.map(({ nic }) => observation(nic.id, links.get(tapName(nic.id)), inside)),
  )
}

/** What is seen of one NIC, in the shape of a report. */
export function observation(
  mac: string,
  link: LinkView | undefined,
  seen: readonly GuestInterface[] | undefined,
): NicObservation {
  const inside = seen?.find((one) => one.mac === mac)
  return {
    id: mac,
    host: link ? { tap: link.name, bridge: link.master ?? null, up: link.up, mtu: link.mtu } : null,
    guest: inside ? { interface_name: inside.name, mac: inside.mac, addresses: [...inside.addresses] } : null,
  }
}
