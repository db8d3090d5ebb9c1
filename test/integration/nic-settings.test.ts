import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { registerHypervisor } from '../../src/domain/hypervisor/hypervisors.ts'
import { type Answer, aService, expectProblem, HYPERVISOR, type Service } from '../support/a-service.ts'
import { aNetwork, aNic, aServer, aVpc, finish } from '../support/builders.ts'

let service: Service
beforeAll(async () => {
  service = await aService()
  await registerHypervisor(service.db, 'hv-far', 'zone-test')
})
afterAll(() => service.close())

const made = async (answer: Promise<Answer>) => {
  const { status, body } = await answer
  expect(status, JSON.stringify(body)).toBeLessThan(300)
  return body
}
const get = (id: string) => made(service.call('GET', `/v1/nics/${id}`))
const put = (id: string, what: string, body: object) => service.call('PUT', `/v1/nics/${id}/${what}`, body)
const putGroups = (id: string, ...security_group_ids: string[]) => put(id, 'security-groups', { security_group_ids })
const aGroup = (rules: object[] = []) => made(service.call('POST', '/v1/security-groups', { name: 'g', rules }))
const defaultGroup = () => `sg-${service.projectId.slice(4)}`
const places = ({ body }: Answer): string[] => (body.errors ?? []).map((one: { pointer: string }) => one.pointer)

async function attach(nic: { id: string }, hypervisorId = HYPERVISOR) {
  const server = await aServer(service)
  await finish(service, (await made(service.call('POST', `/v1/nics/${nic.id}/attach`, { server_id: server.id }))).id)
  await service.db.$client.query('UPDATE server SET hypervisor_id = $2 WHERE id = $1', [server.id, hypervisorId])
}
/** Hypervisors that a job asks, itself or by its parts. */
async function askedBy(job: Answer['body']): Promise<string[]> {
  const { rows } = await service.db.$client.query<{ id: string }>(
    `SELECT hypervisor_id AS id FROM job WHERE (id = $1 OR parent_id = $1) AND hypervisor_id IS NOT NULL ORDER BY 1`,
    [job.id],
  )
  return rows.map(({ id }) => id)
}

describe('a NIC made without settings', () => {
  it('is in the default group, may not spoof, and is not limited', async () => {
    const nic = await aNic(service)
    expect(nic).toMatchObject({
      ipv6_address: null,
      security_group_ids: [defaultGroup()],
      anti_spoofing: true,
      allowed_address_pairs: [],
      bandwidth: { in_mbps: null, out_mbps: null },
    })
    expect(await get(nic.id)).toEqual(nic)
  })

  it('costs no row of a security group', async () => {
    const nic = await aNic(service)
    const { rows } = await service.db.$client.query('SELECT 1 FROM nic_security_group WHERE nic_id = $1', [nic.id])
    expect(rows).toEqual([])
  })
})

it('a NIC may go without name, be given one, and lose it again', async () => {
  const nic = await aNic(service)
  for (const name of ['one', '']) {
    expect(await made(service.call('PATCH', `/v1/nics/${nic.id}`, { name }))).toMatchObject({ name })
  }
})

