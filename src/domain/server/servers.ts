import { and, eq, getTableColumns, ne, sql } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import type { SERVER_STATES } from '../../db/columns.ts'
import { server } from '../../db/schema.ts'
import type { Actor } from '../actor.ts'
import { assertUnchanged, type Changes, changeSet } from '../changes.ts'
import { DomainError, notFound } from '../errors.ts'
import { recordEvents } from '../event/events.ts'
import { type Items, matchesText, type Page, pageOf, toItems } from '../paging.ts'
import type { GuestKind } from './guest-kinds.ts'

export type ServerState = (typeof SERVER_STATES)[number]
export type ServerRow = typeof server.$inferSelect

export interface ServerView {
  id: string
  name: string
  description: string
  tags: Record<string, string>
  guest: GuestKind
  state: ServerState
  hypervisor_id: string
  vcpus: number
  memory_mb: number
  qmp_socket: string | null
  qga_socket: string | null
  dhcp_options: Record<string, string>
  /** Cards in its slots, or on the way into them or out. */
  nic_count: number
  job_id: string | null
  last_error: string | null
  generation: number
  created_at: string
  updated_at: string
  deleted_at: string | null
}

const view = (row: ServerRow & { readonly nicCount: number }): ServerView => ({
  id: row.id,
  name: row.name,
  description: row.description,
  tags: row.tags,
  guest: row.guest,
  state: row.state,
  hypervisor_id: row.hypervisorId,
  vcpus: row.vcpus,
  memory_mb: row.memoryMb,
  qmp_socket: row.qmpSocket,
  qga_socket: row.qgaSocket,
  dhcp_options: row.dhcpOptions,
  nic_count: row.nicCount,
  job_id: row.jobId,
  last_error: row.lastError,
  generation: row.generation,
  created_at: row.createdAt.toISOString(),
  updated_at: row.updatedAt.toISOString(),
  deleted_at: row.deletedAt?.toISOString() ?? null,
})

/** What `view` takes. The cards are counted for the rows of the answer only: by a subquery, not by a join. */
const SHOWN = {
  ...getTableColumns(server),
  nicCount: sql<number>`(SELECT count(*)::integer FROM nic n WHERE n.server_id = server.id)`,
}

export async function getServer(db: Db, projectId: string, id: string): Promise<ServerView> {
  const [row] = await db
    .select(SHOWN)
    .from(server)
    .where(and(eq(server.id, id), eq(server.projectId, projectId)))
  if (!row) throw notFound('server', id)
  return view(row)
}

export interface ServerFilter {
  readonly name?: string
  readonly state?: ServerState
  readonly hypervisor_id?: string
  readonly search?: string
}

/** Terminated servers stay readable by id, and are listed only when their state is asked for. */
export async function listServers(
  db: Db,
  projectId: string,
  filter: ServerFilter,
  page: Page,
): Promise<Items<ServerView>> {
  const { where, orderBy, limit } = pageOf(server.seq, page)
  const rows = await db
    .select(SHOWN)
    .from(server)
    .where(
      and(
        eq(server.projectId, projectId),
        filter.state ? eq(server.state, filter.state) : ne(server.state, 'terminated'),
        filter.name ? eq(server.name, filter.name) : undefined,
        filter.hypervisor_id ? eq(server.hypervisorId, filter.hypervisor_id) : undefined,
        matchesText(filter.search, server.id, server.name),
        where,
      ),
    )
    .orderBy(orderBy)
    .limit(limit)
  return toItems(rows, page, view)
}

export interface ServerChanges extends Changes {
  /** Only of a stopped server: it starts with them. */
  readonly vcpus?: number
  readonly memory_mb?: number
  /** What only clients of the QingCloud wire read, put over what is there. */
  readonly wire?: Readonly<Record<string, string | number>>
}

/** @throws DomainError `not_found`, `precondition_failed`, `server_not_stopped`, `server_terminated`. */
export async function updateServer(
  tx: Db,
  actor: Actor,
  id: string,
  { wire, ...changes }: ServerChanges,
  ifMatch?: number,
): Promise<ServerView> {
  const { vcpus, memory_mb: memoryMb, ...rest } = changes
  const isResized = vcpus !== undefined || memoryMb !== undefined
  const kept = isResized ? sql`${server.wire} - 'instance_type'` : server.wire // the type stands for another size
  const [row] = await tx
    .update(server)
    .set({
      ...changeSet(server.generation, rest),
      vcpus,
      memoryMb,
      wire: sql`${kept} || ${JSON.stringify(wire ?? {})}::jsonb`,
    })
    .where(
      and(
        eq(server.id, id),
        eq(server.projectId, actor.projectId),
        isResized ? eq(server.state, 'stopped') : ne(server.state, 'terminated'),
        assertUnchanged(server.generation, ifMatch),
      ),
    )
    .returning(SHOWN)
  if (!row) {
    const now = await getServer(tx, actor.projectId, id)
    if (now.state === 'terminated') throw new DomainError('server_terminated', `server ${id} is terminated`)
    if (ifMatch !== undefined && now.generation !== ifMatch) {
      throw new DomainError('precondition_failed', `server ${id} is at generation ${now.generation}, not ${ifMatch}`)
    }
    throw new DomainError('server_not_stopped', `server ${id} is ${now.state}: stop it to change its size`)
  }
  await recordEvents(tx, [
    { projectId: row.projectId, type: 'server.updated', id, actor: actor.keyId, data: { ...changes } },
  ])
  return view(row)
}

/** Keeps with a server what only clients of the QingCloud wire read: nobody else sees a change. @throws DomainError `not_found`. */
export async function keepForWire(
  tx: Db,
  actor: Actor,
  id: string,
  wire: Readonly<Record<string, string | number>>,
): Promise<void> {
  const { rowCount } = await tx
    .update(server)
    .set({ wire: sql`${server.wire} || ${JSON.stringify(wire)}::jsonb` })
    .where(and(eq(server.id, id), eq(server.projectId, actor.projectId)))
  if (rowCount === 0) throw notFound('server', id)
}
