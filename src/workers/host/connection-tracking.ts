/**
 * Has the kernel forget connections, so that their next packet begins a new one under the rules that are in force now.
 */
import { HostCommandError, runInNamespace } from './run-command.ts'

/**
 * Forgets the connections of elastic IPs and forwarded ports.
 * @param keys - elements of the type `ipv4_addr . inet_proto . inet_service`: `203.0.113.7 . tcp . 443` is every
 *   connection to this port, `203.0.113.7 . ip . 0` everything to and from this address.
 * @see conntrack(8): `-d` is where a connection was first sent to, `-q` where its answers are sent to.
 */
export async function forgetConnections(netns: string, keys: readonly string[]): Promise<void> {
  for (const key of keys) {
    const [address = '', protocol = '', port = ''] = key.split(' . ')
    if (protocol === 'ip') {
      await forget(netns, ['-d', address])
      await forget(netns, ['-q', address])
    } else {
      await forget(netns, ['-p', protocol, '-d', address, '--dport', port])
    }
  }
}

async function forget(netns: string, filter: readonly string[]): Promise<void> {
  const command = ['conntrack', '-D', ...filter] as const
  const { exitCode, stderr } = await runInNamespace(netns, command[0], command.slice(1), { allowFailure: true })
  // It fails when there was nothing to delete.
  if (exitCode === 0 || stderr.includes(' 0 flow entries ')) return
  // It gives up at a connection that has ended, or that another of these commands was quicker with.
  if (stderr.includes("such conntrack doesn't exist")) return forget(netns, filter)
  throw new HostCommandError(`${command.join(' ')} in ${netns}: ${stderr.trim()}`, { command, exitCode, stderr })
}

/** An address in a zone of connection tracking. */
export interface ZonedAddress {
  readonly zone: number
  readonly address: string
}

/** Commands at a time: each looks through the whole table. */
const PARALLEL = 4

/**
 * Forgets every connection from and to these addresses, where no addresses are translated. Takes one process for each
 * zone to see whose connections there are, and one or two for each address that has any.
 */
export async function forgetAddresses(netns: string, addresses: readonly ZonedAddress[]): Promise<void> {
  const filters: string[][] = []
  for (const zone of new Set(addresses.map((one) => one.zone))) {
    const ends = await endsOf(netns, zone)
    for (const { address } of addresses.filter((one) => one.zone === zone)) {
      const inZone = ['-f', address.includes(':') ? 'ipv6' : 'ipv4', '-w', String(zone)]
      if (ends.from.has(address)) filters.push([...inZone, '-s', address])
      if (ends.to.has(address)) filters.push([...inZone, '-d', address])
    }
  }
  for (let at = 0; at < filters.length; at += PARALLEL) {
    await Promise.all(filters.slice(at, at + PARALLEL).map((filter) => forget(netns, filter)))
  }
}

/** Who has begun connections of a zone, and with whom; IPv6 as RFC 5952 writes it. */
async function endsOf(netns: string, zone: number): Promise<{ from: Set<string>; to: Set<string> }> {
  const { stdout } = await runInNamespace(netns, 'conntrack', ['-L', '-w', String(zone)])
  const ends = { from: new Set<string>(), to: new Set<string>() }
  for (const [, from = '', to = ''] of stdout.matchAll(/^.*? src=(\S+) dst=(\S+)/gm)) {
    ends.from.add(from)
    ends.to.add(to)
  }
  return ends
}

/** Forgets every connection of a namespace. */
export async function forgetAllConnections(netns: string): Promise<void> {
  await runInNamespace(netns, 'conntrack', ['-F'])
}
