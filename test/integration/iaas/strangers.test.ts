/**
 * Two projects side by side: whatever an action is asked with an id of the other project in it, it answers as if there were
 * no such thing, and nothing changes anywhere.
 */
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ACTIONS } from '../../../src/routes/iaas/actions.ts'
import { aService, HYPERVISOR, type Service } from '../../support/a-service.ts'
import { aWireClient, type WireClient, type WireParameters } from '../../support/a-wire-client.ts'
import { type Belongings, belongings } from '../../support/belongings.ts'
import { aHypervisor, aPool } from '../../support/builders.ts'

let service: Service
let wire: WireClient
let own: Belongings
let theirs: Belongings
let theirProject: string

beforeAll(async () => {
  service = await aService()
  await aHypervisor(service, HYPERVISOR, ['eth1'])
  await aPool(service)
  wire = await aWireClient(service)
  own = await belongings(service, wire)
  theirProject = await service.aProject()
  theirs = await belongings(service, await aWireClient(service, { projectId: theirProject }))
})
afterAll(() => service.close())

type Ask = (of: Belongings) => WireParameters
const range = {
  step: '5m',
  start_time: new Date(Date.now() - 3_600_000).toISOString(),
  end_time: new Date().toISOString(),
}

/** Requests that would be in order with ids of the caller's. Each id in them is put in place of by a stranger's in turn. */
const ACTS: Readonly<Record<string, readonly Ask[]>> = {
  AddRouterStaticEntries: [({ vpn }) => ({ router_static: vpn, entries: [{ val1: 'u' }] })],
  AddRouterStatics: [
    ({ router, vxnet }) => ({ router, vxnet, statics: [{ static_type: 8, val1: 'host', val2: '192.168.7.7' }] }),
    ({ router, vxnet }) => ({ router, statics: [{ static_type: 1, vxnet_id: vxnet, val1: 81, val2: '192.168.7.7' }] }),
    ({ router, instance }) => ({ router, statics: [{ static_type: 3, val1: instance, val2: 'domain-name=a' }] }),
  ],
  AddSecurityGroupRules: [
    ({ group }) => ({ security_group: group, rules: [{ protocol: 'tcp', priority: 1, val3: group }] }),
  ],
  AllocateVips: [({ vxnet }) => ({ vxnet_id: vxnet })],
  ApplySecurityGroup: [({ group, instance, loner }) => ({ security_group: group, instances: [instance, loner] })],
  ApplySecurityGroupIPSets: [({ ipset }) => ({ security_group_ipsets: [ipset] })],
  AssociateEip: [
    ({ eip, machine }) => ({ eip, instance: machine }),
    ({ eip, machine, attached }) => ({ eip, instance: machine, nic: attached }),
  ],
  AttachKeyPairs: [({ keypair, instance }) => ({ keypairs: [keypair], instances: [instance] })],
  AttachNics: [({ nic, instance }) => ({ nics: [nic], instance })],
  AttachTags: [
    ({ tag, vxnet }) => ({ resource_tag_pairs: [{ tag_id: tag, resource_type: 'vxnet', resource_id: vxnet }] }),
    ({ tag, router }) => ({ resource_tag_pairs: [{ tag_id: tag, resource_type: 'router', resource_id: router }] }),
    ({ tag, instance }) => ({
      resource_tag_pairs: [{ tag_id: tag, resource_type: 'instance', resource_id: instance }],
    }),
    ({ tag, nic }) => ({ resource_tag_pairs: [{ tag_id: tag, resource_type: 'nic', resource_id: nic }] }),
    ({ tag, eip }) => ({ resource_tag_pairs: [{ tag_id: tag, resource_type: 'eip', resource_id: eip }] }),
    ({ tag, group }) => ({
      resource_tag_pairs: [{ tag_id: tag, resource_type: 'security_group', resource_id: group }],
    }),
    ({ tag, keypair }) => ({ resource_tag_pairs: [{ tag_id: tag, resource_type: 'keypair', resource_id: keypair }] }),
  ],
  CeaseInstances: [({ terminated }) => ({ instances: [terminated] })],
  ChangeEipsBandwidth: [({ eip }) => ({ eips: [eip], bandwidth: 2 })],
  ChangeEipsBillingMode: [({ eip }) => ({ eips: [eip], billing_mode: 'traffic' })],
  CopyRouterStatics: [
    ({ router, second, vpn }) => ({ source_router: router, dest_router: second, router_statics: [vpn] }),
  ],
  CreateNics: [({ vxnet, group }) => ({ vxnet, security_group: group })],
  CreateRouters: [({ group }) => ({ security_group: group })],
  CreateSecurityGroupSnapshot: [({ group }) => ({ security_group: group })],
  DeleteKeyPairs: [({ keypair }) => ({ keypairs: [keypair] })],
  DeleteNics: [({ nic }) => ({ nics: [nic] })],
  DeleteRouterStaticEntries: [({ entry }) => ({ router_static_entries: [entry] })],
  DeleteRouterStatics: [({ vpn, forwarding, dhcp }) => ({ router_statics: [vpn, forwarding, dhcp] })],
  DeleteRouters: [({ second }) => ({ routers: [second] })],
  DeleteSecurityGroupIPSets: [({ ipset }) => ({ security_group_ipsets: [ipset] })],
  DeleteSecurityGroupRules: [({ rule }) => ({ security_group_rules: [rule] })],
  DeleteSecurityGroupSnapshots: [({ snapshot }) => ({ security_group_snapshots: [snapshot] })],
  DeleteSecurityGroups: [({ group }) => ({ security_groups: [group] })],
  DeleteTags: [({ tag }) => ({ tags: [tag] })],
  DeleteVxnets: [({ unjoined }) => ({ vxnets: [unjoined] })],
  DetachKeyPairs: [({ keypair, loner }) => ({ keypairs: [keypair], instances: [loner] })],
  DetachNics: [({ attached }) => ({ nics: [attached] })],
  DetachTags: [
    ({ tag, vxnet }) => ({ resource_tag_pairs: [{ tag_id: tag, resource_type: 'vxnet', resource_id: vxnet }] }),
  ],
  DissociateEips: [({ associated }) => ({ eips: [associated] })],
  GetMonitor: [
    ({ instance }) => ({ resource: instance, meters: ['cpu'], ...range }),
    ({ eip }) => ({ resource: eip, meters: ['traffic'], ...range }),
    ({ router }) => ({ resource: router, meters: ['vxnet-0'], ...range }),
  ],
  GetVPNCerts: [({ router }) => ({ router })],
  JoinRouter: [({ router, unjoined }) => ({ router, vxnet: unjoined, ip_network: '192.168.8.0/24' })],
  JoinVxnet: [({ vxnet, loner, stopped }) => ({ vxnet, instances: [loner, stopped] })],
  LeaveRouter: [({ second, unjoined }) => ({ router: second, vxnets: [unjoined] })],
  LeaveVxnet: [({ vxnet, instance }) => ({ vxnet, instances: [instance] })],
  ModifyEipAttributes: [({ eip }) => ({ eip, eip_name: 'x' })],
  ModifyInstanceAttributes: [({ instance }) => ({ instance, instance_name: 'x' })],
  ModifyKeyPairAttributes: [({ keypair }) => ({ keypair, keypair_name: 'x' })],
  ModifyNicAttributes: [
    ({ nic, vxnet }) => ({ nic, vxnet, nic_name: 'x' }),
    ({ nic }) => ({ nic, enable_aspoof: 0 }),
    ({ nic }) => ({ nic, private_ip: '192.168.7.77' }),
    ({ nic }) => ({ nic }),
  ],
  ModifyRouterAttributes: [
    ({ router, eip, group }) => ({ router, eip, security_group: group, router_name: 'x' }),
    ({ router, vxnet }) => ({ router, vxnet, features: 1 }),
  ],
  ModifyRouterStaticAttributes: [
    ({ forwarding }) => ({ router_static: forwarding, router_static_name: 'x' }),
    ({ vpn }) => ({ router_static: vpn, val2: '1195' }),
    ({ dhcp, loner }) => ({ router_static: dhcp, val1: loner }),
  ],
  ModifyRouterStaticEntryAttributes: [({ entry }) => ({ router_static_entry: entry, val1: 'x' })],
  ModifySecurityGroupAttributes: [({ group }) => ({ security_group: group, security_group_name: 'x' })],
  ModifySecurityGroupIPSetAttributes: [({ ipset }) => ({ security_group_ipset: ipset, val: '81' })],
  ModifySecurityGroupRuleAttributes: [({ rule, group }) => ({ security_group_rule: rule, val3: group })],
  ModifyTagAttributes: [({ tag }) => ({ tag, tag_name: 'x' })],
  ModifyVxnetAttributes: [({ vxnet }) => ({ vxnet, vxnet_name: 'x' })],
  PowerOffRouters: [({ router, second }) => ({ routers: [router, second] })],
  PowerOnRouters: [({ router, second }) => ({ routers: [router, second] })],
  ReleaseEips: [({ eip }) => ({ eips: [eip] }), ({ eip }) => ({ eips: [eip], force: 1 })],
  ReleaseVips: [({ vip }) => ({ vips: [vip] })],
  RemoveSecurityGroup: [({ instance, loner }) => ({ instances: [instance, loner] })],
  ResizeInstances: [({ stopped }) => ({ instances: [stopped], cpu: 2 })],
  RestartInstances: [({ instance, loner }) => ({ instances: [instance, loner] })],
  RollbackSecurityGroup: [({ group, snapshot }) => ({ security_group: group, security_group_snapshot: snapshot })],
  RunInstances: [
    ({ vxnet, group }) => ({ image_id: 'img-ours', vxnets: [vxnet], security_group: group }),
    ({ keypair }) => ({ image_id: 'img-ours', login_mode: 'keypair', login_keypair: keypair }),
    ({ attachment }) => ({ image_id: 'img-ours', userdata_type: 'tar', userdata_value: attachment }),
  ],
  StartInstances: [({ stopped }) => ({ instances: [stopped] })],
  StopInstances: [({ instance, loner }) => ({ instances: [instance, loner], force: 1 })],
  TerminateInstances: [({ instance, loner }) => ({ instances: [instance, loner], direct_cease: 1 })],
  UpdateRouters: [({ router, second }) => ({ routers: [router, second] })],
}

