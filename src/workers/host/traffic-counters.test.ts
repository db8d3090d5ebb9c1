import { expect, it } from 'vitest'
import { parseCounters } from './traffic-counters.ts'

// As iproute2 6.1 printed it, shortened.
const raw = {
  ifindex: 2,
  ifname: 'tap00000001',
  ifalias: 'patchbay:nic:52:54:00:00:00:01',
  stats64: { rx: { bytes: 1000, packets: 10 }, tx: { bytes: 5_000_000_000, packets: 20 } },
}

it('what a tap sends goes in to the guest', () => {
  expect(parseCounters(raw)).toEqual({ nicId: '52:54:00:00:00:01', index: 2, in: 5_000_000_000, out: 1000 })
})

it.each([
  ['a device without our mark', { ...raw, ifalias: 'somebody else' }],
  ['a device without a mark', { ...raw, ifalias: undefined }],
  ['a bridge', { ...raw, ifalias: 'patchbay:network:net-1' }],
  ['a device without counters', { ...raw, stats64: undefined }],
])('%s is passed over', (_what, device) => {
  expect(parseCounters(device)).toBeUndefined()
})
