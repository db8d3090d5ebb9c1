/**
 * The API as functions, one per operation of `openapi/openapi.json`, called with the session's cookie. What they throw is
 * read by `refusalOf`.
 */
import { defaults } from './__generated__/client.ts'
import { learnTime } from './clock.ts'

export * from './__generated__/client.ts'

/** A request that got no answer: no network, or no service behind it. */
export class Unreachable extends Error {
  override readonly name = 'Unreachable'
}

const ANSWER_WITHIN_MS = 60_000
/** A read that was told to come later does so by itself, unless it would take longer than this. Seconds. */
const LONGEST_WAIT = 10
const MOST_TRIES = 4

/** Says that the service no longer takes our session, to whoever listens. */
export let tellSessionEnded: () => void = () => undefined

/** Who is to know that the service no longer takes our session. */
export function onSessionEnded(listener: () => void): void {
  tellSessionEnded = listener
}

let takeIn: (answer: unknown) => Promise<void> = async () => undefined

/** Who is to have what acts are answered with, before those who did them hear of it. */
export function onAnswer(listener: (answer: unknown) => Promise<void>): void {
  takeIn = listener
}

async function patientFetch(input: RequestInfo | URL, init: RequestInit = {}): Promise<Response> {
  for (let tries = 1; ; tries++) {
    const signal = init.signal ?? AbortSignal.timeout(ANSWER_WITHIN_MS)
    const answer = await fetch(input, { credentials: 'same-origin', ...init, signal }).catch((cause: unknown) => {
      if (init.signal?.aborted) throw cause
      throw new Unreachable('the service does not answer', { cause })
    })
    learnTime(answer)
    // A proxy in front of a service that is restarting.
    if (answer.status === 502 || answer.status === 504) throw new Unreachable(`HTTP ${answer.status}`)
    if (answer.status === 401 && !isSignIn(input, init)) tellSessionEnded()
    const wait = retryAfter(answer)
    const isRead = (init.method ?? 'GET') === 'GET'
    // Without a body there is nothing to take in; what was done is done, whatever comes of this.
    if (answer.ok && !isRead)
      await answer
        .clone()
        .json()
        .then(takeIn)
        .catch(() => undefined)
    if (answer.status !== 429 || !isRead || wait > LONGEST_WAIT || tries === MOST_TRIES) return answer
    await new Promise((resolve) => setTimeout(resolve, wait * 1000))
  }
}

const isSignIn = (input: RequestInfo | URL, init: RequestInit): boolean =>
  init.method === 'POST' && String(input).endsWith('/v1/session')

/** Seconds that `Retry-After` asks to wait; 1 when it does not say. */
export const retryAfter = (answer: { readonly headers: Headers }): number =>
  Math.max(1, Number(answer.headers.get('retry-after')) || 1)

defaults.baseUrl = ''
defaults.fetch = patientFetch
