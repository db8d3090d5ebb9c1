import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'

import { GuestKeepsDeviceError, TransientError } from '../../src/workers/errors.ts'
import type { GuestNic } from '../../src/workers/guests/guest.ts'
import { QemuGuest } from '../../src/workers/guests/qemu.ts'
import { netdevId, netdevOf } from '../../src/workers/guests/qemu-command.ts'
import { Qmp } from '../../src/workers/guests/qmp.ts'
import { tapName } from '../../src/workers/host/names.ts'
import { describeOnKernel } from '../support/needs-root.ts'
import { unique } from './a-data-plane.ts'
import { type GuestPlace, guestConformance, settle } from './guest-conformance.ts'

const run = promisify(execFile)
const NEEDS = { 'qemu-system-x86_64': 'qemu-system-x86' }
const image = join(import.meta.dirname, '../../dist/guest')
const [kernel, initrd] = [join(image, 'vmlinuz'), join(image, 'initrd.img')]
/** Without KVM and beside other tests a boot takes a while. */
const BOOT_MS = 60_000

const ip = async (netns: string, ...args: string[]) => (await run('ip', ['-n', netns, ...args])).stdout

/** Booting needs the image; it is built when missing, which needs Debian's archive. */
async function ensureImage(): Promise<void> {
  if (existsSync(kernel) && existsSync(initrd)) return
  await run(join(import.meta.dirname, '../../guest-image/build.sh'), [image])
}

const guestAt = (place: GuestPlace) =>
  new QemuGuest({
    id: place.id,
    netns: place.dataPlaneNetns,
    dir: join(place.runDir, 'qemu'),
    vcpus: 2,
    memoryMb: 256,
    kernel,
    initrd,
  })

guestConformance(
  'qemu',
  async (place) => {
    await ensureImage()
    return guestAt(place)
  },
  {
    timeoutMs: 150_000,
    settleMs: BOOT_MS,
    needs: NEEDS,
    ping: async (place, address) => {
      const guest = guestAt(place)
      // The primary NIC alone brings a default route.
      const { stdout } = await guest.exec('ip', ['route', 'show', 'default'])
      const { exitCode } = await guest.exec('ping', ['-c', '1', '-W', '1', address])
      return exitCode === 0 && stdout.includes(`default via ${address} dev eth0`)
    },
  },
)

