/** Jobs from promise to end: the worker's routes, the outbox, and what an outcome does to the NIC. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { transaction } from '../../src/db/client.ts'
import { registerHypervisor } from '../../src/domain/hypervisor/hypervisors.ts'
import { publishDue } from '../../src/jobs/relay.ts'
import { type Answer, aService, expectProblem, HYPERVISOR, type Service } from '../support/a-service.ts'
import { aNetwork, aNic, aServer, finish } from '../support/builders.ts'
import { until } from '../support/until.ts'

let service: Service
let otherToken: string
const OTHER = 'hv-other'
beforeAll(async () => {
  service = await aService()
  otherToken = await transaction(service.db, (tx) => registerHypervisor(tx, OTHER, 'zone-test'))
})
afterAll(() => service.close())

const nicOf = async (id: string) => (await service.call('GET', `/v1/nics/${id}`)).body
const jobOf = async (id: string) => (await service.call('GET', `/v1/jobs/${id}`)).body
const claim = (id: string) => service.asWorker('POST', `/jobs/${id}/claim`, {})
const report = (id: string, over: object = {}) =>
  service.asWorker('POST', `/jobs/${id}/report`, {
    attempt: 1,
    outcome: 'successful',
    error: null,
    steps: [],
    observed: [],
    ...over,
  })
const progress = (id: string, attempt: number, steps: object[]) =>
  service.asWorker('POST', `/jobs/${id}/progress`, { attempt, steps })
const step = (name: string, error: string | null = null) => ({
  name,
  started_at: '2026-01-01T00:00:00.000Z',
  ended_at: '2026-01-01T00:00:00.010Z',
  error,
})

/** A NIC on its way to a server, and the job that brings it there. */
async function attaching(): Promise<{ nic: Answer['body']; server: Answer['body']; job: Answer['body'] }> {
  const [nic, server] = [await aNic(service), await aServer(service)]
  const job = (await service.call('POST', `/v1/nics/${nic.id}/attach`, { server_id: server.id })).body
  return { nic, server, job }
}
async function attached() {
  const all = await attaching()
  await finish(service, all.job.id)
  return all
}
const dueNow = (jobId: string) =>
  service.db.$client.query(`UPDATE outbox SET due_at = now() - interval '1 s' WHERE job_id = $1`, [jobId])
const isPromised = async (jobId: string) =>
  (await service.db.$client.query('SELECT FROM outbox WHERE job_id = $1', [jobId])).rowCount === 1
/** Publishes what is due, and says how often a job was among it. */
async function publishes(jobId: string): Promise<number> {
  const before = service.published.length
  // At first the replica that promised it has it in hand; nobody here does.
  await service.db.$client.query("UPDATE outbox SET due_at = now() WHERE due_at = created_at + interval '3 s'")
  await publishDue(service.db, service.deps.publisher)
  return service.published.slice(before).filter((message) => message.jobId === jobId).length
}

