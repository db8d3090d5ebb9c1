/** NICs of a project by page: newest first, or in the order of what a table of them is sorted by. */
import { isIPv4 } from 'node:net'
import { and, eq, inArray, or, type SQL, sql } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import { NIC_STATES } from '../../db/columns.ts'
import { network, nic } from '../../db/schema.ts'
import { type Items, invalidCursor, type Page, pageOf, toItems } from '../paging.ts'
import { inGroups } from '../security-group/membership.ts'
import { NIC_SHOWN, type NicState, type NicView, nicView } from './nics.ts'

export interface NicFilter {
  readonly name?: string
  readonly state?: NicState
  readonly network_id?: string
  /** Of the network. */
  readonly vpc_id?: string
  readonly server_id?: string
  /** Of IPv4 or IPv6. */
  readonly address?: string
  readonly security_group_id?: string
  /** A part of the name, of an address or of the MAC, in any case. */
  readonly search?: string
}

export const NIC_SORTS = ['created_at', 'name', 'address', 'state'] as const
export const NIC_ORDERS = ['asc', 'desc'] as const
export type NicSort = (typeof NIC_SORTS)[number]
export type NicOrder = (typeof NIC_ORDERS)[number]

export interface NicPage extends Page {
  /** `created_at` when absent. */
  readonly sort?: NicSort | undefined
  /** When absent `desc` for `created_at`, `asc` for the others. NICs that have no address come last in both. */
  readonly order?: NicOrder | undefined
}

export async function listNics(db: Db, projectId: string, filter: NicFilter, page: NicPage): Promise<Items<NicView>> {
  const { sort = 'created_at', order = sort === 'created_at' ? 'desc' : 'asc' } = page
  const wanted = matching(db, projectId, filter)
  return sort === 'created_at' && order === 'desc'
    ? newestFirst(db, wanted, page)
    : sorted(db, wanted, page, sort, order)
}

const matching = (db: Db, projectId: string, filter: NicFilter): SQL | undefined =>
  and(
    eq(nic.projectId, projectId),
    filter.name ? eq(nic.name, filter.name) : undefined,
    filter.state ? eq(nic.state, filter.state) : undefined,
    filter.network_id ? eq(nic.networkId, filter.network_id) : undefined,
    filter.vpc_id ? inArray(nic.networkId, networksOf(db, projectId, filter.vpc_id)) : undefined,
    filter.server_id ? eq(nic.serverId, filter.server_id) : undefined,
    filter.address ? eq(filter.address.includes(':') ? nic.ipv6Address : nic.address, filter.address) : undefined,
    filter.security_group_id ? inGroups(db, projectId, [filter.security_group_id]) : undefined,
    filter.search ? or(...SEARCHED.map((text) => sql`strpos(${text}, lower(${filter.search})) > 0`)) : undefined,
  )

const networksOf = (db: Db, projectId: string, vpcId: string) =>
  db
    .select({ id: network.id })
    .from(network)
    .where(and(eq(network.vpcId, vpcId), eq(network.projectId, projectId)))

const SEARCHED = [
  sql`lower(${nic.name})`,
  sql`host(${nic.address})`,
  sql`host(${nic.ipv6Address})`,
  sql`${nic.id}::text`,
]

async function newestFirst(db: Db, wanted: SQL | undefined, page: Page): Promise<Items<NicView>> {
  const { where, orderBy, limit } = pageOf(nic.seq, page)
  const rows = await db.select(NIC_SHOWN).from(nic).where(and(wanted, where)).orderBy(orderBy).limit(limit)
  return toItems(rows, page, nicView)
}

interface SortKey {
  readonly by: SQL
  readonly asText: SQL<string | null>
  /** How a text becomes what `by` is compared with. */
  readonly cast: SQL
  readonly isOne: (text: string) => boolean
}

/** What a table is sorted by; NICs that are equal in it are in the order in which they were made. */
const KEYS: Readonly<Record<NicSort, SortKey>> = {
  created_at: {
    by: sql`${nic.seq}`,
    asText: sql`${nic.seq}::text`,
    cast: sql`bigint`,
    isOne: (text) => /^\d{1,18}$/.test(text),
  },
  name: {
    by: sql`lower(${nic.name})`,
    asText: sql`lower(${nic.name})`,
    cast: sql`text`,
    isOne: (text) => !/\p{Cc}/u.test(text),
  },
  address: { by: sql`${nic.address}`, asText: sql`host(${nic.address})`, cast: sql`inet`, isOne: isIPv4 },
  state: {
    by: sql`${nic.state}`,
    asText: sql`${nic.state}::text`,
    cast: sql`nic_state`,
    isOne: (text) => (NIC_STATES as readonly string[]).includes(text),
  },
}

async function sorted(
  db: Db,
  wanted: SQL | undefined,
  page: Page,
  sort: NicSort,
  order: NicOrder,
): Promise<Items<NicView>> {
  const key = KEYS[sort]
  const way = order === 'asc' ? sql`ASC` : sql`DESC`
  const rows = await db
    .select({ ...NIC_SHOWN, key: key.asText })
    .from(nic)
    .where(and(wanted, page.cursor === undefined ? undefined : behind(page.cursor, sort, order)))
    .orderBy(sql`${key.by} ${way} NULLS LAST`, sql`${nic.seq} ${way}`)
    .limit(page.limit + 1)
  const last = rows.length > page.limit ? rows[page.limit - 1] : undefined
  return {
    items: rows.slice(0, page.limit).map(nicView),
    next_cursor: last ? encode([sort, order, last.seq, last.key]) : null,
  }
}

/** The condition that a NIC comes behind the last one of a page, whether that is still there, and as it was, or not. */
function behind(cursor: string, sort: NicSort, order: NicOrder): SQL {
  const { seq, text } = decode(cursor, sort, order)
  const { by, cast } = KEYS[sort]
  const then = order === 'asc' ? sql`>` : sql`<`
  if (text === null) return sql`(${by} IS NULL AND ${nic.seq} ${then} ${seq}::bigint)`
  return sql`((${by}, ${nic.seq}) ${then} (${text}::${cast}, ${seq}::bigint) OR ${by} IS NULL)`
}

/** It says what it goes on with: the same cursor with another sort would skip NICs, or show them twice. */
const encode = (place: readonly [NicSort, NicOrder, seq: number, key: string | null]): string =>
  Buffer.from(JSON.stringify(place)).toString('base64url')

function decode(cursor: string, sort: NicSort, order: NicOrder): { seq: number; text: string | null } {
  const place: unknown = parsed(Buffer.from(cursor, 'base64url').toString())
  if (!Array.isArray(place) || place.length !== 4) throw invalidCursor(cursor)
  const [ofSort, ofOrder, seq, text] = place as readonly unknown[]
  const isKey = (text === null && sort === 'address') || (typeof text === 'string' && KEYS[sort].isOne(text))
  if (ofSort !== sort || ofOrder !== order || !Number.isSafeInteger(seq) || !isKey) throw invalidCursor(cursor)
  return { seq: seq as number, text: text as string | null }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
