/**
 * What a rule of a security group says, and which sayings fit together. The database holds the same rules by its
 * constraints `security_group_rule_…`; here they are said of the field at fault.
 */
import type { RULE_ACTIONS, RULE_DIRECTIONS, RULE_PROTOCOLS } from '../network/network-kinds.ts'

export interface RuleFields {
  readonly name: string
  readonly direction: (typeof RULE_DIRECTIONS)[number]
  /** 0..100, lowest first. */
  readonly priority: number
  readonly action: (typeof RULE_ACTIONS)[number]
  readonly protocol: (typeof RULE_PROTOCOLS)[number]
  /** Destination ports of tcp and udp, both ends included; `null`: all. */
  readonly port_first: number | null
  readonly port_last: number | null
  /** Of icmp and icmpv6; `null`: all. */
  readonly icmp_type: number | null
  readonly icmp_code: number | null
  /** The other side; both `null`: anyone. */
  readonly remote_cidr: string | null
  readonly remote_group_id: string | null
  /** How it was written over the QingCloud wire, if it was. */
  readonly wire?: Readonly<Record<string, string | number>>
}

/** A rule as it is asked for: the protocol, and whatever is not as in `DEFAULTS`. */
export type NewRule = Partial<RuleFields> & Pick<RuleFields, 'protocol'>

/** In the middle, so that others fit before and after without renumbering. */
export const DEFAULT_PRIORITY = 50

export const DEFAULTS: Omit<RuleFields, 'protocol'> = {
  name: '',
  direction: 'in',
  priority: DEFAULT_PRIORITY,
  action: 'accept',
  port_first: null,
  port_last: null,
  icmp_type: null,
  icmp_code: null,
  remote_cidr: null,
  remote_group_id: null,
}

export const newRule = (wanted: NewRule): RuleFields => changedRule({ ...DEFAULTS, protocol: wanted.protocol }, wanted)

/** A rule with some fields changed. Where there is a first port and no last one, it is that one port; with no first, none. */
export function changedRule(now: RuleFields, changes: Partial<RuleFields>): RuleFields {
  const { port_first: first } = changes
  const last = first === null ? null : (now.port_last ?? first ?? null)
  return { ...now, port_last: last, wire: {}, ...changes }
}

/** A field of a rule that does not fit the others. */
export interface RuleFault {
  readonly field: keyof RuleFields
  readonly detail: string
}

/** Everything about a rule that does not fit together. */
export function ruleFaults(rule: RuleFields): RuleFault[] {
  return [...portFaults(rule), ...icmpFaults(rule), ...remoteFaults(rule)]
}

function portFaults({ protocol, port_first: first, port_last: last }: RuleFields): RuleFault[] {
  if (first === null && last === null) return []
  if (protocol !== 'tcp' && protocol !== 'udp') {
    const field = first === null ? 'port_last' : 'port_first'
    return [{ field, detail: `is of tcp and udp only, not of ${protocol}` }]
  }
  if (first === null) return [{ field: 'port_first', detail: 'is required with port_last' }]
  if (last === null) return [{ field: 'port_last', detail: 'is required with port_first' }]
  return last < first ? [{ field: 'port_last', detail: `must not be less than port_first, which is ${first}` }] : []
}

function icmpFaults({ protocol, icmp_type: type, icmp_code: code }: RuleFields): RuleFault[] {
  if (type === null && code === null) return []
  if (protocol !== 'icmp' && protocol !== 'icmpv6') {
    const field = type === null ? 'icmp_code' : 'icmp_type'
    return [{ field, detail: `is of icmp and icmpv6 only, not of ${protocol}` }]
  }
  return type === null ? [{ field: 'icmp_type', detail: 'is required with icmp_code' }] : []
}

/** Protocols that only one version of IP carries. */
const VERSION: Readonly<Partial<Record<RuleFields['protocol'], 4 | 6>>> = { icmp: 4, ipip: 4, icmpv6: 6 }

function remoteFaults({ protocol, remote_cidr: cidr, remote_group_id: group }: RuleFields): RuleFault[] {
  if (cidr === null) return []
  if (group !== null) return [{ field: 'remote_group_id', detail: 'cannot be given together with remote_cidr' }]
  const version = VERSION[protocol]
  if (version === undefined || version === (cidr.includes(':') ? 6 : 4)) return []
  return [{ field: 'remote_cidr', detail: `must be of IPv${version}, as ${protocol} is` }]
}
