/** The shapes that several routes share. Everything a client sends or gets is described here or beside its route. */
import { Type } from 'typebox'
import { ACCESS_ROLES, JOB_STATES, NETWORK_TYPES, NIC_STATES, SERVER_STATES } from '../db/schema.ts'
import { ELASTIC_IP_STATES } from '../domain/elastic-ip/elastic-ips.ts'
import { JOB_RESOURCES } from '../domain/job/jobs.ts'
import {
  FORWARDED_PROTOCOLS,
  NETWORK_MODES,
  RULE_ACTIONS,
  RULE_DIRECTIONS,
  RULE_PROTOCOLS,
} from '../domain/network/network-kinds.ts'
import type { Page } from '../domain/paging.ts'
import { GUEST_KINDS } from '../domain/server/guest-kinds.ts'
import { JOB_ACTIONS } from '../jobs/catalogue.ts'
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

const resource = {
  name: Type.String(),
  description: Type.String(),
  tags: Type.Record(Type.String(), Type.String()),
}
const changing = {
  generation: Type.Integer({ description: 'Counts changes; the ETag' }),
  created_at: Time,
  updated_at: Time,
}

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

export const Vpc = Type.Object(
  {
    id: VpcId,
    ...resource,
    cidr: Cidr,
    source_nat: SourceNat,
    routing: Type.Boolean({ description: 'Whether its router is on: one that is off passes nothing on' }),
    security_group_id: VpcGroup,
    ...changing,
    deleted_at: Nullable(Time),
  },
  { $id: 'Vpc' },
)

export const NetworkMode = Type.Enum([...NETWORK_MODES], {
  description: 'routed: with a gateway in a VPC; isolated: by itself; bridged: on a segment that hypervisors reach',
})

export const Network = Type.Object(
  {
    id: NetworkId,
    ...resource,
    type: Type.Enum([...NETWORK_TYPES]),
    vni: Type.Integer({ description: 'VXLAN network identifier, 4096..16777215; names the bridge' }),
    mtu: Type.Integer({ description: 'Bytes' }),
    mode: NetworkMode,
    vpc_id: Nullable(VpcId),
    interface: Nullable(Type.String({ description: 'Of the hypervisors, that a bridged network is joined to' })),
    cidr: Nullable(Cidr),
    gateway: Nullable(Ipv4),
    ipv6_cidr: Nullable(Ipv6Cidr),
    ipv6_gateway: Nullable(Type.String({ description: '`::1` of `ipv6_cidr`' })),
    address_range: Nullable(Type.Object({ first: Ipv4, last: Ipv4 }, { description: 'What NICs are given' })),
    addresses_available: Type.Integer({
      description: 'For NICs and reserved addresses, of 252 or of the address range',
    }),
    nic_count: Type.Integer({ description: 'At most 252, with and without address' }),
    dhcp: Type.Object({
      lease_seconds: Type.Integer(),
      dns_servers: Type.Array(Ipv4, { description: 'Empty: our own where the network is routed, else none' }),
      domain: Nullable(Type.String()),
    }),
    ...changing,
  },
  { $id: 'Network' },
)

export const Nic = Type.Object(
  {
    id: NicId,
    ...resource,
    network_id: NetworkId,
    port: Type.Integer({ description: 'Its place in the network: 1-252 belong to addresses, 253-504 to none' }),
    address: Nullable(Ipv4),
    ipv6_address: Nullable(
      Type.String({ description: 'Of the network’s `ipv6_cidr`, formed from the MAC (EUI-64) as the guest forms it' }),
    ),
    primary: Type.Boolean({
      description: 'The card in slot 0, which the server was made with, or joined a network by',
    }),
    state: Type.Enum([...NIC_STATES]),
    server_id: Nullable(ServerId),
    slot: Nullable(Type.Integer()),
    job_id: Nullable(JobId),
    last_error: Nullable(Type.String({ description: 'Why the last attach or detach failed' })),
    security_group_ids: Type.Array(GroupId, {
      description: 'Their rules count together; the project’s default group if it was put into none',
    }),
    elastic_ip: Nullable(Type.Object({ id: ElasticIpId, address: Ipv4 })),
    anti_spoofing: Type.Boolean({
      description: 'It may send from its own MAC and addresses only, and from the allowed pairs',
    }),
    allowed_address_pairs: Type.Array(Type.Object({ address: Type.String(), mac: Type.Optional(Type.String()) })),
    bandwidth: Type.Object(
      { in_mbps: Nullable(Type.Integer()), out_mbps: Nullable(Type.Integer()) },
      { description: 'Mbit/s towards the guest and from it; null: not limited' },
    ),
    host: Nullable(
      Type.Object(
        { tap: Type.String(), bridge: Nullable(Type.String()), up: Type.Boolean(), mtu: Type.Integer() },
        { description: 'What the kernel of the hypervisor shows' },
      ),
    ),
    guest: Nullable(
      Type.Object(
        { interface_name: Type.String(), mac: Type.String(), addresses: Type.Array(Type.String()) },
        { description: 'What the system of the guest shows' },
      ),
    ),
    observed_at: Nullable(Time),
    ...changing,
  },
  { $id: 'Nic' },
)

