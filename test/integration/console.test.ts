import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { get } from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type App, buildApp } from '../../src/app.ts'
import { aService, type Service } from '../support/a-service.ts'

const PAGE = '<!doctype html><title>console</title><div id="root"></div>'
const SCRIPT = `console.log(${JSON.stringify('x'.repeat(2_000))})`
const HTML = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' }

let service: Service
let folder: string
let app: App
let port: number
beforeAll(async () => {
  service = await aService()
  folder = await mkdtemp(path.join(tmpdir(), 'patchbay-console-'))
  await mkdir(path.join(folder, 'assets'))
  for (const [name, content] of [
    ['index.html', PAGE],
    ['assets/index-Cx31ab_9.js', SCRIPT],
    ['favicon.svg', '<svg xmlns="http://www.w3.org/2000/svg"/>'],
  ] as const) {
    await writeFile(path.join(folder, name), content)
    if (name === 'favicon.svg') continue
    await writeFile(path.join(folder, `${name}.br`), brotliCompressSync(content))
    await writeFile(path.join(folder, `${name}.gz`), gzipSync(content))
  }
  app = await withConsole(folder)
  port = Number(new URL(await app.listen({ host: '127.0.0.1', port: 0 })).port)
})
afterAll(async () => {
  await app?.close()
  await service?.close()
  if (folder) await rm(folder, { recursive: true })
})

const withConsole = (consoleFolder: string) =>
  buildApp({ ...service.deps, consoleFolder }, pino({ level: process.env.PATCHBAY_TEST_LOG ?? 'silent' }))
const open = (url: string, headers: Record<string, string> = HTML, method: 'GET' | 'HEAD' | 'POST' = 'GET', of = app) =>
  of.inject({ method, url, headers })

/** A request whose path goes out as it is written. */
const raw = (url: string) =>
  new Promise<{ status: number | undefined; body: string }>((resolve, reject) => {
    const request = get({ host: '127.0.0.1', port, path: url, headers: HTML }, async (response) => {
      resolve({ status: response.statusCode, body: await text(response) })
    })
    request.once('error', reject)
  })

