import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Answer, aService, expectProblem, type Service } from '../support/a-service.ts'
import { aNetwork, aNic, aServer, finish, nics } from '../support/builders.ts'

let service: Service
beforeAll(async () => {
  service = await aService()
})
afterAll(() => service.close())

const host = (network: { cidr: string }, number: number) => network.cidr.replace('.0/24', `.${number}`)
const get = async (id: string) => (await service.call('GET', `/v1/nics/${id}`)).body
const available = async (network: { id: string }) =>
  (await service.call('GET', `/v1/networks/${network.id}`)).body.addresses_available

describe('a NIC', () => {
  it('has its MAC for an id, the lowest free address, and is read back the same', async () => {
    const network = await aNetwork(service)
    const body = { network_id: network.id, name: 'web', description: 'd', tags: { a: 'b' } }
    const made = await service.call('POST', '/v1/nics', body)
    expect(made.status).toBe(201)
    expect(made.body.id).toMatch(/^52:54(:[0-9a-f]{2}){4}$/)
    expect(made.headers).toMatchObject({ location: `/v1/nics/${made.body.id}`, etag: '"1"' })
    expect(made.body).toMatchObject({
      ...body,
      address: host(network, 2),
      port: 1,
      state: 'available',
      primary: false,
      server_id: null,
      slot: null,
      last_error: null,
    })
    expect(await get(made.body.id)).toEqual(made.body)
  })

  it('gets the address it asks for, from .2 to .253, once', async () => {
    const network = await aNetwork(service)
    for (const number of [2, 253, 100]) {
      const nic = await aNic(service, { network_id: network.id, address: host(network, number) })
      expect(nic).toMatchObject({ address: host(network, number), port: number - 1 })
    }
    for (const number of [0, 1, 254, 255]) {
      const refused = await service.call('POST', '/v1/nics', { network_id: network.id, address: host(network, number) })
      expectProblem(refused, 400, 'address_out_of_range')
      expect(refused.body.errors).toMatchObject([{ in: 'body', pointer: '/address' }])
    }
    const taken = await service.call('POST', '/v1/nics', { network_id: network.id, address: host(network, 100) })
    expectProblem(taken, 409, 'address_in_use')
    expect(taken.body.detail).toBe(`address ${host(network, 100)} is already used in network ${network.id}`)
    expectProblem(await service.call('POST', '/v1/nics', { network_id: 'net-0000000000' }), 404, 'not_found')
  })

  it('gives its address back when it is deleted, and is gone', async () => {
    const network = await aNetwork(service)
    const [first] = await nics(service, network.id, 3)
    expect((await service.call('DELETE', `/v1/nics/${first.id}`)).status).toBe(204)
    expectProblem(await service.call('GET', `/v1/nics/${first.id}`), 404, 'not_found')
    expectProblem(await service.call('DELETE', `/v1/nics/${first.id}`), 404, 'not_found')
    expect(await available(network)).toBe(250)
    const next = await aNic(service, { network_id: network.id })
    expect(next.address).toBe(first.address)
    expect(next.id).not.toBe(first.id)
  })

  it('that is available moves to another address of its network, and its old one is free', async () => {
    const network = await aNetwork(service)
    const nic = await aNic(service, { network_id: network.id })
    const other = await aNic(service, { network_id: network.id, address: host(network, 50) })
    const url = `/v1/nics/${nic.id}`
    const moved = await service.call('PATCH', url, { address: host(network, 200), name: 'moved' })
    expect(moved).toMatchObject({ status: 200, body: { address: host(network, 200), port: 199, name: 'moved' } })
    expect(await available(network)).toBe(250)
    expect((await aNic(service, { network_id: network.id, address: nic.address })).port).toBe(1)

    const taken = await service.call('PATCH', url, { address: other.address })
    expectProblem(taken, 409, 'address_in_use')
    expect(taken.body.errors).toMatchObject([{ in: 'body', pointer: '/address' }])
    expectProblem(await service.call('PATCH', url, { address: host(network, 254) }), 400, 'address_out_of_range')
    expectProblem(await service.call('PATCH', url, { address: '192.0.2.1' }), 400, 'address_out_of_range')
    expect(await get(nic.id)).toEqual(moved.body)
    const same = await service.call('PATCH', url, { address: host(network, 200) })
    expect(same).toMatchObject({ status: 200, body: { address: host(network, 200), port: 199 } })
    expect(await available(network)).toBe(249)
  })

  it('on a server keeps its address and is not deleted; its name may change', async () => {
    const network = await aNetwork(service)
    const nic = await aNic(service, { network_id: network.id })
    const server = await aServer(service)
    const url = `/v1/nics/${nic.id}`
    const job = await service.call('POST', `${url}/attach`, { server_id: server.id })
    for (const state of ['attaching', 'in_use']) {
      const refused = await service.call('PATCH', url, { address: host(network, 9) })
      expectProblem(refused, 409, 'nic_in_use')
      expect(refused.body.detail).toBe(`NIC ${nic.id} is ${state}: detach it before changing its address`)
      expectProblem(await service.call('DELETE', url), 409, 'nic_in_use')
      expect(await service.call('PATCH', url, { name: state })).toMatchObject({ status: 200, body: { name: state } })
      if (state === 'attaching') await finish(service, job.body.id)
    }
    expect(await get(nic.id)).toMatchObject({ address: nic.address, state: 'in_use', name: 'in_use' })
  })

  it('is changed and deleted only if it matches If-Match, whatever else is wrong', async () => {
    const network = await aNetwork(service)
    const nic = await aNic(service, { network_id: network.id })
    const url = `/v1/nics/${nic.id}`
    const stale = { headers: { 'if-match': '"7"' } }
    expectProblem(await service.call('PATCH', url, { name: 'x' }, stale), 412, 'precondition_failed')
    expectProblem(await service.call('PATCH', url, { address: host(network, 9) }, stale), 412, 'precondition_failed')
    expectProblem(await service.call('PATCH', url, { address: host(network, 254) }, stale), 412, 'precondition_failed')
    expectProblem(await service.call('DELETE', url, undefined, stale), 412, 'precondition_failed')
    expect(await get(nic.id)).toEqual(nic)
    expect(await available(network)).toBe(251)
    expect((await service.call('DELETE', url, undefined, { headers: { 'if-match': '"1"' } })).status).toBe(204)
  })
})

