import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { TrafficReport, TrafficSample } from '../jobs/traffic-report.ts'
import { readCounters, type TrafficCounters } from './host/traffic-counters.ts'

/** Every five minutes of the clock, the shortest step that traffic is shown in. */
const EVERY_MS = 300_000
/** A timer may ring a little before its time. */
const LATE_MS = 20
/** A report takes no more. */
const SAMPLES = 1_000

interface Look {
  /** Of a clock that nobody sets; ms. */
  readonly at: number
  readonly counters: ReadonlyMap<string, TrafficCounters>
}

/**
 * Reports how much went through the NICs of this hypervisor: at each full interval of the clock, the mean since the look
 * before. The first look is at the start.
 */
export class TrafficMeter {
  readonly #netns: string
  readonly #report: (report: TrafficReport) => Promise<void>
  readonly #log: Logger
  readonly #everyMs: number
  readonly #closed = new AbortController()

  constructor(
    netns: string,
    report: (report: TrafficReport) => Promise<void>,
    log: Logger,
    { everyMs = EVERY_MS }: { readonly everyMs?: number } = {},
  ) {
    this.#netns = netns
    this.#report = report
    this.#log = log
    this.#everyMs = everyMs
  }

  start(): void {
    this.#run().catch((error: unknown) => {
      if (!this.#closed.signal.aborted) this.#log.error({ err: error }, 'traffic is measured no more')
    })
  }

  close(): void {
    this.#closed.abort()
  }

  async #run(): Promise<void> {
    let before = await this.#look()
    while (!this.#closed.signal.aborted) {
      const due = (Math.floor(Date.now() / this.#everyMs) + 1) * this.#everyMs
      await sleep(due - Date.now() + LATE_MS, undefined, { signal: this.#closed.signal })
      const now = await this.#look()
      if (before && now) await this.#tell(new Date(due).toISOString(), samplesBetween(before, now))
      before = now ?? before
    }
  }

  async #look(): Promise<Look | undefined> {
    try {
      const counters = await readCounters(this.#netns)
      return { at: performance.now(), counters: new Map(counters.map((one) => [one.nicId, one])) }
    } catch (error) {
      this.#log.warn({ err: error }, 'the counters of the taps cannot be read; next time again')
      return undefined
    }
  }

  async #tell(at: string, samples: readonly TrafficSample[]): Promise<void> {
    try {
      for (let from = 0; from < samples.length; from += SAMPLES)
        await this.#report({ at, samples: samples.slice(from, from + SAMPLES) })
    } catch (error) {
      if (!this.#closed.signal.aborted) this.#log.warn({ err: error }, 'the traffic of NICs was not taken')
    }
  }
}

/** Rates of the taps that both looks saw. One that was made anew meanwhile counts from 0: its sample is left out. */
export function samplesBetween(before: Look, now: Look): TrafficSample[] {
  const seconds = (now.at - before.at) / 1000
  return [...now.counters.values()].flatMap((counters) => {
    const last = before.counters.get(counters.nicId)
    const isNew = last?.index !== counters.index || counters.in < last.in || counters.out < last.out
    if (isNew) return []
    return {
      nic_id: counters.nicId,
      in_bytes_per_second: Math.round((counters.in - last.in) / seconds),
      out_bytes_per_second: Math.round((counters.out - last.out) / seconds),
    }
  })
}
