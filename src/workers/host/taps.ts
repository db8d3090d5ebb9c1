/**
 * The devices that carry NICs: taps for QEMU, veth pairs for namespace guests.
 *
 * The quick way creates first and asks afterwards: creation fails when anything stands under the name, so it can
 * touch nothing foreign, and a NIC costs one `ip` process. Only then is the kernel asked, and what differs changed.
 */
import { ForeignObjectError } from '../errors.ts'
import { IpBatchError, type IpLine, ipBatch, saysExists } from './ip-command.ts'
import { assertOurs, deleteLinks, findLinks, type LinkView, listLinks } from './links.ts'
import {
  bridgeName,
  GUEST_GROUP,
  nicMark,
  nicOfMark,
  serverMark,
  shaperMark,
  shaperName,
  tapMac,
  tapName,
} from './names.ts'
import { ensureNamespace, namespaceIdentity } from './netns.ts'
import type { TapSpec } from './specs.ts'

const KIND = { tap: 'tun', veth: 'veth' } as const // what the kernel calls them

function creation(tap: TapSpec): IpLine {
  const name = tapName(tap.mac)
  const { device } = tap
  if (device.kind === 'tap') return ['tuntap', 'add', 'dev', name, 'mode', 'tap']
  // The guest's end is made inside its namespace: moving it there would cost 20 ms. It cannot be up from the first:
  // the kernel would open it before it is connected (ENOTCONN).
  return [
    ...['link', 'add', 'name', name, 'mtu', `${tap.mtu}`, 'type', 'veth'],
    ...['peer', 'name', device.ifName, 'mtu', `${tap.mtu}`, 'group', `${GUEST_GROUP}`, 'netns', device.netns],
  ]
}

/** Everything but the creation, in one message to the kernel. `have` absent: the tap is new. */
function settings(tap: TapSpec, have?: LinkView): IpLine | undefined {
  const mark = nicMark(tap.mac)
  const bridge = bridgeName(tap.vni)
  const mac = tapMac(tap.mac)
  const set: string[] = []
  if (have?.mac !== mac) set.push('address', mac)
  if (have?.mtu !== tap.mtu) set.push('mtu', `${tap.mtu}`)
  if (have?.alias !== mark) set.push('alias', mark)
  // A removal that crashed half-way has left it in the group that it was to be deleted with.
  if (have && have.group !== 'default') set.push('group', 'default')
  if (have?.master !== bridge) set.push('master', bridge)
  if (!have?.up) set.push('up')
  return set.length > 0 ? ['link', 'set', 'dev', tapName(tap.mac), ...set] : undefined
}

/**
 * Guest ends that this process has just made and nobody has looked at since, by the MAC of their NIC: the namespace
 * (by identity) and the name. Lets a NIC be plugged without asking again what is there.
 */
const fresh = new Map<string, string>()

/**
 * True, once, when `ensureTaps` made the guest's end of this NIC as `ifName` in this very namespace, and no more has
 * happened to it by our hands. The guest may have touched it meanwhile.
 */
export async function takeFreshEnd(mac: string, netns: string, ifName: string): Promise<boolean> {
  const end = fresh.get(mac)
  fresh.delete(mac)
  return end !== undefined && end === `${await namespaceIdentity(netns)} ${ifName}`
}

async function noteFreshEnds(taps: readonly TapSpec[]): Promise<void> {
  for (const { mac, device } of taps) {
    if (device.kind === 'veth') fresh.set(mac, `${await namespaceIdentity(device.netns)} ${device.ifName}`)
  }
}

const guestNamespaces = (taps: readonly TapSpec[]): string[] => [
  ...new Set(taps.flatMap(({ device }) => (device.kind === 'veth' ? [device.netns] : []))),
]

/**
 * Makes taps and joins them to their bridges, which must be there. A namespace guest's namespace is made as well when
 * it is not there yet: the NICs of a guest come before the guest.
 * @param netns - namespace of the data plane.
 * @throws {ForeignObjectError} when a device or a guest namespace of such a name is not ours; nothing foreign is
 *   touched, and the taps before it in `taps` are there.
 */
