/** Elastic IPs over the wire. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Answer, aService, HYPERVISOR, type Service } from '../../support/a-service.ts'
import { aWireClient, type WireClient, type WireParameters } from '../../support/a-wire-client.ts'
import { aHypervisor, aNetwork, aPool, aServer, aVpc, finish } from '../../support/builders.ts'
import { until } from '../../support/until.ts'

let service: Service
let wire: WireClient
beforeAll(async () => {
  service = await aService()
  wire = await aWireClient(service)
  await aHypervisor(service, HYPERVISOR, ['eth1'])
})
afterAll(() => service.close())

const allocate = async (over: WireParameters = {}): Promise<string[]> =>
  (await wire.ok('AllocateEips', { bandwidth: 4, ...over })).eips
const anEip = async (over: WireParameters = {}): Promise<string> => (await allocate(over))[0] ?? ''
const eip = async (id: string) => (await wire.ok('DescribeEips', { eips: [id], verbose: 1 })).eip_set[0]
const jobOf = async (id: string) => (await wire.ok('DescribeJobs', { jobs: [id] })).job_set[0]
/** A running server whose primary NIC is in a VPC. */
const aMachine = async () => aServer(service, { network_id: (await aNetwork(service)).id })
const nicsOf = async (serverId: string): Promise<Answer['body'][]> =>
  (await service.call('GET', `/v1/nics?server_id=${serverId}`)).body.items
async function anAttachedNic(serverId: string, network_id: string): Promise<Answer['body']> {
  const nic = (await service.call('POST', '/v1/nics', { network_id })).body
  await finish(service, (await service.call('POST', `/v1/nics/${nic.id}/attach`, { server_id: serverId })).body.id)
  return nic
}
const associate = (id: string, instance: string, over: WireParameters = {}) =>
  wire.ok('AssociateEip', { eip: id, instance, ...over })
/** An elastic IP that a new machine has, as its hypervisor knows. */
async function associated(): Promise<{ id: string; machine: Answer['body'] }> {
  const [id, machine] = [await anEip(), await aMachine()]
  await finish(service, (await associate(id, machine.id)).job_id)
  return { id, machine }
}

describe('without a pool', () => {
  it('there is nothing to allocate: 5200, and it says who can help', async () => {
    const { message } = await wire.refused(5200, 'AllocateEips', { bandwidth: 4 })
    expect(message).toBe(
      'ResourceExhausted, there is no eip pool: an administrator makes one with POST /v1/elastic-ip-pools',
    )
  })
})

describe('allocating', () => {
  it('takes as many as asked for, and they are described in full', async () => {
    const pool = await aPool(service)
    const eips = await allocate({ count: 2, billing_mode: 'traffic', need_icp: 1, eip_name: 'web' })
    expect(eips).toHaveLength(2)
    const owner = service.projectId.replace('prj-', 'usr-')
    const described = await wire.ok('DescribeEips', { eips, limit: 20, offset: 0 })
    expect(described.total_count).toBe(2)
    expect(described.eip_set[1]).toEqual({
      eip_id: eips[0],
      eip_name: 'web',
      eip_addr: pool.first,
      description: '',
      bandwidth: 4,
      billing_mode: 'traffic',
      associate_mode: 0,
      need_icp: 1,
      icp_codes: '',
      status: 'available',
      transition_status: '',
      sub_code: 0,
      alarm_status: '',
      resource: {},
      eip_group: { eip_group_id: pool.id, eip_group_name: pool.name },
      tags: [],
      owner,
      root_user_id: owner,
      create_time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      status_time: null,
    })
    expect(await eip(await anEip())).toMatchObject({ eip_name: '', billing_mode: 'bandwidth', need_icp: 0 })
  })

  it.each([
    [1100, {}],
    [1100, { bandwidth: 'much' }],
    [1101, { bandwidth: 0 }],
    [1101, { bandwidth: 4, billing_mode: 'love' }],
    [1101, { bandwidth: 4, count: 0 }],
    [1101, { bandwidth: 4, count: 101 }],
    [1101, { bandwidth: 4, associate_mode: 1 }],
    [1101, { bandwidth: 4, eip_name: 'x'.repeat(256) }],
  ])('is refused with %i for %j', async (code, parameters) => {
    await wire.refused(code, 'AllocateEips', parameters as WireParameters)
  })

  it('goes on to the next pool when one is full; when all are, nothing is taken: 5200', async () => {
    const [a, b] = [await aPool(service), await aPool(service)]
    await service.db.$client.query('UPDATE elastic_ip_pool SET last = first + 1 WHERE id IN ($1, $2)', [a.id, b.id])
    const full = (await service.call('GET', '/v1/elastic-ip-pools?limit=1000')).body.items
    const left = full.reduce((sum: number, pool: Answer['body']) => sum + pool.addresses_available, 0)
    for (let taken = 0; taken < left - 3; ) taken += (await allocate({ count: Math.min(100, left - 3 - taken) })).length
    await wire.refused(5200, 'AllocateEips', { bandwidth: 1, count: 4 })
    const last = await Promise.all([anEip(), anEip(), anEip()])
    const pools = await Promise.all(last.map(async (id) => (await eip(id)).eip_group.eip_group_id))
    expect(pools.sort()).toEqual([a.id, b.id, b.id].sort())
    const { message } = await wire.refused(5200, 'AllocateEips', { bandwidth: 1 })
    expect(message).toMatch(/^ResourceExhausted, all addresses of all \d+ eip pools are in use$/)
    await aPool(service)
  })
})

