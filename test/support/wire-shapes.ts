/**
 * What the Go client of the QingCloud wire decodes answers into, field by field, and how strictly: a wrong JSON type is
 * an error of the whole answer, fields that it does not know are skipped, and null or nothing leaves a nil. Which nils
 * callers follow all the same is what `follow` checks.
 */
import { expect } from 'vitest'
import type { WireAnswer } from './a-wire-client.ts'

export type Shape = 'string' | 'int' | 'time' | 'any' | { readonly [field: string]: Shape } | readonly [Shape]

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/

/** @returns what does not decode, in words; an empty list when all does. */
export function faultsOf(value: unknown, shape: Shape, at: string): string[] {
  if (value === null || value === undefined || shape === 'any') return []
  const wrong = (wanted: string) => [`${at} must be ${wanted}, not ${JSON.stringify(value)}`]
  if (shape === 'string') return typeof value === 'string' ? [] : wrong('a string')
  if (shape === 'int') return Number.isSafeInteger(value) ? [] : wrong('an integer')
  if (shape === 'time') return typeof value === 'string' && TIME.test(value) ? [] : wrong('a time with its zone')
  if (Array.isArray(shape)) {
    if (!Array.isArray(value)) return wrong('an array')
    return value.flatMap((item, n) => faultsOf(item, shape[0] as Shape, `${at}[${n}]`))
  }
  if (typeof value !== 'object' || Array.isArray(value)) return wrong('an object')
  return Object.entries(shape as Record<string, Shape>).flatMap(([field, inner]) =>
    faultsOf((value as Record<string, unknown>)[field], inner, `${at}.${field}`),
  )
}

/** Reads a path such as `router_set.eip` in every item of the arrays on its way; none may be null or missing. */
export function follow(answer: WireAnswer, ...paths: string[]): void {
  for (const path of paths) {
    let values: unknown[] = [answer]
    for (const field of path.split('.')) {
      values = values.map((value) => (value as Record<string, unknown>)[field])
      for (const value of values) expect(value ?? null, `${path} in ${JSON.stringify(answer)}`).not.toBeNull()
      values = values.flat()
    }
  }
}

const strings = (...names: string[]): Record<string, Shape> => Object.fromEntries(names.map((name) => [name, 'string']))
const ints = (...names: string[]): Record<string, Shape> => Object.fromEntries(names.map((name) => [name, 'int']))
const times: Record<string, Shape> = { create_time: 'time', status_time: 'time' }

const TAGS: Shape = [strings('tag_id', 'tag_name', 'tag_key', 'description', 'color', 'owner')]
const ENVELOPE: Record<string, Shape> = {
  ...strings('action', 'message', 'job_id'),
  ...ints('ret_code', 'total_count'),
}

