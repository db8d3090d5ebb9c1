import { Type } from 'typebox'
import type { App, Deps } from '../app.ts'
import { transaction } from '../db/client.ts'
import { createProject, deleteProject, getProject, listProjects } from '../domain/project/projects.ts'
import { perform } from './answer.ts'
import type { ActorCache } from './auth.ts'
import { Body, itemsOf, Name, PageQuery, ProjectId, pageFrom, params } from './fields.ts'
import { refusals } from './problem.ts'

const tags = ['access']
const config = { role: 'admin' } as const

export function projectRoutes(app: App, deps: Deps, actors: ActorCache): void {
  app.post(
    '/projects',
    {
      config,
      schema: {
        operationId: 'createProject',
        tags,
        summary: 'Make a project (admin)',
        body: Body({ name: Name }),
        response: { 201: Type.Ref('Project'), ...refusals },
      },
    },
    async (request, reply) => {
      const made = await perform(deps, request, reply, (tx) => createProject(tx, request.actor, request.body.name))
      return reply.code(201).header('location', `/v1/projects/${made.id}`).send(made)
    },
  )

  app.get(
    '/projects',
    {
      config,
      schema: {
        operationId: 'listProjects',
        tags,
        summary: 'List projects, newest first (admin)',
        querystring: Body(PageQuery),
        response: { 200: itemsOf(Type.Ref('Project')), ...refusals },
      },
    },
    async (request) => listProjects(deps.db, pageFrom(request.query)),
  )

  app.get(
    '/projects/:id',
    {
      config,
      schema: {
        operationId: 'getProject',
        tags,
        summary: 'Read a project (admin)',
        params: params({ id: ProjectId }),
        response: { 200: Type.Ref('Project'), ...refusals },
      },
    },
    async (request) => getProject(deps.db, request.params.id),
  )

  app.delete(
    '/projects/:id',
    {
      config,
      schema: {
        operationId: 'deleteProject',
        tags,
        summary: 'Delete a project without resources, and its access keys (admin)',
        params: params({ id: ProjectId }),
        response: { 204: Type.Null(), ...refusals },
      },
    },
    async (request, reply) => {
      await transaction(deps.db, (tx) => deleteProject(tx, request.actor, request.params.id))
      actors.forget()
      return reply.code(204).send(null)
    },
  )
}
