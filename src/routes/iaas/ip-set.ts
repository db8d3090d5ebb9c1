/** IP sets: kept, and in force nowhere, for no rule can name one. */
import {
  applyIpSets,
  createIpSet,
  deleteIpSets,
  describeIpSets,
  type IpSet,
  updateIpSet,
} from '../../domain/security-group/ip-sets.ts'
import { isCidr, isIpv6Cidr } from '../validation.ts'
import { type Actions, inTransaction, promise, reads, writes } from './call.ts'
import { wireTime } from './ids.ts'
import { own } from './own-id.ts'
import type { Parameters } from './parameters.ts'
import { malformed, notAllowed } from './refusals.ts'

export const IP_SET: Actions = {
  CreateSecurityGroupIPSet: writes(async (call) => {
    const { params } = call
    const ofPorts = ofPortsFrom(params)
    if (ofPorts === undefined) throw malformed('parameter ipset_type is required')
    const val = checked(params.required('val'), ofPorts)
    const name = params.label('security_group_ipset_name') ?? ''
    const id = await inTransaction(call, (tx, actor) => createIpSet(tx, actor, { name, ofPorts, val }))
    return { security_group_ipset_id: id }
  }),

  DescribeSecurityGroupIPSets: reads(async ({ deps, actor, params }) => {
    const filter = {
      ids: params.list('security_group_ipsets'),
      ofPorts: ofPortsFrom(params),
      name: params.text('security_group_ipset_name'),
    }
    const found = await describeIpSets(deps.db, actor.projectId, filter, params.slice())
    return { security_group_ipset_set: found.rows.map(item), total_count: found.total }
  }),

  ModifySecurityGroupIPSetAttributes: writes(async (call) => {
    const { params } = call
    const id = own('sgi', params.required('security_group_ipset'))
    const [name, description] = [params.label('security_group_ipset_name'), params.label('description')]
    const val = params.text('val')
    await inTransaction(call, (tx, actor) =>
      updateIpSet(tx, actor, id, ({ ofPorts }) => ({
        ...(name === undefined ? {} : { name }),
        ...(description === undefined ? {} : { description }),
        ...(val === undefined ? {} : { val: checked(val, ofPorts) }),
      })),
    )
    return { security_group_ipset_id: id }
  }),

  DeleteSecurityGroupIPSets: writes(async (call) => {
    const sets = setsOf(call.params)
    await inTransaction(call, (tx, actor) => deleteIpSets(tx, actor, sets))
    return { security_group_ipsets: sets }
  }),

  ApplySecurityGroupIPSets: writes(async (call) => {
    const sets = setsOf(call.params)
    return promise(call, (tx, actor) => applyIpSets(tx, actor, sets))
  }),
}

const item = (row: IpSet) => ({
  security_group_ipset_id: row.id,
  security_group_ipset_name: row.name,
  description: row.description,
  ipset_type: row.ofPorts ? 1 : 0,
  val: row.val,
  create_time: wireTime(row.createdAt),
})

const setsOf = (params: Parameters): string[] => [
  ...new Set(params.requiredList('security_group_ipsets').map((id) => own('sgi', id))),
]

/** `ipset_type`: 0 addresses, 1 ports. */
function ofPortsFrom(params: Parameters): boolean | undefined {
  const type = params.int('ipset_type', { min: 0, max: 1 })
  return type === undefined ? undefined : type === 1
}

function checked(val: string, ofPorts: boolean): string {
  if (val.split(',').every(ofPorts ? isPorts : isAddresses)) return val
  throw notAllowed(`parameter val must be of ${ofPorts ? 'ports, as 10000-15000' : 'addresses, as 192.168.1.0/24'}`)
}

const isAddresses = (one: string): boolean => {
  const cidr = one.includes('/') ? one : `${one}/${one.includes(':') ? 128 : 32}`
  return isCidr(cidr) || isIpv6Cidr(cidr)
}

function isPorts(one: string): boolean {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(one)
  const [first, last] = [Number(match?.[1]), Number(match?.[2] ?? match?.[1])]
  return first >= 1 && last >= first && last <= 65_535
}