describe('a batch of NICs', () => {
  it('takes all addresses of a network, those asked for first', async () => {
    const network = await aNetwork(service)
    const addresses = [host(network, 200), host(network, 100)]
    const { status, body } = await service.call('POST', '/v1/nics/batch', {
      network_id: network.id,
      count: 252,
      name: 'many',
      addresses,
      tags: { k: 'v' },
    })
    expect(status).toBe(201)
    expect(body.items.map(({ port }: { port: number }) => port)).toEqual(Array.from({ length: 252 }, (_, n) => n + 1))
    expect(new Set(body.items.map(({ id }: { id: string }) => id)).size).toBe(252)
    expect(body.items.every((nic: Answer['body']) => nic.name === 'many' && nic.tags.k === 'v')).toBe(true)
    expect(await available(network)).toBe(0)
  })

  it('is made whole or not at all', async () => {
    const network = await aNetwork(service)
    await aNic(service, { network_id: network.id, address: host(network, 20) })
    const batch = (body: object) => service.call('POST', '/v1/nics/batch', { network_id: network.id, ...body })
    const tooMany = await batch({ count: 252 })
    expectProblem(tooMany, 409, 'network_full')
    expect(tooMany.body.detail).toBe(`network ${network.id} has 1 of 252 addresses in use; 252 were asked for`)
    const taken = await batch({ count: 3, addresses: [host(network, 30), host(network, 20)] })
    expectProblem(taken, 409, 'address_in_use')
    expect(taken.body.errors).toMatchObject([{ pointer: '/addresses/1' }])
    const outside = await batch({ count: 3, addresses: [host(network, 30), host(network, 31), host(network, 1)] })
    expectProblem(outside, 400, 'address_out_of_range')
    expect(outside.body.errors).toMatchObject([{ pointer: '/addresses/2' }])
    const more = await batch({ count: 1, addresses: [host(network, 30), host(network, 31)] })
    expectProblem(more, 400, 'invalid_request')
    expect(more.body.errors).toMatchObject([{ pointer: '/addresses' }])
    expect(await available(network)).toBe(251)
    expect((await service.call('GET', `/v1/nics?network_id=${network.id}`)).body.items).toHaveLength(1)
  })
})

