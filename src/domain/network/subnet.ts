import { Address4, Address6 } from 'ip-address'

/**
 * An address of a network by its host number.
 * @param cidr - a /24, for example `172.16.1.0/24`.
 * @param host - 0..255; 1 is the gateway, port p of the network is host p+1.
 * @returns without prefix, for example `172.16.1.100`.
 */
export function hostAddress(cidr: string, host: number): string {
  const base = new Address4(cidr).startAddress().bigInt()
  return Address4.fromBigInt(base + BigInt(host)).correctForm()
}

/**
 * Which host of a network an address is.
 * @returns 0..255 for an address in the /24, anything else for one outside.
 */
export function hostNumber(cidr: string, address: string): number {
  return Number(new Address4(address).bigInt() - new Address4(cidr).startAddress().bigInt())
}

/** The gateway of a network: `.1` of its /24. */
export const gatewayOf = (cidr: string): string => hostAddress(cidr, 1)

/** The gateway of a network's IPv6 prefix: `::1` of its /64, for example `2001:db8:7:1::1`. */
export const ipv6GatewayOf = (cidr: string): string =>
  Address6.fromBigInt(new Address6(cidr).startAddress().bigInt() + 1n).correctForm()

/** An address with the prefix length of its network, for example `172.16.1.100/24`. */
export const withPrefix = (address: string, cidr: string): string => `${address}/${cidr.slice(cidr.indexOf('/') + 1)}`
