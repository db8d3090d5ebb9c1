/** The history of a server: its own events, and those of the NICs and jobs that name it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Answer, aService, expectProblem, HYPERVISOR, type Service } from '../support/a-service.ts'
import { aHypervisor, aNetwork, aNic, aServer, finish } from '../support/builders.ts'

let service: Service
beforeAll(async () => {
  service = await aService()
  await aHypervisor(service, HYPERVISOR, [])
})
afterAll(() => service.close())

const post = async (url: string, body: object = {}): Promise<Answer['body']> => {
  const answer = await service.call('POST', url, body)
  expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300)
  return answer.body
}
/** Oldest first. */
async function historyOf(server: { id: string }, more = ''): Promise<Answer['body'][]> {
  const { status, body } = await service.call('GET', `/v1/events?server_id=${server.id}&limit=1000${more}`)
  expect(status).toBe(200)
  return body.items.reverse()
}
const typesOf = (events: readonly Answer['body'][]) => events.map(({ type }) => type)
/** What is told of a server from here on. */
async function since(server: { id: string }) {
  const before = (await historyOf(server)).length
  return async () => (await historyOf(server)).slice(before)
}
const attached = async (server: { id: string }, slot: number) => {
  const nic = await aNic(service)
  await finish(service, (await post(`/v1/nics/${nic.id}/attach`, { server_id: server.id, slot })).id)
  return nic
}

