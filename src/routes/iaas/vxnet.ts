/** Vxnets: networks, and the basic one, `vxnet-0`, of which there is no more than is asked for. */
import type { Actor } from '../../domain/actor.ts'
import { listZones } from '../../domain/hypervisor/zones.ts'
import { createNetwork } from '../../domain/network/create-network.ts'
import { type DescribedNetwork, describeBasic, describeNetworks } from '../../domain/network/describe-networks.ts'
import { networkView } from '../../domain/network/network-view.ts'
import { deleteNetwork, updateNetwork } from '../../domain/network/networks.ts'
import { type Actions, type Call, inTransaction, reads, writes } from './call.ts'
import { BASIC_VXNET, ownId, wireId, wireTime } from './ids.ts'
import { malformed } from './refusals.ts'
import { ownVxnet, ownVxnets } from './router-id.ts'
import { placeOf } from './router-place.ts'
import { vxnetType } from './vxnet-id.ts'

/** `vxnet_type` of the networks that can be made. */
const TYPES = { 0: 'unmanaged', 1: 'managed' } as const

export const VXNET: Actions = {
  CreateVxnets: writes(async (call) => {
    const { params } = call
    const type = params.int('vxnet_type', { min: 0, max: 1 })
    if (type === undefined) throw malformed('parameter vxnet_type is required')
    const count = params.int('count', { min: 1, max: 100 }) ?? 1
    const wanted = { name: params.label('vxnet_name') ?? '', type: TYPES[type as 0 | 1] }
    const vxnets = await inTransaction(call, async (tx, actor) => {
      const ids: string[] = []
      while (ids.length < count) ids.push(wireId((await createNetwork(tx, actor, wanted)).id))
      return ids
    })
    return { vxnets }
  }),

  DescribeVxnets: reads(async (call) => {
    const { deps, actor, params } = call
    const [vxnets, types] = [params.list('vxnets'), params.list('vxnet_type')]
    const [search, tagIds] = [params.text('search_word'), params.list('tags')]
    const filter = {
      ids: vxnets?.map((id) => ownId('net', id)),
      types: types?.flatMap((type) => (type === '0' ? [TYPES[0]] : type === '1' ? [TYPES[1]] : [])),
      search: search && (ownId('net', search) || search),
      tagIds,
    }
    const slice = params.slice()
    const verbose = params.flag('verbose') ?? false
    const zone = await zoneOf(call)
    const found = await describeNetworks(deps.db, actor.projectId, filter, slice, verbose)
    const items: object[] = found.rows.map((row) => item(row, zone))
    // The last of all, as if it had been there from the beginning.
    const withBasic =
      (vxnets ? vxnets.includes(BASIC_VXNET) : types?.includes('2')) &&
      (types?.includes('2') ?? true) &&
      (search === undefined || search === BASIC_VXNET) &&
      tagIds === undefined
    if (!withBasic) return { vxnet_set: items, total_count: found.total }
    const fits = found.total >= slice.offset && items.length < slice.limit
    if (fits) items.push(await basicItem(call, actor, zone, verbose))
    return { vxnet_set: items, total_count: found.total + 1 }
  }),

  ModifyVxnetAttributes: writes(async (call) => {
    const { params } = call
    const vxnet = params.required('vxnet')
    const [name, description] = [params.label('vxnet_name'), params.label('description')]
    const changes = {
      ...(name === undefined ? {} : { name }),
      ...(description === undefined ? {} : { description }),
    }
    await inTransaction(call, async (tx, actor) => updateNetwork(tx, actor, await ownVxnet(tx, vxnet), changes))
    return {}
  }),

  DeleteVxnets: writes(async (call) => {
    const vxnets = call.params.requiredList('vxnets')
    await inTransaction(call, async (tx, actor) => {
      for (const id of await ownVxnets(tx, vxnets)) await deleteNetwork(tx, actor, id)
    })
    return { vxnets }
  }),
}

/** Networks are in no zone: it is the one that the caller works in. */
const zoneOf = async ({ deps, params }: Call): Promise<string> =>
  params.text('zone') ?? (await listZones(deps.db))[0]?.id ?? ''

const item = ({ network, vpc, serverIds, tags }: DescribedNetwork, zone: string) => ({
  vxnet_id: wireId(network.id),
  vxnet_name: network.name,
  vxnet_type: vxnetType(network.type, false),
  description: network.description,
  create_time: wireTime(network.createdAt),
  owner: wireId(network.projectId),
  root_user_id: wireId(network.projectId),
  zone_id: zone,
  tags,
  instance_ids: serverIds,
  available_ip_count: networkView(network).addresses_available,
  vpc_router_id: vpc ? wireId(vpc.id) : '',
  tunnel_type: 'vxlan',
  router: vpc ? routerOf(network, vpc) : null,
})

function routerOf(network: DescribedNetwork['network'], vpc: { id: string; name: string }) {
  return { router_id: wireId(vpc.id), router_name: vpc.name, ...placeOf(network), mode: 0 }
}

async function basicItem({ deps }: Call, actor: Actor, zone: string, verbose: boolean) {
  const basic = await describeBasic(deps.db, actor.projectId)
  return {
    vxnet_id: BASIC_VXNET,
    vxnet_name: 'basic network',
    vxnet_type: vxnetType('managed', true),
    description: '',
    create_time: basic.createdAt && wireTime(basic.createdAt),
    owner: wireId(actor.projectId),
    root_user_id: wireId(actor.projectId),
    zone_id: zone,
    tags: [],
    instance_ids: verbose ? basic.serverIds : [],
    available_ip_count: basic.addressesAvailable,
    vpc_router_id: '',
    tunnel_type: 'vxlan',
    router: null,
  }
}
