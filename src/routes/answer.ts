/**
 * What the routes do around a domain call: transactions, `Idempotency-Key`, `ETag` and `If-Match`, `Prefer: wait`.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Deps } from '../app.ts'
import { type Db, transaction } from '../db/client.ts'
import { DomainError } from '../domain/errors.ts'
import { once } from '../domain/idempotency/idempotency.ts'
import type { JobView } from '../domain/job/jobs.ts'
import { waitForJob } from '../jobs/job-waiters.ts'
import { sendJob } from './send-job.ts'

const headerError = (pointer: string, detail: string) =>
  new DomainError('invalid_request', `${pointer.slice(1)} ${detail}`, { errors: [{ in: 'header', pointer, detail }] })

function header(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name]
  return Array.isArray(value) ? value.join(', ') : value
}

/**
 * Runs the work of a POST: in one transaction, and with an `Idempotency-Key` at most once.
 * @param options.atomic - the work is a single statement, which needs no transaction around it.
 * @param options.secret - the answer holds what is shown once only, and is remembered encrypted.
 */
export async function perform<T>(
  deps: Deps,
  request: FastifyRequest,
  reply: FastifyReply,
  work: (tx: Db) => Promise<T>,
  options: { atomic?: boolean; secret?: boolean } = {},
): Promise<T> {
  const key = header(request, 'idempotency-key')
  if (key === undefined) return options.atomic ? work(deps.db) : transaction(deps.db, work)
  if (!/^[\x21-\x7e]{1,255}$/.test(key))
    throw headerError('/idempotency-key', 'must be 1 to 255 visible ASCII characters')
  const { answer, replayed } = await transaction(deps.db, (tx) =>
    once(
      tx,
      {
        projectId: request.actor.projectId,
        key,
        method: request.method,
        path: request.url,
        body: request.body,
        sealWith: options.secret ? deps.secretKey : undefined,
      },
      work,
    ),
  )
  if (replayed) reply.header('idempotency-replayed', 'true')
  return answer
}

const LONGEST_WAIT_S = 60

/** Seconds of `Prefer: wait=N` (RFC 7240), or 0. */
function preferredWait(request: FastifyRequest): number {
  const match = /(?:^|[,;\s])wait\s*=\s*"?([^",;\s]*)/i.exec(header(request, 'prefer') ?? '')
  if (!match) return 0
  const seconds = Number(match[1])
  if (!/^\d+$/.test(match[1] ?? '') || seconds > LONGEST_WAIT_S) {
    throw headerError('/prefer', `wait must be a whole number of seconds from 0 to ${LONGEST_WAIT_S}`)
  }
  return seconds
}

/**
 * Runs an act that promises a job, and answers with it: 202 at once, or with `Prefer: wait=N` 200 when it has finished
 * within N seconds.
 */
export async function performJob(
  deps: Deps,
  request: FastifyRequest,
  reply: FastifyReply,
  work: (tx: Db) => Promise<JobView>,
): Promise<FastifyReply> {
  const seconds = preferredWait(request)
  const job = await perform(deps, request, reply, work)
  sendJob(deps, job)
  reply.header('location', `/v1/jobs/${job.id}`)
  if (seconds === 0) return reply.code(202).send(job)
  reply.header('preference-applied', `wait=${seconds}`)
  const waiting = new AbortController()
  // Of the answer: the request itself is closed as soon as its body has been read.
  reply.raw.once('close', () => waiting.abort())
  const after = await waitForJob(deps.db, request.actor.projectId, job.id, seconds * 1000, waiting.signal)
  return reply.code(after.finished_at === null ? 202 : 200).send(after)
}

/** The generation that `If-Match` asks for; `undefined` when it asks for none or for any. */
export function ifMatch(request: FastifyRequest): number | undefined {
  const value = header(request, 'if-match')
  if (value === undefined || value.trim() === '*') return undefined
  const match = /^(?:W\/)?"(\d{1,9})"$/.exec(value.trim())
  if (!match) throw headerError('/if-match', 'must be an ETag that this service gave out, or *')
  return Number(match[1])
}

/** Sends a resource with its ETag. */
export function sendTagged<T extends { generation: number }>(reply: FastifyReply, view: T, status = 200): FastifyReply {
  return reply.code(status).header('etag', `"${view.generation}"`).send(view)
}

/** Sends a resource that was made, with its place. */
export function sendMade<T extends { generation: number }>(
  reply: FastifyReply,
  location: string,
  view: T,
): FastifyReply {
  return sendTagged(reply.header('location', location), view, 201)
}
