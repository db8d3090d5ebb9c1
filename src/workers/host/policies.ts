/**
 * The filters of one data plane: guard and security groups of all its NICs, as one thing to talk to.
 *
 * Whatever is changed is changed in one transaction, so there is never half of it. What was applied last is remembered,
 * so that one NIC more or less takes only the difference to the kernel and nothing is read from there.
 */
import { isDeepStrictEqual } from 'node:util'

import { canonicalAddress } from './addresses.ts'
import { forgetAddresses, type ZonedAddress } from './connection-tracking.ts'
import { filterTables, NIC_LIMITS, type NicLimits, TABLES, zonesOf } from './filters.ts'
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

type Nics = ReadonlyMap<string, NicPolicy>

/** What a caller wants to be done with the NICs, and how it is told the outcome. */
interface Change {
  readonly edit: (nics: Nics) => Nics
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** How long an element of a set that rules fill has still got, as a listing has it. */
const EXPIRY = /, "expires": \d+/g

export class NicPolicies {
  readonly #netns: string
  readonly #limits: NicLimits
  readonly #mutex = new KeyedMutex()
  #waiting: Change[] = []
  /** `undefined` until the whole is known, see `replace`. */
  #state: { readonly nics: Nics; readonly groups: readonly SecurityGroup[] } | undefined
  /** The tables that stand in the kernel as far as we know, and in which namespace; `undefined` when it must be asked. */
  #applied: { readonly identity: string | undefined; readonly tables: readonly NftTable[] } | undefined
  /** What `isAlright` was asked and saw when it last said yes. */
  #alright: string | undefined

  #revision = 0

  /** @param netns - namespace of the data plane, with `bridge-nf-call-iptables` and `-ip6tables` on. */
  constructor(netns: string, limits = NIC_LIMITS) {
    this.#netns = netns
    this.#limits = limits
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

  /** Whether the kernel filters exactly like this. Waits for nobody, so it may see a change half-known to the caller. */
  async isAlright(state: PolicyState): Promise<boolean> {
    const listings = await Promise.all(TABLES.map(([family, name]) => listTable(this.#netns, family, name)))
    // With a thousand NICs it takes a tenth of a second to find out, and mostly nothing has changed.
    const evidence = JSON.stringify([state, listings.map((listing) => listing?.replaceAll(EXPIRY, ''))])
    if (evidence === this.#alright) return true
    const isAlright = filterTables(this.#asKnown(state.nics), state.groups, this.#limits).every((table, index) => {
      const listing = listings[index]
      return listing !== undefined && isSameTable(table, parseTable(listing))
    })
    this.#alright = isAlright ? evidence : undefined
    return isAlright
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
  async #become(state: { readonly nics: Nics; readonly groups: readonly SecurityGroup[] }): Promise<boolean> {
    const isChanged = await this.#bring(filterTables([...state.nics.values()], state.groups, this.#limits))
    // Whoever gets one of these addresses next is not to get what was said with it before.
    await forgetAddresses(this.#netns, leftAddresses(this.#state?.nics ?? new Map(), state.nics))
    this.#state = state
    return isChanged
  }

  /** @returns true when something had to be changed. */
  async #bring(want: readonly NftTable[]): Promise<boolean> {
    const identity = await namespaceIdentity(this.#netns)
    // In a namespace that was made anew there is nothing of what was applied.
    const remembered = this.#applied?.identity === identity ? this.#applied?.tables : undefined
    this.#applied = undefined
    const isChanged = await this.#apply(want, remembered ?? (await this.#read())).catch(async (error) => {
      // Somebody changed the tables by hand; or it cannot be done, which the second try will say again.
      if (!remembered) throw error
      return this.#apply(want, await this.#read())
    })
    this.#applied = { identity, tables: want }
    if (isChanged) this.#revision += 1
    return isChanged
  }

  async #apply(want: readonly NftTable[], have: readonly (NftTable | undefined)[]): Promise<boolean> {
    const commands = want.flatMap((table, index) => diffTables(table, have[index]))
    await applyNft(this.#netns, commands)
    return commands.length > 0
  }

  #read(): Promise<(NftTable | undefined)[]> {
    return Promise.all(TABLES.map(([family, name]) => readTable(this.#netns, family, name)))
  }
}

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
