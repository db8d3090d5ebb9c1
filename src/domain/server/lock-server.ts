import { and, eq } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import { server } from '../../db/schema.ts'
import type { Actor } from '../actor.ts'
import { DomainError, notFound } from '../errors.ts'
import type { ServerRow } from './servers.ts'

/** Locks a server until the transaction ends: whoever changes it, or the NICs on it, takes this lock first. */
export async function lockServer(tx: Db, actor: Actor, id: string): Promise<ServerRow> {
  const [row] = await tx
    .select()
    .from(server)
    .where(and(eq(server.id, id), eq(server.projectId, actor.projectId)))
    .for('update')
  if (!row) throw notFound('server', id)
  return row
}

/** The refusal of an act on a server that is neither running nor stopped. */
export const notSteady = ({ id, state, jobId }: Pick<ServerRow, 'id' | 'state' | 'jobId'>): DomainError =>
  state === 'terminated' || state === 'terminating'
    ? new DomainError('server_terminated', `server ${id} is ${state}`)
    : new DomainError(
        'server_busy',
        `server ${id} is ${state} by job ${jobId}; try again when it is running or stopped`,
      )
