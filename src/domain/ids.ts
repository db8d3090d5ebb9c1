import { randomBytes, randomInt } from 'node:crypto'

/** 32 letters and digits, so that a random byte maps to one without bias; no i, l, o, u to misread. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'
const LENGTH = 10

/** Length and letters of the random part, for route schemas. */
export const ID_PATTERN = `[${ALPHABET}]{${LENGTH}}`

export type IdPrefix =
  | 'prj'
  | 'vpc'
  | 'net'
  | 'i'
  | 'j'
  | 'sg'
  | 'sgr'
  | 'sgs'
  | 'sgi'
  | 'pool'
  | 'eip'
  | 'pf'
  | 'ra'
  | 'vs'
  | 'vse'
  | 'tag'
  | 'kp'
  | 'ud'

/**
 * A new resource id, for example `net-3f9k2m7qxz`.
 * @returns prefix, dash and 10 characters (50 random bits).
 */
export function newId(prefix: IdPrefix): string {
  const letters = Array.from(randomBytes(LENGTH), (byte) => ALPHABET[byte % ALPHABET.length])
  return `${prefix}-${letters.join('')}`
}

/**
 * A new MAC, which is the id of a NIC.
 * @returns 17 characters, lower case with colons: `52:54` (locally administered, unicast) and 4 random bytes, which are
 *   neither all zeros nor all ones: as marks of packets these mean something else on the hypervisor.
 */
export function newMac(): string {
  const tail = randomInt(1, 2 ** 32 - 1)
    .toString(16)
    .padStart(8, '0')
  return `52:54:${tail.match(/../g)?.join(':')}`
}
