import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger'
import { SESSION_COOKIE } from './session-cookie.ts'

/** Head of the OpenAPI document; the rest is generated from the schemas of the routes. */
export const openapi: FastifyDynamicSwaggerOptions = {
  openapi: {
    openapi: '3.1.0',
    info: {
      title: 'Patchbay',
      version: '0.1.0',
      description:
        'Owns VPCs, private networks and NICs, and plugs NICs into running servers. ' +
        'Acts answer 202 with a job; `Prefer: wait=N` waits for its end. ' +
        'POST takes an `Idempotency-Key`; PATCH, PUT and DELETE take `If-Match`. Refusals are application/problem+json.',
    },
    tags: [
      { name: 'vpcs', description: 'Routed private address spaces' },
      { name: 'networks', description: 'Private layer-2 networks' },
      { name: 'nics', description: 'Virtual network cards' },
      { name: 'security-groups', description: 'What may reach NICs, and what they may reach' },
      { name: 'elastic-ips', description: 'Public addresses for NICs and VPCs, and the pools they come from' },
      { name: 'port-forwardings', description: 'Ports of a VPC’s elastic IP that lead inside' },
      { name: 'servers', description: 'The machines that NICs plug into' },
      { name: 'jobs', description: 'Asynchronous acts' },
      { name: 'events', description: 'What happened, as a list and as a stream' },
      { name: 'hypervisors', description: 'The hosts that run servers' },
      { name: 'access', description: 'Projects, access keys and sessions' },
      { name: 'worker', description: 'For hypervisor workers, with the token of their hypervisor' },
      { name: 'operations', description: 'Health and metrics' },
    ],
    components: {
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer' },
        session: { type: 'apiKey', in: 'cookie', name: SESSION_COOKIE, description: 'Set by `POST /v1/session`' },
      },
    },
    security: [{ token: [] }, { session: [] }],
  },
  refResolver: {
    buildLocalReference: (json, _baseUri, _fragment, index) =>
      typeof json.$id === 'string' ? json.$id : `schema-${index}`,
  },
}
