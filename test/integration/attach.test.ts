/** What attach and detach promise, and what they refuse. How their jobs end is in jobs.test.ts. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { aService, expectProblem, type Service } from '../support/a-service.ts'
import { aNetwork, aNic, aServer, finish, nics } from '../support/builders.ts'

let service: Service
beforeAll(async () => {
  service = await aService()
})
afterAll(() => service.close())

const get = async (id: string) => (await service.call('GET', `/v1/nics/${id}`)).body
const attach = (id: string, server_id: string, more: object = {}) =>
  service.call('POST', `/v1/nics/${id}/attach`, { server_id, ...more })
const detach = (id: string, body: object = {}) => service.call('POST', `/v1/nics/${id}/detach`, body)
const attachAll = (server: string, nic_ids: string[]) =>
  service.call('POST', `/v1/servers/${server}/attach-nics`, { nic_ids })
const detachAll = (server: string, nic_ids: string[], more: object = {}) =>
  service.call('POST', `/v1/servers/${server}/detach-nics`, { nic_ids, ...more })
const ids = (cards: { id: string }[]) => cards.map(({ id }) => id)

/** A NIC that is in use on a server of its own. */
async function attached() {
  const [nic, server] = [await aNic(service), await aServer(service)]
  const job = (await attach(nic.id, server.id)).body
  await finish(service, job.id)
  return { nic, server, job }
}

