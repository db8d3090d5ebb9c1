/**
 * The tables as Drizzle sees them; those that only the QingCloud wire uses are in `schema-wire.ts`. `migrations/` is the
 * truth, with every constraint; this mirrors the columns, and `test/integration/schema.test.ts` fails when the two drift
 * apart.
 */
import { sql } from 'drizzle-orm'
import { bigint, boolean, cidr, inet, integer, jsonb, macaddr, pgTable, smallint, text } from 'drizzle-orm/pg-core'
import {
  accessRole,
  bytea,
  changing,
  created,
  forwardedProtocol,
  guestKind,
  int8range,
  jobState,
  named,
  networkMode,
  networkType,
  nicState,
  owned,
  portMask,
  ruleAction,
  ruleDirection,
  ruleProtocol,
  seq,
  serverState,
  time,
  wire,
  xid8,
} from './columns.ts'

export const project = pgTable('project', {
  id: text('id').primaryKey(),
  seq: seq(),
  name: text('name').notNull(),
  ...created,
})

export const accessKey = pgTable('access_key', {
  id: text('id').primaryKey(),
  seq: seq(),
  ...owned,
  name: text('name').notNull().default(''),
  role: accessRole('role').notNull(),
  tokenHash: bytea('token_hash').notNull(),
  secretEncrypted: bytea('secret_encrypted').notNull(),
  ...created,
})

export const session = pgTable('session', {
  tokenHash: bytea('token_hash').primaryKey(),
  accessKeyId: text('access_key_id').notNull(),
  ...created,
  expiresAt: time('expires_at').notNull(),
})

export const zone = pgTable('zone', { id: text('id').primaryKey() })

export const hypervisor = pgTable('hypervisor', {
  id: text('id').primaryKey(),
  seq: seq(),
  zoneId: text('zone_id').notNull(),
  tokenHash: bytea('token_hash').notNull(),
  facts: jsonb('facts').$type<Record<string, unknown>>().notNull().default({}),
  lastSeenAt: time('last_seen_at'),
  ...created,
})

export const vpc = pgTable('vpc', {
  id: text('id').primaryKey(),
  seq: seq(),
  ...owned,
  ...named,
  cidr: cidr('cidr').notNull(),
  ...changing,
  deletedAt: time('deleted_at'),
  live: boolean('live').notNull().generatedAlwaysAs(sql`deleted_at IS NULL`),
  sourceNat: boolean('source_nat').notNull().default(true),
  routing: boolean('routing').notNull().default(true),
  securityGroupId: text('security_group_id'),
  isBasic: boolean('is_basic').notNull().default(false),
  wire: wire(),
})

export const network = pgTable('network', {
  id: text('id').primaryKey(),
  seq: seq(),
  ...owned,
  ...named,
  type: networkType('type').notNull(),
  vni: integer('vni').notNull(),
  mtu: integer('mtu').notNull().default(1500),
  vpcId: text('vpc_id'),
  vpcCidr: cidr('vpc_cidr'),
  cidr: cidr('cidr'),
  vpcLive: boolean('vpc_live').generatedAlwaysAs(sql`CASE WHEN vpc_id IS NULL THEN NULL ELSE true END`),
  ports: portMask('ports').notNull().default(sql`repeat('0', 252)::bit(252)`),
  ...changing,
  mode: networkMode('mode').notNull().default('routed'),
  interface: text('interface'),
  gateway: inet('gateway'),
  reserved: portMask('reserved').notNull().default(sql`repeat('0', 252)::bit(252)`),
  ipv6Cidr: cidr('ipv6_cidr'),
  leaseSeconds: integer('lease_seconds').notNull().default(86400),
  dnsServers: inet('dns_servers').array().notNull().default([]),
  domain: text('domain'),
  held: portMask('held').notNull().default(sql`repeat('0', 252)::bit(252)`),
  unaddressed: portMask('unaddressed').notNull().default(sql`repeat('0', 252)::bit(252)`),
  wire: wire(),
})

