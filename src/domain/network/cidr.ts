import { translateRefusal } from '../../db/constraint-errors.ts'
import { bodyError, DomainError, type ProblemCode } from '../errors.ts'

const ADVICE: Partial<Record<ProblemCode, string>> = {
  cidr_invalid: 'must be a /16 of 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16 for a VPC, or a /24 for a network',
  cidr_outside_vpc: 'must be a /24 inside the CIDR of the VPC',
  cidr_reserved: 'must not be the first or the last /24 of the VPC: third octet 1-254',
  cidr_overlaps: 'overlaps the CIDR of another network of the VPC',
}

/** Says, for a refused CIDR, which field it was and what would do. For use as a `catch` handler. */
export function refineCidr(error: unknown): never {
  const refusal = translateRefusal(error)
  if (refusal instanceof DomainError) {
    const advice = ADVICE[refusal.code]
    if (advice) throw bodyError(refusal.code, '/cidr', `cidr ${advice}`, refusal)
  }
  throw refusal
}
