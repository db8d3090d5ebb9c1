import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AccessRole } from '../../src/domain/actor.ts'
import { type Answer, aService, expectProblem, HYPERVISOR, type Service } from '../support/a-service.ts'
import { aHypervisor, aNetwork, aNic, aPool, aServer, aVpc, finish } from '../support/builders.ts'
import { OPERATIONS, type Operation, urlOf } from '../support/operations.ts'

let service: Service
beforeAll(async () => {
  service = await aService()
})
afterAll(() => service.close())

/** Least role for each operation of the document. A new operation is not done before it stands here. */
const NEEDS: Readonly<Record<AccessRole | 'hypervisor' | 'nobody', readonly string[]>> = {
  nobody: ['getHealth', 'getReadiness', 'getMetrics', 'createSession'],
  reader:
    `listVpcs getVpc listNetworks getNetwork listNics getNic getNicTraffic listNicTraffic listServers getServer listJobs getJob
    listHypervisors getHypervisor listEvents listElasticIpPools getElasticIpPool listElasticIps getElasticIp
    listPortForwardings getPortForwarding listReservedAddresses getReservedAddress listSecurityGroups getSecurityGroup listSecurityGroupRules
    getSecurityGroupRule getSession deleteSession`.split(/\s+/),
  operator: `createVpc updateVpc deleteVpc createNetwork updateNetwork deleteNetwork joinNetwork leaveNetwork
    createNic createNics updateNic deleteNic attachNic detachNic createServer updateServer deleteServer startServer
    stopServer restartServer joinServer leaveServer attachNics detachNics setSourceNat setRouting createPortForwarding updatePortForwarding deletePortForwarding
    createElasticIp updateElasticIp deleteElasticIp associateElasticIp disassociateElasticIp
    createSecurityGroup updateSecurityGroup deleteSecurityGroup addSecurityGroupRules replaceSecurityGroupRules
    updateSecurityGroupRule deleteSecurityGroupRule setNicSecurityGroups setNicBandwidth setNicAntiSpoofing
    setElasticIpBandwidth reserveAddresses updateReservedAddress releaseAddress setNetworkIpv6 setNetworkDhcp setServerDhcpOptions`.split(
    /\s+/,
  ),
  admin:
    `registerHypervisor createProject listProjects getProject deleteProject createAccessKey listAccessKeys getAccessKey
    deleteAccessKey createElasticIpPool updateElasticIpPool deleteElasticIpPool`.split(/\s+/),
  hypervisor: [
    'getQueueAccess',
    'sendHeartbeat',
    'getDesiredState',
    'claimJob',
    'noteProgress',
    'reportJob',
    'sendObservations',
    'sendTraffic',
  ],
}
const ROLES: readonly AccessRole[] = ['reader', 'operator', 'admin']
const operations = (need: keyof typeof NEEDS) => OPERATIONS.filter(({ id }) => NEEDS[need].includes(id))
/** A call that is let in is refused all the same: what it is about is not there, or its body is empty. */
const knock = (at: Operation, token: string) =>
  service.call(at.method, urlOf(at.path), at.body && at.method !== 'DELETE' ? {} : undefined, { token })

it('every operation of the document needs a known role', () => {
  expect(OPERATIONS.map(({ id }) => id).sort()).toEqual(Object.values(NEEDS).flat().sort())
})

it('only health, readiness, metrics, signing in, the console, the document and its page are open; the wire refuses in its own way', async () => {
  const answers = await Promise.all(
    routesOf(service).map(async ({ method, url }) => {
      const answer = await service.app.inject({ method: method as 'GET', url })
      return { url, answer }
    }),
  )
  expect(answers.length).toBeGreaterThan(OPERATIONS.length)
  const open = answers.filter(({ answer }) => answer.statusCode !== 401).map(({ url }) => url)
  const pages = new Set(open.map((url) => (url.startsWith('/docs') ? '/docs' : url)))
  const signIn = '/v1/session'
  const console = 'x' // every path that is nothing else
  const everybodys = ['/docs', '/healthz', '/iaas', '/iaas/', '/metrics', '/openapi.json', '/readyz', signIn, console]
  expect([...pages].sort()).toEqual(everybodys)
})

