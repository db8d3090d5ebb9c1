/** The QingCloud provider of Terraform: instances with what hangs on them, and a whole configuration taken away. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { runInNamespace } from '../../src/workers/host/run-command.ts'
import { describeOnKernel } from '../support/needs-root.ts'
import { aConfiguration, type Configuration } from '../support/terraform-resources.ts'
import { until } from '../support/until.ts'

describeOnKernel('instances of the QingCloud provider of Terraform', () => {
  let the: Configuration
  beforeAll(async () => {
    the = await aConfiguration()
  })
  afterAll(() => the?.dispose())

  it('vpc_static of each kind', async () => {
    const vpc = await the.aVpc('192.168.0.0/16')
    const vxnet = await the.aVxnet('private', vpc, '192.168.1.0/24')
    const instance = await the.anInstance()
    await the.call('JoinVxnet', { vxnet, instances: [instance] })
    await the.terraform.poll('instance', instance)
    const cases: { type: number; vals: (string | undefined)[]; read: unknown[]; update: string[] }[] = [
      {
        type: 1,
        vals: ['8080', '192.168.1.10', '80'],
        read: ['8080', '192.168.1.10', '80', 'tcp', ''],
        update: ['8081', '192.168.1.11', '81', 'udp'],
      },
      {
        type: 2,
        vals: ['openvpn', '1194', 'udp', '10.255.1.0/24'],
        read: ['openvpn', '1194', 'udp', '10.255.1.0/24', expect.any(String)],
        update: ['openvpn', '1195', 'tcp', '10.255.2.0/24'],
      },
      {
        type: 3,
        vals: [instance, 'domain-name-servers=8.8.8.8;domain-name=a.example'],
        read: [instance, 'domain-name-servers=8.8.8.8;domain-name=a.example', '', '', ''],
        update: [instance, 'domain-name-servers=9.9.9.9'],
      },
      {
        type: 4,
        vals: ['gre|1.2.3.4|888'],
        read: ['gre|1.2.3.4|888', '', '', '', ''],
        update: ['gre|1.2.3.5|889'],
      },
      {
        type: 6,
        vals: ['1.2.3.4|key|10.254.1.2|10.254.1.3', '172.17.10.0/24'],
        read: ['1.2.3.4|key|10.254.1.2|10.254.1.3', '172.17.10.0/24', '', '', ''],
        update: ['1.2.3.4|key|10.254.1.2|10.254.1.4', '172.17.11.0/24'],
      },
      {
        type: 7,
        vals: ['1.2.3.4|aes|secret|%any', '192.168.1.0/24', '172.18.1.0/24'],
        read: ['1.2.3.4|aes|secret|%any', '192.168.1.0/24', '172.18.1.0/24', expect.any(String), ''],
        update: ['1.2.3.5|aes|secret|%any', '192.168.1.0/24', '172.18.2.0/24'],
      },
      {
        type: 8,
        vals: ['db.local', '192.168.1.5;192.168.1.6'],
        read: ['db.local', '192.168.1.5;192.168.1.6', '', '', ''],
        update: ['db.local', '192.168.1.7'],
      },
    ]
    for (const { type, vals, read, update } of cases) {
      const given = Object.fromEntries(vals.map((value, n) => [`val${n + 1}`, value ?? '']))
      const wanted = { router_id: vpc, router_static_name: `kind ${type}`, static_type: type, ...given }
      const added = await the.call('AddRouterStatics', { router: vpc, statics: [wanted] })
      const [id] = added.router_statics
      await the.terraform.poll('router', vpc)
      expect(await the.terraform.readStatic(vpc, id)).toEqual({ name: `kind ${type}`, type, vals: read })
      // Values that the user has not set are sent empty.
      const change = Object.fromEntries([1, 2, 3, 4, 5].map((n) => [`val${n}`, update[n - 1] ?? ' ']))
      await the.call('ModifyRouterStaticAttributes', { router_static: id, router_static_name: 'renamed', ...change })
      await the.terraform.poll('router', vpc)
      const changed = await the.terraform.readStatic(vpc, id)
      expect(changed).toMatchObject({ name: 'renamed', type })
      expect(changed?.vals.slice(0, update.length)).toEqual(update)
      await the.call('DeleteRouterStatics', { router_statics: [id] })
      await the.terraform.poll('router', vpc)
      expect(await the.terraform.readStatic(vpc, id)).toBeUndefined()
    }
    await the.destroyInstance(instance)
    await the.destroyVxnet(vxnet, vpc)
    await the.destroyVpc(vpc)
  })

  it('instance in the basic network with an eip, resized, and destroyed with the rest in the provider’s order', async () => {
    const group = await the.aGroup('ping')
    await the.call('AddSecurityGroupRules', {
      security_group: group,
      rules: [
        { protocol: 'icmp', priority: 0, action: 'accept', direction: 0 },
        { protocol: 'icmp', priority: 0, action: 'accept', direction: 1 },
      ],
    })
    await the.terraform.applyRules(group)
    const eip = await the.anEip('public')
    const instance = await the.anInstance({ security_group: group, hostname: 'web', os_disk_size: 20 })
    await the.call('ModifyInstanceAttributes', { instance, instance_name: 'web', description: 'serves' })
    await the.call('JoinVxnet', { vxnet: 'vxnet-0', instances: [instance] })
    await the.terraform.poll('instance', instance)
    await the.call('ApplySecurityGroup', { security_group: group, instances: [instance] })
    await the.terraform.poll('instance', instance)
    await the.terraform.poll('eip', eip)
    await the.call('AssociateEip', { eip, instance })
    await the.terraform.poll('eip', eip)
    const tag = await the.aTag('instances')
    await the.terraform.tag('instance', instance, [tag])
    const wanted = {
      name: 'web',
      description: 'serves',
      image_id: 'centos7x64d',
      cpu: 1,
      memory: 1024,
      instance_class: 0,
      os_disk_size: 20,
      managed_vxnet_id: 'vxnet-0',
      private_ip: expect.stringMatching(/^\d+\.\d+\.\d+\.\d+$/),
      eip_id: eip,
      security_group_id: group,
      tags: [tag],
    }
    expect(await the.terraform.readInstance(instance)).toMatchObject(wanted)
    const { addr, resource } = (await the.terraform.readEip(eip)) ?? {}
    expect(resource).toMatchObject({ resource_id: instance, resource_type: 'instance' })
    const answers = async () => (await the.outside.run('busybox', 'ping', '-c', '1', '-W', '1', addr)).exitCode === 0
    await until('the eip to answer', answers)

    await the.call('StopInstances', { instances: [instance] })
    expect(await the.terraform.poll('instance', instance)).toMatchObject({ status: 'stopped' })
    await the.api.act('ResizeInstances', { instances: [instance], cpu: 2, memory: 2048 })
    await the.call('StartInstances', { instances: [instance] })
    expect(await the.terraform.poll('instance', instance)).toMatchObject({ status: 'running' })
    expect(await the.terraform.readInstance(instance)).toMatchObject({ ...wanted, cpu: 2, memory: 2048 })
    await until('the eip to answer after the restart', answers)

    await the.destroyInstance(instance)
    await the.destroyEip(eip)
    await the.call('DeleteSecurityGroups', { security_groups: [group] })
  })

  it('instance moved from one managed vxnet to the next, at an address of the user’s', async () => {
    const vpc = await the.aVpc('192.168.0.0/16')
    const [one, two] = [await the.aVxnet('one', vpc, '192.168.1.0/24'), await the.aVxnet('two', vpc, '192.168.2.0/24')]
    const instance = await the.anInstance()
    expect((await the.call('DescribeVxnets', { vxnets: [one] })).vxnet_set[0].vxnet_type).toBe(1)
    await the.call('JoinVxnet', { vxnet: `${one}|192.168.1.77`, instances: [instance] })
    await the.terraform.poll('instance', instance)
    expect(await the.terraform.readInstance(instance)).toMatchObject({
      managed_vxnet_id: one,
      private_ip: '192.168.1.77',
    })
    const addresses = async () => (await runInNamespace(instance, 'ip', ['-br', 'addr'], {})).stdout
    expect(await addresses()).toContain('192.168.1.77/24')

    await the.call('LeaveVxnet', { vxnet: one, instances: [instance] })
    await the.terraform.poll('instance', instance)
    expect(await addresses()).not.toContain('192.168.1.77')
    await the.call('JoinVxnet', { vxnet: two, instances: [instance] })
    await the.terraform.poll('instance', instance)
    const moved = await the.terraform.readInstance(instance)
    expect(moved).toMatchObject({ managed_vxnet_id: two, private_ip: expect.stringMatching(/^192\.168\.2\./) })
    expect(await addresses()).toContain(moved?.private_ip)
    expect((await runInNamespace(instance, 'busybox', ['ping', '-c', '1', '192.168.2.1'])).exitCode).toBe(0)

    await the.destroyInstance(instance)
    await the.destroyVxnet(one, vpc)
    await the.destroyVxnet(two, vpc)
    await the.destroyVpc(vpc)
  })

  it('a whole configuration goes in the provider’s order: nothing dissociates the eip first', async () => {
    const group = await the.aGroup('all')
    const eip = await the.anEip('all')
    const vpc = await the.aVpc('192.168.0.0/16', { security_group: group })
    const vxnet = await the.aVxnet('all', vpc, '192.168.9.0/24')
    const instance = await the.anInstance()
    await the.call('JoinVxnet', { vxnet, instances: [instance] })
    await the.terraform.poll('instance', instance)
    await the.call('ApplySecurityGroup', { security_group: group, instances: [instance] })
    await the.terraform.poll('instance', instance)
    await the.call('AssociateEip', { eip, instance })
    await the.terraform.poll('eip', eip)

    await the.destroyInstance(instance)
    await the.destroyVxnet(vxnet, vpc)
    await the.destroyEip(eip)
    await the.destroyVpc(vpc)
    await the.call('DeleteSecurityGroups', { security_groups: [group] })
    const listed = await the.call('DescribeEips', { eips: [eip] })
    expect(listed.eip_set.every(({ status }: { status: string }) => status === 'released')).toBe(true)
  })
})
