/** Addresses that no NIC is given. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { refusedConstraint } from '../../src/db/constraint-errors.ts'
import { type Answer, aService, expectProblem, HYPERVISOR, type Service } from '../support/a-service.ts'
import { aNetwork, aNic, aServer, finish, nics } from '../support/builders.ts'

let service: Service
beforeAll(async () => {
  service = await aService()
})
afterAll(() => service.close())

const host = (network: { cidr: string }, number: number) => network.cidr.replace('.0/24', `.${number}`)
const reserve = (body: object) => service.call('POST', '/v1/reserved-addresses', body)
const list = async (query: string): Promise<Answer['body'][]> =>
  (await service.call('GET', `/v1/reserved-addresses?${query}`)).body.items
const hostsOf = async (network: { id: string }) =>
  (await list(`network_id=${network.id}&limit=1000`)).map(({ address }) => Number(address.split('.')[3])).reverse()
const read = async ({ id }: { id: string }) => (await service.call('GET', `/v1/networks/${id}`)).body

describe('reserving addresses', () => {
  it('takes the lowest free ones, answers with a job that names them, and no NIC gets them', async () => {
    const network = await aNetwork(service)
    await aNic(service, { network_id: network.id, address: host(network, 3) })
    const { status, body } = await reserve({ network_id: network.id, count: 3, name: 'pods', description: 'd' })
    expect(status).toBe(202)
    expect(body).toMatchObject({ action: 'network.apply', state: 'successful', hypervisor_id: null })
    const rows = await list(`network_id=${network.id}`)
    expect(body.resources).toEqual(rows.map(({ id }) => ({ type: 'reserved_address', id })).reverse())
    expect(await hostsOf(network)).toEqual([2, 4, 5])
    const [newest] = rows
    expect(newest).toMatchObject({ network_id: network.id, name: 'pods', description: 'd', address: host(network, 5) })
    const one = await service.call('GET', `/v1/reserved-addresses/${newest.id}`)
    expect(one).toMatchObject({ status: 200, body: newest, headers: { etag: '"1"' } })
    expect(await read(network)).toMatchObject({ nic_count: 1, addresses_available: 248 })
    expect((await aNic(service, { network_id: network.id })).address).toBe(host(network, 6))
    const asked = await service.call('POST', '/v1/nics', { network_id: network.id, address: host(network, 4) })
    expectProblem(asked, 409, 'address_in_use')
  })

  it('takes one alone, those asked for, and the lowest free ones of a range', async () => {
    const network = await aNetwork(service)
    await reserve({ network_id: network.id })
    expect(await hostsOf(network)).toEqual([2])
    await reserve({ network_id: network.id, addresses: [host(network, 99), host(network, 98)] })
    expect(await hostsOf(network)).toEqual([2, 99, 98])
    const range = { first: host(network, 97), last: host(network, 254) }
    await reserve({ network_id: network.id, count: 2, range })
    expect(await hostsOf(network)).toEqual([2, 99, 98, 97, 100])
    await reserve({ network_id: network.id, range: { first: host(network, 200), last: host(network, 202) } })
    await reserve({ network_id: network.id, count: 2, addresses: [host(network, 50)] })
    expect(await hostsOf(network)).toEqual([2, 99, 98, 97, 100, 200, 201, 202, 50, 3])
  })

  it('is done whole or not at all', async () => {
    const network = await aNetwork(service)
    await aNic(service, { network_id: network.id, address: host(network, 20) })
    const refused = async (body: object, status: number, code: string, pointer: string) => {
      const answer = await reserve({ network_id: network.id, ...body })
      expectProblem(answer, status, code)
      expect(answer.body.errors).toMatchObject([{ in: 'body', pointer }])
      return answer.body.detail
    }
    const range = (first: number, last: number) => ({ first: host(network, first), last: host(network, last) })
    expect(await refused({ count: 252 }, 409, 'network_full', '/network_id')).toBe(
      `network ${network.id} has 1 of 252 addresses in use; 252 were asked for`,
    )
    const some = [host(network, 30), host(network, 20)]
    await refused({ addresses: some }, 409, 'address_in_use', '/addresses/1')
    await refused({ addresses: [host(network, 254)] }, 400, 'address_out_of_range', '/addresses/0')
    await refused({ addresses: some, count: 1 }, 400, 'invalid_request', '/addresses')
    await refused({ addresses: some, range: range(2, 9) }, 400, 'invalid_request', '/range')
    await refused({ range: range(9, 2) }, 400, 'invalid_request', '/range')
    await refused({ range: range(18, 22) }, 409, 'address_in_use', '/range')
    await refused({ range: range(250, 254) }, 400, 'address_out_of_range', '/range')
    await refused({ range: { ...range(2, 3), last: '192.0.2.1' } }, 400, 'address_out_of_range', '/range/last')
    expect(await refused({ count: 5, range: range(18, 22) }, 409, 'network_full', '/range')).toBe(
      `range ${host(network, 18)}-${host(network, 22)} of network ${network.id} has 1 of 5 addresses in use; 5 were asked for`,
    )
    await refused({ network_id: 'net-0000000000' }, 404, 'not_found', '/network_id')
    const free = (await service.call('POST', '/v1/networks', { name: 'm' })).body
    await refused({ network_id: free.id }, 409, 'network_not_joined', '/network_id')
    const unmanaged = (await service.call('POST', '/v1/networks', { name: 'u', type: 'unmanaged' })).body
    await refused({ network_id: unmanaged.id }, 409, 'network_unmanaged', '/network_id')
    expect(await hostsOf(network)).toEqual([])
    expect(await read(network)).toMatchObject({ nic_count: 1, addresses_available: 251 })
  })

  it('takes all 252 beside as many NICs without address', async () => {
    const network = await aNetwork(service)
    await service.call('POST', '/v1/nics/batch', { network_id: network.id, count: 252, addressed: false })
    expect((await reserve({ network_id: network.id, count: 252 })).status).toBe(202)
    expect(await hostsOf(network)).toEqual(Array.from({ length: 252 }, (_, n) => n + 2))
    expect(await read(network)).toMatchObject({ nic_count: 252, addresses_available: 0 })
    expectProblem(await reserve({ network_id: network.id }), 409, 'network_full')
  })

  it('of the same address by many at once: one gets it', async () => {
    const network = await aNetwork(service)
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        n % 2 === 0
          ? reserve({ network_id: network.id, addresses: [host(network, 77)] })
          : service.call('POST', '/v1/nics', { network_id: network.id, address: host(network, 77) }),
      ),
    )
    expect(answers.filter(({ status }) => status < 300)).toHaveLength(1)
    const refused = answers.filter(({ status }) => status >= 300)
    expect(new Set(refused.map(({ body }) => body.code))).toEqual(new Set(['address_in_use']))
  })
})

describe('a reserved address', () => {
  it('is another project’s business only there', async () => {
    const network = await aNetwork(service)
    const { resources } = (await reserve({ network_id: network.id })).body
    const token = await service.tokenOf('operator', await service.aProject())
    const url = `/v1/reserved-addresses/${resources[0].id}`
    for (const method of ['GET', 'DELETE'])
      expectProblem(await service.call(method, url, undefined, { token }), 404, 'not_found')
    expectProblem(
      await service.call('POST', '/v1/reserved-addresses', { network_id: network.id }, { token }),
      404,
      'not_found',
    )
    expect((await service.call('GET', '/v1/reserved-addresses', undefined, { token })).body.items).toEqual([])
  })

  it('changes its name and description, if it matches If-Match, and tells of it', async () => {
    const network = await aNetwork(service)
    const { resources } = (await reserve({ network_id: network.id, name: 'n' })).body
    const url = `/v1/reserved-addresses/${resources[0].id}`
    const before = (await service.call('GET', url)).body
    const change = (body: object, etag: string) => service.call('PATCH', url, body, { headers: { 'if-match': etag } })
    expectProblem(await change({ name: 'x' }, '"7"'), 412, 'precondition_failed')
    const changed = await change({ name: '', description: 'for pods' }, '"1"')
    expect(changed).toMatchObject({ status: 200, headers: { etag: '"2"' } })
    expect(changed.body).toEqual({
      ...before,
      name: '',
      description: 'for pods',
      generation: 2,
      updated_at: changed.body.updated_at,
    })
    expect((await service.call('GET', url)).body).toEqual(changed.body)
    const { items } = (await service.call('GET', `/v1/events?resource_id=${resources[0].id}`)).body
    expect(items[0]).toMatchObject({
      type: 'reserved_address.updated',
      address: before.address,
      data: { name: '', description: 'for pods' },
    })
    for (const body of [{}, { address: host(network, 9) }, { name: 5 }])
      expectProblem(await service.call('PATCH', url, body), 400, 'invalid_request')
    const token = await service.tokenOf('operator', await service.aProject())
    expectProblem(await service.call('PATCH', url, { name: 'x' }, { token }), 404, 'not_found')
  })

  it('is given back, and is the next one to be taken', async () => {
    const network = await aNetwork(service)
    const { resources } = (await reserve({ network_id: network.id, count: 2, name: 'n' })).body
    const url = `/v1/reserved-addresses/${resources[0].id}`
    const stale = await service.call('DELETE', url, undefined, { headers: { 'if-match': '"7"' } })
    expectProblem(stale, 412, 'precondition_failed')
    const gone = await service.call('DELETE', url, undefined, { headers: { 'if-match': '"1"' } })
    expect(gone).toMatchObject({ status: 202, body: { state: 'successful', resources: [resources[0]] } })
    expectProblem(await service.call('GET', url), 404, 'not_found')
    expectProblem(await service.call('DELETE', url), 404, 'not_found')
    expect(await read(network)).toMatchObject({ addresses_available: 251 })
    expect((await aNic(service, { network_id: network.id })).address).toBe(host(network, 2))
    const { items } = (await service.call('GET', `/v1/events?address=${host(network, 2)}`)).body
    expect(items.map(({ type }: Answer['body']) => type)).toEqual([
      'nic.created',
      'reserved_address.deleted',
      'reserved_address.created',
    ])
    expect(items[2]).toMatchObject({ resource_type: 'reserved_address', data: { network_id: network.id, name: 'n' } })
  })

  it('is listed by network and name, page by page', async () => {
    const [network, other] = [await aNetwork(service), await aNetwork(service)]
    await reserve({ network_id: network.id, count: 5, name: 'a' })
    await reserve({ network_id: network.id, count: 2, name: 'b' })
    await reserve({ network_id: other.id, count: 1, name: 'a' })
    expect(await list(`network_id=${network.id}&name=a`)).toHaveLength(5)
    expect(await list(`network_id=${network.id}`)).toHaveLength(7)
    const page = async (query: string) =>
      (await service.call('GET', `/v1/reserved-addresses?network_id=${network.id}&limit=4&${query}`)).body
    const first = await page('')
    const second = await page(`cursor=${first.next_cursor}`)
    expect([first.items.length, second.items.length, second.next_cursor]).toEqual([4, 3, null])
  })

  it('keeps its network where it is', async () => {
    const network = await aNetwork(service)
    const { resources } = (await reserve({ network_id: network.id, count: 2 })).body
    for (const [method, url] of [
      ['DELETE', ''],
      ['POST', '/leave'],
    ]) {
      const refused = await service.call(
        method ?? '',
        `/v1/networks/${network.id}${url}`,
        method === 'POST' ? {} : undefined,
      )
      expectProblem(refused, 409, 'network_in_use')
      expect(refused.body.detail).toBe(`network ${network.id} has 0 NICs and 2 reserved addresses: delete them first`)
    }
    for (const { id } of resources) await service.call('DELETE', `/v1/reserved-addresses/${id}`)
    expect((await service.call('DELETE', `/v1/networks/${network.id}`)).status).toBe(204)
  })
})

describe('the hypervisors', () => {
  const desired = async () => (await service.asWorker('GET', '/desired-state')).body
  const orderOf = async (network: { id: string }) =>
    (await desired()).networks.find(({ id }: { id: string }) => id === network.id)

  it('hear of them where a NIC has no address, by a job', async () => {
    const network = await aNetwork(service)
    const server = await aServer(service)
    const [addressed] = await nics(service, network.id, 1)
    const attach = async (id: string) =>
      finish(service, (await service.call('POST', `/v1/nics/${id}/attach`, { server_id: server.id })).body.id)
    await attach(addressed.id)
    expect((await reserve({ network_id: network.id, addresses: [host(network, 9)] })).body.state).toBe('successful')
    expect((await orderOf(network)).reserved_addresses).toEqual([])

    const bare = (await service.call('POST', '/v1/nics', { network_id: network.id, addressed: false })).body
    const order = await attach(bare.id)
    const ordered = order.networks.find(({ id }: { id: string }) => id === network.id)
    expect(ordered.reserved_addresses).toEqual([host(network, 9)])
    const { body: job } = await reserve({ network_id: network.id, addresses: [host(network, 8)] })
    expect(job).toMatchObject({ state: 'pending', hypervisor_id: HYPERVISOR, action: 'network.apply' })
    expect((await orderOf(network)).reserved_addresses).toEqual([host(network, 8), host(network, 9)])
    expect((await finish(service, job.id)).job.resources).toEqual(job.resources)
    const released = await service.call('DELETE', `/v1/reserved-addresses/${job.resources[0].id}`)
    expect(released.body).toMatchObject({ state: 'pending', hypervisor_id: HYPERVISOR })
    expect((await orderOf(network)).reserved_addresses).toEqual([host(network, 9)])
    await finish(service, released.body.id)
  })

  it('take them for members of the groups that those NICs are in', async () => {
    const network = await aNetwork(service)
    const server = await aServer(service)
    const bare = (await service.call('POST', '/v1/nics', { network_id: network.id, addressed: false })).body
    const membersHere = async () =>
      (await desired()).groups
        .find(({ id }: { id: string }) => id === bare.security_group_ids[0])
        ?.members.filter(({ scope }: { scope: string }) => scope === network.vpc_id)
        .map(({ address }: { address: string }) => address)
    await reserve({ network_id: network.id, count: 2 })
    await finish(service, (await service.call('POST', `/v1/nics/${bare.id}/attach`, { server_id: server.id })).body.id)
    expect(await membersHere()).toEqual([host(network, 2), host(network, 3)])
  })
})

describe('the database refuses what breaks', () => {
  it.each([
    ['network_held_are_taken', `UPDATE network SET held = set_bit(held, 100, 1) WHERE id = $1`],
    [
      'network_nics_limit',
      `UPDATE network SET ports = ~repeat('0', 252)::bit(252), unaddressed = set_bit(unaddressed, 7, 1), held = repeat('0', 252)::bit(252) WHERE id = $1`,
    ],
    [
      'reserved_address_port_range',
      `UPDATE reserved_address SET port = 253, address = address + 252 WHERE network_id = $1`,
    ],
    [
      'reserved_address_port_key',
      `INSERT INTO reserved_address (id, project_id, network_id, network_cidr, port, address)
       SELECT 'ra-x', project_id, network_id, network_cidr, port, address FROM reserved_address WHERE network_id = $1`,
    ],
    ['reserved_address_is_port', `UPDATE reserved_address SET port = 100 WHERE network_id = $1`],
    ['reserved_address_network_fk', `UPDATE reserved_address SET project_id = 'prj-other' WHERE network_id = $1`],
    [
      'reserved_address_network_cidr_fk',
      `UPDATE reserved_address SET network_cidr = '10.99.99.0/24', address = '10.99.99.2' WHERE network_id = $1`,
    ],
    ['nic_unaddressed_has_cidr', `UPDATE nic SET network_cidr = NULL WHERE network_id = $1`],
  ])('%s', async (constraint, sql) => {
    const network = await aNetwork(service)
    await reserve({ network_id: network.id })
    await service.call('POST', '/v1/nics', { network_id: network.id, addressed: false })
    const error = await service.db.$client.query(sql, [network.id]).then(
      () => undefined,
      (refused: unknown) => refused,
    )
    expect(refusedConstraint(error)?.constraint).toBe(constraint)
  })
})
