/**
 * GetMonitor. Measured is the traffic of NICs (`if-<mac>` of an instance); the other meters that the wire has are known
 * by name and come without data.
 */
import { getElasticIp } from '../../domain/elastic-ip/elastic-ips.ts'
import { findBasic } from '../../domain/network/basic-network.ts'
import { getServer } from '../../domain/server/servers.ts'
import {
  listServerTraffic,
  TRAFFIC_DAYS,
  type TrafficPoint,
  type TrafficRange,
  type TrafficStep,
} from '../../domain/traffic/traffic.ts'
import { getVpc } from '../../domain/vpc/vpcs.ts'
import { UTC_TIME } from '../../jobs/traffic-report.ts'
import { type Actions, type Call, reads } from './call.ts'
import { ownId } from './ids.ts'
import type { Parameters } from './parameters.ts'
import { malformed, missing, notAllowed } from './refusals.ts'
import { vxnetId } from './vxnet-id.ts'

const STEPS = { '5m': 300, '15m': 900, '30m': 1800, '1h': 3600, '2h': 7200, '1d': 86_400 } as const satisfies Record<
  string,
  TrafficStep
>
/** Clients count the days back from their own now. */
const SLACK_MS = 300_000
const MOST_METERS = 200

const NIC_METER = /^if-((?:[0-9a-f]{2}:){5}[0-9a-f]{2})$/i

interface Meter {
  readonly meter_id: string
  readonly vxnet_id: string
  readonly sequence: number
  readonly data: readonly unknown[]
}

/** What can be watched: the meters that it has, and how to see that it is there, which throws when it is not. */
const KINDS: Readonly<Record<string, { meters: RegExp; assertThere: (call: Call, id: string) => Promise<unknown> }>> = {
  i: {
    meters: /^(cpu|memory|disk-[\w-]{1,64}|if-([0-9a-f]{2}:){5}[0-9a-f]{2})$/i,
    assertThere: ({ deps, actor }, id) => getServer(deps.db, actor.projectId, id),
  },
  eip: {
    meters: /^(traffic|flow)$/,
    assertThere: ({ deps, actor }, id) => getElasticIp(deps.db, actor.projectId, id),
  },
  vpc: {
    meters: /^vxnet-[0-9a-z]{1,16}$/,
    assertThere: async ({ deps, actor }, id) => {
      const { id: found } = await getVpc(deps.db, actor.projectId, id)
      if (found === (await findBasic(deps.db, actor))) throw missing('router', id)
    },
  },
}

export const MONITOR: Actions = {
  GetMonitor: reads(async (call) => {
    const { params } = call
    const resource = params.required('resource')
    const names = [...new Set(params.requiredList('meters', MOST_METERS))]
    const range = rangeOf(params)
    const [prefix, kind] = Object.entries(KINDS).find(([own]) => ownId(own, resource) !== '') ?? []
    if (prefix === undefined || kind === undefined) throw missing('resource', resource)
    const id = ownId(prefix, resource)
    await kind.assertThere(call, id)
    const unknown = names.find((name) => !kind.meters.test(name))
    if (unknown !== undefined) throw notAllowed(`meter ${unknown} is not one of [${resource}]`)
    const traffic = await trafficOf(call, id, names, range)
    return {
      resource_id: resource,
      meter_set: names.map((name) => traffic.get(macOf(name) ?? '') ?? withoutData(name)),
    }
  }),
}

const macOf = (name: string): string | undefined => NIC_METER.exec(name)?.[1]?.toLowerCase()

const withoutData = (name: string): Meter => ({
  meter_id: macOf(name) ?? name,
  vxnet_id: name.startsWith('vxnet-') ? name : '',
  sequence: 0,
  data: [],
})

/** Meters of NICs of an instance, by MAC. */
async function trafficOf(
  { deps, actor }: Call,
  serverId: string,
  names: readonly string[],
  range: TrafficRange,
): Promise<Map<string, Meter>> {
  const macs = names.map(macOf).filter((mac) => mac !== undefined)
  const found = await listServerTraffic(deps.db, actor.projectId, serverId, macs, range)
  return new Map(
    found.map((one) => [
      one.nicId,
      {
        meter_id: one.nicId,
        vxnet_id: vxnetId(one.networkId, one.isBasic),
        sequence: one.slot,
        data: compressed(one.points, range.step),
      },
    ]),
  )
}

/**
 * The data of a meter: first `[Unix time, value]`, then values one step apart each; `[n, value]` comes n seconds after
 * the one before. A value is a pair, in and out.
 */
export function compressed(points: readonly TrafficPoint[], step: number): unknown[] {
  return points.map((point, index) => {
    const value = [point.in, point.out]
    const before = points[index - 1]
    if (before === undefined) return [point.at, value]
    return point.at - before.at === step ? value : [point.at - before.at, value]
  })
}

function rangeOf(params: Parameters): TrafficRange {
  const step = params.oneOf('step', Object.keys(STEPS) as (keyof typeof STEPS)[])
  if (step === undefined) throw malformed('parameter step is required')
  const [from, to] = [timeOf(params, 'start_time'), timeOf(params, 'end_time')]
  if (from > to) throw notAllowed('parameter start_time must not be after end_time')
  if (step === '5m' && from < Date.now() - TRAFFIC_DAYS * 86_400_000 - SLACK_MS)
    throw notAllowed(`parameter step must be longer than 5m for times more than ${TRAFFIC_DAYS} days ago`)
  return { from, to, step: STEPS[step] }
}

function timeOf(params: Parameters, name: string): number {
  const text = params.required(name)
  if (!new RegExp(UTC_TIME).test(text))
    throw malformed(`parameter ${name} must be a UTC time like 2013-08-27T14:30:10Z`)
  return Date.parse(text)
}
