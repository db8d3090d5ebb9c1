import { useQuery } from '@tanstack/react-query'
import { listNics, type Nic } from '../../api/client.ts'
import { nicsQuery, type Whole, wholeList } from '../../api/queries.ts'

/** All NICs of the project, as far as a whole list goes: what panels and counts of an overview are made of. */
export const allNicsQuery = () => wholeList('nic', {}, (cursor, limit) => listNics({ cursor, limit }))

interface Cards {
  readonly byServer: ReadonlyMap<string, readonly Nic[]>
  /** There are more than were read: a server may have others. */
  readonly isCut: boolean
}

const byServer = ({ items, isCut }: Whole<Nic>): Cards => {
  const map = new Map<string, Nic[]>()
  for (const nic of items) {
    if (nic.server_id === null) continue
    const there = map.get(nic.server_id)
    if (there) there.push(nic)
    else map.set(nic.server_id, [nic])
  }
  return { byServer: map, isCut }
}

/** The NICs of every server; `undefined` while they are being read. */
export const useCards = (): Cards | undefined => useQuery({ ...allNicsQuery(), select: byServer }).data

const NONE: readonly Nic[] = []

/** The NICs of one server in a view of many: from what was read for all, or by itself where that was too much. */
export function useCardsOf(serverId: string): readonly Nic[] | undefined {
  const cards = useCards()
  const { data } = useQuery({ ...nicsQuery({ serverId }), enabled: cards?.isCut === true })
  if (!cards) return undefined
  return cards.isCut ? data?.items : (cards.byServer.get(serverId) ?? NONE)
}
