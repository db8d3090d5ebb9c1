/**
 * Bandwidth of elastic IPs. What goes out is shaped at the router's end of its port on the segment, by source address;
 * what comes in at the data plane's end, by destination address: each is where packets leave a device, so nothing has
 * to be redirected. The device has an HTB with a class for every limited address; what has no limit passes beside them.
 *
 * A change replaces the figures of one class in place, with what waits in it: no flow notices but by its speed.
 * @see tc-htb(8), tc-u32(8), tc-bfifo(8)
 */
import { type CommandOutput, HostCommandError, runCommand } from './run-command.ts'

/** Where the elastic IP stands in packets that leave the device. */
export type Side = 'src' | 'dst'

export interface ShapedAddress {
  /** IPv4. Those of one device differ in their last two bytes. */
  readonly address: string
  /** Mbit/s (10^6 bit/s), at least 1. */
  readonly mbps: number
}

/** One class of a device, as far as it is there. */
interface ShapedClass {
  bitsPerSecond?: number
  /** It has a queue of its own, in bytes and not in packets. */
  hasQueue?: boolean
  /** What its filter looks for, as tc shows it: `cb007105/ffffffff at 12`. */
  match?: string
}

/** By number, the classes of a device's HTB; `undefined` when it has none. */
type Shaping = ReadonlyMap<string, ShapedClass> | undefined

/** Bytes: more than the largest packet (64 kB) that is handed down to be cut up, or it would be dropped. */
const LARGEST_PACKETS = 128 * 1024
/** Bytes: what may wait at most, so that a fast limit does not cost its memory. */
const MAX_QUEUE = 16 * 1024 * 1024

const bytesIn = (mbps: number, ms: number): number => Math.round((mbps * 1e6 * ms) / 8000)

/** In Mbit/s, the bucket holds 4 ms: the kernel may be that late in filling it. An HTB lets larger packets borrow. */
const burstOf = (mbps: number): number => Math.max(16 * 1024, bytesIn(mbps, 4))
/** 40 ms may wait, or some large packets: what a TCP connection needs to keep to its speed. */
const queueOf = (mbps: number): number => Math.min(MAX_QUEUE, Math.max(LARGEST_PACKETS, bytesIn(mbps, 40)))

/** Number of an address's class: its last two bytes in hex, so that it stays the same whoever joins or leaves. */
function classNumber(address: string): string {
  const [, , third = 0, fourth = 0] = address.split('.').map(Number)
  return (third * 256 + fourth).toString(16)
}

function wantedMatch(side: Side, address: string): string {
  const hex = address.split('.').map((byte) => Number(byte).toString(16).padStart(2, '0'))
  return `${hex.join('')}/ffffffff at ${side === 'src' ? 12 : 16}` // bytes into the IPv4 header
}

function byClass(addresses: readonly ShapedAddress[]): Map<string, ShapedAddress> {
  const classes = new Map(addresses.map((shaped) => [classNumber(shaped.address), shaped]))
  if (classes.size < addresses.length) {
    throw new RangeError(`of ${addresses.map(({ address }) => address).join(', ')} two end in the same two bytes`)
  }
  return classes
}

/** Reads what `tc` printed for `qdisc show`, `class show` and `filter show` of one device. */
export function parseShaping(text: string): Shaping {
  if (!/^qdisc htb 1: /m.test(text)) return undefined
  const classes = new Map<string, ShapedClass>()
  const at = (number: string): ShapedClass => {
    const found = classes.get(number) ?? {}
    classes.set(number, found)
    return found
  }
  for (const [, number = '', value, unit = ''] of text.matchAll(/^class htb 1:(\w+) .*?\brate (\d+)([KMG]?)bit /gm)) {
    at(number).bitsPerSecond = Number(value) * 1000 ** ' KMG'.indexOf(unit || ' ')
  }
  for (const [, number = ''] of text.matchAll(/^qdisc bfifo \w+: .*?\bparent 1:(\w+) /gm)) at(number).hasQueue = true
  for (const [, number = '', match = ''] of text.matchAll(/\bflowid 1:(\w+) .*\n +match (.+)$/gm)) {
    at(number).match = match.trim()
  }
  return classes
}

