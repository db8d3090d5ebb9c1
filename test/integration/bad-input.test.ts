/** What is malformed is refused by its place, stores nothing, and never makes us answer 5xx. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Answer, aService, expectProblem, HYPERVISOR, type Service } from '../support/a-service.ts'
import { aNetwork, aNic, aServer } from '../support/builders.ts'
import { OPERATIONS, type Operation, urlOf } from '../support/operations.ts'
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

const post = (url: string, body: unknown, headers: Record<string, string> = {}) =>
  service.call('POST', url, body, { headers })
const JSON_TYPE = { 'content-type': 'application/json' }
const raw = (url: string, text: string, headers: Record<string, string> = JSON_TYPE) => post(url, text, headers)
/** The places that a refusal names, as `in:pointer`. */
const places = ({ body }: Answer): string[] =>
  (body.errors ?? []).map((one: { in: string; pointer: string }) => `${one.in}:${one.pointer}`)

/** A call of an operation by whoever may make it, on resources that are there. */
function call(at: Operation, body: unknown, query = '', headers: Record<string, string> = {}) {
  const ids = { networks: networkId, nics: nicId, servers: serverId, hypervisors: HYPERVISOR }
  const token = at.path.includes('{hypervisorId}') ? service.hypervisorToken : service.token
  return service.call(at.method, urlOf(at.path, ids) + query, body, { token, headers })
}
const named = (operations: readonly Operation[]) => operations.map((at) => [`${at.method} ${at.path}`, at] as const)
const WITH_BODY = OPERATIONS.filter(({ body }) => body)

describe('the body of', () => {
  it.each(named(WITH_BODY))('%s: unknown fields are refused, each by its name', async (_name, at) => {
    const answer = await call(at, { surprise: 1, 'a/b~c': 2 })
    expectProblem(answer, 400, 'invalid_request')
    expect(places(answer)).toEqual(expect.arrayContaining(['body:/surprise', 'body:/a~1b~0c']))
  })

  it.each(named(WITH_BODY))('%s: wrong types are refused, every field at once', async (_name, at) => {
    const fields = Object.keys(at.body?.properties ?? {})
    const answer = await call(at, Object.fromEntries(fields.map((field) => [field, [[{}]]])))
    if (fields.length === 0) return // what it does with unknown fields is tested above
    expectProblem(answer, 400, 'invalid_request')
    for (const field of fields) expect(places(answer).join(' ')).toContain(`body:/${field}`)
  })

  it.each(named(WITH_BODY))('%s: what is not an object is refused', async (_name, at) => {
    for (const body of ['null', '[]', '"text"', '1', 'true', '[[]]']) {
      const answer = await call(at, body, '', JSON_TYPE)
      expectProblem(answer, 400, 'invalid_request')
      expect(places(answer)).toEqual(['body:'])
    }
  })

  it.each(named(WITH_BODY.filter(({ body }) => body?.required?.length)))(
    '%s: required fields are named when they are missing',
    async (_name, at) => {
      const answer = await call(at, {})
      expectProblem(answer, 400, 'invalid_request')
      expect(places(answer)).toEqual(expect.arrayContaining((at.body?.required ?? []).map((field) => `body:/${field}`)))
    },
  )

  it.each(named(WITH_BODY))('%s: bad JSON, another type, too much and too deep are refused', async (_name, at) => {
    for (const text of ['{', '{"a":1,}', "{'a':1}", 'name=x', '\u0000', '{"a":NaN}', '[1', '{"a":"\u0001"}']) {
      expectProblem(await call(at, text, '', JSON_TYPE), 400, 'invalid_json')
    }
    for (const text of ['{"__proto__":{"name":"x"}}', '{"constructor":{"prototype":{"name":"x"}}}']) {
      expectProblem(await call(at, text, '', JSON_TYPE), 400, 'invalid_json')
    }
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/xml', 'multipart/form-data']) {
      expectProblem(await call(at, '{}', '', { 'content-type': type }), 415, 'unsupported_media_type')
    }
    const large = JSON.stringify({ name: 'x'.repeat(1024 * 1024) })
    expectProblem(await call(at, large, '', JSON_TYPE), 413, 'body_too_large')
    const deep = `{"name":${'['.repeat(200_000)}${']'.repeat(200_000)}}`
    expectProblem(await call(at, deep, '', JSON_TYPE), 400, 'invalid_request')
  })
})

