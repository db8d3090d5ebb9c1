/** Signing in: a browser shows an access key once, and a cookie from then on. */
import { type ClientRequest, request } from 'node:http'
import type { DatabaseError } from 'pg'
import { pino } from 'pino'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type App, buildApp } from '../../src/app.ts'
import { forgetExpiredSessions } from '../../src/domain/access-key/sessions.ts'
import { type Answer, aService, expectProblem, type Service } from '../support/a-service.ts'
import { signed, type WireKey } from '../support/a-wire-client.ts'
import { expectDocumented } from '../support/documented.ts'
import { givenTime } from '../support/given-time.ts'
import { listening } from '../support/listening.ts'
import { until } from '../support/until.ts'

let service: Service
beforeAll(async () => {
  service = await aService()
})
afterAll(() => service.close())

interface Key extends WireKey {
  readonly token: string
}
const aKey = async (role: string): Promise<Key> =>
  (await service.call('POST', '/v1/access-keys', { role, name: `${role}'s` })).body

interface Asked {
  readonly cookie?: string
  readonly headers?: Record<string, string>
  readonly from?: string
  readonly body?: object
}

/** A request without an Authorization header. */
async function ask(method: string, url: string, { cookie, headers, from = '192.0.2.1', body }: Asked = {}) {
  const response = await service.app.inject({
    method: method as 'GET',
    url,
    remoteAddress: from,
    headers: { ...(cookie === undefined ? {} : { cookie }), ...headers },
    ...(body ? { payload: body } : {}),
  })
  const answer = {
    status: response.statusCode,
    headers: response.headers as Answer['headers'],
    body: response.body === '' ? undefined : JSON.parse(response.body),
  }
  if (url.startsWith('/v1')) expectDocumented(method, url, answer)
  return answer
}

let addresses = 0
/** From an address of its own, so that no test uses up what another may. */
const signIn = ({ access_key_id, secret_access_key }: WireKey, asked: Asked = {}) =>
  ask('POST', '/v1/session', {
    from: `198.51.100.${++addresses}`,
    body: { access_key_id, secret_access_key },
    ...asked,
  })
const cookieOf = (answer: Answer): string => answer.headers['set-cookie']?.split(';')[0] ?? ''
const aSession = async (role: string) => {
  const key = await aKey(role)
  const answer = await signIn(key)
  expect(answer.status).toBe(201)
  return { key, cookie: cookieOf(answer), session: answer.body }
}
const sessions = async ({ access_key_id }: WireKey) =>
  (await service.db.$client.query('SELECT FROM session WHERE access_key_id = $1', [access_key_id])).rowCount

describe('signing in', () => {
  it('with an access key answers who one is, and sets a cookie for 12 hours that no script can read', async () => {
    const key = await aKey('operator')
    const answer = await signIn(key)
    expect(answer.status).toBe(201)
    expect(answer.headers['set-cookie']).toMatch(
      /^patchbay_session=[\w-]{43}; Max-Age=43200; Path=\/; HttpOnly; SameSite=Strict$/,
    )
    expect(answer.headers['cache-control']).toBe('no-store')
    const { created_at, expires_at, project, ...rest } = answer.body
    expect(rest).toEqual({ access_key_id: key.access_key_id, name: "operator's", role: 'operator' })
    expect(project).toMatchObject({ id: service.projectId, name: expect.stringMatching(/^p-/) })
    expect(Date.parse(expires_at) - Date.parse(created_at)).toBe(12 * 3600_000)
    expect((await ask('GET', '/v1/session', { cookie: cookieOf(answer) })).body).toEqual(answer.body)
  })

  it('is stored as a hash only', async () => {
    const { cookie } = await aSession('reader')
    const { rows } = await service.db.$client.query<{ text: string }>('SELECT session::text AS text FROM session')
    const stored = rows.map(({ text }) => text).join('\n')
    const token = cookie.split('=')[1] ?? ''
    expect(stored).not.toBe('')
    expect(stored).not.toContain(token)
    expect(stored).not.toContain(Buffer.from(token).toString('hex'))
  })

  it('with a wrong id or a wrong secret is refused in the same words, and sets nothing', async () => {
    const [key, other] = [await aKey('reader'), await aKey('reader')]
    const refused = [
      await signIn({ ...key, access_key_id: 'A'.repeat(20) }),
      await signIn({ ...key, access_key_id: 'nobody’s' }),
      await signIn({ ...key, secret_access_key: other.secret_access_key }),
      await signIn({ ...key, secret_access_key: 'x' }),
      await signIn({ ...key, secret_access_key: key.token }),
    ]
    for (const answer of refused) {
      expectProblem(answer, 401, 'unauthorized')
      expect(answer.headers['set-cookie']).toBeUndefined()
    }
    expect(new Set(refused.map(({ body }) => body.detail)).size).toBe(1)
    expect(await sessions(key)).toBe(0)
  })

  it('without an id or a secret is refused by the field', async () => {
    const answer = await ask('POST', '/v1/session', { body: { access_key_id: '' }, from: '192.0.2.9' })
    expectProblem(answer, 400, 'invalid_request')
    expect(answer.body.errors.map((one: { pointer: string }) => one.pointer).sort()).toEqual([
      '/access_key_id',
      '/secret_access_key',
    ])
  })

  it('is tried at most 20 times a minute from one address, whatever comes of it', async () => {
    const key = await aKey('reader')
    const from = '203.0.113.7'
    for (let n = 0; n < 20; n++) {
      const secret_access_key = n % 2 ? key.secret_access_key : 'wrong'
      expect((await signIn({ ...key, secret_access_key }, { from })).status).toBe(n % 2 ? 201 : 401)
    }
    const refused = await signIn(key, { from })
    expectProblem(refused, 429, 'too_many_requests')
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
    expect(Number(refused.headers['retry-after'])).toBeLessThanOrEqual(60)
    expect((await signIn(key, { from: '203.0.113.8' })).status).toBe(201)
    const { status } = await ask('GET', '/v1/session', { cookie: cookieOf(await signIn(key)), from })
    expect(status, 'nothing else is counted').toBe(200)
  })
})

