/** Snapshots of security groups. */
import {
  deleteSnapshots,
  describeSnapshots,
  rollBack,
  type Snapshot,
  takeSnapshot,
} from '../../domain/security-group/snapshots.ts'
import { type Actions, inTransaction, reads, writes } from './call.ts'
import { ownId, wireTime } from './ids.ts'
import { own } from './own-id.ts'
import { ruleValues } from './rule-values.ts'

export const SNAPSHOT: Actions = {
  CreateSecurityGroupSnapshot: writes(async (call) => {
    const groupId = own('sg', call.params.required('security_group'))
    const name = call.params.label('name') ?? ''
    const id = await inTransaction(call, (tx, actor) => takeSnapshot(tx, actor, groupId, name))
    return { security_group_snapshot_id: id, security_group_id: groupId }
  }),

  DescribeSecurityGroupSnapshots: reads(async ({ deps, actor, params }) => {
    const filter = {
      groupId: ownId('sg', params.required('security_group')),
      ids: params.list('security_group_snapshots'),
    }
    const oldestFirst = params.flag('reverse') === false
    const found = await describeSnapshots(deps.db, actor.projectId, filter, params.slice(), oldestFirst)
    return { security_group_snapshot_set: found.rows.map(item), total_count: found.total }
  }),

  DeleteSecurityGroupSnapshots: writes(async (call) => {
    const snapshots = [...new Set(call.params.requiredList('security_group_snapshots'))]
    const ids = snapshots.map((id) => own('sgs', id))
    await inTransaction(call, (tx, actor) => deleteSnapshots(tx, actor, ids))
    return { security_group_snapshots: snapshots }
  }),

  RollbackSecurityGroup: writes(async (call) => {
    const groupId = own('sg', call.params.required('security_group'))
    const id = own('sgs', call.params.required('security_group_snapshot'))
    await inTransaction(call, (tx, actor) => rollBack(tx, actor, groupId, id))
    return { security_group_id: groupId, security_group_snapshot_id: id }
  }),
}

const item = (row: Snapshot) => ({
  security_group_snapshot_id: row.id,
  security_group_snapshot_name: row.name,
  group_id: row.groupId,
  create_time: wireTime(row.createdAt),
  rules: row.rules.map((rule) => ({
    security_group_id: row.groupId,
    security_group_rule_name: rule.name,
    protocol: rule.protocol,
    priority: rule.priority,
    action: rule.action,
    direction: rule.direction === 'in' ? 0 : 1,
    ...ruleValues(rule),
  })),
})
