/** How the filters are changed: in one piece or not at all, from whatever stands there. */
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { NIC_LIMITS } from '../../src/workers/host/filters.ts'
import { tapName } from '../../src/workers/host/names.ts'
import { type FilterChanges, NicPolicies, type PolicyState } from '../../src/workers/host/policies.ts'
import { runCommand, runInNamespace } from '../../src/workers/host/run-command.ts'
import type { NicPolicy } from '../../src/workers/host/specs.ts'
import { FilterMonitor } from '../../src/workers/kernel-monitor.ts'
import { until } from '../support/until.ts'
import {
  aFilterBench,
  aGroup,
  aPolicy,
  aRule,
  aVni,
  between,
  type FilterBench,
  type FilteredGuest,
  passes,
} from './a-policy.ts'
import { icmp, tcpSyn, udp } from './frames.ts'

const OPEN = aGroup([aRule()])
const CLOSED = aGroup()
const WEB = aGroup([aRule({ protocol: 'tcp', ports: { first: 80, last: 80 } })])

let bench: FilterBench
let a: FilteredGuest
let b: FilteredGuest

beforeEach(async () => {
  bench = await aFilterBench()
  const vni = aVni()
  a = await bench.guest({ vni, host: 2, groupIds: [WEB.id] })
  b = await bench.guest({ vni, host: 3, groupIds: [WEB.id] })
})
afterEach(() => bench.dispose())

const nft = (...args: string[]) => runInNamespace(bench.netns, 'nft', args)
const replaceWith = (state: PolicyState) => bench.policies.replace(async () => state)

