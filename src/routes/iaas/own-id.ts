/** Ids that an act names: what is no id of the kind is not there, and the refusal says which it was. */
import { ownId, ownMac } from './ids.ts'
import { missing } from './refusals.ts'

const WHAT = {
  i: 'instance',
  net: 'vxnet',
  vpc: 'router',
  eip: 'eip',
  ra: 'vip',
  sg: 'security group',
  sgr: 'security group rule',
  sgs: 'security group snapshot',
  sgi: 'IP set',
  tag: 'tag',
  kp: 'key pair',
  vs: 'router static',
  vse: 'router static entry',
  ud: 'user data',
} as const

/** Our id for one of the wire. @throws WireError 2100. */
export function own(prefix: keyof typeof WHAT, id: string): string {
  const known = ownId(prefix, id)
  if (known === '') throw missing(WHAT[prefix], id)
  return known
}

/** The id of a NIC. @throws WireError 2100. */
export function ownNicId(id: string): string {
  const mac = ownMac(id)
  if (mac !== id.toLowerCase()) throw missing('nic', id)
  return mac
}
