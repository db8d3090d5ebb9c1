/**
 * Bandwidth of NICs: a token bucket (tbf) on each direction of a tap.
 *
 * Towards the guest it stands on the tap itself, for that is where those frames leave the hypervisor. What comes from
 * the guest comes in, and the kernel shapes only what goes out: it is sent through a device of its own (`ifb…`), shaped
 * there, and goes on from the tap as if nothing had happened.
 *
 * A change replaces the figures of a bucket in place, with what waits in it: no flow notices but by its speed.
 * @see tc-tbf(8), tc-mirred(8)
 */
import { ipBatch } from './ip-command.ts'
import { assertOurs, deleteLinks, findLinks, type LinkView } from './links.ts'
import { nicOfShaperMark, shaperMark, shaperName, tapName } from './names.ts'
import { type CommandOutput, HostCommandError, runCommand } from './run-command.ts'
import type { NicBandwidth } from './specs.ts'

/** Bytes: more than the largest packet (64 kB) that a guest hands over for the kernel to cut up, or it would be dropped. */
const LARGEST_PACKETS = 128 * 1024
/** Bytes: what may wait at most, so that a fast limit does not cost its memory. */
const MAX_QUEUE = 16 * 1024 * 1024

const bytesIn = (mbps: number, ms: number): number => Math.round((mbps * 1e6 * ms) / 8000)

/**
 * The bucket of a rate. It holds 4 ms, which is what the kernel may be late in filling it on a busy machine, and 20 ms
 * may wait, or one large packet: about 100 ms at 10 Mbit/s, 1 s at 1 Mbit/s.
 */
function bucket(mbps: number): string[] {
  const burst = Math.max(LARGEST_PACKETS, bytesIn(mbps, 4))
  const queue = Math.min(MAX_QUEUE, Math.max(LARGEST_PACKETS, bytesIn(mbps, 20)))
  const rate = `${Math.round(mbps * 1e6)}bit`
  return ['root', 'handle', '1:', 'tbf', 'rate', rate, 'burst', `${burst}`, 'limit', `${queue}`]
}

/** Queueing of one device, as far as it concerns us. */
interface DeviceQueues {
  /** Mbit/s of our token bucket; absent when there is none. */
  rateMbps?: number
  /** Something else than a bucket of ours shapes what leaves the device. */
  foreignRoot?: boolean
  /** What comes in can be sent elsewhere. */
  ingress?: boolean
}

/** What `tc` shows of a namespace: queues by device, and the devices that frames are sent to. */
interface Queues {
  readonly devices: ReadonlyMap<string, DeviceQueues>
  readonly redirectedTo: ReadonlySet<string>
}

interface RawQdisc {
  readonly kind: string
  readonly handle: string
  readonly dev: string
  readonly root?: boolean
  readonly options?: { readonly rate?: number }
}

interface RawFilter {
  readonly kind: string
  readonly options?: { readonly actions?: readonly { readonly kind: string; readonly to_dev?: string }[] }
}

/** Reads what `tc -j -batch` printed for `qdisc show` and then any number of `filter show`: an array on each line. */
function parseQueues(stdout: string): Queues {
  const [qdiscs = [], ...filters] = stdout
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => JSON.parse(line) as unknown[])
  const devices = new Map<string, DeviceQueues>()
  for (const qdisc of qdiscs as RawQdisc[]) {
    const device = devices.get(qdisc.dev) ?? {}
    devices.set(qdisc.dev, device)
    const bytesPerSecond = qdisc.options?.rate
    if (qdisc.kind === 'ingress') device.ingress = true
    else if (!qdisc.root || qdisc.handle === '0:')
      continue // 0: is what every device has by itself
    else if (qdisc.kind === 'tbf' && qdisc.handle === '1:' && bytesPerSecond !== undefined) {
      device.rateMbps = (bytesPerSecond * 8) / 1e6
    } else device.foreignRoot = true
  }
  const targets = (filters.flat() as RawFilter[])
    .flatMap(({ options }) => options?.actions ?? [])
    .flatMap(({ kind, to_dev }) => (kind === 'mirred' && to_dev !== undefined ? [to_dev] : []))
  return { devices, redirectedTo: new Set(targets) }
}

/** One `tc` process. Without `-force` it ends at the first line that fails. */
async function tc(netns: string, flags: readonly string[], lines: readonly (readonly string[])[]) {
  const args = ['-n', netns, ...flags, '-batch', '-']
  const input = lines.map((line) => `${line.join(' ')}\n`).join('')
  return { args, ...(await runCommand('tc', args, { input, allowFailure: true })) }
}

const failure = ({ args, exitCode, stderr }: CommandOutput & { args: readonly string[] }): HostCommandError =>
  new HostCommandError(`tc ${args.join(' ')}: ${stderr.trim()}`, { command: ['tc', ...args], exitCode, stderr })

/** @param redirected - MACs of the NICs whose redirection is asked for; a tap that is not there has none. */
async function lookAtQueues(netns: string, redirected: readonly string[]): Promise<Queues> {
  const filters = redirected.map((mac) => ['filter', 'show', 'dev', tapName(mac), 'ingress'])
  const output = await tc(netns, ['-j', '-force'], [['qdisc', 'show'], ...filters])
  // A device may go while we look.
  const unexpected = output.stderr
    .split('\n')
    .filter((line) => line && !/Cannot find device|^Command failed/.test(line))
  if (unexpected.length > 0) throw failure(output)
  return parseQueues(output.stdout)
}

