import { describe, expect, it } from 'vitest'

import {
  diffTables,
  isSameTable,
  type NftHook,
  type NftSet,
  type NftTable,
  nftChain,
  nftRule,
  parseTable,
} from './nft.ts'

const HOOK: NftHook = { type: 'filter', hook: 'prerouting', priority: -300, policy: 'accept' }

const aTable = (
  sets: Record<string, NftSet> = {},
  chains: Record<string, ReturnType<typeof nftChain>> = {},
): NftTable => ({
  family: 'bridge',
  name: 'patchbay',
  sets: new Map(Object.entries(sets)),
  chains: new Map(Object.entries(chains)),
})
const aSet = (...keys: string[]): NftSet => ({ type: 'ipv4_addr', elements: new Map(keys.map((key) => [key, ''])) })
const aMap = (elements: Record<string, string>): NftSet => ({
  type: 'ifname',
  data: 'verdict',
  elements: new Map(Object.entries(elements)),
})

describe('the difference of two tables', () => {
  it('is nothing when they are the same', () => {
    const table = () => aTable({ one: aSet('10.0.0.1') }, { first: nftChain(['drop'], HOOK) })
    expect(diffTables(table(), table())).toEqual([])
    expect(isSameTable(table(), undefined)).toBe(false)
  })

  it('is all of it when there is none, what is referred to first', () => {
    const want = aTable(
      { guests: aMap({ '"tap1"': 'goto more' }) },
      { first: nftChain(['iifname vmap @guests'], HOOK), more: nftChain(['drop']) },
    )
    const tag = (text: string) => `comment "${nftRule(text).tag}"`
    expect(diffTables(want, undefined)).toEqual([
      'add table bridge patchbay',
      'add map bridge patchbay guests { type ifname : verdict; }',
      'add chain bridge patchbay first { type filter hook prerouting priority -300; policy accept; }',
      'add chain bridge patchbay more',
      `add rule bridge patchbay first iifname vmap @guests ${tag('iifname vmap @guests')}`,
      `add rule bridge patchbay more drop ${tag('drop')}`,
      'add element bridge patchbay guests { "tap1" : goto more }',
    ])
  })

  it('is only the elements that differ; a value that changed is taken out first', () => {
    const have = aTable({ guests: aMap({ '"tap1"': 'drop', '"tap2"': 'drop', '"tap3"': 'drop' }) })
    const want = aTable({ guests: aMap({ '"tap1"': 'drop', '"tap2"': 'accept', '"tap4"': 'drop' }) })
    expect(diffTables(want, have)).toEqual([
      'delete element bridge patchbay guests { "tap2", "tap3" }',
      'add element bridge patchbay guests { "tap2" : accept, "tap4" : drop }',
    ])
  })

  it('fills a chain afresh when its rules differ, also in their order alone', () => {
    const have = aTable({}, { first: nftChain(['accept', 'drop']), second: nftChain(['drop']) })
    const want = aTable({}, { first: nftChain(['drop', 'accept']), second: nftChain(['drop']) })
    expect(diffTables(want, have).map((command) => command.replace(/ comment .*/, ''))).toEqual([
      'flush chain bridge patchbay first',
      'add rule bridge patchbay first drop',
      'add rule bridge patchbay first accept',
    ])
  })

  it('takes away what is too much, after what refers to it', () => {
    const have = aTable(
      { old: aSet(), guests: aMap({ '"tap1"': 'goto gone' }) },
      { gone: nftChain(['ip saddr @old drop']) },
    )
    expect(diffTables(aTable({ guests: aMap({}) }), have)).toEqual([
      'delete element bridge patchbay guests { "tap1" }',
      'flush chain bridge patchbay gone',
      'delete set bridge patchbay old',
      'delete chain bridge patchbay gone',
    ])
  })

  it('is a table made afresh when a set or a base chain is declared otherwise', () => {
    const want = aTable({ one: aSet() }, { first: nftChain([], HOOK) })
    const others = [
      aTable({ one: aMap({}) }, { first: nftChain([], HOOK) }),
      aTable({ one: { ...aSet(), flags: ['interval'] } }, { first: nftChain([], HOOK) }),
      aTable({ one: aSet() }, { first: nftChain([], { ...HOOK, priority: 0 }) }),
      aTable({ one: aSet() }, { first: nftChain([]) }),
    ]
    for (const have of others) {
      expect(diffTables(want, have)).toEqual(['delete table bridge patchbay', ...diffTables(want, undefined)])
    }
  })
})

