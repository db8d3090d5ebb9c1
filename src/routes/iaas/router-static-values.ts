/** What the values of router statics become: a port forwarding, or a static. */
import type { Db } from '../../db/client.ts'
import type { Actor } from '../../domain/actor.ts'
import type { JobView } from '../../domain/job/jobs.ts'
import { getNetwork } from '../../domain/network/networks.ts'
import {
  createPortForwarding,
  type NewPortForwarding,
  type PortForwardingChanges,
  updatePortForwarding,
} from '../../domain/port-forwarding/port-forwardings.ts'
import { lockVpc } from '../../domain/vpc/vpcs.ts'
import { type AnyStatic, describeStatics, FORWARDING_TYPE } from '../../domain/vpc-static/describe-statics.ts'
import { DHCP_TYPE } from '../../domain/vpc-static/dhcp-statics.ts'
import { addEntries } from '../../domain/vpc-static/entries.ts'
import type { StaticType, StaticValues } from '../../domain/vpc-static/static-values.ts'
import { createStatic } from '../../domain/vpc-static/statics.ts'
import { ownId } from './ids.ts'
import type { Parameters } from './parameters.ts'
import { denied, malformed, missing } from './refusals.ts'
import { addressOf } from './router-place.ts'

/** Names of the values that a static may have. */
export const VALUES = ['val1', 'val2', 'val3', 'val4', 'val5', 'val6', 'val7', 'val8', 'val9'] as const
/** Characters of a value: a tunnel may name many networks. */
const LONGEST = 4096
const PORT = { min: 1, max: 65_535 }

/** The ids of ours, of either kind, that an id of a static may stand for. */
export const possibleIds = (id: string): string[] => [ownId('pf', id), ownId('vs', id)].filter(Boolean)

interface Made {
  readonly id: string
  readonly jobs: readonly JobView[]
}

/** The values that are given, empty ones too. */
export function givenValues(params: Parameters): StaticValues {
  const values: Record<string, string> = {}
  for (const name of VALUES) {
    const value = params.label(name, LONGEST)
    if (value !== undefined) values[name] = value
  }
  return values
}

/** Makes one of the `statics.n`. */
export async function addStatic(
  tx: Db,
  actor: Actor,
  vpcId: string,
  networkId: string | undefined,
  wanted: Parameters,
): Promise<Made> {
  const type = wanted.int('static_type', { min: 1, max: 8 })
  if (type === undefined) throw malformed('parameter static_type is required')
  const name = wanted.label('router_static_name') ?? ''
  const enabled = !(wanted.flag('disabled') ?? false)
  if (type !== FORWARDING_TYPE) {
    const place = { vpc_id: vpcId, ...(networkId === undefined ? {} : { network_id: networkId }) }
    return createStatic(tx, actor, { ...place, type: type as StaticType, name, enabled, values: givenValues(wanted) })
  }
  const port = wanted.int('val1', PORT)
  const address = addressOf(wanted, 'val2')
  if (port === undefined || address === undefined) throw malformed('parameters val1 and val2 are required')
  if (networkId !== undefined) await getNetwork(tx, actor.projectId, networkId) // it means nothing here, and is to be there
  const rest = { target_port: wanted.int('val3', PORT) ?? port, protocol: protocolOf(wanted) }
  return forward(tx, actor, vpcId, { name, enabled, port, address, ...rest })
}

const protocolOf = (params: Parameters) => params.oneOf('val4', ['tcp', 'udp']) ?? 'tcp'

async function forward(tx: Db, actor: Actor, vpcId: string, wanted: NewPortForwarding): Promise<Made> {
  const job = await createPortForwarding(tx, actor, vpcId, wanted)
  const made = job.resources.find(({ type }) => type === 'port_forwarding')
  if (!made) throw new Error(`job ${job.id} does not name its port forwarding`)
  return { id: made.id, jobs: [job] }
}

/**
 * Changes a static of type 1.
 * @param now - what it is.
 * @param changes - what is not among its values.
 */
