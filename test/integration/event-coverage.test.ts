/**
 * Whatever a view shows is told of by an event when it changes: clients follow the stream and read again what it names.
 * Triggers of this test note every change of every resource; each has to have an event of its own transaction.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Answer, aService, HYPERVISOR, type Service } from '../support/a-service.ts'
import { aWireClient, type WireClient } from '../support/a-wire-client.ts'
import { aHypervisor, aNetwork, aNic, aPool, aServer, aVpc, finish } from '../support/builders.ts'

/** Tables of what has views: the resource that is told of, the column with its id, and what changes without being told. */
const WATCHED: readonly (readonly [table: string, resource: string, id: string, ...untold: string[]])[] = [
  ['vpc', 'vpc', 'id', 'wire', 'is_basic'],
  // Which of its addresses are taken is told by those who take them.
  ['network', 'network', 'id', 'wire', 'ports', 'held', 'unaddressed'],
  // That all is as it was is not told each time that a worker has looked.
  ['nic', 'nic', 'id', 'observed_at'],
  ['nic_security_group', 'nic', 'nic_id'],
  ['server', 'server', 'id', 'wire'],
  ['job', 'job', 'id'],
  ['security_group', 'security_group', 'id'],
  ['security_group_rule', 'security_group', 'group_id'],
  ['elastic_ip_pool', 'elastic_ip_pool', 'id'],
  ['elastic_ip', 'elastic_ip', 'id', 'wire'],
  ['port_forwarding', 'port_forwarding', 'id'],
  ['reserved_address', 'reserved_address', 'id'],
  ['access_key', 'access_key', 'id'],
  ['project', 'project', 'id'],
]

let service: Service
let wire: WireClient
beforeAll(async () => {
  service = await aService()
  await service.db.$client.query(`
    CREATE TABLE noticed (id bigint GENERATED ALWAYS AS IDENTITY, xid xid8 NOT NULL DEFAULT pg_current_xact_id(), resource_type text, resource_id text, what text);
    CREATE FUNCTION notice() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE untold text[] := TG_ARGV[2:];
    BEGIN
      IF TG_OP = 'UPDATE' AND to_jsonb(OLD) - untold = to_jsonb(NEW) - untold THEN RETURN NULL; END IF;
      INSERT INTO noticed (resource_type, resource_id, what)
      VALUES (TG_ARGV[0], coalesce(to_jsonb(NEW), to_jsonb(OLD)) ->> TG_ARGV[1], TG_OP || ' ' || TG_TABLE_NAME);
      RETURN NULL;
    END $$;`)
  for (const [table, ...told] of WATCHED) {
    const args = told.map((one) => `'${one}'`).join(', ')
    await service.db.$client.query(
      `CREATE TRIGGER notice AFTER INSERT OR UPDATE OR DELETE ON ${table} FOR EACH ROW EXECUTE FUNCTION notice(${args})`,
    )
  }
  await aHypervisor(service, HYPERVISOR, ['eth1', 'eth2'])
  await aHypervisor(service, 'hv-two', ['eth1'])
  the.machine = await aServer(service, { hypervisor_id: HYPERVISOR })
  wire = await aWireClient(service)
})
afterAll(() => service.close())

/** What has changed since, in transactions that tell nothing of it. */
async function untoldSince(id: number): Promise<string[]> {
  const { rows } = await service.db.$client.query<{ text: string }>(
    `SELECT DISTINCT n.what || ' of ' || n.resource_type || ' ' || n.resource_id AS text FROM noticed n
     WHERE n.id > $1 AND NOT EXISTS (SELECT FROM event e
       WHERE e.xid = n.xid AND e.resource_type = n.resource_type AND e.resource_id = n.resource_id)`,
    [id],
  )
  return rows.map(({ text }) => text)
}
/** The types of the events since. */
async function toldSince(id: number): Promise<string[]> {
  const { rows } = await service.db.$client.query<{ type: string }>(
    'SELECT DISTINCT type FROM event WHERE id > $1 ORDER BY type',
    [id],
  )
  return rows.map(({ type }) => type)
}
async function newest(table: 'event' | 'noticed'): Promise<number> {
  const { rows } = await service.db.$client.query<{ id: string }>(`SELECT coalesce(max(id), 0) AS id FROM ${table}`)
  return Number(rows[0]?.id)
}

