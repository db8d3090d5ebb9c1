import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { aService, expectProblem, type Service } from '../support/a-service.ts'
import { aNetwork, aNic, aVpc, nics } from '../support/builders.ts'

let service: Service
beforeAll(async () => {
  service = await aService()
})
afterAll(() => service.close())

const newNetwork = (body: object) => service.call('POST', '/v1/networks', { name: 'n', ...body })
const get = async (id: string) => (await service.call('GET', `/v1/networks/${id}`)).body
const third = (vpc: { cidr: string }, octet: number) => vpc.cidr.replace('.0.0/16', `.${octet}.0/24`)

describe('a managed network', () => {
  it('in a VPC has a VNI, a gateway and 252 addresses, and says where it is', async () => {
    const vpc = await aVpc(service, { cidr: '172.16.0.0/16' })
    const made = await newNetwork({ vpc_id: vpc.id, cidr: '172.16.1.0/24' })
    expect(made.status).toBe(201)
    expect(made.headers).toMatchObject({ location: `/v1/networks/${made.body.id}`, etag: '"1"' })
    expect(made.body).toMatchObject({
      type: 'managed',
      vpc_id: vpc.id,
      cidr: '172.16.1.0/24',
      gateway: '172.16.1.1',
      address_range: { first: '172.16.1.2', last: '172.16.1.253' },
      addresses_available: 252,
      nic_count: 0,
    })
    expect(made.body.vni).toBeGreaterThanOrEqual(4096)
    expect(await get(made.body.id)).toEqual(made.body)
  })

  it('may join a VPC later, once, and leave it again', async () => {
    const vpc = await aVpc(service)
    const network = (await newNetwork({})).body
    expect(network).toMatchObject({ vpc_id: null, cidr: null, gateway: null, address_range: null })
    expectProblem(await service.call('POST', '/v1/nics', { network_id: network.id }), 409, 'network_not_joined')

    const url = `/v1/networks/${network.id}`
    const subnet = { vpc_id: vpc.id, cidr: third(vpc, 9) }
    const joined = await service.call('POST', `${url}/join`, subnet)
    expect(joined.status).toBe(200)
    expect(joined.headers.etag).toBe('"2"')
    expect(joined.body).toMatchObject({ ...subnet, gateway: third(vpc, 9).replace('.0/24', '.1') })
    expect((await service.call('POST', `${url}/join`, subnet)).body).toEqual(joined.body) // asked for what is so
    const elsewhere = await service.call('POST', `${url}/join`, { ...subnet, cidr: third(vpc, 10) })
    expectProblem(elsewhere, 409, 'network_joined_already')

    const left = await service.call('POST', `${url}/leave`)
    expect(left).toMatchObject({ status: 200, body: { vpc_id: null, cidr: null, gateway: null } })
    expect((await service.call('POST', `${url}/leave`, {})).body).toEqual(left.body)
    expect((await service.call('POST', `${url}/join`, { ...subnet, cidr: third(vpc, 10) })).status).toBe(200)
  })

  it('with NICs neither leaves nor is deleted', async () => {
    const network = await aNetwork(service)
    const nic = await aNic(service, { network_id: network.id })
    const leave = await service.call('POST', `/v1/networks/${network.id}/leave`)
    expectProblem(leave, 409, 'network_in_use')
    expect(leave.body.detail).toBe(`network ${network.id} has 1 NICs: delete them first`)
    const gone = await service.call('DELETE', `/v1/networks/${network.id}`)
    expectProblem(gone, 409, 'network_in_use')
    expect(gone.body.detail).toBe(leave.body.detail)
    expect(await get(network.id)).toMatchObject({ vpc_id: network.vpc_id, nic_count: 1, addresses_available: 251 })
    await service.call('DELETE', `/v1/nics/${nic.id}`)
    expect((await service.call('DELETE', `/v1/networks/${network.id}`)).status).toBe(204)
    expectProblem(await service.call('GET', `/v1/networks/${network.id}`), 404, 'not_found')
  })

  it('is refused a CIDR that is no /24 of its VPC, that another network has, or a VPC that is not there', async () => {
    const vpc = await aVpc(service, { cidr: '10.77.0.0/16' })
    const at = (cidr: string) => newNetwork({ vpc_id: vpc.id, cidr })
    expectProblem(await at('10.77.1.0/25'), 400, 'cidr_invalid')
    expectProblem(await at('10.77.2.0/23'), 400, 'cidr_invalid')
    expectProblem(await at('10.78.1.0/24'), 400, 'cidr_outside_vpc')
    expectProblem(await at('10.77.0.0/16'), 400, 'cidr_outside_vpc')
    expectProblem(await at('10.77.255.0/24'), 400, 'cidr_reserved')
    expect((await at('10.77.1.0/24')).status).toBe(201)
    const overlap = await at('10.77.1.0/24')
    expectProblem(overlap, 409, 'cidr_overlaps')
    expect(overlap.body.errors).toMatchObject([{ in: 'body', pointer: '/cidr' }])
    expectProblem(await newNetwork({ vpc_id: 'vpc-0000000000', cidr: '10.77.1.0/24' }), 404, 'not_found')
  })

  it('may have the same CIDR as one in another VPC, with the same addresses', async () => {
    const made = await Promise.all(
      [1, 2].map(async () => {
        const vpc = await aVpc(service, { cidr: '10.200.0.0/16' })
        const network = await newNetwork({ vpc_id: vpc.id, cidr: '10.200.5.0/24' })
        return aNic(service, { network_id: network.body.id, address: '10.200.5.5' })
      }),
    )
    expect(made.map(({ address }) => address)).toEqual(['10.200.5.5', '10.200.5.5'])
    expect(made[0].id).not.toBe(made[1].id)
  })
})