describe('behind a reverse proxy', () => {
  const PROXY = '192.0.2.80'
  let app: App
  beforeAll(async () => {
    app = await buildApp({ ...service.deps, trustedProxies: [PROXY, '2001:db8::/32'] }, pino({ level: 'silent' }))
  })
  afterAll(() => app.close())

  const through = async (key: WireKey, headers: Record<string, string>, remoteAddress = PROXY) => {
    const { access_key_id, secret_access_key } = key
    const payload = { access_key_id, secret_access_key }
    const response = await app.inject({ method: 'POST', url: '/v1/session', remoteAddress, headers, payload })
    return { status: response.statusCode, cookie: String(response.headers['set-cookie']) }
  }

  it('that is named, https is what the browser speaks, and the cookie is Secure', async () => {
    const key = await aKey('reader')
    const headers = { 'x-forwarded-for': '198.51.100.200', 'x-forwarded-proto': 'https' }
    expect((await through(key, headers)).cookie).toMatch(/; Secure/)
    expect((await through(key, headers, '2001:db8::80')).cookie).toMatch(/; Secure/)
    expect((await through(key, { ...headers, 'x-forwarded-proto': 'http' })).cookie).not.toMatch(/Secure/)
  })

  it('that is not named, nobody is believed', async () => {
    const key = await aKey('reader')
    const headers = { 'x-forwarded-for': '198.51.100.201', 'x-forwarded-proto': 'https' }
    expect((await through(key, headers, '192.0.2.81')).cookie).not.toMatch(/Secure/)
    expect((await signIn(key, { headers })).headers['set-cookie']).not.toMatch(/Secure/)
  })

  it('each client has its own 20 sign-ins a minute, and cannot make up another address', async () => {
    const key = await aKey('reader')
    const from = (address: string) => through(key, { 'x-forwarded-for': address })
    // The proxy adds who came to it; what stands before that the client may have written itself.
    for (let n = 0; n < 20; n++) expect((await from(`10.9.9.${n}, 198.51.100.202`)).status).toBe(201)
    expect((await from('10.9.9.99, 198.51.100.202')).status).toBe(429)
    expect((await from('198.51.100.203')).status).toBe(201)
  })

  it('a page is asked from under the name that the browser knows', async () => {
    const key = await aKey('reader')
    const headers = { origin: 'https://nics.example', 'x-forwarded-for': '198.51.100.204' }
    expect((await through(key, headers)).status).toBe(403)
    expect((await through(key, { ...headers, 'x-forwarded-host': 'nics.example' })).status).toBe(201)
    expect((await through(key, { ...headers, 'x-forwarded-host': 'nics.example' }, '192.0.2.81')).status).toBe(403)
  })
})

