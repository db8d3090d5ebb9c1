/** QEMU guests for the bench: one that belongs to a Patchbay, and one without any Patchbay to compare with. */
import { mkdtemp, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { packageRoot } from '../../src/package-root.ts'
import type { GuestNic } from '../../src/workers/guests/guest.ts'
import { QemuGuest } from '../../src/workers/guests/qemu.ts'
import { deviceOf, netdevId, netdevOf, nicDeviceId, portOf } from '../../src/workers/guests/qemu-command.ts'
import { waitForDriver } from '../../src/workers/guests/qemu-hotplug.ts'
import { Qmp } from '../../src/workers/guests/qmp.ts'
import { ipBatch } from '../../src/workers/host/ip-command.ts'
import { runCommand } from '../../src/workers/host/run-command.ts'
import type { Api } from './api.ts'
import { whenDone } from './cleanup.ts'

const BOOT_MS = 90_000
const PLUG_MS = 20_000
const image = path.join(packageRoot, 'dist', 'guest')
const [kernel, initrd] = [path.join(image, 'vmlinuz'), path.join(image, 'initrd.img')]

/** Whether QEMU guests can be measured here at all. */
export async function hasGuestImage(): Promise<boolean> {
  const there = await Promise.all([kernel, initrd].map((file) => stat(file).catch(() => undefined)))
  return there.every(Boolean)
}

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + BOOT_MS
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`waited ${BOOT_MS / 1000} s in vain: ${what}`)
    await sleep(200)
  }
}

/** Waits until the system of a server is up: its primary NIC has its address there. */
export const untilGuestAnswers = (api: Api, serverId: string): Promise<void> =>
  until('the guest of Patchbay boots', async () => {
    const nics = await api.nicsOf(serverId)
    return nics.some(({ guest, address }) => guest?.addresses.some((each) => each.startsWith(`${address}/`)))
  })

/** A machine with the same arguments as Patchbay's own, in a namespace with one bridge. */
export class BareGuest {
  readonly #netns: string
  readonly #qmpSocket: string
  readonly #vcpus: number

  private constructor(netns: string, qmpSocket: string, vcpus: number) {
    this.#netns = netns
    this.#qmpSocket = qmpSocket
    this.#vcpus = vcpus
  }

  static async start(netns: string, vcpus: number, memoryMb: number): Promise<BareGuest> {
    const dir = await mkdtemp('/run/patchbay-bench-')
    whenDone(() => rm(dir, { recursive: true, force: true }))
    whenDone(async () => void (await runCommand('ip', ['netns', 'delete', netns])))
    await runCommand('ip', ['netns', 'add', netns])
    await ipBatch(netns, [['link', 'add', 'name', 'br0', 'up', 'type', 'bridge']])
    const guest = new QemuGuest({ id: 'bare', netns, dir, vcpus, memoryMb, kernel, initrd })
    whenDone(() => guest.stop({ force: true }))
    await guest.start([])
    await until('the bare guest boots', async () => (await guest.look()) !== undefined)
    return new BareGuest(netns, path.join(dir, 'qmp.sock'), vcpus)
  }

  /** A session with its monitor, in which the bare acts take place: opening it is not part of them. */
  session<T>(use: (qmp: Qmp) => Promise<T>): Promise<T> {
    return Qmp.session(this.#qmpSocket, use)
  }

  /** Nothing but what a hot-plug takes: a tap on the bridge, netdev, device; until the guest's driver has the card. */
  async plug(qmp: Qmp, nic: GuestNic): Promise<void> {
    await ipBatch(this.#netns, [
      ['tuntap', 'add', 'dev', nic.tap, 'mode', 'tap'],
      ['link', 'set', 'dev', nic.tap, 'master', 'br0', 'up'],
    ])
    await qmp.execute('netdev_add', netdevOf(nic))
    await qmp.execute('device_add', deviceOf(nic, portOf(nic.slot), this.#vcpus))
    await waitForDriver(qmp, [nicDeviceId(nic.mac)], PLUG_MS)
  }

  /** The same backwards, until the tap is gone. */
  async unplug(qmp: Qmp, nic: GuestNic): Promise<void> {
    const id = nicDeviceId(nic.mac)
    await qmp.execute('device_del', { id })
    const gone = await qmp.event(({ event, data }) => event === 'DEVICE_DELETED' && data.device === id, PLUG_MS)
    if (!gone) throw new Error(`the bare guest keeps ${id}`)
    await qmp.execute('netdev_del', { id: netdevId(nic.mac) })
    await ipBatch(this.#netns, [['link', 'del', 'dev', nic.tap]])
  }
}
