/** What the kernel must be told once before a data plane can be filtered and shaped. */
import { access } from 'node:fs/promises'

import { setSysctls } from './netns.ts'
import { HostCommandError, runCommand, runInNamespace } from './run-command.ts'

const DATA_PLANE_SYSCTLS = {
  // The hypervisor is no host of these networks: bridges and taps are to have no addresses and say nothing by themselves.
  'net.ipv6.conf.all.disable_ipv6': 1,
  'net.ipv6.conf.default.disable_ipv6': 1,
  'net.ipv4.ip_forward': 0,
  // Room for connections is shared by all NICs: what has not been heard of for a day (seconds) is over.
  'net.netfilter.nf_conntrack_tcp_timeout_established': 86_400,
  // So is room for fragments (bytes; seconds that one waits for the others). The filters limit what one NIC may take.
  'net.ipv4.ipfrag_high_thresh': 256 * 1024 * 1024,
  'net.ipv4.ipfrag_time': 3,
  'net.netfilter.nf_conntrack_frag6_high_thresh': 256 * 1024 * 1024,
  'net.netfilter.nf_conntrack_frag6_timeout': 3,
}

/** Frames between ports pass through the IP filters, where security groups are. ARP is filtered by the bridge's own. */
const FILTER_BETWEEN_PORTS = [
  'net.bridge.bridge-nf-call-iptables=1',
  'net.bridge.bridge-nf-call-ip6tables=1',
  'net.bridge.bridge-nf-call-arptables=0',
  'net.bridge.bridge-nf-filter-vlan-tagged=0',
]
const LEAVE_BRIDGES_ALONE = FILTER_BETWEEN_PORTS.map((setting) => setting.replace('=1', '=0'))

/**
 * Loads the kernel modules that are needed, and prepares the namespace of a data plane.
 * @throws when the kernel cannot filter between ports: security groups would let everything pass.
 */
export async function settleKernel(netns: string): Promise<void> {
  await loadModules()
  await setSysctls(netns, DATA_PLANE_SYSCTLS)
  const args = ['-q', '-w', ...FILTER_BETWEEN_PORTS]
  const { exitCode, stderr } = await runInNamespace(netns, 'sysctl', args, { allowFailure: true })
  if (exitCode === 0) return
  const hint = 'security groups need the kernel module br_netfilter (modprobe br_netfilter)'
  throw new Error(`frames between ports cannot be filtered: ${stderr.trim()}; ${hint}`)
}

async function loadModules(): Promise<void> {
  const isThere = await access('/proc/sys/net/bridge').then(
    () => true,
    () => false,
  )
  // It begins by filtering the bridges of the host, which are none of ours: they go on as they were.
  if (!isThere && (await modprobe('br_netfilter'))) await runCommand('sysctl', ['-q', '-w', ...LEAVE_BRIDGES_ALONE])
  // Its settings are there once it is.
  await modprobe('nf_conntrack')
  // By itself it would put ifb0 and ifb1 among the host's devices.
  await modprobe('ifb', 'numifbs=0')
}

/** @returns false when there is no such module, or no modprobe: then it is built in, or whoever needs it will say so. */
async function modprobe(...args: readonly string[]): Promise<boolean> {
  try {
    return (await runCommand('modprobe', ['-q', ...args], { allowFailure: true })).exitCode === 0
  } catch (error) {
    if (error instanceof HostCommandError) return false
    throw error
  }
}
