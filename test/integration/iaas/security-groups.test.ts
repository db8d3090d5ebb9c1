/** Security groups and their rules over the wire: changes wait until the group is applied. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { transaction } from '../../../src/db/client.ts'
import { registerHypervisor } from '../../../src/domain/hypervisor/hypervisors.ts'
import { type Answer, aService, HYPERVISOR, type Service } from '../../support/a-service.ts'
import { aWireClient, type WireClient, type WireParameters } from '../../support/a-wire-client.ts'
import { aNetwork, aServer, aVpc, finish } from '../../support/builders.ts'

let service: Service
let wire: WireClient
beforeAll(async () => {
  service = await aService()
  wire = await aWireClient(service)
})
afterAll(() => service.close())

const OTHER = 'hv-other'
const defaultGroup = () => `sg-${service.projectId.slice(4)}`
const aGroup = async (security_group_name = 'web'): Promise<string> =>
  (await wire.ok('CreateSecurityGroup', { security_group_name })).security_group_id
const group = async (id: string) =>
  (await wire.ok('DescribeSecurityGroups', { security_groups: [id], verbose: 1 })).security_group_set[0]
type Rule = Record<string, string | number>
const SSH: Rule = { protocol: 'tcp', priority: 1, val1: 22, val2: 22 }
const add = async (security_group: string, ...rules: Rule[]): Promise<string[]> =>
  (await wire.ok('AddSecurityGroupRules', { security_group, rules })).security_group_rules
const rulesOf = async (security_group: string, over: WireParameters = {}) =>
  (await wire.ok('DescribeSecurityGroupRules', { security_group, ...over })).security_group_rule_set
const ruleNamed = async (id: string) =>
  (await wire.ok('DescribeSecurityGroupRules', { security_group_rules: [id] })).security_group_rule_set[0]
const apply = async (security_group: string, instances?: string[]): Promise<string> =>
  (await wire.ok('ApplySecurityGroup', { security_group, ...(instances ? { instances } : {}) })).job_id
const jobOf = async (id: string) => (await service.call('GET', `/v1/jobs/${id}`)).body
/** What the hypervisor is told to enforce for a group: protocol and first port of the rules from anyone. */
async function enforced(id: string): Promise<[protocol: string, port: number | null, remote: string | null][]> {
  const { groups } = (await service.asWorker('GET', '/desired-state')).body
  const known = groups.find((one: { id: string }) => one.id === id)
  return known.rules.map((one: Answer['body']) => [one.protocol, one.port_first, one.remote_group_id])
}
const generationOf = async (id: string): Promise<number> => {
  const { groups } = (await service.asWorker('GET', '/desired-state')).body
  return groups.find((one: { id: string }) => one.id === id).generation
}
/** A running server whose primary NIC is in a network of its own. */
const aMachine = async (over: object = {}) => aServer(service, { network_id: (await aNetwork(service)).id, ...over })
const nicOf = async (serverId: string) => (await service.call('GET', `/v1/nics?server_id=${serverId}`)).body.items[0]

const ALL_OUT = ['all', null, null]

