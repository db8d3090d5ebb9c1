/** The tables that only the QingCloud wire uses, as `schema.ts` has the others. */
import { sql } from 'drizzle-orm'
import { boolean, jsonb, pgTable, smallint, text } from 'drizzle-orm/pg-core'
import { bytea, created, owned, seq, time } from './columns.ts'

export const securityGroupSnapshot = pgTable('security_group_snapshot', {
  id: text('id').primaryKey(),
  seq: seq(),
  ...owned,
  groupId: text('group_id').notNull(),
  name: text('name').notNull().default(''),
  rules: jsonb('rules').$type<Record<string, unknown>[]>().notNull(),
  ...created,
})

export const ipSet = pgTable('ip_set', {
  id: text('id').primaryKey(),
  seq: seq(),
  ...owned,
  name: text('name').notNull().default(''),
  description: text('description').notNull().default(''),
  ofPorts: boolean('of_ports').notNull(),
  val: text('val').notNull(),
  ...created,
})

export const vpcStatic = pgTable('vpc_static', {
  id: text('id').primaryKey(),
  seq: seq(),
  ...owned,
  vpcId: text('vpc_id').notNull(),
  vpcLive: boolean('vpc_live').notNull().generatedAlwaysAs(sql`vpc_id IS NOT NULL`),
  networkId: text('network_id'),
  type: smallint('type').notNull(),
  name: text('name').notNull().default(''),
  vals: jsonb('vals').$type<Record<string, string>>().notNull().default({}),
  enabled: boolean('enabled').notNull().default(true),
  ...created,
  updatedAt: time('updated_at').notNull().defaultNow(),
})

export const vpcStaticEntry = pgTable('vpc_static_entry', {
  id: text('id').primaryKey(),
  seq: seq(),
  ...owned,
  staticId: text('static_id').notNull(),
  name: text('name').notNull().default(''),
  val1: text('val1').notNull().default(''),
  val2: text('val2').notNull().default(''),
  ...created,
})

export const tag = pgTable('tag', {
  id: text('id').primaryKey(),
  seq: seq(),
  ...owned,
  name: text('name').notNull(),
  description: text('description').notNull().default(''),
  color: text('color').notNull().default('default'),
  ...created,
})

export const tagResource = pgTable('tag_resource', {
  tagId: text('tag_id').notNull(),
  ...owned,
  resourceType: text('resource_type').notNull(),
  resourceId: text('resource_id').notNull(),
  ...created,
})

export const keyPair = pgTable('key_pair', {
  id: text('id').primaryKey(),
  seq: seq(),
  ...owned,
  name: text('name').notNull().default(''),
  description: text('description').notNull().default(''),
  algorithm: text('algorithm').notNull(),
  publicKey: text('public_key').notNull(),
  ...created,
})

export const keyPairServer = pgTable('key_pair_server', {
  keyPairId: text('key_pair_id').notNull(),
  serverId: text('server_id').notNull(),
  ...owned,
})

export const userData = pgTable('user_data', {
  id: text('id').primaryKey(),
  seq: seq(),
  ...owned,
  name: text('name').notNull().default(''),
  content: bytea('content').notNull(),
  ...created,
})
