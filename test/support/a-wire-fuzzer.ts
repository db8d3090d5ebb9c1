/**
 * Random requests of the wire. Which parameters an action reads is learned from the action itself while it runs, so an
 * action that is new is tried like the others; ids come from what the service has answered before.
 */
import { Parameters } from '../../src/routes/iaas/parameters.ts'
import type { Random } from './random.ts'
import { HOSTILE, ID_OF, SENSIBLE } from './wire-values.ts'

interface Known {
  readonly scalars: Set<string>
  readonly lists: Set<string>
  /** Fields by the name of the list of objects. */
  readonly objects: Map<string, Set<string>>
  /** What it has said that it cannot do without. */
  readonly required: Set<string>
}

const ANY_ID = /\b(?:vxnet|rtrs?|rse|i|j|sg[rsi]?|eip|tag|kp|vip)-[0-9a-z]{8,16}\b|\b52:54(?::[0-9a-f]{2}){4}\b/g
const ANY_ADDRESS = /\b(?:10|172|192)(?:\.\d{1,3}){3}\b/g
/** Ids of a kind that are remembered. */
const MOST_IDS = 40

type Pair = readonly [name: string, value: string]
/** Requests of an action that succeeded, which are remembered. */
const MOST_REQUESTS = 8

export class WireFuzzer {
  readonly #random: Random
  readonly #known = new Map<string, Known>()
  /** Ids that the service has answered with, by prefix; those of NICs under `nic`, and addresses under `address`. */
  readonly #ids = new Map<string, string[]>()
  readonly #done = new Map<string, Pair[][]>()

  constructor(random: Random) {
    this.#random = random
  }

  /** Watches what actions read from now on. @returns what ends it. */
  learn(): () => void {
    const { given, list, objects, directive } = Parameters.prototype
    let isQuoted = false
    const roots = new WeakMap<Parameters, string>()
    const inside = new WeakMap<Parameters, Set<string>>()
    const knownOf = (params: Parameters): Known => {
      const action = roots.get(params) ?? given.call(params, 'action') ?? ''
      roots.set(params, action)
      return this.#of(action)
    }
    Parameters.prototype.given = function (name) {
      const fields = inside.get(this)
      if (fields) fields.add(name)
      else if (!['action', 'zone'].includes(name)) knownOf(this).scalars.add(name)
      return given.call(this, name)
    }
    Parameters.prototype.list = function (name) {
      const fields = inside.get(this)
      if (fields) fields.add(name)
      else knownOf(this).lists.add(name)
      return list.call(this, name)
    }
    // What is kept with a job is all that was sent, not what the action reads.
    Parameters.prototype.directive = function () {
      isQuoted = true
      try {
        return directive.call(this)
      } finally {
        isQuoted = false
      }
    }
    Parameters.prototype.objects = function (name, most) {
      if (isQuoted) return objects.call(this, name, most)
      const known = knownOf(this).objects
      const fields = known.get(name) ?? new Set<string>()
      known.set(name, fields)
      const found = objects.call(this, name, most)
      for (const one of found) inside.set(one, fields)
      return found
    }
    return () => Object.assign(Parameters.prototype, { given, list, objects, directive })
  }