describe('describing', () => {
  it('finds by id, status, name, address and instance; unknown ids are an empty set', async () => {
    const { id, machine } = await associated()
    const free = await anEip({ eip_name: 'Needle' })
    const ids = async (query: WireParameters) =>
      (await wire.ok('DescribeEips', query)).eip_set.map((one: { eip_id: string }) => one.eip_id)
    expect(await ids({ instance_id: machine.id })).toEqual([id])
    expect(await ids({ eips: [id, free], status: ['associated'] })).toEqual([id])
    expect(await ids({ eips: [id, free], status: 'available' })).toEqual([free])
    expect(await ids({ eips: [id, free], status: ['suspended', 'ceased'] })).toEqual([])
    expect(await ids({ search_word: 'needle' })).toEqual([free])
    expect(await ids({ search_word: (await eip(id)).eip_addr })).toEqual([id])
    expect(await ids({ eips: [id, free] })).toEqual([free, id])
    expect(await wire.ok('DescribeEips', { eips: ['eip-00000000', 'nonsense'] })).toMatchObject({
      eip_set: [],
      total_count: 0,
    })
    expect(await ids({ instance_id: 'i-00000000' })).toEqual([])
    const { tag_id } = await wire.ok('CreateTag', { tag_name: 'blue' })
    const resource_tag_pairs = [{ tag_id, resource_type: 'eip', resource_id: free }]
    await wire.ok('AttachTags', { resource_tag_pairs })
    expect(await ids({ tags: [tag_id] })).toEqual([free])
    expect((await eip(free)).tags).toMatchObject([{ tag_id, tag_name: 'blue' }])
  })

  it('shows who has it: an instance, a router, or a NIC that is on none', async () => {
    const { id, machine } = await associated()
    expect((await eip(id)).resource).toEqual({
      resource_id: machine.id,
      resource_name: machine.name,
      resource_type: 'instance',
    })
    const [ofVpc, vpc] = [await anEip(), await aVpc(service)]
    await service.call('POST', `/v1/elastic-ips/${ofVpc}/associate`, { vpc_id: vpc.id })
    expect(await eip(ofVpc)).toMatchObject({
      status: 'associated',
      resource: { resource_id: vpc.id.replace('vpc-', 'rtr-'), resource_name: vpc.name, resource_type: 'router' },
    })
    const nic = (await service.call('POST', '/v1/nics', { network_id: (await aNetwork(service)).id, name: 'n' })).body
    const ofNic = await anEip()
    await service.call('POST', `/v1/elastic-ips/${ofNic}/associate`, { nic_id: nic.id })
    expect((await eip(ofNic)).resource).toEqual({ resource_id: nic.id, resource_name: 'n', resource_type: 'nic' })
  })

  it('shows 0 for a bandwidth that is not limited', async () => {
    const made = (await service.call('POST', '/v1/elastic-ips', { pool_id: (await aPool(service)).id })).body
    expect(await eip(made.id)).toMatchObject({ bandwidth: 0, billing_mode: 'bandwidth' })
  })
})

