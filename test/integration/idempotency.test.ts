import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { forgetOldKeys } from '../../src/domain/idempotency/idempotency.ts'
import { aService, expectProblem, type Service } from '../support/a-service.ts'
import { aHypervisor, aNetwork, aNic, aPool, aServer, finish } from '../support/builders.ts'
import { OPERATIONS } from '../support/operations.ts'

let service: Service
beforeAll(async () => {
  service = await aService()
})
afterAll(() => service.close())

let counter = 0
const newKey = () => `key-${++counter}`
const post = (url: string, body: unknown, key: string, token = service.token) =>
  service.call('POST', url, body, { token, headers: { 'idempotency-key': key } })

/** A body for every POST of the document; what is made is told from its answer. */
async function bodies(): Promise<Record<string, [url: string, body: object | undefined]>> {
  const [network, stopped, running] = [await aNetwork(service), await aServer(service), await aServer(service)]
  await finish(service, (await service.call('POST', `/v1/servers/${stopped.id}/stop`)).body.id)
  const [one, two, three, four] = await Promise.all([1, 2, 3, 4].map(() => aNic(service, { network_id: network.id })))
  const attached = await service.call('POST', `/v1/servers/${running.id}/attach-nics`, { nic_ids: [three.id, four.id] })
  await finish(service, attached.body.id)
  const loose = (await service.call('POST', '/v1/networks', { name: 'loose' })).body
  const leaving = await aNetwork(service)
  const group = (await service.call('POST', '/v1/security-groups', { name: 'g' })).body
  await aHypervisor(service, 'hv-test', ['eth1'])
  const pool = await aPool(service)
  const address = async () => (await service.call('POST', '/v1/elastic-ips', { pool_id: pool.id })).body
  const [loosely, held] = [await address(), await address()]
  await service.call('POST', `/v1/elastic-ips/${held.id}/associate`, { nic_id: one.id })
  const [joining, joined, restarted] = [
    await aServer(service),
    await aServer(service, { network_id: network.id }),
    await aServer(service),
  ]
  const subnet = { vpc_id: network.vpc_id, cidr: network.cidr.replace('.7.0/', '.8.0/') }
  return {
    createVpc: ['/v1/vpcs', { name: 'v', cidr: '10.9.0.0/16' }],
    createNetwork: ['/v1/networks', { name: 'n' }],
    joinNetwork: [`/v1/networks/${loose.id}/join`, subnet],
    leaveNetwork: [`/v1/networks/${leaving.id}/leave`, undefined],
    createNic: ['/v1/nics', { network_id: network.id }],
    createNics: ['/v1/nics/batch', { network_id: network.id, count: 3 }],
    attachNic: [`/v1/nics/${one.id}/attach`, { server_id: stopped.id }],
    attachNics: [`/v1/servers/${stopped.id}/attach-nics`, { nic_ids: [two.id] }],
    detachNic: [`/v1/nics/${three.id}/detach`, {}],
    detachNics: [`/v1/servers/${running.id}/detach-nics`, { nic_ids: [four.id] }],
    createSecurityGroup: ['/v1/security-groups', { name: 'h' }],
    addSecurityGroupRules: [`/v1/security-groups/${group.id}/rules`, { rules: [{ protocol: 'tcp', port_first: 22 }] }],
    createElasticIpPool: [
      '/v1/elastic-ip-pools',
      {
        ...{ name: 'other', interface: 'eth1', cidr: '198.51.100.0/24', gateway: '198.51.100.1' },
        ...{ first: '198.51.100.10', last: '198.51.100.20' },
      },
    ],
    createElasticIp: ['/v1/elastic-ips', { pool_id: pool.id }],
    associateElasticIp: [`/v1/elastic-ips/${loosely.id}/associate`, { nic_id: two.id }],
    disassociateElasticIp: [`/v1/elastic-ips/${held.id}/disassociate`, undefined],
    createPortForwarding: [
      `/v1/vpcs/${network.vpc_id}/port-forwardings`,
      { protocol: 'tcp', port: 8080, address: network.gateway.replace(/1$/, '9') },
    ],
    createServer: ['/v1/servers', { name: 's', guest: 'namespace' }],
    stopServer: [`/v1/servers/${running.id}/stop`, { force: true }],
    restartServer: [`/v1/servers/${restarted.id}/restart`, {}],
    joinServer: [`/v1/servers/${joining.id}/join`, { network_id: network.id }],
    leaveServer: [`/v1/servers/${joined.id}/leave`, { network_id: network.id }],
    reserveAddresses: ['/v1/reserved-addresses', { network_id: network.id, count: 2 }],
    startServer: [`/v1/servers/${stopped.id}/start`, undefined],
    registerHypervisor: ['/v1/hypervisors', { id: 'hv-new', zone_id: 'z' }],
    createProject: ['/v1/projects', { name: 'p' }],
    createAccessKey: ['/v1/access-keys', { role: 'reader' }],
  }
}

