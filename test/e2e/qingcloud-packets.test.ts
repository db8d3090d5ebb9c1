/** What acts of the QingCloud wire do to packets, and when: at once, or only once they are applied. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { runInNamespace } from '../../src/workers/host/run-command.ts'
import { aGoClient, type GoClient } from '../support/a-go-client.ts'
import { aServiceWithEips, type ServiceWithEips } from '../support/a-service-with-eips.ts'
import { anEchoServer, aStream } from '../support/a-stream.ts'
import { describeOnKernel } from '../support/needs-root.ts'
import { until } from '../support/until.ts'

describeOnKernel('packets and the QingCloud wire', () => {
  let service: ServiceWithEips
  let api: GoClient
  const ends: (() => void)[] = []
  beforeAll(async () => {
    service = await aServiceWithEips()
    api = await aGoClient(service)
  })
  afterAll(async () => {
    for (const end of ends) end()
    await service?.dispose()
  })

  const pings = async (netns: string, address: string): Promise<boolean> =>
    (await runInNamespace(netns, 'busybox', ['ping', '-c', '1', '-W', '1', address], { allowFailure: true }))
      .exitCode === 0
  const anInstance = async (vxnet: string): Promise<{ id: string; address: string }> => {
    const login = { login_mode: 'passwd', login_passwd: 'Zhu88jie' }
    const { instances } = await api.act('RunInstances', { image_id: 'centos7x64d', ...login, vxnets: [vxnet] })
    const [item] = (await api.ask('DescribeInstances', { instances })).instance_set
    return { id: instances[0], address: item.vxnets[0].private_ip }
  }
  const aVpc = async (network: string) => {
    const [router] = (await api.act('CreateRouters', { router_name: 'vpc', vpc_network: network })).routers
    const [vxnet] = (await api.ask('CreateVxnets', { vxnet_name: 'private', vxnet_type: 1 })).vxnets
    await api.act('JoinRouter', { vxnet, router, ip_network: network.replace('0.0/16', '1.0/24') })
    return { router, vxnet }
  }
  const anEip = async (): Promise<{ eip: string; address: string }> => {
    const { eips } = await api.ask('AllocateEips', { bandwidth: 10 })
    const [{ eip_addr }] = (await api.ask('DescribeEips', { eips })).eip_set
    return { eip: eips[0], address: eip_addr }
  }
  const anOpenGroup = async (): Promise<string> => {
    const { security_group_id: group } = await api.ask('CreateSecurityGroup', { security_group_name: 'open' })
    const rule = { protocol: 'all', priority: 0, action: 'accept' }
    const rules = [
      { ...rule, direction: 0 },
      { ...rule, direction: 1 },
    ]
    await api.ask('AddSecurityGroupRules', { security_group: group, rules })
    await api.act('ApplySecurityGroup', { security_group: group })
    return group
  }
  /** Returns once filters have been built anew from what is stored now. */
  const rebuilt = async () => {
    const rules = async () =>
      (await runInNamespace(service.netns, 'nft', ['-s', 'list', 'table', 'inet', 'patchbay'], { allowFailure: true }))
        .stdout
    const whole = (await rules()).split('\n').length
    await runInNamespace(service.netns, 'nft', ['flush', 'table', 'inet', 'patchbay'])
    await until('the filters to be back', async () => (await rules()).split('\n').length >= whole, 10_000)
  }

  it('a changed rule waits for ApplySecurityGroup: neither other jobs nor the reconciler bring it before', async () => {
    const { id, address } = await anInstance('vxnet-0')
    const { eip, address: outer } = await anEip()
    await api.act('AssociateEip', { eip, instance: id })
    const { security_group_id: group } = await api.ask('CreateSecurityGroup', { security_group_name: 'staged' })
    const isApplied = async () =>
      (await api.ask('DescribeSecurityGroups', { security_groups: [group] })).security_group_set[0].is_applied
    await api.act('ApplySecurityGroup', { security_group: group, instances: [id] })
    const reaches = () => pings(service.outside.machine, outer)
    expect(await reaches(), `${outer} to ${address}`).toBe(false)

    const { security_group_rules } = await api.ask('AddSecurityGroupRules', {
      security_group: group,
      rules: [{ protocol: 'icmp', priority: 0, action: 'accept', direction: 0 }],
    })
    expect(await isApplied()).toBe(0)
    await api.act('ChangeEipsBandwidth', { eips: [eip], bandwidth: 11 })
    expect(await reaches()).toBe(false)
    await rebuilt()
    expect(await reaches()).toBe(false)
    await api.act('ApplySecurityGroup', { security_group: group })
    expect(await isApplied()).toBe(1)
    await until('the eip to answer', reaches)

    await api.ask('DeleteSecurityGroupRules', { security_group_rules })
    expect(await isApplied()).toBe(0)
    await rebuilt()
    expect(await reaches()).toBe(true)
    await api.act('ApplySecurityGroup', { security_group: group })
    expect(await reaches()).toBe(false)
  })

  it('a router that is off answers nobody and passes nothing on; the vxnet behind it goes on', async () => {
    const { router, vxnet } = await aVpc('172.16.0.0/16')
    const [{ id }, neighbour] = [await anInstance(vxnet), await anInstance(vxnet)]
    await until('the gateway to answer', () => pings(id, '172.16.1.1'))
    await api.act('PowerOffRouters', { routers: [router] })
    expect(await pings(id, '172.16.1.1')).toBe(false)
    expect(await pings(id, neighbour.address)).toBe(true)
    await api.act('PowerOnRouters', { routers: [router] })
    await until('the gateway to answer again', () => pings(id, '172.16.1.1'))
  })

  it('a port forwarding works without UpdateRouters, which not every client calls; disabled it does not', async () => {
    const { router, vxnet } = await aVpc('192.168.0.0/16')
    const { id, address } = await anInstance(vxnet)
    await api.act('ApplySecurityGroup', { security_group: await anOpenGroup(), instances: [id] })
    const { eip, address: outer } = await anEip()
    await api.ask('ModifyRouterAttributes', { router, eip })
    ends.push(await anEchoServer(id, 80))
    const connects = () =>
      aStream(service.outside.machine, outer, 8080).then(
        (stream) => {
          stream.close()
          return true
        },
        () => false,
      )
    expect(await connects()).toBe(false)
    const { router_statics } = await api.ask('AddRouterStatics', {
      router,
      statics: [{ static_type: 1, val1: '8080', val2: address, val3: '80' }],
    })
    await until('the forwarded port to answer', connects)
    await api.ask('ModifyRouterStaticAttributes', { router_static: router_statics[0], disabled: 1 })
    await until('the port to be closed', async () => !(await connects()))
    await api.ask('ModifyRouterStaticAttributes', { router_static: router_statics[0], disabled: 0 })
    await until('the port to answer again', connects)
    await api.ask('DeleteRouterStatics', { router_statics })
    await until('the port to be closed for good', async () => !(await connects()))
  })
})
