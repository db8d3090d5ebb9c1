/**
 * The files that tell dnsmasq a network's hosts: text in, text out.
 *
 * Which NICs are primary, and which have options of their own, is told by tags in `dhcp-mac` lines, read at the start
 * only, and not by `set:` in the hosts file, which could be changed while it runs: since 2.86 (2.90 too) dnsmasq links
 * the tags of a host entry to variables on its stack when it answers that host, and aborts in free() when it next
 * reads the hosts file again.
 * @see https://github.com/imp/dnsmasq/pull/20
 */
import { isIPv4, isIPv6 } from 'node:net'

import type { DhcpHost } from './specs.ts'

/** Text of each file. */
export interface HostFiles {
  readonly hosts: string
  readonly tags: string
  readonly options: string
  readonly names: string
}

const MAC = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/
const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i

/** Tag of the hosts that have options of their own: one for each. */
const optionsTag = (mac: string): string => mac.replaceAll(':', '')

const hasOptions = ({ options = {} }: DhcpHost): boolean => Object.keys(options).length > 0

/**
 * Refuses what could be read as more than the one value that it is.
 * @throws {RangeError}
 */
function assertPlain({ mac, address, ipv6Address, name, options = {} }: DhcpHost): void {
  if (!MAC.test(mac)) throw new RangeError(`"${mac}" is not a MAC`)
  if (!isIPv4(address)) throw new RangeError(`"${address}" is not an IPv4 address`)
  if (ipv6Address !== undefined && (!isIPv6(ipv6Address) || ipv6Address.includes('%'))) {
    throw new RangeError(`"${ipv6Address}" is not an IPv6 address`)
  }
  if (name !== undefined && !LABEL.test(name)) throw new RangeError(`"${name}" is not a host name`)
  for (const [number, value] of Object.entries(options)) {
    if (!/^[1-9]\d{0,2}$/.test(number) || Number(number) > 254) throw new RangeError(`DHCP has no option ${number}`)
    // Printable ASCII; without quotes, escapes and comments, which dnsmasq would take out.
    if (!/^[ -~]*$/.test(value) || /["\\]| #/.test(value)) {
      throw new RangeError(`${JSON.stringify(value)} cannot be the value of DHCP option ${number}`)
    }
  }
}

const hostLine = ({ mac, address, ipv6Address, name }: DhcpHost): string =>
  [
    mac,
    address,
    ...(ipv6Address === undefined ? [] : [`[${ipv6Address}]`]),
    ...(name === undefined ? [] : [name]),
  ].join()
const nameLines = ({ address, ipv6Address, name }: DhcpHost): string[] =>
  name === undefined
    ? []
    : [address, ...(ipv6Address === undefined ? [] : [ipv6Address])].map((own) => `${own} ${name}`)

/** The tags that a host needs, as lines. */
const tagLines = (host: DhcpHost): string[] => [
  ...(host.primary ? [`dhcp-mac=set:primary,${host.mac}`] : []),
  ...(hasOptions(host) ? [`dhcp-mac=set:${optionsTag(host.mac)},${host.mac}`] : []),
]

const optionLines = ({ mac, options = {} }: DhcpHost): string[] =>
  Object.entries(options).map(([number, value]) => `tag:${optionsTag(mac)},${number}${value === '' ? '' : `,${value}`}`)

/**
 * Text of the files for these hosts. Sorted: the same hosts give the same text.
 * @throws {RangeError} when a value could be read as more than it is.
 */
export function renderHostFiles(hosts: Iterable<DhcpHost>): HostFiles {
  const all = [...hosts]
  for (const host of all) assertPlain(host)
  const text = (lines: string[]) =>
    lines
      .sort()
      .map((line) => `${line}\n`)
      .join('')
  return {
    hosts: text(all.map(hostLine)),
    tags: text(all.flatMap(tagLines)),
    options: text(all.flatMap(optionLines)),
    names: text(all.flatMap(nameLines)),
  }
}

/**
 * Reads the hosts back, by MAC; lines that are not ours are passed over. A name that is not answered, and an option
 * whose tag is missing, are not counted as the host's. There may be more tags than hosts.
 */
export function parseHostFiles(files: HostFiles): Map<string, DhcpHost> {
  const tags = new Set(files.tags.split('\n'))
  const names = new Set(files.names.split('\n'))
  const isAnswered = (host: DhcpHost) => nameLines(host).every((line) => names.has(line))
  const options = new Map<string, Record<string, string>>()
  for (const line of files.options.split('\n')) {
    const [, tag, number, value = ''] = /^tag:([0-9a-f]{12}),(\d+)(?:,(.*))?$/.exec(line) ?? []
    if (tag && number) options.set(tag, { ...options.get(tag), [number]: value })
  }
  const hosts = new Map<string, DhcpHost>()
  for (const line of files.hosts.split('\n')) {
    const [, mac, address, ipv6Address, name] =
      /^([0-9a-f:]{17}),([0-9.]+)(?:,\[([0-9a-f:.]+)\])?(?:,([^,]+))?$/i.exec(line) ?? []
    if (!mac || !address) continue
    const addresses = { address, ...(ipv6Address !== undefined && { ipv6Address }) }
    const own = tags.has(`dhcp-mac=set:${optionsTag(mac)},${mac}`) ? options.get(optionsTag(mac)) : undefined
    hosts.set(mac, {
      mac,
      ...addresses,
      primary: tags.has(`dhcp-mac=set:primary,${mac}`),
      ...(name !== undefined && isAnswered({ mac, primary: false, ...addresses, name }) && { name }),
      ...(own && { options: own }),
    })
  }
  return hosts
}

/**
 * True when a server that has read these tags can serve these hosts. A tag too many does no harm unless it makes a
 * NIC the primary one: a MAC that is no host is told nothing, and options that are no longer there neither.
 */
export function tagsSuffice(tags: string, hosts: Iterable<DhcpHost>): boolean {
  const have = new Set(tags.split('\n'))
  return [...hosts].every(
    (host) =>
      tagLines(host).every((line) => have.has(line)) && (host.primary || !have.has(`dhcp-mac=set:primary,${host.mac}`)),
  )
}

/** True when two hosts are told the same. */
export function isSameHost(a: DhcpHost, b: DhcpHost | undefined): boolean {
  const key = (host: DhcpHost) => JSON.stringify([hostLine(host), tagLines(host), optionLines(host).sort()])
  return b !== undefined && key(a) === key(b)
}
