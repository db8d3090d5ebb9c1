/** GetMonitor of the wire. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { nicTraffic } from '../../../src/db/schema.ts'
import { compressed } from '../../../src/routes/iaas/monitor.ts'
import { aService, type Service } from '../../support/a-service.ts'
import { aWireClient, type WireClient } from '../../support/a-wire-client.ts'
import { aNetwork, aPool, aServer, aVpc } from '../../support/builders.ts'

let service: Service
let wire: WireClient
let instance: string
let router: string
let vxnet: string
let mac: string
/** Some time ago, on a full hour. */
const hour = Math.floor(Date.now() / 3_600_000) * 3_600_000 - 86_400_000
const at = (minutes: number) => new Date(hour + minutes * 60_000)
const text = (minutes: number) => `${at(minutes).toISOString().slice(0, 19)}Z`
const seconds = (minutes: number) => at(minutes).getTime() / 1000

beforeAll(async () => {
  service = await aService()
  wire = await aWireClient(service, { role: 'reader' })
  const network = await aNetwork(service)
  router = network.vpc_id.replace('vpc-', 'rtr-')
  vxnet = network.id.replace('net-', 'vxnet-')
  instance = (await aServer(service, { network_id: network.id })).id
  mac = (await service.call('GET', `/v1/nics?server_id=${instance}`)).body.items[0].id
  // A sample every five minutes, but for minutes 15 and 20.
  const minutes = [0, 5, 10, 25, 30]
  await service.db
    .insert(nicTraffic)
    .values(minutes.map((minute) => ({ nicId: mac, at: at(minute), inRate: 100 + minute, outRate: minute })))
})
afterAll(() => service.close())

const ask = (over: object = {}) => ({
  resource: instance,
  meters: [`if-${mac}`],
  step: '5m',
  start_time: text(0),
  end_time: text(60),
  ...over,
})

/** As the Python client reads it. */
function decompressed(data: readonly unknown[], step: number): [number, unknown][] {
  const points: [number, unknown][] = []
  for (const item of data as (number | [number, unknown])[]) {
    const last = points.at(-1)
    if (!last) points.push(item as [number, unknown])
    else if (Array.isArray(item) && Array.isArray(item[1])) points.push([last[0] + item[0], item[1]])
    else points.push([last[0] + step, item])
  }
  return points
}

describe('traffic of a NIC', () => {
  it('comes compressed: the first with its time, then values, and the distance after a gap', async () => {
    const answer = await wire.ok('GetMonitor', ask({ zone: 'zone-test' }))
    expect(answer).toEqual({
      action: 'GetMonitorResponse',
      ret_code: 0,
      resource_id: instance,
      meter_set: [
        {
          meter_id: mac,
          vxnet_id: vxnet,
          sequence: 0,
          data: [
            [seconds(0), [100, 0]],
            [105, 5],
            [110, 10],
            [900, [125, 25]],
            [130, 30],
          ],
        },
      ],
    })
    expect(decompressed(answer.meter_set[0].data, 300)).toEqual([
      [seconds(0), [100, 0]],
      [seconds(5), [105, 5]],
      [seconds(10), [110, 10]],
      [seconds(25), [125, 25]],
      [seconds(30), [130, 30]],
    ])
  })

  it.each([
    [
      '15m',
      [
        [seconds(0), [105, 5]],
        [125, 25],
        [130, 30],
      ],
    ],
    [
      '30m',
      [
        [seconds(0), [110, 10]],
        [130, 30],
      ],
    ],
    ['1h', [[seconds(0), [114, 14]]]],
  ])('is averaged over steps of %s', async (step, data) => {
    const { meter_set } = await wire.ok('GetMonitor', ask({ step }))
    expect(meter_set[0].data).toEqual(data)
  })

  it.each(['2h', '1d'])('a step of %s is known', async (step) => {
    const { meter_set } = await wire.ok('GetMonitor', ask({ step, start_time: text(-2880) }))
    expect(meter_set[0].data).toHaveLength(1)
  })

  it('times may have milliseconds, and the ends are included', async () => {
    const range = { start_time: text(5).replace('Z', '.000Z'), end_time: text(10).replace('Z', '.500Z') }
    const { meter_set } = await wire.ok('GetMonitor', ask(range))
    expect(meter_set[0].data).toEqual([
      [seconds(5), [105, 5]],
      [110, 10],
    ])
  })

  it('meters come in the order asked for, each once, as list or scalar, in any case', async () => {
    const { meter_set } = await wire.ok('GetMonitor', ask({ meters: ['cpu', `if-${mac.toUpperCase()}`, 'cpu'] }))
    expect(meter_set.map((meter: { meter_id: string }) => meter.meter_id)).toEqual(['cpu', mac])
    expect(meter_set[1].data).toHaveLength(5)
    expect((await wire.ok('GetMonitor', ask({ meters: `if-${mac}` }))).meter_set[0].data).toHaveLength(5)
  })

  it('a NIC that is not on the instance has none', async () => {
    const { meter_set } = await wire.ok('GetMonitor', ask({ meters: ['if-52:54:00:00:00:00'] }))
    expect(meter_set).toEqual([{ meter_id: '52:54:00:00:00:00', vxnet_id: '', sequence: 0, data: [] }])
  })
})

