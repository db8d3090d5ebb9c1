import { afterAll, beforeAll, expect, it } from 'vitest'
import { runCommand, runInNamespace } from '../../src/workers/host/run-command.ts'
import { aRunningService, type RunningService } from '../support/a-running-service.ts'
import { anEchoServer, aStream } from '../support/a-stream.ts'
import { aServerOf } from '../support/a-topology.ts'
import { anOutside, type Outside, SEGMENT } from '../support/an-outside.ts'
import { describeOnKernel } from '../support/needs-root.ts'
import { until } from '../support/until.ts'

/** Drift is healed within this time. */
const HEALED_MS = 3_000

const tapOf = (mac: string): string => `tap${mac.slice(6).replaceAll(':', '')}`

interface Member {
  readonly server: string
  readonly nic: { id: string; address: string }
}

describeOnKernel('the network around the cards of namespace guests', () => {
  let outside: Outside
  let service: RunningService
  let vpc: { id: string }
  let one: { id: string; vni: number; gateway: string }
  let two: typeof one
  let open: { id: string }
  let elasticIps: { id: string; address: string }[]
  const ends: (() => void)[] = []

  beforeAll(async () => {
    outside = await anOutside()
    service = await aRunningService(outside.environment)
    vpc = await service.post('/v1/vpcs', { name: 'vpc', cidr: '172.16.0.0/16' })
    one = await aNetwork('172.16.1.0/24')
    two = await aNetwork('172.16.2.0/24')
    open = await service.post('/v1/security-groups', {
      name: 'open',
      rules: [
        { direction: 'in', protocol: 'all' },
        { direction: 'out', protocol: 'all' },
      ],
    })
    const pool = await service.post('/v1/elastic-ip-pools', {
      name: 'public',
      cidr: SEGMENT.cidr,
      gateway: SEGMENT.gateway,
      first: '203.0.113.10',
      last: '203.0.113.20',
      interface: 'eth1',
    })
    elasticIps = []
    for (let n = 0; n < 3; n++) elasticIps.push(await service.post('/v1/elastic-ips', { pool_id: pool.id }))
  })
  afterAll(async () => {
    for (const end of ends) end()
    await service?.dispose()
    await outside?.dispose()
  })

  const aNetwork = (cidr: string, over: object = {}) =>
    service.post('/v1/networks', { name: 'network', vpc_id: vpc.id, cidr, ...over })
  const aMember = async (network: { id: string }, groups = [open.id]): Promise<Member> => {
    const server = await aServerOf(service, { network_id: network.id })
    const [nic] = (await service.get(`/v1/nics?server_id=${server}`)).items
    await service.act('PUT', `/v1/nics/${nic.id}/security-groups`, { security_group_ids: groups })
    return { server, nic }
  }
  const pings = async (from: string, address: string): Promise<boolean> =>
    (await runInNamespace(from, 'busybox', ['ping', '-c', '1', '-W', '1', address], { allowFailure: true }))
      .exitCode === 0
  const inPlane = (file: string, ...args: string[]) => runInNamespace(service.netns, file, args)
  const router = () => `${service.netns}-${vpc.id}`
  const isHealed = (what: string, holds: () => Promise<boolean>) => until(`${what} to be back`, holds, HEALED_MS)
  const listed = async (netns: string, file: string, ...args: string[]) =>
    (await runInNamespace(netns, file, args, { allowFailure: true })).stdout

  it('a connection outlives a change of its security group, a worker that dies, and another NIC’s elastic IP that moves', async () => {
    const group = await service.post('/v1/security-groups', {
      name: 'echo',
      rules: [
        { direction: 'in', protocol: 'tcp', port_first: 5000 },
        { direction: 'out', protocol: 'all' },
      ],
    })
    const caller = await aMember(one)
    const callee = await aMember(two, [group.id])
    const [mover, taker] = [await aMember(one), await aMember(one)]
    ends.push(await anEchoServer(callee.server, 5000))
    const within = await aStream(caller.server, callee.nic.address, 5000)
    ends.push(within.close)

    // One more, through an elastic IP that stays where it is.
    const [staying, moving] = elasticIps as [(typeof elasticIps)[0], (typeof elasticIps)[0]]
    await service.act('POST', `/v1/elastic-ips/${staying.id}/associate`, { nic_id: callee.nic.id })
    await service.act('POST', `/v1/elastic-ips/${moving.id}/associate`, { nic_id: mover.nic.id })
    const fromOutside = await aStream(outside.machine, staying.address, 5000)
    ends.push(fromOutside.close)

    await service.act('PUT', `/v1/security-groups/${group.id}/rules`, {
      rules: [{ direction: 'out', protocol: 'all' }],
    })
    await expect(aStream(caller.server, callee.nic.address, 5000)).rejects.toThrow() // nothing new comes in
    await within.flows()
    await fromOutside.flows()

    await service.act('POST', `/v1/elastic-ips/${moving.id}/associate`, { nic_id: taker.nic.id })
    await within.flows()
    await fromOutside.flows()
    const answering = async () =>
      (await outside.run('busybox', 'ping', '-c', '1', '-W', '1', moving.address)).exitCode === 0
    await until('the elastic IP to answer from its new NIC', answering)

    const worker = service.pidOf('worker')
    process.kill(worker, 'SIGKILL')
    await until('another worker', async () => {
      try {
        return service.pidOf('worker') !== worker
      } catch {
        return false
      }
    })
    await within.flows()
    await fromOutside.flows()
    await aMember(one) // the new worker is at work
    await within.flows()
    await fromOutside.flows()
  })

  it('two VPCs use the same range, and nothing crosses', async () => {
    const here = await aMember(one)
    const twin = await service.post('/v1/vpcs', { name: 'twin', cidr: '172.16.0.0/16' })
    const network = await aNetwork('172.16.1.0/24', { vpc_id: twin.id })
    const lone = await aMember(network)
    const away = await service.post('/v1/nics', { network_id: network.id, address: '172.16.1.200' })
    await service.act('POST', `/v1/nics/${away.id}/attach`, { server_id: lone.server })
    expect(await pings(lone.server, '172.16.1.1')).toBe(true)
    expect(await pings(here.server, '172.16.1.200')).toBe(false)
    expect(await pings(lone.server, '172.16.2.1')).toBe(false) // that network is the other VPC's
    expect(await pings(here.server, '172.16.2.1')).toBe(true)
  })

  it('NICs of one network are kept apart when no rule lets them together', async () => {
    const alone = await service.post('/v1/security-groups', { name: 'alone' })
    const [first, second] = [await aMember(one, [alone.id]), await aMember(one, [alone.id])]
    expect(await pings(first.server, second.nic.address)).toBe(false)
    expect(await pings(first.server, one.gateway)).toBe(true)
    await service.act('POST', `/v1/security-groups/${alone.id}/rules`, {
      rules: [{ direction: 'in', protocol: 'icmp', remote_group_id: alone.id }],
    })
    expect(await pings(first.server, second.nic.address)).toBe(true)
  })

  it('heals within 3 s: filters, routes, elastic IPs, DHCP entries, bandwidth', async () => {
    const member = await aMember(one)
    const [, , spare] = elasticIps as [(typeof elasticIps)[0], (typeof elasticIps)[0], (typeof elasticIps)[0]]
    await service.act('POST', `/v1/elastic-ips/${spare.id}/associate`, { nic_id: member.nic.id })
    await service.act('PUT', `/v1/nics/${member.nic.id}/bandwidth`, { in_mbps: 50, out_mbps: 60 })
    const tap = tapOf(member.nic.id)

    const rules = async () =>
      (await listed(service.netns, 'nft', '-s', 'list', 'table', 'inet', 'patchbay')).split('\n').length
    const whole = await rules()
    await inPlane('nft', 'flush', 'table', 'inet', 'patchbay')
    expect(await rules()).toBeLessThan(whole)
    await isHealed('the filter', async () => (await rules()) === whole)
    await inPlane('nft', 'delete', 'table', 'bridge', 'patchbay')
    await isHealed('the guard', async () =>
      (await listed(service.netns, 'nft', 'list', 'table', 'bridge', 'patchbay')).includes(tap),
    )

    const route = () => listed(router(), 'ip', 'route', 'show', 'type', 'unreachable')
    expect(await route()).toContain('172.16.0.0/16')
    await runInNamespace(router(), 'ip', ['route', 'flush', 'type', 'unreachable'])
    await isHealed('the route', async () => (await route()).includes('172.16.0.0/16'))

    const fromOutside = async () =>
      (await outside.run('busybox', 'ping', '-c', '1', '-W', '1', spare.address)).exitCode === 0
    await until('the elastic IP to answer', fromOutside)
    await runInNamespace(router(), 'nft', ['delete', 'table', 'inet', 'patchbay'])
    await isHealed('the translation', fromOutside)

    const folder = `/run/patchbay/${service.netns}/dhcp/${one.vni.toString(16)}`
    await runCommand('sed', ['-i', `/${member.nic.id}/d`, `${folder}/hosts`])
    await isHealed('the DHCP entry', async () =>
      (await runCommand('cat', [`${folder}/hosts`])).stdout.includes(member.nic.id),
    )

    const shaped = async () => /tbf|htb/.test(await listed(service.netns, 'tc', 'qdisc', 'show', 'dev', tap))
    expect(await shaped()).toBe(true)
    await inPlane('tc', 'qdisc', 'del', 'dev', tap, 'root')
    await isHealed('the bandwidth', shaped)
  })

  it('the whole data plane deleted by hand comes back, and no tap stands in it before the filters do', async () => {
    const [first, second] = [await aMember(one), await aMember(two)]
    await runCommand('ip', ['netns', 'delete', service.netns])
    let unfiltered = false
    await until(
      'the guests to reach each other again',
      async () => {
        const links = await runCommand('ip', ['-n', service.netns, '-br', 'link'], { allowFailure: true })
        if (/^tap/m.test(links.stdout)) {
          unfiltered ||= !(await listed(service.netns, 'nft', 'list', 'tables')).includes('bridge patchbay')
        }
        // The old one lives on without its name for as long as somebody is in it.
        const isNew = [first, second].every(({ nic }) => links.stdout.includes(tapOf(nic.id)))
        return isNew && (await pings(first.server, second.nic.address))
      },
      30_000,
    )
    expect(unfiltered).toBe(false)
  })

  it('a change that reaches nobody is done at once, and one that does says when the kernel has it', async () => {
    const unused = await service.post('/v1/security-groups', { name: 'unused' })
    const nobody = await service.call('POST', `/v1/security-groups/${unused.id}/rules`, {
      rules: [{ protocol: 'tcp', port_first: 22 }],
    })
    expect(nobody).toMatchObject({ status: 202, body: { state: 'successful', hypervisor_id: null } })
    const member = await aMember(two, [unused.id])
    const job = await service.act('PUT', `/v1/security-groups/${unused.id}/rules`, { rules: [] })
    expect(job.steps.map(({ name }: { name: string }) => name)).toContain('policies')
    expect(await pings(member.server, two.gateway)).toBe(false)
  })
})
