import { type Static, Type } from 'typebox'
import type { App, Deps } from '../app.ts'
import { DomainError } from '../domain/errors.ts'
import {
  getNicTraffic,
  listNicTraffic,
  TRAFFIC_DAYS,
  TRAFFIC_STEPS,
  type TrafficPoint,
  type TrafficRange,
  type TrafficStep,
} from '../domain/traffic/traffic.ts'
import { UTC_TIME } from '../jobs/traffic-report.ts'
import { Body, NIC_ID_PATTERN, NicId, params, Time } from './fields.ts'
import { refusals } from './problem.ts'

const tags = ['nics']
const DEFAULT_STEP = 300
/** What is shown when nothing is said of time. */
const DEFAULT_RANGE_MS = 6 * 3_600_000
const MOST_NICS = 100

const UtcTime = (description: string) =>
  Type.Optional(Type.String({ pattern: UTC_TIME, maxLength: 30, description, examples: ['2026-01-02T03:00:00Z'] }))

const RangeQuery = {
  from: UtcTime(`Of the first step; six hours before \`to\` when absent. Kept are ${TRAFFIC_DAYS} days`),
  to: UtcTime('Of the last step; now when absent'),
  step_seconds: Type.Optional(
    Type.Unsafe<TrafficStep>({
      type: 'integer',
      enum: [...TRAFFIC_STEPS],
      default: DEFAULT_STEP,
      description: 'Steps are counted from the Unix epoch',
    }),
  ),
}

const Points = Type.Array(
  Type.Object({
    at: Time,
    in_bytes_per_second: Type.Integer({ description: 'Towards the guest' }),
    out_bytes_per_second: Type.Integer(),
  }),
  { description: 'The mean of what was measured in each step; one in which nothing was is left out' },
)

/** MACs have one length, so that the length of the list is a matter of the pattern too. */
const NicIds = Type.String({
  pattern: `^${NIC_ID_PATTERN}(,${NIC_ID_PATTERN}){0,${MOST_NICS - 1}}$`,
  description: `Ids of up to ${MOST_NICS} NICs, separated by commas; those that are not there are left out`,
  examples: ['52:54:3f:09:aa:01,52:54:3f:09:aa:02'],
})

export function trafficRoutes(app: App, deps: Deps): void {
  app.get(
    '/nics/:id/traffic',
    {
      schema: {
        operationId: 'getNicTraffic',
        tags,
        summary: 'Read the traffic of a NIC, oldest first: measured every five minutes while it is on a server',
        params: params({ id: NicId }),
        querystring: Body(RangeQuery),
        response: { 200: Type.Object({ items: Points }), ...refusals },
      },
    },
    async ({ actor, params: { id }, query }) => ({
      items: (await getNicTraffic(deps.db, actor.projectId, id, rangeFrom(query))).map(shown),
    }),
  )

  app.get(
    '/traffic',
    {
      schema: {
        operationId: 'listNicTraffic',
        tags,
        summary: 'Read the traffic of several NICs, oldest first',
        querystring: Body({ nic_ids: NicIds, ...RangeQuery }),
        response: {
          200: Type.Object({ items: Type.Array(Type.Object({ nic_id: NicId, points: Points })) }),
          ...refusals,
        },
      },
    },
    async ({ actor, query }) => {
      const nicIds = query.nic_ids.split(',')
      const items = await listNicTraffic(deps.db, actor.projectId, nicIds, rangeFrom(query))
      return { items: items.map(({ nicId, points }) => ({ nic_id: nicId, points: points.map(shown) })) }
    },
  )
}

const shown = (point: TrafficPoint): Static<typeof Points>[number] => ({
  at: new Date(point.at * 1000).toISOString(),
  in_bytes_per_second: point.in,
  out_bytes_per_second: point.out,
})

/** @throws DomainError `invalid_request` when it ends before it begins. */
function rangeFrom(query: { from?: string; to?: string; step_seconds?: TrafficStep }): TrafficRange {
  const to = query.to === undefined ? Date.now() : Date.parse(query.to)
  const from = query.from === undefined ? to - DEFAULT_RANGE_MS : Date.parse(query.from)
  if (from > to) {
    const detail = 'must not be after to'
    throw new DomainError('invalid_request', `from ${detail}`, {
      errors: [{ in: 'query', pointer: '/from', detail }],
    })
  }
  return { from, to, step: query.step_seconds ?? DEFAULT_STEP }
}
