/**
 * What passes between the control plane and a hypervisor worker: the work order that a worker claims, the report it
 * gives back, and the desired state it repairs towards. The worker trusts nothing it remembers: it claims every job
 * and pulls the desired state afresh, so a doubled or stale queue message can do no harm.
 */
import { type Static, Type } from 'typebox'
import {
  FORWARDED_PROTOCOLS,
  NETWORK_MODES,
  RULE_ACTIONS,
  RULE_DIRECTIONS,
  RULE_PROTOCOLS,
} from '../domain/network/network-kinds.ts'
import { GUEST_KINDS } from '../domain/server/guest-kinds.ts'
import { Nullable } from '../json-schema.ts'

/** A network as a worker needs it. */
export const OrderNetwork = Type.Object({
  id: Type.String(),
  vni: Type.Integer(),
  mtu: Type.Integer(),
  mode: Type.Enum([...NETWORK_MODES]),
  vpc_id: Nullable(Type.String()),
  cidr: Nullable(Type.String()),
  gateway: Nullable(Type.String()),
  interface: Nullable(Type.String()),
  ipv6_cidr: Nullable(Type.String()),
  lease_seconds: Type.Integer(),
  dns_servers: Type.Array(Type.String()),
  domain: Nullable(Type.String()),
  /** What its NICs without address may use; empty when the order has none of these. */
  reserved_addresses: Type.Array(Type.String()),
})
export type OrderNetwork = Static<typeof OrderNetwork>

/** A NIC as a worker needs it. `in_job`: the claimed job moves it; in a desired state: some job owns it, hands off. */
export const OrderNic = Type.Object({
  id: Type.String(),
  name: Type.String(),
  slot: Type.Integer(),
  network_id: Type.String(),
  address: Nullable(Type.String()),
  ipv6_address: Nullable(Type.String()),
  state: Type.String(),
  in_job: Type.Boolean(),
  anti_spoofing: Type.Boolean(),
  allowed_address_pairs: Type.Array(Type.Object({ address: Type.String(), mac: Type.Optional(Type.String()) })),
  bandwidth_in_mbps: Nullable(Type.Integer()),
  bandwidth_out_mbps: Nullable(Type.Integer()),
  security_group_ids: Type.Array(Type.String()),
})
export type OrderNic = Static<typeof OrderNic>

/** A server with its NICs as a worker needs it. */
export const OrderServer = Type.Object({
  id: Type.String(),
  name: Type.String(),
  guest: Type.Enum([...GUEST_KINDS]),
  state: Type.String(),
  vcpus: Type.Integer(),
  memory_mb: Type.Integer(),
  qmp_socket: Nullable(Type.String()),
  qga_socket: Nullable(Type.String()),
  dhcp_options: Type.Record(Type.String(), Type.String()),
  nics: Type.Array(OrderNic),
})
export type OrderServer = Static<typeof OrderServer>

/** One rule of a security group. */
export const OrderRule = Type.Object({
  direction: Type.Enum([...RULE_DIRECTIONS]),
  priority: Type.Integer(),
  action: Type.Enum([...RULE_ACTIONS]),
  protocol: Type.Enum([...RULE_PROTOCOLS]),
  port_first: Nullable(Type.Integer()),
  port_last: Nullable(Type.Integer()),
  icmp_type: Nullable(Type.Integer()),
  icmp_code: Nullable(Type.Integer()),
  remote_cidr: Nullable(Type.String()),
  remote_group_id: Nullable(Type.String()),
})
export type OrderRule = Static<typeof OrderRule>

/** A security group with all that its NICs' filters take. */
export const OrderGroup = Type.Object({
  id: Type.String(),
  generation: Type.Integer(),
  /** `null`: no NIC here is in it, some rule only names it as its remote. */
  rules: Nullable(Type.Array(OrderRule)),
  /** Its NICs in the VPCs and networks that the hypervisor has; only of groups that a rule names as its remote. */
  members: Type.Array(Type.Object({ scope: Type.String(), address: Type.String() })),
})
export type OrderGroup = Static<typeof OrderGroup>