export const SecurityGroup = Type.Object(
  {
    id: GroupId,
    ...resource,
    is_default: Type.Boolean({ description: 'New NICs of the project are in it' }),
    rule_count: Type.Integer({ description: '0..1000' }),
    applied: Type.Boolean({
      description:
        'False: rules were changed over the QingCloud wire and wait there to be applied; any change here does',
    }),
    ...changing,
  },
  { $id: 'SecurityGroup' },
)

export const SecurityGroupRule = Type.Object(
  {
    id: id('sgr', 'rule'),
    name: Type.String(),
    direction: Type.Enum([...RULE_DIRECTIONS]),
    priority: Type.Integer(),
    action: Type.Enum([...RULE_ACTIONS]),
    protocol: Type.Enum([...RULE_PROTOCOLS]),
    port_first: Nullable(Type.Integer()),
    port_last: Nullable(Type.Integer()),
    icmp_type: Nullable(Type.Integer()),
    icmp_code: Nullable(Type.Integer()),
    remote_cidr: Nullable(Type.String()),
    remote_group_id: Nullable(GroupId),
    created_at: Time,
  },
  { $id: 'SecurityGroupRule' },
)

export const Server = Type.Object(
  {
    id: ServerId,
    ...resource,
    guest: Type.Enum([...GUEST_KINDS]),
    state: Type.Enum([...SERVER_STATES]),
    hypervisor_id: HypervisorId,
    vcpus: Type.Integer(),
    memory_mb: Type.Integer(),
    qmp_socket: Nullable(Type.String()),
    qga_socket: Nullable(Type.String()),
    dhcp_options: Type.Record(Type.String(), Type.String(), { description: 'Option number → value' }),
    nic_count: Type.Integer({ description: 'Cards in its slots, or on the way into them or out; 0..64' }),
    job_id: Nullable(JobId),
    last_error: Nullable(Type.String()),
    ...changing,
    deleted_at: Nullable(Time),
  },
  { $id: 'Server' },
)

export const Job = Type.Object(
  {
    id: JobId,
    action: Type.Enum([...JOB_ACTIONS]),
    state: Type.Enum([...JOB_STATES]),
    server_id: Nullable(ServerId),
    nic_ids: Type.Array(NicId),
    resources: Type.Array(Type.Object({ type: Type.Enum([...JOB_RESOURCES]), id: Type.String() })),
    hypervisor_id: Nullable(Type.String({ description: 'null: it has a part on each of several hypervisors' })),
    parent_id: Nullable(
      Type.String({ description: 'The job that this is one hypervisor’s part of; null: a job by itself' }),
    ),
    attempts: Type.Integer(),
    steps: Type.Array(
      Type.Object({
        attempt: Type.Integer(),
        name: Type.String(),
        started_at: Time,
        ended_at: Time,
        error: Nullable(Type.String()),
      }),
    ),
    error: Nullable(Type.String()),
    created_at: Time,
    started_at: Nullable(Time),
    finished_at: Nullable(Time),
  },
  { $id: 'Job' },
)

