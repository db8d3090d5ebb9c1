/** Instances of the wire: each action, what it takes, what it answers, and what it refuses. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { aService, type Service } from '../../support/a-service.ts'
import { aWireClient, type WireAnswer, type WireClient, type WireParameters } from '../../support/a-wire-client.ts'
import { aNetwork, aPool, aServer, finish, nics } from '../../support/builders.ts'
import { decoded } from '../../support/wire-shapes.ts'

let service: Service
let wire: WireClient
beforeAll(async () => {
  service = await aService()
  wire = await aWireClient(service)
})
afterAll(() => service.close())

const BASIC = { image_id: 'centos7x64d', login_mode: 'passwd', login_passwd: 'Hello2333' }
const vxnetOf = (network: { id: string }) => network.id.replace('net-', 'vxnet-')
const aVxnet = async () => vxnetOf(await aNetwork(service))
/** A self-managed one. */
const aBareVxnet = async () =>
  vxnetOf((await service.call('POST', '/v1/networks', { name: 'l2', type: 'unmanaged' })).body)

/** Plays the worker for a job and its parts. */
async function done(jobId: string, report: Parameters<typeof finish>[2] = {}): Promise<void> {
  const { rows } = await service.db.$client.query(
    `SELECT id FROM job WHERE (id = $1 OR parent_id = $1) AND state = 'pending' ORDER BY seq`,
    [jobId],
  )
  for (const { id } of rows) await finish(service, id, report)
}
const jobOf = async (id: string) => (await service.call('GET', `/v1/jobs/${id}`)).body

/** An action that answers with a job, and its end. */
async function did(action: string, parameters: WireParameters): Promise<WireAnswer> {
  const answer = await wire.ok(action, parameters)
  expect(answer.job_id).toMatch(/^j-[0-9a-z]+$/)
  await done(answer.job_id)
  return answer
}
const run = async (parameters: WireParameters = {}): Promise<string> =>
  (await did('RunInstances', { ...BASIC, ...parameters })).instances[0]
const describeOne = async (id: string): Promise<WireAnswer> => {
  const answer = await wire.ok('DescribeInstances', { instances: [id], verbose: 1 })
  decoded('DescribeInstances', answer)
  expect(answer.total_count).toBe(1)
  return answer.instance_set[0]
}
const found = async (parameters: WireParameters): Promise<string[]> =>
  (await wire.ok('DescribeInstances', { limit: 100, ...parameters })).instance_set.map(
    (one: WireAnswer) => one.instance_id,
  )

