/** The transport of the wire: who may speak, in what form, and how it says no. */
import { createHash } from 'node:crypto'
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { aService, type Service } from '../../support/a-service.ts'
import { aWireClient, signed, type WireClient } from '../../support/a-wire-client.ts'

let service: Service
let wire: WireClient
beforeAll(async () => {
  service = await aService()
  wire = await aWireClient(service)
})
afterAll(() => service.close())

const get = (url: string) => service.app.inject({ method: 'GET', url })

describe('both paths and methods', () => {
  it.each([
    ['GET', '/iaas/'],
    ['GET', '/iaas'],
    ['POST', '/iaas/'],
    ['POST', '/iaas'],
  ] as const)('%s %s answers, with SHA-256 and SHA-1', async (method, path) => {
    for (const hash of ['HmacSHA256', 'HmacSHA1'] as const) {
      const answer = await wire.ok('DescribeZones', {}, { method, path, hash })
      expect(answer).toEqual({
        action: 'DescribeZonesResponse',
        ret_code: 0,
        zone_set: [{ zone_id: 'zone-test', status: 'active', region_id: 'zone-test' }],
        total_count: 1,
      })
    }
  })

  it('a body without length, in chunks, is read', async () => {
    await service.app.listen({ port: 0, host: '127.0.0.1' })
    const { port } = service.app.server.address() as { port: number }
    const text = signed(wire.key, { action: 'DescribeZones' }, { method: 'POST', path: '/iaas' })
    const chunks = new ReadableStream({
      start(controller) {
        for (const part of text.match(/.{1,40}/g) ?? []) controller.enqueue(new TextEncoder().encode(part))
        controller.close()
      },
    })
    const response = await fetch(`http://127.0.0.1:${port}/iaas`, {
      method: 'POST',
      body: chunks,
      duplex: 'half',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    } as RequestInit)
    expect(response.headers.get('content-type')).toBe('application/json')
    expect(await response.json()).toMatchObject({ ret_code: 0 })
  })

  it('noise that clients send is signed and ignored', async () => {
    await wire.ok('DescribeZones', { req_id: 'a'.repeat(32), expires: '2020-01-01T00:00:00Z', version: 1, owner: '' })
  })
})

describe('who may speak', () => {
  it('not with a wrong signature, a changed parameter, or an unknown key: 1200', async () => {
    const { key } = wire
    await wire.refused(1200, 'DescribeZones', { limit: 1 }, { tamper: { limit: '2' } })
    for (const wrong of [
      { ...key, secret_access_key: 'x' },
      { ...key, access_key_id: 'NOBODY' },
    ]) {
      const { body } = await get(`/iaas/?${signed(wrong, { action: 'DescribeZones' })}`)
      expect(JSON.parse(body)).toMatchObject({
        ret_code: 1200,
        message: expect.stringMatching(/^AuthFailure, this access key is not known/),
      })
    }
  })

  it('not signed for the other path or method', async () => {
    const { body } = await get(`/iaas?${signed(wire.key, { action: 'DescribeZones' })}`)
    expect(JSON.parse(body).ret_code).toBe(1200)
  })

  it('not with a time stamp of a minute ago or ahead: 1300', async () => {
    await wire.ok('DescribeZones', {}, { at: Date.now() - 58_000 })
    await wire.ok('DescribeZones', {}, { at: Date.now() + 58_000 })
    for (const off of [-62_000, 62_000, -86_400_000]) {
      await wire.refused(1300, 'DescribeZones', {}, { at: Date.now() + off })
    }
  })

  it('not without a signature: 1100, naming all that is missing', async () => {
    const { body } = await get('/iaas/?action=DescribeZones')
    expect(JSON.parse(body)).toEqual({
      ret_code: 1100,
      message: expect.stringMatching(
        /^InvalidRequestFormat, parameter access_key_id is required; parameter signature is/,
      ),
    })
  })

  it('not with a key that was deleted', async () => {
    const gone = await aWireClient(service)
    await gone.ok('DescribeZones')
    await service.call('DELETE', `/v1/access-keys/${gone.key.access_key_id}`)
    await gone.refused(1200, 'DescribeZones')
  })
})