export async function changeForwarding(
  tx: Db,
  actor: Actor,
  now: AnyStatic,
  params: Parameters,
  changes: PortForwardingChanges,
): Promise<JobView> {
  for (const name of ['val1', 'val2']) {
    if (params.given(name) === '') throw malformed(`parameter ${name} must not be empty`)
  }
  const [port, address] = [params.int('val1', PORT), addressOf(params, 'val2')]
  const targetPort = params.given('val3') === '' ? (port ?? Number(now.values.val1)) : params.int('val3', PORT)
  return updatePortForwarding(tx, actor, now.vpcId, now.id, {
    ...changes,
    ...(port === undefined ? {} : { port }),
    ...(address === undefined ? {} : { address }),
    ...(targetPort === undefined ? {} : { target_port: targetPort }),
    ...(params.given('val4') === undefined ? {} : { protocol: protocolOf(params) }),
  })
}

/** The statics of these ids, each once, in the order of ours. @throws WireError 2100. */
export async function findStatics(tx: Db, actor: Actor, ids: readonly string[]): Promise<AnyStatic[]> {
  const wanted = [...new Set(ids)].map((id) => ({ id, either: possibleIds(id) }))
  const either = wanted.flatMap((one) => one.either)
  const { rows } = await describeStatics(tx, actor.projectId, { ids: either }, { offset: 0, limit: either.length + 1 })
  const lost = wanted.find((one) => !rows.some((row) => one.either.includes(row.id)))
  if (lost) throw missing('router static', lost.id)
  return rows.sort((a, b) => (a.id < b.id ? -1 : 1))
}

/**
 * Copies statics of a VPC to another, with their entries: those named, or all of some types, or all. A port forwarding
 * leads to the same place in the other VPC. DHCP options belong to one instance, and are not copied.
 */
export async function copyStatics(
  tx: Db,
  actor: Actor,
  from: string,
  to: string,
  only: { readonly ids?: readonly string[] | undefined; readonly types?: readonly string[] | undefined },
): Promise<JobView[]> {
  await lockVpc(tx, actor, from, 'share')
  const { cidr } = await lockVpc(tx, actor, to, 'no key update')
  const chosen = only.ids ? await findStatics(tx, actor, only.ids) : await allOf(tx, actor, from)
  const jobs: JobView[] = []
  for (const one of chosen) {
    if (one.vpcId !== from) throw denied(`router static [${one.id}] is of another router`)
    if (one.type === DHCP_TYPE || !(only.types?.includes(String(one.type)) ?? true)) continue
    jobs.push(...(await copy(tx, actor, one, to, cidr)))
  }
  return jobs
}

async function copy(tx: Db, actor: Actor, one: AnyStatic, to: string, cidr: string): Promise<readonly JobView[]> {
  const { name, enabled, values } = one
  if (one.type === FORWARDING_TYPE) {
    const [ours, theirs] = [cidr.split('.'), (values.val2 ?? '').split('.')]
    const address = [...ours.slice(0, 2), ...theirs.slice(2)].join('.')
    const [port, target_port] = [Number(values.val1), Number(values.val3)]
    const protocol = values.val4 === 'udp' ? 'udp' : 'tcp'
    return (await forward(tx, actor, to, { name, enabled, port, address, target_port, protocol })).jobs
  }
  const made = await createStatic(tx, actor, { vpc_id: to, type: one.type as StaticType, name, enabled, values })
  const entries = one.entries.map(({ val1, val2 }) => ({ val1, val2 }))
  if (entries.length > 0) await addEntries(tx, actor, made.id, entries)
  return made.jobs
}

/** More than anyone has; what is beyond is not copied. */
const MOST = 1000

const allOf = async (tx: Db, actor: Actor, vpcId: string): Promise<AnyStatic[]> =>
  (await describeStatics(tx, actor.projectId, { vpcId }, { offset: 0, limit: MOST })).rows
