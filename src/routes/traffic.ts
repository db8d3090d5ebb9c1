import { Type } from 'typebox'
import type { App, Deps } from '../app.ts'
import { DomainError } from '../domain/errors.ts'
import { getNicTraffic, TRAFFIC_DAYS, TRAFFIC_STEPS, type TrafficStep } from '../domain/traffic/traffic.ts'
import { UTC_TIME } from '../jobs/traffic-report.ts'
import { refusals } from './problem.ts'
import { Body, NicId, params, Time } from './schemas.ts'

const DEFAULT_STEP = 300
/** What is shown when nothing is said of time. */
const DEFAULT_RANGE_MS = 6 * 3_600_000

const UtcTime = (description: string) =>
  Type.Optional(Type.String({ pattern: UTC_TIME, maxLength: 30, description, examples: ['2026-01-02T03:00:00Z'] }))

export function trafficRoutes(app: App, deps: Deps): void {
  app.get(
    '/nics/:id/traffic',
    {
      schema: {
        operationId: 'getNicTraffic',
        tags: ['nics'],
        summary: 'Read the traffic of a NIC, oldest first: measured every five minutes while it is on a server',
        params: params({ id: NicId }),
        querystring: Body({
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
        }),
        response: {
          200: Type.Object({
            items: Type.Array(
              Type.Object({
                at: Time,
                in_bytes_per_second: Type.Integer({ description: 'Towards the guest' }),
                out_bytes_per_second: Type.Integer(),
              }),
              { description: 'The mean of what was measured in each step; one in which nothing was is left out' },
            ),
          }),
          ...refusals,
        },
      },
    },
    async (request) => {
      const { query } = request
      const to = query.to === undefined ? Date.now() : Date.parse(query.to)
      const from = query.from === undefined ? to - DEFAULT_RANGE_MS : Date.parse(query.from)
      if (from > to) {
        const detail = 'must not be after to'
        throw new DomainError('invalid_request', `from ${detail}`, {
          errors: [{ in: 'query', pointer: '/from', detail }],
        })
      }
      const range = { from, to, step: query.step_seconds ?? DEFAULT_STEP }
      const points = await getNicTraffic(deps.db, request.actor.projectId, request.params.id, range)
      return {
        items: points.map((point) => ({
          at: new Date(point.at * 1000).toISOString(),
          in_bytes_per_second: point.in,
          out_bytes_per_second: point.out,
        })),
      }
    },
  )
}
