/**
 * The cookie that a browser is signed in by. Browsers send it along with whatever any page makes them ask of us, so that
 * who shows it must also be seen to ask from a page of ours.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { SESSION_SECONDS } from '../domain/access-key/sessions.ts'
import { DomainError } from '../domain/errors.ts'

export const SESSION_COOKIE = 'patchbay_session'

export const sessionToken = (request: FastifyRequest): string | undefined => request.cookies[SESSION_COOKIE]

const attributes = { path: '/', httpOnly: true, sameSite: 'strict', secure: 'auto' } as const

/** Without encryption on the way `Secure` is left out: a browser would not store the cookie. */
export function setSessionCookie(reply: FastifyReply, token: string): void {
  reply.setCookie(SESSION_COOKIE, token, { ...attributes, maxAge: SESSION_SECONDS })
}

export function clearSessionCookie(reply: FastifyReply): void {
  reply.clearCookie(SESSION_COOKIE, attributes)
}

/**
 * Refuses what the page of another site makes a browser ask. `SameSite` alone lets in what is of the same site but not of
 * ours: another port, another name of the domain. Programs send neither header.
 * @throws DomainError `forbidden`.
 */
export function assertOwnPage({ method, headers, host }: FastifyRequest): void {
  if (method === 'GET' || method === 'HEAD') return
  const site = headers['sec-fetch-site']
  if (site !== undefined) {
    if (site === 'same-origin') return
    throw new DomainError('forbidden', `Sec-Fetch-Site is ${site}: this may only be asked from a page of this service`)
  }
  const { origin } = headers
  if (origin !== undefined && !(URL.canParse(origin) && new URL(origin).host === host)) {
    throw new DomainError('forbidden', `Origin is ${origin}: this may only be asked from a page of this service`)
  }
}
