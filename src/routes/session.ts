import rateLimit from '@fastify/rate-limit'
import { Type } from 'typebox'
import type { App, Deps } from '../app.ts'
import { transaction } from '../db/client.ts'
import { createSession, deleteSession, getSession } from '../domain/access-key/sessions.ts'
import { DomainError } from '../domain/errors.ts'
import type { ActorCache } from './auth.ts'
import { Body } from './fields.ts'
import { refusals } from './problem.ts'
import { assertOwnPage, clearSessionCookie, sessionToken, setSessionCookie } from './session-cookie.ts'

const tags = ['access']
const SIGN_INS_PER_MINUTE = 20
const Shown = Type.String({ format: 'text', minLength: 1, maxLength: 128 })

/** Signing in, which is open to everybody. */
export async function signInRoute(app: App, deps: Deps, actors: ActorCache): Promise<void> {
  await app.register(rateLimit, {
    max: SIGN_INS_PER_MINUTE,
    timeWindow: 60_000,
    // Of its headers only Retry-After, which others of our refusals have too.
    addHeaders: { 'x-ratelimit-limit': false, 'x-ratelimit-remaining': false, 'x-ratelimit-reset': false },
    addHeadersOnExceeding: { 'x-ratelimit-limit': false, 'x-ratelimit-remaining': false, 'x-ratelimit-reset': false },
    errorResponseBuilder: (_request, { max, after }) =>
      new DomainError('too_many_requests', `only ${max} sign-ins a minute from one address: try again in ${after}`),
  })
  app.post(
    '/session',
    {
      // A page elsewhere could sign its visitor in with a key of its own, and see what is done with it.
      onRequest: async (request) => assertOwnPage(request),
      schema: {
        operationId: 'createSession',
        tags,
        security: [],
        summary:
          'Sign in with an access key: sets a cookie that stands for it for 12 hours, and ends the session of the cookie before',
        body: Body({ access_key_id: Shown, secret_access_key: Shown }),
        response: { 201: Type.Ref('Session'), ...refusals },
      },
    },
    async (request, reply) => {
      const { access_key_id: keyId, secret_access_key: secret } = request.body
      const before = sessionToken(request)
      const { token, view } = await transaction(deps.db, async (tx) => {
        const session = await createSession(tx, deps.secretKey, { keyId, secret })
        // The new cookie takes its place in the browser, and nobody could end it any more.
        if (before !== undefined) await deleteSession(tx, before)
        return session
      })
      if (before !== undefined) actors.forget()
      setSessionCookie(reply, token)
      return reply.code(201).header('cache-control', 'no-store').send(view)
    },
  )
}

export function sessionRoutes(app: App, deps: Deps, actors: ActorCache): void {
  app.get(
    '/session',
    {
      schema: {
        operationId: 'getSession',
        tags,
        summary: 'Who asks: the access key, by whichever way it came in',
        response: { 200: Type.Ref('Session'), ...refusals },
      },
    },
    async (request, reply) => {
      reply.header('cache-control', 'no-store')
      return getSession(deps.db, request.actor.keyId, request.sessionToken)
    },
  )

  app.delete(
    '/session',
    {
      config: { role: 'reader' },
      schema: {
        operationId: 'deleteSession',
        tags,
        summary: 'Sign out: ends the session that asks, and clears its cookie',
        response: { 204: Type.Null(), ...refusals },
      },
    },
    async (request, reply) => {
      if (request.sessionToken !== undefined) {
        await deleteSession(deps.db, request.sessionToken)
        actors.forget()
      }
      clearSessionCookie(reply)
      return reply.code(204).send(null)
    },
  )
}