const call = async (method: string, url: string, body?: object): Promise<Answer['body']> => {
  const answer = await service.call(method, url, body)
  expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300)
  return answer.body
}
const post = (url: string, body: object = {}) => call('POST', url, body)
const patch = (url: string, body: object = { name: 'other' }) => call('PATCH', url, body)
const put = (url: string, body: object) => call('PUT', url, body)
const remove = (url: string, body?: object) => call('DELETE', url, body)
/** Begins the next attempt at a job, as a worker. @returns how to end it. */
async function begin(job: Answer['body']) {
  const { body } = await service.asWorker('POST', `/jobs/${job.id}/claim`, {})
  return (outcome: string, observed: object[] = []) =>
    service.asWorker('POST', `/jobs/${job.id}/report`, {
      ...{ attempt: body.job.attempt, outcome, error: outcome === 'successful' ? null : 'no', steps: [], observed },
    })
}
const underWay = { name: 'plug', started_at: '2026-01-01T00:00:00.000Z', ended_at: null, error: null }
const seen = (id: string, up: boolean) => ({
  ...{ id, host: { tap: 'tap0', bridge: 'br', up, mtu: 1500 }, guest: null },
})

/** What the acts below are about, by name: each act finds what those before it have made. */
const the: Record<string, Answer['body']> = {}
const keep = async (name: string, made: Promise<Answer['body']>) => {
  the[name] = await made
}
const at = (collection: string, name: string, more = '') => `/v1/${collection}/${the[name].id}${more}`
/** Promises a job, and keeps it. */
const promise = (job: Promise<Answer['body']>) => keep('job', job)
const done = () => finish(service, the.job.id)
const failed = () => finish(service, the.job.id, { outcome: 'failed', error: 'no' })

/** What is done, the types of all events that it has, and how. */
type Act = readonly [what: string, told: string, act: () => Promise<unknown>]
/** Of a change that shows on no hypervisor yet. */
const SET = 'job.pending job.successful'

const VPCS: readonly Act[] = [
  ['is made', 'vpc.created', () => keep('vpc', aVpc(service))],
  ['is renamed', 'vpc.updated', () => patch(at('vpcs', 'vpc'))],
  ['stops source NAT', `${SET} vpc.updated`, () => put(at('vpcs', 'vpc', '/source-nat'), { enabled: false })],
  ['has its router off', `${SET} vpc.updated`, () => put(at('vpcs', 'vpc', '/routing'), { enabled: false })],
  ['has its router off already', SET, () => put(at('vpcs', 'vpc', '/routing'), { enabled: false })],
  ['is deleted', 'vpc.deleted', () => remove(at('vpcs', 'vpc'))],
]

const NETWORKS: readonly Act[] = [
  ['is made in a VPC', 'network.created vpc.created', () => keep('network', aNetwork(service))],
  ['is renamed', 'network.updated', () => patch(at('networks', 'network'))],
  [
    'has another DHCP',
    `${SET} network.updated`,
    () => put(at('networks', 'network', '/dhcp'), { lease_seconds: 600, domain: 'x.example' }),
  ],
  ['gets a NIC', 'nic.created', () => aNic(service, { network_id: the.network.id })],
  [
    'gets IPv6, and its NICs with it',
    `${SET} network.updated nic.updated`,
    () => put(at('networks', 'network', '/ipv6'), { ipv6_cidr: 'fd00:0:0:9::/64' }),
  ],
  [
    'loses IPv6',
    `${SET} network.updated nic.address_released`,
    () => put(at('networks', 'network', '/ipv6'), { ipv6_cidr: null }),
  ],
  ['is made alone', 'network.created', () => keep('loose', post('/v1/networks', { name: 'loose' }))],
  [
    'joins a VPC',
    'network.joined',
    () =>
      post(at('networks', 'loose', '/join'), {
        vpc_id: the.network.vpc_id,
        cidr: the.network.cidr.replace('.7.0/', '.9.0/'),
      }),
  ],
  ['leaves it', 'network.left', () => post(at('networks', 'loose', '/leave'))],
  ['is deleted', 'network.deleted', () => remove(at('networks', 'loose'))],
]

