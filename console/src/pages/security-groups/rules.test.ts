import { describe, expect, it } from 'vitest'
import { inOrder, isCidr, type Move, moved, ofOnlyRule, type Rule } from './rules.ts'

const rule = (id: string, priority: number, action: Rule['action'] = 'accept'): Rule => ({
  id,
  name: '',
  direction: 'in',
  priority,
  action,
  protocol: 'tcp',
  port_first: 22,
  port_last: 22,
  icmp_type: null,
  icmp_code: null,
  remote_cidr: null,
  remote_group_id: null,
  created_at: '2026-01-01T00:00:00.000Z',
})

/** The ids in order, after a move. */
function orderAfter(rules: readonly Rule[], move: Move | undefined, id: string): string {
  if (!move) return 'not moved'
  const next = rules.map((one) => ({
    ...one,
    priority: 'priority' in move ? (one.id === id ? move.priority : one.priority) : (move.priorities.get(one.id) ?? -1),
  }))
  for (const { priority } of next) {
    expect(priority).toBeGreaterThanOrEqual(0)
    expect(priority).toBeLessThanOrEqual(100)
  }
  return inOrder(next)
    .map((one) => one.id)
    .join(' ')
}

describe('the order of rules', () => {
  it('is by priority, and drop comes before accept', () => {
    const rules = [rule('c', 50), rule('a', 10), rule('b', 50, 'drop')]
    expect(inOrder(rules).map(({ id }) => id)).toEqual(['a', 'b', 'c'])
  })

  it.each([
    ['up', -1, 'c', [10, 20, 30], 'a c b'],
    ['up to the first place', -1, 'b', [10, 20, 30], 'b a c'],
    ['down', 1, 'a', [10, 20, 30], 'b a c'],
    ['down to the last place', 1, 'b', [10, 20, 30], 'a c b'],
    ['up when no number is free between', -1, 'c', [10, 11, 12], 'a c b'],
    ['up when none is free before', -1, 'b', [0, 1, 2], 'b a c'],
    ['down when none is free after', 1, 'b', [98, 99, 100], 'a c b'],
    ['out of a place that it shares', -1, 'c', [10, 50, 50], 'a c b'],
    ['down out of a place that it shares', 1, 'a', [50, 50, 60], 'b a c'],
    ['not past the first', -1, 'a', [10, 20, 30], 'not moved'],
    ['not past the last', 1, 'c', [10, 20, 30], 'not moved'],
  ] as const)('changes by moving a rule %s', (_what, by, id, priorities, expected) => {
    const rules = priorities.map((priority, index) => rule('abc'[index] ?? '', priority))
    expect(orderAfter(rules, moved(rules, id, by), id)).toBe(expected)
  })

  it('stays as it is for those that keep a number of their own', () => {
    const rules = Array.from({ length: 101 }, (_, index) => rule(String(index).padStart(3, '0'), index))
    const move = moved(rules, '050', -1)
    const expected = rules.map(({ id }) => id)
    ;[expected[49], expected[50]] = ['050', '049']
    expect(orderAfter(rules, move, '050')).toBe(expected.join(' '))
    expect(new Set(move && 'priorities' in move ? move.priorities.values() : []).size).toBe(101)
  })
})

describe('a range', () => {
  it.each(['0.0.0.0/0', '10.0.0.0/8', '172.16.1.0/24', '203.0.113.7/32', 'fd00:1::/64', '::/0'])('%s is one', (text) =>
    expect(isCidr(text)).toBe(true),
  )
  it.each(['10.0.0.1/8', '10.0.0.0', '10.0.0.0/33', '256.0.0.0/8', 'anyone', '10.0.0/8', 'fd00::'])(
    '%s is none',
    (text) => expect(isCidr(text)).toBe(false),
  )
})

it('what is said of the only rule stands at its field', () => {
  const problem = {
    type: 'urn:patchbay:problem:rule_invalid',
    title: 'The fields of the rule do not fit together',
    status: 400,
    code: 'rule_invalid',
    detail: '',
    request_id: 'req-1',
    errors: [
      { in: 'body', pointer: '/rules/0/remote_cidr', detail: 'must be of IPv4' },
      { in: 'body', pointer: '/rules', detail: 'must have more' },
    ],
  } as const
  const said = ofOnlyRule({
    kind: 'problem',
    problem: { ...problem, errors: [...problem.errors] },
    retryAfter: undefined,
  })
  expect(said?.kind === 'problem' && said.problem.errors?.map(({ pointer }) => pointer)).toEqual([
    '/remote_cidr',
    '/rules',
  ])
})
