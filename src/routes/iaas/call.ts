/** What an action of the wire is, and how it does its work. */
import type { Deps } from '../../app.ts'
import { type Db, transaction } from '../../db/client.ts'
import type { Actor } from '../../domain/actor.ts'
import type { JobView } from '../../domain/job/jobs.ts'
import { sendJob } from '../send-job.ts'
import { wireId } from './ids.ts'
import type { Parameters } from './parameters.ts'

/** One request of a known caller. */
export interface Call {
  readonly deps: Deps
  readonly actor: Actor
  readonly params: Parameters
}

export interface Action {
  /** Least role that may ask for it. */
  readonly role: 'reader' | 'operator'
  /** Answers with what stands beside `action` and `ret_code`. Ids are those of the wire. */
  run(call: Call): Promise<Record<string, unknown>>
}

/** Actions by the name that the wire has for them. */
export type Actions = Readonly<Record<string, Action>>

/** An action that changes nothing. */
export const reads = (run: Action['run']): Action => ({ role: 'reader', run: (call) => run(askedOf(call)) })
/** An action that makes, changes or deletes. */
export const writes = (run: Action['run']): Action => ({ role: 'operator', run })

/** Runs work in one transaction. */
export const inTransaction = <T>({ deps, actor }: Call, work: (tx: Db, actor: Actor) => Promise<T>): Promise<T> =>
  transaction(deps.db, (tx) => work(tx, actor))

/** Runs work that promises a job, in one transaction, and sends the job on its way. */
export async function promise(
  call: Call,
  work: (tx: Db, actor: Actor) => Promise<JobView>,
): Promise<{ job_id: string }> {
  const job = await inTransaction(call, work)
  sendJob(call.deps, job)
  return { job_id: job.id }
}

/** Asked for what another `owner` has, nothing is there: a key sees its own project only. */
function askedOf(call: Call): Call {
  const owners = call.params.list('owner')
  if (owners?.includes(wireId(call.actor.projectId)) ?? true) return call
  return { ...call, actor: { ...call.actor, projectId: '' } }
}
