import { Address4 } from 'ip-address'

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

/** The gateway of a network: `.1` of its /24. */
export const gatewayOf = (cidr: string): string => hostAddress(cidr, 1)

/** An address with the prefix length of its network, for example `172.16.1.100/24`. */
export const withPrefix = (address: string, cidr: string): string => `${address}/${cidr.slice(cidr.indexOf('/') + 1)}`
