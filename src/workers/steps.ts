import type { ReportedStep } from '../jobs/work-order.ts'

/** `run` brings one thing about, and may repeat after a crash at any line; `undo` takes it away, or finds it gone. */
export interface Step<C> {
  readonly name: string
  run(context: C): Promise<void>
  undo?(context: C): Promise<void>
}

/**
 * Runs steps in order. A step that fails is undone with all before it, unless the error may pass and the job will be
 * tried again: then everything stays, for the steps can repeat.
 * @param log - gets a line for each step that begins, with what is undone, and its end in it.
 * @throws the step's error; with what undo could not remove, an AggregateError whose cause is the step's error.
 */
export async function runSteps<C>(
  steps: readonly Step<C>[],
  context: C,
  mayRetry: (error: unknown) => boolean,
  log: ReportedStep[],
): Promise<void> {
  const begun: Step<C>[] = []
  try {
    for (const step of steps) {
      begun.push(step) // before run(): a step that fails half-way is undone too
      await timed(log, step.name, () => step.run(context))
    }
  } catch (cause) {
    if (mayRetry(cause)) throw cause
    const left: unknown[] = []
    for (const { name, undo } of begun.reverse()) {
      if (undo) await timed(log, `undo ${name}`, () => undo(context)).catch((error: unknown) => left.push(error))
    }
    throw left.length > 0 ? new AggregateError(left, 'undo left something behind', { cause }) : cause
  }
}

async function timed(log: ReportedStep[], name: string, act: () => Promise<void>): Promise<void> {
  const step: ReportedStep = { name, started_at: now(), ended_at: null, error: null }
  log.push(step)
  try {
    await act()
  } catch (error) {
    step.error = explain(error)
    throw error
  } finally {
    step.ended_at = now()
  }
}

const now = (): string => new Date().toISOString()

const LONGEST_TEXT = 4000

/** An error with its causes in one line, for people who cannot see the worker's log. */
export function explain(error: unknown): string {
  const parts: string[] = []
  for (let at: unknown = error; at !== undefined && parts.length < 10; at = (at as { cause?: unknown }).cause) {
    parts.push(at instanceof Error ? at.message : String(at))
    if (at instanceof AggregateError) parts.push(...at.errors.map((one) => `(${explain(one)})`))
    if (!(at instanceof Error)) break
  }
  return parts.join(': ').slice(0, LONGEST_TEXT)
}
