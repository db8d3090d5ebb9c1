/**
 * What the values of a VPC's statics mean, by type. Only type 3 has effect: the others are kept for whoever reads them, for
 * there is no VPN, no tunnel and no DNS of ours that would do what they say.
 *
 * | type | is               | val1                                     | val2              | val3            | val4                 | val5           |
 * |------|------------------|------------------------------------------|-------------------|-----------------|----------------------|----------------|
 * | 2    | VPN              | openvpn                                  | port, 1194        | tcp/udp, udp    | network of clients   | 1/2/3, 1       |
 * |      |                  | pptp                                     | user:password     | connections, 100| network of clients   |                |
 * |      |                  | l2tp                                     | user:password     | pre-shared key  | network of clients   | port, 1701     |
 * | 3    | DHCP options     | server                                   | name=value;…      |                 |                      |                |
 * | 4    | GRE in layer 2   | gre, address, key by `|`, several by `;` |                   |                 |                      |                |
 * | 5    | filter           | source address                           | source port       | address         | port                 | priority; val6: accept/drop |
 * | 6    | GRE in layer 3   | address, key, own, peer's by `|`         | networks by `|`   |                 |                      |                |
 * | 7    | IPsec            | address, [algorithm,] key, device by `|` | networks by `|`   | networks by `|` | main/aggrmode, main  |                |
 * | 8    | name             | host name                                | addresses by `;`  |                 |                      |                |
 *
 * The network of VPN clients is a free 10.255.x.0/24 when none is given.
 */
import { isIPv4 } from 'node:net'
import { bodyError } from '../errors.ts'

/** `val1` to `val9`; those that are empty are left out. */
export type StaticValues = Readonly<Record<string, string>>

export const STATIC_TYPES = [2, 3, 4, 5, 6, 7, 8] as const
export type StaticType = (typeof STATIC_TYPES)[number]

interface Rule {
  readonly required?: boolean
  readonly default?: string
  readonly allows: (value: string) => boolean
  /** What would be right: `must be …`. */
  readonly advice: string
}

const isNumber = (value: string, min: number, max: number) =>
  /^\d{1,6}$/.test(value) && Number(value) >= min && Number(value) <= max
const isCidr = (value: string) => {
  const [address = '', bits = '32', ...more] = value.split('/')
  return isIPv4(address) && isNumber(bits, 0, 32) && more.length === 0
}
const each = (value: string, separator: string, is: (part: string) => boolean) => value.split(separator).every(is)
/** An address, or a host name. */
const isPeer = (value: string) => isIPv4(value) || (!/^[\d.]+$/.test(value) && /^[\w.-]{1,253}$/.test(value))

const oneOf = (...words: string[]): Rule => ({
  allows: (value) => words.includes(value),
  advice: `must be ${words.join(' or ')}`,
})
const number = (min: number, max: number): Rule => ({
  allows: (value) => isNumber(value, min, max),
  advice: `must be ${min} to ${max}`,
})
const PORT = number(1, 65_535)
const ANYTHING: Rule = { allows: () => true, advice: '' }
const ACCOUNT: Rule = { allows: (value) => /^[^:]+:.+$/.test(value), advice: 'must be user:password' }
const CLIENTS: Rule = {
  allows: (value) => isCidr(value) && value.includes('/'),
  advice: 'must be a CIDR like 10.255.1.0/24',
}
const NETWORKS: Rule = {
  allows: (value) => each(value, '|', isCidr),
  advice: 'must be CIDRs separated by vertical bars',
}
const FILTER_ADDRESS: Rule = { allows: isCidr, advice: 'must be an address or a CIDR' }

const isGre = (value: string) => {
  const [kind, peer = '', key = '', ...more] = value.split('|')
  return kind === 'gre' && isPeer(peer) && key !== '' && more.length === 0
}
const isGreEnds = (value: string) => {
  const [peer = '', key = '', own = '', theirs = '', ...more] = value.split('|')
  return isPeer(peer) && key !== '' && isIPv4(own) && isIPv4(theirs) && more.length === 0
}
const isIpsec = (value: string) => {
  const [peer = '', ...parts] = value.split('|')
  return isPeer(peer) && parts.length >= 1 && parts.length <= 3 && parts.every(Boolean)
}

const VPN: Readonly<Record<string, Readonly<Record<string, Rule>>>> = {
  openvpn: {
    val2: { ...PORT, default: '1194' },
    val3: { ...oneOf('udp', 'tcp'), default: 'udp' },
    val4: CLIENTS,
    val5: { ...oneOf('1', '2', '3'), default: '1' },
  },
  pptp: { val2: ACCOUNT, val3: { ...number(1, 253), default: '100' }, val4: CLIENTS },
  l2tp: { val2: ACCOUNT, val3: ANYTHING, val4: CLIENTS, val5: { ...PORT, default: '1701' } },
}

const RULES: Readonly<Record<StaticType, Readonly<Record<string, Rule>>>> = {
  2: { val1: { ...oneOf(...Object.keys(VPN)), default: 'openvpn' } },
  3: {
    val1: { ...ANYTHING, required: true, advice: 'must be the id of a server' },
    val2: { ...ANYTHING, required: true, advice: 'must be name=value, several separated by semicolons' },
  },
  4: {
    val1: {
      required: true,
      allows: (value) => each(value, ';', isGre),
      advice: 'must be gre|address|key, several separated by semicolons',
    },
  },
  5: {
    val1: FILTER_ADDRESS,
    val2: PORT,
    val3: FILTER_ADDRESS,
    val4: PORT,
    val5: number(0, 100),
    val6: oneOf('accept', 'drop'),
  },
  6: {
    val1: { required: true, allows: isGreEnds, advice: 'must be remote address|key|own address|address of the peer' },
    val2: { ...NETWORKS, required: true },
  },
  7: {
    val1: { required: true, allows: isIpsec, advice: 'must be remote address|algorithm|key|device id' },
    val2: { ...NETWORKS, required: true },
    val3: { ...NETWORKS, required: true },
    val4: { ...oneOf('main', 'aggrmode'), default: 'main' },
  },
  8: {
    val1: {
      required: true,
      allows: (value) => /^[\w*]([\w.-]{0,251}\w)?$/.test(value),
      advice: 'must be a host name',
    },
    val2: {
      required: true,
      allows: (value) => each(value, ';', isIPv4),
      advice: 'must be addresses separated by semicolons',
    },
  },
}

/**
 * Checks the values of a static and fills in what is left out.
 * @param freeClients - a network for the clients of a VPN, that no other static of the VPC has.
 * @throws DomainError `vpc_static_invalid`, with the value.
 */
export function completeValues(type: StaticType, given: StaticValues, freeClients: () => string): StaticValues {
  const values: Record<string, string> = {}
  for (const [name, value] of Object.entries(given)) if (value !== '') values[name] = value
  const settle = (rules: Readonly<Record<string, Rule>>) => {
    for (const [name, rule] of Object.entries(rules)) {
      const value = values[name] ?? (rule === CLIENTS ? freeClients() : rule.default)
      if (value === undefined && !rule.required) continue
      if (value === undefined || !rule.allows(value)) throw wrong(type, name, rule.advice)
      values[name] = value
    }
  }
  settle(RULES[type])
  if (type === 2) settle(VPN[values.val1 ?? ''] ?? {})
  return values
}

export const wrong = (type: StaticType, name: string, advice: string) =>
  bodyError('vpc_static_invalid', `/${name}`, `${name} of a static of type ${type} ${advice}`)