export const ElasticIpPool = Type.Object(
  {
    id: ElasticIpPoolId,
    name: Type.String(),
    cidr: Cidr,
    gateway: Ipv4,
    first: Ipv4,
    last: Ipv4,
    interface: Type.String({ description: 'Of the hypervisors, to the segment' }),
    addresses_total: Type.Integer(),
    addresses_available: Type.Integer(),
    ...changing,
  },
  { $id: 'ElasticIpPool' },
)

export const ElasticIp = Type.Object(
  {
    id: ElasticIpId,
    ...resource,
    pool_id: ElasticIpPoolId,
    address: Ipv4,
    bandwidth_mbps: Nullable(Type.Integer({ description: 'Mbit/s (10^6 bit/s) in each direction; null: not limited' })),
    state: Type.Enum([...ELASTIC_IP_STATES]),
    nic_id: Nullable(NicId),
    vpc_id: Nullable(VpcId),
    hypervisor_id: Nullable(Type.String({ description: 'Holds it for the VPC; null when a NIC has it' })),
    ...changing,
  },
  { $id: 'ElasticIp' },
)

export const PortForwarding = Type.Object(
  {
    id: PortForwardingId,
    vpc_id: VpcId,
    name: Type.String(),
    protocol: Type.Enum([...FORWARDED_PROTOCOLS]),
    port: Type.Integer({ description: 'Of the VPC’s elastic IP; it has effect while the VPC has one' }),
    address: Ipv4,
    target_port: Type.Integer({ description: 'Of the address' }),
    enabled: Type.Boolean({ description: 'False: it is kept, and has no effect' }),
    ...changing,
  },
  { $id: 'PortForwarding' },
)

export const ReservedAddress = Type.Object(
  {
    id: ReservedAddressId,
    network_id: NetworkId,
    name: Type.String(),
    description: Type.String(),
    address: Ipv4,
    ...changing,
  },
  { $id: 'ReservedAddress' },
)

export const Hypervisor = Type.Object(
  {
    id: HypervisorId,
    zone_id: Type.String(),
    state: Type.Enum(['up', 'down']),
    facts: Type.Record(Type.String(), Type.Unknown(), { description: 'What its worker says of itself' }),
    last_seen_at: Nullable(Time),
    created_at: Time,
  },
  { $id: 'Hypervisor' },
)

export const AccessKey = Type.Object(
  {
    access_key_id: Type.String(),
    project_id: ProjectId,
    name: Type.String(),
    role: Type.Enum([...ACCESS_ROLES]),
    created_at: Time,
  },
  { $id: 'AccessKey' },
)

export const NewAccessKey = Type.Object(
  {
    ...AccessKey.properties,
    secret_access_key: Type.String({ description: 'Shown now and never again' }),
    token: Type.String({ description: 'For `Authorization: Bearer`; shown now and never again' }),
  },
  { $id: 'NewAccessKey' },
)

export const Session = Type.Object(
  {
    access_key_id: Type.String(),
    name: Type.String({ description: 'Of the access key' }),
    role: Type.Enum([...ACCESS_ROLES]),
    project: Type.Object({ id: ProjectId, name: Type.String() }),
    created_at: Nullable(Time),
    expires_at: Nullable(Time),
  },
  { $id: 'Session', description: 'Who asks; both times are null for who shows the key itself, by token or signature' },
)

export const Project = Type.Object({ id: ProjectId, name: Type.String(), created_at: Time }, { $id: 'Project' })

export const Event = Type.Object(
  {
    id: Type.String({ description: 'Place in the stream, as in Last-Event-ID' }),
    type: Type.String({ examples: ['nic.in_use'] }),
    resource_type: Type.String(),
    resource_id: Type.String(),
    address: Nullable(Type.String()),
    actor: Nullable(Type.String({ description: 'Access key that asked for it' })),
    job_id: Nullable(Type.String()),
    data: Type.Record(Type.String(), Type.Unknown()),
    at: Time,
  },
  { $id: 'Event' },
)

/** Schemas that are referred to by name, so that the OpenAPI document names them too. */
export const SHARED = [
  Vpc,
  Network,
  Nic,
  SecurityGroup,
  SecurityGroupRule,
  ElasticIpPool,
  ElasticIp,
  PortForwarding,
  ReservedAddress,
  Server,
  Job,
  Hypervisor,
  AccessKey,
  NewAccessKey,
  Session,
  Project,
  Event,
]
