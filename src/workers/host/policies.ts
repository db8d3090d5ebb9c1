/**
 * The filters of one data plane: guard and security groups of all its NICs, as one thing to talk to.
 *
 * Whatever is changed is changed in one transaction, so there is never half of it. What was applied last is remembered,
 * so that one NIC more or less takes only the difference to the kernel and nothing is read from there.
 */
import { isDeepStrictEqual } from 'node:util'

import { canonicalAddress } from './addresses.ts'
import { forgetAddresses, type ZonedAddress } from './connection-tracking.ts'
import { aroundChange, filterTables, NIC_LIMITS, type NicLimits, TABLES, zonesOf } from './filters.ts'
import { KeyedMutex } from './keyed-mutex.ts'
import { namespaceIdentity } from './netns.ts'
import { applyNft, diffTables, isSameTable, listTable, type NftTable, parseTable, readTable } from './nft.ts'
import type { NicPolicy, SecurityGroup } from './specs.ts'

/** Everything that the filters of a hypervisor are made from. */
export interface PolicyState {
  readonly nics: readonly NicPolicy[]
  /** Those of these NICs, and those that their rules name. */
  readonly groups: readonly SecurityGroup[]
}

/** Transactions on the filters of the namespace that somebody has counted, whoever made them. */
export interface FilterChanges {
  /** Tells one unbroken count from another. */
  readonly since: number
  readonly count: number
}

type Nics = ReadonlyMap<string, NicPolicy>

interface Known {
  readonly nics: Nics
  readonly groups: readonly SecurityGroup[]
}

/** What a caller wants to be done with the NICs, and how it is told the outcome. */
interface Change {
  readonly edit: (nics: Nics) => Nics
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** Tables that nobody else seems to have changed are read again after this all the same. */
const TRUSTED_MS = 30_000

/** How long an element of a set that rules fill has still got, as a listing has it. */
const EXPIRY = /, "expires": \d+/g

export class NicPolicies {
  readonly #netns: string
  readonly #limits: NicLimits
  readonly #changesSeen: () => FilterChanges | undefined
  readonly #mutex = new KeyedMutex()
  #waiting: Change[] = []
  /** `undefined` until the whole is known, see `replace`. */
  #state: Known | undefined
  /** What the kernel's tables are of as far as we know, and in which namespace; `undefined` when it must be asked. */
  #applied: { readonly identity: string | undefined; readonly state: Known } | undefined
  /** What `isAlright` was asked and saw when it last said yes. */
  #alright: string | undefined
  /** When it last read the tables and said yes, and what changes by others there had been by then. */
  #lastRead: { readonly at: number; readonly others: string } | undefined

  #revision = 0

  /**
   * @param netns - namespace of the data plane, with `bridge-nf-call-iptables` and `-ip6tables` on.
   * @param changesSeen - `undefined` while it cannot be told: the tables are read in each look then.
   */
  constructor(netns: string, limits = NIC_LIMITS, changesSeen = (): FilterChanges | undefined => undefined) {
    this.#netns = netns
    this.#limits = limits
    this.#changesSeen = changesSeen
  }

  /**
   * Adds NICs, or changes how they are filtered. Their groups are those of the last `replace`; in a group that was not
   * among them nothing may pass. Many callers at once are one transaction.
   * @throws {HostCommandError} with nft's words when it refuses; what was in force still is.
   */
  async ensure(nics: readonly NicPolicy[]): Promise<void> {
    if (!this.#state) throw new Error('the filters as a whole are not known yet: replace comes before ensure')
    if (nics.length === 0) return
    await this.#change((known) => new Map([...known, ...nics.map((nic) => [nic.mac, nic] as const)]))
  }

  /** Forgets NICs: nothing that they send passes any more, nothing to them begins. Those not known count as removed. */
  async remove(macs: readonly string[]): Promise<void> {
    // Before the first `replace` they are not known, and `replace` leaves out whatever it is not told of.
    if (!this.#state || macs.length === 0) return
    const gone = new Set(macs)
    await this.#change((known) => new Map([...known].filter(([mac]) => !gone.has(mac))))
  }

  /**
   * Brings about the whole: changes what differs from what stands in the kernel.
   * @param state - asked once nobody else can be changing anything.
   * @returns true when something had to be changed.
   * @throws {HostCommandError} with nft's words when it refuses; what was in force still is.
   */
  replace(state: () => Promise<PolicyState>): Promise<boolean> {
    return this.#exclusively(async () => {
      const { nics: asked, groups } = await state()
      const nics = this.#asKnown(asked)
      return this.#become({ nics: new Map(nics.map((nic) => [nic.mac, nic])), groups })
    })
  }