/** What is read, by each filter that takes an id. */
const READS: Readonly<Record<string, readonly Ask[]>> = {
  DescribeAccessKeys: [({ key }) => ({ access_keys: [key] }), ({ key }) => ({ search_word: key })],
  DescribeEips: [
    ({ eip }) => ({ eips: [eip] }),
    ({ instance }) => ({ instance_id: instance }),
    ({ eip }) => ({ search_word: eip }),
    ({ tag }) => ({ tags: [tag] }),
  ],
  DescribeInstances: [
    ({ instance, terminated }) => ({ instances: [instance, terminated] }),
    ({ instance }) => ({ search_word: instance }),
    ({ tag }) => ({ tags: [tag] }),
  ],
  DescribeJobs: [({ job }) => ({ jobs: [job] })],
  DescribeKeyPairs: [
    ({ keypair }) => ({ keypairs: [keypair], verbose: 1 }),
    ({ loner }) => ({ instance_id: loner }),
    ({ keypair }) => ({ search_word: keypair }),
    ({ tag }) => ({ tags: [tag] }),
  ],
  DescribeNics: [
    ({ nic }) => ({ nics: [nic] }),
    ({ vxnet }) => ({ vxnets: [vxnet] }),
    ({ instance }) => ({ instances: [instance] }),
  ],
  DescribeRouterStaticEntries: [
    ({ vpn }) => ({ router_static: vpn }),
    ({ entry }) => ({ router_static_entries: [entry] }),
  ],
  DescribeRouterStatics: [
    ({ router }) => ({ router }),
    ({ vxnet }) => ({ vxnet }),
    ({ vpn, forwarding }) => ({ router_statics: [vpn, forwarding] }),
  ],
  DescribeRouterVxnets: [({ router }) => ({ router }), ({ vxnet }) => ({ router: '*', vxnet })],
  DescribeRouters: [
    ({ router }) => ({ routers: [router], verbose: 1 }),
    ({ vxnet }) => ({ vxnet }),
    ({ router }) => ({ search_word: router }),
    ({ tag }) => ({ tags: [tag] }),
  ],
  DescribeSecurityGroupIPSets: [({ ipset }) => ({ security_group_ipsets: [ipset] })],
  DescribeSecurityGroupRules: [
    ({ group }) => ({ security_group: group }),
    ({ rule }) => ({ security_group_rules: [rule] }),
  ],
  DescribeSecurityGroupSnapshots: [
    ({ group }) => ({ security_group: group }),
    ({ group, snapshot }) => ({ security_group: group, security_group_snapshots: [snapshot] }),
  ],
  DescribeSecurityGroups: [
    ({ group }) => ({ security_groups: [group], verbose: 1 }),
    ({ group }) => ({ search_word: group }),
    ({ tag }) => ({ tags: [tag] }),
  ],
  DescribeTags: [
    ({ tag }) => ({ tags: [tag], verbose: 1 }),
    ({ tag }) => ({ search_word: tag }),
    ({ vxnet }) => ({ resources: [vxnet] }),
  ],
  DescribeVips: [({ vxnet }) => ({ vxnets: [vxnet] }), ({ vip }) => ({ vips: [vip] })],
  DescribeVxnetInstances: [({ vxnet, instance }) => ({ vxnet, instances: [instance] }), ({ vxnet }) => ({ vxnet })],
  DescribeVxnets: [
    ({ vxnet }) => ({ vxnets: [vxnet], verbose: 1 }),
    ({ vxnet }) => ({ search_word: vxnet }),
    ({ tag }) => ({ tags: [tag] }),
  ],
}

