import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { transaction } from '../../src/db/client.ts'
import { createStatic } from '../../src/domain/vpc-static/statics.ts'
import { aService, expectProblem, HYPERVISOR, type Service } from '../support/a-service.ts'
import { aHypervisor, aNetwork, aPool, aServer, aVpc } from '../support/builders.ts'

let service: Service
beforeAll(async () => {
  service = await aService()
})
afterAll(() => service.close())

const newVpc = (cidr: string) => service.call('POST', '/v1/vpcs', { name: 'v', cidr })

describe('a VPC', () => {
  it('is made with its place and ETag, and read back the same', async () => {
    const made = await service.call('POST', '/v1/vpcs', {
      name: 'prod',
      cidr: '172.16.0.0/16',
      description: 'all of it',
      tags: { team: 'net' },
    })
    expect(made.status).toBe(201)
    expect(made.headers).toMatchObject({ location: `/v1/vpcs/${made.body.id}`, etag: '"1"' })
    expect(made.body).toMatchObject({ name: 'prod', cidr: '172.16.0.0/16', tags: { team: 'net' }, deleted_at: null })
    const read = await service.call('GET', made.headers.location ?? '')
    expect(read).toMatchObject({ status: 200, body: made.body })
    expect(read.headers.etag).toBe('"1"')
  })

  it.each(['10.0.0.0/16', '10.255.0.0/16', '172.16.0.0/16', '172.31.0.0/16', '192.168.0.0/16'])(
    'may be %s',
    async (cidr) => {
      expect((await newVpc(cidr)).status).toBe(201)
    },
  )

  it.each([
    '10.0.0.0/15',
    '10.0.1.0/24',
    '172.15.0.0/16',
    '172.32.0.0/16',
    '192.167.0.0/16',
    '8.8.0.0/16',
    '0.0.0.0/0',
  ])('may not be %s, and the refusal names the field', async (cidr) => {
    const refused = await newVpc(cidr)
    expectProblem(refused, 400, 'cidr_invalid')
    expect(refused.body.errors).toMatchObject([{ in: 'body', pointer: '/cidr' }])
  })

  it('changes name, description and tags, counts the change in its ETag, and keeps the rest', async () => {
    const vpc = await aVpc(service, { description: 'before', tags: { a: '1' } })
    const after = await service.call('PATCH', `/v1/vpcs/${vpc.id}`, { name: 'after', tags: {} })
    expect(after.status).toBe(200)
    expect(after.headers.etag).toBe('"2"')
    expect(after.body).toMatchObject({ name: 'after', description: 'before', tags: {}, cidr: vpc.cidr, generation: 2 })
    expectProblem(await service.call('PATCH', `/v1/vpcs/${vpc.id}`, { cidr: '10.1.0.0/16' }), 400, 'invalid_request')
  })

  it('is changed and deleted only if it matches If-Match', async () => {
    const vpc = await aVpc(service)
    const url = `/v1/vpcs/${vpc.id}`
    const ifMatch = (etag: string) => ({ headers: { 'if-match': etag } })
    expect((await service.call('PATCH', url, { name: 'one' }, ifMatch('"1"'))).status).toBe(200)
    const stale = await service.call('PATCH', url, { name: 'two' }, ifMatch('"1"'))
    expectProblem(stale, 412, 'precondition_failed')
    expect(stale.body.detail).toBe(`VPC ${vpc.id} is at generation 2, not 1`)
    expectProblem(await service.call('DELETE', url, undefined, ifMatch('"1"')), 412, 'precondition_failed')
    expect((await service.call('GET', url)).body).toMatchObject({ name: 'one', generation: 2 })
    expect((await service.call('PATCH', url, { name: 'three' }, ifMatch('*'))).status).toBe(200)
    expect((await service.call('DELETE', url, undefined, ifMatch('"3"'))).status).toBe(204)
  })

  it('that is deleted is readable, not listed, and cannot be changed, deleted again or joined', async () => {
    const vpc = await aVpc(service, { name: 'to be deleted' })
    const url = `/v1/vpcs/${vpc.id}`
    expect(await service.call('DELETE', url)).toMatchObject({ status: 204, body: undefined })
    const read = await service.call('GET', url)
    expect(read.status).toBe(200)
    expect(read.body.deleted_at).not.toBeNull()
    expect((await service.call('GET', '/v1/vpcs?name=to%20be%20deleted')).body.items).toEqual([])
    expectProblem(await service.call('PATCH', url, { name: 'x' }), 404, 'not_found')
    expectProblem(await service.call('DELETE', url), 404, 'not_found')
    const cidr = vpc.cidr.replace('.0.0/16', '.1.0/24')
    const join = await service.call('POST', '/v1/networks', { name: 'n', vpc_id: vpc.id, cidr })
    expectProblem(join, 404, 'not_found')
    expect(join.body.errors).toMatchObject([{ pointer: '/vpc_id' }])
  })

  it('with networks is not deleted', async () => {
    const vpc = await aVpc(service)
    const network = await service.call('POST', '/v1/networks', {
      name: 'n',
      vpc_id: vpc.id,
      cidr: vpc.cidr.replace('.0.0/16', '.1.0/24'),
    })
    const refused = await service.call('DELETE', `/v1/vpcs/${vpc.id}`)
    expectProblem(refused, 409, 'vpc_in_use')
    expect(refused.body.detail).toBe(`VPC ${vpc.id} still has networks (1): delete them or let them leave first`)
    const address = vpc.cidr.replace('.0.0/16', '.1.5')
    for (const port of [80, 81])
      await service.call('POST', `/v1/vpcs/${vpc.id}/port-forwardings`, { protocol: 'tcp', port, address })
    const both = await service.call('DELETE', `/v1/vpcs/${vpc.id}`)
    expect(both.body.detail).toContain(
      'networks (1): delete them or let them leave first; port forwardings (2): delete',
    )
    for (const { id } of (await service.call('GET', `/v1/vpcs/${vpc.id}/port-forwardings`)).body.items)
      await service.call('DELETE', `/v1/vpcs/${vpc.id}/port-forwardings/${id}`)
    await service.call('DELETE', `/v1/networks/${network.body.id}`)
    expect((await service.call('DELETE', `/v1/vpcs/${vpc.id}`)).status).toBe(204)
  })

  it('holds 254 networks: the last /24 is reserved, the first shares a place with .254, and the 255th finds none', async () => {
    const vpc = await aVpc(service, { cidr: '172.30.0.0/16' })
    const join = (third: number) =>
      service.call('POST', '/v1/networks', { name: `n${third}`, vpc_id: vpc.id, cidr: `172.30.${third}.0/24` })
    const refuses = async (third: number) => {
      const refused = await join(third)
      expectProblem(refused, 400, 'cidr_reserved')
      expect(refused.body.errors).toMatchObject([{ in: 'body', pointer: '/cidr' }])
    }
    await refuses(255)
    const made = await Promise.all(Array.from({ length: 254 }, (_, index) => join(index)))
    await refuses(254)
    expect(made.filter(({ status }) => status !== 201)).toEqual([])
    const all = await service.call('GET', `/v1/networks?vpc_id=${vpc.id}&limit=1000`)
    expect(all.body.items).toHaveLength(254)
    expect(new Set(all.body.items.map(({ vni }: { vni: number }) => vni)).size).toBe(254)
    expectProblem(await join(77), 409, 'cidr_overlaps')
  })

  it('lists newest first, by name, in pages', async () => {
    for (const n of [1, 2, 3]) await aVpc(service, { name: 'paged', description: String(n) })
    const first = await service.call('GET', '/v1/vpcs?name=paged&limit=2')
    expect(first.body.items.map((vpc: { description: string }) => vpc.description)).toEqual(['3', '2'])
    const second = await service.call('GET', `/v1/vpcs?name=paged&limit=2&cursor=${first.body.next_cursor}`)
    expect(second.body).toMatchObject({ items: [{ description: '1' }], next_cursor: null })
  })

  it('leaves a trail of events', async () => {
    const vpc = await aVpc(service)
    await service.call('PATCH', `/v1/vpcs/${vpc.id}`, { name: 'renamed' })
    await service.call('DELETE', `/v1/vpcs/${vpc.id}`)
    const { items } = (await service.call('GET', `/v1/events?resource_id=${vpc.id}`)).body
    expect(items.map(({ type }: { type: string }) => type)).toEqual(['vpc.deleted', 'vpc.updated', 'vpc.created'])
    expect(items[1]).toMatchObject({ resource_type: 'vpc', data: { name: 'renamed' } })
    const keys = await service.call('GET', '/v1/access-keys')
    expect(keys.body.items.map((key: { access_key_id: string }) => key.access_key_id)).toContain(items[0].actor)
  })

  it('lets its addresses out by its elastic IP unless it is told not to; the holder of that is asked', async () => {
    const vpc = await aVpc(service)
    const put = (enabled: unknown, id = vpc.id, options = {}) =>
      service.call('PUT', `/v1/vpcs/${id}/source-nat`, { enabled }, options)
    const get = async () => (await service.call('GET', `/v1/vpcs/${vpc.id}`)).body
    expect(await get()).toMatchObject({ source_nat: true, generation: 1 })
    expect((await aVpc(service, { source_nat: false })).source_nat).toBe(false)

    const off = await put(false)
    expect(off.status).toBe(202)
    expect(off.body).toMatchObject({
      action: 'network.apply',
      state: 'successful',
      resources: [{ type: 'vpc', id: vpc.id }],
    })
    expect(await get()).toMatchObject({ source_nat: false, generation: 2 })

    await aHypervisor(service, HYPERVISOR, ['eth1'])
    await aPool(service)
    const eip = (await service.call('POST', '/v1/elastic-ips', {})).body
    await service.call('POST', `/v1/elastic-ips/${eip.id}/associate`, { vpc_id: vpc.id })
    expect((await put(false)).body).toMatchObject({ state: 'pending', hypervisor_id: HYPERVISOR })
    expect(await get()).toMatchObject({ source_nat: false, generation: 2 }) // nothing has changed
    const stale = { headers: { 'if-match': '"1"' } }
    expectProblem(await put(true, vpc.id, stale), 412, 'precondition_failed')
    expect(await get()).toMatchObject({ source_nat: false, generation: 2 })
    const on = await put(true, vpc.id, { headers: { 'if-match': '"2"' } })
    expect(await get()).toMatchObject({ source_nat: true, generation: 3 })
    const [last] = (await service.call('GET', `/v1/events?resource_id=${vpc.id}`)).body.items
    expect(last).toMatchObject({ type: 'vpc.updated', job_id: on.body.id, data: { source_nat: true } })

    expectProblem(await put('yes'), 400, 'invalid_request')
    expectProblem(await put(true, 'vpc-0000000000'), 404, 'not_found')
    const stranger = { token: await service.tokenOf('admin', await service.aProject()) }
    expectProblem(await put(true, vpc.id, stranger), 404, 'not_found')
    expectProblem(await put(true, vpc.id, { token: await service.tokenOf('reader') }), 403, 'forbidden')
  })

  it('has a router that is switched off and on by jobs of the hypervisors with its NICs', async () => {
    const network = await aNetwork(service)
    const url = `/v1/vpcs/${network.vpc_id}/routing`
    const put = (enabled: unknown, options = {}) => service.call('PUT', url, { enabled }, options)
    const get = async () => (await service.call('GET', `/v1/vpcs/${network.vpc_id}`)).body
    const routers = async () => (await service.asWorker('GET', '/desired-state')).body.routers
    expect(await get()).toMatchObject({ routing: true, generation: 1 })
    expect((await put(false)).body).toMatchObject({ action: 'network.apply', state: 'successful' }) // it stands nowhere
    await aServer(service, { network_id: network.id })
    const off = await put(false)
    expect(off).toMatchObject({ status: 202, body: { state: 'pending', hypervisor_id: HYPERVISOR } })
    expect(off.body.resources).toEqual([{ type: 'vpc', id: network.vpc_id }])
    expect(await get()).toMatchObject({ routing: false, generation: 2 })
    expect(await routers()).toContainEqual(expect.objectContaining({ vpc_id: network.vpc_id, routing: false }))
    expectProblem(await put(true, { headers: { 'if-match': '"1"' } }), 412, 'precondition_failed')
    const on = await put(true, { headers: { 'if-match': '"2"' } })
    expect(await get()).toMatchObject({ routing: true, generation: 3 })
    expect(await routers()).toContainEqual(expect.objectContaining({ vpc_id: network.vpc_id, routing: true }))
    const [last] = (await service.call('GET', `/v1/events?resource_id=${network.vpc_id}`)).body.items
    expect(last).toMatchObject({ type: 'vpc.updated', job_id: on.body.id, data: { routing: true } })

    expectProblem(await put('off'), 400, 'invalid_request')
    const stranger = { token: await service.tokenOf('admin', await service.aProject()) }
    expectProblem(await put(true, stranger), 404, 'not_found')
    expectProblem(await put(true, { token: await service.tokenOf('reader') }), 403, 'forbidden')
  })

  it('has a security group, which cannot be deleted meanwhile', async () => {
    const aGroup = async () => (await service.call('POST', '/v1/security-groups', { name: 'g' })).body.id
    const group = await aGroup()
    const vpc = await aVpc(service, { security_group_id: group })
    const url = `/v1/vpcs/${vpc.id}`
    expect(vpc.security_group_id).toBe(group)
    expectProblem(await service.call('DELETE', `/v1/security-groups/${group}`), 409, 'security_group_in_use')
    const other = await aGroup()
    const moved = await service.call('PATCH', url, { security_group_id: other })
    expect(moved.body).toMatchObject({ security_group_id: other, name: vpc.name, generation: 2 })
    expect((await service.call('DELETE', `/v1/security-groups/${group}`)).status).toBe(204)
    const none = await service.call('PATCH', url, { security_group_id: null })
    expect(none.body).toMatchObject({ security_group_id: null })
    for (const unknown of [group, 'sg-0000000000']) {
      const refused = await service.call('PATCH', url, { security_group_id: unknown })
      expectProblem(refused, 404, 'not_found')
      expect(refused.body.errors).toMatchObject([{ pointer: '/security_group_id' }])
    }
    await service.call('PATCH', url, { security_group_id: other })
    await service.call('DELETE', url)
    expect((await service.call('GET', url)).body.security_group_id).toBeNull()
    expect((await service.call('DELETE', `/v1/security-groups/${other}`)).status).toBe(204)
  })

  it('with force is deleted with its elastic IP, port forwardings and statics, but not with networks', async () => {
    await aHypervisor(service, HYPERVISOR, ['eth1'])
    const pool = await aPool(service)
    const network = await aNetwork(service)
    const url = `/v1/vpcs/${network.vpc_id}`
    const eip = (await service.call('POST', '/v1/elastic-ips', { pool_id: pool.id })).body
    await service.call('POST', `/v1/elastic-ips/${eip.id}/associate`, { vpc_id: network.vpc_id })
    const address = network.gateway.replace(/1$/, '9')
    const forwarding = await service.call('POST', `${url}/port-forwardings`, { protocol: 'tcp', port: 80, address })
    const forwardingId = forwarding.body.resources[1].id
    const actor = { keyId: 'none', projectId: service.projectId, role: 'operator' as const }
    const values = { val1: 'a.example', val2: '10.0.0.1' }
    await transaction(service.db, (tx) => createStatic(tx, actor, { vpc_id: network.vpc_id, type: 8, values }))

    expectProblem(await service.call('DELETE', `${url}?force=true`), 409, 'vpc_in_use')
    expect((await service.call('GET', `/v1/elastic-ips/${eip.id}`)).body.vpc_id).toBe(network.vpc_id)
    await service.call('DELETE', `/v1/networks/${network.id}`)
    const refused = await service.call('DELETE', url)
    expectProblem(refused, 409, 'vpc_in_use')
    expect(refused.body.detail).toContain(
      `elastic IP ${eip.id}: disassociate it first; port forwardings (1): delete them first; statics (1): delete`,
    )
    expect((await service.call('DELETE', `${url}?force=true`)).status).toBe(204)
    expect((await service.call('GET', `/v1/elastic-ips/${eip.id}`)).body).toMatchObject({ state: 'available' })
    const [job] = (await service.call('GET', `/v1/jobs?resource_id=${network.vpc_id}`)).body.items
    expect(job).toMatchObject({ state: 'pending', hypervisor_id: HYPERVISOR })
    const typesOf = async (id: string) =>
      (await service.call('GET', `/v1/events?resource_id=${id}`)).body.items.map(({ type }: { type: string }) => type)
    expect(await typesOf(eip.id)).toContain('elastic_ip.disassociated')
    expect(await typesOf(forwardingId)).toContain('port_forwarding.deleted')
    expect(await typesOf(network.vpc_id)).toContain('vpc.deleted')
  })
})

