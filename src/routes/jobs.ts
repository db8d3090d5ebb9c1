import { Type } from 'typebox'
import type { App, Deps } from '../app.ts'
import { JOB_STATES } from '../db/columns.ts'
import { getJob, listJobs } from '../domain/job/jobs.ts'
import { JOB_ACTIONS } from '../jobs/catalogue.ts'
import { Body, itemsOf, JobId, NicId, PageQuery, pageFrom, params, ServerId } from './fields.ts'
import { refusals } from './problem.ts'

const tags = ['jobs']

export function jobRoutes(app: App, deps: Deps): void {
  app.get(
    '/jobs',
    {
      schema: {
        operationId: 'listJobs',
        tags,
        summary: 'List jobs, newest first',
        querystring: Body({
          ...PageQuery,
          state: Type.Optional(Type.Enum([...JOB_STATES])),
          action: Type.Optional(Type.Enum([...JOB_ACTIONS])),
          server_id: Type.Optional(ServerId),
          nic_id: Type.Optional({ ...NicId, description: 'Of NICs that it moves, or names among its resources' }),
          resource_id: Type.Optional(
            Type.String({ pattern: '^[0-9a-z:-]{1,40}$', description: 'Id of anything among its resources' }),
          ),
          parent_id: Type.Optional({ ...JobId, description: 'Of the job that it is a part of' }),
        }),
        response: { 200: itemsOf(Type.Ref('Job')), ...refusals },
      },
    },
    async (request) => listJobs(deps.db, request.actor.projectId, request.query, pageFrom(request.query)),
  )

  app.get(
    '/jobs/:id',
    {
      schema: {
        operationId: 'getJob',
        tags,
        summary: 'Read a job: state, steps with times and errors, attempts',
        params: params({ id: JobId }),
        response: { 200: Type.Ref('Job'), ...refusals },
      },
    },
    async (request) => getJob(deps.db, request.actor.projectId, request.params.id),
  )
}
