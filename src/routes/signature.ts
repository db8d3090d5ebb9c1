/**
 * The signature that requests carry among their parameters: version 1 of the QingCloud wire, taken on `/v1` as well.
 *
 * Signed is `METHOD LF path LF parameters`, the parameters but `signature` sorted by name, bytewise, each
 * percent-encoded (RFC 3986, upper case). The path is the one that was requested, to the letter.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { DomainError } from '../domain/errors.ts'

/** A request as far as it is signed. */
export interface SignedRequest {
  readonly method: string
  /** Without query string, as it was requested. */
  readonly path: string
  /** Decoded. */
  readonly parameters: ReadonlyMap<string, string>
  /** The parameters as they came, not decoded. */
  readonly raw: string
}

const HASHES: Readonly<Record<string, string>> = { HmacSHA256: 'sha256', HmacSHA1: 'sha1' }

/** How long a signature holds, and how far ahead a clock may be. */
const WINDOW_MS = 60_000

/** Parameters that belong to the signature, not to what is asked for. */
export const SIGNATURE_PARAMETERS: ReadonlySet<string> = new Set([
  'access_key_id',
  'signature',
  'signature_method',
  'signature_version',
  'time_stamp',
  'version',
  'req_id',
  'expires',
  'token',
])

/** Percent-encodes all but `A-Z a-z 0-9 - _ . ~`. */
const encode = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`)

/** The parameters as they are signed. */
export function canonicalQuery(parameters: ReadonlyMap<string, string>): string {
  return [...parameters]
    .filter(([name]) => name !== 'signature')
    .map(([name, value]) => ({ bytes: Buffer.from(name), text: `${encode(name)}=${encode(value)}` }))
    .sort((a, b) => Buffer.compare(a.bytes, b.bytes))
    .map(({ text }) => text)
    .join('&')
}

/** Signs, with parameters as they are to stand in the text. */
function sign(hash: string, secret: string, { method, path }: SignedRequest, parameters: string): Buffer {
  return createHmac(hash, secret).update(`${method}\n${path}\n${parameters}`).digest()
}

/** Whose signature it says it is. @throws DomainError `invalid_request` when a parameter of the signature is missing or unknown. */
export function claimedKey({ parameters }: SignedRequest): string {
  const faults: string[] = []
  for (const name of ['access_key_id', 'signature', 'signature_method', 'signature_version', 'time_stamp']) {
    if (!parameters.get(name)) faults.push(`parameter ${name} is required`)
  }
  const is = (name: string, ...allowed: string[]) => {
    const value = parameters.get(name)
    if (value && !allowed.includes(value)) faults.push(`parameter ${name} must be ${allowed.join(' or ')}`)
  }
  is('signature_method', ...Object.keys(HASHES))
  is('signature_version', '1')
  is('version', '1')
  if (Number.isNaN(timeOf(parameters.get('time_stamp') ?? '')) && parameters.get('time_stamp'))
    faults.push('parameter time_stamp must be a UTC time like 2013-08-27T14:30:10Z')
  if (faults.length > 0) throw new DomainError('invalid_request', faults.join('; '))
  return parameters.get('access_key_id') ?? ''
}

const timeOf = (text: string): number =>
  /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text) ? Date.parse(text) : Number.NaN

/**
 * Whether the secret made this signature. Parameters are encoded anew from what was decoded, for clients send them in
 * other orders and encodings than they sign; and once as they came, for some sign what they send.
 */
export function isSignedWith(secret: string, request: SignedRequest): boolean {
  const hash = HASHES[request.parameters.get('signature_method') ?? '']
  if (hash === undefined) return false
  // A + that was not encoded has become a space on the way.
  const given = Buffer.from((request.parameters.get('signature') ?? '').replaceAll(' ', '+'), 'base64')
  const sent = request.raw
    .split('&')
    .filter((pair) => !/^signature(=|$)/.test(pair))
    .join('&')
  return [canonicalQuery(request.parameters), sent].some((parameters) => {
    const right = sign(hash, secret, request, parameters)
    return right.length === given.length && timingSafeEqual(right, given)
  })
}

/** @throws DomainError `request_expired` when the time stamp is more than 60 seconds off, either way. */
export function assertFresh({ parameters }: SignedRequest, now = Date.now()): void {
  const stamp = parameters.get('time_stamp') ?? ''
  const off = now - timeOf(stamp)
  if (Math.abs(off) <= WINDOW_MS) return
  const where = off > 0 ? 'behind' : 'ahead of'
  throw new DomainError(
    'request_expired',
    `time stamp ${stamp} is more than ${WINDOW_MS / 1000} seconds ${where} ${new Date(now).toISOString()}`,
  )
}

/**
 * Decodes `name=value&…` as forms and query strings have it.
 * @throws DomainError `invalid_request` for broken percent-encoding or UTF-8, NUL, a name that comes twice, or too many.
 */
export function decodeParameters(raw: string, most = 20_000): Map<string, string> {
  const parameters = new Map<string, string>()
  for (const pair of raw.split('&')) {
    if (pair === '') continue
    const at = pair.indexOf('=')
    const name = decode(at < 0 ? pair : pair.slice(0, at))
    const value = decode(at < 0 ? '' : pair.slice(at + 1))
    if (name === undefined || value === undefined) {
      throw new DomainError('invalid_request', 'parameters must be percent-encoded UTF-8 without NUL')
    }
    if (parameters.has(name)) throw new DomainError('invalid_request', `parameter ${shown(name)} is given twice`)
    if (parameters.size === most) throw new DomainError('invalid_request', `more than ${most} parameters`)
    parameters.set(name, value)
  }
  return parameters
}

function decode(text: string): string | undefined {
  if (/[^\x20-\x7e]/.test(text)) return undefined
  if (!/[%+]/.test(text)) return text
  try {
    const decoded = decodeURIComponent(text.replaceAll('+', ' '))
    return decoded.includes('\0') ? undefined : decoded
  } catch {
    return undefined
  }
}

/** A name that a caller sent, fit for a message. */
export const shown = (name: string): string => (/^[\w.-]{1,64}$/.test(name) ? name : JSON.stringify(name.slice(0, 64)))
