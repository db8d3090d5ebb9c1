/** What a row of measured times comes to. All in the unit of the values. */
export interface Spread {
  readonly count: number
  readonly mean: number
  readonly p50: number
  readonly p99: number
  readonly min: number
  readonly max: number
}

/** @throws {RangeError} without values: a figure that was not measured must not look like one. */
export function spread(values: readonly number[]): Spread {
  if (values.length === 0) throw new RangeError('nothing was measured')
  const sorted = [...values].sort((a, b) => a - b)
  return {
    count: sorted.length,
    mean: mean(sorted),
    p50: quantile(sorted, 0.5),
    p99: quantile(sorted, 0.99),
    min: sorted[0] ?? Number.NaN,
    max: sorted.at(-1) ?? Number.NaN,
  }
}

export const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length

export const median = (values: readonly number[]): number => spread(values).p50

/** Nearest rank: always a value that was seen. */
function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))] ?? Number.NaN
}

/** Epoch time in ms with a fraction, to compare with the times in a job: `Date.now()` would lose up to 1 ms. */
export const epochMs = (): number => performance.timeOrigin + performance.now()