export const job = pgTable('job', {
  id: text('id').primaryKey(),
  seq: seq(),
  ...owned,
  action: text('action').notNull(),
  state: jobState('state').notNull().default('pending'),
  hypervisorId: text('hypervisor_id'),
  serverId: text('server_id'),
  nicIds: text('nic_ids').array().notNull().default([]),
  request: jsonb('request').$type<Record<string, unknown>>().notNull().default({}),
  attempts: integer('attempts').notNull().default(0),
  steps: jsonb('steps').$type<unknown[]>().notNull().default([]),
  error: text('error'),
  ...created,
  startedAt: time('started_at'),
  finishedAt: time('finished_at'),
  resources: jsonb('resources').$type<{ type: string; id: string }[]>().notNull().default([]),
  parentId: text('parent_id'),
  askedAction: text('asked_action'),
  asked: jsonb('asked').$type<Record<string, unknown>>(),
})

export const server = pgTable('server', {
  id: text('id').primaryKey(),
  seq: seq(),
  ...owned,
  hypervisorId: text('hypervisor_id').notNull(),
  ...named,
  guest: guestKind('guest').notNull(),
  state: serverState('state').notNull(),
  vcpus: integer('vcpus').notNull(),
  memoryMb: integer('memory_mb').notNull(),
  qmpSocket: text('qmp_socket'),
  qgaSocket: text('qga_socket'),
  jobId: text('job_id'),
  lastError: text('last_error'),
  ...changing,
  deletedAt: time('deleted_at'),
  dhcpOptions: jsonb('dhcp_options').$type<Record<string, string>>().notNull().default({}),
  wire: wire(),
})

export const nic = pgTable('nic', {
  id: macaddr('id').primaryKey(),
  seq: seq(),
  ...owned,
  networkId: text('network_id').notNull(),
  networkCidr: cidr('network_cidr'),
  port: smallint('port').notNull(),
  address: inet('address'),
  ...named,
  name: text('name').notNull().default(''),
  isPrimary: boolean('is_primary').notNull().default(false),
  state: nicState('state').notNull().default('available'),
  serverId: text('server_id'),
  slot: smallint('slot'),
  jobId: text('job_id'),
  lastError: text('last_error'),
  hostView: jsonb('host_view'),
  guestView: jsonb('guest_view'),
  observedAt: time('observed_at'),
  ...changing,
  ipv6Address: inet('ipv6_address'),
  antiSpoofing: boolean('anti_spoofing').notNull().default(true),
  allowedAddressPairs: jsonb('allowed_address_pairs').$type<AddressPair[]>().notNull().default([]),
  bandwidthInMbps: integer('bandwidth_in_mbps'),
  bandwidthOutMbps: integer('bandwidth_out_mbps'),
  inDefaultGroup: boolean('in_default_group').notNull().default(true),
  withServer: boolean('with_server').notNull().default(false),
})

/** An address or CIDR that a NIC may use besides its own, with another MAC when given. */
export interface AddressPair {
  address: string
  mac?: string
}

export const securityGroup = pgTable('security_group', {
  id: text('id').primaryKey(),
  seq: seq(),
  ...owned,
  ...named,
  isDefault: boolean('is_default').notNull().default(false),
  ruleCount: integer('rule_count').notNull().default(0),
  ...changing,
  inForce: jsonb('in_force').$type<Record<string, unknown>[]>(),
})

export const securityGroupRule = pgTable('security_group_rule', {
  id: text('id').primaryKey(),
  seq: seq(),
  groupId: text('group_id').notNull(),
  ...owned,
  name: text('name').notNull().default(''),
  direction: ruleDirection('direction').notNull(),
  priority: smallint('priority').notNull(),
  action: ruleAction('action').notNull(),
  protocol: ruleProtocol('protocol').notNull(),
  portFirst: integer('port_first'),
  portLast: integer('port_last'),
  icmpType: smallint('icmp_type'),
  icmpCode: smallint('icmp_code'),
  remoteCidr: cidr('remote_cidr'),
  remoteGroupId: text('remote_group_id'),
  ...created,
  wire: wire(),
})

