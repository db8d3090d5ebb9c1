import path from 'node:path'
import cookie from '@fastify/cookie'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type RawReplyDefaultExpression,
  type RawRequestDefaultExpression,
  type RawServerDefault,
} from 'fastify'
import type { Database } from './db/client.ts'
import type { SecretKey } from './domain/access-key/secrets.ts'
import { DomainError, PROBLEMS } from './domain/errors.ts'
import type { GuestKind } from './domain/server/guest-kinds.ts'
import type { Publisher } from './jobs/engines.ts'
import type { Relay } from './jobs/relay.ts'
import type { QueueAccess } from './jobs/work-order.ts'
import { observeRequests, operationsRoutes } from './metrics.ts'
import { packageRoot } from './package-root.ts'
import { accessKeyRoutes } from './routes/access-keys.ts'
import { ActorCache, requireActor, requireHypervisor } from './routes/auth.ts'
import { consoleRoutes } from './routes/console.ts'
import { elasticIpPoolRoutes } from './routes/elastic-ip-pools.ts'
import { elasticIpRoutes } from './routes/elastic-ips.ts'
import { eventRoutes } from './routes/events.ts'
import { hypervisorRoutes } from './routes/hypervisors.ts'
import { iaasRoutes } from './routes/iaas/index.ts'
import { jobRoutes } from './routes/jobs.ts'
import { networkRoutes } from './routes/networks.ts'
import { nicSettingsRoutes } from './routes/nic-settings.ts'
import { nicRoutes } from './routes/nics.ts'
import { openapi } from './routes/openapi.ts'
import { portForwardingRoutes } from './routes/port-forwardings.ts'
import { Problem, sendProblem } from './routes/problem.ts'
import { projectRoutes } from './routes/projects.ts'
import { reservedAddressRoutes } from './routes/reserved-addresses.ts'
import { SHARED } from './routes/resources.ts'
import { securityGroupRoutes } from './routes/security-groups.ts'
import { buildSerializer } from './routes/serialization.ts'
import { serverNicRoutes } from './routes/server-nics.ts'
import { serverRoutes } from './routes/servers.ts'
import { sessionRoutes, signInRoute } from './routes/session.ts'
import { trafficRoutes } from './routes/traffic.ts'
import { validatorCompiler } from './routes/validation.ts'
import { vpcRoutes } from './routes/vpcs.ts'
import { workerRoutes } from './routes/worker.ts'

export type App = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression<RawServerDefault>,
  RawReplyDefaultExpression<RawServerDefault>,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>

/** Everything the service stands on; the caller opens and closes it. */
export interface Deps {
  readonly db: Database
  readonly publisher: Publisher
  readonly relay: Pick<Relay, 'send' | 'look'>
  readonly secretKey: SecretKey
  /** Where workers find their queue. */
  readonly queueAccess: QueueAccess
  /** What RunInstances of the QingCloud wire makes. */
  readonly instances: { readonly guest: GuestKind; readonly images: readonly string[] }
  /** Addresses and ranges of the reverse proxies that tell the truth in `X-Forwarded-*`; absent: there are none. */
  readonly trustedProxies?: readonly string[]
  /** Of the built console; absent: the one that the build of this package makes. */
  readonly consoleFolder?: string
}

const builtConsole = path.join(packageRoot, 'dist', 'console')
const MAX_BODY_BYTES = 1024 * 1024
/** Clients of the QingCloud wire name hundreds of resources in one query string. */
const MAX_HEAD_BYTES = 128 * 1024

/** Builds the service without listening: tests inject requests, `runApi` opens the port. */
export async function buildApp(deps: Deps, logger: FastifyBaseLogger): Promise<App> {
  const app: App = fastify({
    loggerInstance: logger,
    // The metrics count requests; a line for each would cost more than the request.
    logController: new fastify.LogController({ disableRequestLogging: true }),
    bodyLimit: MAX_BODY_BYTES,
    forceCloseConnections: true,
    trustProxy: deps.trustedProxies?.length ? [...deps.trustedProxies] : false,
    http: { maxHeaderSize: MAX_HEAD_BYTES },
    routerOptions: { maxParamLength: 200 },
    schemaController: { compilersFactory: { buildSerializer } },
    frameworkErrors: (error, request, reply) => void sendProblem(error, request, reply),
    clientErrorHandler: (_error, socket) => {
      // Not HTTP, or headers over the parser's limit: there is no request to answer, only a socket.
      if (!socket.writable) return
      const { status, title } = PROBLEMS.invalid_request
      const body = JSON.stringify({
        type: 'urn:patchbay:problem:invalid_request',
        title,
        status,
        code: 'invalid_request',
        detail: 'The request is not valid HTTP, or its head is too large',
      })
      socket.end(
        `HTTP/1.1 400 Bad Request\r\nContent-Type: application/problem+json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
      )
    },
  }).withTypeProvider<TypeBoxTypeProvider>()

  app.removeContentTypeParser('text/plain') // Fastify would take it for a body that is a string
  app.setValidatorCompiler(validatorCompiler)
  app.setErrorHandler((error, request, reply) => sendProblem(error, request, reply))
  app.setNotFoundHandler((request, reply) =>
    sendProblem(
      new DomainError('not_found', `${request.method} ${request.url.split('?')[0]} is not a route of this service`),
      request,
      reply,
    ),
  )
  // Acts take an optional body: nothing sent is the same as an empty object.
  app.addHook('preValidation', async (request) => {
    if (request.body === undefined && request.routeOptions.schema?.body) request.body = {}
  })
  for (const schema of [...SHARED, Problem]) app.addSchema(schema)
  observeRequests(app)

  await app.register(swagger, openapi)
  await app.register(swaggerUi, { routePrefix: '/docs', staticCSP: true })
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger())
  operationsRoutes(app, deps)

  await app.register(cookie)
  const actors = new ActorCache()
  await app.register(async (iaas: App) => iaasRoutes(iaas, deps, actors))
  await app.register(async (open: App) => signInRoute(open, deps, actors), { prefix: '/v1' })
  await app.register(
    async (v1: App) => {
      requireActor(v1, deps, actors)
      vpcRoutes(v1, deps)
      portForwardingRoutes(v1, deps)
      elasticIpPoolRoutes(v1, deps)
      elasticIpRoutes(v1, deps)
      networkRoutes(v1, deps)
      nicRoutes(v1, deps)
      nicSettingsRoutes(v1, deps)
      reservedAddressRoutes(v1, deps)
      trafficRoutes(v1, deps)
      securityGroupRoutes(v1, deps)
      serverRoutes(v1, deps)
      serverNicRoutes(v1, deps)
      jobRoutes(v1, deps)
      hypervisorRoutes(v1, deps)
      eventRoutes(v1, deps)
      projectRoutes(v1, deps, actors)
      accessKeyRoutes(v1, deps, actors)
      sessionRoutes(v1, deps, actors)
    },
    { prefix: '/v1' },
  )
  await app.register(
    async (worker: App) => {
      requireHypervisor(worker, deps.db)
      workerRoutes(worker, deps)
    },
    { prefix: '/v1/hypervisors/:hypervisorId' },
  )
  await app.register(async (pages: App) => consoleRoutes(pages, deps.consoleFolder ?? builtConsole))
  return app
}
