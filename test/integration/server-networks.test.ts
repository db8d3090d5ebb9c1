/** Servers that join networks and leave them: what stands in the database while the worker does its part. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { aService, expectProblem, type Service } from '../support/a-service.ts'
import { aNetwork, aPool, aServer, finish, nics } from '../support/builders.ts'

let service: Service
beforeAll(async () => {
  service = await aService()
})
afterAll(() => service.close())

const act = (id: string, what: string, body: object) => service.call('POST', `/v1/servers/${id}/${what}`, body)
const cardsOf = async (id: string) => (await service.call('GET', `/v1/nics?server_id=${id}&limit=100`)).body.items
const eventsOf = async (id: string) =>
  (await service.call('GET', `/v1/events?resource_id=${id}`)).body.items.map(({ type }: { type: string }) => type)
const anUnmanaged = async () => (await service.call('POST', '/v1/networks', { name: 'l2', type: 'unmanaged' })).body

async function joined(network: { id: string }) {
  const server = await aServer(service)
  await finish(service, (await act(server.id, 'join', { network_id: network.id })).body.id)
  const [card] = await cardsOf(server.id)
  return { server, card }
}

describe('a server without NIC that joins a network', () => {
  it('gets its primary NIC there, by one job, which answers again while it lasts and after', async () => {
    const network = await aNetwork(service)
    const server = await aServer(service, { name: 'joiner' })
    const { status, body: job } = await act(server.id, 'join', { network_id: network.id })
    expect(status).toBe(202)
    const [card] = await cardsOf(server.id)
    expect(card).toMatchObject({ primary: true, slot: 0, state: 'attaching', name: 'joiner', job_id: job.id })
    expect(job).toMatchObject({ action: 'nic.attach', server_id: server.id, nic_ids: [card.id] })
    expect(job.resources).toContainEqual({ type: 'network', id: network.id })
    expect((await act(server.id, 'join', { network_id: network.id })).body.id).toBe(job.id)
    const order = await finish(service, job.id)
    expect(order.server.nics).toMatchObject([{ id: card.id, slot: 0, in_job: true }])
    expect(await cardsOf(server.id)).toMatchObject([{ state: 'in_use', job_id: null }])
    const again = await act(server.id, 'join', { network_id: network.id, address: card.address })
    expect(again.body).toMatchObject({ id: job.id, state: 'successful' })
  })

  it('gets the address and the security group asked for', async () => {
    const network = await aNetwork(service)
    const { body: group } = await service.call('POST', '/v1/security-groups', { name: 'g' })
    const address = network.gateway.replace(/1$/, '77')
    const server = await aServer(service)
    const groups = { security_group_ids: [group.id] }
    await act(server.id, 'join', { network_id: network.id, address, ...groups })
    expect(await cardsOf(server.id)).toMatchObject([{ address, ...groups }])
    const other = await aServer(service)
    expectProblem(await act(other.id, 'join', { network_id: network.id, address }), 409, 'address_in_use')
    expect(await cardsOf(other.id)).toEqual([])
  })

  it('whose joining fails has no NIC, and its address is free', async () => {
    const network = await aNetwork(service)
    const server = await aServer(service)
    const { body: job } = await act(server.id, 'join', { network_id: network.id })
    const [card] = await cardsOf(server.id)
    await finish(service, job.id, { outcome: 'failed', error: 'the guest did not take it' })
    expect(await cardsOf(server.id)).toEqual([])
    expectProblem(await service.call('GET', `/v1/nics/${card.id}`), 404, 'not_found')
    expect((await service.call('GET', `/v1/networks/${network.id}`)).body.nic_count).toBe(0)
    expect(await eventsOf(card.id)).toEqual(['nic.deleted', 'nic.created'])
    const second = await act(server.id, 'join', { network_id: network.id })
    expect(second.status).toBe(202)
    expect(second.body.id).not.toBe(job.id)
  })

  it('may be stopped: it has the NIC when it starts', async () => {
    const network = await aNetwork(service)
    const server = await aServer(service)
    await finish(service, (await act(server.id, 'stop', {})).body.id)
    await finish(service, (await act(server.id, 'join', { network_id: network.id })).body.id)
    const order = await finish(service, (await act(server.id, 'start', {})).body.id)
    expect(order.server.nics).toMatchObject([{ slot: 0, state: 'in_use' }])
  })
})

describe('a server that has a NIC', () => {
  it('joins one network with addresses, and as many without as it likes, by secondary NICs', async () => {
    const network = await aNetwork(service)
    const { server } = await joined(network)
    const refused = await act(server.id, 'join', { network_id: (await aNetwork(service)).id })
    expectProblem(refused, 409, 'server_joined_already')
    for (const bare of [await anUnmanaged(), await anUnmanaged()]) {
      await finish(service, (await act(server.id, 'join', { network_id: bare.id })).body.id)
    }
    const cards = await cardsOf(server.id)
    expect(cards.map(({ slot }: { slot: number }) => slot).sort()).toEqual([0, 1, 2])
    const address = network.gateway.replace(/1$/, '99')
    expectProblem(await act(server.id, 'join', { network_id: network.id, address }), 409, 'server_joined_already')
  })

  it('that was made in a network has joined it, and may leave it', async () => {
    const network = await aNetwork(service)
    const server = await aServer(service, { network_id: network.id })
    const again = await act(server.id, 'join', { network_id: network.id })
    expect(again.body).toMatchObject({ action: 'server.create', state: 'successful' })
    await finish(service, (await act(server.id, 'leave', { network_id: network.id })).body.id)
    expect(await cardsOf(server.id)).toEqual([])
  })

  it('joins with the lowest free slot when only the primary one is taken by nobody', async () => {
    const network = await aNetwork(service)
    const server = await aServer(service)
    const [own] = await nics(service, network.id, 1)
    await finish(service, (await act(server.id, 'attach-nics', { nic_ids: [own.id] })).body.id)
    await finish(service, (await act(server.id, 'join', { network_id: network.id })).body.id)
    const cards = await cardsOf(server.id)
    expect(cards.map(({ slot, primary }: { slot: number; primary: boolean }) => [slot, primary]).sort()).toEqual([
      [0, true],
      [1, false],
    ])
  })

  it('is refused while it changes state, when it is gone, and networks that there are none of', async () => {
    const network = await aNetwork(service)
    const server = await aServer(service)
    expectProblem(await act(server.id, 'join', { network_id: 'net-0000000000' }), 404, 'not_found')
    expectProblem(await act('i-0000000000', 'join', { network_id: network.id }), 404, 'not_found')
    const loose = (await service.call('POST', '/v1/networks', { name: 'not joined' })).body
    expectProblem(await act(server.id, 'join', { network_id: loose.id }), 409, 'network_not_joined')
    const { body: stop } = await act(server.id, 'stop', {})
    expectProblem(await act(server.id, 'join', { network_id: network.id }), 409, 'server_busy')
    await finish(service, stop.id)
    await finish(service, (await service.call('DELETE', `/v1/servers/${server.id}`)).body.id)
    expectProblem(await act(server.id, 'join', { network_id: network.id }), 409, 'server_terminated')
    expectProblem(await act(server.id, 'leave', { network_id: network.id }), 409, 'server_not_joined')
  })
})

describe('a server that leaves a network', () => {
  it('loses its NIC when the job ends, and with it the elastic IP', async () => {
    const network = await aNetwork(service)
    const { server, card } = await joined(network)
    await service.db.$client.query(`UPDATE hypervisor SET facts = '{"interfaces": ["eth1"]}'`)
    const { body: elasticIp } = await service.call('POST', '/v1/elastic-ips', { pool_id: (await aPool(service)).id })
    const associate = await service.call('POST', `/v1/elastic-ips/${elasticIp.id}/associate`, { nic_id: card.id })
    expect(associate.status, JSON.stringify(associate.body)).toBe(202)
    const { status, body: job } = await act(server.id, 'leave', { network_id: network.id })
    expect(status).toBe(202)
    expect(job).toMatchObject({ action: 'nic.detach', server_id: server.id, nic_ids: [card.id] })
    expect(await cardsOf(server.id)).toMatchObject([{ state: 'detaching' }])
    expect((await act(server.id, 'leave', { network_id: network.id })).body.id).toBe(job.id)
    expectProblem(await act(server.id, 'join', { network_id: network.id }), 409, 'nic_busy')
    await finish(service, job.id)
    expect(await cardsOf(server.id)).toEqual([])
    expect((await service.call('GET', `/v1/elastic-ips/${elasticIp.id}`)).body.state).toBe('available')
    expect((await service.call('GET', `/v1/networks/${network.id}`)).body.nic_count).toBe(0)
    const again = await act(server.id, 'leave', { network_id: network.id })
    expect(again.body).toMatchObject({ id: job.id, state: 'successful' })
  })

  it('keeps the NIC when the guest does not let go of it', async () => {
    const network = await aNetwork(service)
    const { server, card } = await joined(network)
    const { body: job } = await act(server.id, 'leave', { network_id: network.id, force: true })
    const order = await finish(service, job.id, { outcome: 'failed', error: 'the guest keeps it' })
    expect(order.job.force).toBe(true)
    expect(await cardsOf(server.id)).toMatchObject([
      { id: card.id, state: 'in_use', primary: true, last_error: 'the guest keeps it' },
    ])
    const second = await act(server.id, 'leave', { network_id: network.id })
    expect(second.body.id).not.toBe(job.id)
  })

  it('keeps NICs that were attached to it there; and one that it joined by is not detached by itself', async () => {
    const network = await aNetwork(service)
    const bare = await anUnmanaged()
    const { server, card } = await joined(network)
    const [own] = await nics(service, network.id, 1)
    await finish(service, (await act(server.id, 'attach-nics', { nic_ids: [own.id] })).body.id)
    await finish(service, (await act(server.id, 'join', { network_id: bare.id })).body.id)
    const second = (await cardsOf(server.id)).find((nic: { network_id: string }) => nic.network_id === bare.id)
    expectProblem(await act(server.id, 'detach-nics', { nic_ids: [second.id] }), 409, 'nic_joined')
    expectProblem(await act(server.id, 'detach-nics', { nic_ids: [card.id] }), 409, 'nic_primary')
    await finish(service, (await act(server.id, 'leave', { network_id: network.id })).body.id)
    const left = (await cardsOf(server.id)).map(({ id }: { id: string }) => id).sort()
    expect(left).toEqual([own.id, second.id].sort())
    await finish(service, (await service.call('DELETE', `/v1/servers/${server.id}`)).body.id)
    expectProblem(await service.call('GET', `/v1/nics/${second.id}`), 404, 'not_found')
    expect((await service.call('GET', `/v1/nics/${own.id}`)).body.state).toBe('available')
  })

  it('is refused where it has not joined', async () => {
    const network = await aNetwork(service)
    const server = await aServer(service)
    const [own] = await nics(service, network.id, 1)
    await finish(service, (await act(server.id, 'attach-nics', { nic_ids: [own.id] })).body.id)
    expectProblem(await act(server.id, 'leave', { network_id: network.id }), 409, 'server_not_joined')
    expectProblem(await act(server.id, 'leave', { network_id: 'net-0000000000' }), 404, 'not_found')
    const { body: job } = await act(server.id, 'join', { network_id: network.id })
    expectProblem(await act(server.id, 'leave', { network_id: network.id }), 409, 'nic_busy')
    await finish(service, job.id)
  })
})

it('of twelve that want a server in two networks at once, one has it: the others are told, or given its job', async () => {
  const server = await aServer(service)
  const networks = [await aNetwork(service), await aNetwork(service)]
  const answers = await Promise.all(
    Array.from({ length: 12 }, (_, n) => act(server.id, 'join', { network_id: networks[n % 2].id })),
  )
  const jobs = new Set(answers.filter(({ status }) => status === 202).map(({ body }) => body.id))
  expect(jobs.size).toBe(1)
  for (const answer of answers.filter(({ status }) => status !== 202)) {
    expectProblem(answer, 409, 'server_joined_already')
  }
  expect(await cardsOf(server.id)).toHaveLength(1)
})

it('leaving a network while the server is deleted: whoever comes second is told what goes on', async () => {
  const network = await aNetwork(service)
  for (let round = 0; round < 4; round++) {
    const { server, card } = await joined(network)
    const [leave, remove] = await Promise.all([
      act(server.id, 'leave', { network_id: network.id }),
      service.call('DELETE', `/v1/servers/${server.id}`),
    ])
    if (leave.status === 202) expectProblem(remove, 409, 'nic_busy')
    else expectProblem(leave, 409, 'server_terminated')
    await finish(service, (leave.status === 202 ? leave : remove).body.id)
    expectProblem(await service.call('GET', `/v1/nics/${card.id}`), 404, 'not_found')
  }
  const { server } = await joined(network)
  const { body: remove } = await service.call('DELETE', `/v1/servers/${server.id}`)
  expectProblem(await act(server.id, 'leave', { network_id: network.id }), 409, 'server_terminated')
  await finish(service, remove.id)
  expect((await service.call('GET', `/v1/networks/${network.id}`)).body.nic_count).toBe(0)
})

it('the database holds the rules of NICs that come with their server', async () => {
  const network = await aNetwork(service)
  const { server, card } = await joined(network)
  const [own] = await nics(service, network.id, 1)
  await finish(service, (await act(server.id, 'attach-nics', { nic_ids: [own.id] })).body.id)
  const broken = (sql: string) =>
    service.db.$client.query(sql).then(
      () => undefined,
      (error: { constraint: string }) => error.constraint,
    )
  const nic = (id: string) => `UPDATE nic SET with_server = NOT with_server WHERE id = '${id}'`
  expect(await broken(nic(card.id))).toBe('nic_primary_with_server')
  expect(await broken(nic(own.id))).toBe('nic_server_joined_key')
  const [free] = await nics(service, network.id, 1)
  expect(await broken(nic(free.id))).toBe('nic_with_server_on_one')
})
