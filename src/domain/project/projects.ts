import { eq } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import { refusedConstraint } from '../../db/constraint-errors.ts'
import { project } from '../../db/schema.ts'
import type { Actor } from '../actor.ts'
import { bodyError, notFound } from '../errors.ts'
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
  await recordEvents(tx, [
    { projectId: row.id, type: 'project.created', id: row.id, actor: actor?.keyId, data: { name } },
  ])
  return view(row)
}

export async function getProject(db: Db, id: string): Promise<ProjectView> {
  const [row] = await db.select().from(project).where(eq(project.id, id))
  if (!row) throw notFound('project', id)
  return view(row)
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
