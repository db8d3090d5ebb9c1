/**
 * Cards in and out of a running QEMU machine, over one QMP session.
 *
 * A plugged NIC is two objects: the netdev, which holds the tap, and the device, which the guest sees. A crash can leave
 * the netdev alone; unplugging by force leaves the device alone, as a card without a cable, until the guest lets it go.
 */
import { setTimeout as delay } from 'node:timers/promises'

import { GuestKeepsDeviceError, TransientError } from '../errors.ts'
import { tapName } from '../host/names.ts'
import type { GuestNic } from './guest.ts'
import { deviceOf, macOfDeviceId, netdevId, netdevOf, nicDeviceId } from './qemu-command.ts'
import { executeUnless, isDuplicate, isNotFound, type Qmp, QmpError } from './qmp.ts'

/** How often the guest's driver is asked for; the answer costs QEMU 0.1 ms. */
const POLL_MS = 4
/** With many cards on the way each takes 100 ms or more: leave the time to the guest. */
const FEW = 4
const POLL_MANY_MS = 10
/** A guest that was not listening (ACPI not up yet, button pressed twice) is asked again after this time. */
const ASK_AGAIN_MS = 2_000

const isBusy = (error: QmpError): boolean => /in the process of unplug/.test(error.desc)
const hasNoCommand = (error: QmpError): boolean => error.qmpClass === 'CommandNotFound'

/** Ids of the devices that have one. */
export async function deviceIds(qmp: Qmp): Promise<ReadonlySet<string>> {
  const children = await qmp.execute<{ name: string }[]>('qom-list', { path: '/machine/peripheral' })
  return new Set(children.map(({ name }) => name))
}

/** MACs of the cards, dead ones included. */
export const cardMacs = async (qmp: Qmp): Promise<string[]> =>
  [...(await deviceIds(qmp))].flatMap((id) => macOfDeviceId(id) ?? [])

export interface PlugPlace {
  /** Root port for a NIC; `undefined` lets QEMU choose. */
  readonly busOf: (nic: GuestNic) => string | undefined
  readonly vcpus: number
  /** Taps that the machine holds, see `tapsOfProcess`. */
  readonly taps: ReadonlySet<string>
}

/** Makes netdev and device of each NIC, where they are not there yet. Does not wait for the guest. */
export async function addCards(qmp: Qmp, nics: readonly GuestNic[], place: PlugPlace): Promise<void> {
  const present = await deviceIds(qmp)
  const missing = nics.filter((nic) => !(present.has(nicDeviceId(nic.mac)) && place.taps.has(nic.tap)))
  const dead = missing.filter((nic) => present.has(nicDeviceId(nic.mac)))
  if (dead.length > 0) {
    await removeCards(
      qmp,
      dead.map((nic) => nic.mac),
      5_000,
    ).catch((cause: unknown) => {
      // It was unplugged by force while the guest could not answer; plugging has to wait until it can.
      throw new TransientError('the guest still holds a card that was unplugged by force', { cause })
    })
  }
  for (const nic of missing) await addCard(qmp, nic, place)
}

async function addCard(qmp: Qmp, nic: GuestNic, place: PlugPlace): Promise<void> {
  if (!(await executeUnless(qmp, isDuplicate, 'netdev_add', netdevOf(nic)))) {
    // Left by a crash, and perhaps open on a tap that has been made again since.
    await qmp.execute('netdev_del', { id: netdevId(nic.mac) })
    await qmp.execute('netdev_add', netdevOf(nic))
  }
  const bus = place.busOf(nic)
  const device = deviceOf(nic, bus, place.vcpus)
  try {
    try {
      await qmp.execute('device_add', device)
    } catch (error) {
      if (!(error instanceof QmpError) || bus === undefined || !(await evict(qmp, bus, place))) throw error
      await qmp.execute('device_add', device)
    }
  } catch (error) {
    await executeUnless(qmp, isNotFound, 'netdev_del', { id: netdevId(nic.mac) })
    throw error
  }
}

/** Frees a root port from a card that was unplugged by force. False when there is none. */
async function evict(qmp: Qmp, bus: string, place: PlugPlace): Promise<boolean> {
  const holder = (await rootPorts(qmp)).find((port) => port.id === bus)?.holds
  const mac = holder === undefined ? undefined : macOfDeviceId(holder)
  if (mac === undefined || place.taps.has(tapName(mac))) return false
  await removeCards(qmp, [mac], 5_000).catch((cause: unknown) => {
    throw new TransientError(`${bus} is still held by a card that was unplugged by force`, { cause })
  })
  return true
}

/**
 * Waits until the guest's driver has taken each card.
 *
 * The signal is virtio's DRIVER_OK, which Linux sets in the same step that makes the interface. It needs no agent.
 * QEMU before 7.2 does not tell it; there, that the cards are in the machine has to do.
 * @param timeoutMs - since the guest last took one: 63 cards may take it a while, but it must get on.
 * @throws {TransientError} when the guest took none of the rest for so long.
 */
