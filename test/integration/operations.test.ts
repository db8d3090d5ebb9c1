import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { aService, expectProblem, type Service } from '../support/a-service.ts'
import { aNic, aServer, finish } from '../support/builders.ts'

let service: Service
beforeAll(async () => {
  service = await aService()
})
afterAll(() => service.close())

const open = (url: string, of = service) => of.call('GET', url, undefined, { headers: { authorization: '' } })
const metrics = async () => String((await open('/metrics')).body)
/** The value of a series, 0 while it is not there. */
const series = (text: string, name: string) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1] ?? 0)

describe('health', () => {
  it('and readiness answer ok while all is well', async () => {
    expect(await open('/healthz')).toMatchObject({ status: 200, body: { status: 'ok' } })
    expect(await open('/readyz')).toMatchObject({ status: 200, body: { status: 'ok' } })
  })

  it('stays, and readiness goes, with the database; neither says where that is', async () => {
    const alone = await aService()
    await alone.db.$client.end()
    expect((await open('/healthz', alone)).status).toBe(200)
    const refused = await open('/readyz', alone)
    expectProblem(refused, 503, 'unavailable')
    expect(refused.headers['retry-after']).toBe('1')
    expect(refused.body.detail).toBe('the database is not ready')
    // What the process knows without its database is still worth a scrape.
    const scraped = await open('/metrics', alone)
    expect(scraped.status).toBe(200)
    expect(String(scraped.body)).toContain('process_resident_memory_bytes')
    await alone.app.close()
  })

  it('goes when the queue does not answer, or the schema is not ours', async () => {
    const alone = await aService()
    try {
      const { publisher } = alone.deps
      publisher.ping = () => Promise.reject(new Error('no queue at secret-host'))
      const refused = await open('/readyz', alone)
      expectProblem(refused, 503, 'unavailable')
      expect(refused.body.detail).toBe('the queue is not ready')
      publisher.ping = async () => undefined
      await alone.db.$client.query(`INSERT INTO schema_migration (version, name, checksum) VALUES (9999, 'x', 'x')`)
      expectProblem(await open('/readyz', alone), 503, 'unavailable')
    } finally {
      await alone.close()
    }
  })
})

describe('metrics', () => {
  it('time requests under their route, never under their URL', async () => {
    const name = 'patchbay_http_request_seconds_count{method="GET",route="/v1/nics/:id",status="404"}'
    const pattern = name.replaceAll(/[{}/]/g, '\\$&')
    const before = series(await metrics(), pattern)
    await service.call('GET', '/v1/nics/52:54:00:00:00:07')
    const after = await metrics()
    expect(series(after, pattern)).toBe(before + 1)
    expect(after).not.toContain('52:54:00:00:00:07')
    await open('/no/such/route')
    expect(await metrics()).not.toContain('no/such/route')
  })

  it('count the jobs that ended by action and outcome, time them, and show those promised', async () => {
    const [nic, server] = [await aNic(service), await aServer(service)]
    const ended = 'patchbay_jobs_finished_total\\{action="nic.attach",state="failed"\\}'
    const before = series(await metrics(), ended)
    const { body } = await service.call('POST', `/v1/nics/${nic.id}/attach`, { server_id: server.id })
    expect(series(await metrics(), 'patchbay_outbox_jobs')).toBe(1)
    await finish(service, body.id, { outcome: 'failed', error: 'x' })
    const after = await metrics()
    expect(series(after, 'patchbay_outbox_jobs')).toBe(0)
    expect(series(after, ended)).toBe(before + 1)
    expect(after).toMatch(/^patchbay_job_seconds_bucket\{le="\S+",action="nic.attach",state="failed"\} \d+$/m)
  })
})

describe('the document', () => {
  it('is served as it is checked in, with a page to read it', async () => {
    const served = await open('/openapi.json')
    expect(served).toMatchObject({ status: 200, body: { openapi: '3.1.0', info: { title: 'Patchbay' } } })
    const file = new URL('../../openapi/openapi.json', import.meta.url)
    expect(served.body).toEqual(JSON.parse(await readFile(file, 'utf8')))
    const page = await open('/docs')
    expect(page.status).toBe(200)
    expect(page.headers['content-type']).toContain('text/html')
    expect(String(page.body)).toContain('swagger-ui')
    expect((await open('/docs/static/swagger-ui.css')).status).toBe(200)
  })
})