describe('an attach job', () => {
  it('that succeeds puts the NIC in use, with what kernel and guest show', async () => {
    const { nic, job } = await attaching()
    const order = (await claim(job.id)).body
    expect(order.job).toEqual({ id: job.id, action: 'nic.attach', attempt: 1, force: false, resources: [] })
    expect(await jobOf(job.id)).toMatchObject({ state: 'working', attempts: 1, finished_at: null })
    const host = { tap: 'tap00000001', bridge: 'br-1000', up: true, mtu: 1500 }
    const guest = { interface_name: 'eth1', mac: nic.id, addresses: [`${nic.address}/24`] }
    const steps = [step('network'), step('plug')]
    expect((await report(job.id, { steps, observed: [{ id: nic.id, host, guest }] })).status).toBe(204)
    expect(await nicOf(nic.id)).toMatchObject({ state: 'in_use', job_id: null, last_error: null, host, guest })
    const done = await jobOf(job.id)
    expect(done).toMatchObject({ state: 'successful', error: null, attempts: 1 })
    expect(done.steps).toEqual(steps.map((one) => ({ attempt: 1, ...one })))
    expect(Date.parse(done.finished_at)).toBeGreaterThanOrEqual(Date.parse(done.started_at))
  })

  it('that fails makes the NIC available again, and both say why', async () => {
    const { nic, job } = await attaching()
    await finish(service, job.id, { outcome: 'failed', error: 'the guest has no free slot' })
    expect(await nicOf(nic.id)).toMatchObject({
      state: 'available',
      server_id: null,
      slot: null,
      job_id: null,
      last_error: 'the guest has no free slot',
      address: nic.address,
    })
    expect(await jobOf(job.id)).toMatchObject({ state: 'failed', error: 'the guest has no free slot' })
  })

  it('that is tried again keeps the NIC locked, and tells every attempt', async () => {
    const { nic, job } = await attaching()
    await claim(job.id)
    await report(job.id, { outcome: 'retry', error: 'no answer yet', steps: [step('plug', 'no answer yet')] })
    expect(await jobOf(job.id)).toMatchObject({ state: 'working', error: 'no answer yet', finished_at: null })
    expect(await nicOf(nic.id)).toMatchObject({ state: 'attaching', job_id: job.id })
    expect((await claim(job.id)).body.job.attempt).toBe(2)
    await report(job.id, { attempt: 2, steps: [step('plug')] })
    const done = await jobOf(job.id)
    expect(done).toMatchObject({ state: 'successful', error: null, attempts: 2 })
    expect(done.steps.map((one: Answer['body']) => [one.attempt, one.error])).toEqual([
      [1, 'no answer yet'],
      [2, null],
    ])
    expect(await nicOf(nic.id)).toMatchObject({ state: 'in_use', last_error: null })
  })

  describe('that takes long', () => {
    const underWay = (name: string) => ({ ...step(name), ended_at: null })
    const of = (attempt: number, ...steps: object[]) => steps.map((one) => ({ attempt, ...one }))
    const stepsOf = async (id: string) => (await jobOf(id)).steps

    it('shows what it is at, with what came before', async () => {
      const { job, server } = await attaching()
      await claim(job.id)
      expect((await progress(job.id, 1, [underWay('network')])).status).toBe(204)
      expect(await jobOf(job.id)).toMatchObject({ state: 'working', steps: of(1, underWay('network')) })
      await progress(job.id, 1, [step('network'), underWay('plug')])
      expect(await stepsOf(job.id)).toEqual(of(1, step('network'), underWay('plug')))
      const { items } = (await service.call('GET', `/v1/events?resource_id=${job.id}&limit=1`)).body
      expect(items).toMatchObject([
        {
          type: 'job.progress',
          resource_id: job.id,
          data: { action: 'nic.attach', attempt: 1, step: 'plug', server_id: server.id },
        },
      ])
      await report(job.id, { steps: [step('network'), step('plug')] })
      expect(await stepsOf(job.id)).toEqual(of(1, step('network'), step('plug')))
      // What passed meanwhile is no history.
      const left = (await service.call('GET', `/v1/events?resource_id=${job.id}`)).body.items
      expect(left.map(({ type }: Answer['body']) => type)).toEqual(['job.successful', 'job.working', 'job.pending'])
    })

    it('tells of its last ten attempts, when it is begun again and again', async () => {
      const { job } = await attaching()
      for (let attempt = 1; attempt <= 13; attempt++) {
        await claim(job.id)
        await progress(job.id, attempt, [underWay('plug')])
      }
      const attempts = (await stepsOf(job.id)).map(({ attempt }: Answer['body']) => attempt)
      expect(attempts).toEqual([4, 5, 6, 7, 8, 9, 10, 11, 12, 13])
    })

    it('keeps the step in which an attempt was broken off, beside the next attempt', async () => {
      const { job } = await attaching()
      await claim(job.id)
      await progress(job.id, 1, [underWay('plug')])
      await claim(job.id)
      await progress(job.id, 2, [underWay('network')])
      const expected = [...of(1, underWay('plug')), ...of(2, underWay('network'))]
      expect(await stepsOf(job.id)).toEqual(expected)
    })

    it('does not go back when what is older arrives later, and an overtaken attempt is not heard', async () => {
      const { job } = await attaching()
      await claim(job.id)
      const newest = [step('network'), underWay('plug')]
      await progress(job.id, 1, newest)
      expect((await progress(job.id, 1, [underWay('network')])).status).toBe(204)
      expect(await stepsOf(job.id)).toEqual(of(1, ...newest))
      await report(job.id, { outcome: 'retry', error: 'no', steps: [step('network'), step('plug', 'no')] })
      await progress(job.id, 1, newest)
      expect(await stepsOf(job.id)).toEqual(of(1, step('network'), step('plug', 'no')))
      await claim(job.id)
      expectProblem(await progress(job.id, 1, newest), 409, 'job_stale')
      await report(job.id, { attempt: 2 })
      expectProblem(await progress(job.id, 2, newest), 409, 'job_stale')
      expect(await stepsOf(job.id)).toEqual(of(1, step('network'), step('plug', 'no')))
    })

    it('is not told of a step that is none', async () => {
      const { job } = await attaching()
      await claim(job.id)
      for (const steps of [[], [{ ...underWay('plug'), ended_at: 'soon' }], [{ name: 'plug' }]])
        expectProblem(await progress(job.id, 1, steps), 400, 'invalid_request')
      expect(await stepsOf(job.id)).toEqual([])
    })
  })

  it('that is done again after a failure forgets the old reason', async () => {
    const { nic, server, job } = await attaching()
    await finish(service, job.id, { outcome: 'failed', error: 'once' })
    const again = await service.call('POST', `/v1/nics/${nic.id}/attach`, { server_id: server.id })
    expect(again.body.id).not.toBe(job.id)
    expect((await nicOf(nic.id)).last_error).toBeNull()
  })
})