/** Every route that the application has, documented or not, from its own print of the routing tree. */
function routesOf({ app }: Service): { method: string; url: string }[] {
  const parents: string[] = []
  return app
    .printRoutes({ commonPrefix: false })
    .split('\n')
    .flatMap((line) => {
      const [, indent = '', part = '', methods = ''] =
        /^((?:[│ ] {3})*)[├└]── (\S*)(?: \(([A-Z, ]+)\))?$/.exec(line) ?? []
      if (line.trim() === '') return []
      const depth = indent.length / 4
      parents.splice(depth)
      parents.push(part)
      const url = urlOf(
        parents
          .join('')
          .replaceAll(/:(\w+)/g, '{$1}')
          .replace('*', 'x'),
      )
      return methods === '' ? [] : methods.split(', ').map((method) => ({ method, url }))
    })
}

describe('without a valid token', () => {
  const closed = OPERATIONS.filter(({ id }) => !NEEDS.nobody.includes(id))

  it.each(closed.map((at) => [`${at.method} ${at.path}`, at] as const))('%s answers 401', async (_name, at) => {
    const headers: Record<string, string>[] = [
      { authorization: '' },
      { authorization: 'Bearer ' },
      { authorization: `Bearer ${'x'.repeat(43)}` },
      { authorization: `Basic ${Buffer.from('a:b').toString('base64')}` },
      { authorization: `Bearer ${service.token} ` },
      { authorization: service.token },
    ]
    for (const one of headers) {
      const answer = await service.call(at.method, urlOf(at.path), undefined, { headers: one })
      expectProblem(answer, 401, 'unauthorized')
      expect(answer.headers['www-authenticate']).toBe('Bearer')
    }
  })
})

describe('a role', () => {
  let tokens: Record<AccessRole, string>
  beforeAll(async () => {
    tokens = Object.fromEntries(
      await Promise.all(ROLES.map(async (role) => [role, await service.tokenOf(role)])),
    ) as Record<AccessRole, string>
  })

  it.each(ROLES.flatMap((need) => operations(need).map((at) => [need, `${at.method} ${at.path}`, at] as const)))(
    'from %s upwards may call %s',
    async (need, _name, at) => {
      for (const role of ROLES) {
        const answer = await knock(at, tokens[role])
        if (ROLES.indexOf(role) < ROLES.indexOf(need)) {
          expectProblem(answer, 403, 'forbidden')
          expect(answer.body.detail).toContain(`this needs the role ${need}`)
        } else expect([200, 201, 204, 400, 404]).toContain(answer.status)
      }
    },
  )

  it.each(operations('hypervisor').map((at) => [`${at.method} ${at.path}`, at] as const))(
    'of any kind is not let in to %s',
    async (_name, at) => {
      for (const role of ROLES) {
        const answer = await service.call(at.method, urlOf(at.path, { hypervisors: HYPERVISOR }), undefined, {
          token: tokens[role],
        })
        expectProblem(answer, 401, 'unauthorized')
      }
    },
  )
})

