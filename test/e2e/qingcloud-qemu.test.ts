/** RunInstances as it is without further configuration: virtual machines, seen from inside. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { aGoClient, type GoClient } from '../support/a-go-client.ts'
import { aRunningService, type RunningService } from '../support/a-running-service.ts'
import { describeOnKernel } from '../support/needs-root.ts'
import { until } from '../support/until.ts'

/** Boots under software emulation, beside everything else that runs. */
const BOOT_MS = 60_000

describeOnKernel(
  'an instance that is a virtual machine',
  () => {
    let service: RunningService
    let api: GoClient
    let id: string
    beforeAll(async () => {
      service = await aRunningService()
      api = await aGoClient(service)
      const login = { login_mode: 'passwd', login_passwd: 'Zhu88jie' }
      const { instances } = await api.act('RunInstances', { image_id: 'centos7x64d', ...login })
      id = instances[0]
      await api.waitInstanceStatus(id, 'running')
      await until('the guest to answer', () => inside('ip', 'link').then(Boolean, () => false), BOOT_MS)
    })
    afterAll(() => service?.dispose())

    const inside = (program: string, ...args: string[]) => service.shell(id, 'qemu').run(program, args)
    const shows = (text: string, ...command: [string, ...string[]]) =>
      inside(...command).then(
        (shown) => shown.includes(text),
        () => false,
      )

    it('joins vxnet-0 while it runs: its first card, an address by DHCP, and a gateway that answers', async () => {
      await api.act('JoinVxnet', { vxnet: 'vxnet-0', instances: [id] })
      await api.waitInstanceNetwork(id)
      const [{ vxnets }] = (await api.ask('DescribeInstances', { instances: [id] })).instance_set
      expect(await inside('ip', 'link', 'show', 'eth0')).toContain(vxnets[0].nic_id)
      await until('DHCP', () => shows(` ${vxnets[0].private_ip}/24 `, 'ip', '-o', 'addr'))
      await until('the default route', () => shows('default via ', 'ip', 'route'))
      const gateway = /default via (\S+)/.exec(await inside('ip', 'route'))?.[1] ?? ''
      await until('the gateway', () => shows(' 0% packet loss', 'busybox', 'ping', '-c', '1', '-W', '2', gateway))
    })

    it('AttachNics plugs cards, one with an address and one without, and DetachNics unplugs them', async () => {
      const [{ nic_id: addressed, private_ip }] = (await api.ask('CreateNics', { vxnet: 'vxnet-0' })).nics
      const [{ nic_id: bare }] = (await api.ask('CreateNics', { vxnet: 'vxnet-0', disable_ip: 1 })).nics
      const nics = [addressed, bare]
      await api.act('AttachNics', { nics, instance: id })
      for (const mac of nics) expect(await inside('ip', 'link')).toContain(mac)
      await until('DHCP', () => shows(` ${private_ip}/24 `, 'ip', '-o', 'addr'))
      await api.act('DetachNics', { nics })
      for (const mac of nics) expect(await inside('ip', 'link')).not.toContain(mac)
    })

    it('goes when it is terminated', async () => {
      await api.act('TerminateInstances', { instances: [id] })
      await api.waitInstanceStatus(id, 'terminated')
      expect(await service.links()).not.toContainEqual(expect.stringMatching(/^tap/))
    })
  },
  { 'qemu-system-x86_64': 'qemu-system-x86' },
)