describe('filters', () => {
  it('changed to what they are stay untouched, also by a worker that remembers nothing', async () => {
    const groups = [OPEN, WEB, CLOSED]
    expect(await bench.apply(...groups)).toBe(true)
    const before = (await nft('-a', 'list', 'ruleset')).stdout
    expect(await bench.apply(...groups)).toBe(false)
    const restarted = new NicPolicies(bench.netns)
    expect(await restarted.replace(async () => bench.state(groups))).toBe(false)
    expect((await nft('-a', 'list', 'ruleset')).stdout).toBe(before)
  })

  it('know a NIC from ensure to remove', async () => {
    const witness = await bench.guest({ vni: a.nic.vni, host: 4 })
    await replaceWith({ nics: [b.nic, witness.nic], groups: [WEB] })
    expect(await passes(a, b, tcpSyn(between(a, b), 80), witness)).toBe(false)
    await bench.policies.ensure([a.nic])
    expect(await passes(a, b, tcpSyn(between(a, b), 80))).toBe(true)
    expect(await bench.policies.isAlright(bench.state([WEB]))).toBe(true)
    await bench.policies.remove([a.mac, '52:54:00:00:00:99'])
    expect(await passes(a, b, tcpSyn(between(a, b), 80), witness)).toBe(false)
    expect(await bench.policies.isAlright({ nics: [b.nic, witness.nic], groups: [WEB] })).toBe(true)
  })

  it('know a NIC as it was told last', async () => {
    await bench.apply(WEB)
    const spoofed = () => tcpSyn(between(a, b, { from: '172.16.1.77' }), 80)
    expect(await passes(a, b, spoofed())).toBe(false)
    await bench.policies.ensure([{ ...a.nic, allowedPairs: [{ address: '172.16.1.77' }] }])
    expect(await passes(a, b, spoofed())).toBe(true)
    await bench.policies.ensure([{ ...a.nic, allowedPairs: [{ address: '172.16.1.64/28' }] }])
    expect(await passes(a, b, spoofed())).toBe(true)
    await bench.policies.ensure([a.nic])
    expect(await passes(a, b, spoofed())).toBe(false)
    expect(await bench.policies.isAlright(bench.state([WEB]))).toBe(true)
  })

  it('that nft refuses leave in force what was, and say why', async () => {
    await bench.apply(WEB)
    const wrong = { ...WEB, rules: [...OPEN.rules, aRule({ protocol: 'tcp', ports: { first: 90, last: 80 } })] }
    await expect(replaceWith(bench.state([wrong]))).rejects.toThrow(/Range has zero or negative size/)
    expect(await passes(a, b, tcpSyn(between(a, b), 80))).toBe(true)
    expect(await passes(a, b, udp(between(a, b), 80))).toBe(false)
    expect(await bench.policies.isAlright(bench.state([WEB]))).toBe(true)
    await bench.policies.ensure([a.nic])
  })

  it('of many callers at once are those of all; one that cannot be done fails alone', async () => {
    await bench.apply(WEB)
    const nics = Array.from({ length: 50 }, (_, index) => aPolicy({ host: index, vni: a.nic.vni, groupIds: [WEB.id] }))
    const impossible = { ...aPolicy(), allowedPairs: [{ address: 'everything' }] }
    const outcomes = await Promise.allSettled([
      ...nics.slice(0, 25).map((nic) => bench.policies.ensure([nic])),
      bench.policies.ensure([impossible]),
      ...nics.slice(25).map((nic) => bench.policies.ensure([nic])),
      bench.policies.remove([b.mac]),
    ])
    expect(outcomes.map(({ status }) => status).filter((status) => status === 'rejected')).toHaveLength(1)
    expect(outcomes[25]).toMatchObject({
      reason: expect.objectContaining({ message: expect.stringMatching(/everything/) }),
    })
    expect(await bench.policies.isAlright({ nics: [a.nic, ...nics], groups: [WEB] })).toBe(true)
  })

  it('are not added to before they are known as a whole', async () => {
    await expect(bench.policies.ensure([a.nic])).rejects.toThrow(/replace comes before ensure/)
    await bench.policies.remove([a.mac])
  })

  it('refuse a NIC whose packets would have no mark', async () => {
    const nic = aPolicy({ mac: '52:54:00:00:00:00' })
    await expect(replaceWith({ nics: [nic], groups: [] })).rejects.toThrow(RangeError)
  })

  it('of a thousand rules and 252 members are one transaction', async () => {
    const members = Array.from({ length: 252 }, (_, index) => ({ scope: a.nic.scope, address: `10.0.0.${index + 2}` }))
    const rules = Array.from({ length: 1000 }, (_, index) =>
      aRule({ protocol: 'tcp', ports: { first: index + 1, last: index + 1 }, remote: { groupId: 'sg-many' } }),
    )
    const state = bench.state([
      { ...WEB, rules: [...CLOSED.rules, ...rules, aRule({ protocol: 'icmp' })] },
      aGroup([], { id: 'sg-many', members }),
    ])
    expect(await replaceWith(state)).toBe(true)
    expect(await bench.policies.isAlright(state)).toBe(true)
    expect(await replaceWith(state)).toBe(false)
    expect(await passes(a, b, icmp(between(a, b), 8))).toBe(true)
    expect(await passes(a, b, tcpSyn(between(a, b), 80))).toBe(false)
  })

  const tap = () => tapName(a.mac)
  it.each<[string, () => string]>([
    ['an element was removed', () => `delete element bridge patchbay guests { "${tap()}" }`],
    ['an element was added', () => `add element bridge patchbay macs { "${tap()}" . 52:54:00:0b:ad:01 }`],
    [
      'an element was changed',
      () =>
        `delete element bridge patchbay guests { "${tap()}" }
         add element bridge patchbay guests { "${tap()}" : goto unguarded }`,
    ],
    ['a chain was emptied', () => 'flush chain bridge patchbay harmless6'],
    ['a rule was added', () => 'insert rule bridge patchbay forward accept'],
    ['a chain was added', () => 'add chain inet patchbay more { type filter hook input priority 0; }'],
    ['a set was added', () => 'add set inet patchbay more { type ipv4_addr; }'],
    ['a chain was made another', () => 'delete chain inet patchbay tracking'],
    ['a table was removed', () => 'delete table inet patchbay'],
    ['both were removed', () => 'flush ruleset'],
    [
      'a chain stands at another hook',
      () =>
        `delete chain inet patchbay egress
         add chain inet patchbay egress { type filter hook prerouting priority -100; }`,
    ],
    [
      'a set is of another kind',
      () =>
        `flush chain bridge patchbay addressed
         flush chain bridge patchbay unaddressed
         delete set bridge patchbay macs
         add set bridge patchbay macs { type ether_addr; }`,
    ],
  ])('are seen to have drifted, and mended, when %s', async (_, commands) => {
    const state = bench.state([WEB])
    await bench.apply(WEB)
    expect(await bench.policies.isAlright(state)).toBe(true)
    await runInNamespace(bench.netns, 'nft', ['-f', '-'], { input: `${commands()}\n` })
    expect(await bench.policies.isAlright(state)).toBe(false)
    await bench.policies.forget()
    expect(await bench.apply(WEB)).toBe(true)
    expect(await bench.policies.isAlright(state)).toBe(true)
  })

  it('are made afresh in a namespace that was', async () => {
    await bench.apply(WEB)
    await runCommand('ip', ['netns', 'delete', bench.netns])
    await runCommand('ip', ['netns', 'add', bench.netns])
    await bench.policies.ensure([a.nic])
    expect(await bench.policies.isAlright(bench.state([WEB]))).toBe(true)
  })

  it.each<[string, (left: NicPolicy, heir: NicPolicy, stays: NicPolicy) => Promise<unknown>]>([
    ['leaves', (left, heir) => bench.policies.remove([left.mac]).then(() => bench.policies.ensure([heir]))],
    ['is left out', (_, heir, stays) => replaceWith({ nics: [a.nic, heir, stays], groups: [OPEN, CLOSED, WEB] })],
    ['gets another address', (left, heir) => bench.policies.ensure([{ ...left, addresses: ['172.16.1.9'] }, heir])],
  ])('forget the connections of a NIC that %s, and only those', async (_, handOn) => {
    const nic = (host: number, groupId: string) => bench.guest({ vni: a.nic.vni, host, groupIds: [groupId] })
    const [left, stays, heir] = [await nic(4, OPEN.id), await nic(5, OPEN.id), await nic(4, CLOSED.id)]
    await replaceWith({ nics: [a.nic, left.nic, stays.nic], groups: [OPEN, CLOSED, WEB] })
    const question = (to: FilteredGuest) => passes(a, to, udp(between(a, to), 2000, 1000))
    const answer = (from: FilteredGuest) => passes(from, a, udp(between(from, a), 1000, 2000))
    for (const other of [left, stays]) {
      expect(await question(other)).toBe(true)
      expect(await answer(other)).toBe(true)
    }
    await handOn(left.nic, heir.nic, stays.nic)
    expect(await question(heir)).toBe(false)
    expect(await answer(stays)).toBe(true)
  })

  it('that somebody changed by hand do not keep a NIC from being added or removed', async () => {
    await bench.apply(WEB)
    await nft('delete', 'table', 'bridge', 'patchbay')
    await bench.policies.remove([a.mac])
    expect(await bench.policies.isAlright({ nics: [b.nic], groups: [WEB] })).toBe(true)
    await nft('delete', 'table', 'inet', 'patchbay')
    await bench.policies.ensure([a.nic])
    expect(await bench.policies.isAlright(bench.state([WEB]))).toBe(true)
  })
})