function bandwidthOf(mac: string, { devices, redirectedTo }: Queues): NicBandwidth {
  const inMbps = devices.get(tapName(mac))?.rateMbps
  const outMbps = redirectedTo.has(shaperName(mac)) ? devices.get(shaperName(mac))?.rateMbps : undefined
  return { mac, ...(inMbps !== undefined && { inMbps }), ...(outMbps !== undefined && { outMbps }) }
}

/**
 * What the kernel holds each NIC to. One process, whatever the namespace holds.
 * @param links - every device of the namespace.
 * @param macs - of the NICs that have a tap there.
 */
export async function lookAtBandwidth(
  netns: string,
  links: readonly LinkView[],
  macs: readonly string[],
): Promise<Map<string, NicBandwidth>> {
  if (macs.length === 0) return new Map()
  const shapers = links.filter((link) => link.up).flatMap((link) => nicOfShaperMark(link.alias) ?? [])
  const queues = await lookAtQueues(netns, shapers)
  return new Map(macs.map((mac) => [mac, bandwidthOf(mac, queues)]))
}

/** True when a NIC is held to what is asked for. */
export const isBandwidthAlright = (want: NicBandwidth, have: NicBandwidth | undefined): boolean =>
  have !== undefined && want.inMbps === have.inMbps && want.outMbps === have.outMbps

/**
 * Holds NICs to their bandwidth, or to none any more. One without a tap is passed over. Changes only what differs.
 * @throws {ForeignObjectError} when a shaper of such a name is not ours; nothing has changed then.
 */
export async function ensureBandwidth(netns: string, nics: readonly NicBandwidth[]): Promise<void> {
  const macs = nics.map(({ mac }) => mac)
  const queues = await lookAtQueues(netns, macs)
  const shaped = (nic: NicBandwidth) => nic.outMbps !== undefined
  // Most NICs have no limit: for those this is all.
  if (!nics.some((nic) => shaped(nic) || queueLines(nic, queues).length > 0)) return

  const links = await findLinks(
    netns,
    macs.flatMap((mac) => [tapName(mac), shaperName(mac)]),
  )
  for (const mac of macs) {
    const shaper = links.get(shaperName(mac))
    if (shaper) assertOurs(netns, shaper, shaperMark(mac))
  }
  const there = nics.filter(({ mac }) => links.has(tapName(mac)))
  await ipBatch(
    netns,
    there.filter(shaped).flatMap(({ mac }) => shaperLines(mac, links.get(shaperName(mac)))),
  )
  const lines = there.flatMap((nic) => queueLines(nic, queues))
  if (lines.length > 0) {
    const output = await tc(netns, [], lines)
    if (output.exitCode !== 0) throw failure(output)
  }
  const unused = there.filter((nic) => !shaped(nic)).map(({ mac }) => shaperName(mac))
  await deleteLinks(
    netns,
    unused.filter((name) => links.has(name)),
  )
}

/** What is left to do until a shaper is there and works. */
function shaperLines(mac: string, have: LinkView | undefined): string[][] {
  const name = shaperName(mac)
  const creation = have ? [] : [['link', 'add', 'name', name, 'type', 'ifb']]
  if (have?.up && have.alias === shaperMark(mac)) return creation
  return [...creation, ['link', 'set', 'dev', name, 'alias', shaperMark(mac), 'up']]
}

/** What is left to do until the queues of a NIC are as asked for. */
const queueLines = (nic: NicBandwidth, queues: Queues): string[][] => [
  ...rootLines(tapName(nic.mac), nic.inMbps, queues.devices.get(tapName(nic.mac))),
  ...outwardLines(nic, queues),
]

function outwardLines({ mac, outMbps }: NicBandwidth, queues: Queues): string[][] {
  const [tap, shaper] = [tapName(mac), shaperName(mac)]
  const ingress = queues.devices.get(tap)?.ingress ?? false
  if (outMbps === undefined) return ingress ? [['qdisc', 'del', 'dev', tap, 'ingress']] : []
  const lines = rootLines(shaper, outMbps, queues.devices.get(shaper))
  if (!ingress) lines.push(['qdisc', 'add', 'dev', tap, 'ingress'])
  if (!queues.redirectedTo.has(shaper)) lines.push(redirection(tap, shaper))
  return lines
}

/** Everything that comes in by `tap` goes out by `shaper`. The handle has a second call replace the first's rule. */
const redirection = (tap: string, shaper: string): string[] => [
  ...['filter', 'replace', 'dev', tap, 'ingress', 'protocol', 'all', 'prio', '1', 'handle', '800::800', 'u32'],
  ...['match', 'u32', '0', '0', 'action', 'mirred', 'egress', 'redirect', 'dev', shaper],
]

function rootLines(device: string, mbps: number | undefined, have: DeviceQueues | undefined): string[][] {
  if (mbps === have?.rateMbps && !have?.foreignRoot) return []
  const away = ['qdisc', 'del', 'dev', device, 'root']
  if (mbps === undefined) return [away]
  return [...(have?.foreignRoot ? [away] : []), ['qdisc', 'replace', 'dev', device, ...bucket(mbps)]]
}