describe('attach', () => {
  it('answers 202 with a job that names its resources, and locks the NIC for that job', async () => {
    const [nic, server] = [await aNic(service), await aServer(service)]
    const { status, headers, body } = await attach(nic.id, server.id)
    expect(status).toBe(202)
    expect(headers.location).toBe(`/v1/jobs/${body.id}`)
    expect(body).toMatchObject({
      action: 'nic.attach',
      state: 'pending',
      attempts: 0,
      steps: [],
      resources: [
        { type: 'server', id: server.id },
        { type: 'nic', id: nic.id },
      ],
    })
    expect(await get(nic.id)).toMatchObject({ state: 'attaching', server_id: server.id, slot: 1, job_id: body.id })
    expect((await service.call('GET', headers.location ?? '')).body).toEqual(body)
  })

  it('takes the lowest free slot, or the one asked for', async () => {
    const network = await aNetwork(service)
    const server = await aServer(service, { network_id: network.id })
    const [a, b, c, d] = await nics(service, network.id, 4)
    await attach(a.id, server.id, { slot: 2 })
    await attach(b.id, server.id)
    await attach(c.id, server.id, { slot: 63 })
    await attach(d.id, server.id)
    expect(await Promise.all([a, b, c, d].map(async ({ id }) => (await get(id)).slot))).toEqual([2, 1, 63, 3])
  })

  it('refuses a slot that is taken or outside 1-63', async () => {
    const { server } = await attached()
    const nic = await aNic(service)
    const taken = await attach(nic.id, server.id, { slot: 1 })
    expectProblem(taken, 409, 'slot_in_use')
    expect(taken.body).toMatchObject({
      detail: `slot 1 of server ${server.id} is taken`,
      errors: [{ pointer: '/slot' }],
    })
    for (const slot of [0, 64, -1]) {
      const refused = await attach(nic.id, server.id, { slot })
      expectProblem(refused, 400, 'invalid_request')
      expect(refused.body.errors).toMatchObject([{ in: 'body', pointer: '/slot' }])
    }
    expect(await get(nic.id)).toMatchObject({ state: 'available', slot: null })
  })

  it('plugs 63 at once into a server with a primary NIC; the 64th secondary is told 64 of 64', async () => {
    const network = await aNetwork(service)
    const server = await aServer(service, { network_id: network.id })
    const cards = await nics(service, network.id, 65)
    expectProblem(await attachAll(server.id, ids(cards.slice(0, 64))), 400, 'invalid_request')
    const all = await attachAll(server.id, ids(cards.slice(0, 63)))
    expect(all.body.nic_ids).toEqual(ids(cards.slice(0, 63)))
    const order = await finish(service, all.body.id)
    expect(order.server.nics.map(({ slot }: { slot: number }) => slot)).toEqual(Array.from({ length: 64 }, (_, n) => n))
    const full = await attach(cards[63].id, server.id)
    expectProblem(full, 409, 'server_full')
    expect(full.body.detail).toBe(`server ${server.id} has 64 of 64 NICs`)
    await finish(service, (await detach(cards[20].id)).body.id)
    const two = await attachAll(server.id, ids(cards.slice(63)))
    expect(two.body.detail).toBe(`server ${server.id} has 63 of 64 NICs; 2 more were asked for`)
    await attach(cards[64].id, server.id)
    expect(await get(cards[64].id)).toMatchObject({ slot: 21 })
  })

  it('fills the 63 secondary slots of a server without primary NIC, and says that slot 0 is kept', async () => {
    const network = await aNetwork(service)
    const server = await aServer(service)
    const cards = await nics(service, network.id, 64)
    await attachAll(server.id, ids(cards.slice(0, 63)))
    const full = await attach(cards[63].id, server.id)
    expectProblem(full, 409, 'server_full')
    const use = '63 of 63 secondary NICs (slot 0 is for a primary NIC)'
    expect(full.body.detail).toBe(`server ${server.id} has ${use}`)
  })

  it('is refused while the NIC is on another server, or on the way there', async () => {
    const { nic, server } = await attached()
    const other = await aServer(service)
    const refused = await attach(nic.id, other.id)
    expectProblem(refused, 409, 'nic_in_use')
    expect(refused.body.detail).toBe(`NIC ${nic.id} is in_use on server ${server.id}: detach it first`)
    const leaving = await detach(nic.id)
    for (const target of [server.id, other.id]) {
      const busy = await attach(nic.id, target)
      expectProblem(busy, 409, 'nic_busy')
      expect(busy.body.detail).toBe(`NIC ${nic.id} is detaching by job ${leaving.body.id}; try again`)
    }
  })

  it('asked for twice returns the same job, while it is at work and after', async () => {
    const [nic, server] = [await aNic(service), await aServer(service)]
    const first = (await attach(nic.id, server.id)).body
    expect((await attach(nic.id, server.id)).body).toEqual(first)
    await finish(service, first.id)
    const after = await attach(nic.id, server.id, { slot: 1 })
    expect(after).toMatchObject({ status: 202, body: { id: first.id, state: 'successful' } })
    expectProblem(await attach(nic.id, server.id, { slot: 2 }), 409, 'nic_in_use')
    expect((await service.call('GET', `/v1/jobs?nic_id=${nic.id}`)).body.items).toHaveLength(1)
  })

  it('of a NIC whose job is forgotten by now says where it is', async () => {
    const { nic, server, job } = await attached()
    await service.db.$client.query('DELETE FROM job WHERE id = $1', [job.id]) // as housekeeping does after a week
    const refused = await attach(nic.id, server.id)
    expectProblem(refused, 409, 'nic_in_use')
    expect(refused.body.detail).toBe(`NIC ${nic.id} is in slot 1 of server ${server.id} already`)
  })

  it('of several passes over those that are there already, but not over those still on their way', async () => {
    const { nic, server } = await attached()
    const [more, another] = [await aNic(service), await aNic(service)]
    expect((await attachAll(server.id, [nic.id, more.id])).body.nic_ids).toEqual([more.id])
    expectProblem(await attachAll(server.id, [more.id, another.id]), 409, 'nic_busy')
  })

  it('of several is all or none, and names those that are not there', async () => {
    const server = await aServer(service)
    const [nic, used] = [await aNic(service), (await attached()).nic]
    const missing = await attachAll(server.id, [nic.id, '52:54:00:00:00:00'])
    expectProblem(missing, 404, 'not_found')
    expect(missing.body.errors).toMatchObject([{ in: 'body', pointer: '/nic_ids/1' }])
    expectProblem(await attachAll(server.id, [nic.id, used.id]), 409, 'nic_in_use')
    expect(await get(nic.id)).toMatchObject({ state: 'available', generation: nic.generation })
    expectProblem(await attachAll('i-0000000000', [nic.id]), 404, 'not_found')
    expectProblem(await attach('52:54:00:00:00:00', server.id), 404, 'not_found')
  })

  it('to a stopped server is allowed, and to one that changes state is not', async () => {
    const server = await aServer(service)
    const [a, b] = [await aNic(service), await aNic(service)]
    const stop = await service.call('POST', `/v1/servers/${server.id}/stop`)
    expectProblem(await attach(a.id, server.id), 409, 'server_busy')
    await finish(service, stop.body.id)
    const order = await finish(service, (await attach(a.id, server.id)).body.id)
    expect(order.server.state).toBe('stopped')
    expect(await get(a.id)).toMatchObject({ state: 'in_use', server_id: server.id })
    await service.call('DELETE', `/v1/servers/${server.id}`)
    expectProblem(await attach(b.id, server.id), 409, 'server_terminated')
  })
})

