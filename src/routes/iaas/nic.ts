/** NICs: network cards, with or without an address, that come and go by themselves. */
import { isIPv4 } from 'node:net'
import type { Db } from '../../db/client.ts'
import type { Actor } from '../../domain/actor.ts'
import { attachNics } from '../../domain/nic/attach-nics.ts'
import { createNics } from '../../domain/nic/create-nics.ts'
import { describeNics, type NetworkKind, type NicDescription } from '../../domain/nic/describe-nics.ts'
import { detachFromServers } from '../../domain/nic/detach-from-servers.ts'
import { setAntiSpoofing } from '../../domain/nic/nic-settings.ts'
import { deleteNics } from '../../domain/nic/nics.ts'
import { type NicChanges, updateNic } from '../../domain/nic/update-nic.ts'
import { defaultGroupOf } from '../../domain/security-group/default-group.ts'
import { sendJob } from '../send-job.ts'
import { type Actions, inTransaction, promise, reads, writes } from './call.ts'
import { BASIC_VXNET, ownId, ownMac, wireId, wireTime } from './ids.ts'
import { own, ownNicId } from './own-id.ts'
import type { Parameters } from './parameters.ts'
import { malformed, missing, notAllowed } from './refusals.ts'
import { namingVxnet, networkOf, vxnetId } from './vxnet-id.ts'

/** A node's NICs, and one more for good measure, are asked for at once; so are all of a vxnet. */
const MOST_NICS = 253
const MOST_CREATED = 252

/** `vxnet_type` */
const KINDS: Readonly<Record<string, NetworkKind>> = { 0: 'unmanaged', 1: 'managed', 2: 'basic' }
const IS_ON: Readonly<Record<string, boolean>> = { available: false, 'in-use': true }

export const NIC: Actions = {
  CreateNics: writes(async (call) => {
    const { params } = call
    const vxnet = params.required('vxnet')
    const addresses = (params.list('private_ips') ?? []).map((text) => ipv4('private_ips', text))
    const count = params.int('count', { min: 1, max: MOST_CREATED }) ?? Math.max(addresses.length, 1)
    if (addresses.length > count)
      throw malformed(`parameter private_ips.n has ${addresses.length} values for a count of ${count}`)
    const group = params.text('security_group')
    const wanted = {
      count,
      name: params.label('nic_name'),
      addresses,
      addressed: !params.flag('disable_ip'),
      ...(group !== undefined && { security_group_ids: [own('sg', group)] }),
      pointer: () => '',
    }
    if (!wanted.addressed && addresses.length > 0)
      throw malformed('parameter private_ips.n must not be given with disable_ip')
    const make = async (db: Db, actor: Actor) => {
      const networkId = await networkOf(db, actor, vxnet, count)
      return createNics(db, actor, { networkId, ...wanted }).catch(namingVxnet(networkId, vxnet))
    }
    // A single statement needs no transaction around it; finding room in the basic network, or making it, does.
    const made = await (vxnet === BASIC_VXNET ? inTransaction(call, make) : make(call.deps.db, call.actor))
    const nics = made.map(({ id, address }) => ({ nic_id: id, private_ip: address ?? '' }))
    const place = (address: string) => (addresses.includes(address) ? addresses.indexOf(address) : count)
    return { nics: nics.sort((a, b) => place(a.private_ip) - place(b.private_ip)) } // callers look for address n in NIC n
  }),

  DescribeNics: reads(async ({ deps, actor, params }) => {
    const vxnets = params.list('vxnets')
    const states = words(params, 'status', IS_ON)
    const wanted = {
      ids: params.list('nics')?.map(ownMac),
      name: params.text('nic_name'),
      isOn: states && new Set(states).size === 1 ? states[0] : undefined,
      networks: vxnets && { ids: vxnets.map((id) => ownId('net', id)), orBasic: vxnets.includes(BASIC_VXNET) },
      kinds: words(params, 'vxnet_type', KINDS),
      serverIds: params.list('instances')?.map((id) => ownId('i', id)),
      tagIds: params.list('tags'),
    }
    const { rows, total } = await describeNics(deps.db, actor.projectId, wanted, params.slice(MOST_NICS))
    return { nic_set: rows.map(item), total_count: total }
  }),

  AttachNics: writes((call) => {
    const { params } = call
    const serverId = own('i', params.text('instance') ?? params.text('instance_id') ?? params.required('instance'))
    const nicIds = ids(params)
    return promise(call, (tx, actor) => attachNics(tx, actor, { serverId, nicIds, pointer: () => '' }))
  }),

  DetachNics: writes((call) => {
    const nicIds = ids(call.params)
    return promise(call, (tx, actor) => detachFromServers(tx, actor, nicIds))
  }),

  ModifyNicAttributes: writes(async (call) => {
    const { params } = call
    const id = ownNicId(params.required('nic'))
    const name = params.label('nic_name')
    const address = params.given('private_ip')
    const vxnet = params.text('vxnet')
    const enabled = params.flag('enable_aspoof')
    const job = await inTransaction(call, async (tx, actor) => {
      const place = await placeOf(tx, actor, id, vxnet)
      const changes: NicChanges = {
        ...(name !== undefined && { name }),
        ...(address !== undefined && { address: address === '' ? null : ipv4('private_ip', address) }),
        ...(vxnet !== undefined && { network_id: place.networkId }),
      }
      if (Object.keys(changes).length > 0) {
        await updateNic(tx, actor, id, changes).catch(namingVxnet(place.networkId, place.vxnet))
      }
      return enabled === undefined ? undefined : setAntiSpoofing(tx, actor, id, { enabled })
    })
    if (job) sendJob(call.deps, job)
    return {}
  }),

  DeleteNics: writes(async (call) => {
    const nicIds = ids(call.params)
    await inTransaction(call, (tx, actor) => deleteNics(tx, actor, nicIds))
    return {}
  }),
}

