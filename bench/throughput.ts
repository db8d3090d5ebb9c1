/** TCP from guest to guest, through guard and security groups, and over a bridge with nothing on it. */
import { ipBatch } from '../src/workers/host/ip-command.ts'
import { setSysctls } from '../src/workers/host/netns.ts'
import type { Api } from './lib/api.ts'
import { IPERF_PORT, listen, type TcpPath, tcpGbps } from './lib/iperf.ts'
import { atLeast } from './lib/report.ts'
import type { Measurement, Run } from './lib/run.ts'
import { scratchNetns } from './lib/scratch-netns.ts'
import { startStack } from './lib/stack.ts'
import { median, spread } from './lib/stats.ts'

const GOAL = 0.9
const SECONDS = 3

export const throughput: Measurement = {
  name: 'throughput',
  about: 'TCP from guest to guest, filtered, and over a bare bridge',
  run: measureThroughput,
}

async function measureThroughput({ report, quick }: Run): Promise<void> {
  const stack = await startStack()
  const { path, mtu } = await filteredPath(await stack.api())
  const paths = { filtered: path, bare: await barePath(mtu) }
  await Promise.all(Object.values(paths).map(listen))
  const found = { filtered: [] as number[], bare: [] as number[] }
  for (const warmUp of Object.values(paths)) await tcpGbps(warmUp, 1)
  for (let pair = 0; pair < (quick ? 3 : 9); pair++) {
    // Whoever goes first changes, so that a machine that slows down slows down both.
    const kinds = ['filtered', 'bare'] as const
    for (const kind of pair % 2 === 0 ? kinds : kinds.toReversed()) {
      found[kind].push(await tcpGbps(paths[kind], SECONDS))
    }
  }
  const ratios = spread(found.filtered.map((gbps, index) => gbps / (found.bare[index] ?? Number.NaN)))
  const measurement = 'throughput'
  const about = { filtered: 'guest to guest, filtered', bare: 'bare bridge' }
  for (const kind of ['filtered', 'bare'] as const) {
    const { p50, min, max, count } = spread(found[kind])
    const note = `${min.toFixed(1)} to ${max.toFixed(1)}, ${count} times ${SECONDS} s, MTU ${mtu}`
    report.add({ measurement, name: `${about[kind]}: median`, value: p50, unit: 'Gbit/s', note })
  }
  report.add({
    measurement,
    name: 'filtered / bare: median of the pairs',
    value: ratios.p50,
    unit: 'x',
    goal: atLeast(GOAL),
    note: `${ratios.min.toFixed(2)} to ${ratios.max.toFixed(2)}; of the medians ${(median(found.filtered) / median(found.bare)).toFixed(2)}`,
  })
  report.details[measurement] = found
  await stack.stop()
}

/** Two namespace guests of one network, in a group that lets in what is measured from its own members alone. */
async function filteredPath(api: Api): Promise<{ path: TcpPath; mtu: number }> {
  const { id: groupId } = await api.call<{ id: string }>('POST', '/v1/security-groups', { name: 'bench' })
  const rules = [
    { direction: 'out', protocol: 'all' },
    { protocol: 'tcp', port_first: IPERF_PORT, remote_group_id: groupId },
  ]
  await api.act('PUT', `/v1/security-groups/${groupId}/rules`, { rules })
  const networkId = await api.makeNetwork(1)
  const { mtu } = await api.call<{ mtu: number }>('GET', `/v1/networks/${networkId}`)
  const server = { guest: 'namespace', network_id: networkId, security_group_ids: [groupId] } as const
  const [from, to] = [await api.makeServer(server), await api.makeServer(server)]
  const address = (await api.nicsOf(to))[0]?.address
  if (!address) throw new Error(`server ${to} has no address`)
  return { path: { from, to, address }, mtu }
}

/** The same without any Patchbay: two namespaces, veth pairs, a bridge in a third one, and no filter asked. */
async function barePath(mtu: number): Promise<TcpPath> {
  const [middle, from, to] = [await scratchNetns(), await scratchNetns(), await scratchNetns()]
  await setSysctls(middle, { 'net.bridge.bridge-nf-call-iptables': 0, 'net.bridge.bridge-nf-call-ip6tables': 0 })
  await ipBatch(middle, [['link', 'add', 'name', 'br0', 'mtu', `${mtu}`, 'up', 'type', 'bridge']])
  for (const [index, guest] of [from, to].entries()) {
    const [port, size] = [`port${index}`, ['mtu', `${mtu}`]]
    await ipBatch(middle, [
      ['link', 'add', 'name', port, ...size, 'type', 'veth', 'peer', 'name', 'eth0', ...size, 'netns', guest],
      ['link', 'set', 'dev', port, 'master', 'br0', 'up'],
    ])
    await ipBatch(guest, [
      ['address', 'add', `192.168.0.${index + 1}/24`, 'dev', 'eth0'],
      ['link', 'set', 'dev', 'eth0', 'up'],
    ])
  }
  return { from, to, address: '192.168.0.2' }
}
