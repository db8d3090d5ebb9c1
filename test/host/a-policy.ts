/** Bridges with guests on them, filters in front of the guests, and a way to see which frames come through. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { createInterface } from 'node:readline'

import { linkLocalOf } from '../../src/workers/host/addresses.ts'
import type { NicLimits } from '../../src/workers/host/filters.ts'
import { ipBatch } from '../../src/workers/host/ip-command.ts'
import { settleKernel } from '../../src/workers/host/kernel-settings.ts'
import { bridgeName, tapName } from '../../src/workers/host/names.ts'
import { setSysctls } from '../../src/workers/host/netns.ts'
import { NicPolicies, type PolicyState } from '../../src/workers/host/policies.ts'
import { holdsWithin, runCommand } from '../../src/workers/host/run-command.ts'
import type { NicPolicy, SecurityGroup, SecurityRule } from '../../src/workers/host/specs.ts'
import { aMac, unique } from './a-data-plane.ts'
import { arp, type Ends, markerOf } from './frames.ts'

export const BROADCAST = 'ff:ff:ff:ff:ff:ff'

let lastVni = 4096 + Math.floor(Math.random() * 1_000_000)
/** A network's number that no other test of this process uses. */
export const aVni = (): number => ++lastVni

/** A rule that lets everything in, unless told otherwise. */
export const aRule = (overrides: Partial<SecurityRule> = {}): SecurityRule => ({
  direction: 'in',
  priority: 1,
  action: 'accept',
  protocol: 'all',
  ...overrides,
})

/** A group: everything may go out, and what `rules` say may come in. */
export const aGroup = (rules: readonly SecurityRule[] = [], overrides: Partial<SecurityGroup> = {}): SecurityGroup => ({
  id: `sg-${unique()}`,
  version: 1,
  rules: [aRule({ direction: 'out', priority: 100 }), ...rules],
  members: [],
  ...overrides,
})

/** A NIC with addresses of its own in 172.16.1.0/24 and fd00::/64. */
export function aPolicy(overrides: Partial<NicPolicy> & { readonly host?: number } = {}): NicPolicy {
  const { host = 2, ...rest } = overrides
  const policy = { mac: aMac(), vni: aVni(), addresses: [`172.16.1.${host}`, `fd00::${host}`], ...rest }
  const defaults = { antiSpoofing: true, bridged: true, addressed: policy.addresses.length > 0, reserved: [] }
  return { scope: `net-${policy.vni}`, allowedPairs: [], groupIds: [], ...defaults, ...policy }
}

/** An interface at which frames can be sent and seen. */
export class RawPort {
  readonly #process: ChildProcessWithoutNullStreams
  readonly #seen: string[] = []

  private constructor(process: ChildProcessWithoutNullStreams) {
    this.#process = process
  }