describe('an unmanaged network', () => {
  it('has no VPC and no addresses', async () => {
    const vpc = await aVpc(service)
    const subnet = { vpc_id: vpc.id, cidr: third(vpc, 3) }
    const refused = await newNetwork({ type: 'unmanaged', ...subnet })
    expectProblem(refused, 409, 'network_unmanaged')
    expect(refused.body.errors).toMatchObject([{ pointer: '/vpc_id' }])
    const { body } = await newNetwork({ type: 'unmanaged' })
    expect(body).toMatchObject({ type: 'unmanaged', vpc_id: null, cidr: null, gateway: null, address_range: null })
    expectProblem(await service.call('POST', `/v1/networks/${body.id}/join`, subnet), 409, 'network_unmanaged')
    expect((await service.call('POST', `/v1/networks/${body.id}/leave`)).status).toBe(200)
  })

  it('takes NICs without address on 252 ports; a wanted address and the 253rd NIC are refused', async () => {
    const network = (await newNetwork({ type: 'unmanaged' })).body
    const wanted = await service.call('POST', '/v1/nics', { network_id: network.id, address: '10.0.0.5' })
    expectProblem(wanted, 409, 'network_unmanaged')
    expect(wanted.body.errors).toMatchObject([{ pointer: '/address' }])
    const made = await nics(service, network.id, 252)
    expect(made.map(({ port }) => port)).toEqual(Array.from({ length: 252 }, (_, index) => index + 1))
    expect(new Set(made.map(({ address }) => address))).toEqual(new Set([null]))
    const full = await service.call('POST', '/v1/nics', { network_id: network.id })
    expectProblem(full, 409, 'network_full')
    expect(full.body.detail).toBe(`network ${network.id} has 252 of 252 addresses in use`)
    await service.call('DELETE', `/v1/nics/${made[100].id}`)
    expect((await aNic(service, { network_id: network.id })).port).toBe(101)
    const moved = await service.call('PATCH', `/v1/nics/${made[0].id}`, { address: '10.0.0.5' })
    expectProblem(moved, 409, 'network_unmanaged')
  })
})

describe('networks', () => {
  it('are listed newest first, by name, type and VPC', async () => {
    const vpc = await aVpc(service)
    const inVpc = (await newNetwork({ name: 'listed', vpc_id: vpc.id, cidr: third(vpc, 1) })).body
    const bare = (await newNetwork({ name: 'listed', type: 'unmanaged' })).body
    const ids = async (query: string) =>
      (await service.call('GET', `/v1/networks?${query}`)).body.items.map(({ id }: { id: string }) => id)
    expect(await ids('name=listed')).toEqual([bare.id, inVpc.id])
    expect(await ids('name=listed&type=managed')).toEqual([inVpc.id])
    expect(await ids(`vpc_id=${vpc.id}`)).toEqual([inVpc.id])
    expect(await ids('name=other')).toEqual([])
  })

  it('change name, description and tags only if they match If-Match', async () => {
    const network = await aNetwork(service)
    const url = `/v1/networks/${network.id}`
    const after = await service.call(
      'PATCH',
      url,
      { description: 'd', tags: { a: 'b' } },
      { headers: { 'if-match': '"1"' } },
    )
    expect(after).toMatchObject({ status: 200, body: { description: 'd', tags: { a: 'b' }, name: network.name } })
    for (const method of ['PATCH', 'DELETE']) {
      const body = method === 'PATCH' ? { name: 'x' } : undefined
      expectProblem(
        await service.call(method, url, body, { headers: { 'if-match': '"1"' } }),
        412,
        'precondition_failed',
      )
    }
  })

  it('keep their ETag while NICs come and go: nobody has changed them', async () => {
    const network = await aNetwork(service)
    await aNic(service, { network_id: network.id })
    expect((await get(network.id)).generation).toBe(network.generation)
  })

  it('leave a trail of events', async () => {
    const network = await aNetwork(service)
    const url = `/v1/networks/${network.id}`
    await service.call('PATCH', url, { name: 'renamed' })
    await service.call('POST', `${url}/leave`)
    await service.call('POST', `${url}/join`, { vpc_id: network.vpc_id, cidr: network.cidr })
    await service.call('DELETE', url)
    const { items } = (await service.call('GET', `/v1/events?resource_id=${network.id}`)).body
    expect(items.map(({ type }: { type: string }) => type)).toEqual(
      ['deleted', 'joined', 'left', 'updated', 'created'].map((what) => `network.${what}`),
    )
  })
})
