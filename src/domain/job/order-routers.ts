import { and, asc, eq, inArray, ne, type SQL } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import { elasticIp, elasticIpPool, network, nic, portForwarding, server, vpc } from '../../db/schema.ts'
import type { OrderNetwork, OrderRouter } from '../../jobs/work-order.ts'

/**
 * What the routers of a hypervisor's VPCs have to do on it: an elastic IP of a NIC stands where the NIC's server is, one
 * of a VPC on the hypervisor that was chosen for it, with the VPC's port forwardings.
 */
export async function routersFor(
  tx: Db,
  hypervisorId: string,
  networks: readonly OrderNetwork[],
): Promise<OrderRouter[]> {
  const ids = [...new Set(networks.flatMap(({ vpc_id }) => vpc_id ?? []))]
  if (ids.length === 0) return []
  const vpcs = await tx.select().from(vpc).where(inArray(vpc.id, ids))
  const elasticIps = [
    ...(await elasticIpsWhere(tx, and(inArray(elasticIp.vpcId, ids), eq(elasticIp.hypervisorId, hypervisorId)))),
    ...(await elasticIpsWhere(
      tx,
      and(inArray(network.vpcId, ids), eq(server.hypervisorId, hypervisorId), ne(server.state, 'stopped')),
    )),
  ]
  const holders = [...new Set(elasticIps.flatMap((row) => row.elasticIp.vpcId ?? []))]
  const forwardings =
    holders.length === 0
      ? []
      : await tx
          .select()
          .from(portForwarding)
          .where(and(inArray(portForwarding.vpcId, holders), eq(portForwarding.enabled, true)))
          .orderBy(asc(portForwarding.seq))
  return vpcs.map((row) => ({
    vpc_id: row.id,
    cidr: row.cidr,
    routing: row.routing,
    source_nat: row.sourceNat,
    elastic_ips: elasticIps
      .filter(({ elasticIp: own, nicVpcId }) => (own.vpcId ?? nicVpcId) === row.id)
      .map(({ elasticIp: own, pool, nicAddress }) => ({
        address: own.address,
        cidr: pool.cidr,
        gateway: pool.gateway,
        interface: pool.interface,
        nic_address: own.vpcId === null ? nicAddress : null,
        bandwidth_mbps: own.bandwidthMbps,
      })),
    port_forwardings: forwardings
      .filter(({ vpcId }) => vpcId === row.id)
      .map(({ protocol, port, address, targetPort }) => ({ protocol, port, address, target_port: targetPort })),
  }))
}

const elasticIpsWhere = (tx: Db, where: SQL | undefined) =>
  tx
    .select({ elasticIp, pool: elasticIpPool, nicAddress: nic.address, nicVpcId: network.vpcId })
    .from(elasticIp)
    .innerJoin(elasticIpPool, eq(elasticIpPool.id, elasticIp.poolId))
    .leftJoin(nic, eq(nic.id, elasticIp.nicId))
    .leftJoin(network, eq(network.id, nic.networkId))
    .leftJoin(server, eq(server.id, nic.serverId))
    .where(where)
    .orderBy(asc(elasticIp.seq))
