/**
 * Which NIC or VPC an elastic IP stands for. Nothing here is transient: the row says what is to be, and hypervisors
 * follow. Locks are taken NICs first, as deleting a NIC does, then the elastic IP, then its new VPC: a NIC that is locked
 * stays on its server until the job is promised, so that the job asks the right hypervisor.
 */
import { and, eq, inArray } from 'drizzle-orm'
import { Address4 } from 'ip-address'
import type { Db } from '../../db/client.ts'
import { elasticIp, elasticIpPool, network, nic, vpc } from '../../db/schema.ts'
import type { Actor } from '../actor.ts'
import { changeSet } from '../changes.ts'
import { bodyError, notFound } from '../errors.ts'
import { recordEvents } from '../event/events.ts'
import { assertInterface } from '../hypervisor/interfaces.ts'
import { type JobResource, type JobView, promiseApply } from '../job/jobs.ts'
import { hypervisorsOfNics } from '../job/where-it-shows.ts'
import { lockVpc } from '../vpc/vpcs.ts'
import { associated, type ElasticIpRow, elasticIpEvent, hasChanged } from './elastic-ips.ts'
import { pickForVpcAddress } from './vpc-address.ts'

/** What an elastic IP is to stand for: either one NIC, or all of a VPC. */
export interface Holder {
  readonly nic_id?: string
  readonly vpc_id?: string
}

/** The columns of `elastic_ip` that say so. */
type Association = Pick<ElasticIpRow, 'nicId' | 'vpcId' | 'hypervisorId'>
const NOBODY: Association = { nicId: null, vpcId: null, hypervisorId: null }

/**
 * Gives an elastic IP to a NIC or a VPC, taking it from its holder when it has one. A NIC may be on no server: the
 * address comes with it when it is attached.
 *
 * A VPC's address stands on one hypervisor. Asked again, that one keeps it unless it is down, or others have all the NICs.
 * @param options.take - false: not from another holder.
 * @throws DomainError `invalid_request`, `not_found`, `nic_not_routed`, `nic_unaddressed`, `nic_has_elastic_ip`,
 *   `vpc_has_elastic_ip`, `elastic_ip_pool_overlaps`, `interface_missing`; `elastic_ip_in_use` when it may not be taken.
 */
export async function associateElasticIp(
  tx: Db,
  actor: Actor,
  id: string,
  holder: Holder,
  { take = true }: { readonly take?: boolean } = {},
): Promise<JobView> {
  const { nic_id: nicId, vpc_id: vpcId } = holder
  const now = await lockElasticIp(tx, actor, id, nicId)
  const isAnothers = isHeld(now) && (now.nicId !== (nicId ?? null) || now.vpcId !== (vpcId ?? null))
  if (isAnothers && !take) throw associated(now)
  if (nicId !== undefined && vpcId === undefined) return move(tx, actor, now, await toNic(tx, actor, now, nicId))
  if (vpcId !== undefined && nicId === undefined) return move(tx, actor, now, await toVpc(tx, actor, now, vpcId))
  throw bodyError('invalid_request', '', 'either nic_id or vpc_id is required, and not both')
}

/** Takes an elastic IP from its holder, if it has one. */
export async function disassociateElasticIp(tx: Db, actor: Actor, id: string): Promise<JobView> {
  return move(tx, actor, await lockElasticIp(tx, actor, id), NOBODY)
}

/**
 * Limits an elastic IP's traffic.
 * @param mbps - 1..100000 Mbit/s in each direction; `null`: not limited.
 * @throws DomainError `not_found`, `precondition_failed`.
 */
export async function setElasticIpBandwidth(
  tx: Db,
  actor: Actor,
  id: string,
  mbps: number | null,
  ifMatch?: number,
): Promise<JobView> {
  const now = await lockElasticIp(tx, actor, id)
  if (ifMatch !== undefined && now.generation !== ifMatch) throw hasChanged(now, ifMatch)
  const job = await promiseApply(tx, actor, [{ type: 'elastic_ip', id }], await hypervisorsOf(tx, [now]))
  if (now.bandwidthMbps === mbps) return job
  await tx
    .update(elasticIp)
    .set({ bandwidthMbps: mbps, ...changeSet(elasticIp.generation, {}) })
    .where(eq(elasticIp.id, id))
  const by = { actor: actor.keyId, jobId: job.id }
  await recordEvents(tx, [elasticIpEvent(now, 'updated', { ...by, data: { bandwidth_mbps: mbps } })])
  return job
}

/**
 * Locks an elastic IP with the NIC that has it, and the one that is to have it. Who has it is known for sure only under
 * the lock: when it has moved meanwhile, its new NIC is locked too.
 */
async function lockElasticIp(tx: Db, actor: Actor, id: string, nextNicId?: string): Promise<ElasticIpRow> {
  const own = and(eq(elasticIp.id, id), eq(elasticIp.projectId, actor.projectId))
  const [seen] = await tx.select({ nicId: elasticIp.nicId }).from(elasticIp).where(own)
  const nicIds = [seen?.nicId, nextNicId].flatMap((nicId) => nicId ?? [])
  if (nicIds.length > 0)
    await tx
      .select({ id: nic.id })
      .from(nic)
      .where(and(inArray(nic.id, nicIds), eq(nic.projectId, actor.projectId)))
      .orderBy(nic.id)
      .for('no key update')
  const [row] = await tx.select().from(elasticIp).where(own).for('update')
  if (!row) throw notFound('elastic IP', id)
  return row.nicId === seen?.nicId ? row : lockElasticIp(tx, actor, id, nextNicId)
}

