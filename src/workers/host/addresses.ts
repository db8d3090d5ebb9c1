/** Arithmetic of addresses that filters need, after those who check what people enter have had a look at them. */
import { isIP } from 'node:net'

/** An address, or a block of them. */
export interface Cidr {
  readonly version: 4 | 6
  /** Without prefix length. */
  readonly address: string
  /** 0..32 or 0..128. */
  readonly length: number
  /** True when it is one address alone. */
  readonly isHost: boolean
  /** `address/length`. */
  readonly text: string
}

/**
 * Reads an address (`10.0.0.1`, `fd00::1`) or a block (`10.0.0.0/8`, `fd00::/64`).
 * @throws {RangeError} when it is neither.
 */
export function parseCidr(text: string): Cidr {
  const [address = '', prefix, ...rest] = text.split('/')
  const version = isIP(address)
  const bits = version === 4 ? 32 : 128
  const length = prefix === undefined ? bits : /^\d{1,3}$/.test(prefix) ? Number(prefix) : Number.NaN
  if ((version !== 4 && version !== 6) || rest.length > 0 || !(length <= bits)) {
    throw new RangeError(`${JSON.stringify(text)} is neither an address nor a block of addresses`)
  }
  return { version, address, length, isHost: length === bits, text: `${address}/${length}` }
}

/** The eight 16-bit words of an IPv6 address. A look at a hypervisor reads thousands, so it is done by hand. */
function wordsOf(address: string): number[] {
  const [head = '', tail] = address.split('::')
  const words = (part: string) =>
    part === ''
      ? []
      : part.split(':').flatMap((word) => (word.includes('.') ? dotted(word) : Number.parseInt(word, 16)))
  const before = words(head)
  if (tail === undefined) return before
  const after = words(tail)
  return [...before, ...new Array<number>(8 - before.length - after.length).fill(0), ...after]
}

function dotted(text: string): [number, number] {
  const [a = 0, b = 0, c = 0, d = 0] = text.split('.').map(Number)
  return [(a << 8) | b, (c << 8) | d]
}

/**
 * An address in the one spelling that we compare: IPv6 in lower case, without leading zeros, its longest run of zeros
 * shortened, and never with dots.
 * @param address - a valid one.
 * @see RFC 5952.
 */
export function canonicalAddress(address: string): string {
  if (!address.includes(':')) return address
  const words = wordsOf(address)
  let [start, length] = [0, 1]
  for (let at = 0; at < 8; at++) {
    let end = at
    while (words[end] === 0) end++
    if (end - at > length) [start, length] = [at, end - at]
    at = Math.max(at, end)
  }
  const text = (part: readonly number[]) => part.map((word) => word.toString(16)).join(':')
  return length < 2 ? text(words) : `${text(words.slice(0, start))}::${text(words.slice(start + length))}`
}

/** The 32 hex digits of an IPv6 address. */
const hexOf = (address: string): string =>
  wordsOf(address)
    .map((word) => word.toString(16).padStart(4, '0'))
    .join('')

/** An IPv6 address as a number. */
export const bitsOf = (address: string): bigint => BigInt(`0x${hexOf(address)}`)

/** The mask of an IPv6 block as a number. */
export const maskOf = ({ length }: Cidr): bigint => ((1n << BigInt(length)) - 1n) << BigInt(128 - length)

/**
 * The link-local address that an interface forms from its MAC.
 * @see RFC 4291, appendix A: EUI-64.
 */
export function linkLocalOf(mac: string): string {
  const [first = 0, ...rest] = mac.split(':').map((byte) => Number.parseInt(byte, 16))
  const eui = [first ^ 2, ...rest.slice(0, 2), 0xff, 0xfe, ...rest.slice(2)]
  const word = (index: number) => (((eui[index] ?? 0) << 8) | (eui[index + 1] ?? 0)).toString(16)
  return `fe80::${[0, 2, 4, 6].map(word).join(':')}`
}
