import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Answer, aService, expectProblem, HYPERVISOR, type Service } from '../support/a-service.ts'
import { aHypervisor, aPool } from '../support/builders.ts'

let service: Service
beforeAll(async () => {
  service = await aService()
  await aHypervisor(service, HYPERVISOR, ['eth1', 'br0'])
})
afterAll(() => service.close())

const POOLS = '/v1/elastic-ip-pools'
const RANGE = { cidr: '203.0.113.0/24', gateway: '203.0.113.1', first: '203.0.113.10', last: '203.0.113.19' }
const newPool = (over: object) => service.call('POST', POOLS, { name: 'public', interface: 'eth1', ...RANGE, ...over })
const take = (pool_id: string, address?: string) => service.call('POST', '/v1/elastic-ips', { pool_id, address })

describe('a pool of elastic IPs', () => {
  it('is made with its place and ETag, counts its addresses, and is read back the same', async () => {
    const made = await newPool({})
    expect(made.status).toBe(201)
    expect(made.headers).toMatchObject({ location: `${POOLS}/${made.body.id}`, etag: '"1"' })
    expect(made.body).toMatchObject({ ...RANGE, interface: 'eth1', addresses_total: 10, addresses_available: 10 })
    expect((await service.call('GET', `${POOLS}/${made.body.id}`)).body).toEqual(made.body)
    await take(made.body.id)
    expect((await service.call('GET', `${POOLS}?name=public`)).body.items).toEqual([
      { ...made.body, addresses_available: 9 },
    ])
  })

  it('is found by any project, and changed by admins only', async () => {
    const pool = await aPool(service)
    const reader = { token: await service.tokenOf('reader', await service.aProject()) }
    expect((await service.call('GET', `${POOLS}/${pool.id}`, undefined, reader)).body).toEqual(pool)
    expect((await service.call('GET', `${POOLS}?limit=1`, undefined, reader)).body.items).toEqual([pool])
    const operator = { token: await service.tokenOf('operator') }
    for (const refused of [
      await service.call('POST', POOLS, {}, operator),
      await service.call('PATCH', `${POOLS}/${pool.id}`, { name: 'x' }, operator),
      await service.call('DELETE', `${POOLS}/${pool.id}`, undefined, operator),
    ]) {
      expectProblem(refused, 403, 'forbidden')
    }
  })

  it.each([
    ['a CIDR that is too wide', { cidr: '203.0.0.0/15' }, 'cidr_invalid', ['/cidr cidr must be a /16 to /30']],
    ['a CIDR that is too narrow', { cidr: '203.0.113.0/31' }, 'cidr_invalid', ['/cidr cidr must be a /16 to /30']],
    ...['0.1.2', '127.0.0', '169.254.0', '224.0.0', '255.255.255'].map((net): [string, object, string, string[]] => [
      `${net}.0/24, which is not of unicast addresses`,
      { cidr: `${net}.0/24`, gateway: `${net}.1`, first: `${net}.2`, last: `${net}.9` },
      'cidr_invalid',
      ['/cidr cidr must be of unicast addresses: not of 0.0.0.0/8, 127.0.0.0/8, 169.254.0.0/16 or 224.0.0.0/3'],
    ]),
    [
      'a gateway elsewhere',
      { gateway: '203.0.114.1' },
      'pool_range_invalid',
      ['/gateway gateway 203.0.114.1 lies outside 203.0.113.0/24'],
    ],
    [
      'a gateway in its range',
      { gateway: '203.0.113.15' },
      'pool_range_invalid',
      ['/gateway gateway 203.0.113.15 lies in the range 203.0.113.10 to 203.0.113.19'],
    ],
    [
      'the network address as gateway',
      { gateway: '203.0.113.0' },
      'pool_range_invalid',
      ['/gateway gateway 203.0.113.0 is the network address of 203.0.113.0/24'],
    ],
    [
      'the network address as first',
      { first: '203.0.113.0', gateway: '203.0.113.254' },
      'pool_range_invalid',
      ['/first first 203.0.113.0 is the network address of 203.0.113.0/24'],
    ],
    [
      'the broadcast address as last',
      { last: '203.0.113.255' },
      'pool_range_invalid',
      ['/last last 203.0.113.255 is the broadcast address of 203.0.113.0/24'],
    ],
    [
      'its ends the wrong way round',
      { first: '203.0.113.20' },
      'pool_range_invalid',
      ['/last last 203.0.113.19 comes before first 203.0.113.20'],
    ],
    [
      'much that is wrong, all of it at once',
      { cidr: '198.51.100.0/24', first: '198.51.100.7' },
      'pool_range_invalid',
      [
        '/gateway gateway 203.0.113.1 lies outside 198.51.100.0/24',
        '/last last 203.0.113.19 lies outside 198.51.100.0/24',
        '/gateway gateway 203.0.113.1 lies in the range 198.51.100.7 to 203.0.113.19',
      ],
    ],
    [
      'an interface that no hypervisor has',
      { interface: 'eth7' },
      'interface_unknown',
      ['/interface no hypervisor has the interface eth7; known: br0, eth1'],
    ],
  ])('is not made with %s', async (_what, over, code, places) => {
    const refused = await newPool(over)
    expectProblem(refused, 400, code)
    expect(
      refused.body.errors.map((one: { pointer: string; detail: string }) => `${one.pointer} ${one.detail}`),
    ).toEqual(places)
  })

  it('neither overlaps another nor has its name', async () => {
    const pool = await aPool(service)
    const overlaps = await newPool({ ...pick(pool), name: 'another' })
    expectProblem(overlaps, 409, 'elastic_ip_pool_overlaps')
    expect(overlaps.body.errors).toMatchObject([{ in: 'body', pointer: '/cidr' }])
    const [same, other] = [await newPool({ name: pool.name, ...elsewhere }), await aPool(service)]
    const renamed = await service.call('PATCH', `${POOLS}/${other.id}`, { name: pool.name })
    for (const refused of [same, renamed]) {
      expectProblem(refused, 409, 'name_in_use')
      expect(refused.body.errors).toMatchObject([{ in: 'body', pointer: '/name' }])
    }
  })
  const pick = ({ cidr, gateway, first, last }: typeof RANGE) => ({ cidr, gateway, first, last })
  const elsewhere = { cidr: '198.18.0.0/30', gateway: '198.18.0.1', first: '198.18.0.2', last: '198.18.0.2' }

  it('gives out no address of a bridged network on its interface, nor its gateway, nor the other way round', async () => {
    const net = '198.18.30'
    const pool = { cidr: `${net}.0/24`, gateway: `${net}.1`, first: `${net}.100`, last: `${net}.120`, interface: 'br0' }
    const bridged = (over: object) =>
      service.call('POST', '/v1/networks', {
        name: 'n',
        mode: 'bridged',
        interface: 'br0',
        cidr: `${net}.0/24`,
        ...over,
      })
    const range = (first: number, last: number) => ({
      address_range: { first: `${net}.${first}`, last: `${net}.${last}` },
    })
    const pointers = ({ body }: Answer) => body.errors.map(({ pointer }: { pointer: string }) => pointer)
    const first = await bridged({ gateway: `${net}.1`, ...range(50, 99) })
    expect(first.status).toBe(201) // their gateway is the same machine

    for (const [over, blamed] of [
      [{ first: `${net}.99` }, ['/first', '/last']],
      [{ first: `${net}.60`, last: `${net}.60` }, ['/first', '/last']],
      [{ gateway: `${net}.50` }, ['/gateway']],
      [{ gateway: `${net}.200`, first: `${net}.1`, last: `${net}.9` }, ['/first', '/last']],
    ] as const) {
      const refused = await newPool({ ...pool, name: 'on br0', ...over })
      expectProblem(refused, 409, 'elastic_ip_pool_overlaps')
      expect(pointers(refused)).toEqual(blamed)
    }
    const made = await newPool({ ...pool, name: 'on br0' })
    expect(made.status).toBe(201)
    const url = `${POOLS}/${made.body.id}`
    const wider = await service.call('PATCH', url, { first: `${net}.99` })
    expectProblem(wider, 409, 'elastic_ip_pool_overlaps')
    expect(pointers(wider)).toEqual(['/first'])
    expect((await service.call('PATCH', url, { last: `${net}.150`, name: 'wider' })).status).toBe(200)

    for (const [over, blamed] of [
      [range(150, 160), '/address_range'],
      [{ gateway: `${net}.110`, ...range(200, 210) }, '/gateway'],
      [{ gateway: `${net}.60`, ...range(200, 210) }, '/gateway'],
    ] as const) {
      const refused = await bridged(over)
      expectProblem(refused, 409, 'cidr_overlaps')
      expect(pointers(refused)).toEqual([blamed])
    }
    // What is given back, or moved away, is free again; and another interface is another segment.
    await service.call('DELETE', `/v1/networks/${first.body.id}`)
    expect((await service.call('PATCH', url, { first: `${net}.99` })).status).toBe(200)
    expect((await bridged({ ...range(50, 98) })).status).toBe(201)
    expect((await bridged({ interface: 'eth1', ...range(99, 150) })).status).toBe(201)
    await service.call('DELETE', url)
    expect((await bridged({ ...range(99, 150) })).status).toBe(201)
  })

  it('and a bridged network that want the same addresses at once: one gets them', async () => {
    for (let round = 0; round < 8; round++) {
      const net = `198.18.${40 + round}`
      const answers = await Promise.all([
        aPoolOn(net),
        service.call('POST', '/v1/networks', { name: 'n', mode: 'bridged', interface: 'br0', cidr: `${net}.0/24` }),
      ])
      expect(answers.map(({ status }) => status).sort()).toEqual([201, 409])
    }
  })
  const aPoolOn = (net: string) =>
    newPool({
      name: net,
      interface: 'br0',
      cidr: `${net}.0/24`,
      gateway: `${net}.1`,
      first: `${net}.9`,
      last: `${net}.20`,
    })

  it('may have one address', async () => {
    expect((await newPool({ name: 'one', ...elsewhere })).body).toMatchObject({ addresses_total: 1 })
  })

  it('is renamed and made wider or narrower, but not past its gateway or its elastic IPs', async () => {
    const pool = await aPool(service)
    const at = (last: number) => pool.first.replace(/\d+$/, String(last))
    const change = (body: object, headers = {}) => service.call('PATCH', `${POOLS}/${pool.id}`, body, { headers })
    await take(pool.id, at(30))
    await take(pool.id, at(31))
    const changed = await change({ name: 'renamed', first: at(30), last: at(31) })
    expect(changed).toMatchObject({ status: 200, headers: { etag: '"2"' } })
    expect(changed.body).toMatchObject({ name: 'renamed', addresses_total: 2, addresses_available: 0 })

    const [before, after, gateway] = [
      await change({ first: at(31) }),
      await change({ last: at(30) }),
      await change({ first: at(1) }),
    ]
    expectProblem(before, 409, 'elastic_ip_pool_in_use')
    expect(before.body.errors).toMatchObject([{ pointer: '/first', detail: `1 elastic IPs lie before ${at(31)}` }])
    expectProblem(after, 409, 'elastic_ip_pool_in_use')
    expect(after.body.errors).toMatchObject([{ pointer: '/last', detail: `1 elastic IPs lie after ${at(30)}` }])
    expectProblem(gateway, 400, 'pool_range_invalid')
    expect(gateway.body.errors).toMatchObject([
      { pointer: '/first', detail: `first ${at(1)} takes the gateway ${at(1)} into the range` },
    ])
    const past = await change({ first: at(32) })
    expectProblem(past, 400, 'pool_range_invalid')
    expect(past.body.errors).toMatchObject([
      { pointer: '/first', detail: `first ${at(32)} comes after last ${at(31)}` },
    ])
    expectProblem(await change({ name: 'x' }, { 'if-match': '"1"' }), 412, 'precondition_failed')
    expectProblem(await change({ cidr: '203.0.113.0/25' }), 400, 'invalid_request')
  })

  it('with elastic IPs is not deleted, and says how many', async () => {
    const pool = await aPool(service)
    const url = `${POOLS}/${pool.id}`
    const [one, two] = [await take(pool.id), await take(pool.id)]
    const refused = await service.call('DELETE', url)
    expectProblem(refused, 409, 'elastic_ip_pool_in_use')
    expect(refused.body.detail).toBe(`pool ${pool.id} has 2 elastic IPs in use: delete them first`)
    for (const { body } of [one, two]) await service.call('DELETE', `/v1/elastic-ips/${body.id}`)
    expectProblem(
      await service.call('DELETE', url, undefined, { headers: { 'if-match': '"2"' } }),
      412,
      'precondition_failed',
    )
    expect((await service.call('DELETE', url)).status).toBe(204)
    expectProblem(await service.call('GET', url), 404, 'not_found')
    expectProblem(await service.call('DELETE', url), 404, 'not_found')
    expectProblem(await service.call('PATCH', url, { name: 'x' }), 404, 'not_found')
    const { items } = (await service.call('GET', `/v1/events?resource_id=${pool.id}`)).body
    expect(items.map(({ type }: { type: string }) => type)).toEqual([
      'elastic_ip_pool.deleted',
      'elastic_ip_pool.created',
    ])
  })
})

