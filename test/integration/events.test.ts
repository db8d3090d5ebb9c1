/** The event stream, over real sockets. */
import { type ClientRequest, request } from 'node:http'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { newestEventId } from '../../src/domain/event/events.ts'
import { aService, expectProblem, type Service } from '../support/a-service.ts'
import { aNetwork, aNic, aServer, aVpc, finish, nics } from '../support/builders.ts'
import { listening, untilNobodyPolls, untilSomebodyPolls } from '../support/listening.ts'
import { until } from '../support/until.ts'

interface StreamedEvent {
  readonly id: string
  readonly event: string
  readonly data: { id: string; type: string; resource_id: string; address: string | null }
}

let service: Service
let port: number
const open: ClientRequest[] = []
beforeAll(async () => {
  service = await aService()
  port = await listening(service)
})
afterEach(() => {
  for (const call of open.splice(0)) call.destroy()
})
afterAll(() => service.close())

/** An open stream, and what has come over it so far. `from` is where it said it starts. */
async function stream(lastEventId?: string, token = service.token, query = '') {
  const events: StreamedEvent[] = []
  const head = { from: '', contentType: '' }
  const call = request({
    host: '127.0.0.1',
    port,
    path: `/v1/events${query}`,
    headers: {
      authorization: `Bearer ${token}`,
      accept: 'text/event-stream',
      ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
    },
  })
  open.push(call)
  call.on('error', () => undefined) // when we hang up
  call.once('response', (response) => {
    head.contentType = String(response.headers['content-type'])
    let rest = ''
    response.setEncoding('utf8').on('data', (text: string) => {
      const blocks = (rest + text).split('\n\n')
      rest = blocks.pop() ?? ''
      for (const block of blocks) {
        const fields = Object.fromEntries(block.split('\n').map((line) => line.split(/: (.*)/, 2)))
        if (fields.data) events.push({ id: fields.id, event: fields.event, data: JSON.parse(fields.data) })
        else if (fields.id) head.from = fields.id
      }
    })
  })
  call.end()
  await until('the stream is open', () => head.from !== '')
  return { call, events, head }
}
const has = (events: StreamedEvent[], resource: string, type: string) =>
  events.some(({ event, data }) => event === type && data.resource_id === resource)

