/** Routers over the wire: their life, their elastic IP and group, their vxnets. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { transaction } from '../../../src/db/client.ts'
import { basicNetwork } from '../../../src/domain/network/basic-network.ts'
import { aService, HYPERVISOR, type Service } from '../../support/a-service.ts'
import { aWireClient, type WireClient, type WireParameters } from '../../support/a-wire-client.ts'
import { aHypervisor, aPool, aServer, finish } from '../../support/builders.ts'
import { decoded } from '../../support/wire-shapes.ts'

let service: Service
let wire: WireClient
beforeAll(async () => {
  service = await aService()
  wire = await aWireClient(service)
  await aHypervisor(service, HYPERVISOR, ['eth1'])
  await aPool(service)
})
afterAll(() => service.close())

const aRouter = async (over: WireParameters = {}): Promise<string> =>
  (await wire.ok('CreateRouters', { router_name: 'r', ...over })).routers[0]
const read = async (id: string, over: WireParameters = {}) =>
  decoded('DescribeRouters', await wire.ok('DescribeRouters', { routers: [id], verbose: 1, ...over })).router_set[0]
const aVxnet = async (over: WireParameters = {}): Promise<string> =>
  (await wire.ok('CreateVxnets', { vxnet_name: 'v', vxnet_type: 1, ...over })).vxnets[0]
const vpcOf = (router: string) => router.replace('rtr-', 'vpc-')
const networkOf = (vxnet: string) => vxnet.replace('vxnet-', 'net-')
const jobOf = async (id: string) => (await service.call('GET', `/v1/jobs/${id}`)).body
const anEip = async (): Promise<{ id: string; address: string }> =>
  (await service.call('POST', '/v1/elastic-ips', {})).body

/** A router with a vxnet that has a running instance in it. */
async function aBusyRouter(): Promise<{ router: string; vxnet: string; server: { id: string } }> {
  const [router, vxnet] = [await aRouter({ vpc_network: '172.20.0.0/16' }), await aVxnet()]
  await wire.ok('JoinRouter', { router, vxnet, ip_network: '172.20.1.0/24' })
  return { router, vxnet, server: await aServer(service, { network_id: networkOf(vxnet) }) }
}

describe('CreateRouters', () => {
  it('makes one by default, as small, with a network and the default group, by a job that is done', async () => {
    const answer = await wire.ok('CreateRouters', { router_name: 'edge', count: 1, router_type: 1, security_group: '' })
    expect(answer).toEqual({
      action: 'CreateRoutersResponse',
      ret_code: 0,
      routers: [expect.stringMatching(/^rtr-[0-9a-z]{10}$/)],
      job_id: expect.stringMatching(/^j-/),
    })
    expect(await jobOf(answer.job_id)).toMatchObject({
      state: 'successful',
      resources: [{ type: 'vpc', id: vpcOf(answer.routers[0]) }],
    })
    const group = `sg-${service.projectId.slice(4)}`
    const owner = `usr-${service.projectId.slice(4)}`
    expect(await read(answer.routers[0])).toEqual({
      router_id: answer.routers[0],
      router_name: 'edge',
      description: '',
      router_type: 1,
      private_ip: '',
      vpc_network: '192.168.0.0/16',
      vpc_id: vpcOf(answer.routers[0]),
      base_vxnet: '',
      instance_id: '',
      mode: 0,
      features: 1,
      is_applied: 1,
      is_default: 0,
      status: 'active',
      transition_status: '',
      create_time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      status_time: null,
      security_group_id: group,
      security_groups: [{ group_id: group, group_name: 'default' }],
      eip: {},
      vxnets: [],
      tags: [],
      dns_aliases: [],
      owner,
      root_user_id: owner,
      console_id: '',
      controller: 'self',
      memory: 0,
      cpu: 0,
      hypervisor: '',
      sub_code: 0,
      place_group_id: '',
      resource_project_info: [],
      l3vni: 0,
      vpc_ipv6_network: '',
      alarm_status: '',
    })
  })

  it('makes several, each with a network that none of the project has, as one job', async () => {
    const stranger = await aWireClient(service, { projectId: await service.aProject() })
    const { routers, job_id } = await stranger.ok('CreateRouters', { count: 3 })
    const { router_set } = await stranger.ok('DescribeRouters', { routers })
    expect(router_set.map((one: { vpc_network: string }) => one.vpc_network)).toEqual([
      '172.17.0.0/16',
      '172.16.0.0/16',
      '192.168.0.0/16',
    ])
    expect(router_set[0].router_name).toBe('')
    const { job_set } = await stranger.ok('DescribeJobs', { jobs: [job_id] })
    expect(job_set[0]).toMatchObject({
      job_action: 'CreateRouters',
      status: 'successful',
      resource_ids: routers.join(' '),
    })
  })

  it('takes size, network and group', async () => {
    const group = (await service.call('POST', '/v1/security-groups', { name: 'of routers' })).body.id
    const id = await aRouter({ router_type: 3, vpc_network: '172.31.0.0/16', security_group: group })
    expect(await read(id)).toMatchObject({
      router_type: 3,
      vpc_network: '172.31.0.0/16',
      security_group_id: group,
      security_groups: [{ group_id: group, group_name: 'of routers' }],
    })
    expect((await service.call('GET', `/v1/vpcs/${vpcOf(id)}`)).body.security_group_id).toBe(group)
  })

  it.each([
    [1100, { vpc_network: '192.168.0.1/16' }],
    [1100, { vpc_network: 'any' }],
    [1101, { vpc_network: '8.8.0.0/16' }],
    [1101, { vpc_network: '192.168.0.0/24' }],
    [1101, { router_type: 4 }],
    [1100, { count: 'x' }],
    [1101, { count: 0 }],
    [2100, { security_group: 'security_group_id' }],
    [2100, { security_group: 'sg-0000000000' }],
    [1101, { router_name: 'n'.repeat(256) }],
  ])('answers %i to %o', async (code, over) => {
    await wire.refused(code, 'CreateRouters', over)
  })

  it('is for operators', async () => {
    const reader = await aWireClient(service, { role: 'reader' })
    await reader.refused(1400, 'CreateRouters')
    await reader.ok('DescribeRouters')
  })
})

