/** Resources with valid defaults, made through the API; a test says only what it is about. */
import { randomBytes } from 'node:crypto'
import { eq, sql } from 'drizzle-orm'
import { expect } from 'vitest'
import { transaction } from '../../src/db/client.ts'
import { hypervisor } from '../../src/db/schema.ts'
import type { Answer, Service } from './a-service.ts'

let counter = 0
const next = (): number => ++counter

async function made(answer: Promise<Answer>): Promise<Answer['body']> {
  const { status, body } = await answer
  expect(status, JSON.stringify(body)).toBeLessThan(300)
  return body
}

/** Each call takes the next /16 of 10/8. */
export const aVpc = (service: Service, over: object = {}) =>
  made(service.call('POST', '/v1/vpcs', { name: `vpc ${next()}`, cidr: `10.${next() % 256}.0.0/16`, ...over }))

/** A managed network, joined to a VPC of its own. */
export async function aNetwork(service: Service, over: object = {}) {
  const vpc = await aVpc(service)
  const cidr = `${vpc.cidr.split('.').slice(0, 2).join('.')}.7.0/24`
  return made(service.call('POST', '/v1/networks', { name: `network ${next()}`, vpc_id: vpc.id, cidr, ...over }))
}

export async function aNic(service: Service, over: { network_id?: string; address?: string; name?: string } = {}) {
  const network_id = over.network_id ?? (await aNetwork(service)).id
  return made(service.call('POST', '/v1/nics', { ...over, network_id }))
}

export async function nics(service: Service, network_id: string, count: number): Promise<Answer['body'][]> {
  return (await made(service.call('POST', '/v1/nics/batch', { network_id, count }))).items
}

/** A hypervisor that is up, with interfaces to segments outside, as its worker would report them. */
export async function aHypervisor(service: Service, id: string, interfaces: readonly string[]): Promise<void> {
  await transaction(service.db, async (tx) => {
    await tx
      .insert(hypervisor)
      .values({ id, zoneId: 'zone-test', tokenHash: randomBytes(32) })
      .onConflictDoNothing()
    await tx
      .update(hypervisor)
      .set({ facts: { interfaces }, lastSeenAt: sql`now() + interval '1 hour'` })
      .where(eq(hypervisor.id, id))
  })
}

/** A pool of elastic IPs, .10 to .250 of the next /24 of 100.64/10, on the interface `eth1` of some hypervisor. */
export function aPool(service: Service, over: object = {}) {
  const net = `100.64.${next() % 256}`
  const range = { cidr: `${net}.0/24`, gateway: `${net}.1`, first: `${net}.10`, last: `${net}.250` }
  return made(
    service.call('POST', '/v1/elastic-ip-pools', { name: `pool ${next()}`, interface: 'eth1', ...range, ...over }),
  )
}

/** Plays the worker for one job: claims it and reports. */
export async function finish(
  service: Service,
  jobId: string,
  report: { outcome?: 'successful' | 'failed' | 'retry'; error?: string; observed?: object[] } = {},
) {
  const order = await made(service.asWorker('POST', `/jobs/${jobId}/claim`, {}))
  const { status, body } = await service.asWorker('POST', `/jobs/${jobId}/report`, {
    attempt: order.job.attempt,
    outcome: report.outcome ?? 'successful',
    error: report.error ?? null,
    steps: [],
    observed: report.observed ?? [],
  })
  expect(status, JSON.stringify(body)).toBe(204)
  return order
}

/** A server that runs, as far as the control plane knows. */
export async function aServer(service: Service, over: object = {}) {
  const job = await made(service.call('POST', '/v1/servers', { name: `server ${next()}`, guest: 'namespace', ...over }))
  await finish(service, job.id)
  return made(service.call('GET', `/v1/servers/${job.server_id}`))
}
