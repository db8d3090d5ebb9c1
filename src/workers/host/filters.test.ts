import { describe, expect, it } from 'vitest'

import { aroundChange, filterTables } from './filters.ts'
import { diffTables } from './nft.ts'
import type { NicPolicy, SecurityGroup } from './specs.ts'

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

describe('what a change is about', () => {
  /** Commands as single things: an element each. */
  const changes = (before: readonly NicPolicy[], after: readonly NicPolicy[], groups: readonly SecurityGroup[]) => {
    const have = filterTables(before, groups)
    return filterTables(after, groups)
      .flatMap((table, index) => diffTables(table, have[index]))
      .flatMap((command) => {
        const [, verb, elements] = /^((?:add|delete) element \S+ \S+ \S+) \{ (.*) \}$/.exec(command) ?? []
        return elements === undefined ? [command] : elements.split(', ').map((element) => `${verb} ${element}`)
      })
      .sort()
  }

  /** Numbers that are the same in each run. */
  function draws(seed: number) {
    let state = seed
    return (below: number): number => {
      state = (state * 1_103_515_245 + 12_345) % 2 ** 31
      return Math.floor((state / 2 ** 31) * below)
    }
  }

  const rule = { direction: 'in', priority: 1, action: 'accept', protocol: 'all' } as const
  const GROUPS: SecurityGroup[] = [
    { id: 'sg-a', version: 1, members: [], rules: [{ ...rule, remote: { groupId: 'sg-a' } }] },
    { id: 'sg-b', version: 1, members: [{ scope: 'vpc-a', address: '172.16.1.3' }], rules: [rule] },
    { id: 'sg-c', version: 1, members: [], rules: [{ ...rule, direction: 'out', remote: { groupId: 'sg-b' } }] },
  ]

  /** Few addresses and networks: much is shared, and now and then two have what only one may have. */
  function drawNic(draw: (below: number) => number, index: number): NicPolicy {
    const vni = [0x1000, 0x1001, 0x10fff][draw(3)] ?? 0
    const addressed = vni !== 0x1001 || draw(4) > 0
    const isBare = draw(5) === 0
    return {
      mac: `52:54:00:00:01:${index.toString(16).padStart(2, '0')}`,
      vni,
      scope: draw(2) === 0 ? 'vpc-a' : 'vpc-b',
      bridged: vni === 0x1001,
      addressed,
      addresses: isBare ? [] : [`172.16.1.${2 + draw(12)}`, `fd00::${2 + draw(12)}`],
      reserved: isBare ? ([['172.16.1.100'], ['172.16.1.100', '172.16.1.3']][draw(2)] ?? []) : [],
      antiSpoofing: draw(5) > 0,
      allowedPairs: draw(4) === 0 ? [{ address: '172.16.1.64/28' }, { address: '172.16.1.5' }] : [],
      groupIds: [['sg-a'], ['sg-b'], ['sg-c', 'sg-a'], ['sg-none']][draw(4)] ?? [],
    }
  }

  it('tells all that it changes, and no more', () => {
    for (let seed = 0; seed < 300; seed++) {
      const draw = draws(seed)
      const nics = Array.from({ length: draw(20) }, (_, index) => drawNic(draw, index))
      const before = new Map(nics.map((nic) => [nic.mac, nic]))
      const after = new Map(before)
      for (let left = draw(4); left >= 0; left--) {
        const nic = drawNic(draw, draw(24))
        if (draw(2) === 0) after.delete(nic.mac)
        else after.set(nic.mac, nic)
      }
      const around = aroundChange(before, after)
      const told = changes(around.before, around.after, GROUPS)
      expect(told, `seed ${seed}`).toEqual(changes([...before.values()], [...after.values()], GROUPS))
    }
  })

  it('is a few NICs, however many there are', () => {
    const nics = Array.from({ length: 250 }, (_, index) => aNic(index, 0x1000)).map((nic, index) => {
      const mac = `52:54:00:00:01:${index.toString(16).padStart(2, '0')}`
      return [mac, { ...nic, mac }] as const
    })
    const { before, after } = aroundChange(new Map(nics), new Map(nics.slice(1)))
    expect([before.length, after.length]).toEqual([3, 2])
  })
})