async function poolOf(tx: Db, { poolId }: ElasticIpRow): Promise<typeof elasticIpPool.$inferSelect> {
  const [pool] = await tx.select().from(elasticIpPool).where(eq(elasticIpPool.id, poolId))
  if (!pool) throw new Error(`elastic IP pool ${poolId} is gone, though it has elastic IPs`) // elastic_ip_pool_fk
  return pool
}

/** @param nicId - locked, if it is there. */
async function toNic(tx: Db, actor: Actor, now: ElasticIpRow, nicId: string): Promise<Association> {
  const [card] = await tx
    .select({ networkId: nic.networkId, address: nic.address, vpc })
    .from(nic)
    .innerJoin(network, eq(network.id, nic.networkId))
    .leftJoin(vpc, eq(vpc.id, network.vpcId))
    .where(and(eq(nic.id, nicId), eq(nic.projectId, actor.projectId)))
  if (!card) throw bodyError('not_found', '/nic_id', `NIC ${nicId} not found`)
  if (card.vpc === null)
    throw bodyError('nic_not_routed', '/nic_id', `network ${card.networkId} of NIC ${nicId} is in no VPC`)
  if (card.address === null) throw bodyError('nic_unaddressed', '/nic_id', `NIC ${nicId} has no address`)
  const [other] = await tx.select().from(elasticIp).where(eq(elasticIp.nicId, nicId))
  if (other && other.id !== now.id)
    throw bodyError('nic_has_elastic_ip', '/nic_id', `NIC ${nicId} has elastic IP ${other.id} (${other.address})`)
  const pool = await poolOf(tx, now)
  assertApart(pool, card.vpc, '/nic_id')
  for (const hypervisorId of await hypervisorsOfNics(tx, eq(nic.id, nicId)))
    await assertInterface(tx, hypervisorId, pool.interface, '/nic_id')
  return { ...NOBODY, nicId }
}

async function toVpc(tx: Db, actor: Actor, now: ElasticIpRow, vpcId: string): Promise<Association> {
  const of = await lockVpc(tx, actor, vpcId, 'no key update', '/vpc_id')
  const [other] = await tx.select().from(elasticIp).where(eq(elasticIp.vpcId, vpcId))
  if (other && other.id !== now.id)
    throw bodyError('vpc_has_elastic_ip', '/vpc_id', `VPC ${vpcId} has elastic IP ${other.id} (${other.address})`)
  const pool = await poolOf(tx, now)
  assertApart(pool, of, '/vpc_id')
  const hypervisorId = await pickForVpcAddress(tx, vpcId, pool.interface, other?.hypervisorId ?? null)
  return { nicId: null, vpcId, hypervisorId }
}

/** The router of a VPC cannot tell a segment outside from networks inside that have the same addresses. */
function assertApart(pool: { id: string; cidr: string }, of: { id: string; cidr: string }, pointer: string): void {
  const [segment, inside] = [new Address4(pool.cidr), new Address4(of.cidr)]
  if (!segment.isInSubnet(inside) && !inside.isInSubnet(segment)) return
  throw bodyError(
    'elastic_ip_pool_overlaps',
    pointer,
    `${pool.cidr} of elastic IP pool ${pool.id} overlaps ${of.cidr} of VPC ${of.id}`,
  )
}

async function move(tx: Db, actor: Actor, now: ElasticIpRow, to: Association): Promise<JobView> {
  const { hypervisorId } = to
  const isElsewhere = now.nicId !== to.nicId || now.vpcId !== to.vpcId
  if (isElsewhere || hypervisorId !== now.hypervisorId) {
    await tx
      .update(elasticIp)
      .set({ ...to, ...changeSet(elasticIp.generation, {}) })
      .where(eq(elasticIp.id, now.id))
  }
  const about: JobResource[] = [{ type: 'elastic_ip', id: now.id }]
  for (const id of new Set([now.nicId, to.nicId])) if (id !== null) about.push({ type: 'nic', id })
  for (const id of new Set([now.vpcId, to.vpcId])) if (id !== null) about.push({ type: 'vpc', id })
  const job = await promiseApply(tx, actor, about, await hypervisorsOf(tx, [now, to]))
  const after = { ...now, ...to }
  const by = { actor: actor.keyId, jobId: job.id }
  if (isElsewhere) {
    await recordEvents(tx, [
      ...(isHeld(now) ? [elasticIpEvent(now, 'disassociated', by)] : []),
      ...(isHeld(after) ? [elasticIpEvent(after, 'associated', by)] : []),
    ])
  } else if (hypervisorId !== now.hypervisorId) {
    await recordEvents(tx, [elasticIpEvent(after, 'updated', { ...by, data: { hypervisor_id: hypervisorId } })])
  }
  return job
}

const isHeld = (row: Association): boolean => row.nicId !== null || row.vpcId !== null

/** Where associations show: at the servers of NICs, and on the hypervisors that hold a VPC's address. */
async function hypervisorsOf(tx: Db, associations: readonly Association[]): Promise<string[]> {
  const nicIds = associations.flatMap(({ nicId }) => nicId ?? [])
  const held = associations.flatMap(({ hypervisorId }) => hypervisorId ?? [])
  const ofNics = nicIds.length === 0 ? [] : await hypervisorsOfNics(tx, inArray(nic.id, nicIds))
  return [...new Set([...held, ...ofNics])].sort()
}
