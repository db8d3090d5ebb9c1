/**
 * What is beyond a hypervisor, in namespaces: one that stands for the hypervisor's own, with its interface `eth1`, and
 * behind that a segment with one machine on it, which is also the segment's gateway.
 */
import { randomBytes } from 'node:crypto'
import { type CommandOutput, runCommand, runInNamespace } from '../../src/workers/host/run-command.ts'

/** Public addresses of the segment, and one private range that a bridged network joins. */
export const SEGMENT = {
  cidr: '203.0.113.0/24',
  gateway: '203.0.113.1',
  lan: '192.168.77.0/24',
  machine: '192.168.77.1',
}

export interface Outside {
  /** Namespace of the hypervisor's own interfaces. */
  readonly hostNetns: string
  /** Namespace of the machine on the segment: 203.0.113.1 and 192.168.77.1. */
  readonly machine: string
  /** What the service is told of it. */
  readonly environment: Record<string, string>
  /** Runs a program on the machine, whatever its exit code. */
  run(program: string, ...args: string[]): Promise<CommandOutput>
  dispose(): Promise<void>
}

export async function anOutside(): Promise<Outside> {
  const id = randomBytes(4).toString('hex')
  const hostNetns = `pbh-${id}`
  const machine = `pbs-${id}`
  for (const netns of [hostNetns, machine]) await runCommand('ip', ['netns', 'add', netns])
  const ip = (netns: string, ...args: string[]) => runCommand('ip', ['-n', netns, ...args])
  await ip(hostNetns, 'link', 'add', 'eth1', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', machine)
  await ip(hostNetns, 'link', 'set', 'eth1', 'up')
  await ip(machine, 'link', 'set', 'lo', 'up')
  await ip(machine, 'link', 'set', 'eth0', 'up')
  for (const address of [`${SEGMENT.gateway}/24`, `${SEGMENT.machine}/24`]) {
    await ip(machine, 'addr', 'add', address, 'dev', 'eth0')
  }
  return {
    hostNetns,
    machine,
    environment: { PATCHBAY_INTERFACES: 'eth1', PATCHBAY_INTERFACES_NETNS: hostNetns },
    run: (program, ...args) => runInNamespace(machine, program, args, { allowFailure: true }),
    dispose: async () => {
      for (const netns of [machine, hostNetns]) await runCommand('ip', ['netns', 'delete', netns])
    },
  }
}