export async function waitForDriver(qmp: Qmp, deviceIds: readonly string[], timeoutMs: number): Promise<void> {
  const waiting = [...deviceIds]
  let end = performance.now() + timeoutMs
  for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) {
    if (await hasDriver(qmp, id)) {
      end = performance.now() + timeoutMs
      continue
    }
    if (performance.now() > end) throw new TransientError(`the guest has taken no card, ${id} next, in ${timeoutMs} ms`)
    // One card after the other, so that any that is taken counts as getting on; asking takes QEMU's global lock.
    waiting.push(id)
    await delay(waiting.length > FEW ? POLL_MANY_MS : POLL_MS)
  }
}

async function hasDriver(qmp: Qmp, id: string): Promise<boolean> {
  try {
    const path = `/machine/peripheral/${id}/virtio-backend`
    const { status } = await qmp.execute<{ status: { statuses: string[] } }>('x-query-virtio-status', { path })
    return status.statuses.some((each) => each.includes('DRIVER_OK'))
  } catch (error) {
    if (error instanceof QmpError && hasNoCommand(error)) return true
    throw error
  }
}

/**
 * Takes cards out and waits until the guest has let go of each.
 * @param timeoutMs - since the guest last let go of one: 63 cards may take it a while, but it must get on.
 * @throws {GuestKeepsDeviceError} naming those it kept; the others are gone.
 */
export async function removeCards(qmp: Qmp, macs: readonly string[], timeoutMs: number): Promise<void> {
  const present = await deviceIds(qmp)
  const held = new Set(macs.map(nicDeviceId).filter((id) => present.has(id)))
  await requestRemoval(qmp, held)
  let end = performance.now() + timeoutMs
  while (held.size > 0 && performance.now() < end) {
    const isOurs = (event: { event: string; data: Readonly<Record<string, unknown>> }) =>
      event.event === 'DEVICE_DELETED' && typeof event.data.device === 'string' && held.has(event.data.device)
    const event = await qmp.event(isOurs, Math.min(ASK_AGAIN_MS, end - performance.now()))
    if (event) {
      held.delete(event.data.device as string)
      end = performance.now() + timeoutMs
      continue
    }
    await requestRemoval(qmp, held)
  }
  for (const mac of macs) {
    if (!held.has(nicDeviceId(mac))) await executeUnless(qmp, isNotFound, 'netdev_del', { id: netdevId(mac) })
  }
  if (held.size > 0) throw new GuestKeepsDeviceError(`the guest keeps ${[...held].join(', ')} after ${timeoutMs} ms`)
}

/** Asks the guest for each card; one that is gone meanwhile leaves `held`. */
async function requestRemoval(qmp: Qmp, held: Set<string>): Promise<void> {
  for (const id of [...held]) {
    try {
      await qmp.execute('device_del', { id })
    } catch (error) {
      if (!(error instanceof QmpError) || !(isBusy(error) || isNotFound(error))) throw error
      if (isNotFound(error)) held.delete(id)
    }
  }
}

/**
 * Cuts the taps off and asks the guest for the cards without waiting for it. Until it lets go, it sees a card without
 * a link; `addCards` clears that away when the slot or the NIC is wanted again.
 */
export async function cutCards(qmp: Qmp, macs: readonly string[]): Promise<void> {
  for (const mac of macs) await executeUnless(qmp, isNotFound, 'netdev_del', { id: netdevId(mac) })
  await requestRemoval(qmp, new Set(macs.map(nicDeviceId)))
}

interface PciDevice {
  readonly qdev_id?: string
  readonly class_info: { readonly class: number }
  readonly id: { readonly vendor: number; readonly device: number }
  readonly pci_bridge?: { readonly devices?: readonly PciDevice[] }
}

/** QEMU's `pcie-root-port`. */
const isRootPort = ({ id }: PciDevice): boolean => id.vendor === 0x1b36 && id.device === 0x000c

/** A PCI Express root port and the device in it. */
export interface RootPort {
  readonly id: string
  readonly holds: string | undefined
}

/** Root ports that have an id (others cannot be named as a bus), in PCI order. `holds` is `''` for a nameless device. */
export async function rootPorts(qmp: Qmp): Promise<RootPort[]> {
  const buses = await qmp.execute<{ devices: PciDevice[] }[]>('query-pci')
  return buses
    .flatMap(({ devices }) => devices)
    .filter((device) => isRootPort(device) && device.qdev_id)
    .map((device) => {
      const [inside] = device.pci_bridge?.devices ?? []
      return { id: device.qdev_id ?? '', holds: inside ? (inside.qdev_id ?? '') : undefined }
    })
}

/** Free root ports that take a card while the machine runs, in PCI order; `undefined` when it has no root ports at all. */
export async function freePorts(qmp: Qmp): Promise<string[] | undefined> {
  const ports = await rootPorts(qmp)
  if (ports.length === 0) return undefined
  const free: string[] = []
  for (const { id, holds } of ports) {
    if (holds !== undefined) continue
    const hotplug = await qmp.execute('qom-get', { path: `/machine/peripheral/${id}`, property: 'hotplug' })
    if (hotplug) free.push(id)
  }
  return free
}