const SERVERS: readonly Act[] = [
  [
    'is promised with a NIC',
    'job.pending nic.created server.created',
    () =>
      promise(
        post('/v1/servers', { name: 's', guest: 'namespace', network_id: the.network.id, hypervisor_id: HYPERVISOR }),
      ),
  ],
  ['runs', 'job.successful job.working nic.in_use server.running', done],
  [
    'is renamed',
    'server.updated',
    async () => {
      await keep('server', call('GET', `/v1/servers/${the.job.server_id}`))
      await patch(at('servers', 'server'))
    },
  ],
  [
    'has other DHCP options',
    'job.pending server.updated',
    () => promise(put(at('servers', 'server', '/dhcp-options'), { options: { 66: 'tftp.example' } })),
  ],
  ['stops', 'job.pending server.stopping', () => promise(post(at('servers', 'server', '/stop')))],
  ['is stopped', 'job.successful job.working server.stopped', done],
  ['is resized', 'server.updated', () => patch(at('servers', 'server'), { vcpus: 2 })],
  ['starts', 'job.pending server.starting', () => promise(post(at('servers', 'server', '/start')))],
  ['does not start', 'job.failed job.working server.stopped', failed],
  ['starts again', 'job.pending server.starting', () => promise(post(at('servers', 'server', '/start')))],
  ['is started', 'job.successful job.working server.running', done],
  ['restarts', 'job.pending server.starting', () => promise(post(at('servers', 'server', '/restart')))],
  ['is restarted', 'job.successful job.working server.running', done],
  [
    'joins an unmanaged network',
    'job.pending network.created nic.created',
    async () => {
      await keep('bare', post('/v1/networks', { name: 'bare', type: 'unmanaged' }))
      await promise(post(at('servers', 'server', '/join'), { network_id: the.bare.id }))
    },
  ],
  ['has joined', 'job.successful job.working nic.in_use', done],
  [
    'leaves it',
    'job.pending nic.detaching',
    () => promise(post(at('servers', 'server', '/leave'), { network_id: the.bare.id })),
  ],
  ['has left', 'job.successful job.working nic.deleted', done],
  ['is to be deleted', 'job.pending nic.detaching server.terminating', () => promise(remove(at('servers', 'server')))],
  ['is not deleted', 'job.failed job.working nic.in_use server.running', failed],
  [
    'is to be deleted after all',
    'job.pending nic.detaching server.terminating',
    () => promise(remove(at('servers', 'server'))),
  ],
  ['is terminated', 'job.successful job.working nic.deleted server.terminated', done],
]

const NICS: readonly Act[] = [
  ['is made', 'nic.created', () => keep('nic', aNic(service, { network_id: the.network.id }))],
  ['is renamed', 'nic.updated', () => patch(at('nics', 'nic'))],
  [
    'changes its address',
    'nic.address_released nic.updated',
    () => patch(at('nics', 'nic'), { address: the.nic.address.replace(/\d+$/, '77') }),
  ],
  [
    'changes its groups',
    `${SET} nic.updated security_group.created`,
    async () => {
      await keep('group', post('/v1/security-groups', { name: 'g' }))
      await put(at('nics', 'nic', '/security-groups'), { security_group_ids: [the.group.id] })
    },
  ],
  [
    'has its bandwidth limited',
    `${SET} nic.updated`,
    () => put(at('nics', 'nic', '/bandwidth'), { in_mbps: 5, out_mbps: null }),
  ],
  [
    'may send anything',
    `${SET} nic.updated`,
    () => put(at('nics', 'nic', '/anti-spoofing'), { enabled: false, allowed_address_pairs: [] }),
  ],
  [
    'is attached',
    'job.pending nic.attaching',
    async () => promise(post(at('nics', 'nic', '/attach'), { server_id: the.machine.id })),
  ],
  ['is not attached', 'job.failed job.working nic.available', failed],
  [
    'is attached again',
    'job.pending nic.attaching',
    () => promise(post(at('nics', 'nic', '/attach'), { server_id: the.machine.id })),
  ],
  [
    'is at a step that takes long',
    'job.progress job.working',
    async () => {
      const { body } = await service.asWorker('POST', `/jobs/${the.job.id}/claim`, {})
      await service.asWorker('POST', `/jobs/${the.job.id}/progress`, { attempt: body.job.attempt, steps: [underWay] })
    },
  ],
  ['is tried in vain', 'job.retry job.working', async () => (await begin(the.job))('retry')],
  [
    'is in use, and seen',
    'job.successful job.working nic.in_use nic.observed',
    async () => (await begin(the.job))('successful', [seen(the.nic.id, true)]),
  ],
  ['is seen as before', '', () => service.asWorker('POST', '/observations', { observed: [seen(the.nic.id, true)] })],
  [
    'is seen otherwise',
    'nic.observed',
    () => service.asWorker('POST', '/observations', { observed: [seen(the.nic.id, false)] }),
  ],
  ['is detached', 'job.pending nic.detaching', () => promise(post(at('nics', 'nic', '/detach')))],
  ['is held on to', 'job.failed job.working nic.in_use', failed],
  ['is detached again', 'job.pending nic.detaching', () => promise(post(at('nics', 'nic', '/detach')))],
  ['is available', 'job.successful job.working nic.available', done],
  [
    'moves to another network',
    'nic.address_released nic.updated',
    () => patch(at('nics', 'nic'), { network_id: the.bare.id }),
  ],
  ['is deleted', 'nic.deleted', () => remove(at('nics', 'nic'))],
]

