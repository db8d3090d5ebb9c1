import { Type } from 'typebox'
import type { App, Deps } from '../app.ts'
import { setAntiSpoofing, setNicBandwidth, setNicGroups } from '../domain/nic/nic-settings.ts'
import { Nullable } from '../json-schema.ts'
import { ifMatch, performJob } from './answer.ts'
import { Body, GroupId, NicId, params } from './fields.ts'
import { jobAnswers } from './problem.ts'

const tags = ['nics']
const byId = params({ id: NicId })

const GroupIds = Type.Array(GroupId, {
  minItems: 1,
  maxItems: 10,
  uniqueItems: true,
  description: 'Security groups: their rules count together',
})
const AddressPairs = Type.Array(
  Body({
    address: Type.String({
      format: 'unicast',
      maxLength: 43,
      description: 'Address or CIDR, of IPv4 or IPv6; 0.0.0.0/0 and ::/0 make the guest a router',
      examples: ['172.16.1.100', 'fd00:1::/64'],
    }),
    mac: Type.Optional(
      Type.String({
        pattern: '^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$',
        description: 'Its own when absent; unicast, lower case with colons',
        examples: ['00:00:5e:00:01:0a'],
      }),
    ),
  }),
  {
    maxItems: 10,
    uniqueItems: true,
    description: 'What it may send from besides its own addresses, as for a virtual address of two servers (VRRP)',
  },
)
const Mbps = Nullable(Type.Integer({ minimum: 1, maximum: 100_000, description: 'Mbit/s; null: not limited' }))

/** What a NIC may be made with, and what each can be changed to by a PUT of its own. */
export const nicSettings = {
  security_group_ids: Type.Optional(GroupIds),
  anti_spoofing: Type.Optional(Type.Boolean({ default: true })),
  allowed_address_pairs: Type.Optional(AddressPairs),
  bandwidth: Type.Optional(Body({ in_mbps: Type.Optional(Mbps), out_mbps: Type.Optional(Mbps) })),
}

export function nicSettingsRoutes(app: App, deps: Deps): void {
  app.put(
    '/nics/:id/security-groups',
    {
      schema: {
        operationId: 'setNicSecurityGroups',
        tags,
        summary: 'Put a NIC into these security groups, and out of all others',
        params: byId,
        body: Body({ security_group_ids: GroupIds }),
        response: jobAnswers,
      },
    },
    (request, reply) => {
      const match = ifMatch(request)
      return performJob(deps, request, reply, (tx) =>
        setNicGroups(tx, request.actor, request.params.id, request.body.security_group_ids, match),
      )
    },
  )

  app.put(
    '/nics/:id/bandwidth',
    {
      schema: {
        operationId: 'setNicBandwidth',
        tags,
        summary: 'Limit the bandwidth of a NIC, towards the guest (in) and from it (out)',
        params: byId,
        body: Body({ in_mbps: Mbps, out_mbps: Mbps }),
        response: jobAnswers,
      },
    },
    (request, reply) => {
      const match = ifMatch(request)
      return performJob(deps, request, reply, (tx) =>
        setNicBandwidth(tx, request.actor, request.params.id, request.body, match),
      )
    },
  )

  app.put(
    '/nics/:id/anti-spoofing',
    {
      schema: {
        operationId: 'setNicAntiSpoofing',
        tags,
        summary: 'Turn anti-spoofing on or off; without allowed_address_pairs those stay as they are',
        params: byId,
        body: Body({ enabled: Type.Boolean(), allowed_address_pairs: Type.Optional(AddressPairs) }),
        response: jobAnswers,
      },
    },
    (request, reply) => {
      const match = ifMatch(request)
      return performJob(deps, request, reply, (tx) =>
        setAntiSpoofing(tx, request.actor, request.params.id, request.body, match),
      )
    },
  )
}
