import { createHash, type Hash } from 'node:crypto'
import { PassThrough } from 'node:stream'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Deps } from '../app.ts'
import type { Db } from '../db/client.ts'
import { actorOfKey, actorOfToken } from '../domain/access-key/access-keys.ts'
import { actorOfSession, sessionOver } from '../domain/access-key/sessions.ts'
import { type AccessRole, type Actor, mayAs } from '../domain/actor.ts'
import { DomainError } from '../domain/errors.ts'
import { isHypervisorToken } from '../domain/hypervisor/hypervisors.ts'
import { HYPERVISOR_ID_PATTERN } from './fields.ts'
import { assertOwnPage, sessionToken } from './session-cookie.ts'
import {
  assertFresh,
  claimedKey,
  decodeParameters,
  isSignedWith,
  SIGNATURE_PARAMETERS,
  type SignedRequest,
} from './signature.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Set on every route of `/v1` before its handler runs. */
    actor: Actor
    /** Of a request that came in by the cookie of a session. */
    sessionToken: string | undefined
    /** Of a signed request: the digest of its body, and what it has to be. */
    signedBody: { readonly digest: Hash; readonly expected: string | undefined } | undefined
  }
  interface FastifyContextConfig {
    /** Least role that may call this route; by default reader for GET, operator for the rest. */
    role?: AccessRole
  }
}

/** How long a replica goes on believing a key that another replica has deleted. */
const BELIEVE_MS = 5_000
const MOST_REMEMBERED = 10_000

/** Remembers who recent tokens, sessions and keys belong to, so that a busy client costs no query per request. */
export class ActorCache {
  readonly #tokens = new Remembered<Actor>()
  readonly #sessions = new Remembered<{ actor: Actor; expiresAt: Date }>()
  readonly #keys = new Remembered<{ actor: Actor; secret: string }>()

  actorOf(db: Db, token: string): Promise<Actor | undefined> {
    return this.#tokens.get(token, () => actorOfToken(db, token))
  }

  async actorOfSession(db: Db, token: string): Promise<Actor | undefined> {
    const session = await this.#sessions.get(token, () => actorOfSession(db, token))
    return session && session.expiresAt.getTime() > Date.now() ? session.actor : undefined
  }

  /** Who signed a request. @throws DomainError `invalid_request`, `unauthorized`, `request_expired`. */
  async actorOfSignature({ db, secretKey }: Pick<Deps, 'db' | 'secretKey'>, request: SignedRequest): Promise<Actor> {
    const id = claimedKey(request)
    const key = await this.#keys.get(id, () => actorOfKey(db, id, secretKey))
    if (!key || !isSignedWith(key.secret, request)) {
      throw new DomainError('unauthorized', 'this access key is not known, or the signature is not that of its secret')
    }
    assertFresh(request)
    return key.actor
  }

  /** A key or a session is gone: forget everyone, and ask again. */
  forget(): void {
    this.#tokens.clear()
    this.#sessions.clear()
    this.#keys.clear()
  }
}

/** Values that are believed for a while. */
class Remembered<T> {
  #entries = new Map<string, { value: T; until: number }>()

  async get(key: string, ask: () => Promise<T | undefined>): Promise<T | undefined> {
    const entries = this.#entries
    const known = entries.get(key)
    if (known && known.until > Date.now()) return known.value
    entries.delete(key)
    const value = await ask()
    if (value === undefined) return undefined
    if (entries.size >= MOST_REMEMBERED) entries.clear()
    entries.set(key, { value, until: Date.now() + BELIEVE_MS })
    return value
  }

  /** What is being asked for at this moment is not remembered either. */
  clear(): void {
    this.#entries = new Map()
  }
}

function bearerToken(request: FastifyRequest): string {
  const match = /^Bearer ([A-Za-z0-9_-]{1,200})$/i.exec(request.headers.authorization ?? '')
  if (!match?.[1]) {
    throw new DomainError(
      'unauthorized',
      'send an access key’s token as Authorization: Bearer <token>, or sign the query string with its secret',
    )
  }
  return match[1]
}

