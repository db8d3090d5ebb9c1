import { HttpError } from '@oazapfts/runtime'
import { describe, expect, it } from 'vitest'
import { type Problem, Unreachable } from './client.ts'
import { fieldErrors, isNotFound, refusalOf } from './refusal.ts'

const problem: Problem = {
  type: 'urn:patchbay:problem:address_in_use',
  title: 'The address is already used',
  status: 409,
  code: 'address_in_use',
  detail: 'address 172.16.1.9 is used',
  request_id: 'req-1',
  errors: [
    { in: 'body', pointer: '/addresses/3', detail: 'is used' },
    { in: 'body', pointer: '/network_id', detail: 'has no such address' },
    { in: 'body', pointer: '/tags/team', detail: 'is too long' },
    { in: 'body', pointer: '', detail: 'must be an object' },
  ],
}
const answered = (status: number, data: unknown, headers: Record<string, string> = {}) =>
  new HttpError(status, data, new Headers(headers))

describe('a refusal', () => {
  it('is the problem that the service answered with', () => {
    expect(refusalOf(answered(409, problem))).toEqual({ kind: 'problem', problem, retryAfter: undefined })
  })

  it('says how long to wait where that helps', () => {
    expect(refusalOf(answered(429, problem, { 'retry-after': '7' }))).toMatchObject({ retryAfter: 7 })
    expect(refusalOf(answered(503, problem))).toMatchObject({ retryAfter: 1 })
  })

  it('tells no answer from a mistake of ours', () => {
    expect(refusalOf(new Unreachable('no network'))).toEqual({ kind: 'unreachable' })
    expect(refusalOf(new TypeError('x is undefined'))).toEqual({ kind: 'unknown', message: 'x is undefined' })
    expect(refusalOf(answered(500, '<html>'))).toMatchObject({ kind: 'unknown' })
  })

  it('is known as that of what is gone', () => {
    expect(isNotFound(answered(404, problem))).toBe(true)
    expect(isNotFound(answered(409, problem))).toBe(false)
  })
})

describe('what it says of fields', () => {
  it('stands at the field that the pointer begins with, with what is inside it', () => {
    const { byField, others } = fieldErrors(refusalOf(answered(409, problem)), new Set(['addresses', 'network_id']))
    expect(byField).toEqual({ addresses: ['3: is used'], network_id: ['has no such address'] })
    expect(others).toEqual(['/tags/team is too long', 'must be an object'])
  })

  it('stands at the field of a part of the body, too', () => {
    const errors = [{ in: 'body' as const, pointer: '/bandwidth/in_mbps', detail: 'is too much' }]
    const refusal = refusalOf(answered(400, { ...problem, errors }))
    expect(fieldErrors(refusal, new Set(['in_mbps', 'out_mbps'])).byField).toEqual({ in_mbps: ['is too much'] })
  })

  it('is nothing without a problem', () => {
    expect(fieldErrors(undefined, new Set(['name']))).toEqual({ byField: {}, others: [] })
    expect(fieldErrors({ kind: 'unreachable' }, new Set(['name']))).toEqual({ byField: {}, others: [] })
  })
})
