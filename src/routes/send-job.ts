import type { Deps } from '../app.ts'
import type { JobView } from '../domain/job/jobs.ts'
import type { JobAction } from '../jobs/catalogue.ts'

/** Gives a job that was just promised to its queue, or the parts of one that has some. */
export function sendJob({ relay }: Pick<Deps, 'relay'>, job: JobView): void {
  if (job.state === 'working' && job.hypervisor_id === null) relay.look()
  if (job.state !== 'pending' || job.hypervisor_id === null) return
  relay.send({
    hypervisorId: job.hypervisor_id,
    jobId: job.id,
    action: job.action as JobAction,
    serverId: job.server_id,
  })
}
