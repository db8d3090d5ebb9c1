import { Type } from 'typebox'
import type { App, Deps } from '../app.ts'
import { transaction } from '../db/client.ts'
import { reserveAddresses } from '../domain/reserved-address/reserve-addresses.ts'
import {
  getReservedAddress,
  listReservedAddresses,
  releaseAddresses,
  updateReservedAddress,
} from '../domain/reserved-address/reserved-addresses.ts'
import { ifMatch, performJob, sendTagged } from './answer.ts'
import {
  Body,
  Description,
  Ipv4,
  itemsOf,
  NameOrNone,
  NetworkId,
  PageQuery,
  pageFrom,
  params,
  ReservedAddressId,
  SearchWithAddress,
} from './fields.ts'
import { jobAnswers, refusals } from './problem.ts'

const tags = ['reserved-addresses']
const byId = params({ id: ReservedAddressId })

export function reservedAddressRoutes(app: App, deps: Deps): void {
  app.post(
    '/reserved-addresses',
    {
      schema: {
        operationId: 'reserveAddresses',
        tags,
        summary: 'Reserve up to 252 addresses of a network, all or none; the job names them in its resources',
        description:
          'No NIC is given a reserved address. NICs without address in the same network may use it, any of them: their ' +
          'guests agree on which one does.',
        body: Body({
          network_id: NetworkId,
          count: Type.Optional(
            Type.Integer({
              minimum: 1,
              maximum: 252,
              description: 'When left out, as many as addresses or range name, or one',
            }),
          ),
          name: Type.Optional(NameOrNone),
          description: Type.Optional(Description),
          addresses: Type.Optional(
            Type.Array(Ipv4, {
              maxItems: 252,
              uniqueItems: true,
              description: 'The first of them; the others are the lowest free ones',
            }),
          ),
          range: Type.Optional(
            Body(
              { first: Ipv4, last: Ipv4 },
              { description: 'Where to take the lowest free ones; not with addresses' },
            ),
          ),
        }),
        response: jobAnswers,
      },
    },
    (request, reply) => performJob(deps, request, reply, (tx) => reserveAddresses(tx, request.actor, request.body)),
  )

  app.get(
    '/reserved-addresses',
    {
      schema: {
        operationId: 'listReservedAddresses',
        tags,
        summary: 'List reserved addresses, newest first',
        querystring: Body({
          ...PageQuery,
          search: Type.Optional(SearchWithAddress),
          network_id: Type.Optional(NetworkId),
          name: Type.Optional(NameOrNone),
        }),
        response: { 200: itemsOf(Type.Ref('ReservedAddress')), ...refusals },
      },
    },
    async ({ actor, query }) => {
      const networkIds = query.network_id === undefined ? undefined : [query.network_id]
      const { name, search } = query
      return listReservedAddresses(deps.db, actor.projectId, { networkIds, name, search }, pageFrom(query))
    },
  )

  app.get(
    '/reserved-addresses/:id',
    {
      schema: {
        operationId: 'getReservedAddress',
        tags,
        summary: 'Read a reserved address',
        params: byId,
        response: { 200: Type.Ref('ReservedAddress'), ...refusals },
      },
    },
    async (request, reply) =>
      sendTagged(reply, await getReservedAddress(deps.db, request.actor.projectId, request.params.id)),
  )

  app.patch(
    '/reserved-addresses/:id',
    {
      schema: {
        operationId: 'updateReservedAddress',
        tags,
        summary: 'Change name or description',
        params: byId,
        body: Body({ name: Type.Optional(NameOrNone), description: Type.Optional(Description) }, { minProperties: 1 }),
        response: { 200: Type.Ref('ReservedAddress'), ...refusals },
      },
    },
    async (request, reply) => {
      const match = ifMatch(request)
      return sendTagged(
        reply,
        await transaction(deps.db, (tx) =>
          updateReservedAddress(tx, request.actor, request.params.id, request.body, match),
        ),
      )
    },
  )

  app.delete(
    '/reserved-addresses/:id',
    {
      schema: {
        operationId: 'releaseAddress',
        tags,
        summary: 'Give a reserved address back to its network; when the job is done no NIC may use it any more',
        params: byId,
        response: jobAnswers,
      },
    },
    (request, reply) => {
      const match = ifMatch(request)
      return performJob(deps, request, reply, (tx) => releaseAddresses(tx, request.actor, [request.params.id], match))
    },
  )
}