  /** Counts the changes that this process has made. */
  get revision(): number {
    return this.#revision
  }

  /** Forgets what was applied last: the next change reads the kernel, for somebody else has changed it. */
  forget(): Promise<void> {
    return this.#exclusively(async () => {
      this.#applied = undefined
    })
  }

  /**
   * Whether the kernel filters exactly like this. Waits for nobody, so it may see a change half-known to the caller.
   *
   * To list the tables of a thousand NICs takes nft 0.2 s, so what was read and applied by ourselves is trusted while
   * nobody else is seen to change anything.
   */
  async isAlright(state: PolicyState): Promise<boolean> {
    const others = this.#changesByOthers()
    const isUntouched =
      others !== undefined && others === this.#lastRead?.others && performance.now() < this.#lastRead.at + TRUSTED_MS
    const trusted = isUntouched ? this.#applied?.state : undefined
    if (trusted) return this.#isWanted(state, `revision ${this.#revision}`, () => this.#tables(trusted))
    const listings = await Promise.all(TABLES.map(([family, name]) => listTable(this.#netns, family, name)))
    const isAlright = this.#isWanted(state, listings.join('\n').replaceAll(EXPIRY, ''), () =>
      listings.map((listing) => (listing === undefined ? undefined : parseTable(listing))),
    )
    this.#lastRead = isAlright && others !== undefined ? { at: performance.now(), others } : undefined
    return isAlright
  }

  /** @param evidence - says what the tables are, for less than it takes to compare them. */
  #isWanted(state: PolicyState, evidence: string, tables: () => readonly (NftTable | undefined)[]): boolean {
    const asked = `${evidence} ${JSON.stringify(state)}`
    if (asked === this.#alright) return true
    const have = tables()
    const isAlright = filterTables(this.#asKnown(state.nics), state.groups, this.#limits).every((table, index) =>
      isSameTable(table, have[index]),
    )
    this.#alright = isAlright ? asked : undefined
    return isAlright
  }

  /**
   * Tells whether somebody else has changed filters since it was asked before: it differs then. It may also differ when a
   * change of ours is not counted yet. Each change of ours is one transaction, see `applyNft`.
   */
  #changesByOthers(): string | undefined {
    const seen = this.#changesSeen()
    return seen && `${seen.since} ${seen.count - this.#revision}`
  }

  /**
   * The same NICs, as the objects that we know them by where these say the same: their part of the tables is made once
   * for each object, and most looks find all NICs as they were.
   */
  #asKnown(nics: readonly NicPolicy[]): NicPolicy[] {
    return nics.map((nic) => {
      const known = this.#state?.nics.get(nic.mac)
      return known && isDeepStrictEqual(known, nic) ? known : nic
    })
  }

  #exclusively<T>(act: () => Promise<T>): Promise<T> {
    return this.#mutex.run(['policies'], act)
  }

  async #change(edit: Change['edit']): Promise<void> {
    const done = new Promise<void>((resolve, reject) => this.#waiting.push({ edit, resolve, reject }))
    // Whoever is next takes everybody's, and leaves nothing to do for those behind.
    await Promise.all([done, this.#exclusively(() => this.#takeAll())])
  }

  async #takeAll(): Promise<void> {
    const batch = this.#waiting
    this.#waiting = []
    try {
      await this.#carryOut(batch)
    } catch (error) {
      if (batch.length === 1) batch[0]?.reject(error)
      // One that cannot be done must not be everybody's failure.
      else for (const change of batch) await this.#carryOut([change]).catch(change.reject)
    }
  }

  async #carryOut(changes: readonly Change[]): Promise<void> {
    if (!this.#state || changes.length === 0) return
    const { groups } = this.#state
    const nics = changes.reduce((known, { edit }) => edit(known), this.#state.nics)
    await this.#become({ nics, groups })
    for (const { resolve } of changes) resolve()
  }

  /** @returns true when something had to be changed. */
  async #become(state: Known): Promise<boolean> {
    const isChanged = await this.#bring(state)
    // Whoever gets one of these addresses next is not to get what was said with it before.
    await forgetAddresses(this.#netns, leftAddresses(this.#state?.nics ?? new Map(), state.nics))
    this.#state = state
    return isChanged
  }

  /** @returns true when something had to be changed. */
  async #bring(want: Known): Promise<boolean> {
    const identity = await namespaceIdentity(this.#netns)
    // In a namespace that was made anew there is nothing of what was applied.
    const remembered = this.#applied?.identity === identity ? this.#applied?.state : undefined
    this.#applied = undefined
    const isChanged = await (remembered ? this.#apply(this.#difference(want, remembered)) : this.#applyAll(want)).catch(
      async (error) => {
        // Somebody changed the tables by hand; or it cannot be done, which the second try will say again.
        if (!remembered) throw error
        return this.#applyAll(want)
      },
    )
    this.#applied = { identity, state: want }
    if (isChanged) this.#revision += 1
    return isChanged
  }

  #difference(want: Known, have: Known): string[] {
    if (want.groups !== have.groups) return commandsFor(this.#tables(want), this.#tables(have))
    const { groups } = want
    const { before, after } = aroundChange(have.nics, want.nics)
    return commandsFor(filterTables(after, groups, this.#limits), filterTables(before, groups, this.#limits))
  }

  async #applyAll(want: Known): Promise<boolean> {
    return this.#apply(commandsFor(this.#tables(want), await this.#read()))
  }

  async #apply(commands: readonly string[]): Promise<boolean> {
    await applyNft(this.#netns, commands)
    return commands.length > 0
  }

  #tables({ nics, groups }: Known): readonly NftTable[] {
    return filterTables([...nics.values()], groups, this.#limits)
  }

  #read(): Promise<(NftTable | undefined)[]> {
    return Promise.all(TABLES.map(([family, name]) => readTable(this.#netns, family, name)))
  }
}

const commandsFor = (want: readonly NftTable[], have: readonly (NftTable | undefined)[]): string[] =>
  want.flatMap((table, index) => diffTables(table, have[index]))

/**
 * Addresses that NICs had and have no more, each in the zone of its network; and reserved addresses that no NIC there may
 * use any more.
 */
function leftAddresses(before: Nics, after: Nics): ZonedAddress[] {
  const zones = zonesOf([...before.values()])
  const left: ZonedAddress[] = []
  const reserved = new Map<number, Set<string>>()
  for (const nic of before.values()) {
    const now = after.get(nic.mac)
    if (now === nic) continue
    const kept = now?.vni === nic.vni ? now.addresses.map(canonicalAddress) : []
    const gone = nic.addresses.map(canonicalAddress).filter((address) => !kept.includes(address))
    left.push(...gone.map((address) => ({ zone: zones.get(nic.vni) ?? 0, address })))
    if (nic.reserved.length === 0) continue
    const known = reserved.get(nic.vni) ?? new Set<string>()
    reserved.set(nic.vni, known)
    for (const address of nic.reserved) known.add(address)
  }
  if (reserved.size === 0) return left
  for (const nic of after.values()) for (const address of nic.reserved) reserved.get(nic.vni)?.delete(address)
  for (const [vni, addresses] of reserved)
    left.push(...[...addresses].map((address) => ({ zone: zones.get(vni) ?? 0, address })))
  return left
}
