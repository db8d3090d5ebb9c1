/** Isolated and bridged networks, IPv6, and what DHCP tells: what the caller is told, and what is refused. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { refusedConstraint } from '../../src/db/constraint-errors.ts'
import { type Answer, aService, expectProblem, HYPERVISOR, type Service } from '../support/a-service.ts'
import { aHypervisor, aNetwork, aNic, aServer, aVpc, finish, nics } from '../support/builders.ts'
import { givenTime } from '../support/given-time.ts'

let service: Service
beforeAll(async () => {
  service = await aService()
  await aHypervisor(service, HYPERVISOR, ['eth1', 'br0'])
  await aHypervisor(service, 'hv-other', ['eth1', 'eth2', 'eth3', 'eth4', 'eth5'])
})
afterAll(() => service.close())

const newNetwork = (body: object) => service.call('POST', '/v1/networks', { name: 'n', ...body })
const get = async (id: string) => (await service.call('GET', `/v1/networks/${id}`)).body
const put = (id: string, what: 'ipv6' | 'dhcp', body: object) => service.call('PUT', `/v1/networks/${id}/${what}`, body)
/** What a refusal says of each field, as `pointer detail`. */
const said = ({ body }: Answer): string[] =>
  (body.errors ?? []).map(({ pointer, detail }: { pointer: string; detail: string }) => `${pointer} ${detail}`)

let subnets = 0
/** A bridged network on `br0` with a /24 of its own. */
const bridged = (over: object = {}) =>
  newNetwork({ mode: 'bridged', interface: 'br0', cidr: `100.100.${subnets++}.0/24`, ...over })

describe('an isolated network', () => {
  it('gives out the 252 addresses of its /24, and has no gateway and no VPC', async () => {
    const { status, body } = await newNetwork({ mode: 'isolated', cidr: '192.168.5.0/24', mtu: 9000 })
    expect(status).toBe(201)
    expect(body).toMatchObject({
      type: 'managed',
      mode: 'isolated',
      mtu: 9000,
      vpc_id: null,
      interface: null,
      cidr: '192.168.5.0/24',
      gateway: null,
      ipv6_cidr: null,
      ipv6_gateway: null,
      address_range: { first: '192.168.5.2', last: '192.168.5.253' },
      addresses_available: 252,
      nic_count: 0,
    })
    expect(await get(body.id)).toEqual(body)
    expect(await aNic(service, { network_id: body.id })).toMatchObject({ address: '192.168.5.2' })
    expect(await aNic(service, { network_id: body.id, address: '192.168.5.77' })).toMatchObject({ port: 76 })
    expect(await get(body.id)).toMatchObject({ addresses_available: 250, nic_count: 2 })
  })

  it('may have the CIDR of another, and the same addresses', async () => {
    const made = [await newNetwork({ mode: 'isolated', cidr: '10.5.5.0/24' })]
    made.push(await newNetwork({ mode: 'isolated', cidr: '10.5.5.0/24' }))
    for (const { body } of made) expect((await aNic(service, { network_id: body.id })).address).toBe('10.5.5.2')
  })

  it.each(['11.0.0.0/24', '172.32.0.0/24', '192.169.1.0/24', '10.1.0.0/25', '10.0.0.0/8'])(
    'may not have %s: it must be a private /24',
    async (cidr) => {
      const refused = await newNetwork({ mode: 'isolated', cidr })
      expectProblem(refused, 400, 'cidr_invalid')
      expect(said(refused)).toEqual([expect.stringMatching(/^\/cidr cidr must be a \/24/)])
    },
  )

  it('joins no VPC and has no IPv6', async () => {
    const { body } = await newNetwork({ mode: 'isolated', cidr: '10.5.6.0/24' })
    const vpc = await aVpc(service)
    const subnet = { vpc_id: vpc.id, cidr: vpc.cidr.replace('.0.0/16', '.1.0/24') }
    expectProblem(await service.call('POST', `/v1/networks/${body.id}/join`, subnet), 409, 'network_not_routed')
    expectProblem(await put(body.id, 'ipv6', { ipv6_cidr: 'fd00:1::/64' }), 409, 'network_not_routed')
    expect((await service.call('POST', `/v1/networks/${body.id}/leave`)).body).toEqual(body)
  })

  it('without addresses is what an unmanaged network is unless it says otherwise', async () => {
    expect((await newNetwork({ type: 'unmanaged' })).body).toMatchObject({ mode: 'isolated', cidr: null })
    expect((await newNetwork({})).body).toMatchObject({ type: 'managed', mode: 'routed', cidr: null })
  })
})

