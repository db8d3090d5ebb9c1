import type { Logger } from 'pino'
import type { JobAction } from '../jobs/catalogue.ts'
import { FinalError, type Nudge } from '../jobs/engines.ts'
import type { JobReport, ReportedStep, WorkOrder } from '../jobs/work-order.ts'
import { type ControlPlane, RefusedError } from './control-plane.ts'
import { TransientError } from './errors.ts'
import type { DataPlane } from './host/data-plane.ts'
import type { ServerWork } from './host-work.ts'
import { HANDLERS, type Handler } from './jobs/handlers.ts'
import { placed } from './placement.ts'
import type { Servers } from './servers.ts'
import { explain, runSteps } from './steps.ts'

export interface Surroundings {
  readonly control: ControlPlane
  readonly plane: DataPlane
  readonly servers: Servers
  readonly log: Logger
  /** Called when an attempt has ended and was reported: somebody looks after what comes of it later. */
  readonly afterwards: (work: ServerWork, action: string, outcome: JobReport['outcome']) => void
}

/**
 * Carries out one queue message: waits for the server's turn, claims the job, runs its steps, reports.
 *
 * The claim comes after the turn, so that the order shows what earlier jobs left. A crash at any line leaves the job
 * `working`; the queue hands it out again and the next claim begins a new attempt.
 * @throws FinalError when the job failed for good, the step's error when the queue is to call again.
 */
export const runJob = (around: Surroundings, nudge: Nudge): Promise<void> =>
  around.servers.atWork(nudge.serverId, async () => {
    const order = await claim(around, nudge.jobId)
    if (!order) return
    // Whoever can write to the queue could otherwise have a job done beside another one of its server.
    if (order.server.id !== nudge.serverId) throw new Error(`the message of job ${nudge.jobId} names the wrong server`)
    await attempt(around, order, nudge.lastAttempt)
  })

async function claim({ control, log }: Surroundings, jobId: string): Promise<WorkOrder | undefined> {
  try {
    return await control.claim(jobId)
  } catch (error) {
    if (!isStale(error)) throw error
    log.info({ job: jobId, code: error.code }, 'the job is not to be done any more')
    return undefined
  }
}

async function attempt(around: Surroundings, order: WorkOrder, lastAttempt: boolean): Promise<void> {
  const { control, servers, log } = around
  const { job, server } = order
  const handler: Handler | undefined = HANDLERS[job.action as JobAction]
  const work = workOf(around, order, handler?.cards ?? 'in_job')
  const mayRetry = (error: unknown) => !lastAttempt && error instanceof TransientError
  const steps: ReportedStep[] = []
  const report = (outcome: JobReport['outcome'], error: string | null) =>
    tell(control, log, job.id, { attempt: job.attempt, outcome, error, steps, observed: work.observed })
  try {
    if (!handler) throw new Error(`this worker does not know the job ${job.action}: update it`)
    await servers.register(server)
    await runSteps(await handler.steps(work), work, mayRetry, steps)
    if (job.action === 'server.delete') await servers.forget(server)
  } catch (error) {
    const outcome = mayRetry(error) ? 'retry' : 'failed'
    log.warn({ err: error, job: job.id, action: job.action, outcome }, 'job attempt failed')
    await report(outcome, explain(error))
    around.afterwards(work, job.action, outcome)
    throw outcome === 'retry' ? error : new FinalError(explain(error))
  }
  await report('successful', null)
  around.afterwards(work, job.action, 'successful')
}

function workOf({ plane, servers }: Surroundings, order: WorkOrder, which: Handler['cards']): ServerWork {
  const { server, networks, job } = order
  const cards = placed(server, networks).filter(({ nic }) => which === 'all' || nic.in_job)
  return { plane, server, guest: servers.guestOf(server), cards, force: job.force, observed: [] }
}

async function tell(control: ControlPlane, log: Logger, jobId: string, report: JobReport): Promise<void> {
  try {
    await control.report(jobId, report)
  } catch (error) {
    if (!isStale(error)) throw error
    // A later attempt has taken over, and will say how it ended.
    log.warn({ job: jobId, attempt: report.attempt, code: error.code }, 'the report is not wanted any more')
  }
}

const isStale = (error: unknown): error is RefusedError => error instanceof RefusedError && error.code === 'job_stale'
