/**
 * What the three generations of hostnic-cni do with a service, from the facts of them: the steps that they have in common,
 * and a service with a router and a vxnet for the nodes of a cluster.
 */
import { expect } from 'vitest'
import { runInNamespace } from '../../src/workers/host/run-command.ts'
import { aGoClient, type GoClient } from './a-go-client.ts'
import { aRunningService, type RunningService } from './a-running-service.ts'
import type { WireAnswer } from './a-wire-client.ts'
import { madeWith } from './made-with.ts'
import { until } from './until.ts'
import { follow } from './wire-shapes.ts'

/** What it follows without looking whether it is there. */
export const NIC_FIELDS = ['nic_id', 'vxnet_id', 'role', 'status', 'nic_name', 'private_ip'].map(
  (name) => `nic_set.${name}`,
)
export const VXNET_FIELDS = [
  ...['vxnet_id', 'vpc_router_id', 'router.dyn_ip_start', 'router.dyn_ip_end', 'router.manager_ip'],
  'router.ip_network',
].map((name) => `vxnet_set.${name}`)
export const JOB_FIELDS = ['job_id', 'job_action', 'status', 'directive'].map((name) => `job_set.${name}`)
const VIP_FIELDS = ['vip_id', 'vip_name', 'vip_addr', 'vxnet_id'].map((name) => `vip_set.${name}`)

export type Cluster = Awaited<ReturnType<typeof aCluster>>

export const aCluster = async () => madeWith(await aRunningService({ PATCHBAY_GUEST: 'namespace' }), clusterOf)

async function clusterOf(service: RunningService) {
  const api: GoClient = await aGoClient(service)
  const made = await api.act('CreateRouters', { router_name: 'vpc', vpc_network: '172.16.0.0/16' })
  const router: string = made.routers[0]

  /** A vxnet that has joined the router. */
  const aVxnet = async (name: string, network: string): Promise<string> => {
    const [id] = (await api.ask('CreateVxnets', { vxnet_name: name, vxnet_type: 1 })).vxnets
    await api.act('JoinRouter', { vxnet: id, router, ip_network: network })
    return id
  }
  const nodes = await aVxnet('nodes', '172.16.1.0/24')
  /** A running instance in the vxnet of the nodes. */
  const aNode = async (): Promise<string> => {
    const { instances } = await api.act('RunInstances', {
      image_id: 'centos7x64d',
      login_mode: 'passwd',
      login_passwd: 'Zhu88jie',
      vxnets: [nodes],
    })
    await api.waitInstanceNetwork(instances[0])
    return instances[0]
  }
  /** What a program in a node prints, whatever its exit code. */
  const inside = async (node: string, program: string, ...args: string[]) =>
    (await runInNamespace(node, program, args, { allowFailure: true })).stdout
  /** The link in the node that has a MAC, if there is one. */
  const linkOf = async (node: string, mac: string): Promise<string | undefined> => {
    const links: { ifname: string; address: string }[] = JSON.parse(await inside(node, 'ip', '-j', 'link'))
    return links.find(({ address }) => address === mac)?.ifname
  }
  /** The agent does not wait for the job: it looks for the link. */
  const linkAppears = async (node: string, mac: string): Promise<string> => {
    await until(`link ${mac}`, async () => (await linkOf(node, mac)) !== undefined)
    return (await linkOf(node, mac)) as string
  }
  const pings = async (from: string, address: string, ...args: string[]) =>
    (
      await runInNamespace(from, 'busybox', ['ping', '-c', '1', '-W', '1', ...args, address], {
        allowFailure: true,
      })
    ).exitCode === 0
  const nicName = (node: string) => `hostnic_${node}`
  /** The NICs that an agent finds again when it starts. */
  const restore = async (node: string): Promise<WireAnswer[]> => {
    const answer = await api.ask('DescribeNics', { nic_name: nicName(node), limit: 63 })
    follow(answer, ...NIC_FIELDS)
    return answer.nic_set.filter(({ role }: WireAnswer) => role === 0)
  }
  /** Detaches and deletes, where a NIC that is gone already is done with. */
  const free = async (mac: string): Promise<void> => {
    const orGone = (error: unknown): undefined => {
      if (!String(error).includes('ResourceNotFound')) throw error
    }
    const detached = await api.ask('DetachNics', { nics: [mac] }).catch(orGone)
    if (detached) {
      follow(detached, 'job_id')
      await api.waitJob(detached.job_id)
    }
    await api.ask('DeleteNics', { nics: [mac] }).catch(orGone)
  }
  /** @returns the MAC of a NIC without address, on its way to the node. */
  const attach = async (node: string, vxnet: string): Promise<string> => {
    const created = await api.ask('CreateNics', { vxnet, nic_name: nicName(node), disable_ip: 1 })
    follow(created, 'nics.nic_id')
    const mac: string = created.nics[0].nic_id
    expect(mac).toMatch(/^52:54(:[0-9a-f]{2}){4}$/)
    const attached = await api.ask('AttachNics', { nics: [mac], instance: node })
    follow(attached, 'job_id')
    return mac
  }
  /** The addresses that are held for a vxnet. */
  const vips = async (vxnet: string): Promise<WireAnswer> => {
    const answer = await api.ask('DescribeVips', { vxnets: [vxnet], vip_name: `hostnic_${vxnet}`, limit: 253 })
    follow(answer, ...VIP_FIELDS)
    return answer
  }
  /** As many addresses as the controller wants of a vxnet: all of the DHCP range but the last twelve. */
  const reserve = async (vxnet: string): Promise<string[]> => {
    expect((await vips(vxnet)).vip_set).toEqual([])
    const { router: range } = (await api.ask('DescribeVxnets', { vxnets: [vxnet] })).vxnet_set[0]
    const octet = (address: string) => Number(address.split('.')[3])
    const [start, end] = [octet(range.dyn_ip_start), octet(range.dyn_ip_end) - 12]
    const at = (last: number) => range.dyn_ip_start.replace(/\d+$/, String(last))
    const allocated = await api.ask('AllocateVips', {
      vxnet_id: vxnet,
      count: end - start + 1,
      vip_name: `hostnic_${vxnet}`,
      vip_range: `${at(start)}-${at(end)}`,
    })
    follow(allocated, 'job_id')
    await until('the first vip', async () => (await vips(vxnet)).vip_set.length > 0)
    // The controller takes what it sees first for all that there are.
    const answer = await vips(vxnet)
    expect(answer.total_count).toBe(end - start + 1)
    const addresses: string[] = answer.vip_set.map(({ vip_addr }: WireAnswer) => vip_addr)
    expect(addresses.sort((a, b) => octet(a) - octet(b))).toEqual(
      Array.from({ length: end - start + 1 }, (_, n) => at(start + n)),
    )
    return addresses
  }
  /** Gives all addresses of a vxnet back. */
  const release = (vxnet: string) =>
    until('the vips to be released', async () => {
      const { vip_set } = await vips(vxnet)
      if (vip_set.length === 0) return true
      const ids: string[] = vip_set.map(({ vip_id }: WireAnswer) => vip_id)
      follow(await api.ask('ReleaseVips', { vips: ids }), 'job_id')
      return false
    })

  return {
    api,
    router,
    aVxnet,
    aNode,
    inside,
    linkOf,
    linkAppears,
    pings,
    nicName,
    restore,
    free,
    attach,
    reserve,
    release,
    dispose: () => service.dispose(),
  }
}
