/** Instances in vxnets. */
import type { Db } from '../../db/client.ts'
import type { Actor } from '../../domain/actor.ts'
import { together } from '../../domain/job/together.ts'
import { basicNetworks } from '../../domain/network/basic-network.ts'
import { describeMembers } from '../../domain/server/describe-servers.ts'
import { joinedNetwork, joinServer, leaveServer } from '../../domain/server/join.ts'
import { type Actions, promise, reads, writes } from './call.ts'
import { BASIC_VXNET, ownId } from './ids.ts'
import { instancesOf } from './instance.ts'
import { commonFilter, member } from './instance-describe.ts'
import { own } from './own-id.ts'
import { malformed } from './refusals.ts'
import { namingVxnet, networkOf, splitVxnet } from './vxnet-id.ts'

export const INSTANCE_VXNET: Actions = {
  JoinVxnet: writes((call) => {
    const ids = instancesOf(call)
    const { vxnet, address } = splitVxnet(call.params.required('vxnet'))
    if (vxnet !== BASIC_VXNET) own('net', vxnet)
    if (address !== undefined && ids.length > 1) {
      throw malformed('an address can be chosen for one instance only')
    }
    return promise(call, (tx, actor) =>
      together(tx, actor, 'nic.attach', ids, async (as, id) => {
        const networkId = await networkToJoin(tx, as, id, vxnet)
        return joinServer(tx, as, id, { networkId, address }).catch(namingVxnet(networkId, vxnet))
      }),
    )
  }),

  LeaveVxnet: writes((call) => {
    const ids = instancesOf(call)
    const vxnet = call.params.required('vxnet')
    if (vxnet !== BASIC_VXNET) own('net', vxnet)
    return promise(call, async (tx, actor) => {
      const networkIds = await networksOf(tx, actor, vxnet)
      return together(tx, actor, 'nic.detach', ids, (as, id) => leaveServer(tx, as, id, { networkIds }))
    })
  }),

  DescribeVxnetInstances: reads(async ({ deps, actor, params }) => {
    const slice = params.slice()
    const vxnet = params.required('vxnet')
    const wanted = commonFilter(params, 'image')
    const networkIds = await networksOf(deps.db, actor, vxnet)
    const { rows, total } = await describeMembers(deps.db, actor.projectId, networkIds, wanted, slice)
    return { instance_set: rows.map((row) => member(row, vxnet)), total_count: total }
  }),
}

/** The networks that a vxnet is. */
const networksOf = async (db: Db, actor: Actor, vxnet: string): Promise<string[]> =>
  vxnet === BASIC_VXNET ? basicNetworks(db, actor) : [ownId('net', vxnet)]

/** The network in which an instance gets its NIC: of the basic ones that where it has one already. */
async function networkToJoin(tx: Db, actor: Actor, id: string, vxnet: string): Promise<string> {
  const joined = vxnet === BASIC_VXNET ? await joinedNetwork(tx, actor, id, await basicNetworks(tx, actor)) : undefined
  return joined ?? networkOf(tx, actor, vxnet)
}
