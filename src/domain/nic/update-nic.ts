/** Changes of a NIC that no hypervisor has to bring about: what it is called, and where it is while it is on no server. */
import { and, eq, inArray, type SQL, sql } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import { elasticIp, network, nic } from '../../db/schema.ts'
import type { Actor } from '../actor.ts'
import { type Changes, changeSet } from '../changes.ts'
import { bodyError, DomainError } from '../errors.ts'
import { recordEvents } from '../event/events.ts'
import { NIC_SHOWN, type NicRow, type NicView, nicView, ownNic, underEachAddress, whyNotNic } from './nics.ts'
import { refinePlacement } from './refine-placement.ts'

/** A place may only be given to an available NIC: a card in a server keeps its own. */
export interface NicChanges extends Changes {
  /** `null`: none. Absent: as before, or in another network the lowest free one, or none for a NIC that had none. */
  readonly address?: string | null
  readonly network_id?: string
}

/**
 * @throws DomainError `nic_in_use`, `elastic_ip_in_use`, `not_found`, `precondition_failed`, and as `createNics` does when
 *   there is no such place.
 */
export async function updateNic(
  tx: Db,
  actor: Actor,
  id: string,
  changes: NicChanges,
  ifMatch?: number,
): Promise<NicView> {
  const { address, network_id: networkId, ...rest } = changes
  const isPlaced = address !== undefined || networkId !== undefined
  const move = isPlaced ? await moveNic(tx, actor, id, { address, networkId }, ifMatch) : undefined
  const [row] = await tx
    .update(nic)
    .set({ ...changeSet(nic.generation, rest), ...move?.set })
    .where(and(ownNic(actor, id, ifMatch), move && eq(nic.state, 'available')))
    .returning(NIC_SHOWN)
  if (!row) throw await whyNotNic(tx, actor, id, ifMatch)
  const updated = { type: 'nic.updated', actor: actor.keyId, data: { ...changes } } as const
  const released = { ...updated, type: 'nic.address_released', data: { address: row.address } } as const
  const told = { projectId: row.projectId, id }
  await recordEvents(tx, [
    // Under the old addresses too: their history must say when they were given up.
    ...(move?.left ?? []).map((left) => ({ ...told, ...released, address: left })),
    ...(move?.set.networkId === undefined
      ? [{ ...told, ...updated, address: row.address }]
      : underEachAddress(row, updated)),
  ])
  return nicView(row)
}

interface NicMove {
  readonly set: Partial<Pick<NicRow, 'networkId' | 'networkCidr' | 'port' | 'address'>> & { ipv6Address?: SQL }
  /** Addresses given up. */
  readonly left: readonly string[]
}
const STAYS: NicMove = { set: {}, left: [] }

/** Takes a port for a NIC, in its network or in another one; the trigger on `nic` gives the old one back. */
async function moveNic(
  tx: Db,
  actor: Actor,
  id: string,
  to: { readonly address?: string | null | undefined; readonly networkId?: string | undefined },
  ifMatch: number | undefined,
): Promise<NicMove> {
  const [now] = await tx
    .select()
    .from(nic)
    .where(ownNic(actor, id, ifMatch))
    .for('update')
  if (!now) throw await whyNotNic(tx, actor, id, ifMatch)
  const { networkId = now.networkId, address } = to
  const isElsewhere = networkId !== now.networkId
  if (now.state !== 'available') {
    const what = isElsewhere ? 'network' : 'address'
    throw new DomainError('nic_in_use', `NIC ${id} is ${now.state}: detach it before changing its ${what}`)
  }
  if (!isElsewhere && (address === undefined || address === now.address)) return STAYS
  if (isElsewhere || address === null) await refuseWithElasticIp(tx, now)
  if (isElsewhere) await lockNetworks(tx, actor, [networkId, now.networkId])

  const isBare = address === null || (address === undefined && now.port > 252)
  const addresses = address ? [address] : []
  const { rows } = await tx
    .execute<{ port: number; address: string | null; cidr: string | null; ipv6_cidr: string | null }>(
      sql`SELECT * FROM network_take_ports(${networkId}, ${actor.projectId}, 1, ${sql.param(addresses)}::inet[],
        ${isBare ? 'unaddressed' : 'nic'}, ${isElsewhere ? null : now.port}::smallint)`,
    )
    .catch((error: unknown) => refinePlacement(error, { networkId, addresses, pointer: () => '/address' }))
  const [place] = rows
  if (!place) throw bodyError('not_found', '/network_id', `network ${networkId} not found`)
  const { port, cidr: networkCidr, ipv6_cidr } = place
  const left = [now.address === place.address ? null : now.address, isElsewhere ? now.ipv6Address : null]
  return {
    set: {
      port,
      address: place.address,
      ...(isElsewhere && {
        networkId,
        networkCidr,
        ipv6Address: sql`eui64_address(${ipv6_cidr}::cidr, ${nic.id})`,
      }),
    },
    left: left.filter((one) => one !== null),
  }
}

/** It stands for the address, and needs the VPC around it. The NIC is locked: nobody gives it one meanwhile. */
async function refuseWithElasticIp(tx: Db, { id }: NicRow): Promise<void> {
  const [has] = await tx.select({ id: elasticIp.id }).from(elasticIp).where(eq(elasticIp.nicId, id))
  if (has) throw new DomainError('elastic_ip_in_use', `NIC ${id} has elastic IP ${has.id}: disassociate it first`)
}

/** In the order of their ids: of two NICs that change places none waits for the other for ever. */
async function lockNetworks(tx: Db, actor: Actor, ids: readonly string[]): Promise<void> {
  await tx
    .select({ id: network.id })
    .from(network)
    .where(and(inArray(network.id, [...ids]), eq(network.projectId, actor.projectId)))
    .orderBy(network.id)
    .for('update')
}
