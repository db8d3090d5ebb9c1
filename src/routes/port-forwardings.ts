import { Type } from 'typebox'
import type { App, Deps } from '../app.ts'
import { FORWARDED_PROTOCOLS } from '../domain/network/network-kinds.ts'
import {
  createPortForwarding,
  deletePortForwarding,
  getPortForwarding,
  listPortForwardings,
  updatePortForwarding,
} from '../domain/port-forwarding/port-forwardings.ts'
import { ifMatch, performJob, sendTagged } from './answer.ts'
import { Body, Ipv4, itemsOf, Name, PageQuery, PortForwardingId, pageFrom, params, VpcId } from './fields.ts'
import { jobAnswers, refusals } from './problem.ts'

const tags = ['port-forwardings']
const ofVpc = params({ id: VpcId })
const byId = params({ id: VpcId, pf_id: PortForwardingId })
const Protocol = Type.Enum([...FORWARDED_PROTOCOLS])
const Port = Type.Integer({ minimum: 1, maximum: 65_535 })
const Address = Type.String({ ...Ipv4, description: 'Where it goes: an address of the VPC' })

export function portForwardingRoutes(app: App, deps: Deps): void {
  app.post(
    '/vpcs/:id/port-forwardings',
    {
      schema: {
        operationId: 'createPortForwarding',
        tags,
        summary: 'Forward a port of the VPC’s elastic IP to an address of the VPC',
        description: 'It has effect while the VPC has an elastic IP. The job’s resources name the new port forwarding.',
        params: ofVpc,
        body: Body({
          name: Type.Optional(Name),
          protocol: Protocol,
          port: Port,
          address: Address,
          target_port: Type.Optional(
            Type.Integer({ ...Port, description: 'Port of the address; the same as port when left out' }),
          ),
          enabled: Type.Optional(Type.Boolean({ default: true })),
        }),
        response: jobAnswers,
      },
    },
    (request, reply) =>
      performJob(deps, request, reply, (tx) =>
        createPortForwarding(tx, request.actor, request.params.id, request.body),
      ),
  )

  app.get(
    '/vpcs/:id/port-forwardings',
    {
      schema: {
        operationId: 'listPortForwardings',
        tags,
        summary: 'List port forwardings of a VPC, newest first',
        params: ofVpc,
        querystring: Body({ ...PageQuery, name: Type.Optional(Name) }),
        response: { 200: itemsOf(Type.Ref('PortForwarding')), ...refusals },
      },
    },
    async (request) =>
      listPortForwardings(deps.db, request.actor.projectId, request.params.id, request.query, pageFrom(request.query)),
  )

  app.get(
    '/vpcs/:id/port-forwardings/:pf_id',
    {
      schema: {
        operationId: 'getPortForwarding',
        tags,
        summary: 'Read a port forwarding',
        params: byId,
        response: { 200: Type.Ref('PortForwarding'), ...refusals },
      },
    },
    async (request, reply) => {
      const { id, pf_id } = request.params
      return sendTagged(reply, await getPortForwarding(deps.db, request.actor.projectId, id, pf_id))
    },
  )

  app.patch(
    '/vpcs/:id/port-forwardings/:pf_id',
    {
      schema: {
        operationId: 'updatePortForwarding',
        tags,
        summary: 'Change a port forwarding',
        params: byId,
        body: Body(
          {
            name: Type.Optional(Name),
            protocol: Type.Optional(Protocol),
            port: Type.Optional(Port),
            address: Type.Optional(Address),
            target_port: Type.Optional(Port),
            enabled: Type.Optional(Type.Boolean()),
          },
          { minProperties: 1 },
        ),
        response: jobAnswers,
      },
    },
    (request, reply) => {
      const match = ifMatch(request)
      const { id, pf_id } = request.params
      return performJob(deps, request, reply, (tx) =>
        updatePortForwarding(tx, request.actor, id, pf_id, request.body, match),
      )
    },
  )

  app.delete(
    '/vpcs/:id/port-forwardings/:pf_id',
    {
      schema: {
        operationId: 'deletePortForwarding',
        tags,
        summary: 'Delete a port forwarding',
        params: byId,
        response: jobAnswers,
      },
    },
    (request, reply) => {
      const match = ifMatch(request)
      const { id, pf_id } = request.params
      return performJob(deps, request, reply, (tx) => deletePortForwarding(tx, request.actor, id, pf_id, match))
    },
  )
}
