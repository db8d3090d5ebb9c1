/** Traffic of NICs: what workers tell, what readers see, and for how long. */
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { nicTraffic } from '../../src/db/schema.ts'
import { forgetOldTraffic } from '../../src/domain/traffic/traffic.ts'
import { ControlPlane } from '../../src/workers/control-plane.ts'
import { aService, expectProblem, HYPERVISOR, type Service } from '../support/a-service.ts'
import { aHypervisor, aNetwork, aNic, aServer } from '../support/builders.ts'
import { listening } from '../support/listening.ts'

let service: Service
let nicId: string
let serverId: string
beforeAll(async () => {
  service = await aService()
  const network = await aNetwork(service)
  const server = await aServer(service, { network_id: network.id })
  serverId = server.id
  nicId = (await service.call('GET', `/v1/nics?server_id=${serverId}`)).body.items[0].id
})
afterAll(() => service.close())

const told = (nic_id: string, into: number, out = 0) => ({
  nic_id,
  in_bytes_per_second: into,
  out_bytes_per_second: out,
})
const tell = (at: string, ...samples: object[]) => service.asWorker('POST', '/traffic', { at, samples })
const read = (id: string, query = '') => service.call('GET', `/v1/nics/${id}/traffic${query}`)
const rows = () => service.db.select().from(nicTraffic)

/** A NIC on a server of its own, without traffic yet. */
async function aRunningNic(): Promise<string> {
  const { id } = await aServer(service, { network_id: (await aNetwork(service)).id })
  return (await service.call('GET', `/v1/nics?server_id=${id}`)).body.items[0].id
}

describe('what a worker tells', () => {
  it('is stored once, however often it is told', async () => {
    const id = await aRunningNic()
    for (const into of [10, 20]) expect((await tell('2026-01-02T03:00:00Z', told(id, into, 5))).status).toBe(204)
    expect((await tell('2026-01-02T03:05:00.000Z', told(id, 7), told(id, 8))).status).toBe(204)
    const stored = (await rows()).filter((row) => row.nicId === id)
    expect(stored.map(({ inRate, outRate }) => [inRate, outRate])).toEqual([
      [10, 5],
      [7, 0],
    ])
  })

  it('is passed over for NICs that are on no server of its own, or not there', async () => {
    const free = await aNic(service)
    await aHypervisor(service, 'hv-other', [])
    await service.db.execute(`UPDATE hypervisor SET last_seen_at = NULL WHERE id = 'hv-other'`) // gets no servers
    const elsewhere = await aRunningNic()
    await service.db.execute(sql`UPDATE server SET hypervisor_id = 'hv-other'
      WHERE id = (SELECT server_id FROM nic WHERE id = ${elsewhere})`)
    const before = (await rows()).length
    const { status } = await tell(
      '2026-01-02T03:00:00Z',
      told(free.id, 1),
      told(elsewhere, 1),
      told('52:54:00:00:00:00', 1),
    )
    expect(status).toBe(204)
    expect(await rows()).toHaveLength(before)
  })

  it.each([
    ['a time that is none', { at: '2026-13-02T03:00:00Z' }, '/at'],
    ['a time of no zone', { at: '2026-01-02T03:00:00' }, '/at'],
    ['a rate below zero', { samples: [told('52:54:00:00:00:01', -1)] }, '/samples/0/in_bytes_per_second'],
    ['half a byte', { samples: [told('52:54:00:00:00:01', 0, 0.5)] }, '/samples/0/out_bytes_per_second'],
    ['a NIC that is none', { samples: [told('x', 1)] }, '/samples/0/nic_id'],
    ['too much at once', { samples: Array.from({ length: 1001 }, () => told('52:54:00:00:00:01', 1)) }, '/samples'],
  ])('with %s is refused', async (_what, over, pointer) => {
    const answer = await service.asWorker('POST', '/traffic', { at: '2026-01-02T03:00:00Z', samples: [], ...over })
    expectProblem(answer, 400, 'invalid_request')
    expect(answer.body.errors.map((one: { pointer: string }) => one.pointer)).toEqual([pointer])
  })

  it('comes by the client that workers use', async () => {
    const id = await aRunningNic()
    const url = `http://127.0.0.1:${await listening(service)}`
    const control = new ControlPlane(url, HYPERVISOR, service.hypervisorToken)
    await control.reportTraffic({ at: '2026-01-02T03:00:00.000Z', samples: [told(id, 3, 4)] })
    expect((await rows()).filter((row) => row.nicId === id)).toEqual([
      { nicId: id, at: new Date('2026-01-02T03:00:00Z'), inRate: 3, outRate: 4 },
    ])
  })

  it('is taken from the worker of the hypervisor only', async () => {
    const body = { at: '2026-01-02T03:00:00Z', samples: [] }
    expectProblem(await service.call('POST', '/v1/hypervisors/hv-test/traffic', body), 401, 'unauthorized')
  })

  it('stores of the year 0 and 9999 too, without a fault', async () => {
    const id = await aRunningNic()
    for (const at of ['0000-01-01T00:00:00Z', '9999-12-31T23:59:59Z', '2026-02-31T00:00:00Z'])
      expect((await tell(at, told(id, 1))).status).toBe(204)
  })
})

