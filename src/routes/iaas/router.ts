/** Routers: VPCs, each with its router and its elastic IP. What is changed takes effect by itself. */
import type { Db } from '../../db/client.ts'
import type { Actor } from '../../domain/actor.ts'
import { associateElasticIp, disassociateElasticIp } from '../../domain/elastic-ip/associate.ts'
import { type JobView, lastJob, promiseApply } from '../../domain/job/jobs.ts'
import { together } from '../../domain/job/together.ts'
import { keepWire, lockNetwork } from '../../domain/network/networks.ts'
import { deleteVpc } from '../../domain/vpc/delete-vpc.ts'
import { describeVpcs } from '../../domain/vpc/describe-vpcs.ts'
import { applyRouter, setRouting } from '../../domain/vpc/router-settings.ts'
import { createVpc, freeVpcCidr, getVpc, lockVpc, updateVpc, type VpcChanges } from '../../domain/vpc/vpcs.ts'
import { sendJob } from '../send-job.ts'
import { type Actions, type Call, inTransaction, promise, writes } from './call.ts'
import { wireId } from './ids.ts'
import { own } from './own-id.ts'
import type { Parameters } from './parameters.ts'
import { denied, malformed, missing } from './refusals.ts'
import { ownRouter, ownRouters, ownVxnet } from './router-id.ts'
import { cidrOf, wantedPlace } from './router-place.ts'

export const ROUTER: Actions = {
  CreateRouters: writes(async (call) => {
    const { params } = call
    const count = params.int('count', { min: 1, max: 100 }) ?? 1
    const group = params.text('security_group')
    const cidr = cidrOf(params, 'vpc_network')
    const wanted = {
      name: params.label('router_name') ?? '',
      ...(group === undefined ? {} : { security_group_id: own('sg', group) }),
    }
    const wire = { router_type: params.int('router_type', { min: 0, max: 3 }) ?? 1 }
    const routers: string[] = []
    const job = await promise(call, async (tx, actor) => {
      for (let made = 0; made < count; made++) {
        const place = cidr ?? (await freeVpcCidr(tx, actor.projectId))
        routers.push((await createVpc(tx, actor, { ...wanted, cidr: place }, wire)).id)
      }
      return promiseApply(tx, actor, aboutVpcs(routers), [])
    })
    return { routers: routers.map(wireId), ...job }
  }),

  ModifyRouterAttributes: writes(async (call) => {
    const { params } = call
    const jobs = await inTransaction(call, async (tx, actor) => {
      const router = params.required('router')
      const id = await ownRouter(tx, actor, router)
      const now = await describeVpcs(tx, actor.projectId, { ids: [id] }, { offset: 0, limit: 1 })
      const [row] = now.rows
      if (!row || row.vpc.deletedAt !== null) throw missing('router', router)
      const moved = await moveEip(tx, actor, id, row.elasticIp?.id, params.given('eip'))
      const changes = changesOf(params)
      if (Object.keys(changes).length > 0) await updateVpc(tx, actor, id, changes)
      await modifyPlace(tx, actor, id, params)
      return moved
    })
    for (const job of jobs) sendJob(call.deps, job)
    return {}
  }),

  UpdateRouters: writes((call) =>
    onEach(call, async (tx, actor, id) => {
      const { routing } = await lockVpc(tx, actor, id, 'share')
      if (!routing) throw denied(`router [${wireId(id)}] is poweroffed, can not be updated`)
      return applyRouter(tx, actor, id)
    }),
  ),
  PowerOnRouters: writes((call) => onEach(call, (tx, actor, id) => setRouting(tx, actor, id, true))),
  PowerOffRouters: writes((call) => onEach(call, (tx, actor, id) => setRouting(tx, actor, id, false))),

  DeleteRouters: writes((call) =>
    onEach(call, async (tx, actor, id) => {
      const { deleted_at } = await getVpc(tx, actor.projectId, id)
      // A retry of what was done already is answered with the job that did it: the last one about the router.
      const done = deleted_at === null ? undefined : await lastJob(tx, actor.projectId, { resource_id: id })
      if (done) return done
      const [job] = await deleteVpc(tx, actor, id, { force: true })
      return job ?? promiseApply(tx, actor, aboutVpcs([id]), [])
    }),
  ),

  GetVPNCerts: writes(async (call) => {
    const { params } = call
    const router = params.required('router')
    params.oneOf('platform', ['linux', 'windows', 'mac'])
    await inTransaction(call, async (tx, actor) => {
      await lockVpc(tx, actor, await ownRouter(tx, actor, router), 'share')
    })
    throw denied('this installation keeps router statics of VPNs, and runs no VPN: there are no certificates')
  }),
}

const aboutVpcs = (ids: readonly string[]) => ids.map((id) => ({ type: 'vpc', id }) as const)

/** Does something with each of the routers, all or none, as one job. */
async function onEach(call: Call, act: (tx: Db, actor: Actor, id: string) => Promise<JobView>) {
  const routers = call.params.requiredList('routers')
  const job = await promise(call, async (tx, actor) => {
    const ids = await ownRouters(tx, actor, routers)
    return together(tx, actor, 'network.apply', ids, (part, id) => act(tx, part, id))
  })
  return { ...job, routers }
}

/** @param eip - '': none; absent: it stays. Another one takes the place of `present`. */
async function moveEip(
  tx: Db,
  actor: Actor,
  vpcId: string,
  present: string | undefined,
  eip: string | undefined,
): Promise<JobView[]> {
  if (eip === undefined) return []
  if (eip === '') return present === undefined ? [] : [await disassociateElasticIp(tx, actor, present)]
  const id = own('eip', eip)
  const freed = present === undefined || present === id ? [] : [await disassociateElasticIp(tx, actor, present)]
  return [...freed, await associateElasticIp(tx, actor, id, { vpc_id: vpcId }, { take: false })]
}

function changesOf(params: Parameters): VpcChanges {
  const [name, description] = [params.label('router_name'), params.label('description')]
  const group = params.given('security_group')
  return {
    ...(name === undefined ? {} : { name }),
    ...(description === undefined ? {} : { description }),
    ...(group === undefined ? {} : { security_group_id: group === '' ? null : own('sg', group) }),
  }
}

/** What a router says in one of its vxnets. */
async function modifyPlace(tx: Db, actor: Actor, vpcId: string, params: Parameters): Promise<void> {
  const asked = ['features', 'dyn_ip_start', 'dyn_ip_end'].find((name) => params.text(name) !== undefined)
  if (asked === undefined) return
  const vxnet = params.text('vxnet')
  if (vxnet === undefined) throw malformed(`parameter vxnet is required with ${asked}`)
  const networkId = await ownVxnet(tx, vxnet)
  const now = await lockNetwork(tx, actor, networkId)
  if (now.vpcId !== vpcId || now.cidr === null)
    throw denied(`vxnet [${vxnet}] is not joined to router [${wireId(vpcId)}]`)
  await keepWire(tx, actor, networkId, wantedPlace(params, now.cidr, now.wire))
}
