/**
 * What views ask for. A query key begins with the resource type as events name it, so that an event finds the queries
 * that it makes old: `['nic', 'list', filter]`, `['nic', 'one', id]`.
 */
import { infiniteQueryOptions, queryOptions, useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query'
import * as api from './client.ts'

/** The kinds of resources, as `resource_type` of events has them. */
export type ResourceType =
  | 'vpc'
  | 'network'
  | 'nic'
  | 'server'
  | 'security_group'
  | 'elastic_ip'
  | 'elastic_ip_pool'
  | 'port_forwarding'
  | 'reserved_address'
  | 'job'
  | 'event'
  | 'hypervisor'
  | 'access_key'
  | 'project'

export interface Items<T> {
  readonly items: T[]
  readonly next_cursor: string | null
}

const LARGEST_PAGE = 1000
/** Of lists that are read whole, for tables that sort and search here. */
export const MOST_ROWS = 5000

export interface Whole<T> {
  readonly items: readonly T[]
  /** There are more than were read. */
  readonly isCut: boolean
}

/** All pages of a list, or as many as anybody looks at. */
export async function readWhole<T>(
  page: (cursor: string | undefined, limit: number) => Promise<Items<T>>,
): Promise<Whole<T>> {
  const items: T[] = []
  let cursor: string | undefined
  do {
    const next = await page(cursor, LARGEST_PAGE)
    items.push(...next.items)
    cursor = next.next_cursor ?? undefined
  } while (cursor !== undefined && items.length < MOST_ROWS)
  return { items, isCut: cursor !== undefined }
}

/** A whole list, for collections of hundreds. @param filter - what `page` asks for; it is part of the key. */
export const wholeList = <T>(
  type: ResourceType,
  filter: object,
  page: (cursor: string | undefined, limit: number) => Promise<Items<T>>,
) => queryOptions({ queryKey: [type, 'list', filter], queryFn: () => readWhole(page) })

/** A list that is read page by page as the reader goes on, for collections without bound. */
export const pagedList = <T>(
  type: ResourceType,
  filter: object,
  page: (cursor: string | undefined) => Promise<Items<T>>,
) =>
  infiniteQueryOptions({
    queryKey: [type, 'pages', filter],
    queryFn: ({ pageParam }) => page(pageParam),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next_cursor ?? undefined,
  })

export const oneOf = <T>(type: ResourceType, id: string, read: (id: string) => Promise<T>) =>
  queryOptions({ queryKey: [type, 'one', id], queryFn: () => read(id) })

export const nicQuery = (id: string) => oneOf('nic', id, (one) => api.getNic(one))
export const serverQuery = (id: string) => oneOf('server', id, (one) => api.getServer(one))
export const networkQuery = (id: string) => oneOf('network', id, (one) => api.getNetwork(one))
export const vpcQuery = (id: string) => oneOf('vpc', id, (one) => api.getVpc(one))
export const jobQuery = (id: string) => oneOf('job', id, (one) => api.getJob(one))
export const securityGroupQuery = (id: string) => oneOf('security_group', id, (one) => api.getSecurityGroup(one))
export const elasticIpQuery = (id: string) => oneOf('elastic_ip', id, (one) => api.getElasticIp(one))

export const serversQuery = () => wholeList('server', {}, (cursor, limit) => api.listServers({ cursor, limit }))
export const networksQuery = (filter: { vpcId?: string } = {}) =>
  wholeList('network', filter, (cursor, limit) => api.listNetworks({ ...filter, cursor, limit }))
export const vpcsQuery = () => wholeList('vpc', {}, (cursor, limit) => api.listVpcs({ cursor, limit }))
export const securityGroupsQuery = () =>
  wholeList('security_group', {}, (cursor, limit) => api.listSecurityGroups({ cursor, limit }))
export const elasticIpsQuery = (filter: Omit<Parameters<typeof api.listElasticIps>[0], 'cursor' | 'limit'> = {}) =>
  wholeList('elastic_ip', filter, (cursor, limit) => api.listElasticIps({ ...filter, cursor, limit }))
/** @param filter - of one network, or of all of them. */
export const reservedAddressesQuery = (filter: { networkId?: string } = {}) =>
  wholeList('reserved_address', filter, (cursor, limit) => api.listReservedAddresses({ ...filter, cursor, limit }))
export const hypervisorsQuery = () =>
  wholeList('hypervisor', {}, (cursor, limit) => api.listHypervisors({ cursor, limit }))
/** Of all projects; admins may ask. */
export const accessKeysQuery = () =>
  wholeList('access_key', {}, (cursor, limit) => api.listAccessKeys({ cursor, limit }))
export const projectsQuery = () => wholeList('project', {}, (cursor, limit) => api.listProjects({ cursor, limit }))
/** NICs by a filter that leaves hundreds of them: of a server, a network, a VPC. */
export const nicsQuery = (filter: Omit<Parameters<typeof api.listNics>[0], 'cursor' | 'limit'>) =>
  wholeList('nic', filter, (cursor, limit) => api.listNics({ ...filter, cursor, limit }))
/** What happened to a resource, newest first; to a server with its cards and jobs. */
export const historyQuery = (of: { readonly resourceId: string } | { readonly serverId: string }) =>
  pagedList('event', of, (cursor) => api.listEvents({ ...of, cursor, limit: 50 }))

/**
 * Has lists that span projects read again, for use after an act: events are told within their project, so those of a new
 * project or of another's key do not reach this one.
 */
export function useRenewal(...types: ResourceType[]): () => void {
  const queries = useQueryClient()
  return () => {
    for (const type of types) void queries.invalidateQueries({ queryKey: [type] })
  }
}

/** By id, what a whole list holds: for the names that other resources are shown with. */
export function useById<T extends { readonly id: string }>(
  query: ReturnType<typeof wholeList<T>>,
): ReadonlyMap<string, T> {
  const { data } = useQuery({ ...query, select: byId })
  return data ?? EMPTY
}
const EMPTY: ReadonlyMap<string, never> = new Map<string, never>()
const byId = <T extends { readonly id: string }>({ items }: Whole<T>): ReadonlyMap<string, T> =>
  new Map(items.map((item) => [item.id, item]))

/** The rows of a paged list, as far as they were read, and what reads on. */
export function useRows<T>(query: ReturnType<typeof pagedList<T>>) {
  const { data, error, isPending, hasNextPage, isFetchingNextPage, fetchNextPage } = useInfiniteQuery(query)
  return {
    rows: data?.pages.flatMap(({ items }) => items),
    error,
    isPending,
    hasMore: hasNextPage,
    readOn: () => {
      if (hasNextPage && !isFetchingNextPage) void fetchNextPage()
    },
  }
}