describe('RunInstances', () => {
  it('makes one without vxnet, which is pending and then runs', async () => {
    const answer = await wire.ok('RunInstances', BASIC)
    expect(answer).toEqual({
      action: 'RunInstancesResponse',
      ret_code: 0,
      instances: [expect.stringMatching(/^i-[0-9a-z]{8,}$/)],
      job_id: expect.stringMatching(/^j-/),
    })
    const [id] = answer.instances
    expect(await describeOne(id)).toMatchObject({ status: 'pending', transition_status: 'creating', vxnets: [] })
    await done(answer.job_id)
    const item = await describeOne(id)
    expect(item).toEqual({
      instance_id: id,
      instance_name: '',
      description: '',
      instance_type: 'c1m1',
      instance_class: 0,
      vcpus_current: 1,
      memory_current: 1024,
      cpu_topology: '',
      status: 'running',
      transition_status: '',
      sub_code: 0,
      alarm_status: '',
      create_time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      status_time: null,
      zone_id: 'zone-test',
      owner: expect.stringMatching(/^usr-/),
      root_user_id: expect.stringMatching(/^usr-/),
      device: '',
      repl: '',
      graphics_protocol: '',
      graphics_passwd: '',
      hostname: '',
      login_mode: 'passwd',
      image: {
        image_id: 'centos7x64d',
        image_name: 'centos7x64d',
        os_family: 'centos',
        platform: 'linux',
        processor_type: '64bit',
        provider: 'system',
        image_size: 20,
      },
      extra: { os_disk_size: 20, hypervisor: 'namespace', nic_mqueue: 0, cpu_model: '' },
      vxnets: [],
      eip: null,
      eips: [],
      security_group: null,
      security_groups: [],
      keypair_ids: [],
      volumes: [],
      volume_ids: [],
      dns_aliases: [],
      tags: [],
    })
  })

  it('takes all that the Go client sends of itself, and what else there is', async () => {
    const id = await run({
      count: 1,
      cpu: 2,
      cpu_model: 'Westmere',
      gpu: 0,
      memory: 4096,
      need_newsid: 0,
      need_userdata: 0,
      userdata_file: '/etc/rc.local',
      userdata_path: '/etc/qingcloud/userdata',
      userdata_type: 'plain',
      userdata_value: 'aGVsbG8=',
      dry_run: 0,
      instance_type: 'small_b',
      instance_name: 'webb',
      instance_class: 1,
      hostname: 'webb-host',
      os_disk_size: 60,
      nic_mqueue: 1,
      hypervisor: 'kvm',
      months: 0,
      auto_renew: 0,
      target_user: '',
      zone: 'zone-test',
      security_group: '',
    })
    expect(await describeOne(id)).toMatchObject({
      instance_name: 'webb',
      instance_type: 'c2m4', // cpu and memory count more
      vcpus_current: 2,
      memory_current: 4096,
      instance_class: 1,
      hostname: 'webb-host',
      extra: { os_disk_size: 60, nic_mqueue: 1, cpu_model: 'Westmere' },
    })
  })

  it.each([
    [{ instance_type: 'small_b' }, 1, 1024, 'small_b'],
    [{ instance_type: 'c4m8' }, 4, 8192, 'c4m8'],
    [{ instance_type: 's1.medium.r2' }, 2, 4096, 's1.medium.r2'],
    [{ instance_type: 'c4m8', cpu: 2 }, 2, 8192, 'c2m8'],
    [{ instance_type: 'small_b', cpu: 1, memory: 1024 }, 1, 1024, 'small_b'],
    [{ cpu: 8 }, 8, 1024, ''],
    [{ memory: 3000 }, 1, 3000, ''],
  ] as const)('of %j has %i processors and %i MB', async (size, vcpus_current, memory_current, instance_type) => {
    expect(await describeOne(await run(size))).toMatchObject({ vcpus_current, memory_current, instance_type })
  })

  it('puts NICs into vxnets: the first is the primary one; a chosen address, and a security group', async () => {
    const network = await aNetwork(service)
    const bare = await aBareVxnet()
    const { body: group } = await service.call('POST', '/v1/security-groups', { name: 'web' })
    const address = network.gateway.replace(/1$/, '33')
    const id = await run({ vxnets: [`${vxnetOf(network)}|${address}`, bare], security_group: group.id })
    const item = await describeOne(id)
    const sg = { security_group_id: group.id, security_group_name: 'web', is_default: 0 }
    expect(item.vxnets).toEqual([
      {
        vxnet_id: vxnetOf(network),
        vxnet_name: network.name,
        vxnet_type: 1,
        nic_id: expect.stringMatching(/^52:54:/),
        private_ip: address,
        ipv6_address: '',
        role: 1,
        sequence: 0,
        security_group: sg,
        security_groups: [sg],
      },
      expect.objectContaining({ vxnet_id: bare, vxnet_type: 0, private_ip: '', role: 0, sequence: 1 }),
    ])
    expect(item).toMatchObject({ security_group: sg, security_groups: [sg] })
  })

  it('in vxnet-0 shows it by that name, of type 2', async () => {
    const id = await run({ vxnets: ['vxnet-0'] })
    const { vxnets } = await describeOne(id)
    expect(vxnets).toMatchObject([{ vxnet_id: 'vxnet-0', vxnet_type: 2, role: 1 }])
    expect(vxnets[0].private_ip).toMatch(/^10\.250\.1\.\d+$/)
    expect(vxnets[0].security_group).toMatchObject({ is_default: 1 })
  })

  it('makes several as one job, each with a NIC', async () => {
    const vxnet = await aVxnet()
    const answer = await wire.ok('RunInstances', { ...BASIC, count: 3, vxnets: [vxnet], instance_name: 'three' })
    expect(new Set(answer.instances).size).toBe(3)
    expect((await jobOf(answer.job_id)).state).toBe('working')
    await done(answer.job_id)
    expect(await jobOf(answer.job_id)).toMatchObject({ state: 'successful', action: 'server.create' })
    const addresses = new Set<string>()
    for (const id of answer.instances) addresses.add((await describeOne(id)).vxnets[0].private_ip)
    expect(addresses.size).toBe(3)
  })

  it('by many at once in the vxnet-0 of a new project: each has an address of its own', async () => {
    const other = await aWireClient(service, { projectId: await service.aProject() })
    await Promise.all(Array.from({ length: 8 }, () => other.ok('RunInstances', { ...BASIC, vxnets: ['vxnet-0'] })))
    const { instance_set } = await other.ok('DescribeInstances')
    const addresses = instance_set.map((one: WireAnswer) => one.vxnets[0].private_ip)
    expect(new Set(addresses).size).toBe(8)
    for (const address of addresses) expect(address).toMatch(/^10\.250\.1\./)
  })

  it('that fails leaves the instance stopped', async () => {
    const answer = await wire.ok('RunInstances', BASIC)
    await done(answer.job_id, { outcome: 'failed', error: 'no room' })
    expect(await describeOne(answer.instances[0])).toMatchObject({ status: 'stopped', transition_status: '' })
  })

  it('logs in by a key pair, and names data that was uploaded', async () => {
    const { keypair_id } = await wire.ok('CreateKeyPair', { keypair_name: 'k' })
    const { attachment_id } = await wire.ok(
      'UploadUserDataAttachment',
      { attachment_content: Buffer.from('a tar').toString('base64'), attachment_name: 'x.tgz' },
      { method: 'POST' },
    )
    const id = await run({
      login_mode: 'keypair',
      login_keypair: keypair_id,
      login_passwd: undefined,
      need_userdata: 1,
      userdata_type: 'tar',
      userdata_value: attachment_id,
    })
    expect(await describeOne(id)).toMatchObject({ keypair_ids: [keypair_id], login_mode: 'keypair' })
  })

  it.each<[number, WireParameters, RegExp]>([
    [1100, { image_id: undefined }, /parameter image_id is required/],
    [2100, { image_id: 'none' }, /^ResourceNotFound, image \[none\] not found$/],
    [1101, { login_mode: 'smile' }, /login_mode/],
    [1100, { login_mode: 'keypair' }, /login_keypair is required/],
    [2100, { login_mode: 'keypair', login_keypair: 'kp-0000000000' }, /^ResourceNotFound, key pair \[kp-0000000000\]/],
    [2100, { instance_type: 'huge' }, /instance type \[huge\] not found/],
    [1101, { cpu: 3 }, /cpu must be one of/],
    [1101, { memory: 512 }, /memory must be 1024/],
    [1101, { memory: 65_536 }, /memory must be 1024/],
    [1100, { cpu: 'many' }, /cpu must be a whole number/],
    [1101, { count: 0 }, /count/],
    [2100, { volumes: ['vol-12345678'] }, /volume \[vol-12345678\] not found/],
    [2100, { vxnets: ['vxnet-0000000000'] }, /vxnet \[vxnet-0000000000\] not found/],
    [2100, { vxnets: ['nonsense'] }, /vxnet \[nonsense\] not found/],
    [2100, { security_group: 'sg-0000000000' }, /security group \[sg-0000000000\] not found/],
    [2100, { zone: 'nowhere' }, /zone \[nowhere\] not found/],
    [2100, { userdata_type: 'tar', userdata_value: 'ud-0000000000' }, /user data/],
    [1100, { count: 2, vxnets: ['vxnet-0|10.250.1.9'] }, /count must be 1/],
    [1101, { instance_name: 'x'.repeat(256) }, /instance_name/],
  ])('is refused with %i: %j', async (code, wrong, words) => {
    const before = await found({ search_word: 'refused' })
    const { message } = await wire.refused(code, 'RunInstances', { ...BASIC, instance_name: 'refused', ...wrong })
    expect(message).toMatch(words)
    expect(await found({ search_word: 'refused' })).toEqual(before)
  })

  it('in a self-managed vxnet and a managed one shows that with an address first', async () => {
    const [bare, vxnet] = [await aBareVxnet(), await aVxnet()]
    const { vxnets } = await describeOne(await run({ vxnets: [bare, vxnet] }))
    expect(vxnets).toMatchObject([
      { vxnet_id: vxnet, role: 0, sequence: 1 },
      { vxnet_id: bare, role: 1, sequence: 0, private_ip: '' },
    ])
  })

  it('is refused in two managed vxnets, with an address that is taken, and in a vxnet that is full of it', async () => {
    const vxnets = [await aVxnet(), await aVxnet()]
    await wire.refused(1400, 'RunInstances', { ...BASIC, vxnets })
    const network = await aNetwork(service)
    const taken = `${vxnetOf(network)}|${network.gateway.replace(/1$/, '5')}`
    await run({ vxnets: [taken] })
    const { message } = await wire.refused(2110, 'RunInstances', { ...BASIC, vxnets: [taken] })
    expect(message).toMatch(/already used in vxnet/)
    await nics(service, network.id, 251)
    const full = await wire.refused(2500, 'RunInstances', { ...BASIC, vxnets: [vxnetOf(network)] })
    expect(full.message).toMatch(/252/)
  })

  it('is refused with 5200 where no hypervisor is up', async () => {
    await service.db.$client.query(`INSERT INTO zone VALUES ('zone-empty') ON CONFLICT DO NOTHING`)
    const { message } = await wire.refused(5200, 'RunInstances', { ...BASIC, zone: 'zone-empty' })
    expect(message).toMatch(/zone-empty/)
  })
})

