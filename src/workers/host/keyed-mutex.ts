/**
 * One caller at a time per key, in order of arrival; different keys run side by side.
 *
 * A caller may hold several keys. All of them are queued for in one synchronous act, so each caller only ever waits
 * for earlier ones and two callers with overlapping keys cannot block each other.
 */
export class KeyedMutex {
  readonly #tails = new Map<string, Promise<unknown>>()

  /** Runs `act` once every earlier holder of any of `keys` has ended, and gives its outcome. */
  async run<T>(keys: readonly string[], act: () => Promise<T>): Promise<T> {
    const earlier = keys.map((key) => this.#tails.get(key))
    const turn = Promise.all(earlier).then(act)
    // Waiters only want to know that it ended; the outcome belongs to the caller.
    const ended = turn.then(
      () => undefined,
      () => undefined,
    )
    for (const key of keys) this.#tails.set(key, ended)
    try {
      return await turn
    } finally {
      for (const key of keys) if (this.#tails.get(key) === ended) this.#tails.delete(key)
    }
  }

  /** Whether somebody holds a key, or waits for it. */
  isHeld(key: string): boolean {
    return this.#tails.has(key)
  }

  /** Waits until everyone who has come so far is done. */
  async idle(): Promise<void> {
    await Promise.all(this.#tails.values())
  }
}
