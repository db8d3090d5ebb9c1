import { Type } from 'typebox'
import type { App, Deps } from '../app.ts'
import { transaction } from '../db/client.ts'
import { deleteVpc } from '../domain/vpc/delete-vpc.ts'
import { setRouting, setSourceNat } from '../domain/vpc/router-settings.ts'
import { createVpc, getVpc, listVpcs, updateVpc } from '../domain/vpc/vpcs.ts'
import { ifMatch, perform, performJob, sendMade, sendTagged } from './answer.ts'
import {
  Body,
  Cidr,
  itemsOf,
  Name,
  named,
  PageQuery,
  pageFrom,
  params,
  Search,
  SourceNat,
  VpcGroup,
  VpcId,
} from './fields.ts'
import { jobAnswers, refusals } from './problem.ts'
import { sendJob } from './send-job.ts'

const tags = ['vpcs']
const byId = params({ id: VpcId })

export function vpcRoutes(app: App, deps: Deps): void {
  app.post(
    '/vpcs',
    {
      schema: {
        operationId: 'createVpc',
        tags,
        summary: 'Make a VPC',
        body: Body({
          name: Name,
          cidr: Type.String({
            ...Cidr,
            description: 'A /16 of 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16',
            examples: ['172.16.0.0/16'],
          }),
          source_nat: Type.Optional(Type.Boolean({ ...SourceNat, default: true })),
          security_group_id: Type.Optional(VpcGroup),
          ...named,
        }),
        response: { 201: Type.Ref('Vpc'), ...refusals },
      },
    },
    async (request, reply) => {
      const made = await perform(deps, request, reply, (tx) => createVpc(tx, request.actor, request.body))
      return sendMade(reply, `/v1/vpcs/${made.id}`, made)
    },
  )

  app.get(
    '/vpcs',
    {
      schema: {
        operationId: 'listVpcs',
        tags,
        summary: 'List VPCs, newest first',
        querystring: Body({ ...PageQuery, search: Type.Optional(Search), name: Type.Optional(Name) }),
        response: { 200: itemsOf(Type.Ref('Vpc')), ...refusals },
      },
    },
    async (request) => listVpcs(deps.db, request.actor.projectId, request.query, pageFrom(request.query)),
  )

  app.get(
    '/vpcs/:id',
    {
      schema: {
        operationId: 'getVpc',
        tags,
        summary: 'Read a VPC',
        params: byId,
        response: { 200: Type.Ref('Vpc'), ...refusals },
      },
    },
    async (request, reply) => sendTagged(reply, await getVpc(deps.db, request.actor.projectId, request.params.id)),
  )

  app.patch(
    '/vpcs/:id',
    {
      schema: {
        operationId: 'updateVpc',
        tags,
        summary: 'Change name, description, tags or security group',
        params: byId,
        body: Body(
          { name: Type.Optional(Name), ...named, security_group_id: Type.Optional(VpcGroup) },
          { minProperties: 1 },
        ),
        response: { 200: Type.Ref('Vpc'), ...refusals },
      },
    },
    async (request, reply) => {
      const match = ifMatch(request)
      return sendTagged(
        reply,
        await transaction(deps.db, (tx) => updateVpc(tx, request.actor, request.params.id, request.body, match)),
      )
    },
  )

  app.delete(
    '/vpcs/:id',
    {
      schema: {
        operationId: 'deleteVpc',
        tags,
        summary: 'Delete a VPC without networks, elastic IP, port forwardings and statics',
        params: byId,
        querystring: Body({
          force: Type.Optional(
            Type.Boolean({
              default: false,
              description: 'Take its elastic IP from it and delete its port forwardings and statics first',
            }),
          ),
        }),
        response: { 204: Type.Null(), ...refusals },
      },
    },
    async (request, reply) => {
      const match = ifMatch(request)
      const { force = false } = request.query
      const jobs = await transaction(deps.db, (tx) =>
        deleteVpc(tx, request.actor, request.params.id, { force, ifMatch: match }),
      )
      for (const job of jobs) sendJob(deps, job)
      return reply.code(204).send(null)
    },
  )

  app.put(
    '/vpcs/:id/source-nat',
    {
      schema: {
        operationId: 'setSourceNat',
        tags,
        summary: 'Let addresses without an elastic IP of their own go out by the VPC’s, or not',
        params: byId,
        body: Body({ enabled: Type.Boolean() }),
        response: jobAnswers,
      },
    },
    (request, reply) => {
      const match = ifMatch(request)
      return performJob(deps, request, reply, (tx) =>
        setSourceNat(tx, request.actor, request.params.id, request.body.enabled, match),
      )
    },
  )

  app.put(
    '/vpcs/:id/routing',
    {
      schema: {
        operationId: 'setRouting',
        tags,
        summary: 'Switch the router of a VPC on or off',
        description:
          'One that is off passes nothing on, neither between networks nor by elastic IPs, and answers nothing. Guests keep their leases, and reach their own network.',
        params: byId,
        body: Body({ enabled: Type.Boolean() }),
        response: jobAnswers,
      },
    },
    (request, reply) => {
      const match = ifMatch(request)
      return performJob(deps, request, reply, (tx) =>
        setRouting(tx, request.actor, request.params.id, request.body.enabled, match),
      )
    },
  )
}