describe('what a reader sees', () => {
  beforeAll(async () => {
    // 10 per second at 03:00, 20 at 03:05, ...; nothing at 03:20 and 03:25.
    for (const [index, minute] of ['00', '05', '10', '15', '30', '35'].entries())
      await tell(`2026-01-02T03:${minute}:00Z`, told(nicId, 10 * (index + 1), index))
  })
  const items = async (query: string) => {
    const { status, body } = await read(nicId, query)
    expect(status, JSON.stringify(body)).toBe(200)
    return body.items.map((item: Record<string, number>) => [
      item.at,
      item.in_bytes_per_second,
      item.out_bytes_per_second,
    ])
  }

  it('each step of five minutes by itself, ends included, gaps left out', async () => {
    expect(await items('?from=2026-01-02T03:05:00Z&to=2026-01-02T03:30:00Z')).toEqual([
      ['2026-01-02T03:05:00.000Z', 20, 1],
      ['2026-01-02T03:10:00.000Z', 30, 2],
      ['2026-01-02T03:15:00.000Z', 40, 3],
      ['2026-01-02T03:30:00.000Z', 50, 4],
    ])
    expect(await items('?from=2026-01-02T03:05:01Z&to=2026-01-02T03:09:59Z')).toEqual([])
  })

  it('longer steps are means of what was measured in them, and whole ones only', async () => {
    expect(await items('?from=2026-01-02T02:50:00Z&to=2026-01-02T03:30:00Z&step_seconds=900')).toEqual([
      ['2026-01-02T03:00:00.000Z', 20, 1],
      ['2026-01-02T03:15:00.000Z', 40, 3],
      ['2026-01-02T03:30:00.000Z', 55, 5], // 4.5 rounded
    ])
    expect(await items('?from=2026-01-02T03:01:00Z&to=2026-01-02T03:59:00Z&step_seconds=3600')).toEqual([])
    expect(await items('?from=2026-01-02T00:00:00Z&to=2026-01-02T00:00:00Z&step_seconds=86400')).toEqual([
      ['2026-01-02T00:00:00.000Z', 35, 3], // 2.5 rounded
    ])
  })

  it('the last six hours, when nothing is said of time', async () => {
    const id = await aRunningNic()
    const at = new Date(Math.floor(Date.now() / 300_000) * 300_000)
    await tell(at.toISOString(), told(id, 1))
    await tell(new Date(at.getTime() - 7 * 3_600_000).toISOString(), told(id, 2))
    const { body } = await read(id)
    expect(body.items).toEqual([{ at: at.toISOString(), in_bytes_per_second: 1, out_bytes_per_second: 0 }])
  })

  it.each([
    ['step_seconds=60', '/step_seconds'],
    ['step_seconds=', '/step_seconds'],
    ['from=yesterday', '/from'],
    ['to=2026-01-02', '/to'],
    ['to=2026-01-02T25:00:00Z', '/to'],
    ['from=2026-01-02T03:05:01Z&to=2026-01-02T03:05:00Z', '/from'],
  ])('%s is refused', async (query, pointer) => {
    const answer = await read(nicId, `?${query}`)
    expectProblem(answer, 400, 'invalid_request')
    expect(new Set(answer.body.errors.map((one: { pointer: string }) => one.pointer))).toEqual(new Set([pointer]))
  })

  it('nothing of a NIC of another project', async () => {
    const token = await service.tokenOf('reader', await service.aProject())
    const answer = await service.call('GET', `/v1/nics/${nicId}/traffic`, undefined, { token })
    expectProblem(answer, 404, 'not_found')
    expectProblem(await read('52:54:00:00:00:00'), 404, 'not_found')
    const reader = await service.tokenOf('reader')
    expect((await service.call('GET', `/v1/nics/${nicId}/traffic`, undefined, { token: reader })).status).toBe(200)
  })
})

