/** Jobs over the wire. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { transaction } from '../../../src/db/client.ts'
import { registerHypervisor } from '../../../src/domain/hypervisor/hypervisors.ts'
import { type Answer, aService, type Service } from '../../support/a-service.ts'
import { aWireClient, type WireClient, type WireParameters } from '../../support/a-wire-client.ts'
import { aNetwork, aNic, aServer, finish } from '../../support/builders.ts'

let service: Service
let wire: WireClient
beforeAll(async () => {
  service = await aService()
  wire = await aWireClient(service)
})
afterAll(() => service.close())

const OTHER = 'hv-other'
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/
const describeJobs = (query: WireParameters = {}) => wire.ok('DescribeJobs', query)
const one = async (id: string) => (await describeJobs({ jobs: [id] })).job_set[0]
const ids = async (query: WireParameters) =>
  (await describeJobs(query)).job_set.map((job: { job_id: string }) => job.job_id)

/** A job that attaches NICs, promised over /v1. */
async function attaching() {
  const [nic, server] = [await aNic(service), await aServer(service)]
  const { body } = await service.call('POST', `/v1/nics/${nic.id}/attach`, { server_id: server.id })
  return { nic, server, job: body }
}
/** A job that was asked for over the wire. */
async function applying(): Promise<{ job: string; group: string }> {
  const { security_group_id: group } = await wire.ok('CreateSecurityGroup', { security_group_name: 'g' })
  return { group, job: (await wire.ok('ApplySecurityGroup', { security_group: group, zone: 'zone-test' })).job_id }
}

describe('a job', () => {
  it('asked for over the wire has its action, and its parameters as text of JSON', async () => {
    const { job, group } = await applying()
    expect(await describeJobs({ jobs: [job], verbose: 0, limit: 20, offset: 0 })).toEqual({
      action: 'DescribeJobsResponse',
      ret_code: 0,
      total_count: 1,
      job_set: [
        {
          job_id: job,
          job_action: 'ApplySecurityGroup',
          status: 'successful',
          create_time: expect.stringMatching(TIME),
          status_time: expect.stringMatching(TIME),
          owner: service.projectId.replace('prj-', 'usr-'),
          resource_ids: group,
          error_codes: '',
          directive: expect.any(String),
        },
      ],
    })
    expect(JSON.parse((await one(job)).directive)).toMatchObject({
      action: 'ApplySecurityGroup',
      security_group: group,
      zone: 'zone-test',
    })
  })

  it('asked for over /v1 has the name that the wire has for it, and names its NICs', async () => {
    const { nic, server, job } = await attaching()
    const shown = await one(job.id)
    expect(shown).toMatchObject({
      job_action: 'AttachNics',
      status: 'pending',
      resource_ids: `${server.id} ${nic.id}`,
    })
    expect(JSON.parse(shown.directive)).toMatchObject({ nics: [nic.id], instance: server.id })
  })

  it('goes from pending to working to its end, with the time and the reason', async () => {
    const { job } = await attaching()
    expect(await one(job.id)).toMatchObject({ status: 'pending' })
    await service.asWorker('POST', `/jobs/${job.id}/claim`, {})
    expect(await one(job.id)).toMatchObject({ status: 'working', error_codes: '' })
    await finish(service, job.id, { outcome: 'failed', error: 'no slot' })
    expect(await one(job.id)).toMatchObject({ status: 'failed', error_codes: 'no slot' })
  })

  it.each([
    ['RunInstances', 'POST', '/v1/servers', { name: 's', guest: 'namespace' }],
    ['StopInstances', 'POST', '/v1/servers/ID/stop', {}],
    ['RestartInstances', 'POST', '/v1/servers/ID/restart', {}],
    ['TerminateInstances', 'DELETE', '/v1/servers/ID', undefined],
    ['ModifyInstanceAttributes', 'PUT', '/v1/servers/ID/dhcp-options', { options: {} }],
    ['ModifyNicAttributes', 'PUT', '/v1/nics/NIC/bandwidth', { in_mbps: 1, out_mbps: 1 }],
    ['ModifyVxnetAttributes', 'PUT', '/v1/networks/NET/dhcp', {}],
    ['UpdateRouters', 'PUT', '/v1/vpcs/VPC/source-nat', { enabled: true }],
  ])('is called %s where /v1 says %s %s, and is found by it', async (name, method, url, body) => {
    const network = await aNetwork(service)
    const [server, nic] = [await aServer(service), await aNic(service, { network_id: network.id })]
    const at = url
      .replace('ID', server.id)
      .replace('NIC', nic.id)
      .replace('NET', network.id)
      .replace('VPC', network.vpc_id)
    const answer = await service.call(method, at, body)
    expect(answer.status, JSON.stringify(answer.body)).toBe(202)
    expect(await one(answer.body.id)).toMatchObject({ job_action: name })
    expect((await ids({ job_action: name }))[0]).toBe(answer.body.id)
    expect(await ids({ job_action: 'AttachNics', jobs: [answer.body.id] })).toEqual([])
  })
})

