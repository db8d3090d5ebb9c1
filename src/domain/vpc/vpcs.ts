import { and, eq, isNull, sql } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import { elasticIp, network, portForwarding, vpc } from '../../db/schema.ts'
import type { Actor } from '../actor.ts'
import { assertUnchanged, type Changes, changeSet } from '../changes.ts'
import { hypervisorsOfVpcAddress } from '../elastic-ip/vpc-address.ts'
import { bodyError, DomainError, notFound } from '../errors.ts'
import { recordEvents } from '../event/events.ts'
import { newId } from '../ids.ts'
import { type JobView, promiseApply } from '../job/jobs.ts'
import { refineCidr } from '../network/cidr.ts'
import { type Items, type Page, pageOf, toItems } from '../paging.ts'

export interface VpcView {
  id: string
  name: string
  description: string
  tags: Record<string, string>
  cidr: string
  source_nat: boolean
  generation: number
  created_at: string
  updated_at: string
  deleted_at: string | null
}

const view = (row: typeof vpc.$inferSelect): VpcView => ({
  id: row.id,
  name: row.name,
  description: row.description,
  tags: row.tags,
  cidr: row.cidr,
  source_nat: row.sourceNat,
  generation: row.generation,
  created_at: row.createdAt.toISOString(),
  updated_at: row.updatedAt.toISOString(),
  deleted_at: row.deletedAt?.toISOString() ?? null,
})

/**
 * Makes a VPC.
 * @param wanted.cidr - a /16 of 10/8, 172.16/12 or 192.168/16.
 * @param wanted.source_nat - see `setSourceNat`; on by default.
 * @throws DomainError `cidr_invalid`.
 */
export async function createVpc(
  tx: Db,
  actor: Actor,
  wanted: { cidr: string; source_nat?: boolean } & Changes & { name: string },
): Promise<VpcView> {
  const { source_nat: sourceNat = true, ...values } = wanted
  const [row] = await tx
    .insert(vpc)
    .values({ id: newId('vpc'), projectId: actor.projectId, ...values, sourceNat })
    .returning()
    .catch(refineCidr)
  if (!row) throw new Error('INSERT INTO vpc returned no row')
  await recordEvents(tx, [
    {
      projectId: row.projectId,
      type: 'vpc.created',
      id: row.id,
      actor: actor.keyId,
      data: { name: row.name, cidr: row.cidr },
    },
  ])
  return view(row)
}

export async function getVpc(db: Db, projectId: string, id: string): Promise<VpcView> {
  const [row] = await db
    .select()
    .from(vpc)
    .where(and(eq(vpc.id, id), eq(vpc.projectId, projectId)))
  if (!row) throw notFound('VPC', id)
  return view(row)
}

/** Deleted VPCs stay readable by id but are not listed. */
export async function listVpcs(
  db: Db,
  projectId: string,
  filter: { name?: string },
  page: Page,
): Promise<Items<VpcView>> {
  const { where, orderBy, limit } = pageOf(vpc.seq, page)
  const rows = await db
    .select()
    .from(vpc)
    .where(
      and(
        eq(vpc.projectId, projectId),
        isNull(vpc.deletedAt),
        filter.name ? eq(vpc.name, filter.name) : undefined,
        where,
      ),
    )
    .orderBy(orderBy)
    .limit(limit)
  return toItems(rows, page, view)
}

export async function updateVpc(
  tx: Db,
  actor: Actor,
  id: string,
  changes: Changes,
  ifMatch?: number,
): Promise<VpcView> {
  const [row] = await tx
    .update(vpc)
    .set(changeSet(vpc.generation, changes))
    .where(
      and(
        eq(vpc.id, id),
        eq(vpc.projectId, actor.projectId),
        isNull(vpc.deletedAt),
        assertUnchanged(vpc.generation, ifMatch),
      ),
    )
    .returning()
  if (!row) throw await whyNot(tx, actor, id, ifMatch)
  await recordEvents(tx, [
    { projectId: row.projectId, type: 'vpc.updated', id, actor: actor.keyId, data: { ...changes } },
  ])
  return view(row)
}

