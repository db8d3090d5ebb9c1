/** Where a vxnet lies in its router, and what the router says of DHCP there. */
import type { NetworkRow } from '../../domain/network/network-view.ts'
import { gatewayOf, hostAddress, hostNumber } from '../../domain/network/subnet.ts'
import { isCidr, isIpv4 } from '../validation.ts'
import type { Parameters } from './parameters.ts'
import { malformed, notAllowed } from './refusals.ts'

/** Hosts of the range for DHCP, unless a client names others. Which address a NIC gets is not taken from it. */
const FIRST = 2
const LAST = 254
/** 1: DHCP. */
const FEATURES = 1

/** `ip_network` and what goes with it, of a vxnet that is joined. */
export function placeOf({ cidr, wire }: NetworkRow) {
  const of = cidr ?? ''
  return {
    ip_network: of,
    manager_ip: cidr === null ? '' : gatewayOf(cidr),
    dyn_ip_start: cidr === null ? '' : String(wire.dyn_ip_start ?? hostAddress(cidr, FIRST)),
    dyn_ip_end: cidr === null ? '' : String(wire.dyn_ip_end ?? hostAddress(cidr, LAST)),
    features: Number(wire.features ?? FEATURES),
  }
}

/** A CIDR. @throws WireError 1100. */
export function cidrOf(params: Parameters, name: string): string | undefined {
  const value = params.text(name)
  if (value !== undefined && !isCidr(value))
    throw malformed(`parameter ${name} must be a CIDR without host bits, like 192.168.1.0/24`)
  return value
}

/** An IPv4 address. @throws WireError 1100. */
export function addressOf(params: Parameters, name: string): string | undefined {
  const value = params.text(name)
  if (value !== undefined && !isIpv4(value)) throw malformed(`parameter ${name} must be an IPv4 address`)
  return value
}

/**
 * What is asked for beside the network, to be kept with it.
 * @param now - what is kept already; absent when it is just being joined.
 * @throws WireError 1100, 1101.
 */
export function wantedPlace(params: Parameters, cidr: string, now: NetworkRow['wire'] = {}): NetworkRow['wire'] {
  const gateway = addressOf(params, 'manager_ip')
  if (gateway !== undefined && gateway !== gatewayOf(cidr)) {
    throw notAllowed(`parameter manager_ip must be ${gatewayOf(cidr)}, the first address of ${cidr}`)
  }
  const bound = (name: 'dyn_ip_start' | 'dyn_ip_end', otherwise: number): string => {
    const address = addressOf(params, name) ?? now[name]?.toString() ?? hostAddress(cidr, otherwise)
    const host = hostNumber(cidr, address)
    if (host >= FIRST && host <= LAST) return address
    throw notAllowed(`parameter ${name} must be ${hostAddress(cidr, FIRST)} to ${hostAddress(cidr, LAST)}`)
  }
  const [first, last] = [bound('dyn_ip_start', FIRST), bound('dyn_ip_end', LAST)]
  if (hostNumber(cidr, first) > hostNumber(cidr, last)) {
    throw notAllowed(`parameter dyn_ip_start must not be above dyn_ip_end, which is ${last}`)
  }
  const features = params.int('features', { min: 0, max: 3 }) ?? Number(now.features ?? FEATURES)
  return { features, dyn_ip_start: first, dyn_ip_end: last }
}