describe('DescribeInstances', () => {
  it('finds by ids, and nothing by one that there is none of', async () => {
    const [a, b] = [await run(), await run()]
    expect(await found({ instances: [a, b] })).toEqual([b, a]) // newest first
    expect(await found({ instances: [a, 'i-0000000000', 'nonsense'] })).toEqual([a])
    expect(await wire.ok('DescribeInstances', { instances: ['i-0000000000'] })).toMatchObject({
      instance_set: [],
      total_count: 0,
    })
    const stranger = await aWireClient(service, { projectId: await service.aProject() })
    expect((await stranger.ok('DescribeInstances', { instances: [a] })).total_count).toBe(0)
  })

  it('filters by what instances are', async () => {
    const one = await run({
      instance_name: 'Filtered-one',
      image_id: 'xenial3x64',
      cpu: 4,
      memory: 8192,
      os_disk_size: 77,
    })
    const two = await run({ instance_name: 'filtered-two', instance_class: 1 })
    const { body: tag } = { body: await wire.ok('CreateTag', { tag_name: 'filter' }) }
    const pair = { tag_id: tag.tag_id, resource_type: 'instance', resource_id: one }
    await wire.ok('AttachTags', { resource_tag_pairs: [pair] })
    await did('StopInstances', { instances: [two] })
    const among = (parameters: WireParameters) => found({ search_word: 'FILTERED', ...parameters })
    expect(await among({})).toEqual([two, one])
    expect(await among({ image_id: ['xenial3x64'] })).toEqual([one])
    expect(await among({ image_id: 'xenial3x64' })).toEqual([one])
    expect(await among({ instance_type: ['c4m8'] })).toEqual([one])
    expect(await among({ instance_class: 1 })).toEqual([two])
    expect(await among({ vcpus_current: 4 })).toEqual([one])
    expect(await among({ memory_current: 8192 })).toEqual([one])
    expect(await among({ os_disk_size: 77 })).toEqual([one])
    expect(await among({ status: ['stopped'] })).toEqual([two])
    expect(await among({ status: ['running', 'stopped'] })).toEqual([two, one])
    expect(await among({ status: ['suspended'] })).toEqual([])
    expect(await among({ tags: [tag.tag_id] })).toEqual([one])
    expect(await among({ zone: 'zone-test', owner: '', project_id: '', is_cluster_node: 0 })).toEqual([two, one])
    expect(await among({ is_cluster_node: 1 })).toEqual([])
    expect(await among({ zone: 'zone-test', exclude_reserved: 1, not_transition: 0 })).toEqual([two, one])
    expect(await found({ search_word: one })).toEqual([one])
    expect((await describeOne(one)).tags).toMatchObject([{ tag_id: tag.tag_id, tag_name: 'filter' }])
    const page = await wire.ok('DescribeInstances', { search_word: 'filtered', limit: 1, offset: 1 })
    expect(page).toMatchObject({ total_count: 2, instance_set: [{ instance_id: one }] })
    await wire.refused(1100, 'DescribeInstances', { vcpus_current: 'x' })
  })

  it('shows what hangs on an instance: NICs that were attached, its elastic IP', async () => {
    const network = await aNetwork(service)
    const id = await run({ vxnets: [vxnetOf(network)] })
    const [own] = await nics(service, network.id, 1)
    const attach = await service.call('POST', `/v1/nics/${own.id}/attach`, { server_id: id })
    const { vxnets: before } = await describeOne(id)
    expect(before).toHaveLength(1) // it is not on yet
    await finish(service, attach.body.id)
    const [primary, second] = (await describeOne(id)).vxnets
    expect(second).toMatchObject({ nic_id: own.id, role: 0, sequence: 1, vxnet_id: vxnetOf(network) })
    await service.db.$client.query(`UPDATE hypervisor SET facts = '{"interfaces": ["eth1"]}'`)
    const pool = await aPool(service)
    const { body: eip } = await service.call('POST', '/v1/elastic-ips', { pool_id: pool.id, bandwidth_mbps: 7 })
    await service.call('POST', `/v1/elastic-ips/${eip.id}/associate`, { nic_id: primary.nic_id })
    expect((await describeOne(id)).eip).toEqual({ eip_id: eip.id, eip_addr: eip.address, bandwidth: 7 })
  })

  it('shows one that /v1 made', async () => {
    const { id } = await aServer(service, { name: 'from v1' })
    expect(await describeOne(id)).toMatchObject({
      instance_type: '',
      image: { image_id: '' },
      extra: { os_disk_size: 0 },
      vcpus_current: 1,
      memory_current: 256,
    })
  })
})

