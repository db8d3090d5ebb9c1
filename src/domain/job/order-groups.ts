import { asc, inArray } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import { securityGroup, securityGroupRule } from '../../db/schema.ts'
import type { OrderGroup, OrderNetwork, OrderRule } from '../../jobs/work-order.ts'
import { reservedByNetwork } from '../reserved-address/reserved-addresses.ts'
import { defaultGroupOf } from '../security-group/default-group.ts'
import { orderRule } from '../security-group/rule-rows.ts'

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
  const groups = await tx
    .select({ id: securityGroup.id, inForce: securityGroup.inForce })
    .from(securityGroup)
    .where(inArray(securityGroup.id, [...used]))
  // Where changes wait to be applied, the rules are those from before.
  const rules = new Map<string, OrderRule[]>(groups.map(({ id, inForce }) => [id, (inForce ?? []) as OrderRule[]]))
  const applied = groups.filter(({ inForce }) => inForce === null).map(({ id }) => id)
  for (const row of await rulesOf(tx, applied)) rules.get(row.groupId)?.push(orderRule(row))
  const named = new Set([...rules.values()].flatMap((all) => all.flatMap((rule) => rule.remote_group_id ?? [])))
  const members = await membersOf(tx, [...named], networks)
  const rows = await tx
    .select({ id: securityGroup.id, generation: securityGroup.generation })
    .from(securityGroup)
    .where(inArray(securityGroup.id, [...new Set([...used, ...named])]))
  return rows.map((row) => ({ ...row, rules: rules.get(row.id) ?? null, members: members.get(row.id) ?? [] }))
}

const rulesOf = (tx: Db, groupIds: readonly string[]) =>
  tx
    .select()
    .from(securityGroupRule)
    .where(inArray(securityGroupRule.groupId, [...groupIds]))
    .orderBy(asc(securityGroupRule.seq))

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
    network_id: string
    addresses: string[]
    is_bare: boolean
    in_default_group: boolean
    group_ids: string[]
  }>(
    `SELECT coalesce(w.vpc_id, w.id) AS scope, n.project_id, n.network_id,
       array_remove(ARRAY[host(n.address), host(n.ipv6_address)], NULL) AS addresses, n.address IS NULL AS is_bare,
       n.in_default_group, array(SELECT g.group_id FROM nic_security_group g WHERE g.nic_id = n.id) AS group_ids
     FROM network w JOIN nic n ON n.network_id = w.id
     WHERE (w.vpc_id = ANY($1) OR w.id = ANY($2)) AND n.server_id IS NOT NULL AND w.cidr IS NOT NULL`,
    [networks.flatMap(({ vpc_id }) => vpc_id ?? []), networks.map(({ id }) => id)],
  )
  const wanted = new Set(groupIds)
  const add = (id: string, scope: string, addresses: readonly string[]) => {
    const list = members.get(id) ?? []
    members.set(id, list)
    for (const address of addresses) list.push({ scope, address })
  }
  /** By network with NICs without address: its scope, and the groups that these are in. */
  const bare = new Map<string, { scope: string; ids: Set<string> }>()
  for (const { scope, project_id, network_id, addresses, is_bare, in_default_group, group_ids } of rows) {
    const own = new Set([...group_ids, ...(in_default_group ? [defaultGroupOf(project_id)] : [])])
    const named = [...own].filter((one) => wanted.has(one))
    for (const id of named) add(id, scope, addresses)
    if (!is_bare) continue
    const known = bare.get(network_id) ?? { scope, ids: new Set() }
    bare.set(network_id, known)
    for (const id of named) known.ids.add(id)
  }
  // Any of these NICs may use any reserved address of its network, so it stands for the groups of all of them.
  for (const [networkId, reserved] of await reservedByNetwork(tx, [...bare.keys()])) {
    const { scope = '', ids = [] } = bare.get(networkId) ?? {}
    for (const id of ids) add(id, scope, reserved)
  }
  return members
}
