import { Type } from 'typebox'
import type { App, Deps } from '../app.ts'
import { transaction } from '../db/client.ts'
import { NETWORK_TYPES } from '../db/columns.ts'
import { INTERFACE_PATTERN } from '../domain/hypervisor/interfaces.ts'
import { createNetwork } from '../domain/network/create-network.ts'
import { joinNetwork, leaveNetwork } from '../domain/network/join-network.ts'
import { setDhcp, setIpv6 } from '../domain/network/network-settings.ts'
import { DEFAULT_LEASE_SECONDS } from '../domain/network/network-view.ts'
import { deleteNetwork, getNetwork, listNetworks, updateNetwork } from '../domain/network/networks.ts'
import { Nullable } from '../json-schema.ts'
import { ifMatch, perform, performJob, sendMade, sendTagged } from './answer.ts'
import {
  Body,
  Changes,
  Cidr,
  Ipv4,
  Ipv6Cidr,
  itemsOf,
  Name,
  NetworkId,
  NetworkMode,
  named,
  PageQuery,
  pageFrom,
  params,
  Search,
  VpcId,
} from './fields.ts'
import { jobAnswers, refusals } from './problem.ts'

const tags = ['networks']
const byId = params({ id: NetworkId })
const NetworkType = Type.Enum([...NETWORK_TYPES])
/** Lower case: names in DNS have none, and the database compares them. */
const Domain = Type.String({
  pattern: '^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$',
  maxLength: 253,
  examples: ['prod.example.org'],
})
const one = { 200: Type.Ref('Network'), ...refusals }

export function networkRoutes(app: App, deps: Deps): void {
  app.post(
    '/networks',
    {
      schema: {
        operationId: 'createNetwork',
        tags,
        summary: 'Make a network: routed (in a VPC when vpc_id and cidr are given), isolated, or bridged to a segment',
        body: Body(
          {
            name: Name,
            type: Type.Optional(NetworkType),
            mode: Type.Optional(NetworkMode),
            mtu: Type.Optional(Type.Integer({ minimum: 1280, maximum: 9000, default: 1500, description: 'Bytes' })),
            vpc_id: Type.Optional(VpcId),
            cidr: Type.Optional(Cidr),
            ipv6_cidr: Type.Optional(Ipv6Cidr),
            interface: Type.Optional(
              Type.String({ pattern: INTERFACE_PATTERN, description: 'Of the hypervisors, to bridge to' }),
            ),
            gateway: Type.Optional(
              Type.String({ ...Ipv4, description: 'Of the segment, that a bridged network’s guests are told' }),
            ),
            address_range: Type.Optional(
              Body(
                { first: Ipv4, last: Ipv4 },
                { description: 'Which addresses of the segment are to be given out; .2 to .253 when absent' },
              ),
            ),
            ...named,
          },
          { dependentRequired: { vpc_id: ['cidr'] } },
        ),
        response: { 201: Type.Ref('Network'), ...refusals },
      },
    },
    async (request, reply) => {
      const made = await perform(deps, request, reply, (tx) => createNetwork(tx, request.actor, request.body))
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
          search: Type.Optional(Search),
          name: Type.Optional(Name),
          type: Type.Optional(NetworkType),
          mode: Type.Optional(NetworkMode),
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
        summary: 'Join a routed network to a VPC with a /24 of it',
        params: byId,
        body: Body({ vpc_id: VpcId, cidr: Cidr, ipv6_cidr: Type.Optional(Ipv6Cidr) }),
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

  app.put(
    '/networks/:id/ipv6',
    {
      schema: {
        operationId: 'setNetworkIpv6',
        tags,
        summary: 'Give a network in a VPC an IPv6 prefix, another one, or none (null)',
        description: 'The IPv6 addresses of its NICs follow; guests learn of it by router advertisement.',
        params: byId,
        body: Body({ ipv6_cidr: Nullable(Ipv6Cidr) }),
        response: jobAnswers,
      },
    },
    (request, reply) => {
      const match = ifMatch(request)
      return performJob(deps, request, reply, (tx) =>
        setIpv6(tx, request.actor, request.params.id, request.body.ipv6_cidr, match),
      )
    },
  )

  app.put(
    '/networks/:id/dhcp',
    {
      schema: {
        operationId: 'setNetworkDhcp',
        tags,
        summary: 'Replace what DHCP tells the guests of a network; what is left out goes back to its default',
        params: byId,
        body: Body({
          lease_seconds: Type.Optional(
            Type.Integer({ minimum: 120, maximum: 31_536_000, default: DEFAULT_LEASE_SECONDS }),
          ),
          dns_servers: Type.Optional(Type.Array(Ipv4, { maxItems: 3, uniqueItems: true, default: [] })),
          domain: Type.Optional(Nullable(Domain)),
        }),
        response: jobAnswers,
      },
    },
    (request, reply) => {
      const match = ifMatch(request)
      return performJob(deps, request, reply, (tx) =>
        setDhcp(tx, request.actor, request.params.id, request.body, match),
      )
    },
  )
}
