/** The slots of a server as its patch panel shows them. */
import type { Nic, Server } from '../../api/client.ts'

/** Slot 0 is the primary NIC's, which comes with a network; 1 to 63 take any. */
export const SLOTS = 64
export const SLOT_NUMBERS: readonly number[] = Array.from({ length: SLOTS }, (_, slot) => slot)

/** `failed`: it is in use, and the last attempt to take it out did not succeed. */
export type SlotLook = 'free' | 'in_use' | 'busy' | 'failed'

/** What was asked for here, and is shown before the service has told that it began. */
export interface Move {
  readonly nic: Nic
  readonly slot: number
  readonly state: 'attaching' | 'detaching'
}

export const lookOf = ({ state, last_error }: Pick<Nic, 'state' | 'last_error'>): SlotLook => {
  switch (state) {
    case 'available':
      return 'free'
    case 'attaching':
    case 'detaching':
      return 'busy'
    case 'in_use':
      return last_error === null ? 'in_use' : 'failed'
  }
}

/**
 * The moves that the service has not told of yet: a NIC that it has moved has a later generation, and one that has left is
 * no longer among the server's. A free one need not be among those that were read.
 */
export const untold = (moves: readonly Move[], nics: readonly Nic[], free: readonly Nic[]): readonly Move[] =>
  moves.filter(({ nic, state }) => {
    const there = nics.find(({ id }) => id === nic.id)
    if (state === 'detaching') return there !== undefined && there.generation <= nic.generation
    const now = there ?? free.find(({ id }) => id === nic.id)
    return now === undefined || now.generation <= nic.generation
  })

/** Who is in each slot, with the moves that were asked for here. The NICs that do not move are the same objects. */
export function nicsBySlot(nics: readonly Nic[], moves: readonly Move[]): ReadonlyMap<number, Nic> {
  const moved = new Set(moves.map(({ nic }) => nic.id))
  return new Map([
    ...nics.flatMap((nic) => (nic.slot === null || moved.has(nic.id) ? [] : [[nic.slot, nic] as const])),
    ...moves.map(({ nic, slot, state }) => [slot, { ...nic, slot, state, last_error: null }] as const),
  ])
}

/** The slot that the service takes when none is named; `undefined`: there is none. */
export const firstFree = (taken: ReadonlyMap<number, Nic>): number | undefined =>
  SLOT_NUMBERS.slice(1).find((slot) => !taken.has(slot))

/** Whether a server is in a state in which cards are plugged and unplugged. */
export const takesCards = ({ state }: Pick<Server, 'state'>): boolean => state === 'running' || state === 'stopped'

/** Colours of cables, one for a network: far apart for the first, and always the same for the same networks. */
export const cableHue = (index: number): number => (205 + index * 67) % 360
