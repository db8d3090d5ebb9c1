/** Elastic IPs. */
import { disassociateElasticIp, setElasticIpBandwidth } from '../../domain/elastic-ip/associate.ts'
import { type DescribedElasticIp, describeElasticIps } from '../../domain/elastic-ip/describe-elastic-ips.ts'
import {
  ANY_POOL,
  createElasticIp,
  ELASTIC_IP_STATES,
  getElasticIp,
  updateElasticIp,
} from '../../domain/elastic-ip/elastic-ips.ts'
import { associateWithServer, noteOnElasticIps, releaseElasticIps } from '../../domain/elastic-ip/server-address.ts'
import { together } from '../../domain/job/together.ts'
import { waitForJob } from '../../jobs/job-waiters.ts'
import { sendJob } from '../send-job.ts'
import { type Actions, type Call, inTransaction, promise, reads, writes } from './call.ts'
import { ownId, wireId, wireTime } from './ids.ts'
import { own, ownNicId } from './own-id.ts'
import type { Parameters } from './parameters.ts'
import { malformed, notAllowed } from './refusals.ts'

const BILLING = ['bandwidth', 'traffic'] as const
/** How many one request may take. */
const MOST = 100
/** How long a release that is forced waits for hypervisors to let go. */
const LET_GO_MS = 20_000

export const EIP: Actions = {
  AllocateEips: writes(async (call) => {
    const { params } = call
    const bandwidth_mbps = bandwidthOf(params)
    const billing_mode = params.oneOf('billing_mode', BILLING) ?? 'bandwidth'
    const count = params.int('count', { min: 1, max: MOST }) ?? 1
    const need_icp = params.flag('need_icp') ? 1 : 0
    const name = params.label('eip_name') ?? ''
    if (params.flag('associate_mode')) throw notAllowed('parameter associate_mode must be 0: addresses stay outside')
    const wanted = { pool_id: ANY_POOL, name, bandwidth_mbps, wire: { billing_mode, need_icp } }
    const eips = await inTransaction(call, async (tx, actor) => {
      const ids: string[] = []
      while (ids.length < count) ids.push((await createElasticIp(tx, actor, wanted)).id)
      return ids
    })
    return { eips }
  }),

  DescribeEips: reads(async ({ deps, actor, params }) => {
    const [states, instance] = [params.list('status'), params.text('instance_id')]
    const wanted = {
      ids: params.list('eips'),
      states: states && ELASTIC_IP_STATES.filter((state) => states.includes(state)),
      serverId: instance === undefined ? undefined : ownId('i', instance),
      search: params.text('search_word'),
      tagIds: params.list('tags'),
    }
    const found = await describeElasticIps(deps.db, actor.projectId, wanted, params.slice())
    return { eip_set: found.rows.map(item), total_count: found.total }
  }),

  ModifyEipAttributes: writes(async (call) => {
    const { params } = call
    const id = own('eip', params.required('eip'))
    const [name, description] = [params.label('eip_name'), params.label('description')]
    const changes = { ...(name === undefined ? {} : { name }), ...(description === undefined ? {} : { description }) }
    await inTransaction(call, (tx, actor) => updateElasticIp(tx, actor, id, changes))
    return { eip_id: id }
  }),

  AssociateEip: writes(async (call) => {
    const { params } = call
    const id = own('eip', params.required('eip'))
    const serverId = own('i', params.required('instance'))
    const nic = params.text('nic')
    const nicId = nic === undefined ? undefined : ownNicId(nic)
    return promise(call, async (tx, actor) => {
      await getElasticIp(tx, actor.projectId, id) // before anything is said of the instance
      return associateWithServer(tx, actor, id, { serverId, nicId })
    })
  }),

  DissociateEips: writes(async (call) => {
    const ids = eipsOf(call.params)
    return promise(call, (tx, actor) =>
      together(tx, actor, 'network.apply', ids, (as, id) => disassociateElasticIp(tx, as, id)),
    )
  }),

  ReleaseEips: writes(async (call) => {
    const ids = eipsOf(call.params)
    if (call.params.flag('force')) await letGo(call, ids)
    return promise(call, (tx, actor) => releaseElasticIps(tx, actor, ids))
  }),

  ChangeEipsBandwidth: writes(async (call) => {
    const [ids, mbps] = [eipsOf(call.params), bandwidthOf(call.params)]
    return promise(call, (tx, actor) =>
      together(tx, actor, 'network.apply', ids, (as, id) => setElasticIpBandwidth(tx, as, id, mbps)),
    )
  }),

  ChangeEipsBillingMode: writes(async (call) => {
    const ids = eipsOf(call.params)
    call.params.required('billing_mode')
    const billing_mode = call.params.oneOf('billing_mode', BILLING) ?? 'bandwidth'
    return promise(call, (tx, actor) => noteOnElasticIps(tx, actor, ids, { billing_mode }))
  }),
}

const eipsOf = (params: Parameters): string[] => [
  ...new Set(params.requiredList('eips', MOST).map((id) => own('eip', id))),
]

/** Mbit/s. */
function bandwidthOf(params: Parameters): number {
  const mbps = params.int('bandwidth', { min: 1, max: 100_000 })
  if (mbps === undefined) throw malformed('parameter bandwidth is required')
  return mbps
}

/** Takes elastic IPs from whoever has them, and waits a while for their hypervisors. */
async function letGo(call: Call, ids: readonly string[]): Promise<void> {
  const { deps, actor } = call
  const job = await inTransaction(call, (tx) =>
    together(tx, actor, 'network.apply', ids, (as, id) => disassociateElasticIp(tx, as, id)),
  )
  sendJob(deps, job)
  await waitForJob(deps.db, actor.projectId, job.id, LET_GO_MS, new AbortController().signal)
}

const item = (row: DescribedElasticIp) => ({
  eip_id: row.id,
  eip_name: row.name,
  eip_addr: row.address,
  description: row.description,
  bandwidth: row.bandwidthMbps ?? 0, // 0: not limited
  billing_mode: row.wire.billing_mode ?? 'bandwidth',
  associate_mode: 0,
  need_icp: row.wire.need_icp ?? 0,
  icp_codes: '',
  status: row.nicId === null && row.vpcId === null ? 'available' : 'associated',
  transition_status: transitionOf(row),
  sub_code: 0,
  alarm_status: '',
  resource: resourceOf(row),
  eip_group: { eip_group_id: row.poolId, eip_group_name: row.poolName },
  tags: row.tagged,
  owner: wireId(row.projectId),
  root_user_id: wireId(row.projectId),
  create_time: wireTime(row.createdAt),
  status_time: null, // nobody has to wait for a lease
})

/** While a hypervisor may still have it, or not yet, it cannot be released. */
function transitionOf({ changing, nicId, vpcId }: DescribedElasticIp): string {
  if (!changing) return ''
  return nicId === null && vpcId === null ? 'dissociating' : 'associating'
}

function resourceOf(row: DescribedElasticIp) {
  const { vpcId, serverId, nicId } = row
  if (vpcId !== null) return { resource_id: wireId(vpcId), resource_name: row.vpcName, resource_type: 'router' }
  if (serverId !== null) return { resource_id: serverId, resource_name: row.serverName, resource_type: 'instance' }
  if (nicId !== null) return { resource_id: nicId, resource_name: row.nicName, resource_type: 'nic' }
  return {}
}
