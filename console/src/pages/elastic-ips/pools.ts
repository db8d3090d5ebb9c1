/** Pools of elastic IPs as forms need them. Mirrors src/domain/elastic-ip/pool-range.ts. */
import { type ElasticIpPool, type Hypervisor, listElasticIpPools } from '../../api/client.ts'
import { wholeList } from '../../api/queries.ts'
import { ipv4Number, ipv4Text, type Range, rangeOf } from '../networks/ranges.ts'

export const poolsQuery = () =>
  wholeList('elastic_ip_pool', {}, (cursor, limit) => listElasticIpPools({ cursor, limit }))

export const usedOf = ({ addresses_total, addresses_available }: ElasticIpPool): number =>
  addresses_total - addresses_available

const WIDEST = 16
const NARROWEST = 30

/** The range of a segment that a pool can be of, or `undefined`. */
export function segmentOf(text: string): Range | undefined {
  const range = rangeOf(text.trim())
  return range?.isExact && range.prefix >= WIDEST && range.prefix <= NARROWEST ? range : undefined
}

const endOf = ({ first, prefix }: Range): number => first + 2 ** (32 - prefix) - 1

/** What most segments have: the gateway first, all that is left to give out. */
export function usualOf(segment: Range): { gateway: string; first: string; last: string } {
  return {
    gateway: ipv4Text(segment.first + 1),
    first: ipv4Text(segment.first + 2),
    last: ipv4Text(endOf(segment) - 1),
  }
}

/** Neither the address of the segment itself nor its broadcast. */
export function isHostOf(segment: Range, address: string): boolean {
  const number = ipv4Number(address)
  return number !== undefined && number > segment.first && number < endOf(segment)
}

/** How many addresses there are to give out; `undefined` while an end is missing or they are the wrong way round. */
export function sizeOf(first: string, last: string): number | undefined {
  const [from, to] = [ipv4Number(first), ipv4Number(last)]
  return from === undefined || to === undefined || to < from ? undefined : to - from + 1
}

export function lies(address: string, first: string, last: string): boolean {
  const [number = Number.NaN, from = Number.NaN, to = Number.NaN] = [address, first, last].map(ipv4Number)
  return from <= number && number <= to
}

/** A router cannot tell a segment outside from networks inside that have the same addresses. */
export function overlaps(one: string, other: string): boolean {
  const [a, b] = [rangeOf(one), rangeOf(other)]
  return a !== undefined && b !== undefined && a.first <= endOf(b) && b.first <= endOf(a)
}

/** The interfaces that hypervisors offer, and on how many of them each is. What they say of themselves has no schema. */
export function interfacesOf(hypervisors: readonly Hypervisor[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const { facts } of hypervisors) {
    const names: readonly unknown[] = Array.isArray(facts.interfaces) ? facts.interfaces : []
    for (const name of names) if (typeof name === 'string') counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  return counts
}
