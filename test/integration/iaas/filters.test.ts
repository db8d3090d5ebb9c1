/**
 * What every Describe* does with its filters: each lets through what matches and nothing else, `total_count` is that of
 * the filter, pages put together are the whole, and what another owner has is not there.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { aService, type Service } from '../../support/a-service.ts'
import { aWireClient, type WireAnswer, type WireClient, type WireParameters } from '../../support/a-wire-client.ts'
import { aPool, finish } from '../../support/builders.ts'

let service: Service
let wire: WireClient
beforeAll(async () => {
  service = await aService()
  await service.db.execute(`UPDATE hypervisor SET facts = '{"interfaces":["eth1"]}'`)
  await aPool(service)
  wire = await aWireClient(service)
  await makeWorld()
})
afterAll(() => service.close())

/** What was made, by a name for it. */
const made: Record<string, string> = {}
const as = (name: string, id: string) => {
  made[name] = id
  return id
}

async function endJobs(): Promise<void> {
  const { rows } = await service.db.$client.query(`SELECT id FROM job WHERE state = 'pending' ORDER BY seq`)
  for (const { id } of rows) await finish(service, id)
}

/** Two or three of each kind, which differ in what can be filtered by. */
async function makeWorld(): Promise<void> {
  const group = as('group', (await wire.ok('CreateSecurityGroup', { security_group_name: 'web' })).security_group_id)
  const [router] = (await wire.ok('CreateRouters', { router_name: 'Main', vpc_network: '192.168.0.0/16' })).routers
  const [other] = (await wire.ok('CreateRouters', { router_name: 'Second', vpc_network: '172.16.0.0/16' })).routers
  const [vxnet, blue] = (await wire.ok('CreateVxnets', { vxnet_type: 1, vxnet_name: 'Blue', count: 2 })).vxnets
  const [bare] = (await wire.ok('CreateVxnets', { vxnet_type: 0, vxnet_name: 'bare' })).vxnets
  await wire.ok('JoinRouter', { vxnet, router, ip_network: '192.168.1.0/24' })
  await wire.ok('JoinRouter', { vxnet: blue, router, ip_network: '192.168.2.0/24' })
  const { nics } = await wire.ok('CreateNics', { vxnet, count: 2, nic_name: 'web nic' })
  await wire.ok('CreateNics', { vxnet: bare })
  await wire.ok('CreateNics', { vxnet: 'vxnet-0' })
  const login = { login_mode: 'passwd', login_passwd: 'Hello2333' }
  const ran = await wire.ok('RunInstances', {
    ...login,
    image_id: 'centos7x64d',
    instance_type: 'c1m1',
    instance_name: 'Web One',
    vxnets: [vxnet],
    security_group: group,
  })
  const [bigger] = (await wire.ok('RunInstances', { ...login, image_id: 'img-ours', cpu: 2, memory: 4096 })).instances
  await endJobs()
  const [instance] = ran.instances
  await wire.ok('AttachNics', { nics: [nics[0].nic_id], instance })
  const { eips } = await wire.ok('AllocateEips', { bandwidth: 3, count: 3, eip_name: 'Out' })
  await wire.ok('AssociateEip', { eip: eips[0], instance })
  await wire.ok('ModifyRouterAttributes', { router, eip: eips[1] })
  const { vips } = await wire.ok('AllocateVips', { vxnet_id: vxnet, count: 2, vip_name: 'hostnic_x' })
  const { security_group_rules: rules } = await wire.ok('AddSecurityGroupRules', {
    security_group: group,
    rules: [{ protocol: 'tcp', priority: 0, direction: 0 }],
  })
  const { router_statics: statics } = await wire.ok('AddRouterStatics', {
    router,
    statics: [
      { static_type: 1, val1: 80, val2: '192.168.1.9' },
      { static_type: 8, val1: 'db', val2: '192.168.1.9' },
    ],
  })
  const { keypair_id: pair } = await wire.ok('CreateKeyPair', { keypair_name: 'Key One' })
  await wire.ok('AttachKeyPairs', { keypairs: [pair], instances: [instance] })
  const tag = as('tag', (await wire.ok('CreateTag', { tag_name: 'Team A' })).tag_id)
  as('unused', (await wire.ok('CreateTag', { tag_name: 'other' })).tag_id)
  const tagged = { instance, nic: nics[0].nic_id, vxnet, router, eip: eips[0], security_group: group, keypair: pair }
  await wire.ok('AttachTags', {
    resource_tag_pairs: Object.entries(tagged).map(([type, id]) => ({
      tag_id: tag,
      resource_type: type,
      resource_id: id,
    })),
  })
  await endJobs()
  Object.assign(made, { router, other, vxnet, blue, bare, instance, bigger, pair, nic: nics[0].nic_id })
  Object.assign(made, { eip: eips[0], ofRouter: eips[1], vip: vips[0], rule: rules[0], static: statics[0] })
  Object.assign(made, { run: ran.job_id, key: wire.key.access_key_id })
}

