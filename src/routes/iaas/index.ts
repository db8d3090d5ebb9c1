/**
 * The QingCloud wire: signed GET and POST on `/iaas` and `/iaas/`, with an `action` among the parameters. It translates
 * parameters and answers; the rules are the domain's, as for `/v1`.
 *
 * What clients of it need to the letter: both paths without a redirect, HTTP 200 for refusals too, and a content type of
 * `application/json` with nothing after it.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { App, Deps } from '../../app.ts'
import { mayAs } from '../../domain/actor.ts'
import { isZone } from '../../domain/hypervisor/zones.ts'
import { countUnlistedAction, countWireAnswer } from '../../metrics.ts'
import type { ActorCache } from '../auth.ts'
import { decodeParameters, type SignedRequest, shown } from '../signature.ts'
import { ACTIONS } from './actions.ts'
import { Parameters } from './parameters.ts'
import { denied, malformed, missing, notAllowed, toWireRefusal } from './refusals.ts'

const FORM = 'application/x-www-form-urlencoded'
/** An archive of user data has up to 2 MiB, and comes as base64 in a form. */
const MAX_BODY_BYTES = 4 * 1024 * 1024

export function iaasRoutes(app: App, deps: Deps, actors: ActorCache): void {
  app.removeAllContentTypeParsers()
  // Whatever the caller says that it is: what matters is that it is signed.
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  app.setErrorHandler((error, request, reply) => send(reply, refused(request, error)))

  for (const url of ['/iaas', '/iaas/']) {
    app.route({
      method: ['GET', 'POST'],
      url,
      bodyLimit: MAX_BODY_BYTES,
      schema: { hide: true }, // its documentation is QingCloud's
      handler: async (request, reply) => {
        let answer: Record<string, unknown>
        let action = ''
        try {
          const signed = signedRequest(request)
          const params = new Parameters(signed.parameters)
          const actor = await actors.actorOfSignature(deps, signed)
          action = params.required('action')
          const known = ACTIONS.get(action)
          if (!known) {
            countUnlistedAction(action)
            throw notAllowed(`action ${shown(action)} is not supported`)
          }
          if (!mayAs(actor.role, known.role)) {
            throw denied(`action ${action} needs the role ${known.role}, access key ${actor.keyId} has ${actor.role}`)
          }
          const zone = params.text('zone')
          if (zone !== undefined && !(await isZone(deps.db, zone))) throw missing('zone', zone)
          const asked = { action, directive: params.directive() }
          answer = {
            action: `${action}Response`,
            ret_code: 0,
            ...(await known.run({ deps, actor: { ...actor, asked }, params })),
          }
        } catch (error) {
          answer = refused(request, error)
        }
        countWireAnswer(ACTIONS.has(action) ? action : 'other', answer.ret_code as number)
        return send(reply, answer)
      },
    })
  }
}

/** The parameters of query string and body, which are signed together. */
function signedRequest(request: FastifyRequest): SignedRequest {
  const url = request.raw.url ?? ''
  const at = url.indexOf('?')
  const path = at < 0 ? url : url.slice(0, at)
  const query = at < 0 ? '' : url.slice(at + 1)
  const raw = [query, formOf(request)].filter((part) => part !== '').join('&')
  return { method: request.method, path, raw, parameters: decodeParameters(raw) }
}

function formOf(request: FastifyRequest): string {
  if (!Buffer.isBuffer(request.body) || request.body.length === 0) return ''
  const type = request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase()
  if (type !== undefined && type !== FORM) throw malformed(`the body must be ${FORM}`)
  return request.body.toString('latin1')
}

function refused(request: FastifyRequest, error: unknown): Record<string, unknown> {
  const status = (error as { statusCode?: number }).statusCode
  // Fastify's own: a body that is too large, cut off, or of no known length.
  const known = status !== undefined && status < 500 ? malformed((error as Error).message) : error
  const refusal = toWireRefusal(known)
  if (refusal.ret_code === 5000) request.log.error({ err: error }, 'a request of the wire failed')
  return { ...refusal }
}

/** As bytes: to text, Fastify would add a charset. */
const send = (reply: FastifyReply, answer: Record<string, unknown>): FastifyReply =>
  reply
    .code(200)
    .header('content-type', 'application/json')
    .send(Buffer.from(JSON.stringify(answer)))