describe('associating', () => {
  it('gives it to the primary NIC, by a job, and is in transition until that has ended', async () => {
    const [id, machine] = [await anEip(), await aMachine()]
    const { job_id } = await associate(id, machine.id)
    expect(await jobOf(job_id)).toMatchObject({ job_action: 'AssociateEip', status: 'pending' })
    expect(await eip(id)).toMatchObject({ status: 'associated', transition_status: 'associating' })
    await finish(service, job_id)
    expect(await eip(id)).toMatchObject({ status: 'associated', transition_status: '' })
    const [primary] = await nicsOf(machine.id)
    expect((await service.call('GET', `/v1/elastic-ips/${id}`)).body).toMatchObject({ nic_id: primary.id })
  })

  it('gives it to the first NIC in a VPC when the primary one is in none, or to the one named', async () => {
    const unmanaged = (await service.call('POST', '/v1/networks', { name: 'l2', type: 'unmanaged' })).body
    const machine = await aServer(service, { network_id: unmanaged.id })
    await wire.refused(1400, 'AssociateEip', { eip: await anEip(), instance: machine.id })
    const network = await aNetwork(service)
    const [first, second] = [await anAttachedNic(machine.id, network.id), await anAttachedNic(machine.id, network.id)]
    const holder = async (id: string) => (await service.call('GET', `/v1/elastic-ips/${id}`)).body.nic_id
    const id = await anEip()
    await finish(service, (await associate(id, machine.id)).job_id)
    expect(await holder(id)).toBe(first.id)
    await finish(service, (await wire.ok('DissociateEips', { eips: [id] })).job_id)
    await finish(service, (await associate(id, machine.id, { nic: second.id })).job_id)
    expect(await holder(id)).toBe(second.id)
  })

  it('is refused when somebody has it, or the instance has another: 1400', async () => {
    const { id, machine } = await associated()
    const other = await aMachine()
    const { message } = await wire.refused(1400, 'AssociateEip', { eip: id, instance: other.id })
    expect(message).toMatch(new RegExp(`^PermissionDenied, eip \\[${id}\\] is associated with nic \\[52:54:`))
    const second = await wire.refused(1400, 'AssociateEip', { eip: await anEip(), instance: machine.id })
    expect(second.message).toMatch(new RegExp(`^PermissionDenied, instance \\[${machine.id}\\] has eip \\[${id}\\]`))
    const [nic] = await nicsOf(other.id)
    await wire.refused(1400, 'AssociateEip', { eip: await anEip(), instance: machine.id, nic: nic.id })
  })

  it('asked for again is a job again, and changes nothing', async () => {
    const { id, machine } = await associated()
    await finish(service, (await associate(id, machine.id)).job_id)
    expect((await eip(id)).resource).toMatchObject({ resource_id: machine.id })
  })

  it('of two to one instance at once goes to one', async () => {
    const machine = await aMachine()
    const eips = await allocate({ count: 2 })
    const answers = await Promise.all(eips.map((id) => wire.send('AssociateEip', { eip: id, instance: machine.id })))
    expect(answers.map((one) => one.ret_code).sort()).toEqual([0, 1400])
  })

  it('with what is not there is 2100, with what is gone 1400', async () => {
    const [id, machine] = [await anEip(), await aMachine()]
    await wire.refused(2100, 'AssociateEip', { eip: 'eip-00000000', instance: machine.id })
    await wire.refused(2100, 'AssociateEip', { eip: id, instance: 'i-00000000' })
    await wire.refused(2100, 'AssociateEip', { eip: id, instance: machine.id, nic: 'no mac' })
    await wire.refused(1100, 'AssociateEip', { eip: id })
    await finish(service, (await service.call('DELETE', `/v1/servers/${machine.id}`)).body.id)
    await wire.refused(1400, 'AssociateEip', { eip: id, instance: machine.id })
    const stranger = await aWireClient(service, { projectId: await service.aProject() })
    for (const [action, parameters] of [
      ['AssociateEip', { eip: id, instance: (await aMachine()).id }],
      ['DissociateEips', { eips: [id] }],
      ['ReleaseEips', { eips: [id] }],
      ['ChangeEipsBandwidth', { eips: [id], bandwidth: 1 }],
      ['ChangeEipsBillingMode', { eips: [id], billing_mode: 'traffic' }],
      ['ModifyEipAttributes', { eip: id, eip_name: 'x' }],
    ] as const) {
      await stranger.refused(2100, action, parameters)
    }
    expect((await stranger.ok('DescribeEips', { eips: [id] })).total_count).toBe(0)
  })
})