const NIC: Shape = {
  ...strings('nic_id', 'nic_name', 'instance_id', 'vxnet_id', 'private_ip', 'status', 'security_group', 'owner'),
  ...strings('root_user_id'),
  ...ints('role', 'sequence'),
  ...times,
  eip: { ...strings('eip_id', 'eip_addr'), ...ints('bandwidth') },
  tags: TAGS,
}
const VXNET: Shape = {
  ...strings('vxnet_id', 'vxnet_name', 'description', 'owner', 'zone_id', 'vpc_router_id', 'tunnel_type'),
  ...ints('vxnet_type', 'available_ip_count'),
  create_time: 'time',
  instance_ids: ['string'],
  tags: TAGS,
  router: {
    ...strings('router_id', 'router_name', 'manager_ip', 'ip_network', 'dyn_ip_start', 'dyn_ip_end'),
    ...ints('mode'),
  },
}
const ROUTER: Shape = {
  ...strings('router_id', 'router_name', 'description', 'private_ip', 'vpc_network', 'vpc_id', 'base_vxnet'),
  ...strings('instance_id', 'status', 'transition_status', 'security_group_id', 'owner', 'root_user_id', 'console_id'),
  ...strings('controller', 'hypervisor', 'place_group_id', 'alarm_status'),
  ...ints('router_type', 'mode', 'features', 'is_applied', 'is_default', 'sub_code', 'memory', 'cpu'),
  ...times,
  security_groups: [strings('group_id', 'group_name')],
  eip: strings('eip_id', 'eip_name', 'eip_addr'),
  vxnets: [strings('vxnet_id', 'nic_id')],
  tags: TAGS,
}
const INSTANCE_VXNET: Shape = {
  ...strings('vxnet_id', 'vxnet_name', 'nic_id', 'private_ip', 'ipv6_address'),
  ...ints('vxnet_type', 'role'),
}
const INSTANCE: Shape = {
  ...strings('instance_id', 'instance_name', 'description', 'instance_type', 'status', 'transition_status', 'zone_id'),
  ...strings('device', 'repl', 'cpu_topology', 'alarm_status', 'graphics_protocol', 'graphics_passwd', 'owner'),
  ...ints('instance_class', 'vcpus_current', 'memory_current', 'sub_code'),
  ...times,
  image: {
    ...strings('image_id', 'image_name', 'os_family', 'platform', 'processor_type', 'provider'),
    ...ints('image_size'),
  },
  extra: { ...strings('hypervisor'), ...ints('os_disk_size', 'nic_mqueue') },
  vxnets: [INSTANCE_VXNET],
  eip: { ...strings('eip_id', 'eip_addr'), ...ints('bandwidth') },
  security_group: { ...strings('security_group_id', 'security_group_name'), ...ints('is_default') },
  tags: TAGS,
  volumes: [strings('volume_id')],
  volume_ids: ['string'],
  keypair_ids: ['string'],
}
const EIP: Shape = {
  ...strings('eip_id', 'eip_name', 'eip_addr', 'description', 'billing_mode', 'icp_codes', 'status'),
  ...strings('transition_status', 'alarm_status', 'owner'),
  ...ints('bandwidth', 'associate_mode', 'need_icp', 'sub_code'),
  ...times,
  tags: TAGS,
  resource: strings('resource_id', 'resource_name', 'resource_type'),
  eip_group: strings('eip_group_id', 'eip_group_name'),
}
const RULE: Shape = {
  ...strings('security_group_id', 'security_group_rule_id', 'security_group_rule_name', 'protocol', 'action'),
  ...strings('val1', 'val2', 'val3'),
  ...ints('priority', 'direction'),
}
const STATIC: Shape = {
  ...strings('router_static_id', 'router_static_name', 'router_id', 'vxnet_id'),
  ...strings('val1', 'val2', 'val3', 'val4', 'val5', 'val6', 'val7', 'val8', 'val9'),
  ...ints('static_type'),
  create_time: 'time',
  entry_set: [strings('router_static_entry_id', 'val1', 'val2')],
}