describe('DescribeRouters', () => {
  it('finds by id, vxnet, status, word and tag; newest first, in slices', async () => {
    const { router, vxnet } = await aBusyRouter()
    await wire.ok('ModifyRouterAttributes', { router, router_name: 'Findable' })
    const other = await aRouter({ router_name: 'findable too' })
    const ids = async (over: WireParameters) =>
      (await wire.ok('DescribeRouters', over)).router_set.map((one: { router_id: string }) => one.router_id)
    expect(await ids({ search_word: 'findable' })).toEqual([other, router])
    expect(await ids({ search_word: router })).toEqual([router])
    expect(await ids({ vxnet })).toEqual([router])
    expect(await ids({ vxnet: 'vxnet-0000000000' })).toEqual([])
    expect(await ids({ search_word: 'findable', status: ['active'] })).toEqual([other, router])
    expect(await ids({ search_word: 'findable', status: 'poweroffed' })).toEqual([])
    expect(await ids({ search_word: 'findable', status: ['ceased', 'constructor'] })).toEqual([])
    const { tag_id } = await wire.ok('CreateTag', { tag_name: 't' })
    await wire.ok('AttachTags', { resource_tag_pairs: [{ tag_id, resource_type: 'router', resource_id: other }] })
    expect(await ids({ tags: [tag_id] })).toEqual([other])
    expect((await read(other)).tags).toMatchObject([{ tag_id, tag_name: 't' }])
    const page = { search_word: 'findable', limit: 1 }
    expect(await wire.ok('DescribeRouters', { ...page, offset: 1 })).toMatchObject({
      router_set: [{ router_id: router }],
      total_count: 2,
    })
    expect(await wire.ok('DescribeRouters', { ...page, offset: 9 })).toMatchObject({ router_set: [], total_count: 2 })
    expect((await read(router)).vxnets).toEqual([{ vxnet_id: vxnet, nic_id: '' }])
    expect((await read(router, { verbose: 0 })).vxnets).toEqual([])
  })

  it('answers with an empty set for what is not there or not one’s own', async () => {
    const id = await aRouter()
    const stranger = await aWireClient(service, { projectId: await service.aProject() })
    for (const [client, wanted] of [
      [wire, 'rtr-0000000000'],
      [wire, 'nonsense'],
      [stranger, id],
    ] as const) {
      expect(await client.ok('DescribeRouters', { routers: [wanted] })).toMatchObject({
        router_set: [],
        total_count: 0,
      })
    }
  })

  it('shows nothing of the basic network, and acts on none of it', async () => {
    const projectId = await service.aProject()
    const actor = { keyId: wire.key.access_key_id, projectId, role: 'operator' as const }
    const network = await transaction(service.db, (tx) => basicNetwork(tx, actor))
    const client = await aWireClient(service, { projectId })
    expect((await client.ok('DescribeRouters')).router_set).toEqual([])
    expect((await client.ok('DescribeRouterVxnets', { router: '*' })).router_vxnet_set).toEqual([])
    const vxnet = network.replace('net-', 'vxnet-')
    await client.refused(2100, 'DeleteVxnets', { vxnets: [vxnet] })
    await client.refused(2100, 'ModifyVxnetAttributes', { vxnet, vxnet_name: 'x' })
    const [{ id }] = (
      await service.call('GET', '/v1/vpcs', undefined, { token: await service.tokenOf('admin', projectId) })
    ).body.items
    const router = id.replace('vpc-', 'rtr-')
    expect((await client.ok('DescribeRouters', { routers: [router] })).router_set).toEqual([])
    await client.refused(2100, 'DeleteRouters', { routers: [router] })
    await client.refused(2100, 'LeaveRouter', { router, vxnets: [vxnet] })
  })
})

