import { Type } from 'typebox'
import type { App, Deps } from '../app.ts'
import { transaction } from '../db/client.ts'
import { ACCESS_ROLES } from '../db/columns.ts'
import { createAccessKey, deleteAccessKey, getAccessKey, listAccessKeys } from '../domain/access-key/access-keys.ts'
import { perform } from './answer.ts'
import type { ActorCache } from './auth.ts'
import { Body, itemsOf, Name, PageQuery, ProjectId, pageFrom, params } from './fields.ts'
import { refusals } from './problem.ts'

const tags = ['access']
const config = { role: 'admin' } as const
const AccessKeyId = Type.String({ pattern: '^[A-Z0-9]{20}$' })

export function accessKeyRoutes(app: App, deps: Deps, actors: ActorCache): void {
  app.post(
    '/access-keys',
    {
      config,
      schema: {
        operationId: 'createAccessKey',
        tags,
        summary: 'Make an access key; secret and token are shown once (admin)',
        body: Body({
          role: Type.Enum([...ACCESS_ROLES]),
          name: Type.Optional(Name),
          project_id: Type.Optional(ProjectId),
        }),
        response: { 201: Type.Ref('NewAccessKey'), ...refusals },
      },
    },
    async (request, reply) => {
      const { role, name = '', project_id: projectId = request.actor.projectId } = request.body
      const made = await perform(
        deps,
        request,
        reply,
        (tx) => createAccessKey(tx, request.actor.keyId, { role, name, projectId }, deps.secretKey),
        { secret: true },
      )
      return reply.code(201).header('location', `/v1/access-keys/${made.access_key_id}`).send(made)
    },
  )

  app.get(
    '/access-keys',
    {
      config,
      schema: {
        operationId: 'listAccessKeys',
        tags,
        summary: 'List access keys, newest first (admin)',
        querystring: Body({ ...PageQuery, project_id: Type.Optional(ProjectId) }),
        response: { 200: itemsOf(Type.Ref('AccessKey')), ...refusals },
      },
    },
    async (request) => listAccessKeys(deps.db, request.query.project_id, pageFrom(request.query)),
  )

  app.get(
    '/access-keys/:id',
    {
      config,
      schema: {
        operationId: 'getAccessKey',
        tags,
        summary: 'Read an access key, without its secret (admin)',
        params: params({ id: AccessKeyId }),
        response: { 200: Type.Ref('AccessKey'), ...refusals },
      },
    },
    async (request) => getAccessKey(deps.db, request.params.id),
  )

  app.delete(
    '/access-keys/:id',
    {
      config,
      schema: {
        operationId: 'deleteAccessKey',
        tags,
        summary: 'Delete an access key (admin)',
        params: params({ id: AccessKeyId }),
        response: { 204: Type.Null(), ...refusals },
      },
    },
    async (request, reply) => {
      await transaction(deps.db, (tx) => deleteAccessKey(tx, request.actor, request.params.id))
      actors.forget()
      return reply.code(204).send(null)
    },
  )
}
