import { afterEach, beforeEach, expect, it } from 'vitest'

import { ForeignObjectError, TransientError } from '../../src/workers/errors.ts'
import { NamespaceGuest } from '../../src/workers/guests/namespace.ts'
import { runCommand } from '../../src/workers/host/run-command.ts'
import { describeOnKernel } from '../support/needs-root.ts'
import { aDataPlane, aNetwork, aNic, ip, pings, type TestDataPlane, tapOf, unique } from './a-data-plane.ts'
import { guestConformance } from './guest-conformance.ts'

guestConformance('namespace', (place) => new NamespaceGuest(place), {
  ping: (place, address) => pings(place.id, address),
})

describeOnKernel('a namespace guest', () => {
  let world: TestDataPlane
  let id: string
  let guest: NamespaceGuest
  const network = aNetwork()

  beforeEach(async () => {
    world = await aDataPlane()
    id = `i-${unique()}`
    guest = new NamespaceGuest({ id, dataPlaneNetns: world.netns })
    await world.plane.ensureNetwork(network)
  })
  afterEach(async () => {
    await guest.stop({ force: true }).finally(() => world.dispose())
  })

  const started = async () => {
    const nics = [aNic(network, 0), aNic(network, 1)] as const
    await world.plane.ensureTaps(nics.map((nic) => tapOf(network, nic, guest.tapDevice(nic))))
    await guest.start(nics)
    return nics
  }
  const interfaces = async () => (await guest.look())?.map(({ name }) => name).sort()

  it('has the MAC of its NIC inside and another one outside', async () => {
    const [nic] = await started()
    expect(await guest.look()).toContainEqual(expect.objectContaining({ name: 'eth0', mac: nic.mac }))
    expect((await world.plane.look()).taps.get(nic.mac)?.mac).toBe(nic.mac.replace(/^52/, 'fe'))
  })

  it('has a default route through its primary NIC alone', async () => {
    await started()
    expect((await ip(id, 'route', 'show', 'default')).trim()).toBe('default via 172.16.1.1 dev eth0')
  })

  it('two guests of a network reach each other', async () => {
    await started()
    const other = new NamespaceGuest({ id: `i-${unique()}`, dataPlaneNetns: world.netns })
    const nic = aNic(network, 0, 77)
    await world.plane.ensureTaps([tapOf(network, nic, other.tapDevice(nic))])
    await other.start([nic])
    expect(await pings(id, '172.16.1.77')).toBe(true)
    await other.stop({ force: true })
  })

  it('a namespace of its name that is not ours is refused and stays', async () => {
    const nic = aNic(network, 0)
    await runCommand('ip', ['netns', 'add', id])
    try {
      await expect(guest.start([])).rejects.toThrow(ForeignObjectError)
      await expect(guest.plug([nic])).rejects.toThrow(ForeignObjectError)
      await expect(guest.stop({ force: true })).rejects.toThrow(ForeignObjectError)
      await expect(world.plane.ensureTaps([tapOf(network, nic, guest.tapDevice(nic))])).rejects.toThrow(
        ForeignObjectError,
      )
      expect(JSON.parse(await ip(id, '-j', 'link'))).toHaveLength(1)
    } finally {
      await runCommand('ip', ['netns', 'delete', id])
    }
  })

  it('what a crash of `ip netns add` leaves under its name is no obstacle', async () => {
    await runCommand('touch', [`/run/netns/${id}`])
    await guest.start([])
    expect(await guest.isRunning()).toBe(true)
  })

  it('plugging before it runs asks to be tried again', async () => {
    await expect(guest.plug([aNic(network, 0)])).rejects.toThrow(TransientError)
  })

  it('an interface that the guest renamed is still the same NIC', async () => {
    const nics = await started()
    await ip(id, 'link', 'set', 'dev', 'eth1', 'down')
    await ip(id, 'link', 'set', 'dev', 'eth1', 'name', 'lan0')
    await world.plane.ensureTaps(nics.map((nic) => tapOf(network, nic, guest.tapDevice(nic))))
    await guest.plug(nics)
    expect(await interfaces()).toEqual(['eth0', 'lan0'])
    await guest.unplug([nics[1]])
    expect(await interfaces()).toEqual(['eth0'])
  })

  it('an interface that the guest removed before it was plugged asks to be tried again', async () => {
    await started()
    const nic = aNic(network, 2)
    const tap = tapOf(network, nic, guest.tapDevice(nic))
    await world.plane.ensureTaps([tap])
    await ip(id, 'link', 'delete', 'dev', 'eth2')
    await expect(guest.plug([nic])).rejects.toThrow(TransientError)
    await world.plane.ensureTaps([tap])
    await guest.plug([nic])
    expect([...(await guest.plugged())]).toContain(nic.mac)
  })

  it('an interface that the guest removed is made again', async () => {
    const nics = await started()
    await ip(id, 'link', 'delete', 'dev', 'eth1')
    expect([...(await guest.plugged())]).toEqual([nics[0].mac])
    await expect(guest.plug(nics)).rejects.toThrow(TransientError)
    await world.plane.ensureTaps(nics.map((nic) => tapOf(network, nic, guest.tapDevice(nic))))
    await guest.plug(nics)
    expect(await interfaces()).toEqual(['eth0', 'eth1'])
  })

  it('an interface that the guest moved away is made again, and goes when it is unplugged', async () => {
    const nics = await started()
    const nested = `pbt-${unique()}`
    await runCommand('ip', ['netns', 'add', nested])
    try {
      await ip(id, 'link', 'set', 'dev', 'eth1', 'netns', nested)
      await guest.unplug([nics[1]])
      expect(JSON.parse(await ip(nested, '-j', 'link'))).toHaveLength(1)
      await world.plane.ensureTaps([tapOf(network, nics[1], guest.tapDevice(nics[1]))])
      await guest.plug([nics[1]])
      expect(await interfaces()).toEqual(['eth0', 'eth1'])
    } finally {
      await runCommand('ip', ['netns', 'delete', nested])
    }
  })

  it("the guest's own interface under a slot's name is refused and stays", async () => {
    await started()
    const nic = aNic(network, 2)
    await ip(id, 'link', 'add', 'name', 'eth2', 'type', 'bridge')
    await expect(world.plane.ensureTaps([tapOf(network, nic, guest.tapDevice(nic))])).rejects.toThrow(
      ForeignObjectError,
    )
    await expect(guest.plug([nic])).rejects.toThrow(ForeignObjectError)
    expect(await interfaces()).toEqual(['eth0', 'eth1', 'eth2'])
  })

  it('a NIC that moves to another guest leaves the first one', async () => {
    const [, nic] = await started()
    const other = new NamespaceGuest({ id: `i-${unique()}`, dataPlaneNetns: world.netns })
    await other.start([])
    await world.plane.ensureTaps([tapOf(network, nic, other.tapDevice(nic))])
    await other.plug([nic])
    expect([...(await other.plugged())]).toEqual([nic.mac])
    expect(await interfaces()).toEqual(['eth0'])
    await other.stop({ force: true })
  })

  it('changed settings are put back and nothing else is touched', async () => {
    const nics = await started()
    await ip(id, 'link', 'set', 'dev', 'eth1', 'mtu', '1300', 'down')
    await ip(id, 'addr', 'add', '10.9.9.9/24', 'dev', 'eth1')
    await guest.plug(nics)
    const eth1 = (await guest.look())?.find(({ name }) => name === 'eth1')
    expect(eth1?.addresses).toEqual(expect.arrayContaining(['172.16.1.3/24', '10.9.9.9/24']))
    expect(await ip(id, 'link', 'show', 'dev', 'eth1')).toMatch(/[<,]UP[,>].* mtu 1450 /)
  })
})
