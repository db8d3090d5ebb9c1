/** NICs of a server: several at once, and those that come and go with joining networks. */
import { Type } from 'typebox'
import type { App, Deps } from '../app.ts'
import { attachNics, detachNics } from '../domain/nic/attach-nics.ts'
import { joinServer, leaveServer } from '../domain/server/join.ts'
import { performJob } from './answer.ts'
import { Body, Force, Ipv4, NetworkId, NicId, params, ServerId } from './fields.ts'
import { nicSettings } from './nic-settings.ts'
import { jobAnswers } from './problem.ts'

const tags = ['servers']
const byId = params({ id: ServerId })
const NicIds = Type.Array(NicId, { minItems: 1, maxItems: 63, uniqueItems: true })

export function serverNicRoutes(app: App, deps: Deps): void {
  app.post(
    '/servers/:id/join',
    {
      schema: {
        operationId: 'joinServer',
        tags,
        summary: 'Join a server to a network: with a new NIC, its primary one if it has none yet',
        description: 'A server is joined to at most one network that has addresses.',
        params: byId,
        body: Body({
          network_id: NetworkId,
          address: Type.Optional(Ipv4),
          security_group_ids: nicSettings.security_group_ids,
        }),
        response: jobAnswers,
      },
    },
    (request, reply) => {
      const { network_id: networkId, address, security_group_ids: securityGroupIds } = request.body
      return performJob(deps, request, reply, (tx) =>
        joinServer(tx, request.actor, request.params.id, { networkId, address, securityGroupIds }),
      )
    },
  )

  app.post(
    '/servers/:id/leave',
    {
      schema: {
        operationId: 'leaveServer',
        tags,
        summary: 'Take a server out of a network: the NIC that it joined by is detached and deleted',
        params: byId,
        body: Body({ network_id: NetworkId, force: Force }),
        response: jobAnswers,
      },
    },
    (request, reply) => {
      const { network_id, force } = request.body
      return performJob(deps, request, reply, (tx) =>
        leaveServer(tx, request.actor, request.params.id, { networkIds: [network_id], force }),
      )
    },
  )

  app.post(
    '/servers/:id/attach-nics',
    {
      schema: {
        operationId: 'attachNics',
        tags,
        summary: 'Plug up to 63 NICs into a server as one job, all or none',
        params: byId,
        body: Body({ nic_ids: NicIds }),
        response: jobAnswers,
      },
    },
    (request, reply) =>
      performJob(deps, request, reply, (tx) =>
        attachNics(tx, request.actor, { serverId: request.params.id, nicIds: request.body.nic_ids, pointer: inNicIds }),
      ),
  )

  app.post(
    '/servers/:id/detach-nics',
    {
      schema: {
        operationId: 'detachNics',
        tags,
        summary: 'Take up to 63 NICs out of a server as one job, all or none',
        params: byId,
        body: Body({ nic_ids: NicIds, force: Force }),
        response: jobAnswers,
      },
    },
    (request, reply) =>
      performJob(deps, request, reply, (tx) =>
        detachNics(tx, request.actor, {
          serverId: request.params.id,
          nicIds: request.body.nic_ids,
          force: request.body.force,
          pointer: inNicIds,
        }),
      ),
  )
}

const inNicIds = (index: number): string => `/nic_ids/${index}`
