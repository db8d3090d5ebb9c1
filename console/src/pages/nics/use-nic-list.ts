import { keepPreviousData } from '@tanstack/react-query'
import { useSearchParams } from 'react-router'
import { listNics, type Nic } from '../../api/client.ts'
import { pagedList, useRows } from '../../api/queries.ts'
import { useUrlText } from '../../app/url-params.ts'
import type { Sort } from '../../ui/DataTable.tsx'

/** Rows of one request: few requests for those who scroll far, and a first view that is there at once. */
const PAGE = 200
const SORTS = ['created_at', 'name', 'address', 'state'] as const
const STATES = ['available', 'attaching', 'in_use', 'detaching'] as const satisfies readonly Nic['state'][]

/** What the list is filtered by besides the text that is searched for; names in the URL. */
export const FILTERS = ['state', 'vpc', 'network', 'server', 'group'] as const
export type FilterName = (typeof FILTERS)[number]

/** The list of NICs as its page's address asks for it: filtered and sorted by the service. */
export function useNicList() {
  const [params, setParams] = useSearchParams()
  const search = useUrlText('search')
  const get = (name: FilterName) => params.get(name) ?? ''
  const sort: Sort = {
    column: SORTS.find((one) => one === params.get('sort')) ?? 'created_at',
    isDescending: params.get('order') !== 'asc',
  }
  const filter = {
    search: search.settled || undefined,
    state: STATES.find((one) => one === get('state')),
    vpcId: get('vpc') || undefined,
    networkId: get('network') || undefined,
    serverId: get('server') || undefined,
    securityGroupId: get('group') || undefined,
    sort: SORTS.find((one) => one === sort.column),
    order: sort.isDescending ? ('desc' as const) : ('asc' as const),
  }
  const list = useRows({
    ...pagedList('nic', filter, (cursor) => listNics({ ...filter, cursor, limit: PAGE })),
    // Until the answer for another filter is there: the table does not blink with every letter.
    placeholderData: keepPreviousData,
  })
  const change = (to: Readonly<Record<string, string>>) =>
    setParams(
      (now) => {
        const next = new URLSearchParams(now)
        for (const [name, value] of Object.entries(to)) value === '' ? next.delete(name) : next.set(name, value)
        return next
      },
      { replace: true },
    )
  return {
    ...list,
    search,
    get,
    set: (name: FilterName, value: string) => change({ [name]: value }),
    isFiltered: search.settled !== '' || FILTERS.some((name) => get(name) !== ''),
    /** The whole list, newest first. */
    showAll: () => setParams(new URLSearchParams()),
    sort,
    onSort: ({ column, isDescending }: Sort) => change({ sort: column, order: isDescending ? 'desc' : 'asc' }),
  }
}
