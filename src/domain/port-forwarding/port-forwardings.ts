/**
 * Port forwardings of a VPC: what comes to a port of its elastic IP goes to an address inside. They may be made before
 * the VPC has an elastic IP, and have effect while it has one. Every write locks the VPC, so that its elastic IP does
 * not move to another hypervisor before the job is promised.
 */
import { and, eq } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import { refusedConstraint } from '../../db/constraint-errors.ts'
import { portForwarding } from '../../db/schema.ts'
import type { Actor } from '../actor.ts'
import { assertUnchanged, changeSet } from '../changes.ts'
import { hypervisorsOfVpcAddress } from '../elastic-ip/vpc-address.ts'
import { bodyError, DomainError, notFound } from '../errors.ts'
import { recordEvents } from '../event/events.ts'
import { newId } from '../ids.ts'
import { type JobView, promiseApply } from '../job/jobs.ts'
import type { FORWARDED_PROTOCOLS } from '../network/network-kinds.ts'
import { type Items, type Page, pageOf, toItems } from '../paging.ts'
import { getVpc, lockVpc } from '../vpc/vpcs.ts'

type ForwardedProtocol = (typeof FORWARDED_PROTOCOLS)[number]
type PortForwardingRow = typeof portForwarding.$inferSelect

export interface PortForwardingView {
  id: string
  vpc_id: string
  name: string
  protocol: ForwardedProtocol
  /** 1..65535, of the VPC's elastic IP. */
  port: number
  address: string
  /** 1..65535, of `address`. */
  target_port: number
  /** False: it is kept, and has no effect. */
  enabled: boolean
  generation: number
  created_at: string
  updated_at: string
}

const view = (row: PortForwardingRow): PortForwardingView => ({
  id: row.id,
  vpc_id: row.vpcId,
  name: row.name,
  protocol: row.protocol,
  port: row.port,
  address: row.address,
  target_port: row.targetPort,
  enabled: row.enabled,
  generation: row.generation,
  created_at: row.createdAt.toISOString(),
  updated_at: row.updatedAt.toISOString(),
})

export interface PortForwardingChanges {
  readonly name?: string
  readonly protocol?: ForwardedProtocol
  readonly port?: number
  readonly address?: string
  readonly target_port?: number
  readonly enabled?: boolean
}

export interface NewPortForwarding extends PortForwardingChanges {
  readonly protocol: ForwardedProtocol
  readonly port: number
  readonly address: string
}

/**
 * Makes a port forwarding.
 * @param wanted.target_port - the same as `port` by default.
 * @throws DomainError `not_found`, `address_out_of_range`, `port_in_use`.
 */
export async function createPortForwarding(
  tx: Db,
  actor: Actor,
  vpcId: string,
  wanted: NewPortForwarding,
): Promise<JobView> {
  const { target_port: targetPort = wanted.port, ...values } = wanted
  const of = await lockVpc(tx, actor, vpcId, 'share')
  const [row] = await tx
    .insert(portForwarding)
    .values({
      id: newId('pf'),
      projectId: actor.projectId,
      vpcId,
      vpcCidr: of.cidr,
      ...values,
      targetPort,
    })
    .returning()
    .catch((error: unknown) => refine(error, of, wanted))
  if (!row) throw new Error('INSERT INTO port_forwarding returned no row')
  return apply(tx, actor, row, 'created')
}

export async function getPortForwarding(
  db: Db,
  projectId: string,
  vpcId: string,
  id: string,
): Promise<PortForwardingView> {
  const [row] = await db
    .select()
    .from(portForwarding)
    .where(own(projectId, vpcId, id))
  if (!row) throw notFound('port forwarding', id)
  return view(row)
}

export async function listPortForwardings(
  db: Db,
  projectId: string,
  vpcId: string,
  filter: { name?: string },
  page: Page,
): Promise<Items<PortForwardingView>> {
  const { where, orderBy, limit } = pageOf(portForwarding.seq, page) // refuses a cursor of somewhere else
  await getVpc(db, projectId, vpcId)
  const rows = await db
    .select()
    .from(portForwarding)
    .where(and(eq(portForwarding.vpcId, vpcId), filter.name ? eq(portForwarding.name, filter.name) : undefined, where))
    .orderBy(orderBy)
    .limit(limit)
  return toItems(rows, page, view)
}

