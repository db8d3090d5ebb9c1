/** Many callers of the wire at once: exactly as many succeed as there is room for, and the others are told why not. */
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { aService, HYPERVISOR, type Service } from '../../support/a-service.ts'
import { aWireClient, type WireAnswer, type WireClient, type WireParameters } from '../../support/a-wire-client.ts'
import { aHypervisor, aPool, finish } from '../../support/builders.ts'

let service: Service
beforeAll(async () => {
  service = await aService()
  await aHypervisor(service, HYPERVISOR, ['eth1'])
  await aPool(service)
})
afterAll(() => service.close())

/** Of a project that has nothing yet. */
let wire: WireClient
beforeEach(async () => {
  wire = await aWireClient(service, { projectId: await service.aProject() })
})

const CALLERS = 64
type Ask = readonly [action: string, WireParameters]

/** Asks from 64 callers at once. @returns those that succeeded, and how often it was refused with which code. */
async function race(ask: (caller: number) => Ask): Promise<{ ok: WireAnswer[]; refused: Record<number, number> }> {
  const answers = await Promise.all(Array.from({ length: CALLERS }, (_, caller) => wire.send(...ask(caller))))
  const refused: Record<number, number> = {}
  for (const { ret_code } of answers) if (ret_code !== 0) refused[ret_code] = (refused[ret_code] ?? 0) + 1
  return { ok: answers.filter(({ ret_code }) => ret_code === 0), refused }
}

async function aRouter(count: number): Promise<{ router: string; vxnets: string[] }> {
  const [router] = (await wire.ok('CreateRouters')).routers
  const { vxnets } = await wire.ok('CreateVxnets', { vxnet_type: 1, count })
  for (const [at, vxnet] of vxnets.entries())
    await wire.ok('JoinRouter', { router, vxnet, ip_network: `192.168.${at + 1}.0/24` })
  return { router, vxnets }
}

async function run(count: number, vxnets: string[] = []): Promise<string[]> {
  const { instances, job_id } = await wire.ok('RunInstances', { image_id: 'img-ours', count, vxnets })
  const { rows } = await service.db.execute<{ id: string }>(
    sql`SELECT id FROM job WHERE ${job_id} IN (id, parent_id) AND hypervisor_id IS NOT NULL`,
  )
  for (const { id } of rows) await finish(service, id)
  return instances
}

const countOf = async (action: string, parameters: WireParameters): Promise<number> =>
  (await wire.ok(action, { ...parameters, limit: 1 })).total_count
const rotated = <T>(items: readonly T[], by: number): T[] => [...items.slice(by), ...items.slice(0, by)]

