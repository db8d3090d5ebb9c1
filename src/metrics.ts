/** Health and metrics of one API process. */
import { sql } from 'drizzle-orm'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { Type } from 'typebox'
import type { App, Deps } from './app.ts'
import { assertSchema } from './db/migrate.ts'
import { outbox } from './db/schema.ts'
import { DomainError } from './domain/errors.ts'
import type { JobRow } from './domain/job/jobs.ts'
import { refusals } from './routes/problem.ts'

const registry = new Registry()
collectDefaultMetrics({ register: registry })

const requests = new Histogram({
  name: 'patchbay_http_request_seconds',
  help: 'Time to answer a request',
  labelNames: ['method', 'route', 'status'],
  buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 60],
  registers: [registry],
})
const jobsFinished = new Counter({
  name: 'patchbay_jobs_finished_total',
  help: 'Jobs that ended',
  labelNames: ['action', 'state'],
  registers: [registry],
})
const jobSeconds = new Histogram({
  name: 'patchbay_job_seconds',
  help: 'Time from the promise of a job to its end',
  labelNames: ['action', 'state'],
  buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
  registers: [registry],
})
const outboxRows = new Gauge({
  name: 'patchbay_outbox_jobs',
  help: 'Jobs promised and not final',
  registers: [registry],
})

/** Counts a job that has just ended. */
export function countJob(job: JobRow): void {
  const labels = { action: job.action, state: job.state }
  jobsFinished.inc(labels)
  if (job.finishedAt) jobSeconds.observe(labels, (job.finishedAt.getTime() - job.createdAt.getTime()) / 1000)
}

const wireAnswers = new Counter({
  name: 'patchbay_iaas_answers_total',
  help: 'Answers of the QingCloud wire',
  labelNames: ['action', 'ret_code'],
  registers: [registry],
})
const unlisted = new Counter({
  name: 'patchbay_iaas_unlisted_actions_total',
  help: 'Requests of the QingCloud wire for actions that this service does not have',
  labelNames: ['action'],
  registers: [registry],
})
/** Callers choose these names: there must be an end to them. */
const MOST_UNLISTED = 200
const seenUnlisted = new Set<string>()

/** Counts an answer of the wire. @param action - one that exists, or `other`. */
export const countWireAnswer = (action: string, retCode: number): void => wireAnswers.inc({ action, ret_code: retCode })

/** Counts a request for an action that there is none of, so that operators see what clients miss. */
export function countUnlistedAction(action: string): void {
  const isName =
    /^[A-Z][A-Za-z0-9]{1,63}$/.test(action) && (seenUnlisted.size < MOST_UNLISTED || seenUnlisted.has(action))
  if (isName) seenUnlisted.add(action)
  unlisted.inc({ action: isName ? action : 'other' })
}

/** Times every request under the route it matched, never under its raw URL. */
export function observeRequests(app: App): void {
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'unknown'
    requests.observe({ method: request.method, route, status: reply.statusCode }, reply.elapsedTime / 1000)
  })
}

export function operationsRoutes(app: App, deps: Deps): void {
  const tags = ['operations']
  const Ok = Type.Object({ status: Type.Literal('ok') })
  const security: [] = []

  app.get(
    '/healthz',
    { schema: { operationId: 'getHealth', tags, security, summary: 'This process runs', response: { 200: Ok } } },
    async () => ({ status: 'ok' as const }),
  )

  app.get(
    '/readyz',
    {
      schema: {
        operationId: 'getReadiness',
        tags,
        security,
        summary: 'Database, schema and queue answer',
        response: { 200: Ok, ...refusals },
      },
    },
    async () => {
      await check('the database', () => assertSchema(deps.db.$client))
      await check('the queue', () => deps.publisher.ping())
      return { status: 'ok' as const }
    },
  )

  app.get(
    '/metrics',
    { schema: { operationId: 'getMetrics', tags, security, summary: 'Metrics in the Prometheus text format' } },
    async (_request, reply) => {
      // Without a database the rest is still worth a scrape: it is what an operator looks at then.
      const rows = await deps.db
        .select({ count: sql<number>`count(*)::int` })
        .from(outbox)
        .catch(() => [])
      if (rows[0]) outboxRows.set(rows[0].count)
      return reply.type(registry.contentType).send(await registry.metrics())
    },
  )
}

const READY_WITHIN_MS = 2_000

async function check(what: string, ask: () => Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${READY_WITHIN_MS} ms`)), READY_WITHIN_MS)
  })
  try {
    await Promise.race([ask(), late])
  } catch (cause) {
    throw new DomainError('unavailable', `${what} is not ready`, { cause })
  } finally {
    clearTimeout(timer)
  }
}