const SECURITY_GROUPS: readonly Act[] = [
  ['is made', 'security_group.created', () => keep('group', post('/v1/security-groups', { name: 'g' }))],
  ['is renamed', 'security_group.updated', () => patch(at('security-groups', 'group'))],
  [
    'gets rules',
    `${SET} security_group.rules_added`,
    async () => {
      const job = await post(at('security-groups', 'group', '/rules'), { rules: [{ protocol: 'tcp', port_first: 22 }] })
      the.rule = job.resources[1]
    },
  ],
  [
    'has one changed',
    `${SET} security_group.rule_changed`,
    () => patch(at('security-groups', 'group', `/rules/${the.rule.id}`), { priority: 5 }),
  ],
  [
    'loses one',
    `${SET} security_group.rule_deleted`,
    () => remove(at('security-groups', 'group', `/rules/${the.rule.id}`)),
  ],
  [
    'has them replaced',
    `${SET} security_group.rules_replaced`,
    () => put(at('security-groups', 'group', '/rules'), { rules: [{ protocol: 'all' }] }),
  ],
  [
    'gets rules that wait to be applied',
    'security_group.rules_added',
    async () =>
      wire.ok('AddSecurityGroupRules', {
        security_group: the.group.id,
        rules: [{ protocol: 'tcp', priority: 1, val1: 80 }],
      }),
  ],
  [
    'has them applied',
    `${SET} security_group.applied`,
    async () => wire.ok('ApplySecurityGroup', { security_group: the.group.id }),
  ],
  ['is deleted', 'security_group.deleted', () => remove(at('security-groups', 'group'))],
]

const ELASTIC_IPS: readonly Act[] = [
  ['has a pool', 'elastic_ip_pool.created', () => keep('pool', aPool(service))],
  ['has another pool', 'elastic_ip_pool.created', () => keep('second', aPool(service, { interface: 'eth2' }))],
  ['has a pool that is renamed', 'elastic_ip_pool.updated', () => patch(at('elastic-ip-pools', 'second'))],
  ['has a pool no more', 'elastic_ip_pool.deleted', () => remove(at('elastic-ip-pools', 'second'))],
  ['is taken', 'elastic_ip.created', () => keep('eip', post('/v1/elastic-ips'))],
  ['is renamed', 'elastic_ip.updated', () => patch(at('elastic-ips', 'eip'))],
  ['is limited', `elastic_ip.updated ${SET}`, () => put(at('elastic-ips', 'eip', '/bandwidth'), { bandwidth_mbps: 5 })],
  [
    'goes to a NIC',
    `elastic_ip.associated ${SET} nic.created`,
    async () => {
      await keep('nic', aNic(service, { network_id: the.network.id }))
      await post(at('elastic-ips', 'eip', '/associate'), { nic_id: the.nic.id })
    },
  ],
  [
    'moves to a VPC',
    'elastic_ip.associated elastic_ip.disassociated job.pending',
    () => post(at('elastic-ips', 'eip', '/associate'), { vpc_id: the.network.vpc_id }),
  ],
  [
    'moves to another hypervisor, for its own is down',
    'elastic_ip.updated job.pending',
    async () => {
      const { hypervisor_id: from } = await call('GET', at('elastic-ips', 'eip'))
      await service.db.$client.query('UPDATE hypervisor SET last_seen_at = NULL WHERE id = $1', [from])
      await post(at('elastic-ips', 'eip', '/associate'), { vpc_id: the.network.vpc_id })
      expect((await call('GET', at('elastic-ips', 'eip'))).hypervisor_id).not.toBe(from)
      await service.db.$client.query(`UPDATE hypervisor SET last_seen_at = now() + interval '1 hour'`)
    },
  ],
  ['goes to nobody', 'elastic_ip.disassociated job.pending', () => post(at('elastic-ips', 'eip', '/disassociate'))],
  [
    'goes to a NIC again',
    `elastic_ip.associated ${SET}`,
    () => post(at('elastic-ips', 'eip', '/associate'), { nic_id: the.nic.id }),
  ],
  ['loses its NIC', 'elastic_ip.disassociated nic.deleted', () => remove(at('nics', 'nic'))],
  [
    'is deleted',
    'elastic_ip.created elastic_ip.deleted',
    async () => remove(`/v1/elastic-ips/${(await post('/v1/elastic-ips')).id}`),
  ],
]