describe('a list of NICs', () => {
  it('of 250 is walked in pages of 100, newest first, none doubled or lost while others are made', async () => {
    const [network, other] = [await aNetwork(service), await aNetwork(service)]
    const ids = new Set((await nics(service, network.id, 250)).map(({ id }) => id))
    const seen: Answer['body'][] = []
    const sizes: number[] = []
    let cursor: string | null = ''
    while (cursor !== null) {
      const query: string = cursor === '' ? '' : `&cursor=${cursor}`
      const [page]: Answer[] = await Promise.all([
        service.call('GET', `/v1/nics?limit=100${query}`),
        ...Array.from({ length: 5 }, () => aNic(service, { network_id: other.id })),
      ])
      sizes.push(page?.body.items.length)
      seen.push(...(page?.body.items ?? []))
      cursor = page?.body.next_cursor
    }
    expect(new Set(seen.map(({ id }) => id)).size).toBe(seen.length)
    expect(seen.filter(({ id }) => ids.has(id))).toHaveLength(250)
    expect(sizes.slice(0, -1).every((size) => size === 100)).toBe(true)
    const times = seen.map(({ created_at }) => Date.parse(created_at))
    expect(times).toEqual([...times].sort((a, b) => b - a))
  })

  it('ends with next_cursor null, even when the last page is full', async () => {
    const network = await aNetwork(service)
    await nics(service, network.id, 20)
    const page = async (query: string) => (await service.call('GET', `/v1/nics?network_id=${network.id}&${query}`)).body
    const first = await page('limit=10')
    const second = await page(`limit=10&cursor=${first.next_cursor}`)
    expect([first.items.length, second.items.length, second.next_cursor]).toEqual([10, 10, null])
    expect((await page('limit=20')).next_cursor).toBeNull()
  })

  it('is filtered by network, name, state, server and address, and by several at once', async () => {
    const network = await aNetwork(service)
    const server = await aServer(service)
    const [a, b] = await nics(service, network.id, 2)
    const named = await aNic(service, { network_id: network.id, name: 'the one' })
    const job = await service.call('POST', `/v1/nics/${a.id}/attach`, { server_id: server.id })
    const ids = async (query: string) => {
      const { items } = (await service.call('GET', `/v1/nics?network_id=${network.id}&${query}`)).body
      return items.map(({ id }: { id: string }) => id)
    }
    expect((await ids('')).sort()).toEqual([a.id, b.id, named.id].sort())
    expect(await ids('name=the+one')).toEqual([named.id])
    expect(await ids(`server_id=${server.id}`)).toEqual([a.id])
    expect(await ids('state=attaching')).toEqual([a.id])
    await finish(service, job.body.id)
    expect(await ids('state=in_use')).toEqual([a.id])
    expect(await ids(`address=${b.address}`)).toEqual([b.id])
    expect(await ids(`address=${b.address}&state=in_use`)).toEqual([])
  })
})

describe('the events of an address', () => {
  it('tell who had it, when, and on which server', async () => {
    const network = await aNetwork(service)
    const server = await aServer(service)
    const address = host(network, 66)
    const first = await aNic(service, { network_id: network.id, address })
    for (const act of ['attach', 'detach']) {
      const body = act === 'attach' ? { server_id: server.id } : {}
      await finish(service, (await service.call('POST', `/v1/nics/${first.id}/${act}`, body)).body.id)
    }
    await service.call('PATCH', `/v1/nics/${first.id}`, { address: host(network, 67) })
    const second = await aNic(service, { network_id: network.id, address })
    await service.call('DELETE', `/v1/nics/${second.id}`)
    const { items } = (await service.call('GET', `/v1/events?address=${address}`)).body
    const told = items.reverse().map(({ type, resource_id: id, data }: Answer['body']) => [type, id, data.server_id])
    expect(told).toEqual([
      ['nic.created', first.id, undefined],
      ['nic.attaching', first.id, server.id],
      ['nic.in_use', first.id, server.id],
      ['nic.detaching', first.id, server.id],
      ['nic.available', first.id, server.id],
      ['nic.address_released', first.id, undefined],
      ['nic.created', second.id, undefined],
      ['nic.deleted', second.id, undefined],
    ])
  })
})

describe('a MAC that is drawn and taken already', () => {
  it.each([
    ['a NIC', '/v1/nics', {}, {}],
    ['a batch', '/v1/nics/batch', { count: 252 }, {}],
    ['a batch with an Idempotency-Key', '/v1/nics/batch', { count: 252 }, { 'idempotency-key': 'k' }],
    ['a server with its primary NIC', '/v1/servers', { name: 's', guest: 'namespace' }, {}],
  ])('is drawn again for %s', async (_what, url, body, headers) => {
    const crowded = await aService()
    try {
      const network = await aNetwork(crowded)
      // Fails the first two inserts as PostgreSQL does; a sequence counts on when the transaction is rolled back.
      await crowded.db.$client.query(`
        CREATE SEQUENCE collisions;
        CREATE FUNCTION collide() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
          IF nextval('collisions') <= 2 THEN
            RAISE EXCEPTION 'taken' USING ERRCODE = 'unique_violation', CONSTRAINT = 'nic_pkey';
          END IF;
          RETURN NEW;
        END $$;
        CREATE TRIGGER collide BEFORE INSERT ON nic FOR EACH ROW EXECUTE FUNCTION collide()`)
      const made = await crowded.call('POST', url, { network_id: network.id, ...body }, { headers })
      expect(made.status, JSON.stringify(made.body)).toBeLessThan(300)
    } finally {
      await crowded.close()
    }
  })
})