describe('a NIC made with settings', () => {
  const settings = (groups: string[]) => ({
    security_group_ids: groups,
    anti_spoofing: false,
    allowed_address_pairs: [{ address: '10.0.0.0/8' }, { address: 'fd00::5', mac: '00:00:5e:00:01:0a' }],
    bandwidth: { in_mbps: 100 },
  })

  it('has them, alone and in a batch, in its answer and in lists', async () => {
    const [{ id: network_id }, one, other] = [await aNetwork(service), await aGroup(), await aGroup()]
    const groups = [one.id, other.id].sort()
    const expected = { ...settings(groups), bandwidth: { in_mbps: 100, out_mbps: null } }
    const asked = settings([...groups].reverse())
    expect(await made(service.call('POST', '/v1/nics', { network_id, ...asked }))).toMatchObject(expected)
    const { items } = await made(service.call('POST', '/v1/nics/batch', { network_id, count: 3, ...asked }))
    expect(items).toMatchObject([expected, expected, expected])
    const listed = await made(service.call('GET', `/v1/nics?network_id=${network_id}`))
    expect(listed.items).toMatchObject([expected, expected, expected, expected])
    expect(await made(service.call('PATCH', `/v1/nics/${items[0].id}`, { name: 'n' }))).toMatchObject(expected)
  })

  it('and with groups that are not there is refused by their places, and nothing is made', async () => {
    const [{ id: network_id }, one] = [await aNetwork(service), await aGroup()]
    const other = await service.tokenOf('admin', await service.aProject())
    const theirs = (await service.call('POST', '/v1/security-groups', { name: 'g' }, { token: other })).body
    for (const [url, more] of [
      ['/v1/nics', {}],
      ['/v1/nics/batch', { count: 2 }],
    ] as const) {
      const security_group_ids = [one.id, 'sg-0000000000', theirs.id]
      const refused = await service.call('POST', url, { network_id, security_group_ids, ...more })
      expectProblem(refused, 404, 'not_found')
      expect(places(refused)).toEqual(['/security_group_ids/1', '/security_group_ids/2'])
    }
    expect((await made(service.call('GET', `/v1/nics?network_id=${network_id}`))).items).toEqual([])
  })

  it('has the groups that its server was asked for with, when it is primary', async () => {
    const [{ id: network_id }, one] = [await aNetwork(service), await aGroup()]
    const ask = (body: object) => service.call('POST', '/v1/servers', { name: 's', guest: 'namespace', ...body })
    const job = await made(ask({ network_id, security_group_ids: [one.id] }))
    expect((await get(job.nic_ids[0])).security_group_ids).toEqual([one.id])
    const lost = await ask({ network_id, security_group_ids: ['sg-0000000000'] })
    expectProblem(lost, 404, 'not_found')
    expect(places(lost)).toEqual(['/security_group_ids/0'])
    const without = await ask({ security_group_ids: [one.id] })
    expectProblem(without, 400, 'invalid_request')
    expect(places(without)).toEqual(['/network_id'])
  })

  it('takes an IPv6 address of its network, formed from its MAC', async () => {
    const vpc = await aVpc(service)
    const cidr = vpc.cidr.replace('.0.0/16', '.9.0/24')
    const network = await made(
      service.call('POST', '/v1/networks', { name: 'n', vpc_id: vpc.id, cidr, ipv6_cidr: 'fd00:1:2:3::/64' }),
    )
    const nic = await aNic(service, { network_id: network.id })
    const [a, b, c, d] = nic.id.split(':').slice(2)
    const hex = (text: string) => Number.parseInt(text, 16).toString(16)
    expect(nic.ipv6_address).toBe(`fd00:1:2:3:5054:${hex(`${a}ff`)}:${hex(`fe${b}`)}:${hex(`${c}${d}`)}`)
    // An IPv4 address that moves leaves it alone.
    const moved = await made(
      service.call('PATCH', `/v1/nics/${nic.id}`, { address: nic.address.replace(/\d+$/, '77') }),
    )
    expect(moved.ipv6_address).toBe(nic.ipv6_address)
  })
})

