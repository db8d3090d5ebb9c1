import { describe, expect, it } from 'vitest'
import { say } from '../../text/text.ts'
import { meaningOf } from './rule-words.ts'
import type { NewRule } from './rules.ts'

const naming = { groupId: 'sg-own', nameOf: () => 'web' }
const meaning = (rule: NewRule, language: 'en' | 'zh' = 'en') =>
  meaningOf({ direction: 'in', action: 'accept', ...rule }, naming, (text, values) => say(text, language, values))

describe('what a rule means', () => {
  it.each<[NewRule, string]>([
    [{ protocol: 'all' }, 'Lets in everything from anyone.'],
    [{ protocol: 'tcp', port_first: 22 }, 'Lets in TCP port 22 from anyone.'],
    [{ protocol: 'udp', port_first: 8000, port_last: 8000 }, 'Lets in UDP port 8000 from anyone.'],
    [
      { protocol: 'tcp', port_first: 1, port_last: 65535, action: 'drop' },
      'Keeps out TCP ports 1 to 65535 from anyone.',
    ],
    [{ protocol: 'tcp', direction: 'out', remote_cidr: '10.0.0.0/8' }, 'Lets out all TCP to 10.0.0.0/8.'],
    [{ protocol: 'gre', direction: 'out', action: 'drop' }, 'Stops all GRE to anyone.'],
    [{ protocol: 'icmp', icmp_type: 8 }, 'Lets in ping (ICMP type 8) from anyone.'],
    [{ protocol: 'icmpv6', icmp_type: 1, icmp_code: 0 }, 'Lets in ICMPv6 type 1 code 0 from anyone.'],
    [{ protocol: 'all', remote_group_id: 'sg-own' }, 'Lets in everything from the NICs of this group.'],
    [{ protocol: 'all', remote_group_id: 'sg-other' }, 'Lets in everything from the NICs of “web”.'],
  ])('%j', (rule, expected) => expect(meaning(rule)).toBe(expected))

  it('is said in Chinese with spaces where they belong', () => {
    expect(meaning({ protocol: 'tcp', port_first: 22 }, 'zh')).toBe('允许来自任意地址的 TCP 22 端口流量。')
    expect(meaning({ protocol: 'all', remote_cidr: '10.0.0.0/8' }, 'zh')).toBe('允许来自 10.0.0.0/8 的所有流量。')
  })
})
