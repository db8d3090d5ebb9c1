import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Answer, aService, type Service } from '../support/a-service.ts'
import { aNetwork, aNic, aServer, finish, nics } from '../support/builders.ts'

let service: Service
beforeAll(async () => {
  service = await aService()
})
afterAll(() => service.close())

const CALLERS = 64

/** Runs the same act from 64 callers at once, and sorts the answers. */
async function race(act: (caller: number) => Promise<Answer>): Promise<{ ok: Answer[]; refused: Answer[] }> {
  const answers = await Promise.all(Array.from({ length: CALLERS }, (_, caller) => act(caller)))
  return { ok: answers.filter(({ status }) => status < 300), refused: answers.filter(({ status }) => status >= 300) }
}

describe('64 callers at once', () => {
  it('get exactly the addresses that are left, and the others are told limit and use', async () => {
    const network = await aNetwork(service)
    await nics(service, network.id, 252 - 5)
    const { ok, refused } = await race(() => service.call('POST', '/v1/nics', { network_id: network.id }))
    expect(ok).toHaveLength(5)
    expect(new Set(ok.map(({ body }) => body.address)).size).toBe(5)
    expect(new Set(refused.map(({ body }) => `${body.code}: ${body.detail}`))).toEqual(
      new Set([`network_full: network ${network.id} has 252 of 252 addresses in use`]),
    )
    const after = await service.call('GET', `/v1/networks/${network.id}`)
    expect(after.body).toMatchObject({ addresses_available: 0, nic_count: 252 })
  })

  it('who want one address: one gets it, 63 are told that it is taken', async () => {
    const network = await aNetwork(service)
    const address = network.address_range.first.replace(/\d+$/, '77')
    const { ok, refused } = await race(() => service.call('POST', '/v1/nics', { network_id: network.id, address }))
    expect(ok).toHaveLength(1)
    expect(new Set(refused.map(({ body }) => body.code))).toEqual(new Set(['address_in_use']))
  })

  it('with 64 NICs for the last 3 slots: 3 are attached, 61 are told 64 of 64', async () => {
    const network = await aNetwork(service)
    const server = await aServer(service, { network_id: network.id })
    const first = await nics(service, network.id, 60)
    const full = await service.call('POST', `/v1/servers/${server.id}/attach-nics`, {
      nic_ids: first.map(({ id }) => id),
    })
    await finish(service, full.body.id)
    const more = await nics(service, network.id, CALLERS)
    const { ok, refused } = await race((caller) =>
      service.call('POST', `/v1/nics/${more[caller].id}/attach`, { server_id: server.id }),
    )
    expect(ok).toHaveLength(3)
    expect(new Set(refused.map(({ body }) => `${body.code}: ${body.detail}`))).toEqual(
      new Set([`server_full: server ${server.id} has 64 of 64 NICs`]),
    )
    const on = await service.call('GET', `/v1/nics?server_id=${server.id}&limit=100`)
    expect(on.body.items.map(({ slot }: { slot: number }) => slot).sort((a: number, b: number) => a - b)).toEqual(
      Array.from({ length: 64 }, (_, slot) => slot),
    )
  })

  it('who attach one NIC to two servers: it goes to one of them, by one job', async () => {
    const nic = await aNic(service)
    const servers = [await aServer(service), await aServer(service)]
    const { ok, refused } = await race((caller) =>
      service.call('POST', `/v1/nics/${nic.id}/attach`, { server_id: servers[caller % 2].id }),
    )
    expect(ok).toHaveLength(CALLERS / 2)
    expect(new Set(ok.map(({ body }) => body.id)).size).toBe(1)
    expect(new Set(refused.map(({ body }) => body.code))).toEqual(new Set(['nic_in_use']))
  })

  it('who ask for the same slot: one gets it', async () => {
    const network = await aNetwork(service)
    const server = await aServer(service)
    const cards = await nics(service, network.id, CALLERS)
    const { ok, refused } = await race((caller) =>
      service.call('POST', `/v1/nics/${cards[caller].id}/attach`, { server_id: server.id, slot: 9 }),
    )
    expect(ok).toHaveLength(1)
    expect(new Set(refused.map(({ body }) => body.code))).toEqual(new Set(['slot_in_use']))
  })

  it('who join overlapping networks to a VPC: one may', async () => {
    const vpc = await service.call('POST', '/v1/vpcs', { name: 'v', cidr: '172.20.0.0/16' })
    const { ok, refused } = await race((caller) =>
      service.call('POST', '/v1/networks', { name: `n${caller}`, vpc_id: vpc.body.id, cidr: '172.20.5.0/24' }),
    )
    expect(ok).toHaveLength(1)
    expect(new Set(refused.map(({ body }) => body.code))).toEqual(new Set(['cidr_overlaps']))
  })

  it('with one Idempotency-Key make one NIC and all get the same answer', async () => {
    const network = await aNetwork(service)
    const { ok } = await race(() =>
      service.call('POST', '/v1/nics', { network_id: network.id }, { headers: { 'idempotency-key': 'one-for-all' } }),
    )
    expect(ok).toHaveLength(CALLERS)
    expect(new Set(ok.map(({ body }) => body.id)).size).toBe(1)
    expect((await service.call('GET', `/v1/networks/${network.id}`)).body.nic_count).toBe(1)
  })

  it('who attach and detach the same NIC leave it in one piece', async () => {
    const nic = await aNic(service)
    const server = await aServer(service)
    await race((caller) =>
      caller % 2
        ? service.call('POST', `/v1/nics/${nic.id}/attach`, { server_id: server.id })
        : service.call('POST', `/v1/nics/${nic.id}/detach`, {}),
    )
    const after = await service.call('GET', `/v1/nics/${nic.id}`)
    expect(after.body).toMatchObject({ state: 'attaching', server_id: server.id })
    const live = await service.call('GET', `/v1/jobs?nic_id=${nic.id}`)
    expect(live.body.items).toHaveLength(1)
  })

  it('who delete one server share one job', async () => {
    const server = await aServer(service)
    const { ok } = await race(() => service.call('DELETE', `/v1/servers/${server.id}`))
    expect(ok).toHaveLength(CALLERS)
    expect(new Set(ok.map(({ body }) => body.id)).size).toBe(1)
  })
})
