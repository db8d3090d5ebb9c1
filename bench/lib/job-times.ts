/**
 * Where the time of a job went, from the times that the service itself notes: `created_at`, `started_at`, `finished_at`
 * are the begin of the transactions that promise, claim and report; the steps are timed by the worker. One machine, one
 * clock; all of them are cut to whole milliseconds, so single values are rough and means are good to about 0.5 ms.
 */
import type { JobView } from '../../src/domain/job/jobs.ts'
import type { Api } from './api.ts'
import { epochMs, mean } from './stats.ts'

export interface TimedJob {
  readonly job: JobView
  /** Epoch ms: the client asked, and had the answer. */
  readonly asked: number
  readonly answered: number
  readonly ms: number
}

/** Asks for a job with `Prefer: wait`, and times it. */
export async function timedJob(api: Api, path: string, body: unknown = {}, method = 'POST'): Promise<TimedJob> {
  const asked = epochMs()
  const job = await api.act(method, path, body)
  const answered = epochMs()
  return { job, asked, answered, ms: answered - asked }
}

/** Of the attempt that ended the job. */
const lastSteps = ({ steps, attempts }: JobView) => steps.filter(({ attempt }) => attempt === attempts)
const stepOf = ({ job }: TimedJob, step: string) => lastSteps(job).find(({ name }) => name === step)

/** Epoch ms at which a step ended; NaN when the job has none of that name. */
export const endOf = (timed: TimedJob, step: string): number => Date.parse(stepOf(timed, step)?.ended_at ?? '')

/** ms that a step took; NaN when the job has none of that name. */
export const stepMs = (timed: TimedJob, step: string): number =>
  endOf(timed, step) - Date.parse(stepOf(timed, step)?.started_at ?? '')

/** Mean ms of each stretch of these jobs, in order; together they make up the mean time. */
export function breakdown(jobs: readonly TimedJob[]): Record<string, number> {
  const stretches = new Map<string, number[]>()
  const add = (name: string, ms: number) => stretches.set(name, [...(stretches.get(name) ?? []), ms])
  for (const { job, asked, answered } of jobs) {
    const [created, claimed, finished] = [job.created_at, job.started_at, job.finished_at].map((time) =>
      Date.parse(time ?? ''),
    ) as [number, number, number]
    add('request to promise', created - asked)
    add('promise to claim', claimed - created)
    let at = claimed
    for (const [index, step] of lastSteps(job).entries()) {
      const [start, end] = [Date.parse(step.started_at), Date.parse(step.ended_at ?? '')]
      if (index === 0) add('claim to first step', start - at)
      add(step.name, end - start)
      at = end
    }
    add('last step to report', finished - at)
    add('report to answer', answered - finished)
  }
  return Object.fromEntries([...stretches].map(([name, values]) => [name, mean(values)]))
}

export const breakdownText = (stretches: Readonly<Record<string, number>>): string =>
  Object.entries(stretches)
    .map(([name, ms]) => `${name} ${ms.toFixed(1)}`)
    .join(', ')