describe('the same key with the same request', () => {
  it('gets the same answer on every POST, and does nothing twice', async () => {
    const known = await bodies()
    // Whoever signs in has no project yet that a key could be of.
    const posts = OPERATIONS.filter(
      ({ id, method, path }) => method === 'POST' && !path.includes('{hypervisorId}') && id !== 'createSession',
    )
    expect(Object.keys(known).sort()).toEqual(posts.map(({ id }) => id).sort())
    for (const [id, [url, body]] of Object.entries(known)) {
      const key = newKey()
      const first = await post(url, body, key)
      expect(first.status, `${id} ${JSON.stringify(first.body)}`).toBeLessThan(300)
      expect(first.headers['idempotency-replayed'], id).toBeUndefined()
      const events = await countEvents()
      const second = await post(url, body, key)
      expect(second.headers['idempotency-replayed'], id).toBe('true')
      expect(second.body, id).toEqual(first.body)
      expect([second.status, second.headers.location, second.headers.etag], id).toEqual([
        first.status,
        first.headers.location,
        first.headers.etag,
      ])
      expect(await countEvents(), id).toBe(events)
    }
  })
  const countEvents = async () => (await service.db.$client.query('SELECT FROM event')).rowCount

  it('may have its fields in another order', async () => {
    const key = newKey()
    const first = await post('/v1/vpcs', { name: 'v', cidr: '10.9.0.0/16', tags: { a: '1', b: '2' } }, key)
    const second = await post('/v1/vpcs', { tags: { b: '2', a: '1' }, cidr: '10.9.0.0/16', name: 'v' }, key)
    expect(second.body.id).toBe(first.body.id)
  })
})

describe('a key', () => {
  it('that was used for another body or another route is refused', async () => {
    const key = newKey()
    await post('/v1/vpcs', { name: 'v', cidr: '10.9.0.0/16' }, key)
    for (const refused of [
      await post('/v1/vpcs', { name: 'w', cidr: '10.9.0.0/16' }, key),
      await post('/v1/networks', { name: 'v' }, key),
    ]) {
      expectProblem(refused, 422, 'idempotency_key_reused')
      expect(refused.body.errors).toMatchObject([{ in: 'header', pointer: '/idempotency-key' }])
    }
  })

  it('of a refused request may be used again', async () => {
    const key = newKey()
    const network = await aNetwork(service)
    const address = network.gateway.replace(/1$/, '9')
    const nic = await aNic(service, { network_id: network.id, address })
    const again = () => post('/v1/nics', { network_id: network.id, address }, key)
    const refused = await again()
    expectProblem(refused, 409, 'address_in_use')
    expect(refused.body.errors).toMatchObject([{ pointer: '/address' }])
    await service.call('DELETE', `/v1/nics/${nic.id}`)
    expect((await again()).status).toBe(201)
  })

  it('is one of its project: another project’s same key is another key', async () => {
    const key = newKey()
    const token = await service.tokenOf('operator', await service.aProject())
    const first = await post('/v1/vpcs', { name: 'v', cidr: '10.9.0.0/16' }, key)
    const other = await post('/v1/vpcs', { name: 'v', cidr: '10.9.0.0/16' }, key, token)
    expect(other.status).toBe(201)
    expect(other.body.id).not.toBe(first.body.id)
  })

  it('is forgotten after 24 hours, and not before', async () => {
    const [old, young] = [newKey(), newKey()]
    const make = (key: string) => post('/v1/vpcs', { name: 'v', cidr: '10.9.0.0/16' }, key)
    const [first, second] = [await make(old), await make(young)]
    const age = (key: string, hours: number) =>
      service.db.$client.query(
        `UPDATE idempotency_key SET created_at = now() - $2 * interval '1 hour' WHERE key = $1`,
        [key, hours],
      )
    await age(old, 24.1)
    await age(young, 23.9)
    await forgetOldKeys(service.db)
    expect((await make(old)).body.id).not.toBe(first.body.id)
    expect((await make(young)).body.id).toBe(second.body.id)
  })
})