describe('the security groups of a NIC', () => {
  it('are replaced as asked; a NIC on no server has them at once', async () => {
    const [nic, one, other] = [await aNic(service), await aGroup(), await aGroup()]
    const job = await putGroups(nic.id, one.id, other.id)
    expect(job).toMatchObject({ status: 202, body: { action: 'network.apply', state: 'successful' } })
    expect(job.body.resources).toEqual([{ type: 'nic', id: nic.id }])
    expect((await get(nic.id)).security_group_ids).toEqual([one.id, other.id].sort())
    expect((await get(nic.id)).generation).toBe(nic.generation + 1)
    await made(putGroups(nic.id, other.id))
    expect((await get(nic.id)).security_group_ids).toEqual([other.id])
    await made(putGroups(nic.id, defaultGroup()))
    expect((await get(nic.id)).security_group_ids).toEqual([defaultGroup()])
  })

  it('asked for as they are already are a job again', async () => {
    const [nic, one] = [await aNic(service), await aGroup()]
    await attach(nic)
    const jobs = [await made(putGroups(nic.id, one.id)), await made(putGroups(nic.id, one.id))]
    expect(jobs).toMatchObject([{ state: 'pending' }, { state: 'pending' }])
    for (const job of jobs) await finish(service, job.id)
  })

  it('are 1 to 10 that are there, none twice', async () => {
    const [nic, one] = [await aNic(service), await aGroup()]
    for (const ids of [[], [one.id, one.id], Array.from({ length: 11 }, (_, n) => `sg-${n}`)]) {
      const refused = await putGroups(nic.id, ...ids)
      expectProblem(refused, 400, 'invalid_request')
      expect(places(refused)).toEqual(['/security_group_ids'])
    }
    const refused = await putGroups(nic.id, one.id, 'sg-0000000000')
    expectProblem(refused, 404, 'not_found')
    expect(places(refused)).toEqual(['/security_group_ids/1'])
    expect(await get(nic.id)).toEqual(nic)
  })

  it('find their NICs in the list, the default group those that were put into none', async () => {
    const [{ id: network_id }, one] = [await aNetwork(service), await aGroup()]
    const [a, b, c] = [
      await aNic(service, { network_id }),
      await aNic(service, { network_id }),
      await aNic(service, { network_id }),
    ]
    await made(putGroups(a.id, one.id))
    await made(putGroups(b.id, one.id, defaultGroup()))
    const ids = async (group: string) => {
      const url = `/v1/nics?network_id=${network_id}&security_group_id=${group}`
      return (await made(service.call('GET', url))).items.map(({ id }: { id: string }) => id)
    }
    expect(await ids(one.id)).toEqual([b.id, a.id])
    expect(await ids(defaultGroup())).toEqual([c.id, b.id])
    expect(await ids('sg-0000000000')).toEqual([])
  })

  it('are told to the hypervisors whose rules name them, within reach of the NIC', async () => {
    const named = await aGroup()
    const naming = await aGroup([{ protocol: 'all', remote_group_id: named.id }])
    const [near, beyond] = [await aNetwork(service), await aNetwork(service)]
    const neighbour = await aNetwork(service, { vpc_id: near.vpc_id, cidr: near.cidr.replace('.7.0/', '.8.0/') })
    const nic = await aNic(service, { network_id: near.id })
    await attach(nic)
    const far = await aNic(service, { network_id: beyond.id })
    await made(putGroups(far.id, naming.id))
    await attach(far, 'hv-far')
    // Only its own: the rule that names the group is in another VPC, where its address means nothing.
    expect(await askedBy(await made(putGroups(nic.id, named.id)))).toEqual([HYPERVISOR])
    const beside = await aNic(service, { network_id: neighbour.id })
    await made(putGroups(beside.id, naming.id))
    await attach(beside, 'hv-far')
    expect(await askedBy(await made(putGroups(nic.id, defaultGroup())))).toEqual(['hv-far', HYPERVISOR])
    expect(await askedBy(await made(putGroups(nic.id, named.id)))).toEqual(['hv-far', HYPERVISOR])
    // It stays a member: nothing changes elsewhere.
    expect(await askedBy(await made(putGroups(nic.id, named.id, naming.id)))).toEqual([HYPERVISOR])
  })

  it('cannot be deleted under a NIC that is just put into one', async () => {
    const nics = await Promise.all(Array.from({ length: 5 }, () => aNic(service)))
    for (const nic of nics) {
      const one = await aGroup()
      const [put, gone] = await Promise.all([
        putGroups(nic.id, one.id),
        service.call('DELETE', `/v1/security-groups/${one.id}`),
      ])
      if (gone.status === 204) expectProblem(put, 404, 'not_found')
      else expectProblem(gone, 409, 'security_group_in_use')
      expect((await get(nic.id)).security_group_ids).toEqual([gone.status === 204 ? defaultGroup() : one.id])
    }
  })
})

