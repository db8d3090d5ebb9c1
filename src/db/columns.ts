/** What the tables are made of: enums, types that Drizzle lacks, and the columns that many tables have. */
import { bigint, customType, integer, jsonb, pgEnum, text, timestamp } from 'drizzle-orm/pg-core'
import {
  FORWARDED_PROTOCOLS,
  NETWORK_MODES,
  RULE_ACTIONS,
  RULE_DIRECTIONS,
  RULE_PROTOCOLS,
} from '../domain/network/network-kinds.ts'
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
export const networkMode = pgEnum('network_mode', NETWORK_MODES)
export const ruleDirection = pgEnum('rule_direction', RULE_DIRECTIONS)
export const ruleAction = pgEnum('rule_action', RULE_ACTIONS)
export const ruleProtocol = pgEnum('rule_protocol', RULE_PROTOCOLS)
export const forwardedProtocol = pgEnum('forwarded_protocol', FORWARDED_PROTOCOLS)
export const nicState = pgEnum('nic_state', NIC_STATES)
export const serverState = pgEnum('server_state', SERVER_STATES)
export const guestKind = pgEnum('guest_kind', GUEST_KINDS)
export const jobState = pgEnum('job_state', JOB_STATES)

export const bytea = customType<{ data: Buffer }>({ dataType: () => 'bytea' })
/** 252 characters of 0 and 1; character n stands for port n+1. */
export const portMask = customType<{ data: string }>({ dataType: () => 'bit(252)' })
/** `[first,last)`. */
export const int8range = customType<{ data: string }>({ dataType: () => 'int8range' })
/** Number of a transaction; it never wraps around. */
export const xid8 = customType<{ data: string }>({ dataType: () => 'xid8' })

export const time = (name: string) => timestamp(name, { withTimezone: true, mode: 'date' })
export const seq = () => bigint('seq', { mode: 'number' }).generatedAlwaysAsIdentity()
export const created = { createdAt: time('created_at').notNull().defaultNow() }
export const owned = { projectId: text('project_id').notNull() }
export const named = {
  name: text('name').notNull(),
  description: text('description').notNull().default(''),
  tags: jsonb('tags').$type<Record<string, string>>().notNull().default({}),
}
/** What only clients of the QingCloud wire read. */
export const wire = () => jsonb('wire').$type<Record<string, string | number>>().notNull().default({})
export const changing = {
  generation: integer('generation').notNull().default(1),
  ...created,
  updatedAt: time('updated_at').notNull().defaultNow(),
}
