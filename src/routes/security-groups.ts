import type { FastifyReply } from 'fastify'
import { Type } from 'typebox'
import type { App, Deps } from '../app.ts'
import { transaction } from '../db/client.ts'
import { RULE_ACTIONS, RULE_DIRECTIONS, RULE_PROTOCOLS } from '../domain/network/network-kinds.ts'
import { addRules, changeRule, deleteRule, replaceRules } from '../domain/security-group/group-rules.ts'
import { DEFAULT_PRIORITY } from '../domain/security-group/rule-fields.ts'
import { getRule, listRules, type OfGroup } from '../domain/security-group/rule-rows.ts'
import { RULES_PER_GROUP } from '../domain/security-group/rule-writes.ts'
import {
  createGroup,
  deleteGroup,
  getGroup,
  listGroups,
  updateGroup,
} from '../domain/security-group/security-groups.ts'
import { Nullable } from '../json-schema.ts'
import { ifMatch, perform, performJob, sendMade, sendTagged } from './answer.ts'
import {
  AnyCidr,
  Body,
  Changes,
  GroupId,
  itemsOf,
  Name,
  NameOrNone,
  named,
  PageQuery,
  pageFrom,
  params,
  RuleId,
  Search,
} from './fields.ts'
import { jobAnswers, refusals } from './problem.ts'

const tags = ['security-groups']
const ETAG_OF_GROUP = 'The `ETag` of rules is that of their group, whose `generation` counts their changes.'
const byId = params({ id: GroupId })
const byRuleId = params({ id: GroupId, rule_id: RuleId })

const Port = Type.Integer({ minimum: 1, maximum: 65_535 })
const IcmpNumber = Type.Integer({ minimum: 0, maximum: 255 })
const protocol = Type.Enum([...RULE_PROTOCOLS], { description: 'all: of any kind, also without ports' })

const ruleFields = {
  name: Type.Optional(NameOrNone),
  direction: Type.Optional(
    Type.Enum([...RULE_DIRECTIONS], { default: 'in', description: 'in: towards the NIC; out: from it' }),
  ),
  priority: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 100,
      default: DEFAULT_PRIORITY,
      description: 'Of the rules that match, the one with the lowest counts; at the same, drop does',
    }),
  ),
  action: Type.Optional(Type.Enum([...RULE_ACTIONS], { default: 'accept' })),
  port_first: Type.Optional(Nullable({ ...Port, description: 'Destination port of tcp and udp; all when absent' })),
  port_last: Type.Optional(Nullable({ ...Port, description: 'Included; port_first when absent' })),
  icmp_type: Type.Optional(Nullable({ ...IcmpNumber, description: 'Of icmp and icmpv6; all when absent' })),
  icmp_code: Type.Optional(Nullable({ ...IcmpNumber, description: 'Of that type; all when absent' })),
  remote_cidr: Type.Optional(
    Nullable({ ...AnyCidr, description: 'The other side, of IPv4 or IPv6; anyone when absent' }),
  ),
  remote_group_id: Type.Optional(
    Nullable({ ...GroupId, description: 'The other side: NICs of a security group; not together with remote_cidr' }),
  ),
}
const Rules = (options: { minItems?: number; maxItems: number }) =>
  Type.Array(Body({ protocol, ...ruleFields }), options)
const AllRules = Rules({ maxItems: RULES_PER_GROUP })

export function securityGroupRoutes(app: App, deps: Deps): void {
  groupRoutes(app, deps)
  ruleRoutes(app, deps)
}

function groupRoutes(app: App, deps: Deps): void {
  app.post(
    '/security-groups',
    {
      schema: {
        operationId: 'createSecurityGroup',
        tags,
        summary: 'Make a security group; without rules it has one that lets everything out',
        body: Body({ name: Name, ...named, rules: Type.Optional(AllRules) }),
        response: { 201: Type.Ref('SecurityGroup'), ...refusals },
      },
    },
    async (request, reply) => {
      const made = await perform(deps, request, reply, (tx) => createGroup(tx, request.actor, request.body))
      return sendMade(reply, `/v1/security-groups/${made.id}`, made)
    },
  )

  app.get(
    '/security-groups',
    {
      schema: {
        operationId: 'listSecurityGroups',
        tags,
        summary: 'List security groups, newest first',
        querystring: Body({ ...PageQuery, search: Type.Optional(Search), name: Type.Optional(Name) }),
        response: { 200: itemsOf(Type.Ref('SecurityGroup')), ...refusals },
      },
    },
    async (request) => listGroups(deps.db, request.actor.projectId, request.query, pageFrom(request.query)),
  )

  app.get(
    '/security-groups/:id',
    {
      schema: {
        operationId: 'getSecurityGroup',
        tags,
        summary: 'Read a security group',
        params: byId,
        response: { 200: Type.Ref('SecurityGroup'), ...refusals },
      },
    },
    async (request, reply) => sendTagged(reply, await getGroup(deps.db, request.actor.projectId, request.params.id)),
  )

  app.patch(
    '/security-groups/:id',
    {
      schema: {
        operationId: 'updateSecurityGroup',
        tags,
        summary: 'Change name, description or tags',
        params: byId,
        body: Changes,
        response: { 200: Type.Ref('SecurityGroup'), ...refusals },
      },
    },
    async (request, reply) => {
      const match = ifMatch(request)
      return sendTagged(
        reply,
        await transaction(deps.db, (tx) => updateGroup(tx, request.actor, request.params.id, request.body, match)),
      )
    },
  )

  app.delete(
    '/security-groups/:id',
    {
      schema: {
        operationId: 'deleteSecurityGroup',
        tags,
        summary: 'Delete a security group that has no NICs and that no other group’s rules name',
        params: byId,
        response: { 204: Type.Null(), ...refusals },
      },
    },
    async (request, reply) => {
      const match = ifMatch(request)
      await transaction(deps.db, (tx) => deleteGroup(tx, request.actor, request.params.id, match))
      return reply.code(204).send(null)
    },
  )
}

