import { useMutation } from '@tanstack/react-query'
import { useRef } from 'react'
import { isAnswered, type Refusal, refusalOf } from './refusal.ts'

/** What an act hands on to the client: headers of its request. */
export interface ActOptions {
  readonly headers: Record<string, string>
}

export interface Act<V, R> {
  /** Does it; `undefined` when it was refused, which `refusal` then tells. */
  run(values: V): Promise<{ readonly result: R } | undefined>
  readonly isRunning: boolean
  readonly refusal: Refusal | undefined
  /** Forgets the refusal. */
  reset(): void
}

/**
 * Something that changes the service. A request that got no answer is sent with the same `Idempotency-Key` when the same
 * is asked again, so that it is done once, however often the button was pressed.
 */
export function useAct<V, R>(
  act: (values: V, options: ActOptions) => Promise<R>,
  onDone?: (result: R, values: V) => void,
): Act<V, R> {
  const unanswered = useRef<{ asked: string; key: string } | undefined>(undefined)
  const mutation = useMutation({
    // Offline it is to fail at once, and not to be done some time later.
    networkMode: 'always',
    mutationFn: async (values: V) => {
      const asked = JSON.stringify(values) ?? ''
      const key = unanswered.current?.asked === asked ? unanswered.current.key : newKey()
      unanswered.current = { asked, key }
      try {
        const result = await act(values, { headers: { 'Idempotency-Key': key } })
        unanswered.current = undefined
        return result
      } catch (error) {
        if (isAnswered(error)) unanswered.current = undefined
        throw error
      }
    },
  })
  return {
    run: (values) =>
      mutation.mutateAsync(values).then(
        (result) => {
          onDone?.(result, values)
          return { result }
        },
        () => undefined,
      ),
    isRunning: mutation.isPending,
    refusal: mutation.error ? refusalOf(mutation.error) : undefined,
    reset: mutation.reset,
  }
}

/** Not `crypto.randomUUID`, which browsers have on https only. */
const newKey = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('')

/** Headers of a change to what the user has seen: it is refused when somebody was quicker. */
export const ifUnchanged = (resource: { readonly generation: number }, options: ActOptions): ActOptions => ({
  headers: { ...options.headers, 'If-Match': `"${resource.generation}"` },
})
