/** Network namespaces of the bench's own, for what is measured without any Patchbay. */
import { randomBytes } from 'node:crypto'
import { runCommand } from '../../src/workers/host/run-command.ts'
import { whenDone } from './cleanup.ts'

/** Makes one that nobody else has; it goes when the measurement ends. @returns its name. */
export async function scratchNetns(): Promise<string> {
  const name = `pbb-${randomBytes(4).toString('hex')}`
  await runCommand('ip', ['netns', 'add', name])
  whenDone(async () => void (await runCommand('ip', ['netns', 'delete', name])))
  return name
}