describe('power', () => {
  it('stops, starts and restarts; the transition stands beside the status that it comes from', async () => {
    const id = await run()
    const stop = await wire.ok('StopInstances', { instances: [id], force: 1 })
    expect(await describeOne(id)).toMatchObject({ status: 'running', transition_status: 'stopping' })
    expect((await wire.ok('StopInstances', { instances: [id], force: 1 })).job_id).toBe(stop.job_id)
    await done(stop.job_id)
    expect(await describeOne(id)).toMatchObject({ status: 'stopped', transition_status: '' })
    const { message } = await wire.refused(1400, 'RestartInstances', { instances: [id] })
    expect(message).toBe(`PermissionDenied, instance [${id}] is not running, can not be restarted`)

    const start = await wire.ok('StartInstances', { instances: [id] })
    expect(await describeOne(id)).toMatchObject({ status: 'stopped', transition_status: 'starting' })
    await done(start.job_id)
    const restart = await wire.ok('RestartInstances', { instances: [id] })
    expect(await describeOne(id)).toMatchObject({ status: 'running', transition_status: 'restarting' })
    expect(await found({ instances: [id], status: 'running' })).toEqual([id])
    expect((await wire.ok('RestartInstances', { instances: [id] })).job_id).toBe(restart.job_id)
    await done(restart.job_id)
    expect(await describeOne(id)).toMatchObject({ status: 'running', transition_status: '' })
  })

  it.each([
    'StartInstances',
    'StopInstances',
    'RestartInstances',
    'TerminateInstances',
    'CeaseInstances',
    'ResizeInstances',
  ])('%s without instances is 1100, of one that there is none of 2100', async (action) => {
    await wire.refused(1100, action)
    const { message } = await wire.refused(2100, action, { instances: ['i-0000000000'], cpu: 1 })
    expect(message).toBe('ResourceNotFound, instance [i-0000000000] not found')
    const nonsense = await wire.refused(2100, action, { instances: ['nonsense'], cpu: 1 })
    expect(nonsense.message).toBe('ResourceNotFound, instance [nonsense] not found')
  })

  it('of several is one job, all or none', async () => {
    const ids = [await run(), await run(), await run()]
    await wire.refused(2100, 'StopInstances', { instances: [...ids, 'i-0000000000'] })
    expect(await describeOne(ids[0] ?? '')).toMatchObject({ transition_status: '' })
    const { job_id } = await wire.ok('StopInstances', { instances: ids })
    expect((await wire.ok('StopInstances', { instances: ids })).job_id).toBe(job_id)
    await done(job_id)
    expect(await jobOf(job_id)).toMatchObject({ state: 'successful', action: 'server.stop' })
    expect((await found({ instances: ids, status: ['stopped'] })).sort()).toEqual([...ids].sort())
    expect((await wire.ok('StopInstances', { instances: ids })).job_id).toBe(job_id)
  })

  it('a pending one is not stopped, and a reader stops none', async () => {
    const { instances, job_id } = await wire.ok('RunInstances', BASIC)
    for (const action of ['StopInstances', 'TerminateInstances', 'RestartInstances']) {
      await wire.refused(1400, action, { instances })
    }
    await done(job_id)
    const reader = await aWireClient(service, { role: 'reader' })
    await reader.refused(1400, 'StopInstances', { instances })
    await reader.refused(1400, 'RunInstances', BASIC)
    await reader.ok('DescribeInstances', { instances })
  })
})

