/**
 * Ids and words of the wire. An id differs from ours in its prefix only, and NICs have theirs in common: their MAC. The
 * networks of a project's basic VPC are one thing there, `vxnet-0`.
 */

/** Our prefix → theirs; what is not here is the same. */
const PREFIXES = { net: 'vxnet', vpc: 'rtr', ra: 'vip', pf: 'rtrs', vs: 'rtrs', vse: 'rse', prj: 'usr' } as const
const TAIL = '[0-9a-z]{4,16}'

/** The basic network, of every project. */
export const BASIC_VXNET = 'vxnet-0'

/** An id as the wire has it. */
export function wireId(id: string): string {
  const at = id.indexOf('-')
  const prefix = PREFIXES[id.slice(0, at) as keyof typeof PREFIXES]
  return prefix === undefined ? id : prefix + id.slice(at)
}

/**
 * Our id for one of the wire.
 * @param prefix - ours, of what it has to be.
 * @returns an id that certainly is not there when it is an id of something else, or none at all: the domain says so.
 */
export function ownId(prefix: string, id: string): string {
  const theirs = PREFIXES[prefix as keyof typeof PREFIXES] ?? prefix
  const match = new RegExp(`^${theirs}-(${TAIL})$`).exec(id)
  return match ? `${prefix}-${match[1]}` : ''
}

const MAC = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/
/** The id of a NIC; a MAC that none has when it is none at all. */
export const ownMac = (id: string): string => {
  const mac = id.toLowerCase()
  return MAC.test(mac) ? mac : '00:00:00:00:00:00'
}

const OUR_ID = new RegExp(`\\b(?:net|vpc|ra|pf|vs|vse|prj)-${TAIL}\\b`, 'g')
const ANY_ID = new RegExp(
  `(?<![\\w[-])(?:(?:vxnet|rtrs?|vip|rse|usr|i|j|sg[rsi]?|eip|tag|kp|ud)-(?:${TAIL}|0)|(?:[0-9a-f]{2}:){5}[0-9a-f]{2})(?![\\w\\]-])`,
  'g',
)
const WORDS: readonly (readonly [ours: RegExp, theirs: string])[] = [
  [/\bIP set(s?)\b/g, 'ip set$1'],
  [/\bNIC(s?)\b/g, 'nic$1'],
  [/\bVPC(s?)\b/g, 'router$1'],
  [/\ba server\b/g, 'an instance'],
  [/\bserver(s?)\b/g, 'instance$1'],
  [/\bnetwork(s?)\b/g, 'vxnet$1'],
  [/\belastic IP(s?)\b/g, 'eip$1'],
  [/\breserved addresses\b/g, 'vips'],
  [/\breserved address\b/g, 'vip'],
  [/\b1 (nic|vip|router|instance)s\b/g, '1 $1'],
  [/\bin_use\b/g, 'in-use'],
  // Fields of `/v1` that have other names here, or none.
  [/^cidr\b/, 'the network'],
  [/: see its address_range$/, ''],
  [/, or name one with hypervisor_id$/, ''],
]

/** Prose of ours in the words of the wire: lower case, ids in square brackets. */
export function wireText(text: string): string {
  let prose = text.replace(OUR_ID, (id) => wireId(id)).replace(ANY_ID, (id) => `[${id}]`)
  for (const [ours, theirs] of WORDS) prose = prose.replace(ours, theirs)
  return /^[A-Z][a-z]/.test(prose) ? prose.charAt(0).toLowerCase() + prose.slice(1) : prose
}

/** A time as the wire has it: whole seconds, with Z. */
export const wireTime = (time: Date): string => `${time.toISOString().slice(0, 19)}Z`