function ruleRoutes(app: App, deps: Deps): void {
  app.get(
    '/security-groups/:id/rules',
    {
      schema: {
        operationId: 'listSecurityGroupRules',
        tags,
        summary: 'List the rules of a security group, newest first',
        description: ETAG_OF_GROUP,
        params: byId,
        querystring: Body(PageQuery),
        response: { 200: itemsOf(Type.Ref('SecurityGroupRule')), ...refusals },
      },
    },
    async (request, reply) =>
      sendRead(reply, await listRules(deps.db, request.actor.projectId, request.params.id, pageFrom(request.query))),
  )

  app.post(
    '/security-groups/:id/rules',
    {
      schema: {
        operationId: 'addSecurityGroupRules',
        tags,
        summary: 'Add rules to a security group, all or none; the job names them in `resources`',
        params: byId,
        body: Body({ rules: Rules({ minItems: 1, maxItems: 100 }) }),
        response: jobAnswers,
      },
    },
    (request, reply) => {
      const match = ifMatch(request)
      return performJob(deps, request, reply, (tx) =>
        addRules(tx, request.actor, request.params.id, request.body.rules, match),
      )
    },
  )

  app.put(
    '/security-groups/:id/rules',
    {
      schema: {
        operationId: 'replaceSecurityGroupRules',
        tags,
        summary: 'Put these rules in the place of all that a security group has',
        description: `${ETAG_OF_GROUP} \`If-Match\` takes it.`,
        params: byId,
        body: Body({ rules: AllRules }),
        response: jobAnswers,
      },
    },
    (request, reply) => {
      const match = ifMatch(request)
      return performJob(deps, request, reply, (tx) =>
        replaceRules(tx, request.actor, request.params.id, request.body.rules, match),
      )
    },
  )

  app.get(
    '/security-groups/:id/rules/:rule_id',
    {
      schema: {
        operationId: 'getSecurityGroupRule',
        tags,
        summary: 'Read a rule',
        description: ETAG_OF_GROUP,
        params: byRuleId,
        response: { 200: Type.Ref('SecurityGroupRule'), ...refusals },
      },
    },
    async (request, reply) =>
      sendRead(reply, await getRule(deps.db, request.actor.projectId, request.params.id, request.params.rule_id)),
  )

  app.patch(
    '/security-groups/:id/rules/:rule_id',
    {
      schema: {
        operationId: 'updateSecurityGroupRule',
        tags,
        summary: 'Change a rule; what is left out stays, null takes a field out of it',
        params: byRuleId,
        body: Body({ protocol: Type.Optional(protocol), ...ruleFields }, { minProperties: 1 }),
        response: jobAnswers,
      },
    },
    (request, reply) => {
      const match = ifMatch(request)
      return performJob(deps, request, reply, (tx) =>
        changeRule(tx, request.actor, request.params.id, request.params.rule_id, request.body, match),
      )
    },
  )

  app.delete(
    '/security-groups/:id/rules/:rule_id',
    {
      schema: {
        operationId: 'deleteSecurityGroupRule',
        tags,
        summary: 'Delete a rule',
        params: byRuleId,
        response: jobAnswers,
      },
    },
    (request, reply) => {
      const match = ifMatch(request)
      return performJob(deps, request, reply, (tx) =>
        deleteRule(tx, request.actor, request.params.id, request.params.rule_id, match),
      )
    },
  )
}

/** Sends what was read of a group's rules; the ETag is the group's. */
const sendRead = <T>(reply: FastifyReply, { generation, read }: OfGroup<T>): FastifyReply =>
  reply.header('etag', `"${generation}"`).send(read)
