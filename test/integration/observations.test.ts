/** What workers say of kernels and guests. A guest's words are not ours: they must neither be lost nor do harm. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Answer, aService, expectProblem, HYPERVISOR, type Service } from '../support/a-service.ts'
import { aNic, aServer, finish } from '../support/builders.ts'

let service: Service
let nic: Answer['body']
beforeAll(async () => {
  service = await aService()
  nic = await aNic(service)
  const server = await aServer(service)
  await finish(service, (await service.call('POST', `/v1/nics/${nic.id}/attach`, { server_id: server.id })).body.id)
})
afterAll(() => service.close())

const host = { tap: 'tap1', bridge: 'br-1', up: true, mtu: 1500 }
const observe = (observed: object[]) => service.asWorker('POST', '/observations', { observed })
const read = async () => (await service.call('GET', `/v1/nics/${nic.id}`)).body
const seenEvents = async () =>
  (await service.call('GET', `/v1/events?resource_id=${nic.id}&type=nic.observed`)).body.items.length

describe('an observation', () => {
  it('is shown on the NIC, keeps its ETag, and is an event only when something changed', async () => {
    const before = await read()
    const guest = { interface_name: 'eth1', mac: nic.id, addresses: ['10.0.0.1/24'] }
    expect((await observe([{ id: nic.id, host, guest }])).status).toBe(204)
    const after = await read()
    expect(after).toMatchObject({ host, guest, generation: before.generation })
    expect(await seenEvents()).toBe(1)
    await observe([{ id: nic.id, host, guest }])
    expect(await seenEvents()).toBe(1)
    await observe([{ id: nic.id, host: { ...host, up: false }, guest }])
    expect(await seenEvents()).toBe(2)
    await observe([{ id: nic.id, host: null, guest: null }])
    expect(await read()).toMatchObject({ host: null, guest: null })
  })

  it('of a NIC that is not there is passed over, and the others are stored', async () => {
    const observed = [
      { id: '52:54:00:00:00:00', host, guest: null },
      { id: nic.id, host, guest: null },
    ]
    expect((await observe(observed)).status).toBe(204)
    expect((await read()).host).toEqual(host)
  })

  it.each(['zz', '', '52:54:00:00:00', 'null'])('of a NIC "%s" is refused by its pointer', async (id) => {
    const refused = await observe([{ id, host, guest: null }])
    expectProblem(refused, 400, 'invalid_request')
    expect(refused.body.errors).toMatchObject([{ in: 'body', pointer: '/observed/0/id' }])
  })

  it('with what PostgreSQL cannot store (NUL, half a surrogate pair) is stored with U+FFFD instead', async () => {
    const guest = { interface_name: 'eth\u0000', mac: nic.id, addresses: ['\ud800', 'fine'] }
    expect((await observe([{ id: nic.id, host, guest }])).status).toBe(204)
    expect((await read()).guest).toEqual({ interface_name: 'eth\ufffd', mac: nic.id, addresses: ['\ufffd', 'fine'] })
  })
})

describe('a report', () => {
  it('whose words PostgreSQL cannot store ends the job all the same', async () => {
    const { body: job } = await service.call('POST', `/v1/nics/${nic.id}/detach`, {})
    const order = (await service.asWorker('POST', `/jobs/${job.id}/claim`, {})).body
    const time = '2026-01-01T00:00:00.000Z'
    const said = { name: 'plug', started_at: time, ended_at: time, error: 'guest said \u0000\udfff' }
    const answer = await service.asWorker('POST', `/jobs/${job.id}/report`, {
      attempt: order.job.attempt,
      outcome: 'failed',
      error: 'first\nsecond\u0000',
      steps: [said],
      observed: [],
    })
    expect(answer.status, JSON.stringify(answer.body)).toBe(204)
    expect((await read()).last_error).toBe('first\nsecond\ufffd')
    const { body } = await service.call('GET', `/v1/jobs/${job.id}`)
    expect(body.steps).toMatchObject([{ error: 'guest said \ufffd\ufffd' }])
  })

  it('with a time that is none is refused: it would break the answers that show it', async () => {
    const steps = [{ name: 'x', started_at: 'a"b', ended_at: '', error: null }]
    const answer = await service.asWorker('POST', '/jobs/j-0000000000/report', {
      attempt: 1,
      outcome: 'failed',
      error: null,
      steps,
      observed: [],
    })
    expectProblem(answer, 400, 'invalid_request')
    expect(answer.body.errors.map(({ pointer }: { pointer: string }) => pointer)).toEqual([
      '/steps/0/started_at',
      '/steps/0/ended_at',
    ])
  })
})

describe('a heartbeat', () => {
  const facts = async () => (await service.call('GET', `/v1/hypervisors/${HYPERVISOR}`)).body.facts

  it('is shown with what the worker says of itself', async () => {
    const said = { hostname: 'h1', guests: ['qemu', 'namespace'], cores: 2, kvm: false, note: null }
    expect((await service.asWorker('POST', '/heartbeat', { facts: said })).status).toBe(204)
    expect(await facts()).toEqual(said)
  })

  it.each([
    ['NUL in a value', { a: '\u0000' }, '/facts/a'],
    ['NUL in a name', { 'a\u0000': 'x' }, '/facts/a\u0000'],
    ['half a surrogate pair', { a: ['\ud800'] }, '/facts/a/0'],
    ['an object', { a: { b: 1 } }, '/facts/a'],
  ])('with %s is refused', async (_what, bad, pointer) => {
    const before = await facts()
    const refused = await service.asWorker('POST', '/heartbeat', { facts: bad })
    expectProblem(refused, 400, 'invalid_request')
    expect(refused.body.errors.map((one: { pointer: string }) => one.pointer)).toContain(pointer)
    expect(await facts()).toEqual(before)
  })

  it('with facts nested 100,000 deep is refused', async () => {
    const deep = `{"facts":{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}}`
    const refused = await service.call('POST', `/v1/hypervisors/${HYPERVISOR}/heartbeat`, deep, {
      token: service.hypervisorToken,
      headers: { 'content-type': 'application/json' },
    })
    expectProblem(refused, 400, 'invalid_request')
  })
})