/** What the router of a VPC has to do on this hypervisor. */
export const OrderRouter = Type.Object({
  vpc_id: Type.String(),
  cidr: Type.String(),
  /** False: it is switched off, and passes nothing on. */
  routing: Type.Boolean(),
  source_nat: Type.Boolean(),
  elastic_ips: Type.Array(
    Type.Object({
      address: Type.String(),
      cidr: Type.String(),
      gateway: Type.String(),
      interface: Type.String(),
      nic_address: Nullable(Type.String()),
      bandwidth_mbps: Nullable(Type.Integer()),
    }),
  ),
  port_forwardings: Type.Array(
    Type.Object({
      protocol: Type.Enum([...FORWARDED_PROTOCOLS]),
      port: Type.Integer(),
      address: Type.String(),
      target_port: Type.Integer(),
    }),
  ),
})
export type OrderRouter = Static<typeof OrderRouter>

/** Answer to a claim: one attempt at a job, with all that it takes, read afresh from the source of truth. */
export const WorkOrder = Type.Object({
  job: Type.Object({
    id: Type.String(),
    action: Type.String(),
    /** Counts claims; a report carries it back, so that a worker that was overtaken is not believed. */
    attempt: Type.Integer(),
    force: Type.Boolean(),
    /** What it is about besides its server and NICs. */
    resources: Type.Array(Type.Object({ type: Type.String(), id: Type.String() })),
  }),
  /** `null`: the job brings the network settings of the whole hypervisor up to date; the desired state has them. */
  server: Nullable(OrderServer),
  networks: Type.Array(OrderNetwork),
  /** The security groups of the server's NICs by generation. A worker that does not know one reads the desired state. */
  groups: Type.Array(Type.Object({ id: Type.String(), generation: Type.Integer() })),
  /** The routers of the server's networks. */
  routers: Type.Array(OrderRouter),
})
export type WorkOrder = Static<typeof WorkOrder>

/** ISO 8601 in UTC, as `Date.toISOString` writes it. */
const ReportedTime = Type.String({ pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d{1,9})?Z$' })

/** One step of an attempt, as the worker timed it; `ended_at` is `null` while it is under way. */
export const ReportedStep = Type.Object(
  {
    name: Type.String({ maxLength: 100 }),
    started_at: ReportedTime,
    ended_at: Nullable(ReportedTime),
    error: Nullable(Type.String({ maxLength: 4000 })),
  },
  { additionalProperties: false },
)
export type ReportedStep = Static<typeof ReportedStep>

/** What kernel and guest really show of one NIC; `null` where there is nothing to see. */
export const NicObservation = Type.Object(
  {
    id: Type.String({ pattern: '^[0-9a-f]{2}(:[0-9a-f]{2}){5}$' }),
    host: Nullable(
      Type.Object(
        { tap: Type.String(), bridge: Nullable(Type.String()), up: Type.Boolean(), mtu: Type.Integer() },
        { additionalProperties: false },
      ),
    ),
    guest: Nullable(
      Type.Object(
        {
          interface_name: Type.String({ maxLength: 100 }),
          mac: Type.String({ maxLength: 17 }),
          addresses: Type.Array(Type.String({ maxLength: 50 }), { maxItems: 100 }),
        },
        { additionalProperties: false },
      ),
    ),
  },
  { additionalProperties: false },
)
export type NicObservation = Static<typeof NicObservation>

/** How far an attempt is that is under way: what has begun, in that order. */
export const JobProgress = Type.Object(
  { attempt: Type.Integer({ minimum: 1 }), steps: Type.Array(ReportedStep, { minItems: 1, maxItems: 100 }) },
  { additionalProperties: false },
)
export type JobProgress = Static<typeof JobProgress>

/** How an attempt ended. `retry`: it failed, and the worker will try again. */
export const JobReport = Type.Object(
  {
    attempt: Type.Integer({ minimum: 1 }),
    outcome: Type.Enum(['successful', 'retry', 'failed']),
    error: Nullable(Type.String({ maxLength: 4000 })),
    steps: Type.Array(ReportedStep, { maxItems: 100 }),
    observed: Type.Array(NicObservation, { maxItems: 64 }),
  },
  { additionalProperties: false },
)
export type JobReport = Static<typeof JobReport>

/** Everything that should stand on one hypervisor now. Terminated servers are left out: what remains of them is orphaned. */
export const DesiredState = Type.Object({
  servers: Type.Array(OrderServer),
  networks: Type.Array(OrderNetwork),
  groups: Type.Array(OrderGroup),
  routers: Type.Array(OrderRouter),
})
export type DesiredState = Static<typeof DesiredState>

/** Where a worker's queue is, and how to get in. */
export const QueueAccess = Type.Object({
  engine: Type.Enum(['postgres', 'redis']),
  url: Type.String(),
})
export type QueueAccess = Static<typeof QueueAccess>
