import type { Act } from '../../api/act.ts'
import type { Problem } from '../../api/client.ts'

/**
 * Has a refusal of the whole request stand at the field that it is about.
 * @param fields - by the code of the refusal, the name of the field.
 */
export function blaming<V, R>(act: Act<V, R>, fields: Partial<Record<Problem['code'], string>>): Act<V, R> {
  const { refusal } = act
  if (refusal?.kind !== 'problem' || refusal.problem.errors?.length) return act
  const field = fields[refusal.problem.code]
  if (field === undefined) return act
  const errors = [{ in: 'body' as const, pointer: `/${field}`, detail: refusal.problem.detail }]
  return { ...act, refusal: { ...refusal, problem: { ...refusal.problem, errors } } }
}
