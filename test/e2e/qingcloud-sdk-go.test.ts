/** The helpers of the Go client: acts on instances that wait for the job, for the status, and for the network. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { runInNamespace } from '../../src/workers/host/run-command.ts'
import { aGoClient, type GoClient, QingCloudError } from '../support/a-go-client.ts'
import { aRunningService, type RunningService } from '../support/a-running-service.ts'
import type { WireAnswer } from '../support/a-wire-client.ts'
import { describeOnKernel } from '../support/needs-root.ts'

describeOnKernel('the helpers of the Go client', () => {
  let service: RunningService
  let api: GoClient
  beforeAll(async () => {
    service = await aRunningService({ PATCHBAY_GUEST: 'namespace', PATCHBAY_IMAGES: 'img-own00001' })
    api = await aGoClient(service)
  })
  afterAll(() => service?.dispose())

  const run = async (over: object = {}): Promise<string> => {
    const wanted = { image_id: 'centos64x86a', instance_type: 'c1m1', login_mode: 'passwd', login_passwd: 'Zhu88jie' }
    const { instances } = await api.act('RunInstances', { ...wanted, vxnets: ['vxnet-0'], ...over })
    await api.waitInstanceStatus(instances[0], 'running')
    await api.waitInstanceNetwork(instances[0])
    return instances[0]
  }
  const refusal = (answer: Promise<unknown>) =>
    answer.then(
      () => expect.fail('it was not refused'),
      (error: unknown) => {
        expect(error).toBeInstanceOf(QingCloudError)
        return error as QingCloudError
      },
    )
  /** A transport that asks twice gets a job that has ended; none is done anew. @returns its id. */
  const isSo = async (action: string, parameters: object): Promise<string> => {
    const { job_id } = await api.ask(action, { ...parameters })
    const { job_set } = await api.ask('DescribeJobs', { jobs: [job_id] })
    expect(job_set[0].status, action).toBe('successful')
    return job_id
  }
  const cards = async (instance: string): Promise<string[]> => {
    const { stdout } = await runInNamespace(instance, 'ip', ['-j', 'link'])
    return JSON.parse(stdout).map(({ address }: { address: string }) => address)
  }

  it('runs, stops, starts, restarts and terminates an instance in the basic network', async () => {
    const id = await run({ instance_name: 'demo' })
    expect(id).toMatch(/^i-[0-9a-z]+$/)
    const [shown] = (await api.ask('DescribeInstances', { instances: [id] })).instance_set
    expect(shown).toMatchObject({
      instance_name: 'demo',
      instance_type: 'c1m1',
      vcpus_current: 1,
      memory_current: 1024,
      image: { image_id: 'centos64x86a' },
    })
    expect(shown.vxnets).toEqual([expect.objectContaining({ vxnet_id: 'vxnet-0', role: 1 })])
    expect([0, 1]).not.toContain(shown.vxnets[0].vxnet_type)
    const { private_ip, nic_id } = shown.vxnets[0]
    const has = async () => (await runInNamespace(id, 'ip', ['addr'])).stdout
    expect(await has()).toContain(`${private_ip}/`)

    await isSo('StartInstances', { instances: [id] })
    await api.act('StopInstances', { instances: [id] })
    await api.waitInstanceStatus(id, 'stopped')
    await isSo('StopInstances', { instances: [id] })
    await api.waitInstanceStatus(id, 'stopped')
    await api.act('StartInstances', { instances: [id] })
    await api.waitInstanceStatus(id, 'running')
    expect(await cards(id)).toContain(nic_id)
    await api.act('RestartInstances', { instances: [id] })
    await api.waitInstanceStatus(id, 'running')
    expect(await has()).toContain(`${private_ip}/`)
    await api.act('TerminateInstances', { instances: [id] })
    await api.waitInstanceStatus(id, 'terminated')
    const listed = await api.ask('DescribeInstances')
    expect(listed.instance_set.map(({ instance_id }: WireAnswer) => instance_id)).not.toContain(id)
    await api.act('CeaseInstances', { instances: [id] })
    await api.waitInstanceStatus(id, 'ceased')
  })

  it('several at once: one job, all of them', async () => {
    const wanted = { image_id: 'img-own00001', login_mode: 'passwd', login_passwd: 'Zhu88jie' }
    const { instances } = await api.act('RunInstances', { ...wanted, count: 3, instance_name: 'many' })
    expect(instances).toHaveLength(3)
    for (const id of instances) await api.waitInstanceStatus(id, 'running')
    const { total_count } = await api.ask('DescribeInstances', { search_word: 'many' })
    expect(total_count).toBe(3)
    await api.act('StopInstances', { instances })
    for (const id of instances) await api.waitInstanceStatus(id, 'stopped')
    await api.act('TerminateInstances', { instances, direct_cease: 1 })
    for (const id of instances) await api.waitInstanceStatus(id, 'ceased')
  })

  it('AttachNics and DetachNics plug and unplug cards of the running guest', async () => {
    const id = await run()
    const { nics } = await api.ask('CreateNics', { vxnet: 'vxnet-0', count: 4, nic_name: 'more' })
    const macs: string[] = nics.map(({ nic_id }: WireAnswer) => nic_id)
    const before = await cards(id)
    const attached = await api.ask('AttachNics', { nics: macs, instance: id })
    await api.waitJob(attached.job_id)
    expect((await cards(id)).sort()).toEqual([...before, ...macs].sort())
    expect(await isSo('AttachNics', { nics: macs, instance: id })).toBe(attached.job_id)
    expect((await api.ask('DescribeNics', { nics: macs })).nic_set[0]).toMatchObject({
      status: 'in-use',
      instance_id: id,
      vxnet_id: 'vxnet-0',
    })
    await api.act('DetachNics', { nics: macs })
    expect((await cards(id)).sort()).toEqual(before.sort())
    const primary = (await api.ask('DescribeNics', { instances: [id] })).nic_set[0]
    expect(primary.role).toBe(1)
    expect((await refusal(api.ask('DetachNics', { nics: [primary.nic_id] }))).retCode).toBe(1400)
    await api.ask('DeleteNics', { nics: macs })
  })

  it('what is not there: empty sets for who asks, ResourceNotFound for who acts', async () => {
    for (const [action, list, set] of [
      ['DescribeInstances', 'instances', 'instance_set'],
      ['DescribeRouters', 'routers', 'router_set'],
      ['DescribeVxnets', 'vxnets', 'vxnet_set'],
      ['DescribeEips', 'eips', 'eip_set'],
      ['DescribeSecurityGroups', 'security_groups', 'security_group_set'],
      ['DescribeJobs', 'jobs', 'job_set'],
      ['DescribeTags', 'tags', 'tag_set'],
      ['DescribeKeyPairs', 'keypairs', 'keypair_set'],
    ] as const) {
      expect(await api.ask(action, { [list]: ['x-nosuch12'] }), action).toMatchObject({ [set]: [], total_count: 0 })
    }
    const acts: [string, Record<string, string | string[]>][] = [
      ['StartInstances', { instances: ['i-nosuch12'] }],
      ['TerminateInstances', { instances: ['i-nosuch12'] }],
      ['DeleteVxnets', { vxnets: ['vxnet-nosuch1'] }],
      ['DeleteRouters', { routers: ['rtr-nosuch12'] }],
      ['JoinRouter', { vxnet: 'vxnet-nosuch1', router: 'rtr-nosuch12', ip_network: '172.16.1.0/24' }],
      ['ReleaseEips', { eips: ['eip-nosuch12'] }],
      ['DeleteSecurityGroups', { security_groups: ['sg-nosuch12'] }],
      ['DeleteSecurityGroupRules', { security_group_rules: ['sgr-nosuch12'] }],
      ['DeleteTags', { tags: ['tag-nosuch12'] }],
      ['DeleteKeyPairs', { keypairs: ['kp-nosuch12'] }],
      ['ReleaseVips', { vips: ['vip-nosuch12'] }],
      ['DeleteNics', { nics: ['52:54:00:00:00:00'] }],
      ['CreateNics', { vxnet: 'vxnet-nosuch1' }],
      ['GetMonitor', monitored('i-nosuch12')],
    ]
    for (const [action, parameters] of acts) {
      const error = await refusal(api.ask(action, parameters))
      expect(error.message, action).toMatch(/Code \(2100\), Message \(ResourceNotFound, .*\[[^\]]+\]/)
    }
    await expect(api.waitJob('j-nosuch12')).rejects.toThrow('can not find job')
  })

  it('pages: an offset past the end is an empty set with the real count, and limits are clamped', async () => {
    for (let n = 0; n < 3; n++) await api.ask('CreateTag', { tag_name: `page-${n}` })
    const search_word = 'page-'
    const past = await api.ask('DescribeTags', { search_word, offset: 100 })
    expect(past).toMatchObject({ tag_set: [], total_count: 3 })
    const part = await api.ask('DescribeTags', { search_word, offset: 1, limit: 1 })
    expect(part).toMatchObject({ tag_set: [{ tag_name: 'page-1' }], total_count: 3 })
    expect((await api.ask('DescribeTags', { search_word, limit: 100_000 })).tag_set).toHaveLength(3)
  })

  it('GetMonitor of an instance and of a router answers meters that decode', async () => {
    const id = await run()
    const { nic_set } = await api.ask('DescribeNics', { instances: [id] })
    const wanted = { ...monitored(id), meters: [`if-${nic_set[0].nic_id}`, 'cpu'] }
    const { meter_set, resource_id } = await api.ask('GetMonitor', wanted)
    expect(resource_id).toBe(id)
    expect(meter_set.map(({ meter_id }: WireAnswer) => meter_id)).toEqual([nic_set[0].nic_id, 'cpu'])
    const { routers } = await api.act('CreateRouters', { router_name: 'seen', vpc_network: '172.16.0.0/16' })
    const seen = await api.ask('GetMonitor', { ...monitored(routers[0]), meters: ['vxnet-0'] })
    expect(seen.meter_set.map(({ meter_id }: WireAnswer) => meter_id)).toEqual(['vxnet-0'])
  })

  it('vxnet-0 is there for who asks for it, of a type of its own, and holds no VIPs', async () => {
    await run()
    const { vxnet_set } = await api.ask('DescribeVxnets', { vxnets: ['vxnet-0'] })
    expect(vxnet_set).toEqual([expect.objectContaining({ vxnet_id: 'vxnet-0', vxnet_type: 2, vpc_router_id: '' })])
    expect((await api.ask('DescribeVxnets', { vxnet_type: 2 })).vxnet_set).toHaveLength(1)
    const { nic_set } = await api.ask('DescribeNics', { vxnet_type: [2] })
    expect(nic_set.length).toBeGreaterThan(0)
    for (const nic of nic_set) expect(nic.vxnet_id).toBe('vxnet-0')
    const error = await refusal(api.ask('AllocateVips', { vxnet_id: 'vxnet-0' }))
    expect([1101, 1400]).toContain(error.retCode)
    expect((await refusal(api.ask('DeleteVxnets', { vxnets: ['vxnet-0'] }))).retCode).not.toBe(5000)
  })

  it('user data is posted in chunks; a job does not keep the password that was asked for', async () => {
    const content = Buffer.from('#!/bin/sh\necho hello\n').toString('base64')
    const { attachment_id } = await api.ask('UploadUserDataAttachment', { attachment_content: content })
    expect(attachment_id).toEqual(expect.any(String))
    const wanted = { image_id: 'centos7x64d', login_mode: 'passwd', login_passwd: 'Zhu88jie' }
    const data = { need_userdata: 1, userdata_type: 'tar', userdata_value: attachment_id }
    const { job_id } = await api.act('RunInstances', { ...wanted, ...data })
    const { job_set } = await api.ask('DescribeJobs', { jobs: [job_id], verbose: 1 })
    expect(job_set[0].job_action).toBe('RunInstances')
    expect(JSON.parse(job_set[0].directive)).toMatchObject({ image_id: 'centos7x64d' })
    expect(JSON.stringify(job_set)).not.toContain('Zhu88jie')
  })

  it('a NIC outlives its instance, and is available again', async () => {
    const id = await run()
    const { nics } = await api.ask('CreateNics', { vxnet: 'vxnet-0' })
    await api.act('AttachNics', { nics: [nics[0].nic_id], instance: id })
    await api.act('TerminateInstances', { instances: [id] })
    const [nic] = (await api.ask('DescribeNics', { nics: [nics[0].nic_id] })).nic_set
    expect(nic).toMatchObject({ status: 'available', instance_id: '', role: 0 })
  })

  it('what nobody has here is empty; quotas and limits are numbers', async () => {
    expect(await api.ask('DescribeClusters', { clusters: ['cl-nosuch12'] })).toMatchObject({ cluster_set: [] })
    expect(await api.ask('DescribeVolumes', { volumes: ['vol-nosuch1'] })).toMatchObject({ volume_set: [] })
    const { quota_left_set } = await api.ask('GetQuotaLeft', { resource_types: ['eip', 'vxnet'] })
    expect(quota_left_set.map(({ resource_type }: WireAnswer) => resource_type)).toEqual(['eip', 'vxnet'])
    const { resource_limits } = await api.ask('GetResourceLimit')
    expect(resource_limits).toMatchObject({ max_nic_per_instance: 64 })
  })
})

const monitored = (resource: string) => ({
  resource,
  meters: ['cpu'],
  step: '5m',
  start_time: `${new Date(Date.now() - 3_600_000).toISOString().slice(0, 19)}Z`,
  end_time: `${new Date().toISOString().slice(0, 19)}Z`,
})