const item = (row: NicDescription) => ({
  nic_id: row.id,
  nic_name: row.name,
  instance_id: row.isOn ? (row.serverId ?? '') : '',
  vxnet_id: vxnetId(row.networkId, row.isBasic),
  private_ip: row.address ?? '',
  ipv6_address: row.ipv6Address ?? '',
  role: row.isPrimary ? 1 : 0,
  sequence: row.isOn ? (row.slot ?? 0) : 0,
  status: row.isOn ? 'in-use' : 'available',
  security_group: row.groupIds[0] ?? defaultGroupOf(row.projectId),
  eip: row.elasticIp && {
    eip_id: row.elasticIp.id,
    eip_addr: row.elasticIp.address,
    bandwidth: row.elasticIp.bandwidth_mbps ?? 0,
  },
  tags: row.tagList,
  owner: wireId(row.projectId),
  root_user_id: wireId(row.projectId),
  create_time: wireTime(row.createdAt),
  status_time: wireTime(row.updatedAt),
})

/** `nics.n`, each once; the documentation of one action has a capital letter in it. */
function ids(params: Parameters): string[] {
  const given = params.list('Nics') ?? params.requiredList('nics')
  return [...new Set(given.map(ownNicId))]
}

function ipv4(name: string, text: string): string {
  if (!isIPv4(text)) throw malformed(`parameter ${name} must be an IPv4 address`)
  return text
}

/** What the words of a list stand for. */
function words<T>(params: Parameters, name: string, known: Readonly<Record<string, T>>): T[] | undefined {
  return params.list(name)?.map((word) => {
    if (!Object.hasOwn(known, word))
      throw notAllowed(`parameter ${name} must be one of ${Object.keys(known).join(', ')}`)
    return known[word] as T
  })
}

/** Where a NIC is, or is to go; one in the basic vxnet stays in its part of that. */
async function placeOf(tx: Db, actor: Actor, nicId: string, to: string | undefined) {
  const { rows } = await describeNics(tx, actor.projectId, { ids: [nicId] }, { offset: 0, limit: 1 })
  const [now] = rows
  if (!now) throw missing('nic', nicId)
  const vxnet = vxnetId(now.networkId, now.isBasic)
  if (to === undefined || to === vxnet) return { networkId: now.networkId, vxnet }
  return { networkId: await networkOf(tx, actor, to), vxnet: to }
}
