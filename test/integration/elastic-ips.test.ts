import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { transaction } from '../../src/db/client.ts'
import { associateElasticIp } from '../../src/domain/elastic-ip/associate.ts'
import { type Answer, aService, expectProblem, HYPERVISOR, type Service } from '../support/a-service.ts'
import { aHypervisor, aNetwork, aNic, aPool, aServer, aVpc, finish, nics } from '../support/builders.ts'
import { until } from '../support/until.ts'

let service: Service
let pool: Answer['body']
beforeAll(async () => {
  service = await aService()
  await aHypervisor(service, HYPERVISOR, ['eth1'])
  await aHypervisor(service, 'hv-two', ['eth1', 'eth2'])
  await aHypervisor(service, 'hv-bare', [])
  pool = await aPool(service)
})
afterAll(() => service.close())

const EIPS = '/v1/elastic-ips'
const take = (over: object = {}) => service.call('POST', EIPS, { pool_id: pool.id, ...over })
const anEip = async (over: object = {}) => (await take(over)).body
const get = async (id: string) => (await service.call('GET', `${EIPS}/${id}`)).body
const associate = (id: string, to: object) => service.call('POST', `${EIPS}/${id}/associate`, to)
const disassociate = (id: string) => service.call('POST', `${EIPS}/${id}/disassociate`)
const events = async (query: string) => (await service.call('GET', `/v1/events?${query}`)).body.items
const host = (of: { first: string }, last: number) => of.first.replace(/\d+$/, String(last))

/** The primary NIC of a server on a hypervisor, in a network that is joined to a VPC. */
async function aNicOn(hypervisor_id: string, network?: Answer['body']) {
  const { id: network_id } = network ?? (await aNetwork(service))
  const { body } = await service.call('POST', '/v1/servers', {
    name: 's',
    guest: 'namespace',
    network_id,
    hypervisor_id,
  })
  return (await service.call('GET', `/v1/nics/${body.nic_ids[0]}`)).body
}

