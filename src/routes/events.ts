import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import type { App, Deps } from '../app.ts'
import { isStillIn } from '../domain/access-key/sessions.ts'
import {
  assertReached,
  type EventFilter,
  type EventView,
  eventsAfter,
  listEvents,
  newestEventId,
  RESOURCE_TYPES,
} from '../domain/event/events.ts'
import { Address, Body, itemsOf, PageQuery, pageFrom, ServerId } from './fields.ts'
import { refusals } from './problem.ts'

const POLL_MS = 200
const BATCH = 500
/** Keeps proxies from closing a quiet stream. */
const HEARTBEAT_MS = 15_000
/** How often a stream looks whether who opened it is still let in. */
const LOOK_AGAIN_MS = 10_000

export function eventRoutes(app: App, deps: Deps): void {
  const closing = new AbortController()
  app.addHook('preClose', async () => closing.abort()) // open streams would hold the server up

  app.get(
    '/events',
    {
      schema: {
        operationId: 'listEvents',
        tags: ['events'],
        summary: 'List events, newest first; with Accept: text/event-stream a stream that resumes at Last-Event-ID',
        querystring: Body({
          ...PageQuery,
          resource_type: Type.Optional(Type.Enum([...RESOURCE_TYPES])),
          resource_id: Type.Optional(Type.String({ format: 'text', minLength: 1, maxLength: 64 })),
          type: Type.Optional(Type.String({ format: 'text', minLength: 1, maxLength: 64, examples: ['nic.in_use'] })),
          address: Type.Optional(Address),
          server_id: Type.Optional(
            Type.String({
              ...ServerId,
              description: 'Of it, and those that name it: of NICs that come and go, of jobs',
            }),
          ),
        }),
        headers: Type.Object({
          'last-event-id': Type.Optional(Type.String({ pattern: '^\\d{1,19}-\\d{1,18}$' })),
        }),
        response: { 200: itemsOf(Type.Ref('Event')), ...refusals },
      },
    },
    async (request, reply) => {
      if (request.headers.accept?.includes('text/event-stream'))
        return stream(deps, request, reply, closing.signal, request.query)
      return listEvents(deps.db, request.actor.projectId, request.query, pageFrom(request.query))
    },
  )
}

/**
 * Writes events as Server-Sent Events (WHATWG HTML, section 9.2) until the client or the service closes, or the access key
 * or session that it was opened with is gone: the next request then says so.
 */
async function stream(
  deps: Deps,
  request: FastifyRequest,
  reply: FastifyReply,
  closing: AbortSignal,
  filter: EventFilter,
): Promise<FastifyReply> {
  const { keyId, projectId } = request.actor
  const gone = new AbortController()
  // Of the answer: the request itself is closed as soon as it has been read.
  reply.raw.once('close', () => gone.abort())
  const over = AbortSignal.any([gone.signal, closing])
  const resumed = request.headers['last-event-id'] as string | undefined
  if (resumed !== undefined) await assertReached(deps.db, resumed)
  let last = resumed ?? (await newestEventId(deps.db, projectId))

  reply.hijack()
  const out = reply.raw
  out.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' })
  if (request.method === 'HEAD') {
    out.end()
    return reply
  }
  out.write(`retry: 1000\nid: ${last}\n: stream starts here\n\n`)
  let spoke = Date.now()
  let looked = Date.now()
  while (!over.aborted) {
    if (Date.now() - looked > LOOK_AGAIN_MS) {
      looked = Date.now()
      // Who cannot be asked about for the moment is let in as before.
      if (!(await isStillIn(deps.db, keyId, request.sessionToken).catch(() => true))) break
    }
    const events = await eventsAfter(deps.db, projectId, last, BATCH, filter).catch((error: unknown) => {
      request.log.warn({ err: error }, 'event stream: the database does not answer')
      return []
    })
    for (const event of events) {
      last = event.id
      spoke = Date.now()
      // A slow reader fills the buffer: wait for it rather than for memory to run out.
      if (!out.write(asServerSent(event))) await drained(out, over)
    }
    if (Date.now() - spoke > HEARTBEAT_MS) {
      spoke = Date.now()
      out.write(': still here\n\n')
    }
    if (events.length < BATCH) await sleep(POLL_MS, undefined, { signal: over }).catch(() => undefined)
  }
  out.end()
  return reply
}

const asServerSent = (event: EventView): string =>
  `id: ${event.id}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`

function drained(out: NodeJS.WritableStream, over: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      out.off('drain', done)
      over.removeEventListener('abort', done)
      resolve()
    }
    out.once('drain', done)
    over.addEventListener('abort', done)
  })
}
