import { and, eq, inArray } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import { nic } from '../../db/schema.ts'
import type { Actor } from '../actor.ts'
import type { JobView } from '../job/jobs.ts'
import { together } from '../job/together.ts'
import { detachNics } from './attach-nics.ts'

/**
 * Promises to detach NICs from whatever servers they are on, all or none, as one job.
 * @throws DomainError as `detachNics`, and as `together`.
 */
export async function detachFromServers(tx: Db, actor: Actor, nicIds: readonly string[]): Promise<JobView> {
  const rows = await tx
    .select({ id: nic.id, serverId: nic.serverId })
    .from(nic)
    .where(and(inArray(nic.id, [...nicIds]), eq(nic.projectId, actor.projectId)))
  const serverIds = [...new Set(rows.flatMap(({ serverId }) => serverId ?? []))].sort()
  const [first] = serverIds
  const pointer = () => ''
  if (first === undefined) return detachNics(tx, actor, { nicIds, pointer })
  // Those on no server, or not there at all, are for the first one to judge.
  const on = new Map(rows.map(({ id, serverId }) => [id, serverId]))
  const ofServer = (serverId: string) => nicIds.filter((id) => (on.get(id) ?? first) === serverId)
  return together(tx, actor, 'nic.detach', serverIds, (as, serverId) =>
    detachNics(tx, as, { serverId, nicIds: ofServer(serverId), pointer }),
  )
}
