import { QueryClient, QueryObserver } from '@tanstack/react-query'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { Event } from './client.ts'
import { gatherer } from './gather.ts'
import { renew } from './renew.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const anEvent = { resource_type: 'vpc', resource_id: 'vpc-1' } as Event

it('shows what takes longer to read than events take to come, and what came last', async () => {
  const queries = new QueryClient()
  let events = 0
  let reading = 0
  let mostReading = 0
  const vpcs = new QueryObserver(queries, {
    queryKey: ['vpc', 'list', {}],
    queryFn: async () => {
      mostReading = Math.max(mostReading, ++reading)
      const seen = events
      await new Promise((resolve) => setTimeout(resolve, 400))
      reading -= 1
      return seen
    },
  })
  const stop = vpcs.subscribe(() => undefined)
  await vi.advanceTimersByTimeAsync(1_000)
  expect(vpcs.getCurrentResult().data).toBe(0)

  const gather = gatherer((gathered) => renew(queries, gathered))
  for (; events < 100; events++) {
    gather(anEvent)
    await vi.advanceTimersByTimeAsync(50)
  }
  expect(vpcs.getCurrentResult().data, 'while they go on coming').toBeGreaterThan(80)
  expect(mostReading).toBe(1)
  gather(anEvent)
  await vi.advanceTimersByTimeAsync(2_000)
  expect(vpcs.getCurrentResult().data).toBe(100)
  stop()
  queries.clear()
})

it('goes on when a read does not end', async () => {
  const acts: number[] = []
  const gather = gatherer((gathered) => {
    acts.push(gathered.length)
    return new Promise(() => undefined)
  })
  gather(anEvent)
  gather(anEvent)
  await vi.advanceTimersByTimeAsync(200)
  gather(anEvent)
  await vi.advanceTimersByTimeAsync(10_000)
  expect(acts).toEqual([2, 1])
})
