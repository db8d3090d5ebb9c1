/** Lets so many in at once; the others wait in order of arrival. */
export class Semaphore {
  #free: number
  readonly #waiting: (() => void)[] = []

  /** @param places - how many may be inside, at least 1. */
  constructor(places: number) {
    this.#free = places
  }

  async run<T>(act: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1
    else await new Promise<void>((resolve) => this.#waiting.push(resolve))
    try {
      return await act()
    } finally {
      const next = this.#waiting.shift()
      if (next)
        next() // the place goes from hand to hand
      else this.#free += 1
    }
  }
}
