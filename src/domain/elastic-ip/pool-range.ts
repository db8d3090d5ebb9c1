import { Address4 } from 'ip-address'
import { bodyError, DomainError, type FieldError } from '../errors.ts'

/** Which addresses a pool gives out: `first` to `last` of the segment `cidr`, where `gateway` leads outside. */
export interface PoolRange {
  readonly cidr: string
  readonly gateway: string
  readonly first: string
  readonly last: string
}

/** The widest and the narrowest segment: a /30 has two addresses for hosts, the gateway's and one to give out. */
const WIDEST_PREFIX = 16
const NARROWEST_PREFIX = 30

/**
 * Checks what the constraints `elastic_ip_pool_size`, `_range` and `_gateway` hold, for they cannot name the field.
 * @param asked - what the caller gives of the range: only these fields are blamed.
 * @throws DomainError `cidr_invalid`, `pool_range_invalid` with every field that does not fit.
 */
export function assertRangeFits(range: PoolRange, asked: Partial<PoolRange>): void {
  const segment = new Address4(range.cidr)
  if (segment.subnetMask < WIDEST_PREFIX || segment.subnetMask > NARROWEST_PREFIX)
    throw bodyError('cidr_invalid', '/cidr', `cidr must be a /${WIDEST_PREFIX} to /${NARROWEST_PREFIX}`)
  const faults: FieldError[] = []
  const blame = (field: keyof PoolRange, detail: string) =>
    faults.push({ in: 'body', pointer: `/${field}`, detail: `${field} ${range[field]} ${detail}` })

  const number = (address: string) => new Address4(address).bigInt()
  const [network, broadcast] = [segment.startAddress().bigInt(), segment.endAddress().bigInt()]
  for (const field of ['gateway', 'first', 'last'] as const) {
    const address = number(range[field])
    if (address < network || address > broadcast) blame(field, `lies outside ${range.cidr}`)
    else if (address === network) blame(field, `is the network address of ${range.cidr}`)
    else if (address === broadcast) blame(field, `is the broadcast address of ${range.cidr}`)
  }
  const [gateway, first, last] = [number(range.gateway), number(range.first), number(range.last)]
  if (first > last) {
    if (asked.last !== undefined) blame('last', `comes before first ${range.first}`)
    else blame('first', `comes after last ${range.last}`)
  }
  if (first <= gateway && gateway <= last) {
    if (asked.gateway !== undefined) blame('gateway', `lies in the range ${range.first} to ${range.last}`)
    else for (const end of endsOf(asked)) blame(end, `takes the gateway ${range.gateway} into the range`)
  }
  if (faults.length > 0)
    throw new DomainError('pool_range_invalid', faults.map(({ detail }) => detail).join('; '), { errors: faults })
}

/** Which ends of the range the caller gives. */
export const endsOf = (asked: Partial<PoolRange>): ('first' | 'last')[] =>
  (['first', 'last'] as const).filter((end) => asked[end] !== undefined)
