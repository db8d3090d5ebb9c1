/** What a worker tells of the traffic of the NICs that it carries. */
import { type Static, Type } from 'typebox'

/** ISO 8601 in UTC, with or without fractions of a second; `Date.parse` takes all that fits. */
export const UTC_TIME =
  '^\\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\\d|3[01])T([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(\\.\\d{1,9})?Z$'

const Rate = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })

/** Bytes per second of one NIC, the mean of the time since the worker looked before. `in` is towards the guest. */
export const TrafficSample = Type.Object(
  {
    nic_id: Type.String({ pattern: '^[0-9a-f]{2}(:[0-9a-f]{2}){5}$' }),
    in_bytes_per_second: Rate,
    out_bytes_per_second: Rate,
  },
  { additionalProperties: false },
)
export type TrafficSample = Static<typeof TrafficSample>

/** All NICs of one look, or a part of them. */
export const TrafficReport = Type.Object(
  {
    /** When the look was due: the same moment on every hypervisor. */
    at: Type.String({ pattern: UTC_TIME }),
    samples: Type.Array(TrafficSample, { maxItems: 1000 }),
  },
  { additionalProperties: false },
)
export type TrafficReport = Static<typeof TrafficReport>