describe('the event stream', () => {
  it('tells what happens from now on, as the list tells it', async () => {
    const earlier = await aVpc(service)
    const { items: before } = (await service.call('GET', `/v1/events?resource_id=${earlier.id}`)).body
    // A transaction that is open elsewhere on this server, as in another test's database, holds back what is newer.
    const newest = () => newestEventId(service.db, service.projectId)
    await until('the earlier event is settled', async () => (await newest()) === before[0].id)
    const { events, head } = await stream()
    expect(head.contentType).toBe('text/event-stream')
    const [nic, server] = [await aNic(service), await aServer(service)]
    const { body } = await service.call('POST', `/v1/nics/${nic.id}/attach`, { server_id: server.id })
    await finish(service, body.id)
    await until('nic.in_use arrives', () => has(events, nic.id, 'nic.in_use'))
    expect(has(events, earlier.id, 'vpc.created')).toBe(false)
    const told = events.filter(({ data }) => data.resource_id === nic.id).map(({ event }) => event)
    expect(told).toEqual(['nic.created', 'nic.attaching', 'nic.in_use'])
    const { items } = (await service.call('GET', `/v1/events?resource_id=${nic.id}`)).body
    expect(events.filter(({ data }) => data.resource_id === nic.id).map(({ data }) => data)).toEqual(items.reverse())
    expect(events.every(({ id, event, data }) => id === data.id && event === data.type)).toBe(true)
  })

  it('resumes behind Last-Event-ID, with nothing left out and nothing told twice', async () => {
    const first = await stream()
    const one = await aVpc(service)
    await until('the first event', () => has(first.events, one.id, 'vpc.created'))
    const last = first.events.at(-1)?.id
    first.call.destroy()
    const missed = [await aVpc(service), await aVpc(service)]
    const second = await stream(last)
    const after = await aVpc(service)
    await until('the newest event', () => has(second.events, after.id, 'vpc.created'))
    expect(second.head.from).toBe(last)
    expect(second.events.map(({ data }) => data.resource_id)).toEqual([...missed, after].map(({ id }) => id))
  })

  it('refuses a place that it has not come to, as after a backup was restored, rather than to be silent', async () => {
    const answer = await service.call('GET', '/v1/events', undefined, {
      headers: { accept: 'text/event-stream', 'last-event-id': '9000000000000000000-1' },
    })
    expectProblem(answer, 400, 'invalid_cursor')
    expect(answer.body.errors).toMatchObject([{ in: 'header', pointer: '/last-event-id' }])
  })

  it('is no stream for HEAD, which has its headers and ends', async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/v1/events`, {
      method: 'HEAD',
      headers: { authorization: `Bearer ${service.token}`, accept: 'text/event-stream' },
      signal: AbortSignal.timeout(5_000),
    })
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-type')).toBe('text/event-stream')
    await untilNobodyPolls(service, 'event')
  })

  it('has no holes while 50 writers commit in any order and the reader hangs up again and again', async () => {
    const start = await stream()
    const networks = await Promise.all(Array.from({ length: 5 }, () => aNetwork(service)))
    const seen: StreamedEvent[] = []
    let from = start.head.from
    let done = false
    const reader = async () => {
      for (;;) {
        const { call, events } = await stream(from)
        const wasDone = done
        await until('something new, or the end', () => events.length > 0 || done)
        if (wasDone) {
          const all = () =>
            new Set(
              [...seen, ...events].filter(({ event }) => event === 'nic.created').map(({ data }) => data.resource_id),
            )
          await until('every NIC', () => all().size === 500)
          seen.push(...events)
          return
        }
        call.destroy()
        seen.push(...events)
        from = seen.at(-1)?.id ?? from
      }
    }
    const writer = async (n: number) => {
      for (let made = 0; made < 10; made++) await aNic(service, { network_id: networks[n % 5].id })
    }
    const reading = reader()
    await Promise.all(Array.from({ length: 50 }, (_, n) => writer(n)))
    done = true
    await reading
    const ids = seen.map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
    const { rows } = await service.db.$client.query<{ id: string }>(
      `SELECT xid || '-' || id AS id FROM event WHERE project_id = $1
         AND (xid, id) > (split_part($2, '-', 1)::xid8, split_part($2, '-', 2)::bigint) ORDER BY xid, id`,
      [service.projectId, start.head.from],
    )
    expect(ids).toEqual(rows.map(({ id }) => id).slice(0, ids.length))
    expect(ids.length).toBeGreaterThanOrEqual(500)
  })

  it('tells a project its own events only', async () => {
    const project = await service.aProject()
    const token = await service.tokenOf('operator', project)
    const theirs = await stream('0-0', token)
    await aVpc(service)
    const own = await service.call('POST', '/v1/vpcs', { name: 'v', cidr: '10.0.0.0/16' }, { token })
    await until('our own event', () => has(theirs.events, own.body.id, 'vpc.created'))
    const { rows } = await service.db.$client.query<{ id: string }>(
      `SELECT xid || '-' || id AS id FROM event WHERE project_id = $1 ORDER BY xid, id`,
      [project],
    )
    expect(theirs.events.map(({ id }) => id)).toEqual(rows.map(({ id }) => id))
  })

  it('is filtered as the list is', async () => {
    const [network, other] = [await aNetwork(service), await aNetwork(service)]
    const { events } = await stream(undefined, service.token, `?resource_id=${network.id}&type=network.updated`)
    for (const name of ['one', 'two']) {
      for (const { id } of [other, network]) await service.call('PATCH', `/v1/networks/${id}`, { name })
    }
    await until('both changes', () => events.length === 2)
    expect(events.map(({ data }) => data.resource_id)).toEqual([network.id, network.id])
  })

  it('is filtered by a server as the list is: with what happens to its NICs', async () => {
    const [server, other] = [await aServer(service), await aServer(service)]
    const { events } = await stream(undefined, service.token, `?server_id=${server.id}`)
    const [nic, theirs] = [await aNic(service), await aNic(service)]
    for (const [id, server_id] of [
      [theirs.id, other.id],
      [nic.id, server.id],
    ])
      await finish(service, (await service.call('POST', `/v1/nics/${id}/attach`, { server_id })).body.id)
    await until('the end of the job', () => events.some(({ event }) => event === 'job.successful'))
    const told = ['job.pending', 'nic.attaching', 'job.working', 'nic.in_use', 'job.successful']
    expect(events.map(({ event }) => event)).toEqual(told)
    expect(has(events, nic.id, 'nic.in_use')).toBe(true)
  })

  it('of more events than one batch arrives whole', async () => {
    const from = (await stream()).head.from
    const network = await aNetwork(service)
    for (let round = 0; round < 3; round++) {
      for (const nic of await nics(service, network.id, 252))
        if (round < 2) await service.call('DELETE', `/v1/nics/${nic.id}`)
    }
    const { events } = await stream(from)
    await until('every event', () => events.filter(({ event }) => event === 'nic.created').length === 3 * 252)
    expect(events.filter(({ event }) => event === 'nic.deleted')).toHaveLength(2 * 252)
  })

  it('of a client that went away is polled no more', async () => {
    const { call } = await stream()
    await untilSomebodyPolls(service, 'event')
    call.destroy()
    await untilNobodyPolls(service, 'event')
  })

  it('is refused without a token, and does not hold up the end of the service', async () => {
    const headers = { accept: 'text/event-stream', authorization: 'Bearer none' }
    expectProblem(await service.call('GET', '/v1/events', undefined, { headers }), 401, 'unauthorized')
    const other = await aService()
    const before = port
    port = await listening(other)
    const { call } = await stream(undefined, other.token)
    port = before
    const closed = new Promise((resolve) => call.once('close', resolve))
    await other.close()
    await closed
  })
})

describe('the list of events', () => {
  it('is filtered by the type of the resource, as the stream is', async () => {
    const { events } = await stream(undefined, service.token, '?resource_type=vpc')
    const network = await aNetwork(service)
    await aNic(service, { network_id: network.id })
    await service.call('PATCH', `/v1/vpcs/${network.vpc_id}`, { name: 'x' })
    await until('both events of the VPC', () => events.length === 2)
    expect(events.map(({ event }) => event)).toEqual(['vpc.created', 'vpc.updated'])
    const { items } = (await service.call('GET', '/v1/events?resource_type=vpc&limit=2')).body
    expect(items.map(({ resource_id }: { resource_id: string }) => resource_id)).toEqual([
      network.vpc_id,
      network.vpc_id,
    ])
    expectProblem(await service.call('GET', '/v1/events?resource_type=hypervisor'), 400, 'invalid_request')
  })

  it('is filtered by type and walked in pages, newest first', async () => {
    const network = await aNetwork(service)
    const made = await nics(service, network.id, 25)
    const types = `/v1/events?type=nic.created&limit=10`
    const first = (await service.call('GET', types)).body
    const second = (await service.call('GET', `${types}&cursor=${first.next_cursor}`)).body
    const third = (await service.call('GET', `${types}&cursor=${second.next_cursor}`)).body
    const ids = [first, second, third].flatMap(({ items }) =>
      items.map((event: { resource_id: string }) => event.resource_id),
    )
    expect(new Set(ids.slice(0, 25))).toEqual(new Set(made.map(({ id }) => id)))
    expect(new Set(ids).size).toBe(ids.length)
  })
})
