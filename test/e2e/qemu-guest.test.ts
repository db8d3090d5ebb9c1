import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { nicDeviceId } from '../../src/workers/guests/qemu-command.ts'
import { Qmp } from '../../src/workers/guests/qmp.ts'
import { runCommand } from '../../src/workers/host/run-command.ts'
import { aRunningService, type RunningService } from '../support/a-running-service.ts'
import { aNetworkOf, aServerOf } from '../support/a-topology.ts'
import { describeOnKernel } from '../support/needs-root.ts'
import { until } from '../support/until.ts'

const NEEDS = { 'qemu-system-x86_64': 'qemu-system-x86' }
/** Boots under software emulation, beside everything else that runs. */
const BOOT_MS = 60_000

describeOnKernel(
  'a service with a QEMU guest of one vCPU',
  () => {
    let service: RunningService
    let hosta: string
    let network: Awaited<ReturnType<typeof aNetworkOf>>
    /** Before there was a NIC in it: after its last one the network goes, but a moment later. */
    let links: string[]
    beforeAll(async () => {
      service = await aRunningService()
      const first = await aNetworkOf(service, '10.120.7.0/24')
      hosta = await aServerOf(service, { guest: 'qemu', vcpus: 1, network_id: first.id, address: '10.120.7.40' })
      network = await aNetworkOf(service, '172.16.1.0/24')
      const booted = () =>
        inside('ip', 'addr').then(
          (text) => text.includes('10.120.7.40/24'),
          () => false,
        )
      await until('the guest to have booted', booted, BOOT_MS)
      links = await service.links()
    })
    afterAll(() => service?.dispose())

    const inside = (program: string, ...args: string[]) => service.shell(hosta, 'qemu').run(program, args)

    it('plays the walk-through: eth1 by DHCP, its route, and the gateway answers from inside', async () => {
      const nic = await service.post('/v1/nics', { network_id: network.id, address: '172.16.1.100' })
      await service.act('POST', `/v1/nics/${nic.id}/attach`, { server_id: hosta })
      await until('DHCP', async () => (await inside('ip', 'addr')).includes('172.16.1.100/24'))
      expect(await inside('ip', 'addr', 'show', 'eth1')).toContain(nic.id)
      expect(await inside('ip', 'route')).toMatch(/^172\.16\.1\.0\/24 dev eth1/m)
      // One default route, and it is the primary card's: a second one would compete with it.
      expect((await inside('ip', 'route')).match(/^default.*$/gm)).toEqual([
        expect.stringContaining('10.120.7.1 dev eth0'),
      ])
      expect(await inside('busybox', 'ping', '-c', '3', '-W', '5', '172.16.1.1')).toContain(' 0% packet loss')
      await until('the agent’s report', async () => {
        const { guest } = await service.get(`/v1/nics/${nic.id}`)
        return guest?.interface_name === 'eth1' && guest.addresses.includes('172.16.1.100/24')
      })
      await service.act('POST', `/v1/nics/${nic.id}/detach`, {})
      expect(await inside('ip', 'link')).not.toContain(nic.id)
    })

    it('takes 63 NICs in one call, each with its MAC and address; the 64th is refused; all leave without a trace', async () => {
      const { items } = await service.post('/v1/nics/batch', { network_id: network.id, count: 64 })
      const ids: string[] = items.map(({ id }: { id: string }) => id)
      await service.act('POST', `/v1/servers/${hosta}/attach-nics`, { nic_ids: ids.slice(0, 63) })
      const refused = await service.call('POST', `/v1/nics/${ids[63]}/attach`, { server_id: hosta })
      expect(refused.body).toMatchObject({ code: 'server_full', detail: `server ${hosta} has 64 of 64 NICs` })

      const unseen = async () => {
        const shown = await inside('ip', '-o', 'addr')
        return items.slice(0, 63).filter(({ address }: { address: string }) => !shown.includes(` ${address}/24 `))
      }
      await until('63 addresses by DHCP', async () => (await unseen()).length === 0, 60_000)
      const shown = await inside('ip', '-o', 'link')
      for (const id of ids.slice(0, 63)) expect(shown).toContain(id)
      for (const { id, address } of items.slice(0, 63)) {
        await until(`the report on ${id}`, async () => {
          const { guest, state } = await service.get(`/v1/nics/${id}`)
          return state === 'in_use' && guest?.mac === id && guest.addresses.includes(`${address}/24`)
        })
      }

      await service.act('POST', `/v1/servers/${hosta}/detach-nics`, { nic_ids: ids.slice(0, 63) })
      const left = await inside('ip', '-o', 'link')
      for (const id of ids) expect(left).not.toContain(id)
      await until('the network to go with its last NIC', async () => {
        const now = new Set(await service.links())
        return links.every((link) => now.has(link)) && now.size === links.length
      })
      const { stdout } = await runCommand('grep', ['-r', '-l', '-e', '52:54:', `/run/patchbay/${service.netns}/dhcp`], {
        allowFailure: true,
      })
      for (const file of stdout.trim().split('\n').filter(Boolean)) {
        const text = (await runCommand('cat', [file])).stdout
        for (const id of ids) expect(text).not.toContain(id)
      }
    })

    it('heals: a tap deleted under the running machine, and a card pulled out of it', async () => {
      const nic = await service.post('/v1/nics', { network_id: network.id })
      await service.act('POST', `/v1/nics/${nic.id}/attach`, { server_id: hosta })
      await until('DHCP', async () => (await inside('ip', 'addr')).includes(`${nic.address}/24`))
      const tap = `tap${nic.id.slice(6).replaceAll(':', '')}`
      await runCommand('ip', ['-n', service.netns, 'link', 'delete', tap])
      const isBack = async () => {
        const { stdout } = await runCommand('ip', ['-n', service.netns, '-j', 'link', 'show', tap], {
          allowFailure: true,
        })
        return stdout.includes('LOWER_UP') && stdout.includes(`br-${network.vni.toString(16)}`)
      }
      await until('the tap to be back with a carrier', isBack, 6_000)
      await until('the guest to reach the gateway again', async () =>
        inside('busybox', 'ping', '-c', '1', '-W', '2', network.gateway).then(
          () => true,
          () => false,
        ),
      )
      const monitor = `/run/patchbay/${service.netns}/servers/qemu.${hosta}/qmp.sock`
      await Qmp.session(monitor, (qmp) => qmp.execute('device_del', { id: nicDeviceId(nic.id) }))
      await until('the guest to have lost the card', async () => !(await inside('ip', 'link')).includes(nic.id))
      await until(
        'the guest to have it again',
        async () => (await inside('ip', 'addr')).includes(`${nic.address}/24`),
        6_000,
      )
      await service.act('POST', `/v1/nics/${nic.id}/detach`, { force: true })
    })

    it('comes back after Ctrl-C and a start with its cards, and says what it is at while it is stopped', async () => {
      const nic = await service.post('/v1/nics', { network_id: network.id })
      await service.act('POST', `/v1/nics/${nic.id}/attach`, { server_id: hosta })
      await service.interrupt()
      await service.start()
      const back = () =>
        inside('ip', 'addr').then(
          (text) => text.includes(`${nic.address}/24`),
          () => false,
        )
      await until('the guest to have booted with both cards', back, BOOT_MS)

      // Its machine stands still for as long as it takes to see the step that waits for it.
      const pid = Number(await readFile(`/run/patchbay/${service.netns}/servers/qemu.${hosta}/pid`, 'utf8'))
      process.kill(pid, 'SIGSTOP')
      const { body: stop } = await service.call('POST', `/v1/servers/${hosta}/stop`, {})
      const stopping = await until('the step under way', async () => {
        const job = await service.get(`/v1/jobs/${stop.id}`)
        return job.finished_at !== null || job.steps.length > 0 ? job : undefined
      })
      process.kill(pid, 'SIGCONT')
      expect(stopping).toMatchObject({ state: 'working', steps: [{ name: 'shutdown', ended_at: null, error: null }] })
      const stopped = await until('the guest to be off', async () => {
        const job = await service.get(`/v1/jobs/${stop.id}`)
        return job.finished_at === null ? undefined : job
      })
      expect(stopped.state).toBe('successful')
      for (const step of stopped.steps) expect(Date.parse(step.ended_at)).toBeGreaterThan(0)
      await service.act('DELETE', `/v1/servers/${hosta}`)
      expect((await service.get(`/v1/nics/${nic.id}`)).state).toBe('available')
      await until('nothing of it to be left', async () => (await service.links()).length === 0, 10_000)
    })
  },
  NEEDS,
)