describe('a bridged network', () => {
  it('gives out its range of the segment without the gateway, which is the segment’s', async () => {
    const { status, body } = await bridged({
      cidr: '198.18.5.0/24',
      gateway: '198.18.5.101',
      address_range: { first: '198.18.5.100', last: '198.18.5.103' },
    })
    expect(status).toBe(201)
    expect(body).toMatchObject({
      type: 'managed',
      mode: 'bridged',
      interface: 'br0',
      vpc_id: null,
      gateway: '198.18.5.101',
      address_range: { first: '198.18.5.100', last: '198.18.5.103' },
      addresses_available: 3,
      nic_count: 0,
    })
    const made = await nics(service, body.id, 2)
    expect(made.map(({ address }) => address)).toEqual(['198.18.5.100', '198.18.5.102'])
    for (const address of ['198.18.5.99', '198.18.5.101', '198.18.5.104']) {
      const refused = await service.call('POST', '/v1/nics', { network_id: body.id, address })
      expectProblem(refused, 400, 'address_out_of_range')
      expect(refused.body.errors).toMatchObject([{ pointer: '/address' }])
    }
    expect(await get(body.id)).toMatchObject({ addresses_available: 1, nic_count: 2 })
    await aNic(service, { network_id: body.id, address: '198.18.5.103' })
    expectProblem(await service.call('POST', '/v1/nics', { network_id: body.id }), 409, 'network_full')
    await service.call('DELETE', `/v1/nics/${made[1].id}`)
    expect(await aNic(service, { network_id: body.id })).toMatchObject({ address: '198.18.5.102' })
  })

  it('without a range gives out .2 to .253, less the gateway at either end', async () => {
    const ends = async (gateway: string) => (await bridged({ cidr: '198.18.6.0/24', gateway, interface: 'eth2' })).body
    const first = await ends('198.18.6.2')
    expect(first).toMatchObject({ address_range: { first: '198.18.6.3', last: '198.18.6.253' } })
    expect(first.addresses_available).toBe(251)
    await service.call('DELETE', `/v1/networks/${first.id}`)
    const last = await ends('198.18.6.253')
    expect(last).toMatchObject({ address_range: { first: '198.18.6.2', last: '198.18.6.252' } })
    await service.call('DELETE', `/v1/networks/${last.id}`)
    expect(await ends('198.18.6.254')).toMatchObject({ addresses_available: 252 })
  })

  it('may leave all addresses to the segment', async () => {
    const { status, body } = await newNetwork({ type: 'unmanaged', mode: 'bridged', interface: 'eth1' })
    expect(status).toBe(201)
    expect(body).toMatchObject({ mode: 'bridged', interface: 'eth1', cidr: null, address_range: null })
    expect(await aNic(service, { network_id: body.id })).toMatchObject({ address: null, port: 1 })
  })

  it('is refused on an interface that no hypervisor has, which names those that are known', async () => {
    const refused = await bridged({ interface: 'eth7' })
    expectProblem(refused, 400, 'interface_unknown')
    const known = 'br0, eth1, eth2, eth3, eth4, eth5'
    expect(said(refused)).toEqual([`/interface no hypervisor has the interface eth7; known: ${known}`])
  })

  it.each([
    ['0.1.2.0/24', 'cidr_invalid', '/cidr'],
    ['127.0.0.0/24', 'cidr_invalid', '/cidr'],
    ['169.254.169.0/24', 'cidr_invalid', '/cidr'],
    ['224.0.0.0/24', 'cidr_invalid', '/cidr'],
    ['255.255.255.0/24', 'cidr_invalid', '/cidr'],
    ['198.18.0.0/16', 'cidr_invalid', '/cidr'],
    ['198.18.9.0/25', 'cidr_invalid', '/cidr'],
  ])('may not have %s: it must be a /24 of unicast addresses', async (cidr, code, pointer) => {
    const refused = await bridged({ cidr })
    expectProblem(refused, 400, code)
    expect(refused.body.errors).toMatchObject([{ in: 'body', pointer }])
  })

  it.each([
    ['a gateway elsewhere', { gateway: '198.18.8.1' }, '/gateway 198.18.8.1 is not one of 198.18.7.1 to 198.18.7.254'],
    ['the broadcast address', { gateway: '198.18.7.255' }, '/gateway 198.18.7.255 is not one of'],
    ['the network’s own address', { gateway: '198.18.7.0' }, '/gateway 198.18.7.0 is not one of'],
    [
      'a first address without a port',
      { address_range: { first: '198.18.7.1', last: '198.18.7.9' } },
      '/address_range/first 198.18.7.1 is not one of 198.18.7.2 to 198.18.7.253',
    ],
    [
      'a last address elsewhere',
      { address_range: { first: '198.18.7.5', last: '198.18.8.9' } },
      '/address_range/last 198.18.8.9 is not one of 198.18.7.5 to 198.18.7.253',
    ],
    [
      'a last address before the first',
      { address_range: { first: '198.18.7.5', last: '198.18.7.4' } },
      '/address_range/last 198.18.7.4 is not one of',
    ],
    [
      'a range of nothing but the gateway',
      { gateway: '198.18.7.5', address_range: { first: '198.18.7.5', last: '198.18.7.5' } },
      '/address_range address_range holds nothing but the gateway',
    ],
  ])('may not have %s', async (_what, over, expected) => {
    const refused = await bridged({ cidr: '198.18.7.0/24', ...over })
    expectProblem(refused, 400, 'address_out_of_range')
    expect(said(refused)).toEqual([expect.stringContaining(expected)])
  })

  it('gives out no address of another on the same interface, whosever that is, and may have its neighbours', async () => {
    const at = (first: number, last: number, name = 'eth3') =>
      bridged({
        interface: name,
        cidr: '198.18.20.0/24',
        address_range: { first: `198.18.20.${first}`, last: `198.18.20.${last}` },
      })
    expect((await at(50, 99)).status).toBe(201)
    for (const [first, last] of [
      [50, 99],
      [2, 50],
      [99, 253],
      [60, 60],
      [2, 253],
    ] as const) {
      const refused = await at(first, last)
      expectProblem(refused, 409, 'cidr_overlaps')
      expect(said(refused)).toEqual([expect.stringMatching(/^\/address_range address_range overlaps that of another/)])
    }
    expect((await at(2, 49)).status).toBe(201)
    expect((await at(100, 253)).status).toBe(201)
    expect((await at(50, 99, 'eth4')).status).toBe(201)
    const token = await service.tokenOf('admin', await service.aProject())
    const theirs = { name: 'n', mode: 'bridged', interface: 'eth4', cidr: '198.18.20.0/24' }
    expectProblem(await service.call('POST', '/v1/networks', theirs, { token }), 409, 'cidr_overlaps')
  })

  it('goes to one of many callers who ask for the same addresses at once', async () => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => bridged({ interface: 'eth5', cidr: '198.18.30.0/24' })),
    )
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1)
    for (const refused of answers.filter(({ status }) => status !== 201)) expectProblem(refused, 409, 'cidr_overlaps')
  })
})

