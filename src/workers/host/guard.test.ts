import { expect, it } from 'vitest'

import { guardParts, packetMark } from './guard.ts'
import { diffTables } from './nft.ts'
import type { NicPolicy } from './specs.ts'

const NIC: NicPolicy = {
  mac: '52:54:01:02:03:04',
  vni: 0x1000,
  scope: 'vpc-a',
  addresses: ['172.16.1.2', 'fd00::2'],
  antiSpoofing: true,
  addressed: true,
  reserved: [],
  allowedPairs: [],
  bridged: true,
  groupIds: [],
}
const keysOf = (nics: readonly NicPolicy[], set: string) => [...(guardParts(nics).sets.get(set)?.elements.keys() ?? [])]

it('the mark of a NIC is the end of its MAC, and none of those with a meaning', () => {
  expect(packetMark('52:54:ff:00:00:01')).toBe(0xff000001)
  expect(() => packetMark('52:54:00:00:00:00')).toThrow(RangeError)
  expect(() => packetMark('52:54:ff:ff:ff:ff')).toThrow(RangeError)
})

it('the addresses of a NIC are its own and the link-local one of its MAC', () => {
  expect(keysOf([NIC], 'sources4')).toEqual(['"tap01020304" . 52:54:01:02:03:04 . 172.16.1.2'])
  expect(keysOf([NIC], 'sources6')).toEqual([
    '"tap01020304" . 52:54:01:02:03:04 . fd00::2',
    '"tap01020304" . 52:54:01:02:03:04 . fe80::5054:1ff:fe02:304',
  ])
})

it('only a pair that is a block gives a NIC chains of its own', () => {
  const chains = (address: string) =>
    [...guardParts([{ ...NIC, allowedPairs: [{ address }] }]).chains.keys()].filter((name) =>
      name.endsWith('tap01020304'),
    )
  expect(chains('10.0.0.1')).toEqual([])
  expect(chains('10.0.0.1/32')).toEqual([])
  expect(chains('10.0.0.0/31')).toEqual(['source_tap01020304'])
  expect(chains('fd00::/64')).toEqual(['source_tap01020304', 'target_tap01020304'])
})

it("a segment's own DHCP is heard only where none of the NICs has an address of ours", () => {
  const bare = { ...NIC, mac: '52:54:01:02:03:05', addressed: false, addresses: [] }
  expect(keysOf([bare], 'open_segments')).toEqual(['"bp-1000"'])
  expect(keysOf([bare, NIC], 'open_segments')).toEqual([])
  expect(keysOf([{ ...bare, addressed: true }], 'open_segments')).toEqual([])
})

it('NICs that may use the reserved addresses of their network share one set of them', () => {
  const one = { ...NIC, addresses: [], reserved: ['172.16.1.9', '172.16.1.10'] }
  const { sets, chains } = guardParts([one, { ...one, mac: '52:54:01:02:03:05' }])
  expect([...(sets.get('reserved_1000')?.elements.keys() ?? [])]).toEqual(['172.16.1.9', '172.16.1.10'])
  expect([...chains.keys()].filter((name) => name.startsWith('source_'))).toEqual([
    'source_tap01020304',
    'source_tap01020305',
  ])
  expect(keysOf([one], 'sources4')).toEqual([])
  expect(keysOf([{ ...one, bridged: false }], 'claimed4')).toEqual([])
  expect(keysOf([one], 'claimed4')).toEqual(['"bp-1000" . 172.16.1.9', '"bp-1000" . 172.16.1.10'])
})

it.each([{ address: '10.0.0.0/8 accept' }, { address: '10.0.0.1', mac: '52:54:01:02:03:04 }' }])(
  'a pair that would be more than a pair is refused: %j',
  (pair) => {
    expect(() =>
      diffTables({ family: 'bridge', name: 'patchbay', ...guardParts([{ ...NIC, allowedPairs: [pair] }]) }, undefined),
    ).toThrow(RangeError)
  },
)
