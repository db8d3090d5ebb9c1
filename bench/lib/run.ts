import type { Report } from './report.ts'

/** What a measurement is handed. */
export interface Run {
  readonly report: Report
  /** A short look whether all works; the figures are rough. */
  readonly quick: boolean
}

export interface Measurement {
  readonly name: string
  readonly about: string
  run(run: Run): Promise<void>
}

/** Runs `lanes` loops side by side, which take `count` turns between them. */
export async function inLanes(lanes: number, count: number, turn: (lane: number) => Promise<void>): Promise<void> {
  let left = count
  const loop = async (lane: number) => {
    while (left-- > 0) await turn(lane)
  }
  await Promise.all(Array.from({ length: lanes }, (_, lane) => loop(lane)))
}
