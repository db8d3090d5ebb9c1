import { and, asc, eq, isNotNull, isNull, or, type SQL, sql } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import { elasticIp, job } from '../../db/schema.ts'
import type { Actor } from '../actor.ts'
import { assertUnchanged, type Changes, changeSet } from '../changes.ts'
import { DomainError, notFound } from '../errors.ts'
import { type NewEvent, recordEvents } from '../event/events.ts'
import { newId } from '../ids.ts'
import type { JobResource } from '../job/jobs.ts'
import { type Items, matchesText, type Page, pageOf, toItems } from '../paging.ts'
import { anyPool, choosePool, freeAddress, refuseTaken } from './free-address.ts'

export const ELASTIC_IP_STATES = ['available', 'associated'] as const
export type ElasticIpState = (typeof ELASTIC_IP_STATES)[number]
export type ElasticIpRow = typeof elasticIp.$inferSelect

export interface ElasticIpView {
  id: string
  name: string
  description: string
  tags: Record<string, string>
  pool_id: string
  address: string
  /** Mbit/s in each direction; `null`: not limited. */
  bandwidth_mbps: number | null
  state: ElasticIpState
  nic_id: string | null
  vpc_id: string | null
  /** Which hypervisor holds it for its VPC. */
  hypervisor_id: string | null
  generation: number
  created_at: string
  updated_at: string
}

const view = (row: ElasticIpRow): ElasticIpView => ({
  id: row.id,
  name: row.name,
  description: row.description,
  tags: row.tags,
  pool_id: row.poolId,
  address: row.address,
  bandwidth_mbps: row.bandwidthMbps,
  state: row.nicId === null && row.vpcId === null ? 'available' : 'associated',
  nic_id: row.nicId,
  vpc_id: row.vpcId,
  hypervisor_id: row.hypervisorId,
  generation: row.generation,
  created_at: row.createdAt.toISOString(),
  updated_at: row.updatedAt.toISOString(),
})

export interface NewElasticIp extends Changes {
  /** May be left out when there is exactly one pool; `any`: the oldest that has a free address. */
  readonly pool_id?: string
  /** A wanted address of the pool; the lowest free one otherwise. */
  readonly address?: string
  /** 1..100000. */
  readonly bandwidth_mbps?: number
  /** What only clients of the QingCloud wire read. */
  readonly wire?: ElasticIpRow['wire']
}

/** In place of a pool's id. */
export const ANY_POOL = 'any'

/**
 * Takes an address of a pool for a project.
 * @throws DomainError `not_found` (pool), `elastic_ip_pool_full`, `address_in_use`, `address_out_of_range`.
 */
export async function createElasticIp(tx: Db, actor: Actor, wanted: NewElasticIp): Promise<ElasticIpView> {
  const { pool_id, address: asked, bandwidth_mbps, ...rest } = wanted
  const pool = pool_id === ANY_POOL ? await anyPool(tx) : await choosePool(tx, pool_id)
  const address = await freeAddress(tx, pool, asked)
  const [row] = await tx
    .insert(elasticIp)
    .values({
      ...rest,
      id: newId('eip'),
      projectId: actor.projectId,
      poolId: pool.id,
      address,
      bandwidthMbps: bandwidth_mbps ?? null,
    })
    .returning()
    .catch((error: unknown) => refuseTaken(error, address))
  if (!row) throw new Error('INSERT INTO elastic_ip returned no row')
  await recordEvents(tx, [elasticIpEvent(row, 'created', { actor: actor.keyId })])
  return view(row)
}

export async function getElasticIp(db: Db, projectId: string, id: string): Promise<ElasticIpView> {
  const [row] = await db
    .select()
    .from(elasticIp)
    .where(and(eq(elasticIp.id, id), eq(elasticIp.projectId, projectId)))
  if (!row) throw notFound('elastic IP', id)
  return view(row)
}

export interface ElasticIpFilter {
  readonly name?: string
  readonly state?: ElasticIpState
  readonly pool_id?: string
  readonly nic_id?: string
  readonly vpc_id?: string
  readonly address?: string
  /** An id, or a part of a name or an address. */
  readonly search?: string
}

const isAvailable = and(isNull(elasticIp.nicId), isNull(elasticIp.vpcId))
export const IN_STATE: Readonly<Record<ElasticIpState, SQL | undefined>> = {
  available: isAvailable,
  associated: or(isNotNull(elasticIp.nicId), isNotNull(elasticIp.vpcId)),
}