describe('a session', () => {
  it('ends when somebody signs in anew in the same browser, as whomever; a wrong secret ends nothing', async () => {
    const { key, cookie } = await aSession('reader')
    const headers = { cookie }
    expect((await ask('GET', '/v1/session', { cookie })).status).toBe(200)
    expect((await signIn({ ...key, secret_access_key: 'x' }, { headers })).status).toBe(401)
    expect((await ask('GET', '/v1/session', { cookie })).status).toBe(200)
    const other = await signIn(await aKey('admin'), { headers })
    expect(other.status).toBe(201)
    expect((await ask('GET', '/v1/session', { cookie })).status).toBe(401)
    expect((await ask('GET', '/v1/session', { cookie: cookieOf(other) })).status).toBe(200)
    expect(await sessions(key)).toBe(0)
  })

  it('may what its key may: readers read, and may sign out', async () => {
    const { cookie } = await aSession('reader')
    const read = await ask('GET', '/v1/vpcs', { cookie })
    expect(read.status).toBe(200)
    expect(read.headers['cache-control'], 'no cache knows what our cookie is').toBe('no-store')
    const refused = await ask('POST', '/v1/vpcs', { cookie, body: { name: 'v', cidr: '10.0.0.0/16' } })
    expectProblem(refused, 403, 'forbidden')
    expect(refused.body.detail).toContain('this needs the role operator')
    const operator = await aSession('operator')
    const made = await ask('POST', '/v1/vpcs', { cookie: operator.cookie, body: { name: 'v', cidr: '10.0.0.0/16' } })
    expect(made.status).toBe(201)
    const { items } = (await service.call('GET', `/v1/events?resource_id=${made.body.id}`)).body
    expect(items[0].actor).toBe(operator.key.access_key_id)
    expect((await ask('DELETE', '/v1/session', { cookie })).status).toBe(204)
  })

  it('is asked of a key by itself: the same, without times', async () => {
    const key = await aKey('reader')
    const { session } = await aSession('reader')
    const byToken = await service.call('GET', '/v1/session', undefined, { token: key.token })
    const expected = {
      ...session,
      access_key_id: key.access_key_id,
      created_at: null,
      expires_at: null,
    }
    expect(byToken.body).toEqual(expected)
    const bySignature = await ask('GET', `/v1/session?${signed(key, {}, { path: '/v1/session' })}`)
    expect(bySignature.body).toEqual(expected)
    expect((await service.call('DELETE', '/v1/session', undefined, { token: key.token })).status).toBe(204)
    expect((await service.call('GET', '/v1/session', undefined, { token: key.token })).status).toBe(200)
  })

  it('is over once signed out, and others of the same key go on', async () => {
    const { key, cookie } = await aSession('operator')
    const other = cookieOf(await signIn(key))
    expect((await ask('GET', '/v1/vpcs', { cookie })).status).toBe(200)
    const out = await ask('DELETE', '/v1/session', { cookie })
    expect(out.status).toBe(204)
    expect(out.headers['set-cookie']).toMatch(/^patchbay_session=; Max-Age=0; Path=\/; Expires=Thu, 01 Jan 1970/)
    const refused = await ask('GET', '/v1/vpcs', { cookie })
    expectProblem(refused, 401, 'unauthorized')
    expect(refused.body.detail).toBe('this session is over: sign in again')
    expectProblem(await ask('DELETE', '/v1/session', { cookie }), 401, 'unauthorized')
    expect((await ask('GET', '/v1/vpcs', { cookie: other })).status).toBe(200)
    expect(await sessions(key)).toBe(1)
  })

  it('is over at its time, used a moment ago or not, and is then forgotten', async () => {
    const { key, cookie } = await aSession('operator')
    const given = await givenTime()
    const { rows } = await service.db.$client.query<{ at: Date }>(
      `UPDATE session SET expires_at = now() + interval '1 second' WHERE access_key_id = $1 RETURNING expires_at AS at`,
      [key.access_key_id],
    )
    const ends = rows[0]?.at.getTime() ?? 0
    expect((await ask('GET', '/v1/session', { cookie })).status).toBe(200)
    await until('the session is over', async () => (await ask('GET', '/v1/vpcs', { cookie })).status === 401)
    expect(Date.now() - ends).toBeGreaterThanOrEqual(0)
    expect(await given(), 'and not when what was remembered is').toBeLessThan(3_000)
    expectProblem(await ask('GET', '/v1/session', { cookie }), 401, 'unauthorized')
    const lives = await aSession('operator')
    await forgetExpiredSessions(service.db)
    expect([await sessions(key), await sessions(lives.key)]).toEqual([0, 1])
  })

  it('is over with its key, which can be deleted by it', async () => {
    const { key, cookie } = await aSession('admin')
    expect((await ask('GET', '/v1/vpcs', { cookie })).status).toBe(200)
    expect((await ask('DELETE', `/v1/access-keys/${key.access_key_id}`, { cookie })).status).toBe(204)
    expectProblem(await ask('GET', '/v1/vpcs', { cookie }), 401, 'unauthorized')
    expect(await sessions(key)).toBe(0)
    expectProblem(await signIn(key), 401, 'unauthorized')
  })

  it('counts for nothing beside an Authorization header, and a signature goes before it', async () => {
    const { cookie } = await aSession('admin')
    const reader = await aKey('reader')
    for (const authorization of ['Bearer none', '', 'Basic eDp5'])
      expectProblem(await ask('GET', '/v1/vpcs', { cookie, headers: { authorization } }), 401, 'unauthorized')
    const asReader = { cookie, headers: { authorization: `Bearer ${reader.token}` } }
    expect((await ask('GET', '/v1/session', asReader)).body.role).toBe('reader')
    const url = `/v1/session?${signed(reader, {}, { path: '/v1/session' })}`
    expect((await ask('GET', url, { cookie })).body.role).toBe('reader')
  })

  it.each(['', 'x', `${'x'.repeat(43)}`, 'a%00b', '"', 'ü'])('of a cookie that is "%s" is none', async (value) => {
    const cookie = `patchbay_session=${value}`
    expectProblem(await ask('GET', '/v1/vpcs', { cookie: Buffer.from(cookie).toString('latin1') }), 401, 'unauthorized')
  })

  it('is none on /iaas, nor for workers', async () => {
    const { cookie } = await aSession('admin')
    const wire = await ask('GET', '/iaas/?action=DescribeNics&zone=local-1', { cookie })
    expect(wire.body).toMatchObject({ ret_code: expect.any(Number), message: expect.any(String) })
    expect(wire.body.ret_code).not.toBe(0)
    expectProblem(await ask('GET', '/v1/hypervisors/hv-test/queue', { cookie }), 401, 'unauthorized')
    expectProblem(await ask('POST', '/v1/hypervisors/hv-test/heartbeat', { cookie, body: {} }), 401, 'unauthorized')
  })
})

