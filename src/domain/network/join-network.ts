/** Where a routed network lies in layer 3: joining a VPC and leaving it. */
import { and, eq } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import { network, vpc } from '../../db/schema.ts'
import type { Actor } from '../actor.ts'
import { changeSet } from '../changes.ts'
import { bodyError, DomainError } from '../errors.ts'
import { recordEvents } from '../event/events.ts'
import { refineCidr } from './cidr.ts'
import { type NetworkRow, type NetworkView, networkView } from './network-view.ts'
import { lockNetwork, refuseWithNics } from './networks.ts'

/** A /24 of one VPC, and a /64 beside it when there is IPv6. */
export interface Subnet {
  readonly vpc_id: string
  readonly cidr: string
  readonly ipv6_cidr?: string | undefined
}

/** The columns that place a network. */
export interface Place {
  readonly vpcId: string | null
  readonly vpcCidr: string | null
  readonly cidr: string | null
  readonly ipv6Cidr: string | null
}

/** A VPC's columns as a joining network pins them; locked against deletion until the transaction ends. */
export async function pinVpc(tx: Db, actor: Actor, subnet: Subnet): Promise<Place> {
  const [row] = await tx
    .select({ id: vpc.id, cidr: vpc.cidr, live: vpc.live })
    .from(vpc)
    .where(and(eq(vpc.id, subnet.vpc_id), eq(vpc.projectId, actor.projectId)))
    .for('share')
  if (!row?.live) throw bodyError('not_found', '/vpc_id', `VPC ${subnet.vpc_id} not found`)
  return { vpcId: row.id, vpcCidr: row.cidr, cidr: subnet.cidr, ipv6Cidr: subnet.ipv6_cidr ?? null }
}

/** The refusal of what only a network in a VPC can have, for one that cannot join any. */
export function assertRouted({ id, type, mode }: NetworkRow): void {
  if (type === 'unmanaged') throw new DomainError('network_unmanaged', `network ${id} is unmanaged: it has no VPC`)
  if (mode !== 'routed') throw new DomainError('network_not_routed', `network ${id} is ${mode}: it has no VPC`)
}

/**
 * Joins a routed network to a VPC. Asking for the subnet it has already is answered with the network as it is; that may
 * have got its IPv6 prefix after it joined.
 */
export async function joinNetwork(tx: Db, actor: Actor, id: string, subnet: Subnet): Promise<NetworkView> {
  const now = await lockNetwork(tx, actor, id)
  assertRouted(now)
  if (now.vpcId !== null) {
    const { vpc_id, cidr, ipv6_cidr = now.ipv6Cidr } = subnet
    if (now.vpcId === vpc_id && now.cidr === cidr && now.ipv6Cidr === ipv6_cidr) return networkView(now)
    const prefixes = [now.cidr, now.ipv6Cidr].filter((prefix) => prefix !== null).join(' and ')
    throw new DomainError(
      'network_joined_already',
      `network ${id} is joined to ${now.vpcId} with ${prefixes}: leave first`,
    )
  }
  return place(tx, actor, id, await pinVpc(tx, actor, subnet), 'network.joined')
}

/** Takes a network out of its VPC; refused while it has NICs or reserved addresses, which would go. */
export async function leaveNetwork(tx: Db, actor: Actor, id: string): Promise<NetworkView> {
  const now = await lockNetwork(tx, actor, id)
  if (now.vpcId === null) return networkView(now)
  refuseWithNics(now)
  return place(tx, actor, id, { vpcId: null, vpcCidr: null, cidr: null, ipv6Cidr: null }, 'network.left')
}

async function place(
  tx: Db,
  actor: Actor,
  id: string,
  at: Place,
  type: 'network.joined' | 'network.left',
): Promise<NetworkView> {
  const [row] = await tx
    .update(network)
    .set({ ...at, ...changeSet(network.generation, {}) })
    .where(eq(network.id, id))
    .returning()
    .catch(refineCidr)
  if (!row) throw new Error(`network ${id}, which is locked, is not there`)
  const data = { vpc_id: at.vpcId, cidr: at.cidr, ipv6_cidr: at.ipv6Cidr }
  await recordEvents(tx, [{ projectId: row.projectId, type, id, actor: actor.keyId, data }])
  return networkView(row)
}
