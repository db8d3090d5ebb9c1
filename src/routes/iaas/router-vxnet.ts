/** Which vxnets routers have, and where. */
import { promiseApply } from '../../domain/job/jobs.ts'
import { describeNetworks } from '../../domain/network/describe-networks.ts'
import { joinNetwork, leaveNetwork } from '../../domain/network/join-network.ts'
import { keepWire, lockNetwork } from '../../domain/network/networks.ts'
import { lockVpc } from '../../domain/vpc/vpcs.ts'
import { type Actions, promise, reads, writes } from './call.ts'
import { ownId, wireId, wireTime } from './ids.ts'
import { denied, malformed } from './refusals.ts'
import { ownRouter, ownVxnet, ownVxnets } from './router-id.ts'
import { cidrOf, placeOf, wantedPlace } from './router-place.ts'

export const ROUTER_VXNET: Actions = {
  JoinRouter: writes(async (call) => {
    const { params } = call
    const [router, vxnet] = [params.required('router'), params.required('vxnet')]
    const cidr = cidrOf(params, 'ip_network')
    if (cidr === undefined) throw malformed('parameter ip_network is required')
    const job = await promise(call, async (tx, actor) => {
      const vpcId = await ownRouter(tx, actor, router)
      const networkId = await ownVxnet(tx, vxnet)
      await joinNetwork(tx, actor, networkId, { vpc_id: vpcId, cidr })
      await keepWire(tx, actor, networkId, wantedPlace(params, cidr))
      return promiseApply(tx, actor, aboutBoth(vpcId, [networkId]), [])
    })
    return { ...job, router_id: router, vxnet_id: vxnet }
  }),

  LeaveRouter: writes(async (call) => {
    const { params } = call
    const [router, vxnets] = [params.required('router'), params.requiredList('vxnets')]
    const job = await promise(call, async (tx, actor) => {
      const vpcId = await ownRouter(tx, actor, router)
      await lockVpc(tx, actor, vpcId, 'share')
      const networkIds = await ownVxnets(tx, vxnets)
      for (const id of networkIds) {
        const now = await lockNetwork(tx, actor, id)
        if (now.vpcId !== null && now.vpcId !== vpcId) {
          throw denied(`vxnet [${wireId(id)}] is joined to router [${wireId(now.vpcId)}], not to [${router}]`)
        }
        await leaveNetwork(tx, actor, id)
      }
      return promiseApply(tx, actor, aboutBoth(vpcId, networkIds), [])
    })
    return { ...job, router_id: router, vxnets }
  }),

  DescribeRouterVxnets: reads(async ({ deps, actor, params }) => {
    const [router, vxnet] = [params.required('router'), params.text('vxnet')]

    const filter = {
      joined: router === '*' ? {} : { vpcId: ownId('vpc', router) },
      ids: vxnet === undefined ? undefined : [ownId('net', vxnet)],
    }
    const found = await describeNetworks(deps.db, actor.projectId, filter, params.slice(), false)
    const items = found.rows.map(({ network }) => ({
      router_id: wireId(network.vpcId ?? ''),
      vxnet_id: wireId(network.id),
      vxnet_name: network.name,
      ...placeOf(network),
      create_time: wireTime(network.createdAt),
      owner: wireId(network.projectId),
    }))
    return { router_vxnet_set: items, total_count: found.total }
  }),
}

const aboutBoth = (vpcId: string, networkIds: readonly string[]) => [
  { type: 'vpc' as const, id: vpcId },
  ...networkIds.map((id) => ({ type: 'network' as const, id })),
]
