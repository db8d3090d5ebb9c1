import { Type } from 'typebox'
import type { App, Deps } from '../app.ts'
import { transaction } from '../db/client.ts'
import { NIC_STATES } from '../db/columns.ts'
import { attachNics, detachNics } from '../domain/nic/attach-nics.ts'
import { createNics } from '../domain/nic/create-nics.ts'
import { listNics, NIC_ORDERS, NIC_SORTS } from '../domain/nic/list-nics.ts'
import { deleteNic, getNic } from '../domain/nic/nics.ts'
import { updateNic } from '../domain/nic/update-nic.ts'
import { Nullable } from '../json-schema.ts'
import { ifMatch, perform, performJob, sendMade, sendTagged } from './answer.ts'
import {
  Address,
  Body,
  Force,
  GroupId,
  Ipv4,
  itemsOf,
  Name,
  NameOrNone,
  NetworkId,
  NicId,
  named,
  PageQuery,
  pageFrom,
  params,
  Search,
  ServerId,
  Slot,
  VpcId,
} from './fields.ts'
import { nicSettings } from './nic-settings.ts'
import { jobAnswers, refusals } from './problem.ts'

const tags = ['nics']
const byId = params({ id: NicId })
const Addressed = Type.Optional(
  Type.Boolean({
    default: true,
    description:
      'False: without address. In a network that has addresses such a NIC may use the reserved ones, and it may get one ' +
      'of its own while it is available',
  }),
)

