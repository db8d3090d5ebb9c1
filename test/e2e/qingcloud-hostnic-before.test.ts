/** hostnic-cni before 1.0: a pool of NICs with addresses, filled and emptied all the time. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { aCluster, type Cluster, JOB_FIELDS, NIC_FIELDS } from '../support/a-hostnic.ts'
import type { WireAnswer } from '../support/a-wire-client.ts'
import { describeOnKernel } from '../support/needs-root.ts'
import { until } from '../support/until.ts'
import { follow } from '../support/wire-shapes.ts'

describeOnKernel('hostnic-cni before 1.0', () => {
  let the: Cluster
  beforeAll(async () => {
    the = await aCluster()
  })
  afterAll(() => the?.dispose())

  it('alpha.5, a pool: fills, remembers its jobs, reconciles, and shrinks', async () => {
    const node = await the.aNode()
    const pods = await the.aVxnet('pool', '172.16.5.0/24')
    const created = await the.api.ask('CreateNics', { vxnet: pods, nic_name: the.nicName(node), count: 3 })
    follow(created, 'nics.nic_id', 'nics.private_ip')
    expect(created.nics).toHaveLength(3)
    const macs: string[] = created.nics.map(({ nic_id }: WireAnswer) => nic_id)
    const { job_id } = await the.api.ask('AttachNics', { nics: macs, instance: node })

    const jobs = await the.api.ask('DescribeJobs', { jobs: [job_id], limit: 63 })
    follow(jobs, ...JOB_FIELDS)
    const [job] = jobs.job_set
    expect(job.job_action).toBe('AttachNics')
    expect(['pending', 'working', 'successful']).toContain(job.status)
    expect(JSON.parse(job.directive).nics).toEqual(macs)
    for (const mac of macs) expect(job.resource_ids.split(' ')).toContain(mac)
    await the.api.waitJob(job_id)
    for (const [n, mac] of macs.entries()) {
      const link = await the.linkAppears(node, mac)
      expect(await the.inside(node, 'ip', 'addr', 'show', 'dev', link)).toContain(created.nics[n].private_ip)
    }

    // With nothing to remember it asks without a filter.
    const everything = await the.api.ask('DescribeJobs', { limit: 63 })
    follow(everything, ...JOB_FIELDS)
    expect(everything.job_set[0].job_id).toBe(job_id)
    follow(await the.api.ask('DescribeNics', { limit: 63 }), ...NIC_FIELDS)

    const [gone, ...kept] = macs as [string, ...string[]]
    await the.api.ask('DetachNics', { nics: [gone] })
    await until('the NIC to be available', async () => {
      const { nic_set } = await the.api.ask('DescribeNics', { nics: macs, limit: 63 })
      return nic_set.find(({ nic_id }: WireAnswer) => nic_id === gone).status === 'available'
    })
    await the.api.ask('DeleteNics', { nics: [gone] })
    const left = await the.api.ask('DescribeNics', { nics: macs, limit: 63 })
    expect(left.nic_set.map(({ nic_id }: WireAnswer) => nic_id).sort()).toEqual([...kept].sort())

    // A pod that wants an address of its own.
    const fixed = await the.api.ask('CreateNics', {
      vxnet: pods,
      nic_name: the.nicName(node),
      private_ips: ['172.16.5.99'],
    })
    expect(fixed.nics).toEqual([{ nic_id: expect.any(String), private_ip: '172.16.5.99' }])
    await the.api.ask('DeleteNics', { nics: [fixed.nics[0].nic_id] })
    for (const mac of kept) await the.free(mac)
  })

  it('the NICs of several nodes are detached by one call and one job', async () => {
    const [one, two] = [await the.aNode(), await the.aNode()]
    const pods = await the.aVxnet('several', '172.16.6.0/24')
    const { nics } = await the.api.ask('CreateNics', { vxnet: pods, count: 2 })
    const [first, second] = nics.map(({ nic_id }: WireAnswer) => nic_id)
    await the.api.act('AttachNics', { nics: [first], instance: one })
    await the.api.act('AttachNics', { nics: [second], instance: two })
    const { job_id } = await the.api.act('DetachNics', { nics: [first, second] })
    expect((await the.api.ask('DescribeJobs', { jobs: [job_id] })).job_set[0]).toMatchObject({
      job_action: 'DetachNics',
    })
    expect([await the.linkOf(one, first), await the.linkOf(two, second)]).toEqual([undefined, undefined])
    await the.api.ask('DeleteNics', { nics: [first, second] })
  })

  it('alpha.4: makes its cluster’s vxnet and tag, joins, lists, and leaves', async () => {
    const node = await the.aNode()
    const { tag_id } = await the.api.ask('CreateTag', { tag_name: 'hostnic-cluster' })
    const [vxnet] = (await the.api.ask('CreateVxnets', { vxnet_name: 'alpha4', vxnet_type: 1 })).vxnets
    await the.api.ask('AttachTags', { resource_tag_pairs: [{ tag_id, resource_type: 'vxnet', resource_id: vxnet }] })
    const tags = await the.api.ask('DescribeTags', { search_word: 'hostnic-cluster', verbose: 1 })
    follow(tags, ...['owner', 'tag_name', 'tag_id', 'resource_count', 'resource_tag_pairs'].map((f) => `tag_set.${f}`))
    expect(tags.tag_set).toHaveLength(1)
    expect(tags.tag_set[0]).toMatchObject({
      resource_count: 1,
      resource_tag_pairs: [expect.objectContaining({ tag_id, resource_type: 'vxnet', resource_id: vxnet })],
    })
    const routers = await the.api.ask('DescribeRouters', { routers: [the.router], verbose: 1 })
    expect(routers.router_set[0].vpc_network).toBe('172.16.0.0/16')
    const listed = async () => {
      const answer = await the.api.ask('DescribeRouterVxnets', { router: the.router, verbose: 1 })
      follow(answer, 'router_vxnet_set.vxnet_id', 'router_vxnet_set.ip_network')
      return answer.router_vxnet_set.map(({ ip_network }: WireAnswer) => ip_network)
    }
    expect(await listed()).not.toContain('172.16.7.0/24')
    await the.api.act('JoinRouter', { vxnet, router: the.router, ip_network: '172.16.7.0/24' })
    expect(await listed()).toContain('172.16.7.0/24')

    const { nics } = await the.api.ask('CreateNics', { vxnet })
    await the.api.act('AttachNics', { nics: [nics[0].nic_id], instance: node })
    const own = await the.api.ask('DescribeNics', { instances: [node], vxnet_type: [1], status: 'in-use' })
    expect(own.nic_set.map(({ nic_id }: WireAnswer) => nic_id)).toContain(nics[0].nic_id)
    expect(own.nic_set).toHaveLength(2)
    const described = await the.api.ask('DescribeInstances', { instances: [node] })
    expect(described.instance_set[0].vxnets).toContainEqual(
      expect.objectContaining({ nic_id: nics[0].nic_id, vxnet_id: vxnet, role: 0, vxnet_type: 1 }),
    )
    follow(
      described,
      ...['nic_id', 'vxnet_id', 'vxnet_name', 'private_ip', 'role'].map((f) => `instance_set.vxnets.${f}`),
    )
    await the.free(nics[0].nic_id)
    const left = await the.api.act('LeaveRouter', { vxnets: [vxnet], router: the.router })
    expect(left).toMatchObject({ router_id: the.router, vxnets: [vxnet] })
    expect(await listed()).not.toContain('172.16.7.0/24')
    await the.api.ask('DeleteVxnets', { vxnets: [vxnet] })
  })

  it('0.8.4: a NIC with an address for a pod, when host and pods are in one router', async () => {
    const node = await the.aNode()
    const pods = await the.aVxnet('old', '172.16.8.0/24')
    const { instance_set } = await the.api.ask('DescribeInstances', { instances: [node] })
    const { vxnet_set } = await the.api.ask('DescribeVxnets', { vxnets: [instance_set[0].vxnets[0].vxnet_id, pods] })
    expect(vxnet_set.map(({ vpc_router_id }: WireAnswer) => vpc_router_id)).toEqual([the.router, the.router])
    const { nics } = await the.api.ask('CreateNics', { vxnet: pods, nic_name: 'pod' })
    follow({ nics }, 'nics.nic_id', 'nics.private_ip')
    const { job_id } = await the.api.ask('AttachNics', { nics: [nics[0].nic_id], instance: node })
    await the.linkAppears(node, nics[0].nic_id)
    await the.api.waitJob(job_id)
    const detached = await the.api.act('DetachNics', { nics: [nics[0].nic_id] })
    follow(detached, 'job_id')
    await the.api.ask('DeleteNics', { nics: [nics[0].nic_id] })
    expect((await the.api.ask('DescribeNics', { nics: [nics[0].nic_id] })).total_count).toBe(0)
  })
})
