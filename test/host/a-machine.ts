/** A machine as a tenant would bring it: its card has its MAC and nothing else, the rest it asks for. */
import { readFile, rm, writeFile } from 'node:fs/promises'

import type { GuestNic } from '../../src/workers/guests/guest.ts'
import type { NetworkSpec } from '../../src/workers/host/specs.ts'
import { inside, ip, type TestDataPlane, tapOf, unique } from './a-data-plane.ts'

export interface Machine {
  /** Its namespace. */
  readonly id: string
  /**
   * What a DHCP client is told, as its script sees it; `undefined` when nobody answers it.
   * @param options - numbers of options to ask for besides the usual ones.
   */
  asks(tries?: number, options?: readonly number[]): Promise<Record<string, string> | undefined>
  /** Asks, and takes the address it is given. */
  takesAddress(): Promise<void>
  /** Addresses that a name has, or the names of an address; empty when the name server does not tell. */
  resolves(name: string, server?: string): Promise<string[]>
  dispose(): Promise<void>
}

/** Plugs a card in as `eth0` of a namespace of its own, which the caller disposes of. */
export async function aMachine(world: TestDataPlane, network: NetworkSpec, nic: GuestNic): Promise<Machine> {
  const id = `i-${unique()}`
  await world.plane.ensureTaps([tapOf(network, nic, { kind: 'veth', netns: id, ifName: 'eth0' })])
  await ip(id, 'link', 'set', 'dev', 'eth0', 'address', nic.mac, 'up')
  const script = `${world.runDir}/${id}.sh`
  await writeFile(script, '#!/bin/sh\n[ "$1" = bound ] && env > "$0.out"\nexit 0\n', { mode: 0o755 })

  const asks = async (tries = 3, options: readonly number[] = []) => {
    await rm(`${script}.out`, { force: true })
    const wanted = options.flatMap((option) => ['-O', `${option}`])
    const flags = ['-i', 'eth0', '-n', '-q', '-f', '-t', `${tries}`, '-T', '1', ...wanted, '-s', script]
    await inside(id, 'busybox', 'udhcpc', ...flags)
    const text = await readFile(`${script}.out`, 'utf8').catch(() => undefined)
    return text === undefined
      ? undefined
      : Object.fromEntries(text.split('\n').map((line) => [line.split('=')[0], line.replace(/^[^=]*=/, '')]))
  }
  return {
    id,
    asks,
    takesAddress: async () => {
      const told = await asks()
      if (!told) throw new Error(`${nic.mac} was given no address`)
      await ip(id, 'addr', 'replace', `${told.ip}/${told.mask}`, 'dev', 'eth0')
      if (told.router) await ip(id, 'route', 'replace', 'default', 'via', told.router)
    },
    resolves: async (name, server = network.subnet?.gateway ?? '') => {
      const { stdout } = await inside(id, 'busybox', 'nslookup', name, server)
      // Above the first empty line is the name server itself.
      return [...stdout.replace(/^.*?\n\n/s, '').matchAll(/(?:^Address: ?|name = )(\S+)/gm)].map(
        ([, found = '']) => found,
      )
    },
    dispose: async () => {
      await ip(id, 'netns', 'delete', id)
    },
  }
}