describe('a security group', () => {
  it('is made applied, and described in full', async () => {
    const id = await aGroup('mine')
    const owner = service.projectId.replace('prj-', 'usr-')
    expect(await wire.ok('DescribeSecurityGroups', { security_groups: [id], verbose: 0 })).toEqual({
      action: 'DescribeSecurityGroupsResponse',
      ret_code: 0,
      total_count: 1,
      security_group_set: [
        {
          security_group_id: id,
          security_group_name: 'mine',
          description: '',
          is_applied: 1,
          is_default: 0,
          resources: [],
          tags: [],
          owner,
          root_user_id: owner,
          create_time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
        },
      ],
    })
    expect(await group(defaultGroup())).toMatchObject({ is_default: 1, is_applied: 1, security_group_name: 'default' })
  })

  it('is found by id, a part of its name, or all of it; what is not there is an empty set', async () => {
    const [a, b] = [await aGroup('Haystack one'), await aGroup('haystack two')]
    const ids = async (query: WireParameters) =>
      (await wire.ok('DescribeSecurityGroups', query)).security_group_set.map(
        (one: { security_group_id: string }) => one.security_group_id,
      )
    expect(await ids({ search_word: 'haystack' })).toEqual([b, a])
    expect(await ids({ search_word: a })).toEqual([a])
    expect(await ids({ security_group_name: 'haystack two' })).toEqual([b])
    expect(await ids({ security_group_name: 'haystack' })).toEqual([])
    expect(await wire.ok('DescribeSecurityGroups', { search_word: 'haystack', limit: 1 })).toMatchObject({
      total_count: 2,
      security_group_set: [{ security_group_id: b }],
    })
    expect(await wire.ok('DescribeSecurityGroups', { security_groups: ['security_group_id'] })).toMatchObject({
      total_count: 0,
      security_group_set: [],
    })
  })

  it('is changed by what is given, and cleared by what is empty', async () => {
    const security_group = await aGroup()
    const modify = (over: WireParameters) => wire.ok('ModifySecurityGroupAttributes', { security_group, ...over })
    expect(await modify({ security_group_name: 'new', description: 'd' })).toMatchObject({
      security_group_id: security_group,
    })
    await modify({ description: '' })
    expect(await group(security_group)).toMatchObject({ security_group_name: 'new', description: '' })
    await wire.refused(2100, 'ModifySecurityGroupAttributes', { security_group: 'sg-00000000', description: 'x' })
    await wire.refused(1100, 'ModifySecurityGroupAttributes', { description: 'x' })
  })

  it('is deleted when nothing uses it; who does is named: 1400', async () => {
    const [used, routed, naming, free] = [await aGroup(), await aGroup(), await aGroup(), await aGroup()]
    const nic = await nicOf((await aMachine({ security_group_ids: [used] })).id)
    const vpc = await aVpc(service)
    await service.db.$client.query('UPDATE vpc SET security_group_id = $2 WHERE id = $1', [vpc.id, routed])
    await add(naming, { ...SSH, val3: routed })
    const refused = async (...security_groups: string[]) =>
      (await wire.refused(1400, 'DeleteSecurityGroups', { security_groups })).message
    expect(await refused(free, used)).toBe(`PermissionDenied, security group [${used}] has 1 nic in it ([${nic.id}])`)
    expect(await refused(routed)).toBe(
      `PermissionDenied, security group [${routed}] has 1 router in it ([${vpc.id.replace('vpc-', 'rtr-')}]), and 1 rules of other groups that name it`,
    )
    await refused(defaultGroup())
    expect((await group(free)).security_group_id).toBe(free)
    expect(await wire.ok('DeleteSecurityGroups', { security_groups: [naming, free] })).toMatchObject({
      security_groups: [naming, free],
    })
    expect((await wire.ok('DescribeSecurityGroups', { security_groups: [naming, free] })).total_count).toBe(0)
    const { message } = await wire.refused(2100, 'DeleteSecurityGroups', { security_groups: [free] })
    expect(message).toBe(`ResourceNotFound, security group [${free}] not found`)
  })

  it('is not deleted while rules that wait to go still name it', async () => {
    const [named, naming] = [await aGroup(), await aGroup()]
    const ids = await add(naming, { ...SSH, val3: named })
    await apply(naming)
    await wire.ok('DeleteSecurityGroupRules', { security_group_rules: ids })
    await wire.refused(1400, 'DeleteSecurityGroups', { security_groups: [named] })
    await apply(naming)
    await wire.ok('DeleteSecurityGroups', { security_groups: [named] })
  })

  it('tells who uses it when asked: instances by their primary NIC, and routers', async () => {
    const id = await aGroup()
    const [primary, secondary] = [await aMachine({ security_group_ids: [id] }), await aMachine()]
    const nic = (await service.call('POST', '/v1/nics', { network_id: (await aNetwork(service)).id })).body
    await service.call('PUT', `/v1/nics/${nic.id}/security-groups`, { security_group_ids: [id] })
    await finish(
      service,
      (await service.call('POST', `/v1/nics/${nic.id}/attach`, { server_id: secondary.id })).body.id,
    )
    const vpc = await aVpc(service)
    await service.db.$client.query('UPDATE vpc SET security_group_id = $2 WHERE id = $1', [vpc.id, id])
    expect((await group(id)).resources).toEqual([
      { resource_id: primary.id, resource_name: primary.name, resource_type: 'instance' },
      { resource_id: vpc.id.replace('vpc-', 'rtr-'), resource_name: vpc.name, resource_type: 'router' },
    ])
    const ofDefault = (await group(defaultGroup())).resources.map((one: { resource_id: string }) => one.resource_id)
    expect(ofDefault).toContain(secondary.id)
    expect(ofDefault).not.toContain(primary.id)
    const { security_group_set } = await wire.ok('DescribeSecurityGroups', { security_groups: [id] })
    expect(security_group_set[0].resources).toEqual([])
  })

  it('of another project looks absent', async () => {
    const stranger = await aWireClient(service, { projectId: await service.aProject() })
    const id = await aGroup()
    const [rule] = await add(id, SSH)
    expect((await stranger.ok('DescribeSecurityGroups', { security_groups: [id] })).total_count).toBe(0)
    expect((await stranger.ok('DescribeSecurityGroupRules', { security_group: id })).total_count).toBe(0)
    for (const [action, parameters] of [
      ['ModifySecurityGroupAttributes', { security_group: id, description: 'x' }],
      ['DeleteSecurityGroups', { security_groups: [id] }],
      ['ApplySecurityGroup', { security_group: id }],
      ['AddSecurityGroupRules', { security_group: id, rules: [SSH] }],
      ['ModifySecurityGroupRuleAttributes', { security_group_rule: rule, priority: 3 }],
      ['DeleteSecurityGroupRules', { security_group_rules: [rule ?? ''] }],
    ] as const) {
      await stranger.refused(2100, action, parameters)
    }
  })
})

