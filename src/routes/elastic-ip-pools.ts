import { Type } from 'typebox'
import type { App, Deps } from '../app.ts'
import { transaction } from '../db/client.ts'
import { createPool, deletePool, getPool, listPools, updatePool } from '../domain/elastic-ip/pools.ts'
import { INTERFACE_PATTERN } from '../domain/hypervisor/interfaces.ts'
import { ifMatch, perform, sendMade, sendTagged } from './answer.ts'
import { Body, Cidr, ElasticIpPoolId, Ipv4, itemsOf, Name, PageQuery, pageFrom, params } from './fields.ts'
import { refusals } from './problem.ts'

const tags = ['elastic-ips']
const byId = params({ id: ElasticIpPoolId })
const one = { 200: Type.Ref('ElasticIpPool'), ...refusals }
const admin = { role: 'admin' } as const

const address = (description: string, example: string) => Type.String({ ...Ipv4, description, examples: [example] })
const First = address('The first address to give out', '203.0.113.10')
const Last = address('The last address to give out', '203.0.113.250')

export function elasticIpPoolRoutes(app: App, deps: Deps): void {
  app.post(
    '/elastic-ip-pools',
    {
      config: admin,
      schema: {
        operationId: 'createElasticIpPool',
        tags,
        summary: 'Make a pool of elastic IPs: public addresses of one segment (admin)',
        body: Body({
          name: Name,
          cidr: Type.String({ ...Cidr, description: 'The segment: a /16 to /30', examples: ['203.0.113.0/24'] }),
          gateway: address('Leads out of the segment; outside first to last', '203.0.113.1'),
          first: First,
          last: Last,
          interface: Type.String({
            pattern: INTERFACE_PATTERN,
            description: 'Of the hypervisors, to the segment; at least one of them has it',
            examples: ['eth1'],
          }),
        }),
        response: { 201: Type.Ref('ElasticIpPool'), ...refusals },
      },
    },
    async (request, reply) => {
      const made = await perform(deps, request, reply, (tx) => createPool(tx, request.actor, request.body))
      return sendMade(reply, `/v1/elastic-ip-pools/${made.id}`, made)
    },
  )

  app.get(
    '/elastic-ip-pools',
    {
      schema: {
        operationId: 'listElasticIpPools',
        tags,
        summary: 'List pools of elastic IPs, newest first',
        querystring: Body({ ...PageQuery, name: Type.Optional(Name) }),
        response: { 200: itemsOf(Type.Ref('ElasticIpPool')), ...refusals },
      },
    },
    async (request) => listPools(deps.db, request.query, pageFrom(request.query)),
  )

  app.get(
    '/elastic-ip-pools/:id',
    {
      schema: {
        operationId: 'getElasticIpPool',
        tags,
        summary: 'Read a pool of elastic IPs',
        params: byId,
        response: one,
      },
    },
    async (request, reply) => sendTagged(reply, await getPool(deps.db, request.params.id)),
  )

  app.patch(
    '/elastic-ip-pools/:id',
    {
      config: admin,
      schema: {
        operationId: 'updateElasticIpPool',
        tags,
        summary: 'Rename a pool of elastic IPs, or move the ends of its range (admin)',
        params: byId,
        body: Body(
          { name: Type.Optional(Name), first: Type.Optional(First), last: Type.Optional(Last) },
          { minProperties: 1 },
        ),
        response: one,
      },
    },
    async (request, reply) => {
      const match = ifMatch(request)
      return sendTagged(
        reply,
        await transaction(deps.db, (tx) => updatePool(tx, request.actor, request.params.id, request.body, match)),
      )
    },
  )

  app.delete(
    '/elastic-ip-pools/:id',
    {
      config: admin,
      schema: {
        operationId: 'deleteElasticIpPool',
        tags,
        summary: 'Delete a pool without elastic IPs (admin)',
        params: byId,
        response: { 204: Type.Null(), ...refusals },
      },
    },
    async (request, reply) => {
      const match = ifMatch(request)
      await transaction(deps.db, (tx) => deletePool(tx, request.actor, request.params.id, match))
      return reply.code(204).send(null)
    },
  )
}