const isAsWanted = (side: Side, want: ShapedAddress, have: ShapedClass | undefined): boolean =>
  have?.bitsPerSecond === want.mbps * 1e6 && have.hasQueue === true && have.match === wantedMatch(side, want.address)

/** Whether a device shapes these addresses and no others, as a look at it shows. */
function isSameShaping(side: Side, want: ReadonlyMap<string, ShapedAddress>, have: Shaping): boolean {
  if (want.size === 0) return have === undefined
  return have?.size === want.size && [...want].every(([number, shaped]) => isAsWanted(side, shaped, have.get(number)))
}

/** Whether a device holds exactly these addresses to their bandwidth. One process. */
export async function isShapingAlright(
  netns: string,
  device: string,
  side: Side,
  addresses: readonly ShapedAddress[],
): Promise<boolean> {
  return isSameShaping(side, byClass(addresses), await readShaping(netns, device))
}

/**
 * Has a device hold exactly these addresses to their bandwidth. Changes only what differs.
 * @throws {RangeError} when two addresses end in the same two bytes.
 * @throws {HostCommandError} when tc fails.
 */
export async function ensureShaping(
  netns: string,
  device: string,
  side: Side,
  addresses: readonly ShapedAddress[],
): Promise<void> {
  const want = byClass(addresses)
  const have = await readShaping(netns, device)
  if (isSameShaping(side, want, have)) return
  const output = await tc(netns, [], shapingLines(device, side, want, have))
  if (output.exitCode !== 0) throw failure(output)
}

function shapingLines(device: string, side: Side, want: ReadonlyMap<string, ShapedAddress>, have: Shaping): string[] {
  if (want.size === 0) return [`qdisc del dev ${device} root`]
  const lines = have ? [] : [`qdisc replace dev ${device} root handle 1: htb`]
  for (const [number, shaped] of have ?? []) {
    if (want.has(number)) continue
    if (shaped.match !== undefined) lines.push(filterOf('del', device, number))
    if (shaped.bitsPerSecond !== undefined) lines.push(`class del dev ${device} classid 1:${number}`)
  }
  for (const [number, { address, mbps }] of want) {
    const shaped = have?.get(number)
    if (isAsWanted(side, { address, mbps }, shaped)) continue
    const [rate, burst] = [Math.round(mbps * 1e6), burstOf(mbps)]
    // Nothing is lent between classes; the quantum is given so that none is guessed from the rate, with a warning.
    const figures = `rate ${rate}bit burst ${burst} cburst ${burst} quantum ${LARGEST_PACKETS}`
    lines.push(`class replace dev ${device} parent 1: classid 1:${number} htb ${figures}`)
    lines.push(`qdisc replace dev ${device} parent 1:${number} bfifo limit ${queueOf(mbps)}`)
    const match = wantedMatch(side, address)
    if (shaped?.match === match) continue
    if (shaped?.match !== undefined) lines.push(filterOf('del', device, number))
    lines.push(`${filterOf('add', device, number)} protocol ip u32 match ip ${side} ${address}/32 flowid 1:${number}`)
  }
  return lines
}

/** The preference of a filter is the number of its class, so it can be named. */
const filterOf = (verb: 'add' | 'del', device: string, number: string): string =>
  `filter ${verb} dev ${device} parent 1: pref ${Number.parseInt(number, 16)}`

/** Not as JSON: tc 6.1 has none for the classes of an HTB. And one device at a time: the text does not name it. */
async function readShaping(netns: string, device: string): Promise<Shaping> {
  const lines = [`qdisc show dev ${device}`, `class show dev ${device}`, `filter show dev ${device} parent 1:`]
  const output = await tc(netns, ['-force'], lines)
  if (output.exitCode !== 0) throw failure(output)
  return parseShaping(output.stdout)
}

/** One `tc` process. Without `-force` it ends at the first line that fails. */
async function tc(netns: string, flags: readonly string[], lines: readonly string[]) {
  const args = ['-n', netns, ...flags, '-batch', '-']
  return { args, ...(await runCommand('tc', args, { input: `${lines.join('\n')}\n`, allowFailure: true })) }
}

const failure = ({ args, exitCode, stderr }: CommandOutput & { args: readonly string[] }): HostCommandError =>
  new HostCommandError(`tc ${args.join(' ')}: ${stderr.trim()}`, { command: ['tc', ...args], exitCode, stderr })