describe('fields that do not go together are refused, each by its name', () => {
  const cidr = '10.9.9.0/24'
  const vpc_id = 'vpc-0000000000'
  it.each<[string, object, string[]]>([
    ['unmanaged and routed', { type: 'unmanaged', mode: 'routed' }, ['/mode must be isolated or bridged']],
    [
      'a VPC and isolated',
      { mode: 'isolated', vpc_id, cidr },
      ['/vpc_id is for routed networks: this one is isolated'],
    ],
    [
      'a VPC and bridged',
      { mode: 'bridged', interface: 'eth1', vpc_id, cidr },
      ['/vpc_id is for routed networks: this one is bridged'],
    ],
    ['routed with a CIDR of no VPC', { cidr }, ['/vpc_id is required with cidr in a routed network']],
    ['isolated without CIDR', { mode: 'isolated' }, ['/cidr is required in a managed isolated network']],
    [
      'bridged without CIDR',
      { mode: 'bridged', interface: 'eth1' },
      ['/cidr is required in a managed bridged network'],
    ],
    ['bridged without interface', { mode: 'bridged', cidr }, ['/interface is required in a bridged network']],
    ['an interface and routed', { interface: 'eth1' }, ['/interface is for bridged networks: this one is routed']],
    [
      'a gateway and isolated',
      { mode: 'isolated', cidr, gateway: '10.9.9.1' },
      ['/gateway is for managed bridged networks'],
    ],
    [
      'a range and unmanaged',
      { type: 'unmanaged', mode: 'bridged', interface: 'eth1', address_range: { first: '10.9.9.2', last: '10.9.9.3' } },
      ['/address_range is for managed bridged networks'],
    ],
    ['IPv6 without VPC', { ipv6_cidr: 'fd00:1::/64' }, ['/ipv6_cidr is for networks in a VPC']],
    [
      'several at once',
      { mode: 'isolated', interface: 'eth1', gateway: '10.9.9.1', ipv6_cidr: 'fd00:1::/64' },
      ['/cidr is required', '/ipv6_cidr is for', '/interface is for', '/gateway is for'],
    ],
  ])('%s', async (_what, body, expected) => {
    const refused = await newNetwork(body)
    expectProblem(refused, 400, 'invalid_request')
    expect(said(refused)).toEqual(expected.map((line) => expect.stringContaining(line)))
  })

  it('an unmanaged network has neither VPC nor addresses', async () => {
    const refused = await newNetwork({ type: 'unmanaged', mode: 'bridged', interface: 'eth1', cidr })
    expectProblem(refused, 409, 'network_unmanaged')
    expect(refused.body.errors).toMatchObject([{ pointer: '/cidr' }])
  })

  it.each([
    ['mode', 'bonded'],
    ['mtu', 1279],
    ['mtu', 9001],
    ['interface', 'a-name-too-long-'],
    ['interface', 'eth 1'],
    ['ipv6_cidr', 'fd00:1::1/64'],
    ['ipv6_cidr', 'FD00:1::/64'],
    ['ipv6_cidr', 'fd00:1:0::/64'],
    ['ipv6_cidr', '10.0.0.0/24'],
    ['gateway', 'fd00::1'],
    ['address_range', {}],
  ])('%s may not be %j', async (field, value) => {
    const refused = await newNetwork({ [field]: value })
    expectProblem(refused, 400, 'invalid_request')
    expect(refused.body.errors[0].pointer).toMatch(new RegExp(`^/${field}`))
  })
})

