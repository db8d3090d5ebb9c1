import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { aService, expectProblem, HYPERVISOR, type Service } from '../support/a-service.ts'
import { aNetwork, aNic, aServer, finish, nics } from '../support/builders.ts'

let service: Service
beforeAll(async () => {
  service = await aService()
})
afterAll(() => service.close())

const newServer = (body: object = {}, token?: string) =>
  service.call('POST', '/v1/servers', { name: 's', guest: 'namespace', ...body }, token === undefined ? {} : { token })
const get = async (id: string) => (await service.call('GET', `/v1/servers/${id}`)).body
const act = (id: string, what: string, body?: object) => service.call('POST', `/v1/servers/${id}/${what}`, body)
const cardsOf = async (id: string) => (await service.call('GET', `/v1/nics?server_id=${id}&limit=100`)).body.items

describe('a server', () => {
  it('is promised at once with its primary NIC in slot 0, and runs when the worker says so', async () => {
    const network = await aNetwork(service)
    const promised = await newServer({ network_id: network.id, vcpus: 2, memory_mb: 512, name: 'hosta' })
    expect(promised.status).toBe(202)
    expect(promised.headers.location).toBe(`/v1/jobs/${promised.body.id}`)
    const { server_id: id } = promised.body
    expect(promised.body).toMatchObject({ action: 'server.create', state: 'pending', hypervisor_id: HYPERVISOR })
    expect(await get(id)).toMatchObject({ state: 'pending', job_id: promised.body.id, vcpus: 2, memory_mb: 512 })
    const [primary] = await cardsOf(id)
    expect(promised.body.nic_ids).toEqual([primary.id])
    expect(primary).toMatchObject({ primary: true, slot: 0, state: 'attaching', name: 'hosta' })

    const order = await finish(service, promised.body.id)
    expect(order.server.nics).toMatchObject([{ id: primary.id, slot: 0, address: primary.address, in_job: true }])
    expect(order.networks).toMatchObject([{ id: network.id, gateway: network.gateway }])
    expect(await get(id)).toMatchObject({ state: 'running', job_id: null })
    expect(await cardsOf(id)).toMatchObject([{ id: primary.id, state: 'in_use', job_id: null }])
  })

  it('may have its primary NIC at a wanted address; a refusal stores nothing', async () => {
    const network = await aNetwork(service)
    const address = network.gateway.replace(/1$/, '40')
    const first = await newServer({ network_id: network.id, address })
    expect((await cardsOf(first.body.server_id))[0].address).toBe(address)
    const count = async () => (await service.call('GET', '/v1/servers?limit=1000')).body.items.length
    const before = await count()
    const taken = await newServer({ network_id: network.id, address })
    expectProblem(taken, 409, 'address_in_use')
    expect(taken.body.errors).toMatchObject([{ pointer: '/address' }])
    const refused = await newServer({ network_id: 'net-0000000000' })
    expectProblem(refused, 404, 'not_found')
    expectProblem(await newServer({ hypervisor_id: 'hv-none' }), 404, 'not_found')
    expectProblem(await newServer({ address }), 400, 'invalid_request') // an address of which network?
    expect(await count()).toBe(before)
  })

  it('counts the cards in its slots, the primary one too, from attaching to detached', async () => {
    const network = await aNetwork(service)
    const { id } = await aServer(service, { network_id: network.id })
    const [one, two] = await nics(service, network.id, 3)
    expect((await get(id)).nic_count).toBe(1)
    const attach = await act(id, 'attach-nics', { nic_ids: [one.id, two.id] })
    expect((await get(id)).nic_count).toBe(3)
    await finish(service, attach.body.id)
    const detach = await act(id, 'detach-nics', { nic_ids: [one.id] })
    expect((await get(id)).nic_count).toBe(3)
    await finish(service, detach.body.id)
    expect((await get(id)).nic_count).toBe(2)
    const listed = (await service.call('GET', `/v1/servers?search=${id}`)).body.items
    const changed = await service.call('PATCH', `/v1/servers/${id}`, { description: 'd' })
    expect([listed[0].nic_count, changed.body.nic_count]).toEqual([2, 2])
    expect((await aServer(service)).nic_count).toBe(0)
  })

  it('that could not be made is stopped and says why, and can be started once that is mended', async () => {
    const network = await aNetwork(service)
    const { body } = await newServer({ network_id: network.id })
    await finish(service, body.id, { outcome: 'failed', error: 'no room' })
    expect(await get(body.server_id)).toMatchObject({ state: 'stopped', last_error: 'no room' })
    expect(await cardsOf(body.server_id)).toMatchObject([{ state: 'in_use', primary: true }])
    const start = await act(body.server_id, 'start')
    expect(start.status).toBe(202)
    await finish(service, start.body.id)
    expect(await get(body.server_id)).toMatchObject({ state: 'running', last_error: null })
  })

  it('stops and starts with its NICs on it; asking for what is already so returns the same job', async () => {
    const network = await aNetwork(service)
    const server = await aServer(service, { network_id: network.id })
    const stop = await act(server.id, 'stop', { force: true })
    expect(stop.body).toMatchObject({ action: 'server.stop', server_id: server.id })
    expect((await act(server.id, 'stop')).body.id).toBe(stop.body.id) // stopping
    expectProblem(await act(server.id, 'start'), 409, 'server_busy')
    expect((await finish(service, stop.body.id)).job.force).toBe(true)
    expect((await act(server.id, 'stop')).body.id).toBe(stop.body.id) // stopped
    expect(await get(server.id)).toMatchObject({ state: 'stopped' })
    expect(await cardsOf(server.id)).toMatchObject([{ state: 'in_use', slot: 0 }])

    const start = await act(server.id, 'start', {})
    expect((await act(server.id, 'start')).body.id).toBe(start.body.id)
    await finish(service, start.body.id)
    expect((await act(server.id, 'start')).body).toMatchObject({ id: start.body.id, state: 'successful' })
  })

  it('restarts as one job with its NICs on it; one that is stopped does not', async () => {
    const network = await aNetwork(service)
    const server = await aServer(service, { network_id: network.id })
    const restart = await act(server.id, 'restart', { force: true })
    expect(restart).toMatchObject({ status: 202, body: { action: 'server.restart', server_id: server.id } })
    expect(await get(server.id)).toMatchObject({ state: 'starting', job_id: restart.body.id })
    expect((await act(server.id, 'restart')).body.id).toBe(restart.body.id)
    expect((await act(server.id, 'start')).body.id).toBe(restart.body.id)
    expectProblem(await act(server.id, 'stop'), 409, 'server_busy')
    const order = await finish(service, restart.body.id)
    expect(order).toMatchObject({ job: { force: true }, server: { nics: [{ slot: 0, in_job: false }] } })
    expect(await get(server.id)).toMatchObject({ state: 'running', job_id: null })
    const again = await act(server.id, 'restart')
    expect(again.body.id).not.toBe(restart.body.id) // it runs, but it ran before too
    await finish(service, again.body.id)

    const { body: stop } = await act(server.id, 'stop')
    expectProblem(await act(server.id, 'restart'), 409, 'server_busy')
    await finish(service, stop.id)
    expectProblem(await act(server.id, 'restart'), 409, 'server_not_running')
    const { body: start } = await act(server.id, 'start')
    expectProblem(await act(server.id, 'restart'), 409, 'server_busy') // it is not a restart that is under way
    await finish(service, start.id)
  })

  it('changes its size only while it is stopped, and starts with it', async () => {
    const server = await aServer(service)
    const resize = (body: object) => service.call('PATCH', `/v1/servers/${server.id}`, body)
    const refused = await resize({ vcpus: 2, name: 'not this either' })
    expectProblem(refused, 409, 'server_not_stopped')
    expect((await get(server.id)).name).toBe(server.name)
    const { body: stop } = await act(server.id, 'stop')
    expectProblem(await resize({ memory_mb: 512 }), 409, 'server_not_stopped')
    await finish(service, stop.id)
    expectProblem(await resize({ vcpus: 0 }), 400, 'invalid_request')
    expectProblem(await resize({}), 400, 'invalid_request')
    expect((await resize({ vcpus: 2, memory_mb: 512 })).body).toMatchObject({ vcpus: 2, memory_mb: 512 })
    expect((await resize({ memory_mb: 1024 })).body).toMatchObject({ vcpus: 2, memory_mb: 1024 })
    const order = await finish(service, (await act(server.id, 'start')).body.id)
    expect(order.server).toMatchObject({ vcpus: 2, memory_mb: 1024 })
  })

  it('is made in the zone asked for', async () => {
    const made = await newServer({ zone_id: 'zone-test' })
    expect(made.body).toMatchObject({ action: 'server.create', hypervisor_id: HYPERVISOR })
    expectProblem(await newServer({ zone_id: 'zone-none' }), 503, 'no_hypervisor')
    expect((await newServer({ zone_id: 'zone-none', hypervisor_id: HYPERVISOR })).status).toBe(202)
  })

  it.each([
    ['start', 'stopped'],
    ['stop', 'running'],
    ['restart', 'stopped'],
  ])('whose %s fails is %s again and says why', async (what, state) => {
    const server = await aServer(service)
    if (what === 'start') await finish(service, (await act(server.id, 'stop')).body.id)
    await finish(service, (await act(server.id, what)).body.id, { outcome: 'failed', error: 'no' })
    expect(await get(server.id)).toMatchObject({ state, job_id: null, last_error: 'no' })
  })

  it('that is deleted takes its primary NIC with it and frees the others; it stays readable by id', async () => {
    const network = await aNetwork(service)
    const server = await aServer(service, { network_id: network.id })
    const others = await nics(service, network.id, 2)
    const ids = others.map(({ id }) => id)
    await finish(service, (await act(server.id, 'attach-nics', { nic_ids: ids })).body.id)
    const primary = (await cardsOf(server.id)).find((nic: { primary: boolean }) => nic.primary)
    const gone = await service.call('DELETE', `/v1/servers/${server.id}`, { force: true })
    expect(gone.status).toBe(202)
    expect([...gone.body.nic_ids].sort()).toEqual((await cardsOf(server.id)).map(({ id }: { id: string }) => id).sort())
    expect((await service.call('DELETE', `/v1/servers/${server.id}`)).body.id).toBe(gone.body.id)
    expectProblem(await act(server.id, 'start'), 409, 'server_terminated')
    await finish(service, gone.body.id)

    expect(await get(server.id)).toMatchObject({ state: 'terminated', job_id: null })
    expect((await get(server.id)).deleted_at).not.toBeNull()
    for (const { id } of others) {
      const { body } = await service.call('GET', `/v1/nics/${id}`)
      expect(body).toMatchObject({ state: 'available', server_id: null, slot: null, host: null, guest: null })
    }
    expectProblem(await service.call('GET', `/v1/nics/${primary.id}`), 404, 'not_found')
    expect((await service.call('GET', `/v1/networks/${network.id}`)).body.addresses_available).toBe(250)
    expect((await service.call('DELETE', `/v1/servers/${server.id}`)).body.id).toBe(gone.body.id)
    expectProblem(await service.call('PATCH', `/v1/servers/${server.id}`, { name: 'x' }), 409, 'server_terminated')
    const nic = await aNic(service, { network_id: network.id })
    const late = await service.call('POST', `/v1/nics/${nic.id}/attach`, { server_id: server.id })
    expectProblem(late, 409, 'server_terminated')
  })

  it.each(['running', 'stopped'])('whose deletion fails is %s again with its NICs', async (state) => {
    const network = await aNetwork(service)
    const server = await aServer(service, { network_id: network.id })
    if (state === 'stopped') await finish(service, (await act(server.id, 'stop')).body.id)
    const { body } = await service.call('DELETE', `/v1/servers/${server.id}`)
    await finish(service, body.id, { outcome: 'failed', error: 'guest holds on' })
    expect(await get(server.id)).toMatchObject({ state, job_id: null, last_error: 'guest holds on', deleted_at: null })
    expect(await cardsOf(server.id)).toMatchObject([{ state: 'in_use', slot: 0, primary: true }])
  })

  it('is not deleted while one of its NICs is being moved, or while it changes state', async () => {
    const server = await aServer(service)
    const nic = await aNic(service)
    const attach = await service.call('POST', `/v1/nics/${nic.id}/attach`, { server_id: server.id })
    const busy = await service.call('DELETE', `/v1/servers/${server.id}`)
    expectProblem(busy, 409, 'nic_busy')
    expect(busy.body.detail).toBe(`NIC ${nic.id} is attaching by job ${attach.body.id}; try again`)
    await finish(service, attach.body.id)
    await act(server.id, 'stop')
    expectProblem(await service.call('DELETE', `/v1/servers/${server.id}`), 409, 'server_busy')
  })

  it('is changed and deleted only if it matches If-Match', async () => {
    const server = await aServer(service)
    const url = `/v1/servers/${server.id}`
    const stale = { headers: { 'if-match': '"99"' } }
    expectProblem(await service.call('PATCH', url, { name: 'x' }, stale), 412, 'precondition_failed')
    expectProblem(await service.call('DELETE', url, undefined, stale), 412, 'precondition_failed')
    const fresh = { headers: { 'if-match': `"${server.generation}"` } }
    const after = await service.call('PATCH', url, { name: 'renamed', tags: { a: 'b' } }, fresh)
    expect(after).toMatchObject({ status: 200, body: { name: 'renamed', tags: { a: 'b' } } })
    expect(after.headers.etag).toBe(`"${server.generation + 1}"`)
    expect(await get(server.id)).toEqual(after.body)
  })
})

