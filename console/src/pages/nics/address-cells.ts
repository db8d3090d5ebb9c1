/** The addresses of a network, one cell for each of its /24, and what is at each. */
import type { Network, Nic, ReservedAddress } from '../../api/client.ts'

interface Place {
  readonly address: string
  /** Its last octet, 0..255. */
  readonly octet: number
}
export type AddressCell = Place &
  (
    | { readonly kind: 'free' }
    | { readonly kind: 'used'; readonly nic: Nic }
    | { readonly kind: 'reserved'; readonly reserved: ReservedAddress }
    /** Nobody is given it: the ends of the /24, what is beyond the network's range. */
    | { readonly kind: 'gateway' | 'dhcp' | 'outside' }
  )
export type CellKind = AddressCell['kind']

const SIZE = 256
/** Of the /24s: .0 and .255 are no machine's, .1 is the router's, .254 gives out addresses and metadata. */
const DHCP = 254
const FIRST = 2
const LAST = 253

/** All 256, or none for a network without addresses. */
export function addressCells(
  { cidr, gateway, address_range: range }: Pick<Network, 'cidr' | 'gateway' | 'address_range'>,
  nics: readonly Nic[],
  reserved: readonly ReservedAddress[],
): readonly AddressCell[] {
  if (cidr === null) return []
  const prefix = prefixOf(cidr)
  const first = range ? octetOf(range.first) : FIRST
  const last = range ? octetOf(range.last) : LAST
  const nicAt = new Map(nics.map((nic) => [nic.address, nic]))
  const reservedAt = new Map(reserved.map((one) => [one.address, one]))
  return Array.from({ length: SIZE }, (_, octet): AddressCell => {
    const address = `${prefix}${octet}`
    const nic = nicAt.get(address)
    if (nic) return { address, octet, kind: 'used', nic }
    const held = reservedAt.get(address)
    if (held) return { address, octet, kind: 'reserved', reserved: held }
    if (address === gateway) return { address, octet, kind: 'gateway' }
    if (octet >= first && octet <= last) return { address, octet, kind: 'free' }
    return { address, octet, kind: octet === DHCP ? 'dhcp' : 'outside' }
  })
}

/** @param cidr - a /24. @returns with the closing dot: `172.16.1.`. */
export const prefixOf = (cidr: string): string => cidr.slice(0, cidr.lastIndexOf('.') + 1)
export const octetOf = (address: string): number => Number(address.slice(address.lastIndexOf('.') + 1))

/** With `address` it is without, and the other way round. */
export const toggled = (chosen: readonly string[], address: string): readonly string[] =>
  chosen.includes(address) ? chosen.filter((one) => one !== address) : [...chosen, address]

/** Those chosen, and all free ones between two cells. */
export function withBetween(
  cells: readonly AddressCell[],
  chosen: readonly string[],
  from: number,
  to: number,
): readonly string[] {
  const between = cells.slice(Math.min(from, to), Math.max(from, to) + 1)
  const free = between.filter(({ kind }) => kind === 'free').map(({ address }) => address)
  return [...new Set([...chosen, ...free])]
}
