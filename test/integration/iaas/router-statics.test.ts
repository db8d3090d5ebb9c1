/** Router statics over the wire: port forwardings, DHCP options, and what is only kept. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { aService, HYPERVISOR, type Service } from '../../support/a-service.ts'
import { aWireClient, type WireClient, type WireParameters } from '../../support/a-wire-client.ts'
import { aHypervisor, aServer, finish } from '../../support/builders.ts'
import { decoded } from '../../support/wire-shapes.ts'

let service: Service
let wire: WireClient
beforeAll(async () => {
  service = await aService()
  wire = await aWireClient(service)
  await aHypervisor(service, HYPERVISOR, ['eth1'])
})
afterAll(() => service.close())

type Values = Readonly<Record<string, string | number>>
const aRouter = async (vpc_network = '192.168.0.0/16'): Promise<string> =>
  (await wire.ok('CreateRouters', { router_name: 'r', vpc_network })).routers[0]
const add = async (router: string, ...statics: Values[]): Promise<string[]> =>
  (await wire.ok('AddRouterStatics', { router, statics })).router_statics
const list = async (over: WireParameters) =>
  decoded('DescribeRouterStatics', await wire.ok('DescribeRouterStatics', over)).router_static_set
const read = async (id: string) => (await list({ router_statics: [id] }))[0]
const WEB = { static_type: 1, val1: 80, val2: '192.168.1.5', val3: 8080 }
const modify = (router_static: string, over: WireParameters) =>
  wire.ok('ModifyRouterStaticAttributes', { router_static, ...over })

describe('a static of type 1', () => {
  it('is a port forwarding, tcp unless it says otherwise, to the same port unless it says another', async () => {
    const router = await aRouter()
    const answer = await wire.ok('AddRouterStatics', {
      router,
      statics: [
        { ...WEB, router_static_name: 'web', router_id: '', router_static_id: '' },
        { static_type: '1', val1: '53', val2: '192.168.1.6', val4: 'udp' },
      ],
    })
    expect(answer).toEqual({
      action: 'AddRouterStaticsResponse',
      ret_code: 0,
      router_statics: [expect.stringMatching(/^rtrs-/), expect.stringMatching(/^rtrs-/)],
    })
    const [web, dns] = answer.router_statics
    expect(await read(web)).toEqual({
      router_static_id: web,
      router_static_name: 'web',
      router_id: router,
      vxnet_id: '',
      static_type: 1,
      ...{
        val1: '80',
        val2: '192.168.1.5',
        val3: '8080',
        val4: 'tcp',
        val5: '',
        val6: '',
        val7: '',
        val8: '',
        val9: '',
      },
      disabled: 0,
      entry_set: [],
      create_time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      owner: `usr-${service.projectId.slice(4)}`,
    })
    expect(await read(dns)).toMatchObject({ val1: '53', val3: '53', val4: 'udp' })
    const { body } = await service.call('GET', `/v1/vpcs/${router.replace('rtr', 'vpc')}/port-forwardings`)
    expect(body.items.map(({ id }: { id: string }) => id.replace('pf', 'rtrs'))).toEqual([dns, web])
  })

  it('changes as Terraform changes it: what is not set comes empty', async () => {
    const [id = ''] = await add(await aRouter(), WEB)
    expect(
      await modify(id, { router_static_name: 'n', val1: 81, val2: '192.168.1.7', val3: '', val4: '', val5: '' }),
    ).toEqual({
      action: 'ModifyRouterStaticAttributesResponse',
      ret_code: 0,
      router_static: id,
      router_static_id: id,
    })
    expect(await read(id)).toMatchObject({
      router_static_name: 'n',
      val1: '81',
      val2: '192.168.1.7',
      val3: '81',
      val4: 'tcp',
    })
    await modify(id, { val4: 'udp' })
    expect(await read(id)).toMatchObject({ router_static_name: 'n', val1: '81', val3: '81', val4: 'udp' })
    await modify(id, { disabled: 1, router_static_name: '' })
    expect(await read(id)).toMatchObject({ disabled: 1, router_static_name: '' })
    const pf = `/v1/vpcs/${(await read(id)).router_id.replace('rtr', 'vpc')}/port-forwardings/${id.replace('rtrs', 'pf')}`
    expect((await service.call('GET', pf)).body.enabled).toBe(false)
    await modify(id, { disabled: 0 })
    expect((await service.call('GET', pf)).body.enabled).toBe(true)
    for (const [code, over] of [
      [1100, { val1: '' }],
      [1100, { val2: '' }],
      [1100, { val2: 'somewhere' }],
      [1101, { val1: 65_536 }],
      [1101, { val2: '10.0.0.1' }],
      [1101, { val4: 'icmp' }],
    ] as const) {
      await wire.refused(code, 'ModifyRouterStaticAttributes', { router_static: id, ...over })
    }
  })

  it('needs a port that is free, and an address of the router’s network', async () => {
    const router = await aRouter()
    await add(router, WEB)
    const refused = (code: number, over: WireParameters) =>
      wire.refused(code, 'AddRouterStatics', {
        router,
        statics: [
          { static_type: 8, val1: 'x', val2: '10.0.0.1' },
          { ...WEB, ...over },
        ],
      })
    const { message } = await refused(2110, { val2: '192.168.1.9' })
    expect(message).toBe(`ResourceAlreadyExisted, tcp port 80 of router [${router}] is forwarded already`)
    await refused(1101, { val1: 81, val2: '192.169.1.5' })
    await refused(1101, { val1: 0 })
    await refused(1100, { val1: '' })
    await refused(1100, { val2: '' })
    expect(await list({ router })).toHaveLength(1) // none of those beside them either
  })
})

describe('statics of other types', () => {
  it.each([
    [
      'OpenVPN',
      { static_type: 2 },
      { val1: 'openvpn', val2: '1194', val3: 'udp', val4: '10.255.1.0/24', val5: '1', val6: '' },
    ],
    [
      'OpenVPN as told',
      { static_type: 2, val1: 'openvpn', val2: 443, val3: 'tcp', val4: '10.255.9.0/24', val5: 3 },
      { val2: '443', val3: 'tcp', val4: '10.255.9.0/24', val5: '3' },
    ],
    [
      'PPTP',
      { static_type: 2, val1: 'pptp', val2: 'u:p' },
      { val2: 'u:p', val3: '100', val4: '10.255.1.0/24', val5: '' },
    ],
    ['L2TP', { static_type: 2, val1: 'l2tp', val2: 'u:p', val3: 'psk' }, { val3: 'psk', val5: '1701' }],
    ['GRE', { static_type: 4, val1: 'gre|6.6.6.6|k1;gre|7.7.7.7|k2' }, { val1: 'gre|6.6.6.6|k1;gre|7.7.7.7|k2' }],
    ['a filter', { static_type: 5, val1: '10.0.0.0/8', val5: 1, val6: 'drop' }, { val2: '', val6: 'drop' }],
    ['GRE in layer 3', { static_type: 6, val1: '6.6.6.6|k|10.9.0.1|10.9.0.2', val2: '10.8.0.0/24|10.7.0.0/24' }, {}],
    [
      'IPsec',
      { static_type: 7, val1: '0.0.0.0|key|%any', val2: '192.168.1.0/24', val3: '10.1.0.0/24' },
      { val4: 'main' },
    ],
    ['a name', { static_type: 8, val1: 'db.example.com', val2: '192.168.1.5;192.168.1.6' }, { val3: '' }],
  ])('%s is kept and read back, with what is left out', async (_what, wanted: Values, shown) => {
    const router = await aRouter()
    const [id = ''] = await add(router, { ...wanted, router_static_name: 'kept' })
    expect(await read(id)).toMatchObject({ static_type: wanted.static_type, router_static_name: 'kept', ...shown })
    const given = Object.entries(wanted).filter(([name]) => name.startsWith('val'))
    for (const [name, value] of given) expect((await read(id))[name]).toBe(String(value))
  })

  it.each([
    { static_type: 2, val1: 'wireguard' },
    { static_type: 2, val2: 0 },
    { static_type: 2, val4: 'ten' },
    { static_type: 2, val1: 'pptp', val2: 'user' },
    { static_type: 2, val1: 'pptp', val2: 'u:p', val3: 254 },
    { static_type: 4, val1: 'gre|6.6.6.6' },
    { static_type: 5, val6: 'reject' },
    { static_type: 6, val1: '6.6.6.6|k|10.9.0.1', val2: '10.8.0.0/24' },
    { static_type: 6, val1: '6.6.6.6|k|10.9.0.1|10.9.0.2', val2: '' },
    { static_type: 6, val1: '6.6.6.6|k|10.9.0.1|10.9.0.2', val2: '192.168.5.0/25' },
    { static_type: 7, val1: '0.0.0.0', val2: '192.168.1.0/24', val3: '10.1.0.0/24' },
    { static_type: 7, val1: '0.0.0.0|k', val2: '192.168.1.0/24', val3: 'x' },
    { static_type: 7, val1: '0.0.0.0|k', val2: '192.168.1.0/24', val3: '10.1.0.0/24', val4: 'other' },
    { static_type: 8, val1: 'db', val2: 'elsewhere' },
    { static_type: 9, val1: 'x' },
  ])('%o is refused', async (wanted: Values) => {
    const router = await aRouter()
    const { vxnets } = await wire.ok('CreateVxnets', { vxnet_type: 1 })
    await wire.ok('JoinRouter', { router, vxnet: vxnets[0], ip_network: '192.168.5.0/24' })
    const { message } = await wire.refused(1101, 'AddRouterStatics', { router, statics: [wanted] })
    expect(message).toMatch(/^InvalidParameterValue, \S+/)
  })

  it('clients of VPNs of one router get a network each', async () => {
    const router = await aRouter()
    const taken = await add(router, { static_type: 2 }, { static_type: 2, val2: 1195 })
    expect((await Promise.all(taken.map(read))).map(({ val4 }) => val4)).toEqual(['10.255.1.0/24', '10.255.2.0/24'])
    await modify(taken[0] ?? '', { val4: '' })
    expect((await read(taken[0] ?? '')).val4).toBe('10.255.1.0/24')
  })

  it('change: what is empty goes back to what is filled in, what is absent stays', async () => {
    const [id = ''] = await add(await aRouter(), { static_type: 2, val2: 443, val3: 'tcp', val5: 2 })
    await modify(id, { val2: '', router_static_name: 'vpn', disabled: 1 })
    expect(await read(id)).toMatchObject({
      router_static_name: 'vpn',
      val2: '1194',
      val3: 'tcp',
      val5: '2',
      disabled: 1,
    })
    await wire.refused(1101, 'ModifyRouterStaticAttributes', { router_static: id, val3: 'sctp' })
    await wire.refused(2100, 'ModifyRouterStaticAttributes', { router_static: 'rtrs-0000000000', val3: 'tcp' })
    await wire.refused(1100, 'ModifyRouterStaticAttributes')
  })
})

describe('the collection', () => {
  it('has both kinds, newest first, by router, vxnet, type and id, in slices', async () => {
    const [router, other] = [await aRouter(), await aRouter()]
    const { vxnets } = await wire.ok('CreateVxnets', { vxnet_type: 1 })
    const [web = ''] = await add(router, WEB)
    const { router_statics } = await wire.ok('AddRouterStatics', {
      router,
      vxnet: vxnets[0],
      statics: [{ static_type: 4, val1: 'gre|6.6.6.6|k' }],
    })
    const [gre = ''] = router_statics
    const [name = ''] = await add(router, { static_type: 8, val1: 'a', val2: '10.0.0.1' })
    const [elsewhere = ''] = await add(other, WEB)
    const ids = async (over: WireParameters) =>
      (await list(over)).map((one: { router_static_id: string }) => one.router_static_id)
    expect(await ids({ router })).toEqual([name, gre, web])
    expect(await ids({ router, static_type: 1 })).toEqual([web])
    expect(await ids({ router, static_type: [1, 8] })).toEqual([name, web])
    expect(await ids({ router, static_type: 'x' })).toEqual([])
    expect(await ids({ vxnet: vxnets[0] })).toEqual([gre])
    expect((await read(gre)).vxnet_id).toBe(vxnets[0])
    expect(await ids({ router_statics: [web, gre, elsewhere] })).toEqual([elsewhere, gre, web])
    expect(await ids({ router, router_statics: [web, elsewhere] })).toEqual([web])
    expect(await ids({ router: 'rtr-0000000000' })).toEqual([])
    expect(await ids({ router_statics: ['rtrs-0000000000', 'x'] })).toEqual([])
    expect((await ids({ limit: 100 })).slice(0, 4)).toEqual([elsewhere, name, gre, web])
    expect(await wire.ok('DescribeRouterStatics', { router, limit: 1, offset: 1, verbose: 1 })).toMatchObject({
      router_static_set: [{ router_static_id: gre }],
      total_count: 3,
    })
    const stranger = await aWireClient(service, { projectId: await service.aProject() })
    expect((await stranger.ok('DescribeRouterStatics', { router })).total_count).toBe(0)
    await stranger.refused(2100, 'DeleteRouterStatics', { router_statics: [gre] })
    await stranger.refused(2100, 'AddRouterStatics', { router, statics: [WEB] })
  })

  it('is deleted from by ids of both kinds, all or none', async () => {
    const router = await aRouter()
    const statics = await add(router, WEB, { static_type: 8, val1: 'a', val2: '10.0.0.1' })
    await wire.refused(2100, 'DeleteRouterStatics', { router_statics: [...statics, 'rtrs-0000000000'] })
    expect(await list({ router })).toHaveLength(2)
    expect((await wire.ok('DeleteRouterStatics', { router_statics: statics })).router_statics).toEqual(statics)
    expect(await list({ router })).toEqual([])
    await wire.refused(2100, 'DeleteRouterStatics', { router_statics: statics })
    await wire.refused(1100, 'DeleteRouterStatics')
  })

  it('takes no statics that are none, or of no router', async () => {
    const router = await aRouter()
    for (const [code, over] of [
      [1100, { statics: [] }],
      [1100, { statics: [{ val1: 'x' }] }],
      [1100, { router: '', statics: [WEB] }],
      [2100, { router: 'rtr-0000000000', statics: [WEB] }],
      [2100, { router: 'rtr-0000000000', statics: [{ static_type: 2 }] }],
      [2100, { vxnet: 'vxnet-0000000000', statics: [{ static_type: 2 }] }],
    ] as const) {
      await wire.refused(code, 'AddRouterStatics', { router, ...over })
    }
  })
})

describe('a static of type 3', () => {
  const anInstance = async () => {
    const [router, { vxnets }] = [await aRouter('172.18.0.0/16'), await wire.ok('CreateVxnets', { vxnet_type: 1 })]
    await wire.ok('JoinRouter', { router, vxnet: vxnets[0], ip_network: '172.18.1.0/24' })
    return { router, server: await aServer(service, { network_id: vxnets[0].replace('vxnet', 'net') }) }
  }
  const optionsOf = async (id: string) => (await service.call('GET', `/v1/servers/${id}`)).body.dhcp_options

  it('gives DHCP options to its instance, changes them, and takes them away again', async () => {
    const { router, server } = await anInstance()
    await service.call('PUT', `/v1/servers/${server.id}/dhcp-options`, { options: { 66: 'boot.example' } })
    const val2 = 'domain-name-servers=8.8.8.8,1.1.1.1;domain-name=corp.example;42=10.0.0.10;'
    const [id = ''] = await add(router, { static_type: 3, val1: server.id, val2 })
    const first = { 66: 'boot.example', 6: '8.8.8.8,1.1.1.1', 15: 'corp.example', 42: '10.0.0.10' }
    expect(await optionsOf(server.id)).toEqual(first)
    expect(await read(id)).toMatchObject({ static_type: 3, val1: server.id, val2 })
    const [job] = (await service.call('GET', `/v1/jobs?resource_id=${server.id}&action=network.apply`)).body.items
    expect(job).toMatchObject({ state: 'pending', hypervisor_id: HYPERVISOR })
    await finish(service, job.id)

    await modify(id, { val2: 'dns-server=9.9.9.9' })
    expect(await optionsOf(server.id)).toEqual({ 66: 'boot.example', 6: '9.9.9.9' })
    await modify(id, { disabled: 1 })
    expect(await optionsOf(server.id)).toEqual({ 66: 'boot.example' })
    await modify(id, { disabled: 0 })
    expect(await optionsOf(server.id)).toEqual({ 66: 'boot.example', 6: '9.9.9.9' })
    await wire.ok('DeleteRouterStatics', { router_statics: [id] })
    expect(await optionsOf(server.id)).toEqual({ 66: 'boot.example' })
  })

  it('moves from one instance to another, and survives that its instance is terminated', async () => {
    const [{ router, server }, other] = [await anInstance(), await aServer(service)]
    const [id = ''] = await add(router, { static_type: 3, val1: server.id, val2: 'ntp-server=10.0.0.1' })
    await modify(id, { val1: other.id })
    expect([await optionsOf(server.id), await optionsOf(other.id)]).toEqual([{}, { 42: '10.0.0.1' }])
    await finish(service, (await service.call('DELETE', `/v1/servers/${other.id}`)).body.id)
    await modify(id, { val1: server.id })
    expect(await optionsOf(server.id)).toEqual({ 42: '10.0.0.1' })
    await finish(service, (await service.call('DELETE', `/v1/servers/${server.id}?force=true`)).body.id)
    await wire.ok('DeleteRouterStatics', { router_statics: [id] })
  })

  it('knows of the fixed address what the NIC has, and does not change it', async () => {
    const { router, server } = await anInstance()
    const fixed = (address: string) => ({ static_type: 3, val1: server.id, val2: `fixed-address=${address};mtu=1400` })
    const { message } = await wire.refused(1400, 'AddRouterStatics', { router, statics: [fixed('172.18.1.99')] })
    expect(message).toMatch(
      /^PermissionDenied, instance \[i-\S+\] has no nic with address 172\.18\.1\.99: an address is chosen when its nic is made/,
    )
    await add(router, fixed('172.18.1.2'))
    expect(await optionsOf(server.id)).toEqual({ 26: '1400' })
  })

  it('is one for an instance, of two that are asked for at once as well', async () => {
    const { router, server } = await anInstance()
    const wanted = { router, statics: [{ static_type: 3, val1: server.id, val2: 'mtu=1400' }] }
    const answers = await Promise.all([wire.send('AddRouterStatics', wanted), wire.send('AddRouterStatics', wanted)])
    expect(answers.map(({ ret_code }) => ret_code).sort()).toEqual([0, 2110])
    const [made] = answers.flatMap(({ router_statics = [] }) => router_statics)
    const { message } = await wire.refused(2110, 'AddRouterStatics', wanted)
    expect(message).toBe(`ResourceAlreadyExisted, static [${made}] has the DHCP options of instance [${server.id}]`)
  })

  it('is refused for what is no option, or cannot be one', async () => {
    const { router, server } = await anInstance()
    for (const [code, over] of [
      [1101, { val1: '' }],
      [1101, { val2: '' }],
      [1101, { val2: 'colour=red' }],
      [1101, { val2: 'mtu=1400;26=1300' }],
      [1100, { val2: 'lease-time=5' }],
      [1100, { val2: 'router=nowhere' }],
      [1100, { val2: 'domain-name="x"' }],
      [1100, { val2: '255=x' }],
      [2100, { val1: 'i-0000000000' }],
      [2100, { val1: 'nobody' }],
    ] as const) {
      const one = { static_type: 3, val1: server.id, val2: 'mtu=1400', ...over }
      await wire.refused(code, 'AddRouterStatics', { router, statics: [one] })
    }
    expect(await optionsOf(server.id)).toEqual({})
    expect(await list({ router })).toEqual([])
  })

  it('goes with its router', async () => {
    const [router, server] = [await aRouter(), await aServer(service)]
    await add(router, { static_type: 3, val1: server.id, val2: 'mtu=1400' })
    await wire.ok('DeleteRouters', { routers: [router] })
    expect(await optionsOf(server.id)).toEqual({})
  })
})

describe('entries', () => {
  it('are added to a static, listed, changed and deleted', async () => {
    const router = await aRouter()
    const [id = ''] = await add(router, { static_type: 2, val1: 'pptp', val2: 'u:p' })
    const { router_static_entries } = await wire.ok('AddRouterStaticEntries', {
      router_static: id,
      entries: [{ val1: 'one', val2: 'secret' }, { val1: 'two' }],
    })
    const [one, two] = router_static_entries
    expect(one).toMatch(/^rse-[0-9a-z]{10}$/)
    const answer = await wire.ok('DescribeRouterStaticEntries', { router_static: id })
    expect(answer).toMatchObject({ total_count: 2 })
    expect(answer.router_static_entry_set).toEqual([
      {
        router_static_entry_id: two,
        router_static_entry_name: '',
        router_static_id: id,
        router_id: router,
        val1: 'two',
        val2: '',
      },
      {
        router_static_entry_id: one,
        router_static_entry_name: '',
        router_static_id: id,
        router_id: router,
        val1: 'one',
        val2: 'secret',
      },
    ])
    expect((await read(id)).entry_set).toEqual([
      { router_static_entry_id: one, val1: 'one', val2: 'secret' },
      { router_static_entry_id: two, val1: 'two', val2: '' },
    ])
    const changed = { router_static_entry: two, router_static_entry_name: 'n', val2: 'new' }
    expect(await wire.ok('ModifyRouterStaticEntryAttributes', changed)).toMatchObject({ router_static_entry: two })
    await wire.ok('ModifyRouterStaticEntryAttributes', { router_static_entry: two, val1: '' })
    const shown = (over: WireParameters) => wire.ok('DescribeRouterStaticEntries', over)
    for (const by of [{ router_static_entries: [two] }, { router_static_entry_id: two }]) {
      expect((await shown(by)).router_static_entry_set).toMatchObject([
        { router_static_entry_name: 'n', val1: '', val2: 'new' },
      ])
    }
    expect(await shown({ router_static: id, limit: 1, offset: 1 })).toMatchObject({
      router_static_entry_set: [{ router_static_entry_id: one }],
      total_count: 2,
    })
    await wire.refused(2100, 'DeleteRouterStaticEntries', { router_static_entries: [one, 'rse-0000000000'] })
    expect(await wire.ok('DeleteRouterStaticEntries', { router_static_entries: [one] })).toMatchObject({
      router_static_entries: [one],
    })
    expect((await shown({ router_static: id })).total_count).toBe(1)
    await wire.ok('DeleteRouterStatics', { router_statics: [id] })
    expect((await shown({ router_static_entries: [two] })).total_count).toBe(0)
  })

  it('are refused where there are none', async () => {
    const [web = '', name = '', vpn = ''] = await add(
      await aRouter(),
      WEB,
      { static_type: 8, val1: 'a', val2: '10.0.0.1' },
      { static_type: 2 },
    )
    const entries = [{ val1: 'x' }]
    await wire.refused(1101, 'AddRouterStaticEntries', { router_static: name, entries })
    await wire.refused(2100, 'AddRouterStaticEntries', { router_static: web, entries })
    await wire.refused(1100, 'AddRouterStaticEntries', { router_static: vpn })
    await wire.refused(1100, 'AddRouterStaticEntries', { entries })
    await wire.refused(2100, 'ModifyRouterStaticEntryAttributes', { router_static_entry: 'rse-0000000000', val1: 'x' })
    await wire.refused(1100, 'DeleteRouterStaticEntries')
    expect((await wire.ok('DescribeRouterStaticEntries', { router_static: 'rtrs-0000000000' })).total_count).toBe(0)
  })
})

describe('CopyRouterStatics', () => {
  it('copies forwardings to the same place in the other router, and statics with their entries', async () => {
    const [source, dest] = [await aRouter(), await aRouter('172.19.0.0/16')]
    const [, vpn = ''] = await add(source, { ...WEB, router_static_name: 'web' }, { static_type: 2, val1: 'pptp' })
    await wire.ok('AddRouterStaticEntries', { router_static: vpn, entries: [{ val1: 'one', val2: 'secret' }] })
    const server = await aServer(service)
    await add(source, { static_type: 3, val1: server.id, val2: 'mtu=1400' })
    expect(
      await wire.ok('CopyRouterStatics', { source_router: source, dest_router: dest, dest_zone: 'zone-test' }),
    ).toEqual({
      action: 'CopyRouterStaticsResponse',
      ret_code: 0,
    })
    const copies = await list({ router: dest })
    expect(copies).toHaveLength(2)
    expect(copies).toContainEqual(
      expect.objectContaining({
        static_type: 1,
        router_static_name: 'web',
        val1: '80',
        val2: '172.19.1.5',
        val3: '8080',
      }),
    )
    expect(copies).toContainEqual(
      expect.objectContaining({
        static_type: 2,
        entry_set: [expect.objectContaining({ val1: 'one', val2: 'secret' })],
      }),
    )
    await wire.refused(2110, 'CopyRouterStatics', { source_router: source, dest_router: dest })
  })

  it('copies those that are named, or of some types', async () => {
    const [source_router_id, one, two] = [await aRouter(), await aRouter(), await aRouter()]
    const [web = ''] = await add(source_router_id, WEB, { static_type: 8, val1: 'a', val2: '10.0.0.1' })
    await wire.ok('CopyRouterStatics', { source_router_id, dest_router_id: one, router_statics: [web] })
    expect(await list({ router: one })).toMatchObject([{ static_type: 1 }])
    await wire.ok('CopyRouterStatics', { source_router_id, dest_router_id: two, static_type: [8] })
    expect(await list({ router: two })).toMatchObject([{ static_type: 8 }])
    await wire.refused(1400, 'CopyRouterStatics', { source_router: one, dest_router: two, router_statics: [web] })
    await wire.refused(2100, 'CopyRouterStatics', { source_router: one, dest_router: 'rtr-0000000000' })
    await wire.refused(2100, 'CopyRouterStatics', { source_router: one, dest_router: two, dest_zone: 'pek3a' })
    await wire.refused(1100, 'CopyRouterStatics', { source_router: one })
  })
})
