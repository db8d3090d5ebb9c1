/**
 * What dnsmasq is told for one network, and the leases it keeps: text in, text out. Its hosts are in
 * `dhcp-host-files.ts`.
 */
import { isIP, isIPv4 } from 'node:net'

import type { NetworkSpec, SubnetSpec } from './specs.ts'

/** Files of one network's dnsmasq. */
export interface DhcpFiles {
  readonly directory: string
  readonly config: string
  /** Who gets which address; read again on SIGHUP. */
  readonly hosts: string
  /** Which MAC has which tags; read at the start only. */
  readonly tags: string
  /** Options by tag; read again on SIGHUP. */
  readonly options: string
  /** Names that it answers by DNS; read again on SIGHUP. */
  readonly names: string
  readonly leases: string
  readonly pid: string
}

/** Where the files of a network's DHCP server stand: `<run dir>/dhcp/<vni hex>/`. */
export function dhcpFiles(runDir: string, vni: number): DhcpFiles {
  const directory = `${runDir}/dhcp/${vni.toString(16)}`
  return {
    directory,
    config: `${directory}/dnsmasq.conf`,
    hosts: `${directory}/hosts`,
    tags: `${directory}/tags.conf`,
    options: `${directory}/options`,
    names: `${directory}/names`,
    leases: `${directory}/leases`,
    pid: `${directory}/pid`,
  }
}

/**
 * Dotted netmask of a CIDR.
 * @throws {RangeError} when it has no prefix length in 0..32.
 */
export function netmask(cidr: string): string {
  const prefix = Number(cidr.split('/')[1] ?? Number.NaN)
  if (!Number.isInteger(prefix) || prefix < 0 || prefix > 32) throw new RangeError(`${cidr} is not an IPv4 CIDR`)
  const bits = prefix === 0 ? 0 : (0xffffffff << (32 - prefix)) >>> 0
  return [24, 16, 8, 0].map((shift) => (bits >>> shift) & 255).join('.')
}

/** What a server is bound to besides the network itself; it must be started afresh when one of these changes. */
export interface DhcpBinding {
  /** Namespace it runs in. */
  readonly router: string
  /** Interface it serves. Its index is part of the text: a socket stays bound to the interface that is gone. */
  readonly ifName: string
  readonly ifIndex: number
  /** Run as root because the unprivileged user could not reach the files. */
  readonly asRoot: boolean
  /** Addresses of the name servers that are asked what is none of our names. Empty: such questions are refused. */
  readonly dnsUpstreams: readonly string[]
}

/**
 * Configuration of a network's DHCP server. The same input always gives the same text, which is how a running server
 * with another configuration is told apart.
 * @throws {RangeError} when an address or the domain is none: it could be read as a setting of its own.
 * @see dnsmasq(8)
 */
export function dhcpConfig(files: DhcpFiles, network: NetworkSpec, subnet: SubnetSpec, binding: DhcpBinding): string {
  const { dhcp } = subnet
  const range = subnet.cidr.split('/')[0]
  const lines = [
    `# network ${network.id} of ${subnet.routerId}, ${binding.router}, interface ${binding.ifIndex}`,
    'no-resolv',
    'no-hosts',
    'no-ping', // addresses are handed out by the control plane, there is nothing to find out
    'quiet-dhcp',
    'quiet-ra',
    `interface=${binding.ifName}`,
    // Bound to the interface's addresses, and unlike bind-interfaces it looks where a question came from: one for the
    // gateway's address that came in from outside is not answered.
    'bind-dynamic',
    'except-interface=lo',
    ...(binding.asRoot ? ['user=root'] : []),
    ...dnsLines(files, subnet, binding),
    // Static: hosts alone get an address, and only theirs. Nobody else is even answered.
    `dhcp-range=${range},static,${netmask(subnet.cidr)},${wholeSeconds(dhcp.leaseSeconds)}`,
    // Our own address is none of the network's there.
    ...(subnet.routed ? [] : [`shared-network=${binding.ifName},${range}`]),
    'dhcp-ignore=tag:!known',
    'dhcp-authoritative',
    // A NIC is its MAC. Cloned machines share a client id, and would share a lease.
    'dhcp-ignore-clid',
    // Forced: few clients ask for the MTU, all of them need it.
    `dhcp-option-force=option:mtu,${network.mtu}`,
    ...gatewayLines(subnet),
    ...nameServerLines(subnet),
    ...advertisementLines(subnet),
    `conf-file=${files.tags}`,
    `dhcp-hostsfile=${files.hosts}`,
    `dhcp-optsfile=${files.options}`,
    `dhcp-leasefile=${files.leases}`,
    `pid-file=${files.pid}`,
  ]
  return `${lines.join('\n')}\n`
}

