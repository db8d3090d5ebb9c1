/**
 * What a VPC's router does: it routes between the VPC's networks, and by its elastic IPs to and from the segments that
 * they are on. Its namespace, with a port in each of the VPC's networks, is made with the networks (`networks.ts`).
 *
 * A VPC without elastic IPs has a router that only routes: nothing leads out of it. With elastic IPs there are, for each
 * segment, a port (`segments.ts`), a routing table (`router-routes.ts`) and bandwidth (`elastic-ip-shaping.ts`). One table
 * filters, and translates for all of them (`router-nat.ts`).
 *
 * - Who may act: one caller at a time for each VPC; the caller sees to it.
 * - What a crash leaves: a part of what was asked for. The same call completes it.
 */
import { ForeignObjectError } from '../errors.ts'
import { announceAddresses } from './arp.ts'
import { ensureShaping, isShapingAlright, type ShapedAddress } from './elastic-ip-shaping.ts'
import { ipBatch, ipQueries } from './ip-command.ts'
import { deleteLinks, type LinkView, parseLink } from './links.ts'
import { routerMark, routerNetns } from './names.ts'
import { isOurNamespace, namespaceIdentity, setSysctls } from './netns.ts'
import { isSameTable } from './nft.ts'
import { endTranslation, ensureTranslation, readRouterTable, routerTable } from './router-nat.ts'
import { ensureRouting, isSameRouting, parseRouting, type Routing, wantedRouting } from './router-routes.ts'
import {
  addressChanges,
  ensureSegmentPort,
  isSegmentPortAlright,
  leftSegmentLinks,
  type Segment,
  segmentsOf,
} from './segments.ts'
import type { RouterSpec } from './specs.ts'
import type { Uplinks } from './uplinks.ts'

const FORWARDING = {
  'net.ipv4.ip_forward': 1,
  'net.ipv6.conf.all.forwarding': 1,
  // ICMP errors come from the address of the interface that the packet came in by: outside, of an elastic IP.
  'net.ipv4.icmp_errors_use_inbound_ifaddr': 1,
}

/**
 * Settings of the router and its devices; of `all` and a device's own the higher counts. Answers may come by another
 * way than the kernel would take, and guests have one gateway, whatever is nearer. Of IPv6 nothing leaves the VPC.
 */
function routerSysctls(devices: readonly string[]): Record<string, number> {
  const settings: Record<string, number> = { ...FORWARDING }
  for (const device of ['all', 'default', ...devices.filter((name) => /^(?:net|ext)-/.test(name))]) {
    settings[`net.ipv4.conf.${device}.rp_filter`] = 0
    settings[`net.ipv4.conf.${device}.send_redirects`] = 0
    settings[`net.ipv4.conf.${device}.accept_redirects`] = 0
    if (device.startsWith('ext-')) settings[`net.ipv6.conf.${device}.disable_ipv6`] = 1
  }
  return settings
}

interface RouterState {
  /** Devices with their addresses, by name. */
  readonly links: ReadonlyMap<string, LinkView>
  readonly routing: Routing
  /** Its devices pass packets on, whichever way the answers take. */
  readonly forwards: boolean
}

interface RawNetconf {
  readonly family: string
  readonly interface: string
  readonly forwarding?: boolean
  readonly rp_filter?: string
}

/** Reads what `ip -j netconf` shows of the settings that forwarding hangs on. */
const forwards = (netconf: readonly RawNetconf[]): boolean =>
  netconf
    .filter((settings) => /^(?:all|net-|ext-)/.test(settings.interface))
    .every(({ family, forwarding, rp_filter, ...of }) =>
      family === 'inet' ? forwarding && rp_filter === 'off' : forwarding || of.interface !== 'all',
    )

/** One process. */
async function lookAtRouter(router: string): Promise<RouterState> {
  const raw = await ipQueries(router, ['-d'], [['addr'], ['rule'], ['route', 'show', 'table', 'all'], ['netconf']])
  const links = raw.map(parseLink).filter((link) => link !== undefined)
  return {
    links: new Map(links.map((link) => [link.name, link])),
    routing: parseRouting(raw),
    forwards: forwards(raw.filter((object) => 'forwarding' in object) as unknown as RawNetconf[]),
  }
}