describe('detach', () => {
  it('frees the NIC, its slot and what was seen of it; its address stays', async () => {
    const { nic, server } = await attached()
    const leaving = await detach(nic.id, { force: true })
    expect(leaving).toMatchObject({ status: 202, body: { action: 'nic.detach', nic_ids: [nic.id] } })
    expect(await get(nic.id)).toMatchObject({ state: 'detaching', server_id: server.id, slot: 1 })
    expect((await finish(service, leaving.body.id)).job.force).toBe(true)
    expect(await get(nic.id)).toMatchObject({ state: 'available', server_id: null, slot: null, address: nic.address })
    expect((await attach(nic.id, server.id)).status).toBe(202)
  })

  it('asked for twice returns the same job; of a NIC that was never on a server it is refused', async () => {
    const { nic } = await attached()
    const first = (await detach(nic.id)).body
    expect((await detach(nic.id)).body).toEqual(first)
    await finish(service, first.id)
    expect((await detach(nic.id)).body).toMatchObject({ id: first.id, state: 'successful' })
    const fresh = await aNic(service)
    const refused = await detach(fresh.id)
    expectProblem(refused, 409, 'nic_not_in_use')
    expect(refused.body.detail).toBe(`NIC ${fresh.id} is not on a server`)
    expectProblem(await detach('52:54:00:00:00:00'), 404, 'not_found')
  })

  it('never takes a primary NIC, alone or among others', async () => {
    const network = await aNetwork(service)
    const server = await aServer(service, { network_id: network.id })
    const [primary] = (await service.call('GET', `/v1/nics?server_id=${server.id}`)).body.items
    const second = await aNic(service)
    await finish(service, (await attach(second.id, server.id)).body.id)
    const refused = await detach(primary.id, { force: true })
    expectProblem(refused, 409, 'nic_primary')
    expect(refused.body.detail).toBe(`NIC ${primary.id} is the primary NIC of server ${server.id}`)
    expectProblem(await detachAll(server.id, [second.id, primary.id]), 409, 'nic_primary')
    expectProblem(await service.call('DELETE', `/v1/nics/${primary.id}`), 409, 'nic_primary')
    expectProblem(await attach(primary.id, (await aServer(service)).id), 409, 'nic_in_use')
    expect(await get(second.id)).toMatchObject({ state: 'in_use' })
  })

  it('is refused while the NIC is on its way in, or its server changes state', async () => {
    const [nic, server] = [await aNic(service), await aServer(service)]
    const arriving = await attach(nic.id, server.id)
    const busy = await detach(nic.id)
    expectProblem(busy, 409, 'nic_busy')
    expect(busy.body.detail).toBe(`NIC ${nic.id} is attaching by job ${arriving.body.id}; try again`)
    await finish(service, arriving.body.id)
    await service.call('POST', `/v1/servers/${server.id}/stop`)
    expectProblem(await detach(nic.id), 409, 'server_busy')
  })

  it('of several is one job, all or none, from the server that is named', async () => {
    const network = await aNetwork(service)
    const server = await aServer(service)
    const cards = ids(await nics(service, network.id, 3))
    await finish(service, (await attachAll(server.id, cards)).body.id)
    const other = await attached()
    const wrong = await detachAll(server.id, [...cards, other.nic.id])
    expectProblem(wrong, 409, 'nic_not_in_use')
    expect(wrong.body.detail).toBe(`NIC ${other.nic.id} is on server ${other.server.id}, not on ${server.id}`)
    const { body } = await detachAll(server.id, cards, { force: true })
    expect(body.nic_ids).toEqual(cards)
    await finish(service, body.id)
    expect(await Promise.all(cards.map(async (id) => (await get(id)).state))).toEqual(Array(3).fill('available'))
    expect((await detachAll(server.id, cards)).body.id).toBe(body.id)
    // It left another server: nothing of that is an answer about this one.
    expectProblem(await detachAll(other.server.id, cards), 409, 'nic_not_in_use')
  })
})
