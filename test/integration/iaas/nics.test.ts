/** NICs over the wire. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { aService, HYPERVISOR, type Service } from '../../support/a-service.ts'
import { aWireClient, type WireAnswer, type WireClient, type WireParameters } from '../../support/a-wire-client.ts'
import { aHypervisor, aNetwork, aNic, aPool, aServer, finish, nics } from '../../support/builders.ts'
import { decoded, follow } from '../../support/wire-shapes.ts'

let service: Service
let wire: WireClient
beforeAll(async () => {
  service = await aService()
  wire = await aWireClient(service)
  await aHypervisor(service, HYPERVISOR, ['eth1'])
})
afterAll(() => service.close())

const MAC = /^52:54(:[0-9a-f]{2}){4}$/
const NOBODY = '52:54:00:00:00:00'
const host = (network: { cidr: string }, number: number) => network.cidr.replace('.0/24', `.${number}`)
const vxnetOf = ({ id }: { id: string }) => id.replace('net-', 'vxnet-')
const describeNics = async (parameters: WireParameters) =>
  decoded('DescribeNics', await wire.ok('DescribeNics', parameters))
const find = async (id: string) => (await describeNics({ nics: [id] })).nic_set[0]
const idsOf = async (parameters: WireParameters): Promise<string[]> =>
  (await describeNics(parameters)).nic_set.map(({ nic_id }: WireAnswer) => nic_id)

/** A NIC that is in a server. */
async function aCard(network_id: string, server_id: string): Promise<string> {
  const { id } = await aNic(service, { network_id })
  await finish(service, (await service.call('POST', `/v1/nics/${id}/attach`, { server_id })).body.id)
  return id
}

describe('CreateNics', () => {
  it('makes one with the lowest free address, when nothing else is said', async () => {
    const network = await aNetwork(service)
    const answer = decoded('CreateNics', await wire.ok('CreateNics', { vxnet: vxnetOf(network) }))
    expect(answer.nics).toEqual([{ nic_id: expect.stringMatching(MAC), private_ip: host(network, 2) }])
  })

  it('makes as many as asked for, with names, addresses and a group', async () => {
    const network = await aNetwork(service)
    const group = (await service.call('POST', '/v1/security-groups', { name: 'g' })).body
    const { nics: made } = await wire.ok('CreateNics', {
      vxnet: vxnetOf(network),
      nic_name: 'hostnic_i-1',
      count: 3,
      private_ips: [host(network, 100), host(network, 50)],
      security_group: group.id,
      disable_ip: 0,
      ipv6: '',
    })
    expect(made.map(({ private_ip }: WireAnswer) => private_ip).sort()).toEqual(
      [host(network, 100), host(network, 50), host(network, 2)].sort(),
    )
    expect(await find(made[0].nic_id)).toMatchObject({ nic_name: 'hostnic_i-1', security_group: group.id })
    const fixed = await wire.ok('CreateNics', { vxnet: vxnetOf(network), private_ips: host(network, 70) })
    expect(fixed.nics).toHaveLength(1)
  })

  it('makes them without address: private_ip is empty', async () => {
    const network = await aNetwork(service)
    const { nics: made } = await wire.ok('CreateNics', { vxnet: vxnetOf(network), count: 252, disable_ip: 1 })
    expect(made).toHaveLength(252)
    expect(new Set(made.map(({ private_ip }: WireAnswer) => private_ip))).toEqual(new Set(['']))
    const { message } = await wire.refused(2500, 'CreateNics', { vxnet: vxnetOf(network) })
    expect(message).toBe(`QuotaExceeded, vxnet [${vxnetOf(network)}] has 252 of 252 nics`)
  })

  it('makes one in the basic vxnet, which is made for it', async () => {
    const { nics: made } = await wire.ok('CreateNics', { vxnet: 'vxnet-0' })
    expect(await find(made[0].nic_id)).toMatchObject({ vxnet_id: 'vxnet-0', private_ip: made[0].private_ip })
  })

  it('refuses what does not fit', async () => {
    const network = await aNetwork(service)
    const taken = await aNic(service, { network_id: network.id })
    const refused = (code: number, parameters: WireParameters) =>
      wire.refused(code, 'CreateNics', { vxnet: vxnetOf(network), ...parameters })
    await refused(1100, { vxnet: '' })
    await refused(1101, { count: 0 })
    await refused(1101, { count: 253 })
    await refused(1100, { count: 'many' })
    await refused(1100, { count: 1, private_ips: [host(network, 10), host(network, 11)] })
    await refused(1100, { private_ips: ['nonsense'] })
    await refused(1100, { disable_ip: 1, private_ips: [host(network, 10)] })
    await refused(1100, { disable_ip: 'maybe' })
    await refused(1101, { nic_name: 'x'.repeat(256) })
    await refused(1101, { private_ips: [host(network, 254)] })
    const { message } = await refused(2110, { private_ips: [taken.address] })
    expect(message).toBe(
      `ResourceAlreadyExisted, address ${taken.address} is already used in vxnet [${vxnetOf(network)}]`,
    )
    for (const vxnet of ['vxnet-0000000', 'rtr-abcdefgh']) {
      expect((await refused(2100, { vxnet })).message).toBe(`ResourceNotFound, vxnet [${vxnet}] not found`)
    }
    await refused(2100, { vxnet: network.id })
    await refused(2100, { security_group: 'sg-abcdefgh' })
    const full = await refused(2500, { count: 252 })
    expect(full.message).toBe(
      `QuotaExceeded, vxnet [${vxnetOf(network)}] has 1 of 252 addresses in use; 252 were asked for`,
    )
    const free = (await service.call('POST', '/v1/networks', { name: 'm' })).body
    await refused(1400, { vxnet: vxnetOf(free) })
    expect((await describeNics({ vxnets: [vxnetOf(network)] })).total_count).toBe(1)
  })

  it('is not for readers', async () => {
    const network = await aNetwork(service)
    const reader = await aWireClient(service, { role: 'reader' })
    await reader.refused(1400, 'CreateNics', { vxnet: vxnetOf(network) })
    expect((await reader.ok('DescribeNics')).ret_code).toBe(0)
  })
})

