import { and, eq, sql } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import { refusedConstraint } from '../../db/constraint-errors.ts'
import { type NETWORK_TYPES, network, vpc } from '../../db/schema.ts'
import type { Actor } from '../actor.ts'
import { assertUnchanged, type Changes, changeSet } from '../changes.ts'
import { bodyError, DomainError, notFound } from '../errors.ts'
import { recordEvents } from '../event/events.ts'
import { newId } from '../ids.ts'
import { type Items, type Page, pageOf, toItems } from '../paging.ts'
import { refineCidr } from './cidr.ts'
import { gatewayOf, hostAddress } from './subnet.ts'

export type NetworkType = (typeof NETWORK_TYPES)[number]
/** NICs a network can hold: ports 1-252, which in a /24 are .2 to .253. */
export const PORTS_PER_NETWORK = 252

export interface NetworkView {
  id: string
  name: string
  description: string
  tags: Record<string, string>
  type: NetworkType
  vni: number
  mtu: number
  vpc_id: string | null
  cidr: string | null
  gateway: string | null
  address_range: { first: string; last: string } | null
  /** NICs that still fit; in a joined network each takes one address. */
  addresses_available: number
  nic_count: number
  generation: number
  created_at: string
  updated_at: string
}

function view(row: typeof network.$inferSelect): NetworkView {
  const taken = row.ports.replaceAll('0', '').length
  return {
    id: row.id,
    name: row.name,
    description: row.description,
    tags: row.tags,
    type: row.type,
    vni: row.vni,
    mtu: row.mtu,
    vpc_id: row.vpcId,
    cidr: row.cidr,
    gateway: row.cidr && gatewayOf(row.cidr),
    address_range: row.cidr && { first: hostAddress(row.cidr, 2), last: hostAddress(row.cidr, PORTS_PER_NETWORK + 1) },
    addresses_available: PORTS_PER_NETWORK - taken,
    nic_count: taken,
    generation: row.generation,
    created_at: row.createdAt.toISOString(),
    updated_at: row.updatedAt.toISOString(),
  } as NetworkView
}

/** Where a network lies in layer 3: a /24 of one VPC. */
export interface Subnet {
  readonly vpc_id: string
  readonly cidr: string
}

/** A VPC's columns as a joining network pins them; locked against deletion until the transaction ends. */
async function pinVpc(tx: Db, actor: Actor, subnet: Subnet) {
  const [row] = await tx
    .select({ id: vpc.id, cidr: vpc.cidr, live: vpc.live })
    .from(vpc)
    .where(and(eq(vpc.id, subnet.vpc_id), eq(vpc.projectId, actor.projectId)))
    .for('share')
  if (!row?.live) throw bodyError('not_found', '/vpc_id', `VPC ${subnet.vpc_id} not found`)
  return { vpcId: row.id, vpcCidr: row.cidr, cidr: subnet.cidr }
}

/**
 * Makes a network, joined to a VPC when a subnet is given.
 * @throws DomainError `cidr_invalid`, `cidr_outside_vpc`, `cidr_reserved`, `cidr_overlaps`, `network_unmanaged`, `not_found`.
 */
export async function createNetwork(
  tx: Db,
  actor: Actor,
  wanted: Changes & { name: string; type: NetworkType; subnet?: Subnet | undefined },
): Promise<NetworkView> {
  const { subnet, ...values } = wanted
  if (subnet && values.type === 'unmanaged') {
    throw bodyError('network_unmanaged', '/vpc_id', 'an unmanaged network has no VPC and no addresses')
  }
  const joined = subnet ? await pinVpc(tx, actor, subnet) : {}
  const [row] = await tx
    .insert(network)
    .values({ id: newId('net'), projectId: actor.projectId, ...values, ...joined, vni: sql`network_free_vni()` })
    .returning()
    .catch(refineCidr)
  if (!row) throw new Error('INSERT INTO network returned no row')
  await recordEvents(tx, [
    {
      projectId: row.projectId,
      type: 'network.created',
      id: row.id,
      actor: actor.keyId,
      data: { name: row.name, type: row.type, vni: row.vni, vpc_id: row.vpcId, cidr: row.cidr },
    },
  ])
  return view(row)
}

export async function getNetwork(db: Db, projectId: string, id: string): Promise<NetworkView> {
  const [row] = await db
    .select()
    .from(network)
    .where(and(eq(network.id, id), eq(network.projectId, projectId)))
  if (!row) throw notFound('network', id)
  return view(row)
}

export interface NetworkFilter {
  readonly name?: string
  readonly type?: NetworkType
  readonly vpc_id?: string
}

