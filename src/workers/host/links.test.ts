import { expect, it } from 'vitest'

import { ForeignObjectError } from '../errors.ts'
import { assertOurs, type LinkView, parseLink } from './links.ts'

// As iproute2 6.1 printed it, shortened.
const raw = {
  ifindex: 4,
  link_index: 3,
  ifname: 'tap00000001',
  flags: ['BROADCAST', 'MULTICAST', 'UP', 'LOWER_UP'],
  mtu: 1450,
  master: 'br-1000',
  group: 'default',
  address: 'fe:54:00:00:00:01',
  linkinfo: { info_kind: 'veth', info_data: { hello_time: 200 }, info_slave_kind: 'bridge' },
  ifalias: 'patchbay:nic:52:54:00:00:00:01',
  addr_info: [{ family: 'inet', local: '10.0.0.1', prefixlen: 24 }, {}],
}

it('a device is read with what we care about', () => {
  expect(parseLink(raw)).toEqual({
    name: 'tap00000001',
    index: 4,
    kind: 'veth',
    alias: 'patchbay:nic:52:54:00:00:00:01',
    master: 'br-1000',
    mac: 'fe:54:00:00:00:01',
    mtu: 1450,
    group: 'default',
    up: true,
    carrier: true,
    peerIndex: 3,
    addresses: ['10.0.0.1/24'],
    options: { hello_time: 200 },
  })
})

it('what is no device is passed over', () => {
  expect(parseLink({})).toBeUndefined()
})

it('unmarked and marked as ours may be touched, anything else may not', () => {
  const link = parseLink(raw) as LinkView
  const mark = 'patchbay:nic:52:54:00:00:00:01'
  assertOurs('x', link, mark)
  assertOurs('x', link, /^patchbay:nic:/)
  assertOurs('x', { ...link, alias: undefined }, mark)
  expect(() => assertOurs('x', { ...link, alias: 'patchbay:nic:52:54:00:00:00:02' }, mark)).toThrow(ForeignObjectError)
})