describe('the end of an instance', () => {
  it('is terminated, listed by its id or status only, and its key pairs and primary NIC are free', async () => {
    const vxnet = await aVxnet()
    const id = await run({ vxnets: [vxnet] })
    const { job_id } = await wire.ok('TerminateInstances', { instances: [id], direct_cease: 0 })
    expect(await describeOne(id)).toMatchObject({ status: 'running', transition_status: 'terminating' })
    await done(job_id)
    expect((await wire.ok('TerminateInstances', { instances: [id] })).job_id).toBe(job_id)
    expect(await describeOne(id)).toMatchObject({ status: 'terminated', transition_status: '', vxnets: [] })
    expect(await found({})).not.toContain(id)
    expect(await found({ status: 'terminated' })).toContain(id)
    for (const action of ['StartInstances', 'StopInstances', 'RestartInstances']) {
      await wire.refused(1400, action, { instances: [id] })
    }
    await wire.refused(1400, 'ModifyInstanceAttributes', { instance: id, instance_name: 'x' })
    await wire.refused(1400, 'JoinVxnet', { instances: [id], vxnet })
    await service.db.$client.query(`UPDATE server SET deleted_at = now() - interval '2 hours 1 s' WHERE id = $1`, [id])
    expect(await describeOne(id)).toMatchObject({ status: 'ceased' })
    expect(await found({ status: 'terminated' })).not.toContain(id)
  })

  it('is at once with direct_cease, or when it is ceased', async () => {
    const [a, b] = [await run(), await run()]
    await did('TerminateInstances', { instances: [a], direct_cease: 1 })
    expect(await describeOne(a)).toMatchObject({ status: 'ceased' })
    const { message } = await wire.refused(1400, 'CeaseInstances', { instances: [b] })
    expect(message).toBe(`PermissionDenied, instance [${b}] is running, only a terminated one can be ceased`)
    await did('TerminateInstances', { instances: [b] })
    expect(await describeOne(b)).toMatchObject({ status: 'terminated' })
    const { job_id } = await wire.ok('CeaseInstances', { instances: [a, b] })
    expect((await jobOf(job_id)).state).toBe('successful')
    expect(await describeOne(b)).toMatchObject({ status: 'ceased' })
    expect(await found({ status: 'ceased' })).toEqual(expect.arrayContaining([a, b]))
  })
})

