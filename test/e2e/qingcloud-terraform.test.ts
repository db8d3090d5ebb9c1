/** The QingCloud provider of Terraform, resource by resource: create, plan, update, destroy, call by call. */
import { generateKeyPairSync } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { aGoClient } from '../support/a-go-client.ts'
import { describeOnKernel } from '../support/needs-root.ts'
import { aConfiguration, type Configuration, refusalOf } from '../support/terraform-resources.ts'

describeOnKernel('a resource of the QingCloud provider of Terraform', () => {
  let the: Configuration
  beforeAll(async () => {
    the = await aConfiguration()
  })
  afterAll(() => the?.dispose())

  it('configures only for a zone that is there and active', async () => {
    await expect(the.terraform.configure('pek3a')).rejects.toThrow()
    const error = await refusalOf((await aGoClient(the.service, 'pek3a')).ask('DescribeRouters'))
    expect(error.retCode).not.toBe(0)
  })

  it('tag', async () => {
    const tag = await the.aTag('prod')
    await the.call('ModifyTagAttributes', { tag, color: '#9f9bb7', description: 'all of it' })
    expect(await the.terraform.readTag(tag)).toEqual({ name: 'prod', color: '#9f9bb7', description: 'all of it' })
    await the.call('ModifyTagAttributes', { tag, tag_name: 'live', color: 'default', description: ' ' })
    const { name, description } = await the.terraform.readTag(tag)
    expect([name, description ?? '']).toEqual(['live', ''])
    await the.call('DeleteTags', { tags: [tag] })
    expect(await the.terraform.readTag(tag)).toBeUndefined()
  })

  it('keypair', async () => {
    const publicKey = anSshKey()
    const created = await the.call('CreateKeyPair', { keypair_name: 'me', mode: 'user', public_key: publicKey })
    const id: string = created.keypair_id
    const tag = await the.aTag('keys')
    await the.call('ModifyKeyPairAttributes', { keypair: id, keypair_name: 'me', description: 'mine' })
    await the.terraform.tag('keypair', id, [tag])
    const wanted = { name: 'me', description: 'mine', public_key: publicKey, tags: [tag] }
    expect(await the.terraform.readKeyPair(id)).toEqual(wanted)

    const instance = await the.anInstance({ login_mode: 'keypair', login_keypair: id, login_passwd: undefined })
    expect(await the.terraform.readInstance(instance)).toMatchObject({ keypair_ids: [id] })
    const holders = async () =>
      (await the.call('DescribeKeyPairs', { keypairs: [id], verbose: 1 })).keypair_set[0].instance_ids
    expect(await holders()).toEqual([instance])
    await the.api.act('DetachKeyPairs', { keypairs: [id], instances: [instance] })
    expect(await holders()).toEqual([])
    await the.api.act('AttachKeyPairs', { keypairs: [id], instances: [instance] })
    expect(await holders()).toEqual([instance])
    await the.destroyInstance(instance)
    await the.call('DeleteKeyPairs', { keypairs: [id] })
    expect(await the.terraform.readKeyPair(id)).toBeUndefined()
  })

  it('security_group and security_group_rule', async () => {
    const id = await the.aGroup('web')
    const tag = await the.aTag('groups')
    await the.call('ModifySecurityGroupAttributes', {
      security_group: id,
      security_group_name: 'web',
      description: 'port 80',
    })
    await the.terraform.tag('security_group', id, [tag])
    expect(await the.terraform.readGroup(id)).toEqual({ name: 'web', description: 'port 80', tags: [tag] })

    const rule = { protocol: 'tcp', priority: 0, action: 'accept', val1: '80', val2: '80', val3: '10.0.0.0/8' }
    const added = await the.call('AddSecurityGroupRules', {
      security_group: id,
      rules: [{ ...rule, direction: 0, security_group_rule_name: 'http' }],
    })
    const [ruleId] = added.security_group_rules
    expect((await the.call('DescribeSecurityGroups', { security_groups: [id] })).security_group_set[0].is_applied).toBe(
      0,
    )
    await the.terraform.applyRules(id)
    const wanted = {
      security_group_id: id,
      protocol: 'tcp',
      priority: 0,
      action: 'accept',
      from_port: '80',
      to_port: '80',
      cidr_block: '10.0.0.0/8',
      name: 'http',
    }
    expect(await the.terraform.readRule(ruleId)).toEqual(wanted)
    const changed = { ...rule, priority: 5, val1: '443', val2: '444', direction: 0 }
    const { action: rule_action, ...others } = changed
    await the.call('ModifySecurityGroupRuleAttributes', {
      ...others,
      security_group_rule: ruleId,
      security_group: id,
      rule_action,
      security_group_rule_name: 'https',
    })
    await the.terraform.applyRules(id)
    expect(await the.terraform.readRule(ruleId)).toEqual({
      ...wanted,
      priority: 5,
      from_port: '443',
      to_port: '444',
      name: 'https',
    })

    // icmp and a protocol without values: empty texts, never null.
    const more = await the.call('AddSecurityGroupRules', {
      security_group: id,
      rules: [
        { protocol: 'icmp', priority: 1, action: 'accept', val1: '8', val2: '0', val3: '0.0.0.0/0' },
        { protocol: 'gre', priority: 2, action: 'drop', direction: 1 },
      ],
    })
    const [icmp, gre] = more.security_group_rules
    expect(await the.terraform.readRule(icmp)).toMatchObject({ protocol: 'icmp', from_port: '8', to_port: '0' })
    expect(await the.terraform.readRule(gre)).toMatchObject({
      protocol: 'gre',
      from_port: '',
      to_port: '',
      action: 'drop',
    })

    await the.call('DeleteSecurityGroupRules', { security_group_rules: [ruleId, icmp, gre] })
    await the.terraform.applyRules(id)
    expect(await the.terraform.readRule(ruleId)).toBeUndefined()
    await the.call('DeleteSecurityGroups', { security_groups: [id] })
    expect(await the.terraform.readGroup(id)).toBeUndefined()
  })

  it('eip', async () => {
    const id = await the.anEip('front')
    const tag = await the.aTag('eips')
    await the.call('ModifyEipAttributes', { eip: id, eip_name: 'front', description: 'for all' })
    await the.terraform.tag('eip', id, [tag])
    const wanted = {
      name: 'front',
      billing_mode: 'bandwidth',
      bandwidth: 2,
      need_icp: 0,
      description: 'for all',
      addr: expect.stringMatching(/^203\.0\.113\.\d+$/),
      resource: {},
      tags: [tag],
    }
    expect(await the.terraform.readEip(id)).toEqual(wanted)
    await the.call('ChangeEipsBandwidth', { eips: [id], bandwidth: 4 })
    await the.terraform.poll('eip', id)
    await the.call('ChangeEipsBillingMode', { eips: [id], billing_mode: 'traffic' })
    await the.terraform.poll('eip', id)
    await the.call('ModifyEipAttributes', { eip: id, eip_name: 'edge', description: ' ' })
    await the.terraform.tag('eip', id, [tag], 'DetachTags')
    const changed = { ...wanted, name: 'edge', bandwidth: 4, billing_mode: 'traffic', description: '', tags: [] }
    expect(await the.terraform.readEip(id)).toEqual(changed)
    await the.destroyEip(id)
  })

  it('vpc with a security group and an eip', async () => {
    const [group, other, eip] = [await the.aGroup('router'), await the.aGroup('router too'), await the.anEip('out')]
    const id = await the.aVpc('172.20.0.0/16', { security_group: group })
    await the.call('ModifyRouterAttributes', { router: id, router_name: 'vpc', description: 'ours', eip })
    await the.terraform.poll('router', id)
    const tag = await the.aTag('vpcs')
    await the.terraform.tag('router', id, [tag])
    const wanted = {
      name: 'vpc',
      type: 1,
      security_group_id: group,
      description: 'ours',
      eip_id: eip,
      public_ip: (await the.terraform.readEip(eip))?.addr,
      tags: [tag],
    }
    expect(await the.terraform.readVpc(id)).toEqual(wanted)
    expect((await the.terraform.readEip(eip))?.resource).toMatchObject({ resource_id: id, resource_type: 'router' })
    expect((await refusalOf(the.call('DeleteSecurityGroups', { security_groups: [group] }))).retCode).toBe(1400)

    // The provider’s update names its own parameter as the group, and is told so.
    await the.call('ModifyRouterAttributes', {
      router: id,
      router_name: 'edge',
      description: ' ',
      security_group: other,
    })
    await the.terraform.poll('router', id)
    const error = await refusalOf(the.call('ApplySecurityGroup', { security_group: 'security_group_id' }))
    expect(error.retCode).toBe(2100)
    const changed = { ...wanted, name: 'edge', description: '', security_group_id: other }
    expect(await the.terraform.readVpc(id)).toEqual(changed)

    await the.call('ModifyRouterAttributes', { router: id, eip: ' ' })
    await the.terraform.poll('router', id)
    expect(await the.terraform.readVpc(id)).toEqual({ ...changed, eip_id: '', public_ip: '' })
    await the.call('ModifyRouterAttributes', { router: id, eip })
    await the.destroyVpc(id)
    await the.destroyEip(eip)
    await the.call('DeleteSecurityGroups', { security_groups: [group] })
    await the.call('DeleteSecurityGroups', { security_groups: [other] })
  })

  it('vxnet: joined, moved within its VPC and to another one, and taken away', async () => {
    const [one, two] = [await the.aVpc('192.168.0.0/16'), await the.aVpc('172.16.0.0/16')]
    const id = await the.aVxnet('private', one, '192.168.3.0/24')
    await the.call('ModifyVxnetAttributes', { vxnet: id, vxnet_name: 'private', description: 'inside' })
    const tag = await the.aTag('vxnets')
    await the.terraform.tag('vxnet', id, [tag])
    const wanted = {
      name: 'private',
      type: 1,
      description: 'inside',
      ip_network: '192.168.3.0/24',
      vpc_id: one,
      tags: [tag],
    }
    expect(await the.terraform.readVxnet(id)).toEqual(wanted)

    await the.terraform.leaveVpc(id, one)
    expect(await the.terraform.readVxnet(id)).toEqual({ ...wanted, ip_network: '', vpc_id: '' })
    await the.terraform.joinVpc(id, one, '192.168.4.0/24')
    expect(await the.terraform.readVxnet(id)).toEqual({ ...wanted, ip_network: '192.168.4.0/24' })
    await the.terraform.leaveVpc(id, one)
    await the.terraform.joinVpc(id, two, '172.16.4.0/24')
    await the.call('ModifyVxnetAttributes', { vxnet: id, vxnet_name: 'moved', description: ' ' })
    const moved = { ...wanted, name: 'moved', description: '', ip_network: '172.16.4.0/24', vpc_id: two }
    expect(await the.terraform.readVxnet(id)).toEqual(moved)
    await the.destroyVxnet(id, two)
    for (const vpc of [one, two]) await the.destroyVpc(vpc)

    const [unmanaged] = (await the.call('CreateVxnets', { vxnet_name: 'wire', vxnet_type: 0, count: 1 })).vxnets
    expect(await the.terraform.readVxnet(unmanaged)).toMatchObject({ type: 0, vpc_id: '', ip_network: '' })
    await the.call('DeleteVxnets', { vxnets: [unmanaged] })
  })
})

/** A public key as OpenSSH writes them: each part with its length before it (RFC 4253, 6.6). */
function anSshKey(): string {
  const { e = '', n = '' } = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' })
  const number = (value: string) => Buffer.concat([Buffer.of(0), Buffer.from(value, 'base64url')])
  const parts = [Buffer.from('ssh-rsa'), Buffer.from(e, 'base64url'), number(n)].map((part) => {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(part.length)
    return Buffer.concat([length, part])
  })
  return `ssh-rsa ${Buffer.concat(parts).toString('base64')}`
}
