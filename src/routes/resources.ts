/** The resources as clients get them. A route refers to one by its name. */
import { Type } from 'typebox'
import { ACCESS_ROLES, JOB_STATES, NETWORK_TYPES, NIC_STATES, SERVER_STATES } from '../db/columns.ts'
import { ELASTIC_IP_STATES } from '../domain/elastic-ip/elastic-ips.ts'
import { JOB_RESOURCES } from '../domain/job/jobs.ts'
import { FORWARDED_PROTOCOLS, RULE_ACTIONS, RULE_DIRECTIONS, RULE_PROTOCOLS } from '../domain/network/network-kinds.ts'
import { GUEST_KINDS } from '../domain/server/guest-kinds.ts'
import { JOB_ACTIONS } from '../jobs/catalogue.ts'
import { Nullable } from '../json-schema.ts'
import {
  Cidr,
  ElasticIpId,
  ElasticIpPoolId,
  GroupId,
  HypervisorId,
  Ipv4,
  Ipv6Cidr,
  JobId,
  NetworkId,
  NetworkMode,
  NicId,
  PortForwardingId,
  ProjectId,
  ReservedAddressId,
  RuleId,
  ServerId,
  SourceNat,
  Time,
  VpcGroup,
  VpcId,
} from './fields.ts'

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

const Vpc = Type.Object(
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

const Network = Type.Object(
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

const Nic = Type.Object(
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

const SecurityGroup = Type.Object(
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

const SecurityGroupRule = Type.Object(
  {
    id: RuleId,
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

const Server = Type.Object(
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

const Job = Type.Object(
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
        ended_at: Nullable(
          Type.String({ format: 'date-time', description: 'null: under way, or its attempt was broken off in it' }),
        ),
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

const ElasticIpPool = Type.Object(
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

const ElasticIp = Type.Object(
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

const PortForwarding = Type.Object(
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

const ReservedAddress = Type.Object(
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

const Hypervisor = Type.Object(
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

const AccessKey = Type.Object(
  {
    access_key_id: Type.String(),
    project_id: ProjectId,
    name: Type.String(),
    role: Type.Enum([...ACCESS_ROLES]),
    created_at: Time,
  },
  { $id: 'AccessKey' },
)

const NewAccessKey = Type.Object(
  {
    ...AccessKey.properties,
    secret_access_key: Type.String({ description: 'Shown now and never again' }),
    token: Type.String({ description: 'For `Authorization: Bearer`; shown now and never again' }),
  },
  { $id: 'NewAccessKey' },
)

const Session = Type.Object(
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

const Project = Type.Object({ id: ProjectId, name: Type.String(), created_at: Time }, { $id: 'Project' })

const Event = Type.Object(
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
