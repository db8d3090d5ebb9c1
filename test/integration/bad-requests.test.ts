/** Malformed URLs, queries and headers; requests that are no HTTP; and what a 500 shows. */
import { connect } from 'node:net'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Answer, aService, expectProblem, HYPERVISOR, type Service } from '../support/a-service.ts'
import { aNetwork, aNic, aServer } from '../support/builders.ts'
import { listening } from '../support/listening.ts'
import { OPERATIONS, urlOf } from '../support/operations.ts'
import { rowCounts } from '../support/row-counts.ts'

let service: Service
let before: Record<string, number>
let networkId: string
let nicId: string
let serverId: string
beforeAll(async () => {
  service = await aService()
  networkId = (await aNetwork(service)).id
  nicId = (await aNic(service, { network_id: networkId })).id
  serverId = (await aServer(service)).id
})
afterAll(() => service.close())
beforeEach(async () => {
  before = await rowCounts(service)
})
afterEach(async () => expect(await rowCounts(service), 'nothing is stored by a refused request').toEqual(before))

const get = (url: string, headers: Record<string, string> = {}) => service.call('GET', url, undefined, { headers })
const places = ({ body }: Answer): string[] =>
  (body.errors ?? []).map((one: { in: string; pointer: string }) => `${one.in}:${one.pointer}`)
const named = (operations: typeof OPERATIONS) => operations.map((at) => [`${at.method} ${at.path}`, at] as const)

describe('a malformed id in', () => {
  const BAD = [
    'x',
    'vpc-',
    'VPC-0000000000',
    "i-1'--",
    '%00',
    'net-%00',
    '%F0%9F%98%80',
    '..%2f',
    'a'.repeat(150),
    '52:54',
  ]
  // What is let in by a hypervisor's token is in jobs.test.ts.
  const withId = OPERATIONS.filter(({ path }) => path.includes('{id}') && !path.includes('hypervisors'))

  it.each(named(withId))('%s is refused by its name', async (_name, at) => {
    for (const bad of BAD) {
      const body = at.body && at.method !== 'DELETE' ? {} : undefined
      const answer = await service.call(at.method, at.path.replace('{id}', bad), body)
      expectProblem(answer, 400, 'invalid_request')
      expect(places(answer), bad).toContain('path:/id')
    }
  })

  it('the path of a worker is refused before it reaches the database', async () => {
    for (const bad of ['%00', '%20', 'HV', "hv'--"]) {
      const token = service.hypervisorToken
      const answer = await service.call('GET', `/v1/hypervisors/${bad}/queue`, undefined, { token })
      expectProblem(answer, 401, 'unauthorized')
    }
    expectProblem(await get('/v1/hypervisors/%00'), 400, 'invalid_request')
    expectProblem(await service.asWorker('POST', '/jobs/%00/claim', {}), 400, 'invalid_request')
  })
})

describe('the query of', () => {
  const lists = OPERATIONS.filter(({ method, query }) => method === 'GET' && query.includes('limit'))

  it.each(named(lists))('%s: bad values are refused, all at once', async (_name, at) => {
    const url = urlOf(at.path)
    for (const limit of ['0', '-1', '1001', '1.5', 'x', '', '1e400', '9007199254740992', 'null', '%00', '[]']) {
      expect(places(await get(`${url}?limit=${limit}`)), limit).toEqual(['query:/limit'])
    }
    const rest = at.query.filter((name) => !['limit', 'cursor'].includes(name))
    const nul = await get(`${url}?limit=0&${rest.map((name) => `${name}=%00`).join('&')}&surprise=1`)
    expectProblem(nul, 400, 'invalid_request')
    expect(new Set(places(nul))).toEqual(
      new Set(['query:/limit', 'query:/surprise', ...rest.map((n) => `query:/${n}`)]),
    )
    for (const name of at.query) {
      const doubled = await get(`${url}?${name}=1&${name}=2`)
      expectProblem(doubled, 400, 'invalid_request')
      expect(places(doubled)).toContain(`query:/${name}`)
    }
  })

  it.each(named(lists))('%s: a cursor of somewhere else is refused', async (_name, at) => {
    const cursors = [
      'x',
      's1',
      Buffer.from('s-1').toString('base64url'),
      Buffer.from('s1;').toString('base64url'),
      '%00',
      '',
    ]
    for (const cursor of cursors) {
      const answer = await get(`${urlOf(at.path)}?cursor=${cursor}`)
      expectProblem(answer, 400, 'invalid_cursor')
      expect(places(answer)).toEqual(['query:/cursor'])
    }
    expect(places(await get(`${urlOf(at.path)}?cursor=${'x'.repeat(101)}`))).toEqual(['query:/cursor'])
  })

  it.each(['yes', '1', '', 'TRUE'])('DELETE /v1/servers/{id}: force=%s is refused', async (force) => {
    const answer = await service.call('DELETE', `/v1/servers/${serverId}?force=${force}`)
    expectProblem(answer, 400, 'invalid_request')
    expect(places(answer)).toEqual(['query:/force'])
  })
})

