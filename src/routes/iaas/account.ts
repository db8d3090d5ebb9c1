/** Zones, access keys, quotas and limits; and what this service has none of. */
import { describeAccessKeys } from '../../domain/access-key/access-keys.ts'
import { listZones } from '../../domain/hypervisor/zones.ts'
import { type Actions, reads } from './call.ts'
import { wireId, wireTime } from './ids.ts'

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
}