describe('ModifyRouterAttributes', () => {
  it('changes what is given, clears what is empty, and leaves the rest', async () => {
    const router = await aRouter({ router_name: 'before' })
    const group = (await service.call('POST', '/v1/security-groups', { name: 'g' })).body.id
    expect(await wire.ok('ModifyRouterAttributes', { router, description: 'd', security_group: group })).toEqual({
      action: 'ModifyRouterAttributesResponse',
      ret_code: 0,
    })
    expect(await read(router)).toMatchObject({ router_name: 'before', description: 'd', security_group_id: group })
    await wire.ok('ModifyRouterAttributes', { router, router_name: 'after' })
    expect(await read(router)).toMatchObject({ router_name: 'after', description: 'd', security_group_id: group })
    await wire.ok('ModifyRouterAttributes', { router, router_name: '', description: '', security_group: '' })
    expect(await read(router)).toMatchObject({
      router_name: '',
      description: '',
      security_group_id: `sg-${service.projectId.slice(4)}`,
    })
    await wire.ok('ModifyRouterAttributes', { router })
  })

  it('binds an eip at once, another one in its place, and unbinds it', async () => {
    const router = await aRouter()
    const [one, two] = [await anEip(), await anEip()]
    await wire.ok('ModifyRouterAttributes', { router, eip: one.id })
    expect(await read(router)).toMatchObject({
      eip: { eip_id: one.id, eip_name: '', eip_addr: one.address },
      transition_status: 'updating',
    })
    const [promised] = (await service.call('GET', `/v1/jobs?resource_id=${one.id}`)).body.items
    await finish(service, promised.id)
    expect((await read(router)).transition_status).toBe('')

    await wire.ok('ModifyRouterAttributes', { router, eip: one.id })
    await wire.ok('ModifyRouterAttributes', { router, eip: two.id })
    expect((await read(router)).eip.eip_id).toBe(two.id)
    expect((await service.call('GET', `/v1/elastic-ips/${one.id}`)).body.state).toBe('available')
    const other = await aRouter()
    const { message } = await wire.refused(1400, 'ModifyRouterAttributes', { router: other, eip: two.id })
    expect(message).toBe(
      `PermissionDenied, eip [${two.id}] is associated with router [${router}]: disassociate it first`,
    )
    await wire.ok('ModifyRouterAttributes', { router, eip: '' })
    await wire.ok('ModifyRouterAttributes', { router, eip: '' })
    expect((await read(router)).eip).toEqual({})
  })

  it('says where DHCP is in one of its vxnets', async () => {
    const { router, vxnet } = await aBusyRouter()
    const place = async () => (await wire.ok('DescribeRouterVxnets', { router, vxnet })).router_vxnet_set[0]
    const dyn = { dyn_ip_start: '172.20.1.10', dyn_ip_end: '172.20.1.99' }
    await wire.ok('ModifyRouterAttributes', { router, vxnet, features: 3, ...dyn })
    expect(await place()).toMatchObject({ features: 3, ...dyn })
    await wire.ok('ModifyRouterAttributes', { router, vxnet, dyn_ip_end: '172.20.1.50' })
    expect(await place()).toMatchObject({ features: 3, ...dyn, dyn_ip_end: '172.20.1.50' })
    await wire.refused(1100, 'ModifyRouterAttributes', { router, features: 1 })
    await wire.refused(1101, 'ModifyRouterAttributes', { router, vxnet, dyn_ip_start: '172.20.2.10' })
    await wire.refused(1101, 'ModifyRouterAttributes', { router, vxnet, dyn_ip_start: '172.20.1.60' })
    await wire.refused(1400, 'ModifyRouterAttributes', { router: await aRouter(), vxnet, features: 1 })
  })

  it.each([
    [1100, { router: '' }],
    [2100, { router: 'rtr-0000000000', router_name: 'x' }],
    [2100, { security_group: 'sg-0000000000' }],
    [2100, { eip: 'eip-0000000000' }],
    [2100, { eip: 'nothing' }],
  ])('answers %i to %o', async (code, over) => {
    const { message } = await wire.refused(code, 'ModifyRouterAttributes', { router: await aRouter(), ...over })
    if (code === 2100) expect(message).toMatch(/^ResourceNotFound, .* \[\S+\] not found$/)
  })
})

