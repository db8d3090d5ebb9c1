import { asc, inArray } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import { securityGroup, securityGroupRule } from '../../db/schema.ts'
import type { OrderGroup, OrderNetwork } from '../../jobs/work-order.ts'
import { defaultGroupOf } from '../security-group/default-group.ts'

/**
 * The security groups of a hypervisor's NICs with their rules, and those that these rules name with their members.
 * @param used - groups that the NICs are in.
 * @param networks - of the hypervisor: members elsewhere cannot reach its NICs by their addresses.
 */
export async function groupsFor(
  tx: Db,
  used: readonly string[],
  networks: readonly OrderNetwork[],
): Promise<OrderGroup[]> {
  if (used.length === 0) return []
  const rules = await tx
    .select()
    .from(securityGroupRule)
    .where(inArray(securityGroupRule.groupId, [...used]))
    .orderBy(asc(securityGroupRule.seq))
  const byGroup = new Map<string, NonNullable<OrderGroup['rules']>>(used.map((id) => [id, []]))
  for (const row of rules) {
    byGroup.get(row.groupId)?.push({
      direction: row.direction,
      priority: row.priority,
      action: row.action,
      protocol: row.protocol,
      port_first: row.portFirst,
      port_last: row.portLast,
      icmp_type: row.icmpType,
      icmp_code: row.icmpCode,
      remote_cidr: row.remoteCidr,
      remote_group_id: row.remoteGroupId,
    })
  }
  const named = [...new Set(rules.flatMap((row) => row.remoteGroupId ?? []))]
  const members = await membersOf(tx, named, networks)
  const rows = await tx
    .select({ id: securityGroup.id, generation: securityGroup.generation })
    .from(securityGroup)
    .where(inArray(securityGroup.id, [...new Set([...used, ...named])]))
  return rows.map((row) => ({ ...row, rules: byGroup.get(row.id) ?? null, members: members.get(row.id) ?? [] }))
}

/**
 * Members that are on a server. From the networks of the hypervisor, and not from the group: a project's default group
 * may have a million members, of which those in a few VPCs matter.
 */
async function membersOf(
  tx: Db,
  groupIds: readonly string[],
  networks: readonly OrderNetwork[],
): Promise<Map<string, OrderGroup['members']>> {
  const members = new Map<string, OrderGroup['members']>()
  if (groupIds.length === 0) return members
  const { rows } = await tx.$client.query<{
    scope: string
    project_id: string
    addresses: string[]
    in_default_group: boolean
    group_ids: string[]
  }>(
    `SELECT coalesce(w.vpc_id, w.id) AS scope, n.project_id,
       array_remove(ARRAY[host(n.address), host(n.ipv6_address)], NULL) AS addresses,
       n.in_default_group, array(SELECT g.group_id FROM nic_security_group g WHERE g.nic_id = n.id) AS group_ids
     FROM network w JOIN nic n ON n.network_id = w.id
     WHERE (w.vpc_id = ANY($1) OR w.id = ANY($2)) AND n.server_id IS NOT NULL AND n.address IS NOT NULL`,
    [networks.flatMap(({ vpc_id }) => vpc_id ?? []), networks.map(({ id }) => id)],
  )
  const wanted = new Set(groupIds)
  for (const { scope, project_id, addresses, in_default_group, group_ids } of rows) {
    const own = new Set([...group_ids, ...(in_default_group ? [defaultGroupOf(project_id)] : [])])
    for (const id of [...own].filter((one) => wanted.has(one))) {
      const list = members.get(id) ?? []
      members.set(id, list)
      list.push(...addresses.map((address) => ({ scope, address })))
    }
  }
  return members
}
