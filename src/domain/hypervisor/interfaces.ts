/**
 * The interfaces by which hypervisors reach segments that are not ours: bridged networks and elastic IPs stand on them.
 * A worker says with its heartbeat which it has (`facts.interfaces`, from its configuration).
 */
import { eq, type SQL, sql } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import { hypervisor } from '../../db/schema.ts'
import { bodyError, DomainError } from '../errors.ts'

/** A name of an interface, as Linux and `PATCHBAY_INTERFACES` take it. */
export const INTERFACE_PATTERN = '^[A-Za-z0-9_.-]{1,15}$'

/** Condition on `hypervisor`: it has the interface. */
export const hasInterface = (name: string): SQL =>
  sql`${hypervisor.facts} @> ${JSON.stringify({ interfaces: [name] })}::jsonb`

/** @throws DomainError `interface_unknown`, unless at least one hypervisor has the interface, whether it is up or down. */
export async function assertInterfaceSomewhere(tx: Db, name: string, pointer: string): Promise<void> {
  const [found] = await tx.select({ id: hypervisor.id }).from(hypervisor).where(hasInterface(name)).limit(1)
  if (found) return
  const { rows } = await tx.execute<{ name: string }>(
    sql`SELECT DISTINCT jsonb_array_elements_text(facts -> 'interfaces') AS name FROM hypervisor
        WHERE jsonb_typeof(facts -> 'interfaces') = 'array' ORDER BY name`,
  )
  const known = list(rows.map((row) => row.name))
  throw bodyError('interface_unknown', pointer, `no hypervisor has the interface ${name}; known: ${known}`)
}

/**
 * @param pointer - the field that brings the interface and the hypervisor together, when it is one.
 * @throws DomainError `interface_missing`, unless this hypervisor has the interface.
 */
export async function assertInterface(tx: Db, hypervisorId: string, name: string, pointer?: string): Promise<void> {
  const [row] = await tx.select({ facts: hypervisor.facts }).from(hypervisor).where(eq(hypervisor.id, hypervisorId))
  const has = row && Array.isArray(row.facts.interfaces) ? (row.facts.interfaces as string[]) : []
  if (has.includes(name)) return
  const message = `hypervisor ${hypervisorId} does not have the interface ${name}; it has: ${list(has)}`
  throw pointer === undefined
    ? new DomainError('interface_missing', message)
    : bodyError('interface_missing', pointer, message)
}

const list = (names: readonly string[]): string => names.join(', ') || 'none'