describe('of several NICs a reader sees', () => {
  const readAll = (query: string, token?: string) =>
    service.call('GET', `/v1/traffic?${query}`, undefined, token === undefined ? {} : { token })
  const range = 'from=2026-01-02T03:00:00Z&to=2026-01-02T03:30:00Z&step_seconds=900'

  it('what it sees of each alone, each once, and nothing of those that are not there or another project’s', async () => {
    const [other, free] = [await aRunningNic(), (await aNic(service)).id]
    await tell('2026-01-02T03:00:00Z', told(other, 7, 8))
    const asked = [nicId, free, other, nicId, '52:54:00:00:00:00']
    const { status, body } = await readAll(`nic_ids=${asked.join(',')}&${range}`)
    expect(status).toBe(200)
    const each = [nicId, free, other].sort().map(async (id) => ({
      nic_id: id,
      points: (await read(id, `?${range}`)).body.items,
    }))
    expect(body.items).toEqual(await Promise.all(each))
    expect(body.items.find((one: { nic_id: string }) => one.nic_id === nicId).points).toHaveLength(3)
    const token = await service.tokenOf('reader', await service.aProject())
    expect((await readAll(`nic_ids=${asked.join(',')}`, token)).body.items).toEqual([])
  })

  const macs = (count: number) =>
    Array.from({ length: count }, (_, n) => `52:54:00:00:00:${n.toString(16).padStart(2, '0')}`).join(',')

  it('100 of them at most', async () => {
    expect(await readAll(`nic_ids=${macs(100)}`)).toMatchObject({ status: 200, body: { items: [] } })
  })

  it.each([
    ['', '/nic_ids'],
    ['nic_ids=', '/nic_ids'],
    ['nic_ids=x', '/nic_ids'],
    [`nic_ids=${macs(101)}`, '/nic_ids'],
    [`nic_ids=${macs(2)},`, '/nic_ids'],
    [`nic_ids=${macs(1)}&step_seconds=60`, '/step_seconds'],
    [`nic_ids=${macs(1)}&from=2026-01-02T03:05:01Z&to=2026-01-02T03:05:00Z`, '/from'],
  ])('and "%s" is refused', async (query, pointer) => {
    const answer = await readAll(query)
    expectProblem(answer, 400, 'invalid_request')
    expect(answer.body.errors[0]).toMatchObject({ in: 'query', pointer })
  })
})

describe('what is kept', () => {
  it('goes with the NIC', async () => {
    const { id } = await aNic(service)
    await service.db.insert(nicTraffic).values({ nicId: id, at: new Date(), inRate: 1, outRate: 1 })
    expect((await service.call('DELETE', `/v1/nics/${id}`)).status).toBe(204)
    expect((await rows()).filter((row) => row.nicId === id)).toEqual([])
  })

  it('is 15 days, whatever there is', async () => {
    const { id } = await aNic(service)
    await service.db.execute(sql`INSERT INTO nic_traffic (nic_id, at, in_rate, out_rate)
      SELECT ${id}, now() - n * interval '1 minute', 1, 1 FROM generate_series(0, 34559) AS n`) // 24 days
    await forgetOldTraffic(service.db)
    const { rows: left } = await service.db.execute<{ count: number; young: boolean }>(sql`
      SELECT count(*)::int AS count, bool_and(at >= now() - interval '15 days') AS young
      FROM nic_traffic WHERE nic_id = ${id}`)
    expect(left[0]?.young).toBe(true)
    expect(left[0]?.count).toBeGreaterThanOrEqual(15 * 24 * 60 - 2)
    expect(left[0]?.count).toBeLessThanOrEqual(15 * 24 * 60)
  })
})