describe('addresses', () => {
  it('a vxnet gets 252 NICs, with or without address, however many ask and beside however many VIPs', async () => {
    const [vxnet = ''] = (await aRouter(1)).vxnets
    const { ok, refused } = await race((n) =>
      n % 4 === 0
        ? ['AllocateVips', { vxnet_id: vxnet, count: 3 }]
        : ['CreateNics', { vxnet, count: 6, disable_ip: n % 2 }],
    )
    expect(await countOf('DescribeNics', { vxnets: [vxnet] })).toBe(252)
    expect(ok.filter(({ nics }) => nics)).toHaveLength(42)
    expect(refused).toEqual({ 2500: 6 })
    const { nic_set: nics } = await wire.ok('DescribeNics', { vxnets: [vxnet], limit: 253 })
    const { vip_set: vips } = await wire.ok('DescribeVips', { vxnets: [vxnet], limit: 253 })
    const addresses = [...nics.map((nic: WireAnswer) => nic.private_ip), ...vips.map((vip: WireAnswer) => vip.vip_addr)]
    const given = addresses.filter((address) => address !== '')
    expect(new Set(given).size).toBe(given.length)
  })

  it('VIPs and NICs share the last 16 addresses: 16 get one', async () => {
    const [vxnet = ''] = (await aRouter(1)).vxnets
    await wire.ok('AllocateVips', { vxnet_id: vxnet, count: 236 })
    const { ok, refused } = await race((n) =>
      n % 2 ? ['AllocateVips', { vxnet_id: vxnet }] : ['CreateNics', { vxnet }],
    )
    expect(ok).toHaveLength(16)
    expect(refused).toEqual({ 2500: 48 })
  })

  it('the basic vxnet has room for all, from the first moment on and beyond 252', async () => {
    const first = await race(() => ['RunInstances', { image_id: 'img-ours', vxnets: ['vxnet-0'], count: 2 }])
    expect(first.refused).toEqual({})
    const more = await race(() => ['CreateNics', { vxnet: 'vxnet-0', count: 3 }])
    expect(more.refused).toEqual({})
    await wire.ok('CreateNics', { vxnet: 'vxnet-0', count: 250 })
    expect(await countOf('DescribeNics', { vxnets: ['vxnet-0'] })).toBe(CALLERS * 5 + 250)
  })

  it('NICs that change places with each other all arrive', async () => {
    const [one = '', two = ''] = (await aRouter(2)).vxnets
    const make = async (vxnet: string): Promise<string[]> =>
      (await wire.ok('CreateNics', { vxnet, count: CALLERS / 2 })).nics.map((nic: WireAnswer) => nic.nic_id)
    const nics = [...(await make(one)), ...(await make(two))]
    const { refused } = await race((n) => ['ModifyNicAttributes', { nic: nics[n], vxnet: n < CALLERS / 2 ? two : one }])
    expect(refused).toEqual({})
    expect(await countOf('DescribeNics', { vxnets: [one] })).toBe(CALLERS / 2)
  })
})

describe('instances', () => {
  it('one that is put into two vxnets joins one of them, by one job', async () => {
    const { vxnets } = await aRouter(2)
    const instances = await run(1)
    const { ok, refused } = await race((n) => ['JoinVxnet', { vxnet: vxnets[n % 2], instances }])
    expect(new Set(ok.map(({ job_id }) => job_id)).size).toBe(1)
    expect(refused).toEqual({ 1400: CALLERS - ok.length })
    expect(await countOf('DescribeNics', { instances })).toBe(1)
  })

  it('a NIC that is attached to two goes to one of them, by one job', async () => {
    const [vxnet = ''] = (await aRouter(1)).vxnets
    const instances = await run(2)
    const [{ nic_id }] = (await wire.ok('CreateNics', { vxnet })).nics
    const { ok, refused } = await race((n) => ['AttachNics', { nics: [nic_id], instance: instances[n % 2] }])
    expect(new Set(ok.map(({ job_id }) => job_id)).size).toBe(1)
    expect(refused).toEqual({ 1400: CALLERS / 2 })
  })

  it('the same ones in other orders are stopped by one job, or restarted by one', async () => {
    const instances = await run(6)
    const { ok, refused } = await race((n) => [
      n % 2 ? 'StopInstances' : 'RestartInstances',
      { instances: rotated(instances, n % 6).slice(0, n % 3 === 0 ? 6 : 4) },
    ])
    expect(ok.length).toBeGreaterThan(0)
    expect(refused).toEqual({ 1400: CALLERS - ok.length })
    const { rows } = await service.db.execute<{ n: number }>(
      sql`SELECT count(*)::int AS n FROM job WHERE server_id = ANY (${sql.param(instances)}) AND finished_at IS NULL GROUP BY server_id`,
    )
    expect(rows.every(({ n }) => n === 1)).toBe(true)
  })

  it('one has at most one eip, and what is terminated meanwhile has none that is not let go', async () => {
    const [vxnet = ''] = (await aRouter(1)).vxnets
    const instances = await run(4, [vxnet])
    const { eips } = await wire.ok('AllocateEips', { bandwidth: 1, count: 8 })
    const { ok, refused } = await race((n) =>
      n % 16 === 15
        ? ['TerminateInstances', { instances: rotated(instances, n % 4).slice(0, 2) }]
        : ['AssociateEip', { eip: eips[n % 8], instance: instances[(n >> 3) % 4] }],
    )
    expect(refused).toEqual({ 1400: CALLERS - ok.length })
    const { eip_set: shown } = await wire.ok('DescribeEips', { eips })
    const held = shown.flatMap(({ resource }: WireAnswer) => resource.resource_id ?? [])
    expect(new Set(held).size).toBe(held.length)
  })
})