describe('whether a NIC is in the default group', () => {
  const inDefault = async (id: string): Promise<boolean> =>
    (await service.db.$client.query('SELECT in_default_group FROM nic WHERE id = $1', [id])).rows[0].in_default_group

  it('is known of each, however it got there or left', async () => {
    const [{ id: network_id }, one] = [await aNetwork(service), await aGroup()]
    const create = async (...groups: string[]) =>
      (await made(service.call('POST', '/v1/nics', { network_id, security_group_ids: groups }))).id
    const plain = (await aNic(service, { network_id })).id
    expect(await inDefault(plain)).toBe(true)
    expect(await inDefault(await create(one.id))).toBe(false)
    expect(await inDefault(await create(one.id, defaultGroup()))).toBe(true)
    for (const groups of [[one.id], [one.id, defaultGroup()], [one.id], [defaultGroup()]]) {
      await made(putGroups(plain, ...groups))
      expect(await inDefault(plain)).toBe(groups.includes(defaultGroup()))
    }
  })

  it('follows the rows of its groups, whoever writes them', async () => {
    const [{ id: network_id }, one] = [await aNetwork(service), await aGroup()]
    const ids = [(await aNic(service, { network_id })).id, (await aNic(service, { network_id })).id]
    const both = async () => [await inDefault(ids[0] ?? ''), await inDefault(ids[1] ?? '')]
    const query = (sql: string, ...values: unknown[]) => service.db.$client.query(sql, values)
    await query('INSERT INTO nic_security_group SELECT id, $2, project_id FROM nic WHERE id = ANY ($1)', ids, one.id)
    expect(await both()).toEqual([false, false])
    await query('DELETE FROM nic_security_group WHERE nic_id = ANY ($1)', ids)
    expect(await both()).toEqual([true, true])
  })
})

describe('the bandwidth of a NIC', () => {
  it('is limited in each direction, or in none, by a job of its hypervisor', async () => {
    const nic = await aNic(service)
    await attach(nic)
    const job = await made(put(nic.id, 'bandwidth', { in_mbps: 1, out_mbps: 100_000 }))
    expect(job).toMatchObject({ state: 'pending', hypervisor_id: HYPERVISOR, resources: [{ type: 'nic', id: nic.id }] })
    expect((await get(nic.id)).bandwidth).toEqual({ in_mbps: 1, out_mbps: 100_000 })
    await finish(service, job.id)
    await finish(service, (await made(put(nic.id, 'bandwidth', { in_mbps: null, out_mbps: 5 }))).id)
    expect((await get(nic.id)).bandwidth).toEqual({ in_mbps: null, out_mbps: 5 })
  })

  it.each([
    [{ in_mbps: 0, out_mbps: 100_001 }, ['/in_mbps', '/out_mbps']],
    [{ in_mbps: 1.5, out_mbps: '5' }, ['/in_mbps', '/out_mbps']],
    [{ in_mbps: 5 }, ['/out_mbps']],
  ])('of %j is refused', async (body, pointers) => {
    const nic = await aNic(service)
    const refused = await put(nic.id, 'bandwidth', body)
    expectProblem(refused, 400, 'invalid_request')
    expect(places(refused).sort()).toEqual(pointers)
  })
})