/** Actions that take no id of anything that belongs to a project. */
const WITHOUT_IDS = [
  ...['AllocateEips', 'CreateKeyPair', 'CreateSecurityGroup', 'CreateSecurityGroupIPSet', 'CreateTag', 'CreateVxnets'],
  ...['UploadUserDataAttachment', 'DescribeImages', 'DescribeInstanceTypes', 'DescribeZones', 'GetQuotaLeft'],
  ...[
    'GetResourceLimit',
    'DescribeClusters',
    'DescribeClusterNodes',
    'DescribeVolumes',
    'AttachVolumes',
    'DetachVolumes',
  ],
]

/** An id of the same kind that nobody has. */
const nobodys = (id: string): string => {
  if (id.includes(':')) return '52:54:00:00:00:00'
  return id.includes('-') ? id.replace(/-.*/, '-0000000000') : 'NOBODY'
}

/** A request, with every id in it in turn put in place of by another one; in lists it may also stand beside it. */
function* withEach(ask: Ask, other: (id: keyof Belongings) => string): Generator<[id: string, WireParameters]> {
  for (const name of Object.keys(own) as (keyof Belongings)[]) {
    const [mine, id] = [own[name], other(name)]
    const asked = ask(own)
    if (!JSON.stringify(asked).includes(mine)) continue
    yield [id, JSON.parse(JSON.stringify(asked).replaceAll(mine, id))]
    for (const [list, values] of Object.entries(asked)) {
      if (!Array.isArray(values) || !values.includes(mine as never)) continue
      yield [id, { ...asked, [list]: [...values, id] }]
      yield [id, { ...asked, [list]: [id, ...values] }]
    }
  }
}

