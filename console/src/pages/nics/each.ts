import type { ActOptions } from '../../api/act.ts'

/** Of requests to the service at a time. */
const AT_A_TIME = 6

/**
 * Does the same with each of several, a few at a time; what is refused does not keep the others from being done.
 * @param act - gets an `Idempotency-Key` of its own for each, the same when all is asked again.
 * @throws the first refusal, when all are through.
 */
export async function each<T, R>(
  items: readonly T[],
  act: (item: T, options: ActOptions) => Promise<R>,
  { headers }: ActOptions,
): Promise<R[]> {
  const results: PromiseSettledResult<R>[] = []
  for (let at = 0; at < items.length; at += AT_A_TIME) {
    const some = items
      .slice(at, at + AT_A_TIME)
      .map((item, index) =>
        act(item, { headers: { ...headers, 'Idempotency-Key': `${headers['Idempotency-Key']}-${at + index}` } }),
      )
    results.push(...(await Promise.allSettled(some)))
  }
  return results.map((result) => {
    if (result.status === 'rejected') throw result.reason
    return result.value
  })
}
