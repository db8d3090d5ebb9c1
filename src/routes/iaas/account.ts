/** Zones, access keys, quotas and limits. */
import { describeAccessKeys } from '../../domain/access-key/access-keys.ts'
import { countAddresses } from '../../domain/elastic-ip/capacity.ts'
import { listZones } from '../../domain/hypervisor/zones.ts'
import { RULES_PER_GROUP } from '../../domain/security-group/rule-writes.ts'
import { type Actions, reads } from './call.ts'
import { wireId, wireTime } from './ids.ts'
import { notAllowed } from './refusals.ts'

/** How many there may be of what nobody counts. */
const NO_LIMIT = 2 ** 31 - 1
/** What there is a quota of on the wire, under the names that its tags have for them. */
const QUOTAS = [
  ...['instance', 'nic', 'vxnet', 'router', 'router_static', 'eip', 'vip'],
  ...['security_group', 'security_group_rule', 'keypair', 'tag'],
]
const LIMITS = {
  max_nic_per_instance: 64,
  max_router_vxnets: 254,
  max_security_group_rules: RULES_PER_GROUP,
  max_eip_bandwidth: 100_000,
  max_instance_count: NO_LIMIT,
  max_vxnet_count: NO_LIMIT,
  max_router_count: NO_LIMIT,
  max_router_statics: NO_LIMIT,
  max_router_entries: NO_LIMIT,
  valid_cpu_cores: [1, 2, 4, 8, 16],
  valid_memory_size: [1024, 2048, 4096, 6144, 8192, 12_288, 16_384, 24_576, 32_768],
  max_gpu_count: 0,
  max_volume_count: 0,
  max_volume_per_inst: 0,
  min_volume_size: 0,
  max_volume_size: 0,
  volume_step: 0,
}

export const ACCOUNT: Actions = {
  DescribeZones: reads(async ({ deps, params }) => {
    const wanted = params.list('zones')
    const states = params.list('status')
    const zones = (await listZones(deps.db))
      .map(({ id, active }) => ({ zone_id: id, status: active ? 'active' : 'defunct', region_id: id }))
      .filter((zone) => (wanted?.includes(zone.zone_id) ?? true) && (states?.includes(zone.status) ?? true))
    const { offset, limit } = params.slice()
    return { zone_set: zones.slice(offset, offset + limit), total_count: zones.length }
  }),

  DescribeAccessKeys: reads(async ({ deps, actor, params }) => {
    const ids = params.list('access_keys')
    const search = params.text('search_word')
    const found = await describeAccessKeys(deps.db, actor.projectId, { ids, search }, params.slice())
    const active = params.list('status')?.includes('active') ?? true
    return {
      access_key_set: active
        ? found.rows.map((key) => ({
            access_key_id: key.id,
            access_key_name: key.name,
            description: '',
            owner: wireId(key.projectId),
            root_user_id: wireId(key.projectId),
            status: 'active',
            create_time: wireTime(key.createdAt),
          }))
        : [],
      total_count: active ? found.total : 0,
    }
  }),

  GetQuotaLeft: reads(async ({ deps, params }) => {
    const types = params.list('resource_types') ?? QUOTAS
    const unknown = types.find((type) => !QUOTAS.includes(type))
    if (unknown !== undefined) throw notAllowed(`parameter resource_types must be of ${QUOTAS.join(', ')}`)
    const { free } = await countAddresses(deps.db)
    return {
      quota_left_set: [...new Set(types)].map((type) => ({
        resource_type: type,
        left: type === 'eip' ? free : NO_LIMIT,
      })),
    }
  }),

  GetResourceLimit: reads(async ({ deps, params }) => {
    params.int('volume_type', { min: 0, max: NO_LIMIT })
    const { total } = await countAddresses(deps.db)
    return {
      resource_limits: { ...LIMITS, max_eip_count: total },
      vxnet_subnets: [],
      vxnet_version: 1,
      'min-size': 0,
      'max-size': 0,
      step: 0,
    }
  }),
}
