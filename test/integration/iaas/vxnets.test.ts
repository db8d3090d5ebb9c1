/** Vxnets over the wire. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { aService, HYPERVISOR, type Service } from '../../support/a-service.ts'
import { aWireClient, type WireClient, type WireParameters } from '../../support/a-wire-client.ts'
import { aHypervisor, aServer } from '../../support/builders.ts'
import { decoded } from '../../support/wire-shapes.ts'

let service: Service
let wire: WireClient
beforeAll(async () => {
  service = await aService()
  wire = await aWireClient(service)
  await aHypervisor(service, HYPERVISOR, ['eth1'])
})
afterAll(() => service.close())

const aVxnet = async (over: WireParameters = {}): Promise<string> =>
  (await wire.ok('CreateVxnets', { vxnet_name: 'v', vxnet_type: 1, ...over })).vxnets[0]
const read = async (id: string, over: WireParameters = {}) =>
  decoded('DescribeVxnets', await wire.ok('DescribeVxnets', { vxnets: [id], verbose: 1, ...over })).vxnet_set[0]
const networkOf = (vxnet: string) => vxnet.replace('vxnet-', 'net-')
const ids = async (over: WireParameters, client = wire) =>
  (await client.ok('DescribeVxnets', over)).vxnet_set.map((one: { vxnet_id: string }) => one.vxnet_id)

async function aJoinedVxnet(): Promise<{ vxnet: string; router: string }> {
  const { routers } = await wire.ok('CreateRouters', { router_name: 'r', vpc_network: '172.16.0.0/16' })
  const vxnet = await aVxnet()
  await wire.ok('JoinRouter', { vxnet, router: routers[0], ip_network: '172.16.3.0/24' })
  return { vxnet, router: routers[0] }
}

describe('CreateVxnets', () => {
  it.each([
    [0, 'unmanaged', 'isolated'],
    [1, 'managed', 'routed'],
  ])('of type %i makes a network that is %s', async (vxnet_type, type, mode) => {
    const answer = await wire.ok('CreateVxnets', { vxnet_name: 'named', vxnet_type, count: 1, mode: 0 })
    expect(answer).toEqual({
      action: 'CreateVxnetsResponse',
      ret_code: 0,
      vxnets: [expect.stringMatching(/^vxnet-[0-9a-z]{10}$/)],
    })
    const { body } = await service.call('GET', `/v1/networks/${networkOf(answer.vxnets[0])}`)
    expect(body).toMatchObject({ name: 'named', type, mode, vpc_id: null })
    expect((await read(answer.vxnets[0])).vxnet_type).toBe(vxnet_type)
  })

  it('makes several, without a name too', async () => {
    const { vxnets } = await wire.ok('CreateVxnets', { vxnet_type: 1, count: 3 })
    expect(new Set(vxnets).size).toBe(3)
    expect(await read(vxnets[2])).toMatchObject({ vxnet_name: '', description: '' })
  })

  it.each([
    [1100, {}],
    [1101, { vxnet_type: 2 }],
    [1100, { vxnet_type: 'managed' }],
    [1101, { vxnet_type: 1, count: 101 }],
    [1101, { vxnet_type: 1, vxnet_name: 'n'.repeat(256) }],
  ])('answers %i to %o', async (code, over) => {
    await wire.refused(code, 'CreateVxnets', over)
  })
})

describe('DescribeVxnets', () => {
  it('shows a vxnet that is in no router', async () => {
    const id = await aVxnet({ vxnet_name: 'alone' })
    const owner = `usr-${service.projectId.slice(4)}`
    expect(await read(id)).toEqual({
      vxnet_id: id,
      vxnet_name: 'alone',
      vxnet_type: 1,
      description: '',
      create_time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      owner,
      root_user_id: owner,
      zone_id: 'zone-test',
      tags: [],
      instance_ids: [],
      available_ip_count: 252,
      vpc_router_id: '',
      tunnel_type: 'vxlan',
      router: null,
    })
  })

  it('shows the router of one, and the instances only when asked to', async () => {
    const { vxnet, router } = await aJoinedVxnet()
    const server = await aServer(service, { network_id: networkOf(vxnet) })
    await service.call('POST', '/v1/nics', { network_id: networkOf(vxnet) })
    const shown = await read(vxnet)
    expect(shown).toMatchObject({ vpc_router_id: router, available_ip_count: 250, instance_ids: [server.id] })
    expect(shown.router).toEqual({
      router_id: router,
      router_name: 'r',
      manager_ip: '172.16.3.1',
      ip_network: '172.16.3.0/24',
      dyn_ip_start: '172.16.3.2',
      dyn_ip_end: '172.16.3.254',
      features: 1,
      mode: 0,
    })
    expect(await read(vxnet, { verbose: 0 })).toMatchObject({ router: shown.router, instance_ids: [] })
    expect(await read(vxnet, { zone: 'zone-test' })).toMatchObject({ zone_id: 'zone-test' })
  })

  it('finds by id, type, word and tag; newest first, in slices', async () => {
    const one = await aVxnet({ vxnet_name: 'Searched' })
    const two = await aVxnet({ vxnet_name: 'searched too', vxnet_type: 0 })
    const search_word = 'searched'
    expect(await ids({ search_word })).toEqual([two, one])
    expect(await ids({ search_word, vxnet_type: 0 })).toEqual([two])
    expect(await ids({ search_word, vxnet_type: 1 })).toEqual([one])
    expect(await ids({ search_word, vxnet_type: [0, 1] })).toEqual([two, one])
    expect(await ids({ search_word, vxnet_type: 'constructor' })).toEqual([])
    expect(await ids({ search_word: one })).toEqual([one])
    expect(await ids({ vxnets: [one, two, 'vxnet-0000000000', 'x'] })).toEqual([two, one])
    expect(await wire.ok('DescribeVxnets', { search_word, limit: 1, offset: 1 })).toMatchObject({
      vxnet_set: [{ vxnet_id: one }],
      total_count: 2,
    })
    const { tag_id } = await wire.ok('CreateTag', { tag_name: 't' })
    await wire.ok('AttachTags', { resource_tag_pairs: [{ tag_id, resource_type: 'vxnet', resource_id: one }] })
    expect(await ids({ tags: [tag_id] })).toEqual([one])
    expect((await read(one)).tags).toMatchObject([{ tag_id, tag_name: 't' }])
    const stranger = await aWireClient(service, { projectId: await service.aProject() })
    expect(await stranger.ok('DescribeVxnets', { vxnets: [one] })).toMatchObject({ vxnet_set: [], total_count: 0 })
  })

  it('shows the basic network only when it is asked for', async () => {
    const projectId = await service.aProject()
    const client = await aWireClient(service, { projectId })
    const vxnet = (await client.ok('CreateVxnets', { vxnet_type: 1 })).vxnets[0]
    expect(await ids({}, client)).toEqual([vxnet])
    expect(await ids({ vxnet_type: 1 }, client)).toEqual([vxnet])
    expect(await ids({ vxnet_type: 2 }, client)).toEqual(['vxnet-0'])
    expect(await ids({ vxnets: ['vxnet-0'] }, client)).toEqual(['vxnet-0'])
    expect(await ids({ vxnets: ['vxnet-0', vxnet] }, client)).toEqual([vxnet, 'vxnet-0'])
    expect(await ids({ vxnets: ['vxnet-0', vxnet], limit: 1 }, client)).toEqual([vxnet])
    expect(await ids({ vxnets: ['vxnet-0', vxnet], limit: 1, offset: 1 }, client)).toEqual(['vxnet-0'])
    expect(await ids({ vxnets: ['vxnet-0', vxnet], limit: 1, offset: 2 }, client)).toEqual([])
    expect(await ids({ vxnets: [vxnet], vxnet_type: 2 }, client)).toEqual([])
    expect(await ids({ vxnets: ['vxnet-0'], vxnet_type: 1 }, client)).toEqual([])
    expect((await client.ok('DescribeVxnets', { vxnets: ['vxnet-0', vxnet], limit: 1 })).total_count).toBe(2)
    const before = (await client.ok('DescribeVxnets', { vxnets: ['vxnet-0'] })).vxnet_set[0]
    expect(before).toMatchObject({
      vxnet_type: 2,
      vpc_router_id: '',
      router: null,
      available_ip_count: 254 * 252,
      create_time: null,
      instance_ids: [],
    })
    await client.ok('CreateNics', { vxnet: 'vxnet-0', count: 2 })
    const [after] = (await client.ok('DescribeVxnets', { vxnets: ['vxnet-0'] })).vxnet_set
    expect(after).toMatchObject({ available_ip_count: 254 * 252 - 2, create_time: expect.stringMatching(/Z$/) })
    expect(await ids({}, client)).toEqual([vxnet])
  })
})

describe('ModifyVxnetAttributes', () => {
  it('changes what is given, clears what is empty, and leaves the rest', async () => {
    const vxnet = await aVxnet({ vxnet_name: 'before' })
    await wire.ok('ModifyVxnetAttributes', { vxnet, description: 'd' })
    expect(await read(vxnet)).toMatchObject({ vxnet_name: 'before', description: 'd' })
    await wire.ok('ModifyVxnetAttributes', { vxnet, vxnet_name: '网络' })
    expect(await read(vxnet)).toMatchObject({ vxnet_name: '网络', description: 'd' })
    await wire.ok('ModifyVxnetAttributes', { vxnet, vxnet_name: '', description: '' })
    expect(await read(vxnet)).toMatchObject({ vxnet_name: '', description: '' })
  })

  it.each([
    [1100, {}],
    [2100, { vxnet: 'vxnet-0000000000', vxnet_name: 'x' }],
    [2100, { vxnet: 'vxnet-0', vxnet_name: 'x' }],
  ])('answers %i to %o', async (code, over) => {
    await wire.refused(code, 'ModifyVxnetAttributes', over)
  })
})

describe('DeleteVxnets', () => {
  it('deletes all that are named, joined ones too, or none', async () => {
    const { vxnet, router } = await aJoinedVxnet()
    const vxnets = [await aVxnet(), vxnet]
    await wire.refused(2100, 'DeleteVxnets', { vxnets: [...vxnets, 'vxnet-0000000000'] })
    expect(await ids({ vxnets })).toHaveLength(2)
    expect((await wire.ok('DeleteVxnets', { vxnets })).vxnets).toEqual(vxnets)
    expect(await ids({ vxnets })).toEqual([])
    expect((await wire.ok('DescribeRouterVxnets', { router })).router_vxnet_set).toEqual([])
  })

  it('is refused while there are NICs', async () => {
    const { vxnet } = await aJoinedVxnet()
    await service.call('POST', '/v1/nics', { network_id: networkOf(vxnet) })
    const vxnets = [await aVxnet(), vxnet]
    const { message } = await wire.refused(1400, 'DeleteVxnets', { vxnets })
    expect(message).toBe(`PermissionDenied, vxnet [${vxnet}] has 1 nic: delete them first`)
    expect(await ids({ vxnets })).toHaveLength(2)
    await wire.refused(1100, 'DeleteVxnets')
    await wire.refused(2100, 'DeleteVxnets', { vxnets: ['vxnet-0'] })
  })
})