describe('rules', () => {
  it('are described with every field, as strings and whole numbers', async () => {
    const [id, remote] = [await aGroup(), await aGroup()]
    const ids = await add(
      id,
      { protocol: 'tcp', priority: 0, action: 'accept', direction: 0, val1: 80, val2: 90, val3: '10.0.0.0/8' },
      { protocol: 'udp', priority: 100, action: 'drop', direction: 1, security_group_rule_name: 'no dns', val1: 53 },
      { protocol: 'icmp', priority: 2, val1: 8, val2: 0, val3: '10.1.2.3' },
      { protocol: 'all', priority: 3, val3: remote, val1: '', security_group_rule_id: '' },
      { protocol: 'gre', priority: 4, val3: 'fd00::/8' },
    )
    const shown = await Promise.all(ids.map(ruleNamed))
    const row = (one: Answer['body']) => [
      ...[one.security_group_rule_name, one.protocol, one.priority, one.action, one.direction],
      ...[one.val1, one.val2, one.val3],
    ]
    expect(shown.map(row)).toEqual([
      ['', 'tcp', 0, 'accept', 0, '80', '90', '10.0.0.0/8'],
      ['no dns', 'udp', 100, 'drop', 1, '53', '', ''],
      ['', 'icmp', 2, 'accept', 0, '8', '0', '10.1.2.3'],
      ['', 'all', 3, 'accept', 0, '', '', remote],
      ['', 'gre', 4, 'accept', 0, '', '', 'fd00::/8'],
    ])
    expect(shown[0]).toMatchObject({ security_group_id: id, security_group_rule_id: ids[0], disabled: 0 })
  })

  it('are found by group, id and direction; both directions when none is asked for', async () => {
    const id = await aGroup()
    const [into, out] = await add(id, SSH, { ...SSH, direction: 1 })
    const ids = async (over: WireParameters) =>
      (await rulesOf(id, over)).map((one: Answer['body']) => one.security_group_rule_id)
    const [allOut] = (await ids({})).slice(2)
    expect(await ids({})).toEqual([out, into, allOut])
    expect(await ids({ direction: 0 })).toEqual([into])
    expect(await ids({ direction: 1, limit: 20, offset: 0 })).toEqual([out, allOut])
    expect(await ids({ offset: 1, limit: 1 })).toEqual([into])
    expect(await wire.ok('DescribeSecurityGroupRules', { security_group: 'sg-00000000' })).toMatchObject({
      security_group_rule_set: [],
      total_count: 0,
    })
    await wire.refused(1101, 'DescribeSecurityGroupRules', { direction: 2 })
  })

  it.each([
    [1100, { priority: 1 }, 'parameter rules.1.protocol is required'],
    [1100, { protocol: 'tcp' }, 'parameter rules.1.priority is required'],
    [1101, { ...SSH, protocol: 'sctp' }, 'parameter rules.1.protocol must be one of'],
    [1101, { ...SSH, priority: 101 }, 'parameter rules.1.priority must be 0 to 100'],
    [1101, { ...SSH, direction: 2 }, 'parameter rules.1.direction must be 0 to 1'],
    [1101, { ...SSH, action: 'reject' }, 'parameter rules.1.action must be one of accept, drop'],
    [1101, { ...SSH, val1: 0 }, 'parameter rules.1.val1 must be 1 to 65535, or empty'],
    [1101, { ...SSH, val2: 'x' }, 'parameter rules.1.val2 must be 1 to 65535, or empty'],
    [1101, { ...SSH, val2: 21 }, 'parameter rules.1.val2 must not be less than rules.1.val1, which is 22'],
    [1101, { ...SSH, val1: '' }, 'parameter rules.1.val1 is required with rules.1.val2'],
    [1101, { protocol: 'icmp', priority: 1, val1: 256 }, 'parameter rules.1.val1 must be 0 to 255, or empty'],
    [1101, { protocol: 'gre', priority: 1, val1: 1 }, 'parameters rules.1.val1 and rules.1.val2 must be empty for gre'],
    [1101, { ...SSH, val3: '10.0.0.1/8' }, 'parameter rules.1.val3 must be a CIDR without host bits'],
    [1101, { ...SSH, val3: 'sgi-00000000' }, 'parameter rules.1.val3 must be a CIDR'],
    [1101, { protocol: 'icmp', priority: 1, val3: 'fd00::/8' }, 'parameter rules.1.val3 must be of IPv4'],
    [2100, { ...SSH, val3: 'sg-00000000' }, 'security group [sg-00000000] not found'],
  ])('that say nonsense are refused: %s %j', async (code, rule, message) => {
    const id = await aGroup()
    const refused = await wire.refused(code, 'AddSecurityGroupRules', { security_group: id, rules: [rule as Rule] })
    expect(refused.message).toContain(message)
    expect(await group(id)).toMatchObject({ is_applied: 1 })
    expect(await rulesOf(id)).toHaveLength(1)
  })

  it('need a group and at least one', async () => {
    await wire.refused(1100, 'AddSecurityGroupRules', { security_group: await aGroup() })
    await wire.refused(1100, 'AddSecurityGroupRules', { rules: [SSH] })
    const { message } = await wire.refused(2100, 'AddSecurityGroupRules', {
      security_group: 'security_group_id',
      rules: [SSH],
    })
    expect(message).toBe('ResourceNotFound, security group [security_group_id] not found')
  })

  it('are changed by what is given, by their own id; ports go with another protocol', async () => {
    const id = await aGroup()
    const [rule = ''] = await add(id, { ...SSH, val3: '10.0.0.0/8' })
    const modify = (over: WireParameters) =>
      wire.ok('ModifySecurityGroupRuleAttributes', { security_group_rule: rule, ...over })
    expect(await modify({ val1: 23, val2: 24, rule_action: 'drop' })).toMatchObject({ security_group_rule_id: rule })
    expect(await ruleNamed(rule)).toMatchObject({
      action: 'drop',
      protocol: 'tcp',
      val1: '23',
      val2: '24',
      val3: '10.0.0.0/8',
      priority: 1,
    })
    await modify({ val1: '', val2: '', val3: '', security_group_rule_name: 'n', priority: 9, direction: 1 })
    expect(await ruleNamed(rule)).toMatchObject({
      ...{ security_group_rule_name: 'n', priority: 9, direction: 1, val1: '', val2: '', val3: '' },
    })
    await modify({ val1: 1, val2: 2 })
    await modify({ protocol: 'icmp' })
    expect(await ruleNamed(rule)).toMatchObject({ protocol: 'icmp', val1: '', val2: '' })
    await wire.refused(1101, 'ModifySecurityGroupRuleAttributes', { security_group_rule: rule, disabled: 1 })
    await wire.refused(1101, 'ModifySecurityGroupRuleAttributes', { security_group_rule: rule, val1: 300 })
    await wire.refused(2100, 'ModifySecurityGroupRuleAttributes', { security_group_rule: 'sgr-00000000' })
  })

  it('are deleted from several groups at once, all or none', async () => {
    const [a, b] = [await aGroup(), await aGroup()]
    const rules = [...(await add(a, SSH, SSH)), ...(await add(b, SSH))]
    await wire.refused(2100, 'DeleteSecurityGroupRules', { security_group_rules: [...rules, 'sgr-00000000'] })
    expect(await rulesOf(a)).toHaveLength(3)
    expect(await wire.ok('DeleteSecurityGroupRules', { security_group_rules: rules })).toMatchObject({
      security_group_rules: rules,
    })
    expect([await rulesOf(a), await rulesOf(b)].map(({ length }) => length)).toEqual([1, 1])
    await wire.refused(1100, 'DeleteSecurityGroupRules')
  })

  it('are at most 1000 in a group: 2500, with limit and use', async () => {
    const id = await aGroup()
    const many = Array.from({ length: 998 }, () => SSH)
    for (let at = 0; at < 998; at += 100) {
      const rules = many.slice(at, at + 100)
      await wire.ok('AddSecurityGroupRules', { security_group: id, rules }, { method: 'POST' })
    }
    const { message } = await wire.refused(2500, 'AddSecurityGroupRules', { security_group: id, rules: [SSH, SSH] })
    expect(message).toBe(`QuotaExceeded, security group [${id}] has 999 of 1000 rules; 2 more were asked for`)
    await add(id, SSH)
  })
})

