import type { OrderServer } from '../jobs/work-order.ts'
import { GuestAgent } from './guests/guest-agent.ts'
import { runInNamespace } from './host/run-command.ts'
import { agentSocketOf } from './servers.ts'

/** Runs programs inside a guest on this machine, as a person at its console would. For the demo and for tests. */
export interface GuestShell {
  /** @returns what the program printed. @throws Error when it fails, or the guest does not answer. */
  run(program: string, args: readonly string[]): Promise<string>
}

/**
 * A shell in a server of this machine's worker.
 * @param netns - the worker's data plane namespace.
 */
export function shellOf(netns: string, serverId: string, guest: OrderServer['guest']): GuestShell {
  if (guest === 'namespace') {
    return { run: async (program, args) => (await runInNamespace(serverId, program, args)).stdout }
  }
  const socket = agentSocketOf(netns, serverId)
  return {
    run: async (program, args) => {
      const { exitCode, stdout, stderr } = await GuestAgent.session(socket, (agent) => agent.exec(program, args))
      if (exitCode !== 0)
        throw new Error(`${program} ${args.join(' ')} in ${serverId} ended with ${exitCode}: ${stderr}`)
      return stdout
    },
  }
}