describe('IPv6', () => {
  it('comes with the VPC: the prefix, its gateway, and an address for each NIC, formed from the MAC', async () => {
    const network = await aNetwork(service, { ipv6_cidr: '2001:db8:0:7::/64' })
    expect(network).toMatchObject({ ipv6_cidr: '2001:db8:0:7::/64', ipv6_gateway: '2001:db8:0:7::1' })
    const nic = await aNic(service, { network_id: network.id })
    expect(nic.ipv6_address).toBe(eui64('2001:db8:0:7:', nic.id))
  })

  it('is dropped when the network leaves its VPC, and joined with it again', async () => {
    const network = await aNetwork(service, { ipv6_cidr: 'fd00:7::/64' })
    const left = await service.call('POST', `/v1/networks/${network.id}/leave`)
    expect(left.body).toMatchObject({ vpc_id: null, cidr: null, ipv6_cidr: null, ipv6_gateway: null })
    expectProblem(await put(network.id, 'ipv6', { ipv6_cidr: 'fd00:7::/64' }), 409, 'network_not_joined')
    const subnet = { vpc_id: network.vpc_id, cidr: network.cidr, ipv6_cidr: 'fd00:8::/64' }
    const join = () => service.call('POST', `/v1/networks/${network.id}/join`, subnet)
    expect((await join()).body).toMatchObject({ ipv6_cidr: 'fd00:8::/64', ipv6_gateway: 'fd00:8::1' })
    expect((await join()).body).toEqual(await get(network.id))
    const other = await service.call('POST', `/v1/networks/${network.id}/join`, { ...subnet, ipv6_cidr: 'fd00:9::/64' })
    expectProblem(other, 409, 'network_joined_already')
  })

  it('that came after the network joined is no other place: the same join is answered with the network as it is', async () => {
    const network = await aNetwork(service)
    await put(network.id, 'ipv6', { ipv6_cidr: 'fd00:6::/64' })
    const again = { vpc_id: network.vpc_id, cidr: network.cidr }
    const joined = await service.call('POST', `/v1/networks/${network.id}/join`, again)
    expect(joined).toMatchObject({ status: 200, body: { ipv6_cidr: 'fd00:6::/64' } })
  })

  it('is asked for by address: which NIC has it, and who had it when', async () => {
    const network = await aNetwork(service, { ipv6_cidr: 'fd00:11::/64' })
    const [nic, other] = await nics(service, network.id, 2)
    const found = async (address: string) =>
      (await service.call('GET', `/v1/nics?address=${address}`)).body.items.map(({ id }: { id: string }) => id)
    expect(await found(nic.ipv6_address)).toEqual([nic.id])
    expect(await found(nic.address)).toEqual([nic.id])
    const job = (await put(network.id, 'ipv6', { ipv6_cidr: 'fd00:12::/64' })).body
    const after = (await service.call('GET', `/v1/nics/${nic.id}`)).body
    expect(await found(nic.ipv6_address)).toEqual([])
    await put(network.id, 'ipv6', { ipv6_cidr: 'fd00:12::/64' }) // as it is: nothing to tell
    await service.call('DELETE', `/v1/nics/${nic.id}`)
    await put(network.id, 'ipv6', { ipv6_cidr: null })
    const told = async (address: string) => {
      const { items } = (await service.call('GET', `/v1/events?address=${address}`)).body
      return items.reverse().map((event: Answer['body']) => [event.type, event.resource_id, event.job_id])
    }
    expect(await told(nic.ipv6_address)).toEqual([
      ['nic.created', nic.id, null],
      ['nic.address_released', nic.id, job.id],
    ])
    expect(await told(after.ipv6_address)).toEqual([
      ['nic.updated', nic.id, job.id],
      ['nic.deleted', nic.id, null],
    ])
    expect(await told(nic.address)).toEqual([
      ['nic.created', nic.id, null],
      ['nic.deleted', nic.id, null],
    ])
    const kept = other.ipv6_address.replace('fd00:11:', 'fd00:12:')
    expect((await told(kept)).map(([type]: string[]) => type)).toEqual(['nic.updated', 'nic.address_released'])
  })

  it('of a primary NIC is in the history too, to the end of its server', async () => {
    const network = await aNetwork(service, { ipv6_cidr: 'fd00:13::/64' })
    const server = await aServer(service, { network_id: network.id, hypervisor_id: HYPERVISOR })
    const [card] = (await service.call('GET', `/v1/nics?server_id=${server.id}`)).body.items
    const gone = (await service.call('DELETE', `/v1/servers/${server.id}`)).body
    await finish(service, gone.id)
    const { items } = (await service.call('GET', `/v1/events?address=${card.ipv6_address}`)).body
    expect(items.map(({ type, job_id }: Answer['body']) => [type, job_id])).toMatchObject([
      ['nic.deleted', gone.id],
      ['nic.created', expect.stringMatching(/^j-/)],
    ])
  })

  it.each(['fd00:0::1', 'FD00::1', 'fd00::1/128', '::ffff:a00:1', '10.0.0.1/32', 'x'])(
    'and any other address is asked for in its canonical form, not as %s',
    async (address) => {
      for (const url of ['/v1/nics', '/v1/events']) {
        const refused = await service.call('GET', `${url}?address=${encodeURIComponent(address)}`)
        expectProblem(refused, 400, 'invalid_request')
        expect(refused.body.errors).toMatchObject([{ in: 'query', pointer: '/address' }])
      }
    },
  )

  it('changed by two while NICs are deleted is changed at once, and nobody is turned away', async () => {
    const network = await aNetwork(service)
    const given = await givenTime()
    for (let round = 0; round < 5; round++) {
      const cards = await nics(service, network.id, 20)
      const answers = await Promise.all([
        ...cards.map(({ id }) => service.call('DELETE', `/v1/nics/${id}`)),
        ...['a', 'b'].map((n) => put(network.id, 'ipv6', { ipv6_cidr: `fd00:${n}${round}::/64` })),
      ])
      expect(answers.map(({ status }) => status)).toEqual([...Array(20).fill(204), 202, 202])
    }
    // PostgreSQL looks for deadlocks after a second: a single one would take longer than all of it.
    expect(await given()).toBeLessThan(5_000)
  })

  it('may be given, changed and taken while servers run: NICs follow, and the job asks their hypervisors', async () => {
    const network = await aNetwork(service)
    const server = await aServer(service, { network_id: network.id, hypervisor_id: HYPERVISOR })
    const [card] = (await service.call('GET', `/v1/nics?server_id=${server.id}`)).body.items
    expect(card.ipv6_address).toBeNull()
    for (const prefix of ['fd00:a:1:2::/64', 'fd00:b:1:2::/64', null]) {
      const { status, body } = await put(network.id, 'ipv6', { ipv6_cidr: prefix })
      expect(status).toBe(202)
      expect(body).toMatchObject({ action: 'network.apply', state: 'pending', hypervisor_id: HYPERVISOR })
      expect(body.resources).toEqual([{ type: 'network', id: network.id }])
      await finish(service, body.id)
      expect((await get(network.id)).ipv6_cidr).toBe(prefix)
      const now = (await service.call('GET', `/v1/nics/${card.id}`)).body
      expect(now.ipv6_address).toBe(prefix && eui64(prefix.replace(':/64', ''), card.id))
      expect(now.generation).toBeGreaterThan(card.generation)
    }
  })

  it('that shows nowhere yet is settled at once', async () => {
    const network = await aNetwork(service)
    const { body } = await put(network.id, 'ipv6', { ipv6_cidr: 'fd00:c::/64' })
    expect(body).toMatchObject({ action: 'network.apply', state: 'successful', hypervisor_id: null })
    expect((await put(network.id, 'ipv6', { ipv6_cidr: null })).body.state).toBe('successful')
  })

  it.each(['fd00::/48', 'fd00:1:2:3:4::/80', 'fe80::/64', 'ff00::/64', '::/64', '4000::/64'])(
    'may not be %s: a /64 of global or unique local addresses',
    async (ipv6_cidr) => {
      const network = await aNetwork(service)
      const vpc = await aVpc(service)
      const cidr = vpc.cidr.replace('.0.0/16', '.1.0/24')
      for (const refused of [
        await newNetwork({ vpc_id: vpc.id, cidr, ipv6_cidr }),
        await put(network.id, 'ipv6', { ipv6_cidr }),
      ]) {
        expectProblem(refused, 400, 'cidr_invalid')
        expect(said(refused)).toEqual([expect.stringMatching(/^\/ipv6_cidr ipv6_cidr must be a \/64/)])
      }
    },
  )

  it('may not be that of another network of the VPC; in another VPC it may', async () => {
    const network = await aNetwork(service, { ipv6_cidr: 'fd00:d::/64' })
    const cidr = network.cidr.replace('.7.0/', '.8.0/')
    const same = { vpc_id: network.vpc_id, cidr, ipv6_cidr: 'fd00:d::/64' }
    const overlap = await newNetwork(same)
    expectProblem(overlap, 409, 'cidr_overlaps')
    expect(said(overlap)).toEqual(['/ipv6_cidr ipv6_cidr is that of another network of the VPC'])
    const second = (await newNetwork({ ...same, ipv6_cidr: 'fd00:e::/64' })).body
    const moved = await put(second.id, 'ipv6', { ipv6_cidr: 'fd00:d::/64' })
    expectProblem(moved, 409, 'cidr_overlaps')
    expect((await aNetwork(service, { ipv6_cidr: 'fd00:d::/64' })).ipv6_cidr).toBe('fd00:d::/64')
  })

  it('is not for an unmanaged network', async () => {
    const { body } = await newNetwork({ type: 'unmanaged' })
    expectProblem(await put(body.id, 'ipv6', { ipv6_cidr: 'fd00:1::/64' }), 409, 'network_unmanaged')
    expect((await put(body.id, 'ipv6', { ipv6_cidr: null })).status).toBe(202)
  })
})