const forwarding = (port: number) =>
  post(`/v1/vpcs/${the.network.vpc_id}/port-forwardings`, {
    ...{ protocol: 'tcp', port, address: the.network.gateway.replace(/1$/, '9') },
  })
const atForwarding = () => `/v1/vpcs/${the.network.vpc_id}/port-forwardings/${the.forwarding.id}`
const PORT_FORWARDINGS: readonly Act[] = [
  [
    'is made',
    `${SET} port_forwarding.created`,
    async () => {
      const { resources } = await forwarding(80)
      the.forwarding = resources.find(({ type }: { type: string }) => type === 'port_forwarding')
    },
  ],
  ['is changed', `${SET} port_forwarding.updated`, () => patch(atForwarding(), { enabled: false })],
  ['is deleted', `${SET} port_forwarding.deleted`, () => remove(atForwarding())],
  [
    'goes with its VPC, as its elastic IP does',
    'elastic_ip.associated elastic_ip.disassociated job.pending job.successful port_forwarding.created port_forwarding.deleted vpc.created vpc.deleted',
    async () => {
      const vpc = await aVpc(service)
      await post(`/v1/vpcs/${vpc.id}/port-forwardings`, {
        ...{ protocol: 'udp', port: 53, address: vpc.cidr.replace('0.0/16', '1.9') },
      })
      await post(at('elastic-ips', 'eip', '/associate'), { vpc_id: vpc.id })
      await remove(`/v1/vpcs/${vpc.id}?force=true`)
    },
  ],
]

const RESERVED_ADDRESSES: readonly Act[] = [
  [
    'is reserved',
    `${SET} reserved_address.created`,
    async () => {
      the.address = (await post('/v1/reserved-addresses', { network_id: the.network.id })).resources[0]
    },
  ],
  ['is renamed', 'reserved_address.updated', () => patch(at('reserved-addresses', 'address'))],
  ['is given back', `${SET} reserved_address.deleted`, () => remove(at('reserved-addresses', 'address'))],
]

const ACCESS: readonly Act[] = [
  ['key is made', 'access_key.created', () => keep('key', post('/v1/access-keys', { role: 'reader' }))],
  ['key is deleted', 'access_key.deleted', () => remove(`/v1/access-keys/${the.key.access_key_id}`)],
]

describe.each<[what: string, acts: readonly Act[]]>([
  ['a VPC', VPCS],
  ['a network', NETWORKS],
  ['a server', SERVERS],
  ['a NIC', NICS],
  ['a security group', SECURITY_GROUPS],
  ['an elastic IP', ELASTIC_IPS],
  ['a port forwarding', PORT_FORWARDINGS],
  ['a reserved address', RESERVED_ADDRESSES],
  ['an access', ACCESS],
])('%s', (_what, acts) => {
  it.each(acts)('%s: %s', async (_did, told, act) => {
    const [event, noticed] = [await newest('event'), await newest('noticed')]
    await act()
    expect((await toldSince(event)).join(' ')).toBe(told.split(' ').sort().join(' '))
    expect(await untoldSince(noticed)).toEqual([])
  })
})

it('a project: is told of with all that comes with it, in itself and in that of the admin who made it', async () => {
  const [event, noticed] = [await newest('event'), await newest('noticed')]
  const { id } = await post('/v1/projects', { name: 'other' })
  expect(await toldSince(event)).toEqual(['project.created'])
  const ofDefaultGroup = / of security_group sg-/
  expect((await untoldSince(noticed)).filter((change) => !ofDefaultGroup.test(change))).toEqual([])
  const { rows } = await service.db.$client.query('SELECT project_id FROM event WHERE resource_id = $1', [id])
  expect(new Set(rows.map(({ project_id }) => project_id))).toEqual(new Set([id, service.projectId]))
})

it('every table that is watched was changed', async () => {
  const { rows } = await service.db.$client.query<{ name: string }>(
    `SELECT DISTINCT split_part(what, ' ', 2) AS name FROM noticed`,
  )
  expect(new Set(rows.map(({ name }) => name))).toEqual(new Set(WATCHED.map(([table]) => table)))
})
