/**
 * What a worker is told to do. Read from the database at the moment of asking, never from a queue message: a message may
 * be doubled, late or lost, and does no harm.
 */
import { and, asc, eq, inArray, ne, type SQL, sql } from 'drizzle-orm'
import { type Database, type Db, transaction } from '../../db/client.ts'
import { job, network, nic, nicSecurityGroup, securityGroup, server } from '../../db/schema.ts'
import type { DesiredState, OrderNetwork, OrderServer, WorkOrder } from '../../jobs/work-order.ts'
import { DomainError } from '../errors.ts'
import { recordEvents } from '../event/events.ts'
import { gatewayOf } from '../network/subnet.ts'
import type { NicRow } from '../nic/nics.ts'
import { reservedByNetwork } from '../reserved-address/reserved-addresses.ts'
import { defaultGroupOf } from '../security-group/default-group.ts'
import type { ServerRow } from '../server/servers.ts'
import type { JobRequest } from './jobs.ts'
import { groupsFor } from './order-groups.ts'
import { routersFor } from './order-routers.ts'

/**
 * Begins an attempt at a job, if it still is to be done.
 * @throws DomainError `job_stale` when the job is final, unknown, or another hypervisor's.
 */
export async function claimJob(tx: Db, hypervisorId: string, jobId: string): Promise<WorkOrder> {
  const [claimed] = await tx
    .update(job)
    .set({
      state: 'working',
      attempts: sql`${job.attempts} + 1`,
      startedAt: sql`coalesce(${job.startedAt}, now())`,
    })
    .where(and(eq(job.id, jobId), eq(job.hypervisorId, hypervisorId), inArray(job.state, ['pending', 'working'])))
    .returning()
  if (!claimed) throw new DomainError('job_stale', `job ${jobId} is not to be done by ${hypervisorId}`)
  const { action, attempts: attempt, resources, serverId } = claimed
  const data = { action, attempt, server_id: serverId }
  await recordEvents(tx, [{ projectId: claimed.projectId, type: 'job.working', id: jobId, jobId, data }])
  const { force = false } = claimed.request as JobRequest
  const about = { id: jobId, action, attempt, force, resources }
  if (serverId === null) return { job: about, server: null, networks: [], groups: [], routers: [] }

  const { servers, networks } = await stateOf(tx, eq(server.id, serverId), jobId)
  const [only] = servers
  if (!only) throw new Error(`job ${jobId} is about server ${serverId}, which is not there`)
  return {
    job: about,
    server: only,
    networks,
    groups: await generationsOf(tx, groupIdsOf(servers)),
    routers: await routersFor(tx, hypervisorId, networks),
  }
}

/** Everything that should stand on a hypervisor, or on one of its servers, as it is at one moment. */
export function desiredState(db: Database, hypervisorId: string, serverId?: string): Promise<DesiredState> {
  const live = and(eq(server.hypervisorId, hypervisorId), ne(server.state, 'terminated'))
  return transaction(db, async (tx) => {
    await tx.execute(sql`SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY`)
    const { servers, networks } = await stateOf(tx, serverId === undefined ? live : and(live, eq(server.id, serverId)))
    return {
      servers,
      networks,
      groups: await groupsFor(tx, groupIdsOf(servers), networks),
      routers: await routersFor(tx, hypervisorId, networks),
    }
  })
}

async function stateOf(
  db: Db,
  which: SQL | undefined,
  jobId?: string,
): Promise<Pick<DesiredState, 'servers' | 'networks'>> {
  const servers = await db.select().from(server).where(which).orderBy(asc(server.seq))
  const nics = await db
    .select({
      nic,
      groupIds: sql<string[]>`array(SELECT group_id FROM ${nicSecurityGroup} g WHERE g.nic_id = ${nic.id} ORDER BY 1)`,
    })
    .from(nic)
    .innerJoin(server, eq(server.id, nic.serverId))
    .where(which)
    .orderBy(asc(nic.slot))
  const networkIds = [...new Set(nics.map((row) => row.nic.networkId))]
  const networks = networkIds.length === 0 ? [] : await db.select().from(network).where(inArray(network.id, networkIds))
  const bareIds = nics.filter((row) => row.nic.address === null).map((row) => row.nic.networkId)
  const reserved = await reservedByNetwork(db, [...new Set(bareIds)])
  const byServer = new Map<string | null, PlacedNic[]>()
  for (const row of nics) byServer.set(row.nic.serverId, [...(byServer.get(row.nic.serverId) ?? []), row])
  return {
    servers: servers.map((row) => orderServer(row, byServer.get(row.id) ?? [], jobId)),
    networks: networks.map((row) => orderNetwork(row, reserved.get(row.id) ?? [])),
  }
}

interface PlacedNic {
  readonly nic: NicRow
  readonly groupIds: readonly string[]
}

const orderServer = (row: ServerRow, nics: readonly PlacedNic[], jobId: string | undefined): OrderServer => ({
  id: row.id,
  name: row.name,
  guest: row.guest,
  state: row.state,
  vcpus: row.vcpus,
  memory_mb: row.memoryMb,
  qmp_socket: row.qmpSocket,
  qga_socket: row.qgaSocket,
  dhcp_options: row.dhcpOptions,
  nics: nics.map(({ nic: card, groupIds }) => ({
    id: card.id,
    name: card.name,
    slot: card.slot ?? 0,
    network_id: card.networkId,
    address: card.address,
    ipv6_address: card.ipv6Address,
    state: card.state,
    in_job: jobId !== undefined && card.jobId === jobId,
    anti_spoofing: card.antiSpoofing,
    allowed_address_pairs: card.allowedAddressPairs,
    bandwidth_in_mbps: card.bandwidthInMbps,
    bandwidth_out_mbps: card.bandwidthOutMbps,
    security_group_ids: groupIds.length > 0 ? [...groupIds] : [defaultGroupOf(card.projectId)],
  })),
})

const orderNetwork = (row: typeof network.$inferSelect, reserved: string[]): OrderNetwork => ({
  id: row.id,
  vni: row.vni,
  mtu: row.mtu,
  mode: row.mode,
  vpc_id: row.vpcId,
  cidr: row.cidr,
  gateway: row.mode === 'routed' ? row.cidr && gatewayOf(row.cidr) : row.gateway,
  interface: row.interface,
  ipv6_cidr: row.ipv6Cidr,
  lease_seconds: row.leaseSeconds,
  dns_servers: row.dnsServers,
  domain: row.domain,
  reserved_addresses: reserved,
})

const groupIdsOf = (servers: readonly OrderServer[]): string[] => [
  ...new Set(servers.flatMap(({ nics }) => nics.flatMap((card) => card.security_group_ids))),
]

const generationsOf = (tx: Db, ids: readonly string[]): Promise<WorkOrder['groups']> =>
  ids.length === 0
    ? Promise.resolve([])
    : tx
        .select({ id: securityGroup.id, generation: securityGroup.generation })
        .from(securityGroup)
        .where(inArray(securityGroup.id, [...ids]))
