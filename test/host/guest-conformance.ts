/**
 * One suite for every kind of guest. Each test has a data plane and a guest of its own.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it } from 'vitest'

import type { Guest, GuestInterface, GuestNic } from '../../src/workers/guests/guest.ts'
import type { NetworkSpec } from '../../src/workers/host/specs.ts'
import { describeOnKernel } from '../support/needs-root.ts'
import { aDataPlane, aNetwork, aNic, hostOf, type TestDataPlane, tapOf, unique } from './a-data-plane.ts'

/** Where a guest is to live. */
export interface GuestPlace {
  /** Id of the server, unlike any other. */
  readonly id: string
  readonly dataPlaneNetns: string
  /** Run directory of the worker; gone after the test. */
  readonly runDir: string
}

export interface ConformanceOptions {
  /** For one test with its boots. Default 30 s. */
  readonly timeoutMs?: number
  /** How long the guest's system may take to show what was plugged (boot and DHCP included). Default 5 s. */
  readonly settleMs?: number
  /** False for a guest whose system configures no addresses. Default true. */
  readonly showsAddresses?: boolean
  /** Pings from within the guest; true when answered. Without it the gateway is not tried. */
  readonly ping?: (place: GuestPlace, address: string) => Promise<boolean>
  /** Programs that the guest needs, each with its Debian package. */
  readonly needs?: Readonly<Record<string, string>>
}

/**
 * Waits until `claim` throws no more.
 * @throws what `claim` threw last when it still does after `timeoutMs`.
 */
export async function settle(timeoutMs: number, claim: () => Promise<void>): Promise<void> {
  const end = performance.now() + timeoutMs
  for (;;) {
    try {
      return await claim()
    } catch (error) {
      if (performance.now() >= end) throw error
    }
    await delay(20)
  }
}

const macs = (nics: readonly { readonly mac: string }[]): string[] => nics.map(({ mac }) => mac).sort()

/**
 * Runs the suite on one kind of guest.
 * @param makeGuest - makes the guest object; called again for the same place, it must find what the first one made,
 *   as a worker does after a restart.
 */
