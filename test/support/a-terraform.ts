/**
 * What the QingCloud provider of Terraform does with a service, from the facts of that provider: the calls of each
 * resource in their order, what it reads back into its state, and how it polls. Where it would wait 5 s between two
 * looks, this looks again at once; where it would sleep because a resource is younger than 30 s, this fails.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import type { GoClient } from './a-go-client.ts'
import type { WireAnswer, WireParameters } from './a-wire-client.ts'
import { follow } from './wire-shapes.ts'

const KINDS = {
  eip: {
    action: 'DescribeEips',
    list: 'eips',
    pending: ['associating', 'dissociating', 'suspending', 'resuming', 'releasing'],
  },
  router: {
    action: 'DescribeRouters',
    list: 'routers',
    pending: ['creating', 'updating', 'suspending', 'resuming', 'poweroffing', 'poweroning', 'deleting'],
  },
  instance: {
    action: 'DescribeInstances',
    list: 'instances',
    pending: [
      ...['creating', 'updating', 'suspending', 'resuming', 'poweroffing', 'poweroning', 'deleting'],
      ...['stopping', 'starting', 'terminating'],
    ],
  },
} as const
type Kind = keyof typeof KINDS

const POLL_MS = 240_000

export class Terraform {
  readonly #api: GoClient
  constructor(api: GoClient) {
    this.#api = api
  }

  /** @throws unless the zone is there and active. */
  async configure(zone: string): Promise<void> {
    const { zone_set } = await this.#api.ask('DescribeZones')
    const states = zone_set
      .filter(({ zone_id }: WireAnswer) => zone_id === zone)
      .map(({ status }: WireAnswer) => status)
    expect(states).toEqual(['active'])
  }

  /** Polls until nothing is in transition. @returns the item. */
  async poll(kind: Kind, id: string): Promise<WireAnswer> {
    const { action, list, pending } = KINDS[kind]
    for (const end = Date.now() + POLL_MS; Date.now() < end; await sleep(100)) {
      const item = (await this.#api.ask(action, { [list]: [id], verbose: 1 }))[`${kind}_set`][0]
      if (!item) throw new Error(`${kind} ${id}: an empty set while polling`)
      const isCreating = kind === 'instance' && item.vxnets?.length > 0 && item.vxnets[0].private_ip === ''
      const now = isCreating ? 'creating' : item.transition_status
      if (now === '') return item
      if (!pending.includes(now as never)) throw new Error(`${kind} ${id}: unexpected state ${JSON.stringify(now)}`)
    }
    throw new Error(`${kind} ${id}: timed out`)
  }

  /** Polls, and then waits for the lease of a new resource. */
  async settled(kind: Kind, id: string): Promise<WireAnswer> {
    const item = await this.poll(kind, id)
    const age = item.status_time === null ? Number.POSITIVE_INFINITY : Date.now() - Date.parse(item.status_time)
    expect(age, `${kind} ${id} would be slept for`).toBeGreaterThanOrEqual(30_000)
    return item
  }

  /** Calls with what the user has set; what is not set is left out, and what is cleared is a space. */
  call(action: string, parameters: WireParameters): Promise<WireAnswer> {
    return this.#api.ask(action, parameters)
  }

  async tag(resourceType: string, resourceId: string, tagIds: readonly string[], act = 'AttachTags'): Promise<void> {
    const pairs = tagIds.map((tag_id) => ({ tag_id, resource_type: resourceType, resource_id: resourceId }))
    if (pairs.length > 0) await this.call(act, { resource_tag_pairs: pairs })
  }

  // Reads: what the provider puts into its state; `undefined` when it takes the resource for gone.

  async readTag(id: string) {
    const [item] = (await this.call('DescribeTags', { tags: [id] })).tag_set
    return item && { name: item.tag_name, description: item.description, color: item.color }
  }

  async readKeyPair(id: string) {
    const [item] = (await this.call('DescribeKeyPairs', { keypairs: [id] })).keypair_set
    return (
      item && {
        name: item.keypair_name,
        description: item.description,
        public_key: `${item.encrypt_method} ${item.pub_key}`,
        tags: tagsOf(item),
      }
    )
  }

  async readGroup(id: string) {
    const [item] = (await this.call('DescribeSecurityGroups', { security_groups: [id] })).security_group_set
    return item && { name: item.security_group_name, description: item.description, tags: tagsOf(item) }
  }

  async readRule(id: string) {
    const answer = await this.call('DescribeSecurityGroupRules', { security_group_rules: [id] })
    const [item] = answer.security_group_rule_set
    return (
      item && {
        security_group_id: item.security_group_id,
        protocol: item.protocol,
        priority: item.priority,
        action: item.action,
        from_port: item.val1,
        to_port: item.val2,
        cidr_block: item.val3,
        name: item.security_group_rule_name,
      }
    )
  }

  async readEip(id: string) {
    const answer = await this.call('DescribeEips', { eips: [id], verbose: 1 })
    const [item] = answer.eip_set
    follow(answer, 'eip_set.resource')
    if (!item || item.status === 'ceased') return undefined
    return {
      name: item.eip_name,
      billing_mode: item.billing_mode,
      bandwidth: item.bandwidth,
      need_icp: item.need_icp,
      description: item.description,
      addr: item.eip_addr,
      resource: item.resource,
      tags: tagsOf(item),
    }
  }

  async readVpc(id: string) {
    const answer = await this.call('DescribeRouters', { routers: [id], verbose: 1 })
    const [item] = answer.router_set
    follow(answer, 'router_set.eip')
    if (!item || ['deleted', 'ceased'].includes(item.status)) return undefined
    return {
      name: item.router_name,
      type: item.router_type,
      security_group_id: item.security_group_id,
      description: item.description,
      eip_id: item.eip.eip_id ?? '',
      public_ip: item.eip.eip_addr ?? '',
      tags: tagsOf(item),
    }
  }

  async readVxnet(id: string) {
    const answer = await this.call('DescribeVxnets', { vxnets: [id], verbose: 1 })
    const [item] = answer.vxnet_set
    follow(answer, 'vxnet_set.vpc_router_id')
    return (
      item && {
        name: item.vxnet_name,
        type: item.vxnet_type,
        description: item.description,
        ip_network: item.router?.ip_network ?? '',
        vpc_id: item.vpc_router_id,
        tags: tagsOf(item),
      }
    )
  }

  async readStatic(router: string, id: string) {
    const answer = await this.call('DescribeRouterStatics', { router, router_statics: [id] })
    const [item] = answer.router_static_set
    return (
      item && {
        name: item.router_static_name,
        type: item.static_type,
        vals: [item.val1, item.val2, item.val3, item.val4, item.val5],
      }
    )
  }

  async readInstance(id: string) {
    const answer = await this.call('DescribeInstances', { instances: [id], verbose: 1 })
    const [item] = answer.instance_set
    follow(answer, 'instance_set.image', 'instance_set.extra', 'instance_set.vxnets')
    if (!item || ['terminated', 'ceased'].includes(item.status)) return undefined
    follow(answer, ...['nic_id', 'vxnet_id', 'vxnet_name', 'private_ip', 'role'].map((f) => `instance_set.vxnets.${f}`))
    const [managed] = item.vxnets.filter(({ vxnet_type }: WireAnswer) => vxnet_type !== 0)
    return {
      name: item.instance_name,
      description: item.description,
      image_id: item.image.image_id,
      cpu: item.vcpus_current,
      memory: item.memory_current,
      instance_class: item.instance_class,
      os_disk_size: item.extra.os_disk_size,
      managed_vxnet_id: managed && (managed.vxnet_type === 1 ? managed.vxnet_id : 'vxnet-0'),
      private_ip: managed?.private_ip,
      eip_id: item.eip?.eip_id,
      security_group_id: item.security_group?.security_group_id,
      keypair_ids: item.keypair_ids,
      tags: tagsOf(item),
    }
  }

  // What several resources do in the same way.

  /** After a change of rules: applies them and waits until they are. */
  async applyRules(group: string): Promise<void> {
    const { job_id } = await this.call('ApplySecurityGroup', { security_group: group })
    await this.#api.waitJob(job_id)
    for (const end = Date.now() + POLL_MS; Date.now() < end; await sleep(100)) {
      const answer = await this.call('DescribeSecurityGroups', { security_groups: [group] })
      if (answer.security_group_set[0].is_applied === 1) return
    }
    throw new Error(`security group ${group} is never applied`)
  }

  async joinVpc(vxnet: string, router: string, ipNetwork: string): Promise<void> {
    await this.poll('router', router)
    const answer = await this.call('JoinRouter', { vxnet, router, ip_network: ipNetwork, features: 1 })
    follow(answer, 'job_id')
    await this.poll('router', router)
  }

  async leaveVpc(vxnet: string, router: string): Promise<void> {
    await this.poll('router', router)
    await this.call('LeaveRouter', { vxnets: [vxnet], router })
    for (const end = Date.now() + POLL_MS; ; await sleep(100)) {
      const [item] = (await this.call('DescribeVxnets', { vxnets: [vxnet], verbose: 1 })).vxnet_set
      if (!item || item.vpc_router_id === '') break
      if (Date.now() > end) throw new Error(`vxnet ${vxnet} never leaves`)
    }
    await this.poll('router', router)
  }
}

const tagsOf = (item: WireAnswer): string[] => (item.tags ?? []).map(({ tag_id }: WireAnswer) => tag_id).sort()
