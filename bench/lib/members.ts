/** Many NICs on namespace servers, as many in a call as the API takes. */
import { type TimedJob, timedJob } from './job-times.ts'
import type { Stack } from './stack.ts'

/** In one call at most, and the secondary NICs of one server. */
export const NICS_PER_SERVER = 63

/** A running server with the NICs that go into it. */
export interface Members {
  readonly serverId: string
  readonly nicIds: readonly string[]
}

/**
 * Makes NICs in one network, 1..252 in one call, and the servers that they take; nothing is attached yet.
 * @param groupIds - their security groups; the default one when absent.
 */
export async function makeMembers(
  stack: Stack,
  networkId: string,
  count: number,
  groupIds?: readonly string[],
): Promise<Members[]> {
  const api = await stack.api()
  const nicIds = await api.makeNics(networkId, count, groupIds)
  const members: Members[] = []
  for (let at = 0; at < count; at += NICS_PER_SERVER) {
    const serverId = await api.makeServer({ guest: 'namespace' })
    members.push({ serverId, nicIds: nicIds.slice(at, at + NICS_PER_SERVER) })
  }
  return members
}

/**
 * Attaches or detaches all of them, a call for each server, all at once.
 * @returns the calls, and the ms from the first request to the last answer.
 */
export async function moveMembers(
  stack: Stack,
  act: 'attach' | 'detach',
  members: readonly Members[],
): Promise<{ jobs: TimedJob[]; ms: number }> {
  const apis = await Promise.all(members.map(() => stack.api()))
  const jobs = await Promise.all(
    members.map(async ({ serverId, nicIds }, index) => {
      const api = apis[index]
      if (!api) throw new Error('a connection for each server')
      return timedJob(api, `/v1/servers/${serverId}/${act}-nics`, { nic_ids: nicIds })
    }),
  )
  for (const api of apis) api.close()
  const ms = Math.max(...jobs.map(({ answered }) => answered)) - Math.min(...jobs.map(({ asked }) => asked))
  return { jobs, ms }
}
