import { refusedConstraint, translateRefusal } from '../../db/constraint-errors.ts'
import { bodyError, DomainError } from '../errors.ts'

const SLASH_64 = 'ipv6_cidr must be a /64 of global (2000::/3) or unique local (fc00::/7) addresses'

/** The field that a constraint blames, and what would do. */
const ADVICE: Readonly<Record<string, readonly [pointer: string, advice: string]>> = {
  vpc_cidr_private: ['/cidr', 'cidr must be a /16 of 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16'],
  network_cidr_slash_24: ['/cidr', 'cidr must be a /24'],
  network_cidr_in_vpc: ['/cidr', 'cidr must be a /24 inside the CIDR of the VPC'],
  network_cidr_of_254: ['/cidr', 'cidr must not be the last /24 of the VPC: third octet 0-254'],
  network_vpc_place_key: [
    '/cidr',
    'cidr must not be the first /24 of a VPC that has the one before the last, nor the other way round',
  ],
  network_vpc_cidr_excl: ['/cidr', 'cidr overlaps the CIDR of another network of the VPC'],
  network_cidr_of_mode: [
    '/cidr',
    'cidr must be a /24 of 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16 for an isolated network, of unicast addresses for a bridged one',
  ],
  network_range_free: [
    '/address_range',
    'address_range overlaps that of another network or elastic IP pool on this interface, or holds the gateway of one',
  ],
  network_gateway_free: [
    '/gateway',
    'gateway is in the range of addresses that another network or elastic IP pool on this interface gives out',
  ],
  network_ipv6_slash_64: ['/ipv6_cidr', SLASH_64],
  network_ipv6_unicast: ['/ipv6_cidr', SLASH_64],
  network_ipv6_excl: ['/ipv6_cidr', 'ipv6_cidr is that of another network of the VPC'],
}

/** Says, for a refused CIDR, which field it was and what would do. For use as a `catch` handler. */
export function refineCidr(error: unknown): never {
  const refusal = translateRefusal(error)
  const [pointer, advice] = ADVICE[refusedConstraint(error)?.constraint ?? ''] ?? []
  if (refusal instanceof DomainError && pointer && advice) throw bodyError(refusal.code, pointer, advice, refusal)
  throw refusal
}

/** Whether an IPv4 address can be that of one machine: not 0/8, loopback, multicast or reserved. */
export function isUnicast(address: string): boolean {
  const first = Number(address.slice(0, address.indexOf('.')))
  return first >= 1 && first <= 223 && first !== 127
}
