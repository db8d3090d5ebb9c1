import { Type } from 'typebox'
import type { App, Deps } from '../app.ts'
import { transaction } from '../db/client.ts'
import { SERVER_STATES } from '../db/columns.ts'
import { createServer, DEFAULT_MEMORY_MB, DEFAULT_VCPUS } from '../domain/server/create-server.ts'
import { setDhcpOptions } from '../domain/server/dhcp-options.ts'
import { GUEST_KINDS } from '../domain/server/guest-kinds.ts'
import { deleteServer, restartServer, startServer, stopServer } from '../domain/server/power.ts'
import { getServer, listServers, updateServer } from '../domain/server/servers.ts'
import { ifMatch, performJob, sendTagged } from './answer.ts'
import {
  Body,
  Changes,
  Force,
  HypervisorId,
  Ipv4,
  itemsOf,
  Name,
  NetworkId,
  named,
  PageQuery,
  pageFrom,
  params,
  Search,
  ServerId,
} from './fields.ts'
import { nicSettings } from './nic-settings.ts'
import { jobAnswers, refusals } from './problem.ts'

const tags = ['servers']
const byId = params({ id: ServerId })
const one = { 200: Type.Ref('Server'), ...refusals }
/** A Unix socket address holds 108 bytes with its closing NUL (unix(7)). */
const SocketPath = Type.String({ format: 'text', pattern: '^/', maxLength: 107 })
const VCPUS = { minimum: 1, maximum: 64 }
const MEMORY_MB = { minimum: 128, maximum: 1_048_576 }
/** 1..254, as a name of an object. */
const OPTION_NUMBER = '^([1-9]\\d?|1\\d\\d|2[0-4]\\d|25[0-4])$'
/** Printable ASCII without quotes, escapes and comments, which dnsmasq would take out. */
const DhcpOptions = Type.Record(
  Type.String({ pattern: OPTION_NUMBER }),
  Type.String({ pattern: '^(?!.* #)[ !#-\\[\\]-~]+$', maxLength: 255 }),
  {
    maxProperties: 20,
    propertyNames: { type: 'string', pattern: OPTION_NUMBER },
    description: 'Option number → value; addresses of a list are separated by commas',
    examples: [{ 42: '10.0.0.10,10.0.0.11', 67: 'boot/menu.ipxe' }],
  },
)