it('a detach job that fails leaves the NIC in use, and says why', async () => {
  const { nic, server } = await attached()
  const { body } = await service.call('POST', `/v1/nics/${nic.id}/detach`, {})
  await finish(service, body.id, { outcome: 'failed', error: 'the guest holds on' })
  const after = await nicOf(nic.id)
  expect(after).toMatchObject({ state: 'in_use', server_id: server.id, slot: 1, last_error: 'the guest holds on' })
})

it('every move of a NIC is an event with its job, newest first', async () => {
  const { nic, server, job } = await attached()
  const { body: leaving } = await service.call('POST', `/v1/nics/${nic.id}/detach`, {})
  await finish(service, leaving.id, { outcome: 'failed', error: 'no' })
  const { items } = (await service.call('GET', `/v1/events?resource_id=${nic.id}`)).body
  expect(items.map((event: Answer['body']) => [event.type, event.job_id])).toEqual([
    ['nic.in_use', leaving.id],
    ['nic.detaching', leaving.id],
    ['nic.in_use', job.id],
    ['nic.attaching', job.id],
    ['nic.created', null],
  ])
  expect(items[0].data).toMatchObject({ server_id: server.id, error: 'no' })
  const ofJob = (await service.call('GET', `/v1/events?resource_id=${leaving.id}`)).body.items
  expect(ofJob.map(({ type }: { type: string }) => type)).toEqual(['job.failed', 'job.working', 'job.pending'])
})

describe('an attempt', () => {
  it('that was overtaken by a later claim is not believed', async () => {
    const { nic, job } = await attaching()
    await claim(job.id)
    await claim(job.id) // the queue handed the job out again: the first worker was thought dead
    expectProblem(await report(job.id, { attempt: 1, outcome: 'failed', error: 'late' }), 409, 'job_stale')
    expect(await nicOf(nic.id)).toMatchObject({ state: 'attaching' })
    expect((await report(job.id, { attempt: 2 })).status).toBe(204)
    expectProblem(await report(job.id, { attempt: 2, outcome: 'failed' }), 409, 'job_stale')
    expectProblem(await claim(job.id), 409, 'job_stale')
    expect(await nicOf(nic.id)).toMatchObject({ state: 'in_use' })
  })

  it('that was never claimed, or of a job that is not there, is not believed', async () => {
    const { job } = await attaching()
    expectProblem(await report(job.id), 409, 'job_stale')
    expectProblem(await claim('j-0000000000'), 409, 'job_stale')
  })

  it('claimed by 16 at once counts 16, and only the last may report', async () => {
    const { job } = await attaching()
    const orders = await Promise.all(Array.from({ length: 16 }, () => claim(job.id)))
    const attempts = orders.map(({ body }) => body.job.attempt).sort((a, b) => a - b)
    expect(attempts).toEqual(Array.from({ length: 16 }, (_, n) => n + 1))
    const reports = await Promise.all(attempts.map((attempt) => report(job.id, { attempt })))
    expect(reports.map(({ status }) => status)).toEqual([...Array(15).fill(409), 204])
  })
})

