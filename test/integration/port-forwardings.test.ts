import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { aService, expectProblem, HYPERVISOR, type Service } from '../support/a-service.ts'
import { aHypervisor, aNetwork, aPool, aServer, aVpc, finish } from '../support/builders.ts'

let service: Service
beforeAll(async () => {
  service = await aService()
  await aHypervisor(service, HYPERVISOR, ['eth1'])
  await aPool(service)
})
afterAll(() => service.close())

type Vpc = { id: string; cidr: string }
const host = (vpc: Vpc, rest: string) => vpc.cidr.replace('0.0/16', rest)
const urlOf = (vpc: Vpc, id = '') => `/v1/vpcs/${vpc.id}/port-forwardings${id && `/${id}`}`
const forward = (vpc: Vpc, over: object = {}) =>
  service.call('POST', urlOf(vpc), { protocol: 'tcp', port: 80, address: host(vpc, '7.5'), ...over })
const idOf = ({ body }: { body: { resources: { type: string; id: string }[] } }) =>
  body.resources.find(({ type }) => type === 'port_forwarding')?.id ?? ''

describe('a port forwarding', () => {
  it('is promised by a job that names it, and read back by its id; its target port is the port by default', async () => {
    const vpc = await aVpc(service)
    const made = await forward(vpc, { name: 'web' })
    expect(made.status).toBe(202)
    const id = idOf(made)
    expect(made.headers.location).toBe(`/v1/jobs/${made.body.id}`)
    expect(made.body).toMatchObject({
      action: 'network.apply',
      state: 'successful', // the VPC has no elastic IP: there is nothing to do yet
      resources: [
        { type: 'vpc', id: vpc.id },
        { type: 'port_forwarding', id },
      ],
    })
    const read = await service.call('GET', urlOf(vpc, id))
    expect(read.headers.etag).toBe('"1"')
    expect(read.body).toMatchObject({
      id,
      vpc_id: vpc.id,
      name: 'web',
      protocol: 'tcp',
      port: 80,
      address: host(vpc, '7.5'),
      target_port: 80,
    })
  })

  it('of a VPC with an elastic IP goes to the hypervisor that holds it: made, changed and deleted', async () => {
    const vpc = await aVpc(service)
    const eip = (await service.call('POST', '/v1/elastic-ips', {})).body
    await service.call('POST', `/v1/elastic-ips/${eip.id}/associate`, { vpc_id: vpc.id })
    const made = await forward(vpc, { target_port: 8080 })
    expect(made.body).toMatchObject({ state: 'pending', hypervisor_id: HYPERVISOR })
    await finish(service, made.body.id)
    const id = idOf(made)

    const changed = await service.call('PATCH', urlOf(vpc, id), { port: 81, name: 'renamed' })
    expect(changed).toMatchObject({ status: 202, body: { hypervisor_id: HYPERVISOR, resources: made.body.resources } })
    const after = (await service.call('GET', urlOf(vpc, id))).body
    expect(after).toMatchObject({ port: 81, target_port: 8080, name: 'renamed', generation: 2 })

    const deleted = await service.call('DELETE', urlOf(vpc, id))
    expect(deleted).toMatchObject({ status: 202, body: { hypervisor_id: HYPERVISOR, resources: made.body.resources } })
    expectProblem(await service.call('GET', urlOf(vpc, id)), 404, 'not_found')
    expectProblem(await service.call('DELETE', urlOf(vpc, id)), 404, 'not_found')
    expectProblem(await service.call('PATCH', urlOf(vpc, id), { port: 1 }), 404, 'not_found')
    const { items } = (await service.call('GET', `/v1/events?resource_id=${id}`)).body
    expect(items.map((one: { job_id: string }) => one.job_id)).toEqual(
      [deleted, changed, made].map(({ body }) => body.id),
    )
    expect(items.map(({ type, data }: { type: string; data: { port: number } }) => [type, data.port])).toEqual([
      ['port_forwarding.deleted', 81],
      ['port_forwarding.updated', 81],
      ['port_forwarding.created', 80],
    ])
  })

  it('that is switched off is kept, and reaches no hypervisor', async () => {
    const network = await aNetwork(service)
    await aServer(service, { network_id: network.id })
    const vpc = { id: network.vpc_id, cidr: network.cidr.replace('7.0/24', '0.0/16') }
    const eip = (await service.call('POST', '/v1/elastic-ips', {})).body
    await service.call('POST', `/v1/elastic-ips/${eip.id}/associate`, { vpc_id: vpc.id })
    const ports = async () =>
      (await service.asWorker('GET', '/desired-state')).body.routers
        .find(({ vpc_id }: { vpc_id: string }) => vpc_id === vpc.id)
        .port_forwardings.map(({ port }: { port: number }) => port)
    const [on, off] = [idOf(await forward(vpc)), idOf(await forward(vpc, { port: 81, enabled: false }))]
    expect(await ports()).toEqual([80])
    expect((await service.call('GET', urlOf(vpc, off))).body.enabled).toBe(false)
    const changed = await service.call('PATCH', urlOf(vpc, off), { enabled: true })
    expect(changed.body).toMatchObject({ state: 'pending', hypervisor_id: HYPERVISOR })
    await service.call('PATCH', urlOf(vpc, on), { enabled: false })
    expect(await ports()).toEqual([81])
    expect((await service.call('GET', urlOf(vpc, on))).body).toMatchObject({ enabled: false, port: 80, generation: 2 })
  })

  it('has a port that no other of its VPC and protocol has', async () => {
    const [vpc, another] = [await aVpc(service), await aVpc(service)]
    await forward(vpc)
    for (const free of [
      await forward(vpc, { protocol: 'udp' }),
      await forward(vpc, { port: 81 }),
      await forward(another),
    ])
      expect(free.status).toBe(202)
    const taken = await forward(vpc, { address: host(vpc, '7.6') })
    const moved = await service.call('PATCH', urlOf(vpc, idOf(await forward(vpc, { port: 82 }))), { port: 80 })
    for (const refused of [taken, moved]) {
      expectProblem(refused, 409, 'port_in_use')
      expect(refused.body).toMatchObject({
        detail: `tcp port 80 of VPC ${vpc.id} is forwarded already`,
        errors: [{ in: 'body', pointer: '/port' }],
      })
    }
  })

  it('leads to an address of its VPC only', async () => {
    const vpc = await aVpc(service)
    const id = idOf(await forward(vpc))
    for (const refused of [
      await forward(vpc, { port: 81, address: '203.0.113.5' }),
      await service.call('PATCH', urlOf(vpc, id), { address: '203.0.113.5' }),
    ]) {
      expectProblem(refused, 400, 'address_out_of_range')
      expect(refused.body).toMatchObject({
        detail: `address 203.0.113.5 lies outside ${vpc.cidr}, the CIDR of VPC ${vpc.id}`,
        errors: [{ in: 'body', pointer: '/address' }],
      })
    }
  })

  it('leads to no address that is no machine’s: of a network, its gateway, its broadcast', async () => {
    const vpc = await aVpc(service)
    const id = idOf(await forward(vpc))
    for (const rest of ['7.0', '7.1', '7.255', '0.0', '255.255']) {
      for (const refused of [
        await forward(vpc, { port: 81, address: host(vpc, rest) }),
        await service.call('PATCH', urlOf(vpc, id), { address: host(vpc, rest) }),
      ]) {
        expectProblem(refused, 400, 'address_out_of_range')
        expect(refused.body.errors).toMatchObject([{ in: 'body', pointer: '/address' }])
      }
    }
    for (const rest of ['7.2', '7.254']) {
      expect((await service.call('PATCH', urlOf(vpc, id), { address: host(vpc, rest) })).status).toBe(202)
    }
  })

  it.each([
    ['/port', { port: 0 }],
    ['/port', { port: 65_536 }],
    ['/target_port', { target_port: 0 }],
    ['/protocol', { protocol: 'icmp' }],
    ['/address', { address: '10.0.0.0/24' }],
    ['/surprise', { surprise: 1 }],
  ])('is refused at %s: %o', async (pointer, over) => {
    const refused = await forward(await aVpc(service), over)
    expectProblem(refused, 400, 'invalid_request')
    expect(refused.body.errors).toMatchObject([{ in: 'body', pointer }])
  })

  it('is changed and deleted only if it matches If-Match', async () => {
    const vpc = await aVpc(service)
    const url = urlOf(vpc, idOf(await forward(vpc)))
    const stale = { headers: { 'if-match': '"2"' } }
    expectProblem(await service.call('PATCH', url, { port: 81 }, stale), 412, 'precondition_failed')
    expectProblem(await service.call('DELETE', url, undefined, stale), 412, 'precondition_failed')
    expect((await service.call('GET', url)).body).toMatchObject({ port: 80, generation: 1 })
  })

  it('is listed with those of its VPC, newest first, by name, in pages', async () => {
    const vpc = await aVpc(service)
    for (const port of [1, 2, 3]) await forward(vpc, { port, name: port === 2 ? 'two' : 'odd' })
    await forward(await aVpc(service))
    const ports = (page: { body: { items: { port: number }[] } }) => page.body.items.map(({ port }) => port)
    const first = await service.call('GET', `${urlOf(vpc)}?limit=2`)
    expect(ports(first)).toEqual([3, 2])
    expect(ports(await service.call('GET', `${urlOf(vpc)}?limit=2&cursor=${first.body.next_cursor}`))).toEqual([1])
    expect(ports(await service.call('GET', `${urlOf(vpc)}?name=odd`))).toEqual([3, 1])
  })

  it('is made once for one Idempotency-Key', async () => {
    const vpc = await aVpc(service)
    const post = () =>
      service.call(
        'POST',
        urlOf(vpc),
        { protocol: 'tcp', port: 80, address: host(vpc, '7.5') },
        { headers: { 'idempotency-key': 'forward-once' } },
      )
    expect((await post()).body).toEqual((await post()).body)
  })

  it('is not there for other projects and other VPCs, nor under a VPC that is not there', async () => {
    const vpc = await aVpc(service)
    const id = idOf(await forward(vpc))
    const stranger = { token: await service.tokenOf('admin', await service.aProject()) }
    const body = { protocol: 'tcp', port: 99, address: host(vpc, '7.5') }
    for (const missing of [
      await service.call('GET', urlOf(vpc), undefined, stranger),
      await service.call('POST', urlOf(vpc), body, stranger),
      await service.call('GET', urlOf(vpc, id), undefined, stranger),
      await service.call('PATCH', urlOf(vpc, id), { port: 99 }, stranger),
      await service.call('DELETE', urlOf(vpc, id), undefined, stranger),
      await service.call('GET', urlOf(await aVpc(service), id)),
      await service.call('POST', '/v1/vpcs/vpc-0000000000/port-forwardings', body),
    ]) {
      expectProblem(missing, 404, 'not_found')
    }
    const reader = { token: await service.tokenOf('reader') }
    expect((await service.call('GET', urlOf(vpc, id), undefined, reader)).status).toBe(200)
    expectProblem(await service.call('POST', urlOf(vpc), body, reader), 403, 'forbidden')
  })

  it('keeps its VPC from being deleted, and is not made in one that is', async () => {
    const vpc = await aVpc(service)
    const id = idOf(await forward(vpc))
    const refused = await service.call('DELETE', `/v1/vpcs/${vpc.id}`)
    expectProblem(refused, 409, 'vpc_in_use')
    expect(refused.body.detail).toBe(`VPC ${vpc.id} still has port forwardings (1): delete them first`)
    await service.call('DELETE', urlOf(vpc, id))
    expect((await service.call('DELETE', `/v1/vpcs/${vpc.id}`)).status).toBe(204)
    expectProblem(await forward(vpc), 404, 'not_found')
  })
})

