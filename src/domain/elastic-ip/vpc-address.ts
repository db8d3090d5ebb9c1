/** Where the elastic IP of a VPC stands: on one hypervisor, for the whole VPC. */
import { and, asc, count, desc, eq, gt, ne, sql } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import { elasticIp, hypervisor, network, nic, server } from '../../db/schema.ts'
import { bodyError } from '../errors.ts'
import { UP_WITHIN_MS } from '../hypervisor/hypervisors.ts'
import { hasInterface } from '../hypervisor/interfaces.ts'

/**
 * Where what hangs on a VPC's elastic IP shows: source NAT, port forwarding.
 * @returns the id of one hypervisor, or nothing while the VPC has no elastic IP.
 */
export async function hypervisorsOfVpcAddress(tx: Db, vpcId: string): Promise<string[]> {
  const rows = await tx.select({ id: elasticIp.hypervisorId }).from(elasticIp).where(eq(elasticIp.vpcId, vpcId))
  return rows.flatMap(({ id }) => id ?? [])
}

/**
 * The hypervisor that is to hold a VPC's elastic IP: one that is up and has the interface to the address's segment. The
 * present one goes before others while it has NICs of the VPC, for moving the address cuts connections; then the one with
 * most of them. While none has any, the present one keeps it.
 * @throws DomainError `interface_missing`.
 */
export async function pickForVpcAddress(
  tx: Db,
  vpcId: string,
  interfaceName: string,
  present: string | null,
): Promise<string> {
  const share = tx
    .select({ hypervisorId: server.hypervisorId, nics: count().as('nics') })
    .from(network)
    .innerJoin(nic, eq(nic.networkId, network.id))
    .innerJoin(server, and(eq(server.id, nic.serverId), ne(server.state, 'terminated')))
    .where(eq(network.vpcId, vpcId))
    .groupBy(server.hypervisorId)
    .as('share')
  const isPresent = sql`${hypervisor.id} IS NOT DISTINCT FROM ${present}`
  const nics = sql`coalesce(${share.nics}, 0)`
  const [row] = await tx
    .select({ id: hypervisor.id })
    .from(hypervisor)
    .leftJoin(share, eq(share.hypervisorId, hypervisor.id))
    .where(and(gt(hypervisor.lastSeenAt, sql`now() - ${UP_WITHIN_MS} * interval '1 ms'`), hasInterface(interfaceName)))
    .orderBy(desc(sql`${isPresent} AND ${share.nics} IS NOT NULL`), desc(nics), desc(isPresent), asc(hypervisor.id))
    .limit(1)
  if (row) return row.id
  throw bodyError('interface_missing', '/vpc_id', `no hypervisor that is up has the interface ${interfaceName}`)
}
