/** The list of NICs as a table shows it: sorted, searched, walked page by page while it changes. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Answer, aService, expectProblem, HYPERVISOR, type Service } from '../support/a-service.ts'
import { aHypervisor, aNetwork, aNic, aPool, aServer, finish } from '../support/builders.ts'

let service: Service
let token: string
beforeAll(async () => {
  service = await aService()
  token = await service.tokenOf('operator', await service.aProject())
})
afterAll(() => service.close())

type Nic = Answer['body']

/** Calls in a project of its own, whose NICs are only those that a test makes. */
const aProjectOfItsOwn = async () => {
  const own = await service.tokenOf('operator', await service.aProject())
  const call: Service['call'] = (method, url, body, options) =>
    service.call(method, url, body, { token: own, ...options })
  return { ...service, call }
}

const page = async (query: string, of: Service = service) => {
  const { status, body } = await of.call('GET', `/v1/nics?${query}`)
  expect(status, JSON.stringify(body)).toBe(200)
  return body as { items: Nic[]; next_cursor: string | null }
}
/** All pages, with something done between them. */
async function walk(of: Service, query: string, between: (page: number) => Promise<unknown> = async () => undefined) {
  const seen: Nic[] = []
  let cursor: string | null = ''
  for (let pages = 0; cursor !== null; pages++) {
    const { items, next_cursor } = await page(`${query}${cursor && `&cursor=${cursor}`}`, of)
    seen.push(...items)
    cursor = next_cursor
    if (cursor !== null) await between(pages)
  }
  return seen
}
const names = (nics: readonly Nic[]) => nics.map(({ name }) => name)
const ids = (nics: readonly Nic[]) => nics.map(({ id }) => id)

