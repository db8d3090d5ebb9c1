/** What is shown of instances. */
import type { Deps } from '../../app.ts'
import type { GroupName, Member, ServerCard, ServerWanted } from '../../domain/server/describe-servers.ts'
import { type DescribedServer, describeServers } from '../../domain/server/describe-servers.ts'
import type { ServerRow } from '../../domain/server/servers.ts'
import { type Actions, reads } from './call.ts'
import { imageOf } from './catalogue.ts'
import { ownId, wireId, wireTime } from './ids.ts'
import type { Parameters } from './parameters.ts'
import { malformed } from './refusals.ts'
import { vxnetId, vxnetType } from './vxnet-id.ts'

const TRANSITIONS: Readonly<Partial<Record<ServerRow['state'], string>>> = {
  pending: 'creating',
  starting: 'starting',
  stopping: 'stopping',
  terminating: 'terminating',
}

/** `transition_status`: '' when nothing is being done. */
export const transitionOf = (state: ServerRow['state'], jobAction: string | null): string =>
  jobAction === 'server.restart' ? 'restarting' : (TRANSITIONS[state] ?? '')

/** A NIC that comes or goes with its place in a vxnet, which callers wait for by looking at the instance. */
const isMoving = (card: ServerCard): boolean =>
  card.with_server && (card.state === 'attaching' || card.state === 'detaching')

/** One that is being attached is not on its instance yet, unless it was made for it. */
const isOn = (card: ServerCard): boolean => card.with_server || card.state !== 'attaching'

export const kept = (row: ServerRow, name: string): string => `${row.wire[name] ?? ''}`
export const keptInt = (row: ServerRow, name: string): number => Number(row.wire[name] ?? 0)

const group = ({ id, name, is_default }: GroupName) => ({
  security_group_id: id,
  security_group_name: name,
  is_default: is_default ? 1 : 0,
})

const vxnet = (card: ServerCard) => ({
  vxnet_id: vxnetId(card.network_id, card.is_basic),
  vxnet_name: card.is_basic ? '' : card.network_name,
  vxnet_type: vxnetType(card.network_type, card.is_basic),
  nic_id: card.id,
  private_ip: card.address ?? '',
  ipv6_address: card.ipv6_address ?? '',
  role: card.slot === 0 ? 1 : 0,
  sequence: card.slot,
  security_group: group(card.group),
  security_groups: [group(card.group)],
})

function instance(deps: Deps, row: DescribedServer) {
  const cards = row.cards.filter(isOn)
  const [first] = cards
  const own = first ? first.group : row.keptGroup
  // Callers take an instance whose first vxnet has no address for one that is still getting it.
  const shown = cards.toSorted((a, b) => Number(a.address === null) - Number(b.address === null))
  const addresses = cards.flatMap(({ elastic_ip: eip }) =>
    eip ? [{ eip_id: eip.id, eip_addr: eip.address, bandwidth: eip.bandwidth_mbps ?? 0 }] : [],
  )
  const transition = transitionOf(row.state, row.jobAction)
  return {
    instance_id: row.id,
    instance_name: row.name,
    description: row.description,
    instance_type: kept(row, 'instance_type'),
    instance_class: keptInt(row, 'instance_class'),
    vcpus_current: row.vcpus,
    memory_current: row.memoryMb,
    cpu_topology: '',
    status: row.standing,
    transition_status: transition || (row.cards.some(isMoving) ? 'updating' : ''),
    sub_code: 0,
    alarm_status: '',
    create_time: wireTime(row.createdAt),
    status_time: null,
    zone_id: row.zoneId,
    owner: wireId(row.projectId),
    root_user_id: wireId(row.projectId),
    device: '',
    repl: '',
    graphics_protocol: '',
    graphics_passwd: '',
    hostname: kept(row, 'hostname'),
    login_mode: kept(row, 'login_mode'),
    image: imageOf(deps, kept(row, 'image_id')),
    extra: {
      os_disk_size: keptInt(row, 'os_disk_size'),
      hypervisor: row.guest === 'qemu' ? 'kvm' : row.guest,
      nic_mqueue: keptInt(row, 'nic_mqueue'),
      cpu_model: kept(row, 'cpu_model'),
    },
    vxnets: shown.map(vxnet),
    eip: addresses[0] ?? null,
    eips: addresses,
    security_group: own ? group(own) : null,
    security_groups: own ? [group(own)] : [],
    keypair_ids: row.keyPairIds,
    volumes: [],
    volume_ids: [],
    dns_aliases: [],
    tags: row.wireTags,
  }
}

/** An item of DescribeVxnetInstances. */
export const member = (row: Member, vxnet: string) => ({
  vxnet_id: vxnet,
  instance_id: row.server.id,
  instance_name: row.server.name,
  description: row.server.description,
  instance_type: kept(row.server, 'instance_type'),
  vcpus_current: row.server.vcpus,
  memory_current: row.server.memoryMb,
  status: row.standing,
  transition_status: transitionOf(row.server.state, row.jobAction),
  create_time: wireTime(row.server.createdAt),
  status_time: null,
  image_id: kept(row.server, 'image_id'),
  dhcp_options: row.dhcpStatic ? { router_static_id: wireId(row.dhcpStatic.id), val2: row.dhcpStatic.options } : {},
  private_ip: row.address ?? '',
  nic_id: row.nicId,
  sequence: row.slot,
  sub_code: 0,
})

const ownIds = (ids: readonly string[] | undefined) => ids?.map((id) => ownId('i', id))

function ints(params: Parameters, name: string): number[] | undefined {
  return params.list(name)?.map((value) => {
    if (!/^\d{1,9}$/.test(value)) throw malformed(`parameter ${name} must be a whole number`)
    return Number(value)
  })
}

/** Filters that DescribeInstances and DescribeVxnetInstances have in common. */
export const commonFilter = (params: Parameters, image: string): ServerWanted => ({
  ids: ownIds(params.list('instances')),
  standings: params.list('status'),
  imageIds: params.list(image),
  instanceTypes: params.list('instance_type'),
})

export const INSTANCE_DESCRIBE: Actions = {
  DescribeInstances: reads(async ({ deps, actor, params }) => {
    const slice = params.slice()
    // There is none that belongs to a cluster, or to a host of somebody's own.
    if (params.flag('is_cluster_node') === true || params.list('dedicated_hosts')) {
      return { instance_set: [], total_count: 0 }
    }
    const wanted: ServerWanted = {
      ...commonFilter(params, 'image_id'),
      zoneId: params.text('zone'),
      search: params.text('search_word'),
      tagIds: params.list('tags'),
      instanceClasses: ints(params, 'instance_class')?.map(String),
      vcpus: ints(params, 'vcpus_current'),
      memoryMb: ints(params, 'memory_current'),
      diskSizes: ints(params, 'os_disk_size')?.map(String),
    }
    const { rows, total } = await describeServers(deps.db, actor.projectId, wanted, slice)
    return { instance_set: rows.map((row) => instance(deps, row)), total_count: total }
  }),
}