/** What stands beside the envelope in the answers of an action. */
const ANSWERS: Readonly<Record<string, Record<string, Shape>>> = {
  DescribeZones: { zone_set: [strings('zone_id', 'status', 'region_id')] },
  DescribeAccessKeys: {
    access_key_set: [
      strings('access_key_id', 'access_key_name', 'description', 'owner', 'status', 'root_user_id', 'create_time'),
    ],
  },
  DescribeNics: { nic_set: [NIC] },
  CreateNics: { nics: [strings('nic_id', 'private_ip')] },
  DescribeVxnets: { vxnet_set: [VXNET] },
  CreateVxnets: { vxnets: ['string'] },
  DeleteVxnets: { vxnets: ['string'] },
  DescribeVxnetInstances: {
    instance_set: [
      {
        ...strings('vxnet_id', 'instance_id', 'instance_name', 'description', 'instance_type', 'status', 'image_id'),
        ...strings('transition_status', 'private_ip', 'nic_id'),
        ...ints('vcpus_current', 'memory_current', 'sequence', 'sub_code'),
        ...times,
        dhcp_options: strings('val2', 'router_static_id'),
      },
    ],
  },
  CreateRouters: { routers: ['string'] },
  DeleteRouters: { routers: ['string'] },
  DescribeRouters: { router_set: [ROUTER] },
  JoinRouter: strings('router_id', 'vxnet_id'),
  LeaveRouter: { router_id: 'string', vxnets: ['string'] },
  DescribeRouterVxnets: {
    router_vxnet_set: [
      {
        ...strings('router_id', 'vxnet_id', 'vxnet_name', 'manager_ip', 'ip_network', 'dyn_ip_start', 'dyn_ip_end'),
        ...ints('features'),
        create_time: 'time',
      },
    ],
  },
  AddRouterStatics: { router_statics: ['string'] },
  DescribeRouterStatics: { router_static_set: [STATIC] },
  ModifyRouterStaticAttributes: strings('router_static_id'),
  DeleteRouterStatics: { router_statics: ['string'] },
  RunInstances: { instances: ['string'] },
  DescribeInstances: { instance_set: [INSTANCE] },
  DescribeJobs: {
    job_set: [
      {
        ...strings('job_id', 'job_action', 'status', 'owner', 'resource_ids', 'error_codes', 'directive'),
        ...times,
      },
    ],
  },
  AllocateEips: { eips: ['string'] },
  DescribeEips: { eip_set: [EIP] },
  CreateSecurityGroup: strings('security_group_id'),
  DescribeSecurityGroups: {
    security_group_set: [
      {
        ...strings('security_group_id', 'security_group_name', 'description'),
        ...ints('is_applied', 'is_default'),
        resources: [strings('resource_id', 'resource_name', 'resource_type')],
        tags: TAGS,
        create_time: 'time',
      },
    ],
  },
  DeleteSecurityGroups: { security_groups: ['string'] },
  AddSecurityGroupRules: { security_group_rules: ['string'] },
  DescribeSecurityGroupRules: { security_group_rule_set: [RULE] },
  DeleteSecurityGroupRules: { security_group_rules: ['string'] },
  CreateTag: strings('tag_id'),
  DescribeTags: {
    tag_set: [
      {
        ...strings('tag_id', 'tag_name', 'tag_key', 'description', 'color', 'owner'),
        ...ints('resource_count'),
        create_time: 'time',
        resource_type_count: [{ ...ints('count'), ...strings('resource_type') }],
        resource_tag_pairs: [strings('tag_id', 'resource_type', 'resource_id')],
      },
    ],
  },
  DeleteTags: { tags: ['string'] },
  CreateKeyPair: strings('keypair_id', 'private_key'),
  DescribeKeyPairs: {
    keypair_set: [
      {
        ...strings('keypair_id', 'keypair_name', 'description', 'encrypt_method', 'pub_key', 'owner'),
        instance_ids: ['string'],
        tags: TAGS,
        create_time: 'time',
      },
    ],
  },
  DeleteKeyPairs: { keypairs: ['string'] },
  AllocateVips: { vips: ['string'] },
  DescribeVips: {
    vip_set: [
      {
        ...strings('vip_id', 'vip_name', 'vip_addr', 'vxnet_id', 'nic_id', 'instance_id', 'instance_name'),
        ...strings('create_time', 'description', 'owner', 'root_user_id', 'console_id', 'controller'),
      },
    ],
  },
  GetMonitor: {
    resource_id: 'string',
    meter_set: [{ ...strings('meter_id', 'vxnet_id'), ...ints('sequence'), data: ['any'] }],
  },
  GetQuotaLeft: { quota_left_set: [{ ...strings('resource_type'), ...ints('left') }] },
}

/** Decodes an answer as the Go client does. @throws when it would. */
export function decoded(action: string, answer: WireAnswer): WireAnswer {
  expect(faultsOf(answer, { ...ENVELOPE, ...ANSWERS[action] }, action)).toEqual([])
  if (answer.ret_code === 0) {
    for (const field of Object.keys(ANSWERS[action] ?? {}).filter((name) => name.endsWith('_set'))) {
      expect(Array.isArray(answer[field]), `${action}.${field}`).toBe(true)
      if (action.startsWith('Describe')) expect(answer.total_count).toEqual(expect.any(Number))
    }
  }
  return answer
}
