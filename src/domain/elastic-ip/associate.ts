/**
 * Which NIC or VPC an elastic IP stands for. Nothing here is transient: the row says what is to be, and hypervisors
 * follow. Locks are taken elastic IP first, then its new holder: a NIC that is locked stays on its server until the job
 * is promised, so that the job asks the right hypervisor.
 */
import { and, eq, inArray } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import { elasticIp, elasticIpPool, network, nic } from '../../db/schema.ts'
import type { Actor } from '../actor.ts'
import { changeSet } from '../changes.ts'
import { bodyError, notFound } from '../errors.ts'
import { type NewEvent, recordEvents } from '../event/events.ts'
import { assertInterface } from '../hypervisor/interfaces.ts'
import { type JobResource, type JobView, promiseApply } from '../job/jobs.ts'
import { hypervisorsOfNics } from '../job/where-it-shows.ts'
import { lockVpc } from '../vpc/vpcs.ts'
import { type ElasticIpRow, elasticIpEvent } from './elastic-ips.ts'
import { pickForVpcAddress } from './vpc-address.ts'

/** What an elastic IP stands for: one NIC, or all of a VPC. */
export type Holder = { readonly nic_id: string } | { readonly vpc_id: string }

/** The columns of `elastic_ip` that say so. */
type Association = Pick<ElasticIpRow, 'nicId' | 'vpcId' | 'hypervisorId'>
const NOBODY: Association = { nicId: null, vpcId: null, hypervisorId: null }

/**
 * Gives an elastic IP to a NIC or a VPC, taking it from its holder when it has one. A NIC may be on no server: the
 * address comes with it when it is attached.
 *
 * A VPC's address stands on one hypervisor. Asked again, that one keeps it unless it is down.
 * @throws DomainError `not_found`, `nic_not_routed`, `nic_has_elastic_ip`, `vpc_has_elastic_ip`, `interface_missing`.
 */
export async function associateElasticIp(tx: Db, actor: Actor, id: string, holder: Holder): Promise<JobView> {
  const now = await lockElasticIp(tx, actor, id)
  const to =
    'nic_id' in holder ? await toNic(tx, actor, now, holder.nic_id) : await toVpc(tx, actor, now, holder.vpc_id)
  return move(tx, actor, now, to)
}

/** Takes an elastic IP from its holder, if it has one. */
export async function disassociateElasticIp(tx: Db, actor: Actor, id: string): Promise<JobView> {
  return move(tx, actor, await lockElasticIp(tx, actor, id), NOBODY)
}

/** Limits an elastic IP's traffic. @param mbps - 1..100000 Mbit/s in each direction; `null`: not limited. */
export async function setElasticIpBandwidth(tx: Db, actor: Actor, id: string, mbps: number | null): Promise<JobView> {
  const now = await lockElasticIp(tx, actor, id)
  if (now.bandwidthMbps !== mbps) {
    await tx
      .update(elasticIp)
      .set({ bandwidthMbps: mbps, ...changeSet(elasticIp.generation, {}) })
      .where(eq(elasticIp.id, id))
    await recordEvents(tx, [elasticIpEvent(now, 'updated', { actor: actor.keyId, data: { bandwidth_mbps: mbps } })])
  }
  return promiseApply(tx, actor, [{ type: 'elastic_ip', id }], await hypervisorsOf(tx, [now]))
}

/**
 * Takes the elastic IPs from NICs that are about to be deleted, in the same transaction: the foreign key would do it
 * too, but leave no trace.
 */
export async function freeElasticIps(
  tx: Db,
  nicIds: readonly string[],
  by: Pick<NewEvent, 'actor' | 'jobId'>,
): Promise<void> {
  if (nicIds.length === 0) return
  const held = await tx
    .select()
    .from(elasticIp)
    .where(inArray(elasticIp.nicId, [...nicIds]))
    .for('update')
  if (held.length === 0) return
  await tx
    .update(elasticIp)
    .set({ ...NOBODY, ...changeSet(elasticIp.generation, {}) })
    .where(
      inArray(
        elasticIp.id,
        held.map(({ id }) => id),
      ),
    )
  await recordEvents(
    tx,
    held.map((row) => elasticIpEvent(row, 'disassociated', by)),
  )
}