describe('DescribeNics', () => {
  it('shows all of a NIC', async () => {
    const network = await aNetwork(service)
    const [nic] = await nics(service, network.id, 1)
    expect(await find(nic.id)).toEqual({
      nic_id: nic.id,
      nic_name: '',
      instance_id: '',
      vxnet_id: vxnetOf(network),
      private_ip: nic.address,
      ipv6_address: '',
      role: 0,
      sequence: 0,
      status: 'available',
      security_group: nic.security_group_ids[0],
      eip: null,
      tags: [],
      owner: service.projectId.replace('prj-', 'usr-'),
      root_user_id: service.projectId.replace('prj-', 'usr-'),
      create_time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      status_time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
    })
  })

  it('shows on which instance and in which role it is, its eip, and its tags', async () => {
    const network = await aNetwork(service)
    const server = await aServer(service, { network_id: network.id })
    const id = await aCard(network.id, server.id)
    expect(await find(id)).toMatchObject({ instance_id: server.id, status: 'in-use', role: 0, sequence: 1 })
    const [primary] = await idsOf({ instances: [server.id], offset: 1 })
    expect(await find(primary ?? '')).toMatchObject({ instance_id: server.id, role: 1, sequence: 0 })

    const pool = await aPool(service)
    const eip = (await service.call('POST', '/v1/elastic-ips', { pool_id: pool.id, bandwidth_mbps: 7 })).body
    await service.call('POST', `/v1/elastic-ips/${eip.id}/associate`, { nic_id: id })
    const { tag_id } = await wire.ok('CreateTag', { tag_name: 't' })
    await wire.ok('AttachTags', { resource_tag_pairs: [{ tag_id, resource_type: 'nic', resource_id: id }] })
    expect(await find(id)).toMatchObject({
      eip: { eip_id: eip.id, eip_addr: eip.address, bandwidth: 7 },
      tags: [{ tag_id, tag_name: 't' }],
    })
  })

  it('shows a NIC on its way in as available, and one on its way out as in use', async () => {
    const server = await aServer(service)
    const { id } = await aNic(service)
    const states = async () => (({ status, instance_id }) => ({ status, instance_id }))(await find(id))
    const { job_id } = await wire.ok('AttachNics', { nics: [id], instance: server.id })
    expect(await states()).toEqual({ status: 'available', instance_id: '' })
    expect(await idsOf({ nics: [id], status: 'in-use' })).toEqual([])
    expect(await idsOf({ instances: [server.id] })).toEqual([])
    await finish(service, job_id)
    expect(await states()).toEqual({ status: 'in-use', instance_id: server.id })
    const detach = await wire.ok('DetachNics', { nics: [id] })
    expect(await states()).toEqual({ status: 'in-use', instance_id: server.id })
    await finish(service, detach.job_id)
    expect(await states()).toEqual({ status: 'available', instance_id: '' })
  })

  it('finds by id, whole name, status, vxnet, kind of vxnet and instance, and by several at once', async () => {
    const network = await aNetwork(service)
    const server = await aServer(service)
    const unmanaged = (await service.call('POST', '/v1/networks', { name: 'u', type: 'unmanaged' })).body
    const name = `hostnic_${server.id}`
    const [one, two] = [
      (await aNic(service, { network_id: network.id, name })).id,
      (await aNic(service, { network_id: network.id, name: `${name}0` })).id,
    ]
    const loose = (await aNic(service, { network_id: unmanaged.id, name })).id
    const card = await aCard(network.id, server.id)
    const basic = (await wire.ok('CreateNics', { vxnet: 'vxnet-0', nic_name: name })).nics[0].nic_id

    expect(await idsOf({ nics: [one.toUpperCase()] })).toEqual([one])
    expect(await idsOf({ nics: one })).toEqual([one])
    expect(await idsOf({ nic_name: name })).toEqual([basic, loose, one])
    expect(await idsOf({ nic_name: 'hostnic' })).toEqual([])
    expect(await idsOf({ vxnets: [vxnetOf(network)], status: 'available' })).toEqual([two, one])
    expect(await idsOf({ vxnets: [vxnetOf(network)], status: ['available', 'in-use'] })).toEqual([card, two, one])
    expect(await idsOf({ vxnets: [vxnetOf(network)], 'status.1': 'in-use' })).toEqual([card])
    expect(await idsOf({ vxnets: [vxnetOf(unmanaged), 'vxnet-0'], nic_name: name })).toEqual([basic, loose])
    expect(await idsOf({ nic_name: name, vxnet_type: [0] })).toEqual([loose])
    expect(await idsOf({ nic_name: name, vxnet_type: 1 })).toEqual([one])
    expect(await idsOf({ nic_name: name, vxnet_type: [2] })).toEqual([basic])
    expect(await idsOf({ nic_name: name, vxnet_type: [0, 2] })).toEqual([basic, loose])
    expect(await idsOf({ instances: [server.id] })).toEqual([card])
    expect(await idsOf({ instances: server.id, status: 'available' })).toEqual([])
    expect(await idsOf({ nic_name: '', vxnets: vxnetOf(network), status: '', limit: 20, offset: 0 })).toHaveLength(3)
    await wire.refused(1101, 'DescribeNics', { status: 'attaching' })
    await wire.refused(1101, 'DescribeNics', { vxnet_type: 3 })
  })

  it('has what node agents follow without looking', async () => {
    const { id } = await aNic(service)
    const answer = await describeNics({ nics: [id] })
    follow(
      answer,
      'nic_set.nic_id',
      'nic_set.nic_name',
      'nic_set.vxnet_id',
      'nic_set.private_ip',
      'nic_set.instance_id',
    )
    follow(answer, 'nic_set.role', 'nic_set.status', 'total_count')
  })

  it('finds nothing by what is not there, or another’s', async () => {
    const { id } = await aNic(service)
    const stranger = await aWireClient(service, { projectId: await service.aProject() })
    const nothing = { nic_set: [], total_count: 0 }
    expect(await stranger.ok('DescribeNics', { nics: [id] })).toMatchObject(nothing)
    for (const parameters of [
      { nics: [NOBODY] },
      { nics: ['no id'] },
      { vxnets: ['vxnet-0000000'] },
      { vxnets: ['no id'] },
      { instances: ['i-00000000'] },
    ])
      expect(await describeNics(parameters)).toMatchObject(nothing)
  })

  it('shows up to 253 at once, newest first, and tells how many there are', async () => {
    const network = await aNetwork(service)
    const all = (await nics(service, network.id, 252)).map(({ id }) => id)
    const page = async (parameters: WireParameters) => {
      const { nic_set, total_count } = await describeNics({ vxnets: [vxnetOf(network)], ...parameters })
      expect(total_count).toBe(252)
      return nic_set.map(({ nic_id }: WireAnswer) => nic_id)
    }
    expect(await page({})).toHaveLength(20)
    expect(await page({ limit: 63 })).toHaveLength(63)
    const every = await page({ limit: 253 })
    expect([...every].sort()).toEqual([...all].sort())
    expect(await page({ limit: 100_000 })).toEqual(every)
    expect(await page({ limit: 10, offset: 240 })).toEqual(every.slice(240, 250))
    expect(await page({ offset: 252 })).toEqual([])
  })
})

