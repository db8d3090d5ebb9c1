import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { registerHypervisor } from '../../src/domain/hypervisor/hypervisors.ts'
import { aService, expectProblem, type Service } from '../support/a-service.ts'
import { aHypervisor, aNetwork, aNic, aPool, aServer, finish } from '../support/builders.ts'

let service: Service
let otherToken: string
beforeAll(async () => {
  service = await aService()
  otherToken = await registerHypervisor(service.db, 'hv-other', 'zone-test')
  await aHypervisor(service, 'hv-test', ['eth1'])
  await aHypervisor(service, 'hv-other', ['eth1'])
})
afterAll(() => service.close())

const body = async (method: string, url: string, sent?: object) => {
  const answer = await service.call(method, url, sent)
  expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300)
  return answer.body
}
const primaryOf = async (serverId: string) => (await body('GET', `/v1/nics?server_id=${serverId}`)).items[0]
/** A running server with its primary NIC in a network. */
const aMember = async (network: { id: string }, hypervisor_id = 'hv-test') => {
  const job = await body('POST', '/v1/servers', {
    name: 'server',
    guest: 'namespace',
    network_id: network.id,
    hypervisor_id,
  })
  await settle(job.id, hypervisor_id)
  return { server: { id: job.server_id }, nic: await primaryOf(job.server_id) }
}
const asWorker = (hypervisor: string, method: string, url: string, sent?: object) =>
  service.call(method, `/v1/hypervisors/${hypervisor}${url}`, sent, {
    token: hypervisor === 'hv-other' ? otherToken : service.hypervisorToken,
  })
const settle = async (jobId: string, hypervisor: string, error: string | null = null) => {
  const { body: order } = await asWorker(hypervisor, 'POST', `/jobs/${jobId}/claim`, {})
  const outcome = error === null ? 'successful' : 'failed'
  const told = { attempt: order.job.attempt, outcome, error, steps: [], observed: [] }
  expect((await asWorker(hypervisor, 'POST', `/jobs/${jobId}/report`, told)).status).toBe(204)
  return order
}
const desired = async (hypervisor = 'hv-test') => (await asWorker(hypervisor, 'GET', '/desired-state')).body
const jobOf = (id: string) => body('GET', `/v1/jobs/${id}`)
const partsOf = async (id: string): Promise<{ id: string; hypervisor_id: string }[]> =>
  (
    await service.db.$client.query('SELECT id, hypervisor_id FROM job WHERE parent_id = $1 ORDER BY hypervisor_id', [
      id,
    ])
  ).rows

describe('the desired state', () => {
  it('has the groups of its NICs with their rules, and the members of those that rules name', async () => {
    const network = await aNetwork(service)
    const [inDefault, inOwn] = [await aMember(network), await aMember(network)]
    const friends = await body('POST', '/v1/security-groups', { name: 'friends' })
    const own = await body('POST', '/v1/security-groups', {
      name: 'own',
      rules: [{ protocol: 'tcp', port_first: 22, remote_group_id: friends.id }],
    })
    const friend = await aMember(network, 'hv-other')
    await body('PUT', `/v1/nics/${friend.nic.id}/security-groups`, { security_group_ids: [friends.id] })
    await body('PUT', `/v1/nics/${inOwn.nic.id}/security-groups`, { security_group_ids: [own.id] })
    const { groups, servers } = await desired()
    const cards = servers.flatMap(({ nics }: { nics: object[] }) => nics)
    const [fallback] = inDefault.nic.security_group_ids
    expect(cards).toContainEqual(
      expect.objectContaining({ id: inDefault.nic.id, security_group_ids: [fallback], anti_spoofing: true }),
    )
    expect(cards).toContainEqual(expect.objectContaining({ id: inOwn.nic.id, security_group_ids: [own.id] }))
    const groupOf = (id: string) => groups.find((group: { id: string }) => group.id === id)
    expect(groupOf(own.id).rules).toMatchObject([{ protocol: 'tcp', port_first: 22, remote_group_id: friends.id }])
    // No NIC here is in it: only where its members are matters.
    expect(groupOf(friends.id)).toMatchObject({
      rules: null,
      members: [{ scope: network.vpc_id, address: friend.nic.address }],
    })
    const inFallback = groupOf(fallback).members.map(({ address }: { address: string }) => address)
    expect(inFallback).toContain(inDefault.nic.address)
    expect(inFallback).not.toContain(inOwn.nic.address)
  })

  it('has an elastic IP where its NIC is, until the server stops', async () => {
    const { server, nic } = await aMember(await aNetwork(service))
    const pool = await aPool(service)
    const eip = await body('POST', '/v1/elastic-ips', { pool_id: pool.id, bandwidth_mbps: 20 })
    await body('POST', `/v1/elastic-ips/${eip.id}/associate`, { nic_id: nic.id })
    const held = async (hypervisor?: string) =>
      (await desired(hypervisor)).routers
        .flatMap(({ elastic_ips }: { elastic_ips: object[] }) => elastic_ips)
        .filter(({ address }: { address: string }) => address === eip.address)
    expect(await held()).toEqual([
      {
        ...{ address: eip.address, cidr: pool.cidr, gateway: pool.gateway, interface: 'eth1' },
        ...{ nic_address: nic.address, bandwidth_mbps: 20 },
      },
    ])
    expect(await held('hv-other')).toEqual([])
    await finish(service, (await body('POST', `/v1/servers/${server.id}/stop`)).id)
    expect(await held()).toEqual([])
  })

  it('has a VPC’s elastic IP, with its port forwardings, on one hypervisor', async () => {
    const network = await aNetwork(service)
    await aMember(network)
    await aMember(network, 'hv-other')
    await aMember(network, 'hv-other')
    const eip = await body('POST', '/v1/elastic-ips', { pool_id: (await aPool(service)).id })
    const address = network.gateway.replace(/1$/, '9')
    await body('POST', `/v1/vpcs/${network.vpc_id}/port-forwardings`, { protocol: 'tcp', port: 8022, address })
    await body('POST', `/v1/elastic-ips/${eip.id}/associate`, { vpc_id: network.vpc_id })
    expect(await body('GET', `/v1/elastic-ips/${eip.id}`)).toMatchObject({ hypervisor_id: 'hv-other' }) // most of its NICs
    const routerOn = async (hypervisor: string) =>
      (await desired(hypervisor)).routers.find(({ vpc_id }: { vpc_id: string }) => vpc_id === network.vpc_id)
    expect(await routerOn('hv-other')).toMatchObject({
      routing: true,
      source_nat: true,
      elastic_ips: [{ address: eip.address, nic_address: null }],
      port_forwardings: [{ protocol: 'tcp', port: 8022, address, target_port: 8022 }],
    })
    expect(await routerOn('hv-test')).toMatchObject({ elastic_ips: [], port_forwardings: [] })
  })
})

