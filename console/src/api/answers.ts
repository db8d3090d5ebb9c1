/** What an act was answered with is in the views at once: whoever goes on from there is not refused for an event on its way. */
import type { Query, QueryClient } from '@tanstack/react-query'
import type { Job } from './client.ts'
import { isShort } from './renew.ts'

interface Resource {
  readonly id: string
  readonly generation: number
}

/** That an act waits for what is read anew. The event comes in any case. */
const LONGEST_MS = 2_000

/**
 * Takes in what an act was answered with. A resource takes its place wherever an older generation of it was read; what a job
 * is about has changed, and is read anew, by itself and in lists.
 * @returns when the views have it.
 */
export async function takeIn(queries: QueryClient, answer: unknown): Promise<void> {
  if (isResource(answer)) return putInPlace(queries, answer)
  if (!isJob(answer)) return
  const types = new Set<unknown>(answer.resources.map(({ type }) => type))
  const about = new Set(answer.resources.map(({ type, id }) => `${type} ${id}`))
  const read = queries.invalidateQueries({
    predicate: ({ queryKey: [type, kind, id], state }) =>
      kind === 'one' ? about.has(`${type} ${id}`) : types.has(type) && (kind === 'list' || isShort(state.data)),
  })
  await Promise.race([read, new Promise((resolve) => setTimeout(resolve, LONGEST_MS))])
}

const isResource = (value: unknown): value is Resource =>
  typeof value === 'object' &&
  value !== null &&
  typeof (value as Partial<Resource>).id === 'string' &&
  typeof (value as Partial<Resource>).generation === 'number'

const isJob = (value: unknown): value is Job =>
  typeof value === 'object' && value !== null && Array.isArray((value as Partial<Job>).resources)

/** By its id alone: no two resources of any type have the same. */
function putInPlace(queries: QueryClient, fresh: Resource): void {
  const unsure = new Set<Query>()
  for (const query of queries.getQueryCache().getAll()) {
    const { data, isInvalidated, fetchStatus } = query.state
    const now = withIn(data, fresh)
    if (now === data) continue
    // What is being read may have been found before the act; what else was old in a list still is.
    if (isInvalidated || fetchStatus !== 'idle') unsure.add(query)
    queries.setQueryData(query.queryKey, now)
  }
  void queries.invalidateQueries({ predicate: (query) => unsure.has(query) })
}

/** What was read, of one or of many, with the resource as it is now; the same object when there is nothing older in it. */
function withIn(data: unknown, fresh: Resource): unknown {
  if (typeof data !== 'object' || data === null) return data
  if (isResource(data)) {
    const isOlder = data.id === fresh.id && data.generation < fresh.generation
    return isOlder ? { ...data, ...fresh } : data
  }
  for (const field of ['items', 'pages'] as const) {
    const before: unknown = Reflect.get(data, field)
    if (!Array.isArray(before)) continue
    const after = before.map((one: unknown) => withIn(one, fresh))
    if (after.some((one, index) => one !== before[index])) return { ...data, [field]: after }
  }
  return data
}