describe('AttachNics and DetachNics', () => {
  it('answer with a job, the same one when it is so already', async () => {
    const network = await aNetwork(service)
    const server = await aServer(service)
    const ids = (await nics(service, network.id, 2)).map(({ id }) => id)
    const attach = await wire.ok('AttachNics', { nics: ids, instance: server.id })
    expect(attach).toEqual({ action: 'AttachNicsResponse', ret_code: 0, job_id: expect.stringMatching(/^j-/) })
    expect(await wire.ok('AttachNics', { nics: ids, instance_id: server.id })).toEqual(attach)
    await finish(service, attach.job_id)
    expect(await wire.ok('AttachNics', { nics: ids, instance: server.id })).toEqual(attach)
    const { job_set: jobs } = await wire.ok('DescribeJobs', { jobs: [attach.job_id] })
    expect(jobs[0]).toMatchObject({ job_action: 'AttachNics', status: 'successful' })
    expect(JSON.parse(jobs[0].directive)).toMatchObject({ nics: ids, instance: server.id })

    const detach = await wire.ok('DetachNics', { nics: ids })
    expect(await wire.ok('DetachNics', { nics: ids })).toEqual(detach)
    await finish(service, detach.job_id)
    expect(await wire.ok('DetachNics', { nics: ids })).toEqual(detach)
  })

  it('takes NICs from several instances at once, as one job', async () => {
    const network = await aNetwork(service)
    const cards: string[] = []
    for (let n = 0; n < 3; n++) cards.push(await aCard(network.id, (await aServer(service)).id))
    const free = (await aNic(service, { network_id: network.id })).id
    const { job_id } = await wire.ok('DetachNics', { nics: [free, ...cards] })
    const parts = (await service.call('GET', '/v1/jobs?limit=10')).body.items.filter(
      ({ parent_id }: { parent_id: string }) => parent_id === job_id,
    )
    expect(parts).toHaveLength(3)
    const status = async () => (await wire.ok('DescribeJobs', { jobs: [job_id] })).job_set[0].status
    for (const { id } of parts) {
      expect(await status()).toBe('working')
      await finish(service, id)
    }
    expect(await status()).toBe('successful')
    expect((await describeNics({ nics: cards, status: 'available' })).total_count).toBe(3)
  })

  it('refuse whatever cannot be, and nothing is done', async () => {
    const network = await aNetwork(service)
    const [server, other] = [await aServer(service, { network_id: network.id }), await aServer(service)]
    const card = await aCard(network.id, server.id)
    const free = (await aNic(service, { network_id: network.id })).id
    const attach = (code: number, parameters: WireParameters) => wire.refused(code, 'AttachNics', parameters)
    const detach = (code: number, parameters: WireParameters) => wire.refused(code, 'DetachNics', parameters)
    await attach(1100, { instance: server.id })
    await attach(1100, { nics: [free] })
    const { message } = await attach(2100, { nics: [free, NOBODY], instance: server.id })
    expect(message).toBe(`ResourceNotFound, nic [${NOBODY}] not found`)
    await attach(2100, { nics: ['eth0'], instance: server.id })
    const gone = await attach(2100, { nics: [free], instance: 'i-00000000' })
    expect(gone.message).toBe('ResourceNotFound, instance [i-00000000] not found')
    const elsewhere = await attach(1400, { nics: [card], instance: other.id })
    expect(elsewhere.message).toBe(
      `PermissionDenied, nic [${card}] is in-use on instance [${server.id}]: detach it first`,
    )
    const many = (await nics(service, network.id, 64)).map(({ id }) => id)
    await attach(2500, { nics: many, instance: other.id })

    await detach(1100, {})
    await detach(2100, { nics: [NOBODY] })
    expect((await detach(2100, { nics: [card, NOBODY] })).message).toContain('ResourceNotFound')
    await detach(1400, { nics: [free] })
    const primary = (await describeNics({ instances: [server.id] })).nic_set.find(({ role }: WireAnswer) => role === 1)
    await detach(1400, { nics: [primary.nic_id] })
    await detach(1400, { nics: [card, primary.nic_id] })
    expect(await find(card)).toMatchObject({ status: 'in-use' })
    const stranger = await aWireClient(service, { projectId: await service.aProject() })
    await stranger.refused(2100, 'DetachNics', { nics: [card] })
  })
})

