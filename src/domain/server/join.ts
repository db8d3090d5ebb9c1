/**
 * Joining servers to networks, and leaving them: a NIC is made for the purpose, attached, and deleted when it has left.
 * NICs that were made by themselves and attached are nobody's joining, and stay.
 */
import { and, desc, eq, inArray, sql } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import { job, network, nic, securityGroup } from '../../db/schema.ts'
import type { Actor } from '../actor.ts'
import { bodyError, DomainError } from '../errors.ts'
import { assertInterface } from '../hypervisor/interfaces.ts'
import { getJob, type JobView, jobView, lastJob, promiseJob } from '../job/jobs.ts'
import { busy, freeSlots, moved, recordMoves } from '../nic/attach-nics.ts'
import type { NicRow } from '../nic/nics.ts'
import { makeCards } from './cards.ts'
import { lockServer, notSteady } from './lock-server.ts'
import type { ServerRow } from './servers.ts'

export interface JoinWanted {
  readonly networkId: string
  /** The lowest free one when absent. */
  readonly address?: string | undefined
  /** Of the NIC; when absent, the one that the server was given while it had no NIC, or else the default group. */
  readonly securityGroupIds?: readonly string[] | undefined
}

/**
 * Promises to join a server to a network: by its primary NIC, in slot 0, when it has none yet, else by a secondary one.
 * Asking for what is already so returns the same job.
 * @throws DomainError `not_found`, `server_joined_already` (to another network with addresses, or by another address),
 *   `server_busy`, `server_terminated`, `server_full`, `nic_busy`, `interface_missing`; as `createNics`.
 */
export async function joinServer(tx: Db, actor: Actor, id: string, wanted: JoinWanted): Promise<JobView> {
  const target = await lockServer(tx, actor, id)
  const cards = await tx.select().from(nic).where(eq(nic.serverId, id))
  const joined = cards.filter((card) => card.withServer)
  const same = joined.find((card) => card.networkId === wanted.networkId)
  const isSo = same && same.state !== 'detaching' && [undefined, same.address].includes(wanted.address)
  const standing = isSo ? await jobThatJoined(tx, actor, same) : undefined
  if (standing) return standing
  if (target.state !== 'running' && target.state !== 'stopped') throw notSteady(target)
  if (same?.state === 'detaching') throw busy(same)
  const to = await networkOf(tx, actor, wanted.networkId)
  const other = same ?? (to.type === 'managed' ? joined.find((card) => card.networkCidr !== null) : undefined)
  if (other) {
    const message = `server ${id} has joined a network already, with NIC ${other.id} at ${other.address ?? 'no address'}`
    throw new DomainError('server_joined_already', message)
  }
  if (to.interface !== null) await assertInterface(tx, target.hypervisorId, to.interface, '/network_id')

  // An adopted machine has a primary NIC of its own.
  const isPrimary = target.qmpSocket === null && cards.every((card) => card.slot !== 0)
  const [slot = 0] = isPrimary ? [0] : await freeSlots(tx, id, 1, undefined)
  const promised = await promiseJob(tx, actor, {
    action: 'nic.attach',
    hypervisorId: target.hypervisorId,
    serverId: id,
    resources: [{ type: 'network', id: to.id }],
  })
  const groupIds = wanted.securityGroupIds ?? (await groupsKeptFor(tx, target))
  const card = { networkId: to.id, address: wanted.address, slot }
  return makeCards(tx, actor, target, promised, [card], groupIds)
}

/**
 * Promises that a server leaves a network: the NICs that joining, or its making, put there are detached and deleted. An
 * elastic IP of theirs becomes available. When the guest does not let go, they stay.
 * @param wanted.networkIds - of which it is in one.
 * @throws DomainError `server_not_joined`, `nic_busy`, `server_busy`, `server_terminated`, `not_found` (server).
 */