describe('a value', () => {
  const nic = (over: string) => raw('/v1/nics', `{"network_id":"${networkId}",${over}}`)

  it.each([
    ['NUL', '"name":"a\\u0000b"', '/name'],
    ['NUL in a description', '"description":"\\u0000"', '/description'],
    ['half a surrogate pair', '"name":"\\ud800"', '/name'],
    ['the other half', '"name":"\\udc00x"', '/name'],
    ['a control character', '"name":"a\\nb"', '/name'],
    ['nothing', '"name":""', '/name'],
    ['too long', `"name":"${'x'.repeat(129)}"`, '/name'],
    ['null', '"name":null', '/name'],
    ['a list', '"name":["x"]', '/name'],
    ['NUL in a tag', '"tags":{"a":"\\u0000"}', '/tags/a'],
    ['half a surrogate pair in a tag', '"tags":{"a":"\\ud83d"}', '/tags/a'],
    ['a tag that is no text', '"tags":{"a":1}', '/tags/a'],
    ['a tag without a name', '"tags":{"":"x"}', '/tags/'],
    ['NUL in the name of a tag', '"tags":{"a\\u0000":"x"}', '/tags/a\u0000'],
    ['half a surrogate pair in the name of a tag', '"tags":{"\\ud800":"x"}', '/tags/\ud800'],
    ['a line break in the name of a tag', '"tags":{"\\n":"x"}', '/tags/\n'],
    ['too long a name of a tag', `"tags":{"${'x'.repeat(65)}":"x"}`, `/tags/${'x'.repeat(65)}`],
    ['51 tags', `"tags":{${Array.from({ length: 51 }, (_, n) => `"t${n}":""`)}}`, '/tags'],
    ['an address with a prefix', '"address":"10.0.0.1/24"', '/address'],
    ['an address out of range', '"address":"10.0.0.256"', '/address'],
    ['an address with leading zeros', '"address":"10.0.0.01"', '/address'],
    ['three octets', '"address":"10.0.1"', '/address'],
    ['an IPv6 address', '"address":"::1"', '/address'],
    ['an address with a space', '"address":" 10.0.0.2"', '/address'],
    ['a hexadecimal address', '"address":"0x0a000002"', '/address'],
  ])('of a field that is %s is refused', async (_what, over, pointer) => {
    const answer = await nic(over)
    expectProblem(answer, 400, 'invalid_request')
    expect(places(answer)).toEqual([`body:${pointer}`])
  })

  it.each(['0', '-1', '253', '1.5', '1e400', '-1e400', '9007199254740992', '"5"', 'true', 'null', '[]', '{}'])(
    'of a count that is %s is refused',
    async (count) => {
      const answer = await raw('/v1/nics/batch', `{"network_id":"${networkId}","count":${count}}`)
      expectProblem(answer, 400, 'invalid_request')
      expect(places(answer)[0]).toBe('body:/count')
    },
  )

  it.each([
    '10.0.0.0',
    '10.0.0.0/33',
    '10.0.0.1/24',
    '10.0.0.0/016',
    '010.0.0.0/16',
    '10.0/16',
    'fd00::/16',
    '/16',
    '',
  ])('of a CIDR that is "%s" is refused', async (cidr) => {
    const answer = await post('/v1/vpcs', { name: 'v', cidr })
    expectProblem(answer, 400, 'invalid_request')
    expect(places(answer)).toEqual(['body:/cidr'])
  })

  it('of a list is refused by its index; doubled and too many values are refused', async () => {
    const attach = (nic_ids: unknown) => post(`/v1/servers/${serverId}/attach-nics`, { nic_ids })
    const bad = await attach([nicId, '52:54:00:AB:CD:EF', 5, '52-54-00-00-00-01'])
    expect(places(bad)).toEqual(['body:/nic_ids/1', 'body:/nic_ids/2', 'body:/nic_ids/3'])
    expect(places(await attach([nicId, nicId]))).toEqual(['body:/nic_ids'])
    expect(places(await attach([]))).toEqual(['body:/nic_ids'])
    expect(
      places(await attach(Array.from({ length: 64 }, (_, n) => `52:54:00:00:00:${(n + 16).toString(16)}`))),
    ).toEqual(['body:/nic_ids'])
    const addresses = ['10.0.0.5', 'x', '10.0.0.6', null]
    const batch = await post('/v1/nics/batch', { network_id: networkId, count: 4, addresses })
    expect(places(batch)).toEqual(['body:/addresses/1', 'body:/addresses/3'])
  })

  it('that needs another beside it names the missing one', async () => {
    const network = (over: object) => post('/v1/networks', { name: 'n', ...over })
    expect(places(await network({ vpc_id: 'vpc-0000000000' }))).toEqual(['body:/cidr'])
    expect(places(await network({ cidr: '10.0.1.0/24' }))).toEqual(['body:/vpc_id'])
    const server = await post('/v1/servers', { name: 's', guest: 'qemu', qga_socket: '/run/x' })
    expect(places(server)).toEqual(['body:/qmp_socket'])
    expect(places(await post('/v1/servers', { name: 's', guest: 'qemu', address: '10.0.0.5' }))).toEqual([
      'body:/network_id',
    ])
  })

  it('of a change that changes nothing is refused', async () => {
    expect(places(await service.call('PATCH', `/v1/nics/${nicId}`, {}))).toEqual(['body:'])
  })
})

it('a body that is wrong in 80,000 places is refused with the first hundred of them', async () => {
  const fields = Object.fromEntries(Array.from({ length: 80_000 }, (_, n) => [`f${n}`, 1]))
  const answer = await post('/v1/vpcs', fields)
  expectProblem(answer, 400, 'invalid_request')
  expect(places(answer)).toHaveLength(100)
  expect(answer.body.detail.length).toBeLessThan(20_000)
})