describeOnKernel(
  'a qemu guest',
  () => {
    let netns: string
    let runDir: string
    let guest: QemuGuest
    let taps: string[] = []

    const nic = (slot: number): GuestNic => {
      const mac = `52:54:${unique().match(/../g)?.join(':')}`
      return { mac, slot, tap: tapName(mac), mtu: 1450 }
    }
    const makeGuest = (dir: string, vcpus = 1) =>
      new QemuGuest({ id: 'i-test', netns, dir: join(runDir, dir), vcpus, memoryMb: 256, kernel, initrd })
    const makeTaps = async (nics: readonly GuestNic[]) => {
      for (const { tap } of nics) {
        await ip(netns, 'tuntap', 'add', 'dev', tap, 'mode', 'tap')
        await ip(netns, 'link', 'set', tap, 'master', 'br0', 'up')
        taps.push(tap)
      }
      return nics
    }
    const aPluggedNic = async (slot: number) => {
      const [made] = await makeTaps([nic(slot)])
      if (!made) throw new Error('no NIC')
      await guest.plug([made])
      return made
    }
    const macsInside = async () => (await guest.look())?.map(({ mac }) => mac)
    const qmp = <T>(use: (session: Qmp) => Promise<T>) => Qmp.session(join(runDir, 'g/qmp.sock'), use)
    const whenUp = () => settle(BOOT_MS, async () => expect(await guest.look()).toBeDefined())

    beforeAll(async () => {
      await ensureImage()
      netns = `pbq-${unique()}`
      runDir = await mkdtemp('/run/patchbay-qemu-')
      await run('ip', ['netns', 'add', netns])
      await ip(netns, 'link', 'add', 'br0', 'type', 'bridge')
      await ip(netns, 'link', 'set', 'br0', 'up')
      guest = makeGuest('g')
      await guest.start([])
      await whenUp()
    }, BOOT_MS * 2)

    afterEach(async () => {
      await guest.unplug(
        [...(await guest.plugged())].map((mac) => ({ mac, slot: 0, tap: '', mtu: 0 })),
        { force: false, timeoutMs: 20_000 },
      )
      for (const tap of taps) await ip(netns, 'link', 'del', tap).catch(() => undefined)
      taps = []
    }, BOOT_MS)

    afterAll(async () => {
      await guest.stop({ force: true })
      await run('ip', ['netns', 'del', netns])
      await rm(runDir, { recursive: true, force: true })
    })

    it('plugging returns once the guest shows the card, with its MTU', async () => {
      const { mac } = await aPluggedNic(1)
      expect(await macsInside()).toContain(mac)
      const { exitCode, stdout } = await guest.exec('ip', ['link', 'show', 'eth0'])
      expect(exitCode).toBe(0)
      expect(stdout).toContain('mtu 1450')
    })

    it('a program in the guest gives its exit code and both outputs', async () => {
      const result = await guest.exec('sh', ['-c', 'echo out; echo err >&2; exit 3'])
      expect(result).toEqual({ exitCode: 3, stdout: 'out\n', stderr: 'err\n' })
    })

    it('a netdev that a crash left without its device is taken over', async () => {
      const [left] = await makeTaps([nic(2)])
      if (!left) throw new Error('no NIC')
      await qmp((session) => session.execute('netdev_add', netdevOf(left)))
      expect([...(await guest.plugged())]).toEqual([])
      await guest.plug([left])
      expect(await macsInside()).toContain(left.mac)
    })

    it('unplugging clears a netdev that a crash left without its device', async () => {
      const [left] = await makeTaps([nic(2)])
      if (!left) throw new Error('no NIC')
      await qmp((session) => session.execute('netdev_add', netdevOf(left)))
      await guest.unplug([left], { force: false })
      await expect(qmp((session) => session.execute('netdev_del', { id: netdevId(left.mac) }))).rejects.toThrow(
        'not found',
      )
    })

    it('a card whose tap was made afresh is plugged again', async () => {
      const made = await aPluggedNic(3)
      await ip(netns, 'link', 'del', made.tap)
      expect([...(await guest.plugged())]).toEqual([])
      await makeTaps([made])
      await guest.plug([made])
      expect([...(await guest.plugged())]).toEqual([made.mac])
      expect(await macsInside()).toContain(made.mac)
    })

    it('takes 63 cards on one CPU, each seen by its own MAC, and gives them back', async () => {
      const nics = await makeTaps(Array.from({ length: 63 }, (_, index) => nic(index + 1)))
      await guest.plug(nics)
      expect((await macsInside())?.sort()).toEqual(nics.map(({ mac }) => mac).sort())
      await guest.unplug(nics, { force: false })
      expect(await guest.look()).toEqual([])
    }, 90_000)

    it('a guest that does not answer keeps its card; force cuts the tap, and plugging waits for the guest', async () => {
      const made = await aPluggedNic(4)
      await qmp((session) => session.execute('stop'))
      await expect(guest.unplug([made], { force: false, timeoutMs: 500 })).rejects.toThrow(GuestKeepsDeviceError)
      expect([...(await guest.plugged())]).toEqual([made.mac])
      await guest.unplug([made], { force: true })
      expect([...(await guest.plugged())]).toEqual([])
      await expect(guest.plug([made])).rejects.toThrow(TransientError)
      await qmp((session) => session.execute('cont'))
      await settle(20_000, () => guest.plug([made]))
      expect([...(await guest.plugged())]).toEqual([made.mac])
      await settle(20_000, async () => expect(await macsInside()).toEqual([made.mac]))
    }, 60_000)

    it('a machine of somebody else takes and releases cards at its monitor', async () => {
      const adopted = { qmpSocket: join(runDir, 'g/qmp.sock'), qgaSocket: join(runDir, 'g/agent.sock') }
      const other = new QemuGuest({ id: 'i-adopted', netns, adopted })
      const nics = await makeTaps([nic(0), nic(1)])
      expect(await other.isRunning()).toBe(true)
      await other.plug(nics)
      await other.plug(nics)
      expect([...(await other.plugged())].sort()).toEqual(nics.map(({ mac }) => mac).sort())
      expect((await other.look())?.length).toBe(2)
      await other.unplug(nics, { force: false })
      expect((await other.plugged()).size).toBe(0)
      await expect(other.stop({ force: true })).rejects.toThrow('was adopted')
    })

    it('a machine of somebody else in another network namespace is refused', async () => {
      const elsewhere = `pbq-${unique()}`
      await run('ip', ['netns', 'add', elsewhere])
      try {
        const other = new QemuGuest({
          id: 'i-adopted',
          netns: elsewhere,
          adopted: { qmpSocket: join(runDir, 'g/qmp.sock') },
        })
        await expect(other.plug([nic(1)])).rejects.toThrow(`does not run in network namespace ${elsewhere}`)
        await expect(other.plugged()).rejects.toThrow(Error)
      } finally {
        await run('ip', ['netns', 'del', elsewhere])
      }
    })

    it('a machine of somebody else that is not there does not run', async () => {
      const other = new QemuGuest({ id: 'i-gone', netns, adopted: { qmpSocket: join(runDir, 'none.sock') } })
      expect(await other.isRunning()).toBe(false)
      await expect(other.plug([nic(1)])).rejects.toThrow(TransientError)
    })

    it('a pid file that names another process does not count as running', async () => {
      const stale = makeGuest('stale')
      await run('mkdir', [join(runDir, 'stale')])
      await writeFile(join(runDir, 'stale/pid'), `${process.pid}\n`)
      expect(await stale.isRunning()).toBe(false)
      await stale.stop({ force: true })
      expect(existsSync(join(runDir, 'stale/pid'))).toBe(false)
    })

    it(
      'starts again after its process was killed, and powers off when asked',
      async () => {
        process.kill(Number(await readFile(join(runDir, 'g/pid'), 'utf8')), 'SIGKILL')
        await settle(5_000, async () => expect(await guest.isRunning()).toBe(false))
        expect(existsSync(join(runDir, 'g/qmp.sock'))).toBe(true)
        expect([...(await guest.plugged())]).toEqual([])
        await guest.start([])
        expect(await guest.isRunning()).toBe(true)
        await whenUp()
        const begun = performance.now()
        await guest.stop({ force: false, graceMs: 40_000 })
        expect(performance.now() - begun).toBeLessThan(30_000)
        expect(await guest.isRunning()).toBe(false)
      },
      BOOT_MS * 2,
    )
  },
  NEEDS,
)