describe('ModifyNicAttributes', () => {
  const modify = (parameters: WireParameters) => wire.ok('ModifyNicAttributes', parameters)
  const refused = (code: number, parameters: WireParameters) => wire.refused(code, 'ModifyNicAttributes', parameters)

  it('changes the name, or clears it', async () => {
    const { id } = await aNic(service)
    expect(await modify({ nic: id, nic_name: 'n' })).toEqual({ action: 'ModifyNicAttributesResponse', ret_code: 0 })
    expect((await find(id)).nic_name).toBe('n')
    await modify({ nic: id })
    expect((await find(id)).nic_name).toBe('n')
    await modify({ nic: id, nic_name: '' })
    expect((await find(id)).nic_name).toBe('')
  })

  it('changes the address and the vxnet of an available NIC', async () => {
    const [network, other] = [await aNetwork(service), await aNetwork(service)]
    const { id } = await aNic(service, { network_id: network.id })
    await modify({ nic: id, private_ip: host(network, 88) })
    expect(await find(id)).toMatchObject({ private_ip: host(network, 88) })
    await modify({ nic: id, vxnet: vxnetOf(other) })
    expect(await find(id)).toMatchObject({ private_ip: host(other, 2), vxnet_id: vxnetOf(other) })
    await modify({ nic: id, vxnet: vxnetOf(network), private_ip: host(network, 9), nic_name: 'both' })
    expect(await find(id)).toMatchObject({ private_ip: host(network, 9), nic_name: 'both' })
    await modify({ nic: id, private_ip: '' })
    expect(await find(id)).toMatchObject({ private_ip: '', vxnet_id: vxnetOf(network) })
    await modify({ nic: id, private_ip: host(network, 10) })
    await modify({ nic: id, vxnet: 'vxnet-0' })
    const there = await find(id)
    expect(there).toMatchObject({ vxnet_id: 'vxnet-0' })
    await modify({ nic: id, vxnet: 'vxnet-0' })
    expect((await find(id)).private_ip).toBe(there.private_ip)
  })

  it('a NIC in a part of the basic vxnet that is full stays there', async () => {
    const project = await service.aProject()
    const client = await aWireClient(service, { projectId: project })
    const { nics: made } = await client.ok('CreateNics', { vxnet: 'vxnet-0', count: 252 })
    const before = made[0]
    await client.ok('ModifyNicAttributes', { nic: before.nic_id, vxnet: 'vxnet-0' })
    expect((await client.ok('DescribeNics', { nics: [before.nic_id] })).nic_set[0].private_ip).toBe(before.private_ip)
    // The next one goes to another part of it.
    const { nics: next } = await client.ok('CreateNics', { vxnet: 'vxnet-0' })
    expect(next[0].private_ip).not.toMatch(before.private_ip.replace(/\d+$/, ''))
  })

  it('turns anti-spoofing off and on, and the hypervisor hears of it', async () => {
    const server = await aServer(service)
    const network = await aNetwork(service)
    const id = await aCard(network.id, server.id)
    for (const enable_aspoof of [0, 1]) {
      await modify({ nic: id, enable_aspoof })
      const nic = (await service.call('GET', `/v1/nics/${id}`)).body
      expect(nic.anti_spoofing).toBe(enable_aspoof === 1)
      const [job] = (await service.call('GET', `/v1/jobs?resource_id=${id}&limit=1`)).body.items
      expect(job).toMatchObject({ action: 'network.apply', state: 'pending', hypervisor_id: HYPERVISOR })
      await finish(service, job.id)
    }
  })

  it('refuses what cannot be', async () => {
    const network = await aNetwork(service)
    const server = await aServer(service)
    const card = await aCard(network.id, server.id)
    const [one, two] = await nics(service, network.id, 2)
    await refused(1100, {})
    await refused(2100, { nic: NOBODY })
    await refused(2100, { nic: NOBODY, nic_name: 'x' })
    await refused(2100, { nic: NOBODY, enable_aspoof: 1 })
    await refused(1100, { nic: one.id, private_ip: 'nonsense' })
    await refused(1101, { nic: one.id, private_ip: host(network, 255) })
    await refused(2110, { nic: one.id, private_ip: two.address })
    await refused(2100, { nic: one.id, vxnet: 'vxnet-0000000' })
    await refused(1100, { nic: one.id, enable_aspoof: 'x' })
    await refused(1101, { nic: one.id, nic_name: 'x'.repeat(256) })
    const { message } = await refused(1400, { nic: card, private_ip: host(network, 99) })
    expect(message).toBe(`PermissionDenied, nic [${card}] is in-use: detach it before changing its address`)
    await refused(1400, { nic: card, vxnet: vxnetOf(await aNetwork(service)) })
    expect(await find(one.id)).toMatchObject({ private_ip: one.address, nic_name: '' })
  })
})