describe('a header', () => {
  it.each(['1', '"x"', '""', 'W/', '"-1"', '"1", "2"', '"9999999999"', "'1'"])(
    'If-Match: %s is refused',
    async (value) => {
      for (const [method, body] of [
        ['PATCH', { name: 'x' }],
        ['DELETE', undefined],
      ] as const) {
        for (const url of [`/v1/nics/${nicId}`, `/v1/networks/${networkId}`, `/v1/servers/${serverId}`]) {
          const answer = await service.call(method, url, body, { headers: { 'if-match': value } })
          expectProblem(answer, 400, 'invalid_request')
          expect(places(answer)).toEqual(['header:/if-match'])
        }
      }
    },
  )

  it.each(['61', '-1', '1.5', 'x', '', '1e1', '0x10', 'Infinity', '99999999999999999999'])(
    'Prefer: wait=%s is refused, and the act is not begun',
    async (wait) => {
      for (const [method, url] of [
        ['POST', `/v1/servers/${serverId}/stop`],
        ['DELETE', `/v1/servers/${serverId}`],
      ] as const) {
        const answer = await service.call(method, url, undefined, { headers: { prefer: `wait=${wait}` } })
        expectProblem(answer, 400, 'invalid_request')
        expect(places(answer)).toEqual(['header:/prefer'])
      }
    },
  )

  it.each(['', ' ', 'two words', 'x'.repeat(256), 'ümlaut', 'tab\there'])(
    'Idempotency-Key: "%s" is refused',
    async (key) => {
      const answer = await service.call(
        'POST',
        '/v1/vpcs',
        { name: 'v', cidr: '10.0.0.0/16' },
        { headers: { 'idempotency-key': key } },
      )
      expectProblem(answer, 400, 'invalid_request')
      expect(places(answer)).toEqual(['header:/idempotency-key'])
    },
  )

  it.each(['x', '1', '1-', '-1', '1-x', '99999999999999999999-1', ''])('Last-Event-ID: %s is refused', async (id) => {
    for (const accept of ['application/json', 'text/event-stream']) {
      const answer = await get('/v1/events', { 'last-event-id': id, accept })
      expectProblem(answer, 400, 'invalid_request')
      expect(places(answer)).toEqual(['header:/last-event-id'])
    }
  })
})

describe('what is no route', () => {
  it.each([
    ['GET', '/v1'],
    ['GET', '/v1/'],
    ['GET', '/v2/nics'],
    ['PUT', '/v1/nics'],
    ['DELETE', '/v1/nics'],
    ['POST', '/v1/jobs'],
    ['PATCH', '/v1/nics'],
    ['GET', '/v1/%zz'],
    ['GET', '/v1/nics/%c0%80'],
    ['GET', `/v1/nics/${'x'.repeat(300)}`],
    ['GET', '/v1/nics/../../etc/passwd'],
    ['POST', '/openapi.json'],
    ['GET', `/v1/hypervisors/${HYPERVISOR}/jobs`],
    ['GET', '/v2?a[b]=c'],
  ])('%s %s answers 404 with a problem', async (method, url) => {
    expectProblem(await service.call(method, url), 404, 'not_found')
  })
})

describe('a request over a socket', () => {
  let port: number
  beforeAll(async () => {
    port = await listening(service)
  })

  /** Sends bytes as they are, and returns all that comes back. */
  const send = (bytes: string) =>
    new Promise<string>((resolve, reject) => {
      let answer = ''
      const socket = connect(port, '127.0.0.1', () => socket.write(bytes))
      socket
        .on('data', (data) => (answer += data))
        .on('close', () => resolve(answer))
        .on('error', reject)
    })

  it.each([
    ['is no HTTP', 'what is this\r\n\r\n'],
    ['has headers without end', `GET /v1/nics HTTP/1.1\r\nHost: x\r\nX-Long: ${'x'.repeat(200_000)}\r\n\r\n`],
    ['has two lengths', 'POST /v1/vpcs HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}'],
    ['has an unknown method', 'BREW /v1/nics HTTP/1.1\r\nHost: x\r\n\r\n'],
  ])('that %s is answered with a problem', async (_what, bytes) => {
    const [head = '', body = ''] = (await send(bytes)).split('\r\n\r\n')
    expect(head).toMatch(/^HTTP\/1\.1 400 /)
    expect(head).toContain('application/problem+json')
    expect(JSON.parse(body)).toMatchObject({ status: 400, code: 'invalid_request' })
    expect(JSON.parse(body).detail).toBeTruthy()
  })

  it('that says less than it sends, or sends over 1 MiB in chunks, does not get through', async () => {
    const head = `POST /v1/vpcs HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer ${service.token}\r\nContent-Type: application/json\r\n`
    expect(await send(`${head}Content-Length: 1\r\n\r\n{"name":"x"}`)).toMatch(/^HTTP\/1\.1 400 /)
    const chunk = `10000\r\n${' '.repeat(0x10000)}\r\n`
    const large = await send(`${head}Transfer-Encoding: chunked\r\n\r\n${chunk.repeat(17)}0\r\n\r\n`)
    expect(large).toMatch(/^HTTP\/1\.1 413 /)
    expect(large).toContain('"code":"body_too_large"')
  })
})

it('a 500 says nothing of the inside, and the log knows it by request_id', async () => {
  const broken = await aService()
  try {
    await broken.db.$client.query('DROP TABLE nic CASCADE')
    for (const [method, url, body] of [
      ['GET', '/v1/nics', undefined],
      ['GET', `/v1/nics/${nicId}`, undefined],
      ['POST', '/v1/nics', { network_id: networkId }],
      ['POST', '/v1/nics/batch', { network_id: networkId, count: 3 }],
    ] as const) {
      const answer = await broken.call(method, url, body)
      expectProblem(answer, 500, 'internal')
      expect(Object.keys(answer.body).sort()).toEqual(['code', 'detail', 'request_id', 'status', 'title', 'type'])
      expect(JSON.stringify(answer.body)).not.toMatch(/relation|nic"|select|insert|\.ts|at |postgres|42P01/i)
    }
  } finally {
    await broken.close()
  }
})
