import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { canonicalJson } from '../canonical-json.ts'
import type { NicObservation } from '../jobs/work-order.ts'
import type { ControlPlane } from './control-plane.ts'
import { findLinks } from './host/links.ts'
import { tapName } from './host/names.ts'
import { observation, type ServerWork } from './host-work.ts'
import { guestNic } from './placement.ts'
import type { Servers } from './servers.ts'

/** A guest takes a moment for DHCP after it has the card: look often at first, then seldom, then leave it. */
const PAUSES_MS = [0, 100, 200, 400, 800, 1500, 3000, 6000, 10_000, 20_000]

/** Reports what guests show of their cards, until each shows the address it should have. */
export class Observer {
  readonly #control: ControlPlane
  readonly #servers: Servers
  readonly #log: Logger
  readonly #closed = new AbortController()
  readonly #told = new Map<string, string>()
  readonly #watching = new Map<string, AbortController>()

  constructor(control: ControlPlane, servers: Servers, log: Logger) {
    this.#control = control
    this.#servers = servers
    this.#log = log
  }

  /** Follows the cards of a server in the background; a later call for the same server takes over. */
  follow(work: ServerWork): void {
    this.#watching.get(work.server.id)?.abort()
    if (work.cards.length === 0 || this.#closed.signal.aborted) return
    const watch = new AbortController()
    this.#watching.set(work.server.id, watch)
    this.#follow(work, AbortSignal.any([watch.signal, this.#closed.signal]))
      .catch((error: unknown) => {
        if (!this.#closed.signal.aborted) this.#log.debug({ err: error }, 'observation ended early')
      })
      .finally(() => {
        if (this.#watching.get(work.server.id) === watch) this.#watching.delete(work.server.id)
      })
  }

  async #follow(work: ServerWork, signal: AbortSignal): Promise<void> {
    for (const pause of PAUSES_MS) {
      if (pause > 0) await sleep(pause, undefined, { signal })
      const seen = await this.#servers.locked(work.server.id, () => look(work))
      if (signal.aborted) return
      await this.tell(seen)
      if (seen.every((one) => isComplete(one, work))) return
    }
  }

  /** Sends those observations that differ from what was sent last. */
  async tell(seen: readonly NicObservation[]): Promise<void> {
    const fresh = seen.filter((one) => this.#told.get(one.id) !== canonicalJson(one))
    if (fresh.length === 0) return
    await this.#control.observe(fresh)
    for (const one of fresh) this.#told.set(one.id, canonicalJson(one))
  }

  /** A card has left: what was last seen of it is not to be compared with any more. */
  forget(mac: string): void {
    this.#told.delete(mac)
  }

  close(): void {
    this.#closed.abort()
  }
}

/** What kernel and guest show of a server's cards now. */
export async function look({ plane, guest, cards }: ServerWork): Promise<NicObservation[]> {
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
