/** What clients of the QingCloud wire do with elastic IPs: they know servers and not their NICs, and many at a time. */
import { and, asc, desc, eq, inArray, isNotNull, ne, sql } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import { elasticIp, network, nic } from '../../db/schema.ts'
import type { Actor } from '../actor.ts'
import { changeSet } from '../changes.ts'
import { DomainError, notFound } from '../errors.ts'
import { recordEvents } from '../event/events.ts'
import { type JobView, promiseApply } from '../job/jobs.ts'
import { getNic } from '../nic/nics.ts'
import { lockServer, notSteady } from '../server/lock-server.ts'
import { associateElasticIp } from './associate.ts'
import { deleteElasticIp, type ElasticIpRow, elasticIpEvent } from './elastic-ips.ts'

/**
 * Gives an elastic IP that nobody has to a server that has none: to its primary NIC if that is in a VPC, else to the first
 * that is.
 * @param wanted.nicId - the NIC of the server that is to have it.
 * @throws DomainError `not_found`, `elastic_ip_in_use`, `nic_has_elastic_ip` (one of its NICs has another),
 *   `nic_not_in_use` (by this server), `nic_not_routed`, `server_terminated`; as `associateElasticIp`.
 */
export async function associateWithServer(
  tx: Db,
  actor: Actor,
  id: string,
  wanted: { readonly serverId: string; readonly nicId?: string | undefined },
): Promise<JobView> {
  const { serverId } = wanted
  const target = await lockServer(tx, actor, serverId)
  if (target.state === 'terminated' || target.state === 'terminating') throw notSteady(target)
  const nicId = wanted.nicId ?? (await nicFor(tx, serverId))
  await assertOn(tx, actor, serverId, nicId)
  const [other] = await tx
    .select({ id: elasticIp.id, address: elasticIp.address })
    .from(elasticIp)
    .innerJoin(nic, eq(nic.id, elasticIp.nicId))
    .where(and(eq(nic.serverId, serverId), ne(elasticIp.id, id)))
  if (other)
    throw new DomainError('nic_has_elastic_ip', `server ${serverId} has elastic IP ${other.id} (${other.address})`)
  return associateElasticIp(tx, actor, id, { nic_id: nicId }, { take: false })
}

async function nicFor(tx: Db, serverId: string): Promise<string> {
  const [card] = await tx
    .select({ id: nic.id })
    .from(nic)
    .innerJoin(network, eq(network.id, nic.networkId))
    .where(and(eq(nic.serverId, serverId), isNotNull(network.vpcId), isNotNull(nic.address)))
    .orderBy(desc(nic.isPrimary), asc(nic.slot))
    .limit(1)
  if (card) return card.id
  throw new DomainError('nic_not_routed', `server ${serverId} has no NIC with an address in a VPC`)
}

async function assertOn(tx: Db, { projectId }: Actor, serverId: string, nicId: string): Promise<void> {
  const { server_id } = await getNic(tx, projectId, nicId)
  if (server_id !== serverId) throw new DomainError('nic_not_in_use', `NIC ${nicId} is not on server ${serverId}`)
}

/**
 * Gives elastic IPs that nobody has back to their pools, all or none.
 * @returns a job that is done.
 * @throws DomainError as `deleteElasticIp`.
 */
export async function releaseElasticIps(tx: Db, actor: Actor, ids: readonly string[]): Promise<JobView> {
  const all = [...new Set(ids)].sort()
  for (const id of all) await deleteElasticIp(tx, actor, id)
  return done(tx, actor, all)
}

/** Changes what only clients of the QingCloud wire read of elastic IPs. @returns a job that is done. */
export async function noteOnElasticIps(
  tx: Db,
  actor: Actor,
  ids: readonly string[],
  notes: ElasticIpRow['wire'],
): Promise<JobView> {
  const rows = await tx
    .update(elasticIp)
    .set({ wire: sql`${elasticIp.wire} || ${JSON.stringify(notes)}::jsonb`, ...changeSet(elasticIp.generation, {}) })
    .where(and(inArray(elasticIp.id, [...ids]), eq(elasticIp.projectId, actor.projectId)))
    .returning()
  const missing = ids.find((id) => !rows.some((row) => row.id === id))
  if (missing !== undefined) throw notFound('elastic IP', missing)
  await recordEvents(
    tx,
    rows.map((row) => elasticIpEvent(row, 'updated', { actor: actor.keyId, data: notes })),
  )
  return done(tx, actor, ids)
}

const done = (tx: Db, actor: Actor, ids: readonly string[]): Promise<JobView> =>
  promiseApply(
    tx,
    actor,
    ids.map((id) => ({ type: 'elastic_ip', id })),
    [],
  )
