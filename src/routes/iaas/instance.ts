/** What is done to instances. Several at once are one job, all or none. */
import type { Db } from '../../db/client.ts'
import type { Actor } from '../../domain/actor.ts'
import { type JobView, promiseApply } from '../../domain/job/jobs.ts'
import { together } from '../../domain/job/together.ts'
import { deleteServer, restartServer, startServer, stopServer } from '../../domain/server/power.ts'
import { getServer, keepForWire, updateServer } from '../../domain/server/servers.ts'
import type { JobAction } from '../../jobs/catalogue.ts'
import { type Actions, type Call, inTransaction, promise, writes } from './call.ts'
import { own } from './own-id.ts'
import { denied, malformed } from './refusals.ts'
import { sizeOf } from './run-instances.ts'

/** How many one request may name. */
const MOST = 100

export const instancesOf = ({ params }: Call): string[] =>
  params.requiredList('instances', MOST).map((id) => own('i', id))

/** Promises an act on each of `instances.n`. */
const onEach = (action: JobAction, act: (tx: Db, actor: Actor, id: string, call: Call) => Promise<JobView>) =>
  writes((call) => {
    const ids = instancesOf(call)
    return promise(call, (tx, actor) => together(tx, actor, action, ids, (as, id) => act(tx, as, id, call)))
  })

export const INSTANCE: Actions = {
  StartInstances: onEach('server.start', startServer),

  StopInstances: onEach('server.stop', (tx, actor, id, { params }) =>
    stopServer(tx, actor, id, params.flag('force') ?? false),
  ),

  RestartInstances: onEach('server.restart', (tx, actor, id) => restartServer(tx, actor, id, false)),

  TerminateInstances: onEach('server.delete', async (tx, actor, id, { params }) => {
    const job = await deleteServer(tx, actor, id, { force: false })
    if (params.flag('direct_cease')) await keepForWire(tx, actor, id, { ceased: 1 })
    return job
  }),

  CeaseInstances: onEach('network.apply', async (tx, actor, id) => {
    const { state } = await getServer(tx, actor.projectId, id)
    if (state !== 'terminated') throw denied(`instance [${id}] is ${state}, only a terminated one can be ceased`)
    await keepForWire(tx, actor, id, { ceased: 1 })
    return promiseApply(tx, actor, [{ type: 'server', id }], [])
  }),

  ResizeInstances: onEach('network.apply', async (tx, actor, id, { params }) => {
    const now = await getServer(tx, actor.projectId, id)
    const disk = params.int('os_disk_size', { min: 1, max: 10_000 })
    const isSized = ['cpu', 'memory', 'instance_type'].some((name) => params.text(name))
    if (!isSized && disk === undefined) {
      throw malformed('one of the parameters instance_type, cpu, memory and os_disk_size is required')
    }
    if (isSized) {
      const { size, type } = sizeOf(params, { vcpus: now.vcpus, memory: now.memory_mb })
      const wire = { instance_type: type }
      await updateServer(tx, actor, id, { vcpus: size.vcpus, memory_mb: size.memory, wire })
    }
    if (disk !== undefined) {
      if (now.state !== 'stopped') throw denied(`instance [${id}] is ${now.state}, only a stopped one can be resized`)
      await keepForWire(tx, actor, id, { os_disk_size: disk })
    }
    return promiseApply(tx, actor, [{ type: 'server', id }], [])
  }),

  ModifyInstanceAttributes: writes(async (call) => {
    const { params } = call
    const id = own('i', params.required('instance'))
    const [name, description] = [params.label('instance_name'), params.label('description')]
    const queues = params.flag('nic_mqueue')
    const changes = {
      ...(name === undefined ? {} : { name }),
      ...(description === undefined ? {} : { description }),
      ...(queues === undefined ? {} : { wire: { nic_mqueue: queues ? 1 : 0 } }),
    }
    await inTransaction(call, (tx, actor) => updateServer(tx, actor, id, changes))
    return { instance_id: id }
  }),
}
