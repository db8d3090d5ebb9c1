/** The service gives times by its clock, and the browser's may be off by any amount. */

/** What `Date` of an answer rounds away, and the way of the answer: a clock that is off by less is taken for right. */
const ROUGH_MS = 3_000

let offMs = 0

/** Learns from an answer of the service how far the browser's clock is off. */
export function learnTime({ headers }: { readonly headers: Headers }): void {
  const off = Date.parse(headers.get('date') ?? '') - Date.now()
  offMs = Math.abs(off) > ROUGH_MS ? off : 0
}

/** Milliseconds since 1970, by the clock of the service. */
export const serviceNow = (): number => Date.now() + offMs