/** Every row that a project has, of every table. */
async function rowsOf(projectIds: readonly string[]): Promise<Record<string, unknown>> {
  const { rows: tables } = await service.db.execute<{ name: string }>(
    sql`SELECT table_name AS name FROM information_schema.columns WHERE column_name = 'project_id' AND table_schema = 'public'`,
  )
  const all: Record<string, unknown> = {}
  for (const { name } of tables) {
    const { rows } = await service.db.execute(
      sql`SELECT to_jsonb(t)::text AS r FROM ${sql.identifier(name)} t WHERE project_id = ANY (${sql.param(projectIds)}) ORDER BY 1`,
    )
    all[name] = rows
  }
  return all
}

it('every action is asked, or takes no id', () => {
  expect([...Object.keys(ACTS), ...Object.keys(READS), ...WITHOUT_IDS].sort()).toEqual([...ACTIONS.keys()].sort())
})

describe.each(Object.entries(ACTS))('%s', (action, asks) => {
  it('finds nothing of a stranger’s, and changes nothing', async () => {
    const before = await rowsOf([service.projectId, theirProject])
    for (const ask of asks) {
      const unknown = [...withEach(ask, (name) => nobodys(own[name]))]
      for (const [at, [id, asked]] of [...withEach(ask, (name) => theirs[name])].entries()) {
        const { message } = await wire.refused(2100, action, asked)
        expect(message).toContain(id)
        const [other = '', the] = unknown[at] ?? []
        const { message: ofNobody } = await wire.refused(2100, action, the)
        expect(message.replaceAll(id, '…')).toBe(ofNobody.replaceAll(other, '…'))
      }
    }
    expect(await rowsOf([service.projectId, theirProject])).toEqual(before)
  })
})

