/**
 * A small model of an nftables table: what we want and what the kernel has, compared without parsing expressions.
 *
 * - Every rule that we write carries a comment with a hash of its own text (its tag). A chain is as asked when its
 *   rules have the same tags in the same order.
 * - Elements of sets and maps are compared as text, in the one form that both we and the listing use.
 * - A change is one transaction of `nft -f`: all of it is in force, or nothing has changed.
 *
 * @see nft(8); libnftables-json(5) for what `nft -j list table` prints (read with nftables 1.0.6).
 */
import { createHash } from 'node:crypto'

import { canonicalAddress } from './addresses.ts'
import { HostCommandError, runInNamespace } from './run-command.ts'

export type NftFamily = 'inet' | 'bridge' | 'ip' | 'ip6'

export interface NftTable {
  readonly family: NftFamily
  readonly name: string
  readonly sets: ReadonlyMap<string, NftSet>
  readonly chains: ReadonlyMap<string, NftChain>
}

/** A set, or with `data` a map. */
export interface NftSet {
  /** Type of the key as the listing has it: `ipv4_addr`, `ifname . ether_addr`. */
  readonly type: string
  /** Type of the value as the listing has it: `mark`, `verdict`, `ipv4_addr . inet_service`. */
  readonly data?: string
  /** How it is declared when nft cannot read its own listing, as of raw payload: `iifname . @th,64,128`. */
  readonly typeof?: string
  /** `interval` when keys may be prefixes or ranges. They must not overlap, nor be written as more than one prefix. */
  readonly flags?: readonly 'interval'[]
  /** Present when rules fill it as packets pass: its elements are nobody's wish, and are not compared. */
  readonly dynamic?: {
    /** How many elements it takes; what does not fit is not added, and a rule that adds does not match. */
    readonly size: number
    /** After which an element that is not used is forgotten; absent: when it holds nothing any more. */
    readonly timeoutSeconds?: number
  }
  /**
   * Key → value; of a set, the value is ''. Both as the listing has them, see `ifnameKey`, `markValue`, `canonicalAddress`;
   * parts are joined by ` . `, verdicts are `drop`, `accept`, `jump x`, `goto x`.
   */
  readonly elements: ReadonlyMap<string, string>
}

export interface NftChain {
  /** Present in a base chain. */
  readonly base?: NftHook
  readonly rules: readonly NftRule[]
}

export interface NftHook {
  readonly type: 'filter' | 'nat' | 'route'
  readonly hook: 'prerouting' | 'input' | 'forward' | 'output' | 'postrouting'
  /** Lowest first; -300 is before connection tracking (-200), 0 is where filters usually are. */
  readonly priority: number
  readonly policy: 'accept' | 'drop'
}

export interface NftRule {
  /** Hash of the text; '' for a rule that is not ours. */
  readonly tag: string
  /** As `nft add rule` takes it; '' when it was read from the kernel. */
  readonly text: string
}