/** Connections that wait for a lock. */
async function waiting(): Promise<number> {
  const { rows } = await service.db.$client.query<{ n: number }>(
    `SELECT count(*)::integer AS n FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
  )
  return rows[0]?.n ?? 0
}

/** The hypervisors that a job asks, itself or by its parts. */
async function asked(job: Answer['body']): Promise<string[]> {
  const { rows } = await service.db.$client.query<{ id: string }>(
    'SELECT hypervisor_id AS id FROM job WHERE (id = $1 OR parent_id = $1) AND hypervisor_id IS NOT NULL ORDER BY 1',
    [job.id],
  )
  return rows.map(({ id }) => id)
}

describe('an elastic IP', () => {
  it('is taken with its place and ETag, and read back the same', async () => {
    const made = await take({ name: 'web', description: 'front', tags: { a: 'b' }, bandwidth_mbps: 50 })
    expect(made.status).toBe(201)
    expect(made.headers).toMatchObject({ location: `${EIPS}/${made.body.id}`, etag: '"1"' })
    expect(made.body).toMatchObject({
      name: 'web',
      description: 'front',
      tags: { a: 'b' },
      pool_id: pool.id,
      bandwidth_mbps: 50,
      state: 'available',
      nic_id: null,
      vpc_id: null,
      hypervisor_id: null,
    })
    expect(await get(made.body.id)).toEqual(made.body)
  })

  it('changes name, description and tags only if it matches If-Match', async () => {
    const eip = await anEip({ name: 'before' })
    const url = `${EIPS}/${eip.id}`
    const ifMatch = { headers: { 'if-match': '"1"' } }
    const after = await service.call('PATCH', url, { name: 'after' }, ifMatch)
    expect(after).toMatchObject({ status: 200, headers: { etag: '"2"' }, body: { name: 'after', generation: 2 } })
    expectProblem(await service.call('PATCH', url, { name: 'x' }, ifMatch), 412, 'precondition_failed')
    expectProblem(await service.call('DELETE', url, undefined, ifMatch), 412, 'precondition_failed')
    expectProblem(await service.call('PATCH', url, { bandwidth_mbps: 5 }), 400, 'invalid_request')
    expect((await service.call('DELETE', url)).status).toBe(204)
    for (const missing of [
      await service.call('GET', url),
      await service.call('PATCH', url, { name: 'x' }),
      await service.call('DELETE', url),
      await associate(eip.id, { nic_id: '52:54:00:00:00:00' }),
      await disassociate(eip.id),
      await service.call('PUT', `${url}/bandwidth`, { bandwidth_mbps: 5 }),
    ]) {
      expectProblem(missing, 404, 'not_found')
    }
  })

  it('is listed newest first, by name, state, pool, holder and address, in pages', async () => {
    const own = await aPool(service)
    const [nic, vpc] = [await aNic(service), await aVpc(service)]
    const [a, b, c] = [
      await anEip({ pool_id: own.id, name: 'listed' }),
      await anEip({ pool_id: own.id }),
      await anEip({ pool_id: own.id }),
    ]
    await associate(a.id, { nic_id: nic.id })
    await associate(b.id, { vpc_id: vpc.id })
    const ids = async (query: string) =>
      (await service.call('GET', `${EIPS}?${query}`)).body.items.map(({ id }: { id: string }) => id)
    expect(await ids(`pool_id=${own.id}`)).toEqual([c.id, b.id, a.id])
    expect(await ids(`pool_id=${own.id}&state=available`)).toEqual([c.id])
    expect(await ids(`pool_id=${own.id}&state=associated`)).toEqual([b.id, a.id])
    expect(await ids('name=listed')).toEqual([a.id])
    expect(await ids(`nic_id=${nic.id}`)).toEqual([a.id])
    expect(await ids(`vpc_id=${vpc.id}`)).toEqual([b.id])
    expect(await ids(`address=${c.address}`)).toEqual([c.id])
    const first = await service.call('GET', `${EIPS}?pool_id=${own.id}&limit=2`)
    expect(await ids(`pool_id=${own.id}&limit=2&cursor=${first.body.next_cursor}`)).toEqual([a.id])
  })

  it('of another project looks as if it were not there, and readers only read', async () => {
    const eip = await anEip()
    const nic = await aNic(service)
    const stranger = { token: await service.tokenOf('admin', await service.aProject()) }
    const theirs = (await service.call('POST', EIPS, { pool_id: pool.id }, stranger)).body
    const url = `${EIPS}/${eip.id}`
    for (const missing of [
      await service.call('GET', url, undefined, stranger),
      await service.call('PATCH', url, { name: 'x' }, stranger),
      await service.call('DELETE', url, undefined, stranger),
      await service.call('POST', `${url}/associate`, { nic_id: nic.id }, stranger),
      await service.call('POST', `${url}/disassociate`, {}, stranger),
      await service.call('PUT', `${url}/bandwidth`, { bandwidth_mbps: 1 }, stranger),
      await service.call('POST', `${EIPS}/${theirs.id}/associate`, { nic_id: nic.id }, stranger),
      await service.call('POST', `${EIPS}/${theirs.id}/associate`, { vpc_id: (await aVpc(service)).id }, stranger),
    ]) {
      expectProblem(missing, 404, 'not_found')
    }
    expect((await service.call('GET', `${EIPS}?address=${eip.address}`, undefined, stranger)).body.items).toEqual([])
    const reader = { token: await service.tokenOf('reader') }
    expect((await service.call('GET', url, undefined, reader)).body).toEqual(eip)
    expectProblem(await service.call('POST', EIPS, {}, reader), 403, 'forbidden')
    expectProblem(await service.call('POST', `${url}/associate`, { nic_id: nic.id }, reader), 403, 'forbidden')
  })
})

describe('an address', () => {
  it('is the lowest free one of the pool, gaps first, or the one asked for', async () => {
    const own = await aPool(service)
    const next = async (over = {}) => anEip({ pool_id: own.id, ...over })
    const first = await next()
    const taken = [await next(), await next({ address: host(own, 200) }), await next()]
    expect([first, ...taken].map(({ address }) => address)).toEqual([10, 11, 200, 12].map((last) => host(own, last)))
    await service.call('DELETE', `${EIPS}/${first.id}`)
    expect((await next()).address).toBe(host(own, 10))
    expect((await next()).address).toBe(host(own, 13))
  })

  it('is refused when it is taken or outside the pool, each blaming the field', async () => {
    const eip = await anEip()
    const taken = await take({ address: eip.address })
    expectProblem(taken, 409, 'address_in_use')
    expect(taken.body).toMatchObject({
      detail: `address ${eip.address} is an elastic IP already`,
      errors: [{ in: 'body', pointer: '/address' }],
    })
    for (const address of [host(pool, 9), host(pool, 251), '8.8.8.8', '0.0.0.0']) {
      const outside = await take({ address })
      expectProblem(outside, 400, 'address_out_of_range')
      expect(outside.body).toMatchObject({
        detail: `address ${address} is not in pool ${pool.id}: ${pool.first} to ${pool.last}`,
        errors: [{ in: 'body', pointer: '/address' }],
      })
    }
  })

  it('of a full pool is refused with limit and use', async () => {
    const own = await aPool(service, {})
    await service.call('PATCH', `/v1/elastic-ip-pools/${own.id}`, { last: host(own, 11) })
    await anEip({ pool_id: own.id, address: host(own, 11) })
    expect((await anEip({ pool_id: own.id })).address).toBe(host(own, 10))
    const full = await take({ pool_id: own.id })
    expectProblem(full, 409, 'elastic_ip_pool_full')
    expect(full.body).toMatchObject({
      detail: `elastic IP pool ${own.id} has 2 of 2 addresses in use`,
      errors: [{ in: 'body', pointer: '/pool_id' }],
    })
  })

  it('is found wherever the gaps are, also among 60,000', async () => {
    const wide = { cidr: '172.16.0.0/16', gateway: '172.16.0.1', first: '172.16.0.2', last: '172.16.255.254' }
    const { id } = await aPool(service, wide)
    const fill = (from: number, to: number) =>
      service.db.$client.query(
        `INSERT INTO elastic_ip (id, project_id, pool_id, address)
         SELECT 'eip-fill' || n, $1, $2, '172.16.0.2'::inet + n FROM generate_series($3::bigint, $4) n`,
        [service.projectId, id, from, to],
      )
    const next = async () => (await anEip({ pool_id: id })).address
    await fill(0, 59_999)
    expect(await next()).toBe('172.16.234.98') // 60,000 after .0.2
    const gaps = [0, 1, 4_095, 4_096, 32_767, 32_768, 59_999]
    await service.db.$client.query('DELETE FROM elastic_ip WHERE id = ANY ($1)', [gaps.map((n) => `eip-fill${n}`)])
    const addresses = []
    for (const _gap of gaps) addresses.push(await next())
    expect(addresses).toEqual(gaps.map((n) => `172.16.${(n + 2) >> 8}.${(n + 2) & 255}`))
    expect(await next()).toBe('172.16.234.99')
    await fill(60_002, 65_532)
    expectProblem(await take({ pool_id: id }), 409, 'elastic_ip_pool_full')
  })

  it('goes to exactly one of 64 callers, and the last 5 of a pool to 5 of them', async () => {
    const own = await aPool(service)
    const race = async () => {
      const answers = await Promise.all(Array.from({ length: 64 }, () => take({ pool_id: own.id })))
      const got = answers.filter(({ status }) => status === 201).map(({ body }) => body.address)
      expect(new Set(got).size).toBe(got.length)
      return { got, refused: new Set(answers.filter(({ status }) => status !== 201).map(({ body }) => body.code)) }
    }
    expect((await race()).got).toHaveLength(64)
    await service.call('PATCH', `/v1/elastic-ip-pools/${own.id}`, { last: host(own, 10 + 64 + 5 - 1) })
    const { got, refused } = await race()
    expect(got).toHaveLength(5)
    expect(refused).toEqual(new Set(['elastic_ip_pool_full']))
  })

  it('is taken once for one Idempotency-Key', async () => {
    const post = () => service.call('POST', EIPS, { pool_id: pool.id }, { headers: { 'idempotency-key': 'one-eip' } })
    expect((await post()).body).toEqual((await post()).body)
  })

  it('needs a pool: the only one by default, else the one that is named', async () => {
    const several = await service.call('POST', EIPS, {})
    expectProblem(several, 400, 'invalid_request')
    expect(several.body.errors).toMatchObject([{ in: 'body', pointer: '/pool_id' }])
    const unknown = await take({ pool_id: 'pool-0000000000' })
    expectProblem(unknown, 404, 'not_found')
    expect(unknown.body.errors).toMatchObject([{ in: 'body', pointer: '/pool_id' }])
    const alone = await aService()
    try {
      expectProblem(await alone.call('POST', EIPS, {}), 404, 'not_found')
      await aHypervisor(alone, HYPERVISOR, ['eth1'])
      const { id } = await aPool(alone)
      expect((await alone.call('POST', EIPS, {})).body.pool_id).toBe(id)
    } finally {
      await alone.close()
    }
  })
})

describe('associate', () => {
  it('with a NIC asks the hypervisor of its server, by a job that names both', async () => {
    const [eip, nic] = [await anEip(), await aNicOn(HYPERVISOR)]
    const { status, headers, body } = await associate(eip.id, { nic_id: nic.id })
    expect(status).toBe(202)
    expect(headers.location).toBe(`/v1/jobs/${body.id}`)
    expect(body).toMatchObject({
      action: 'network.apply',
      state: 'pending',
      hypervisor_id: HYPERVISOR,
      resources: [
        { type: 'elastic_ip', id: eip.id },
        { type: 'nic', id: nic.id },
      ],
    })
    expect(await get(eip.id)).toMatchObject({ state: 'associated', nic_id: nic.id, hypervisor_id: null, generation: 2 })
    const again = await associate(eip.id, { nic_id: nic.id })
    expect(again).toMatchObject({ status: 202, body: { hypervisor_id: HYPERVISOR } })
    expect(await get(eip.id)).toMatchObject({ generation: 2 }) // nothing has changed
    await finish(service, body.id)
    expect((await service.call('GET', `/v1/jobs/${body.id}`)).body).toMatchObject({ state: 'successful' })
  })

  it('with a NIC on no server is done at once', async () => {
    const [eip, nic] = [await anEip(), await aNic(service)]
    const { body } = await associate(eip.id, { nic_id: nic.id })
    expect(body).toMatchObject({ state: 'successful', hypervisor_id: null })
    expect(await get(eip.id)).toMatchObject({ nic_id: nic.id })
  })

  it('with a VPC takes the hypervisor with most of its NICs of those that are up and have the interface', async () => {
    const network = await aNetwork(service)
    for (const on of ['hv-bare', 'hv-bare', 'hv-bare', 'hv-two', 'hv-two', HYPERVISOR]) await aNicOn(on, network)
    const eip = await anEip()
    const { body } = await associate(eip.id, { vpc_id: network.vpc_id })
    expect(await asked(body)).toEqual(['hv-two'])
    expect(body.resources).toEqual([
      { type: 'elastic_ip', id: eip.id },
      { type: 'vpc', id: network.vpc_id },
    ])
    expect(await get(eip.id)).toMatchObject({ vpc_id: network.vpc_id, hypervisor_id: 'hv-two', state: 'associated' })

    for (const _more of [1, 2, 3]) await aNicOn(HYPERVISOR, network)
    await associate(eip.id, { vpc_id: network.vpc_id })
    expect(await get(eip.id)).toMatchObject({ hypervisor_id: 'hv-two', generation: 2 }) // it keeps what it has

    const seen = (ago: string) =>
      service.db.$client.query(`UPDATE hypervisor SET last_seen_at = now() - $1::interval WHERE id = 'hv-two'`, [ago])
    try {
      await seen('1 minute')
      const moved = await associate(eip.id, { vpc_id: network.vpc_id })
      expect(await asked(moved.body)).toEqual([HYPERVISOR, 'hv-two'])
      expect(await get(eip.id)).toMatchObject({ hypervisor_id: HYPERVISOR, generation: 3 })
    } finally {
      await seen('-1 hour')
    }
  })

  it('with a VPC leaves a hypervisor that has none of its NICs for one that has', async () => {
    const network = await aNetwork(service)
    const eip = await anEip()
    await associate(eip.id, { vpc_id: network.vpc_id })
    expect(await get(eip.id)).toMatchObject({ hypervisor_id: HYPERVISOR }) // the first of two without NICs
    await associate(eip.id, { vpc_id: network.vpc_id })
    expect(await get(eip.id)).toMatchObject({ hypervisor_id: HYPERVISOR, generation: 2 })
    await aNicOn('hv-two', network)
    const { body } = await associate(eip.id, { vpc_id: network.vpc_id })
    expect(await get(eip.id)).toMatchObject({ hypervisor_id: 'hv-two', generation: 3 })
    expect(await asked(body)).toEqual([HYPERVISOR, 'hv-two'])
  })

  it('is refused with a NIC or a VPC whose CIDR overlaps that of the pool', async () => {
    const vpc = await aVpc(service, { cidr: '192.168.0.0/16' })
    const network = await service.call('POST', '/v1/networks', { name: 'n', vpc_id: vpc.id, cidr: '192.168.1.0/24' })
    const nic = await aNic(service, { network_id: network.body.id })
    const within = { cidr: '192.168.9.0/24', gateway: '192.168.9.1', first: '192.168.9.10', last: '192.168.9.20' }
    const inside = await aPool(service, within)
    const { id } = await anEip({ pool_id: inside.id })
    for (const [pointer, to] of [
      ['/nic_id', { nic_id: nic.id }],
      ['/vpc_id', { vpc_id: vpc.id }],
    ] as const) {
      const refused = await associate(id, to)
      expectProblem(refused, 409, 'elastic_ip_pool_overlaps')
      expect(refused.body).toMatchObject({
        detail: `192.168.9.0/24 of elastic IP pool ${inside.id} overlaps 192.168.0.0/16 of VPC ${vpc.id}`,
        errors: [{ in: 'body', pointer }],
      })
    }
    expect((await associate(id, { vpc_id: (await aVpc(service)).id })).status).toBe(202)
  })

  it('leaves events with the id of its job, as disassociate and bandwidth do', async () => {
    const [eip, nic, vpc] = [await anEip(), await aNicOn(HYPERVISOR), await aVpc(service)]
    const last = async (type: string) => (await events(`resource_id=${eip.id}&type=elastic_ip.${type}`))[0].job_id
    const first = (await associate(eip.id, { nic_id: nic.id })).body
    expect(await last('associated')).toBe(first.id)
    const moved = (await associate(eip.id, { vpc_id: vpc.id })).body
    expect([await last('disassociated'), await last('associated')]).toEqual([moved.id, moved.id])
    const limited = (await service.call('PUT', `${EIPS}/${eip.id}/bandwidth`, { bandwidth_mbps: 7 })).body
    expect(await last('updated')).toBe(limited.id)
    const gone = (await disassociate(eip.id)).body
    expect(await last('disassociated')).toBe(gone.id)
  })

  it('moves from one NIC to another, and to a VPC, in one call that asks old and new hypervisor', async () => {
    const [a, b] = [await aNicOn(HYPERVISOR), await aNicOn('hv-two')]
    const vpc = await aVpc(service)
    const eip = await anEip()
    await associate(eip.id, { nic_id: a.id })
    const moved = await associate(eip.id, { nic_id: b.id })
    expect(moved.body).toMatchObject({ state: 'working', hypervisor_id: null })
    expect(moved.body.resources).toEqual([
      { type: 'elastic_ip', id: eip.id },
      { type: 'nic', id: a.id },
      { type: 'nic', id: b.id },
    ])
    expect(await asked(moved.body)).toEqual([HYPERVISOR, 'hv-two'])
    const toVpc = await associate(eip.id, { vpc_id: vpc.id })
    expect(await asked(toVpc.body)).toEqual([HYPERVISOR, 'hv-two'])
    expect(await get(eip.id)).toMatchObject({ nic_id: null, vpc_id: vpc.id, hypervisor_id: HYPERVISOR })
    const gone = await disassociate(eip.id)
    expect(await asked(gone.body)).toEqual([HYPERVISOR])
    expect(await get(eip.id)).toMatchObject({ state: 'available', nic_id: null, vpc_id: null, hypervisor_id: null })
    const again = await disassociate(eip.id)
    expect(again).toMatchObject({ status: 202, body: { state: 'successful' } })

    // Who had this address, and when: nothing but its history is needed to say.
    const history = await events(`address=${eip.address}`)
    expect(
      history.map(({ type, data }: { type: string; data: { nic_id: string; vpc_id: string } }) => [
        type.replace('elastic_ip.', ''),
        data.nic_id ?? data.vpc_id,
      ]),
    ).toEqual([
      ['disassociated', vpc.id],
      ['associated', vpc.id],
      ['disassociated', b.id],
      ['associated', b.id],
      ['disassociated', a.id],
      ['associated', a.id],
      ['created', null],
    ])
    expect(history[0]).toMatchObject({ resource_id: eip.id, data: { pool_id: pool.id } })
  })

  it.each([{}, { nic_id: '52:54:00:00:00:01', vpc_id: 'vpc-0000000000' }])('is refused with %o', async (to) => {
    const refused = await associate((await anEip()).id, to)
    expectProblem(refused, 400, 'invalid_request')
    expect(refused.body.errors).toMatchObject([{ in: 'body', pointer: '', detail: EITHER }])
  })
  const EITHER = 'either nic_id or vpc_id is required, and not both'

  it('is refused with a NIC or a VPC that is not there', async () => {
    const { id } = await anEip()
    const deleted = await aVpc(service)
    await service.call('DELETE', `/v1/vpcs/${deleted.id}`)
    for (const [pointer, to] of [
      ['/nic_id', { nic_id: '52:54:00:00:00:00' }],
      ['/vpc_id', { vpc_id: 'vpc-0000000000' }],
      ['/vpc_id', { vpc_id: deleted.id }],
    ] as const) {
      const refused = await associate(id, to)
      expectProblem(refused, 404, 'not_found')
      expect(refused.body.errors).toMatchObject([{ in: 'body', pointer }])
    }
    expect(await get(id)).toMatchObject({ state: 'available', generation: 1 })
  })

  it('is refused with a NIC of a network without VPC', async () => {
    const network = (await service.call('POST', '/v1/networks', { name: 'n', type: 'unmanaged' })).body
    const nic = await aNic(service, { network_id: network.id })
    const refused = await associate((await anEip()).id, { nic_id: nic.id })
    expectProblem(refused, 409, 'nic_not_routed')
    expect(refused.body).toMatchObject({
      detail: `network ${network.id} of NIC ${nic.id} is in no VPC`,
      errors: [{ pointer: '/nic_id' }],
    })
  })

  it('is refused with a NIC or a VPC that has another, which is named', async () => {
    const [first, second] = [await anEip(), await anEip()]
    const [nic, vpc] = [await aNic(service), await aVpc(service)]
    await associate(first.id, { nic_id: nic.id })
    const ofNic = await associate(second.id, { nic_id: nic.id })
    expectProblem(ofNic, 409, 'nic_has_elastic_ip')
    expect(ofNic.body).toMatchObject({
      detail: `NIC ${nic.id} has elastic IP ${first.id} (${first.address})`,
      errors: [{ pointer: '/nic_id' }],
    })
    await associate(first.id, { vpc_id: vpc.id })
    const ofVpc = await associate(second.id, { vpc_id: vpc.id })
    expectProblem(ofVpc, 409, 'vpc_has_elastic_ip')
    expect(ofVpc.body).toMatchObject({
      detail: `VPC ${vpc.id} has elastic IP ${first.id} (${first.address})`,
      errors: [{ pointer: '/vpc_id' }],
    })
  })

  it('is refused where the interface of the pool is missing', async () => {
    const nic = await aNicOn('hv-bare')
    const { id } = await anEip()
    const ofNic = await associate(id, { nic_id: nic.id })
    expectProblem(ofNic, 409, 'interface_missing')
    expect(ofNic.body).toMatchObject({
      detail: 'hypervisor hv-bare does not have the interface eth1; it has: none',
      errors: [{ pointer: '/nic_id' }],
    })
    const far = await aPool(service, { interface: 'eth2' })
    await aHypervisor(service, 'hv-two', ['eth1'])
    try {
      const ofVpc = await associate((await anEip({ pool_id: far.id })).id, { vpc_id: (await aVpc(service)).id })
      expectProblem(ofVpc, 409, 'interface_missing')
      expect(ofVpc.body).toMatchObject({
        detail: 'no hypervisor that is up has the interface eth2',
        errors: [{ pointer: '/vpc_id' }],
      })
    } finally {
      await aHypervisor(service, 'hv-two', ['eth1', 'eth2'])
    }
  })

  it('of 16 callers with 16 addresses and one NIC serves one, and tells the others who has it', async () => {
    const nic = await aNic(service)
    const eips = await Promise.all(Array.from({ length: 16 }, () => anEip()))
    const answers = await Promise.all(eips.map(({ id }) => associate(id, { nic_id: nic.id })))
    const winner = answers.findIndex(({ status }) => status === 202)
    const refused = answers.filter(({ status }) => status !== 202)
    expect(refused).toHaveLength(15)
    expect(new Set(refused.map(({ body }) => `${body.code}: ${body.detail}`))).toEqual(
      new Set([`nic_has_elastic_ip: NIC ${nic.id} has elastic IP ${eips[winner].id} (${eips[winner].address})`]),
    )
  })

  it('of one address with 16 NICs at once leaves it with one of them, and a trace of the others', async () => {
    const cards = await nics(service, (await aNetwork(service)).id, 16)
    const eip = await anEip()
    const answers = await Promise.all(cards.map(({ id }) => associate(eip.id, { nic_id: id })))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]))
    const holders = async (what: string): Promise<string[]> =>
      (await events(`resource_id=${eip.id}&type=elastic_ip.${what}`)).map(
        ({ data }: { data: { nic_id: string } }) => data.nic_id,
      )
    const [got, lost] = [await holders('associated'), await holders('disassociated')]
    expect(new Set(got)).toEqual(new Set(cards.map(({ id }) => id)))
    expect(got.filter((id) => !lost.includes(id))).toEqual([(await get(eip.id)).nic_id])
  })
})

describe('a NIC with an elastic IP', () => {
  it('is asked for on the hypervisor that it is attached to afterwards', async () => {
    const [eip, nic, server] = [
      await anEip(),
      await aNic(service),
      await aServer(service, { hypervisor_id: HYPERVISOR }),
    ]
    await associate(eip.id, { nic_id: nic.id })
    await finish(service, (await service.call('POST', `/v1/nics/${nic.id}/attach`, { server_id: server.id })).body.id)
    expect(await asked((await disassociate(eip.id)).body)).toEqual([HYPERVISOR])
  })

  it('gives it up when it is deleted', async () => {
    const [eip, nic] = [await anEip(), await aNic(service)]
    await associate(eip.id, { nic_id: nic.id })
    expect((await service.call('DELETE', `/v1/nics/${nic.id}`)).status).toBe(204)
    expect(await get(eip.id)).toMatchObject({ state: 'available', nic_id: null, generation: 3 })
    const [last] = await events(`address=${eip.address}`)
    expect(last).toMatchObject({
      type: 'elastic_ip.disassociated',
      data: { nic_id: nic.id, vpc_id: null, pool_id: pool.id },
    })
  })

  it('that a job deletes leaves a trace in the history of the address', async () => {
    const server = await aServer(service, { network_id: (await aNetwork(service)).id, hypervisor_id: HYPERVISOR })
    const eip = await anEip()
    const nic_id = (await service.call('GET', `/v1/nics?server_id=${server.id}`)).body.items[0].id
    await finish(service, (await associate(eip.id, { nic_id })).body.id)
    const job = (await service.call('DELETE', `/v1/servers/${server.id}`)).body
    await finish(service, job.id)
    expect(await get(eip.id)).toMatchObject({ state: 'available', generation: 3 })
    const [last] = await events(`address=${eip.address}`)
    expect(last).toMatchObject({ type: 'elastic_ip.disassociated', job_id: job.id, data: { nic_id } })
  })

  it('that is deleted while it is being associated gives it up with a trace too', async () => {
    const [eip, nic] = [await anEip(), await aNic(service)]
    const actor = { projectId: service.projectId, keyId: 'ak-x', role: 'operator' } as const
    const deleted = await transaction(service.db, async (tx) => {
      await associateElasticIp(tx, actor, eip.id, { nic_id: nic.id })
      const answer = service.call('DELETE', `/v1/nics/${nic.id}`)
      await until('the deletion waits for the NIC', async () => (await waiting()) > 0)
      return { answer }
    })
    expect((await deleted.answer).status).toBe(204)
    expect(await get(eip.id)).toMatchObject({ state: 'available', nic_id: null, generation: 3 })
    const history = await events(`address=${eip.address}`)
    expect(history.map(({ type }: { type: string }) => type)).toEqual([
      'elastic_ip.disassociated',
      'elastic_ip.associated',
      'elastic_ip.created',
    ])
  })

  it('stays on its server while it gets or loses the address: until the job is promised', async () => {
    const cards = [await aNicOn(HYPERVISOR), await aNicOn('hv-two')]
    const eip = await anEip()
    await associate(eip.id, { nic_id: cards[0].id })
    for (const card of cards) {
      const moved = await transaction(service.db, async (tx) => {
        await tx.$client.query('SELECT FROM nic WHERE id = $1 FOR NO KEY UPDATE', [card.id]) // as attach and detach do
        const answer = associate(eip.id, { nic_id: cards[1].id })
        await until('the association waits for the NIC', async () => (await waiting()) > 0)
        return { answer }
      })
      expect((await moved.answer).status).toBe(202)
      await associate(eip.id, { nic_id: cards[0].id })
    }
  })

  it('is deleted while its elastic IP is given to another, and every association has its end', async () => {
    const cards = await nics(service, (await aNetwork(service)).id, 13)
    const eip = await anEip()
    for (const [index, card] of cards.slice(1).entries()) {
      const [next, gone] = await Promise.all([
        associate(eip.id, { nic_id: card.id }),
        service.call('DELETE', `/v1/nics/${cards[index].id}`),
      ])
      expect([next.status, gone.status]).toEqual([202, 204])
    }
    const of = async (what: string): Promise<string[]> =>
      (await events(`resource_id=${eip.id}&type=elastic_ip.${what}`)).map(
        ({ data }: { data: { nic_id: string } }) => data.nic_id,
      )
    const [begun, ended] = [await of('associated'), await of('disassociated')]
    expect(begun).toEqual([cards.at(-1).id, ...ended])
  })
})

describe('bandwidth', () => {
  const limit = (id: string, bandwidth_mbps: unknown) =>
    service.call('PUT', `${EIPS}/${id}/bandwidth`, { bandwidth_mbps })

  it('is set, changed and lifted by jobs on the hypervisor that has the address', async () => {
    const [eip, nic] = [await anEip(), await aNicOn(HYPERVISOR)]
    expect((await limit(eip.id, 10)).body).toMatchObject({ state: 'successful' })
    await associate(eip.id, { nic_id: nic.id })
    const changed = await limit(eip.id, 100_000)
    expect(changed).toMatchObject({
      status: 202,
      body: { hypervisor_id: HYPERVISOR, resources: [{ type: 'elastic_ip', id: eip.id }] },
    })
    expect(await get(eip.id)).toMatchObject({ bandwidth_mbps: 100_000, generation: 4 })
    await limit(eip.id, 100_000)
    expect(await get(eip.id)).toMatchObject({ generation: 4 })
    await limit(eip.id, null)
    expect(await get(eip.id)).toMatchObject({ bandwidth_mbps: null, generation: 5 })
  })

  it('is set only if it matches If-Match', async () => {
    const { id } = await anEip()
    const put = (etag: string) =>
      service.call('PUT', `${EIPS}/${id}/bandwidth`, { bandwidth_mbps: 5 }, { headers: { 'if-match': etag } })
    const stale = await put('"2"')
    expectProblem(stale, 412, 'precondition_failed')
    expect(stale.body.detail).toBe(`elastic IP ${id} is at generation 1, not 2`)
    expect(await get(id)).toMatchObject({ bandwidth_mbps: null, generation: 1 })
    expect((await put('"1"')).status).toBe(202)
    expectProblem(await put('"1"'), 412, 'precondition_failed')
  })

  it.each([0, 100_001, 1.5, '10', undefined])('of %o is refused', async (mbps) => {
    const refused = await limit((await anEip()).id, mbps)
    expectProblem(refused, 400, 'invalid_request')
    expect(refused.body.errors).toMatchObject([{ in: 'body', pointer: '/bandwidth_mbps' }])
  })
})

describe('an elastic IP in use', () => {
  it('is not deleted, nor while its hypervisor may still have it', async () => {
    const [eip, nic] = [await anEip(), await aNicOn(HYPERVISOR)]
    await finish(service, (await associate(eip.id, { nic_id: nic.id })).body.id)
    const held = await service.call('DELETE', `${EIPS}/${eip.id}`)
    expectProblem(held, 409, 'elastic_ip_in_use')
    expect(held.body.detail).toBe(`elastic IP ${eip.id} is associated with NIC ${nic.id}: disassociate it first`)
    const job = (await disassociate(eip.id)).body
    const leaving = await service.call('DELETE', `${EIPS}/${eip.id}`)
    expectProblem(leaving, 409, 'elastic_ip_in_use')
    expect(leaving.body.detail).toBe(
      `job ${job.id} is not finished: its hypervisor may still have elastic IP ${eip.id}, please try later`,
    )
    const again = await disassociate(eip.id) // a later job that is finished says nothing of the earlier one
    expect(again.body).toMatchObject({ state: 'successful' })
    const refused = await service.call('DELETE', `${EIPS}/${eip.id}`)
    expectProblem(refused, 409, 'elastic_ip_in_use')
    expect(refused.body.detail).toContain(`job ${job.id} is not finished`)
    await finish(service, job.id)
    expect((await service.call('DELETE', `${EIPS}/${eip.id}`)).status).toBe(204)
    expect((await anEip({ address: eip.address })).address).toBe(eip.address)
  })

  it('keeps its VPC from being deleted', async () => {
    const [eip, vpc] = [await anEip(), await aVpc(service)]
    await associate(eip.id, { vpc_id: vpc.id })
    const held = await service.call('DELETE', `${EIPS}/${eip.id}`)
    expect(held.body.detail).toBe(`elastic IP ${eip.id} is associated with VPC ${vpc.id}: disassociate it first`)
    const refused = await service.call('DELETE', `/v1/vpcs/${vpc.id}`)
    expectProblem(refused, 409, 'vpc_in_use')
    expect(refused.body.detail).toBe(`VPC ${vpc.id} still has elastic IP ${eip.id}: disassociate it first`)
    await disassociate(eip.id)
    expect((await service.call('DELETE', `/v1/vpcs/${vpc.id}`)).status).toBe(204)
  })

  it('keeps its project from being deleted', async () => {
    const project = await service.aProject()
    const operator = { token: await service.tokenOf('operator', project) }
    await service.call('POST', EIPS, { pool_id: pool.id }, operator)
    expectProblem(await service.call('DELETE', `/v1/projects/${project}`), 409, 'project_in_use')
  })
})

describe('the database refuses', () => {
  /** An elastic IP as SQL, on a NIC and in a VPC that are there. */
  async function insert(over: (there: { nic: string; vpc: string; taken: Answer['body'] }) => object) {
    const [card, vpc, taken] = [await aNic(service), await aVpc(service), await anEip()]
    const row = {
      id: 'eip-x',
      project_id: service.projectId,
      pool_id: pool.id,
      address: host(pool, 249),
      ...over({ nic: card.id, vpc: vpc.id, taken }),
    }
    const values = Object.values(row)
    return service.db.$client.query(
      `INSERT INTO elastic_ip (${Object.keys(row)}) VALUES (${values.map((_, n) => `$${n + 1}`)})`,
      values,
    )
  }
  const hypervisor_id = HYPERVISOR

  it.each<[string, string, Parameters<typeof insert>[0]]>([
    ['elastic_ip_pool_fk', '23503', () => ({ pool_id: 'pool-none' })],
    ['elastic_ip_address_key', '23505', ({ taken }) => ({ address: taken.address })],
    ['elastic_ip_nic_fk', '23503', () => ({ nic_id: '52:54:00:00:00:00' })],
    ['elastic_ip_vpc_fk', '23503', () => ({ vpc_id: 'vpc-none', hypervisor_id })],
    ['elastic_ip_one_holder', '23514', ({ nic, vpc }) => ({ nic_id: nic, vpc_id: vpc, hypervisor_id })],
    ['elastic_ip_vpc_on_hypervisor', '23514', ({ vpc }) => ({ vpc_id: vpc })],
    ['elastic_ip_vpc_on_hypervisor', '23514', ({ nic }) => ({ nic_id: nic, hypervisor_id })],
    ['elastic_ip_bandwidth_range', '23514', () => ({ bandwidth_mbps: 0 })],
    ['elastic_ip_bandwidth_range', '23514', () => ({ bandwidth_mbps: 100_001 })],
  ])('what breaks %s (%s)', async (constraint, code, over) => {
    await expect(insert(over)).rejects.toMatchObject({ code, constraint })
  })

  it('a second elastic IP of a NIC or a VPC, and a VPC of another project', async () => {
    const [nic, vpc, eip] = [await aNic(service), await aVpc(service), await anEip()]
    await associate(eip.id, { nic_id: nic.id })
    await expect(insert(() => ({ nic_id: nic.id }))).rejects.toMatchObject({ constraint: 'elastic_ip_nic_key' })
    await associate(eip.id, { vpc_id: vpc.id })
    const second = { vpc_id: vpc.id, hypervisor_id }
    await expect(insert(() => second)).rejects.toMatchObject({ constraint: 'elastic_ip_vpc_key' })
    await disassociate(eip.id)
    const project_id = await service.aProject()
    await expect(insert(() => ({ ...second, project_id }))).rejects.toMatchObject({ constraint: 'elastic_ip_vpc_fk' })
  })
})