/** DNS is ours to answer where we are the gateway. */
function dnsLines(files: DhcpFiles, subnet: SubnetSpec, binding: DhcpBinding): string[] {
  const { domain } = subnet.dhcp
  if (domain !== undefined && !/^[a-z0-9-]+(\.[a-z0-9-]+)*$/i.test(domain)) {
    throw new RangeError(`"${domain}" is not a domain`)
  }
  const domainLine = domain === undefined ? [] : [`domain=${domain}`]
  if (!subnet.routed) return ['port=0', ...domainLine]
  return [
    'port=53',
    ...domainLine,
    ...(domain === undefined ? [] : ['expand-hosts']),
    'domain-needed', // a name without a dot is ours or nobody's
    'dhcp-ignore-names', // a guest does not choose a name for itself: it could be another's
    `addn-hosts=${files.names}`,
    ...binding.dnsUpstreams.map((server) => `server=${address(server)}`),
  ]
}

/** The default route is the primary NIC's. Empty where there is none: dnsmasq would name itself. */
const gatewayLines = ({ gateway }: SubnetSpec): string[] =>
  gateway === undefined
    ? ['dhcp-option=option:router']
    : [`dhcp-option=tag:primary,option:router,${address(gateway)}`, 'dhcp-option=tag:!primary,option:router']

/**
 * The name servers that guests are told. Those that were chosen are told to all. Ourselves we name to the primary NIC
 * alone, as with the default route: a machine has one list of name servers, and ours may know nothing of the world.
 */
function nameServerLines({ dhcp, gateway, routed }: SubnetSpec): string[] {
  const chosen = dhcp.dnsServers.map(address)
  const v4 = chosen.filter(isIPv4)
  const v6 = chosen.filter((server) => !isIPv4(server)).map((server) => `,[${server}]`)
  const ours = dhcp.dnsServers.length === 0 && routed && gateway !== undefined
  return [
    ...(ours ? [`dhcp-option=tag:primary,option:dns-server,${gateway}`] : []),
    // Empty where there is none, as above.
    `dhcp-option=${ours ? 'tag:!primary,' : ''}option:dns-server${v4.map((server) => `,${server}`).join('')}`,
    `dhcp-option=option6:dns-server${v6.join('')}`,
  ]
}

/** The prefix and the MTU are told by router advertisement; addresses are the guests' own to form (EUI-64). */
function advertisementLines({ ipv6 }: SubnetSpec): string[] {
  if (ipv6 === undefined) return []
  const [prefix = '', length] = ipv6.cidr.split('/')
  if (length !== '64') throw new RangeError(`${ipv6.cidr}: guests form addresses in a /64 only`)
  return ['enable-ra', `dhcp-range=${address(prefix)},ra-only,64`]
}

function address(text: string): string {
  // A zone (`fe80::1%eth0`) may hold anything.
  if (isIP(text) === 0 || text.includes('%')) throw new RangeError(`"${text}" is not an address`)
  return text
}

function wholeSeconds(seconds: number): number {
  if (!Number.isInteger(seconds) || seconds < 120) throw new RangeError(`a lease of ${seconds} s cannot be given`)
  return seconds
}

/** Reads the router's id back from a configuration; `undefined` when it is none of ours. */
export const routerIdOfConfig = (config: string): string | undefined => /^# network \S+ of (\S+),/.exec(config)?.[1]

/** True when a configuration is of a server that runs as root. */
export const runsAsRoot = (config: string): boolean => config.includes('\nuser=root\n')

/** True when a configuration is of a server that has an address of the network it serves. */
export const isInRange = (config: string): boolean => !config.includes('\nshared-network=')

/** A lease as dnsmasq keeps it. */
export interface Lease {
  readonly mac: string
  readonly address: string
  /** The whole line, to write it back as it was. */
  readonly line: string
}

/**
 * Reads dnsmasq's lease file: expiry (seconds since 1970), MAC, address, host name, client id.
 * @see lease_update_file() in dnsmasq's src/lease.c
 */
export function parseLeases(text: string): Lease[] {
  return text.split('\n').flatMap((line) => {
    const [expiry, mac, address] = line.split(' ')
    return expiry && mac && address && /^\d+$/.test(expiry) ? [{ mac: mac.toLowerCase(), address, line }] : []
  })
}
