import { eq, type SQL, sql } from 'drizzle-orm'
import type { PgColumn } from 'drizzle-orm/pg-core'

/** What every resource lets its owner change. */
export interface Changes {
  readonly name?: string
  readonly description?: string
  readonly tags?: Record<string, string>
}

/** The SET part of an update: the given fields, a new generation (the ETag) and the time. */
export function changeSet(generation: PgColumn, changes: Changes) {
  return { ...changes, generation: sql`${generation} + 1`, updatedAt: sql`now()` }
}

/** The WHERE part that makes an update conditional on `If-Match`; nothing when the caller did not send it. */
export function assertUnchanged(generation: PgColumn, ifMatch: number | undefined): SQL | undefined {
  return ifMatch === undefined ? undefined : eq(generation, ifMatch)
}
