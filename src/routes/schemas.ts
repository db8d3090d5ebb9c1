/** The shapes that several routes share. Everything a client sends or gets is described here or beside its route. */
import { Type } from 'typebox'
import { ACCESS_ROLES, JOB_STATES, NETWORK_TYPES, NIC_STATES, SERVER_STATES } from '../db/schema.ts'
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
export const JobId = id('j', 'job')
export const HYPERVISOR_ID_PATTERN = '^[a-z0-9][a-z0-9-]{0,39}$'
export const HypervisorId = Type.String({ pattern: HYPERVISOR_ID_PATTERN, description: 'Id of a hypervisor' })
export const NicId = Type.String({
  pattern: '^[0-9a-f]{2}(:[0-9a-f]{2}){5}$',
  description: 'Id of a NIC: its MAC, lower case with colons',
  examples: ['52:54:3f:09:aa:01'],
})
export const Slot = Type.Integer({ minimum: 1, maximum: 63, description: 'Slot on the server; 0 is the primary NIC’s' })
export const Ipv4 = Type.String({ format: 'ipv4', maxLength: 15, examples: ['172.16.1.100'] })
export const Cidr = Type.String({ format: 'ipv4-cidr', maxLength: 18, examples: ['172.16.1.0/24'] })
export const Name = Type.String({ format: 'text', minLength: 1, maxLength: 128 })
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

export const Vpc = Type.Object(
  { id: VpcId, ...resource, cidr: Cidr, ...changing, deleted_at: Nullable(Time) },
  { $id: 'Vpc' },
)

export const Network = Type.Object(
  {
    id: NetworkId,
    ...resource,
    type: Type.Enum([...NETWORK_TYPES]),
    vni: Type.Integer({ description: 'VXLAN network identifier, 4096..16777215; names the bridge' }),
    mtu: Type.Integer({ description: 'Bytes' }),
    vpc_id: Nullable(VpcId),
    cidr: Nullable(Cidr),
    gateway: Nullable(Ipv4),
    address_range: Nullable(Type.Object({ first: Ipv4, last: Ipv4 })),
    addresses_available: Type.Integer({ description: 'NICs that still fit, of 252' }),
    nic_count: Type.Integer(),
    ...changing,
  },
  { $id: 'Network' },
)

export const Nic = Type.Object(
  {
    id: NicId,
    ...resource,
    network_id: NetworkId,
    port: Type.Integer({ description: '1-252: its place in the network' }),
    address: Nullable(Ipv4),
    primary: Type.Boolean({ description: 'The card that the server was made with: slot 0, for life' }),
    state: Type.Enum([...NIC_STATES]),
    server_id: Nullable(ServerId),
    slot: Nullable(Type.Integer()),
    job_id: Nullable(JobId),
    last_error: Nullable(Type.String({ description: 'Why the last attach or detach failed' })),
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
    server_id: ServerId,
    nic_ids: Type.Array(NicId),
    resources: Type.Array(Type.Object({ type: Type.Enum(['server', 'nic']), id: Type.String() })),
    hypervisor_id: HypervisorId,
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
export const SHARED = [Vpc, Network, Nic, Server, Job, Hypervisor, AccessKey, NewAccessKey, Project, Event]
