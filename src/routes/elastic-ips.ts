import { Type } from 'typebox'
import type { App, Deps } from '../app.ts'
import { transaction } from '../db/client.ts'
import { associateElasticIp, disassociateElasticIp, setElasticIpBandwidth } from '../domain/elastic-ip/associate.ts'
import {
  createElasticIp,
  deleteElasticIp,
  ELASTIC_IP_STATES,
  getElasticIp,
  listElasticIps,
  updateElasticIp,
} from '../domain/elastic-ip/elastic-ips.ts'
import { Nullable } from '../json-schema.ts'
import { ifMatch, perform, performJob, sendMade, sendTagged } from './answer.ts'
import {
  Body,
  Changes,
  ElasticIpId,
  ElasticIpPoolId,
  Ipv4,
  itemsOf,
  Name,
  NicId,
  named,
  PageQuery,
  pageFrom,
  params,
  SearchWithAddress,
  VpcId,
} from './fields.ts'
import { jobAnswers, refusals } from './problem.ts'

const tags = ['elastic-ips']
const byId = params({ id: ElasticIpId })
const one = { 200: Type.Ref('ElasticIp'), ...refusals }
const Mbps = Type.Integer({
  minimum: 1,
  maximum: 100_000,
  description: 'Mbit/s (10^6 bit/s) in each direction; not limited when left out',
})

export function elasticIpRoutes(app: App, deps: Deps): void {
  app.post(
    '/elastic-ips',
    {
      schema: {
        operationId: 'createElasticIp',
        tags,
        summary: 'Take an elastic IP from a pool: the lowest free address, or the one asked for',
        body: Body({
          pool_id: Type.Optional(
            Type.String({ ...ElasticIpPoolId, description: 'May be left out when there is exactly one pool' }),
          ),
          name: Type.Optional(Name),
          address: Type.Optional(Ipv4),
          bandwidth_mbps: Type.Optional(Mbps),
          ...named,
        }),
        response: { 201: Type.Ref('ElasticIp'), ...refusals },
      },
    },
    async (request, reply) => {
      const made = await perform(deps, request, reply, (tx) => createElasticIp(tx, request.actor, request.body))
      return sendMade(reply, `/v1/elastic-ips/${made.id}`, made)
    },
  )

  app.get(
    '/elastic-ips',
    {
      schema: {
        operationId: 'listElasticIps',
        tags,
        summary: 'List elastic IPs, newest first',
        querystring: Body({
          ...PageQuery,
          search: Type.Optional(SearchWithAddress),
          name: Type.Optional(Name),
          state: Type.Optional(Type.Enum([...ELASTIC_IP_STATES])),
          pool_id: Type.Optional(ElasticIpPoolId),
          nic_id: Type.Optional(NicId),
          vpc_id: Type.Optional(VpcId),
          address: Type.Optional(Ipv4),
        }),
        response: { 200: itemsOf(Type.Ref('ElasticIp')), ...refusals },
      },
    },
    async (request) => listElasticIps(deps.db, request.actor.projectId, request.query, pageFrom(request.query)),
  )

  app.get(
    '/elastic-ips/:id',
    { schema: { operationId: 'getElasticIp', tags, summary: 'Read an elastic IP', params: byId, response: one } },
    async (request, reply) =>
      sendTagged(reply, await getElasticIp(deps.db, request.actor.projectId, request.params.id)),
  )

  app.patch(
    '/elastic-ips/:id',
    {
      schema: {
        operationId: 'updateElasticIp',
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
        await transaction(deps.db, (tx) => updateElasticIp(tx, request.actor, request.params.id, request.body, match)),
      )
    },
  )

  app.delete(
    '/elastic-ips/:id',
    {
      schema: {
        operationId: 'deleteElasticIp',
        tags,
        summary: 'Give an elastic IP that nobody has back to its pool',
        params: byId,
        response: { 204: Type.Null(), ...refusals },
      },
    },
    async (request, reply) => {
      const match = ifMatch(request)
      await transaction(deps.db, (tx) => deleteElasticIp(tx, request.actor, request.params.id, match))
      return reply.code(204).send(null)
    },
  )

  app.post(
    '/elastic-ips/:id/associate',
    {
      schema: {
        operationId: 'associateElasticIp',
        tags,
        summary: 'Give an elastic IP to a NIC or to a VPC, taking it from whoever has it',
        description:
          'A NIC may be on no server: the address comes with it when it is attached. A VPC’s address stands on one ' +
          'hypervisor, which keeps it; when that is down, or only others have NICs of the VPC, asking again brings it to ' +
          'another.',
        params: byId,
        body: Body(
          { nic_id: Type.Optional(NicId), vpc_id: Type.Optional(VpcId) },
          { description: 'Either nic_id or vpc_id' },
        ),
        response: jobAnswers,
      },
    },
    (request, reply) =>
      performJob(deps, request, reply, (tx) => associateElasticIp(tx, request.actor, request.params.id, request.body)),
  )

  app.post(
    '/elastic-ips/:id/disassociate',
    {
      schema: {
        operationId: 'disassociateElasticIp',
        tags,
        summary: 'Take an elastic IP from its NIC or VPC',
        params: byId,
        body: Body({}),
        response: jobAnswers,
      },
    },
    (request, reply) =>
      performJob(deps, request, reply, (tx) => disassociateElasticIp(tx, request.actor, request.params.id)),
  )

  app.put(
    '/elastic-ips/:id/bandwidth',
    {
      schema: {
        operationId: 'setElasticIpBandwidth',
        tags,
        summary: 'Limit the traffic of an elastic IP, or not',
        params: byId,
        body: Body({
          bandwidth_mbps: Nullable(
            Type.Integer({ ...Mbps, description: 'Mbit/s (10^6 bit/s) in each direction; null: not limited' }),
          ),
        }),
        response: jobAnswers,
      },
    },
    (request, reply) => {
      const match = ifMatch(request)
      return performJob(deps, request, reply, (tx) =>
        setElasticIpBandwidth(tx, request.actor, request.params.id, request.body.bandwidth_mbps, match),
      )
    },
  )
}