export async function listElasticIps(
  db: Db,
  projectId: string,
  filter: ElasticIpFilter,
  page: Page,
): Promise<Items<ElasticIpView>> {
  const { where, orderBy, limit } = pageOf(elasticIp.seq, page)
  const rows = await db
    .select()
    .from(elasticIp)
    .where(
      and(
        eq(elasticIp.projectId, projectId),
        filter.name ? eq(elasticIp.name, filter.name) : undefined,
        filter.state ? IN_STATE[filter.state] : undefined,
        filter.pool_id ? eq(elasticIp.poolId, filter.pool_id) : undefined,
        filter.nic_id ? eq(elasticIp.nicId, filter.nic_id) : undefined,
        filter.vpc_id ? eq(elasticIp.vpcId, filter.vpc_id) : undefined,
        filter.address ? eq(elasticIp.address, filter.address) : undefined,
        matchesText(filter.search, elasticIp.id, elasticIp.name, elasticIp.address),
        where,
      ),
    )
    .orderBy(orderBy)
    .limit(limit)
  return toItems(rows, page, view)
}

export async function updateElasticIp(
  tx: Db,
  actor: Actor,
  id: string,
  changes: Changes,
  ifMatch?: number,
): Promise<ElasticIpView> {
  const [row] = await tx
    .update(elasticIp)
    .set(changeSet(elasticIp.generation, changes))
    .where(own(actor, id, ifMatch))
    .returning()
  if (!row) throw await whyNot(tx, actor, id, ifMatch)
  await recordEvents(tx, [elasticIpEvent(row, 'updated', { actor: actor.keyId, data: { ...changes } })])
  return view(row)
}

/**
 * Gives an address back to its pool.
 * @throws DomainError `elastic_ip_in_use` while it is associated, or any job about it is unfinished: that one's hypervisor
 * may still have it, and the next to get the address must not find it in use.
 */
export async function deleteElasticIp(tx: Db, actor: Actor, id: string, ifMatch?: number): Promise<void> {
  const [row] = await tx
    .delete(elasticIp)
    .where(and(own(actor, id, ifMatch), isAvailable))
    .returning()
  if (!row) throw await whyNot(tx, actor, id, ifMatch)
  const unfinished = await unfinishedJob(tx, { type: 'elastic_ip', id })
  if (unfinished)
    throw new DomainError(
      'elastic_ip_in_use',
      `job ${unfinished} is not finished: its hypervisor may still have elastic IP ${id}, please try later`,
    )
  await recordEvents(tx, [elasticIpEvent(row, 'deleted', { actor: actor.keyId })])
}

/** The oldest unfinished job about a resource; of a job with parts that is the whole. */
async function unfinishedJob(tx: Db, about: JobResource): Promise<string | undefined> {
  const [row] = await tx
    .select({ id: job.id })
    .from(job)
    .where(and(isNull(job.finishedAt), sql`${job.resources} @> ${JSON.stringify([about])}::jsonb`))
    .orderBy(asc(job.seq))
    .limit(1)
  return row?.id
}

/** An event with the address in its place, so that "who had this address, when" can be asked. */
export const elasticIpEvent = (
  row: Pick<ElasticIpRow, 'id' | 'projectId' | 'address' | 'nicId' | 'vpcId' | 'poolId'>,
  what: 'created' | 'updated' | 'associated' | 'disassociated' | 'deleted',
  { data, ...by }: Pick<NewEvent, 'actor' | 'jobId' | 'data'>,
): NewEvent => ({
  projectId: row.projectId,
  type: `elastic_ip.${what}`,
  id: row.id,
  address: row.address,
  ...by,
  data: { nic_id: row.nicId, vpc_id: row.vpcId, pool_id: row.poolId, ...data },
})

/** The refusal for an elastic IP that is not at the generation that the caller has read. */
export const hasChanged = ({ id, generation }: Pick<ElasticIpRow, 'id' | 'generation'>, ifMatch: number): DomainError =>
  new DomainError('precondition_failed', `elastic IP ${id} is at generation ${generation}, not ${ifMatch}`)

const own = (actor: Actor, id: string, ifMatch?: number) =>
  and(eq(elasticIp.id, id), eq(elasticIp.projectId, actor.projectId), assertUnchanged(elasticIp.generation, ifMatch))

async function whyNot(tx: Db, actor: Actor, id: string, ifMatch: number | undefined): Promise<DomainError> {
  const now = await getElasticIp(tx, actor.projectId, id)
  if (ifMatch !== undefined && now.generation !== ifMatch) return hasChanged(now, ifMatch)
  return associated({ id, nicId: now.nic_id, vpcId: now.vpc_id })
}

/** The refusal for an elastic IP that somebody has. */
export function associated({ id, nicId, vpcId }: Pick<ElasticIpRow, 'id' | 'nicId' | 'vpcId'>): DomainError {
  const holder = nicId === null ? `VPC ${vpcId}` : `NIC ${nicId}`
  return new DomainError('elastic_ip_in_use', `elastic IP ${id} is associated with ${holder}: disassociate it first`)
}