  #of(action: string): Known {
    const known = this.#known.get(action) ?? {
      scalars: new Set(),
      lists: new Set(),
      objects: new Map(),
      required: new Set(),
    }
    this.#known.set(action, known)
    return known
  }

  /** Remembers the ids and addresses in an answer, and what it says is missing. */
  remember(action: string, text: string): void {
    const [, missing] = /parameter ([\w.]+?)(?:\.n)? is required/.exec(text) ?? []
    if (missing !== undefined) this.#of(action).required.add(missing.replace(/.*\./, ''))
    const found = [...text.matchAll(ANY_ID), ...text.matchAll(ANY_ADDRESS)].map(([id]) => id)
    for (const id of new Set(found)) {
      const kind = id.startsWith('52:54') ? 'nic' : /^\d/.test(id) ? 'address' : id.slice(0, id.indexOf('-'))
      const ids = this.#ids.get(kind) ?? []
      this.#ids.set(kind, ids)
      if (ids.includes(id)) continue
      if (ids.push(id) > MOST_IDS) ids.splice(this.#random.below(MOST_IDS), 1)
    }
  }

  #anyId(kind: string): string | undefined {
    const ids = kind === '' ? [...this.#ids.values()].flat() : (this.#ids.get(kind) ?? [])
    return ids.length === 0 ? undefined : this.#random.pick(ids)
  }

  #sensible(name: string): string {
    const kind = ID_OF.find(([pattern]) => pattern.test(name))?.[1]
    const id = kind === undefined ? undefined : this.#anyId(kind)
    if (id !== undefined) return id
    return (
      SENSIBLE.find(([pattern]) => pattern.test(name))?.[1](this.#random, this.#anyId('address') ?? '10.1.7.5') ??
      this.#random.pick(['', '1', 'a'])
    )
  }

  #hostile(): string {
    // An id of another kind is the wrong value that looks most right.
    return (this.#random.chance(0.25) ? this.#anyId('') : undefined) ?? this.#random.pick(HOSTILE)
  }

  /** Remembers a request that succeeded: others like it get as far. */
  succeeded(action: string, pairs: readonly Pair[]): void {
    const requests = this.#done.get(action) ?? []
    this.#done.set(action, requests)
    if (requests.push([...pairs]) > MOST_REQUESTS) requests.splice(this.#random.below(MOST_REQUESTS), 1)
  }

  /**
   * Parameters for an action, from those that it is known to read.
   * @param sense - share of the values that are as they are meant.
   */
  parameters(action: string, sense: number): Pair[] {
    const done = this.#done.get(action)
    return done && this.#random.chance(0.4) ? this.#changed(this.#random.pick(done), sense) : this.#drawn(action, sense)
  }

  /** A request like another: each value stays, is left out, or is another one. */
  #changed(pairs: readonly Pair[], sense: number): Pair[] {
    const random = this.#random
    return pairs.flatMap(([name, value]): Pair[] => {
      if (random.chance(0.6)) return [[name, value]]
      if (random.chance(0.1)) return []
      const field = name.split('.').findLast((part) => !/^\d+$/.test(part)) ?? name
      return [[name, random.chance(sense) ? this.#sensible(field) : this.#hostile()]]
    })
  }

  #drawn(action: string, sense: number): Pair[] {
    const random = this.#random
    const { scalars, lists, objects, required } = this.#of(action)
    const value = (name: string) => (random.chance(sense) ? this.#sensible(name) : this.#hostile())
    const pairs: Pair[] = []
    // Some actions refuse what they know when all of it comes at once, and some when little of it does.
    const share = random.pick([0.25, 0.5, 0.75, 0.95])
    const wanted = (name: string) => random.chance(required.has(name) ? 0.3 + 0.7 * sense : share)
    const written = (name: string, wellFormed: string) =>
      random.chance((1 - sense) / 2) ? this.#bent(name) : wellFormed
    for (const name of scalars) {
      if (wanted(name)) pairs.push([written(name, name), value(name)])
    }
    for (const name of lists) {
      if (!wanted(name)) continue
      const count = random.chance(0.7) ? 1 : 1 + random.below(3)
      for (let index = 1; index <= count; index++) pairs.push([written(name, `${name}.${index}`), value(name)])
    }
    for (const [name, fields] of objects) {
      if (!wanted(name)) continue
      const count = random.chance(0.7) ? 1 : 1 + random.below(3)
      for (let index = 1; index <= count; index++) {
        for (const field of fields.size > 0 ? fields : ['val1'])
          if (wanted(field)) pairs.push([`${written(name, `${name}.${index}`)}.${field}`, value(field)])
      }
    }
    return pairs
  }

  /** A name as clients should not write it. */
  #bent(name: string): string {
    const random = this.#random
    const index = random.pick([
      '0',
      '-1',
      '01',
      '1.5',
      '99999',
      '100000',
      '99999999',
      '1e3',
      'n',
      '',
      ' ',
      '٣',
      '__proto__',
    ])
    return random.pick([
      name,
      `${name}.1`,
      `${name}.${index}`,
      `${name}.1.${index}`,
      `${name}.1.2.3`,
      `${name}[]`,
      `.${name}`,
      name.toUpperCase(),
    ])
  }
}
