/** Servers that join and leave networks while they run, and restart: seen from inside. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { aRunningService, type RunningService } from '../support/a-running-service.ts'
import { aNetworkOf, aServerOf } from '../support/a-topology.ts'
import { describeOnKernel } from '../support/needs-root.ts'
import { until } from '../support/until.ts'

/** A guest boots under software emulation, beside everything else that runs. */
const BOOT_MS = 60_000

for (const [guest, needs] of [
  ['namespace', {}],
  ['qemu', { 'qemu-system-x86_64': 'qemu-system-x86' }],
] as const) {
  describeOnKernel(
    `a running server without NIC, as ${guest}`,
    () => {
      let service: RunningService
      let server: string
      let network: Awaited<ReturnType<typeof aNetworkOf>>
      let before: string[]
      beforeAll(async () => {
        service = await aRunningService()
        network = await aNetworkOf(service, '172.16.1.0/24')
        before = await service.links()
        server = await aServerOf(service, { guest, vcpus: 1, name: 'joiner' })
        await until('the guest to answer', () => inside('ip', 'link').then(Boolean, () => false), BOOT_MS)
      }, 120_000)
      afterAll(() => service?.dispose())

      const inside = (program: string, ...args: string[]) => service.shell(server, guest).run(program, args)
      const shows = (text: string, ...command: [string, ...string[]]) =>
        inside(...command).then(
          (shown) => shown.includes(text),
          () => false,
        )
      const [join, leave] = ['join', 'leave'].map(
        (what) =>
          (body: object = {}) =>
            service.act('POST', `/v1/servers/${server}/${what}`, { network_id: network.id, ...body }),
      ) as [(body?: object) => Promise<{ nic_ids: string[] }>, (body?: object) => Promise<unknown>]
      const reachesGateway = async (address: string) => {
        await until('the address', () => shows(` ${address}/24 `, 'ip', '-o', 'addr', 'show', 'eth0'))
        await until('the default route', () => shows(`default via ${network.gateway} dev eth0`, 'ip', 'route'))
        const ping = () => shows(' 0% packet loss', 'busybox', 'ping', '-c', '1', '-W', '2', network.gateway)
        await until('the gateway to answer', ping)
      }

      it('joins: eth0 with its MAC, its address and the default route, and the gateway answers', async () => {
        const { nic_ids } = await join({ address: '172.16.1.50' })
        expect(await service.get(`/v1/nics/${nic_ids[0]}`)).toMatchObject({ primary: true, slot: 0, state: 'in_use' })
        expect(await inside('ip', 'link', 'show', 'eth0')).toContain(nic_ids[0])
        await reachesGateway('172.16.1.50')
      })

      it('restarts with it', async () => {
        await service.act('POST', `/v1/servers/${server}/restart`, { force: true })
        const up = () => shows(' 172.16.1.50/24 ', 'ip', '-o', 'addr', 'show', 'eth0')
        await until('the guest to have booted', up, BOOT_MS)
        await reachesGateway('172.16.1.50')
      })

      it('leaves: the guest has no card, and nothing of it is left outside', async () => {
        await leave()
        expect(await inside('ip', 'link')).not.toContain('eth0')
        expect(await inside('ip', 'route')).toBe('')
        await until('the network to go with its last NIC', async () => {
          const links = await service.links()
          return links.length === before.length
        })
      })

      it('joins and leaves once more: the slot is free again', async () => {
        const { nic_ids } = await join({ address: '172.16.1.60' })
        expect(await inside('ip', 'link')).toContain(nic_ids[0])
        await reachesGateway('172.16.1.60')
        await leave()
        expect(await inside('ip', 'link')).not.toContain(nic_ids[0])
        await service.act('DELETE', `/v1/servers/${server}`)
      })
    },
    needs,
  )
}
