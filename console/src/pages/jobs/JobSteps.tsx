import type { Job } from '../../api/client.ts'
import { jobs, stepNames } from '../../text/jobs.ts'
import { useText, useWords } from '../../text/language.tsx'
import { duration } from './duration.ts'
import styles from './jobs.module.css'
import { useNow } from './use-now.ts'

type Step = Job['steps'][number]

const isOver = ({ state }: Pick<Job, 'state'>): boolean => state === 'successful' || state === 'failed'

/** There was no hypervisor where the change shows, and so nothing to do. */
export const isNowhere = ({ hypervisor_id, started_at, finished_at }: Job): boolean =>
  hypervisor_id === null && finished_at !== null && finished_at === started_at

/** How long a job has run, or ran; `undefined`: it has not begun. */
export function useJobTime(job: Job): string | undefined {
  const { language } = useWords()
  const { started_at, finished_at } = job
  const now = useNow(!isOver(job) && started_at !== null)
  if (started_at === null || isNowhere(job)) return undefined
  return duration((finished_at === null ? now : Date.parse(finished_at)) - Date.parse(started_at), language)
}

/** What a hypervisor did for a job, by attempt: each step with its time, drawn along the attempt's. */
export function JobSteps({ job }: { job: Job }) {
  const t = useText()
  const attempts = [...new Set(job.steps.map(({ attempt }) => attempt))]
  return (
    <div className={styles.attempts}>
      {attempts.map((attempt) => (
        <section key={attempt} aria-label={t(jobs.attempt, { count: attempt })}>
          {job.attempts > 1 && <h3>{t(jobs.attempt, { count: attempt })}</h3>}
          <Attempt steps={job.steps.filter((step) => step.attempt === attempt)} />
        </section>
      ))}
      <Standing job={job} />
    </div>
  )
}

function Attempt({ steps }: { steps: readonly Step[] }) {
  const within = spanOf(steps)
  return (
    <ol>
      {steps.map((step) => (
        <StepRow key={`${step.name} ${step.started_at}`} step={step} within={within} />
      ))}
    </ol>
  )
}

/** What stands below the steps: what is waited for, or why there are none. */
function Standing({ job }: { job: Job }) {
  const t = useText()
  const time = useJobTime(job)
  if (isOver(job)) {
    if (job.steps.length > 0) return null
    const isInParts = job.hypervisor_id === null && !isNowhere(job)
    const words = isInParts ? jobs.inParts : job.state === 'failed' ? jobs.failedBefore : jobs.noSteps
    return <p className="soft">{t(words)}</p>
  }
  const isBegun = job.state === 'working'
  const words =
    job.hypervisor_id === null
      ? jobs.inParts
      : isBegun
        ? jobs.atWork
        : job.steps.length > 0
          ? jobs.waitsForRetry
          : jobs.waitsForHypervisor
  return (
    <p className={styles.standing} role="status">
      <span className={styles.pulse} aria-hidden />
      {t(words)}
      {isBegun && time !== undefined && (
        <span className={styles.time} aria-hidden>
          {time}
        </span>
      )}
    </p>
  )
}

interface Span {
  readonly from: number
  readonly length: number
}
const spanOf = (steps: readonly Step[]): Span => {
  const from = Math.min(...steps.map(({ started_at }) => Date.parse(started_at)))
  return { from, length: Math.max(1, ...steps.map(({ ended_at }) => Date.parse(ended_at) - from)) }
}

function StepRow({ step, within }: { step: Step; within: Span }) {
  const { t, language } = useWords()
  const nameOf = useStepName()
  const start = Date.parse(step.started_at)
  const length = Date.parse(step.ended_at) - start
  const bar = {
    marginInlineStart: percent((start - within.from) / within.length),
    width: percent(length / within.length),
  }
  return (
    <li className={styles.step} data-state={step.error === null ? 'good' : 'bad'}>
      <span className={styles.stepName} title={step.name}>
        {nameOf(step.name)}
      </span>
      <span className={styles.track} aria-hidden>
        <span className={styles.bar} style={bar} />
      </span>
      <span className={styles.time}>{duration(length, language)}</span>
      {step.error !== null && (
        <p className={styles.stepError}>
          <span className="visually-hidden">{t(jobs.error)}: </span>
          {step.error}
        </p>
      )}
    </li>
  )
}

const percent = (part: number): string => `${Math.round(part * 1000) / 10}%`

function useStepName(): (name: string) => string {
  const t = useText()
  const known = (name: string) => (Object.hasOwn(stepNames, name) ? t(stepNames[name as keyof typeof stepNames]) : name)
  return (name) => (name.startsWith('undo ') ? t(jobs.undo, { step: known(name.slice(5)) }) : known(name))
}