/** @throws DomainError `not_found`, `precondition_failed`, `address_out_of_range`, `port_in_use`. */
export async function updatePortForwarding(
  tx: Db,
  actor: Actor,
  vpcId: string,
  id: string,
  changes: PortForwardingChanges,
  ifMatch?: number,
): Promise<JobView> {
  const of = await lockVpc(tx, actor, vpcId, 'share')
  const now = await lockPortForwarding(tx, actor, vpcId, id, ifMatch)
  const { target_port: targetPort = now.targetPort, ...values } = changes
  const [row] = await tx
    .update(portForwarding)
    .set({ ...changeSet(portForwarding.generation, values), targetPort })
    .where(eq(portForwarding.id, id))
    .returning()
    .catch((error: unknown) => refine(error, of, { ...now, ...values }))
  if (!row) throw new Error(`port forwarding ${id} vanished while locked`)
  return apply(tx, actor, row, 'updated')
}

/** @throws DomainError `not_found`, `precondition_failed`. */
export async function deletePortForwarding(
  tx: Db,
  actor: Actor,
  vpcId: string,
  id: string,
  ifMatch?: number,
): Promise<JobView> {
  await lockVpc(tx, actor, vpcId, 'share')
  const row = await lockPortForwarding(tx, actor, vpcId, id, ifMatch)
  await tx.delete(portForwarding).where(eq(portForwarding.id, id))
  return apply(tx, actor, row, 'deleted')
}

async function lockPortForwarding(
  tx: Db,
  actor: Actor,
  vpcId: string,
  id: string,
  ifMatch: number | undefined,
): Promise<PortForwardingRow> {
  const [row] = await tx
    .select()
    .from(portForwarding)
    .where(and(own(actor.projectId, vpcId, id), assertUnchanged(portForwarding.generation, ifMatch)))
    .for('update')
  if (row) return row
  const { generation } = await getPortForwarding(tx, actor.projectId, vpcId, id)
  throw new DomainError('precondition_failed', `port forwarding ${id} is at generation ${generation}, not ${ifMatch}`)
}

const own = (projectId: string, vpcId: string, id: string) =>
  and(eq(portForwarding.id, id), eq(portForwarding.vpcId, vpcId), eq(portForwarding.projectId, projectId))

/** Asks the hypervisor that holds the VPC's elastic IP to follow, and records what was done. */
async function apply(
  tx: Db,
  actor: Actor,
  row: PortForwardingRow,
  what: 'created' | 'updated' | 'deleted',
): Promise<JobView> {
  const { vpc_id, name, protocol, port, address, target_port, enabled } = view(row)
  const data = { vpc_id, name, protocol, port, address, target_port, enabled }
  const about = [
    { type: 'vpc', id: row.vpcId },
    { type: 'port_forwarding', id: row.id },
  ] as const
  const job = await promiseApply(tx, actor, about, await hypervisorsOfVpcAddress(tx, row.vpcId))
  const by = { actor: actor.keyId, jobId: job.id }
  await recordEvents(tx, [{ projectId: row.projectId, type: `port_forwarding.${what}`, id: row.id, ...by, data }])
  return job
}

/** Says, for a refused port forwarding, which field it was. */
function refine(
  error: unknown,
  of: { id: string; cidr: string },
  { protocol, port, address }: NewPortForwarding | PortForwardingRow,
): never {
  switch (refusedConstraint(error)?.constraint) {
    case 'port_forwarding_port_key':
      throw bodyError('port_in_use', '/port', `${protocol} port ${port} of VPC ${of.id} is forwarded already`, error)
    case 'port_forwarding_address_in_vpc':
      throw bodyError(
        'address_out_of_range',
        '/address',
        `address ${address} lies outside ${of.cidr}, the CIDR of VPC ${of.id}`,
        error,
      )
    case 'port_forwarding_address_of_host':
      throw bodyError(
        'address_out_of_range',
        '/address',
        `address ${address} is no machine's: the first two and the last address of a /24 are its own, its gateway's and its broadcast`,
        error,
      )
    default:
      throw error
  }
}
