/** Snapshots of security groups, and IP sets, over the wire. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { aService, type Service } from '../../support/a-service.ts'
import { aWireClient, type WireClient } from '../../support/a-wire-client.ts'

let service: Service
let wire: WireClient
beforeAll(async () => {
  service = await aService()
  wire = await aWireClient(service)
})
afterAll(() => service.close())

const TIME = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
const aGroup = async (): Promise<string> =>
  (await wire.ok('CreateSecurityGroup', { security_group_name: 'g' })).security_group_id
const add = (security_group: string, val1: number, over: Record<string, string> = {}) =>
  wire.ok('AddSecurityGroupRules', { security_group, rules: [{ protocol: 'tcp', priority: 1, val1, ...over }] })
const ports = async (security_group: string): Promise<string[]> =>
  (await wire.ok('DescribeSecurityGroupRules', { security_group, direction: 0 })).security_group_rule_set.map(
    (one: { val1: string }) => one.val1,
  )
const take = async (security_group: string, name = 's'): Promise<string> =>
  (await wire.ok('CreateSecurityGroupSnapshot', { security_group, name })).security_group_snapshot_id

describe('a snapshot', () => {
  it('has the rules of its group, and brings them back; they wait to be applied', async () => {
    const group = await aGroup()
    await add(group, 22, { security_group_rule_name: 'ssh', val3: '10.0.0.0/8' })
    const id = await take(group, 'before')
    await wire.ok('ApplySecurityGroup', { security_group: group })
    await add(group, 80)
    const answer = await wire.ok('DescribeSecurityGroupSnapshots', { security_group: group })
    expect(answer).toMatchObject({ total_count: 1 })
    expect(answer.security_group_snapshot_set[0]).toMatchObject({
      security_group_snapshot_id: id,
      security_group_snapshot_name: 'before',
      group_id: group,
      create_time: TIME,
    })
    expect(answer.security_group_snapshot_set[0].rules[1]).toEqual({
      security_group_id: group,
      security_group_rule_name: 'ssh',
      protocol: 'tcp',
      priority: 1,
      action: 'accept',
      direction: 0,
      val1: '22',
      val2: '', // as it was written
      val3: '10.0.0.0/8',
    })
    await wire.ok('ApplySecurityGroup', { security_group: group })
    const back = { security_group: group, security_group_snapshot: id }
    expect(await wire.ok('RollbackSecurityGroup', back)).toMatchObject({
      security_group_id: group,
      security_group_snapshot_id: id,
    })
    expect(await ports(group)).toEqual(['22'])
    const { security_group_set } = await wire.ok('DescribeSecurityGroups', { security_groups: [group] })
    expect(security_group_set[0].is_applied).toBe(0)
  })

  it('is of one group, in the order asked for, and goes with it', async () => {
    const [group, other] = [await aGroup(), await aGroup()]
    const [a, b] = [await take(group), await take(group)]
    const ids = async (over: object) =>
      (
        await wire.ok('DescribeSecurityGroupSnapshots', { security_group: group, ...over })
      ).security_group_snapshot_set.map((one: { security_group_snapshot_id: string }) => one.security_group_snapshot_id)
    expect(await ids({})).toEqual([b, a])
    expect(await ids({ reverse: 0 })).toEqual([a, b])
    expect(await ids({ security_group_snapshots: [a] })).toEqual([a])
    expect(await ids({ security_group: other })).toEqual([])
    const { message } = await wire.refused(2100, 'RollbackSecurityGroup', {
      security_group: other,
      security_group_snapshot: a,
    })
    expect(message).toBe(`ResourceNotFound, security group snapshot [${a}] not found`)
    await wire.refused(2100, 'DeleteSecurityGroupSnapshots', { security_group_snapshots: [a, 'sgs-00000000'] })
    await wire.ok('DeleteSecurityGroupSnapshots', { security_group_snapshots: [a] })
    expect(await ids({})).toEqual([b])
    await wire.ok('DeleteSecurityGroups', { security_groups: [group] })
    expect(await ids({})).toEqual([])
  })

  it('that names a group that is gone brings nothing back', async () => {
    const [group, named] = [await aGroup(), await aGroup()]
    await add(group, 22, { val3: named })
    const id = await take(group)
    await wire.ok('DeleteSecurityGroupRules', {
      security_group_rules: (
        await wire.ok('DescribeSecurityGroupRules', { security_group: group, direction: 0 })
      ).security_group_rule_set.map((one: { security_group_rule_id: string }) => one.security_group_rule_id),
    })
    await wire.ok('ApplySecurityGroup', { security_group: group })
    await wire.ok('DeleteSecurityGroups', { security_groups: [named] })
    await add(group, 80)
    await wire.refused(2100, 'RollbackSecurityGroup', { security_group: group, security_group_snapshot: id })
    expect(await ports(group)).toEqual(['80'])
  })

  it('is no business of another project', async () => {
    const stranger = await aWireClient(service, { projectId: await service.aProject() })
    const group = await aGroup()
    const id = await take(group)
    await stranger.refused(2100, 'CreateSecurityGroupSnapshot', { security_group: group })
    await stranger.refused(2100, 'DeleteSecurityGroupSnapshots', { security_group_snapshots: [id] })
    await stranger.refused(2100, 'RollbackSecurityGroup', { security_group: group, security_group_snapshot: id })
    expect((await stranger.ok('DescribeSecurityGroupSnapshots', { security_group: group })).total_count).toBe(0)
  })
})

describe('an IP set', () => {
  it('is made, found, changed, applied and deleted', async () => {
    const set = (ipset_type: number, val: string) => ({ ipset_type, val, security_group_ipset_name: `set ${val}` })
    const made = async (type: number, val: string): Promise<string> =>
      (await wire.ok('CreateSecurityGroupIPSet', set(type, val))).security_group_ipset_id
    const [addresses, ports] = [await made(0, '192.168.1.0/24,10.0.0.1'), await made(1, '80,10000-15000')]
    const found = async (query: object) =>
      (await wire.ok('DescribeSecurityGroupIPSets', { ...query })).security_group_ipset_set
    expect(await found({ ipset_type: 0 })).toEqual([
      {
        security_group_ipset_id: addresses,
        security_group_ipset_name: 'set 192.168.1.0/24,10.0.0.1',
        description: '',
        ipset_type: 0,
        val: '192.168.1.0/24,10.0.0.1',
        create_time: TIME,
      },
    ])
    expect(await found({})).toHaveLength(2)
    expect(await found({ security_group_ipset_name: 'set 80,10000-15000' })).toHaveLength(1)
    await wire.ok('ModifySecurityGroupIPSetAttributes', { security_group_ipset: ports, val: '81', description: 'd' })
    expect(await found({ security_group_ipsets: [ports] })).toMatchObject([{ val: '81', description: 'd' }])
    await wire.refused(1101, 'ModifySecurityGroupIPSetAttributes', { security_group_ipset: ports, val: '10.0.0.1' })
    const { job_id } = await wire.ok('ApplySecurityGroupIPSets', { security_group_ipsets: [ports, addresses] })
    expect((await wire.ok('DescribeJobs', { jobs: [job_id] })).job_set[0].status).toBe('successful')
    await wire.refused(2100, 'DeleteSecurityGroupIPSets', { security_group_ipsets: [ports, 'sgi-00000000'] })
    await wire.ok('DeleteSecurityGroupIPSets', { security_group_ipsets: [ports, addresses] })
    expect(await found({})).toEqual([])
  })

  it.each([
    [1100, { val: '80' }],
    [1100, { ipset_type: 1 }],
    [1101, { ipset_type: 2, val: '80' }],
    [1101, { ipset_type: 1, val: '90-80' }],
    [1101, { ipset_type: 1, val: '0' }],
    [1101, { ipset_type: 0, val: '80' }],
    [1101, { ipset_type: 0, val: '10.0.0.1/8' }],
  ])('is refused with %i for %j', async (code, parameters) => {
    await wire.refused(code, 'CreateSecurityGroupIPSet', parameters as Record<string, string | number>)
  })
})
