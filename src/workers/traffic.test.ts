import { expect, it } from 'vitest'
import type { TrafficCounters } from './host/traffic-counters.ts'
import { samplesBetween } from './traffic.ts'

const NIC = '52:54:00:00:00:01'
const look = (at: number, ...counters: Partial<TrafficCounters>[]) => ({
  at,
  counters: new Map(counters.map((one) => [one.nicId ?? NIC, { nicId: NIC, index: 1, in: 0, out: 0, ...one }])),
})

it('a rate is the mean of the time between two looks, in whole bytes per second', () => {
  const samples = samplesBetween(look(1_000, { in: 100, out: 1_000 }), look(301_000, { in: 30_100, out: 1_200 }))
  expect(samples).toEqual([{ nic_id: NIC, in_bytes_per_second: 100, out_bytes_per_second: 1 }])
})

it.each([
  ['was not there before', look(0)],
  ['was made anew, and counted further than the one before', look(0, { index: 2 })],
  ['counts less towards the guest than before', look(0, { in: 101 })],
  ['counts less from the guest than before', look(0, { out: 101 })],
])('a tap that %s gives no sample', (_what, before) => {
  expect(samplesBetween(before, look(1_000, { in: 100, out: 100 }))).toEqual([])
})

it('a tap that is gone gives none, and does not keep the others from theirs', () => {
  const other = '52:54:00:00:00:02'
  const samples = samplesBetween(look(0, {}, { nicId: other }), look(1_000, { nicId: other, in: 5 }))
  expect(samples.map(({ nic_id }) => nic_id)).toEqual([other])
})