describe('servers', () => {
  it('are listed by name, state and hypervisor; terminated ones only when asked for', async () => {
    const stays = await aServer(service, { name: 'listed' })
    const goes = await aServer(service, { name: 'listed' })
    const ids = async (query: string) =>
      (await service.call('GET', `/v1/servers?name=listed&${query}`)).body.items.map(({ id }: { id: string }) => id)
    expect(await ids(`hypervisor_id=${HYPERVISOR}`)).toEqual([goes.id, stays.id])
    await finish(service, (await service.call('DELETE', `/v1/servers/${goes.id}?force=true`)).body.id)
    expect(await ids('')).toEqual([stays.id])
    expect(await ids('state=terminated')).toEqual([goes.id])
    expect(await ids('hypervisor_id=hv-other')).toEqual([])
  })

  it('leave a trail of events', async () => {
    const { id } = await aServer(service)
    await finish(service, (await act(id, 'stop')).body.id)
    await finish(service, (await service.call('DELETE', `/v1/servers/${id}`)).body.id)
    const { items } = (await service.call('GET', `/v1/events?resource_id=${id}`)).body
    expect(items.reverse().map(({ type }: { type: string }) => type)).toEqual(
      ['created', 'running', 'stopping', 'stopped', 'terminating', 'terminated'].map((what) => `server.${what}`),
    )
  })

  it('go nowhere when no hypervisor is up, unless one is named', async () => {
    const quiet = await aService()
    try {
      await quiet.db.$client.query(`UPDATE hypervisor SET last_seen_at = now() - interval '1 minute'`)
      const body = { name: 's', guest: 'namespace' }
      const refused = await quiet.call('POST', '/v1/servers', body)
      expectProblem(refused, 503, 'no_hypervisor')
      expect(refused.headers['retry-after']).toBe('1')
      expect((await quiet.call('GET', `/v1/hypervisors/${HYPERVISOR}`)).body.state).toBe('down')
      expect((await quiet.call('POST', '/v1/servers', { ...body, hypervisor_id: HYPERVISOR })).status).toBe(202)
      expect((await quiet.asWorker('POST', '/heartbeat', { facts: { hostname: 'h' } })).status).toBe(204)
      expect((await quiet.call('POST', '/v1/servers', body)).status).toBe(202)
    } finally {
      await quiet.close()
    }
  })
})

