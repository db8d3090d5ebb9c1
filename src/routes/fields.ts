/** The fields that several routes and resources are written with, and the frames of requests and pages. */
import { Type } from 'typebox'
import { NETWORK_MODES } from '../domain/network/network-kinds.ts'
import type { Page } from '../domain/paging.ts'
import { Nullable } from '../json-schema.ts'

const id = (prefix: string, what: string) =>
  Type.String({ pattern: `^${prefix}-[a-z0-9]{1,30}$`, maxLength: 40, description: `Id of a ${what}` })

export const ProjectId = id('prj', 'project')
export const VpcId = id('vpc', 'VPC')
export const NetworkId = id('net', 'network')
export const ServerId = id('i', 'server')
export const ElasticIpPoolId = id('pool', 'elastic IP pool')
export const ElasticIpId = id('eip', 'elastic IP')
export const ReservedAddressId = id('ra', 'reserved address')
export const PortForwardingId = id('pf', 'port forwarding')
export const JobId = id('j', 'job')
export const HYPERVISOR_ID_PATTERN = '^[a-z0-9][a-z0-9-]{0,39}$'
export const HypervisorId = Type.String({ pattern: HYPERVISOR_ID_PATTERN, description: 'Id of a hypervisor' })
/** Of a NIC's id, unanchored. */
export const NIC_ID_PATTERN = '[0-9a-f]{2}(:[0-9a-f]{2}){5}'
export const NicId = Type.String({
  pattern: `^${NIC_ID_PATTERN}$`,
  description: 'Id of a NIC: its MAC, lower case with colons',
  examples: ['52:54:3f:09:aa:01'],
})
export const GroupId = id('sg', 'security group')
export const RuleId = id('sgr', 'rule')
export const Slot = Type.Integer({ minimum: 1, maximum: 63, description: 'Slot on the server; 0 is the primary NIC’s' })
export const Ipv4 = Type.String({ format: 'ipv4', maxLength: 15, examples: ['172.16.1.100'] })
export const Address = Type.String({
  format: 'address',
  maxLength: 39,
  description: 'Of IPv4 or IPv6',
  examples: ['172.16.1.100', 'fd00:0:0:1::5'],
})
export const Cidr = Type.String({ format: 'ipv4-cidr', maxLength: 18, examples: ['172.16.1.0/24'] })
export const Ipv6Cidr = Type.String({ format: 'ipv6-cidr', maxLength: 43, examples: ['fd00:0:0:1::/64'] })
export const AnyCidr = Type.String({ format: 'cidr', maxLength: 43, examples: ['203.0.113.0/24', 'fd00:1::/64'] })
export const Name = Type.String({ format: 'text', minLength: 1, maxLength: 128 })
/** Of what need not have a name. */
export const NameOrNone = Type.String({ format: 'text', maxLength: 128 })
export const Description = Type.String({ format: 'text', maxLength: 1024 })
export const Tags = Type.Record(
  Type.String({ format: 'text', minLength: 1, maxLength: 64 }),
  Type.String({ format: 'text', maxLength: 255 }),
  {
    maxProperties: 50,
    propertyNames: { type: 'string', format: 'text', minLength: 1, maxLength: 64 },
    description: 'Up to 50 names with values',
  },
)
export const Time = Type.String({ format: 'date-time' })

/** An object that refuses fields it does not know. */
export const Body = <P extends Parameters<typeof Type.Object>[0]>(properties: P, options: object = {}) =>
  Type.Object(properties, { ...options, additionalProperties: false })

export const named = { description: Type.Optional(Description), tags: Type.Optional(Tags) }
export const Changes = Body({ name: Type.Optional(Name), ...named }, { minProperties: 1 })
export const Force = Type.Optional(Type.Boolean({ description: 'Do not wait for the guest' }))

export const PageQuery = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 100 })),
  cursor: Type.Optional(Type.String({ maxLength: 100, description: '`next_cursor` of the page before' })),
}

export const Search = Type.String({
  format: 'text',
  minLength: 1,
  maxLength: 128,
  description: 'An id, or a part of the name, in any case',
})
export const SearchWithAddress = Type.String({
  ...Search,
  description: 'An id, or a part of the name, in any case, or of the address',
})

export const pageFrom = (query: { limit?: number; cursor?: string }): Page => ({
  limit: query.limit ?? 100,
  cursor: query.cursor,
})

export const params = <P extends Parameters<typeof Type.Object>[0]>(properties: P) => Type.Object(properties)

export const itemsOf = <T extends Parameters<typeof Type.Array>[0]>(item: T) =>
  Type.Object({ items: Type.Array(item), next_cursor: Nullable(Type.String()) })

export const SourceNat = Type.Boolean({
  description:
    'Addresses without an elastic IP of their own may go out by the VPC’s. It has effect while the VPC has one',
})

export const VpcGroup = Nullable(
  Type.String({
    ...GroupId,
    description: 'Security group of the VPC’s router; null: the default group. It is recorded, and not enforced yet',
  }),
)

export const NetworkMode = Type.Enum([...NETWORK_MODES], {
  description: 'routed: with a gateway in a VPC; isolated: by itself; bridged: on a segment that hypervisors reach',
})
