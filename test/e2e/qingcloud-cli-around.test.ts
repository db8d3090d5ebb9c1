/** The commands of qingcloud-cli for what stands around networks, by a client in Python. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { aCli, type Cli, fieldOf, PAGE } from '../support/a-cli.ts'
import type { WireAnswer } from '../support/a-wire-client.ts'
import { describeOnKernel } from '../support/needs-root.ts'

const MONITORED = () => ({
  step: '5m',
  start_time: new Date(Date.now() - 3_600_000).toISOString(),
  end_time: new Date().toISOString(),
})

describeOnKernel(
  'qingcloud-cli for what stands around networks',
  () => {
    let cli: Cli
    beforeAll(async () => {
      cli = await aCli()
    })
    afterAll(() => cli?.dispose())

    it('eips: allocate, describe, associate, change, modify, dissociate, release', async () => {
      const wanted = { bandwidth: 1, billing_mode: 'bandwidth', count: 2, need_icp: 0, eip_name: '', associate_mode: 0 }
      const { eips } = await cli.ok('AllocateEips', wanted)
      expect(eips).toHaveLength(2)
      const [eip, spare] = eips
      await cli.act('AssociateEip', { eip, instance: cli.instance })
      const held = await cli.ok('DescribeEips', {
        instance_id: cli.instance,
        search_word: '',
        status: ['associated'],
        ...PAGE,
      })
      expect(fieldOf(held.eip_set, 'eip_id')).toEqual([eip])
      expect((await cli.ask('AssociateEip', { eip: spare, instance: cli.instance })).ret_code).toBe(1400)
      expect((await cli.ask('ReleaseEips', { eips: [eip] })).ret_code).toBe(1400)
      await cli.act('ChangeEipsBandwidth', { eips: [eip], bandwidth: 3 })
      await cli.act('ChangeEipsBillingMode', { eips: [eip], billing_mode: 'traffic', eip_group: '' })
      expect(await cli.ok('ModifyEipAttributes', { eip, eip_name: 'web', description: '' })).toMatchObject({
        eip_id: eip,
      })
      expect((await cli.ok('DescribeEips', { eips: [eip], ...PAGE })).eip_set[0]).toMatchObject({
        eip_name: 'web',
        bandwidth: 3,
        billing_mode: 'traffic',
        status: 'associated',
        resource: expect.objectContaining({ resource_id: cli.instance }),
      })
      const traffic = await cli.ok('GetMonitor', { resource: eip, meters: ['traffic', 'flow'], ...MONITORED() })
      expect(fieldOf(traffic.meter_set, 'meter_id')).toEqual(['traffic', 'flow'])
      await cli.act('DissociateEips', { eips: [eip] })
      await cli.act('ReleaseEips', { eips, force: 0 })
    })

    it('security groups and rules: create, describe, apply, modify, remove, delete', async () => {
      const { security_group_id: group } = await cli.ok('CreateSecurityGroup', { security_group_name: 'web' })
      const listed = (): Promise<WireAnswer> =>
        cli.ok('DescribeSecurityGroupRules', { security_group: group, direction: '', ...PAGE })
      const { total_count: atFirst } = await listed()
      const { security_group_rules } = await cli.ok('AddSecurityGroupRules', {
        security_group: group,
        rules: [
          { protocol: 'tcp', priority: '1', val1: '80', val2: 80, action: 'accept', security_group_rule_id: '' },
          { protocol: 'udp', priority: 2, val1: '53', val2: '', val3: '10.0.0.0/8', action: 'drop', direction: 1 },
        ],
      })
      expect(security_group_rules).toHaveLength(2)
      expect((await listed()).total_count).toBe(atFirst + 2)
      const outbound = await cli.ok('DescribeSecurityGroupRules', { security_group: group, direction: 1, ...PAGE })
      expect(fieldOf(outbound.security_group_rule_set, 'security_group_rule_id')).toContain(security_group_rules[1])
      expect(fieldOf(outbound.security_group_rule_set, 'security_group_rule_id')).not.toContain(security_group_rules[0])
      await cli.ok('ModifySecurityGroupRuleAttributes', {
        security_group_rule: security_group_rules[0],
        priority: 3,
        rule_action: 'drop',
        security_group_rule_name: 'no web',
        disabled: 0,
      })
      await cli.act('ApplySecurityGroup', { security_group: group, instances: [cli.instance] })
      const found = await cli.ok('DescribeSecurityGroups', {
        security_groups: [group],
        search_word: '',
        verbose: 1,
        ...PAGE,
      })
      expect(found.security_group_set[0]).toMatchObject({
        is_applied: 1,
        is_default: 0,
        resources: [expect.objectContaining({ resource_id: cli.instance, resource_type: 'instance' })],
      })
      expect((await cli.ask('DeleteSecurityGroups', { security_groups: [group] })).ret_code).toBe(1400)
      await cli.ok('RemoveSecurityGroup', { instances: [cli.instance] })
      await cli.ok('DeleteSecurityGroupRules', { security_group_rules })
      await cli.ok('ModifySecurityGroupAttributes', {
        security_group: group,
        security_group_name: 'x',
        description: '',
      })
      expect(await cli.ok('DeleteSecurityGroups', { security_groups: [group] })).toMatchObject({
        security_groups: [group],
      })
      const all = await cli.ok('DescribeSecurityGroups', { search_word: '', ...PAGE })
      const [fallback] = all.security_group_set.filter(({ is_default }: WireAnswer) => is_default === 1)
      expect((await cli.ask('DeleteSecurityGroups', { security_groups: [fallback.security_group_id] })).ret_code).toBe(
        1400,
      )
    })

    it('tags: create, attach, describe, detach, modify, delete', async () => {
      const { tag_id } = await cli.ok('CreateTag', { tag_name: 'crew', color: '' })
      const resource_tag_pairs = [{ tag_id, resource_type: 'instance', resource_id: cli.instance }]
      await cli.ok('AttachTags', { resource_tag_pairs })
      await cli.ok('AttachTags', { resource_tag_pairs })
      const tagged = await cli.ok('DescribeInstances', {
        tags: [tag_id],
        instance_type: [],
        search_word: '',
        verbose: 0,
        ...PAGE,
      })
      expect(fieldOf(tagged.instance_set, 'instance_id')).toEqual([cli.instance])
      expect(tagged.instance_set[0].tags).toEqual([expect.objectContaining({ tag_id, tag_name: 'crew' })])
      const tags = await cli.ok('DescribeTags', { resources: [cli.instance], search_word: '', verbose: 1, ...PAGE })
      expect(tags.tag_set).toEqual([expect.objectContaining({ tag_id, resource_count: 1 })])
      await cli.ok('DetachTags', { resource_tag_pairs })
      await cli.ok('ModifyTagAttributes', { tag: tag_id, tag_name: 'team', color: '#abc', description: '' })
      expect((await cli.ok('DescribeTags', { tags: [tag_id], ...PAGE })).tag_set[0]).toMatchObject({
        tag_name: 'team',
        color: '#abc',
      })
      expect(await cli.ok('DeleteTags', { tags: [tag_id] })).toMatchObject({ tags: [tag_id] })
    })

    it('key pairs: create, describe, attach, detach, modify, delete', async () => {
      const made = await cli.ok('CreateKeyPair', { keypair_name: 'kp', mode: 'system', encrypt_method: 'ssh-rsa' })
      expect(made.private_key).toMatch(/^-----BEGIN [A-Z ]*PRIVATE KEY-----/)
      const keypairs = [made.keypair_id]
      await cli.act('AttachKeyPairs', { keypairs, instances: [cli.instance] })
      const held = await cli.ok('DescribeKeyPairs', { instance_id: cli.instance, search_word: '', verbose: 1, ...PAGE })
      expect(held.keypair_set).toEqual([
        expect.objectContaining({ keypair_id: made.keypair_id, instance_ids: [cli.instance] }),
      ])
      expect(JSON.stringify(held)).not.toContain('PRIVATE')
      await cli.act('DetachKeyPairs', { keypairs, instances: [cli.instance] })
      await cli.ok('ModifyKeyPairAttributes', { keypair: made.keypair_id, keypair_name: '', description: 'd' })
      expect(await cli.ok('DeleteKeyPairs', { keypairs })).toMatchObject({ keypairs })
    })

    it('jobs and monitor', async () => {
      const { nics } = await cli.ok('CreateNics', { vxnet: 'vxnet-0', nic_name: '', count: 1 })
      const attached = await cli.act('AttachNics', { nics: [nics[0].nic_id], instance: cli.instance })
      const all = await cli.ok('DescribeJobs', { jobs: [], status: [], job_action: '', verbose: 0, ...PAGE })
      expect(all.job_set[0].job_id).toBe(attached.job_id)
      expect(all.total_count).toBeGreaterThan(1)
      const done = await cli.ok('DescribeJobs', { status: ['successful'], job_action: 'AttachNics', ...PAGE })
      expect(done.job_set).toEqual([
        expect.objectContaining({ job_id: attached.job_id, job_action: 'AttachNics', status: 'successful' }),
      ])
      expect((await cli.ok('DescribeJobs', { status: ['failed'], job_action: 'AttachNics' })).total_count).toBe(0)
      const meters = await cli.ok('GetMonitor', {
        resource: cli.instance,
        meters: ['cpu', 'memory', 'disk-os'],
        ...MONITORED(),
      })
      expect(fieldOf(meters.meter_set, 'meter_id')).toEqual(['cpu', 'memory', 'disk-os'])
    })

    it('instances: describe with every filter empty, modify, stop, start, restart, terminate', async () => {
      const { instances } = await cli.act('RunInstances', {
        image_id: 'centos7x64d',
        cpu: 1,
        memory: 1024,
        count: 1,
        login_mode: 'passwd',
        login_passwd: 'Zhu88jie',
        instance_name: 'a name with spaces',
      })
      const found = await cli.ok('DescribeInstances', {
        instances: [],
        image_id: [],
        instance_type: [],
        status: 'running',
        search_word: 'with spaces',
        verbose: 1,
        ...PAGE,
      })
      expect(fieldOf(found.instance_set, 'instance_id')).toEqual(instances)
      await cli.ok('ModifyInstanceAttributes', { instance: instances[0], instance_name: '', description: 'x' })
      for (const [action, over] of [
        ['StopInstances', { force: 0 }],
        ['StartInstances', {}],
        ['RestartInstances', {}],
        ['TerminateInstances', { direct_cease: 0 }],
      ] as const) {
        await cli.act(action, { instances, ...over })
      }
      expect((await cli.ok('DescribeInstances', { instances, ...PAGE })).instance_set[0]).toMatchObject({
        status: 'terminated',
        instance_name: '',
        description: 'x',
      })
    })
  },
  { python3: 'python3' },
)
