/**
 * Asking and telling a segment about addresses, by ARP.
 */
import { setTimeout as delay } from 'node:timers/promises'

import { HostCommandError, runInNamespace } from './run-command.ts'

/** Times after which a probe is sent, in ms: three of them, as RFC 5227 has it, but closer together. */
const PROBES_AT_MS = [0, 300, 600]
const NO_ANSWER = new Error('nobody answered')

/**
 * Asks a segment whether somebody holds an address, without claiming it (RFC 5227: the sender's address is 0.0.0.0, so
 * the interface needs none). Takes some milliseconds when somebody does, 1.6 s when nobody answers.
 * @param ifName - interface on the segment; it must be up.
 * @returns MAC of the holder, lower case, or `undefined`.
 * @throws {HostCommandError} when the probes cannot be sent.
 */
export async function probeAddress(netns: string, ifName: string, address: string): Promise<string | undefined> {
  let found: string | undefined
  const probes = PROBES_AT_MS.map(async (ms) => {
    await delay(ms)
    found ??= await probeOnce(netns, ifName, address)
    if (found === undefined) throw NO_ANSWER // so that an answer alone ends the race before its time
    return found
  })
  try {
    return await Promise.any(probes)
  } catch (error) {
    const refused = (error as AggregateError).errors.find((failure) => failure !== NO_ANSWER)
    if (refused !== undefined) throw refused
    return undefined
  }
}

async function probeOnce(netns: string, ifName: string, address: string): Promise<string | undefined> {
  const args = ['arping', '-D', '-c', '1', '-w', '1', '-I', ifName, address]
  const { exitCode, stdout, stderr } = await runInNamespace(netns, 'busybox', args, { allowFailure: true })
  // 0: nobody answered, 1: somebody did, 2: it could not be sent.
  if (exitCode > 1) {
    const command = ['busybox', ...args]
    throw new HostCommandError(`probing ${address} from ${ifName}: ${stderr.trim()}`, { command, exitCode, stderr })
  }
  return / reply from [\d.]+ \[([0-9a-f:]{17})\]/i.exec(stdout)?.[1]?.toLowerCase()
}

/** Times after which an announcement is repeated, in ms: one may be lost. */
const REPEATED_AFTER_MS = [300, 1_000]

/**
 * Tells a segment that addresses are here now, so that whoever has another MAC for them forgets it: once at once, and
 * twice more without the caller waiting.
 * @param ifName - interface on the segment that has the addresses.
 * @throws {HostCommandError} when an announcement cannot be sent.
 */
export async function announceAddresses(netns: string, ifName: string, addresses: readonly string[]): Promise<void> {
  const announce = () => Promise.all(addresses.map((address) => announceOnce(netns, ifName, address)))
  await announce()
  for (const ms of REPEATED_AFTER_MS) {
    // Refused when the address has gone on meanwhile, for arping binds to it: its next holder is not talked over.
    delay(ms, undefined, { ref: false })
      .then(announce)
      .catch(() => undefined)
  }
}

const announceOnce = (netns: string, ifName: string, address: string) =>
  runInNamespace(netns, 'busybox', ['arping', '-q', '-A', '-c', '1', '-w', '1', '-I', ifName, address])