describe('what is asked for', () => {
  it('an action that there is none of is 1101, names nothing of ours, and is counted', async () => {
    // Those that other services of this process have counted are among them.
    const counted = async (action: string) =>
      Number(
        (await service.call('GET', '/metrics')).body.match(
          new RegExp(`patchbay_iaas_unlisted_actions_total\\{action="${action}"\\} (\\d+)`),
        )?.[1] ?? 0,
      )
    const [known, other] = [await counted('DescribeLoadBalancers'), await counted('other')]
    const { message } = await wire.refused(1101, 'DescribeLoadBalancers')
    expect(message).toBe('InvalidParameterValue, action DescribeLoadBalancers is not supported')
    await wire.refused(1101, 'constructor')
    await wire.refused(1100, '')
    expect(await counted('DescribeLoadBalancers')).toBe(known + 1)
    expect(await counted('other')).toBe(other + 1)
    const { body } = await service.call('GET', '/metrics')
    expect(body).toMatch(/patchbay_iaas_answers_total\{action="DescribeZones",ret_code="0"\} \d/)
  })

  it('a zone that there is none of is 2100', async () => {
    await wire.ok('DescribeZones', { zone: 'zone-test' })
    const { message } = await wire.refused(2100, 'DescribeZones', { zone: 'pek3a' })
    expect(message).toBe('ResourceNotFound, zone [pek3a] not found')
  })

  it('a list may come as a scalar, and its values come in the order of their numbers', async () => {
    expect((await wire.ok('DescribeZones', { zones: 'zone-test' })).total_count).toBe(1)
    expect((await wire.ok('DescribeZones', { zones: ['zone-test'] })).total_count).toBe(1)
    expect((await wire.ok('DescribeZones', { zones: ['nowhere'] })).total_count).toBe(0)
    expect((await wire.ok('DescribeZones', { zones: '' })).total_count).toBe(1)
  })

  it('limit=0 is the default, more than the most is the most, and an offset past the end finds nothing', async () => {
    expect((await wire.ok('DescribeZones', { limit: 0, offset: 0 })).zone_set).toHaveLength(1)
    expect((await wire.ok('DescribeZones', { limit: 100_000 })).zone_set).toHaveLength(1)
    expect(await wire.ok('DescribeZones', { offset: 5 })).toMatchObject({ zone_set: [], total_count: 1 })
    await wire.refused(1101, 'DescribeZones', { limit: -1 })
    await wire.refused(1100, 'DescribeZones', { limit: 'many' })
  })

  it.each(['zones.0', 'zones.-1', 'zones.99999999', 'zones.x', 'zones.'])('a list with %s is 1100', async (name) => {
    await wire.refused(1100, 'DescribeZones', { [name]: 'zone-test' })
  })

  it('a body of another kind, or too large, is 1100', async () => {
    const post = async (payload: string, type: string) => {
      const response = await service.app.inject({
        method: 'POST',
        url: '/iaas/',
        payload,
        headers: { 'content-type': type },
      })
      expect(response.statusCode).toBe(200)
      expect(response.headers['content-type']).toBe('application/json')
      return JSON.parse(response.body)
    }
    expect(await post('{}', 'application/json')).toMatchObject({ ret_code: 1100 })
    expect(await post('a'.repeat(2 ** 22 + 1), 'application/x-www-form-urlencoded')).toEqual({
      ret_code: 1100,
      message: 'InvalidRequestFormat, request body is too large',
    })
  })

  it('an archive of 2 MiB, in base64, is not too large', async () => {
    const upload = (bytes: number) => ({ attachment_content: Buffer.alloc(bytes, 'user data').toString('base64') })
    await wire.ok('UploadUserDataAttachment', upload(2 ** 21), { method: 'POST' })
    await wire.refused(1100, 'UploadUserDataAttachment', upload(2 ** 21 + 1), { method: 'POST' })
  })

  it('is kept with the job once, however many parts that has, and without what is too long', async () => {
    const { instances, job_id } = await wire.ok(
      'RunInstances',
      { image_id: 'img-ours', count: 20, instance_name: 'many', userdata_value: 'x'.repeat(500_000) },
      { method: 'POST' },
    )
    expect(instances).toHaveLength(20)
    const { rows } = await service.db.execute<{ id: string; size: number }>(
      sql`SELECT id, length(asked::text) AS size FROM job WHERE ${job_id} IN (id, parent_id) AND asked IS NOT NULL`,
    )
    expect(rows.map(({ id }) => id)).toEqual([job_id])
    expect(rows[0]?.size).toBeLessThan(1_000)
    const [job] = (await wire.ok('DescribeJobs', { jobs: [job_id] })).job_set
    expect(JSON.parse(job.directive)).toEqual({
      action: 'RunInstances',
      image_id: 'img-ours',
      count: '20',
      instance_name: 'many',
    })
  })
})

describe('access keys', () => {
  it('are described to their own project, with an owner', async () => {
    const id = wire.key.access_key_id
    const { access_key_set: keys, total_count } = await wire.ok('DescribeAccessKeys', { access_keys: [id], verbose: 0 })
    expect(total_count).toBe(1)
    expect(keys[0]).toMatchObject({ access_key_id: id, status: 'active', owner: expect.stringMatching(/^usr-/) })
    const stranger = await aWireClient(service, { projectId: await service.aProject() })
    expect((await stranger.ok('DescribeAccessKeys', { access_keys: [id] })).access_key_set).toEqual([])
  })
})

describe('the same signature on /v1', () => {
  const call = (url: string, options: { method?: 'GET' | 'POST'; payload?: string } = {}) =>
    service.app.inject({
      method: 'GET',
      url,
      headers: options.payload ? { 'content-type': 'application/json' } : {},
      ...options,
    })

  it('lets a reader read', async () => {
    const query = signed(wire.key, { limit: 1, zone: 'zone-test', version: 1 }, { path: '/v1/nics' })
    const answer = await call(`/v1/nics?${query}`)
    expect(answer.statusCode, answer.body).toBe(200)
    expect((await call(`/v1/vpcs?${query}`)).statusCode).toBe(401)
    expect((await call(`/v1/nics?${query.replace('limit=1', 'limit=2')}`)).json()).toMatchObject({
      code: 'unauthorized',
    })
    const old = signed(wire.key, {}, { path: '/v1/nics', at: Date.now() - 90_000 })
    expect((await call(`/v1/nics?${old}`)).json()).toMatchObject({ status: 401, code: 'request_expired' })
  })

  it('covers a body by its digest', async () => {
    const payload = JSON.stringify({ name: 'signed', cidr: '10.9.0.0/16' })
    const body_sha256 = createHash('sha256').update(payload).digest('hex')
    const url = (parameters: Record<string, string>) =>
      `/v1/vpcs?${signed(wire.key, parameters, { method: 'POST', path: '/v1/vpcs' })}`
    const made = await call(url({ body_sha256 }), { method: 'POST', payload })
    expect(made.statusCode, made.body).toBe(201)
    const other = payload.replace('signed', 'forged')
    for (const refused of [
      await call(url({}), { method: 'POST', payload }),
      await call(url({ body_sha256 }), { method: 'POST', payload: other }),
      await call(url({ body_sha256 }), { method: 'POST' }), // taken away
    ]) {
      expect(refused.json()).toMatchObject({ status: 401, code: 'unauthorized' })
    }
  })
})
