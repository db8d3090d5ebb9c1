/**
 * Ethernet frames, byte by byte, for what no well-behaved program would send. Each frame ends with a few random bytes,
 * by which it is recognised where it arrives.
 */
import { randomBytes } from 'node:crypto'
import { Address4, Address6 } from 'ip-address'

/** Bytes at the end of each frame. */
const MARKER_BYTES = 6

/** What a frame is recognised by. */
export const markerOf = (frame: Buffer): string => frame.subarray(-MARKER_BYTES).toString('hex')

const marker = () => randomBytes(MARKER_BYTES)
/** A port or an identifier that no connection has yet. */
const fresh = () => 20_000 + (randomBytes(2).readUInt16BE() % 40_000)

const macBytes = (mac: string) => Buffer.from(mac.replaceAll(':', ''), 'hex')
const addressBytes = (address: string) =>
  address.includes(':')
    ? Buffer.from(new Address6(address).bigInt().toString(16).padStart(32, '0'), 'hex')
    : Buffer.from(new Address4(address).toArray())

function uint16(...values: number[]): Buffer {
  const bytes = Buffer.alloc(2 * values.length)
  for (const [index, value] of values.entries()) bytes.writeUInt16BE(value & 0xffff, 2 * index)
  return bytes
}

/** The Internet checksum (RFC 1071). */
function checksum(bytes: Buffer): number {
  let sum = 0
  for (let at = 0; at < bytes.length; at += 2) sum += ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return ~sum & 0xffff
}

/** Who sends to whom: MAC and address each. IPv4 or IPv6, as the addresses are. */
export interface Ends {
  readonly fromMac: string
  readonly toMac: string
  readonly from: string
  readonly to: string
}

/** An Ethernet frame. */
export const ethernet = (fromMac: string, toMac: string, type: number, payload: Buffer): Buffer =>
  Buffer.concat([macBytes(toMac), macBytes(fromMac), uint16(type), payload])

/** The same frame in a VLAN. */
export const tagged = (frame: Buffer, vlan: number): Buffer =>
  Buffer.concat([frame.subarray(0, 12), uint16(0x8100, vlan), frame.subarray(12)])

/** ARP: `operation` 1 asks, 2 answers. `senderMac` is the one inside the packet. */
export function arp(
  { fromMac, toMac, from, to }: Ends,
  { operation = 1, senderMac = fromMac }: { readonly operation?: 1 | 2; readonly senderMac?: string } = {},
): Buffer {
  const packet = [uint16(1, 0x0800, 0x0604, operation), macBytes(senderMac), addressBytes(from)]
  return ethernet(fromMac, toMac, 0x0806, Buffer.concat([...packet, macBytes(toMac), addressBytes(to), marker()]))
}

/** An IP packet of any protocol; without `payload`, a few bytes of no meaning. */
export function ip(ends: Ends, protocol: number, payload: Buffer = Buffer.concat([randomBytes(8), marker()])): Buffer {
  const addresses = Buffer.concat([addressBytes(ends.from), addressBytes(ends.to)])
  if (ends.from.includes(':')) {
    const header = Buffer.concat([uint16(0x6000, 0, payload.length), Buffer.from([protocol, 255]), addresses])
    return ethernet(ends.fromMac, ends.toMac, 0x86dd, Buffer.concat([header, payload]))
  }
  const start = uint16(0x4500, 20 + payload.length, fresh(), 0x4000, (64 << 8) | protocol)
  const sum = checksum(Buffer.concat([start, uint16(0), addresses]))
  return ethernet(ends.fromMac, ends.toMac, 0x0800, Buffer.concat([start, uint16(sum), addresses, payload]))
}

/** A packet whose checksum, at `at`, covers addresses and length too. */
function withPseudoHeader(ends: Ends, protocol: number, segment: Buffer, at: number): Buffer {
  const pseudo = [addressBytes(ends.from), addressBytes(ends.to), uint16(0, segment.length, 0, protocol)]
  segment.writeUInt16BE(checksum(Buffer.concat([...pseudo, segment])), at)
  return ip(ends, protocol, segment)
}

/** A UDP datagram; `body` is an even number of bytes. */
export function udp(ends: Ends, port: number, fromPort = fresh(), body: Buffer = Buffer.alloc(0)): Buffer {
  const header = uint16(fromPort, port, 8 + body.length + MARKER_BYTES, 0)
  return withPseudoHeader(ends, 17, Buffer.concat([header, body, marker()]), 6)
}

