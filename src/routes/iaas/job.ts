/** Jobs, under the names of the actions that they were asked for by. */
import { JOB_STATES } from '../../db/columns.ts'
import { describeJobs, type JobKind, type JobRow, type JobView, jobView } from '../../domain/job/jobs.ts'
import { basicNetworks } from '../../domain/network/basic-network.ts'
import { type Actions, reads } from './call.ts'
import { wireId, wireText, wireTime } from './ids.ts'
import { vxnetId } from './vxnet-id.ts'

/** What jobs are called that were not asked for over the wire. */
const NAMES: readonly (readonly [name: string, kind: JobKind])[] = [
  ['RunInstances', { action: 'server.create' }],
  ['StartInstances', { action: 'server.start' }],
  ['StopInstances', { action: 'server.stop' }],
  ['RestartInstances', { action: 'server.restart' }],
  ['TerminateInstances', { action: 'server.delete' }],
  ['AttachNics', { action: 'nic.attach' }],
  ['DetachNics', { action: 'nic.detach' }],
  ['ApplySecurityGroup', { action: 'network.apply', about: 'security_group' }],
  ['AssociateEip', { action: 'network.apply', about: 'elastic_ip' }],
  ['UpdateRouters', { action: 'network.apply', about: 'vpc' }],
  ['UpdateRouters', { action: 'network.apply', about: 'port_forwarding' }],
  ['UpdateRouters', { action: 'network.apply', about: 'vpc_static' }],
  ['ModifyNicAttributes', { action: 'network.apply', about: 'nic' }],
  ['ModifyVxnetAttributes', { action: 'network.apply', about: 'network' }],
  ['ModifyInstanceAttributes', { action: 'network.apply', about: 'server' }],
  ['AllocateVips', { action: 'network.apply', about: 'reserved_address' }],
]

export const JOB: Actions = {
  DescribeJobs: reads(async ({ deps, actor, params }) => {
    const [asked, states] = [params.text('job_action'), params.list('status')]
    const wanted = {
      ids: params.list('jobs'),
      // There is no other: `done with failure` is not one of ours.
      states: states && JOB_STATES.filter((state) => states.includes(state)),
      named: asked === undefined ? undefined : { asked, orElse: kindsNamed(asked) },
    }
    const found = await describeJobs(deps.db, actor.projectId, wanted, params.slice())
    const jobs = found.rows.map((row) => ({ row, view: jobView(row) }))
    const namesNetworks = jobs.some(({ view }) => view.resources.some(({ type }) => type === 'network'))
    const basic = new Set(namesNetworks ? await basicNetworks(deps.db, actor) : [])
    return { job_set: jobs.map(({ row, view }) => item(row, view, basic)), total_count: found.total }
  }),
}

const kindsNamed = (name: string): JobKind[] => NAMES.flatMap(([one, kind]) => (one === name ? [kind] : []))

/** @param basic - networks that `vxnet-0` stands for. */
function item(row: JobRow, view: JobView, basic: ReadonlySet<string>) {
  const resources = new Set(view.resources.map(({ id }) => vxnetId(id, basic.has(id))))
  return {
    job_id: row.id,
    job_action: row.askedAction ?? nameOf(row),
    status: row.state,
    create_time: wireTime(row.createdAt),
    status_time: wireTime(row.finishedAt ?? row.startedAt ?? row.createdAt),
    owner: wireId(row.projectId),
    resource_ids: [...resources].join(' '),
    error_codes: wireText(row.error ?? ''),
    directive: JSON.stringify(directiveOf(row)),
  }
}

function nameOf({ action, resources }: JobRow): string {
  const about = resources[0]?.type
  const named = NAMES.find(([, kind]) => kind.action === action && (kind.about === undefined || kind.about === about))
  return named?.[0] ?? action
}

/** What was asked for; clients look for `nics` in it, a list. */
function directiveOf(row: JobRow): Record<string, unknown> {
  const asked = row.asked ?? {
    action: nameOf(row),
    ...(row.serverId === null ? {} : { instance: row.serverId, instances: [row.serverId] }),
  }
  if (row.nicIds.length === 0 && asked.nics === undefined) return asked
  return { ...asked, nics: asked.nics === undefined ? row.nicIds : [asked.nics].flat() }
}
