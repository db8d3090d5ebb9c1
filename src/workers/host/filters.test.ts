import { expect, it } from 'vitest'

import { filterTables } from './filters.ts'
import type { NicPolicy } from './specs.ts'

const aNic = (index: number, vni: number): NicPolicy => ({
  mac: `52:54:00:00:00:0${index}`,
  vni,
  scope: 'vpc-a',
  addresses: [`172.16.1.${index}`],
  antiSpoofing: true,
  addressed: true,
  reserved: [],
  allowedPairs: [],
  bridged: true,
  groupIds: ['sg-a'],
})

it('each bridge has a zone of its own, the same after every restart', () => {
  const zones = (...vnis: number[]) => {
    const nics = vnis.map((vni, index) => aNic(index + 1, vni))
    return [...(filterTables(nics, []).at(-1)?.sets.get('zones')?.elements ?? [])]
  }
  const colliding = [
    ['"br-1000"', '4097'],
    ['"br-10fff"', '4098'],
  ]
  expect(zones(0x1000, 0x10fff)).toEqual(colliding)
  expect(zones(0x10fff, 0x1000)).toEqual(colliding)
  expect(zones(65_535 * 2 - 1)).toEqual([['"br-1fffd"', '65535']])
})