describe('the router is switched', () => {
  it('off and on by jobs of the hypervisors with its instances; asked again it is the same', async () => {
    const { router } = await aBusyRouter()
    const off = await wire.ok('PowerOffRouters', { routers: [router] })
    expect(off).toMatchObject({ routers: [router], job_id: expect.stringMatching(/^j-/) })
    expect(await jobOf(off.job_id)).toMatchObject({ state: 'pending', hypervisor_id: HYPERVISOR })
    expect(await read(router)).toMatchObject({ status: 'poweroffed', transition_status: 'poweroffing' })
    const { body } = await service.asWorker('GET', '/desired-state')
    expect(body.routers.find(({ vpc_id }: { vpc_id: string }) => vpc_id === vpcOf(router)).routing).toBe(false)
    await finish(service, off.job_id)
    expect(await read(router)).toMatchObject({ status: 'poweroffed', transition_status: '' })
    await wire.refused(1400, 'UpdateRouters', { routers: [router] })
    await finish(service, (await wire.ok('PowerOffRouters', { routers: [router] })).job_id)

    const on = await wire.ok('PowerOnRouters', { routers: [router] })
    expect(await read(router)).toMatchObject({ status: 'active', transition_status: 'poweroning' })
    await finish(service, on.job_id)
    const update = await wire.ok('UpdateRouters', { routers: [router] })
    expect(await read(router)).toMatchObject({ status: 'active', transition_status: 'updating', is_applied: 1 })
    await finish(service, update.job_id)
    expect((await read(router)).transition_status).toBe('')
  })

  it('several as one job, all or none', async () => {
    const routers = [await aRouter(), await aRouter()]
    const { job_id } = await wire.ok('PowerOffRouters', { routers })
    expect((await jobOf(job_id)).resources).toHaveLength(2)
    const { router_set } = await wire.ok('DescribeRouters', { routers })
    expect(router_set).toMatchObject([{ status: 'poweroffed' }, { status: 'poweroffed' }])
    await wire.refused(2100, 'PowerOnRouters', { routers: [...routers, 'rtr-0000000000'] })
    expect((await wire.ok('DescribeRouters', { routers, status: ['poweroffed'] })).total_count).toBe(2)
    for (const action of ['PowerOnRouters', 'PowerOffRouters', 'UpdateRouters', 'DeleteRouters'])
      await wire.refused(1100, action)
  })
})