/** What cannot end a command or begin another one. */
const NAME = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/
const ELEMENT = /^[A-Za-z0-9_.:/" -]*$/
const RULE = /^[A-Za-z0-9_.:/"@{}=!<>,&|*() -]+$/

function checked(text: string, alphabet: RegExp): string {
  if (!alphabet.test(text)) throw new RangeError(`${JSON.stringify(text)} has no place in an nft command`)
  return text
}

class WrittenRule implements NftRule {
  readonly text: string
  #tag: string | undefined

  constructor(text: string) {
    this.text = checked(text, RULE)
  }

  /** Computed when it is needed: chains of thousands of rules are mostly compared with themselves. */
  get tag(): string {
    this.#tag ??= createHash('sha1').update(this.text).digest('hex').slice(0, 12)
    return this.#tag
  }
}

/**
 * A rule to be written.
 * @param text - as `nft add rule` takes it, without a comment: `ip saddr 10.0.0.1 drop`.
 * @throws {RangeError} when it has a character that could end the command.
 */
export const nftRule = (text: string): NftRule => new WrittenRule(text)

/** A chain of rules, see `nftRule`. */
export const nftChain = (rules: readonly string[], base?: NftHook): NftChain => ({
  rules: rules.map(nftRule),
  ...(base && { base }),
})

/** An interface name as (part of) a key. */
export const ifnameKey = (name: string): string => `"${name}"`

/**
 * A packet mark or another 32-bit number as (part of) a value.
 * @param mark - 0..2^32-1.
 */
export const markValue = (mark: number): string => `0x${mark.toString(16).padStart(8, '0')}`

/**
 * Reads one table.
 * @returns `undefined` when there is none of that name.
 */
export async function readTable(netns: string, family: NftFamily, name: string): Promise<NftTable | undefined> {
  const listing = await listTable(netns, family, name)
  return listing === undefined ? undefined : parseTable(listing)
}

/** What `readTable` reads, unread. */
export async function listTable(netns: string, family: NftFamily, name: string): Promise<string | undefined> {
  const args = ['-j', 'list', 'table', family, checked(name, NAME)]
  const output = await runInNamespace(netns, 'nft', args, { allowFailure: true })
  if (output.exitCode === 0) return output.stdout
  if (/No such file or directory/.test(output.stderr)) return undefined
  const message = `nft ${args.join(' ')} in ${netns}: ${output.stderr.trim()}`
  throw new HostCommandError(message, { command: ['nft', ...args], exitCode: output.exitCode, stderr: output.stderr })
}

interface RawSet {
  readonly name: string
  readonly type: string | string[]
  readonly map?: string
  readonly flags?: readonly string[]
  readonly size?: number
  readonly timeout?: number
  readonly elem?: readonly unknown[]
}

interface RawChain {
  readonly name: string
  readonly type?: NftHook['type']
  readonly hook?: NftHook['hook']
  readonly prio?: number
  readonly policy?: NftHook['policy']
}

interface Listing {
  readonly nftables: readonly {
    readonly table?: { readonly family: NftFamily; readonly name: string }
    readonly set?: RawSet
    readonly map?: RawSet
    readonly chain?: RawChain
    readonly rule?: { readonly chain: string; readonly comment?: string }
  }[]
}

/** Reads what `listTable` gave. */
export function parseTable(json: string): NftTable {
  const sets = new Map<string, NftSet>()
  const chains = new Map<string, NftChain & { rules: NftRule[] }>()
  let table: { family: NftFamily; name: string } | undefined
  for (const entry of (JSON.parse(json) as Listing).nftables) {
    table ??= entry.table
    const set = entry.set ?? entry.map
    if (set) sets.set(set.name, parseSet(set))
    if (entry.chain) chains.set(entry.chain.name, { ...parseHook(entry.chain), rules: [] })
    if (entry.rule) chains.get(entry.rule.chain)?.rules.push({ tag: entry.rule.comment ?? '', text: '' })
  }
  if (!table) throw new Error('nft listed a table without naming it')
  return { family: table.family, name: table.name, sets, chains }
}

function parseHook({ type, hook, prio, policy }: RawChain): Pick<NftChain, 'base'> {
  if (type === undefined || hook === undefined || prio === undefined) return {}
  return { base: { type, hook, priority: prio, policy: policy ?? 'accept' } }
}

function parseSet(raw: RawSet): NftSet {
  const keyTypes = typeof raw.type === 'string' ? [raw.type] : raw.type
  // Only those that rules fill have a size. Whether the listing also calls them dynamic is up to the version of nft.
  if (raw.size !== undefined) {
    const dynamic = { size: raw.size, ...(raw.timeout !== undefined && { timeoutSeconds: raw.timeout }) }
    return { type: keyTypes.join(' . '), dynamic, elements: new Map() }
  }
  const valueTypes = raw.map?.split(' . ')
  const elements = new Map<string, string>()
  for (const element of raw.elem ?? []) {
    const [key, value] = valueTypes && Array.isArray(element) ? element : [element, undefined]
    elements.set(elementText(key, keyTypes), valueTypes ? elementText(value, valueTypes) : '')
  }
  return {
    type: keyTypes.join(' . '),
    elements,
    ...(raw.map !== undefined && { data: raw.map }),
    ...(raw.flags?.includes('interval') && { flags: ['interval'] }),
  }
}

interface RawElement {
  readonly elem?: { readonly val: unknown }
  readonly concat?: readonly unknown[]
  readonly prefix?: { readonly addr: string; readonly len: number }
  readonly range?: readonly [string | number, string | number]
  readonly jump?: { readonly target: string }
  readonly goto?: { readonly target: string }
}

/** One element, as we write it. */
function elementText(value: unknown, types: readonly string[]): string {
  const [type] = types
  if (typeof value === 'number') return type === 'mark' ? markValue(value) : String(value)
  if (typeof value === 'string') {
    if (type === 'ifname') return ifnameKey(value)
    return type === 'ipv6_addr' ? canonicalAddress(value) : value
  }
  const raw = (value ?? {}) as RawElement
  // Somebody gave it a comment or a timeout; the key is in it.
  if (raw.elem) return elementText(raw.elem.val, types)
  if (raw.concat) return raw.concat.map((part, index) => elementText(part, types.slice(index))).join(' . ')
  if (raw.prefix) return `${elementText(raw.prefix.addr, types)}/${raw.prefix.len}`
  if (raw.range) return raw.range.map((end) => elementText(end, types)).join('-')
  if (raw.jump) return `jump ${raw.jump.target}`
  if (raw.goto) return `goto ${raw.goto.target}`
  return Object.keys(raw)[0] ?? ''
}

/**
 * The commands that turn `have` into `want`, in an order that nft accepts; none when there is nothing to do. A chain
 * whose rules differ is filled afresh, of a set only the elements that differ are touched. A table in which a set or a
 * base chain is declared otherwise (another version of ours wrote it) is made afresh as a whole.
 * @param have - `undefined` when there is no such table.
 * @throws {RangeError} when a name or an element could end its command.
 */
export function diffTables(want: NftTable, have: NftTable | undefined): string[] {
  const table = `${want.family} ${checked(want.name, NAME)}`
  if (!have) return [`add table ${table}`, ...differences(want, { ...want, sets: new Map(), chains: new Map() })]
  const isRedeclared =
    [...want.sets].some(([name, set]) => !isSameSet(set, have.sets.get(name) ?? set)) ||
    [...want.chains].some(([name, { base }]) => !isSameHook(base, (have.chains.get(name) ?? { base }).base))
  return isRedeclared ? [`delete table ${table}`, ...diffTables(want, undefined)] : differences(want, have)
}

function differences(want: NftTable, have: NftTable): string[] {
  const at = (name: string) => `${want.family} ${want.name} ${checked(name, NAME)}`
  const newSets = [...want.sets].filter(([name]) => !have.sets.has(name))
  const oldSets = [...have.sets.keys()].filter((name) => !want.sets.has(name))
  const newChains = [...want.chains].filter(([name]) => !have.chains.has(name))
  const oldChains = [...have.chains.keys()].filter((name) => !want.chains.has(name))
  const elements = [...want.sets].map(
    ([name, set]) => [at(name), elementChanges(set.elements, have.sets.get(name)?.elements ?? new Map())] as const,
  )
  const refilled = [...want.chains].filter(([name, { rules }]) => !isSameRules(rules, have.chains.get(name)?.rules))
  return [
    ...newSets.map(([name, set]) => `add ${set.data === undefined ? 'set' : 'map'} ${at(name)} ${declaration(set)}`),
    ...newChains.map(([name, { base }]) => `add chain ${at(name)}${base ? ` ${hookText(base)}` : ''}`),
    ...refilled.filter(([name]) => have.chains.has(name)).map(([name]) => `flush chain ${at(name)}`),
    ...refilled.flatMap(([name, { rules }]) =>
      rules.map(({ text, tag }) => `add rule ${at(name)} ${text} comment "${tag}"`),
    ),
    ...elements.flatMap(([set, { gone }]) => elementCommand('delete', set, gone)),
    ...elements.flatMap(([set, { added }]) => elementCommand('add', set, added)),
    // What refers to them is gone by now, but for what they say about each other.
    ...oldChains.map((name) => `flush chain ${at(name)}`),
    ...oldSets.map((name) => `delete set ${at(name)}`),
    ...oldChains.map((name) => `delete chain ${at(name)}`),
  ]
}

function elementChanges(want: ReadonlyMap<string, string>, have: ReadonlyMap<string, string>) {
  const gone: string[] = []
  const added: string[] = []
  for (const [key, value] of have) if (want.get(key) !== value) gone.push(key)
  for (const [key, value] of want) {
    if (have.get(key) !== value) added.push(value === '' ? key : `${key} : ${value}`)
  }
  return { gone, added }
}

const elementCommand = (verb: 'add' | 'delete', set: string, elements: readonly string[]): string[] =>
  elements.length === 0
    ? []
    : [`${verb} element ${set} { ${elements.map((text) => checked(text, ELEMENT)).join(', ')} }`]

function declaration(set: NftSet): string {
  const flags = set.flags ? ` flags ${set.flags.join(',')};` : ''
  const filled = set.dynamic ? ` ${dynamicText(set.dynamic)}` : ''
  return `{ ${set.typeof === undefined ? `type ${typeText(set)}` : `typeof ${set.typeof}`};${flags}${filled} }`
}

const dynamicText = ({ size, timeoutSeconds }: NonNullable<NftSet['dynamic']>): string =>
  timeoutSeconds === undefined
    ? `size ${size}; flags dynamic;`
    : `size ${size}; flags dynamic,timeout; timeout ${timeoutSeconds}s;`

const typeText = ({ type, data }: NftSet): string => (data === undefined ? type : `${type} : ${data}`)

const hookText = ({ type, hook, priority, policy }: NftHook): string =>
  `{ type ${type} hook ${hook} priority ${priority}; policy ${policy}; }`

const isSameSet = (a: NftSet, b: NftSet): boolean =>
  typeText(a) === typeText(b) &&
  String(a.flags ?? '') === String(b.flags ?? '') &&
  (a.dynamic && dynamicText(a.dynamic)) === (b.dynamic && dynamicText(b.dynamic))

const isSameHook = (a: NftHook | undefined, b: NftHook | undefined): boolean =>
  (a && hookText(a)) === (b && hookText(b))

const isSameRule = (want: NftRule, have: NftRule | undefined): boolean =>
  have !== undefined && (want.text === have.text || want.tag === have.tag)

const isSameRules = (want: readonly NftRule[], have: readonly NftRule[] = []): boolean =>
  want.length === have.length && want.every((rule, index) => isSameRule(rule, have[index]))

/** Whether the kernel's table is the wanted one. */
export const isSameTable = (want: NftTable, have: NftTable | undefined): boolean => diffTables(want, have).length === 0

/**
 * Carries out commands in one transaction.
 * @throws {HostCommandError} with nft's own words when it refuses any of them; nothing has changed then.
 */
export async function applyNft(netns: string, commands: readonly string[]): Promise<void> {
  if (commands.length === 0) return
  await runInNamespace(netns, 'nft', ['-f', '-'], { input: `${commands.join('\n')}\n` })
}
