/**
 * The parameters of one request of the wire. Scalars are `name=value`, lists `name.N=value`, objects
 * `name.N.field=value`, N from 1; either form of a scalar and of a list is taken for the other, as clients mix them.
 */
import type { Slice } from '../../domain/paging.ts'
import { SIGNATURE_PARAMETERS, shown } from '../signature.ts'
import { malformed, notAllowed } from './refusals.ts'

/** Highest N: no list of the wire comes near it. */
const HIGHEST_INDEX = 99_999
const INDEX = /^[1-9]\d{0,4}$/

const DEFAULT_LIMIT = 20
const MAX_LIMIT = 100

/** What must not be kept with a job. */
const SECRET = /passwd|password|private_key/
/** Characters of a request that are kept with its job: enough for the longest lists of ids, and for no file. */
const MOST_KEPT = 262_144

export class Parameters {
  readonly #values: ReadonlyMap<string, string>

  /** What stands before the names in the request: `rules.3.`. */
  readonly #at: string

  constructor(values: ReadonlyMap<string, string>, at = '') {
    this.#values = values
    this.#at = at
  }

  /** A value, even an empty one: in Modify* it clears. `undefined`: not given. */
  given(name: string): string | undefined {
    const value = this.#values.get(name)
    if (value !== undefined) return value
    return this.#indexed(name)[0]?.[1]
  }

  /** A value; an empty one counts as not given. */
  text(name: string): string | undefined {
    return this.given(name) || undefined
  }

  required(name: string): string {
    const value = this.text(name)
    if (value === undefined) throw malformed(`parameter ${this.#at}${name} is required`)
    return value
  }

  /** A name or description of 0 to 255 characters. */
  label(name: string, most = 255): string | undefined {
    const value = this.given(name)
    if (value !== undefined && [...value].length > most) {
      throw notAllowed(`parameter ${this.#at}${name} must have at most ${most} characters`)
    }
    return value
  }

  /** A decimal whole number within a range. */
  int(name: string, { min, max }: { min: number; max: number }): number | undefined {
    const value = this.text(name)
    if (value === undefined) return undefined
    if (!/^-?\d{1,15}$/.test(value)) throw malformed(`parameter ${this.#at}${name} must be a whole number`)
    const number = Number(value)
    if (number < min || number > max) throw notAllowed(`parameter ${this.#at}${name} must be ${min} to ${max}`)
    return number
  }

  /** 0 or 1; `true` and `false` as Python writes them too. */
  flag(name: string): boolean | undefined {
    const value = this.text(name)
    if (value === undefined) return undefined
    if (/^(1|true)$/i.test(value)) return true
    if (/^(0|false)$/i.test(value)) return false
    throw malformed(`parameter ${this.#at}${name} must be 0 or 1`)
  }

  oneOf<T extends string>(name: string, allowed: readonly T[]): T | undefined {
    const value = this.text(name)
    if (value === undefined) return undefined
    const found = allowed.find((one) => one === value)
    if (found === undefined) throw notAllowed(`parameter ${this.#at}${name} must be one of ${allowed.join(', ')}`)
    return found
  }

  /** The values of a list in the order of their N, empty ones left out; `undefined` when there is none. */
  list(name: string): string[] | undefined {
    const scalar = this.#values.get(name)
    const values = [...(scalar ? [scalar] : []), ...this.#indexed(name).map(([, value]) => value)].filter(Boolean)
    return values.length > 0 ? values : undefined
  }

  requiredList(name: string, most = 1000): string[] {
    const values = this.list(name)
    if (values === undefined) throw malformed(`parameter ${this.#at}${name}.n is required`)
    if (values.length > most) throw notAllowed(`parameter ${this.#at}${name}.n must have at most ${most} values`)
    return values
  }

  /** The objects of a list in the order of their N. */
  objects(name: string, most = 1000): Parameters[] {
    const byIndex = new Map<number, Map<string, string>>()
    for (const [key, value] of this.#values) {
      if (!key.startsWith(`${name}.`)) continue
      const [index = '', ...field] = key.slice(name.length + 1).split('.')
      const object = byIndex.get(this.#index(key, index)) ?? new Map<string, string>()
      byIndex.set(this.#index(key, index), object)
      object.set(field.join('.'), value)
    }
    if (byIndex.size > most) throw notAllowed(`parameter ${this.#at}${name}.n must have at most ${most} values`)
    return [...byIndex]
      .sort(([a], [b]) => a - b)
      .map(([index, values]) => new Parameters(values, `${this.#at}${name}.${index}.`))
  }

  /**
   * Which part of a set is asked for. More than the greatest limit is taken for it, and 0 for the default.
   * @param most - 100 but where clients are known to ask for more.
   */
  slice(most = MAX_LIMIT): Slice {
    const offset = this.int('offset', { min: 0, max: Number.MAX_SAFE_INTEGER }) ?? 0
    const limit = this.int('limit', { min: 0, max: Number.MAX_SAFE_INTEGER }) ?? 0
    return { offset: Math.min(offset, 2 ** 31 - 1), limit: Math.min(limit || DEFAULT_LIMIT, most) }
  }

  /**
   * What was asked for, without what belongs to the signature, without secrets, and without what is too long to be kept:
   * a job's `directive`.
   */
  directive(): Record<string, unknown> {
    const asked: Record<string, unknown> = {}
    const lists = new Map<string, Map<number, unknown>>()
    let room = MOST_KEPT
    for (const [key, value] of this.#values) {
      const [name = '', index, field] = key.split('.', 3)
      if (SIGNATURE_PARAMETERS.has(name) || SECRET.test(key) || !/^[a-zA-Z]\w{0,63}$/.test(name)) continue
      if (key.length + value.length > room) continue
      room -= key.length + value.length
      if (index === undefined) asked[name] = value
      if (index === undefined || !INDEX.test(index)) continue
      const list = lists.get(name) ?? new Map<number, unknown>()
      lists.set(name, list)
      const object = list.get(Number(index))
      if (field === undefined) list.set(Number(index), value)
      else if (object instanceof Map) object.set(field, value)
      else list.set(Number(index), new Map([[field, value]]))
    }
    for (const [name, list] of lists) {
      asked[name] ??= [...list]
        .sort(([a], [b]) => a - b)
        .map(([, value]) => (value instanceof Map ? Object.fromEntries(value) : value))
    }
    return asked
  }

  /** `name.N` in the order of N. */
  #indexed(name: string): [index: number, value: string][] {
    const values: [number, string][] = []
    for (const [key, value] of this.#values) {
      if (key.startsWith(`${name}.`)) values.push([this.#index(key, key.slice(name.length + 1)), value])
    }
    return values.sort(([a], [b]) => a - b)
  }

  #index(key: string, index: string): number {
    if (!INDEX.test(index)) {
      throw malformed(`parameter ${this.#at}${shown(key)} must be numbered from 1 to ${HIGHEST_INDEX}`)
    }
    return Number(index)
  }
}
