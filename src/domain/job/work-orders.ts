/**
 * What a worker is told to do. Read from the database at the moment of asking, never from a queue message: a message may
 * be doubled, late or lost, and does no harm.
 */
import { and, asc, eq, inArray, ne, sql } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import { job, network, nic, server } from '../../db/schema.ts'
import type { DesiredState, OrderNetwork, OrderServer, WorkOrder } from '../../jobs/work-order.ts'
import { DomainError } from '../errors.ts'
import { recordEvents } from '../event/events.ts'
import { gatewayOf } from '../network/subnet.ts'
import type { NicRow } from '../nic/nics.ts'
import type { ServerRow } from '../server/servers.ts'
import type { JobRequest } from './jobs.ts'

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
  if (claimed.attempts === 1) {
    await recordEvents(tx, [{ projectId: claimed.projectId, type: 'job.working', id: jobId, jobId }])
  }
  const { servers, networks } = await stateOf(tx, eq(server.id, claimed.serverId), jobId)
  const [only] = servers
  if (!only) throw new Error(`job ${jobId} is about server ${claimed.serverId}, which is not there`)
  const { force } = claimed.request as JobRequest
  return {
    job: { id: jobId, action: claimed.action, attempt: claimed.attempts, force: force ?? false },
    server: only,
    networks,
  }
}

/** Everything that should stand on a hypervisor, or on one of its servers. */
export function desiredState(db: Db, hypervisorId: string, serverId?: string): Promise<DesiredState> {
  const live = and(eq(server.hypervisorId, hypervisorId), ne(server.state, 'terminated'))
  return stateOf(db, serverId === undefined ? live : and(live, eq(server.id, serverId)))
}

async function stateOf(db: Db, which: ReturnType<typeof and>, jobId?: string): Promise<DesiredState> {
  const servers = await db.select().from(server).where(which).orderBy(asc(server.seq))
  const nics = await db
    .select({ nic })
    .from(nic)
    .innerJoin(server, eq(server.id, nic.serverId))
    .where(which)
    .orderBy(asc(nic.slot))
  const networkIds = [...new Set(nics.map((row) => row.nic.networkId))]
  const networks = networkIds.length === 0 ? [] : await db.select().from(network).where(inArray(network.id, networkIds))
  const byServer = new Map<string | null, NicRow[]>()
  for (const row of nics) byServer.set(row.nic.serverId, [...(byServer.get(row.nic.serverId) ?? []), row.nic])
  return {
    servers: servers.map((row) => orderServer(row, byServer.get(row.id) ?? [], jobId)),
    networks: networks.map(orderNetwork),
  }
}

const orderServer = (row: ServerRow, nics: readonly NicRow[], jobId: string | undefined): OrderServer => ({
  id: row.id,
  guest: row.guest,
  state: row.state,
  vcpus: row.vcpus,
  memory_mb: row.memoryMb,
  qmp_socket: row.qmpSocket,
  qga_socket: row.qgaSocket,
  nics: nics.map((card) => ({
    id: card.id,
    slot: card.slot ?? 0,
    network_id: card.networkId,
    address: card.address,
    state: card.state,
    in_job: jobId !== undefined && card.jobId === jobId,
  })),
})

const orderNetwork = (row: typeof network.$inferSelect): OrderNetwork => ({
  id: row.id,
  vni: row.vni,
  mtu: row.mtu,
  vpc_id: row.vpcId,
  cidr: row.cidr,
  gateway: row.cidr && gatewayOf(row.cidr),
})