export async function listNetworks(
  db: Db,
  projectId: string,
  filter: NetworkFilter,
  page: Page,
): Promise<Items<NetworkView>> {
  const { where, orderBy, limit } = pageOf(network.seq, page)
  const rows = await db
    .select()
    .from(network)
    .where(
      and(
        eq(network.projectId, projectId),
        filter.name ? eq(network.name, filter.name) : undefined,
        filter.type ? eq(network.type, filter.type) : undefined,
        filter.vpc_id ? eq(network.vpcId, filter.vpc_id) : undefined,
        where,
      ),
    )
    .orderBy(orderBy)
    .limit(limit)
  return toItems(rows, page, view)
}

export async function updateNetwork(
  tx: Db,
  actor: Actor,
  id: string,
  changes: Changes,
  ifMatch?: number,
): Promise<NetworkView> {
  const [row] = await tx
    .update(network)
    .set(changeSet(network.generation, changes))
    .where(own(actor, id, ifMatch))
    .returning()
  if (!row) throw await whyNot(tx, actor, id, ifMatch)
  await recordEvents(tx, [
    { projectId: row.projectId, type: 'network.updated', id, actor: actor.keyId, data: { ...changes } },
  ])
  return view(row)
}

/** Joins a managed network to a VPC. Asking for the subnet it has already is answered with the network as it is. */
export async function joinNetwork(tx: Db, actor: Actor, id: string, subnet: Subnet): Promise<NetworkView> {
  const now = await lockNetwork(tx, actor, id)
  if (now.type === 'unmanaged')
    throw new DomainError('network_unmanaged', `network ${id} is unmanaged: it cannot join a VPC`)
  if (now.vpcId !== null) {
    if (now.vpcId === subnet.vpc_id && now.cidr === subnet.cidr) return view(now)
    throw new DomainError(
      'network_joined_already',
      `network ${id} is joined to ${now.vpcId} with ${now.cidr}: leave first`,
    )
  }
  return place(tx, actor, id, await pinVpc(tx, actor, subnet), 'network.joined')
}

/** Takes a network out of its VPC; refused while it has NICs, whose addresses would go. */
export async function leaveNetwork(tx: Db, actor: Actor, id: string): Promise<NetworkView> {
  const now = await lockNetwork(tx, actor, id)
  if (now.vpcId === null) return view(now)
  const { nic_count } = view(now)
  if (nic_count > 0) throw new DomainError('network_in_use', `network ${id} has ${nic_count} NICs: delete them first`)
  return place(tx, actor, id, { vpcId: null, vpcCidr: null, cidr: null }, 'network.left')
}

async function lockNetwork(tx: Db, actor: Actor, id: string) {
  const [row] = await tx.select().from(network).where(own(actor, id)).for('update')
  if (!row) throw notFound('network', id)
  return row
}

async function place(
  tx: Db,
  actor: Actor,
  id: string,
  at: { vpcId: string | null; vpcCidr: string | null; cidr: string | null },
  type: 'network.joined' | 'network.left',
): Promise<NetworkView> {
  const [row] = await tx
    .update(network)
    .set({ ...at, ...changeSet(network.generation, {}) })
    .where(own(actor, id))
    .returning()
    .catch(refineCidr)
  if (!row) throw notFound('network', id)
  await recordEvents(tx, [
    { projectId: row.projectId, type, id, actor: actor.keyId, data: { vpc_id: at.vpcId, cidr: at.cidr } },
  ])
  return view(row)
}

/** Deletes a network without NICs. @throws DomainError `network_in_use`. */
export async function deleteNetwork(tx: Db, actor: Actor, id: string, ifMatch?: number): Promise<void> {
  const [row] = await tx
    .delete(network)
    .where(own(actor, id, ifMatch))
    .returning({ projectId: network.projectId })
    .catch(async (error: unknown) => {
      const broken = refusedConstraint(error)?.constraint
      if (broken !== 'nic_network_fk' && broken !== 'nic_network_cidr_fk') throw error
      throw new DomainError('network_in_use', `network ${id} still has NICs: delete them first`, { cause: error })
    })
  if (!row) throw await whyNot(tx, actor, id, ifMatch)
  await recordEvents(tx, [{ projectId: row.projectId, type: 'network.deleted', id, actor: actor.keyId }])
}

const own = (actor: Actor, id: string, ifMatch?: number) =>
  and(eq(network.id, id), eq(network.projectId, actor.projectId), assertUnchanged(network.generation, ifMatch))

async function whyNot(tx: Db, actor: Actor, id: string, ifMatch: number | undefined): Promise<DomainError> {
  const now = await getNetwork(tx, actor.projectId, id)
  return new DomainError('precondition_failed', `network ${id} is at generation ${now.generation}, not ${ifMatch}`)
}
