/** What is told to callers of the wire is told in its words: no ids, names or fields that only we know. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { aService, type Service } from '../../support/a-service.ts'
import { aWireClient, type WireClient, type WireParameters } from '../../support/a-wire-client.ts'
import { finish } from '../../support/builders.ts'

let service: Service
let wire: WireClient
let router: string
let vxnet: string
let instance: string
beforeAll(async () => {
  service = await aService()
  wire = await aWireClient(service)
  router = (await wire.ok('CreateRouters', { vpc_network: '192.168.0.0/16' })).routers[0]
  vxnet = await aVxnet()
  await wire.ok('JoinRouter', { router, vxnet, ip_network: '192.168.1.0/24' })
  const { instances, job_id } = await wire.ok('RunInstances', { image_id: 'img-ours' })
  await finish(service, job_id)
  instance = instances[0]
})
afterAll(() => service.close())

const aVxnet = async (): Promise<string> => (await wire.ok('CreateVxnets', { vxnet_type: 1 })).vxnets[0]
const refused = async (code: number, action: string, parameters: WireParameters): Promise<string> =>
  (await wire.refused(code, action, parameters)).message

describe('the basic network is vxnet-0 and nothing else', () => {
  it('in what is refused, also when it would have been the first of it', async () => {
    const elsewhere = 'InvalidParameterValue, address 192.168.1.9 is not one that vxnet [vxnet-0] gives out'
    expect(await refused(1101, 'CreateNics', { vxnet: 'vxnet-0', private_ips: ['192.168.1.9'] })).toBe(elsewhere)
    const { nics } = await wire.ok('CreateNics', { vxnet: 'vxnet-0' })
    const taken = nics[0].private_ip
    const again = `ResourceAlreadyExisted, address ${taken} is already used in vxnet [vxnet-0]`
    expect(await refused(2110, 'CreateNics', { vxnet: 'vxnet-0', private_ips: [taken] })).toBe(again)
    const at = `vxnet-0|${taken}`
    expect(await refused(2110, 'JoinVxnet', { vxnet: at, instances: [instance] })).toBe(again)
    expect(await refused(2110, 'RunInstances', { image_id: 'img-ours', vxnets: [at] })).toBe(again)
    const [nic, other] = [nics[0].nic_id, (await wire.ok('CreateNics', { vxnet })).nics[0].nic_id]
    expect(await refused(1101, 'ModifyNicAttributes', { nic, private_ip: '192.168.1.9' })).toBe(elsewhere)
    expect(
      await refused(1101, 'ModifyNicAttributes', { nic: other, vxnet: 'vxnet-0', private_ip: '192.168.1.9' }),
    ).toBe(elsewhere)
  })

  it('in jobs', async () => {
    const { job_id } = await wire.ok('JoinVxnet', { vxnet: 'vxnet-0', instances: [instance] })
    await finish(service, job_id)
    const { job_set } = await wire.ok('DescribeJobs', { jobs: [job_id] })
    const [{ nic_id }] = (await wire.ok('DescribeNics', { instances: [instance] })).nic_set
    expect(job_set[0].resource_ids).toBe(`${instance} ${nic_id} vxnet-0`)
  })
})

it('what follows the bar of a vxnet must be an address', async () => {
  for (const at of ['vxnet-0|10.250.1.300', `${vxnet}|x`, `${vxnet}|192.168.1.0/24`]) {
    await wire.refused(1100, 'JoinVxnet', { vxnet: at, instances: [instance] })
    await wire.refused(1100, 'RunInstances', { image_id: 'img-ours', vxnets: [at] })
  }
})

it('addresses that are asked for go to the first NICs, in their order', async () => {
  const wanted = ['192.168.1.60', '192.168.1.20', '192.168.1.40']
  const { nics } = await wire.ok('CreateNics', { vxnet, count: 4, private_ips: wanted })
  const addresses = nics.map(({ private_ip }: { private_ip: string }) => private_ip)
  expect(addresses.slice(0, 3)).toEqual(wanted)
  expect(addresses[3]).toMatch(/^192\.168\.1\.\d+$/)
})

it('why a job failed', async () => {
  const { nics } = await wire.ok('CreateNics', { vxnet })
  const { job_id } = await wire.ok('AttachNics', { nics: [nics[0].nic_id], instance })
  const error = `NIC ${nics[0].nic_id} of server ${instance} is in ${vxnet.replace('vxnet-', 'net-')}: no`
  await finish(service, job_id, { outcome: 'failed', error })
  const { job_set } = await wire.ok('DescribeJobs', { jobs: [job_id] })
  expect(job_set[0].error_codes).toBe(`nic [${nics[0].nic_id}] of instance [${instance}] is in [${vxnet}]: no`)
})

it('names no field of /v1, and puts what it says well', async () => {
  const bare = await aVxnet()
  const join = { router, vxnet: bare }
  const cases: [number, string, WireParameters, string][] = [
    [
      1101,
      'CreateRouters',
      { vpc_network: '8.8.0.0/16' },
      'InvalidParameterValue, the network must be a /16 of 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16',
    ],
    [
      2110,
      'JoinRouter',
      { ...join, ip_network: '192.168.1.0/24' },
      'ResourceAlreadyExisted, the network overlaps the CIDR of another vxnet of the router',
    ],
    [
      1101,
      'CreateNics',
      { vxnet, private_ips: ['192.168.9.9'] },
      `InvalidParameterValue, address 192.168.9.9 is not one that vxnet [${vxnet}] gives out`,
    ],
    [
      1100,
      'AllocateVips',
      { vxnet_id: vxnet, vip_range: '192.168.1.9-192.168.1.5' },
      'InvalidRequestFormat, range 192.168.1.9-192.168.1.5 ends before it begins',
    ],
    [
      2100,
      'RunInstances',
      { image_id: 'img-ours', userdata_type: 'tar', userdata_value: 'x' },
      'ResourceNotFound, user data [x] not found',
    ],
    [2100, 'AssociateEip', { eip: 'eip-zzzzzzzz', instance }, 'ResourceNotFound, eip [eip-zzzzzzzz] not found'],
  ]
  for (const [code, action, parameters, message] of cases) {
    expect(await refused(code, action, parameters)).toBe(message)
  }
  await wire.ok('JoinRouter', { ...join, ip_network: '192.168.7.0/24' })
  await wire.ok('CreateNics', { vxnet: bare })
  const left = `PermissionDenied, vxnet [${bare}] has 1 nic`
  expect(await refused(1400, 'DeleteVxnets', { vxnets: [bare] })).toBe(`${left}: delete them first`)
  await wire.ok('AllocateVips', { vxnet_id: bare, count: 2 })
  expect(await refused(1400, 'DeleteVxnets', { vxnets: [bare] })).toBe(`${left} and 2 vips: delete them first`)
})

it('a vxnet may be the first of its router, as clients have it in their examples', async () => {
  const first = await aVxnet()
  await wire.ok('JoinRouter', { router, vxnet: first, ip_network: '192.168.0.0/24', features: 1 })
  const { vxnet_set } = await wire.ok('DescribeVxnets', { vxnets: [first] })
  expect(vxnet_set[0].router).toMatchObject({ ip_network: '192.168.0.0/24', manager_ip: '192.168.0.1' })
})