export const nicSecurityGroup = pgTable('nic_security_group', {
  nicId: macaddr('nic_id').notNull(),
  groupId: text('group_id').notNull(),
  ...owned,
})

export const elasticIpPool = pgTable('elastic_ip_pool', {
  id: text('id').primaryKey(),
  seq: seq(),
  name: text('name').notNull(),
  cidr: cidr('cidr').notNull(),
  gateway: inet('gateway').notNull(),
  first: inet('first').notNull(),
  last: inet('last').notNull(),
  interface: text('interface').notNull(),
  ...changing,
})

/** Kept by triggers on pools and bridged networks. */
export const segmentClaim = pgTable('segment_claim', {
  owner: text('owner').notNull(),
  interface: text('interface').notNull(),
  addresses: int8range('addresses').notNull(),
  isGateway: boolean('is_gateway').notNull(),
})

export const elasticIp = pgTable('elastic_ip', {
  id: text('id').primaryKey(),
  seq: seq(),
  ...owned,
  ...named,
  name: text('name').notNull().default(''),
  poolId: text('pool_id').notNull(),
  address: inet('address').notNull(),
  bandwidthMbps: integer('bandwidth_mbps'),
  nicId: macaddr('nic_id'),
  vpcId: text('vpc_id'),
  vpcLive: boolean('vpc_live').generatedAlwaysAs(sql`CASE WHEN vpc_id IS NULL THEN NULL ELSE true END`),
  hypervisorId: text('hypervisor_id'),
  ...changing,
  wire: wire(),
})

export const portForwarding = pgTable('port_forwarding', {
  id: text('id').primaryKey(),
  seq: seq(),
  ...owned,
  vpcId: text('vpc_id').notNull(),
  vpcCidr: cidr('vpc_cidr').notNull(),
  vpcLive: boolean('vpc_live').notNull().generatedAlwaysAs(sql`vpc_id IS NOT NULL`),
  name: text('name').notNull().default(''),
  protocol: forwardedProtocol('protocol').notNull(),
  port: integer('port').notNull(),
  address: inet('address').notNull(),
  targetPort: integer('target_port').notNull(),
  ...changing,
  enabled: boolean('enabled').notNull().default(true),
})

export const reservedAddress = pgTable('reserved_address', {
  id: text('id').primaryKey(),
  seq: seq(),
  ...owned,
  networkId: text('network_id').notNull(),
  networkCidr: cidr('network_cidr').notNull(),
  port: smallint('port').notNull(),
  address: inet('address').notNull(),
  name: text('name').notNull().default(''),
  description: text('description').notNull().default(''),
  ...changing,
})

/** Bytes per second, the mean of the time since the sample before; `in` is towards the guest. */
export const nicTraffic = pgTable('nic_traffic', {
  nicId: macaddr('nic_id').notNull(),
  at: time('at').notNull(),
  inRate: bigint('in_rate', { mode: 'number' }).notNull(),
  outRate: bigint('out_rate', { mode: 'number' }).notNull(),
})

export const outbox = pgTable('outbox', {
  jobId: text('job_id').primaryKey(),
  hypervisorId: text('hypervisor_id').notNull(),
  ...created,
  dueAt: time('due_at').notNull().default(sql`now() + interval '3 seconds'`),
})

export const event = pgTable('event', {
  ...owned,
  xid: xid8('xid').notNull().default(sql`pg_current_xact_id()`),
  id: bigint('id', { mode: 'number' }).generatedAlwaysAsIdentity(),
  type: text('type').notNull(),
  resourceType: text('resource_type').notNull(),
  resourceId: text('resource_id').notNull(),
  address: inet('address'),
  actor: text('actor'),
  jobId: text('job_id'),
  data: jsonb('data').$type<Record<string, unknown>>().notNull().default({}),
  at: time('at').notNull().defaultNow(),
})

export const idempotencyKey = pgTable('idempotency_key', {
  ...owned,
  key: text('key').notNull(),
  requestHash: bytea('request_hash').notNull(),
  body: jsonb('body'),
  ...created,
})

export const setting = pgTable('setting', { name: text('name').primaryKey(), value: text('value').notNull() })
