import { Type } from 'typebox'
import type { App, Deps } from '../app.ts'
import { getHypervisor, listHypervisors, registerHypervisor } from '../domain/hypervisor/hypervisors.ts'
import { perform } from './answer.ts'
import { Body, HypervisorId, itemsOf, PageQuery, pageFrom, params } from './fields.ts'
import { refusals } from './problem.ts'

const tags = ['hypervisors']

export function hypervisorRoutes(app: App, deps: Deps): void {
  app.get(
    '/hypervisors',
    {
      schema: {
        operationId: 'listHypervisors',
        tags,
        summary: 'List hypervisors, newest first',
        querystring: Body(PageQuery),
        response: { 200: itemsOf(Type.Ref('Hypervisor')), ...refusals },
      },
    },
    async (request) => listHypervisors(deps.db, pageFrom(request.query)),
  )

  app.get(
    '/hypervisors/:id',
    {
      schema: {
        operationId: 'getHypervisor',
        tags,
        summary: 'Read a hypervisor',
        params: params({ id: HypervisorId }),
        response: { 200: Type.Ref('Hypervisor'), ...refusals },
      },
    },
    async (request) => getHypervisor(deps.db, request.params.id),
  )

  app.post(
    '/hypervisors',
    {
      config: { role: 'admin' },
      schema: {
        operationId: 'registerHypervisor',
        tags,
        summary: 'Register a hypervisor, or give a known one a new token; the token is shown once (admin)',
        body: Body({ id: HypervisorId, zone_id: HypervisorId }),
        response: { 201: Type.Object({ id: HypervisorId, zone_id: Type.String(), token: Type.String() }), ...refusals },
      },
    },
    async (request, reply) => {
      const { id, zone_id } = request.body
      const token = await perform(deps, request, reply, (tx) => registerHypervisor(tx, id, zone_id), { secret: true })
      return reply.code(201).header('location', `/v1/hypervisors/${id}`).send({ id, zone_id, token })
    },
  )
}