/** The elastic IPs of a segment that are limited. */
const shapedOf = (segment: Segment): ShapedAddress[] =>
  segment.elasticIps.flatMap(({ address, bandwidthMbps: mbps }) => (mbps === undefined ? [] : [{ address, mbps }]))

/**
 * Brings the router of a VPC to what is asked for. Connections live on, but for those that something else is meant for
 * now: of an elastic IP that stands for another NIC, of a forwarded port that leads elsewhere.
 * @throws {Error} when an interface of the hypervisor that an elastic IP names cannot be used.
 * @throws {ForeignObjectError} when a device of such a name is not ours.
 * @throws {HostCommandError} when a rule is refused; the former rules are in force then.
 */
export async function ensureRouter(uplinks: Uplinks, spec: RouterSpec): Promise<void> {
  const router = routerNetns(uplinks.netns, spec.vpcId)
  const segments = segmentsOf(spec)
  for (const segment of segments) await ensureSegmentPort(uplinks, spec.vpcId, segment)
  const [state, table] = await Promise.all([lookAtRouter(router), readRouterTable(router)])
  await ensureRouting(router, wantedRouting(spec, segments), state.routing)
  const want = routerTable(spec, segments)
  if (segments.length > 0) await ensureTranslation(router, want, table)
  // From here on nothing comes in by the segments that were left; without any, nothing has to be kept apart.
  await deleteLinks(router, leftSegmentLinks(segments, state.links.values()))
  if (segments.length === 0) await endTranslation(router, want, table)
  // After the filter: a router that was just made forwards nothing without it.
  await setSysctls(router, routerSysctls([...state.links.keys()]))
  await uplinks.removeUnused()

  for (const segment of segments) {
    await ensureAddresses(router, segment, state.links.get(segment.link))
    await ensureShaping(router, segment.link, 'src', shapedOf(segment))
    await ensureShaping(uplinks.netns, segment.port, 'dst', shapedOf(segment))
  }
}

/**
 * Elastic IPs that this process has announced, by the identity of their router. Those that an earlier process added it
 * may not have come to announce.
 */
const announced = new Set<string>()

async function ensureAddresses(router: string, segment: Segment, link: LinkView | undefined): Promise<void> {
  if (!link) throw new Error(`${segment.link} is gone from router ${router} while it was being set up`)
  const [missing, unwanted] = addressChanges(segment, link)
  await ipBatch(router, [
    ...missing.map((address) => ['addr', 'replace', address, 'dev', link.name]),
    ...unwanted.map((address) => ['addr', 'del', address, 'dev', link.name]),
  ])
  const identity = await namespaceIdentity(router)
  const key = (address: string) => `${identity} ${link.index} ${address}`
  for (const address of [...missing, ...unwanted]) announced.delete(key(address.replace('/32', '')))
  const news = segment.elasticIps.map(({ address }) => address).filter((address) => !announced.has(key(address)))
  await announceAddresses(router, link.name, news)
  for (const address of news) announced.add(key(address))
}

function isForeign(error: unknown): false {
  if (error instanceof ForeignObjectError) return false
  throw error
}

/**
 * Whether the router of a VPC is as asked for; whether the uplinks are, `Uplinks.inOrder` tells. Four processes, two in
 * a VPC without elastic IPs.
 * @param links - the data plane's devices, by name.
 */
export async function isRouterAlright(
  netns: string,
  spec: RouterSpec,
  links: ReadonlyMap<string, LinkView>,
): Promise<boolean> {
  const router = routerNetns(netns, spec.vpcId)
  // One that is not ours is told to whoever needs it, by the functions that make networks.
  if (!(await isOurNamespace(router, routerMark(router)).catch(isForeign))) return false
  const segments = segmentsOf(spec)
  const [state, table] = await Promise.all([lookAtRouter(router), readRouterTable(router)])
  if (!state.forwards) return false
  if (!isSameRouting(wantedRouting(spec, segments), state.routing)) return false
  if (leftSegmentLinks(segments, state.links.values()).length > 0) return false
  if (!isSameTable(routerTable(spec, segments), table)) return false
  const alright = await Promise.all(
    segments.map(
      async (segment) =>
        isSegmentPortAlright(spec.vpcId, segment, links, state.links) &&
        (await isShapingAlright(router, segment.link, 'src', shapedOf(segment))) &&
        (await isShapingAlright(netns, segment.port, 'dst', shapedOf(segment))),
    ),
  )
  return alright.every(Boolean)
}