  static async open(netns: string, ifName: string): Promise<RawPort> {
    const script = path.join(import.meta.dirname, 'raw-port.pl')
    const process = spawn('nsenter', [`--net=/run/netns/${netns}`, '--', 'perl', script, ifName])
    const port = new RawPort(process)
    const lines = createInterface({ input: process.stdout })
    await once(lines, 'line')
    lines.on('line', (line) => port.#seen.push(line))
    return port
  }

  send(...frames: readonly Buffer[]): void {
    this.#process.stdin.write(frames.map((frame) => `${frame.toString('hex')}\n`).join(''))
  }

  /** Whether that frame has come, with or without what was around it. */
  hasSeen(frame: Buffer): boolean {
    return this.#seen.some((line) => line.endsWith(markerOf(frame)))
  }

  async close(): Promise<void> {
    const ended = once(this.#process, 'exit')
    this.#process.stdin.end()
    await ended
  }
}

/** Something on a bridge: a guest behind its tap, or a machine behind another port. */
export interface Station {
  readonly netns: string
  readonly mac: string
  readonly port: RawPort
  /** Its own, of IPv4. */
  readonly address?: string
}

export interface FilteredGuest extends Station {
  readonly nic: NicPolicy
  readonly address: string
  readonly address6: string
}

export interface FilterBench {
  readonly netns: string
  readonly policies: NicPolicies
  /** A guest behind a tap. No filter knows it before `apply`. */
  guest(overrides?: Partial<NicPolicy> & { readonly host?: number }): Promise<FilteredGuest>
  /** A machine behind a port of another name, for example `gw-1000`. */
  station(vni: number, portName: string): Promise<Station>
  /** What the filters are to know: all guests in their present state, and these groups. */
  state(groups: readonly SecurityGroup[]): PolicyState
  /** Has the filters know it. */
  apply(...groups: readonly SecurityGroup[]): Promise<boolean>
  dispose(): Promise<void>
}

/** A data plane's namespace with nothing but bridges and filters. */
export async function aFilterBench(limits?: NicLimits): Promise<FilterBench> {
  const netns = `pbt-${unique()}`
  const stations: Station[] = []
  const nics: NicPolicy[] = []
  const bridges = new Set<number>()
  await runCommand('ip', ['netns', 'add', netns])
  await settleKernel(netns)
  const policies = new NicPolicies(netns, limits)

  async function join(vni: number, portName: string, mac: string, addresses: readonly string[]): Promise<Station> {
    const bridge = bridgeName(vni)
    const inside = `pbt-${unique()}`
    if (!bridges.has(vni)) {
      await ipBatch(netns, [
        ['link', 'add', bridge, 'type', 'bridge'],
        ['link', 'set', bridge, 'up'],
      ])
      bridges.add(vni)
    }
    await runCommand('ip', ['netns', 'add', inside])
    // It says nothing by itself, but for answers of its kernel.
    await setSysctls(inside, { 'net.ipv6.conf.default.accept_dad': 0, 'net.ipv6.conf.default.router_solicitations': 0 })
    const peer = ['peer', 'name', 'eth0', 'address', mac, 'netns', inside]
    await ipBatch(netns, [
      ['link', 'add', portName, 'type', 'veth', ...peer],
      ['link', 'set', portName, 'master', bridge, 'up'],
    ])
    await ipBatch(inside, [
      ['link', 'set', 'lo', 'up'],
      ['link', 'set', 'eth0', 'up'],
      ...addresses.map((address) => ['address', 'add', `${address}/${address.includes(':') ? 64 : 24}`, 'dev', 'eth0']),
    ])
    const station = { netns: inside, mac, port: await RawPort.open(inside, 'eth0') }
    stations.push(station)
    return station
  }

  const state = (groups: readonly SecurityGroup[]): PolicyState => ({ nics: [...nics], groups })
  return {
    netns,
    policies,
    async guest(overrides) {
      const nic = aPolicy(overrides)
      nics.push(nic)
      const [address = '', address6 = linkLocalOf(nic.mac)] = nic.addresses
      return { nic, address, address6, ...(await join(nic.vni, tapName(nic.mac), nic.mac, nic.addresses)) }
    },
    station: (vni, portName) => join(vni, portName, aMac(), []),
    state,
    apply: (...groups) => policies.replace(async () => state(groups)),
    async dispose() {
      await Promise.all(stations.map(({ port }) => port.close()))
      for (const name of [...stations.map((station) => station.netns), netns]) {
        await runCommand('ip', ['netns', 'delete', name])
      }
    },
  }
}

/** From one guest to another, by IPv4. */
export const between = (from: FilteredGuest, to: FilteredGuest, overrides: Partial<Ends> = {}): Ends => ({
  fromMac: from.mac,
  toMac: to.mac,
  from: from.address,
  to: to.address,
  ...overrides,
})

/** From one guest to another, by IPv6. */
export const between6 = (from: FilteredGuest, to: FilteredGuest, overrides: Partial<Ends> = {}): Ends =>
  between(from, to, { from: from.address6, to: to.address6, ...overrides })

/**
 * Whether a frame comes through; of several, the last one. After it goes another that always does: once that has
 * arrived, it has too or never will.
 * @param witness - who sends that other one.
 */
export async function passes(
  from: Station,
  to: Station,
  frames: Buffer | readonly Buffer[],
  witness: Station = from,
): Promise<boolean> {
  const all = [frames].flat()
  const [last] = all.slice(-1)
  if (!last) throw new Error('no frame to send')
  // A port that is new takes a moment before it forwards.
  if (!(await holdsWithin(5_000, 1, () => isProbeSeen(witness, to, 200))))
    throw new Error('no way from witness to port')
  from.port.send(...all)
  if (!(await isProbeSeen(witness, to, 5_000))) throw new Error('the probe behind the frames was lost')
  return to.port.hasSeen(last)
}

/** Sends an ARP probe for its own address, which every filter lets pass. */
function isProbeSeen(from: Station, to: Station, withinMs: number): Promise<boolean> {
  const own = from.address || '172.16.1.250'
  const probe = arp({ fromMac: from.mac, toMac: BROADCAST, from: '0.0.0.0', to: own })
  from.port.send(probe)
  return holdsWithin(withinMs, 1, async () => to.port.hasSeen(probe))
}
