/**
 * Jobs: what was promised, and how far it is.
 *
 * `promiseJob` writes the job and its outbox row in the transaction that moves the resources into their transient state;
 * those resources carry the job's id and are locked by it. Only `reportJob` (report-job.ts) clears that lock, when the
 * worker says how it ended. A crash of any process in between leaves job, outbox row and lock standing: the relay
 * publishes again, and the worker claims again.
 *
 * A change of network settings has no transient state and locks nothing: `promiseApply` asks the hypervisors where it
 * shows to bring themselves up to date, and the job says when they are.
 */
import { and, arrayContains, desc, eq, inArray, isNull, or, type SQL, sql } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import type { JOB_STATES } from '../../db/columns.ts'
import { job, outbox } from '../../db/schema.ts'
import type { JobAction } from '../../jobs/catalogue.ts'
import type { Actor } from '../actor.ts'
import { notFound } from '../errors.ts'
import { type NewEvent, recordEvents } from '../event/events.ts'
import { newId } from '../ids.ts'
import { type Found, found, type Items, type Page, pageOf, type Slice, toItems } from '../paging.ts'

export type JobState = (typeof JOB_STATES)[number]
export type JobRow = typeof job.$inferSelect

export interface JobStep {
  attempt: number
  name: string
  started_at: string
  /** `null`: it is under way, or its attempt was broken off in it. */
  ended_at: string | null
  error: string | null
}

/** Something that a job is about. */
export interface JobResource {
  readonly type: (typeof JOB_RESOURCES)[number]
  readonly id: string
}
export const JOB_RESOURCES = [
  'server',
  'nic',
  'network',
  'vpc',
  'security_group',
  'security_group_rule',
  'elastic_ip',
  'port_forwarding',
  'reserved_address',
  'vpc_static',
  'key_pair',
] as const

export interface JobView {
  id: string
  action: string
  state: JobState
  server_id: string | null
  nic_ids: string[]
  resources: JobResource[]
  hypervisor_id: string | null
  /** The job that this one is a part of. */
  parent_id: string | null
  attempts: number
  steps: JobStep[]
  error: string | null
  created_at: string
  started_at: string | null
  finished_at: string | null
}

export const jobView = (row: JobRow): JobView => ({
  id: row.id,
  action: row.action,
  state: row.state,
  server_id: row.serverId,
  nic_ids: row.nicIds,
  resources: [
    ...(row.serverId === null ? [] : [{ type: 'server' as const, id: row.serverId }]),
    ...row.nicIds.map((id) => ({ type: 'nic' as const, id })),
    ...(row.resources as JobResource[]),
  ],
  hypervisor_id: row.hypervisorId,
  parent_id: row.parentId,
  attempts: row.attempts,
  steps: row.steps as JobStep[],
  error: row.error,
  created_at: row.createdAt.toISOString(),
  started_at: row.startedAt?.toISOString() ?? null,
  finished_at: row.finishedAt?.toISOString() ?? null,
})

export interface NewJob {
  readonly action: JobAction
  readonly hypervisorId: string
  readonly serverId?: string
  readonly nicIds?: readonly string[]
  /** What it is about besides its server and NICs. */
  readonly resources?: readonly JobResource[]
  readonly request?: JobRequest
  /** The job that ends when this one and its siblings have ended. */
  readonly parentId?: string
}

/** What the caller asked of the job besides its resources. */
export interface JobRequest {
  readonly force?: boolean
  /** Where a server goes back to when its deletion fails. */
  readonly previous_state?: 'running' | 'stopped'
}

/** Promises a job: its row and its outbox row, in the caller's transaction. */
export async function promiseJob(tx: Db, actor: Actor, wanted: NewJob): Promise<JobView> {
  const parentId = wanted.parentId ?? actor.partOf
  const [row] = await tx
    .insert(job)
    .values({
      ...wanted,
      id: newId('j'),
      projectId: actor.projectId,
      nicIds: [...(wanted.nicIds ?? [])],
      resources: [...(wanted.resources ?? [])],
      request: { ...wanted.request },
      ...askedFor(actor, parentId),
      parentId,
    })
    .returning()
  if (!row) throw new Error('INSERT INTO job returned no row')
  // What has a parent is sent by the relay, at once: its promiser answers with the parent.
  const dueAt = row.parentId === null ? undefined : sql`now()`
  await tx.insert(outbox).values({ jobId: row.id, hypervisorId: wanted.hypervisorId, dueAt })
  await recordEvents(tx, [jobPromised(row, actor)])
  return jobView(row)
}

/** The words of the request. Of a hundred parts of one job each would repeat them: they stay with the whole. */
const askedFor = ({ asked }: Actor, parentId?: string) =>
  asked && parentId === undefined ? { askedAction: asked.action, asked: asked.directive } : {}

export const jobPromised = (row: JobRow, actor: Actor): NewEvent => ({
  projectId: row.projectId,
  type: 'job.pending',
  id: row.id,
  actor: actor.keyId,
  jobId: row.id,
  data: { action: row.action, server_id: row.serverId, nic_ids: row.nicIds, resources: row.resources },
})

/**
 * Promises to bring a change of network settings about on every hypervisor where it shows. The settings themselves have
 * been written by the caller, in the same transaction.
 * @param hypervisorIds - where it shows; none: there is nothing to do, and the job is successful at once.
 * @returns the job that says when all of them have it.
 */
