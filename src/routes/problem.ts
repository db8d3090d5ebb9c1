import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { gaveWay, isDatabaseAway } from '../db/client.ts'
import { DomainError, type FieldError, PROBLEMS, type ProblemCode } from '../domain/errors.ts'
import { fieldErrors } from './validation.ts'

/** The one body of every refusal: RFC 9457, with our code and the offending fields. */
export const Problem = Type.Object(
  {
    type: Type.String({ description: 'Identifies the problem; its last part is `code`' }),
    title: Type.String(),
    status: Type.Integer(),
    code: Type.Enum(Object.keys(PROBLEMS)),
    detail: Type.String(),
    errors: Type.Optional(
      Type.Array(
        Type.Object({
          in: Type.Enum(['body', 'query', 'path', 'header']),
          pointer: Type.String({ description: 'JSON pointer (RFC 6901) to the offending field' }),
          detail: Type.String(),
        }),
      ),
    ),
    request_id: Type.String({ description: 'Names this request in the log of the service' }),
  },
  { $id: 'Problem', description: 'application/problem+json (RFC 9457)' },
)

/** The answers every route may give besides its own. */
export const refusals = { '4xx': Type.Ref('Problem'), '5xx': Type.Ref('Problem') } as const

/** The answers of an act that promises a job. */
export const jobAnswers = { 202: Type.Ref('Job'), 200: Type.Ref('Job'), ...refusals } as const

/** Fastify's own errors, by their code. */
const FRAMEWORK: Readonly<Record<string, ProblemCode>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_media_type',
  FST_ERR_CTP_BODY_TOO_LARGE: 'body_too_large',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'invalid_json',
  FST_ERR_CTP_INVALID_JSON_BODY: 'invalid_json',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'invalid_request',
  FST_ERR_BAD_URL: 'not_found',
  FST_ERR_MAX_PARAM_LENGTH: 'not_found',
}

/** Turns whatever a request failed with into a problem; what is not meant for the caller only reaches the log. */
export function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const refusal = toRefusal(error)
  if (refusal.code === 'internal') request.log.error({ err: error }, 'request failed')
  const { status, title } = PROBLEMS[refusal.code]
  if (status === 401) reply.header('www-authenticate', 'Bearer')
  if (status === 503) reply.header('retry-after', '1')
  return reply
    .code(status)
    .type('application/problem+json')
    .send({
      type: `urn:patchbay:problem:${refusal.code}`,
      title,
      status,
      code: refusal.code,
      detail: refusal.message,
      ...(refusal.errors.length > 0 ? { errors: refusal.errors } : {}),
      request_id: request.id,
    })
}

function toRefusal(error: unknown): { code: ProblemCode; message: string; errors: readonly FieldError[] } {
  if (error instanceof DomainError) return error
  const failure = error as Partial<FastifyError>
  if (failure.validation) {
    const errors = fieldErrors(failure.validation as never, failure.validationContext ?? 'body')
    const message = errors.map(({ pointer, detail }) => `${pointer || '(whole)'} ${detail}`).join('; ')
    return { code: 'invalid_request', message, errors }
  }
  const code = FRAMEWORK[failure.code ?? ''] ?? (failure.statusCode === 400 ? 'invalid_json' : undefined)
  if (isDatabaseAway(error))
    return { code: 'unavailable', message: 'The database does not answer; try again.', errors: [] }
  if (gaveWay(error))
    return { code: 'unavailable', message: 'Others are changing the same at this moment; try again.', errors: [] }
  if (code) return { code, message: failure.message ?? PROBLEMS[code].title, errors: [] }
  return { code: 'internal', message: 'Something went wrong on our side; the log knows it by request_id.', errors: [] }
}