describe('the events of a server', () => {
  it('are those of itself, of its jobs, and of its NICs as they come and go, in which slot', async () => {
    const [server, other] = [await aServer(service), await aServer(service)]
    const nic = await attached(server, 7)
    await service.call('PATCH', `/v1/nics/${nic.id}`, { name: 'of the card alone' })
    await finish(service, (await post(`/v1/nics/${nic.id}/detach`)).id)
    await service.call('PATCH', `/v1/servers/${server.id}`, { name: 'other' })
    await attached(other, 1)
    const events = await historyOf(server)
    const [born, moved] = [
      ['job.pending', 'server.created', 'job.working', 'server.running', 'job.successful'],
      ['job.working', 'nic.in_use', 'job.successful', 'job.pending', 'nic.detaching', 'job.working', 'nic.available'],
    ]
    const told = [...born, 'job.pending', 'nic.attaching', ...moved, 'job.successful', 'server.updated']
    expect(typesOf(events)).toEqual(told)
    const ofNic = events.filter(({ resource_type }) => resource_type === 'nic')
    expect(ofNic.every(({ resource_id }) => resource_id === nic.id)).toBe(true)
    expect(ofNic.map(({ type, data }) => [type, data.slot])).toEqual([
      ['nic.attaching', 7],
      ['nic.in_use', 7],
      ['nic.detaching', 7],
      ['nic.available', undefined],
    ])
  })

  it('have those of a NIC that it is made with, from the making to the end of both', async () => {
    const network = await aNetwork(service)
    const job = await post('/v1/servers', { name: 's', guest: 'namespace', network_id: network.id })
    await finish(service, job.id)
    const server = { id: job.server_id }
    await finish(service, (await service.call('DELETE', `/v1/servers/${server.id}`)).body.id)
    const ofNic = (await historyOf(server)).filter(({ resource_type }) => resource_type === 'nic')
    expect(typesOf(ofNic)).toEqual(['nic.created', 'nic.in_use', 'nic.detaching', 'nic.deleted'])
    expect(ofNic.map(({ data }) => data.slot)).toEqual([0, 0, 0, 0])
  })

  it('have those of a NIC that stays behind when it is deleted', async () => {
    const server = await aServer(service)
    const nic = await attached(server, 1)
    const told = await since(server)
    await finish(service, (await service.call('DELETE', `/v1/servers/${server.id}`)).body.id)
    const ofNic = (await told()).filter(({ resource_id }) => resource_id === nic.id)
    expect(typesOf(ofNic)).toEqual(['nic.detaching', 'nic.available'])
  })

  it('have those of a NIC that joining a network makes, and leaving it deletes', async () => {
    const [server, network] = [await aServer(service), await aNetwork(service)]
    const told = await since(server)
    for (const act of ['join', 'leave']) {
      const job = await post(`/v1/servers/${server.id}/${act}`, { network_id: network.id })
      await finish(service, job.id)
    }
    const ofNic = (await told()).filter(({ resource_type }) => resource_type === 'nic')
    expect(typesOf(ofNic)).toEqual(['nic.created', 'nic.in_use', 'nic.detaching', 'nic.deleted'])
  })

  it('have those of a NIC whose attach fails, which leaves again, and of one that its guest keeps', async () => {
    const server = await aServer(service)
    const nic = await aNic(service)
    const told = await since(server)
    const attach = await post(`/v1/nics/${nic.id}/attach`, { server_id: server.id })
    await finish(service, attach.id, { outcome: 'failed', error: 'no' })
    await finish(service, (await post(`/v1/nics/${nic.id}/attach`, { server_id: server.id })).id)
    const detach = await post(`/v1/nics/${nic.id}/detach`)
    await finish(service, detach.id, { outcome: 'failed', error: 'held' })
    const ofNic = (await told()).filter(({ resource_type }) => resource_type === 'nic')
    expect(ofNic.map(({ type, data }) => [type, data.error])).toEqual([
      ['nic.attaching', undefined],
      ['nic.available', 'no'],
      ['nic.attaching', undefined],
      ['nic.in_use', undefined],
      ['nic.detaching', undefined],
      ['nic.in_use', 'held'],
    ])
  })

  it('have those of an adopted machine that was not there, from its promise to its end', async () => {
    const adopted = { guest: 'qemu', hypervisor_id: HYPERVISOR, qmp_socket: '/run/elsewhere/m.sock' }
    const job = await post('/v1/servers', { name: 'm', ...adopted })
    await finish(service, job.id, { outcome: 'failed', error: 'no such machine' })
    expect(typesOf(await historyOf({ id: job.server_id }))).toEqual([
      ...['job.pending', 'server.created', 'job.working', 'server.terminated', 'job.failed'],
    ])
  })

  it('have those of the NICs that an adopted machine is given and loses when it is let go of', async () => {
    const adopted = { guest: 'qemu', hypervisor_id: HYPERVISOR, qmp_socket: '/run/elsewhere/n.sock' }
    const server = await aServer(service, adopted)
    const nic = await attached(server, 3)
    await finish(service, (await service.call('DELETE', `/v1/servers/${server.id}`)).body.id)
    const ofNic = (await historyOf(server)).filter(({ resource_id }) => resource_id === nic.id)
    expect(typesOf(ofNic)).toEqual(['nic.attaching', 'nic.in_use', 'nic.detaching', 'nic.available'])
  })

  it('are filtered by the other filters too, and walked in pages', async () => {
    const server = await aServer(service)
    const nic = await attached(server, 2)
    expect(typesOf(await historyOf(server, '&resource_type=nic'))).toEqual(['nic.attaching', 'nic.in_use'])
    expect(typesOf(await historyOf(server, `&resource_id=${nic.id}&type=nic.in_use`))).toEqual(['nic.in_use'])
    const all = (await historyOf(server)).reverse().map(({ id }) => id)
    const walked: string[] = []
    let cursor = ''
    do {
      const { body } = await service.call('GET', `/v1/events?server_id=${server.id}&limit=3${cursor}`)
      walked.push(...body.items.map(({ id }: { id: string }) => id))
      cursor = body.next_cursor === null ? '' : `&cursor=${body.next_cursor}`
    } while (cursor !== '')
    expect(walked).toEqual(all)
  })

  it('are those of the own project, and of what may be a server', async () => {
    const server = await aServer(service)
    const token = await service.tokenOf('admin', await service.aProject())
    const theirs = await service.call('GET', `/v1/events?server_id=${server.id}`, undefined, { token })
    expect(theirs.body.items).toEqual([])
    expectProblem(await service.call('GET', '/v1/events?server_id=vpc-1'), 400, 'invalid_request')
  })
})