describe('a change of rules', () => {
  it('reaches no hypervisor before the group is applied, and then all of it at once', async () => {
    const id = await aGroup()
    await aMachine({ security_group_ids: [id] })
    const before = await generationOf(id)
    const [ssh = ''] = await add(id, SSH)
    expect(await group(id)).toMatchObject({ is_applied: 0 })
    expect((await service.call('GET', `/v1/security-groups/${id}`)).body).toMatchObject({
      applied: false,
      rule_count: 2,
    })
    await add(id, { ...SSH, val1: 80, val2: 80 })
    await wire.ok('ModifySecurityGroupRuleAttributes', { security_group_rule: ssh, val1: 23, val2: 23 })
    expect(await enforced(id)).toEqual([ALL_OUT])

    const job = await apply(id)
    expect(await enforced(id)).toEqual([ALL_OUT, ['tcp', 23, null], ['tcp', 80, null]])
    expect(await group(id)).toMatchObject({ is_applied: 1 })
    expect(await generationOf(id)).toBeGreaterThan(before)
    expect(await jobOf(job)).toMatchObject({ action: 'network.apply', state: 'pending', hypervisor_id: HYPERVISOR })
    await finish(service, job)

    const applied = await generationOf(id)
    await wire.ok('DeleteSecurityGroupRules', { security_group_rules: [ssh] })
    expect(await enforced(id)).toEqual([ALL_OUT, ['tcp', 23, null], ['tcp', 80, null]])
    await apply(id)
    expect(await enforced(id)).toEqual([ALL_OUT, ['tcp', 80, null]])
    expect(await generationOf(id)).toBeGreaterThan(applied)
  })

  it('of remote groups neither lets in whom waiting rules name, nor shuts out whom they named', async () => {
    const [id, old, fresh] = [await aGroup(), await aGroup(), await aGroup()]
    const [naming = ''] = await add(id, { protocol: 'all', priority: 1, val3: old })
    await apply(id)
    const network = await aNetwork(service)
    await aServer(service, { network_id: network.id, security_group_ids: [id] })
    const member = await nicOf((await aServer(service, { network_id: network.id, security_group_ids: [old] })).id)
    await wire.ok('ModifySecurityGroupRuleAttributes', { security_group_rule: naming, val3: fresh })
    expect(await enforced(id)).toEqual([ALL_OUT, ['all', null, old]])
    const { groups } = (await service.asWorker('GET', '/desired-state')).body
    const members = (of: string) =>
      groups.find((one: { id: string }) => one.id === of)?.members.map((one: { address: string }) => one.address)
    expect(members(old)).toContain(member.address)
    expect(members(fresh)).toBeUndefined()
  })

  it('that waits: hypervisors are told of NICs that join what the rules in force name', async () => {
    const [id, named] = [await aGroup(), await aGroup()]
    const [naming = ''] = await add(id, { protocol: 'all', priority: 1, val3: named })
    await apply(id)
    await transaction(service.db, (tx) => registerHypervisor(tx, OTHER, 'zone-test'))
    const network = await aNetwork(service)
    const far = await aServer(service, { network_id: network.id, security_group_ids: [id] })
    await service.db.$client.query('UPDATE server SET hypervisor_id = $2 WHERE id = $1', [far.id, OTHER])
    const near = await nicOf((await aServer(service, { network_id: network.id })).id)
    await wire.ok('DeleteSecurityGroupRules', { security_group_rules: [naming] })
    const joining = await service.call('PUT', `/v1/nics/${near.id}/security-groups`, { security_group_ids: [named] })
    const { rows } = await service.db.$client.query<{ id: string }>(
      'SELECT hypervisor_id AS id FROM job WHERE parent_id = $1 ORDER BY 1',
      [joining.body.id],
    )
    expect(rows.map((row) => row.id)).toEqual([OTHER, HYPERVISOR])
  })

  it('through /v1 takes effect at once, with all that waits', async () => {
    const id = await aGroup()
    await aMachine({ security_group_ids: [id] })
    for (const change of [
      () => service.call('POST', `/v1/security-groups/${id}/rules`, { rules: [{ protocol: 'gre' }] }),
      () => service.call('PUT', `/v1/security-groups/${id}/rules`, { rules: [{ protocol: 'esp' }] }),
    ]) {
      await add(id, SSH)
      expect(await group(id)).toMatchObject({ is_applied: 0 })
      const job = (await change()).body
      expect(await group(id)).toMatchObject({ is_applied: 1 })
      await finish(service, job.id)
    }
    expect(await enforced(id)).toEqual([['esp', null, null]])
  })

  it('meets another one: both wait, and what was in force stays so', async () => {
    const id = await aGroup()
    await aMachine({ security_group_ids: [id] })
    await Promise.all(Array.from({ length: 8 }, (_, n) => add(id, { ...SSH, val1: 100 + n, val2: 100 + n })))
    expect(await rulesOf(id)).toHaveLength(9)
    expect(await enforced(id)).toEqual([ALL_OUT])
    await apply(id)
    expect((await enforced(id)).map(([, port]) => port).sort()).toEqual([100, 101, 102, 103, 104, 105, 106, 107, null])
  })
})

