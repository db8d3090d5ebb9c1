/**
 * The filters of one data plane: guard and security groups of all its NICs, as one thing to talk to.
 *
 * Whatever is changed is changed in one transaction, so there is never half of it. What was applied last is remembered,
 * so that one NIC more or less takes only the difference to the kernel and nothing is read from there.
 */
import { isDeepStrictEqual } from 'node:util'

import { guardTable } from './guard.ts'
import { KeyedMutex } from './keyed-mutex.ts'
import { applyNft, diffTables, isSameTable, type NftTable, readTable } from './nft.ts'
import { securityGroupTable } from './security-groups.ts'
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

const tablesOf = (nics: readonly NicPolicy[], groups: readonly SecurityGroup[]): readonly NftTable[] => [
  guardTable(nics),
  securityGroupTable(nics, groups),
]

export class NicPolicies {
  readonly #netns: string
  readonly #mutex = new KeyedMutex()
  #waiting: Change[] = []
  /** `undefined` until the whole is known, see `replace`. */
  #state: { readonly nics: Nics; readonly groups: readonly SecurityGroup[] } | undefined
  /** The tables that stand in the kernel as far as we know; `undefined` when it must be asked. */
  #applied: readonly NftTable[] | undefined

  /** @param netns - namespace of the data plane, with `bridge-nf-call-iptables` and `-ip6tables` on. */
  constructor(netns: string) {
    this.#netns = netns
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

  /** Forgets NICs: from now on nothing passes their taps. Those that are not known count as removed. */
  async remove(macs: readonly string[]): Promise<void> {
    // Before the first `replace` they are not known, and `replace` leaves out whatever it is not told of.
    if (!this.#state || macs.length === 0) return
    const gone = new Set(macs)
    await this.#change((known) => new Map([...known].filter(([mac]) => !gone.has(mac))))
  }

  /**
   * Brings about the whole: reads what stands in the kernel and changes what differs.
   * @param state - asked once nobody else can be changing anything.
   * @returns true when something had to be changed.
   * @throws {HostCommandError} with nft's words when it refuses; what was in force still is.
   */
  replace(state: () => Promise<PolicyState>): Promise<boolean> {
    return this.#exclusively(async () => {
      const { nics: asked, groups } = await state()
      const nics = this.#asKnown(asked)
      this.#applied = undefined
      const isChanged = await this.#bring(tablesOf(nics, groups))
      this.#state = { nics: new Map(nics.map((nic) => [nic.mac, nic])), groups }
      return isChanged
    })
  }

  /** Whether the kernel filters exactly like this. Waits for nobody, so it may see a change half-known to the caller. */
  async isAlright({ nics, groups }: PolicyState): Promise<boolean> {
    const want = tablesOf(this.#asKnown(nics), groups)
    const have = await this.#read(want)
    return want.every((table, index) => isSameTable(table, have[index]))
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
    await this.#bring(tablesOf([...nics.values()], groups))
    this.#state = { nics, groups }
    for (const { resolve } of changes) resolve()
  }

  /** @returns true when something had to be changed. */
  async #bring(want: readonly NftTable[]): Promise<boolean> {
    const remembered = this.#applied
    this.#applied = undefined
    const isChanged = await this.#apply(want, remembered ?? (await this.#read(want))).catch(async (error) => {
      // Somebody changed the tables by hand; or it cannot be done, which the second try will say again.
      if (!remembered) throw error
      return this.#apply(want, await this.#read(want))
    })
    this.#applied = want
    return isChanged
  }

  async #apply(want: readonly NftTable[], have: readonly (NftTable | undefined)[]): Promise<boolean> {
    const commands = want.flatMap((table, index) => diffTables(table, have[index]))
    await applyNft(this.#netns, commands)
    return commands.length > 0
  }

  #read(tables: readonly NftTable[]): Promise<(NftTable | undefined)[]> {
    return Promise.all(tables.map(({ family, name }) => readTable(this.#netns, family, name)))
  }
}