export function guestConformance(
  name: string,
  makeGuest: (place: GuestPlace) => Guest | Promise<Guest>,
  options: ConformanceOptions = {},
): void {
  const { timeoutMs = 30_000, settleMs = 5_000, showsAddresses = true, ping, needs } = options

  describeOnKernel(
    `guest: ${name}`,
    () => {
      let world: TestDataPlane
      let network: NetworkSpec
      let place: GuestPlace
      let guest: Guest

      beforeEach(async () => {
        world = await aDataPlane()
        network = aNetwork()
        place = { id: `i-${unique()}`, dataPlaneNetns: world.netns, runDir: world.runDir }
        guest = await makeGuest(place)
        await world.plane.ensureNetwork(network)
      }, timeoutMs)

      afterEach(async () => {
        await guest.stop({ force: true }).finally(() => world.dispose())
      }, timeoutMs)

      const prepare = async (nics: readonly GuestNic[]) => {
        await world.plane.ensureTaps(nics.map((nic) => tapOf(network, nic, guest.tapDevice(nic))))
        await world.plane.ensureDhcpHosts(network, nics.map(hostOf))
      }
      const plug = async (nics: readonly GuestNic[]) => {
        await prepare(nics)
        await guest.plug(nics)
      }
      const unplug = async (nics: readonly GuestNic[]) => {
        await guest.unplug(nics, { force: false, timeoutMs: settleMs })
        await world.plane.removeTaps(nics)
        await world.plane.removeDhcpHosts(network, macs(nics))
      }
      const start = async (nics: readonly GuestNic[]) => {
        await prepare(nics)
        await guest.start(nics)
        // A machine takes NICs once its system is up, and then it shows those it was started with.
        await shows(nics)
      }
      const expectPlugged = async (nics: readonly GuestNic[]) =>
        expect([...(await guest.plugged())].sort()).toEqual(macs(nics))
      const find = (seen: readonly GuestInterface[] | undefined, { mac }: GuestNic) =>
        seen?.find((other) => other.mac === mac)
      const shows = (nics: readonly GuestNic[]) =>
        settle(settleMs, async () => {
          const seen = await guest.look()
          for (const nic of nics) {
            expect(find(seen, nic), `${nic.mac} in the guest`).toBeDefined()
            if (nic.address && showsAddresses) expect(find(seen, nic)?.addresses).toContain(nic.address)
          }
        })
      const showsNoMore = (nics: readonly GuestNic[]) =>
        settle(settleMs, async () => {
          const seen = await guest.look()
          for (const nic of nics) expect(find(seen, nic), `${nic.mac} in the guest`).toBeUndefined()
        })

      const claim = (text: string, test: () => Promise<void>) => it(text, test, timeoutMs)

      claim('before its start it does not run and has nothing plugged', async () => {
        expect(await guest.isRunning()).toBe(false)
        expect([...(await guest.plugged())]).toEqual([])
        expect(await guest.look()).toBeUndefined()
      })

      claim('starts with its NICs in it, and starting again changes nothing', async () => {
        const nics = [aNic(network, 0), aNic(network, 1)]
        await start(nics)
        expect(await guest.isRunning()).toBe(true)
        await guest.start(nics)
        await expectPlugged(nics)
        await shows(nics)
      })

      claim('a NIC plugged while it runs shows inside, and plugging again changes nothing', async () => {
        const [primary, secondary] = [aNic(network, 0), aNic(network, 1)]
        await start([primary])
        await plug([secondary])
        await expectPlugged([primary, secondary])
        await shows([primary, secondary])
        await plug([secondary])
        await expectPlugged([primary, secondary])
      })

      claim('unplugging takes it out of the guest, and doing so again succeeds', async () => {
        const [primary, secondary] = [aNic(network, 0), aNic(network, 1)]
        await start([primary, secondary])
        await unplug([secondary])
        await expectPlugged([primary])
        await showsNoMore([secondary])
        await unplug([secondary])
        await expectPlugged([primary])
        await shows([primary])
      })

      claim('a slot that was given up takes the next NIC', async () => {
        const [primary, first, next] = [aNic(network, 0), aNic(network, 1), aNic(network, 1, 9)]
        await start([primary])
        for (const round of [first, next, first]) {
          await plug([round])
          await expectPlugged([primary, round])
          await shows([round])
          await unplug([round])
        }
      })

      claim('unplugging by force what never was plugged succeeds', async () => {
        const [primary, never] = [aNic(network, 0), aNic(network, 5)]
        await start([primary])
        await guest.unplug([never], { force: true })
        await expectPlugged([primary])
      })

      claim('takes 64 NICs, and gives 63 back at once', async () => {
        const nics = Array.from({ length: 64 }, (_, slot) => aNic(network, slot))
        await start(nics.slice(0, 1))
        await plug(nics.slice(1))
        await expectPlugged(nics)
        await shows(nics)
        await unplug(nics.slice(1))
        await expectPlugged(nics.slice(0, 1))
        await showsNoMore(nics.slice(1))
      })

      claim('a worker that was restarted finds it as it is', async () => {
        const nics = [aNic(network, 0), aNic(network, 1)]
        await start(nics)
        guest = await makeGuest(place)
        expect(await guest.isRunning()).toBe(true)
        await expectPlugged(nics)
        await unplug(nics.slice(1))
        await expectPlugged(nics.slice(0, 1))
      })

      claim('stops, stops again, and starts again with its NICs', async () => {
        const nics = [aNic(network, 0), aNic(network, 1)]
        await start(nics)
        await guest.stop({ force: true })
        expect(await guest.isRunning()).toBe(false)
        expect([...(await guest.plugged())]).toEqual([])
        await guest.stop({ force: true })
        await start(nics)
        expect(await guest.isRunning()).toBe(true)
        await expectPlugged(nics)
      })

      if (ping) {
        claim('reaches its gateway', async () => {
          await start([aNic(network, 0)])
          await settle(settleMs, async () => expect(await ping(place, '172.16.1.1')).toBe(true))
        })
      }
    },
    needs,
  )
}
