import { afterAll, beforeAll, expect, it } from 'vitest'
import { runInNamespace } from '../../src/workers/host/run-command.ts'
import { aRunningService, type RunningService } from '../support/a-running-service.ts'
import { aNetworkOf, aServerOf } from '../support/a-topology.ts'
import { describeOnKernel } from '../support/needs-root.ts'
import { until } from '../support/until.ts'

describeOnKernel('reserved addresses in namespace guests', () => {
  let service: RunningService
  beforeAll(async () => {
    service = await aRunningService()
  })
  afterAll(() => service?.dispose())

  it('are used by a NIC without address from when the job is done, and until the next one is', async () => {
    const network = await aNetworkOf(service)
    const neighbour = await aServerOf(service, { network_id: network.id })
    const [own] = (await service.get(`/v1/nics?server_id=${neighbour}`)).items
    const node = await aServerOf(service)
    const card = await service.post('/v1/nics', { network_id: network.id, addressed: false })
    await service.act('POST', `/v1/nics/${card.id}/attach`, { server_id: node })

    const inNode = (...args: string[]) => runInNamespace(node, 'ip', args, { allowFailure: true })
    const pings = async (from: string, address: string, ...more: string[]) =>
      (await runInNamespace(from, 'busybox', ['ping', '-c', '1', '-W', '1', ...more, address], { allowFailure: true }))
        .exitCode === 0
    const { stdout } = await inNode('-j', 'link')
    const interfaces = JSON.parse(stdout) as { ifname: string; address: string }[]
    const device = interfaces.find(({ address }) => address === card.id)?.ifname ?? ''
    const [reserved, loose] = ['172.16.1.100', '172.16.1.101']
    for (const address of [reserved, loose]) await inNode('address', 'add', `${address}/24`, 'dev', device)
    const heard = async (address: string) => [
      await pings(node, network.gateway, '-I', address),
      await pings(node, own.address, '-I', address),
    ]
    // A neighbour that was asked for in vain is asked for again after a while.
    const becomesHeard = (address: string) =>
      until('it to be heard', async () => !(await heard(address)).includes(false))
    expect(await heard(reserved)).toEqual([false, false])

    const job = await service.act('POST', '/v1/reserved-addresses', { network_id: network.id, addresses: [reserved] })
    expect(job.steps.map(({ name }: { name: string }) => name)).toContain('policies')
    await becomesHeard(reserved)
    expect(await heard(loose)).toEqual([false, false])
    // In the default group its members, of which the reserved address is one, are let in.
    await until('it to be reached', () => pings(neighbour, reserved))
    const router = `${service.netns}-${network.vpc_id}`
    expect(await pings(neighbour, loose)).toBe(false)

    // A neighbour's address is not heard either.
    await inNode('address', 'add', `${own.address}/24`, 'dev', device)
    expect(await pings(node, network.gateway, '-I', own.address)).toBe(false)
    await inNode('address', 'del', `${own.address}/24`, 'dev', device)
    expect((await runInNamespace(router, 'ip', ['neigh', 'show', own.address])).stdout).toContain(own.id)

    await service.act('DELETE', `/v1/reserved-addresses/${job.resources[0].id}`)
    expect(await heard(reserved)).toEqual([false, false])
    expect(await pings(neighbour, reserved)).toBe(false)
  })
})