describe('a look at filters', () => {
  /** Filters with somebody who counts changes, in the beginning none. */
  async function counted(changesSeen: () => FilterChanges | undefined) {
    const policies = new NicPolicies(bench.netns, NIC_LIMITS, changesSeen)
    await policies.replace(async () => bench.state([WEB]))
    expect(await policies.isAlright(bench.state([WEB]))).toBe(true)
    return policies
  }
  const dropElement = () => nft('delete', 'element', 'bridge', 'patchbay', 'guests', `{ "${tapName(a.mac)}" }`)

  it('finds a change that nobody saw after a while all the same', async () => {
    const policies = await counted(() => ({ since: 1, count: 7 }))
    await dropElement()
    expect(await policies.isAlright(bench.state([WEB]))).toBe(true)
    const now = performance.now()
    const clock = vi.spyOn(performance, 'now').mockReturnValue(now + 30_000)
    expect(await policies.isAlright(bench.state([WEB]))).toBe(false)
    clock.mockRestore()
  })

  it('finds what should be otherwise, also when nobody has changed anything', async () => {
    const policies = await counted(() => ({ since: 1, count: 7 }))
    expect(await policies.isAlright({ nics: [a.nic], groups: [WEB] })).toBe(false)
    expect(await policies.isAlright(bench.state([CLOSED]))).toBe(false)
    expect(await policies.isAlright(bench.state([WEB]))).toBe(true)
  })

  it.each<[string, FilterChanges | undefined]>([
    ['has begun anew', { since: 2, count: 7 }],
    ['has stopped', undefined],
  ])('trusts nothing when the count %s', async (_, after) => {
    let seen: FilterChanges | undefined = { since: 1, count: 7 }
    const policies = await counted(() => seen)
    await dropElement()
    seen = after
    expect(await policies.isAlright(bench.state([WEB]))).toBe(false)
  })

  it('tells the changes of others from our own as they happen', async () => {
    const monitor = new FilterMonitor(bench.netns, pino({ level: 'silent' }))
    monitor.open()
    try {
      const { count: before } = await until('the monitor listens', () => monitor.seen())
      const policies = await counted(() => monitor.seen())
      const others = () => (monitor.seen()?.count ?? 0) - policies.revision
      await policies.remove([b.mac])
      await policies.ensure([b.nic])
      await until('ours are counted', () => others() === before)
      expect(await policies.isAlright(bench.state([WEB]))).toBe(true)
      await dropElement()
      await until('theirs is seen', async () => !(await policies.isAlright(bench.state([WEB]))))
    } finally {
      monitor.close()
    }
  })
})