describe('dissociating and releasing', () => {
  it('of several is one job; they are released when their hypervisors have let go', async () => {
    const eips = [(await associated()).id, (await associated()).id]
    const { job_id } = await wire.ok('DissociateEips', { eips })
    expect(await jobOf(job_id)).toMatchObject({ job_action: 'DissociateEips', status: 'working' })
    expect(await eip(eips[0] ?? '')).toMatchObject({
      status: 'available',
      transition_status: 'dissociating',
      resource: {},
    })
    const { message } = await wire.refused(1400, 'ReleaseEips', { eips })
    expect(message).toMatch(/please try later$/)
    const { rows } = await service.db.$client.query<{ id: string }>('SELECT id FROM job WHERE parent_id = $1', [job_id])
    for (const { id } of rows) await finish(service, id)
    expect(await jobOf(job_id)).toMatchObject({ status: 'successful' })
    expect(await eip(eips[0] ?? '')).toMatchObject({ status: 'available', transition_status: '' })

    const released = await wire.ok('ReleaseEips', { eips })
    expect(await jobOf(released.job_id)).toMatchObject({ job_action: 'ReleaseEips', status: 'successful' })
    expect((await jobOf(released.job_id)).resource_ids.split(' ').sort()).toEqual([...eips].sort())
    expect((await wire.ok('DescribeEips', { eips })).eip_set).toEqual([])
    await wire.refused(2100, 'ReleaseEips', { eips })
  })

  it('of one that somebody has is 1400, and all of them stay', async () => {
    const { id } = await associated()
    const free = await anEip()
    await wire.refused(1400, 'ReleaseEips', { eips: [free, id] })
    expect((await wire.ok('DescribeEips', { eips: [free, id] })).total_count).toBe(2)
  })

  it('by force takes it from whoever has it, and waits until it is free', async () => {
    const { id } = await associated()
    const releasing = wire.ok('ReleaseEips', { eips: [id], force: 1 })
    const letGo = async () => {
      const { items } = (await service.call('GET', `/v1/jobs?resource_id=${id}&state=pending`)).body
      for (const job of items) await finish(service, job.id)
      return items.length > 0
    }
    await until('the hypervisor is told', letGo)
    expect(await jobOf((await releasing).job_id)).toMatchObject({ status: 'successful' })
    expect((await wire.ok('DescribeEips', { eips: [id] })).total_count).toBe(0)
  })

  it('needs to know which', async () => {
    await wire.refused(1100, 'ReleaseEips')
    await wire.refused(1100, 'DissociateEips')
    await wire.refused(2100, 'DissociateEips', { eips: ['nonsense'] })
  })
})

describe('changing', () => {
  it('the bandwidth of several is one job', async () => {
    const eips = [(await associated()).id, await anEip()]
    const { job_id } = await wire.ok('ChangeEipsBandwidth', { eips, bandwidth: 9 })
    expect(await jobOf(job_id)).toMatchObject({ job_action: 'ChangeEipsBandwidth', status: 'working' })
    for (const id of eips) expect(await eip(id)).toMatchObject({ bandwidth: 9 })
    await wire.refused(1101, 'ChangeEipsBandwidth', { eips, bandwidth: 100_001 })
    await wire.refused(1100, 'ChangeEipsBandwidth', { eips })
    await wire.refused(2100, 'ChangeEipsBandwidth', { eips: ['eip-00000000'], bandwidth: 1 })
  })

  it('the billing mode is a job that is done', async () => {
    const eips = await allocate({ count: 2, need_icp: 1 })
    const { job_id } = await wire.ok('ChangeEipsBillingMode', { eips, billing_mode: 'traffic' })
    expect(await jobOf(job_id)).toMatchObject({ job_action: 'ChangeEipsBillingMode', status: 'successful' })
    for (const id of eips) expect(await eip(id)).toMatchObject({ billing_mode: 'traffic', need_icp: 1 })
    await wire.refused(1100, 'ChangeEipsBillingMode', { eips })
    await wire.refused(1101, 'ChangeEipsBillingMode', { eips, billing_mode: 'love' })
    await wire.refused(2100, 'ChangeEipsBillingMode', { eips: [...eips, 'eip-00000000'], billing_mode: 'traffic' })
  })

  it('name and description goes by what is given, and what is empty clears', async () => {
    const id = await anEip({ eip_name: 'before' })
    expect(await wire.ok('ModifyEipAttributes', { eip: id, description: 'd' })).toMatchObject({ eip_id: id })
    expect(await eip(id)).toMatchObject({ eip_name: 'before', description: 'd' })
    await wire.ok('ModifyEipAttributes', { eip: id, eip_name: '', description: '' })
    expect(await eip(id)).toMatchObject({ eip_name: '', description: '' })
    await wire.refused(2100, 'ModifyEipAttributes', { eip: 'eip-00000000', eip_name: 'x' })
    await wire.refused(1100, 'ModifyEipAttributes', { eip_name: 'x' })
  })

  it('is for operators', async () => {
    const reader = await aWireClient(service, { role: 'reader' })
    const id = await anEip()
    expect((await reader.ok('DescribeEips', { eips: [id] })).total_count).toBe(1)
    await reader.refused(1400, 'ReleaseEips', { eips: [id] })
  })
})