export async function leaveServer(
  tx: Db,
  actor: Actor,
  id: string,
  wanted: { readonly networkIds: readonly string[]; readonly force?: boolean | undefined },
): Promise<JobView> {
  const networkIds = [...wanted.networkIds]
  const from = await lockServer(tx, actor, id)
  const cards = await tx
    .select()
    .from(nic)
    .where(and(eq(nic.serverId, id), eq(nic.withServer, true), inArray(nic.networkId, networkIds)))
    .orderBy(nic.id)
    .for('update')
  const arriving = cards.find((card) => card.state === 'attaching')
  if (arriving) throw busy(arriving)
  const there = cards.filter((card) => card.state === 'in_use')
  const leaving = cards.find((card) => card.state === 'detaching')
  if (there.length === 0 && leaving?.jobId) {
    const taking = await getJob(tx, actor.projectId, leaving.jobId)
    if (taking.action === 'nic.detach') return taking
    throw notSteady(from) // it goes with its server
  }
  if (there.length === 0) {
    const standing = await jobThatLeft(tx, actor, id, networkIds)
    if (standing) return standing
    for (const networkId of networkIds.slice(0, 1)) await networkOf(tx, actor, networkId)
    throw new DomainError('server_not_joined', `server ${id} has not joined this network`)
  }
  if (from.state !== 'running' && from.state !== 'stopped') throw notSteady(from)
  const nicIds = there.map((card) => card.id)
  const left = [...new Set(there.map((card) => card.networkId))]
  const promised = await promiseJob(tx, actor, {
    action: 'nic.detach',
    hypervisorId: from.hypervisorId,
    serverId: id,
    nicIds,
    resources: left.map((networkId) => ({ type: 'network' as const, id: networkId })),
    request: { force: wanted.force ?? false },
  })
  await tx.update(nic).set(moved('detaching', promised.id)).where(inArray(nic.id, nicIds))
  await recordMoves(tx, actor, there, 'detaching', promised.id, id)
  return promised
}

/** Which of some networks a server has joined, if it has one of them. */
export async function joinedNetwork(
  db: Db,
  actor: Actor,
  id: string,
  networkIds: readonly string[],
): Promise<string | undefined> {
  const [card] = await db
    .select({ networkId: nic.networkId })
    .from(nic)
    .where(
      and(
        eq(nic.serverId, id),
        eq(nic.projectId, actor.projectId),
        eq(nic.withServer, true),
        inArray(nic.networkId, [...networkIds]),
      ),
    )
  return card?.networkId
}

async function networkOf(tx: Db, actor: Actor, id: string) {
  const [row] = await tx
    .select({ id: network.id, type: network.type, interface: network.interface })
    .from(network)
    .where(and(eq(network.id, id), eq(network.projectId, actor.projectId)))
  if (!row) throw bodyError('not_found', '/network_id', `network ${id} not found`)
  return row
}

/** The job that brings a NIC to its server, or that did. */
async function jobThatJoined(tx: Db, actor: Actor, card: NicRow): Promise<JobView | undefined> {
  if (card.jobId !== null) return getJob(tx, actor.projectId, card.jobId)
  return (
    (await lastJob(tx, actor.projectId, { action: 'nic.attach', nic_id: card.id })) ??
    (await lastJob(tx, actor.projectId, { action: 'server.create', nic_id: card.id }))
  )
}

/** The job by which a server leaves one of these networks, or left it last. */
async function jobThatLeft(
  tx: Db,
  actor: Actor,
  serverId: string,
  networkIds: readonly string[],
): Promise<JobView | undefined> {
  const named = inArray(sql`r.id`, [...networkIds])
  const [row] = await tx
    .select()
    .from(job)
    .where(
      and(
        eq(job.projectId, actor.projectId),
        eq(job.serverId, serverId),
        eq(job.action, 'nic.detach'),
        sql`EXISTS (SELECT FROM jsonb_to_recordset(${job.resources}) r (type text, id text)
          WHERE r.type = 'network' AND ${named})`,
      ),
    )
    .orderBy(desc(job.seq))
    .limit(1)
  return row && jobView(row)
}

/** The security group that clients of the QingCloud wire gave a server while it had no NIC, if there still is one. */
async function groupsKeptFor(tx: Db, { wire, projectId }: ServerRow): Promise<string[] | undefined> {
  if (typeof wire.security_group_id !== 'string') return undefined
  const [row] = await tx
    .select({ id: securityGroup.id })
    .from(securityGroup)
    .where(and(eq(securityGroup.id, wire.security_group_id), eq(securityGroup.projectId, projectId)))
  return row && [row.id]
}
