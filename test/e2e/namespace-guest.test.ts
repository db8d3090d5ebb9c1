import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { runCommand } from '../../src/workers/host/run-command.ts'
import { aRunningService, type RunningService } from '../support/a-running-service.ts'
import { aNetworkOf, aServerOf } from '../support/a-topology.ts'
import { hostFingerprint } from '../support/host-unchanged.ts'
import { describeOnKernel } from '../support/needs-root.ts'
import { until } from '../support/until.ts'

const tapOf = (mac: string): string => `tap${mac.slice(6).replaceAll(':', '')}`

describeOnKernel('a service with namespace guests', () => {
  let service: RunningService
  let before: string
  beforeAll(async () => {
    before = await hostFingerprint()
    service = await aRunningService()
  })
  afterAll(() => service?.dispose())

  const ip = async (...args: string[]) => (await runCommand('ip', ['-n', service.netns, ...args])).stdout
  const state = async (mac: string) => (await service.get(`/v1/nics/${mac}`)).state

  it('plays the walk-through: eth1 with the MAC, the address and the route, and the gateway answers', async () => {
    const first = await aNetworkOf(service, '10.120.7.0/24')
    const hosta = await aServerOf(service, { network_id: first.id, address: '10.120.7.40' })
    const network = await aNetworkOf(service, '172.16.1.0/24')
    const nic = await service.post('/v1/nics', { network_id: network.id, address: '172.16.1.100' })
    await service.act('POST', `/v1/nics/${nic.id}/attach`, { server_id: hosta })

    const shell = service.shell(hosta, 'namespace')
    const shown = await shell.run('ip', ['addr', 'show', 'eth1'])
    expect(shown).toContain(nic.id)
    expect(shown).toContain('172.16.1.100/24')
    expect(await shell.run('ip', ['route'])).toMatch(/^172\.16\.1\.0\/24 dev eth1/m)
    expect(await shell.run('busybox', ['ping', '-c', '3', '-W', '5', '172.16.1.1'])).toContain(' 0% packet loss')
    await until('the guest view', async () => (await service.get(`/v1/nics/${nic.id}`)).guest !== null)
    expect(await service.get(`/v1/nics/${nic.id}`)).toMatchObject({
      state: 'in_use',
      server_id: hosta,
      slot: 1,
      host: { tap: tapOf(nic.id), up: true },
      guest: { interface_name: 'eth1', mac: nic.id, addresses: expect.arrayContaining(['172.16.1.100/24']) },
    })
  })

  it('attaches 63 NICs in one call, refuses the 64th, and leaves nothing when all are detached', async () => {
    const network = await aNetworkOf(service)
    const server = await aServerOf(service, { network_id: network.id })
    const { items } = await service.post('/v1/nics/batch', { network_id: network.id, count: 64 })
    const ids: string[] = items.map(({ id }: { id: string }) => id)
    const links = await service.links()
    await service.act('POST', `/v1/servers/${server}/attach-nics`, { nic_ids: ids.slice(0, 63) })

    const shown = JSON.parse(await service.shell(server, 'namespace').run('ip', ['-j', 'addr']))
    for (const [index, { id, address }] of items.slice(0, 63).entries()) {
      const seen = shown.find(({ ifname }: { ifname: string }) => ifname === `eth${index + 1}`)
      expect(seen.address).toBe(id)
      expect(seen.addr_info[0].local).toBe(address)
    }
    const refused = await service.call('POST', `/v1/nics/${ids[63]}/attach`, { server_id: server })
    expect(refused.status).toBe(409)
    expect(refused.body).toMatchObject({ code: 'server_full', detail: `server ${server} has 64 of 64 NICs` })

    await service.act('POST', `/v1/servers/${server}/detach-nics`, { nic_ids: ids.slice(0, 63) })
    expect(await service.links()).toEqual(links)
    const hosts = (await runCommand('cat', [...(await hostsFiles(service.netns))])).stdout
    for (const id of ids) expect(hosts).not.toContain(id)
  })

  it('undoes an attach that the kernel refuses: the NIC is available again and says why', async () => {
    const network = await aNetworkOf(service)
    const server = await aServerOf(service)
    const nic = await service.post('/v1/nics', { network_id: network.id })
    await ip('link', 'add', tapOf(nic.id), 'type', 'bridge')
    await ip('link', 'set', tapOf(nic.id), 'alias', 'somebody else’s')

    const answer = await service.call('POST', `/v1/nics/${nic.id}/attach`, { server_id: server }, { prefer: 'wait=30' })
    expect(answer.body.state).toBe('failed')
    expect(answer.body.attempts).toBe(1) // what cannot pass is final at once
    const after = await service.get(`/v1/nics/${nic.id}`)
    expect(after).toMatchObject({ state: 'available', server_id: null, slot: null })
    expect(after.last_error).toContain(tapOf(nic.id))
    expect(await ip('link', 'show', tapOf(nic.id))).toContain('somebody else’s') // never touched
    await ip('link', 'delete', tapOf(nic.id))
  })

  it('plugs a card that was attached to a stopped server when it starts', async () => {
    const network = await aNetworkOf(service)
    const server = await aServerOf(service)
    await service.act('POST', `/v1/servers/${server}/stop`)
    const nic = await service.post('/v1/nics', { network_id: network.id })
    await service.act('POST', `/v1/nics/${nic.id}/attach`, { server_id: server })
    expect(await state(nic.id)).toBe('in_use')
    expect(await service.links()).not.toContain(tapOf(nic.id))
    await service.act('POST', `/v1/servers/${server}/start`)
    expect(await service.shell(server, 'namespace').run('ip', ['addr', 'show', 'eth1'])).toContain(nic.id)
  })

  it('heals within 3 s: a deleted tap, a deleted bridge, a killed DHCP server, a card taken out of the guest', async () => {
    const network = await aNetworkOf(service)
    const server = await aServerOf(service, { network_id: network.id })
    const nic = await service.post('/v1/nics', { network_id: network.id })
    await service.act('POST', `/v1/nics/${nic.id}/attach`, { server_id: server })
    const shell = service.shell(server, 'namespace')
    const bridge = `br-${network.vni.toString(16)}`
    const pings = async () => {
      const gateway = ['ping', '-c', '1', '-W', '1', '-I', 'eth1', network.gateway]
      return shell.run('busybox', gateway).then(
        () => true,
        () => false,
      )
    }
    await until('the first ping', pings)
    const harms: Record<string, () => Promise<unknown>> = {
      'the tap': () => ip('link', 'delete', tapOf(nic.id)),
      'the bridge': () => ip('link', 'delete', bridge),
      'the card in the guest': () => shell.run('ip', ['link', 'delete', 'eth1']),
    }
    for (const [what, harm] of Object.entries(harms)) {
      await harm()
      await until(`${what} to be healed`, async () => (await isBridged(nic.id, bridge)) && pings(), 4_000)
    }
    const pid = await dhcpPid(service.netns, network.vni)
    process.kill(pid, 'SIGKILL')
    await until('DHCP to be back', async () => ![pid, 0].includes(await dhcpPid(service.netns, network.vni)), 3_000)
  })

  const isBridged = async (mac: string, bridge: string) =>
    (await ip('-o', 'link').catch(() => ''))
      .split('\n')
      .some((line) => line.includes(`${tapOf(mac)}@`) && line.includes(`master ${bridge}`))

  it('removes orphans of ours and leaves foreign devices alone', async () => {
    await ip('link', 'add', 'tapdeadbeef', 'type', 'veth', 'peer', 'name', 'strangerpeer')
    await ip('link', 'set', 'tapdeadbeef', 'alias', 'patchbay:nic:52:54:de:ad:be:ef')
    await ip('link', 'add', 'stranger0', 'type', 'bridge')
    await until('the orphan to go', async () => !(await service.links()).includes('tapdeadbeef'), 5_000)
    expect(await service.links()).toContain('stranger0')
    await ip('link', 'delete', 'stranger0')
  })

  it('worker killed in the middle of an attach: the job ends, and kernel, guest and API agree', async () => {
    const network = await aNetworkOf(service)
    const server = await aServerOf(service)
    const { items } = await service.post('/v1/nics/batch', { network_id: network.id, count: 60 })
    const ids: string[] = items.map(({ id }: { id: string }) => id)
    const job = await service.post(`/v1/servers/${server}/attach-nics`, { nic_ids: ids })
    await until('the job to be at work', async () => (await service.get(`/v1/jobs/${job.id}`)).state !== 'pending')
    process.kill(service.pidOf('worker'), 'SIGKILL')
    await until('the job to end', async () => (await service.get(`/v1/jobs/${job.id}`)).finished_at !== null)
    expect(await service.get(`/v1/jobs/${job.id}`)).toMatchObject({ state: 'successful' })
    const shown = await service.shell(server, 'namespace').run('ip', ['addr'])
    for (const id of ids) {
      expect(await state(id)).toBe('in_use')
      expect(shown).toContain(id)
    }
  })

  it('API killed right after the 202: after its restart the job ends and all agree', async () => {
    const network = await aNetworkOf(service)
    const server = await aServerOf(service)
    const nic = await service.post('/v1/nics', { network_id: network.id })
    const job = await service.post(`/v1/nics/${nic.id}/attach`, { server_id: server })
    process.kill(service.pidOf('api'), 'SIGKILL')
    const ended = () =>
      service.get(`/v1/jobs/${job.id}`).then(
        (now) => now.finished_at !== null,
        () => false,
      )
    await until('the job to end', ended)
    expect(await state(nic.id)).toBe('in_use')
    expect(await service.shell(server, 'namespace').run('ip', ['addr', 'show', 'eth1'])).toContain(nic.id)
  })

  it('a worker restart does not disturb attached cards', async () => {
    const network = await aNetworkOf(service)
    const server = await aServerOf(service, { network_id: network.id })
    const index = () => ip('-o', 'link').then((text) => text.replaceAll(/ state \w+/g, ''))
    const links = await index()
    const old = service.pidOf('worker')
    process.kill(old, 'SIGKILL')
    await until('a new worker', async () => {
      try {
        return service.pidOf('worker') !== old
      } catch {
        return false
      }
    })
    await sleep(2_500) // one whole period of the reconciler: it is to find nothing to do
    expect(await index()).toBe(links)
    expect(await service.shell(server, 'namespace').run('busybox', ['ping', '-c', '1', network.gateway])).toContain(
      ' 0%',
    )
  })

  it('Ctrl-C takes everything down and a start brings it back: servers, cards, addresses', async () => {
    const network = await aNetworkOf(service)
    const server = await aServerOf(service, { network_id: network.id })
    const nic = await service.post('/v1/nics', { network_id: network.id })
    await service.act('POST', `/v1/nics/${nic.id}/attach`, { server_id: server })
    await service.interrupt()
    const namespaces = (await runCommand('ip', ['netns'])).stdout
    expect(namespaces).not.toContain(service.netns)
    expect(namespaces).not.toContain(server)

    await service.start()
    const back = async () => {
      const shown = await service
        .shell(server, 'namespace')
        .run('ip', ['addr', 'show', 'eth1'])
        .catch(() => '')
      return shown.includes(nic.id) && shown.includes(`${nic.address}/24`)
    }
    await until('the server to be back', back)
    expect(await state(nic.id)).toBe('in_use')
  })

  it('has not touched the interfaces, routes and rules of the host', async () => {
    expect(await hostFingerprint()).toBe(before)
  })
})

const runDir = (netns: string): string => `/run/patchbay/${netns}`

async function hostsFiles(netns: string): Promise<string[]> {
  return (await runCommand('find', [runDir(netns), '-name', '*hosts*', '-type', 'f'])).stdout.trim().split('\n')
}

async function dhcpPid(netns: string, vni: number): Promise<number> {
  const { stdout } = await runCommand('find', [runDir(netns), '-path', `*${vni.toString(16)}*`, '-name', '*pid*'])
  const file = stdout.trim().split('\n')[0] ?? ''
  const text = file === '' ? '' : (await runCommand('cat', [file], { allowFailure: true })).stdout
  return Number(text.trim())
}
