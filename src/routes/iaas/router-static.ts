/** Router statics: port forwardings are those of type 1, the other types are statics of the VPC. They take effect by themselves. */
import { isZone } from '../../domain/hypervisor/zones.ts'
import type { JobView } from '../../domain/job/jobs.ts'
import { deletePortForwarding } from '../../domain/port-forwarding/port-forwardings.ts'
import { type AnyStatic, describeStatics, FORWARDING_TYPE } from '../../domain/vpc-static/describe-statics.ts'
import { deleteStatic, updateStatic } from '../../domain/vpc-static/statics.ts'
import { sendJob } from '../send-job.ts'
import { type Actions, inTransaction, reads, writes } from './call.ts'
import { ownId, wireId, wireTime } from './ids.ts'
import { malformed, missing } from './refusals.ts'
import { ownRouter, ownVxnet } from './router-id.ts'
import {
  addStatic,
  changeForwarding,
  copyStatics,
  findStatics,
  givenValues,
  possibleIds,
  VALUES,
} from './router-static-values.ts'

export const ROUTER_STATIC: Actions = {
  AddRouterStatics: writes(async (call) => {
    const { params } = call
    const router = params.required('router')
    const statics = params.objects('statics', 100)
    if (statics.length === 0) throw malformed('parameter statics.n is required')
    const made = await inTransaction(call, async (tx, actor) => {
      const vpcId = await ownRouter(tx, actor, router)
      const ids: string[] = []
      const jobs: JobView[] = []
      for (const wanted of statics) {
        const vxnet = params.text('vxnet') ?? wanted.text('vxnet_id') ?? wanted.text('vxnet')
        const networkId = vxnet === undefined ? undefined : await ownVxnet(tx, vxnet)
        const one = await addStatic(tx, actor, vpcId, networkId, wanted)
        ids.push(wireId(one.id))
        jobs.push(...one.jobs)
      }
      return { ids, jobs }
    })
    for (const job of made.jobs) sendJob(call.deps, job)
    return { router_statics: made.ids }
  }),

  DescribeRouterStatics: reads(async ({ deps, actor, params }) => {
    const [router, vxnet] = [params.text('router'), params.text('vxnet')]
    const filter = {
      vpcId: router && ownId('vpc', router),
      networkId: vxnet && ownId('net', vxnet),
      ids: params.list('router_statics')?.flatMap(possibleIds),
      types: params.list('static_type')?.map((type) => (/^[1-8]$/.test(type) ? Number(type) : 0)),
    }
    const found = await describeStatics(deps.db, actor.projectId, filter, params.slice())
    return { router_static_set: found.rows.map(item), total_count: found.total }
  }),

  ModifyRouterStaticAttributes: writes(async (call) => {
    const { params } = call
    const id = params.required('router_static')
    const [name, disabled] = [params.label('router_static_name'), params.flag('disabled')]
    const changes = {
      ...(name === undefined ? {} : { name }),
      ...(disabled === undefined ? {} : { enabled: !disabled }),
    }
    const jobs = await inTransaction(call, async (tx, actor) => {
      const [now] = await findStatics(tx, actor, [id])
      if (!now) throw missing('router static', id)
      if (now.type === FORWARDING_TYPE) return [await changeForwarding(tx, actor, now, params, changes)]
      return updateStatic(tx, actor, now.id, { ...changes, values: givenValues(params) })
    })
    for (const job of jobs) sendJob(call.deps, job)
    return { router_static: id, router_static_id: id }
  }),

  DeleteRouterStatics: writes(async (call) => {
    const statics = call.params.requiredList('router_statics')
    const jobs = await inTransaction(call, async (tx, actor) => {
      const promised: JobView[] = []
      for (const one of await findStatics(tx, actor, statics)) {
        if (one.type === FORWARDING_TYPE) promised.push(await deletePortForwarding(tx, actor, one.vpcId, one.id))
        else promised.push(...(await deleteStatic(tx, actor, one.id)))
      }
      return promised
    })
    for (const job of jobs) sendJob(call.deps, job)
    return { router_statics: statics }
  }),

  CopyRouterStatics: writes(async (call) => {
    const { params } = call
    const [from, to] = (['source', 'dest'] as const).map((end) => {
      const router = params.text(`${end}_router`) ?? params.text(`${end}_router_id`)
      if (router === undefined) throw malformed(`parameter ${end}_router is required`)
      return router
    })
    const zone = params.text('dest_zone')
    if (zone !== undefined && !(await isZone(call.deps.db, zone))) throw missing('zone', zone)
    const only = {
      ids: params.list('router_statics') ?? params.list('router-statics'),
      types: params.list('static_type') ?? params.list('static-type'),
    }
    const jobs = await inTransaction(call, async (tx, actor) =>
      copyStatics(tx, actor, await ownRouter(tx, actor, from ?? ''), await ownRouter(tx, actor, to ?? ''), only),
    )
    for (const job of jobs) sendJob(call.deps, job)
    return {}
  }),
}

const item = (row: AnyStatic) => ({
  router_static_id: wireId(row.id),
  router_static_name: row.name,
  router_id: wireId(row.vpcId),
  vxnet_id: row.networkId === null ? '' : wireId(row.networkId),
  static_type: row.type,
  ...Object.fromEntries(VALUES.map((name) => [name, row.values[name] ?? ''])),
  disabled: row.enabled ? 0 : 1,
  entry_set: row.entries.map(({ id, val1, val2 }) => ({ router_static_entry_id: wireId(id), val1, val2 })),
  create_time: wireTime(row.createdAt),
  owner: wireId(row.projectId),
})
