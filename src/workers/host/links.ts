/**
 * What the kernel says about network devices, and how to take several away at once.
 */
import { randomInt } from 'node:crypto'

import { ForeignObjectError } from '../errors.ts'
import { ipBatch, ipQueries, ipQuery, saysGone } from './ip-command.ts'

/** A network device as `ip -j -d link` (or `addr`) shows it. */
export interface LinkView {
  readonly name: string
  readonly index: number
  /** `tun`, `veth`, `bridge`, …; empty for a device without a kind (`lo`), and when asked for without details. */
  readonly kind: string
  /** Our mark, or whatever others wrote there. */
  readonly alias: string | undefined
  /** Name of the bridge it is a port of. */
  readonly master: string | undefined
  readonly mac: string
  /** Bytes. */
  readonly mtu: number
  /** `default`, or the number (as text) or name of its link group. */
  readonly group: string
  /** Administratively up. */
  readonly up: boolean
  /** Has a carrier: the other end is there and up. A tap has one while a process holds it open. */
  readonly carrier: boolean
  /** Index of the other end of a veth pair, in the namespace that end is in. */
  readonly peerIndex: number | undefined
  /** With prefix length, for example `172.16.1.1/24`; empty when asked for without addresses. */
  readonly addresses: readonly string[]
  /** Options of its kind, as `ip` names them; empty when asked for without details. */
  readonly options: Readonly<Record<string, unknown>>
}

interface RawAddress {
  readonly local?: string
  readonly prefixlen?: number
}

/** Reads one object of `ip -j link` or `ip -j addr`; `undefined` when it is no device. */
export function parseLink(raw: Record<string, unknown>): LinkView | undefined {
  const text = (key: string) => (typeof raw[key] === 'string' ? raw[key] : undefined)
  const count = (key: string) => (typeof raw[key] === 'number' ? raw[key] : undefined)
  const name = text('ifname')
  const index = count('ifindex')
  if (name === undefined || index === undefined) return undefined
  const flags = Array.isArray(raw.flags) ? (raw.flags as string[]) : []
  const info = (raw.linkinfo ?? {}) as { info_kind?: string; info_data?: Record<string, unknown> }
  const addresses = (Array.isArray(raw.addr_info) ? (raw.addr_info as RawAddress[]) : [])
    .filter((entry) => entry.local !== undefined)
    .map((entry) => `${entry.local}/${entry.prefixlen}`)
  return {
    name,
    index,
    kind: info.info_kind ?? '',
    alias: text('ifalias'),
    master: text('master'),
    mac: text('address') ?? '',
    mtu: count('mtu') ?? 0,
    group: text('group') ?? 'default',
    up: flags.includes('UP'),
    carrier: flags.includes('LOWER_UP'),
    peerIndex: count('link_index'),
    addresses,
    options: info.info_data ?? {},
  }
}

const parseLinks = (raw: readonly Record<string, unknown>[]): LinkView[] =>
  raw.map(parseLink).filter((link) => link !== undefined)

/** Every device of a namespace, without addresses. */
export const listLinks = async (netns: string): Promise<LinkView[]> => parseLinks(await ipQuery(netns, ['-d', 'link']))

/** Every device of a namespace with its addresses. */
export const listAddresses = async (netns: string): Promise<LinkView[]> =>
  parseLinks(await ipQuery(netns, ['-d', 'addr']))

/** Those of the named devices that are there, by name. One process, whatever else the namespace holds. */
export async function findLinks(netns: string, names: readonly string[]): Promise<Map<string, LinkView>> {
  if (names.length === 0) return new Map()
  const lines = names.map((name) => ['link', 'show', 'dev', name])
  return new Map(parseLinks(await ipQueries(netns, ['-d'], lines)).map((link) => [link.name, link]))
}

/**
 * Checks that a device under one of our names may be touched. An unmarked one is what a crash left between creation
 * and marking: ours.
 * @throws {ForeignObjectError} when it carries somebody else's alias.
 */
export function assertOurs(netns: string, link: LinkView, mark: string | RegExp): void {
  const ours = link.alias === undefined || (typeof mark === 'string' ? link.alias === mark : mark.test(link.alias))
  if (ours) return
  throw new ForeignObjectError(
    `${link.name} in namespace ${netns} carries the alias "${link.alias}", not ours: ${mark}`,
  )
}

/**
 * Deletes devices; those already gone count as deleted. They are put into a link group and the group is deleted:
 * the kernel then waits for its readers once (about 20 ms) and not once for each device.
 */
export async function deleteLinks(netns: string, names: readonly string[]): Promise<void> {
  if (names.length === 0) return
  // Drawn afresh for every call: what a crash leaves behind in a group must not die with the next caller's devices.
  const group = String(randomInt(1 << 24, 2 ** 31 - 1))
  const lines = names.map((name) => ['link', 'set', 'dev', name, 'group', group])
  await ipBatch(netns, [...lines, ['link', 'delete', 'group', group]], { tolerate: saysGone })
}