describe('changes', () => {
  it('ModifyInstanceAttributes changes what is given; empty clears', async () => {
    const id = await run({ instance_name: 'old' })
    await wire.ok('ModifyInstanceAttributes', { instance: id, instance_name: 'new', description: 'd', nic_mqueue: 1 })
    const shown = { instance_name: 'new', description: 'd', extra: { nic_mqueue: 1, os_disk_size: 20 } }
    expect(await describeOne(id)).toMatchObject(shown)
    await wire.ok('ModifyInstanceAttributes', { instance: id, description: '' })
    expect(await describeOne(id)).toMatchObject({ ...shown, description: '' })
    await wire.refused(1100, 'ModifyInstanceAttributes', { instance_name: 'x' })
    await wire.refused(1100, 'ModifyInstanceAttributes', { instance: id, nic_mqueue: 'x' })
    await wire.refused(2100, 'ModifyInstanceAttributes', { instance: 'i-0000000000', instance_name: 'x' })
  })

  it('ResizeInstances changes a stopped one, with a job that is done', async () => {
    const id = await run()
    const { message } = await wire.refused(1400, 'ResizeInstances', { instances: [id], cpu: 2, memory: 2048 })
    expect(message).toMatch(/is running/)
    await wire.refused(1400, 'ResizeInstances', { instances: [id], os_disk_size: 40 })
    await did('StopInstances', { instances: [id] })
    const { job_id } = await wire.ok('ResizeInstances', { instances: [id], cpu: 2, memory: 2048 })
    expect((await jobOf(job_id)).state).toBe('successful')
    expect(await describeOne(id)).toMatchObject({ vcpus_current: 2, memory_current: 2048, instance_type: 'c2m2' })
    await wire.ok('ResizeInstances', { instances: [id], instance_type: 'large_b', os_disk_size: 90 })
    expect(await describeOne(id)).toMatchObject({
      vcpus_current: 4,
      memory_current: 8192,
      instance_type: 'large_b',
      extra: { os_disk_size: 90 },
    })
    await wire.ok('ResizeInstances', { instances: [id], os_disk_size: 95 })
    expect(await describeOne(id)).toMatchObject({ instance_type: 'large_b', extra: { os_disk_size: 95 } })
    await wire.refused(1100, 'ResizeInstances', { instances: [id] })
    await wire.refused(1101, 'ResizeInstances', { instances: [id], cpu: 5 })
    const start = await wire.ok('StartInstances', { instances: [id] })
    const order = await finish(service, start.job_id)
    expect(order.server).toMatchObject({ vcpus: 4, memory_mb: 8192 })
    expect((await service.call('PATCH', `/v1/servers/${id}`, { vcpus: 1 })).body.code).toBe('server_not_stopped')
  })
})

