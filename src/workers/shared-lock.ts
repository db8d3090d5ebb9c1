/** Many at a time, or one alone, in order of arrival: whoever wants to be alone is not overtaken for ever. */
export class SharedLock {
  #alone: Promise<unknown> = Promise.resolve()
  #together: Promise<unknown>[] = []

  /** Runs `act` beside others that share. Never ask for it again inside `act`. */
  shared<T>(act: () => Promise<T>): Promise<T> {
    const turn = this.#alone.then(act)
    this.#together.push(ended(turn))
    return turn
  }

  /** Runs `act` when nobody else is at it. */
  exclusive<T>(act: () => Promise<T>): Promise<T> {
    const turn = Promise.all([this.#alone, ...this.#together]).then(act)
    this.#together = []
    this.#alone = ended(turn)
    return turn
  }
}

/** Waiters only want to know that it ended; the outcome belongs to the caller. */
const ended = (turn: Promise<unknown>): Promise<unknown> =>
  turn.then(
    () => undefined,
    () => undefined,
  )
