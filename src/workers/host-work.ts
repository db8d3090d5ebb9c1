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
import type { NetworkSettings, SettingsOrder } from './network-settings.ts'
import { byNetwork, guestNic, networkSpec, nicBandwidth, tapSpec } from './placement.ts'

/** One server at work: its guest, the cards that the work is about, and the data plane they are in. */
export interface ServerWork extends SettingsOrder {
  readonly plane: DataPlane
  readonly settings: NetworkSettings
  readonly guest: Guest
  readonly server: OrderServer
  readonly force: boolean
  /** Filled by `verify`: what kernel and guest show of the cards. */
  readonly observed: NicObservation[]
}

/** A step on the settings of the cards, with what they are now: they may have changed since the order was read. */
const onSettings =
  (act: (work: ServerWork) => Promise<void>) =>
  (work: ServerWork): Promise<void> =>
    work.settings.forServer(work, act)

export const ensureNetworks = onSettings(async ({ plane, cards }) => {
  await Promise.all(byNetwork(cards).map(({ spec }) => plane.ensureNetwork(spec)))
})

export const ensureTaps = ({ plane, guest, cards }: ServerWork): Promise<void> =>
  plane.ensureTaps(cards.map((card) => tapSpec(guest, card)))

/** Before the taps: a tap that the filters do not know passes nothing. */
export const ensurePolicies = onSettings(({ settings, cards, groups }) => settings.ensurePolicies(cards, groups))

export const removePolicies = ({ plane, cards }: ServerWork): Promise<void> =>
  plane.policies.remove(cards.map(({ nic }) => nic.id))

/** Only where something is asked for: taps come without limits, and the reconciler finds one that was left. */
export const ensureBandwidth = onSettings(({ plane, cards }) =>
  plane.ensureBandwidth(cards.map(nicBandwidth).filter(({ inMbps, outMbps }) => inMbps ?? outMbps)),
)

/** With the elastic IPs of these cards. */
export const ensureRouters = onSettings(({ settings, routers }) => settings.ensureRouters(routers))

/** Without the elastic IPs of these cards; an address is one card's in the whole VPC. */
export const removeElasticIps = onSettings(async ({ settings, cards, routers }) => {
  const leaving = new Set(cards.map(({ nic, network }) => `${network.vpc_id} ${nic.address}`))
  await settings.ensureRouters(
    routers.map((router) => ({
      ...router,
      elastic_ips: router.elastic_ips.filter((own) => !leaving.has(`${router.vpc_id} ${own.nic_address}`)),
    })),
  )
})

/**
 * Asks the segment of each bridged card whether a machine there has its address already.
 * @throws when one has: the card is not handed out.
 */
export async function assertAddressesFree({ plane, cards }: ServerWork): Promise<void> {
  const taken = await Promise.all(
    cards.map(async ({ nic, network }) => {
      if (network.mode !== 'bridged' || nic.address === null) return []
      const holder = await plane.probeAddress(networkSpec(network), nic.address)
      // Its own guest answers when an attempt before this one came that far.
      if (holder === undefined || holder === nic.id) return []
      return [`address ${nic.address} of NIC ${nic.id} is used by ${holder} on the segment of ${network.interface}`]
    }),
  )
  if (taken.flat().length > 0) throw new Error(taken.flat().join('; '))
}

export const removeTaps = ({ plane, cards }: ServerWork): Promise<void> =>
  plane.removeTaps(cards.map(({ nic }) => ({ mac: nic.id })))

export const ensureDhcpHosts = onSettings(async ({ plane, cards }) => {
  await Promise.all(byNetwork(cards).map(({ spec, hosts }) => plane.ensureDhcpHosts(spec, hosts)))
})

export async function removeDhcpHosts({ plane, cards }: ServerWork): Promise<void> {
  await Promise.all(byNetwork(cards).map(({ spec, macs }) => plane.removeDhcpHosts(spec, macs)))
}

export async function plug(work: ServerWork): Promise<void> {
  const { cards } = await work.settings.refreshed(work)
  await work.guest.plug(cards.map(guestNic))
}

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