describe('routers', () => {
  it('one of many gets an eip that nobody has', async () => {
    const { routers } = await wire.ok('CreateRouters', { count: 8 })
    const [eip] = (await wire.ok('AllocateEips', { bandwidth: 1 })).eips
    const { ok, refused } = await race((n) => ['ModifyRouterAttributes', { router: routers[n % 8], eip }])
    expect(ok).toHaveLength(CALLERS / 8)
    expect(refused).toEqual({ 1400: CALLERS - CALLERS / 8 })
  })

  it('nothing joins one that is deleted, and none is deleted that something has joined', async () => {
    const { routers } = await wire.ok('CreateRouters', { count: 4, vpc_network: '172.16.0.0/16' })
    const { vxnets } = await wire.ok('CreateVxnets', { vxnet_type: 1, count: 16 })
    const { ok, refused } = await race((n) => {
      if (n % 4 === 3) return ['DeleteRouters', { routers: rotated<string>(routers, n >> 2).slice(0, 2) }]
      if (n % 4 === 2)
        return ['LeaveRouter', { router: routers[n % 3], vxnets: [vxnets[n % 16], vxnets[(n + 3) % 16]] }]
      return [
        'JoinRouter',
        { router: routers[n % 4], vxnet: vxnets[n % 16], ip_network: `172.16.${(n % 16) + 1}.0/24` },
      ]
    })
    expect(ok.length).toBeGreaterThan(0)
    expect(Object.keys(refused).filter((code) => !['1400', '2100', '2110'].includes(code))).toEqual([])
    const { rows } = await service.db.execute(
      sql`SELECT n.id FROM network n JOIN vpc v ON v.id = n.vpc_id WHERE v.deleted_at IS NOT NULL`,
    )
    expect(rows).toEqual([])
  })
})

describe('rules', () => {
  it('are added, deleted and applied by many, and then all is as it was said last', async () => {
    const instances = await run(3, (await aRouter(1)).vxnets)
    const { security_group_id: group } = await wire.ok('CreateSecurityGroup')
    const rules = Array.from({ length: 32 }, () => ({ protocol: 'tcp', priority: 1 }))
    const { security_group_rules: ids } = await wire.ok('AddSecurityGroupRules', { security_group: group, rules })
    const before = await countOf('DescribeSecurityGroupRules', { security_group: group })
    const { ok, refused } = await race((n) => {
      const order = rotated(instances, n % 3)
      if (n % 4 === 0)
        return ['AddSecurityGroupRules', { security_group: group, rules: [{ protocol: 'udp', priority: 2 }] }]
      if (n % 4 === 1) return ['ApplySecurityGroup', { security_group: group, instances: order }]
      if (n % 4 === 2) return ['RemoveSecurityGroup', { instances: order }]
      return ['DeleteSecurityGroupRules', { security_group_rules: [ids[n >> 2], ids[(n >> 2) + 16]] }]
    })
    expect(ok).toHaveLength(CALLERS)
    expect(refused).toEqual({})
    expect(await countOf('DescribeSecurityGroupRules', { security_group: group })).toBe(before - 32 + 16)
    await wire.ok('ApplySecurityGroup', { security_group: group })
    const [shown] = (await wire.ok('DescribeSecurityGroups', { security_groups: [group] })).security_group_set
    expect(shown.is_applied).toBe(1)
  })
})
