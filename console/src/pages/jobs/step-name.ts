import { jobs, stepNames } from '../../text/jobs.ts'
import { useText } from '../../text/language.tsx'

/** What a step of a job is called, by the name that the worker reports. */
export function useStepName(): (name: string) => string {
  const t = useText()
  const known = (name: string) => (Object.hasOwn(stepNames, name) ? t(stepNames[name as keyof typeof stepNames]) : name)
  return (name) => (name.startsWith('undo ') ? t(jobs.undo, { step: known(name.slice(5)) }) : known(name))
}
