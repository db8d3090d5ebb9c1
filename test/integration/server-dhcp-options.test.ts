/** What a server's guests are told beside the settings of their networks, and where a bridged network lets it go. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { refusedConstraint } from '../../src/db/constraint-errors.ts'
import { type Answer, aService, expectProblem, HYPERVISOR, type Service } from '../support/a-service.ts'
import { aHypervisor, aNetwork, aServer, finish } from '../support/builders.ts'

let service: Service
beforeAll(async () => {
  service = await aService()
})
afterAll(() => service.close())

const put = (id: string, options: unknown, token?: string) =>
  service.call('PUT', `/v1/servers/${id}/dhcp-options`, { options }, token === undefined ? {} : { token })
const get = async (id: string) => (await service.call('GET', `/v1/servers/${id}`)).body
const said = ({ body }: Answer): string[] =>
  body.errors.map(({ pointer, detail }: { pointer: string; detail: string }) => `${pointer} ${detail}`)

describe('the DHCP options of a server', () => {
  let server: Awaited<ReturnType<typeof aServer>>
  beforeEach(async () => {
    server = await aServer(service)
  })

  it('are none at first, are replaced as a whole, and reach its hypervisor by a job', async () => {
    expect(server.dhcp_options).toEqual({})
    const options = { 3: '10.0.0.9', 42: '10.0.0.10,10.0.0.11', 66: 'tftp.example.org', 67: 'a b/menu.ipxe', 254: '#1' }
    const { status, body } = await put(server.id, options)
    expect(status).toBe(202)
    expect(body).toMatchObject({ action: 'network.apply', state: 'pending', hypervisor_id: HYPERVISOR })
    expect(body.resources).toEqual([{ type: 'server', id: server.id }])
    const now = await get(server.id)
    expect(now).toMatchObject({ dhcp_options: options, state: 'running', job_id: null })
    expect(now.generation).toBe(server.generation + 1)
    await finish(service, body.id)
    expect((await put(server.id, options)).status).toBe(202) // asked for again
    await put(server.id, { 6: '9.9.9.9' })
    expect((await get(server.id)).dhcp_options).toEqual({ 6: '9.9.9.9' })
    await put(server.id, {})
    expect((await get(server.id)).dhcp_options).toEqual({})
    const { items } = (await service.call('GET', `/v1/events?resource_id=${server.id}&type=server.updated`)).body
    expect(items.at(-1)).toMatchObject({ data: { dhcp_options: options }, job_id: body.id })
  })

  it('are replaced only if they match If-Match', async () => {
    const url = `/v1/servers/${server.id}/dhcp-options`
    const change = (etag: number) =>
      service.call('PUT', url, { options: { 6: '9.9.9.9' } }, { headers: { 'if-match': `"${etag}"` } })
    expectProblem(await change(server.generation + 1), 412, 'precondition_failed')
    expect(await get(server.id)).toEqual(server)
    expect((await change(server.generation)).status).toBe(202)
    expectProblem(await change(server.generation), 412, 'precondition_failed')
  })

  it('come with the next work order', async () => {
    await put(server.id, { 26: '1400' })
    const { body } = await service.call('POST', `/v1/servers/${server.id}/stop`)
    expect((await finish(service, body.id)).server.dhcp_options).toEqual({ 26: '1400' })
  })

  it.each([1, 50, 51, 52, 53, 54, 55, 57, 58, 59, 61, 82])(
    'may not be %i, which is not a server’s to choose',
    async (n) => {
      const refused = await put(server.id, { 12: 'fine', [n]: '1' })
      expectProblem(refused, 400, 'invalid_request')
      expect(said(refused)).toEqual([expect.stringMatching(new RegExp(`^/options/${n} cannot be set: `))])
      expect((await get(server.id)).generation).toBe(server.generation)
    },
  )

  it('are refused all at once, each by its number', async () => {
    const refused = await put(server.id, { 53: '5', 54: '10.0.0.1' })
    expect(said(refused)).toEqual([
      '/options/53 cannot be set: the message type is the protocol’s',
      '/options/54 cannot be set: the server identifier is the protocol’s',
    ])
  })

  it.each(['0', '255', '256', '1000', '01', '-1', '1.5', 'router', 'option:router', '', 'tag:x'])(
    'may not be numbered "%s"',
    async (number) => {
      const refused = await put(server.id, { [number]: '1' })
      expectProblem(refused, 400, 'invalid_request')
      expect(refused.body.errors[0].pointer).toBe(`/options/${number}`)
    },
  )

  it.each([
    ['nothing', ''],
    ['too long', 'x'.repeat(256)],
    ['a line break', 'a\ntag:x,3,10.0.0.1'],
    ['a tab', 'a\tb'],
    ['a character outside ASCII', 'café'],
    ['a quote, which the DHCP server would take out', '"a"'],
    ['an escape', 'a\\nb'],
    ['a comment', 'a #b'],
    ['a number', 5],
    ['null', null],
  ])('may not have a value that is %s', async (_what, value) => {
    const refused = await put(server.id, { 42: '10.0.0.1', 67: value })
    expectProblem(refused, 400, 'invalid_request')
    expect(refused.body.errors).toMatchObject([{ in: 'body', pointer: '/options/67' }])
  })

  it.each([
    ['3', 'router.example.org'],
    ['6', '9.9.9.9, 1.1.1.1'],
    ['42', 'fd00::1'],
    ['150', '10.0.0.256'],
  ])('may not have a %s that is %s: addresses', async (number, value) => {
    const refused = await put(server.id, { [number]: value })
    expectProblem(refused, 400, 'invalid_request')
    expect(said(refused)).toEqual([`/options/${number} must be IPv4 addresses separated by commas`])
  })

  it('are at most 20', async () => {
    const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, n) => [200 + n, 'x']))
    expect((await put(server.id, many(20))).status).toBe(202)
    const refused = await put(server.id, many(21))
    expectProblem(refused, 400, 'invalid_request')
    expect(refused.body.errors).toMatchObject([{ pointer: '/options' }])
  })

  it('may be set while the server changes state, and not once it is gone', async () => {
    const { body: stop } = await service.call('POST', `/v1/servers/${server.id}/stop`)
    expect((await put(server.id, { 12: 'a' })).status).toBe(202)
    await finish(service, stop.id)
    const { body: gone } = await service.call('DELETE', `/v1/servers/${server.id}`)
    await finish(service, gone.id)
    expectProblem(await put(server.id, {}), 409, 'server_terminated')
  })

  it('are for operators, of the project alone', async () => {
    expectProblem(await put(server.id, {}, await service.tokenOf('reader')), 403, 'forbidden')
    const stranger = await service.tokenOf('admin', await service.aProject())
    expectProblem(await put(server.id, {}, stranger), 404, 'not_found')
    expect((await put(server.id, {}, await service.tokenOf('operator'))).status).toBe(202)
  })

  it('are an object, says the database', async () => {
    const broken = await service.db.$client
      .query(`UPDATE server SET dhcp_options = '[]' WHERE id = $1`, [server.id])
      .catch((error: unknown) => refusedConstraint(error)?.constraint)
    expect(broken).toBe('server_dhcp_options_object')
  })
})

describe('a server in a bridged network', () => {
  const newServer = (over: object) => service.call('POST', '/v1/servers', { name: 's', guest: 'namespace', ...over })
  const bridged = async (name: string, cidr: string) => {
    const body = { name: 'n', mode: 'bridged', interface: name, cidr }
    return (await service.call('POST', '/v1/networks', body)).body.id
  }
  beforeAll(async () => {
    await aHypervisor(service, HYPERVISOR, ['eth1', 'br2'])
    await aHypervisor(service, 'hv-bridge', ['eth1', 'br0'])
    await aHypervisor(service, 'hv-gone', ['br1'])
    await service.db.$client.query(
      `UPDATE hypervisor SET last_seen_at = now() - interval '1 hour' WHERE id = 'hv-gone'`,
    )
  })

  it('goes to a hypervisor that has the interface, however busy that is', async () => {
    const network_id = await bridged('br2', '198.18.1.0/24')
    // The tests above have left their servers on the one, and none on the other.
    expect((await newServer({ network_id: (await aNetwork(service)).id })).body.hypervisor_id).toBe('hv-bridge')
    expect((await newServer({ network_id })).body.hypervisor_id).toBe(HYPERVISOR)
  })

  it('is refused on a named one without it, which says what that has', async () => {
    const network_id = await bridged('br0', '198.18.2.0/24')
    const refused = await newServer({ network_id, hypervisor_id: HYPERVISOR })
    expectProblem(refused, 409, 'interface_missing')
    expect(said(refused)).toEqual([
      '/hypervisor_id hypervisor hv-test does not have the interface br0; it has: eth1, br2',
    ])
    expect((await newServer({ network_id, hypervisor_id: 'hv-bridge' })).status).toBe(202)
  })

  it('waits for a named one that is down; none is picked among those', async () => {
    const network_id = await bridged('br1', '198.18.3.0/24')
    const refused = await newServer({ network_id })
    expectProblem(refused, 409, 'interface_missing')
    expect(said(refused)).toEqual(['/network_id no hypervisor that is up has the interface br1'])
    expect((await newServer({ network_id, hypervisor_id: 'hv-gone' })).body.hypervisor_id).toBe('hv-gone')
  })
})
