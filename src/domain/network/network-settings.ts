/** What a network tells its guests, changed while they run: IPv6 prefix and DHCP settings. */
import { and, asc, eq, sql } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import { network, nic } from '../../db/schema.ts'
import type { Actor } from '../actor.ts'
import { changeSet } from '../changes.ts'
import { bodyError, DomainError } from '../errors.ts'
import { recordEvents } from '../event/events.ts'
import { type JobView, promiseApply } from '../job/jobs.ts'
import { hypervisorsOfNetwork } from '../job/where-it-shows.ts'
import { isUnicast, refineCidr } from './cidr.ts'
import { assertRouted } from './join-network.ts'
import { DEFAULT_LEASE_SECONDS, type NetworkRow } from './network-view.ts'
import { lockNetwork } from './networks.ts'

/**
 * Gives a network in a VPC an IPv6 prefix, another one, or none. The addresses of its NICs follow (a trigger's work).
 * @param ipv6Cidr - a /64 of global or unique local addresses, or `null`.
 * @throws DomainError `cidr_invalid`, `cidr_overlaps`, `network_not_joined`, `network_not_routed`, `network_unmanaged`.
 */
export async function setIpv6(
  tx: Db,
  actor: Actor,
  id: string,
  ipv6Cidr: string | null,
  ifMatch?: number,
): Promise<JobView> {
  // As whoever deletes or moves one of them: the NIC first, then the network. The other way round they would deadlock.
  await tx
    .select({ id: nic.id })
    .from(nic)
    .where(and(eq(nic.networkId, id), eq(nic.projectId, actor.projectId)))
    .orderBy(asc(nic.id))
    .for('no key update')
  const now = await lockNetwork(tx, actor, id, ifMatch)
  if (ipv6Cidr !== null) {
    assertRouted(now)
    if (now.vpcId === null) throw new DomainError('network_not_joined', `network ${id} has no VPC: join one first`)
  }
  const job = await settle(tx, actor, now, { ipv6Cidr }, { ipv6_cidr: ipv6Cidr })
  if (ipv6Cidr !== now.ipv6Cidr) await recordRenumbering(tx, actor, now, job.id)
  return job
}

/** Tells of each NIC which IPv6 address it gave up, and which one it has now, each under that address. */
async function recordRenumbering(tx: Db, actor: Actor, before: NetworkRow, jobId: string): Promise<void> {
  await tx.execute(sql`
    INSERT INTO event (project_id, type, resource_type, resource_id, address, actor, job_id, data)
    SELECT n.project_id, told.type, 'nic', n.id::text, told.address, ${actor.keyId}, ${jobId},
      jsonb_build_object('ipv6_address', host(n.ipv6_address))
    FROM nic n CROSS JOIN LATERAL (VALUES
      ('nic.address_released', eui64_address(${before.ipv6Cidr}::cidr, n.id)), ('nic.updated', n.ipv6_address)
    ) AS told (type, address)
    WHERE n.network_id = ${before.id} AND told.address IS NOT NULL
    ORDER BY n.id, told.type`)
}

export interface DhcpWanted {
  /** 120..31536000; a day when absent. */
  readonly lease_seconds?: number
  /** At most 3 IPv4 addresses. None: our own where the network is routed, else none. */
  readonly dns_servers?: readonly string[]
  readonly domain?: string | null
}

/**
 * Replaces what a network's DHCP server tells; what is absent goes back to its default.
 * @throws DomainError `network_unmanaged`: it has no DHCP server.
 */
export async function setDhcp(
  tx: Db,
  actor: Actor,
  id: string,
  wanted: DhcpWanted,
  ifMatch?: number,
): Promise<JobView> {
  const now = await lockNetwork(tx, actor, id, ifMatch)
  if (now.type === 'unmanaged') throw new DomainError('network_unmanaged', `network ${id} is unmanaged: it has no DHCP`)
  const { lease_seconds = DEFAULT_LEASE_SECONDS, dns_servers = [], domain = null } = wanted
  const odd = dns_servers.findIndex((server) => !isUnicast(server))
  if (odd >= 0) {
    throw bodyError('invalid_request', `/dns_servers/${odd}`, `${dns_servers[odd]} is not the address of a name server`)
  }
  const columns = { leaseSeconds: lease_seconds, dnsServers: [...dns_servers], domain }
  return settle(tx, actor, now, columns, { dhcp: { lease_seconds, dns_servers, domain } })
}

async function settle(
  tx: Db,
  actor: Actor,
  { id, projectId }: NetworkRow,
  columns: Partial<NetworkRow>,
  data: Record<string, unknown>,
): Promise<JobView> {
  await tx
    .update(network)
    .set({ ...columns, ...changeSet(network.generation, {}) })
    .where(eq(network.id, id))
    .catch(refineCidr)
  const job = await promiseApply(tx, actor, [{ type: 'network', id }], await hypervisorsOfNetwork(tx, id))
  await recordEvents(tx, [{ projectId, type: 'network.updated', id, actor: actor.keyId, jobId: job.id, data }])
  return job
}
