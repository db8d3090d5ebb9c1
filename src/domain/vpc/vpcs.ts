import { and, eq, isNull } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import { securityGroup, vpc } from '../../db/schema.ts'
import type { Actor } from '../actor.ts'
import { assertUnchanged, type Changes, changeSet } from '../changes.ts'
import { bodyError, DomainError, notFound } from '../errors.ts'
import { recordEvents } from '../event/events.ts'
import { newId } from '../ids.ts'
import { refineCidr } from '../network/cidr.ts'
import { type Items, matchesText, type Page, pageOf, toItems } from '../paging.ts'

export interface VpcView {
  id: string
  name: string
  description: string
  tags: Record<string, string>
  cidr: string
  source_nat: boolean
  /** Whether its router is on. */
  routing: boolean
  /** Of its router; `null`: the default group of the project. It is recorded, and not enforced. */
  security_group_id: string | null
  generation: number
  created_at: string
  updated_at: string
  deleted_at: string | null
}

export type VpcRow = typeof vpc.$inferSelect

const view = (row: VpcRow): VpcView => ({
  id: row.id,
  name: row.name,
  description: row.description,
  tags: row.tags,
  cidr: row.cidr,
  source_nat: row.sourceNat,
  routing: row.routing,
  security_group_id: row.securityGroupId,
  generation: row.generation,
  created_at: row.createdAt.toISOString(),
  updated_at: row.updatedAt.toISOString(),
  deleted_at: row.deletedAt?.toISOString() ?? null,
})

export interface VpcChanges extends Changes {
  /** `null`: the default group of the project. */
  readonly security_group_id?: string | null
}

export interface NewVpc extends VpcChanges {
  readonly name: string
  /** A /16 of 10/8, 172.16/12 or 192.168/16. */
  readonly cidr: string
  /** See `setSourceNat`; on by default. */
  readonly source_nat?: boolean
}

/**
 * Makes a VPC.
 * @param wire - what only clients of the QingCloud wire read.
 * @throws DomainError `cidr_invalid`, `not_found` (security group).
 */
export async function createVpc(tx: Db, actor: Actor, wanted: NewVpc, wire: VpcRow['wire'] = {}): Promise<VpcView> {
  const { source_nat: sourceNat = true, security_group_id, ...values } = wanted
  const [row] = await tx
    .insert(vpc)
    .values({
      id: newId('vpc'),
      projectId: actor.projectId,
      ...values,
      ...(await groupColumn(tx, actor, security_group_id)),
      sourceNat,
      wire,
    })
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
  filter: { readonly name?: string; readonly search?: string },
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
        matchesText(filter.search, vpc.id, vpc.name),
        where,
      ),
    )
    .orderBy(orderBy)
    .limit(limit)
  return toItems(rows, page, view)
}

/** @throws DomainError `not_found` (of the security group too), `precondition_failed`. */
export async function updateVpc(
  tx: Db,
  actor: Actor,
  id: string,
  changes: VpcChanges,
  ifMatch?: number,
): Promise<VpcView> {
  const { security_group_id, ...rest } = changes
  const [row] = await tx
    .update(vpc)
    .set({ ...changeSet(vpc.generation, rest), ...(await groupColumn(tx, actor, security_group_id)) })
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

/** The group's column, when it is to be set. The group is held: it cannot be deleted before the VPC names it. */
async function groupColumn(
  tx: Db,
  actor: Actor,
  id: string | null | undefined,
): Promise<{ securityGroupId?: string | null }> {
  if (id === undefined || id === null) return id === null ? { securityGroupId: null } : {}
  const [row] = await tx
    .select({ id: securityGroup.id })
    .from(securityGroup)
    .where(and(eq(securityGroup.id, id), eq(securityGroup.projectId, actor.projectId)))
    .for('key share')
  if (!row) throw bodyError('not_found', '/security_group_id', `security group ${id} not found`)
  return { securityGroupId: id }
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
): Promise<VpcRow> {
  const [row] = await tx
    .select()
    .from(vpc)
    .where(and(eq(vpc.id, id), eq(vpc.projectId, actor.projectId), isNull(vpc.deletedAt)))
    .for(strength)
  if (row) return row
  throw pointer === undefined ? notFound('VPC', id) : bodyError('not_found', pointer, `VPC ${id} not found`)
}

async function whyNot(tx: Db, actor: Actor, id: string, ifMatch: number | undefined): Promise<DomainError> {
  const now = await getVpc(tx, actor.projectId, id)
  if (now.deleted_at) return notFound('VPC', id)
  return hasChanged(now, ifMatch)
}

/** The refusal for a VPC that is not at the generation that the caller has read. */
export const hasChanged = (
  { id, generation }: Pick<VpcView, 'id' | 'generation'>,
  ifMatch: number | undefined,
): DomainError => new DomainError('precondition_failed', `VPC ${id} is at generation ${generation}, not ${ifMatch}`)

/** What VPCs get that are made without a CIDR, in this order; none of 10/8, where the basic network is. */
const DEFAULT_CIDRS = ['192.168.0.0/16', ...Array.from({ length: 16 }, (_, index) => `172.${16 + index}.0.0/16`)]

/** A CIDR that no VPC of the project has yet; the first one when all have been taken, for VPCs do not meet. */
export async function freeVpcCidr(db: Db, projectId: string): Promise<string> {
  const taken = await db
    .select({ cidr: vpc.cidr })
    .from(vpc)
    .where(and(eq(vpc.projectId, projectId), isNull(vpc.deletedAt)))
  const free = DEFAULT_CIDRS.find((cidr) => !taken.some((row) => row.cidr === cidr))
  return free ?? '192.168.0.0/16'
}