describe('the database refuses a pool', () => {
  const insert = (over: object) => {
    const range = { cidr: '192.0.2.0/24', gateway: '192.0.2.1', first: '192.0.2.2', last: '192.0.2.9' }
    const row = { id: 'pool-x', name: 'x', interface: 'eth1', ...range, ...over }
    const values = Object.values(row)
    return service.db.$client.query(
      `INSERT INTO elastic_ip_pool (${Object.keys(row)}) VALUES (${values.map((_, n) => `$${n + 1}`)})`,
      values,
    )
  }

  it.each([
    ['elastic_ip_pool_size', { cidr: '192.0.0.0/15' }],
    ['elastic_ip_pool_size', { cidr: 'fd00::/24', gateway: 'fd00::1', first: 'fd00::2', last: 'fd00::3' }],
    ['elastic_ip_pool_range', { first: '192.0.2.0', gateway: '192.0.2.200' }],
    ['elastic_ip_pool_range', { last: '192.0.2.255' }],
    ['elastic_ip_pool_range', { first: '192.0.2.10' }],
    ['elastic_ip_pool_range', { last: '192.0.3.1' }],
    ['elastic_ip_pool_gateway', { gateway: '192.0.2.5' }],
    ['elastic_ip_pool_gateway', { gateway: '192.0.3.1' }],
    ['elastic_ip_pool_gateway', { gateway: '192.0.2.0' }],
    ['elastic_ip_pool_gateway', { gateway: '192.0.2.255' }],
    ['elastic_ip_pool_unicast', { cidr: '127.0.0.0/24', gateway: '127.0.0.1', first: '127.0.0.2', last: '127.0.0.9' }],
    ['elastic_ip_pool_interface_name', { interface: 'a name too long' }],
  ])('by %s: %o', async (constraint, over) => {
    await expect(insert(over)).rejects.toMatchObject({ code: '23514', constraint })
  })

  it('that overlaps another or has its name, and the deletion of one with elastic IPs', async () => {
    const pool = await aPool(service)
    await take(pool.id)
    await expect(insert({ name: pool.name })).rejects.toMatchObject({
      code: '23505',
      constraint: 'elastic_ip_pool_name_key',
    })
    const { cidr, gateway, first, last } = pool
    await expect(insert({ cidr, gateway, first, last })).rejects.toMatchObject({
      code: '23P01',
      constraint: 'elastic_ip_pool_cidr_excl',
    })
    await expect(
      service.db.$client.query('DELETE FROM elastic_ip_pool WHERE id = $1', [pool.id]),
    ).rejects.toMatchObject({ code: '23503', constraint: 'elastic_ip_pool_fk' })
  })
})