describe('applying', () => {
  it('a group without users is done at once, also with nothing that waits; the job is there', async () => {
    const id = await aGroup()
    for (const _ of ['waiting', 'nothing']) {
      const jobs = [await apply(id)]
      expect((await wire.ok('DescribeJobs', { jobs })).job_set).toMatchObject([
        { job_action: 'ApplySecurityGroup', status: 'successful', resource_ids: id },
      ])
    }
  })

  it('what there is none of is 2100', async () => {
    const id = await aGroup()
    for (const parameters of [
      { security_group: 'security_group_id' },
      { security_group: 'security_group_id', instances: [(await aMachine()).id] },
      { security_group: 'sg-00000000' },
      { security_group: id, instances: ['i-00000000'] },
      { security_group: id, instances: ['nonsense'] },
    ]) {
      await wire.refused(2100, 'ApplySecurityGroup', parameters)
    }
    await wire.refused(2100, 'RemoveSecurityGroup', { instances: ['i-00000000'] })
    await wire.refused(1100, 'ApplySecurityGroup')
    await wire.refused(1100, 'RemoveSecurityGroup')
  })

  it('to instances puts their primary NICs into the group, and applies it, as one job', async () => {
    const id = await aGroup()
    const machines = [await aMachine(), await aMachine()]
    await add(id, SSH)
    const job = await apply(
      id,
      machines.map((one) => one.id),
    )
    for (const one of machines) expect((await nicOf(one.id)).security_group_ids).toEqual([id])
    expect(await enforced(id)).toEqual([ALL_OUT, ['tcp', 22, null]])
    expect(await wire.ok('DescribeJobs', { jobs: [job] })).toMatchObject({ job_set: [{ status: 'working' }] })
    const { rows } = await service.db.$client.query<{ id: string }>(
      `SELECT id FROM job WHERE hypervisor_id IS NOT NULL AND finished_at IS NULL
         AND (parent_id = $1 OR parent_id IN (SELECT id FROM job WHERE parent_id = $1))`,
      [job],
    )
    expect(rows.length).toBeGreaterThan(0)
    for (const row of rows) await finish(service, row.id)
    expect(await wire.ok('DescribeJobs', { jobs: [job] })).toMatchObject({
      job_set: [{ status: 'successful', job_action: 'ApplySecurityGroup' }],
    })

    const instances = machines.map((one) => one.id)
    expect((await wire.ok('RemoveSecurityGroup', { instances })).job_id).toMatch(/^j-/)
    for (const one of machines) expect((await nicOf(one.id)).security_group_ids).toEqual([defaultGroup()])
  })

  it('to an instance without NIC is remembered for when it has one', async () => {
    const id = await aGroup()
    const machine = await aServer(service)
    const kept = async () =>
      (await service.db.$client.query('SELECT wire FROM server WHERE id = $1', [machine.id])).rows[0].wire
    const job = await apply(id, [machine.id])
    expect((await wire.ok('DescribeJobs', { jobs: [job] })).job_set[0].status).toBe('successful')
    expect(await kept()).toMatchObject({ security_group_id: id })
    const { job_id } = await wire.ok('RemoveSecurityGroup', { instances: [machine.id] })
    expect((await wire.ok('DescribeJobs', { jobs: [job_id] })).job_set[0].status).toBe('successful')
    expect(await kept()).toMatchObject({ security_group_id: defaultGroup() })
  })

  it('to a terminated instance is 1400, and changes nothing', async () => {
    const id = await aGroup()
    await add(id, SSH)
    const machine = await aServer(service)
    await finish(service, (await service.call('DELETE', `/v1/servers/${machine.id}`)).body.id)
    await wire.refused(1400, 'ApplySecurityGroup', { security_group: id, instances: [machine.id] })
    expect(await group(id)).toMatchObject({ is_applied: 0 })
  })
})