export function nicRoutes(app: App, deps: Deps): void {
  app.post(
    '/nics',
    {
      schema: {
        operationId: 'createNic',
        tags,
        summary: 'Make a NIC; without an address it gets the lowest free one',
        body: Body({
          network_id: NetworkId,
          name: Type.Optional(Name),
          address: Type.Optional(Ipv4),
          addressed: Addressed,
          ...named,
          ...nicSettings,
        }),
        response: { 201: Type.Ref('Nic'), ...refusals },
      },
    },
    async (request, reply) => {
      const { network_id: networkId, address, ...rest } = request.body
      const wanted = {
        networkId,
        count: 1,
        addresses: address === undefined ? [] : [address],
        ...rest,
        pointer: () => '/address',
      }
      const [made] = await perform(deps, request, reply, (tx) => createNics(tx, request.actor, wanted), {
        atomic: true,
      })
      if (!made) throw new Error('no NIC was made')
      return sendMade(reply, `/v1/nics/${made.id}`, made)
    },
  )

  app.post(
    '/nics/batch',
    {
      schema: {
        operationId: 'createNics',
        tags,
        summary: 'Make up to 252 NICs, all or none; addresses go to the first of them',
        body: Body({
          network_id: NetworkId,
          count: Type.Integer({ minimum: 1, maximum: 252 }),
          name: Type.Optional(Name),
          addresses: Type.Optional(Type.Array(Ipv4, { maxItems: 252, uniqueItems: true })),
          addressed: Addressed,
          ...named,
          ...nicSettings,
        }),
        response: { 201: Type.Object({ items: Type.Array(Type.Ref('Nic')) }), ...refusals },
      },
    },
    async (request, reply) => {
      const { network_id: networkId, ...rest } = request.body
      const pointer = (index: number) => `/addresses/${index}`
      const items = await perform(
        deps,
        request,
        reply,
        (tx) => createNics(tx, request.actor, { networkId, ...rest, pointer }),
        {
          atomic: true,
        },
      )
      return reply.code(201).send({ items })
    },
  )

  app.get(
    '/nics',
    {
      schema: {
        operationId: 'listNics',
        tags,
        summary: 'List NICs, newest first, or sorted',
        querystring: Body({
          ...PageQuery,
          // It holds the name that a page sorted by name ended with.
          cursor: Type.Optional(Type.String({ ...PageQuery.cursor, maxLength: 1000 })),
          sort: Type.Optional(Type.Enum([...NIC_SORTS], { default: 'created_at' })),
          order: Type.Optional(
            Type.Enum([...NIC_ORDERS], {
              description:
                'When absent `desc` for `created_at`, `asc` for the others. NICs without address come last in both',
            }),
          ),
          search: Type.Optional(
            Type.String({ ...Search, description: 'A part of the name, of an address or of the MAC, in any case' }),
          ),
          name: Type.Optional(Name),
          state: Type.Optional(Type.Enum([...NIC_STATES])),
          network_id: Type.Optional(NetworkId),
          vpc_id: Type.Optional(Type.String({ ...VpcId, description: 'Of the network' })),
          server_id: Type.Optional(ServerId),
          address: Type.Optional(Address),
          security_group_id: Type.Optional(GroupId),
        }),
        response: { 200: itemsOf(Type.Ref('Nic')), ...refusals },
      },
    },
    async ({ actor, query }) =>
      listNics(deps.db, actor.projectId, query, { ...pageFrom(query), sort: query.sort, order: query.order }),
  )

  app.get(
    '/nics/:id',
    {
      schema: {
        operationId: 'getNic',
        tags,
        summary: 'Read a NIC',
        params: byId,
        response: { 200: Type.Ref('Nic'), ...refusals },
      },
    },
    async (request, reply) => sendTagged(reply, await getNic(deps.db, request.actor.projectId, request.params.id)),
  )

  app.patch(
    '/nics/:id',
    {
      schema: {
        operationId: 'updateNic',
        tags,
        summary: 'Change name, description or tags, or the address or network of an available NIC',
        description:
          'In another network the NIC gets the lowest free address unless one is asked for, or none if it had none where ' +
          'it was. It must not have an elastic IP then.',
        params: byId,
        body: Body(
          {
            name: Type.Optional(NameOrNone),
            network_id: Type.Optional(NetworkId),
            address: Type.Optional(Nullable(Ipv4)),
            ...named,
          },
          { minProperties: 1 },
        ),
        response: { 200: Type.Ref('Nic'), ...refusals },
      },
    },
    async (request, reply) => {
      const match = ifMatch(request)
      return sendTagged(
        reply,
        await transaction(deps.db, (tx) => updateNic(tx, request.actor, request.params.id, request.body, match)),
      )
    },
  )

  app.delete(
    '/nics/:id',
    {
      schema: {
        operationId: 'deleteNic',
        tags,
        summary: 'Delete an available NIC',
        params: byId,
        response: { 204: Type.Null(), ...refusals },
      },
    },
    async (request, reply) => {
      const match = ifMatch(request)
      await transaction(deps.db, (tx) => deleteNic(tx, request.actor, request.params.id, match))
      return reply.code(204).send(null)
    },
  )

  app.post(
    '/nics/:id/attach',
    {
      schema: {
        operationId: 'attachNic',
        tags,
        summary: 'Plug a NIC into a server; into a stopped one it is plugged at start',
        params: byId,
        body: Body({ server_id: ServerId, slot: Type.Optional(Slot) }),
        response: jobAnswers,
      },
    },
    (request, reply) =>
      performJob(deps, request, reply, (tx) =>
        attachNics(tx, request.actor, {
          serverId: request.body.server_id,
          nicIds: [request.params.id],
          slot: request.body.slot,
          pointer: () => '',
        }),
      ),
  )

  app.post(
    '/nics/:id/detach',
    {
      schema: {
        operationId: 'detachNic',
        tags,
        summary: 'Take a NIC out of its server; force cuts the tap if the guest holds on to it',
        params: byId,
        body: Body({ force: Force }),
        response: jobAnswers,
      },
    },
    (request, reply) =>
      performJob(deps, request, reply, (tx) =>
        detachNics(tx, request.actor, { nicIds: [request.params.id], force: request.body.force, pointer: () => '' }),
      ),
  )
}