describe('another project', () => {
  let ids: Record<string, string>
  let token: string
  beforeAll(async () => {
    const [vpc, network] = [await aVpc(service), await aNetwork(service)]
    const nic = await aNic(service, { network_id: network.id })
    const server = await aServer(service)
    const { body: job } = await service.call('POST', `/v1/nics/${nic.id}/attach`, { server_id: server.id })
    await finish(service, job.id)
    await aHypervisor(service, HYPERVISOR, ['eth1'])
    await aPool(service)
    const { body: eip } = await service.call('POST', '/v1/elastic-ips', {})
    const forwarded = { protocol: 'tcp', port: 80, address: vpc.cidr.replace('0.0/16', '1.5') }
    const { body: forwarding } = await service.call('POST', `/v1/vpcs/${vpc.id}/port-forwardings`, forwarded)
    ids = { vpcs: vpc.id, networks: network.id, nics: nic.id, servers: server.id, jobs: job.id }
    ids['elastic-ips'] = eip.id
    const { body: group } = await service.call('POST', '/v1/security-groups', { name: 'g' })
    const { body: rules } = await service.call('GET', `/v1/security-groups/${group.id}/rules`)
    ids['security-groups'] = group.id
    ids.rules = rules.items[0].id
    ids['port-forwardings'] = forwarding.resources[1].id
    token = await service.tokenOf('admin', await service.aProject())
  })
  const theirs = (at: Operation) =>
    /\/(vpcs|networks|nics|servers|jobs|elastic-ips|security-groups)\/\{id\}/.test(at.path)
  const bodyOf = (at: Operation): object | undefined => {
    if (at.method === 'PATCH') return { name: 'taken over' }
    if (at.id === 'setSourceNat' || at.id === 'setRouting') return { enabled: false }
    if (at.id === 'createPortForwarding') return { protocol: 'tcp', port: 81, address: '10.0.1.5' }
    if (at.id === 'associateElasticIp') return { nic_id: ids.nics }
    if (at.id === 'setElasticIpBandwidth') return { bandwidth_mbps: 5 }
    if (at.id.endsWith('SecurityGroupRules')) return { rules: [{ protocol: 'all' }] }
    if (at.id === 'setNicSecurityGroups') return { security_group_ids: [ids['security-groups']] }
    if (at.id === 'setNicBandwidth') return { in_mbps: 1, out_mbps: 1 }
    if (at.id === 'setNicAntiSpoofing') return { enabled: false }
    if (at.id === 'joinNetwork') return { vpc_id: ids.vpcs, cidr: '10.0.1.0/24' }
    if (at.id === 'setNetworkIpv6') return { ipv6_cidr: 'fd00:1::/64' }
    if (at.id === 'setNetworkDhcp') return {}
    if (at.id === 'setServerDhcpOptions') return { options: {} }
    if (at.id === 'joinServer' || at.id === 'leaveServer') return { network_id: ids.networks }
    if (at.id === 'attachNic') return { server_id: ids.servers }
    if (at.id === 'attachNics' || at.id === 'detachNics') return { nic_ids: [ids.nics] }
    return at.method === 'POST' ? {} : undefined
  }

  it.each(OPERATIONS.filter(theirs).map((at) => [`${at.method} ${at.path}`, at] as const))(
    'finds nothing at %s, as if it were not there',
    async (_name, at) => {
      const found = await service.call(at.method, urlOf(at.path, ids), bodyOf(at), { token })
      expectProblem(found, 404, 'not_found')
      const missing = await service.call(at.method, urlOf(at.path), bodyOf(at), { token })
      expectProblem(missing, 404, 'not_found')
      expect(shape(found)).toEqual(shape(missing))
    },
  )
  /** A refusal without the ids that were asked for. */
  const shape = ({ body }: Answer) =>
    JSON.stringify({ ...body, request_id: '' }).replaceAll(/52:54(:\w\w){4}|(vpc|net|i|j|eip|pf|sgr?)-\w+/g, 'ID')

  it('cannot name them in a body either', async () => {
    const call = (method: string, url: string, body: object) => service.call(method, url, body, { token })
    const own = (await call('POST', '/v1/vpcs', { name: 'v', cidr: '10.0.0.0/16' })).body
    const network = (await call('POST', '/v1/networks', { name: 'n', vpc_id: own.id, cidr: '10.0.1.0/24' })).body
    const nic = (await call('POST', '/v1/nics', { network_id: network.id })).body
    const subnet = { vpc_id: ids.vpcs, cidr: '10.0.1.0/24' }
    for (const answer of [
      await call('POST', '/v1/networks', { name: 'n', ...subnet }),
      await call('POST', '/v1/nics', { network_id: ids.networks }),
      await call('POST', '/v1/nics/batch', { network_id: ids.networks, count: 2 }),
      await call('POST', '/v1/servers', { name: 's', guest: 'namespace', network_id: ids.networks }),
      await call('POST', `/v1/nics/${nic.id}/attach`, { server_id: ids.servers }),
    ]) {
      expectProblem(answer, 404, 'not_found')
    }
  })

  it('lists none of them, nor their events', async () => {
    const empty = await service.tokenOf('reader', await service.aProject())
    for (const collection of ['vpcs', 'networks', 'nics', 'servers', 'jobs', 'elastic-ips']) {
      const { body } = await service.call('GET', `/v1/${collection}`, undefined, { token: empty })
      expect(body, collection).toEqual({ items: [], next_cursor: null })
    }
    const { items } = (await service.call('GET', `/v1/events?resource_id=${ids.nics}`, undefined, { token })).body
    expect(items).toEqual([])
  })

  it('has left all of it as it was', async () => {
    const nic = await service.call('GET', `/v1/nics/${ids.nics}`)
    expect(nic.body).toMatchObject({ state: 'in_use', name: '' })
  })
})
