/** A small company's VPCs, as its console may look on an ordinary day: for pictures, and for tests that want some of everything. */
import { readFile } from 'node:fs/promises'
import { hypervisorTokenFileOf } from '../../src/config.ts'
import type { ServiceWithEips } from './a-service-with-eips.ts'

export interface SmallWorld {
  readonly vpcs: Readonly<Record<'production' | 'staging', string>>
  /** Ids of networks, servers and security groups, by name. */
  readonly networks: Readonly<Record<string, string>>
  readonly servers: Readonly<Record<string, string>>
  readonly groups: Readonly<Record<string, string>>
  /** Ids of all NICs that servers have. */
  readonly pluggedNics: readonly string[]
  /** A NIC with an address, an elastic IP and traffic, on a server that runs. */
  readonly busyNic: { readonly id: string; readonly address: string }
}

const NETWORKS = [
  { name: 'web', vpc: 'production', cidr: '172.16.1.0/24' },
  { name: 'app', vpc: 'production', cidr: '172.16.2.0/24' },
  { name: 'database', vpc: 'production', cidr: '172.16.3.0/24' },
  { name: 'staging', vpc: 'staging', cidr: '172.20.1.0/24' },
  { name: 'ci', vpc: 'staging', cidr: '172.20.2.0/24' },
  { name: 'backup', mode: 'isolated', cidr: '192.168.50.0/24' },
] as const

/** `more`: how many NICs it has besides its primary one, and in which networks. */
const SERVERS = [
  { name: 'web-1', network: 'web', group: 'web', address: '172.16.1.10', more: { app: 1, database: 1 } },
  { name: 'web-2', network: 'web', group: 'web', address: '172.16.1.11', more: { app: 1, database: 1 } },
  { name: 'app-1', network: 'app', group: 'internal', address: '172.16.2.10', more: { web: 3, app: 3, database: 4 } },
  { name: 'db-1', network: 'database', group: 'internal', address: '172.16.3.10', more: { app: 2, backup: 1 } },
  { name: 'build-1', network: 'ci', group: 'internal', address: '172.20.2.10', more: { staging: 2 } },
] as const

const GROUPS = [
  {
    name: 'web',
    description: 'Anybody to the sites, the office to SSH',
    rules: [
      { protocol: 'tcp', port_first: 80, name: 'http' },
      { protocol: 'tcp', port_first: 443, name: 'https' },
      { protocol: 'tcp', port_first: 22, remote_cidr: '203.0.113.0/24', name: 'ssh from the office' },
      { protocol: 'icmp', icmp_type: 8, name: 'ping' },
    ],
  },
  {
    name: 'internal',
    description: 'Only from our own networks',
    rules: [
      { protocol: 'all', remote_cidr: '172.16.0.0/12', name: 'ours' },
      { protocol: 'tcp', port_first: 5432, remote_cidr: '172.16.2.0/24', name: 'postgres', priority: 2 },
    ],
  },
] as const

