/** Which queries events make old. */
import type { InfiniteData, QueryClient } from '@tanstack/react-query'
import { type Event, getNic, type Nic } from './client.ts'
import type { Items, ResourceType } from './queries.ts'
import { isNotFound } from './refusal.ts'

/** What shows something of a resource besides its own views: a network how many NICs it has, a NIC its elastic IP. */
const SHOWN_IN: Partial<Record<ResourceType, readonly ResourceType[]>> = {
  nic: ['network', 'server'],
  elastic_ip: ['nic', 'elastic_ip_pool'],
  reserved_address: ['network'],
  network: ['vpc'],
}
/** A list of more pages than this is not read anew for every change: its rows are changed one by one. */
const MOST_PAGES = 2
const MOST_NICS = 50

/** @returns when what is on the screen has been read anew. */
export async function renew(queries: QueryClient, events: readonly Event[]): Promise<void> {
  const changed = new Map<string, Set<string>>()
  for (const { resource_type: type, resource_id: id } of events) {
    const ids = changed.get(type) ?? new Set()
    changed.set(type, ids.add(id))
  }
  const beside = new Set([...changed.keys()].flatMap((type) => SHOWN_IN[type as ResourceType] ?? []))
  const lists = queries.invalidateQueries({
    predicate: ({ queryKey: [type, kind, which], state }) => {
      if (typeof type !== 'string') return false
      if (type === 'event') return kind === 'pages' && isShort(state.data) && concerns(which, events)
      const ids = changed.get(type)
      if (kind === 'one') return (ids?.has(String(which)) ?? false) || beside.has(type as ResourceType)
      if (!ids && !beside.has(type as ResourceType)) return false
      return kind !== 'pages' || isShort(state.data)
    },
  })
  const nics = changed.get('nic')
  await Promise.all([lists, nics && renewLongLists(queries, nics)])
}

/** Whether a list is read anew as a whole when something in it changes. */
export const isShort = (data: unknown): boolean =>
  ((data as InfiniteData<unknown> | undefined)?.pages.length ?? 0) <= MOST_PAGES

function concerns(filter: unknown, events: readonly Event[]): boolean {
  const { resourceId, serverId } = (filter ?? {}) as { resourceId?: string; serverId?: string }
  return events.some(
    ({ resource_id: id, data }) =>
      (resourceId === undefined || id === resourceId) &&
      (serverId === undefined || id === serverId || data.server_id === serverId),
  )
}

type NicPages = InfiniteData<Items<Nic>>

/** Rows of long lists that changed are read by themselves; those of what is gone go. */
async function renewLongLists(queries: QueryClient, ids: ReadonlySet<string>): Promise<void> {
  const long = queries
    .getQueriesData<NicPages>({ queryKey: ['nic', 'pages'] })
    .filter(([, data]) => data && !isShort(data))
  if (long.length === 0) return
  if (ids.size > MOST_NICS) return queries.invalidateQueries({ queryKey: ['nic', 'pages'] })
  const read = await Promise.all(
    [...ids].map((id) =>
      getNic(id).then(
        (nic) => [id, nic] as const,
        (error: unknown) => [id, isNotFound(error) ? null : undefined] as const,
      ),
    ),
  )
  const now = new Map(read)
  for (const [key] of long) {
    queries.setQueryData<NicPages>(
      key,
      (data) =>
        data && {
          ...data,
          pages: data.pages.map((page) => ({
            ...page,
            items: page.items.flatMap((nic) => {
              const renewed = now.get(nic.id)
              if (renewed === null) return []
              // One's own act may have come in between.
              return [renewed && renewed.generation >= nic.generation ? renewed : nic]
            }),
          })),
        },
    )
  }
}
