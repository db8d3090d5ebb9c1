/** VIPs: addresses of a vxnet that are reserved, for NICs without address to use. */
import { isIPv4 } from 'node:net'
import { reserveAddresses } from '../../domain/reserved-address/reserve-addresses.ts'
import {
  describeReservedAddresses,
  type ReservedAddressRow,
  releaseAddresses,
} from '../../domain/reserved-address/reserved-addresses.ts'
import { sendJob } from '../send-job.ts'
import { type Actions, inTransaction, promise, reads, writes } from './call.ts'
import { BASIC_VXNET, ownId, wireId, wireTime } from './ids.ts'
import { own } from './own-id.ts'
import { denied, malformed } from './refusals.ts'

/** All of a vxnet are asked for at once. */
const MOST_VIPS = 253
const MOST_ALLOCATED = 252

export const VIP: Actions = {
  AllocateVips: writes(async (call) => {
    const { params } = call
    const vxnet = params.text('vxnet_id') ?? params.text('vxnet') ?? params.required('vxnet_id')
    if (vxnet === BASIC_VXNET) throw denied(`vips are for private vxnets, vxnet [${vxnet}] is the basic one`)
    const range = params.text('vip_range')
    const wanted = {
      network_id: own('net', vxnet),
      count: params.int('count', { min: 1, max: MOST_ALLOCATED }) ?? 1,
      name: params.label('vip_name'),
      range: range === undefined ? undefined : rangeOf(range),
    }
    const job = await inTransaction(call, (tx, actor) => reserveAddresses(tx, actor, wanted))
    sendJob(call.deps, job)
    return { vips: job.resources.map(({ id }) => wireId(id)), job_id: job.id }
  }),

  DescribeVips: reads(async ({ deps, actor, params }) => {
    const wanted = {
      ids: params.list('vips')?.map((id) => ownId('ra', id)),
      networkIds: params.list('vxnets')?.map((id) => ownId('net', id)),
      name: params.text('vip_name'),
    }
    const { rows, total } = await describeReservedAddresses(deps.db, actor.projectId, wanted, params.slice(MOST_VIPS))
    return { vip_set: rows.map(item), total_count: total }
  }),

  ReleaseVips: writes((call) => {
    const ids = [...new Set(call.params.requiredList('vips').map((id) => own('ra', id)))]
    return promise(call, (tx, actor) => releaseAddresses(tx, actor, ids))
  }),
}

const item = (row: ReservedAddressRow) => ({
  vip_id: wireId(row.id),
  vip_name: row.name,
  vip_addr: row.address,
  vxnet_id: wireId(row.networkId),
  nic_id: '',
  instance_id: '',
  instance_name: '',
  description: row.description,
  create_time: wireTime(row.createdAt),
  owner: wireId(row.projectId),
  root_user_id: wireId(row.projectId),
  console_id: '',
  controller: '',
})

/** `first-last` */
function rangeOf(text: string): { first: string; last: string } {
  const [first = '', last = '', ...rest] = text.split('-').map((end) => end.trim())
  if (!isIPv4(first) || !isIPv4(last) || rest.length > 0)
    throw malformed('parameter vip_range must be two IPv4 addresses, first-last')
  return { first, last }
}
