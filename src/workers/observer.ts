import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { NicObservation } from '../jobs/work-order.ts'
import type { ControlPlane } from './control-plane.ts'
import { findLinks } from './host/links.ts'
import { tapName } from './host/names.ts'
import { observation, type ServerWork } from './host-work.ts'
import { guestNic } from './placement.ts'
import type { Servers } from './servers.ts'

/** A guest takes a moment for DHCP after it has the card: look often at first, then seldom, then leave it. */
const PAUSES_MS = [0, 100, 200, 400, 800, 1500, 3000, 6000, 10_000, 20_000]

/**
 * Reports what guests show of their cards after each attach, until each shows the address it should have. Every attach is
 * followed by itself, so that one does not end the watch over another; the control plane keeps what is new.
 */
export class Observer {
  readonly #control: ControlPlane
  readonly #servers: Servers
  readonly #log: Logger
  readonly #closed = new AbortController()

  constructor(control: ControlPlane, servers: Servers, log: Logger) {
    this.#control = control
    this.#servers = servers
    this.#log = log
  }

  /** Follows cards of a server in the background. */
  follow(work: ServerWork): void {
    this.#follow(work).catch((error: unknown) => {
      if (!this.#closed.signal.aborted) this.#log.debug({ err: error }, 'observation ended early')
    })
  }

  async #follow(work: ServerWork): Promise<void> {
    let cards = work.cards
    for (const pause of PAUSES_MS) {
      if (cards.length === 0) return
      if (pause > 0) await sleep(pause, undefined, { signal: this.#closed.signal })
      const seen = await this.#servers.locked(work.server.id, () => look({ ...work, cards }))
      if (this.#closed.signal.aborted) return
      await this.#control.observe(seen.filter(({ host }) => host !== null))
      // A card whose tap is gone was detached meanwhile; one that is complete needs no second look.
      cards = cards.filter(({ nic }) =>
        seen.some((one) => one.id === nic.id && one.host !== null && !isComplete(one, work)),
      )
    }
  }

  close(): void {
    this.#closed.abort()
  }
}

/** What kernel and guest show of a server's cards now. */
async function look({ plane, guest, cards }: ServerWork): Promise<NicObservation[]> {
  const names = cards.map(({ nic }) => tapName(nic.id))
  const [links, inside] = await Promise.all([findLinks(plane.netns, names), guest.look().catch(() => undefined)])
  return cards.map(({ nic }) => observation(nic.id, links.get(tapName(nic.id)), inside))
}

function isComplete({ id, guest }: NicObservation, { cards }: ServerWork): boolean {
  const card = cards.find(({ nic }) => nic.id === id)
  if (!card || !guest) return false
  const { address } = guestNic(card)
  return address === undefined || guest.addresses.includes(address)
}

/** Whether the job itself has seen all there is to see. */
export const isObserved = (work: ServerWork): boolean =>
  work.observed.length === work.cards.length && work.observed.every((one) => isComplete(one, work))