export async function aSmallWorld(service: ServiceWithEips): Promise<SmallWorld> {
  const make = async (url: string, body: object): Promise<string> => (await service.post(url, body)).id
  const vpcs = {
    production: await make('/v1/vpcs', { name: 'production', cidr: '172.16.0.0/16', tags: { team: 'platform' } }),
    staging: await make('/v1/vpcs', { name: 'staging', cidr: '172.20.0.0/16' }),
  }
  const networks: Record<string, string> = {}
  for (const network of NETWORKS) {
    const { name, cidr } = network
    const place = 'vpc' in network ? { vpc_id: vpcs[network.vpc] } : { mode: network.mode }
    networks[name] = await make('/v1/networks', { name, cidr, ...place })
  }
  const groups: Record<string, string> = {}
  for (const group of GROUPS) groups[group.name] = await make('/v1/security-groups', group)

  const servers: Record<string, string> = {}
  for (const server of SERVERS) {
    const { name, address } = server
    const job = await service.act('POST', '/v1/servers', {
      name,
      guest: 'namespace',
      network_id: networks[server.network],
      address,
      security_group_ids: [groups[server.group]],
    })
    servers[name] = job.server_id
    const nicIds: string[] = []
    for (const [network, count] of Object.entries(server.more)) {
      const wanted = { network_id: networks[network], name: `${name} ${network}`, count }
      const { items } = await service.post('/v1/nics/batch', wanted)
      nicIds.push(...items.map(({ id }: { id: string }) => id))
    }
    await service.act('POST', `/v1/servers/${job.server_id}/attach-nics`, { nic_ids: nicIds })
  }
  await service.post('/v1/nics/batch', { network_id: networks.app, name: 'spare', count: 8 })
  await service.post('/v1/nics/batch', { network_id: networks.staging, name: 'preview', count: 5 })
  await service.post('/v1/nics', { network_id: networks.web, name: 'virtual address', addressed: false })
  await service.act('POST', `/v1/servers/${servers['build-1']}/stop`)

  const { items: plugged } = await service.get('/v1/nics?state=in_use&limit=1000')
  const busyNic = plugged.find(({ address }: { address: string }) => address === '172.16.1.10')
  await lendElasticIps(service, vpcs.production, busyNic.id)
  await make('/v1/access-keys', { name: 'deploy pipeline', role: 'operator' })
  await make('/v1/access-keys', { name: 'wallboard', role: 'reader' })
  const pluggedNics: string[] = plugged.map(({ id }: { id: string }) => id)
  await tellTraffic(service, pluggedNics)
  return { vpcs, networks, servers, groups, pluggedNics, busyNic }
}

async function lendElasticIps(service: ServiceWithEips, vpcId: string, nicId: string): Promise<void> {
  const lend = async (name: string, to?: object) => {
    const { id } = await service.post('/v1/elastic-ips', { name, bandwidth_mbps: 100 })
    if (to) await service.act('POST', `/v1/elastic-ips/${id}/associate`, to)
  }
  await lend('www', { nic_id: nicId })
  await lend('way out', { vpc_id: vpcId })
  await lend('spare')
  await service.act('POST', `/v1/vpcs/${vpcId}/port-forwardings`, {
    name: 'ssh to web-2',
    protocol: 'tcp',
    port: 2222,
    address: '172.16.1.11',
    target_port: 22,
  })
  const { id: network_id } = await service.get(`/v1/nics/${nicId}`).then((nic) => ({ id: nic.network_id }))
  await service.act('POST', '/v1/reserved-addresses', { network_id, name: 'www, virtual', addresses: ['172.16.1.100'] })
}

const HOURS = 6
const STEP_MS = 300_000

/**
 * Six hours of traffic, told with the words and the token of a worker: nobody waits six hours for a picture. Waves of a
 * different length and height for each NIC, higher towards the end.
 */
async function tellTraffic(service: ServiceWithEips, nicIds: readonly string[]): Promise<void> {
  const hypervisor = (await service.get('/v1/hypervisors')).items[0].id
  const token = (await readFile(hypervisorTokenFileOf(service.dataDir, hypervisor), 'utf8')).trim()
  const now = Math.floor(Date.now() / STEP_MS)
  const steps = (HOURS * 3_600_000) / STEP_MS
  for (let step = 0; step < steps; step++) {
    const samples = nicIds.map((nic_id, index) => {
      const wave = 1 + 0.6 * Math.sin(step / (3 + (index % 5)) + index) + 0.3 * Math.sin(step * 1.7 + index)
      const rate = (40_000 * (1 + (index % 7)) ** 2 * wave * (steps + step)) / steps
      return {
        nic_id,
        in_bytes_per_second: Math.round(rate),
        out_bytes_per_second: Math.round(rate / (2 + (index % 3))),
      }
    })
    const at = new Date((now - steps + step + 1) * STEP_MS).toISOString()
    const told = await service.call(
      'POST',
      `/v1/hypervisors/${hypervisor}/traffic`,
      { at, samples },
      {
        authorization: `Bearer ${token}`,
      },
    )
    if (told.status !== 204) throw new Error(`${told.status} ${JSON.stringify(told.body)}`)
  }
}
