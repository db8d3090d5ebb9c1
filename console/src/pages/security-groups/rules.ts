/** What rules are, apart from how they are shown: their order, what services need, and what groups begin with. */
import type { addSecurityGroupRules, SecurityGroupRule } from '../../api/client.ts'
import type { Refusal } from '../../api/refusal.ts'
import { rangeOf } from '../networks/ranges.ts'

export type Rule = SecurityGroupRule
export type Protocol = Rule['protocol']
export type Direction = Rule['direction']
/** What the service is asked to make. */
export type NewRule = Parameters<typeof addSecurityGroupRules>[1]['rules'][number]

export const PROTOCOLS = ['tcp', 'udp', 'icmp', 'icmpv6', 'all', 'gre', 'esp', 'ah', 'ipip'] as const
export const LOWEST_PRIORITY = 0
export const HIGHEST_PRIORITY = 100
/** In the middle, as the service has it: others fit before and after. */
export const DEFAULT_PRIORITY = 50
/** After what else there is. */
const LAST_PRIORITY = 100

export const hasPorts = (protocol: Protocol): boolean => protocol === 'tcp' || protocol === 'udp'
export const hasIcmpTypes = (protocol: Protocol): boolean => protocol === 'icmp' || protocol === 'icmpv6'

/** What a service needs to be reached, as it is commonly called. */
export interface Preset extends Pick<NewRule, 'protocol' | 'port_first' | 'icmp_type'> {
  readonly name: string
}
const ECHO_REQUEST = 8
export const PRESETS: readonly Preset[] = [
  { name: 'SSH', protocol: 'tcp', port_first: 22 },
  { name: 'HTTP', protocol: 'tcp', port_first: 80 },
  { name: 'HTTPS', protocol: 'tcp', port_first: 443 },
  { name: 'DNS', protocol: 'udp', port_first: 53 },
  { name: 'MySQL', protocol: 'tcp', port_first: 3306 },
  { name: 'PostgreSQL', protocol: 'tcp', port_first: 5432 },
  { name: 'RDP', protocol: 'tcp', port_first: 3389 },
  { name: 'ping', protocol: 'icmp', icmp_type: ECHO_REQUEST },
]

export const TEMPLATES = ['ssh', 'web', 'same_group', 'out_only', 'empty'] as const
export type Template = (typeof TEMPLATES)[number]

const ALL_OUT: NewRule = { name: 'all out', direction: 'out', protocol: 'all', priority: LAST_PRIORITY }
const ofServices = (...names: string[]): NewRule[] =>
  names.flatMap((name) => PRESETS.find((preset) => preset.name === name) ?? [])

/** The rules that a group begins with. A rule that names the group itself follows when it is there. */
export const FIRST_RULES: Readonly<Record<Template, readonly NewRule[]>> = {
  ssh: [...ofServices('SSH'), ALL_OUT],
  web: [...ofServices('HTTP', 'HTTPS', 'SSH', 'ping'), ALL_OUT],
  same_group: [ALL_OUT],
  out_only: [ALL_OUT],
  empty: [],
}
export const fromSameGroup = (groupId: string): NewRule => ({
  name: 'same group',
  protocol: 'all',
  remote_group_id: groupId,
})

/** As they are asked: by priority, and of those with the same, `drop` first. */
export const inOrder = (rules: readonly Rule[]): readonly Rule[] =>
  [...rules].sort(
    (a, b) =>
      a.priority - b.priority ||
      Number(b.action === 'drop') - Number(a.action === 'drop') ||
      a.created_at.localeCompare(b.created_at) ||
      a.id.localeCompare(b.id),
  )

/** How to bring a rule one place up or down: a new priority for it, or for all when there is none between. */
export type Move = { readonly priority: number } | { readonly priorities: ReadonlyMap<string, number> }

/**
 * Moves a rule past its neighbours with the next priority: rules with the same one are asked together.
 * @param rules - of one direction.
 * @returns `undefined` when it is the first or the last already.
 */
export function moved(rules: readonly Rule[], id: string, by: -1 | 1): Move | undefined {
  const rule = rules.find((one) => one.id === id)
  if (!rule) return undefined
  const levels = [...new Set(rules.filter((one) => one !== rule).map(({ priority }) => priority))].sort((a, b) => a - b)
  const before = levels.filter((level) => level < rule.priority)
  const same = levels.filter((level) => level === rule.priority)
  const after = levels.filter((level) => level > rule.priority)
  // Between these two levels it goes; one that shares its level leaves that first.
  const passes = same.length > 0 ? same : by < 0 ? before.slice(-1) : after.slice(0, 1)
  if (passes.length === 0) return undefined
  const place = by < 0 ? levels.indexOf(passes[0] as number) : levels.indexOf(passes[0] as number) + 1
  const low = levels[place - 1] ?? LOWEST_PRIORITY - 1
  const high = levels[place] ?? HIGHEST_PRIORITY + 1
  if (high - low > 1) return { priority: between(low, high, levels.length) }
  if (levels.length > HIGHEST_PRIORITY - LOWEST_PRIORITY) return undefined
  return { priorities: spread(rules, rule, levels.toSpliced(place, 0, Number.NaN)) }
}

/** At the ends a few away, so that others fit between; else in the middle. */
function between(low: number, high: number, others: number): number {
  const STEP = 10
  if (others > 0 && high > HIGHEST_PRIORITY) return Math.min(low + STEP, HIGHEST_PRIORITY)
  if (others > 0 && low < LOWEST_PRIORITY) return Math.max(high - STEP, LOWEST_PRIORITY)
  return Math.floor((low + high) / 2)
}

/** New priorities for all, evenly, in the order of the levels; `NaN` stands for the rule that moves. */
function spread(rules: readonly Rule[], moving: Rule, levels: readonly number[]): ReadonlyMap<string, number> {
  const share = (HIGHEST_PRIORITY - LOWEST_PRIORITY + 1) / levels.length
  const levelOf = (rule: Rule) => (rule === moving ? Number.NaN : rule.priority)
  return new Map(
    rules.map((rule) => {
      const place = levels.findIndex((level) => Object.is(level, levelOf(rule)))
      return [rule.id, LOWEST_PRIORITY + Math.floor(share * (place + 0.5))]
    }),
  )
}

/** A rule as it is asked for anew. */
export function asNew({ id: _id, created_at: _created, ...rule }: Rule): NewRule {
  return rule
}

/** A range without host bits, of IPv4; of IPv6 only its form is looked at, the service does the rest. */
export function isCidr(text: string): boolean {
  if (/^[\da-f:]+\/\d{1,3}$/.test(text) && text.includes(':')) return true
  return rangeOf(text)?.isExact === true
}

/** What the service says of the only rule that was sent in a list, as if that were the body: `/rules/0/name` → `/name`. */
export function ofOnlyRule(refusal: Refusal | undefined): Refusal | undefined {
  if (refusal?.kind !== 'problem' || !refusal.problem.errors) return refusal
  const errors = refusal.problem.errors.map((error) => ({
    ...error,
    pointer: error.pointer.replace(/^\/rules\/0(?=\/)/, ''),
  }))
  return { ...refusal, problem: { ...refusal.problem, errors } }
}
