/** In words, for all who look and listen: what is carried over a patch panel, and what letting go would do. */
import type { Nic, Server } from '../../api/client.ts'
import type { Words } from '../../text/language.tsx'
import { problems } from '../../text/problems.ts'
import { servers } from '../../text/servers.ts'
import { nicName } from './nic-name.ts'
import { firstFree } from './slots.ts'

export interface Dragged {
  readonly nic: Nic
  /** It is in a slot; otherwise it lies in the tray. */
  readonly isPlugged: boolean
}

/** Over the panel but over none of its slots: a card goes to the first free one. */
export const ANYWHERE = 'anywhere'
export const TRAY = 'tray'
export type Place = number | typeof ANYWHERE | typeof TRAY

interface Carried {
  readonly dragged: Dragged
  /** What it is held over. */
  readonly place: Place | undefined
  readonly slots: ReadonlyMap<number, Nic>
}

export function whatHappens(t: Words['t'], { dragged, place, slots }: Carried): string {
  const nic = nicName(dragged.nic)
  if (dragged.isPlugged) {
    if (place === TRAY) return t(servers.dropTray)
    const isElsewhere = typeof place === 'number' && place !== dragged.nic.slot
    return t(isElsewhere ? servers.whyMove : servers.dragUsed, { nic })
  }
  if (place === ANYWHERE) {
    const slot = firstFree(slots)
    return slot === undefined ? t(problems.server_full) : t(servers.dropHere, { slot: String(slot) })
  }
  if (typeof place !== 'number') return t(servers.dragFree, { nic })
  const taken = slots.get(place)
  if (taken) return t(servers.whyTaken, { slot: String(place), nic: nicName(taken) })
  return place === 0 ? t(servers.whyPrimary) : t(servers.dropHere, { slot: String(place) })
}

/** When nothing is carried. */
export const restingWords = ({ state }: Pick<Server, 'state'>) =>
  state === 'stopped' ? servers.offline : servers.panelHint
