/**
 * Settings of a NIC that its hypervisor has to bring into force: written at once, with the job that says when they hold.
 * They may change in any state of the NIC, for workers always read the newest.
 */
import { and, eq, notInArray } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import { type AddressPair, nic, nicSecurityGroup } from '../../db/schema.ts'
import type { Actor } from '../actor.ts'
import { changeSet } from '../changes.ts'
import { recordEvents } from '../event/events.ts'
import { type JobView, promiseApply } from '../job/jobs.ts'
import { hypervisorsOfNics, hypervisorsThatName } from '../job/where-it-shows.ts'
import { defaultGroupOf } from '../security-group/default-group.ts'
import { assertGroups } from '../security-group/membership.ts'
import { type NicRow, ownNic, whyNotNic } from './nics.ts'

/** What a NIC may be made with. */
export interface NicSettings {
  /** At most 10; the project's default group when absent. */
  readonly security_group_ids?: readonly string[] | undefined
  /** True when absent. */
  readonly anti_spoofing?: boolean
  readonly allowed_address_pairs?: readonly AddressPair[]
  readonly bandwidth?: Partial<Bandwidth>
}

/** Mbit/s (10^6 bit/s), 1..100000; `in` is towards the guest. `null`: not limited. */
export interface Bandwidth {
  readonly in_mbps: number | null
  readonly out_mbps: number | null
}

/** Puts a NIC into these groups, and out of all others. */
export async function setNicGroups(
  tx: Db,
  actor: Actor,
  id: string,
  groupIds: readonly string[],
  ifMatch?: number,
): Promise<JobView> {
  const row = await write(tx, actor, id, {}, ifMatch)
  await assertGroups(tx, actor, groupIds)
  const rows = await tx.select().from(nicSecurityGroup).where(eq(nicSecurityGroup.nicId, id))
  // In before out: a NIC in no group at all would be in the default one for a moment.
  await tx
    .insert(nicSecurityGroup)
    .values(groupIds.map((groupId) => ({ nicId: id, groupId, projectId: row.projectId })))
    .onConflictDoNothing()
  await tx
    .delete(nicSecurityGroup)
    .where(and(eq(nicSecurityGroup.nicId, id), notInArray(nicSecurityGroup.groupId, [...groupIds])))
  const before = rows.length > 0 ? rows.map(({ groupId }) => groupId) : [defaultGroupOf(row.projectId)]
  const left = before.filter((groupId) => !groupIds.includes(groupId))
  const joined = groupIds.filter((groupId) => !before.includes(groupId))
  const here = await hypervisorsOfNics(tx, eq(nic.id, id))
  // What it left or joined may be the remote of rules elsewhere: those must learn its address, or forget it.
  const elsewhere = here.length === 0 ? [] : await hypervisorsThatName(tx, row, [...left, ...joined])
  return promised(tx, actor, row, { security_group_ids: groupIds }, [...new Set([...here, ...elsewhere])])
}

/** Limits the bandwidth of a NIC. */
export async function setNicBandwidth(
  tx: Db,
  actor: Actor,
  id: string,
  wanted: Bandwidth,
  ifMatch?: number,
): Promise<JobView> {
  const set = { bandwidthInMbps: wanted.in_mbps, bandwidthOutMbps: wanted.out_mbps }
  return promised(tx, actor, await write(tx, actor, id, set, ifMatch), { bandwidth: wanted })
}

/**
 * Turns anti-spoofing on or off.
 * @param wanted.allowed_address_pairs - what it may use besides its own addresses; absent: as before.
 */
export async function setAntiSpoofing(
  tx: Db,
  actor: Actor,
  id: string,
  wanted: { enabled: boolean; allowed_address_pairs?: readonly AddressPair[] },
  ifMatch?: number,
): Promise<JobView> {
  const pairs = wanted.allowed_address_pairs
  const set = { antiSpoofing: wanted.enabled, ...(pairs ? { allowedAddressPairs: [...pairs] } : {}) }
  const told = { anti_spoofing: wanted.enabled, ...(pairs ? { allowed_address_pairs: pairs } : {}) }
  return promised(tx, actor, await write(tx, actor, id, set, ifMatch), told)
}

async function write(
  tx: Db,
  actor: Actor,
  id: string,
  set: Partial<typeof nic.$inferInsert>,
  ifMatch: number | undefined,
): Promise<NicRow> {
  const [row] = await tx
    .update(nic)
    .set({ ...set, ...changeSet(nic.generation, {}) })
    .where(ownNic(actor, id, ifMatch))
    .returning()
  if (!row) throw await whyNotNic(tx, actor, id, ifMatch)
  return row
}

/** Promises the job that brings a change about, and tells of the change. Without `where` it shows at the NIC alone. */
async function promised(
  tx: Db,
  actor: Actor,
  { id, projectId, address }: NicRow,
  data: Record<string, unknown>,
  where?: readonly string[],
): Promise<JobView> {
  const hypervisorIds = where ?? (await hypervisorsOfNics(tx, eq(nic.id, id)))
  const job = await promiseApply(tx, actor, [{ type: 'nic', id }], hypervisorIds)
  await recordEvents(tx, [{ projectId, type: 'nic.updated', id, address, actor: actor.keyId, jobId: job.id, data }])
  return job
}
