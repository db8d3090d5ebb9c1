/**
 * Segments of a VPC's elastic IPs: which there are, and the router's port on each. A port is a veth pair between the
 * bridge of the hypervisor's interface and the router's namespace, where its end has the elastic IPs as addresses.
 */
import { ipBatch } from './ip-command.ts'
import { isSettled, type LinkSettings, settle } from './link-settings.ts'
import { assertOurs, deleteLinks, findLinks, type LinkView } from './links.ts'
import { routerNetns, segmentMark, segmentNames, segmentNumber, uplinkBridgeName } from './names.ts'
import type { ElasticIpSpec, RouterSpec } from './specs.ts'
import type { Uplink, Uplinks } from './uplinks.ts'

export interface Segment {
  /** The hypervisor's interface to it. */
  readonly interface: string
  /** For example `203.0.113.0/24`. */
  readonly cidr: string
  readonly gateway: string
  /** Number of its routing table, and mark of the connections that go by it. */
  readonly number: number
  /** The data plane's end of the router's port on it. */
  readonly port: string
  /** The router's end. */
  readonly link: string
  /** Those of the VPC that are on it, by address. */
  readonly elasticIps: readonly ElasticIpSpec[]
}

/** Orders text by its bytes, the same on every machine. */
export const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** The segments that a VPC has elastic IPs on, in a fixed order. */
export function segmentsOf(spec: RouterSpec): Segment[] {
  const segments = new Map<string, Segment & { elasticIps: ElasticIpSpec[] }>()
  for (const elasticIp of spec.elasticIps.toSorted((a, b) => byText(a.address, b.address))) {
    const names = segmentNames(spec.vpcId, elasticIp)
    const segment = segments.get(names.link) ?? {
      interface: elasticIp.interface,
      cidr: elasticIp.cidr,
      gateway: elasticIp.gateway,
      number: segmentNumber(elasticIp),
      ...names,
      elasticIps: [],
    }
    segment.elasticIps.push(elasticIp)
    segments.set(names.link, segment)
  }
  return [...segments.values()]
}

const portSettings = (vpcId: string, segment: Segment, mtu: number): LinkSettings => ({
  alias: segmentMark(vpcId, segment),
  mtu,
  master: uplinkBridgeName(segment.interface),
})

const linkSettings = (vpcId: string, segment: Segment, mtu: number): LinkSettings => ({
  alias: segmentMark(vpcId, segment),
  mtu,
})

/**
 * Makes the router's port on a segment, without addresses yet.
 * @throws {Error} when the hypervisor's interface cannot be used.
 * @throws {ForeignObjectError} when a device of its names is not ours.
 */
export async function ensureSegmentPort(uplinks: Uplinks, vpcId: string, segment: Segment): Promise<void> {
  await uplinks.join(segment.interface, (uplink) => ensurePair(uplinks.netns, vpcId, segment, uplink))
}

async function ensurePair(netns: string, vpcId: string, segment: Segment, { mtu }: Uplink): Promise<void> {
  const router = routerNetns(netns, vpcId)
  const mark = segmentMark(vpcId, segment)
  let port = (await findLinks(netns, [segment.port])).get(segment.port)
  let link = (await findLinks(router, [segment.link])).get(segment.link)
  if (port) assertOurs(netns, port, mark)
  if (link) assertOurs(router, link, mark)
  if (!port || !link || port.peerIndex !== link.index) {
    if (port) await deleteLinks(netns, [port.name])
    if (link) await deleteLinks(router, [link.name])
    port = undefined
    link = undefined
    const peer = ['type', 'veth', 'peer', 'name', segment.link, 'netns', router]
    await ipBatch(netns, [['link', 'add', 'name', segment.port, ...peer]])
  }
  await ipBatch(netns, settle(segment.port, portSettings(vpcId, segment, mtu), port))
  await ipBatch(router, settle(segment.link, linkSettings(vpcId, segment, mtu), link))
}

/**
 * Whether the router has its port on a segment, with the elastic IPs on it.
 * @param links - the data plane's devices, by name.
 * @param inside - the router's devices with their addresses, by name.
 */
export function isSegmentPortAlright(
  vpcId: string,
  segment: Segment,
  links: ReadonlyMap<string, LinkView>,
  inside: ReadonlyMap<string, LinkView>,
): boolean {
  const port = links.get(segment.port)
  const link = inside.get(segment.link)
  const mtu = links.get(uplinkBridgeName(segment.interface))?.mtu ?? 0
  return (
    isSettled(portSettings(vpcId, segment, mtu), port) &&
    isSettled(linkSettings(vpcId, segment, mtu), link) &&
    port.peerIndex === link.index &&
    addressChanges(segment, link).every((changes) => changes.length === 0)
  )
}

/** Elastic IPs that the router's end of a port lacks, and addresses that it has and should not have. */
export function addressChanges(segment: Segment, link: LinkView): [missing: string[], unwanted: string[]] {
  const want = segment.elasticIps.map(({ address }) => `${address}/32`)
  return [
    want.filter((address) => !link.addresses.includes(address)),
    link.addresses.filter((address) => !want.includes(address)),
  ]
}

/**
 * The router's ends of ports on segments that it has no elastic IPs on any more.
 * @param inside - the router's devices.
 */
export const leftSegmentLinks = (segments: readonly Segment[], inside: Iterable<LinkView>): string[] =>
  [...inside]
    .map(({ name }) => name)
    .filter((name) => /^ext-[0-9a-f]{8}$/.test(name) && !segments.some(({ link }) => link === name))