describe('an adopted machine', () => {
  const socket = (name: string) => ({
    guest: 'qemu',
    hypervisor_id: HYPERVISOR,
    qmp_socket: `/run/${name}.qmp`,
    qga_socket: `/run/${name}.qga`,
  })

  it('is adopted by an admin only, once, as qemu, without a network', async () => {
    const operator = await service.tokenOf('operator')
    expectProblem(await newServer(socket('a'), operator), 403, 'forbidden')
    expect((await newServer(socket('a'))).status).toBe(202)
    expectProblem(await newServer(socket('a')), 409, 'already_adopted')
    expectProblem(await newServer({ ...socket('b'), guest: 'namespace' }), 400, 'adoption_needs_qemu')
    const network = await aNetwork(service)
    expectProblem(await newServer({ ...socket('b'), network_id: network.id }), 400, 'adoption_needs_qmp')
    expectProblem(await newServer({ guest: 'qemu', qga_socket: '/run/b' }), 400, 'invalid_request')
  })

  it('is of a named hypervisor, by a path with one way to write it, and never a server of ours', async () => {
    const { hypervisor_id: _, ...nowhere } = socket('d')
    const refused = await newServer(nowhere)
    expectProblem(refused, 400, 'adoption_needs_qmp')
    expect(refused.body.errors).toMatchObject([{ pointer: '/hypervisor_id' }])
    expectProblem(await newServer({ ...socket('d'), qmp_socket: '/run/x/../d.qmp' }), 400, 'invalid_request')
    expectProblem(await newServer({ ...socket('d'), qmp_socket: '/run/patchbay/i-1/qmp' }), 409, 'already_adopted')
  })

  it('that was not there to adopt is no server, and may be adopted once it is there', async () => {
    const { body } = await newServer(socket('e'))
    await finish(service, body.id, { outcome: 'failed', error: 'no virtual machine answers' })
    expect(await get(body.server_id)).toMatchObject({ state: 'terminated', last_error: 'no virtual machine answers' })
    expect((await aServer(service, socket('e'))).state).toBe('running')
  })

  it('is neither started nor stopped by us, and may be adopted again after it was let go', async () => {
    const server = await aServer(service, socket('c'))
    expectProblem(await act(server.id, 'stop'), 409, 'server_adopted')
    expectProblem(await act(server.id, 'start'), 409, 'server_adopted')
    await finish(service, (await service.call('DELETE', `/v1/servers/${server.id}`)).body.id)
    expect((await aServer(service, socket('c'))).state).toBe('running')
  })
})
