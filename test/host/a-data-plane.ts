/** Throw-away data planes for tests, valid specs for them, and ways to look at what came of them. */
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'

import type { GuestNic } from '../../src/workers/guests/guest.ts'
import { DataPlane, type DataPlaneOptions } from '../../src/workers/host/data-plane.ts'
import { tapName } from '../../src/workers/host/names.ts'
import { type CommandOutput, holdsWithin, runCommand, runInNamespace } from '../../src/workers/host/run-command.ts'
import type { DhcpHost, NetworkSpec, SubnetSpec, TapSpec } from '../../src/workers/host/specs.ts'

/** Eight hex digits that no other test on this machine uses. */
export const unique = (): string => randomBytes(4).toString('hex')

export interface TestDataPlane {
  readonly netns: string
  readonly runDir: string
  readonly plane: DataPlane
  /** A second worker process on the same host, as after a restart: it remembers nothing. */
  restarted(): DataPlane
  /** Takes everything away. */
  dispose(): Promise<void>
}

/** An open data plane in a namespace and a run directory of its own. */
export async function aDataPlane(options: Pick<DataPlaneOptions, 'dnsUpstreams'> = {}): Promise<TestDataPlane> {
  const netns = `pbt-${unique()}`
  // Below /run every user can reach it, so DHCP servers run as they do in production: unprivileged.
  const runDir = await mkdtemp('/run/patchbay-test-')
  await runCommand('chmod', ['755', runDir])
  const plane = new DataPlane({ netns, runDir, ...options })
  await plane.open()
  return {
    netns,
    runDir,
    plane,
    restarted: () => new DataPlane({ netns, runDir, ...options }),
    dispose: async () => {
      await plane.destroy()
      await rm(runDir, { recursive: true, force: true })
    },
  }
}

let lastVni = 4095 + Math.floor(Math.random() * 1_000_000)

/** A subnet whose gateway is known. */
export type TestSubnet = SubnetSpec & { readonly gateway: string }

/** The subnet of a routed network, in a VPC of its own unless told. */
export const aSubnet = (overrides: Partial<TestSubnet> = {}): TestSubnet => ({
  routerId: `vpc-${unique()}`,
  cidr: '172.16.1.0/24',
  gateway: '172.16.1.1',
  routed: true,
  dhcp: { leaseSeconds: 86_400, dnsServers: [] },
  ...overrides,
})

/** A routed network; `subnet: undefined` makes a bare one. */
export function aNetwork(overrides: Partial<Omit<NetworkSpec, 'subnet'>> & { subnet?: SubnetSpec | undefined } = {}) {
  lastVni += 1
  const spec = { id: `net-${unique()}`, vni: lastVni, mtu: 1450, subnet: aSubnet(), ...overrides }
  const { subnet: chosen, ...bare } = spec
  return (chosen === undefined ? bare : { ...bare, subnet: chosen }) as NetworkSpec & { subnet: TestSubnet }
}

/** A MAC as the control plane draws them. */
export const aMac = (): string => `52:54:${unique().match(/../g)?.join(':')}`

/** A NIC in slot `slot` with the address .`host` of a network. */
export function aNic(network: NetworkSpec, slot: number, host = slot + 2): GuestNic {
  const mac = aMac()
  const { subnet } = network
  const base = subnet?.cidr.replace(/\.0\/.*$/, '')
  const bare = { mac, slot, tap: tapName(mac), mtu: network.mtu }
  return {
    ...bare,
    ...(subnet && { address: `${base}.${host}/24` }),
    ...(subnet?.gateway !== undefined && { gateway: subnet.gateway }),
  }
}

/** The tap of a NIC. */
export const tapOf = (network: NetworkSpec, nic: GuestNic, device: TapSpec['device'] = { kind: 'tap' }): TapSpec => ({
  mac: nic.mac,
  vni: network.vni,
  mtu: network.mtu,
  device,
})

/** The DHCP entry of a NIC that has an address. */
export const hostOf = (nic: GuestNic): DhcpHost => ({
  mac: nic.mac,
  address: nic.address?.split('/')[0] ?? '',
  primary: nic.slot === 0,
})

/** Runs `ip -n <netns> …` and gives what it printed. */
export const ip = async (netns: string, ...args: string[]): Promise<string> =>
  (await runCommand('ip', ['-n', netns, ...args])).stdout

/** Everything in a namespace that must stay the same when nothing was to do; counters and timers left out. */
export async function slate(netns: string): Promise<unknown> {
  const links = JSON.parse(await ip(netns, '-j', '-d', 'addr')) as Record<string, unknown>[]
  return links
    .map(({ ifname, ifindex, ifalias, mtu, master, address, flags, group, addr_info }) => ({
      ...{ ifname, ifindex, ifalias, mtu, master, address, group, up: (flags as string[]).includes('UP') },
      addresses: (addr_info as { local?: string }[]).map(({ local }) => local),
    }))
    .sort((a, b) => String(a.ifname).localeCompare(String(b.ifname)))
}

/** One ping; true when it is answered within a second. */
export async function pingsOnce(netns: string, address: string): Promise<boolean> {
  const { exitCode } = await inside(netns, 'busybox', 'ping', '-c', '1', '-W', '1', address)
  return exitCode === 0
}

/**
 * Pings until there is an answer. A bridge port forwards a moment after its other end is up; the ARP request that is
 * lost in this moment is repeated a second later.
 */
export const pings = (netns: string, address: string): Promise<boolean> =>
  holdsWithin(5_000, 20, () => pingsOnce(netns, address))

/** Runs a program in a namespace, whatever its exit code. */
export const inside = (netns: string, file: string, ...args: string[]): Promise<CommandOutput> =>
  runInNamespace(netns, file, args, { allowFailure: true })
