import type { Service } from './a-service.ts'

/** Rows of every table: what a refused request must leave as it is. */
export async function rowCounts({ db }: Service): Promise<Record<string, number>> {
  const { rows } = await db.$client.query<{ name: string }>(
    `SELECT quote_ident(tablename) AS name FROM pg_tables WHERE schemaname = 'public' ORDER BY 1`,
  )
  const counted = await Promise.all(
    rows.map(async ({ name }) => {
      const count = await db.$client.query<{ count: number }>(`SELECT count(*)::int AS count FROM ${name}`)
      return [name, count.rows[0]?.count ?? 0] as const
    }),
  )
  return Object.fromEntries(counted)
}
