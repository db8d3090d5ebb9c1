import { and, eq, isNotNull, sql } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import { refusedConstraint, translateRefusal } from '../../db/constraint-errors.ts'
import { accessKey, idempotencyKey, job, project, server, vpc } from '../../db/schema.ts'
import { userData } from '../../db/schema-wire.ts'
import { assertStillAdmin } from '../access-key/access-keys.ts'
import type { Actor } from '../actor.ts'
import { bodyError, DomainError, notFound } from '../errors.ts'
import { recordEvents } from '../event/events.ts'
import { newId } from '../ids.ts'
import { type Items, type Page, pageOf, toItems } from '../paging.ts'

export interface ProjectView {
  id: string
  name: string
  created_at: string
}

const view = (row: typeof project.$inferSelect): ProjectView => ({
  id: row.id,
  name: row.name,
  created_at: row.createdAt.toISOString(),
})

/** @throws DomainError `name_in_use`. */
export async function createProject(tx: Db, actor: Actor | undefined, name: string): Promise<ProjectView> {
  const [row] = await tx
    .insert(project)
    .values({ id: newId('prj'), name })
    .returning()
    .catch((error: unknown) => {
      if (refusedConstraint(error)?.constraint !== 'project_name_key') throw error
      throw bodyError('name_in_use', '/name', `project ${name} exists already`, error)
    })
  if (!row) throw new Error('INSERT INTO project returned no row')
  // In the project itself, whose history begins with it, and in that of the admin who made it, who looks there.
  await recordEvents(
    tx,
    [row.id, ...(actor ? [actor.projectId] : [])].map((projectId) => ({
      projectId,
      type: 'project.created' as const,
      id: row.id,
      actor: actor?.keyId,
      data: { name },
    })),
  )
  return view(row)
}

export async function getProject(db: Db, id: string): Promise<ProjectView> {
  const [row] = await db.select().from(project).where(eq(project.id, id))
  if (!row) throw notFound('project', id)
  return view(row)
}

/**
 * Deletes a project with its access keys and the record of what it once had; events stay.
 * @throws DomainError `project_in_use` while it has resources, `last_admin_key`.
 */
export async function deleteProject(tx: Db, actor: Actor, id: string): Promise<void> {
  if (id === actor.projectId) {
    throw new DomainError(
      'project_in_use',
      `project ${id} is that of the key you use: take another project’s admin key`,
    )
  }
  await getProject(tx, id)
  await assertStillAdmin(tx, actor)
  await tx.delete(server).where(and(eq(server.projectId, id), eq(server.state, 'terminated')))
  await tx.delete(vpc).where(and(eq(vpc.projectId, id), isNotNull(vpc.deletedAt)))
  await tx.delete(job).where(and(eq(job.projectId, id), isNotNull(job.finishedAt)))
  await tx.delete(idempotencyKey).where(eq(idempotencyKey.projectId, id))
  await tx.delete(accessKey).where(eq(accessKey.projectId, id))
  await tx.delete(userData).where(eq(userData.projectId, id)) // nobody else can
  await refuseWithResources(tx, id)
  try {
    await tx.delete(project).where(eq(project.id, id))
  } catch (error) {
    const refusal = translateRefusal(error)
    // The default group goes with the project, and may be the first thing that what is left there holds on to.
    const inUse = ['project_in_use', 'security_group_in_use']
    if (!(refusal instanceof DomainError) || !inUse.includes(refusal.code)) throw error
    throw new DomainError('project_in_use', `project ${id} still has resources: delete them first`, { cause: error })
  }
  await recordEvents(tx, [{ projectId: actor.projectId, type: 'project.deleted', id, actor: actor.keyId }])
}

/** Refuses to delete a project with resources, and says which. Its constraints hold against what is made meanwhile. */
async function refuseWithResources(tx: Db, id: string): Promise<void> {
  const { rows } = await tx.execute<{ what: string; n: number }>(sql`
    SELECT what, n::integer FROM (VALUES
      ('servers', (SELECT count(*) FROM server WHERE project_id = ${id})),
      ('NICs', (SELECT count(*) FROM nic WHERE project_id = ${id})),
      ('networks', (SELECT count(*) FROM network WHERE project_id = ${id})),
      ('VPCs', (SELECT count(*) FROM vpc WHERE project_id = ${id})),
      ('elastic IPs', (SELECT count(*) FROM elastic_ip WHERE project_id = ${id})),
      ('security groups', (SELECT count(*) FROM security_group WHERE project_id = ${id} AND NOT is_default)),
      ('tags', (SELECT count(*) FROM tag WHERE project_id = ${id})),
      ('key pairs', (SELECT count(*) FROM key_pair WHERE project_id = ${id})),
      ('IP sets', (SELECT count(*) FROM ip_set WHERE project_id = ${id})),
      ('unfinished jobs', (SELECT count(*) FROM job WHERE project_id = ${id}))
    ) AS left_in (what, n) WHERE n > 0`)
  if (rows.length === 0) return
  const left = rows.map(({ what, n }) => `${n} ${what}`).join(', ')
  throw new DomainError('project_in_use', `project ${id} still has ${left}`)
}

export async function findProject(db: Db, name: string): Promise<ProjectView | undefined> {
  const [row] = await db.select().from(project).where(eq(project.name, name))
  return row && view(row)
}

export async function listProjects(db: Db, page: Page): Promise<Items<ProjectView>> {
  const { where, orderBy, limit } = pageOf(project.seq, page)
  const rows = await db.select().from(project).where(where).orderBy(orderBy).limit(limit)
  return toItems(rows, page, view)
}