describe('over https', () => {
  it('the cookie is for https only', async () => {
    const { setSessionCookie } = await import('../../src/routes/session-cookie.ts')
    const { default: fastify } = await import('fastify')
    const { default: cookie } = await import('@fastify/cookie')
    // The service itself does not end TLS: whatever makes `request.protocol` https decides.
    const app = fastify({ trustProxy: true })
    await app.register(cookie)
    app.get('/', async (_request, reply) => {
      setSessionCookie(reply, 'token')
      return ''
    })
    const flags = async (proto: string) =>
      (await app.inject({ url: '/', headers: { 'x-forwarded-proto': proto } })).headers['set-cookie']
    expect(await flags('https')).toContain('; Secure')
    expect(await flags('http')).not.toContain('Secure')
    await app.close()
  })
})

describe('what a page of another site makes a browser ask', () => {
  const foreign: [string, Record<string, string>][] = [
    ['another site', { 'sec-fetch-site': 'cross-site' }],
    ['another port or name of the same site', { 'sec-fetch-site': 'same-site' }],
    ['no page at all', { 'sec-fetch-site': 'none' }],
    ['another site, though Origin is ours', { 'sec-fetch-site': 'cross-site', origin: 'http://localhost:80' }],
    ['an older browser on another origin', { origin: 'http://evil.example' }],
    ['another port', { origin: 'http://localhost:8081' }],
    ['a sandbox', { origin: 'null' }],
  ]

  it.each(foreign)('with a session is refused: from %s', async (_where, headers) => {
    const { cookie } = await aSession('operator')
    const body = { name: 'v', cidr: '10.0.0.0/16' }
    const refused = await ask('POST', '/v1/vpcs', { cookie, headers, body })
    expectProblem(refused, 403, 'forbidden')
    expect(refused.body.detail).toMatch(/may only be asked from a page of this service$/)
    expectProblem(await ask('DELETE', '/v1/session', { cookie, headers }), 403, 'forbidden')
    expect((await ask('GET', '/v1/vpcs', { cookie, headers })).status, 'reading is what SameSite is for').toBe(200)
    const token = { authorization: `Bearer ${service.token}` }
    expect((await ask('POST', '/v1/vpcs', { cookie, headers: { ...headers, ...token }, body })).status).toBe(201)
  })

  it.each(foreign)('does not sign in: from %s', async (_where, headers) => {
    const refused = await signIn(await aKey('operator'), { headers })
    expectProblem(refused, 403, 'forbidden')
    expect(refused.headers['set-cookie']).toBeUndefined()
  })

  it.each<[string, Record<string, string>]>([
    ['a page of ours', { 'sec-fetch-site': 'same-origin', origin: 'http://localhost:80' }],
    ['one behind a proxy that ends TLS', { 'sec-fetch-site': 'same-origin', origin: 'https://patchbay.example' }],
    ['an older browser on our page', { host: 'patchbay.example:8080', origin: 'http://patchbay.example:8080' }],
    ['an older browser, by https', { host: 'patchbay.example', origin: 'https://patchbay.example' }],
    ['a program', {}],
  ])('is told from %s', async (_where, headers) => {
    const answer = await signIn(await aKey('operator'), { headers })
    expect(answer.status).toBe(201)
    const made = await ask('POST', '/v1/vpcs', {
      cookie: cookieOf(answer),
      headers,
      body: { name: 'v', cidr: '10.0.0.0/16' },
    })
    expect(made.status).toBe(201)
  })
})

