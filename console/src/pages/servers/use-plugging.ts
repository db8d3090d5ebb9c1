import { useQuery } from '@tanstack/react-query'
import { useCallback, useState } from 'react'
import { attachNic, detachNic, listNics, type Nic, type Server } from '../../api/client.ts'
import { useEvents } from '../../api/live.tsx'
import { wholeList } from '../../api/queries.ts'
import { type Refusal, refusalOf } from '../../api/refusal.ts'
import { useJob } from '../../app/our-jobs.ts'
import { firstFree, type Move, nicsBySlot, untold } from './slots.ts'

/** The tray shows so many free NICs; further ones are found by searching. */
export const MOST_FREE = 500

/** The newest of the NICs that are on no server, by a part of name, address or MAC. */
export const freeNicsQuery = (search: string) =>
  wholeList('nic', { state: 'available', search, most: MOST_FREE }, async () => {
    const { items } = await listNics({ state: 'available', search: search || undefined, limit: MOST_FREE })
    return { items, next_cursor: null }
  })

/** Why a card did not go where it was put. */
export interface Refused {
  readonly nic: Nic
  readonly refusal: Refusal
}

/**
 * Plugging cards into a server and taking them out: they are shown on the way at once, and are back where they were when
 * the service refuses.
 */
export function usePlugging(server: Server, nics: readonly Nic[], search: string) {
  const { data } = useQuery({ ...freeNicsQuery(search), placeholderData: (before) => before })
  const free = data?.items
  const [asked, setAsked] = useState<readonly Move[]>([])
  const [refused, setRefused] = useState<Refused>()
  const forget = (nic: Nic) => setAsked((now) => now.filter((move) => move.nic.id !== nic.id))
  /** Each refusal is caught here, because several cards may be on their way. */
  const refuse = (nic: Nic) => (error: unknown) => {
    forget(nic)
    setRefused({ nic, refusal: refusalOf(error) })
    throw error
  }
  const attach = useJob(({ nic, slot }: { nic: Nic; slot?: number | undefined }, options) =>
    attachNic(nic.id, { server_id: server.id, slot }, options).catch(refuse(nic)),
  )
  const detach = useJob(({ nic, force }: { nic: Nic; force: boolean }, options) =>
    detachNic(nic.id, force ? { force } : {}, options).catch(refuse(nic)),
  )

  // It came to nothing, or has gone: then it need not be in any list that is read here.
  useEvents(
    useCallback(({ type, resource_id: id }) => {
      if (type === 'nic.available' || type === 'nic.deleted')
        setAsked((now) => now.filter(({ nic, state }) => nic.id !== id || state === 'detaching'))
    }, []),
  )

  const moves = untold(asked, nics, free ?? [])
  const slots = nicsBySlot(nics, moves)
  const begin = (move: Move) => {
    setRefused(undefined)
    setAsked((now) => [...now.filter(({ nic }) => nic.id !== move.nic.id), move])
  }
  const gone = new Set([...moves, ...nics.map((nic) => ({ nic }))].map(({ nic }) => nic.id))
  return {
    slots,
    /** `undefined` while they are being read. */
    free: free?.filter(({ id, state }) => state === 'available' && !gone.has(id)),
    refused,
    forgive: () => setRefused(undefined),
    /** @param slot - the lowest free one when absent. */
    plug: (nic: Nic, slot?: number) => {
      const shownIn = slot ?? firstFree(slots)
      // Into a full server too: the service says what it thinks of it.
      if (shownIn === undefined) setRefused(undefined)
      else begin({ nic, slot: shownIn, state: 'attaching' })
      void attach.run({ nic, slot })
    },
    unplug: (nic: Nic, force = false) => {
      if (nic.slot !== null) begin({ nic, slot: nic.slot, state: 'detaching' })
      void detach.run({ nic, force })
    },
  }
}
export type Plugging = ReturnType<typeof usePlugging>
