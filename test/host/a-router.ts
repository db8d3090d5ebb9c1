/** VPCs with guests, behind a pretend hypervisor with a segment: what tests of routers need. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'

import { NamespaceGuest } from '../../src/workers/guests/namespace.ts'
import { listLinks } from '../../src/workers/host/links.ts'
import { ensureRouter, isRouterAlright } from '../../src/workers/host/router.ts'
import { runInNamespace } from '../../src/workers/host/run-command.ts'
import type { ElasticIpSpec, NetworkSpec, RouterSpec } from '../../src/workers/host/specs.ts'
import { Uplinks } from '../../src/workers/host/uplinks.ts'
import { anOutside, type Outside, SEGMENT } from '../support/an-outside.ts'
import { aDataPlane, aNetwork, aNic, aSubnet, inside, ip, type TestDataPlane, tapOf, unique } from './a-data-plane.ts'

export type TestNetwork = ReturnType<typeof aNetwork>

export interface TestGuest {
  /** Its namespace. */
  readonly id: string
  readonly address: string
}

export interface TestVpc {
  readonly id: string
  /** The router's namespace. */
  readonly router: string
  /** Makes the network 172.16.<third>.0/24. */
  network(third: number, overrides?: Partial<NetworkSpec>): Promise<TestNetwork>
  /** Has the router do this and nothing else. */
  ensure(spec?: Partial<RouterSpec>): Promise<void>
  isAlright(spec?: Partial<RouterSpec>): Promise<boolean>
}

export interface RoutedWorld {
  readonly plane: TestDataPlane
  readonly outside: Outside
  readonly uplinks: Uplinks
  vpc(): TestVpc
  /** Starts a guest with one NIC. */
  guest(network: NetworkSpec, host: number): Promise<TestGuest>
  dispose(): Promise<void>
}

/** An elastic IP of the outside's segment. */
export const anElasticIp = (last: number, overrides: Partial<ElasticIpSpec> = {}): ElasticIpSpec => ({
  address: `203.0.113.${last}`,
  cidr: SEGMENT.cidr,
  gateway: SEGMENT.gateway,
  interface: 'eth1',
  ...overrides,
})

export async function aRoutedWorld(): Promise<RoutedWorld> {
  const plane = await aDataPlane()
  const outside = await anOutside()
  const uplinks = new Uplinks({ netns: plane.netns, hostNetns: outside.hostNetns, interfaces: ['eth1', 'br0', 'eth9'] })
  const guests: NamespaceGuest[] = []

  const vpc = (): TestVpc => {
    const id = `vpc-${unique()}`
    const whole = (spec: Partial<RouterSpec>): RouterSpec => ({
      vpcId: id,
      cidr: '172.16.0.0/16',
      routing: true,
      elasticIps: [],
      sourceNat: false,
      portForwardings: [],
      ...spec,
    })
    return {
      id,
      router: `${plane.netns}-${id}`,
      network: async (third, overrides = {}) => {
        const subnet = aSubnet({ routerId: id, cidr: `172.16.${third}.0/24`, gateway: `172.16.${third}.1` })
        const network = aNetwork({ subnet, ...overrides } as Parameters<typeof aNetwork>[0])
        await plane.plane.ensureNetwork(network)
        return network
      },
      ensure: (spec = {}) => ensureRouter(uplinks, whole(spec)),
      isAlright: async (spec = {}) => {
        const links = new Map((await listLinks(plane.netns)).map((link) => [link.name, link]))
        return (
          (await isRouterAlright(plane.netns, whole(spec), links)) &&
          (whole(spec).elasticIps.length === 0 || (await uplinks.inOrder(links)).has('eth1'))
        )
      },
    }
  }

  const guest = async (network: NetworkSpec, host: number): Promise<TestGuest> => {
    const id = `i-${unique()}`
    const made = new NamespaceGuest({ id, dataPlaneNetns: plane.netns })
    guests.push(made)
    const nic = aNic(network, 0, host)
    await plane.plane.ensureTaps([tapOf(network, nic, made.tapDevice(nic))])
    await made.start([nic])
    return { id, address: nic.address?.split('/')[0] ?? '' }
  }

  const dispose = async () => {
    for (const each of guests) await each.stop({ force: true })
    await plane.dispose()
    await outside.dispose()
  }
  return { plane, outside, uplinks, vpc, guest, dispose }
}

interface ShownLink {
  readonly flags: readonly string[]
  readonly addr_info: readonly { readonly local: string; readonly prefixlen: number }[]
  readonly [field: string]: unknown
}

/** Interfaces with their addresses, routes, rules and firewall of a namespace: what others must not change in it. */
export async function hostSlate(netns: string): Promise<unknown[]> {
  const links = JSON.parse(await ip(netns, '-j', '-d', 'addr')) as ShownLink[]
  const shown = links.map(({ ifname, mtu, address, master, ifalias, promiscuity, flags, addr_info }) => ({
    ...{ ifname, mtu, address, master, ifalias, promiscuity, up: flags.includes('UP') },
    addresses: addr_info.map(({ local, prefixlen }) => `${local}/${prefixlen}`),
  }))
  const { stdout: firewall } = await runInNamespace(netns, 'nft', ['list', 'ruleset'])
  return [shown, await ip(netns, '-4', 'route', 'show', 'table', 'all'), await ip(netns, 'rule'), firewall]
}

const PRESENCE = `
const [, port, name] = process.argv
require('node:net')
  .createServer((socket) => socket.on('error', () => {}).end(name + ' sees ' + socket.remoteAddress))
  .listen(Number(port), '0.0.0.0', () => console.log('ready'))`

/**
 * Tells whoever connects to a port in a namespace who is there, and whom it sees: `web sees 203.0.113.1`.
 * @returns how to end it.
 */
export async function aPresence(netns: string, port: number, name: string): Promise<() => void> {
  const server = spawn(
    'nsenter',
    [`--net=/run/netns/${netns}`, '--', process.execPath, '-e', PRESENCE, `${port}`, name],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  await once(server.stdout, 'data')
  return () => void server.kill()
}

/** What is said on a port, `undefined` when there is no connection within a second. */
export async function whoIsAt(fromNetns: string, address: string, port: number): Promise<string | undefined> {
  const { exitCode, stdout } = await inside(fromNetns, 'busybox', 'nc', '-w', '1', address, `${port}`)
  return exitCode === 0 && stdout !== '' ? stdout : undefined
}
