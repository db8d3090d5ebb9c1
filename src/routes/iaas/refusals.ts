/** How the wire says no: `ret_code` and a message, with HTTP status 200. */
import { gaveWay, isDatabaseAway } from '../../db/client.ts'
import { DomainError, type ProblemCode } from '../../domain/errors.ts'
import { wireText } from './ids.ts'

/** The `ret_code`s in use, with the symbolic name that their messages begin with. */
const NAMES = {
  1100: 'InvalidRequestFormat',
  1101: 'InvalidParameterValue',
  1200: 'AuthFailure',
  1300: 'RequestHasExpired',
  1400: 'PermissionDenied',
  2100: 'ResourceNotFound',
  2110: 'ResourceAlreadyExisted',
  2500: 'QuotaExceeded',
  5000: 'InternalError',
  5100: 'ServerBusy',
  5200: 'ResourceExhausted',
} as const
export type RetCode = keyof typeof NAMES

/** What is wrong with a request of the wire, where it is not the domain that says so. */
export class WireError extends Error {
  override readonly name = 'WireError'
  readonly retCode: RetCode

  /** @param message - prose in lower case, with ids in square brackets. */
  constructor(retCode: RetCode, message: string) {
    super(message)
    this.retCode = retCode
  }
}

export const malformed = (message: string) => new WireError(1100, message)
export const notAllowed = (message: string) => new WireError(1101, message)
export const denied = (message: string) => new WireError(1400, message)
/** @param id - as the caller sent it, at whatever length. */
export const missing = (what: string, id: string) =>
  new WireError(2100, `${what} [${id.length > 64 ? `${id.slice(0, 64)}…` : id}] not found`)

/** Refusals of the domain that are no matter of state: those are 1400. */
const RET_CODES: Partial<Readonly<Record<ProblemCode, RetCode>>> = {
  invalid_request: 1100,
  invalid_json: 1100,
  body_too_large: 1100,
  unsupported_media_type: 1100,
  address_out_of_range: 1101,
  cidr_invalid: 1101,
  cidr_outside_vpc: 1101,
  cidr_reserved: 1101,
  rule_invalid: 1101,
  vpc_static_invalid: 1101,
  slot_out_of_range: 1101,
  unauthorized: 1200,
  request_expired: 1300,
  not_found: 2100,
  project_not_found: 2100,
  address_in_use: 2110,
  already_adopted: 2110,
  cidr_overlaps: 2110,
  name_in_use: 2110,
  port_in_use: 2110,
  vpc_static_exists: 2110,
  network_full: 2500,
  security_group_full: 2500,
  server_full: 2500,
  internal: 5000,
  unavailable: 5100,
  elastic_ip_pool_full: 5200,
  interface_missing: 5200,
  no_hypervisor: 5200,
}

export interface WireRefusal {
  readonly ret_code: number
  readonly message: string
}

/** Turns whatever a request failed with into an answer; what is not meant for the caller is not in it. */
export function toWireRefusal(error: unknown): WireRefusal {
  if (error instanceof WireError) return refusal(error.retCode, error.message)
  if (error instanceof DomainError) return refusal(RET_CODES[error.code] ?? 1400, error.message)
  if (isDatabaseAway(error)) return refusal(5100, 'the database does not answer, please try later')
  if (gaveWay(error)) return refusal(5100, 'others are changing the same at this moment, please try later')
  return refusal(5000, 'something went wrong on our side, its log knows more')
}

const refusal = (retCode: RetCode, message: string): WireRefusal => ({
  ret_code: retCode,
  message: `${NAMES[retCode]}, ${wireText(message)}`,
})