export async function ensureTaps(netns: string, taps: readonly TapSpec[]): Promise<void> {
  for (const name of guestNamespaces(taps)) await ensureNamespace(name, serverMark(name), { loUp: false })
  const lines = taps.flatMap((tap) => [
    { tap, line: creation(tap) },
    { tap, line: settings(tap) ?? [] },
  ])
  try {
    await ipBatch(
      netns,
      lines.map(({ line }) => line),
    )
    await noteFreshEnds(taps)
  } catch (error) {
    const failure = error instanceof IpBatchError ? error.failures[0] : undefined
    if (failure?.index === undefined || !saysExists(failure.reason)) throw error
    // The batch ended at this tap; those before it are done.
    await completeTaps(netns, taps.slice(Math.floor(failure.index / 2)))
  }
}

/** The careful way: looks at what stands there, and makes or changes only what differs. */
async function completeTaps(netns: string, taps: readonly TapSpec[]): Promise<void> {
  const have = await findLinks(
    netns,
    taps.map((tap) => tapName(tap.mac)),
  )
  for (const tap of taps) {
    const link = have.get(tapName(tap.mac))
    if (link) assertOurs(netns, link, nicMark(tap.mac))
  }
  const guests = new Map<string, LinkView[]>()
  for (const name of guestNamespaces(taps)) guests.set(name, await listLinks(name))

  const unfit = taps.filter((tap) => {
    const link = have.get(tapName(tap.mac))
    return link !== undefined && !leadsToGuest(tap, link, guests)
  })
  await deleteLinks(
    netns,
    unfit.map((tap) => tapName(tap.mac)),
  )
  const gone = new Set(unfit)
  const lines: IpLine[] = []
  for (const tap of taps) {
    const link = gone.has(tap) ? undefined : have.get(tapName(tap.mac))
    if (!link) {
      assertSlotFree(tap, guests)
      lines.push(creation(tap))
    }
    const line = settings(tap, link)
    if (line) lines.push(line)
  }
  await ipBatch(netns, lines)
}

/** False when the device is of the other kind, or its other end is not in the guest it should be in (any more). */
function leadsToGuest({ device }: TapSpec, link: LinkView, guests: ReadonlyMap<string, LinkView[]>): boolean {
  if (link.kind !== KIND[device.kind]) return false
  if (device.kind === 'tap') return true
  // By index and not by name: the guest may have renamed it.
  return guests.get(device.netns)?.some((end) => isGuestEnd(end) && end.index === link.peerIndex) ?? false
}

/** True for the guest's end of a veth pair that we made. */
export const isGuestEnd = (link: LinkView): boolean =>
  link.group === String(GUEST_GROUP) || nicOfMark(link.alias) !== undefined

function assertSlotFree({ mac, device }: TapSpec, guests: ReadonlyMap<string, LinkView[]>): void {
  if (device.kind === 'tap') return
  const taken = guests.get(device.netns)?.find((link) => link.name === device.ifName)
  if (!taken) return
  const what = `${device.ifName} in guest ${device.netns}, wanted for NIC ${mac},`
  if (isGuestEnd(taken)) throw new Error(`${what} belongs to NIC ${nicOfMark(taken.alias) ?? '(not plugged yet)'}`)
  throw new ForeignObjectError(`${what} is the guest's own interface`)
}

/**
 * Takes taps away, from the guest too when it is a veth pair, and their shapers; those already gone count as removed.
 * @throws {ForeignObjectError} when a device of such a name is not ours; all others are gone then.
 */
export async function removeTaps(netns: string, macs: readonly string[]): Promise<void> {
  if (macs.length === 0) return
  for (const mac of macs) fresh.delete(mac)
  const devices = macs.flatMap((mac) => [
    { name: tapName(mac), mark: nicMark(mac) },
    { name: shaperName(mac), mark: shaperMark(mac) },
  ])
  const have = await findLinks(
    netns,
    devices.map(({ name }) => name),
  )
  const ours: string[] = []
  let foreign: unknown
  for (const { name, mark } of devices) {
    const link = have.get(name)
    if (!link) continue
    try {
      assertOurs(netns, link, mark)
      ours.push(link.name)
    } catch (error) {
      foreign ??= error
    }
  }
  await deleteLinks(netns, ours)
  if (foreign) throw foreign
}
