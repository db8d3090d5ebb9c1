/**
 * The tables as Drizzle sees them. `migrations/` is the truth, with every constraint; this mirrors the columns, and
 * `test/integration/schema.test.ts` fails when the two drift apart.
 */
import { sql } from 'drizzle-orm'
import {
  bigint,
  boolean,
  cidr,
  customType,
  inet,
  integer,
  jsonb,
  macaddr,
  pgEnum,
  pgTable,
  smallint,
  text,
  timestamp,
} from 'drizzle-orm/pg-core'
import { GUEST_KINDS } from '../domain/server/guest-kinds.ts'

export const ACCESS_ROLES = ['reader', 'operator', 'admin'] as const
export const NETWORK_TYPES = ['managed', 'unmanaged'] as const
export const NIC_STATES = ['available', 'attaching', 'in_use', 'detaching'] as const
export const SERVER_STATES = [
  'pending',
  'starting',
  'running',
  'stopping',
  'stopped',
  'terminating',
  'terminated',
] as const
export const JOB_STATES = ['pending', 'working', 'successful', 'failed'] as const

export const accessRole = pgEnum('access_role', ACCESS_ROLES)
export const networkType = pgEnum('network_type', NETWORK_TYPES)
export const nicState = pgEnum('nic_state', NIC_STATES)
export const serverState = pgEnum('server_state', SERVER_STATES)
export const guestKind = pgEnum('guest_kind', GUEST_KINDS)
export const jobState = pgEnum('job_state', JOB_STATES)

const bytea = customType<{ data: Buffer }>({ dataType: () => 'bytea' })
/** 252 characters of 0 and 1; character n stands for port n+1. */
const portMask = customType<{ data: string }>({ dataType: () => 'bit(252)' })

const time = (name: string) => timestamp(name, { withTimezone: true, mode: 'date' })
const seq = () => bigint('seq', { mode: 'number' }).generatedAlwaysAsIdentity()
const created = { createdAt: time('created_at').notNull().defaultNow() }
const owned = { projectId: text('project_id').notNull() }
const named = {
  name: text('name').notNull(),
  description: text('description').notNull().default(''),
  tags: jsonb('tags').$type<Record<string, string>>().notNull().default({}),
}
const changing = {
  generation: integer('generation').notNull().default(1),
  ...created,
  updatedAt: time('updated_at').notNull().defaultNow(),
}

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
})

export const job = pgTable('job', {
  id: text('id').primaryKey(),
  seq: seq(),
  ...owned,
  action: text('action').notNull(),
  state: jobState('state').notNull().default('pending'),
  hypervisorId: text('hypervisor_id').notNull(),
  serverId: text('server_id').notNull(),
  nicIds: text('nic_ids').array().notNull().default([]),
  request: jsonb('request').$type<Record<string, unknown>>().notNull().default({}),
  attempts: integer('attempts').notNull().default(0),
  steps: jsonb('steps').$type<unknown[]>().notNull().default([]),
  error: text('error'),
  ...created,
  startedAt: time('started_at'),
  finishedAt: time('finished_at'),
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
})

export const outbox = pgTable('outbox', {
  jobId: text('job_id').primaryKey(),
  hypervisorId: text('hypervisor_id').notNull(),
  ...created,
  dueAt: time('due_at').notNull().default(sql`now() + interval '3 seconds'`),
})

export const event = pgTable('event', {
  ...owned,
  xid: customType<{ data: string }>({ dataType: () => 'xid8' })('xid')
    .notNull()
    .default(sql`pg_current_xact_id()`),
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