describe('the worker of another hypervisor', () => {
  const asOther = (method: string, path: string, body?: unknown, at = OTHER) =>
    service.call(method, `/v1/hypervisors/${at}${path}`, body, { token: otherToken })

  it('can neither claim our jobs nor tell of them', async () => {
    const { nic, job } = await attaching()
    expectProblem(await asOther('POST', `/jobs/${job.id}/claim`, {}), 409, 'job_stale')
    await claim(job.id)
    const far = { attempt: 1, steps: [{ ...step('plug'), ended_at: null }] }
    expectProblem(await asOther('POST', `/jobs/${job.id}/progress`, far), 409, 'job_stale')
    const lie = { attempt: 1, outcome: 'failed', error: 'a lie', steps: [], observed: [] }
    expectProblem(await asOther('POST', `/jobs/${job.id}/report`, lie), 409, 'job_stale')
    expect(await nicOf(nic.id)).toMatchObject({ state: 'attaching', last_error: null })
  })

  it.each([
    ['GET', '/queue'],
    ['GET', '/desired-state'],
    ['POST', '/heartbeat', { facts: {} }],
    ['POST', '/jobs/j-0000000000/claim', {}],
    ['POST', '/jobs/j-0000000000/report', {}],
    ['POST', '/observations', { observed: [] }],
  ])('is let in at its own path only: %s %s', async (method, path, body?: object) => {
    expectProblem(await asOther(method, path, body, HYPERVISOR), 401, 'unauthorized')
    expectProblem(await asOther(method, path, body, 'hv-none'), 401, 'unauthorized')
    const withKey = await service.call(method, `/v1/hypervisors/${HYPERVISOR}${path}`, body) // an admin's
    expectProblem(withKey, 401, 'unauthorized')
  })

  it('sees nothing of our servers, and what it says of our NICs is passed over', async () => {
    const { nic, server } = await attached()
    expect((await asOther('GET', '/desired-state')).body).toEqual({
      servers: [],
      networks: [],
      groups: [],
      routers: [],
    })
    expect((await asOther('GET', `/desired-state?server_id=${server.id}`)).body.servers).toEqual([])
    const host = { tap: 'x', bridge: null, up: false, mtu: 1 }
    const observed = [{ id: nic.id, host, guest: null }]
    expect((await asOther('POST', '/observations', { observed })).status).toBe(204)
    expect((await nicOf(nic.id)).host).toBeNull()
  })

  it('reads nothing of the REST API', async () => {
    expectProblem(await service.call('GET', '/v1/nics', undefined, { token: otherToken }), 401, 'unauthorized')
  })
})

describe('the outbox', () => {
  it('holds a promise until its job is final', async () => {
    const { job } = await attaching()
    expect(await isPromised(job.id)).toBe(true)
    await claim(job.id)
    expect(await isPromised(job.id)).toBe(true)
    await report(job.id, { outcome: 'retry', error: 'x' })
    expect(await isPromised(job.id)).toBe(true)
    await finish(service, job.id)
    expect(await isPromised(job.id)).toBe(false)
  })

  it('is published once, again when it comes due again, and not after the end', async () => {
    const { job, server } = await attaching()
    expect(await publishes(job.id)).toBe(1)
    const message = { hypervisorId: HYPERVISOR, jobId: job.id, action: 'nic.attach', serverId: server.id }
    expect(service.published.at(-1)).toEqual(message)
    expect(await publishes(job.id)).toBe(0)
    await dueNow(job.id)
    expect(await publishes(job.id)).toBe(1)
    await finish(service, job.id)
    await dueNow(job.id)
    expect(await publishes(job.id)).toBe(0)
  })

  it('shared by two relays is published by one of them', async () => {
    const { job } = await attaching()
    const counts = await Promise.all([publishes(job.id), publishes(job.id)])
    expect(service.published.filter(({ jobId }) => jobId === job.id)).toHaveLength(1)
    expect(counts).toContain(1)
  })

  it('comes due again soon when the queue does not answer', async () => {
    const { job } = await attaching()
    const away = { ...service.deps.publisher, publish: () => Promise.reject(new Error('no queue')) }
    await dueNow(job.id)
    await expect(publishDue(service.db, away)).rejects.toThrow('could not be published')
    await until('it is due again and published', async () => (await publishes(job.id)) === 1)
  })
})

