/**
 * Where a change of network settings shows: the hypervisors that `promiseApply` is to ask. A NIC shows where its server
 * is; one that is available shows nowhere, and a terminated server is gone.
 */
import { and, eq, inArray, isNotNull, ne, or, type SQL } from 'drizzle-orm'
import { alias } from 'drizzle-orm/pg-core'
import type { Db } from '../../db/client.ts'
import { network, nic, securityGroup, securityGroupRule, server } from '../../db/schema.ts'
import { inForceNames, inGroups } from '../security-group/membership.ts'

/**
 * Hypervisors of the servers that hold certain NICs.
 * @param where - condition on `nic` (and `server`).
 * @returns distinct ids, in order.
 */
export async function hypervisorsOfNics(tx: Db, where: SQL | undefined): Promise<string[]> {
  const rows = await tx
    .selectDistinct({ id: server.hypervisorId })
    .from(nic)
    .innerJoin(server, eq(server.id, nic.serverId))
    // The join says that they are on a server; said again, the index of those is used, and not all NICs are looked at.
    .where(and(isNotNull(nic.serverId), ne(server.state, 'terminated'), where))
    .orderBy(server.hypervisorId)
  return rows.map(({ id }) => id)
}

export const hypervisorsOfNetwork = (tx: Db, networkId: string): Promise<string[]> =>
  hypervisorsOfNics(tx, eq(nic.networkId, networkId))

export const hypervisorsOfVpc = (tx: Db, vpcId: string): Promise<string[]> =>
  hypervisorsOfNics(
    tx,
    inArray(nic.networkId, tx.select({ id: network.id }).from(network).where(eq(network.vpcId, vpcId))),
  )

/** Where the rules of a group show: at its NICs. */
export const hypervisorsOfGroup = (tx: Db, projectId: string, groupId: string): Promise<string[]> =>
  hypervisorsOfNics(tx, inGroups(tx, projectId, [groupId]))

/**
 * Where a NIC that joins or leaves groups shows besides its own hypervisor: at the NICs within its reach (its VPC, or its
 * network if that has none) that are in a group with a rule whose remote is one of these groups.
 */
export async function hypervisorsThatName(
  tx: Db,
  member: { readonly projectId: string; readonly networkId: string },
  groupIds: readonly string[],
): Promise<string[]> {
  const naming = await tx
    .select({ id: securityGroupRule.groupId })
    .from(securityGroupRule)
    .where(inArray(securityGroupRule.remoteGroupId, [...groupIds]))
    .union(
      tx
        .select({ id: securityGroup.id })
        .from(securityGroup)
        .where(and(eq(securityGroup.projectId, member.projectId), inForceNames(groupIds))),
    )
  if (naming.length === 0) return []
  const own = alias(network, 'own')
  const withinReach = tx
    .select({ id: network.id })
    .from(network)
    .innerJoin(own, and(eq(own.id, member.networkId), or(eq(own.id, network.id), eq(own.vpcId, network.vpcId))))
  const namingIds = naming.map(({ id }) => id)
  return hypervisorsOfNics(tx, and(inArray(nic.networkId, withinReach), inGroups(tx, member.projectId, namingIds)))
}
