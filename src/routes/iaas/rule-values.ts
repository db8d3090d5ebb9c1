/**
 * What a rule of a security group says, in the words of the wire: `val1` and `val2` are the ports of tcp and udp, or the
 * type and code of icmp; `val3` is the other side. Empty: all of them; with a first port and no last one, that one port.
 * They are read back as they were written, for Terraform compares the letters.
 */
import { RULE_ACTIONS, RULE_PROTOCOLS } from '../../domain/network/network-kinds.ts'
import { type RuleFault, type RuleFields, ruleFaults } from '../../domain/security-group/rule-fields.ts'
import { isCidr, isIpv6Cidr } from '../validation.ts'
import { ownId } from './ids.ts'
import type { Parameters } from './parameters.ts'
import { notAllowed } from './refusals.ts'

export interface RuleValues {
  readonly val1: string
  readonly val2: string
  readonly val3: string
}

const NONE: RuleValues = { val1: '', val2: '', val3: '' }

const text = (value: number | null): string => (value === null ? '' : String(value))

export const ruleValues = (rule: Omit<RuleFields, 'name'>): RuleValues => ({
  val1: text(rule.port_first ?? rule.icmp_type),
  val2: text(rule.port_last ?? rule.icmp_code),
  val3: rule.remote_group_id ?? rule.remote_cidr ?? '',
  ...rule.wire,
})

/**
 * The fields of a rule that parameters ask for.
 * @param at - what stands before their names in the request, as `rules.3.`.
 * @param now - the rule as it is, of which what is not given stays; what is said of ports goes with another protocol.
 */
export function ruleFieldsFrom(params: Parameters, at: string, now: RuleFields): RuleFields {
  const protocol = params.oneOf('protocol', RULE_PROTOCOLS) ?? now.protocol
  const before = { ...(protocol === now.protocol ? ruleValues(now) : NONE), val3: ruleValues(now).val3 }
  const values = {
    val1: params.given('val1') ?? before.val1,
    val2: params.given('val2') ?? before.val2,
    val3: params.given('val3') ?? before.val3,
  }
  const rule: RuleFields = {
    name: params.label('security_group_rule_name') ?? now.name,
    direction: directionFrom(params) ?? now.direction,
    priority: params.int('priority', { min: 0, max: 100 }) ?? now.priority,
    // Where the parameters are those of the request, `action` is what is asked for.
    action: params.oneOf(at === '' ? 'rule_action' : 'action', RULE_ACTIONS) ?? now.action,
    protocol,
    ...numbersFrom(protocol, values, at),
    ...remoteFrom(values.val3, at),
    wire: values,
  }
  const faults = ruleFaults(rule)
  if (faults.length > 0) throw notAllowed(faults.map((fault) => inWords(fault, at)).join('; '))
  return rule
}

const DIRECTIONS = { 0: 'in', 1: 'out' } as const

export const directionFrom = (params: Parameters): RuleFields['direction'] | undefined => {
  const given = params.int('direction', { min: 0, max: 1 })
  return given === undefined ? undefined : DIRECTIONS[given as 0 | 1]
}

type Numbers = Pick<RuleFields, 'port_first' | 'port_last' | 'icmp_type' | 'icmp_code'>

function numbersFrom(protocol: RuleFields['protocol'], { val1, val2 }: RuleValues, at: string): Numbers {
  const none = { port_first: null, port_last: null, icmp_type: null, icmp_code: null }
  switch (protocol) {
    case 'tcp':
    case 'udp': {
      const first = numberFrom(val1, `${at}val1`, 1, 65_535)
      return { ...none, port_first: first, port_last: numberFrom(val2, `${at}val2`, 1, 65_535) ?? first }
    }
    case 'icmp':
    case 'icmpv6':
      return {
        ...none,
        icmp_type: numberFrom(val1, `${at}val1`, 0, 255),
        icmp_code: numberFrom(val2, `${at}val2`, 0, 255),
      }
    default:
      if (val1 !== '' || val2 !== '')
        throw notAllowed(`parameters ${at}val1 and ${at}val2 must be empty for ${protocol}`)
      return none
  }
}

function numberFrom(value: string, name: string, min: number, max: number): number | null {
  if (value === '') return null
  const number = Number(value)
  if (/^\d{1,5}$/.test(value) && number >= min && number <= max) return number
  throw notAllowed(`parameter ${name} must be ${min} to ${max}, or empty`)
}

function remoteFrom(val3: string, at: string): Pick<RuleFields, 'remote_cidr' | 'remote_group_id'> {
  if (val3 === '') return { remote_cidr: null, remote_group_id: null }
  const groupId = ownId('sg', val3)
  if (groupId !== '') return { remote_cidr: null, remote_group_id: groupId }
  const cidr = val3.includes('/') ? val3 : `${val3}/${val3.includes(':') ? 128 : 32}`
  if (isCidr(cidr) || isIpv6Cidr(cidr)) return { remote_cidr: cidr, remote_group_id: null }
  throw notAllowed(`parameter ${at}val3 must be a CIDR without host bits, an address, or a security group`)
}

const WORDS: Readonly<Record<string, string>> = {
  port_first: 'val1',
  icmp_type: 'val1',
  port_last: 'val2',
  icmp_code: 'val2',
  remote_cidr: 'val3',
  remote_group_id: 'val3',
}

/** A fault of a rule, of the parameter that is at fault. */
const inWords = ({ field, detail }: RuleFault, at: string): string =>
  `parameter ${at}${WORDS[field] ?? field} ${detail.replaceAll(/\b[a-z]+_[a-z_]+\b/g, (word) => `${at}${WORDS[word] ?? word}`)}`
