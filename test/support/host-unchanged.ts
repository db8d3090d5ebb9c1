/**
 * Holds a whole run of kernel tests to it that the host outside our namespaces is the same afterwards: interfaces with
 * their addresses, routes, policy rules, firewall. Vitest calls this once before the run, and what it returns after it.
 */
import { runCommand } from '../../src/workers/host/run-command.ts'
import { whyNotOnThisKernel } from './needs-root.ts'

const SHOWN = [
  ['ip', '-br', 'link'],
  ['ip', '-br', 'addr'],
  ['ip', 'route', 'show', 'table', 'all'],
  ['ip', '-6', 'route', 'show', 'table', 'all'],
  ['ip', 'rule'],
  ['tc', 'qdisc', 'show'],
  ['nft', '-s', 'list', 'ruleset'],
] as const

/** What of the host must not change. Counters left out. */
export async function hostFingerprint(): Promise<string> {
  const shown: string[] = []
  for (const [file, ...args] of SHOWN) {
    const { stdout } = await runCommand(file, args)
    shown.push(`$ ${[file, ...args].join(' ')}\n${stdout}`)
  }
  return shown.join('\n')
}

export default async function setup(): Promise<() => Promise<void>> {
  if (whyNotOnThisKernel() !== undefined) return async () => undefined
  const before = await hostFingerprint()
  return async () => {
    const after = await hostFingerprint()
    if (after === before) return
    process.exitCode = 1 // what is thrown here Vitest prints, and takes the run for passed
    throw new Error(`the tests changed the host.\n--- before\n${before}\n--- after\n${after}`)
  }
}
