import type { CSSProperties } from 'react'
import type { Job } from '../../api/client.ts'
import { jobs } from '../../text/jobs.ts'
import { useText, useWords } from '../../text/language.tsx'
import { duration } from './duration.ts'
import styles from './jobs.module.css'
import { useStepName } from './step-name.ts'
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
          <Attempt
            steps={job.steps.filter((step) => step.attempt === attempt)}
            isRunning={job.state === 'working' && attempt === job.attempts}
          />
        </section>
      ))}
      <Standing job={job} />
    </div>
  )
}

function Attempt({ steps, isRunning }: { steps: readonly Step[]; isRunning: boolean }) {
  const now = useNow(isRunning)
  const timed = steps.map((step) => ({ step, ...timeOf(step, isRunning ? now : undefined) }))
  const from = Math.min(...timed.map(({ start }) => start))
  const within = { from, length: Math.max(1, ...timed.map(({ start, length }) => start + length - from)) }
  return (
    <ol>
      {timed.map(({ step, start, length, state }) => (
        <StepRow
          key={`${step.name} ${step.started_at}`}
          step={step}
          state={state}
          length={length}
          bar={{
            marginInlineStart: percent((start - within.from) / within.length),
            width: percent(length / within.length),
          }}
        />
      ))}
    </ol>
  )
}

/** @param now - while the attempt runs: a step without an end runs too, and otherwise broke off with its attempt. */
function timeOf({ started_at, ended_at, error }: Step, now: number | undefined): StepTime {
  const start = Date.parse(started_at)
  if (ended_at !== null) return { start, length: Date.parse(ended_at) - start, state: error === null ? 'good' : 'bad' }
  return now === undefined
    ? { start, length: 0, state: 'broken' }
    : { start, length: Math.max(0, now - start), state: 'busy' }
}

interface StepTime {
  /** Milliseconds since 1970. */
  readonly start: number
  /** Milliseconds. */
  readonly length: number
  readonly state: 'good' | 'bad' | 'busy' | 'broken'
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
  const last = job.steps.at(-1)
  const hasFailed = last?.attempt === job.attempts && last.error !== null
  const words =
    job.hypervisor_id === null
      ? jobs.inParts
      : !isBegun
        ? jobs.waitsForHypervisor
        : hasFailed
          ? jobs.waitsForRetry
          : jobs.atWork
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

interface StepRowProps extends Pick<StepTime, 'state' | 'length'> {
  readonly step: Step
  readonly bar: CSSProperties
}

function StepRow({ step, state, length, bar }: StepRowProps) {
  const { t, language } = useWords()
  const nameOf = useStepName()
  return (
    <li className={styles.step} data-state={state} aria-current={state === 'busy' ? 'step' : undefined}>
      <span className={styles.stepName} title={step.name}>
        {nameOf(step.name)}
      </span>
      <span className={styles.track} aria-hidden>
        <span className={styles.bar} style={bar} />
      </span>
      <span className={styles.time}>
        {state === 'broken' ? t(jobs.brokenOff) : duration(length, language)}
        {state === 'busy' && <span className="visually-hidden">, {t(jobs.underWay)}</span>}
      </span>
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