describe('sorted', () => {
  let own: Service
  let made: Nic[]
  beforeAll(async () => {
    own = await aProjectOfItsOwn()
    const [network, other] = [await aNetwork(own), await aNetwork(own)]
    const bare = (await own.call('POST', '/v1/networks', { name: 'bare', type: 'unmanaged' })).body
    const host = (of: { cidr: string }, n: number) => of.cidr.replace('.0/24', `.${n}`)
    made = []
    const wanted: [name: string, object][] = [
      ['web', { network_id: network.id, address: host(network, 100) }],
      ['Web', { network_id: other.id, address: host(other, 9) }],
      ['db', { network_id: bare.id }],
      ['网卡', { network_id: network.id, address: host(network, 20) }],
      ['', { network_id: network.id, address: host(network, 3) }],
      ['db', { network_id: network.id, addressed: false }],
      ['Ähre', { network_id: other.id, address: host(other, 8) }],
      ['a"\\b', { network_id: bare.id }],
      ['', { network_id: other.id, address: host(other, 100) }],
    ]
    for (const [name, over] of wanted) {
      const { status, body } = await own.call('POST', '/v1/nics', { ...over, ...(name && { name }) })
      expect(status, JSON.stringify(body)).toBe(201)
      made.push(body)
    }
    const server = await aServer(own)
    const attach = async (nic: Nic, isDone: boolean) => {
      const { body } = await own.call('POST', `/v1/nics/${nic.id}/attach`, { server_id: server.id })
      if (isDone) await finish(own, body.id)
    }
    await attach(made[0], true)
    await attach(made[4], true)
    await attach(made[7], false)
    made = await Promise.all(made.map(async ({ id }) => (await own.call('GET', `/v1/nics/${id}`)).body))
  })

  const address = ({ address }: Nic) =>
    address === null ? undefined : address.split('.').reduce((sum: number, part: string) => sum * 256 + Number(part), 0)
  const STATES = ['available', 'attaching', 'in_use', 'detaching']
  const KEYS: Record<string, (nic: Nic) => number | string | undefined> = {
    created_at: () => 0,
    name: ({ name }) => name.toLowerCase(),
    address,
    state: ({ state }) => STATES.indexOf(state),
  }
  /** As it should be, worked out here: by the key, what has none at the end, and equals in the order of their making. */
  function expected(sort: string, order: string): string[] {
    const key = KEYS[sort] as (nic: Nic) => number | string | undefined
    const way = order === 'asc' ? 1 : -1
    return ids(
      made
        .map((nic, index) => ({ id: nic.id, key: key(nic), index }))
        .sort((a, b) => {
          if (a.key === b.key) return way * (a.index - b.index)
          if (a.key === undefined || b.key === undefined) return a.key === undefined ? 1 : -1
          return way * (a.key < b.key ? -1 : 1)
        }),
    )
  }

  it.each(['created_at', 'name', 'address', 'state'].flatMap((sort) => ['asc', 'desc'].map((order) => [sort, order])))(
    'by %s %s is in order, in pages of any size',
    async (sort, order) => {
      const query = `sort=${sort}&order=${order}`
      for (const limit of [1, 2, 3, 9, 100])
        expect(ids(await walk(own, `${query}&limit=${limit}`)), String(limit)).toEqual(
          expected(sort as string, order as string),
        )
    },
  )

  it('without an order is newest first by time, and ascending by anything else', async () => {
    expect(ids((await page('', own)).items)).toEqual(expected('created_at', 'desc'))
    expect(ids((await page('sort=created_at', own)).items)).toEqual(expected('created_at', 'desc'))
    for (const sort of ['name', 'address', 'state'])
      expect(ids((await page(`sort=${sort}`, own)).items)).toEqual(expected(sort, 'asc'))
    expect(ids((await page('order=asc', own)).items)).toEqual(expected('created_at', 'asc'))
  })

  it('together with filters', async () => {
    expect(names(await walk(own, 'sort=name&limit=1&search=WEB'))).toEqual(['web', 'Web'])
    expect(names(await walk(own, 'sort=address&order=desc&limit=1&state=in_use'))).toEqual(['web', ''])
  })

  it('refuses a cursor that was given out for another sort or order', async () => {
    const sorts = ['sort=created_at', 'order=asc', ...['name', 'address', 'state'].map((sort) => `sort=${sort}`)]
    const queries = [...sorts, ...['name', 'address', 'state'].map((sort) => `sort=${sort}&order=desc`)]
    for (const from of queries) {
      const { next_cursor } = await page(`${from}&limit=2`, own)
      for (const to of queries) {
        const answer = await own.call('GET', `/v1/nics?${to}&cursor=${next_cursor}`)
        if (from === to) expect(answer.status).toBe(200)
        else expectProblem(answer, 400, 'invalid_cursor')
      }
    }
  })

  it.each([
    ['sort=address', ['address', 'asc', 1, 'x']],
    ['sort=address', ['address', 'asc', 1, '::1%eth0']],
    ['sort=address', ['address', 'asc', '1', '10.0.0.1']],
    ['sort=address', ['address', 'asc', 1.5, '10.0.0.1']],
    ['sort=address', ['address', 'asc', 1e300, '10.0.0.1']],
    ['sort=address', ['address', 'asc', 1, '10.0.0.1', 1]],
    ['sort=address', ['address', 'asc', 1]],
    ['sort=state', ['state', 'asc', 1, 'gone']],
    ['sort=state', ['state', 'asc', 1, null]],
    ['sort=name', ['name', 'asc', 1, 'a\u0000']],
    ['sort=name', ['name', 'asc', 1, null]],
    ['sort=name', ['name', 'asc', 1, 5]],
    ['order=asc', ['created_at', 'asc', 1, "1'"]],
    ['sort=name', { 0: 'name', length: 4 }],
    ['sort=name', 'name'],
    ['sort=name', null],
  ])('%s refuses a cursor that holds %j', async (query, held) => {
    const cursor = Buffer.from(JSON.stringify(held)).toString('base64url')
    expectProblem(await own.call('GET', `/v1/nics?${query}&cursor=${cursor}`), 400, 'invalid_cursor')
  })

  it('by a name that is as long as names can be, in letters of four bytes', async () => {
    const alone = await aProjectOfItsOwn()
    const network = await aNetwork(alone)
    for (const name of ['𠮷'.repeat(128), '"'.repeat(128), `${'𠮷'.repeat(127)}a`])
      await aNic(alone, { network_id: network.id, name })
    expect(await walk(alone, 'sort=name&limit=1')).toHaveLength(3)
  })

  it('goes on rightly while NICs come, go, and are renamed: none that stays is left out, none is shown twice', async () => {
    const busy = await aProjectOfItsOwn()
    const network = await aNetwork(busy)
    const all: Nic[] = []
    for (let n = 0; n < 12; n++)
      all.push(await aNic(busy, { network_id: network.id, name: `n${String(n).padStart(2, '0')}` }))
    const seen = await walk(busy, 'sort=name&limit=3', async (pages) => {
      const last = all[pages * 3 + 2] // what the page ended with
      if (pages === 0) await busy.call('DELETE', `/v1/nics/${last.id}`)
      if (pages === 1) await busy.call('PATCH', `/v1/nics/${last.id}`, { name: 'a' })
      if (pages === 2) await aNic(busy, { network_id: network.id, name: 'n00' })
      if (pages === 2) await aNic(busy, { network_id: network.id, name: 'n10a' })
    })
    expect(names(seen)).toEqual([...all.slice(0, 11).map(({ name }) => name), 'n10a', 'n11'])
  })
})