describe('anti-spoofing of a NIC', () => {
  it('is turned off and on, and its allowed pairs stay unless they are given', async () => {
    const nic = await aNic(service)
    const pairs = [{ address: '172.16.1.100', mac: '00:00:5e:00:01:0a' }, { address: 'fd00:1::/64' }]
    await made(put(nic.id, 'anti-spoofing', { enabled: true, allowed_address_pairs: pairs }))
    expect(await get(nic.id)).toMatchObject({ anti_spoofing: true, allowed_address_pairs: pairs })
    await made(put(nic.id, 'anti-spoofing', { enabled: false }))
    expect(await get(nic.id)).toMatchObject({ anti_spoofing: false, allowed_address_pairs: pairs })
    await made(put(nic.id, 'anti-spoofing', { enabled: true, allowed_address_pairs: [] }))
    expect(await get(nic.id)).toMatchObject({ anti_spoofing: true, allowed_address_pairs: [] })
  })

  it('allows any address that a machine can send from, a router’s included', async () => {
    const nic = await aNic(service)
    const pairs = ['0.0.0.0/0', '::/0', '10.0.0.0/8', '8.8.8.8', 'fe80::1', '2001:db8::/32'].map((address) => ({
      address,
    }))
    await made(put(nic.id, 'anti-spoofing', { enabled: true, allowed_address_pairs: pairs }))
  })

  it.each([
    ['/address', { address: '10.0.0.1/8' }],
    ['/address', { address: '224.0.0.5' }],
    ['/address', { address: '239.1.0.0/16' }],
    ['/address', { address: '255.255.255.255' }],
    ['/address', { address: 'ff02::1' }],
    ['/address', { address: 'FD00::1' }],
    ['/address', { address: 'fd00:0:0::1' }],
    ['/address', { address: 'fe80::1%eth0' }],
    ['/address', { address: '10.0.0.0/33' }],
    ['/address', { address: 'x' }],
    ['/address', {}],
    ['/mac', { address: '10.0.0.1', mac: '01:00:5e:00:00:01' }],
    ['/mac', { address: '10.0.0.1', mac: 'FF:FF:FF:FF:FF:FF' }],
    ['/other', { address: '10.0.0.1', other: 1 }],
  ])('refuses a pair with a bad %s: %j', async (field, pair) => {
    const nic = await aNic(service)
    const allowed_address_pairs = [{ address: '10.0.0.9' }, pair]
    const refused = await put(nic.id, 'anti-spoofing', { enabled: true, allowed_address_pairs })
    expectProblem(refused, 400, 'invalid_request')
    expect(places(refused)).toEqual([`/allowed_address_pairs/1${field}`])
  })

  it('has at most ten pairs, none twice', async () => {
    const nic = await aNic(service)
    for (const allowed_address_pairs of [
      Array.from({ length: 11 }, (_, n) => ({ address: `10.0.0.${n}` })),
      [{ address: '10.0.0.1' }, { address: '10.0.0.1' }],
    ]) {
      const refused = await put(nic.id, 'anti-spoofing', { enabled: true, allowed_address_pairs })
      expectProblem(refused, 400, 'invalid_request')
      expect(places(refused)).toEqual(['/allowed_address_pairs'])
    }
  })
})