describe('DeleteNics', () => {
  it('deletes them all, or none', async () => {
    const network = await aNetwork(service)
    const server = await aServer(service)
    const card = await aCard(network.id, server.id)
    const ids = (await nics(service, network.id, 200)).map(({ id }) => id)
    await wire.refused(1100, 'DeleteNics')
    const busy = await wire.refused(1400, 'DeleteNics', { nics: [...ids.slice(0, 3), card] })
    expect(busy.message).toBe(`PermissionDenied, nic [${card}] is in-use on instance [${server.id}]: detach it first`)
    await wire.refused(2100, 'DeleteNics', { nics: [...ids.slice(0, 3), NOBODY] })
    expect((await describeNics({ vxnets: [vxnetOf(network)] })).total_count).toBe(201)
    expect(await wire.ok('DeleteNics', { nics: ids.slice(1) })).toEqual({ action: 'DeleteNicsResponse', ret_code: 0 })
    await wire.ok('DeleteNics', { Nics: ids.slice(0, 1) })
    expect(await idsOf({ vxnets: [vxnetOf(network)] })).toEqual([card])
    const gone = await wire.refused(2100, 'DeleteNics', { nics: ids.slice(0, 1) })
    expect(gone.message).toBe(`ResourceNotFound, nic [${ids[0]}] not found`)
  })

  it('by many at once, each NIC once', async () => {
    const network = await aNetwork(service)
    const ids = (await nics(service, network.id, 30)).map(({ id }) => id)
    const answers = await Promise.all(
      [ids, [...ids].reverse()].map((order) => wire.send('DeleteNics', { nics: order })),
    )
    expect(answers.map(({ ret_code }) => ret_code).sort()).toEqual([0, 2100])
  })
})
