import { and, eq, sql } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import { elasticIp, network, portForwarding, vpc } from '../../db/schema.ts'
import { vpcStatic } from '../../db/schema-wire.ts'
import type { Actor } from '../actor.ts'
import { changeSet } from '../changes.ts'
import { disassociateElasticIp } from '../elastic-ip/associate.ts'
import { DomainError } from '../errors.ts'
import { recordEvents } from '../event/events.ts'
import type { JobView } from '../job/jobs.ts'
import { deleteStaticsOf } from '../vpc-static/statics.ts'
import { hasChanged, lockVpc } from './vpcs.ts'

/**
 * Deletes a VPC that no network is joined to; it stays readable by id.
 * @param options.force - its elastic IP is taken from it, its port forwardings and statics go with it. Otherwise nothing
 *   may be left in it.
 * @returns the jobs that carry out what follows from it: that of its elastic IP first.
 * @throws DomainError `not_found`, `precondition_failed`, `vpc_in_use`.
 */
export async function deleteVpc(
  tx: Db,
  actor: Actor,
  id: string,
  { force = false, ifMatch }: { force?: boolean; ifMatch?: number | undefined } = {},
): Promise<JobView[]> {
  // An elastic IP is locked before its VPC, and so are servers. What comes in between is found by `leftIn`.
  const jobs = force ? [...(await freeAddress(tx, actor, id)), ...(await deleteStaticsOf(tx, actor, id))] : []
  const now = await lockVpc(tx, actor, id, 'update')
  if (ifMatch !== undefined && now.generation !== ifMatch) throw hasChanged(now, ifMatch)
  if (force) await deleteForwardings(tx, actor, id)
  const left = await leftIn(tx, id)
  if (left.length > 0) throw new DomainError('vpc_in_use', `VPC ${id} still has ${left.join('; ')}`)
  await tx
    .update(vpc)
    .set({ deletedAt: sql`now()`, securityGroupId: null, ...changeSet(vpc.generation, {}) })
    .where(eq(vpc.id, id))
  await recordEvents(tx, [{ projectId: now.projectId, type: 'vpc.deleted', id, actor: actor.keyId }])
  return jobs
}

async function freeAddress(tx: Db, actor: Actor, id: string): Promise<JobView[]> {
  const [address] = await tx
    .select({ id: elasticIp.id })
    .from(elasticIp)
    .where(and(eq(elasticIp.vpcId, id), eq(elasticIp.projectId, actor.projectId)))
  return address ? [await disassociateElasticIp(tx, actor, address.id)] : []
}

/** They had effect by the elastic IP only, which is gone. */
async function deleteForwardings(tx: Db, actor: Actor, vpcId: string): Promise<void> {
  const gone = await tx.delete(portForwarding).where(eq(portForwarding.vpcId, vpcId)).returning()
  await recordEvents(
    tx,
    gone.map(({ id, projectId, protocol, port }) => ({
      projectId,
      type: 'port_forwarding.deleted',
      id,
      actor: actor.keyId,
      data: { vpc_id: vpcId, protocol, port },
    })),
  )
}

/** What keeps a VPC from being deleted: foreign keys hold it, but would name only one of them, and not how many. */
async function leftIn(tx: Db, id: string): Promise<string[]> {
  const networks = await tx.$count(network, eq(network.vpcId, id))
  const forwardings = await tx.$count(portForwarding, eq(portForwarding.vpcId, id))
  const statics = await tx.$count(vpcStatic, eq(vpcStatic.vpcId, id))
  const [address] = await tx.select({ id: elasticIp.id }).from(elasticIp).where(eq(elasticIp.vpcId, id))
  return [
    networks > 0 ? [`networks (${networks}): delete them or let them leave first`] : [],
    address ? [`elastic IP ${address.id}: disassociate it first`] : [],
    forwardings > 0 ? [`port forwardings (${forwardings}): delete them first`] : [],
    statics > 0 ? [`statics (${statics}): delete them first, or force`] : [],
  ].flat()
}