describe('the order of an attach', () => {
  it('names its groups by generation, and brings the router with its elastic IPs', async () => {
    const network = await aNetwork(service)
    const server = await aServer(service, { hypervisor_id: 'hv-test' })
    const nic = await aNic(service, { network_id: network.id })
    const eip = await body('POST', '/v1/elastic-ips', { pool_id: (await aPool(service)).id })
    expect(await body('POST', `/v1/elastic-ips/${eip.id}/associate`, { nic_id: nic.id })).toMatchObject({
      state: 'successful', // on no server: there is nothing to do yet
    })
    const job = await body('POST', `/v1/nics/${nic.id}/attach`, { server_id: server.id })
    const order = await finish(service, job.id)
    expect(order.groups).toEqual([{ id: nic.security_group_ids[0], generation: expect.any(Number) }])
    expect(order.routers).toMatchObject([{ elastic_ips: [{ address: eip.address, nic_address: nic.address }] }])
  })
})

describe('a NIC with an elastic IP', () => {
  it('is not attached where the interface to its segment is missing', async () => {
    await aHypervisor(service, 'hv-other', ['eth1', 'eth2'])
    const pool = await aPool(service, { interface: 'eth2' })
    const eip = await body('POST', '/v1/elastic-ips', { pool_id: pool.id })
    const server = await aServer(service, { hypervisor_id: 'hv-test' })
    const nic = await aNic(service)
    await body('POST', `/v1/elastic-ips/${eip.id}/associate`, { nic_id: nic.id })
    const refused = await service.call('POST', `/v1/nics/${nic.id}/attach`, { server_id: server.id })
    expectProblem(refused, 409, 'interface_missing')
    expect(refused.body.detail).toBe('hypervisor hv-test does not have the interface eth2; it has: eth1')
  })
})

describe('a change that shows on two hypervisors', () => {
  const aChange = async () => {
    const network = await aNetwork(service)
    const group = await body('POST', '/v1/security-groups', { name: 'wide' })
    for (const hypervisor of ['hv-test', 'hv-other']) {
      const { nic } = await aMember(network, hypervisor)
      await body('PUT', `/v1/nics/${nic.id}/security-groups`, { security_group_ids: [group.id] })
    }
    const job = await body('PUT', `/v1/security-groups/${group.id}/rules`, { rules: [] })
    return { job, parts: await partsOf(job.id) }
  }

  it('is one job, which ends with the last of its parts', async () => {
    const { job, parts } = await aChange()
    expect(job).toMatchObject({ state: 'working', hypervisor_id: null, server_id: null })
    expect(parts.map(({ hypervisor_id }) => hypervisor_id)).toEqual(['hv-other', 'hv-test'])
    await settle(parts[0]?.id ?? '', 'hv-other')
    expect(await jobOf(job.id)).toMatchObject({ state: 'working', finished_at: null })
    const order = await settle(parts[1]?.id ?? '', 'hv-test')
    expect(order).toMatchObject({ server: null, job: { action: 'network.apply' } })
    expect(await jobOf(job.id)).toMatchObject({ state: 'successful', error: null })
  })

  it('ends although both parts are reported at the same moment', async () => {
    const { job, parts } = await aChange()
    await Promise.all(parts.map(({ id, hypervisor_id }) => settle(id, hypervisor_id)))
    expect(await jobOf(job.id)).toMatchObject({ state: 'successful' })
  })

  it('fails when one part fails, and says where and why', async () => {
    const { job, parts } = await aChange()
    await settle(parts[0]?.id ?? '', 'hv-other', 'the kernel says no')
    await settle(parts[1]?.id ?? '', 'hv-test')
    expect(await jobOf(job.id)).toMatchObject({ state: 'failed', error: 'hv-other: the kernel says no' })
  })
})
