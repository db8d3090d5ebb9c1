/**
 * Keeps every view current: one stream of events per tab, each event makes the queries of its resource old. What comes
 * while the stream is broken is not lost: it resumes at the last event that was seen (`Last-Event-ID`).
 */
import { type QueryClient, useQueryClient } from '@tanstack/react-query'
import { EventSourceParserStream } from 'eventsource-parser/stream'
import { createContext, type ReactNode, useContext, useEffect, useRef, useState } from 'react'
import { type Event, tellSessionEnded } from './client.ts'
import { gatherer } from './gather.ts'
import { renew } from './renew.ts'

export type LiveState = 'connecting' | 'live' | 'lost'

const RETRY_MS = [500, 1000, 2000, 4000] as const
/** The service says something every 15 s; a stream that is quiet for longer is broken, whatever TCP thinks. */
const QUIET_MS = 40_000
/** A tab that has been out of sight for so long lets go of its stream, and resumes when it is looked at. */
const HIDDEN_MS = 20_000

const LiveContext = createContext<LiveState>('connecting')
export const useLive = (): LiveState => useContext(LiveContext)

type Listener = (event: Event) => void
const listeners = new Set<Listener>()

/** Hears every event as it comes, for messages about what one has begun. */
export function useEvents(listener: Listener): void {
  useEffect(() => {
    listeners.add(listener)
    return () => void listeners.delete(listener)
  }, [listener])
}

/** @param isPaused - the session has ended: whoever signs in again starts it anew. */
export function LiveProvider({ isPaused, children }: { isPaused: boolean; children: ReactNode }) {
  const queries = useQueryClient()
  const [state, setState] = useState<LiveState>('connecting')
  const isSeen = useIsSeen()
  const place = useRef<Place>({})
  useEffect(() => {
    // Everything is read anew then, of a database that may be another one.
    if (isPaused) place.current = {}
    if (isPaused || !isSeen) return
    const over = new AbortController()
    void follow(queries, place.current, over.signal, setState)
    return () => over.abort()
  }, [queries, isPaused, isSeen])
  return <LiveContext value={state}>{children}</LiveContext>
}

/**
 * Whether the tab is in sight, or was a moment ago. A browser opens six connections to a service over HTTP/1.1: seven tabs
 * that follow the stream would leave none for anything else.
 */
function useIsSeen(): boolean {
  const [isSeen, setSeen] = useState(true)
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined
    const look = () => {
      clearTimeout(timer)
      if (document.visibilityState === 'visible') setSeen(true)
      else timer = setTimeout(() => setSeen(false), HIDDEN_MS)
    }
    document.addEventListener('visibilitychange', look)
    return () => {
      clearTimeout(timer)
      document.removeEventListener('visibilitychange', look)
    }
  }, [])
  return isSeen
}

/** Where in the stream one is. */
interface Place {
  last?: string | undefined
}

/** Follows the stream from a place until `over`. */
async function follow(
  queries: QueryClient,
  place: Place,
  over: AbortSignal,
  tell: (state: LiveState) => void,
): Promise<void> {
  const gather = gatherer((events) => renew(queries, events))
  for (let failures = 0; !over.aborted; failures++) {
    const isNew = place.last === undefined
    try {
      for await (const message of messages(place.last, over)) {
        if (message === 'open') {
          // What was read before the stream began may be old already; after that it resumes where it was.
          // What could not be read while the service was away is old in any case.
          void queries.invalidateQueries({
            predicate: ({ queryKey, state }) => queryKey[0] !== 'session' && (isNew || state.status === 'error'),
          })
          failures = 0
          tell('live')
          continue
        }
        place.last = message.id ?? place.last
        const event = JSON.parse(message.data) as Event
        for (const listener of listeners) listener(event)
        gather(event)
      }
    } catch (error) {
      if (over.aborted) return
      if (error instanceof Response && error.status === 401) return tellSessionEnded()
      // The service does not know our place in the stream: everything is read anew.
      if (error instanceof Response && error.status === 400) place.last = undefined
    }
    if (over.aborted) return
    tell('lost')
    await sleep(RETRY_MS[Math.min(failures, RETRY_MS.length - 1)] ?? 0, over)
  }
}

interface Message {
  readonly id: string | undefined
  /** An event, as JSON. */
  readonly data: string
}

async function* messages(last: string | undefined, over: AbortSignal): AsyncGenerator<Message | 'open'> {
  const quiet = new AbortController()
  const signal = AbortSignal.any([over, quiet.signal])
  let alarm: ReturnType<typeof setTimeout> | undefined
  const heard = () => {
    clearTimeout(alarm)
    alarm = setTimeout(() => quiet.abort(), QUIET_MS)
  }
  heard()
  try {
    const answer = await fetch('/v1/events', {
      headers: { Accept: 'text/event-stream', ...(last === undefined ? {} : { 'Last-Event-ID': last }) },
      credentials: 'same-origin',
      signal,
    })
    if (!answer.ok || !answer.body) throw answer
    yield 'open'
    const parts = answer.body
      .pipeThrough(overheard(heard))
      .pipeThrough(new TextDecoderStream() as unknown as TransformStream<Uint8Array, string>)
      .pipeThrough(new EventSourceParserStream())
      .getReader()
    for (let next = await parts.read(); !next.done; next = await parts.read()) {
      yield { id: next.value.id, data: next.value.data }
    }
  } finally {
    clearTimeout(alarm)
    quiet.abort()
  }
}

/** Passes everything on, and says that something came: a comment of the stream too, which no parser tells of. */
const overheard = (heard: () => void): TransformStream<Uint8Array, Uint8Array> =>
  new TransformStream({
    transform: (part, out) => {
      heard()
      out.enqueue(part)
    },
  })

const sleep = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      resolve()
    })
  })
