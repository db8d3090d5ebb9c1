import { type Act, type ActOptions, useAct } from '../api/act.ts'
import type { Job } from '../api/client.ts'

/** Ids of the jobs that this tab has begun: how they end is told. */
const begun = new Set<string>()
export const isOurs = (jobId: string): boolean => begun.has(jobId)

/** As `useJob`, for acts that begin several jobs. */
export const useJobs = <V>(
  act: (values: V, options: ActOptions) => Promise<Job[]>,
  onDone?: (jobs: Job[], values: V) => void,
): Act<V, Job[]> =>
  useAct(act, (jobs, values) => {
    for (const { id } of jobs) begun.add(id)
    onDone?.(jobs, values)
  })

/** An act that a hypervisor carries out: it is done when the service has promised it; how the job ends is told later. */
export const useJob = <V>(
  act: (values: V, options: ActOptions) => Promise<Job>,
  onDone?: (job: Job, values: V) => void,
): Act<V, Job> =>
  useAct(act, (job, values) => {
    begun.add(job.id)
    onDone?.(job, values)
  })
