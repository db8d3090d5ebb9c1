/** Where NICs are: with or without address, in this network or that one. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Answer, aService, expectProblem, HYPERVISOR, type Service } from '../support/a-service.ts'
import { aHypervisor, aNetwork, aNic, aPool, aServer, nics } from '../support/builders.ts'

let service: Service
beforeAll(async () => {
  service = await aService()
  await aHypervisor(service, HYPERVISOR, ['eth1'])
})
afterAll(() => service.close())

const host = (network: { cidr: string }, number: number) => network.cidr.replace('.0/24', `.${number}`)
const get = async (id: string) => (await service.call('GET', `/v1/nics/${id}`)).body
const available = async (network: { id: string }) =>
  (await service.call('GET', `/v1/networks/${network.id}`)).body.addresses_available

describe('a NIC without address', () => {
  const bare = (network: { id: string }, over: object = {}) =>
    service.call('POST', '/v1/nics', { network_id: network.id, addressed: false, ...over })
  const network = async (id: string) => (await service.call('GET', `/v1/networks/${id}`)).body

  it('takes none of its network, and counts as one of 252 NICs', async () => {
    const { id, cidr } = await aNetwork(service)
    expect((await bare({ id })).body).toMatchObject({
      address: null,
      ipv6_address: null,
      port: 253,
      state: 'available',
    })
    const batch = await service.call('POST', '/v1/nics/batch', { network_id: id, count: 2, addressed: false })
    expect(batch.body.items.map(({ port, address }: Answer['body']) => [port, address])).toEqual([
      [254, null],
      [255, null],
    ])
    expect((await aNic(service, { network_id: id })).address).toBe(host({ cidr }, 2))
    expect(await network(id)).toMatchObject({ nic_count: 4, addresses_available: 251 })
    await service.call('DELETE', `/v1/nics/${batch.body.items[0].id}`)
    expect(await network(id)).toMatchObject({ nic_count: 3, addresses_available: 251 })
    expect((await bare({ id })).body.port).toBe(254)
  })

  it('has an IPv6 address where the network has a prefix', async () => {
    const { id } = await aNetwork(service, { ipv6_cidr: 'fd00:77::/64' })
    expect((await bare({ id })).body).toMatchObject({
      address: null,
      ipv6_address: expect.stringMatching(/^fd00:77::/),
    })
  })

  it('is as any other in a network that has no addresses, and is not to be had in one that is not joined', async () => {
    const unmanaged = await service.call('POST', '/v1/networks', { name: 'u', type: 'unmanaged' })
    expect((await bare(unmanaged.body)).body).toMatchObject({ address: null, port: 1 })
    const free = await service.call('POST', '/v1/networks', { name: 'm' })
    expectProblem(await bare(free.body), 409, 'network_not_joined')
  })

  it('is not asked for with an address', async () => {
    const { id, cidr } = await aNetwork(service)
    const single = await bare({ id }, { address: host({ cidr }, 9) })
    expectProblem(single, 400, 'invalid_request')
    expect(single.body.errors).toMatchObject([{ pointer: '/address' }])
    const batch = await service.call('POST', '/v1/nics/batch', {
      network_id: id,
      count: 2,
      addressed: false,
      addresses: [host({ cidr }, 9)],
    })
    expectProblem(batch, 400, 'invalid_request')
    expect(batch.body.errors).toMatchObject([{ pointer: '/addresses/0' }])
  })

  it('is refused beyond 252 NICs, however they are mixed, whoever races', async () => {
    const { id, cidr } = await aNetwork(service)
    await nics(service, id, 120)
    const batch = await service.call('POST', '/v1/nics/batch', { network_id: id, count: 120, addressed: false })
    expect(batch.status).toBe(201)
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, n) =>
        service.call('POST', '/v1/nics', { network_id: id, addressed: n % 2 === 0 }),
      ),
    )
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(12)
    const refused = answers.filter(({ status }) => status !== 201)
    expect(new Set(refused.map(({ body }) => `${body.code}: ${body.detail}`))).toEqual(
      new Set([`network_full: network ${id} has 252 of 252 NICs`]),
    )
    expect((await network(id)).nic_count).toBe(252)
    // In a network with all its NICs each of them can still move.
    const moved = await service.call('PATCH', `/v1/nics/${batch.body.items[0].id}`, { address: host({ cidr }, 250) })
    expect(moved.body).toMatchObject({ address: host({ cidr }, 250), port: 249 })
    expect((await network(id)).nic_count).toBe(252)
  })

  it('of 252 in one network is the last', async () => {
    const { id } = await aNetwork(service)
    const all = await service.call('POST', '/v1/nics/batch', { network_id: id, count: 252, addressed: false })
    expect(new Set(all.body.items.map(({ port }: Answer['body']) => port)).size).toBe(252)
    const more = await bare({ id })
    expectProblem(more, 409, 'network_full')
    expect(more.body.detail).toBe(`network ${id} has 252 of 252 NICs`)
    expect(await network(id)).toMatchObject({ nic_count: 252, addresses_available: 252 })
  })

  it('may be given one while it is available, and lose it again', async () => {
    const { id, cidr } = await aNetwork(service)
    const { body: nic } = await bare({ id })
    const url = `/v1/nics/${nic.id}`
    expect((await service.call('PATCH', url, { address: host({ cidr }, 40) })).body).toMatchObject({ port: 39 })
    expect(await network(id)).toMatchObject({ nic_count: 1, addresses_available: 251 })
    expect((await service.call('PATCH', url, { address: null })).body).toMatchObject({ address: null, port: 253 })
    expect((await service.call('PATCH', url, { address: null })).body).toMatchObject({ address: null, port: 253 })
    expect(await network(id)).toMatchObject({ nic_count: 1, addresses_available: 252 })
    const { items } = (await service.call('GET', `/v1/events?address=${host({ cidr }, 40)}`)).body
    expect(items.map(({ type }: Answer['body']) => type)).toEqual(['nic.address_released', 'nic.updated'])
  })

  it('gets no elastic IP, and one with an elastic IP keeps its address', async () => {
    const { id } = await aNetwork(service)
    const pool = await aPool(service)
    const eip = (await service.call('POST', '/v1/elastic-ips', { pool_id: pool.id })).body
    const associate = (nic_id: string) => service.call('POST', `/v1/elastic-ips/${eip.id}/associate`, { nic_id })
    const { body: nic } = await bare({ id })
    expectProblem(await associate(nic.id), 409, 'nic_unaddressed')
    const other = await aNic(service, { network_id: id })
    expect((await associate(other.id)).status).toBe(202)
    const refused = await service.call('PATCH', `/v1/nics/${other.id}`, { address: null })
    expectProblem(refused, 409, 'elastic_ip_in_use')
  })
})

describe('a NIC that moves to another network', () => {
  const counts = async (...ids: string[]) =>
    Promise.all(ids.map(async (id) => (await service.call('GET', `/v1/networks/${id}`)).body.nic_count))

  it('gets the lowest free address there, or the one asked for, with IPv6, and leaves its old one', async () => {
    const [from, to] = [
      await aNetwork(service, { ipv6_cidr: 'fd00:1::/64' }),
      await aNetwork(service, { ipv6_cidr: 'fd00:2::/64' }),
    ]
    const [one, two] = await nics(service, from.id, 2)
    await aNic(service, { network_id: to.id })
    const moved = await service.call('PATCH', `/v1/nics/${one.id}`, { network_id: to.id, name: 'moved' })
    expect(moved.body).toMatchObject({
      id: one.id,
      name: 'moved',
      network_id: to.id,
      address: host(to, 3),
      port: 2,
      ipv6_address: one.ipv6_address.replace('fd00:1:', 'fd00:2:'),
    })
    const asked = await service.call('PATCH', `/v1/nics/${two.id}`, { network_id: to.id, address: host(to, 99) })
    expect(asked.body).toMatchObject({ address: host(to, 99), port: 98 })
    expect(await counts(from.id, to.id)).toEqual([0, 3])
    expect(await available(from)).toBe(252)
    for (const address of [one.address, one.ipv6_address]) {
      const { items } = (await service.call('GET', `/v1/events?address=${address}&resource_id=${one.id}`)).body
      expect(items.map(({ type }: Answer['body']) => type)).toEqual(['nic.address_released', 'nic.created'])
    }
    const { items } = (await service.call('GET', `/v1/events?address=${moved.body.ipv6_address}`)).body
    expect(items.map(({ type }: Answer['body']) => type)).toEqual(['nic.updated'])
  })

  it('stays without address when it had none, and has one after a network that has none', async () => {
    const [from, to] = [await aNetwork(service), await aNetwork(service)]
    const unmanaged = (await service.call('POST', '/v1/networks', { name: 'u', type: 'unmanaged' })).body
    const bare = (await service.call('POST', '/v1/nics', { network_id: from.id, addressed: false })).body
    const url = `/v1/nics/${bare.id}`
    const moved = await service.call('PATCH', url, { network_id: to.id })
    expect(moved.body).toMatchObject({ network_id: to.id, address: null, port: 253 })
    expect((await service.call('PATCH', url, { network_id: unmanaged.id })).body).toMatchObject({
      address: null,
      port: 1,
    })
    expect((await service.call('PATCH', url, { network_id: from.id })).body).toMatchObject({ address: host(from, 2) })
    expect(await counts(from.id, to.id, unmanaged.id)).toEqual([1, 0, 0])
    expectProblem(
      await service.call('PATCH', url, { network_id: unmanaged.id, address: host(from, 3) }),
      409,
      'network_unmanaged',
    )
  })

  it('does not when it is on a server, has an elastic IP, or there is no such place', async () => {
    const [from, to] = [await aNetwork(service), await aNetwork(service)]
    const [card, public_, other] = await nics(service, from.id, 3)
    const taken = await aNic(service, { network_id: to.id })
    const move = (id: string, body: object) => service.call('PATCH', `/v1/nics/${id}`, body)
    const server = await aServer(service)
    await service.call('POST', `/v1/nics/${card.id}/attach`, { server_id: server.id })
    const onServer = await move(card.id, { network_id: to.id })
    expectProblem(onServer, 409, 'nic_in_use')
    expect(onServer.body.detail).toBe(`NIC ${card.id} is attaching: detach it before changing its network`)

    const eip = (await service.call('POST', '/v1/elastic-ips', { pool_id: (await aPool(service)).id })).body
    await service.call('POST', `/v1/elastic-ips/${eip.id}/associate`, { nic_id: public_.id })
    const withEip = await move(public_.id, { network_id: to.id })
    expectProblem(withEip, 409, 'elastic_ip_in_use')
    expect(withEip.body.detail).toContain(eip.id)

    expectProblem(await move(other.id, { network_id: to.id, address: taken.address }), 409, 'address_in_use')
    expectProblem(await move(other.id, { network_id: to.id, address: host(from, 9) }), 400, 'address_out_of_range')
    expectProblem(await move(other.id, { network_id: 'net-0000000000' }), 404, 'not_found')
    const theirs = await service.tokenOf('operator', await service.aProject())
    expectProblem(
      await service.call('PATCH', `/v1/nics/${other.id}`, { network_id: to.id }, { token: theirs }),
      404,
      'not_found',
    )
    expect(await get(other.id)).toEqual(other)
    expect(await counts(from.id, to.id)).toEqual([3, 1])
  })

  it('crosses others that move the other way, and no port is lost', async () => {
    const [left, right] = [await aNetwork(service), await aNetwork(service)]
    const there = await nics(service, left.id, 10)
    const back = await nics(service, right.id, 10)
    const answers = await Promise.all(
      there.flatMap(({ id }, n) => [
        service.call('PATCH', `/v1/nics/${id}`, { network_id: right.id }),
        service.call('PATCH', `/v1/nics/${back[n].id}`, { network_id: left.id }),
      ]),
    )
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
    expect(await counts(left.id, right.id)).toEqual([10, 10])
  })
})