describe('what is not measured', () => {
  it('of an instance comes without data', async () => {
    const meters = ['cpu', 'memory', 'disk-os', 'disk-vol-umyf1cy2']
    const { meter_set } = await wire.ok('GetMonitor', ask({ meters }))
    expect(meter_set).toEqual(meters.map((meter_id) => ({ meter_id, vxnet_id: '', sequence: 0, data: [] })))
  })

  it('of a router and an eip too', async () => {
    const { meter_set } = await wire.ok('GetMonitor', ask({ resource: router, meters: ['vxnet-0', vxnet] }))
    expect(meter_set[1]).toEqual({ meter_id: vxnet, vxnet_id: vxnet, sequence: 0, data: [] })
    await service.db.execute(`UPDATE hypervisor SET facts = '{"interfaces":["eth1"]}'`)
    const pool = await aPool(service)
    const eip = (await service.call('POST', '/v1/elastic-ips', { pool_id: pool.id, name: 'e' })).body.id
    const answer = await wire.ok('GetMonitor', ask({ resource: eip, meters: ['traffic', 'flow'] }))
    expect(answer.meter_set.map((meter: { data: unknown[] }) => meter.data)).toEqual([[], []])
  })
})

describe('refused is', () => {
  it.each(['resource', 'meters', 'step', 'start_time', 'end_time'])('a request without %s: 1100', async (name) => {
    await wire.refused(1100, 'GetMonitor', ask({ [name]: undefined }))
    await wire.refused(1100, 'GetMonitor', ask({ [name]: '' }))
  })

  it.each([
    [1101, { step: '10m' }],
    [1101, { start_time: text(10), end_time: text(5) }],
    [1101, { start_time: text(-60 * 24 * 15) }],
    [1101, { meters: ['traffic'] }],
    [1101, { meters: ['vxnet-0'] }],
    [1101, { meters: ['if-'] }],
    [1101, { meters: Array.from({ length: 201 }, (_, n) => `disk-${n}`) }],
    [1100, { start_time: '2026-01-02T03:04:05' }],
    [1100, { end_time: '2026-13-02T03:04:05Z' }],
    [1100, { start_time: '1' }],
    [2100, { resource: 'i-0000000000' }],
    [2100, { resource: 'rtr-0000000000', meters: ['vxnet-0'] }],
    [2100, { resource: 'eip-0000000000', meters: ['traffic'] }],
    [2100, { resource: 'vol-umyf1cy2', meters: ['read'] }],
    [2100, { resource: "i-'; DROP TABLE nic" }],
  ])('%i for %j', async (retCode, over) => {
    await wire.refused(retCode, 'GetMonitor', ask(over))
  })

  it('longer steps of longer ago are not', async () => {
    const { meter_set } = await wire.ok('GetMonitor', ask({ step: '2h', start_time: '2000-01-01T00:00:00Z' }))
    expect(meter_set[0].data.length).toBeGreaterThan(0)
  })

  it('what is of another project: 2100', async () => {
    const stranger = await aWireClient(service, { projectId: await service.aProject() })
    const { message } = await stranger.refused(2100, 'GetMonitor', ask())
    expect(message).toBe(`ResourceNotFound, instance [${instance}] not found`)
    await stranger.refused(2100, 'GetMonitor', ask({ resource: router, meters: ['vxnet-0'] }))
  })

  it('the router of the basic vxnet, which there is none of on the wire: 2100', async () => {
    const { id } = await aVpc(service)
    await service.db.execute(`UPDATE vpc SET is_basic = true WHERE id = '${id}'`)
    await wire.refused(2100, 'GetMonitor', ask({ resource: id.replace('vpc-', 'rtr-'), meters: ['vxnet-0'] }))
  })
})

it('an empty meter is empty', () => {
  expect(compressed([], 300)).toEqual([])
})
