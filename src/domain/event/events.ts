import { and, asc, desc, eq, gt, lt, type SQL, sql } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import { event } from '../../db/schema.ts'
import { DomainError } from '../errors.ts'
import { invalidCursor } from '../paging.ts'

/** What events are of. */
export const RESOURCE_TYPES = [
  'vpc',
  'network',
  'nic',
  'server',
  'security_group',
  'elastic_ip_pool',
  'elastic_ip',
  'port_forwarding',
  'vpc_static',
  'reserved_address',
  'tag',
  'key_pair',
  'job',
  'access_key',
  'project',
] as const
export type ResourceType = (typeof RESOURCE_TYPES)[number]

export interface NewEvent {
  readonly projectId: string
  /** `<resource>.<what happened>`, for example `nic.in_use`. */
  readonly type: `${ResourceType}.${string}`
  readonly id: string
  readonly address?: string | null
  readonly actor?: string | undefined
  readonly jobId?: string | null
  readonly data?: Record<string, unknown>
}

/** Writes events in the transaction that makes them true. */
export async function recordEvents(tx: Db, events: readonly NewEvent[]): Promise<void> {
  if (events.length === 0) return
  await tx.insert(event).values(
    events.map(({ projectId, type, id, address, actor, jobId, data }) => ({
      projectId,
      type,
      resourceType: type.slice(0, type.indexOf('.')),
      resourceId: id,
      address: address ?? null,
      actor: actor ?? null,
      jobId: jobId ?? null,
      data: data ?? {},
    })),
  )
}

export interface EventView {
  /** `<transaction>-<number>`: the place in the stream, as in `Last-Event-ID`. */
  id: string
  type: string
  resource_type: string
  resource_id: string
  address: string | null
  actor: string | null
  job_id: string | null
  data: Record<string, unknown>
  at: string
}

const view = (row: typeof event.$inferSelect): EventView => ({
  id: `${row.xid}-${row.id}`,
  type: row.type,
  resource_type: row.resourceType,
  resource_id: row.resourceId,
  address: row.address,
  actor: row.actor,
  job_id: row.jobId,
  data: row.data,
  at: row.at.toISOString(),
})

/** Events of transactions that may still be overtaken by an older one are held back, else a resumed stream has holes. */
const settled = lt(event.xid, sql`pg_snapshot_xmin(pg_current_snapshot())`)

function place(id: string): SQL {
  const match = /^(\d{1,19})-(\d{1,18})$/.exec(id)
  if (!match) throw invalidCursor(id)
  return sql`(${match[1]}::text::xid8, ${match[2]}::bigint)`
}

const position = sql`(${event.xid}, ${event.id})`

/** Events after a place in the stream, oldest first; `after` undefined starts at the beginning. */
export async function eventsAfter(
  db: Db,
  projectId: string,
  after: string | undefined,
  limit: number,
  filter: EventFilter = {},
): Promise<EventView[]> {
  const rows = await db
    .select()
    .from(event)
    .where(
      and(eq(event.projectId, projectId), settled, after ? gt(position, place(after)) : undefined, ...matching(filter)),
    )
    .orderBy(asc(event.xid), asc(event.id))
    .limit(limit)
  return rows.map(view)
}

/**
 * Refuses a place that this database has not come to: it is of another one, such as before a backup was restored, and a
 * stream from there would be silent for ever.
 * @throws DomainError `invalid_cursor`.
 */
export async function assertReached(db: Db, id: string): Promise<void> {
  const { rows } = await db.execute<{ ahead: boolean }>(
    sql`SELECT ${place(id)} >= (pg_snapshot_xmax(pg_current_snapshot()), 0::bigint) AS ahead`,
  )
  if (!rows[0]?.ahead) return
  const detail = 'is ahead of every event: it is not of this service'
  throw new DomainError('invalid_cursor', `Last-Event-ID ${id} ${detail}`, {
    errors: [{ in: 'header', pointer: '/last-event-id', detail }],
  })
}

/** Id of the newest settled event of a project, or `0-0`: where a stream without `Last-Event-ID` starts. */
export async function newestEventId(db: Db, projectId: string): Promise<string> {
  const [row] = await db
    .select({ xid: event.xid, id: event.id })
    .from(event)
    .where(and(eq(event.projectId, projectId), settled))
    .orderBy(desc(event.xid), desc(event.id))
    .limit(1)
  return row ? `${row.xid}-${row.id}` : '0-0'
}

export interface EventFilter {
  readonly resource_type?: string
  readonly resource_id?: string
  readonly type?: string
  readonly address?: string
  /** Of this server, and those that name it: of its NICs as they come and go, and of its jobs. */
  readonly server_id?: string
}

/** The expression of the index `event_server`. */
const serverOf = sql`CASE ${event.resourceType} WHEN 'server' THEN ${event.resourceId} ELSE ${event.data} ->> 'server_id' END`

const matching = (filter: EventFilter): (SQL | undefined)[] => [
  filter.resource_type ? eq(event.resourceType, filter.resource_type) : undefined,
  filter.resource_id ? eq(event.resourceId, filter.resource_id) : undefined,
  filter.type ? eq(event.type, filter.type) : undefined,
  filter.address ? eq(event.address, filter.address) : undefined,
  filter.server_id ? eq(serverOf, filter.server_id) : undefined,
]

/** A page of events, newest first. `cursor` is the id of the last event of the page before. */
export async function listEvents(
  db: Db,
  projectId: string,
  filter: EventFilter,
  page: { limit: number; cursor?: string | undefined },
): Promise<{ items: EventView[]; next_cursor: string | null }> {
  const rows = await db
    .select()
    .from(event)
    .where(
      and(
        eq(event.projectId, projectId),
        ...matching(filter),
        page.cursor === undefined ? undefined : lt(position, place(page.cursor)),
      ),
    )
    .orderBy(desc(event.xid), desc(event.id))
    .limit(page.limit + 1)
  const items = rows.slice(0, page.limit).map(view)
  return { items, next_cursor: rows.length > page.limit ? (items.at(-1)?.id ?? null) : null }
}