export function serverRoutes(app: App, deps: Deps): void {
  app.post(
    '/servers',
    {
      schema: {
        operationId: 'createServer',
        tags,
        summary: 'Make and start a server, or adopt a running virtual machine by its QMP socket (admin)',
        body: Body(
          {
            name: Name,
            guest: Type.Enum([...GUEST_KINDS]),
            network_id: Type.Optional(NetworkId),
            address: Type.Optional(Ipv4),
            security_group_ids: nicSettings.security_group_ids,
            vcpus: Type.Optional(Type.Integer({ ...VCPUS, default: DEFAULT_VCPUS })),
            memory_mb: Type.Optional(Type.Integer({ ...MEMORY_MB, default: DEFAULT_MEMORY_MB })),
            hypervisor_id: Type.Optional(HypervisorId),
            zone_id: Type.Optional(
              Type.String({ maxLength: 40, description: 'Of the hypervisor, where none is named' }),
            ),
            qmp_socket: Type.Optional(SocketPath),
            qga_socket: Type.Optional(SocketPath),
            ...named,
          },
          {
            dependentRequired: {
              address: ['network_id'],
              security_group_ids: ['network_id'],
              qga_socket: ['qmp_socket'],
            },
          },
        ),
        response: jobAnswers,
      },
    },
    (request, reply) => {
      const { network_id, address, ...wanted } = request.body
      const networks = network_id === undefined ? [] : [{ network_id, address }]
      return performJob(deps, request, reply, (tx) => createServer(tx, request.actor, { ...wanted, networks }))
    },
  )

  app.get(
    '/servers',
    {
      schema: {
        operationId: 'listServers',
        tags,
        summary: 'List servers, newest first; terminated ones only with state=terminated',
        querystring: Body({
          ...PageQuery,
          search: Type.Optional(Search),
          name: Type.Optional(Name),
          state: Type.Optional(Type.Enum([...SERVER_STATES])),
          hypervisor_id: Type.Optional(HypervisorId),
        }),
        response: { 200: itemsOf(Type.Ref('Server')), ...refusals },
      },
    },
    async (request) => listServers(deps.db, request.actor.projectId, request.query, pageFrom(request.query)),
  )

  app.get(
    '/servers/:id',
    { schema: { operationId: 'getServer', tags, summary: 'Read a server', params: byId, response: one } },
    async (request, reply) => sendTagged(reply, await getServer(deps.db, request.actor.projectId, request.params.id)),
  )

  app.patch(
    '/servers/:id',
    {
      schema: {
        operationId: 'updateServer',
        tags,
        summary: 'Change name, description or tags; of a stopped server also its size',
        description: 'DNS and DHCP of its networks know it by a new name within 3 s: there is no job to wait for.',
        params: byId,
        body: Body(
          {
            ...Changes.properties,
            vcpus: Type.Optional(Type.Integer(VCPUS)),
            memory_mb: Type.Optional(Type.Integer(MEMORY_MB)),
          },
          { minProperties: 1 },
        ),
        response: one,
      },
    },
    async (request, reply) => {
      const match = ifMatch(request)
      return sendTagged(
        reply,
        await transaction(deps.db, (tx) => updateServer(tx, request.actor, request.params.id, request.body, match)),
      )
    },
  )

  app.delete(
    '/servers/:id',
    {
      schema: {
        operationId: 'deleteServer',
        tags,
        summary:
          'Delete a server: NICs that it was made with or joined networks by go with it, the others become available',
        params: byId,
        querystring: Body({ force: Force }),
        body: Body({ force: Force }),
        response: jobAnswers,
      },
    },
    (request, reply) => {
      const match = ifMatch(request)
      const force = request.body.force ?? request.query.force ?? false
      return performJob(deps, request, reply, (tx) =>
        deleteServer(tx, request.actor, request.params.id, { force, ifMatch: match }),
      )
    },
  )

  app.post(
    '/servers/:id/start',
    {
      schema: {
        operationId: 'startServer',
        tags,
        summary: 'Start a stopped server with the NICs it has',
        params: byId,
        body: Body({
          force: Type.Optional(Type.Boolean({ description: 'Accepted for symmetry; a start has nobody to wait for' })),
        }),
        response: jobAnswers,
      },
    },
    (request, reply) => performJob(deps, request, reply, (tx) => startServer(tx, request.actor, request.params.id)),
  )

  app.post(
    '/servers/:id/stop',
    {
      schema: {
        operationId: 'stopServer',
        tags,
        summary: 'Stop a running server; its NICs stay on it. force cuts the power',
        params: byId,
        body: Body({ force: Force }),
        response: jobAnswers,
      },
    },
    (request, reply) =>
      performJob(deps, request, reply, (tx) =>
        stopServer(tx, request.actor, request.params.id, request.body.force ?? false),
      ),
  )

  app.post(
    '/servers/:id/restart',
    {
      schema: {
        operationId: 'restartServer',
        tags,
        summary: 'Stop and start a running server; its NICs stay on it. force cuts the power',
        params: byId,
        body: Body({ force: Force }),
        response: jobAnswers,
      },
    },
    (request, reply) =>
      performJob(deps, request, reply, (tx) =>
        restartServer(tx, request.actor, request.params.id, request.body.force ?? false),
      ),
  )

  app.put(
    '/servers/:id/dhcp-options',
    {
      schema: {
        operationId: 'setServerDhcpOptions',
        tags,
        summary: 'Replace the DHCP options that the NICs of a server get beside those of their network, or instead',
        params: byId,
        body: Body({ options: DhcpOptions }),
        response: jobAnswers,
      },
    },
    (request, reply) => {
      const match = ifMatch(request)
      return performJob(deps, request, reply, (tx) =>
        setDhcpOptions(tx, request.actor, request.params.id, request.body.options, match),
      )
    },
  )
}
