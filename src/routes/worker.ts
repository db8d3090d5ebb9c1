/** What hypervisor workers call, each with its own token and about its own hypervisor only. */
import { Type } from 'typebox'
import type { App, Deps } from '../app.ts'
import { transaction } from '../db/client.ts'
import { heardFrom } from '../domain/hypervisor/hypervisors.ts'
import { noteProgress, reportJob, storeObservations } from '../domain/job/report-job.ts'
import { claimJob, desiredState } from '../domain/job/work-orders.ts'
import { storeTraffic } from '../domain/traffic/traffic.ts'
import { announceFinished } from '../jobs/job-waiters.ts'
import { TrafficReport } from '../jobs/traffic-report.ts'
import { DesiredState, JobProgress, JobReport, NicObservation, QueueAccess, WorkOrder } from '../jobs/work-order.ts'
import { countJob } from '../metrics.ts'
import { Body, HypervisorId, JobId, params, ServerId } from './fields.ts'
import { refusals } from './problem.ts'

const tags = ['worker']
const security = [{ token: [] }]
const here = params({ hypervisorId: HypervisorId })
const atJob = params({ hypervisorId: HypervisorId, jobId: JobId })
/** What a worker says of itself: flat, and text that the database can store. */
const Facts = Type.Record(
  Type.String(),
  Type.Unsafe<unknown>({
    type: ['string', 'number', 'boolean', 'null', 'array'],
    format: 'text',
    maxLength: 1024,
    items: { type: 'string', format: 'text', maxLength: 1024 },
    maxItems: 100,
  }),
  { maxProperties: 50, propertyNames: { type: 'string', format: 'text', minLength: 1, maxLength: 64 } },
)

export function workerRoutes(app: App, deps: Deps): void {
  app.get(
    '/queue',
    {
      schema: {
        operationId: 'getQueueAccess',
        tags,
        security,
        summary: 'Where the queue of this hypervisor is, and how to get in',
        params: here,
        response: { 200: QueueAccess, ...refusals },
      },
    },
    async () => deps.queueAccess,
  )

  app.post(
    '/heartbeat',
    {
      schema: {
        operationId: 'sendHeartbeat',
        tags,
        security,
        summary: 'Say that the worker is alive',
        params: here,
        body: Body({ facts: Facts }),
        response: { 204: Type.Null(), ...refusals },
      },
    },
    async (request, reply) => {
      await heardFrom(deps.db, request.params.hypervisorId, request.body.facts)
      return reply.code(204).send(null)
    },
  )

  app.get(
    '/desired-state',
    {
      schema: {
        operationId: 'getDesiredState',
        tags,
        security,
        summary: 'Everything that should stand on this hypervisor, or on one of its servers',
        params: here,
        querystring: Body({ server_id: Type.Optional(ServerId) }),
        response: { 200: DesiredState, ...refusals },
      },
    },
    async (request) => desiredState(deps.db, request.params.hypervisorId, request.query.server_id),
  )

  app.post(
    '/jobs/:jobId/claim',
    {
      schema: {
        operationId: 'claimJob',
        tags,
        security,
        summary: 'Begin an attempt at a job',
        params: atJob,
        body: Body({}),
        response: { 200: WorkOrder, ...refusals },
      },
    },
    async (request) => transaction(deps.db, (tx) => claimJob(tx, request.params.hypervisorId, request.params.jobId)),
  )

  app.post(
    '/jobs/:jobId/progress',
    {
      schema: {
        operationId: 'noteProgress',
        tags,
        security,
        summary: 'Say how far an attempt is that is under way',
        params: atJob,
        body: JobProgress,
        response: { 204: Type.Null(), ...refusals },
      },
    },
    async (request, reply) => {
      const { hypervisorId, jobId } = request.params
      await transaction(deps.db, (tx) => noteProgress(tx, hypervisorId, jobId, request.body))
      return reply.code(204).send(null)
    },
  )

  app.post(
    '/jobs/:jobId/report',
    {
      schema: {
        operationId: 'reportJob',
        tags,
        security,
        summary: 'Say how an attempt ended',
        params: atJob,
        body: JobReport,
        response: { 204: Type.Null(), ...refusals },
      },
    },
    async (request, reply) => {
      const { hypervisorId, jobId } = request.params
      const after = await transaction(deps.db, (tx) => reportJob(tx, hypervisorId, jobId, request.body))
      if (after.finishedAt !== null) {
        announceFinished(jobId)
        if (after.parentId !== null) announceFinished(after.parentId)
        countJob(after)
      }
      return reply.code(204).send(null)
    },
  )

  app.post(
    '/observations',
    {
      schema: {
        operationId: 'sendObservations',
        tags,
        security,
        summary: 'Say what kernel and guests show of NICs',
        params: here,
        body: Body({ observed: Type.Array(NicObservation, { maxItems: 1000 }) }),
        response: { 204: Type.Null(), ...refusals },
      },
    },
    async (request, reply) => {
      await transaction(deps.db, (tx) => storeObservations(tx, request.params.hypervisorId, request.body.observed))
      return reply.code(204).send(null)
    },
  )

  app.post(
    '/traffic',
    {
      schema: {
        operationId: 'sendTraffic',
        tags,
        security,
        summary: 'Say how much went through NICs since the last time',
        params: here,
        body: TrafficReport,
        response: { 204: Type.Null(), ...refusals },
      },
    },
    async (request, reply) => {
      await storeTraffic(deps.db, request.params.hypervisorId, request.body)
      return reply.code(204).send(null)
    },
  )
}
