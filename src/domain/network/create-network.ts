import { sql } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import { network } from '../../db/schema.ts'
import type { Actor } from '../actor.ts'
import type { Changes } from '../changes.ts'
import { bodyError, DomainError, type FieldError } from '../errors.ts'
import { recordEvents } from '../event/events.ts'
import { assertInterfaceSomewhere } from '../hypervisor/interfaces.ts'
import { newId } from '../ids.ts'
import { refineCidr } from './cidr.ts'
import { type Place, pinVpc } from './join-network.ts'
import { type NetworkMode, type NetworkType, type NetworkView, networkView } from './network-view.ts'
import { hostAddress, hostNumber } from './subnet.ts'

export interface NewNetwork extends Changes {
  readonly name: string
  /** `managed` when absent. */
  readonly type?: NetworkType
  /** `routed` when absent, of an unmanaged network `isolated`. */
  readonly mode?: NetworkMode
  /** Bytes, 1280..9000. */
  readonly mtu?: number
  readonly vpc_id?: string
  /** A /24: of the VPC, else of the network's own. */
  readonly cidr?: string
  /** A /64, in a VPC. */
  readonly ipv6_cidr?: string
  /** Of the hypervisors, to bridge to. */
  readonly interface?: string
  /** A machine of the segment that a bridged network's guests are told as their gateway. */
  readonly gateway?: string
  /** Which addresses of the segment are ours to give out, both ends included; all of .2 to .253 when absent. */
  readonly address_range?: AddressRange
}

export interface AddressRange {
  readonly first: string
  readonly last: string
}

/**
 * Makes a network: routed (joined to a VPC now or later), isolated, or bridged to a segment of the hypervisors.
 * @throws DomainError `invalid_request` (fields that do not go together), `address_out_of_range`, `cidr_invalid`,
 *   `cidr_outside_vpc`, `cidr_reserved`, `cidr_overlaps`, `interface_unknown`, `network_unmanaged`, `not_found`.
 */
export async function createNetwork(tx: Db, actor: Actor, asked: NewNetwork): Promise<NetworkView> {
  const { type = 'managed' } = asked
  const wanted = { ...asked, type, mode: asked.mode ?? (type === 'managed' ? 'routed' : 'isolated') }
  assertFits(wanted)
  if (wanted.interface !== undefined) await assertInterfaceSomewhere(tx, wanted.interface, '/interface')
  const { name, description, tags, mode, mtu, gateway } = wanted
  const values = { name, description, tags, type, mode, mtu, gateway, interface: wanted.interface }
  const [row] = await tx
    .insert(network)
    .values({
      id: newId('net'),
      projectId: actor.projectId,
      vni: sql`network_free_vni()`,
      ...values,
      ...(await placeOf(tx, actor, wanted)),
      reserved: wanted.mode === 'bridged' && wanted.cidr !== undefined ? reservedPorts(wanted.cidr, wanted) : undefined,
    })
    .returning()
    .catch(refineCidr)
  if (!row) throw new Error('INSERT INTO network returned no row')
  const view = networkView(row)
  const { vni, vpc_id, cidr, ipv6_cidr } = view
  await recordEvents(tx, [
    {
      projectId: row.projectId,
      type: 'network.created',
      id: row.id,
      actor: actor.keyId,
      data: { name, type, mode, vni, vpc_id, cidr, ipv6_cidr, interface: view.interface },
    },
  ])
  return view
}

type Wanted = NewNetwork & { readonly type: NetworkType; readonly mode: NetworkMode }

async function placeOf(tx: Db, actor: Actor, { vpc_id, cidr, ipv6_cidr }: Wanted): Promise<Partial<Place>> {
  if (cidr === undefined) return {}
  return vpc_id === undefined ? { cidr } : pinVpc(tx, actor, { vpc_id, cidr, ipv6_cidr })
}

/** Refuses fields that do not go together, all of them at once. */
function assertFits(wanted: Wanted): void {
  const { type, mode, cidr } = wanted
  const given = (field: keyof NewNetwork) => wanted[field] !== undefined
  if (type === 'unmanaged' && (given('vpc_id') || given('cidr'))) {
    const pointer = given('vpc_id') ? '/vpc_id' : '/cidr'
    throw bodyError('network_unmanaged', pointer, 'an unmanaged network has no VPC and no addresses')
  }
  const needsCidr = type === 'managed' && mode !== 'routed'
  const ours = mode === 'bridged' && type === 'managed'
  const rules: [broken: boolean, field: keyof NewNetwork, advice: string][] = [
    [mode === 'routed' && type === 'unmanaged', 'mode', 'must be isolated or bridged in an unmanaged network'],
    [mode !== 'routed' && given('vpc_id'), 'vpc_id', `is for routed networks: this one is ${mode}`],
    [mode === 'routed' && given('cidr') && !given('vpc_id'), 'vpc_id', 'is required with cidr in a routed network'],
    [needsCidr && !given('cidr'), 'cidr', `is required in a managed ${mode} network`],
    [given('ipv6_cidr') && !given('vpc_id'), 'ipv6_cidr', 'is for networks in a VPC'],
    [mode === 'bridged' && !given('interface'), 'interface', 'is required in a bridged network'],
    [mode !== 'bridged' && given('interface'), 'interface', `is for bridged networks: this one is ${mode}`],
    [!ours && given('gateway'), 'gateway', 'is for managed bridged networks'],
    [!ours && given('address_range'), 'address_range', 'is for managed bridged networks'],
  ]
  const errors = rules
    .filter(([broken]) => broken)
    .map(([, field, advice]): FieldError => ({ in: 'body', pointer: `/${field}`, detail: advice }))
  if (errors.length > 0) {
    const message = errors.map(({ pointer, detail }) => `${pointer} ${detail}`).join('; ')
    throw new DomainError('invalid_request', message, { errors })
  }
  if (ours && cidr !== undefined && !cidr.endsWith('/24'))
    throw bodyError('cidr_invalid', '/cidr', 'cidr must be a /24')
}

/** Port 1 is host 2 of the /24, port 252 is host 253: the others have no port. */
const FIRST_HOST = 2
const LAST_HOST = 253

/**
 * Which ports of a bridged network are not given out: those outside the range, and the gateway's.
 * @returns character n is 1 while port n+1 is reserved.
 * @throws DomainError `address_out_of_range`, with the field.
 */
function reservedPorts(cidr: string, { gateway, address_range: range }: Pick<NewNetwork, 'gateway' | 'address_range'>) {
  const hostOf = (address: string, pointer: string, first: number, last: number): number => {
    const host = hostNumber(cidr, address)
    if (host >= first && host <= last) return host
    const limits = `${hostAddress(cidr, first)} to ${hostAddress(cidr, last)}`
    throw bodyError('address_out_of_range', pointer, `${address} is not one of ${limits}`)
  }
  const router = gateway === undefined ? undefined : hostOf(gateway, '/gateway', 1, 254)
  const first = range ? hostOf(range.first, '/address_range/first', FIRST_HOST, LAST_HOST) : FIRST_HOST
  const last = range ? hostOf(range.last, '/address_range/last', first, LAST_HOST) : LAST_HOST
  if (first === last && first === router) {
    throw bodyError('address_out_of_range', '/address_range', 'address_range holds nothing but the gateway')
  }
  return Array.from({ length: LAST_HOST - FIRST_HOST + 1 }, (_, index) => {
    const host = index + FIRST_HOST
    return host < first || host > last || host === router ? '1' : '0'
  }).join('')
}
