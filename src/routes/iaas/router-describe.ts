import { type DescribedVpc, describeVpcs, type RouterState } from '../../domain/vpc/describe-vpcs.ts'
import { type Actions, reads } from './call.ts'
import { ownId, wireId, wireTime } from './ids.ts'

const STATES = new Map<string, RouterState>([
  ['active', 'on'],
  ['poweroffed', 'off'],
  ['deleted', 'deleted'],
])

/** What a router is doing while a job that was asked for so is unfinished; `updating` while another is. */
const TRANSITIONS = new Map([
  ['PowerOnRouters', 'poweroning'],
  ['PowerOffRouters', 'poweroffing'],
])

export const ROUTER_DESCRIBE: Actions = {
  DescribeRouters: reads(async ({ deps, actor, params }) => {
    const [vxnet, search] = [params.text('vxnet'), params.text('search_word')]
    const filter = {
      ids: params.list('routers')?.map((id) => ownId('vpc', id)),
      states: params.list('status')?.flatMap((state) => STATES.get(state) ?? []),
      networkId: vxnet && ownId('net', vxnet),
      search: search && (ownId('vpc', search) || search),
      tagIds: params.list('tags'),
    }
    const verbose = params.flag('verbose') ?? false
    const found = await describeVpcs(deps.db, actor.projectId, filter, params.slice())
    return { router_set: found.rows.map((row) => item(row, verbose)), total_count: found.total }
  }),
}

function item({ vpc, elasticIp, group, networkIds, tags, askedOf }: DescribedVpc, verbose: boolean) {
  const isDeleted = vpc.deletedAt !== null
  return {
    router_id: wireId(vpc.id),
    router_name: vpc.name,
    description: vpc.description,
    router_type: Number(vpc.wire.router_type ?? 1),
    private_ip: '',
    vpc_network: vpc.cidr,
    vpc_id: `vpc-${vpc.id.slice('vpc-'.length)}`,
    base_vxnet: '',
    instance_id: '',
    mode: 0,
    features: 1,
    is_applied: 1,
    is_default: 0,
    status: isDeleted ? 'deleted' : vpc.routing ? 'active' : 'poweroffed',
    transition_status: isDeleted || askedOf === null ? '' : (TRANSITIONS.get(askedOf) ?? 'updating'),
    create_time: wireTime(vpc.createdAt),
    status_time: null,
    security_group_id: group.id,
    security_groups: [{ group_id: group.id, group_name: group.name }],
    eip: elasticIp ? { eip_id: elasticIp.id, eip_name: elasticIp.name, eip_addr: elasticIp.address } : {},
    vxnets: verbose ? networkIds.map((id) => ({ vxnet_id: wireId(id), nic_id: '' })) : [],
    tags,
    dns_aliases: [],
    owner: wireId(vpc.projectId),
    root_user_id: wireId(vpc.projectId),
    console_id: '',
    controller: 'self',
    memory: 0,
    cpu: 0,
    hypervisor: '',
    sub_code: 0,
    place_group_id: '',
    resource_project_info: [],
    l3vni: 0,
    vpc_ipv6_network: '',
    alarm_status: '',
  }
}