describe('the database refuses a port forwarding', () => {
  it.each([
    ['port_forwarding_vpc_fk', '23503', { vpc_cidr: '10.255.0.0/16', address: '10.255.0.9' }],
    ['port_forwarding_vpc_fk', '23503', { vpc_id: 'vpc-none' }],
    ['port_forwarding_port_key', '23505', { port: 80 }],
    ['port_forwarding_port_range', '23514', { port: 0 }],
    ['port_forwarding_port_range', '23514', { target_port: 65_536 }],
    ['port_forwarding_address_in_vpc', '23514', { address: '203.0.113.5' }],
    ['port_forwarding_address_of_host', '23514', { address: '10.1.2.1', vpc_cidr: '10.1.0.0/16' }],
    ['port_forwarding_address_of_host', '23514', { address: '10.1.2.255', vpc_cidr: '10.1.0.0/16' }],
    ['port_forwarding_address_in_vpc', '23514', { address: '10.1.2.0/24', vpc_cidr: '10.1.0.0/16' }],
  ])('by %s (%s): %o', async (constraint, code, over) => {
    const vpc = await aVpc(service)
    await forward(vpc)
    const row = {
      id: 'pf-x',
      project_id: service.projectId,
      vpc_id: vpc.id,
      vpc_cidr: vpc.cidr,
      protocol: 'tcp',
      port: 81,
      address: host(vpc, '7.5'),
      target_port: 81,
      ...over,
    }
    const values = Object.values(row)
    await expect(
      service.db.$client.query(
        `INSERT INTO port_forwarding (${Object.keys(row)}) VALUES (${values.map((_, n) => `$${n + 1}`)})`,
        values,
      ),
    ).rejects.toMatchObject({ code, constraint })
  })
})
