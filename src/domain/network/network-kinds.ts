/** The kinds that networks, rules and forwardings come in; the database's enums and the worker's orders share them. */
export const NETWORK_MODES = ['routed', 'isolated', 'bridged'] as const
export const RULE_DIRECTIONS = ['in', 'out'] as const
export const RULE_ACTIONS = ['accept', 'drop'] as const
export const RULE_PROTOCOLS = ['all', 'tcp', 'udp', 'icmp', 'icmpv6', 'gre', 'esp', 'ah', 'ipip'] as const
export const FORWARDED_PROTOCOLS = ['tcp', 'udp'] as const
