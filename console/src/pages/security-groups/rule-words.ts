/** What a rule says, in words. */
import type { Words } from '../../text/language.tsx'
import { securityGroups as words } from '../../text/security-groups.ts'
import { hasIcmpTypes, hasPorts, type NewRule, type Protocol, type Rule } from './rules.ts'

type Say = Words['t']

/** Those that are not written in capitals throughout. */
const WRITTEN: Partial<Record<Protocol, string>> = { icmpv6: 'ICMPv6' }
export const protocolName = (protocol: Protocol, t: Say): string =>
  protocol === 'all' ? t(words.allProtocols) : (WRITTEN[protocol] ?? protocol.toUpperCase())

/** The type of what `ping` sends. */
const ECHO_REQUEST: Partial<Record<Protocol, number>> = { icmp: 8, icmpv6: 128 }

/** Ports, or type and code, as short as in a table. */
export function detailOf(rule: NewRule, t: Say): string | undefined {
  const { port_first: first, port_last: last, icmp_type: type, icmp_code: code } = rule
  if (type != null) return code == null ? t(words.type, { type }) : t(words.typeAndCode, { type, code })
  if (first == null) return undefined
  return last == null || last === first ? String(first) : `${first}–${last}`
}

function whatOf(rule: NewRule, t: Say): string {
  const { port_first: first, port_last: last, icmp_type: type, icmp_code: code } = rule
  if (rule.protocol === 'all') return t(words.whatAll)
  const protocol = protocolName(rule.protocol, t)
  if (hasIcmpTypes(rule.protocol) && type != null) {
    if (code != null) return t(words.whatCode, { protocol, type, code })
    return t(type === ECHO_REQUEST[rule.protocol] ? words.whatPing : words.whatType, { protocol, type })
  }
  // As text: ports are names, and have no separators.
  if (!hasPorts(rule.protocol) || first == null) return t(words.whatProtocol, { protocol })
  if (last == null || last === first) return t(words.whatPort, { protocol, port: String(first) })
  return t(words.whatPorts, { protocol, first: String(first), last: String(last) })
}

/** Whom a rule names, by their name. @param groupId - the group that has the rule. */
export interface Naming {
  readonly groupId: string
  readonly nameOf: (groupId: string) => string
}

function whoOf({ remote_cidr: range, remote_group_id: group }: NewRule, { groupId, nameOf }: Naming, t: Say): string {
  if (group) return group === groupId ? t(words.whoThisGroup) : t(words.whoGroup, { name: nameOf(group) })
  return range || t(words.whoAnyone)
}

/** A sentence that says what a rule does: `Lets in TCP port 22 from anyone.` */
export function meaningOf(rule: NewRule & Pick<Rule, 'action' | 'direction'>, naming: Naming, t: Say): string {
  return spaced(t(words[`${rule.action}_${rule.direction}`], { what: whatOf(rule, t), who: whoOf(rule, naming, t) }))
}

/** Chinese stands apart from Latin letters and digits. */
const spaced = (text: string): string =>
  text.replace(/(\p{Script=Han})([A-Za-z\d])/gu, '$1 $2').replace(/([A-Za-z\d])(\p{Script=Han})/gu, '$1 $2')
