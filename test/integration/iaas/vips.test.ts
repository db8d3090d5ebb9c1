/** VIPs over the wire: the addresses that container networks reserve. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { aService, HYPERVISOR, type Service } from '../../support/a-service.ts'
import { aWireClient, type WireAnswer, type WireClient, type WireParameters } from '../../support/a-wire-client.ts'
import { aNetwork, aNic, aServer, finish } from '../../support/builders.ts'
import { decoded } from '../../support/wire-shapes.ts'

let service: Service
let wire: WireClient
beforeAll(async () => {
  service = await aService()
  wire = await aWireClient(service)
})
afterAll(() => service.close())

const NOBODY = 'vip-0000000000'
const host = (network: { cidr: string }, number: number) => network.cidr.replace('.0/24', `.${number}`)
const vxnetOf = ({ id }: { id: string }) => id.replace('net-', 'vxnet-')
const rangeOf = (network: { cidr: string }, first: number, last: number) =>
  `${host(network, first)}-${host(network, last)}`
const found = async (parameters: WireParameters): Promise<WireAnswer[]> =>
  decoded('DescribeVips', await wire.ok('DescribeVips', parameters)).vip_set
const addresses = async (parameters: WireParameters): Promise<string[]> =>
  (await found(parameters)).map(({ vip_addr }) => vip_addr)

describe('AllocateVips', () => {
  it('reserves one, or as many as asked for, and answers with their ids and a job', async () => {
    const network = await aNetwork(service)
    const answer = decoded('AllocateVips', await wire.ok('AllocateVips', { vxnet_id: vxnetOf(network) }))
    expect(answer).toEqual({
      action: 'AllocateVipsResponse',
      ret_code: 0,
      job_id: expect.stringMatching(/^j-/),
      vips: [expect.stringMatching(/^vip-[0-9a-z]{10}$/)],
    })
    const { job_set: jobs } = await wire.ok('DescribeJobs', { jobs: [answer.job_id] })
    expect(jobs[0]).toMatchObject({ job_action: 'AllocateVips', status: 'successful' })
    const more = await wire.ok('AllocateVips', {
      vxnet_id: vxnetOf(network),
      count: 3,
      vip_name: 'pods',
      vip_range: rangeOf(network, 10, 20),
    })
    expect(more.vips).toHaveLength(3)
    expect(await addresses({ vips: more.vips })).toEqual([12, 11, 10].map((number) => host(network, number)))
    expect((await found({ vips: [more.vips[0]] }))[0]).toEqual({
      vip_id: more.vips[0],
      vip_name: 'pods',
      vip_addr: host(network, 10),
      vxnet_id: vxnetOf(network),
      nic_id: '',
      instance_id: '',
      instance_name: '',
      description: '',
      create_time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      owner: service.projectId.replace('prj-', 'usr-'),
      root_user_id: service.projectId.replace('prj-', 'usr-'),
      console_id: '',
      controller: '',
    })
  })

  it('refuses what does not fit, and reserves nothing', async () => {
    const network = await aNetwork(service)
    await aNic(service, { network_id: network.id, address: host(network, 20) })
    const refused = (code: number, parameters: WireParameters) =>
      wire.refused(code, 'AllocateVips', { vxnet_id: vxnetOf(network), ...parameters })
    await refused(1100, { vxnet_id: '' })
    await refused(1101, { count: 0 })
    await refused(1101, { count: 253 })
    await refused(1100, { count: 'x' })
    await refused(1101, { vip_name: 'x'.repeat(256) })
    for (const vip_range of ['nonsense', host(network, 2), `${rangeOf(network, 2, 3)}-${host(network, 4)}`])
      await refused(1100, { vip_range })
    await refused(1100, { vip_range: rangeOf(network, 9, 2) })
    await refused(1101, { vip_range: '192.0.2.1-192.0.2.9' })
    const { message } = await refused(2500, { count: 5, vip_range: rangeOf(network, 18, 22) })
    expect(message).toBe(
      `QuotaExceeded, range ${rangeOf(network, 18, 22)} of vxnet [${vxnetOf(network)}] has 1 of 5 addresses in use; 5 were asked for`,
    )
    await refused(2500, { count: 252 })
    const gone = await refused(2100, { vxnet_id: 'vxnet-0000000' })
    expect(gone.message).toBe('ResourceNotFound, vxnet [vxnet-0000000] not found')
    await refused(1400, { vxnet_id: 'vxnet-0' })
    const free = (await service.call('POST', '/v1/networks', { name: 'm' })).body
    await refused(1400, { vxnet_id: vxnetOf(free) })
    const unmanaged = (await service.call('POST', '/v1/networks', { name: 'u', type: 'unmanaged' })).body
    await refused(1400, { vxnet_id: vxnetOf(unmanaged) })
    expect(await found({ vxnets: [vxnetOf(network)] })).toEqual([])
    const reader = await aWireClient(service, { role: 'reader' })
    await reader.refused(1400, 'AllocateVips', { vxnet_id: vxnetOf(network) })
    const stranger = await aWireClient(service, { projectId: await service.aProject() })
    await stranger.refused(2100, 'AllocateVips', { vxnet_id: vxnetOf(network) })
  })
})

describe('DescribeVips', () => {
  it('finds by vxnet, id and whole name, and nothing by what is not there', async () => {
    const [network, other] = [await aNetwork(service), await aNetwork(service)]
    const name = `hostnic_${vxnetOf(network)}`
    const { vips } = await wire.ok('AllocateVips', { vxnet_id: vxnetOf(network), count: 2, vip_name: name })
    await wire.ok('AllocateVips', { vxnet_id: vxnetOf(network), vip_name: `${name}0` })
    await wire.ok('AllocateVips', { vxnet_id: vxnetOf(other), vip_name: name })
    expect(await found({ vxnets: [vxnetOf(network)], vip_name: name, limit: 253 })).toHaveLength(2)
    expect(await found({ 'vxnets.1': vxnetOf(network), vip_name: '' })).toHaveLength(3)
    expect(await found({ vxnets: [vxnetOf(network), vxnetOf(other)], vip_name: name })).toHaveLength(3)
    expect((await found({ vips })).map(({ vip_id }) => vip_id)).toEqual([...vips].reverse())
    const slice = await wire.ok('DescribeVips', { vxnets: vxnetOf(network), limit: 2, offset: 2 })
    expect([slice.vip_set.length, slice.total_count]).toEqual([1, 3])
    for (const parameters of [
      { vxnets: ['vxnet-0000000'] },
      { vxnets: ['vxnet-0'] },
      { vips: [NOBODY] },
      { vips: ['no id'] },
      { vxnets: [vxnetOf(network)], vip_name: 'hostnic' },
    ])
      expect(await wire.ok('DescribeVips', parameters)).toMatchObject({ vip_set: [], total_count: 0 })
    const stranger = await aWireClient(service, { projectId: await service.aProject() })
    expect((await stranger.ok('DescribeVips', { vips })).vip_set).toEqual([])
  })
})

describe('ReleaseVips', () => {
  it('releases them all, or none', async () => {
    const network = await aNetwork(service)
    const { vips } = await wire.ok('AllocateVips', { vxnet_id: vxnetOf(network), count: 3 })
    await wire.refused(1100, 'ReleaseVips')
    const { message } = await wire.refused(2100, 'ReleaseVips', { vips: [...vips, NOBODY] })
    expect(message).toBe(`ResourceNotFound, vip [${NOBODY}] not found`)
    await wire.refused(2100, 'ReleaseVips', { vips: ['no id'] })
    expect(await found({ vips })).toHaveLength(3)
    const { job_id } = await wire.ok('ReleaseVips', { vips })
    expect(job_id).toMatch(/^j-/)
    expect(await found({ vips })).toEqual([])
    await wire.refused(2100, 'ReleaseVips', { vips })
  })

  it('a whole node pool: 241 beside NICs without address, named in one GET', async () => {
    const network = await aNetwork(service)
    const server = await aServer(service)
    const { nics } = await wire.ok('CreateNics', { vxnet: vxnetOf(network), count: 10, disable_ip: 1 })
    const attach = await wire.ok('AttachNics', { nics: [nics[0].nic_id], instance: server.id })
    await finish(service, attach.job_id)
    const { vips, job_id } = await wire.ok('AllocateVips', {
      vxnet_id: vxnetOf(network),
      count: 241,
      vip_name: 'pool',
      vip_range: rangeOf(network, 2, 242),
    })
    expect(vips).toHaveLength(241)
    const status = async (id: string) => (await wire.ok('DescribeJobs', { jobs: [id] })).job_set[0].status
    expect(await status(job_id)).toBe('pending')
    const order = await finish(service, job_id)
    expect(order.job.resources).toHaveLength(241)
    expect(await status(job_id)).toBe('successful')
    expect(await addresses({ vxnets: [vxnetOf(network)], limit: 253 })).toHaveLength(241)
    await wire.ok('CreateNics', { vxnet: vxnetOf(network), count: 200, disable_ip: 1 })
    const { nics: last } = await wire.ok('CreateNics', { vxnet: vxnetOf(network) })
    expect(last[0].private_ip).toBe(host(network, 243))

    const release = await wire.ok('ReleaseVips', { vips }, { method: 'GET' })
    expect(await status(release.job_id)).toBe('pending')
    const desired = (await service.call('GET', `/v1/jobs/${release.job_id}`)).body
    expect(desired).toMatchObject({ hypervisor_id: HYPERVISOR, action: 'network.apply' })
    expect(await found({ vxnets: [vxnetOf(network)] })).toEqual([])
  })
})
