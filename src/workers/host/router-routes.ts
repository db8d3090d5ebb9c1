/**
 * Routes and rules of a VPC's router, for IPv4. Between the VPC's networks the kernel routes by their addresses alone.
 * Each segment of elastic IPs has a table of its own, with the way to its gateway:
 *
 * | preference | rule                        | who it is for                                                      |
 * |------------|-----------------------------|--------------------------------------------------------------------|
 * | 100        | the main table, but no default route | the VPC's own addresses                                   |
 * | 110        | by mark → table             | connections with the outside, by the segment of their elastic IP   |
 * | 120        | from an elastic IP → table  | what the router says itself: answers to pings, ICMP errors         |
 * | 130        | the VPC's own elastic IP's  | what the router asks: its DNS servers' questions to other servers  |
 *
 * The marks are set in `router-nat.ts`, in the same transaction as the translation, and stay with a connection: it goes
 * by one segment for as long as it lives, whatever elastic IP its NIC gets meanwhile.
 */
import { type IpLine, ipBatch, saysExists, saysGone } from './ip-command.ts'
import type { Segment } from './segments.ts'
import type { RouterSpec } from './specs.ts'

/** The routing of a namespace, a line of text for each rule and route, as `ip rule add` and `ip route add` take it. */
export interface Routing {
  readonly rules: ReadonlySet<string>
  readonly routes: ReadonlySet<string>
}

/** Highest metric: what is nowhere else. */
const LAST_METRIC = 2 ** 32 - 1

/** The routing that a VPC's router is to have. */
export function wantedRouting(spec: RouterSpec, segments: readonly Segment[]): Routing {
  const rules: string[] = []
  if (segments.length > 0) rules.push('pref 100 from all lookup main suppress_prefixlength 0')
  const routes = [`unreachable ${spec.cidr} metric ${LAST_METRIC}`]
  for (const { number, link, cidr, gateway, elasticIps } of segments) {
    rules.push(`pref 110 from all fwmark 0x${number.toString(16)} lookup ${number}`)
    rules.push(...elasticIps.map(({ address }) => `pref 120 from ${address} lookup ${number}`))
    routes.push(
      `default via ${gateway} dev ${link} onlink table ${number}`,
      `${cidr} dev ${link} scope link table ${number}`,
    )
  }
  const own = segments.find(({ elasticIps }) => elasticIps.some(({ nicAddress }) => nicAddress === undefined))
  if (own) rules.push(`pref 130 from all lookup ${own.number}`)
  return { rules: new Set(rules), routes: new Set(routes) }
}

interface RawRule {
  readonly priority: number
  readonly src: string
  readonly table: string
  readonly fwmark?: string
  readonly suppress_prefixlen?: number
}

interface RawRoute {
  readonly type?: string
  readonly dst: string
  readonly gateway?: string
  readonly dev?: string
  readonly scope?: string
  readonly metric?: number
  readonly table?: string
  readonly flags?: readonly string[]
}

/**
 * Reads what is ours to decide from the objects of `ip -j -d rule` and `ip -j -d route show table all`: rules with a
 * preference below the kernel's own, routes in tables of segments, and unreachable ones.
 */
export function parseRouting(raw: readonly Record<string, unknown>[]): Routing {
  const rules = new Set<string>()
  const routes = new Set<string>()
  for (const object of raw) {
    if ('priority' in object) {
      const rule = object as unknown as RawRule
      if (rule.priority > 0 && rule.priority < 32_766) rules.add(ruleText(rule))
    } else if ('dst' in object) {
      const route = object as unknown as RawRoute
      const isOurs = Number(route.table) >= 2 ** 28 || (route.type === 'unreachable' && !route.dst.includes(':'))
      if (isOurs) routes.add(routeText(route))
    }
  }
  return { rules, routes }
}

function ruleText({ priority, src, fwmark, table, suppress_prefixlen }: RawRule): string {
  const mark = fwmark === undefined ? '' : ` fwmark ${fwmark}`
  const suppress = suppress_prefixlen === undefined ? '' : ` suppress_prefixlength ${suppress_prefixlen}`
  return `pref ${priority} from ${src}${mark} lookup ${table}${suppress}`
}

function routeText({ type, dst, gateway, dev, scope, metric, table, flags = [] }: RawRoute): string {
  if (type === 'unreachable') return `unreachable ${dst} metric ${metric ?? 0}`
  const way = gateway === undefined ? '' : ` via ${gateway}`
  const onLink = flags.includes('onlink') ? ' onlink' : ''
  const near = scope === 'link' ? ' scope link' : ''
  return `${dst}${way} dev ${dev}${onLink}${near} table ${table}`
}

/** Lines that turn `have` into `want`: what is missing is added before what is too much goes. */
function changes(object: 'rule' | 'route', want: ReadonlySet<string>, have: ReadonlySet<string>): [IpLine[], IpLine[]] {
  const lines = (verb: string, a: ReadonlySet<string>, b: ReadonlySet<string>) =>
    [...a].filter((text) => !b.has(text)).map((text) => [object, verb, ...text.split(' ')])
  // A gateway that changed is in the way of its successor: there is one default route in a table.
  return [lines(object === 'route' ? 'replace' : 'add', want, have), lines('del', have, want)]
}

/** Brings a router's routing to what is wanted. Its devices must be up. */
export async function ensureRouting(router: string, want: Routing, have: Routing): Promise<void> {
  const [newRoutes, oldRoutes] = changes('route', want.routes, have.routes)
  const [newRules, oldRules] = changes('rule', want.rules, have.rules)
  // Those with an address that was deleted are gone already.
  await ipBatch(router, [...newRoutes, ...newRules, ...oldRules, ...oldRoutes], {
    tolerate: (reason) => saysGone(reason) || saysExists(reason),
  })
}

/** Whether the routing is as wanted. */
export const isSameRouting = (want: Routing, have: Routing): boolean =>
  isSameSet(want.rules, have.rules) && isSameSet(want.routes, have.routes)

const isSameSet = (a: ReadonlySet<string>, b: ReadonlySet<string>): boolean =>
  a.size === b.size && [...a].every((text) => b.has(text))
