import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { learnTime, serviceNow } from './clock.ts'

const HERE = Date.parse('2026-01-01T12:00:00.400Z')
const answered = (date?: string) => learnTime({ headers: new Headers(date ? { date } : {}) })

beforeEach(() => void vi.useFakeTimers({ now: HERE }))
afterEach(() => {
  answered()
  vi.useRealTimers()
})

it.each([
  ['ten minutes ahead', 'Thu, 01 Jan 2026 11:50:00 GMT'],
  ['an hour behind', 'Thu, 01 Jan 2026 13:00:00 GMT'],
])('a clock that is %s is put right', (_, date) => {
  answered(date)
  expect(new Date(serviceNow()).toUTCString()).toBe(date)
})

it.each([
  ['is right but for what the header rounds away', 'Thu, 01 Jan 2026 12:00:00 GMT'],
  ['nobody contradicts', undefined],
])('a clock that %s is believed', (_, date) => {
  answered(date)
  expect(serviceNow()).toBe(HERE)
})
