import { ipQuery } from './ip-command.ts'
import { nicOfMark } from './names.ts'

/** What the kernel counted at a NIC's tap since it was made. `in` is towards the guest: what the tap sends. */
export interface TrafficCounters {
  readonly nicId: string
  /** Of the device: one that was made anew counts from 0 again. */
  readonly index: number
  /** Bytes, as `out`. */
  readonly in: number
  readonly out: number
}

/** Reads one object of `ip -s -j link`; `undefined` when it is no tap of ours. */
export function parseCounters(raw: Record<string, unknown>): TrafficCounters | undefined {
  const nicId = nicOfMark(typeof raw.ifalias === 'string' ? raw.ifalias : undefined)
  const { rx, tx } = (raw.stats64 ?? {}) as { rx?: { bytes?: number }; tx?: { bytes?: number } }
  if (nicId === undefined || typeof raw.ifindex !== 'number') return undefined
  if (rx?.bytes === undefined || tx?.bytes === undefined) return undefined
  return { nicId, index: raw.ifindex, in: tx.bytes, out: rx.bytes }
}

/** The counters of every tap in a data plane, by one process. */
export const readCounters = async (netns: string): Promise<TrafficCounters[]> =>
  (await ipQuery(netns, ['-s', 'link'])).map(parseCounters).filter((counters) => counters !== undefined)