describe('jobs', () => {
  it('are newest first, and found by id, status and action', async () => {
    const [first, second] = [(await attaching()).job.id, (await attaching()).job.id]
    const { job } = await applying()
    expect((await ids({})).slice(0, 1)).toEqual([job])
    expect(await ids({ jobs: [first, second] })).toEqual([second, first])
    expect(await ids({ jobs: [first, job], status: ['pending', 'working'] })).toEqual([first])
    expect(await ids({ jobs: [first, job], status: 'successful' })).toEqual([job])
    expect((await ids({ job_action: 'AttachNics' })).slice(0, 2)).toEqual([second, first])
    expect((await ids({ job_action: 'ApplySecurityGroup' }))[0]).toBe(job)
    expect(await describeJobs({ job_action: 'CreateLoadBalancer' })).toMatchObject({ job_set: [], total_count: 0 })
    expect(await describeJobs({ jobs: [first, second], limit: 1, offset: 1 })).toMatchObject({
      job_set: [{ job_id: first }],
      total_count: 2,
    })
  })

  it('are never half done, and unknown ones are an empty set', async () => {
    expect(await describeJobs({ status: ['done with failure'] })).toMatchObject({ job_set: [], total_count: 0 })
    expect(await describeJobs({ jobs: ['j-00000000', 'nonsense'] })).toMatchObject({ job_set: [], total_count: 0 })
  })

  it('that are parts of another are listed by id only', async () => {
    await transaction(service.db, (tx) => registerHypervisor(tx, OTHER, 'zone-test'))
    const network = await aNetwork(service)
    const far = await aServer(service, { network_id: network.id })
    await aServer(service, { network_id: network.id })
    await service.db.$client.query('UPDATE server SET hypervisor_id = $2 WHERE id = $1', [far.id, OTHER])
    const whole = (await service.call('PUT', `/v1/networks/${network.id}/dhcp`, {})).body
    const { items } = (await service.call('GET', `/v1/jobs?resource_id=${network.id}`)).body
    const parts = items.filter((job: Answer['body']) => job.parent_id === whole.id).map((job: Answer['body']) => job.id)
    expect(parts).toHaveLength(2)
    const listed = await ids({ limit: 100 })
    expect(listed[0]).toBe(whole.id)
    expect(listed.filter((id: string) => parts.includes(id))).toEqual([])
    expect((await ids({ jobs: parts })).sort()).toEqual(parts.sort())
  })

  it('of another project look absent; readers read their own', async () => {
    const { job } = await applying()
    const stranger = await aWireClient(service, { projectId: await service.aProject() })
    expect((await stranger.ok('DescribeJobs', { jobs: [job] })).job_set).toEqual([])
    const reader = await aWireClient(service, { role: 'reader' })
    expect((await reader.ok('DescribeJobs', { jobs: [job] })).total_count).toBe(1)
  })
})