export async function promiseApply(
  tx: Db,
  actor: Actor,
  resources: readonly JobResource[],
  hypervisorIds: readonly string[],
): Promise<JobView> {
  const [only] = hypervisorIds
  if (only !== undefined && hypervisorIds.length === 1) {
    return promiseJob(tx, actor, { action: 'network.apply', hypervisorId: only, resources })
  }
  const nowhere = hypervisorIds.length === 0
  const [row] = await tx
    .insert(job)
    .values({
      id: newId('j'),
      projectId: actor.projectId,
      action: 'network.apply',
      resources: [...resources],
      state: nowhere ? 'successful' : 'working',
      startedAt: sql`now()`,
      finishedAt: nowhere ? sql`now()` : null,
      ...askedFor(actor, actor.partOf),
      parentId: actor.partOf,
    })
    .returning()
  if (!row) throw new Error('INSERT INTO job returned no row')
  await recordEvents(tx, [
    jobPromised(row, actor),
    ...(nowhere
      ? [
          {
            projectId: row.projectId,
            type: 'job.successful' as const,
            id: row.id,
            jobId: row.id,
            data: { action: row.action },
          },
        ]
      : []),
  ])
  for (const hypervisorId of hypervisorIds) {
    await promiseJob(tx, actor, { action: 'network.apply', hypervisorId, resources, parentId: row.id })
  }
  return jobView(row)
}

/** The job of an act on several resources, before its parts are promised. */
export async function promiseWhole(tx: Db, actor: Actor, action: JobAction): Promise<JobRow> {
  const [row] = await tx
    .insert(job)
    .values({
      id: newId('j'),
      projectId: actor.projectId,
      action,
      state: 'working',
      startedAt: sql`now()`,
      ...askedFor(actor),
    })
    .returning()
  if (!row) throw new Error('INSERT INTO job returned no row')
  return row
}

export async function getJob(db: Db, projectId: string, id: string): Promise<JobView> {
  const [row] = await db
    .select()
    .from(job)
    .where(and(eq(job.id, id), eq(job.projectId, projectId)))
  if (!row) throw notFound('job', id)
  return jobView(row)
}

export interface JobFilter {
  readonly state?: JobState
  readonly action?: string
  readonly server_id?: string
  /** Of NICs that it moves, or names among its resources. */
  readonly nic_id?: string
  /** Id of anything among its resources. */
  readonly resource_id?: string
  /** That it is a part of. */
  readonly parent_id?: string
}

const matching = (filter: JobFilter): (SQL | undefined)[] => [
  filter.state ? eq(job.state, filter.state) : undefined,
  filter.action ? eq(job.action, filter.action) : undefined,
  filter.server_id ? eq(job.serverId, filter.server_id) : undefined,
  filter.nic_id ? or(movesNic(filter.nic_id), names({ type: 'nic', id: filter.nic_id })) : undefined,
  filter.resource_id
    ? or(eq(job.serverId, filter.resource_id), movesNic(filter.resource_id), names({ id: filter.resource_id }))
    : undefined,
  filter.parent_id ? eq(job.parentId, filter.parent_id) : undefined,
]

const movesNic = (id: string): SQL => arrayContains(job.nicIds, [id])
const names = (resource: Partial<JobResource>): SQL => sql`${job.resources} @> ${JSON.stringify([resource])}::jsonb`

export async function listJobs(db: Db, projectId: string, filter: JobFilter, page: Page): Promise<Items<JobView>> {
  const { where, orderBy, limit } = pageOf(job.seq, page)
  const rows = await db
    .select()
    .from(job)
    .where(and(eq(job.projectId, projectId), ...matching(filter), where))
    .orderBy(orderBy)
    .limit(limit)
  return toItems(rows, page, jobView)
}

/** What clients of the QingCloud wire ask for. */
export interface JobsWanted {
  readonly ids?: readonly string[] | undefined
  readonly states?: readonly JobState[] | undefined
  /** By the name that it was asked for by, or else by any of these. */
  readonly named?: { readonly asked: string; readonly orElse: readonly JobKind[] } | undefined
}

/** What a job does, and the kind of the first of its resources. */
export interface JobKind {
  readonly action: JobAction
  readonly about?: JobResource['type']
}

/** Jobs of a project, newest first. Parts of others are left out, unless they are asked for by id. */
export async function describeJobs(
  db: Db,
  projectId: string,
  { ids, states, named }: JobsWanted,
  slice: Slice,
): Promise<Found<JobRow>> {
  const where = and(
    eq(job.projectId, projectId),
    ids ? inArray(job.id, [...ids]) : isNull(job.parentId),
    states && inArray(job.state, [...states]),
    named && or(eq(job.askedAction, named.asked), and(isNull(job.askedAction), or(...named.orElse.map(ofKind), NEVER))),
  )
  const rows = await db.select().from(job).where(where).orderBy(desc(job.seq)).limit(slice.limit).offset(slice.offset)
  return found(slice, rows, () => db.$count(job, where))
}

const NEVER = sql`false`
const ofKind = ({ action, about }: JobKind): SQL | undefined =>
  and(eq(job.action, action), about && sql`${job.resources} -> 0 ->> 'type' = ${about}`)

/** The newest job that did this to these resources: the answer to whoever asks for what is already so. */
export async function lastJob(db: Db, projectId: string, filter: JobFilter): Promise<JobView | undefined> {
  const [row] = await db
    .select()
    .from(job)
    .where(and(eq(job.projectId, projectId), ...matching(filter)))
    .orderBy(desc(job.seq))
    .limit(1)
  return row && jobView(row)
}