describe('DHCP settings', () => {
  const settings = { lease_seconds: 600, dns_servers: ['9.9.9.9', '10.0.0.53'], domain: 'prod.example.org' }

  it('are defaults at first, are replaced as a whole, and reach the hypervisors by a job', async () => {
    const network = await aNetwork(service)
    const defaults = { lease_seconds: 86_400, dns_servers: [], domain: null }
    expect(network.dhcp).toEqual(defaults)
    await aServer(service, { network_id: network.id, hypervisor_id: HYPERVISOR })
    const { status, body } = await put(network.id, 'dhcp', settings)
    expect(status).toBe(202)
    expect(body).toMatchObject({ action: 'network.apply', state: 'pending', hypervisor_id: HYPERVISOR })
    expect(body.resources).toEqual([{ type: 'network', id: network.id }])
    const now = await get(network.id)
    expect(now.dhcp).toEqual(settings)
    expect(now.generation).toBeGreaterThan(network.generation)
    expect((await put(network.id, 'dhcp', settings)).status).toBe(202) // asked for again
    await put(network.id, 'dhcp', { domain: 'x' })
    expect((await get(network.id)).dhcp).toEqual({ ...defaults, domain: 'x' })
    await put(network.id, 'dhcp', {})
    expect((await get(network.id)).dhcp).toEqual(defaults)
    const { items } = (await service.call('GET', `/v1/events?resource_id=${network.id}&type=network.updated`)).body
    expect(items.at(-1).data).toEqual({ dhcp: settings })
    expect(items.at(-1).job_id).toBe(body.id)
  })

  it.each<[string, object, string]>([
    ['a lease under two minutes', { lease_seconds: 119 }, '/lease_seconds'],
    ['a lease over a year', { lease_seconds: 31_536_001 }, '/lease_seconds'],
    ['four name servers', { dns_servers: ['9.9.9.9', '1.1.1.1', '8.8.8.8', '8.8.4.4'] }, '/dns_servers'],
    ['the same name server twice', { dns_servers: ['9.9.9.9', '9.9.9.9'] }, '/dns_servers'],
    ['a name server of IPv6', { dns_servers: ['9.9.9.9', '2620:fe::fe'] }, '/dns_servers/1'],
    ['a name server that is no machine', { dns_servers: ['9.9.9.9', '0.0.0.0'] }, '/dns_servers/1'],
    ['the guest itself as name server', { dns_servers: ['127.0.0.1'] }, '/dns_servers/0'],
    ['a group as name server', { dns_servers: ['224.0.0.1'] }, '/dns_servers/0'],
    ['a domain in upper case', { domain: 'Example.org' }, '/domain'],
    ['a domain that ends in a dot', { domain: 'example.org.' }, '/domain'],
    ['a domain with a line break', { domain: 'a\nserver=1.1.1.1' }, '/domain'],
    ['a label of 64 characters', { domain: `${'a'.repeat(64)}.org` }, '/domain'],
    ['a domain of 254 characters', { domain: `${'a.'.repeat(126)}aa` }, '/domain'],
  ])('may not have %s', async (_what, body, pointer) => {
    const network = await aNetwork(service)
    const refused = await put(network.id, 'dhcp', body)
    expectProblem(refused, 400, 'invalid_request')
    expect(refused.body.errors).toMatchObject([{ in: 'body', pointer }])
    expect((await get(network.id)).generation).toBe(network.generation)
  })

  it('are kept by a network that waits for its VPC, and are not for an unmanaged one', async () => {
    const waiting = (await newNetwork({})).body
    expect((await put(waiting.id, 'dhcp', settings)).body.state).toBe('successful')
    expect((await get(waiting.id)).dhcp).toEqual(settings)
    const bare = (await newNetwork({ type: 'unmanaged' })).body
    expectProblem(await put(bare.id, 'dhcp', settings), 409, 'network_unmanaged')
  })

  it('and the prefix are changed only if they match If-Match', async () => {
    const network = await aNetwork(service)
    for (const [what, body] of [
      ['dhcp', settings],
      ['ipv6', { ipv6_cidr: 'fd00:e::/64' }],
    ] as const) {
      const now = await get(network.id)
      const change = (etag: number) =>
        service.call('PUT', `/v1/networks/${network.id}/${what}`, body, { headers: { 'if-match': `"${etag}"` } })
      expectProblem(await change(now.generation + 1), 412, 'precondition_failed')
      expect(await get(network.id)).toEqual(now)
      expect((await change(now.generation)).status).toBe(202)
      expectProblem(await change(now.generation), 412, 'precondition_failed')
    }
  })

  it('and the prefix are for operators, of the project alone', async () => {
    const network = await aNetwork(service)
    const reader = { token: await service.tokenOf('reader') }
    const stranger = { token: await service.tokenOf('admin', await service.aProject()) }
    for (const [what, body] of [
      ['dhcp', {}],
      ['ipv6', { ipv6_cidr: null }],
    ] as const) {
      const url = `/v1/networks/${network.id}/${what}`
      expectProblem(await service.call('PUT', url, body, reader), 403, 'forbidden')
      expectProblem(await service.call('PUT', url, body, stranger), 404, 'not_found')
    }
  })
})