/** What a DHCP client asks, for itself or in the name of another's hardware address. */
export const dhcpRequest = (ends: Ends, clientMac = ends.fromMac): Buffer =>
  udp(ends, 67, 68, Buffer.concat([Buffer.from([1, 1, 6, 0]), Buffer.alloc(24), macBytes(clientMac), Buffer.alloc(10)]))

/** The first packet of a TCP connection. */
export function tcpSyn(ends: Ends, port: number): Buffer {
  const header = [uint16(fresh(), port), randomBytes(4), Buffer.alloc(4), uint16(0x5002, 64_240, 0, 0)]
  return withPseudoHeader(ends, 6, Buffer.concat([...header, marker()]), 16)
}

/** ICMP, for example an echo request (type 8). */
export function icmp(ends: Ends, type: number, code = 0): Buffer {
  const message = Buffer.concat([Buffer.from([type, code, 0, 0]), uint16(fresh(), 1), marker()])
  message.writeUInt16BE(checksum(message), 2)
  return ip(ends, 1, message)
}

/** ICMPv6, for example an echo request (type 128). */
export function icmpv6(ends: Ends, type: number, code = 0, body: Buffer = uint16(fresh(), 1)): Buffer {
  return withPseudoHeader(ends, 58, Buffer.concat([Buffer.from([type, code, 0, 0]), body, marker()]), 2)
}

/** Says that `target` is at the sender's MAC. Ends with an option of no meaning that holds the random bytes. */
export const neighbourAdvertisement = (ends: Ends, target: string): Buffer =>
  icmpv6(ends, 136, 0, Buffer.concat([uint16(0x2000, 0), addressBytes(target), Buffer.from([253, 1])]))

/** Asks who has `target`; from `::`, whether it is free. */
export const neighbourSolicitation = (ends: Ends, target: string): Buffer =>
  icmpv6(ends, 135, 0, Buffer.concat([Buffer.alloc(4), addressBytes(target), Buffer.from([253, 1])]))

/** Says that the sender is a router. */
export const routerAdvertisement = (ends: Ends): Buffer =>
  icmpv6(ends, 134, 0, Buffer.concat([Buffer.from([64, 0]), uint16(1800), Buffer.alloc(8), Buffer.from([253, 1])]))

/** The same packet from another machine to another. */
export const readdressed = (frame: Buffer, { fromMac, toMac }: Pick<Ends, 'fromMac' | 'toMac'>): Buffer =>
  Buffer.concat([macBytes(toMac), macBytes(fromMac), frame.subarray(12)])

/**
 * An IPv4 packet in two fragments.
 * @param cut - bytes of its payload in the first one, a multiple of 8.
 */
export function inFragments4(frame: Buffer, cut: number): [Buffer, Buffer] {
  const payload = frame.subarray(34)
  const fragment = (at: number, part: Buffer, more: number) => {
    const packet = Buffer.concat([frame.subarray(0, 34), part])
    packet.writeUInt16BE(20 + part.length, 16)
    packet.writeUInt16BE((at / 8) | more, 20)
    packet.writeUInt16BE(0, 24)
    packet.writeUInt16BE(checksum(packet.subarray(14, 34)), 24)
    return packet
  }
  return [fragment(0, payload.subarray(0, cut), 0x2000), fragment(cut, payload.subarray(cut), 0)]
}

/**
 * An IPv6 packet in two fragments. The first one has only `cut` bytes of what follows the fragment header, so that what
 * the packet is may stand in the second one alone.
 * @param cut - a multiple of 8.
 */
export function inFragments(frame: Buffer, cut: number): [Buffer, Buffer] {
  const protocol = frame[20] ?? 0
  const id = randomBytes(4)
  // Eight bytes of options first: the transport header need not be in the first fragment.
  const whole = Buffer.concat([Buffer.from([protocol, 0, 1, 4, 0, 0, 0, 0]), frame.subarray(54)])
  const fragment = (at: number, part: Buffer, more: number) => {
    const header = Buffer.concat([Buffer.from([60, 0]), uint16(at | more), id])
    const packet = Buffer.concat([frame.subarray(0, 54), header, part])
    packet.writeUInt16BE(8 + part.length, 18)
    packet[20] = 44
    return packet
  }
  return [fragment(0, whole.subarray(0, cut), 1), fragment(cut, whole.subarray(cut), 0)]
}
