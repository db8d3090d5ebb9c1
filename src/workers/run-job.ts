import type { Logger } from 'pino'
import { FinalError, type Nudge } from '../jobs/engines.ts'
import type { JobReport, OrderServer, ReportedStep, WorkOrder } from '../jobs/work-order.ts'
import { type ControlPlane, RefusedError } from './control-plane.ts'
import { TransientError } from './errors.ts'
import type { DataPlane } from './host/data-plane.ts'
import type { ServerWork } from './host-work.ts'
import { configureNamespaces, partsOf } from './jobs/apply.ts'
import { HANDLERS, type Handler, type ServerAction } from './jobs/handlers.ts'
import type { NetworkSettings } from './network-settings.ts'
import { placed } from './placement.ts'
import type { Servers } from './servers.ts'
import { explain, runSteps } from './steps.ts'
import { tellProgress } from './tell-progress.ts'

export interface Surroundings {
  readonly control: ControlPlane
  readonly plane: DataPlane
  readonly servers: Servers
  readonly settings: NetworkSettings
  readonly log: Logger
  /** Called when an attempt has ended and was reported: somebody looks after what comes of it later. */
  readonly afterwards: (work: ServerWork, action: string, outcome: JobReport['outcome']) => void
}

/** Whoever changes the network settings of the hypervisor waits for this turn, as others wait for their server's. */
const NETWORK_TURN = 'network'

/**
 * Carries out one queue message: waits for the server's turn, claims the job, runs its steps, reports.
 *
 * The claim comes after the turn, so that the order shows what earlier jobs left. A crash at any line leaves the job
 * `working`; the queue hands it out again and the next claim begins a new attempt.
 * @throws FinalError when the job failed for good, the step's error when the queue is to call again.
 */
export function runJob(around: Surroundings, nudge: Nudge): Promise<void> {
  // What is promised is committed by now: whoever begins to read the desired state from here on sees it.
  const since = around.settings.epoch
  return around.servers.atWork(nudge.serverId ?? NETWORK_TURN, async () => {
    const epoch = around.settings.epoch
    const order = await claim(around, nudge.jobId)
    if (!order) return
    // Whoever can write to the queue could otherwise have a job done beside another one of its server.
    if ((order.server?.id ?? null) !== nudge.serverId) {
      throw new Error(`the message of job ${nudge.jobId} names the wrong server`)
    }
    if (order.server === null) await workOnNetwork(around, order, nudge, since)
    else await workOnServer(around, nudge, order, workOf(around, order, order.server, epoch))
  })
}

async function claim({ control, log }: Surroundings, jobId: string): Promise<WorkOrder | undefined> {
  try {
    return await control.claim(jobId)
  } catch (error) {
    if (!isStale(error)) throw error
    log.info({ job: jobId, code: error.code }, 'the job is not to be done any more')
    return undefined
  }
}

async function workOnServer(around: Surroundings, nudge: Nudge, order: WorkOrder, work: ServerWork): Promise<void> {
  const { servers } = around
  const { action } = order.job
  const handler: Handler | undefined = HANDLERS[action as ServerAction]
  const outcome = attempt(around, order, nudge, work.observed, async (steps, mayRetry) => {
    if (!handler) throw unknownJob(action)
    await servers.register(work.server)
    await runSteps(await handler.steps(work), work, mayRetry, steps)
    if (action === 'server.delete') await servers.forget(work.server)
  })
  await outcome.then(
    () => around.afterwards(work, action, 'successful'),
    (error: unknown) => {
      around.afterwards(work, action, error instanceof FinalError ? 'failed' : 'retry')
      throw error
    },
  )
}

async function workOnNetwork(around: Surroundings, order: WorkOrder, nudge: Nudge, since: number): Promise<void> {
  const { control, servers, settings } = around
  const { action, resources } = order.job
  await attempt(around, order, nudge, [], async (steps, mayRetry) => {
    if (action !== 'network.apply') throw unknownJob(action)
    await settings.apply(partsOf(resources), since, mayRetry, steps)
    const guests = { name: 'guests', run: () => configureNamespaces(control, servers, resources) }
    await runSteps([guests], undefined, mayRetry, steps)
  })
}

const unknownJob = (action: string) => new Error(`this worker does not know the job ${action}: update it`)

/** One attempt, with its report. */
async function attempt(
  { control, log }: Surroundings,
  { job }: WorkOrder,
  { lastAttempt }: Nudge,
  observed: JobReport['observed'],
  act: (steps: ReportedStep[], mayRetry: (error: unknown) => boolean) => Promise<void>,
): Promise<void> {
  const mayRetry = (error: unknown) => !lastAttempt && error instanceof TransientError
  const steps: ReportedStep[] = []
  const { id, attempt } = job
  const endTelling = tellProgress(steps, (begun) => control.progress(id, { attempt, steps: begun }), log)
  const report = (outcome: JobReport['outcome'], error: string | null) =>
    tell(control, log, job.id, { attempt: job.attempt, outcome, error, steps, observed })
  try {
    await act(steps, mayRetry).finally(endTelling)
  } catch (error) {
    const outcome = mayRetry(error) ? 'retry' : 'failed'
    log.warn({ err: error, job: job.id, action: job.action, outcome }, 'job attempt failed')
    await report(outcome, explain(error))
    throw outcome === 'retry' ? error : new FinalError(explain(error))
  }
  await report('successful', null)
}

function workOf(around: Surroundings, order: WorkOrder, server: OrderServer, epoch: number): ServerWork {
  const { plane, servers, settings } = around
  const { networks, job, groups, routers } = order
  const all = HANDLERS[job.action as ServerAction]?.cards === 'all'
  const cards = placed(server, networks).filter(({ nic }) => all || nic.in_job)
  const guest = servers.guestOf(server)
  return { plane, settings, server, guest, cards, groups, routers, epoch, force: job.force, observed: [] }
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
