import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Db } from '../db/client.ts'
import { actorOfToken } from '../domain/access-key/access-keys.ts'
import type { AccessRole, Actor } from '../domain/actor.ts'
import { DomainError } from '../domain/errors.ts'
import { isHypervisorToken } from '../domain/hypervisor/hypervisors.ts'
import { HYPERVISOR_ID_PATTERN } from './schemas.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Set on every route of `/v1` before its handler runs. */
    actor: Actor
  }
  interface FastifyContextConfig {
    /** Least role that may call this route; by default reader for GET, operator for the rest. */
    role?: AccessRole
  }
}

const RANK: Readonly<Record<AccessRole, number>> = { reader: 0, operator: 1, admin: 2 }
/** How long a replica goes on believing a key that another replica has deleted. */
const BELIEVE_MS = 5_000
const MOST_REMEMBERED = 10_000

/** Remembers who recent tokens belong to, so that a busy client costs no query per request. */
export class ActorCache {
  readonly #entries = new Map<string, { actor: Actor; until: number }>()

  async actorOf(db: Db, token: string): Promise<Actor | undefined> {
    const known = this.#entries.get(token)
    if (known && known.until > Date.now()) return known.actor
    this.#entries.delete(token)
    const actor = await actorOfToken(db, token)
    if (!actor) return undefined
    if (this.#entries.size >= MOST_REMEMBERED) this.#entries.clear()
    this.#entries.set(token, { actor, until: Date.now() + BELIEVE_MS })
    return actor
  }

  /** A key is gone: forget everyone, and ask again. */
  forget(): void {
    this.#entries.clear()
  }
}

function bearerToken(request: FastifyRequest): string {
  const match = /^Bearer ([A-Za-z0-9_-]{1,200})$/i.exec(request.headers.authorization ?? '')
  if (!match?.[1]) throw new DomainError('unauthorized', 'send an access key’s token as Authorization: Bearer <token>')
  return match[1]
}

/** Lets in access keys only, and sets `request.actor`. */
export function requireActor(app: FastifyInstance, db: Db, cache: ActorCache): void {
  app.decorateRequest('actor')
  app.addHook('onRequest', async (request) => {
    const actor = await cache.actorOf(db, bearerToken(request))
    if (!actor) throw new DomainError('unauthorized', 'this token is not known')
    const needed =
      request.routeOptions.config.role ??
      (request.method === 'GET' || request.method === 'HEAD' ? 'reader' : 'operator')
    if (RANK[actor.role] < RANK[needed]) {
      throw new DomainError('forbidden', `this needs the role ${needed}; key ${actor.keyId} has ${actor.role}`)
    }
    request.actor = actor
  })
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
