/**
 * The web console, as Vite has built it. `index.html` answers every path that a browser opens and no other route has: the
 * console routes inside the page.
 */
import { existsSync } from 'node:fs'
import path from 'node:path'
import fastifyStatic from '@fastify/static'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import type { App } from '../app.ts'

/** The build goes to no one but its own origin, and asks no one else. Nothing inline: a text that becomes markup runs nothing. */
const HEADERS = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'x-frame-options': 'DENY',
}

/** Where a path is a route, a file of the build, or a mistake; never a page. */
const NO_PAGES = /^\/(v1|iaas|docs|openapi\.json|healthz|readyz|metrics|assets)(\/|$)/
/** Names of files that Vite writes: its names below assets/ contain a hash, those beside index.html come from public/. */
const FILE = /^(assets\/)?\w[\w.-]*$/
const YEAR_S = 31_536_000

/** @param folder - of the build: `index.html`, `assets/`, and each file that gains by it compressed as `.br` and `.gz` too. */
export async function consoleRoutes(app: App, folder: string): Promise<void> {
  await app.register(fastifyStatic, {
    root: folder,
    serve: false,
    // It may not be built yet.
    suppressWarning: true,
    preCompressed: true,
    cacheControl: false,
    setHeaders: (reply, file) => {
      const hashed = path.relative(folder, file).startsWith(`assets${path.sep}`)
      reply.header('cache-control', hashed ? `public, max-age=${YEAR_S}, immutable` : 'no-cache')
    },
  })
  app.get('/*', { schema: { hide: true, params: Type.Object({ '*': Type.String() }) } }, (request, reply) => {
    const name = request.params['*']
    if (FILE.test(name) && existsSync(path.join(folder, name))) return reply.headers(HEADERS).sendFile(name)
    if (name !== '' && !wantsPage(request)) return reply.callNotFound()
    reply.headers({ ...HEADERS, vary: 'accept' })
    return existsSync(path.join(folder, 'index.html')) ? reply.sendFile('index.html') : sayNotBuilt(reply)
  })
}

const wantsPage = ({ url, headers }: FastifyRequest): boolean =>
  headers.accept?.includes('text/html') === true && !NO_PAGES.test(url.split('?')[0] ?? '')

const sayNotBuilt = (reply: FastifyReply): FastifyReply =>
  reply
    .code(503)
    .header('cache-control', 'no-cache')
    .type('text/plain; charset=utf-8')
    .send('The API runs, and the console is not built. Run this in the folder of Patchbay:\n\n  npm run build\n')