/** A value that begins with `@` is the id of what was made under that name. */
const known = (value: string | number): string | number =>
  typeof value === 'string' && value.startsWith('@') ? (made[value.slice(1)] ?? value) : value
type Filter = Readonly<Record<string, string | number | readonly (string | number)[]>>
const meant = (filter: Filter): WireParameters =>
  Object.fromEntries(
    Object.entries(filter).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.map(known) : known(value as string | number),
    ]),
  )
const setOf = (answer: WireAnswer): WireAnswer[] =>
  answer[Object.keys(answer).find((field) => field.endsWith('_set')) ?? '']

/** By action: filters, and how many match. */
const FILTERS: Readonly<Record<string, readonly (readonly [Filter, number])[]>> = {
  DescribeNics: [
    [{}, 5],
    [{ nics: ['@nic'] }, 1],
    [{ nics: '@nic' }, 1],
    [{ nics: ['52:54:00:00:00:01'] }, 0],
    [{ nics: ['vxnet-0'] }, 0],
    [{ nic_name: 'web nic' }, 2],
    [{ nic_name: 'web' }, 0],
    [{ nic_name: '' }, 5],
    [{ status: 'available' }, 3],
    [{ status: ['in-use'] }, 2],
    [{ status: ['in-use', 'available'] }, 5],
    [{ vxnets: ['@vxnet'] }, 3],
    [{ vxnets: ['@blue', 'vxnet-0'] }, 1],
    [{ vxnets: ['vxnet-zzzzzzz'] }, 0],
    [{ vxnet_type: [0] }, 1],
    [{ vxnet_type: [1] }, 3],
    [{ vxnet_type: 2 }, 1],
    [{ vxnet_type: [0, 2] }, 2],
    [{ instances: ['@instance'] }, 2],
    [{ instances: ['@bigger'] }, 0],
    [{ instances: ['@instance'], vxnet_type: [1], status: 'in-use' }, 2],
    [{ tags: ['@tag'] }, 1],
    [{ tags: ['@unused'] }, 0],
  ],
  DescribeVxnets: [
    [{}, 3],
    [{ vxnets: ['@vxnet'] }, 1],
    [{ vxnets: ['@vxnet', 'vxnet-0'] }, 2],
    [{ vxnets: ['vxnet-zzzzzzz'] }, 0],
    [{ vxnets: ['@vxnet'], vxnet_type: 2 }, 0],
    [{ vxnet_type: 0 }, 1],
    [{ vxnet_type: 1 }, 2],
    [{ search_word: 'blu' }, 2],
    [{ search_word: '@vxnet' }, 1],
    [{ search_word: 'red' }, 0],
    [{ search_word: '', tags: [] }, 3],
    [{ tags: ['@tag'] }, 1],
    [{ tags: ['@unused'] }, 0],
    [{ tags: ['@unused', '@tag'] }, 1],
  ],
  DescribeVxnetInstances: [
    [{ vxnet: '@vxnet' }, 2], // one for each NIC
    [{ vxnet: '@blue' }, 0],
    [{ vxnet: 'vxnet-zzzzzzz' }, 0],
    [{ vxnet: '@vxnet', instances: ['@bigger'] }, 0],
    [{ vxnet: '@vxnet', instance_type: ['c1m1'] }, 2],
    [{ vxnet: '@vxnet', instance_type: 'c2m2' }, 0],
    [{ vxnet: '@vxnet', status: 'running' }, 2],
    [{ vxnet: '@vxnet', status: 'stopped' }, 0],
    [{ vxnet: '@vxnet', image: ['centos7x64d'] }, 2],
    [{ vxnet: '@vxnet', image: 'img-ours' }, 0],
  ],
  DescribeRouters: [
    [{}, 2],
    [{ routers: ['@router'] }, 1],
    [{ routers: ['rtr-zzzzzzzz'] }, 0],
    [{ vxnet: '@vxnet' }, 1],
    [{ vxnet: '@bare' }, 0],
    [{ vxnet: 'vxnet-0' }, 0],
    [{ status: ['active'] }, 2],
    [{ status: 'poweroffed' }, 0],
    [{ status: 'nothing' }, 0],
    [{ search_word: 'main' }, 1],
    [{ search_word: '@other' }, 1],
    [{ search_word: 'basic' }, 0],
    [{ tags: ['@tag'] }, 1],
    [{ tags: ['@unused'] }, 0],
  ],
  DescribeRouterVxnets: [
    [{ router: '*' }, 2],
    [{ router: '@router' }, 2],
    [{ router: '@other' }, 0],
    [{ router: '*', vxnet: '@vxnet' }, 1],
    [{ router: '@router', vxnet: '@bare' }, 0],
  ],
  DescribeRouterStatics: [
    [{ router: '@router' }, 2],
    [{ router: '@other' }, 0],
    [{ static_type: 1 }, 1],
    [{ static_type: [1, 8] }, 2],
    [{ static_type: 2 }, 0],
    [{ router_statics: ['@static'] }, 1],
    [{ router_statics: ['rtrs-zzzzzzzz'] }, 0],
  ],
  DescribeInstances: [
    [{}, 2],
    [{ is_cluster_node: 0, not_transition: 0 }, 2],
    [{ is_cluster_node: 1 }, 0],
    [{ instances: ['@instance'] }, 1],
    [{ instances: ['i-zzzzzzzz'] }, 0],
    [{ image_id: ['centos7x64d'] }, 1],
    [{ instance_type: 'c1m1' }, 1],
    [{ instance_type: ['c2m2'] }, 0],
    [{ instance_class: 0 }, 2],
    [{ instance_class: 1 }, 0],
    [{ status: ['running'] }, 2],
    [{ status: ['stopped', 'suspended'] }, 0],
    [{ vcpus_current: 2 }, 1],
    [{ memory_current: 1024 }, 1],
    [{ os_disk_size: 20 }, 2],
    [{ search_word: 'web o' }, 1],
    [{ search_word: '@bigger' }, 1],
    [{ tags: ['@tag'] }, 1],
    [{ tags: ['@unused'] }, 0],
  ],
  DescribeEips: [
    [{}, 3],
    [{ eips: ['@eip'] }, 1],
    [{ eips: ['eip-zzzzzzzz'] }, 0],
    [{ instance_id: '@instance' }, 1],
    [{ instance_id: '@bigger' }, 0],
    [{ status: ['available'] }, 1],
    [{ status: 'associated' }, 2],
    [{ status: 'released' }, 0],
    [{ search_word: 'OUT' }, 3],
    [{ search_word: '@ofRouter' }, 1],
    [{ tags: ['@tag'] }, 1],
    [{ tags: ['@unused'] }, 0],
  ],
  DescribeSecurityGroups: [
    [{}, 2],
    [{ security_groups: ['@group'] }, 1],
    [{ security_groups: ['security_group_id'] }, 0],
    [{ security_group_name: 'web' }, 1],
    [{ security_group_name: 'we' }, 0],
    [{ search_word: 'WE' }, 1],
    [{ search_word: '@group' }, 1],
    [{ tags: ['@tag'] }, 1],
    [{ tags: ['@unused'] }, 0],
  ],
  DescribeSecurityGroupRules: [
    [{ security_group: '@group' }, 2],
    [{ security_group: '@group', direction: 0 }, 1],
    [{ security_group: '@group', direction: 1 }, 1],
    [{ security_group_rules: ['@rule'] }, 1],
    [{ security_group: 'sg-zzzzzzzz' }, 0],
  ],
  DescribeTags: [
    [{}, 2],
    [{ limit: 0, offset: 0, verbose: 0 }, 2],
    [{ tags: ['@tag'] }, 1],
    [{ search_word: 'team' }, 1],
    [{ search_word: '@tag' }, 1],
    [{ resources: ['@vxnet', '@nic'] }, 1],
    [{ resources: ['@bigger'] }, 0],
  ],
  DescribeKeyPairs: [
    [{}, 1],
    [{ keypairs: ['@pair'] }, 1],
    [{ keypairs: ['kp-zzzzzzzz'] }, 0],
    [{ instance_id: '@instance' }, 1],
    [{ instance_id: '@bigger' }, 0],
    [{ encrypt_method: 'ssh-rsa' }, 1],
    [{ encrypt_method: 'ssh-dss' }, 0],
    [{ search_word: 'key o' }, 1],
    [{ tags: ['@tag'] }, 1],
    [{ tags: ['@unused'] }, 0],
  ],
  DescribeVips: [
    [{ vxnets: ['@vxnet'] }, 2],
    [{ vxnets: ['@blue', 'vxnet-0'] }, 0],
    [{ vips: ['@vip'] }, 1],
    [{ vxnets: ['@vxnet'], vip_name: 'hostnic_x' }, 2],
    [{ vxnets: ['@vxnet'], vip_name: 'hostnic' }, 0],
  ],
  DescribeAccessKeys: [
    [{ access_keys: ['@key'] }, 1],
    [{ access_keys: ['@key'], status: ['active'] }, 1],
    [{ access_keys: ['@key'], status: ['inactive'] }, 0],
    [{ search_word: '@key' }, 1],
    [{ access_keys: ['nobody'] }, 0],
  ],
  DescribeJobs: [
    [{ jobs: ['@run'] }, 1],
    [{ jobs: ['j-zzzzzzzz'] }, 0],
    [{ job_action: 'RunInstances' }, 2],
    [{ job_action: 'RunInstances', status: 'successful' }, 2],
    [{ job_action: 'RunInstances', status: ['failed', 'done with failure'] }, 0],
    [{ job_action: 'nothing' }, 0],
  ],
}

describe.each(Object.entries(FILTERS))('%s', (action, cases) => {
  it.each(cases)('%o: %i', async (filter, count) => {
    const parameters = meant(filter)
    const answer = await wire.ok(action, parameters)
    expect([setOf(answer).length, answer.total_count]).toEqual([count, count])
    const pages: WireAnswer[] = []
    for (let offset = 0; offset <= count; offset++) {
      const page = await wire.ok(action, { ...parameters, offset, limit: 1 })
      expect(page.total_count).toBe(count)
      pages.push(...setOf(page))
    }
    expect(pages).toEqual(setOf(answer))
  })

  it('shows what its owner has, and nothing of another’s', async () => {
    const [filter = {}, count] = cases[0] ?? []
    const owner = service.projectId.replace('prj-', 'usr-')
    expect((await wire.ok(action, { ...meant(filter), owner })).total_count).toBe(count)
    const others = await wire.ok(action, { ...meant(filter), owner: 'usr-zzzzzzzz' })
    expect([setOf(others), others.total_count]).toEqual([[], 0])
  })
})
