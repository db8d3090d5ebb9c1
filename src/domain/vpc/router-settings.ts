/** What the router of a VPC does, changed while it works. */
import { eq } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import { vpc } from '../../db/schema.ts'
import type { Actor } from '../actor.ts'
import { changeSet } from '../changes.ts'
import { hypervisorsOfVpcAddress } from '../elastic-ip/vpc-address.ts'
import { recordEvents } from '../event/events.ts'
import { type JobView, promiseApply } from '../job/jobs.ts'
import { hypervisorsOfVpc } from '../job/where-it-shows.ts'
import { hasChanged, lockVpc, type VpcRow } from './vpcs.ts'

/**
 * Says whether addresses of the VPC may go out by its elastic IP. It has effect while the VPC has one.
 * @throws DomainError `not_found`, `precondition_failed`.
 */
export const setSourceNat = (tx: Db, actor: Actor, id: string, enabled: boolean, ifMatch?: number): Promise<JobView> =>
  settle(tx, actor, id, { sourceNat: enabled }, { source_nat: enabled }, hypervisorsOfVpcAddress, ifMatch)

/**
 * Switches the router of a VPC on or off. One that is off passes nothing on, neither between networks nor by elastic IPs;
 * guests keep what DHCP gave them, and reach their own network.
 * @throws DomainError `not_found`, `precondition_failed`.
 */
export const setRouting = (tx: Db, actor: Actor, id: string, enabled: boolean, ifMatch?: number): Promise<JobView> =>
  settle(tx, actor, id, { routing: enabled }, { routing: enabled }, whereRouted, ifMatch)

/** Has every hypervisor where the router of a VPC stands bring it up to date. @throws DomainError `not_found`. */
export async function applyRouter(tx: Db, actor: Actor, id: string): Promise<JobView> {
  await lockVpc(tx, actor, id, 'share')
  return promiseApply(tx, actor, [{ type: 'vpc', id }], await whereRouted(tx, id))
}

/** Where the router of a VPC stands: wherever NICs are in its networks, and where its elastic IP is. */
const whereRouted = async (tx: Db, id: string): Promise<string[]> =>
  [...new Set([...(await hypervisorsOfVpc(tx, id)), ...(await hypervisorsOfVpcAddress(tx, id))])].sort()

async function settle(
  tx: Db,
  actor: Actor,
  id: string,
  columns: Partial<Pick<VpcRow, 'sourceNat' | 'routing'>>,
  data: Record<string, unknown>,
  shownOn: (tx: Db, id: string) => Promise<string[]>,
  ifMatch: number | undefined,
): Promise<JobView> {
  const now = await lockVpc(tx, actor, id, 'no key update')
  if (ifMatch !== undefined && now.generation !== ifMatch) throw hasChanged(now, ifMatch)
  const job = await promiseApply(tx, actor, [{ type: 'vpc', id }], await shownOn(tx, id))
  if (Object.entries(columns).every(([column, value]) => now[column as keyof VpcRow] === value)) return job
  await tx
    .update(vpc)
    .set({ ...columns, ...changeSet(vpc.generation, {}) })
    .where(eq(vpc.id, id))
  const by = { actor: actor.keyId, jobId: job.id }
  await recordEvents(tx, [{ projectId: now.projectId, type: 'vpc.updated', id, ...by, data }])
  return job
}
