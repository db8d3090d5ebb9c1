/** Security groups: their rules are in security-group-rule.ts. */
import { type DescribedGroup, describeGroups } from '../../domain/security-group/describe-groups.ts'
import { createGroup, deleteGroup, updateGroup } from '../../domain/security-group/security-groups.ts'
import { bindServers, unbindServers } from '../../domain/security-group/server-groups.ts'
import { applyGroup } from '../../domain/security-group/staged-rules.ts'
import { type Actions, inTransaction, promise, reads, writes } from './call.ts'
import { wireId, wireTime } from './ids.ts'
import { own } from './own-id.ts'

const RESOURCE_TYPES = { server: 'instance', vpc: 'router' } as const

export const SECURITY_GROUP: Actions = {
  CreateSecurityGroup: writes(async (call) => {
    const name = call.params.label('security_group_name') ?? ''
    const { id } = await inTransaction(call, (tx, actor) => createGroup(tx, actor, { name }))
    return { security_group_id: id }
  }),

  DescribeSecurityGroups: reads(async ({ deps, actor, params }) => {
    const wanted = {
      ids: params.list('security_groups'),
      search: params.text('search_word'),
      name: params.text('security_group_name'),
      tagIds: params.list('tags'),
    }
    const verbose = params.flag('verbose') ?? false
    const found = await describeGroups(deps.db, actor.projectId, wanted, params.slice(), verbose)
    return { security_group_set: found.rows.map(item), total_count: found.total }
  }),

  ModifySecurityGroupAttributes: writes(async (call) => {
    const { params } = call
    const id = own('sg', params.required('security_group'))
    const [name, description] = [params.label('security_group_name'), params.label('description')]
    const changes = { ...(name === undefined ? {} : { name }), ...(description === undefined ? {} : { description }) }
    await inTransaction(call, (tx, actor) => updateGroup(tx, actor, id, changes))
    return { security_group_id: id }
  }),

  DeleteSecurityGroups: writes(async (call) => {
    const groups = [...new Set(call.params.requiredList('security_groups'))]
    const ids = groups.map((id) => own('sg', id)).sort()
    await inTransaction(call, async (tx, actor) => {
      for (const id of ids) await deleteGroup(tx, actor, id)
    })
    return { security_groups: groups }
  }),

  ApplySecurityGroup: writes(async (call) => {
    const id = own('sg', call.params.required('security_group'))
    const servers = call.params.list('instances')?.map((one) => own('i', one))
    return promise(call, (tx, actor) =>
      servers === undefined ? applyGroup(tx, actor, id) : bindServers(tx, actor, id, [...new Set(servers)]),
    )
  }),

  RemoveSecurityGroup: writes(async (call) => {
    const servers = call.params.requiredList('instances').map((one) => own('i', one))
    return promise(call, (tx, actor) => unbindServers(tx, actor, [...new Set(servers)]))
  }),
}

const item = (row: DescribedGroup) => ({
  security_group_id: row.id,
  security_group_name: row.name,
  description: row.description,
  is_applied: row.inForce === null ? 1 : 0,
  is_default: row.isDefault ? 1 : 0,
  resources: row.users.map(({ type, id, name }) => ({
    resource_id: wireId(id),
    resource_name: name,
    resource_type: RESOURCE_TYPES[type],
  })),
  tags: row.tagged,
  owner: wireId(row.projectId),
  root_user_id: wireId(row.projectId),
  create_time: wireTime(row.createdAt),
})
