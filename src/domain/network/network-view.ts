import type { NETWORK_TYPES } from '../../db/columns.ts'
import type { network } from '../../db/schema.ts'
import type { NETWORK_MODES } from './network-kinds.ts'
import { gatewayOf, hostAddress, ipv6GatewayOf } from './subnet.ts'

export type NetworkType = (typeof NETWORK_TYPES)[number]
export type NetworkMode = (typeof NETWORK_MODES)[number]
export type NetworkRow = typeof network.$inferSelect

/** The lease that is given unless a network says otherwise, seconds. */
export const DEFAULT_LEASE_SECONDS = 86_400

export interface NetworkView {
  id: string
  name: string
  description: string
  tags: Record<string, string>
  type: NetworkType
  mode: NetworkMode
  vni: number
  mtu: number
  vpc_id: string | null
  interface: string | null
  cidr: string | null
  gateway: string | null
  ipv6_cidr: string | null
  ipv6_gateway: string | null
  address_range: { first: string; last: string } | null
  /** For NICs and reserved addresses; in a network without CIDR, NICs that still fit. */
  addresses_available: number
  /** At most 252, with and without address. */
  nic_count: number
  dhcp: { lease_seconds: number; dns_servers: string[]; domain: string | null }
  generation: number
  created_at: string
  updated_at: string
}

/** How many addresses of a network are reserved ones. */
export const reservedCount = (row: NetworkRow): number => count(row.held, '1')

export function networkView(row: NetworkRow): NetworkView {
  const taken = count(row.ports, '1')
  return {
    id: row.id,
    name: row.name,
    description: row.description,
    tags: row.tags,
    type: row.type,
    mode: row.mode,
    vni: row.vni,
    mtu: row.mtu,
    vpc_id: row.vpcId,
    interface: row.interface,
    cidr: row.cidr,
    gateway: row.mode === 'routed' ? row.cidr && gatewayOf(row.cidr) : row.gateway,
    ipv6_cidr: row.ipv6Cidr,
    ipv6_gateway: row.ipv6Cidr && ipv6GatewayOf(row.ipv6Cidr),
    address_range: row.cidr === null ? null : addressRange(row.cidr, row.reserved),
    addresses_available: count(row.reserved, '0') - taken, // a reserved port is never taken
    nic_count: taken - reservedCount(row) + count(row.unaddressed, '1'),
    dhcp: { lease_seconds: row.leaseSeconds, dns_servers: row.dnsServers, domain: row.domain },
    generation: row.generation,
    created_at: row.createdAt.toISOString(),
    updated_at: row.updatedAt.toISOString(),
  }
}

const count = (mask: string, bit: '0' | '1'): number => mask.replaceAll(bit === '0' ? '1' : '0', '').length

/** The first and the last address that is given out; character n of the mask is port n+1, and host n+2. */
const addressRange = (cidr: string, reserved: string) => ({
  first: hostAddress(cidr, reserved.indexOf('0') + 2),
  last: hostAddress(cidr, reserved.lastIndexOf('0') + 2),
})
