import { afterEach, beforeEach, expect, it } from 'vitest'
import type { DesiredState, OrderGroup, OrderNetwork, OrderServer } from '../../src/jobs/work-order.ts'
import { readTable } from '../../src/workers/host/nft.ts'
import type { ServerWork } from '../../src/workers/host-work.ts'
import { HANDLERS, type ServerAction } from '../../src/workers/jobs/handlers.ts'
import { NetworkSettings } from '../../src/workers/network-settings.ts'
import { placed } from '../../src/workers/placement.ts'
import { Servers } from '../../src/workers/servers.ts'
import { runSteps, type Step } from '../../src/workers/steps.ts'
import { describeOnKernel } from '../support/needs-root.ts'
import { aDataPlane, aMac, aNetwork, slate, type TestDataPlane, unique } from './a-data-plane.ts'

/** A server with its NICs, and what is around them, as the control plane would describe it. */
function aScene(state: string): DesiredState {
  const spec = aNetwork()
  const network: OrderNetwork = {
    id: spec.id,
    vni: spec.vni,
    mtu: spec.mtu,
    mode: 'routed',
    vpc_id: spec.subnet.routerId,
    cidr: spec.subnet.cidr,
    gateway: spec.subnet.gateway,
    interface: null,
    ipv6_cidr: null,
    lease_seconds: 86400,
    reserved_addresses: [],
    dns_servers: [],
    domain: null,
  }
  const nic = (slot: number, nicState: string) => ({
    id: aMac(),
    name: '',
    slot,
    network_id: spec.id,
    address: `172.16.1.${slot + 2}`,
    ipv6_address: null,
    state: nicState,
    in_job: nicState !== 'in_use',
    anti_spoofing: true,
    allowed_address_pairs: [],
    bandwidth_in_mbps: 100 + slot,
    bandwidth_out_mbps: 200 + slot,
    security_group_ids: ['sg-1'],
  })
  const nics = [nic(0, 'in_use'), nic(1, 'attaching'), nic(2, 'attaching')]
  const machine = { vcpus: 1, memory_mb: 128, qmp_socket: null, qga_socket: null }
  const settings = { name: 'hosta', dhcp_options: {} }
  const groups: OrderGroup[] = [{ id: 'sg-1', generation: 1, rules: [], members: [] }]
  const router = {
    vpc_id: spec.subnet.routerId,
    cidr: '172.16.0.0/16',
    routing: true,
    source_nat: true,
    elastic_ips: [],
    port_forwardings: [],
  }
  return {
    servers: [{ id: `i-${unique()}`, guest: 'namespace', state, ...settings, ...machine, nics }],
    networks: [network],
    groups,
    routers: [router],
  }
}

class Broken extends Error {}
const final = () => false

