/** IPv4 ranges as forms need them: what is wrong with one, and which is free. Mirrors src/domain/network/cidr.ts. */

/** 0..2^32-1, or `undefined` for what is no IPv4 address. */
export function ipv4Number(text: string): number | undefined {
  const parts = text.split('.')
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256)) return
  return parts.reduce((sum, part) => sum * 256 + Number(part), 0)
}

export const ipv4Text = (number: number): string =>
  [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.')

export interface Range {
  readonly first: number
  readonly prefix: number
}

export function rangeOf(text: string): (Range & { readonly isExact: boolean }) | undefined {
  const [address = '', length = '', ...rest] = text.split('/')
  const number = ipv4Number(address)
  const prefix = Number(length)
  if (number === undefined || rest.length > 0 || !/^\d{1,2}$/.test(length) || prefix > 32) return
  const size = 2 ** (32 - prefix)
  const first = Math.floor(number / size) * size
  return { first, prefix, isExact: first === number }
}

export const rangeText = ({ first, prefix }: Range): string => `${ipv4Text(first)}/${prefix}`

const isInside = (inner: Range, outer: Range): boolean =>
  inner.prefix >= outer.prefix && inner.first >= outer.first && inner.first < outer.first + 2 ** (32 - outer.prefix)

export const isIpv4 = (text: string): boolean => ipv4Number(text) !== undefined

const PRIVATE = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'].map(rangeOf).filter((range) => range !== undefined)

export type RangeFault =
  | { readonly what: 'form' | 'length' | 'not_private' }
  /** Bits beyond the prefix are set. */
  | { readonly what: 'start'; readonly start: string }
  | { readonly what: 'outside' }

/** What the service would refuse in any case. That it overlaps another is for the service to say: it knows all of them. */
export function faultOf(
  text: string,
  { prefix, inside, isPrivate = false }: { prefix: 16 | 24; inside?: string; isPrivate?: boolean },
): RangeFault | undefined {
  const range = rangeOf(text)
  if (!range) return { what: 'form' }
  if (range.prefix !== prefix) return { what: 'length' }
  if (!range.isExact) return { what: 'start', start: rangeText(range) }
  const outer = inside === undefined ? undefined : rangeOf(inside)
  if (outer && !isInside(range, outer)) return { what: 'outside' }
  if (isPrivate && !PRIVATE.some((each) => isInside(range, each))) return { what: 'not_private' }
  return
}

/**
 * The first /24 of a VPC that no network has: .1 before .2 …, then .0 and .254, of which a VPC has only one; never .255,
 * which is reserved.
 * @param taken - ranges of its networks.
 */
export function firstFree(vpcCidr: string, taken: readonly string[]): string | undefined {
  const vpc = rangeOf(vpcCidr)
  if (!vpc) return
  const has = new Set(taken)
  const third = (octet: number) => rangeText({ first: vpc.first + octet * 256, prefix: 24 })
  const middle = Array.from({ length: 253 }, (_, index) => third(index + 1))
  const ends = has.has(third(0)) || has.has(third(254)) ? [] : [third(0), third(254)]
  return [...middle, ...ends].find((range) => !has.has(range))
}

/** How many addresses a network can give out. @param range - first and last, both of the same /24. */
export function addressTotal(range: { readonly first: string; readonly last: string } | null, gateway: string | null) {
  const [first, last, router] = [range?.first, range?.last, gateway ?? undefined].map((text) => ipv4Number(text ?? ''))
  if (first === undefined || last === undefined) return 252
  const isOurs = router !== undefined && router >= first && router <= last
  return last - first + 1 - (isOurs ? 1 : 0)
}

/** A /64 of global or unique local addresses, as far as its form tells. */
export const isIpv6Slash64 = (text: string): boolean => /^[23fF][0-9a-fA-F]{0,3}:[0-9a-fA-F:]*\/64$/.test(text)

export const isDomain = (text: string): boolean =>
  text.length <= 253 && /^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(text)

/** The addresses of a list, written in any of the usual ways. */
export const addressesIn = (text: string): string[] => text.split(/[\s,;，；、]+/).filter(Boolean)