/**
 * Says whether addresses of the VPC may go out by its elastic IP. It has effect while the VPC has one.
 * @throws DomainError `not_found`, `precondition_failed`.
 */
export async function setSourceNat(
  tx: Db,
  actor: Actor,
  id: string,
  enabled: boolean,
  ifMatch?: number,
): Promise<JobView> {
  const now = await lockVpc(tx, actor, id, 'no key update')
  if (ifMatch !== undefined && now.generation !== ifMatch) throw hasChanged(now, ifMatch)
  const job = await promiseApply(tx, actor, [{ type: 'vpc', id }], await hypervisorsOfVpcAddress(tx, id))
  if (now.sourceNat === enabled) return job
  await tx
    .update(vpc)
    .set({ sourceNat: enabled, ...changeSet(vpc.generation, {}) })
    .where(eq(vpc.id, id))
  const by = { actor: actor.keyId, jobId: job.id }
  await recordEvents(tx, [{ projectId: now.projectId, type: 'vpc.updated', id, ...by, data: { source_nat: enabled } }])
  return job
}

/**
 * Locks a VPC that is not deleted: to hold its elastic IP still (`share`), to change it (`no key update`), or to delete it
 * (`update`), when nothing comes into it any more.
 * @param pointer - the field of the body that names the VPC, when one does.
 */
export async function lockVpc(
  tx: Db,
  actor: Actor,
  id: string,
  strength: 'share' | 'no key update' | 'update',
  pointer?: string,
): Promise<typeof vpc.$inferSelect> {
  const [row] = await tx
    .select()
    .from(vpc)
    .where(and(eq(vpc.id, id), eq(vpc.projectId, actor.projectId), isNull(vpc.deletedAt)))
    .for(strength)
  if (row) return row
  throw pointer === undefined ? notFound('VPC', id) : bodyError('not_found', pointer, `VPC ${id} not found`)
}

/**
 * Deletes a VPC that nothing is left in; it stays readable by id.
 * @throws DomainError `vpc_in_use`.
 */
export async function deleteVpc(tx: Db, actor: Actor, id: string, ifMatch?: number): Promise<void> {
  const now = await lockVpc(tx, actor, id, 'update')
  if (ifMatch !== undefined && now.generation !== ifMatch) throw hasChanged(now, ifMatch)
  const left = await leftIn(tx, id)
  if (left.length > 0) throw new DomainError('vpc_in_use', `VPC ${id} still has ${left.join('; ')}`)
  await tx
    .update(vpc)
    .set({ deletedAt: sql`now()`, ...changeSet(vpc.generation, {}) })
    .where(eq(vpc.id, id))
  await recordEvents(tx, [{ projectId: now.projectId, type: 'vpc.deleted', id, actor: actor.keyId }])
}

/** What keeps a VPC from being deleted: foreign keys hold it, but would name only one of them, and not how many. */
async function leftIn(tx: Db, id: string): Promise<string[]> {
  const networks = await tx.$count(network, eq(network.vpcId, id))
  const forwardings = await tx.$count(portForwarding, eq(portForwarding.vpcId, id))
  const [address] = await tx.select({ id: elasticIp.id }).from(elasticIp).where(eq(elasticIp.vpcId, id))
  return [
    networks > 0 ? [`networks (${networks}): delete them or let them leave first`] : [],
    address ? [`elastic IP ${address.id}: disassociate it first`] : [],
    forwardings > 0 ? [`port forwardings (${forwardings}): delete them first`] : [],
  ].flat()
}

async function whyNot(tx: Db, actor: Actor, id: string, ifMatch: number | undefined): Promise<DomainError> {
  const now = await getVpc(tx, actor.projectId, id)
  if (now.deleted_at) return notFound('VPC', id)
  return hasChanged(now, ifMatch)
}

const hasChanged = ({ id, generation }: Pick<VpcView, 'id' | 'generation'>, ifMatch: number | undefined): DomainError =>
  new DomainError('precondition_failed', `VPC ${id} is at generation ${generation}, not ${ifMatch}`)