describeOnKernel('the steps of a job', () => {
  let at: TestDataPlane
  let servers: Servers
  let scene: DesiredState
  let settings: NetworkSettings
  const server = () => scene.servers[0] as OrderServer
  beforeEach(async () => {
    at = await aDataPlane()
    servers = new Servers({ netns: at.netns, runDir: at.runDir, image: { kernel: '/none', initrd: '/none' } })
    scene = aScene('running')
    settings = new NetworkSettings(at.plane, async () => scene)
  })
  afterEach(async () => {
    await servers.guestOf(server()).stop({ force: true })
    await at.dispose()
  })

  const workOf = (action: ServerAction): ServerWork => {
    const { networks, groups, routers } = scene
    const cards = placed(server(), networks).filter(({ nic }) => HANDLERS[action].cards === 'all' || nic.in_job)
    const guest = servers.guestOf(server())
    return {
      plane: at.plane,
      settings,
      guest,
      server: server(),
      cards,
      groups,
      routers,
      epoch: settings.epoch,
      force: false,
      observed: [],
    }
  }
  const run = async (
    action: ServerAction,
    change: (steps: readonly Step<ServerWork>[]) => readonly Step<ServerWork>[],
  ) => {
    const work = workOf(action)
    await runSteps(change(await HANDLERS[action].steps(work)), work, final, [])
  }
  const asIs = (steps: readonly Step<ServerWork>[]) => steps
  /** Everything that could be left: devices, DHCP entries, filters, and what the guest has. */
  const everything = async () => {
    const view = await at.plane.look()
    const hosts = [...view.networks.values()].flatMap((network) => [...network.hosts.values()])
    const guest = servers.guestOf(server())
    const inside = (await guest.look())?.map(({ name, mac, addresses }) => ({
      name,
      mac,
      ipv4: addresses.filter((a) => a.includes('.')),
    }))
    const filters = [await readTable(at.netns, 'bridge', 'patchbay'), await readTable(at.netns, 'inet', 'patchbay')]
    return { devices: await slate(at.netns), hosts, inside, filters, running: await guest.isRunning() }
  }
  /** The same without what the kernel draws anew for devices that are made anew. */
  const everythingAnew = async () => {
    const { devices, ...rest } = await everything()
    return { devices: (devices as object[]).map((device) => ({ ...device, ifindex: 0, address: '' })), ...rest }
  }
  const boot = () => {
    const whole = scene
    scene = { ...scene, servers: [{ ...server(), nics: server().nics.slice(0, 1) }] }
    return run('server.start', asIs).finally(() => {
      scene = whole
    })
  }

  it('attach: done twice, it ends the same', async () => {
    await boot()
    await run('nic.attach', asIs)
    const once = await everything()
    await run('nic.attach', asIs)
    expect(await everything()).toEqual(once)
    expect(once.inside).toHaveLength(3)
  })

  it('attach: failing after any step, or half-way through it, leaves nothing of it', async () => {
    await boot()
    const before = await everything()
    const count = (await HANDLERS['nic.attach'].steps(workOf('nic.attach'))).length
    for (let k = 0; k < count; k++) {
      for (const moment of ['before', 'after'] as const) {
        await expect(run('nic.attach', (steps) => breakAt(steps, k, moment))).rejects.toBeInstanceOf(Broken)
        expect(await everything(), `step ${k} ${moment}`).toEqual(before)
      }
    }
  })

  it('attach: undone twice is no error', async () => {
    await boot()
    const before = await everything()
    await run('nic.attach', asIs)
    const work = workOf('nic.attach')
    const steps = await HANDLERS['nic.attach'].steps(work)
    for (let time = 0; time < 2; time++) {
      for (const step of [...steps].reverse()) await step.undo?.(work)
    }
    expect(await everything()).toEqual(before)
  })

  it('start: done twice, it ends the same; failing after any step leaves no device, no DHCP entry, no guest', async () => {
    await run('server.start', (steps) => steps.slice(0, 1)) // the network itself stays until its last NIC is gone
    const before = await everything()
    const count = (await HANDLERS['server.start'].steps(workOf('server.start'))).length
    for (let k = 0; k < count; k++) {
      for (const moment of ['before', 'after'] as const) {
        await expect(run('server.start', (steps) => breakAt(steps, k, moment))).rejects.toBeInstanceOf(Broken)
        const left = await everything()
        expect(left.devices, `step ${k} ${moment}`).toEqual(before.devices)
        expect(left).toMatchObject({ hosts: [], running: false })
      }
    }
    await run('server.start', asIs)
    const once = await everything()
    await run('server.start', asIs)
    expect(await everything()).toEqual(once)
  })

  it('detach: broken off after any step and done again, everything of the cards is gone', async () => {
    await boot()
    const before = await everything()
    const count = (await HANDLERS['nic.detach'].steps(workOf('nic.detach'))).length
    for (let k = 0; k < count; k++) {
      await run('nic.attach', asIs)
      await expect(run('nic.detach', (steps) => breakAt(steps, k, 'after'))).rejects.toBeInstanceOf(Broken)
      await run('nic.detach', asIs)
      await run('nic.detach', asIs)
      expect(await everything(), `step ${k}`).toEqual(before)
    }
  })

  it('stop: broken off after any step and done again, everything of the server is gone', async () => {
    const count = (await HANDLERS['server.stop'].steps(workOf('server.stop'))).length
    for (let k = 0; k < count; k++) {
      await run('server.start', asIs)
      await expect(run('server.stop', (steps) => breakAt(steps, k, 'after'))).rejects.toBeInstanceOf(Broken)
      await run('server.stop', asIs)
      const left = await everything()
      expect(left).toMatchObject({ hosts: [], running: false })
      expect(left.devices).not.toContainEqual(expect.objectContaining({ ifname: expect.stringMatching(/^tap/) }))
    }
  })

  it('restart: done twice, it ends the same, with every card', async () => {
    await run('server.start', asIs)
    const once = await everythingAnew()
    expect(once.inside).toHaveLength(3)
    for (let time = 0; time < 2; time++) {
      await run('server.restart', asIs)
      expect(await everythingAnew()).toEqual(once)
    }
  })

  it('restart: failing after any step, or half-way through it, leaves the server whole or stopped; done again, it runs', async () => {
    await run('server.start', asIs)
    const whole = await everythingAnew()
    const count = (await HANDLERS['server.restart'].steps(workOf('server.restart'))).length
    for (let k = 0; k < count; k++) {
      for (const moment of ['before', 'after'] as const) {
        await expect(run('server.restart', (steps) => breakAt(steps, k, moment))).rejects.toBeInstanceOf(Broken)
        const left = await everythingAnew()
        if (k === 0 && moment === 'before') expect(left).toEqual(whole)
        else expect(left, `step ${k} ${moment}`).toMatchObject({ running: false })
        // What went before it is gone, and what came after it has been taken back.
        if (k > 4) {
          expect(left.hosts, `step ${k} ${moment}`).toEqual([])
          expect(left.devices).not.toContainEqual(expect.objectContaining({ ifname: expect.stringMatching(/^tap/) }))
        }
        await run('server.restart', asIs)
        expect(await everythingAnew(), `after step ${k} ${moment}`).toEqual(whole)
      }
    }
  })

  it('a setting that is changed and applied while a job is under way is not put back by it', async () => {
    await boot()
    const order = workOf('nic.attach')
    const mac = order.cards[0]?.nic.id ?? ''
    const changed = {
      ...server(),
      nics: server().nics.map((nic) => ({ ...nic, bandwidth_in_mbps: 7, anti_spoofing: false })),
    }
    scene = { ...scene, servers: [changed] }
    await settings.apply(['policies', 'bandwidth'], settings.epoch)
    await runSteps(await HANDLERS['nic.attach'].steps(order), order, final, [])
    const view = await at.plane.look()
    expect(view.bandwidth.get(mac)?.inMbps).toBe(7)
    expect(await settings.drift(scene, view, settings.revision)).toEqual([])
  })

  it('whoever waits for a change that somebody else has brought about meanwhile finds it done', async () => {
    await boot()
    const since = settings.epoch
    await settings.apply(['policies'], since)
    const epoch = settings.epoch
    await Promise.all([1, 2, 3].map(() => settings.apply(['policies'], since)))
    expect(settings.epoch).toBe(epoch)
    await settings.apply(['policies', 'bandwidth'], since) // of bandwidth nobody has been told yet
    expect(settings.epoch).toBe(epoch + 1)
  })

  it('attach to a stopped server has no steps: its cards are plugged at start', async () => {
    scene = aScene('stopped')
    expect(await HANDLERS['nic.attach'].steps(workOf('nic.attach'))).toEqual([])
  })

  it('attach to a server whose machine is away may pass: it is tried again', async () => {
    await expect(HANDLERS['nic.attach'].steps(workOf('nic.attach'))).rejects.toMatchObject({ name: 'TransientError' })
  })
})

/** The steps, of which the k-th fails before or after its effect. */
const breakAt = (steps: readonly Step<ServerWork>[], k: number, moment: 'before' | 'after') =>
  steps.map(
    (step, index): Step<ServerWork> =>
      index !== k
        ? step
        : {
            ...step,
            run: async (work) => {
              if (moment === 'after') await step.run(work)
              throw new Broken(`${step.name} ${moment}`)
            },
          },
  )