it.each(['drop; flush ruleset', 'drop\nflush ruleset', 'drop # rest', 'drop comment \\'])(
  'a rule %j, which would be more than a rule, is refused',
  (text) => {
    expect(() => nftRule(text)).toThrow(RangeError)
  },
)

it.each([
  ['an element', aTable({ one: aSet('10.0.0.1 }\nflush ruleset') })],
  ['a set', aTable({ 'one {': aSet() })],
  ['a chain', aTable({}, { 'a; b': nftChain([]) })],
  ['a table', { ...aTable(), name: 'a b' }],
])('%s whose name would be more than a name is refused', (_, table) => {
  expect(() => diffTables(table, undefined)).toThrow(RangeError)
})

it('of a set that rules fill the elements are nobody’s wish, its size is', () => {
  const filled = (size: number): NftSet => ({
    type: 'mark',
    dynamic: { size, timeoutSeconds: 300 },
    elements: new Map(),
  })
  expect(diffTables(aTable({ one: filled(9) }), undefined).at(-1)).toBe(
    'add set bridge patchbay one { type mark; size 9; flags dynamic,timeout; timeout 300s; }',
  )
  const listed = (flags: string[]) =>
    parseTable(
      JSON.stringify({
        nftables: [
          { table: { family: 'bridge', name: 'patchbay' } },
          {
            set: { name: 'one', type: 'mark', size: 9, timeout: 300, flags, elem: [{ elem: { val: 5, expires: 7 } }] },
          },
        ],
      }),
    )
  for (const flags of [['timeout'], ['timeout', 'dynamic']]) {
    expect(diffTables(aTable({ one: filled(9) }), listed(flags))).toEqual([])
    expect(diffTables(aTable({ one: filled(8) }), listed(flags))[0]).toBe('delete table bridge patchbay')
  }
})

it('a listing is read in the words that we write', () => {
  const element = { concat: ['tap1', { prefix: { addr: '10.0.0.0', len: 8 } }] }
  const table = parseTable(
    JSON.stringify({
      nftables: [
        { metainfo: { version: '1.0.6' } },
        { table: { family: 'inet', name: 'patchbay', handle: 1 } },
        { set: { name: 'blocks', type: ['ifname', 'ipv4_addr'], flags: ['interval'], elem: [element] } },
        {
          set: { name: 'six', type: 'ipv6_addr', elem: ['::ffff:1.2.3.4', { elem: { val: 'fd00::1', timeout: 60 } }] },
        },
        { map: { name: 'marks', type: 'ifname', map: 'mark', elem: [['tap1', 255]] } },
        {
          map: {
            name: 'guests',
            type: 'mark',
            map: 'verdict',
            elem: [
              [1, { goto: { target: 'x' } }],
              [2, { drop: null }],
            ],
          },
        },
        {
          map: {
            name: 'nat',
            type: ['inet_proto', 'inet_service'],
            map: 'ipv4_addr . inet_service',
            elem: [[{ concat: ['tcp', 80] }, { concat: ['10.0.0.1', 8080] }]],
          },
        },
        { chain: { name: 'first', type: 'filter', hook: 'prerouting', prio: -300, policy: 'accept' } },
        { chain: { name: 'second' } },
        { rule: { chain: 'first', comment: 'abc', expr: [] } },
        { rule: { chain: 'first', expr: [] } },
      ],
    }),
  )
  expect(table).toEqual({
    family: 'inet',
    name: 'patchbay',
    sets: new Map([
      ['blocks', { type: 'ifname . ipv4_addr', flags: ['interval'], elements: new Map([['"tap1" . 10.0.0.0/8', '']]) }],
      [
        'six',
        {
          type: 'ipv6_addr',
          elements: new Map([
            ['::ffff:102:304', ''],
            ['fd00::1', ''],
          ]),
        },
      ],
      ['marks', { type: 'ifname', data: 'mark', elements: new Map([['"tap1"', '0x000000ff']]) }],
      [
        'guests',
        {
          type: 'mark',
          data: 'verdict',
          elements: new Map([
            ['0x00000001', 'goto x'],
            ['0x00000002', 'drop'],
          ]),
        },
      ],
      [
        'nat',
        {
          type: 'inet_proto . inet_service',
          data: 'ipv4_addr . inet_service',
          elements: new Map([['tcp . 80', '10.0.0.1 . 8080']]),
        },
      ],
    ]),
    chains: new Map([
      [
        'first',
        {
          base: HOOK,
          rules: [
            { tag: 'abc', text: '' },
            { tag: '', text: '' },
          ],
        },
      ],
      ['second', { rules: [] }],
    ]),
  })
})