describe('searched', () => {
  it('finds parts of name, address, IPv6 and MAC, in any case, and nothing of other projects', async () => {
    const network = await aNetwork(service, { ipv6_cidr: 'fd00:77:0:5::/64' })
    const host = (n: number) => network.cidr.replace('.0/24', `.${n}`)
    const nic = await aNic(service, { network_id: network.id, address: host(213), name: 'Straße 100% [x]_' })
    await aNic(service, { network_id: network.id, address: host(99), name: 'another' })
    const search = async (text: string, of = service) =>
      ids((await page(`search=${encodeURIComponent(text)}&network_id=${network.id}`, of)).items)
    const found = ['STRAßE', '100%', '[X]_', '.213', host(213), nic.id]
    for (const text of [...found, nic.id.toUpperCase(), nic.id.slice(6, 14), nic.ipv6_address, 'Straße 100% [x]_'])
      expect(await search(text), text).toEqual([nic.id])
    expect(await search('FD00:77')).toHaveLength(2)
    expect(await search('fd00:77:0:5:')).toHaveLength(2)
    for (const text of ['%', '_x', 'straße_100', '213/32', 'nobody'])
      expect(await search(text), text).toEqual(text === '%' ? [nic.id] : [])
    expect(await search('Straße', { ...service, call: (m, u, b) => service.call(m, u, b, { token }) })).toEqual([])
    for (const text of ['', 'x'.repeat(129), 'a\nb'])
      expectProblem(await service.call('GET', `/v1/nics?search=${encodeURIComponent(text)}`), 400, 'invalid_request')
  })

  it('by VPC finds the NICs of all its networks, and of no other’s', async () => {
    const network = await aNetwork(service)
    const cidr = network.cidr.replace('.7.0/24', '.8.0/24')
    const second = (await service.call('POST', '/v1/networks', { name: 'n', vpc_id: network.vpc_id, cidr })).body
    await aNic(service)
    const made = [await aNic(service, { network_id: network.id }), await aNic(service, { network_id: second.id })]
    expect(new Set(ids((await page(`vpc_id=${network.vpc_id}`)).items))).toEqual(new Set(ids(made)))
    expect((await page('vpc_id=vpc-0000000000')).items).toEqual([])
    const theirs = await service.call('GET', `/v1/nics?vpc_id=${network.vpc_id}`, undefined, { token })
    expect(theirs.body.items).toEqual([])
  })
})

describe('the elastic IP of a NIC', () => {
  it('is shown wherever the NIC is, and no longer than it has it', async () => {
    await aHypervisor(service, HYPERVISOR, ['eth1'])
    await aPool(service)
    const network = await aNetwork(service)
    const nic = await aNic(service, { network_id: network.id })
    expect(nic.elastic_ip).toBeNull()
    const eip = (await service.call('POST', '/v1/elastic-ips', { bandwidth_mbps: 5 })).body
    await service.call('POST', `/v1/elastic-ips/${eip.id}/associate`, { nic_id: nic.id })
    const elastic_ip = { id: eip.id, address: eip.address }
    const shown = async () => [
      (await service.call('GET', `/v1/nics/${nic.id}`)).body.elastic_ip,
      (await page(`network_id=${network.id}`)).items[0].elastic_ip,
      (await page(`network_id=${network.id}&sort=name`)).items[0].elastic_ip,
      (await service.call('PATCH', `/v1/nics/${nic.id}`, { name: 'x' })).body.elastic_ip,
    ]
    expect(await shown()).toEqual([elastic_ip, elastic_ip, elastic_ip, elastic_ip])
    await service.call('POST', `/v1/elastic-ips/${eip.id}/disassociate`)
    expect(await shown()).toEqual([null, null, null, null])
  })
})