describe('the console', () => {
  it('is at /, whatever the client says that it takes', async () => {
    for (const headers of [HTML, { accept: '*/*' }, {}]) {
      const answer = await open('/', headers as Record<string, string>)
      expect(answer.statusCode).toBe(200)
      expect(answer.headers['content-type']).toBe('text/html; charset=utf-8')
      expect(answer.body).toBe(PAGE)
    }
  })

  it.each([
    '/nics',
    '/nics/52:54:00:12:34:56',
    '/networks/net-abc?tab=addresses',
    '/v1x',
    '/documents',
    '/index.html',
    '/%E7%BD%91%E5%8D%A1',
  ])('answers %s with its page', async (url) => {
    const answer = await open(url)
    expect(answer.statusCode).toBe(200)
    expect(answer.body).toBe(PAGE)
  })

  it.each([
    '/v1/nothing',
    '/v1',
    '/iaas/nothing',
    '/openapi.json/x',
    '/metrics/x',
    '/docs/nothing',
    '/assets/gone-12345678.js',
    '/assets',
    '/assets/',
    '/%zz',
  ])('leaves %s the problem that it is, even for a browser', async (url) => {
    const answer = await open(url)
    expect(answer.statusCode).toBe(404)
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/)
    expect(answer.json()).toMatchObject({ status: 404, code: 'not_found' })
  })

  it('leaves what wants no page a problem: unknown paths of API clients, and other methods', async () => {
    for (const answer of [
      await open('/nics', { accept: 'application/json' }),
      await open('/nics', {}),
      await open('/nics', HTML, 'POST'),
      await open('/', HTML, 'POST'),
    ])
      expect(answer.json()).toMatchObject({ status: 404, code: 'not_found' })
  })

  // Over a socket: injected requests are normalised, as browsers do it and attackers do not.
  it.each([
    '/../package.json',
    '/assets/../../package.json',
    '/nics/../../../etc/passwd',
    '/%2e%2e/package.json',
    '/assets/..%2f..%2fpackage.json',
    '/assets/%2e%2e/%2e%2e/package.json',
    '//etc/passwd',
    '/..%5cpackage.json',
    '/index.html%00.js',
  ])('gives no file outside its folder for %s', async (url) => {
    const answer = await raw(url)
    expect([200, 404]).toContain(answer.status)
    if (answer.status === 200) expect(answer.body).toBe(PAGE)
  })

  it('keeps hashed files for a year, and asks for everything else again', async () => {
    const cacheControl = async (url: string) => (await open(url)).headers['cache-control']
    expect(await cacheControl('/assets/index-Cx31ab_9.js')).toBe('public, max-age=31536000, immutable')
    for (const url of ['/', '/nics', '/index.html', '/favicon.svg']) expect(await cacheControl(url)).toBe('no-cache')
  })

  it.each(['/', '/assets/index-Cx31ab_9.js'])('answers %s with 304 while its ETag is the same', async (url) => {
    for (const encoding of ['br', 'identity']) {
      const { etag = '' } = (await open(url, { ...HTML, 'accept-encoding': encoding })).headers
      expect(etag).toMatch(/^(W\/)?".+"$/)
      const again = await open(url, { ...HTML, 'accept-encoding': encoding, 'if-none-match': etag })
      expect(again.statusCode).toBe(304)
      expect(again.body).toBe('')
    }
  })

  it.each([
    ['/', PAGE, 'text/html; charset=utf-8'],
    ['/nics/52:54:00:12:34:56', PAGE, 'text/html; charset=utf-8'],
    ['/assets/index-Cx31ab_9.js', SCRIPT, 'application/javascript; charset=utf-8'],
  ])('sends %s compressed to those who take it', async (url, content, type) => {
    const brotli = await open(url, { ...HTML, 'accept-encoding': 'gzip, deflate, br, zstd' })
    expect(brotli.headers).toMatchObject({ 'content-encoding': 'br', 'content-type': type })
    expect(brotli.headers.vary).toContain('accept-encoding')
    expect(brotliDecompressSync(brotli.rawPayload).toString()).toBe(content)
    const gzip = await open(url, { ...HTML, 'accept-encoding': 'gzip' })
    expect(gzip.headers['content-encoding']).toBe('gzip')
    expect(gunzipSync(gzip.rawPayload).toString()).toBe(content)
    const plain = await open(url)
    expect(plain.headers['content-encoding']).toBeUndefined()
    expect(plain.headers.vary).toContain('accept-encoding')
    expect(plain.body).toBe(content)
  })

  it('sends what has no compressed sibling as it is', async () => {
    const answer = await open('/favicon.svg', { 'accept-encoding': 'br, gzip' })
    expect(answer.statusCode).toBe(200)
    expect(answer.headers['content-encoding']).toBeUndefined()
    expect(answer.headers['content-type']).toBe('image/svg+xml')
  })

  it('answers HEAD with the headers of GET and no body', async () => {
    for (const url of ['/', '/nics', '/assets/index-Cx31ab_9.js']) {
      const [head, whole] = [await open(url, HTML, 'HEAD'), await open(url)]
      expect(head.statusCode).toBe(200)
      expect(head.body).toBe('')
      for (const name of ['content-type', 'content-length', 'cache-control', 'etag', 'content-security-policy'])
        expect(head.headers[name]).toBe(whole.headers[name])
    }
  })

  it.each(['/', '/nics', '/assets/index-Cx31ab_9.js', '/favicon.svg'])('sends %s with its policy', async (url) => {
    expect((await open(url)).headers).toMatchObject({
      'content-security-policy':
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; " +
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
      'x-frame-options': 'DENY',
    })
  })

  it('is no part of the OpenAPI document', async () => {
    const { paths } = (await open('/openapi.json')).json()
    expect(Object.keys(paths).filter((route) => route.includes('*'))).toEqual([])
  })
})

describe('a console that is not built', () => {
  it('says what to run, and the API is as it was', async () => {
    const bare = await withConsole(path.join(folder, 'nowhere'))
    try {
      for (const url of ['/', '/nics']) {
        const answer = await open(url, HTML, 'GET', bare)
        expect(answer.statusCode).toBe(503)
        expect(answer.headers['content-type']).toBe('text/plain; charset=utf-8')
        expect(answer.body).toContain('npm run build')
      }
      expect((await open('/healthz', {}, 'GET', bare)).statusCode).toBe(200)
      expect((await open('/v1/nothing', HTML, 'GET', bare)).json()).toMatchObject({ code: 'not_found' })
    } finally {
      await bare.close()
    }
  })
})
