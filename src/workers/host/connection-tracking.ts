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
  throw new HostCommandError(`${command.join(' ')} in ${netns}: ${stderr.trim()}`, { command, exitCode, stderr })
}

/** Forgets every connection of a namespace. */
export async function forgetAllConnections(netns: string): Promise<void> {
  await runInNamespace(netns, 'conntrack', ['-F'])
}
