/** RunInstances: what of its parameters means something here. The others are accepted and mean nothing. */
import type { Db } from '../../db/client.ts'
import type { Actor } from '../../domain/actor.ts'
import { newId } from '../../domain/ids.ts'
import { together } from '../../domain/job/together.ts'
import { putKeyPairs } from '../../domain/key-pair/key-pairs.ts'
import { assertGroups } from '../../domain/security-group/membership.ts'
import { createServer, type NetworkWanted } from '../../domain/server/create-server.ts'
import { assertUserData } from '../../domain/user-data/user-data.ts'
import { sendJob } from '../send-job.ts'
import { type Actions, inTransaction, writes } from './call.ts'
import { CPUS, findImage, MAX_MEMORY, MIN_MEMORY, type Size, sizeOfType, typeOf } from './catalogue.ts'
import { own } from './own-id.ts'
import type { Parameters } from './parameters.ts'
import { malformed, missing, notAllowed } from './refusals.ts'
import { namingVxnet, networkOf, splitVxnet } from './vxnet-id.ts'

/** How many one request may make. */
const MOST = 100
const SMALLEST: Size = { vcpus: 1, memory: MIN_MEMORY }

export const RUN_INSTANCES: Actions = {
  RunInstances: writes(async (call) => {
    const { deps, params } = call
    const imageId = params.required('image_id')
    const image = findImage(deps, imageId)
    if (!image) throw missing('image', imageId)
    const { size, type } = sizeOf(params, SMALLEST)
    const count = params.int('count', { min: 1, max: MOST }) ?? 1
    const vxnets = (params.list('vxnets') ?? []).map(splitVxnet)
    if (count > 1 && vxnets.some(({ address }) => address !== undefined)) {
      throw malformed('an address can be chosen for one instance only: count must be 1')
    }
    for (const volume of params.list('volumes') ?? []) throw missing('volume', volume)
    const keyPair = loginKey(params)
    const userData = params.text('userdata_type') === 'tar' ? params.required('userdata_value') : undefined
    const group = params.text('security_group')
    const security_group_id = group === undefined ? undefined : own('sg', group)
    const wire = {
      image_id: image.image_id,
      instance_type: type,
      instance_class: params.int('instance_class', { min: 0, max: 1000 }) ?? 0,
      os_disk_size: params.int('os_disk_size', { min: 1, max: 10_000 }) ?? image.image_size,
      cpu_model: params.label('cpu_model') ?? '',
      hostname: params.label('hostname') ?? '',
      login_mode: params.text('login_mode') ?? '',
      nic_mqueue: params.flag('nic_mqueue') ? 1 : 0,
      ...(security_group_id === undefined ? {} : { security_group_id }),
    }
    const wanted = {
      name: params.label('instance_name') ?? '',
      guest: deps.instances.guest,
      vcpus: size.vcpus,
      memory_mb: size.memory,
      ...(params.text('zone') === undefined ? {} : { zone_id: params.required('zone') }),
      ...(security_group_id === undefined ? {} : { security_group_ids: [security_group_id] }),
      wire,
    }
    const ids = Array.from({ length: count }, () => newId('i'))
    const job = await inTransaction(call, async (tx, actor) => {
      if (wanted.security_group_ids) await assertGroups(tx, actor, wanted.security_group_ids)
      if (userData !== undefined) await assertUserData(tx, actor, own('ud', userData))
      const promised = await together(tx, actor, 'server.create', ids, async (as, id) => {
        const networks = await networksFor(tx, as, vxnets)
        const making = createServer(tx, as, { ...wanted, networks }, id)
        return networks.reduce((made, of) => made.catch(namingVxnet(of.network_id, of.vxnet)), making)
      })
      if (keyPair !== undefined) await putKeyPairs(tx, actor, [keyPair], ids)
      return promised
    })
    sendJob(deps, job)
    return { instances: ids, job_id: job.id }
  }),
}

async function networksFor(
  tx: Db,
  actor: Actor,
  vxnets: readonly ReturnType<typeof splitVxnet>[],
): Promise<(NetworkWanted & { vxnet: string })[]> {
  const networks = []
  for (const { vxnet, address } of vxnets) {
    networks.push({ network_id: await networkOf(tx, actor, vxnet), address, vxnet })
  }
  return networks
}

function loginKey(params: Parameters): string | undefined {
  const mode = params.oneOf('login_mode', ['keypair', 'passwd'])
  if (mode !== 'keypair') return undefined
  return own('kp', params.required('login_keypair'))
}

/**
 * Processors and memory, by themselves or by the name of a size; what is said by itself counts more.
 * @param otherwise - what is not said.
 */
export function sizeOf(params: Parameters, otherwise: Size): { readonly size: Size; readonly type: string } {
  const type = params.text('instance_type')
  const named = type === undefined ? undefined : sizeOfType(type)
  if (type !== undefined && !named) throw missing('instance type', type)
  const vcpus = params.int('cpu', { min: 1, max: 16 })
  if (vcpus !== undefined && !CPUS.includes(vcpus)) throw notAllowed(`parameter cpu must be one of ${CPUS.join(', ')}`)
  const memory = params.int('memory', { min: MIN_MEMORY, max: MAX_MEMORY })
  const base = named ?? otherwise
  const size = { vcpus: vcpus ?? base.vcpus, memory: memory ?? base.memory }
  const isNamed = named?.vcpus === size.vcpus && named.memory === size.memory
  return { size, type: isNamed && type !== undefined ? type : typeOf(size) }
}
