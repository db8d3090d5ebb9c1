/** One act on several resources as one job, whose parts are the jobs of each. */
import { eq } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import { job } from '../../db/schema.ts'
import type { JobAction } from '../../jobs/catalogue.ts'
import type { Actor } from '../actor.ts'
import { DomainError } from '../errors.ts'
import { recordEvents } from '../event/events.ts'
import { getJob, type JobView, jobPromised, promiseWhole } from './jobs.ts'
import { endParent } from './report-job.ts'

/**
 * Promises an act on each of several resources, all or none. The job that is returned ends with the last of its parts.
 * Those that are so already need no part; when all are, the job that brought them there is returned.
 * @param ids - at least one; locks are taken in their order, whatever the order asked for.
 * @param act - promises the act on one, as the actor that it is given.
 * @throws DomainError `server_busy` when another job is still at work on some of them; whatever `act` throws.
 */
export async function together(
  tx: Db,
  actor: Actor,
  action: JobAction,
  ids: readonly string[],
  act: (actor: Actor, id: string) => Promise<JobView>,
): Promise<JobView> {
  const [only, ...others] = [...new Set(ids)].sort()
  if (only === undefined) throw new RangeError('an act needs a resource')
  if (others.length === 0) return act(actor, only)
  const whole = await promiseWhole(tx, actor, action)
  const jobs: JobView[] = []
  for (const id of [only, ...others]) jobs.push(await act({ ...actor, partOf: whole.id }, id))
  const parts = jobs.filter((part) => part.parent_id === whole.id)
  const standing = jobs.filter((one) => one.parent_id !== whole.id)
  const unfinished = standing.find((one) => one.finished_at === null)
  if (parts.length === 0) {
    await tx.delete(job).where(eq(job.id, whole.id))
    const wholes = [...new Set(standing.map((one) => one.parent_id ?? one.id))]
    if (unfinished && wholes.length > 1) throw atWork(unfinished)
    return getJob(tx, actor.projectId, wholes.at(-1) ?? '')
  }
  if (unfinished) throw atWork(unfinished)
  const resources = parts.flatMap((part) => part.resources)
  await tx.update(job).set({ resources }).where(eq(job.id, whole.id))
  await recordEvents(tx, [jobPromised({ ...whole, resources }, actor)])
  await endParent(tx, whole.id) // of parts that show nowhere, all may have ended
  return getJob(tx, actor.projectId, whole.id)
}

const atWork = ({ id }: JobView) => new DomainError('server_busy', `job ${id} is at work on some of them; try again`)