describe('an event stream', () => {
  const open: ClientRequest[] = []
  afterEach(() => {
    for (const call of open.splice(0)) call.destroy()
  })

  /** Opens a stream. @returns whether it has been closed. */
  async function stream(port: number, headers: Record<string, string>, query = ''): Promise<() => boolean> {
    let closed = false
    let isOpen = false
    const call = request({
      host: '127.0.0.1',
      port,
      path: `/v1/events${query}`,
      headers: { accept: 'text/event-stream', ...headers },
    })
    open.push(call)
    call.on('error', () => undefined) // when we hang up
    call.once('response', (response) => {
      response.once('data', () => {
        isOpen = true
      })
      response.resume().once('end', () => {
        closed = true
      })
    })
    call.end()
    await until('the stream is open', () => isOpen)
    return () => closed
  }

  it('is closed within 15 s of the end of the session or the key that it was opened with', async () => {
    const port = await listening(service)
    const [out, expired, ofKey, ...keys] = [
      await aSession('reader'),
      await aSession('reader'),
      await aSession('reader'),
      await aKey('reader'),
      await aKey('reader'),
    ]
    const [byToken, bySignature] = keys as [Key, Key]
    const lives = await aSession('reader')
    const ending = [
      await stream(port, { cookie: out.cookie }),
      await stream(port, { cookie: expired.cookie }),
      await stream(port, { cookie: ofKey.cookie }),
      await stream(port, { authorization: `Bearer ${byToken.token}` }),
      await stream(port, {}, `?${signed(bySignature, {}, { path: '/v1/events' })}`),
    ]
    const staying = [
      await stream(port, { cookie: lives.cookie }),
      await stream(port, { authorization: `Bearer ${service.token}` }),
    ]
    await ask('DELETE', '/v1/session', { cookie: out.cookie })
    await service.db.$client.query(
      `UPDATE session SET expires_at = created_at + interval '1 microsecond' WHERE access_key_id = $1`,
      [expired.key.access_key_id],
    )
    for (const { access_key_id } of [ofKey.key, byToken, bySignature])
      await service.call('DELETE', `/v1/access-keys/${access_key_id}`)
    await until('all five are closed', () => ending.every((isClosed) => isClosed()), 15_000)
    expect(staying.map((isClosed) => isClosed())).toEqual([false, false])
  })
})

it.each([
  ['23503 session_access_key_fk', `VALUES (sha256('x'), 'none', now(), now() + interval '1 h')`],
  ['23514 session_token_hash_size', `SELECT 'x', id, now(), now() + interval '1 h' FROM access_key LIMIT 1`],
  ['23514 session_expires_later', `SELECT sha256('x'), id, now(), now() FROM access_key LIMIT 1`],
])('the database refuses what breaks %s', async (expected, values) => {
  const refusal = await service.db.$client
    .query(`INSERT INTO session (token_hash, access_key_id, created_at, expires_at) ${values}`)
    .then(() => 'nothing')
    .catch(({ code, constraint }: DatabaseError) => `${code} ${constraint}`)
  expect(refusal).toBe(expected)
})