describe('DeleteRouters', () => {
  it('frees the eip and takes statics with it; the router stays as deleted, by id only', async () => {
    const router = await aRouter({ router_name: 'to be deleted' })
    const group = (await service.call('POST', '/v1/security-groups', { name: 'g' })).body.id
    const eip = await anEip()
    await wire.ok('ModifyRouterAttributes', { router, eip: eip.id, security_group: group })
    await finish(service, (await service.call('GET', `/v1/jobs?resource_id=${eip.id}`)).body.items[0].id)
    const { vpc_network } = await read(router)
    const statics = [
      { static_type: 1, val1: 80, val2: vpc_network.replace('0.0/16', '1.5'), val3: 80 },
      { static_type: 8, val1: 'a.example', val2: '10.0.0.1' },
    ]
    const { router_statics } = await wire.ok('AddRouterStatics', { router, statics })
    const { job_id, routers } = await wire.ok('DeleteRouters', { routers: [router] })
    expect(routers).toEqual([router])
    const job = await jobOf(job_id)
    expect(job).toMatchObject({ state: 'pending', hypervisor_id: HYPERVISOR })
    expect(job.resources).toContainEqual({ type: 'elastic_ip', id: eip.id })
    expect(await read(router)).toMatchObject({ status: 'deleted', transition_status: '', eip: {}, vxnets: [] })
    expect((await wire.ok('DescribeRouters', { search_word: 'to be deleted' })).router_set).toEqual([])
    const { router_set } = await wire.ok('DescribeRouters', { search_word: 'to be deleted', status: ['deleted'] })
    expect(router_set).toHaveLength(1)
    expect((await wire.ok('DescribeRouterStatics', { router_statics })).router_static_set).toEqual([])
    expect((await service.call('DELETE', `/v1/security-groups/${group}`)).status).toBe(204)
    await finish(service, job_id)
    await wire.ok('ReleaseEips', { eips: [eip.id] })
    expect((await wire.ok('DeleteRouters', { routers: [router] })).job_id).toBe(job_id)
    for (const action of ['PowerOffRouters', 'UpdateRouters']) await wire.refused(2100, action, { routers: [router] })
    await wire.refused(2100, 'ModifyRouterAttributes', { router, router_name: 'x' })
  })

  it('is refused while a vxnet is joined, and then nothing has changed', async () => {
    const { router } = await aBusyRouter()
    const eip = await anEip()
    await wire.ok('ModifyRouterAttributes', { router, eip: eip.id })
    const { message } = await wire.refused(1400, 'DeleteRouters', { routers: [await aRouter(), router] })
    expect(message).toBe(
      `PermissionDenied, router [${router}] still has vxnets (1): delete them or let them leave first`,
    )
    expect(await read(router)).toMatchObject({ status: 'active', eip: { eip_id: eip.id } })
  })
})

describe('JoinRouter and LeaveRouter', () => {
  it('put a vxnet into a router and take it out', async () => {
    const [router, vxnet] = [await aRouter({ vpc_network: '172.21.0.0/16' }), await aVxnet({ vxnet_name: 'in' })]
    const join = { router, vxnet, ip_network: '172.21.7.0/24', features: 1 }
    const joined = await wire.ok('JoinRouter', join)
    expect(joined).toEqual({
      action: 'JoinRouterResponse',
      ret_code: 0,
      job_id: expect.stringMatching(/^j-/),
      router_id: router,
      vxnet_id: vxnet,
    })
    expect(await jobOf(joined.job_id)).toMatchObject({ state: 'successful' })
    const place = {
      ip_network: '172.21.7.0/24',
      manager_ip: '172.21.7.1',
      dyn_ip_start: '172.21.7.2',
      dyn_ip_end: '172.21.7.254',
      features: 1,
    }
    const { router_vxnet_set, total_count } = await wire.ok('DescribeRouterVxnets', { router, verbose: 1 })
    expect(total_count).toBe(1)
    expect(router_vxnet_set).toEqual([
      {
        router_id: router,
        vxnet_id: vxnet,
        vxnet_name: 'in',
        ...place,
        create_time: expect.stringMatching(/Z$/),
        owner: `usr-${service.projectId.slice(4)}`,
      },
    ])
    await wire.ok('JoinRouter', join)
    await wire.refused(1400, 'JoinRouter', { ...join, ip_network: '172.21.8.0/24' })

    const left = await wire.ok('LeaveRouter', { router, vxnets: [vxnet] })
    expect(left).toMatchObject({ router_id: router, vxnets: [vxnet], job_id: expect.stringMatching(/^j-/) })
    expect((await wire.ok('DescribeRouterVxnets', { router })).router_vxnet_set).toEqual([])
    await wire.ok('LeaveRouter', { router, vxnets: [vxnet] })
    await wire.ok('JoinRouter', { ...join, manager_ip: '172.21.7.1', dyn_ip_start: '172.21.7.9', features: 0 })
    expect((await wire.ok('DescribeRouterVxnets', { router: '*', vxnet })).router_vxnet_set).toMatchObject([
      { ...place, dyn_ip_start: '172.21.7.9', features: 0 },
    ])
  })

  it('are refused where they cannot be', async () => {
    const [router, vxnet] = [await aRouter({ vpc_network: '172.22.0.0/16' }), await aVxnet()]
    const join = (over: WireParameters) => ({ router, vxnet, ip_network: '172.22.1.0/24', ...over })
    for (const [code, over] of [
      [1100, { ip_network: '' }],
      [1100, { ip_network: '172.22.1.9/24' }],
      [1100, { manager_ip: 'first' }],
      [1101, { ip_network: '172.22.255.0/24' }],
      [1101, { ip_network: '172.23.1.0/24' }],
      [1101, { ip_network: '172.22.1.0/25' }],
      [1101, { manager_ip: '172.22.1.254' }],
      [1101, { dyn_ip_start: '172.22.1.1' }],
      [1101, { dyn_ip_end: '172.22.2.1' }],
      [1101, { dyn_ip_start: '172.22.1.20', dyn_ip_end: '172.22.1.10' }],
      [1101, { features: 4 }],
      [2100, { router: 'rtr-0000000000' }],
      [2100, { vxnet: 'vxnet-0000000000' }],
      [2100, { vxnet: 'vxnet-0' }],
      [1400, { vxnet: await aVxnet({ vxnet_type: 0 }) }],
    ] as const) {
      await wire.refused(code, 'JoinRouter', join(over))
    }
    expect((await wire.ok('DescribeRouterVxnets', { router })).total_count).toBe(0)
    await wire.ok('JoinRouter', join({}))
    await wire.refused(2110, 'JoinRouter', join({ vxnet: await aVxnet() }))
    const other = await aRouter()
    await wire.refused(1400, 'LeaveRouter', { router: other, vxnets: [vxnet] })
    await wire.refused(2100, 'LeaveRouter', { router, vxnets: ['vxnet-0000000000'] })
    await wire.refused(2100, 'LeaveRouter', { router: 'rtr-0000000000', vxnets: [vxnet] })
    await wire.refused(1100, 'LeaveRouter', { router })
    await wire.refused(1100, 'DescribeRouterVxnets')
    expect((await wire.ok('DescribeRouterVxnets', { router: 'rtr-0000000000' })).router_vxnet_set).toEqual([])
  })

  it('no vxnet leaves with NICs in it, nor others with it', async () => {
    const { router, vxnet } = await aBusyRouter()
    const idle = await aVxnet()
    await wire.ok('JoinRouter', { router, vxnet: idle, ip_network: '172.20.2.0/24' })
    const { message } = await wire.refused(1400, 'LeaveRouter', { router, vxnets: [idle, vxnet] })
    expect(message).toBe(`PermissionDenied, vxnet [${vxnet}] has 1 nic: delete them first`)
    expect((await wire.ok('DescribeRouterVxnets', { router })).total_count).toBe(2)
  })
})