describe('the database refuses', () => {
  const refusal = (sql: string) =>
    service.db.$client.query(sql).then(
      () => undefined,
      ({ code, constraint }: { code: string; constraint: string }) => [code, constraint],
    )
  const aStatic = (vpcId: string, type = 8) =>
    `INSERT INTO vpc_static (id, project_id, vpc_id, type) VALUES ('vs-${type}', '${service.projectId}', '${vpcId}', ${type})`

  it('statics of a VPC that is not there, deleted, or another project’s, and of types that there are none of', async () => {
    const [vpc, gone] = [await aVpc(service), await aVpc(service)]
    await service.call('DELETE', `/v1/vpcs/${gone.id}`)
    for (const id of ['vpc-none', gone.id]) expect(await refusal(aStatic(id))).toEqual(['23503', 'vpc_static_vpc_fk'])
    const theirs = aStatic(vpc.id).replace(service.projectId, await service.aProject())
    expect(await refusal(theirs)).toEqual(['23503', 'vpc_static_vpc_fk'])
    for (const type of [1, 9]) expect(await refusal(aStatic(vpc.id, type))).toEqual(['23514', 'vpc_static_type'])
    expect(await refusal(aStatic(vpc.id))).toBeUndefined()
    const deleted = `UPDATE vpc SET deleted_at = now() WHERE id = '${vpc.id}'`
    expect(await refusal(deleted)).toEqual(['23503', 'vpc_static_vpc_fk'])
    const entry = `INSERT INTO vpc_static_entry (id, project_id, static_id) VALUES ('vse-x', '${service.projectId}', 'vs-none')`
    expect(await refusal(entry)).toEqual(['23503', 'vpc_static_entry_static_fk'])
  })

  it('the group of another project, and any group of a VPC that is deleted; and a second basic VPC', async () => {
    const [vpc, other] = [await aVpc(service), await aVpc(service)]
    const groupOf = (project: string) => `sg-${project.slice('prj-'.length)}`
    const set = (columns: string, id = vpc.id) => refusal(`UPDATE vpc SET ${columns} WHERE id = '${id}'`)
    const theirs = groupOf(await service.aProject())
    expect(await set(`security_group_id = '${theirs}'`)).toEqual(['23503', 'vpc_security_group_fk'])
    expect(await set(`security_group_id = '${groupOf(service.projectId)}'`)).toBeUndefined()
    expect(await set('deleted_at = now()')).toEqual(['23514', 'vpc_deleted_without_group'])
    expect(await set('is_basic = true')).toBeUndefined()
    expect(await set('is_basic = true', other.id)).toEqual(['23505', 'vpc_basic_key'])
  })
})