describe('jobs', () => {
  it('are listed newest first, by state, action, server and NIC', async () => {
    const { nic, server, job } = await attached()
    const leaving = (await service.call('POST', `/v1/nics/${nic.id}/detach`, {})).body
    const ids = async (query: string) =>
      (await service.call('GET', `/v1/jobs?${query}`)).body.items.map(({ id }: { id: string }) => id)
    expect(await ids(`nic_id=${nic.id}`)).toEqual([leaving.id, job.id])
    expect(await ids(`server_id=${server.id}&action=nic.attach`)).toEqual([job.id])
    expect(await ids(`server_id=${server.id}&state=pending`)).toEqual([leaving.id])
    expect(await ids(`nic_id=${nic.id}&state=failed`)).toEqual([])
    const first = (await service.call('GET', `/v1/jobs?nic_id=${nic.id}&limit=1`)).body
    expect(await ids(`nic_id=${nic.id}&limit=1&cursor=${first.next_cursor}`)).toEqual([job.id])
  })

  it('are found by anything that they show among their resources', async () => {
    const { nic, server, job } = await attached()
    const limits = { in_mbps: 1, out_mbps: 1 }
    const limiting = (await service.call('PUT', `/v1/nics/${nic.id}/bandwidth`, limits)).body
    const telling = (await service.call('PUT', `/v1/servers/${server.id}/dhcp-options`, { options: {} })).body
    const ids = async (query: string) =>
      (await service.call('GET', `/v1/jobs?${query}`)).body.items.map(({ id }: { id: string }) => id)
    expect(await ids(`nic_id=${nic.id}`)).toEqual([limiting.id, job.id])
    expect(await ids(`resource_id=${nic.id}`)).toEqual([limiting.id, job.id])
    expect((await ids(`resource_id=${server.id}`)).slice(0, 2)).toEqual([telling.id, job.id])
  })

  it('that are parts of another say of which', async () => {
    const network = await aNetwork(service)
    const [near, far] = [
      await aServer(service, { network_id: network.id }),
      await aServer(service, { network_id: network.id }),
    ]
    await service.db.$client.query('UPDATE server SET hypervisor_id = $2 WHERE id = $1', [far.id, OTHER])
    await service.db.$client.query('UPDATE server SET hypervisor_id = $2 WHERE id = $1', [near.id, HYPERVISOR])
    const whole = (await service.call('PUT', `/v1/networks/${network.id}/dhcp`, {})).body
    const { items } = (await service.call('GET', `/v1/jobs?resource_id=${network.id}`)).body
    const parents = items.map((one: Answer['body']) => [one.hypervisor_id, one.parent_id])
    expect(parents.sort()).toEqual(
      [
        [OTHER, whole.id],
        [HYPERVISOR, whole.id],
        [null, null],
      ].sort(),
    )
    const parts = (await service.call('GET', `/v1/jobs?parent_id=${whole.id}`)).body.items
    expect(parts.map((one: Answer['body']) => one.hypervisor_id).sort()).toEqual([OTHER, HYPERVISOR].sort())
  })
})

describe('the desired state of a hypervisor', () => {
  it('holds its servers with their NICs and networks, until they are terminated', async () => {
    const network = await aNetwork(service)
    const server = await aServer(service, { network_id: network.id })
    const state = async () => (await service.asWorker('GET', `/desired-state?server_id=${server.id}`)).body
    expect(await state()).toMatchObject({
      servers: [{ id: server.id, state: 'running', nics: [{ slot: 0, state: 'in_use', in_job: false }] }],
      networks: [{ id: network.id, vni: network.vni, cidr: network.cidr, gateway: network.gateway }],
    })
    const { servers } = (await service.asWorker('GET', '/desired-state')).body
    expect(servers.map(({ id }: { id: string }) => id)).toContain(server.id)
    await finish(service, (await service.call('DELETE', `/v1/servers/${server.id}`)).body.id)
    expect(await state()).toEqual({ servers: [], networks: [], groups: [], routers: [] })
  })
})
