/** Quotas and limits of the wire, and what this service has none of. Zones and access keys are in `wire.test.ts`. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { aService, type Service } from '../../support/a-service.ts'
import { aWireClient, type WireClient } from '../../support/a-wire-client.ts'
import { aPool } from '../../support/builders.ts'

let service: Service
let wire: WireClient
beforeAll(async () => {
  service = await aService()
  wire = await aWireClient(service)
})
afterAll(() => service.close())

const UNLIMITED = 2_147_483_647

describe('GetQuotaLeft', () => {
  it('is the free addresses of all pools for eips', async () => {
    const left = async () =>
      (await wire.ok('GetQuotaLeft', { zone: 'zone-test', resource_types: ['eip'] })).quota_left_set
    expect(await left()).toEqual([{ resource_type: 'eip', left: 0 }])
    await service.db.execute(`UPDATE hypervisor SET facts = '{"interfaces":["eth1"]}'`)
    const pool = await aPool(service)
    await aPool(service)
    expect(await left()).toEqual([{ resource_type: 'eip', left: 2 * 241 }])
    expect((await service.call('POST', '/v1/elastic-ips', { pool_id: pool.id, name: 'e' })).status).toBe(201)
    expect(await left()).toEqual([{ resource_type: 'eip', left: 2 * 241 - 1 }])
  })

  it('is no limit for all else, in the order asked for, each once', async () => {
    const { quota_left_set } = await wire.ok('GetQuotaLeft', { resource_types: ['vxnet', 'nic', 'vxnet'] })
    expect(quota_left_set).toEqual([
      { resource_type: 'vxnet', left: UNLIMITED },
      { resource_type: 'nic', left: UNLIMITED },
    ])
    expect((await wire.ok('GetQuotaLeft', { resource_types: 'router' })).quota_left_set).toHaveLength(1)
  })

  it('is of every type when none is named, and refuses one that is none: 1101', async () => {
    const { quota_left_set } = await wire.ok('GetQuotaLeft', { zone: 'zone-test' })
    expect(quota_left_set.map((one: { resource_type: string }) => one.resource_type)).toEqual(
      expect.arrayContaining(['instance', 'nic', 'vxnet', 'router', 'eip', 'security_group', 'keypair', 'tag']),
    )
    for (const { left } of quota_left_set) expect(Number.isInteger(left)).toBe(true)
    await wire.refused(1101, 'GetQuotaLeft', { resource_types: ['nic', 'spaceship'] })
  })
})

describe('GetResourceLimit', () => {
  it('names the limits that hold, as whole numbers', async () => {
    const { action, ret_code, ...rest } = await wire.ok('GetResourceLimit', { zone: 'zone-test', volume_type: 0 })
    expect([action, ret_code]).toEqual(['GetResourceLimitResponse', 0])
    expect(rest).toEqual({
      resource_limits: expect.objectContaining({
        max_nic_per_instance: 64,
        max_router_vxnets: 254,
        max_security_group_rules: 1000,
        max_eip_bandwidth: 100_000,
        max_instance_count: UNLIMITED,
        max_volume_count: 0,
        max_eip_count: expect.any(Number),
      }),
      vxnet_subnets: [],
      vxnet_version: 1,
      'min-size': 0,
      'max-size': 0,
      step: 0,
    })
    for (const limit of Object.values(rest.resource_limits).flat()) expect(Number.isInteger(limit)).toBe(true)
    await wire.refused(1100, 'GetResourceLimit', { volume_type: 'fast' })
  })
})

describe('clusters and volumes', () => {
  it.each([
    ['DescribeClusters', 'cluster_set', { clusters: ['cl-ns8bix0q'] }],
    ['DescribeClusterNodes', 'node_set', { cluster: 'cl-ns8bix0q', limit: 20, offset: 0 }],
    ['DescribeVolumes', 'volume_set', { volumes: ['vol-umyf1cy2'], verbose: 0 }],
  ])('%s finds none', async (action, set, parameters) => {
    expect(await wire.ok(action, parameters)).toEqual({
      action: `${action}Response`,
      ret_code: 0,
      [set]: [],
      total_count: 0,
    })
    await wire.refused(1101, action, { limit: -1 })
  })

  it.each(['AttachVolumes', 'DetachVolumes'])('%s: no volume is there', async (action) => {
    const parameters = { volumes: ['vol-umyf1cy2'], instance: 'i-ets7af6q' }
    const { message } = await wire.refused(2100, action, parameters)
    expect(message).toBe('ResourceNotFound, volume [vol-umyf1cy2] not found')
    await wire.refused(1100, action, { instance: 'i-ets7af6q' })
    await wire.refused(1100, action, { volumes: ['vol-umyf1cy2'] })
    const reader = await aWireClient(service, { role: 'reader' })
    await reader.refused(1400, action, parameters)
  })
})
