import { and, eq, sql } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import { network, reservedAddress } from '../../db/schema.ts'
import type { Actor } from '../actor.ts'
import { bodyError } from '../errors.ts'
import { newId } from '../ids.ts'
import type { JobView } from '../job/jobs.ts'
import type { NetworkRow } from '../network/network-view.ts'
import { hostAddress, hostNumber } from '../network/subnet.ts'
import { refinePlacement } from '../nic/refine-placement.ts'
import { promiseReserved } from './reserved-addresses.ts'

export interface NewReservedAddresses {
  readonly network_id: string
  /** 1..252; when absent, as many as `addresses` or `range` name, or one. */
  readonly count?: number | undefined
  readonly name?: string | undefined
  readonly description?: string | undefined
  /** The first of them; the others are the lowest free ones. */
  readonly addresses?: readonly string[] | undefined
  /** Where to take the lowest free ones, instead of anywhere in the network. Both ends count. */
  readonly range?: { readonly first: string; readonly last: string } | undefined
}

/**
 * Reserves addresses of one network, all or none, as one job: when it is done the network's NICs without address may use
 * them.
 * @returns the job, which names them among its resources.
 * @throws DomainError `not_found` (network), `invalid_request`, `network_unmanaged`, `network_not_joined`, `network_full`
 *   (with limit and use), `address_in_use`, `address_out_of_range`.
 */
export async function reserveAddresses(tx: Db, actor: Actor, wanted: NewReservedAddresses): Promise<JobView> {
  const { network_id: networkId, name, description } = wanted
  if (wanted.range && wanted.addresses)
    throw bodyError('invalid_request', '/range', 'must not be given together with addresses')
  const of = await lockAddressed(tx, actor, networkId)
  const addresses = wanted.range ? inRange(of, wanted, wanted.range) : (wanted.addresses ?? [])
  const count = wanted.count ?? Math.max(addresses.length, 1)
  if (addresses.length > count)
    throw bodyError('invalid_request', '/addresses', `has ${addresses.length} addresses, but count is ${count}`)

  const pointer = (index: number) => (wanted.range ? '/range' : `/addresses/${index}`)
  const { rows: places } = await tx
    .execute<{ port: number; address: string }>(
      sql`SELECT port, address FROM network_take_ports(${networkId}, ${actor.projectId}, ${count},
        ${sql.param([...addresses])}::inet[], 'hold')`,
    )
    .catch((error: unknown) => refinePlacement(error, { networkId, count, addresses, pointer }))
  const rows = await tx
    .insert(reservedAddress)
    .values(
      places.map((place) => ({
        ...place,
        id: newId('ra'),
        projectId: actor.projectId,
        networkId,
        networkCidr: of.cidr,
        name,
        description,
      })),
    )
    .returning()
  return promiseReserved(tx, actor, rows, 'created')
}

type AddressedNetwork = NetworkRow & { readonly cidr: string }

/** Locks a network that has addresses: which of them are free stays as it is. */
async function lockAddressed(tx: Db, actor: Actor, id: string): Promise<AddressedNetwork> {
  const [row] = await tx
    .select()
    .from(network)
    .where(and(eq(network.id, id), eq(network.projectId, actor.projectId)))
    .for('update')
  if (!row) throw bodyError('not_found', '/network_id', `network ${id} not found`)
  if (row.cidr !== null) return { ...row, cidr: row.cidr }
  if (row.type === 'unmanaged') throw bodyError('network_unmanaged', '/network_id', `network ${id} has no addresses`)
  throw bodyError('network_not_joined', '/network_id', `network ${id} has no addresses: join it to a VPC first`)
}

/** The addresses of a range that are to be taken: all of it, or when a count is asked for, the lowest free ones. */
function inRange(
  of: AddressedNetwork,
  { count }: NewReservedAddresses,
  { first, last }: NonNullable<NewReservedAddresses['range']>,
): string[] {
  const [from, to] = [hostNumber(of.cidr, first), hostNumber(of.cidr, last)]
  for (const [host, address, end] of [
    [from, first, 'first'],
    [to, last, 'last'],
  ] as const) {
    if (host < 0 || host > 255)
      throw bodyError('address_out_of_range', `/range/${end}`, `address ${address} is not in network ${of.id}`)
  }
  if (from > to) throw bodyError('invalid_request', '/range', `range ${first}-${last} ends before it begins`)
  const hosts = Array.from({ length: to - from + 1 }, (_, index) => from + index)
  if (count === undefined) return hosts.map((host) => hostAddress(of.cidr, host))
  // Character n of a mask is port n+1, and host n+2.
  const givenOut = hosts.filter((host) => of.reserved[host - 2] === '0')
  const free = givenOut.filter((host) => of.ports[host - 2] === '0')
  if (free.length < count) {
    const use = `${givenOut.length - free.length} of ${givenOut.length} addresses in use`
    const message = `range ${first}-${last} of network ${of.id} has ${use}; ${count} were asked for`
    throw bodyError('network_full', '/range', message)
  }
  return free.slice(0, count).map((host) => hostAddress(of.cidr, host))
}