it('networks are listed by mode', async () => {
  const token = await service.tokenOf('admin', await service.aProject())
  const make = async (body: object) =>
    (await service.call('POST', '/v1/networks', { name: 'n', ...body }, { token })).body.id
  const routed = await make({})
  const isolated = await make({ mode: 'isolated', cidr: '10.1.1.0/24' })
  const bare = await make({ type: 'unmanaged', mode: 'bridged', interface: 'eth1' })
  const ids = async (mode: string) =>
    (await service.call('GET', `/v1/networks?mode=${mode}`, undefined, { token })).body.items.map(
      ({ id }: { id: string }) => id,
    )
  expect(await ids('routed')).toEqual([routed])
  expect(await ids('isolated')).toEqual([isolated])
  expect(await ids('bridged')).toEqual([bare])
  expectProblem(await service.call('GET', '/v1/networks?mode=x', undefined, { token }), 400, 'invalid_request')
})

describe('the database itself refuses', () => {
  /** The constraint that refuses a network with these columns. */
  async function refusal(columns: Record<string, string>): Promise<string | undefined> {
    const names = ['id', 'project_id', 'name', 'type', 'vni', ...Object.keys(columns).filter((name) => name !== 'type')]
    const { type = `'managed'`, ...rest } = columns
    const values = [`'net-raw'`, `'${service.projectId}'`, `'n'`, type, '16777215', ...Object.values(rest)]
    const client = await service.db.$client.connect()
    try {
      await client.query('BEGIN')
      await client.query(`INSERT INTO network (${names.join(', ')}) VALUES (${values.join(', ')})`)
      return undefined
    } catch (error) {
      return refusedConstraint(error)?.constraint ?? String(error)
    } finally {
      await client.query('ROLLBACK')
      client.release()
    }
  }
  const onEth = { mode: `'bridged'`, interface: `'eth9'` }

  it.each<[string, Record<string, string>[]]>([
    ['network_routed_is_managed', [{ type: `'unmanaged'` }]],
    [
      'network_cidr_if_managed',
      [{ mode: `'isolated'` }, { type: `'unmanaged'`, mode: `'isolated'`, cidr: `'10.0.1.0/24'` }, onEth],
    ],
    ['network_vpc_with_cidr', [{ mode: `'isolated'`, cidr: `'10.0.1.0/24'`, vpc_cidr: `'10.0.0.0/16'` }]],
    [
      'network_cidr_of_mode',
      [
        { mode: `'isolated'`, cidr: `'11.0.1.0/24'` },
        { ...onEth, cidr: `'224.0.1.0/24'` },
        { ...onEth, cidr: `'127.0.1.0/24'` },
        { ...onEth, cidr: `'2000::/24'` },
      ],
    ],
    [
      'network_interface_if_bridged',
      [
        { mode: `'bridged'`, cidr: `'10.0.1.0/24'` },
        { mode: `'isolated'`, cidr: `'10.0.1.0/24'`, interface: `'e'` },
      ],
    ],
    ['network_interface_name', [{ ...onEth, cidr: `'10.0.1.0/24'`, interface: `'a b'` }]],
    [
      'network_gateway_in_cidr',
      [
        { ...onEth, cidr: `'10.0.1.0/24'`, gateway: `'10.0.2.1'` },
        { ...onEth, cidr: `'10.0.1.0/24'`, gateway: `'10.0.1.1/24'` },
        { mode: `'isolated'`, cidr: `'10.0.1.0/24'`, gateway: `'10.0.1.1'` },
      ],
    ],
    ['network_mtu_range', [{ mtu: '1279' }, { mtu: '9001' }]],
    ['network_ipv6_routed', [{ ipv6_cidr: `'fd00:1::/64'` }]],
    ['network_lease_range', [{ lease_seconds: '119' }, { lease_seconds: '31536001' }]],
    ['network_dns_servers_few', [{ dns_servers: `'{1.1.1.1,1.1.1.2,1.1.1.3,1.1.1.4}'` }]],
    [
      'network_domain_name',
      [{ domain: `'A'` }, { domain: `E'a\\nb'` }, { domain: `'-a'` }, { domain: `repeat('a.', 127) || 'a'` }],
    ],
  ])('%s', async (constraint, rows) => {
    for (const row of rows) expect(await refusal(row)).toBe(constraint)
  })

  it('what concerns a place that is taken, or a prefix in a VPC', async () => {
    const network = await aNetwork(service, { ipv6_cidr: 'fd00:f::/64' })
    const vpcCidr = network.cidr.replace('.7.0/24', '.0.0/16')
    const place = {
      vpc_id: `'${network.vpc_id}'`,
      vpc_cidr: `'${vpcCidr}'`,
      cidr: `'${network.cidr.replace('.7.', '.9.')}'`,
    }
    expect(await refusal({ ...place, ipv6_cidr: `'fd00:f::/64'` })).toBe('network_ipv6_excl')
    expect(await refusal({ ...place, ipv6_cidr: `'fd00::/48'` })).toBe('network_ipv6_slash_64')
    expect(await refusal({ ...place, ipv6_cidr: `'ff00::/64'` })).toBe('network_ipv6_unicast')
    await bridged({ interface: 'eth2', cidr: '198.18.40.0/24' })
    const same = { mode: `'bridged'`, interface: `'eth2'`, cidr: `'198.18.40.0/24'` }
    expect(await refusal(same)).toBe('network_range_free')
    const router = { ...same, gateway: `'198.18.40.9'`, reserved: `repeat('1', 252)::bit(252)` }
    expect(await refusal(router)).toBe('network_gateway_free')
    await expect(
      service.db.$client.query(`INSERT INTO segment_claim SELECT 'x', interface, addresses, true FROM segment_claim`),
    ).rejects.toMatchObject({ code: '23P01', constraint: 'segment_claim_excl' })
  })
})

/** The address that Linux forms in a /64 from a MAC (RFC 4291, appendix A). */
function eui64(prefix: string, mac: string): string {
  const [a = '', b, c, d, e, f] = mac.split(':')
  const first = (Number.parseInt(a, 16) ^ 2).toString(16)
  const groups = [`${first}${b}`, `${c}ff`, `fe${d}`, `${e}${f}`]
  return `${prefix}${groups.map((group) => group.replace(/^0+(?=.)/, '')).join(':')}`
}
