/** Acts on several instances at once are one job: how that ends when its parts do not all end well. */
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { transaction } from '../../../src/db/client.ts'
import { registerHypervisor } from '../../../src/domain/hypervisor/hypervisors.ts'
import { aService, HYPERVISOR, type Service } from '../../support/a-service.ts'
import { aWireClient, type WireAnswer, type WireClient } from '../../support/a-wire-client.ts'
import { finish } from '../../support/builders.ts'

let service: Service
let wire: WireClient
beforeAll(async () => {
  service = await aService()
  wire = await aWireClient(service)
})
afterAll(() => service.close())

const OTHER = 'hv-other'
const jobOf = async (id: string): Promise<WireAnswer> => (await wire.ok('DescribeJobs', { jobs: [id] })).job_set[0]
const instance = async (id: string): Promise<WireAnswer> =>
  (await wire.ok('DescribeInstances', { instances: [id] })).instance_set[0]
const nicsOf = async (id: string): Promise<WireAnswer[]> => (await wire.ok('DescribeNics', { instances: [id] })).nic_set

/** The jobs under one, or itself, that a hypervisor does, by server. */
async function workOf(id: string): Promise<{ id: string; server_id: string | null; hypervisor_id: string }[]> {
  const { rows } = await service.db.execute<{ id: string; server_id: string | null; hypervisor_id: string }>(sql`
    WITH RECURSIVE under (id) AS (SELECT ${id}::text UNION SELECT j.id FROM job j JOIN under u ON j.parent_id = u.id)
    SELECT j.id, j.server_id, j.hypervisor_id FROM job j JOIN under USING (id) WHERE j.hypervisor_id IS NOT NULL ORDER BY j.seq`)
  return rows
}

async function instances(count: number, vxnets: string[] = []): Promise<string[]> {
  const { instances: ids, job_id } = await wire.ok('RunInstances', { image_id: 'img-ours', count, vxnets })
  for (const { id } of await workOf(job_id)) await finish(service, id)
  return ids
}

describe('an act on three instances', () => {
  it('fails as a whole when one part fails, says why, and the others stand', async () => {
    const ids = await instances(3)
    const { job_id } = await wire.ok('StopInstances', { instances: ids })
    const [first, second, third] = await workOf(job_id)
    if (!first || !second || !third) throw new Error('a part is missing')
    await finish(service, first.id)
    expect((await jobOf(job_id)).status).toBe('working')
    await finish(service, second.id, { outcome: 'retry', error: 'not yet' })
    expect(await jobOf(job_id)).toMatchObject({ status: 'working', error_codes: '' })
    await finish(service, third.id)
    expect((await jobOf(job_id)).status).toBe('working')
    await finish(service, second.id, { outcome: 'failed', error: 'the guest will not' })
    expect(await jobOf(job_id)).toMatchObject({ status: 'failed', error_codes: `${HYPERVISOR}: the guest will not` })
    const states = Object.fromEntries(await Promise.all(ids.map(async (id) => [id, (await instance(id)).status])))
    expect(states).toEqual(Object.fromEntries(ids.map((id) => [id, id === second.server_id ? 'running' : 'stopped'])))
    // Asked again, only the one is left to do.
    const again = await wire.ok('StopInstances', { instances: ids })
    const [left, ...none] = await workOf(again.job_id)
    expect([left?.server_id, none]).toEqual([second.server_id, []])
    await finish(service, left?.id ?? '')
    expect((await jobOf(again.job_id)).status).toBe('successful')
  })

  it('is promised for all or for none', async () => {
    const ids = await instances(2)
    const { total_count: before } = await wire.ok('DescribeJobs', { limit: 1 })
    await wire.refused(2100, 'StopInstances', { instances: [...ids, 'i-0000000000'] })
    await wire.refused(2100, 'StopInstances', { instances: ['i-zzzzzzzzzz', ...ids] })
    expect((await wire.ok('DescribeJobs', { limit: 1 })).total_count).toBe(before)
    for (const id of ids) expect(await instance(id)).toMatchObject({ status: 'running', transition_status: '' })
  })

  it('that joins a vxnet leaves no NIC where it failed; leaving leaves it where that failed', async () => {
    const [vxnet] = (await wire.ok('CreateVxnets', { vxnet_type: 1 })).vxnets
    const [router] = (await wire.ok('CreateRouters')).routers
    await wire.ok('JoinRouter', { router, vxnet, ip_network: '192.168.3.0/24' })
    const ids = await instances(2)
    const joining = (await wire.ok('JoinVxnet', { vxnet, instances: ids })).job_id
    const [good, bad] = await workOf(joining)
    await finish(service, bad?.id ?? '', { outcome: 'failed', error: 'no slot' })
    await finish(service, good?.id ?? '')
    expect(await jobOf(joining)).toMatchObject({ status: 'failed' })
    const [joined, out] = [good?.server_id ?? '', bad?.server_id ?? '']
    expect([await nicsOf(joined), await nicsOf(out)].map((nics) => nics.length)).toEqual([1, 0])
    expect(await wire.ok('DescribeNics', { vxnets: [vxnet] })).toMatchObject({ total_count: 1 })

    const leaving = (await wire.ok('LeaveVxnet', { vxnet, instances: [joined] })).job_id
    await finish(service, leaving, { outcome: 'failed', error: 'the guest kept it' })
    expect(await jobOf(leaving)).toMatchObject({ status: 'failed', error_codes: 'the guest kept it' })
    expect(await nicsOf(joined)).toMatchObject([{ status: 'in-use', vxnet_id: vxnet }])
    await finish(service, (await wire.ok('LeaveVxnet', { vxnet, instances: [joined] })).job_id)
    expect(await wire.ok('DescribeNics', { vxnets: [vxnet] })).toMatchObject({ total_count: 0 })
  })
})

describe('an act with parts that have parts, on two hypervisors', () => {
  it('ends with the last of them, and names who failed', async () => {
    const token = await transaction(service.db, (tx) => registerHypervisor(tx, OTHER, 'zone-test'))
    const [vxnet] = (await wire.ok('CreateVxnets', { vxnet_type: 1 })).vxnets
    const [router] = (await wire.ok('CreateRouters', { vpc_network: '172.31.0.0/16' })).routers
    await wire.ok('JoinRouter', { router, vxnet, ip_network: '172.31.4.0/24' })
    const ids = await instances(2, [vxnet])
    await service.db.$client.query('UPDATE server SET hypervisor_id = $2 WHERE id = $1', [ids[0], OTHER])
    const { security_group_id: group } = await wire.ok('CreateSecurityGroup')
    const { job_id } = await wire.ok('ApplySecurityGroup', { security_group: group, instances: ids })
    const work = await workOf(job_id)
    expect(new Set(work.map((one) => one.hypervisor_id))).toEqual(new Set([HYPERVISOR, OTHER]))
    for (const { id } of work.filter((one) => one.hypervisor_id === HYPERVISOR)) await finish(service, id)
    expect((await jobOf(job_id)).status).toBe('working')
    for (const { id } of work.filter((one) => one.hypervisor_id === OTHER)) {
      const at = `/v1/hypervisors/${OTHER}/jobs/${id}`
      const { attempt } = (await service.call('POST', `${at}/claim`, {}, { token })).body.job
      const report = { attempt, outcome: 'failed', error: 'no nft', steps: [], observed: [] }
      expect((await service.call('POST', `${at}/report`, report, { token })).status).toBe(204)
    }
    const ended = await jobOf(job_id)
    expect(ended.status).toBe('failed')
    expect(ended.error_codes).toMatch(/^hv-other: no nft(; hv-other: no nft)*$/)
  })
})
