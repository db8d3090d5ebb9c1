/** Traffic of NICs as the service keeps it: measured every five minutes, for 15 days. */
import { queryOptions } from '@tanstack/react-query'
import { getNicTraffic, listNicTraffic } from '../../api/client.ts'

export interface TrafficPoint {
  readonly at: string
  readonly in_bytes_per_second: number
  readonly out_bytes_per_second: number
}

const MINUTE = 60_000
export const MEASURED_EVERY = 5 * MINUTE
/** Rows that are in sight for less are only scrolled past. */
const IN_SIGHT_MS = 120
/** Of one request. */
const MOST_NICS = 100

/** What may be asked for: the time back from now, and the step that the service gathers it by. */
export const RANGES = [
  { id: '3h', hours: 3, stepSeconds: 300 },
  { id: '1d', hours: 24, stepSeconds: 1800 },
  { id: '15d', hours: 15 * 24, stepSeconds: 7200 },
] as const
export type Range = (typeof RANGES)[number]

/** No event tells of a measurement, so that this is one of the few things that are asked for again by the clock. */
const renewed = { staleTime: MEASURED_EVERY, refetchInterval: MEASURED_EVERY }

export const trafficQuery = (nicId: string, { hours, stepSeconds, id }: Range) =>
  queryOptions({
    queryKey: ['traffic', 'one', nicId, id],
    queryFn: async (): Promise<readonly TrafficPoint[]> => {
      const from = new Date(Date.now() - hours * 60 * MINUTE).toISOString()
      return (await getNicTraffic(nicId, { $from: from, stepSeconds })).items
    },
    ...renewed,
  })

/** Of the last three hours, for a row of a table: rows that come into sight together are asked for together. */
export const sparkQuery = (nicId: string) =>
  queryOptions({
    queryKey: ['traffic', 'spark', nicId],
    queryFn: ({ signal }) => gathered(nicId, signal),
    ...renewed,
  })

interface Waiting {
  readonly nicId: string
  /** The row is out of sight again. */
  readonly signal: AbortSignal
  readonly resolve: (points: readonly TrafficPoint[]) => void
  readonly reject: (error: unknown) => void
}
let waiting: Waiting[] = []

const gathered = (nicId: string, signal: AbortSignal) =>
  new Promise<readonly TrafficPoint[]>((resolve, reject) => {
    if (waiting.length === 0) setTimeout(ask, IN_SIGHT_MS)
    waiting.push({ nicId, signal, resolve, reject })
  })

function ask(): void {
  const all = waiting
  waiting = []
  for (const gone of all.filter(({ signal }) => signal.aborted)) gone.reject(gone.signal.reason)
  const wanted = all.filter(({ signal }) => !signal.aborted)
  for (let at = 0; at < wanted.length; at += MOST_NICS) void answer(wanted.slice(at, at + MOST_NICS))
}

async function answer(rows: readonly Waiting[]): Promise<void> {
  try {
    const from = new Date(Date.now() - 3 * 60 * MINUTE).toISOString()
    const ids = [...new Set(rows.map(({ nicId }) => nicId))].join(',')
    const { items } = await listNicTraffic(ids, { $from: from, stepSeconds: 300 })
    const byId = new Map(items.map(({ nic_id, points }) => [nic_id, points]))
    for (const { nicId, resolve } of rows) resolve(byId.get(nicId) ?? [])
  } catch (error) {
    for (const { reject } of rows) reject(error)
  }
}

const UNITS = ['bit/s', 'kbit/s', 'Mbit/s', 'Gbit/s'] as const

/** A rate to two places that matter, in bits, as limits are: `1.2 Mbit/s`. */
export function rateText(bytesPerSecond: number, locale: string): string {
  const bits = bytesPerSecond * 8
  const power = bits < 1000 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log10(bits) / 3))
  const value = bits / 1000 ** power
  return `${value.toLocaleString(locale, { maximumFractionDigits: value < 10 && power > 0 ? 1 : 0 })} ${UNITS[power]}`
}

/** Points without a gap between them: while a NIC was on no server nothing was measured, and no line is drawn. */
export function segments(points: readonly TrafficPoint[], stepMs: number): TrafficPoint[][] {
  const parts: TrafficPoint[][] = []
  let last = Number.NEGATIVE_INFINITY
  for (const point of points) {
    const at = Date.parse(point.at)
    if (at - last > 1.5 * stepMs) parts.push([])
    parts.at(-1)?.push(point)
    last = at
  }
  return parts
}
