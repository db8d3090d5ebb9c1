import { QueryClient, type QueryKey } from '@tanstack/react-query'
import { expect, it } from 'vitest'
import type { Event } from './client.ts'
import { renew } from './renew.ts'

const event = (type: string, id: string): Event => ({
  id: '1-1',
  type,
  resource_type: type.slice(0, type.indexOf('.')),
  resource_id: id,
  address: null,
  actor: null,
  job_id: null,
  data: {},
  at: '2026-01-01T00:00:00Z',
})

const pages = (count: number) => ({
  pages: Array.from({ length: count }, () => ({ items: [], next_cursor: null })),
  pageParams: [],
})

/** Which of these queries the events make old. */
function renewed(events: readonly Event[], data: ReadonlyMap<QueryKey, unknown>): QueryKey[] {
  const queries = new QueryClient()
  for (const [key, value] of data) queries.setQueryData(key, value)
  void renew(queries, events)
  const old = queries
    .getQueryCache()
    .getAll()
    .filter(({ state }) => state.isInvalidated)
    .map(({ queryKey }) => queryKey)
  queries.clear()
  return old
}
const known = (...keys: QueryKey[]) => new Map(keys.map((key) => [key, { items: [] }] as const))

it('makes the lists of the resource old, and the one that changed', () => {
  const old = renewed(
    [event('vpc.updated', 'vpc-1')],
    known(['vpc', 'list', {}], ['vpc', 'one', 'vpc-1'], ['vpc', 'one', 'vpc-2'], ['network', 'list', {}], ['session']),
  )
  expect(old).toEqual([
    ['vpc', 'list', {}],
    ['vpc', 'one', 'vpc-1'],
  ])
})

it('makes what shows something of the resource old too: a network how many NICs it has', () => {
  const old = renewed(
    [event('nic.created', '52:54:00:00:00:01')],
    known(['network', 'list', {}], ['network', 'one', 'net-1'], ['server', 'list', {}], ['vpc', 'list', {}]),
  )
  expect(old).toEqual([
    ['network', 'list', {}],
    ['network', 'one', 'net-1'],
    ['server', 'list', {}],
  ])
})

it('makes the history of what changed old, and that of everything; not that of others', () => {
  const mine: QueryKey = ['event', 'pages', { resourceId: 'vpc-1' }]
  const others: QueryKey = ['event', 'pages', { resourceId: 'vpc-2' }]
  const all: QueryKey = ['event', 'pages', {}]
  const data = new Map([mine, others, all].map((key) => [key, pages(1)] as const))
  expect(renewed([event('vpc.updated', 'vpc-1')], data)).toEqual([mine, all])
})

it('makes the history of a server old by what happens to it and by what names it, as its cards and jobs do', () => {
  const mine: QueryKey = ['event', 'pages', { serverId: 'i-1' }]
  const others: QueryKey = ['event', 'pages', { serverId: 'i-2' }]
  const data = new Map([mine, others].map((key) => [key, pages(1)] as const))
  expect(renewed([event('server.updated', 'i-1')], data)).toEqual([mine])
  expect(renewed([{ ...event('nic.in_use', '52:54:00:00:00:01'), data: { server_id: 'i-1' } }], data)).toEqual([mine])
  expect(renewed([event('nic.updated', '52:54:00:00:00:01')], data)).toEqual([])
})

it('leaves a list alone that somebody has gone far down in', () => {
  const short: QueryKey = ['job', 'pages', {}]
  const long: QueryKey = ['job', 'pages', { state: 'failed' }]
  const data = new Map<QueryKey, unknown>([
    [short, pages(2)],
    [long, pages(3)],
  ])
  expect(renewed([event('job.failed', 'j-1')], data)).toEqual([short])
})
