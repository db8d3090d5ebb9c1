import type { ErrorObject, ValidateFunction } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js' // the dialect of OpenAPI 3.1; the plain Ajv passes over dependentRequired
import type { FastifySchemaCompiler } from 'fastify'
import { Address4, Address6 } from 'ip-address'
import type { FieldError } from '../domain/errors.ts'

/**
 * Fastify's own settings drop unknown fields and turn `"9000"` into 9000. Ours refuse both, and say all that is wrong at
 * once; the query string alone is coerced, for it knows no types.
 */
const strict = withFormats(new Ajv2020({ allErrors: true, coerceTypes: false, removeAdditional: false, strict: false }))
const coercing = withFormats(
  new Ajv2020({ allErrors: true, coerceTypes: true, removeAdditional: false, strict: false }),
)

/** Compiles a route's schema when its first request comes: a service that just starts has no time for all of them. */
export const validatorCompiler: FastifySchemaCompiler<object> = ({ schema, httpPart }) => {
  const ajv = httpPart === 'querystring' ? coercing : strict
  let compiled: ValidateFunction | undefined
  const validate = (data: unknown): boolean => {
    compiled ??= ajv.compile(schema)
    const fits = compiled(data)
    validate.errors = compiled.errors ?? null
    return fits
  }
  validate.errors = null as NonNullable<ValidateFunction['errors']> | null
  return validate
}

function withFormats(ajv: Ajv2020): Ajv2020 {
  ajv.addFormat('text', isText)
  ajv.addFormat('ipv4', isIpv4)
  ajv.addFormat('address', (value) => isIpv4(value) || (!value.includes('/') && isIpv6Cidr(`${value}/128`)))
  ajv.addFormat('ipv4-cidr', isCidr)
  ajv.addFormat('ipv6-cidr', isIpv6Cidr)
  ajv.addFormat('cidr', (value) => isCidr(value) || isIpv6Cidr(value))
  ajv.addFormat('unicast', isUnicast)
  return ajv
}

/** What PostgreSQL can store and a person can read: no control characters (NUL above all), no half surrogate pairs. */
function isText(value: string): boolean {
  return value.isWellFormed() && !/\p{Cc}/u.test(value)
}

export function isIpv4(value: string): boolean {
  return Address4.isValid(value) && !value.includes('/') && new Address4(value).correctForm() === value
}

/** In canonical form and without host bits: `172.16.1.0/24`, not `172.16.1.9/24`. */
export function isCidr(value: string): boolean {
  if (!/^[\d.]+\/\d{1,2}$/.test(value) || !Address4.isValid(value)) return false
  const parsed = new Address4(value)
  return `${parsed.startAddress().correctForm()}/${parsed.subnetMask}` === value
}

/** An IPv4 address in IPv6 form (RFC 4291, section 2.5.5): no packet has one, and PostgreSQL would write it with dots. */
const EMBEDDED_IPV4 = /^::(ffff:)?[\da-f]+:[\da-f]+\//

/** As `isCidr`: `fd00:1::/64`, in the form of RFC 5952. */
export function isIpv6Cidr(value: string): boolean {
  if (!/^[\da-f:]+\/\d{1,3}$/.test(value) || EMBEDDED_IPV4.test(value) || !Address6.isValid(value)) return false
  const parsed = new Address6(value)
  return `${parsed.startAddress().correctForm()}/${parsed.subnetMask}` === value
}

/** Addresses that a machine can send from: one, or a CIDR, of either version. */
function isUnicast(value: string): boolean {
  const isIpv6 = value.includes(':')
  const cidr = value.includes('/') ? value : `${value}/${isIpv6 ? 128 : 32}`
  if (isIpv6) return isIpv6Cidr(cidr) && !new Address6(cidr).isMulticast()
  return isCidr(cidr) && !new Address4(cidr).isMulticast() && cidr !== '255.255.255.255/32'
}

const FORMATS: Readonly<Record<string, string>> = {
  text: 'must be text without control characters',
  ipv4: 'must be an IPv4 address such as 172.16.1.100',
  address: 'must be an IPv4 address such as 172.16.1.100, or an IPv6 address in canonical form such as fd00:1::5',
  'ipv4-cidr': 'must be a CIDR without host bits such as 172.16.1.0/24',
  'ipv6-cidr': 'must be an IPv6 CIDR in canonical form and without host bits such as fd00:1::/64',
  cidr: 'must be a CIDR without host bits such as 172.16.1.0/24 or fd00:1::/64, and not of IPv4 in IPv6 form',
  unicast: 'must be an address or a CIDR without host bits, of IPv4 or IPv6, and not of multicast or broadcast',
}

const PARTS: Readonly<Record<string, FieldError['in']>> = {
  body: 'body',
  querystring: 'query',
  params: 'path',
  headers: 'header',
}

/** Say only that something below them is wrong, which has a line of its own. */
const COLLECTIVE: ReadonlySet<string> = new Set(['if', 'propertyNames'])

/** A body of 1 MiB can be wrong in 100,000 places: nobody reads more than these, and the answer stays small. */
const MOST_FIELDS = 100

/** Turns what Ajv found into the fields of a problem: one line for each place, with a pointer to it. */
export function fieldErrors(found: readonly ErrorObject[], context: string): FieldError[] {
  const lines = new Map<string, FieldError>()
  for (const error of found) {
    if (COLLECTIVE.has(error.keyword)) continue
    const line = describe(error, PARTS[context] ?? 'body')
    lines.set(`${line.pointer} ${line.detail}`, line)
    if (lines.size === MOST_FIELDS) break
  }
  return [...lines.values()]
}

function describe(error: ErrorObject, part: FieldError['in']): FieldError {
  const params = error.params as Record<string, unknown>
  const below = (name: unknown) => `${error.instancePath}/${String(name).replaceAll('~', '~0').replaceAll('/', '~1')}`
  // What a name of an object must be is said of the object; the place is the field of that name.
  const pointer = error.propertyName === undefined ? error.instancePath : below(error.propertyName)
  switch (error.keyword) {
    case 'required':
      return { in: part, pointer: below(params.missingProperty), detail: 'is required' }
    case 'dependentRequired':
      return { in: part, pointer: below(params.missingProperty), detail: `is required with ${String(params.property)}` }
    case 'additionalProperties':
      return { in: part, pointer: below(params.additionalProperty), detail: 'is not a known field' }
    case 'enum':
      return {
        in: part,
        pointer,
        detail: `must be one of ${(params.allowedValues as unknown[]).join(', ')}`,
      }
    case 'format':
      return {
        in: part,
        pointer,
        detail: FORMATS[String(params.format)] ?? error.message ?? 'is malformed',
      }
    default:
      return { in: part, pointer, detail: error.message ?? `breaks ${error.keyword}` }
  }
}