async function lockElasticIp(tx: Db, actor: Actor, id: string): Promise<ElasticIpRow> {
  const [row] = await tx
    .select()
    .from(elasticIp)
    .where(and(eq(elasticIp.id, id), eq(elasticIp.projectId, actor.projectId)))
    .for('update')
  if (!row) throw notFound('elastic IP', id)
  return row
}

async function interfaceOf(tx: Db, poolId: string): Promise<string> {
  const [pool] = await tx
    .select({ interface: elasticIpPool.interface })
    .from(elasticIpPool)
    .where(eq(elasticIpPool.id, poolId))
  if (!pool) throw new Error(`elastic IP pool ${poolId} is gone, though it has elastic IPs`) // elastic_ip_pool_fk
  return pool.interface
}

async function toNic(tx: Db, actor: Actor, now: ElasticIpRow, nicId: string): Promise<Association> {
  const [card] = await tx
    .select({ networkId: nic.networkId, vpcId: network.vpcId })
    .from(nic)
    .innerJoin(network, eq(network.id, nic.networkId))
    .where(and(eq(nic.id, nicId), eq(nic.projectId, actor.projectId)))
    .for('no key update', { of: nic })
  if (!card) throw bodyError('not_found', '/nic_id', `NIC ${nicId} not found`)
  if (card.vpcId === null)
    throw bodyError('nic_not_routed', '/nic_id', `network ${card.networkId} of NIC ${nicId} is in no VPC`)
  const [other] = await tx.select().from(elasticIp).where(eq(elasticIp.nicId, nicId))
  if (other && other.id !== now.id)
    throw bodyError('nic_has_elastic_ip', '/nic_id', `NIC ${nicId} has elastic IP ${other.id} (${other.address})`)
  for (const hypervisorId of await hypervisorsOfNics(tx, eq(nic.id, nicId)))
    await assertInterface(tx, hypervisorId, await interfaceOf(tx, now.poolId), '/nic_id')
  return { ...NOBODY, nicId }
}

async function toVpc(tx: Db, actor: Actor, now: ElasticIpRow, vpcId: string): Promise<Association> {
  await lockVpc(tx, actor, vpcId, 'no key update', '/vpc_id')
  const [other] = await tx.select().from(elasticIp).where(eq(elasticIp.vpcId, vpcId))
  if (other && other.id !== now.id)
    throw bodyError('vpc_has_elastic_ip', '/vpc_id', `VPC ${vpcId} has elastic IP ${other.id} (${other.address})`)
  const hypervisorId = await pickForVpcAddress(
    tx,
    vpcId,
    await interfaceOf(tx, now.poolId),
    other?.hypervisorId ?? null,
  )
  return { nicId: null, vpcId, hypervisorId }
}

async function move(tx: Db, actor: Actor, now: ElasticIpRow, to: Association): Promise<JobView> {
  const isElsewhere = now.nicId !== to.nicId || now.vpcId !== to.vpcId
  if (isElsewhere || now.hypervisorId !== to.hypervisorId) {
    await tx
      .update(elasticIp)
      .set({ ...to, ...changeSet(elasticIp.generation, {}) })
      .where(eq(elasticIp.id, now.id))
  }
  const after = { ...now, ...to }
  const by = { actor: actor.keyId }
  await recordEvents(tx, [
    ...(isElsewhere && isHeld(now) ? [elasticIpEvent(now, 'disassociated', by)] : []),
    ...(isElsewhere && isHeld(after) ? [elasticIpEvent(after, 'associated', by)] : []),
  ])
  const about: JobResource[] = [{ type: 'elastic_ip', id: now.id }]
  for (const id of new Set([now.nicId, to.nicId])) if (id !== null) about.push({ type: 'nic', id })
  for (const id of new Set([now.vpcId, to.vpcId])) if (id !== null) about.push({ type: 'vpc', id })
  return promiseApply(tx, actor, about, await hypervisorsOf(tx, [now, to]))
}

const isHeld = (row: Association): boolean => row.nicId !== null || row.vpcId !== null

/** Where associations show: at the servers of NICs, and on the hypervisors that hold a VPC's address. */
async function hypervisorsOf(tx: Db, associations: readonly Association[]): Promise<string[]> {
  const nicIds = associations.flatMap(({ nicId }) => nicId ?? [])
  const held = associations.flatMap(({ hypervisorId }) => hypervisorId ?? [])
  const ofNics = nicIds.length === 0 ? [] : await hypervisorsOfNics(tx, inArray(nic.id, nicIds))
  return [...new Set([...held, ...ofNics])].sort()
}