describe.each(Object.entries(READS))('%s', (action, asks) => {
  it('shows nothing of a stranger’s', async () => {
    for (const ask of asks) {
      const { total_count: mine } = await wire.ok(action, ask(own))
      const unknown = [...withEach(ask, (name) => nobodys(own[name]))]
      for (const [at, [id, asked]] of [...withEach(ask, (name) => theirs[name])].entries()) {
        const answer = await wire.ok(action, asked)
        const [other = '', the] = unknown[at] ?? []
        expect(JSON.stringify(answer).replaceAll(id, '…')).toBe(
          JSON.stringify(await wire.ok(action, the)).replaceAll(other, '…'),
        )
        expect(JSON.stringify(answer)).not.toMatch(
          new RegExp(
            Object.values(theirs)
              .filter((one) => one !== id)
              .join('|'),
          ),
        )
        expect(answer.total_count, JSON.stringify(asked)).toBeLessThanOrEqual(mine)
      }
    }
    const all = JSON.stringify(
      await wire.ok(action, action === 'DescribeRouterVxnets' ? { router: '*' } : asks[0]?.(own)),
    )
    for (const id of Object.values(theirs)) expect(all).not.toContain(id)
  })
})

describe('a reader', () => {
  it.each([...ACTIONS].filter(([, { role }]) => role !== 'reader').map(([action]) => action))(
    'may not %s',
    async (action) => {
      const reader = await aWireClient(service, { role: 'reader' })
      const before = await rowsOf([service.projectId])
      for (const ask of ACTS[action] ?? [() => ({})]) await reader.refused(1400, action, ask(own))
      expect(await rowsOf([service.projectId])).toEqual(before)
    },
  )

  it('may call what reads', async () => {
    const reader = await aWireClient(service, { role: 'reader' })
    for (const [action, asks] of Object.entries(READS)) for (const ask of asks) await reader.ok(action, ask(own))
  })

  it('is told that an action reads only when it does: by its name', () => {
    const reading = [...ACTIONS].filter(([, { role }]) => role === 'reader').map(([action]) => action)
    expect(reading.filter((action) => !/^(Describe|Get)/.test(action))).toEqual([])
  })
})
