/** NICs that come and go with their place on a server: those it is made with, and those it gets by joining a network. */
import { eq } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import { job as jobTable } from '../../db/schema.ts'
import type { Actor } from '../actor.ts'
import { getJob, type JobView } from '../job/jobs.ts'
import { createNics } from '../nic/create-nics.ts'

export interface CardWanted {
  readonly networkId: string
  /** The lowest free one when absent. */
  readonly address?: string | undefined
  /** 0 is the primary NIC's. */
  readonly slot: number
}

/**
 * Makes NICs on a server, in `attaching`, for a job to plug.
 * @param groupIds - the project's default group when absent.
 * @returns the job, which now names them.
 */
export async function makeCards(
  tx: Db,
  actor: Actor,
  server: { readonly id: string; readonly name: string },
  job: JobView,
  cards: readonly CardWanted[],
  groupIds: readonly string[] | undefined,
): Promise<JobView> {
  if (cards.length === 0) return job
  const nicIds: string[] = []
  // Each takes the lock of its network: in one order, whoever asks.
  for (const card of cards.toSorted((a, b) => (a.networkId < b.networkId ? -1 : 1))) {
    const [made] = await createNics(tx, actor, {
      networkId: card.networkId,
      count: 1,
      name: server.name,
      addresses: card.address === undefined ? [] : [card.address],
      security_group_ids: groupIds,
      withServer: { serverId: server.id, slot: card.slot, jobId: job.id },
      pointer: () => '/address',
    })
    if (!made) throw new Error(`no NIC was made in slot ${card.slot}`)
    nicIds.push(made.id)
  }
  await tx.update(jobTable).set({ nicIds }).where(eq(jobTable.id, job.id))
  return getJob(tx, actor.projectId, job.id)
}
