import type { RunningService } from './a-running-service.ts'

/** A VPC with one network in it. Every call makes its own VPC, so the ranges never meet. */
export async function aNetworkOf(service: RunningService, cidr = '172.16.1.0/24') {
  const [a, b] = cidr.split('.')
  const vpc = await service.post('/v1/vpcs', { name: 'vpc', cidr: `${a}.${b}.0.0/16` })
  return service.post('/v1/networks', { name: 'network', vpc_id: vpc.id, cidr })
}

/** A running server. @returns its id. */
export async function aServerOf(service: RunningService, over: object = {}): Promise<string> {
  const job = await service.act('POST', '/v1/servers', { name: 'hosta', guest: 'namespace', ...over })
  return job.server_id
}
