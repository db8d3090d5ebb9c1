import { Type } from 'typebox'
import type { App, Deps } from '../app.ts'
import { transaction } from '../db/client.ts'
import { NETWORK_TYPES } from '../db/schema.ts'
import {
  createNetwork,
  deleteNetwork,
  getNetwork,
  joinNetwork,
  leaveNetwork,
  listNetworks,
  updateNetwork,
} from '../domain/network/networks.ts'
import { ifMatch, perform, sendMade, sendTagged } from './answer.ts'
import { refusals } from './problem.ts'
import { Body, Changes, Cidr, itemsOf, Name, NetworkId, named, PageQuery, pageFrom, params, VpcId } from './schemas.ts'

const tags = ['networks']
const byId = params({ id: NetworkId })
const NetworkType = Type.Enum([...NETWORK_TYPES])
const one = { 200: Type.Ref('Network'), ...refusals }

export function networkRoutes(app: App, deps: Deps): void {
  app.post(
    '/networks',
    {
      schema: {
        operationId: 'createNetwork',
        tags,
        summary: 'Make a network, joined to a VPC when vpc_id and cidr are given',
        body: Body(
          {
            name: Name,
            type: Type.Optional(NetworkType),
            vpc_id: Type.Optional(VpcId),
            cidr: Type.Optional(Cidr),
            ...named,
          },
          { dependentRequired: { vpc_id: ['cidr'], cidr: ['vpc_id'] } },
        ),
        response: { 201: Type.Ref('Network'), ...refusals },
      },
    },
    async (request, reply) => {
      const { vpc_id, cidr, type = 'managed', ...rest } = request.body
      const subnet = vpc_id !== undefined && cidr !== undefined ? { vpc_id, cidr } : undefined
      const made = await perform(deps, request, reply, (tx) =>
        createNetwork(tx, request.actor, { ...rest, type, subnet }),
      )
      return sendMade(reply, `/v1/networks/${made.id}`, made)
    },
  )

  app.get(
    '/networks',
    {
      schema: {
        operationId: 'listNetworks',
        tags,
        summary: 'List networks, newest first',
        querystring: Body({
          ...PageQuery,
          name: Type.Optional(Name),
          type: Type.Optional(NetworkType),
          vpc_id: Type.Optional(VpcId),
        }),
        response: { 200: itemsOf(Type.Ref('Network')), ...refusals },
      },
    },
    async (request) => listNetworks(deps.db, request.actor.projectId, request.query, pageFrom(request.query)),
  )

  app.get(
    '/networks/:id',
    { schema: { operationId: 'getNetwork', tags, summary: 'Read a network', params: byId, response: one } },
    async (request, reply) => sendTagged(reply, await getNetwork(deps.db, request.actor.projectId, request.params.id)),
  )

  app.patch(
    '/networks/:id',
    {
      schema: {
        operationId: 'updateNetwork',
        tags,
        summary: 'Change name, description or tags',
        params: byId,
        body: Changes,
        response: one,
      },
    },
    async (request, reply) => {
      const match = ifMatch(request)
      return sendTagged(
        reply,
        await transaction(deps.db, (tx) => updateNetwork(tx, request.actor, request.params.id, request.body, match)),
      )
    },
  )

  app.delete(
    '/networks/:id',
    {
      schema: {
        operationId: 'deleteNetwork',
        tags,
        summary: 'Delete a network that has no NICs',
        params: byId,
        response: { 204: Type.Null(), ...refusals },
      },
    },
    async (request, reply) => {
      const match = ifMatch(request)
      await transaction(deps.db, (tx) => deleteNetwork(tx, request.actor, request.params.id, match))
      return reply.code(204).send(null)
    },
  )

  app.post(
    '/networks/:id/join',
    {
      schema: {
        operationId: 'joinNetwork',
        tags,
        summary: 'Join a managed network to a VPC with a /24 of it',
        params: byId,
        body: Body({ vpc_id: VpcId, cidr: Cidr }),
        response: one,
      },
    },
    async (request, reply) =>
      sendTagged(
        reply,
        await perform(deps, request, reply, (tx) => joinNetwork(tx, request.actor, request.params.id, request.body)),
      ),
  )

  app.post(
    '/networks/:id/leave',
    {
      schema: {
        operationId: 'leaveNetwork',
        tags,
        summary: 'Take a network without NICs out of its VPC',
        params: byId,
        body: Body({}),
        response: one,
      },
    },
    async (request, reply) =>
      sendTagged(
        reply,
        await perform(deps, request, reply, (tx) => leaveNetwork(tx, request.actor, request.params.id)),
      ),
  )
}
