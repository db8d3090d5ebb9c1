/**
 * What dnsmasq is told for one network, and the files it keeps: text in, text out.
 *
 * Which NICs are primary is told by `dhcp-mac` lines, read at the start only, and not by `set:` in the hosts file,
 * which could be changed while it runs: since 2.86 (2.90 too) dnsmasq links the tags of a host entry to variables on
 * its stack when it answers that host, and aborts in free() when it next reads the hosts file again.
 * @see https://github.com/imp/dnsmasq/pull/20
 */
import type { DhcpHost, NetworkSpec, SubnetSpec } from './specs.ts'

/** Files of one network's DHCP server. */
export interface DhcpFiles {
  readonly directory: string
  readonly config: string
  readonly hosts: string
  readonly primaries: string
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
    primaries: `${directory}/primaries.conf`,
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
}

/**
 * Configuration of a network's DHCP server. The same input always gives the same text, which is how a running server
 * with another configuration is told apart.
 * @see dnsmasq(8)
 */
export function dhcpConfig(files: DhcpFiles, network: NetworkSpec, subnet: SubnetSpec, binding: DhcpBinding): string {
  const lines = [
    `# network ${network.id} of ${subnet.vpcId}, ${binding.router}, interface ${binding.ifIndex}`,
    'port=0', // no DNS
    'no-resolv',
    'no-hosts',
    'no-ping', // addresses are handed out by the control plane, there is nothing to find out
    'quiet-dhcp',
    `interface=${binding.ifName}`,
    'bind-interfaces',
    'except-interface=lo',
    ...(binding.asRoot ? ['user=root'] : []),
    // Static: hosts alone get an address, and only theirs. Nobody else is even answered.
    `dhcp-range=${subnet.cidr.split('/')[0]},static,${netmask(subnet.cidr)},24h`,
    'dhcp-ignore=tag:!known',
    'dhcp-authoritative',
    // A NIC is its MAC. Cloned machines share a client id, and would share a lease.
    'dhcp-ignore-clid',
    // Forced: few clients ask for the MTU, all of them need it.
    `dhcp-option-force=option:mtu,${network.mtu}`,
    `dhcp-option=tag:primary,option:router,${subnet.gateway}`,
    'dhcp-option=tag:!primary,option:router', // empty: dnsmasq would name itself
    `conf-file=${files.primaries}`,
    `dhcp-hostsfile=${files.hosts}`,
    `dhcp-leasefile=${files.leases}`,
    `pid-file=${files.pid}`,
  ]
  return `${lines.join('\n')}\n`
}

/** Reads the VPC's id back from a configuration; `undefined` when it is none of ours. */
export const vpcOfConfig = (config: string): string | undefined => /^# network \S+ of (\S+),/.exec(config)?.[1]

/** Text of the hosts file. Sorted: the same hosts give the same text. */
export const renderHosts = (hosts: Iterable<DhcpHost>): string =>
  [...hosts]
    .map(({ mac, address }) => `${mac},${address}\n`)
    .sort()
    .join('')

/** Text of the file that tags the primary NICs. Sorted: the same hosts give the same text. */
export const renderPrimaries = (hosts: Iterable<DhcpHost>): string =>
  [...hosts]
    .filter(({ primary }) => primary)
    .map(({ mac }) => `dhcp-mac=set:primary,${mac}\n`)
    .sort()
    .join('')

/** Reads the MACs that are tagged as primary back. There may be more of them than hosts. */
export const parsePrimaries = (text: string): Set<string> =>
  new Set(text.split('\n').flatMap((line) => /^dhcp-mac=set:primary,([0-9a-f:]{17})$/.exec(line)?.[1] ?? []))

/** Reads a hosts file back, by MAC; lines that are not ours are passed over. */
export function parseHosts(text: string, primaries: ReadonlySet<string>): Map<string, DhcpHost> {
  const hosts = new Map<string, DhcpHost>()
  for (const line of text.split('\n')) {
    const [, mac, address] = /^([0-9a-f:]{17}),([0-9.]+)$/.exec(line) ?? []
    if (mac && address) hosts.set(mac, { mac, address, primary: primaries.has(mac) })
  }
  return hosts
}

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