describe('JoinVxnet and LeaveVxnet', () => {
  it('give an instance its primary NIC in vxnet-0, and take it away', async () => {
    const id = await run()
    const join = await wire.ok('JoinVxnet', { vxnet: 'vxnet-0', instances: [id] })
    expect(await describeOne(id)).toMatchObject({
      status: 'running',
      transition_status: 'updating',
      vxnets: [{ vxnet_id: 'vxnet-0', vxnet_type: 2, role: 1 }],
    })
    expect((await wire.ok('JoinVxnet', { vxnet: 'vxnet-0', instances: [id] })).job_id).toBe(join.job_id)
    await done(join.job_id)
    expect(await describeOne(id)).toMatchObject({ transition_status: '' })
    expect((await wire.ok('JoinVxnet', { vxnet: 'vxnet-0', instances: [id] })).job_id).toBe(join.job_id)

    const leave = await wire.ok('LeaveVxnet', { vxnet: 'vxnet-0', instances: [id] })
    expect(await describeOne(id)).toMatchObject({ transition_status: 'updating' })
    await done(leave.job_id)
    expect(await describeOne(id)).toMatchObject({ transition_status: '', vxnets: [] })
    expect((await wire.ok('LeaveVxnet', { vxnet: 'vxnet-0', instances: [id] })).job_id).toBe(leave.job_id)
  })

  it('of several are one job; a chosen address is for one', async () => {
    const network = await aNetwork(service)
    const vxnet = vxnetOf(network)
    const ids = [await run(), await run()]
    await did('JoinVxnet', { vxnet, instances: ids })
    for (const id of ids) expect((await describeOne(id)).vxnets).toMatchObject([{ vxnet_id: vxnet, role: 1 }])
    await did('LeaveVxnet', { vxnet, instances: ids })
    for (const id of ids) expect((await describeOne(id)).vxnets).toEqual([])
    const address = network.gateway.replace(/1$/, '44')
    await wire.refused(1100, 'JoinVxnet', { vxnet: `${vxnet}|${address}`, instances: ids })
    await did('JoinVxnet', { vxnet: `${vxnet}|${address}`, instances: [ids[0] ?? ''] })
    expect((await describeOne(ids[0] ?? '')).vxnets[0].private_ip).toBe(address)
  })

  it('use the security group that the instance was run with', async () => {
    const { body: group } = await service.call('POST', '/v1/security-groups', { name: 'kept' })
    const id = await run({ security_group: group.id })
    expect((await describeOne(id)).security_group).toMatchObject({ security_group_id: group.id })
    await did('JoinVxnet', { vxnet: await aVxnet(), instances: [id] })
    expect((await describeOne(id)).vxnets[0].security_group).toMatchObject({ security_group_id: group.id })
  })

  it('refuse a second managed vxnet, what is not there, and what was not joined', async () => {
    const [a, b, bare] = [await aVxnet(), await aVxnet(), await aBareVxnet()]
    const id = await run({ vxnets: [a] })
    const { message } = await wire.refused(1400, 'JoinVxnet', { vxnet: b, instances: [id] })
    expect(message).toMatch(/^PermissionDenied, instance \[i-.*\] has joined a vxnet already, with nic \[52:54/)
    await wire.refused(1400, 'JoinVxnet', { vxnet: 'vxnet-0', instances: [id] })
    await wire.refused(1400, 'LeaveVxnet', { vxnet: b, instances: [id] })
    await wire.refused(1400, 'LeaveVxnet', { vxnet: 'vxnet-0', instances: [id] })
    await did('JoinVxnet', { vxnet: bare, instances: [id] })
    expect((await describeOne(id)).vxnets).toMatchObject([{ vxnet_id: a }, { vxnet_id: bare, role: 0 }])
    for (const action of ['JoinVxnet', 'LeaveVxnet']) {
      await wire.refused(1100, action, { instances: [id] })
      await wire.refused(1100, action, { vxnet: a })
      const missing = await wire.refused(2100, action, { vxnet: 'vxnet-0000000000', instances: [id] })
      expect(missing.message).toBe('ResourceNotFound, vxnet [vxnet-0000000000] not found')
      await wire.refused(2100, action, { vxnet: 'nonsense', instances: [id] })
      await wire.refused(2100, action, { vxnet: a, instances: ['i-0000000000'] })
    }
    // NICs that were attached are not what joining is about.
    const [own] = await nics(service, b.replace('vxnet-', 'net-'), 1)
    await finish(service, (await service.call('POST', `/v1/nics/${own.id}/attach`, { server_id: id })).body.id)
    await wire.refused(1400, 'LeaveVxnet', { vxnet: b, instances: [id] })
    const detach = await wire.refused(1400, 'DetachNics', { nics: [(await describeOne(id)).vxnets[0].nic_id] })
    expect(detach.message).toMatch(/primary/)
  })

  it('that fails leaves no NIC behind', async () => {
    const id = await run()
    const { job_id } = await wire.ok('JoinVxnet', { vxnet: await aVxnet(), instances: [id] })
    await done(job_id, { outcome: 'failed', error: 'the guest did not take it' })
    expect(await describeOne(id)).toMatchObject({ vxnets: [], transition_status: '' })
  })
})

describe('DescribeVxnetInstances', () => {
  it('lists who is in a vxnet', async () => {
    const network = await aNetwork(service)
    const vxnet = vxnetOf(network)
    const [a, b] = [
      await run({ vxnets: [vxnet], instance_name: 'a', instance_type: 'c1m2' }),
      await run({ vxnets: [vxnet], image_id: 'xenial3x64' }),
    ]
    const answer = await wire.ok('DescribeVxnetInstances', { vxnet })
    decoded('DescribeVxnetInstances', answer)
    expect(answer.total_count).toBe(2)
    const { vxnets } = await describeOne(a)
    expect(answer.instance_set[1]).toEqual({
      vxnet_id: vxnet,
      instance_id: a,
      instance_name: 'a',
      description: '',
      instance_type: 'c1m2',
      vcpus_current: 1,
      memory_current: 2048,
      status: 'running',
      transition_status: '',
      create_time: expect.stringMatching(/Z$/),
      status_time: null,
      image_id: 'centos7x64d',
      dhcp_options: {},
      private_ip: vxnets[0].private_ip,
      nic_id: vxnets[0].nic_id,
      sequence: 0,
      sub_code: 0,
    })
    const ids = async (parameters: WireParameters) =>
      (await wire.ok('DescribeVxnetInstances', { vxnet, ...parameters })).instance_set.map(
        (one: WireAnswer) => one.instance_id,
      )
    expect(await ids({})).toEqual([b, a])
    expect(await ids({ instances: [a] })).toEqual([a])
    expect(await ids({ instance_type: ['c1m2'] })).toEqual([a])
    expect(await ids({ image: ['xenial3x64'] })).toEqual([b])
    expect(await ids({ status: 'stopped' })).toEqual([])
    const page = await wire.ok('DescribeVxnetInstances', { vxnet, limit: 1, offset: 1 })
    expect(page).toMatchObject({ total_count: 2, instance_set: [{ instance_id: a }] })
    expect((await wire.ok('DescribeVxnetInstances', { vxnet: 'vxnet-0000000000' })).instance_set).toEqual([])
    await wire.refused(1100, 'DescribeVxnetInstances')
  })

  it('lists those of vxnet-0, of a project that has none none', async () => {
    const id = await run({ vxnets: ['vxnet-0'] })
    const answer = await wire.ok('DescribeVxnetInstances', { vxnet: 'vxnet-0', instances: [id] })
    expect(answer.instance_set).toMatchObject([{ vxnet_id: 'vxnet-0', instance_id: id }])
    const stranger = await aWireClient(service, { projectId: await service.aProject() })
    expect((await stranger.ok('DescribeVxnetInstances', { vxnet: 'vxnet-0' })).total_count).toBe(0)
  })
})

describe('the catalogue', () => {
  it('has images, those that are configured first', async () => {
    const { image_set, total_count } = await wire.ok('DescribeImages', { limit: 100 })
    expect(total_count).toBe(image_set.length)
    expect(image_set[0]).toMatchObject({ image_id: 'img-ours', provider: 'self', status: 'available' })
    expect((await describeOne(await run({ image_id: 'img-ours' }))).image).toMatchObject({ image_id: 'img-ours' })
    const ids = async (parameters: WireParameters) =>
      (await wire.ok('DescribeImages', { limit: 100, ...parameters })).image_set.map((one: WireAnswer) => one.image_id)
    expect(await ids({ images: ['centos64x86a', 'none'] })).toEqual(['centos64x86a'])
    expect(await ids({ os_family: ['windows'], platform: 'windows' })).toContain('winsrv2016x64')
    expect(await ids({ processor_type: '32bit', search_word: 'CENTOS' })).toContain('centos64x86a')
    expect(await ids({ provider: 'self', visibility: 'public', status: 'available', verbose: 0 })).toEqual(['img-ours'])
    expect((await wire.ok('DescribeImages', { limit: 1, offset: 1 })).image_set).toHaveLength(1)
  })

  it('has sizes', async () => {
    const { instance_type_set } = await wire.ok('DescribeInstanceTypes', {
      instance_types: ['c1m1', 'small_b', 'none'],
    })
    expect(instance_type_set).toMatchObject([
      { instance_type_id: 'c1m1', vcpus_current: 1, memory_current: 1024, status: 'available' },
      { instance_type_id: 'small_b', vcpus_current: 1, memory_current: 1024 },
    ])
    expect((await wire.ok('DescribeInstanceTypes', { limit: 5 })).instance_type_set).toHaveLength(5)
  })
})
