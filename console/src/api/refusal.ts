import { HttpError } from '@oazapfts/runtime'
import { type Problem, retryAfter, Unreachable } from './client.ts'

/** Why an act was not done, in a form that a view can show. */
export type Refusal =
  | { readonly kind: 'problem'; readonly problem: Problem; readonly retryAfter: number | undefined }
  /** No answer: what was asked may or may not have been done. */
  | { readonly kind: 'unreachable' }
  /** A mistake of ours. */
  | { readonly kind: 'unknown'; readonly message: string }

export function refusalOf(error: unknown): Refusal {
  if (error instanceof Unreachable) return { kind: 'unreachable' }
  if (error instanceof HttpError && isProblem(error.data)) {
    return {
      kind: 'problem',
      problem: error.data,
      retryAfter: error.status === 429 || error.status === 503 ? retryAfter(error) : undefined,
    }
  }
  return { kind: 'unknown', message: error instanceof Error ? error.message : String(error) }
}

const isProblem = (data: unknown): data is Problem =>
  typeof data === 'object' && data !== null && 'code' in data && 'detail' in data

/** Whether it is known that an act was not done. One that broke off, or failed in the service, may have been all the same. */
export const isAnswered = (error: unknown): boolean => error instanceof HttpError && error.status < 500

/** The service, or its database, is away for the moment. */
export const isAway = (error: unknown): boolean =>
  error instanceof Unreachable || (error instanceof HttpError && error.status === 503)

export const isNotFound = (error: unknown): boolean => error instanceof HttpError && error.status === 404

interface Blamed {
  readonly field: string
  /** Where in the value of the field. */
  readonly inside: readonly string[]
}

/**
 * Which field of a form a JSON pointer into the body blames: the outermost part that is one, so that `/addresses/3` stands
 * at `addresses` and `/bandwidth/in_mbps` at `in_mbps`.
 */
export function blamedBy(pointer: string, fields: ReadonlySet<string>): Blamed | undefined {
  const parts = pointer.split('/')
  const at = parts.findIndex((part) => fields.has(part))
  const field = parts[at]
  return field === undefined ? undefined : { field, inside: parts.slice(at + 1) }
}

/**
 * What a refusal says of each field of a form, by the name of the field (`blamedBy`).
 * @param fields - names of the form's fields; what blames another is in `others`.
 */
export function fieldErrors(
  refusal: Refusal | undefined,
  fields: ReadonlySet<string>,
): { byField: Record<string, string[]>; others: string[] } {
  const byField: Record<string, string[]> = {}
  const others: string[] = []
  if (refusal?.kind !== 'problem') return { byField, others }
  for (const { pointer, detail } of refusal.problem.errors ?? []) {
    const blamed = blamedBy(pointer, fields)
    if (!blamed) {
      others.push(pointer ? `${pointer} ${detail}` : detail)
      continue
    }
    const { field, inside } = blamed
    const words = inside.length > 0 ? `${inside.join('/')}: ${detail}` : detail
    byField[field] = [...(byField[field] ?? []), words]
  }
  return { byField, others }
}
