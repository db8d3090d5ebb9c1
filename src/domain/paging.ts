import { desc, eq, inArray, lt, or, type SQL, sql } from 'drizzle-orm'
import type { PgColumn, PgTable } from 'drizzle-orm/pg-core'
import type { Db } from '../db/client.ts'
import { DomainError } from './errors.ts'

/** How much of a collection is asked for: `limit` 1..1000, and where the page before ended. */
export interface Page {
  readonly limit: number
  readonly cursor?: string | undefined
}

export interface Items<T> {
  items: T[]
  /** To be given back as `cursor`; `null` on the last page. */
  next_cursor: string | null
}

/** A part of a collection by position, newest first: how clients of the QingCloud wire page. */
export interface Slice {
  readonly offset: number
  readonly limit: number
}

export interface Found<T> {
  readonly rows: T[]
  /** Of all that match. */
  readonly total: number
}

/** The condition that a text is an id, or stands in a name or, when there is one, an address; none without a text. */
export function matchesText(
  text: string | undefined,
  id: PgColumn,
  name: PgColumn,
  address?: PgColumn,
): SQL | undefined {
  if (text === undefined) return undefined
  const isInName = sql`strpos(lower(${name}), lower(${text})) > 0`
  return or(eq(id, text), isInName, address && sql`strpos(host(${address}), ${text}) > 0`)
}

/** Puts the number of all that match beside a slice of them; it is counted only where the slice does not tell. */
export async function found<T>(slice: Slice, rows: T[], count: () => Promise<number>): Promise<Found<T>> {
  const isLast = rows.length < slice.limit && (rows.length > 0 || slice.offset === 0)
  return { rows, total: isLast ? slice.offset + rows.length : await count() }
}

/**
 * The condition for a query that begins where a slice does, and so needs its limit, but no OFFSET: what is selected beside
 * a row is then not worked out for the thousands that stand before the slice.
 */
export function fromOffset(db: Db, table: Sliced, where: SQL | undefined, { offset, limit }: Slice): SQL | undefined {
  if (offset === 0) return where
  const ids = db.select({ id: table.id }).from(table).where(where).orderBy(desc(table.seq)).limit(limit).offset(offset)
  return inArray(table.id, ids)
}
type Sliced = PgTable & { readonly id: PgColumn; readonly seq: PgColumn }

/** The part of a query that turns it into one page, newest first: an index on (project, seq DESC) serves it. */
export function pageOf(seq: PgColumn, page: Page): { where: SQL | undefined; orderBy: SQL; limit: number } {
  return {
    where: page.cursor === undefined ? undefined : lt(seq, decodeCursor(page.cursor)),
    orderBy: desc(seq),
    limit: page.limit + 1, // one more than asked tells whether there is a next page
  }
}

/** Cuts the extra row off again and says where the next page starts. */
export function toItems<R extends { seq: number }, T>(rows: readonly R[], page: Page, view: (row: R) => T): Items<T> {
  const shown = rows.slice(0, page.limit)
  const last = shown.at(-1)
  return { items: shown.map(view), next_cursor: rows.length > page.limit && last ? encodeCursor(last.seq) : null }
}

const encodeCursor = (seq: number): string => Buffer.from(`s${seq}`).toString('base64url')

function decodeCursor(cursor: string): SQL {
  const match = /^s(\d{1,18})$/.exec(Buffer.from(cursor, 'base64url').toString('latin1'))
  if (!match) throw invalidCursor(cursor)
  return sql`${match[1]}::bigint`
}

/** The refusal of a cursor that no page of this collection ended with. */
export function invalidCursor(cursor: string): DomainError {
  const detail = 'was not given out by this collection'
  return new DomainError('invalid_cursor', `cursor ${JSON.stringify(cursor)} ${detail}`, {
    errors: [{ in: 'query', pointer: '/cursor', detail }],
  })
}