describe('every setting of a NIC', () => {
  const all = (group: string) =>
    [
      ['security-groups', { security_group_ids: [group] }],
      ['bandwidth', { in_mbps: 1, out_mbps: 1 }],
      ['anti-spoofing', { enabled: false }],
    ] as const

  it('of another project looks absent, and a reader changes none', async () => {
    const [nic, other, reader] = [
      await aNic(service),
      await service.tokenOf('admin', await service.aProject()),
      await service.tokenOf('reader'),
    ]
    for (const [what, body] of all(defaultGroup())) {
      const as = (token: string, id = nic.id) => service.call('PUT', `/v1/nics/${id}/${what}`, body, { token })
      expectProblem(await as(other), 404, 'not_found')
      expectProblem(await as(reader), 403, 'forbidden')
      expectProblem(await as(service.token, '52:54:00:00:00:00'), 404, 'not_found')
    }
    expect(await get(nic.id)).toEqual(nic)
  })

  it('is changed only if it matches If-Match, also by two at once', async () => {
    const nic = await aNic(service)
    for (const [what, body] of all(defaultGroup())) {
      const { generation } = await get(nic.id)
      const change = (etag: number) =>
        service.call('PUT', `/v1/nics/${nic.id}/${what}`, body, { headers: { 'if-match': `"${etag}"` } })
      expectProblem(await change(generation + 1), 412, 'precondition_failed')
      const both = await Promise.all([change(generation), change(generation)])
      expect(both.map(({ status }) => status).sort()).toEqual([202, 412])
      expect((await get(nic.id)).generation).toBe(generation + 1)
    }
  })

  it('may change while the NIC is on its way, and its events tell of it under its address', async () => {
    const [nic, server, one] = [await aNic(service), await aServer(service), await aGroup()]
    const arriving = await made(service.call('POST', `/v1/nics/${nic.id}/attach`, { server_id: server.id }))
    const jobs: string[] = []
    for (const [what, body] of all(one.id)) {
      const job = await made(put(nic.id, what, body))
      expect(job).toMatchObject({ state: 'pending', hypervisor_id: HYPERVISOR })
      jobs.push(job.id)
    }
    await finish(service, arriving.id)
    const { items } = await made(service.call('GET', `/v1/events?address=${nic.address}&type=nic.updated`))
    const own = items.filter((one: { resource_id: string }) => one.resource_id === nic.id)
    expect(own.reverse().map(({ data }: Answer['body']) => data)).toEqual([
      { security_group_ids: [one.id] },
      { bandwidth: { in_mbps: 1, out_mbps: 1 } },
      { anti_spoofing: false },
    ])
    expect(own.map(({ job_id }: Answer['body']) => job_id)).toEqual(jobs)
  })

  it('that no hypervisor has to bring about is waited for without waiting', async () => {
    const nic = await aNic(service)
    const headers = { prefer: 'wait=30' }
    const answer = await service.call('PUT', `/v1/nics/${nic.id}/bandwidth`, { in_mbps: 1, out_mbps: 1 }, { headers })
    expect(answer).toMatchObject({ status: 200, body: { state: 'successful' } })
  })
})

describe('a NIC of a bridged network', () => {
  it('is plugged only into a server whose hypervisor has the interface', async () => {
    const facts = (interfaces: string[]) =>
      service.db.$client.query('UPDATE hypervisor SET facts = $2 WHERE id = $1', [
        HYPERVISOR,
        JSON.stringify({ interfaces }),
      ])
    await facts(['eth7'])
    const network = await made(
      service.call('POST', '/v1/networks', { name: 'n', type: 'unmanaged', mode: 'bridged', interface: 'eth7' }),
    )
    const [nic, other, server] = [
      await aNic(service, { network_id: network.id }),
      await aNic(service),
      await aServer(service),
    ]
    await facts(['eth0', 'br1'])
    const refused = await service.call('POST', `/v1/servers/${server.id}/attach-nics`, { nic_ids: [other.id, nic.id] })
    expectProblem(refused, 409, 'interface_missing')
    expect(refused.body.detail).toBe(`hypervisor ${HYPERVISOR} does not have the interface eth7; it has: eth0, br1`)
    expect(places(refused)).toEqual(['/nic_ids/1'])
    expect(await get(other.id)).toMatchObject({ state: 'available' })
    await facts(['eth7'])
    expect((await service.call('POST', `/v1/nics/${nic.id}/attach`, { server_id: server.id })).status).toBe(202)
  })
})

describe('whoever passes by the routes', () => {
  it.each([
    ['nic_bandwidth_range', 'bandwidth_in_mbps = 0'],
    ['nic_bandwidth_range', 'bandwidth_out_mbps = 100001'],
    ['nic_address_pairs_few', `allowed_address_pairs = (SELECT jsonb_agg(n) FROM generate_series(1, 11) n)`],
    ['nic_ipv6_is_eui64', `ipv6_address = 'fd00::1'`],
  ])('is held by %s', async (constraint, set) => {
    const nic = await aNic(service)
    const update = service.db.$client.query(`UPDATE nic SET ${set} WHERE id = $1`, [nic.id])
    await expect(update).rejects.toMatchObject({ constraint, code: '23514' })
  })
})
