/** hostnic-cni 1.0.15: what its node agent and its controller ask for, and what the node sees of it. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { QingCloudError } from '../support/a-go-client.ts'
import { aCluster, type Cluster, VXNET_FIELDS } from '../support/a-hostnic.ts'
import type { WireAnswer } from '../support/a-wire-client.ts'
import { describeOnKernel } from '../support/needs-root.ts'
import { until } from '../support/until.ts'
import { follow } from '../support/wire-shapes.ts'

describeOnKernel('hostnic-cni 1.0.15', () => {
  let the: Cluster
  beforeAll(async () => {
    the = await aCluster()
  })
  afterAll(() => the?.dispose())

  it('node agent: knows itself, attaches a NIC without address, finds it by its MAC, and frees it', async () => {
    const keys = await the.api.ask('DescribeAccessKeys', { access_keys: [the.api.key.access_key_id] })
    follow(keys, 'access_key_set.owner')
    expect(keys.access_key_set).toHaveLength(1)

    const node = await the.aNode()
    expect(await the.restore(node)).toEqual([])
    const pods = await the.aVxnet('pods', '172.16.2.0/24')
    const described = await the.api.ask('DescribeVxnets', { vxnets: [pods], limit: 63 })
    follow(described, ...VXNET_FIELDS)
    expect(described.vxnet_set[0].router).toMatchObject({
      manager_ip: '172.16.2.1',
      ip_network: '172.16.2.0/24',
      dyn_ip_start: expect.stringMatching(/^172\.16\.2\.\d+$/),
      dyn_ip_end: expect.stringMatching(/^172\.16\.2\.\d+$/),
    })
    const shared = await the.api.ask('DescribeVxnets', { vxnets: ['vxnet-nosuch1'], limit: 63, vxnet_type: 2 })
    expect(shared).toMatchObject({ vxnet_set: [], total_count: 0 })

    const [{ tag_id }] = [await the.api.ask('CreateTag', { tag_name: 'cluster' })]
    const mac = await the.attach(node, pods)
    await the.api.ask('AttachTags', { resource_tag_pairs: [{ tag_id, resource_type: 'nic', resource_id: mac }] })
    const link = await the.linkAppears(node, mac)
    expect(await the.inside(node, 'ip', '-4', 'addr', 'show', 'dev', link)).not.toContain('inet ')

    await until('the NIC to be in use', async () => (await the.restore(node))[0]?.status === 'in-use')
    const [nic] = await the.restore(node)
    expect(nic).toMatchObject({ nic_id: mac, vxnet_id: pods, role: 0, instance_id: node, private_ip: '' })
    expect(nic.tags).toEqual([expect.objectContaining({ tag_id, tag_name: 'cluster' })])
    const all = await the.api.ask('DescribeNics', { nics: [mac] })
    expect(all.nic_set).toHaveLength(1)

    await the.free(mac)
    expect(await the.linkOf(node, mac)).toBeUndefined()
    expect(await the.restore(node)).toEqual([])
    for (const action of ['DetachNics', 'DeleteNics']) {
      const error = await the.api.ask(action, { nics: [mac] }).catch((refused: unknown) => refused)
      expect(error).toBeInstanceOf(QingCloudError)
      expect(String(error)).toContain('ResourceNotFound')
    }
    await the.free(mac)
  })

  it('node agent: a NIC that lost its instance is attached again; one that is attached is not deleted', async () => {
    const node = await the.aNode()
    const pods = await the.aVxnet('repair', '172.16.3.0/24')
    const mac = await the.attach(node, pods)
    await the.linkAppears(node, mac)
    await until('the NIC to be in use', async () => (await the.restore(node))[0]?.status === 'in-use')
    const error = await the.api.ask('DeleteNics', { nics: [mac] }).catch((refused: unknown) => refused)
    expect(error).toMatchObject({ retCode: 1400 })

    await the.api.act('DetachNics', { nics: [mac] })
    expect((await the.api.ask('DescribeNics', { nics: [mac] })).nic_set[0]).toMatchObject({
      status: 'available',
      instance_id: '',
    })
    expect(await the.linkOf(node, mac)).toBeUndefined()
    await the.api.act('AttachNics', { nics: [mac], instance: node })
    await the.linkAppears(node, mac)
    await the.free(mac)
  })

  it('controller: 241 addresses beside NICs without one; pods with these addresses reach and are reached', async () => {
    const [node, other] = [await the.aNode(), await the.aNode()]
    const pods = await the.aVxnet('controlled', '172.16.4.0/24')
    const group = (await the.api.ask('DescribeSecurityGroups')).security_group_set.find(
      ({ is_default }: WireAnswer) => is_default === 1,
    ).security_group_id
    const rules = await the.api.ask('DescribeSecurityGroupRules', { security_group: group, direction: 0 })
    const fields = ['val3', 'action', 'protocol', 'security_group_rule_name', 'direction', 'priority']
    follow(rules, ...fields.map((field) => `security_group_rule_set.${field}`))
    await the.api.ask('AddSecurityGroupRules', {
      security_group: group,
      rules: [
        {
          protocol: 'all',
          priority: 0,
          direction: 0,
          action: 'accept',
          val3: '172.16.4.0/24',
          security_group_rule_name: `hostnic_${pods}`,
        },
      ],
    })
    await the.api.act('ApplySecurityGroup', { security_group: group })
    const found = await the.api.ask('DescribeSecurityGroupRules', { security_group: group, direction: 0 })
    expect(found.security_group_rule_set).toContainEqual(
      expect.objectContaining({ action: 'accept', protocol: 'all', val3: '172.16.4.0/24' }),
    )

    const [mac, otherMac] = [await the.attach(node, pods), await the.attach(other, pods)]
    const [link, otherLink] = [await the.linkAppears(node, mac), await the.linkAppears(other, otherMac)]
    const [pod, otherPod, ...rest] = (await the.reserve(pods)) as [string, string, ...string[]]
    expect(rest).toHaveLength(239)
    // A NIC more finds its place while the addresses are held.
    const late = await the.attach(node, pods)
    await the.linkAppears(node, late)

    // A pod’s address: on the link of the vxnet, with a way to it alone.
    for (const [where, device, address] of [
      [node, link, pod],
      [other, otherLink, otherPod],
    ] as const) {
      await the.inside(where, 'ip', 'link', 'set', device, 'up')
      await the.inside(where, 'ip', 'addr', 'add', `${address}/24`, 'dev', device)
    }
    await until('the gateway to answer a pod', () => the.pings(node, '172.16.4.1', '-I', pod))
    await until('one pod to answer another', () => the.pings(node, otherPod, '-I', pod))
    await until('and the other way', () => the.pings(other, pod, '-I', otherPod))
    // An address that nobody holds for it is not spoken for.
    await the.inside(node, 'ip', 'addr', 'add', '172.16.4.250/24', 'dev', link)
    expect(await the.pings(node, '172.16.4.1', '-I', '172.16.4.250')).toBe(false)

    await the.release(pods)
    await until('the released address to be silent', async () => !(await the.pings(node, '172.16.4.1', '-I', pod)))
    for (const nic of [mac, otherMac, late]) await the.free(nic)
    await the.api.act('LeaveRouter', { vxnets: [pods], router: the.router })
    expect(await the.api.ask('DeleteVxnets', { vxnets: [pods] })).toMatchObject({ vxnets: [pods] })
  })
})
