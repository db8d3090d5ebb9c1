/** A rule as the form has it: text that may not be a number yet. */
import {
  DEFAULT_PRIORITY,
  type Direction,
  hasIcmpTypes,
  hasPorts,
  type NewRule,
  type Preset,
  type Rule,
} from './rules.ts'

export type Remote = 'anyone' | 'range' | 'group'

export interface RuleForm extends Pick<Rule, 'action' | 'protocol' | 'name'> {
  readonly priority: string
  readonly port_first: string
  readonly port_last: string
  readonly icmp_type: string
  readonly icmp_code: string
  readonly remote: Remote
  readonly remote_cidr: string
  readonly remote_group_id: string | null
}

const text = (number: number | null | undefined): string => (number == null ? '' : String(number))
const number = (typed: string): number | null => (/^\d+$/.test(typed.trim()) ? Number(typed) : null)

export const formOf = (rule: Partial<Rule>): RuleForm => ({
  name: rule.name ?? '',
  action: rule.action ?? 'accept',
  protocol: rule.protocol ?? 'tcp',
  priority: text(rule.priority ?? DEFAULT_PRIORITY),
  port_first: text(rule.port_first),
  port_last: rule.port_last === rule.port_first ? '' : text(rule.port_last),
  icmp_type: text(rule.icmp_type),
  icmp_code: text(rule.icmp_code),
  remote: rule.remote_group_id ? 'group' : rule.remote_cidr ? 'range' : 'anyone',
  remote_cidr: rule.remote_cidr ?? '',
  remote_group_id: rule.remote_group_id ?? null,
})

/** What a service needs, in place of what the form said; who may reach it stays. */
export const withPreset = (form: RuleForm, { name, protocol, port_first, icmp_type }: Preset): RuleForm => ({
  ...form,
  name,
  protocol,
  port_first: text(port_first),
  port_last: '',
  icmp_type: text(icmp_type),
  icmp_code: '',
})

/** What is sent: every field, for what is not said is to be taken out of a rule that had it. */
export function ruleOf(form: RuleForm, direction: Direction): NewRule & Pick<Rule, 'action' | 'direction'> {
  const { action, protocol } = form
  const first = hasPorts(protocol) ? number(form.port_first) : null
  return {
    name: form.name.trim(),
    direction,
    action,
    protocol,
    priority: number(form.priority) ?? DEFAULT_PRIORITY,
    port_first: first,
    port_last: first === null ? null : (number(form.port_last) ?? first),
    icmp_type: hasIcmpTypes(protocol) ? number(form.icmp_type) : null,
    icmp_code: hasIcmpTypes(protocol) ? number(form.icmp_code) : null,
    remote_cidr: form.remote === 'range' ? form.remote_cidr.trim() : null,
    remote_group_id: form.remote === 'group' ? form.remote_group_id : null,
  }
}