/** Lets in access keys only, by token, signature or session, and sets `request.actor`. */
export function requireActor(app: FastifyInstance, deps: Deps, cache: ActorCache): void {
  app.decorateRequest('actor')
  app.decorateRequest('sessionToken')
  app.decorateRequest('signedBody')
  app.addHook('onRequest', async (request, reply) => {
    const actor = await whoAsks(deps, cache, request)
    // Caches keep answers to an Authorization header to themselves (RFC 9111, 3.5), and know nothing of our cookie.
    if (request.sessionToken !== undefined) reply.header('cache-control', 'no-store')
    const needed =
      request.routeOptions.config.role ??
      (request.method === 'GET' || request.method === 'HEAD' ? 'reader' : 'operator')
    if (!mayAs(actor.role, needed)) {
      throw new DomainError('forbidden', `this needs the role ${needed}; key ${actor.keyId} has ${actor.role}`)
    }
    request.actor = actor
  })
  // A signature covers the query string; the body it covers by its digest.
  app.addHook('preParsing', async (request, _reply, payload) => {
    if (!request.signedBody || !hasBody(request)) return payload
    const { digest } = request.signedBody
    return payload.pipe(new PassThrough().on('data', (chunk: Buffer) => digest.update(chunk)))
  })
  app.addHook('preValidation', async (request) => {
    if (!request.signedBody) return
    const { digest, expected } = request.signedBody
    // A body that was signed must not get lost on the way either.
    if (expected === undefined && !hasBody(request)) return
    if (expected !== digest.digest('hex')) {
      const detail = 'must be among the signed parameters: the SHA-256 of the body in lower-case hexadecimal'
      throw new DomainError('unauthorized', `${BODY_DIGEST} ${detail}`, {
        errors: [{ in: 'query', pointer: `/${BODY_DIGEST}`, detail }],
      })
    }
  })
}

/** A browser sends its cookie with everything: what else a request shows goes before it. */
function whoAsks(deps: Deps, cache: ActorCache, request: FastifyRequest): Promise<Actor> {
  if (isSigned(request)) return signer(deps, cache, request)
  if (request.headers.authorization === undefined && sessionToken(request) !== undefined) {
    return visitor(deps, cache, request)
  }
  return bearer(deps, cache, request)
}

const BODY_DIGEST = 'body_sha256'

const hasBody = ({ headers }: FastifyRequest): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0

const isSigned = (request: FastifyRequest): boolean =>
  request.headers.authorization === undefined && 'signature' in (request.query as object)

async function bearer({ db }: Deps, cache: ActorCache, request: FastifyRequest): Promise<Actor> {
  const actor = await cache.actorOf(db, bearerToken(request))
  if (!actor) throw new DomainError('unauthorized', 'this token is not known')
  return actor
}

async function visitor({ db }: Deps, cache: ActorCache, request: FastifyRequest): Promise<Actor> {
  const token = sessionToken(request) ?? ''
  const actor = await cache.actorOfSession(db, token)
  if (!actor) throw sessionOver()
  assertOwnPage(request)
  request.sessionToken = token
  return actor
}

async function signer(deps: Deps, cache: ActorCache, request: FastifyRequest): Promise<Actor> {
  const [path = '', raw = ''] = (request.raw.url ?? '').split(/\?(.*)/s, 2)
  const parameters = decodeParameters(raw)
  const actor = await cache.actorOfSignature(deps, { method: request.method, path, raw, parameters })
  request.signedBody = { digest: createHash('sha256'), expected: parameters.get(BODY_DIGEST) }
  // What is left is for the route.
  const query = request.query as Record<string, unknown>
  for (const name of [...SIGNATURE_PARAMETERS, BODY_DIGEST, 'zone']) delete query[name]
  return actor
}

const HYPERVISOR_ID = new RegExp(HYPERVISOR_ID_PATTERN)

/** Lets in the worker of the hypervisor that the path names; any other token sees nothing here. */
export function requireHypervisor(app: FastifyInstance, db: Db): void {
  app.addHook('onRequest', async (request) => {
    const { hypervisorId = '' } = request.params as { hypervisorId?: string }
    // Runs before the schema is checked: what is no id at all must not reach the database.
    if (!HYPERVISOR_ID.test(hypervisorId) || !(await isHypervisorToken(db, hypervisorId, bearerToken(request)))) {
      throw new DomainError('unauthorized', 'this token is not that of the hypervisor')
    }
  })
}
