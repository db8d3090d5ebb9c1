/**
 * Statics: what a VPC is configured with besides port forwardings, as names and values; see static-values.ts. Whoever makes
 * one locks the server that it is about first, then the VPC; whoever changes or deletes one, the static and then servers.
 */
import { and, asc, eq, ne, sql } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import { network } from '../../db/schema.ts'
import { vpcStatic } from '../../db/schema-wire.ts'
import type { Actor } from '../actor.ts'
import { bodyError, notFound } from '../errors.ts'
import { recordEvents } from '../event/events.ts'
import { newId } from '../ids.ts'
import type { JobView } from '../job/jobs.ts'
import { getNetwork } from '../network/networks.ts'
import { lockVpc } from '../vpc/vpcs.ts'
import { DHCP_TYPE, followOptions, type OptionsOf } from './dhcp-statics.ts'
import { completeValues, type StaticType, type StaticValues, wrong } from './static-values.ts'

export type StaticRow = typeof vpcStatic.$inferSelect

export interface NewStatic {
  readonly vpc_id: string
  readonly type: StaticType
  readonly values: StaticValues
  readonly name?: string
  readonly network_id?: string
  /** True when absent. */
  readonly enabled?: boolean
}

export interface StaticChanges {
  readonly name?: string
  /** Those that are to change; '' goes back to what is filled in. */
  readonly values?: StaticValues
  readonly enabled?: boolean
}

/**
 * Makes a static.
 * @returns its id, and the jobs that bring it about.
 * @throws DomainError `not_found` (VPC, network, server), `vpc_static_invalid`, and as `followOptions`.
 */
export async function createStatic(
  tx: Db,
  actor: Actor,
  { vpc_id: vpcId, type, values: given, name = '', network_id, enabled = true }: NewStatic,
): Promise<{ id: string; jobs: JobView[] }> {
  const id = newId('vs')
  const settled = type === DHCP_TYPE ? completeValues(type, given, noClients) : undefined
  const jobs = settled ? await followOptions(tx, actor, undefined, { id, values: settled, enabled }) : []
  await lockVpc(tx, actor, vpcId, 'no key update')
  if (network_id !== undefined) await getNetwork(tx, actor.projectId, network_id)
  const vals = settled ?? (await completed(tx, { id, vpcId, type }, given))
  const networkId = network_id ?? null
  await tx
    .insert(vpcStatic)
    .values({ id, projectId: actor.projectId, vpcId, networkId, type, name, vals: { ...vals }, enabled })
  await tell(tx, actor, 'created', { id, vpcId, type, name })
  return { id, jobs }
}

/** @throws DomainError `not_found`, `vpc_static_invalid`, and as `followOptions`. */
export async function updateStatic(
  tx: Db,
  actor: Actor,
  id: string,
  { name, values, enabled }: StaticChanges,
): Promise<JobView[]> {
  const now = await lockStatic(tx, actor, id)
  const type = now.type as StaticType
  const vals = values ? await completed(tx, { ...now, type }, { ...now.vals, ...values }) : now.vals
  const after = { ...now, name: name ?? now.name, vals: { ...vals }, enabled: enabled ?? now.enabled }
  const jobs = type === DHCP_TYPE ? await followOptions(tx, actor, optionsOf(now), optionsOf(after)) : []
  await tx
    .update(vpcStatic)
    .set({ name: after.name, vals: after.vals, enabled: after.enabled, updatedAt: sql`now()` })
    .where(eq(vpcStatic.id, id))
  await tell(tx, actor, 'updated', after)
  return jobs
}

/** @throws DomainError `not_found`. */
export async function deleteStatic(tx: Db, actor: Actor, id: string): Promise<JobView[]> {
  return remove(tx, actor, await lockStatic(tx, actor, id))
}

/** Deletes the statics of a VPC. */
export async function deleteStaticsOf(tx: Db, actor: Actor, vpcId: string): Promise<JobView[]> {
  const rows = await tx
    .select()
    .from(vpcStatic)
    .where(and(eq(vpcStatic.vpcId, vpcId), eq(vpcStatic.projectId, actor.projectId)))
    .orderBy(asc(vpcStatic.id))
    .for('update')
  const jobs: JobView[] = []
  for (const row of rows) jobs.push(...(await remove(tx, actor, row)))
  return jobs
}

/** Locks a static until the transaction ends: its entries are added under this lock, too. */
export async function lockStatic(tx: Db, actor: Actor, id: string): Promise<StaticRow> {
  const [row] = await tx
    .select()
    .from(vpcStatic)
    .where(and(eq(vpcStatic.id, id), eq(vpcStatic.projectId, actor.projectId)))
    .for('update')
  if (!row) throw notFound('static', id)
  return row
}

async function remove(tx: Db, actor: Actor, row: StaticRow): Promise<JobView[]> {
  const jobs = row.type === DHCP_TYPE ? await followOptions(tx, actor, optionsOf(row), undefined) : []
  await tx.delete(vpcStatic).where(eq(vpcStatic.id, row.id))
  await tell(tx, actor, 'deleted', row)
  return jobs
}

const optionsOf = ({ id, vals, enabled }: StaticRow): OptionsOf => ({ id, values: vals, enabled })

/** Only VPNs have clients. */
const noClients = () => ''

type Of = Pick<StaticRow, 'id' | 'vpcId'> & { readonly type: StaticType }

async function completed(tx: Db, of: Of, given: StaticValues): Promise<StaticValues> {
  const taken = of.type === 2 ? await clientNetworks(tx, of) : []
  const values = completeValues(of.type, given, () => freeNetwork(taken))
  if (of.type === 6) await assertApart(tx, of, (values.val2 ?? '').split('|'))
  return values
}

async function clientNetworks(tx: Db, { id, vpcId }: Of): Promise<string[]> {
  const rows = await tx
    .select({ vals: vpcStatic.vals })
    .from(vpcStatic)
    .where(and(eq(vpcStatic.vpcId, vpcId), eq(vpcStatic.type, 2), ne(vpcStatic.id, id)))
  return rows.flatMap(({ vals }) => vals.val4 ?? [])
}

function freeNetwork(taken: readonly string[]): string {
  for (let third = 1; third <= 254; third++) {
    const cidr = `10.255.${third}.0/24`
    if (!taken.includes(cidr)) return cidr
  }
  throw bodyError('vpc_static_invalid', '/val4', 'none of 10.255.1.0/24 to 10.255.254.0/24 is free: name another CIDR')
}

/** A tunnel must not lead to networks that are here. */
async function assertApart(tx: Db, { vpcId, type }: Of, cidrs: readonly string[]): Promise<void> {
  const targets = sql.join(
    cidrs.map((cidr) => sql`${cidr}::inet`),
    sql`, `,
  )
  const [here] = await tx
    .select({ id: network.id, cidr: network.cidr })
    .from(network)
    .where(and(eq(network.vpcId, vpcId), sql`${network.cidr} && ANY (ARRAY[${targets}])`))
    .limit(1)
  if (here) throw wrong(type, 'val2', `must not overlap ${here.cidr} of network ${here.id}`)
}

/** Without the values: passwords are among them. */
const tell = (
  tx: Db,
  actor: Actor,
  what: 'created' | 'updated' | 'deleted',
  { id, vpcId, type, name }: Pick<StaticRow, 'id' | 'vpcId' | 'type' | 'name'>,
) =>
  recordEvents(tx, [
    {
      projectId: actor.projectId,
      type: `vpc_static.${what}`,
      id,
      actor: actor.keyId,
      data: { vpc_id: vpcId, type, name },
    },
  ])