describe('GetVPNCerts', () => {
  it('says that there are none', async () => {
    const router = await aRouter()
    const { message } = await wire.refused(1400, 'GetVPNCerts', { router, platform: 'linux' })
    expect(message).toMatch(/^PermissionDenied, this installation keeps router statics of VPNs, and runs no VPN/)
    await wire.refused(1101, 'GetVPNCerts', { router, platform: 'amiga' })
    await wire.refused(2100, 'GetVPNCerts', { router: 'rtr-0000000000', platform: 'mac' })
    await wire.refused(1100, 'GetVPNCerts')
  })
})

it('the life of a router, in the order that Terraform lives it', async () => {
  const router = await aRouter({ router_name: 'tf', vpc_network: '192.168.0.0/16', router_type: 1, count: 1 })
  const settled = async () => {
    const { transition_status } = await read(router)
    expect(transition_status).toBe('')
  }
  await settled()
  const eip = await anEip()
  await wire.ok('ModifyRouterAttributes', { router, router_name: 'tf', description: 'made by', eip: eip.id })
  await finish(service, (await service.call('GET', `/v1/jobs?resource_id=${eip.id}`)).body.items[0].id)
  await settled()
  const vxnet = await aVxnet()
  await wire.ok('JoinRouter', { vxnet, router, ip_network: '192.168.10.0/24', features: 1 })
  await settled()
  const { vxnet_set } = await wire.ok('DescribeVxnets', { vxnets: [vxnet], verbose: 1 })
  expect(vxnet_set[0]).toMatchObject({ vpc_router_id: router, router: { ip_network: '192.168.10.0/24' } })
  await wire.ok('LeaveRouter', { router, vxnets: [vxnet] })
  expect((await wire.ok('DescribeVxnets', { vxnets: [vxnet] })).vxnet_set[0]).toMatchObject({
    vpc_router_id: '',
    router: null,
  })
  await wire.ok('DeleteVxnets', { vxnets: [vxnet] })
  expect((await wire.ok('DescribeVxnets', { vxnets: [vxnet] })).vxnet_set).toEqual([])
  await wire.ok('DeleteRouters', { routers: [router] })
  expect(await read(router)).toMatchObject({ router_id: router, status: 'deleted', transition_status: '' })
})
