import type { Network } from '../api/client.ts'
import { type Text, texts } from './text.ts'

/** What a network is: its mode, or that nobody gives out its addresses. */
export type NetworkKind = Network['mode'] | 'unmanaged'

export const networkKinds = texts({
  routed: { en: 'routed', zh: '路由' },
  isolated: { en: 'isolated', zh: '隔离' },
  bridged: { en: 'bridged', zh: '桥接' },
  unmanaged: { en: 'unmanaged', zh: '自管' },
} satisfies Record<NetworkKind, Text>)

export const networkKindHints = texts({
  routed: {
    en: 'Has a gateway, and reaches the other networks of its VPC and the outside',
    zh: '有网关，可与 VPC 网络内其他私有网络及外部互通',
  },
  isolated: { en: 'Has addresses and no gateway: only its own NICs meet', zh: '有地址、无网关，仅网络内的网卡互通' },
  bridged: {
    en: 'Is one with a physical segment of the hypervisors',
    zh: '与宿主机所接的物理网段二层打通',
  },
  unmanaged: { en: 'Only carries frames: no addresses, no DHCP', zh: '仅二层互通，不分配地址，无 DHCP' },
} satisfies Record<NetworkKind, Text>)

export const networks = texts({
  create: { en: 'Create network', zh: '创建私有网络' },
  mode: { en: 'Mode', zh: '模式' },
  range: { en: 'Range', zh: '网段' },
  gateway: { en: 'Gateway', zh: '网关' },
  free: { en: 'Free addresses', zh: '可用地址' },
  freeOfLong: { en: '{free} of {total} addresses are free', zh: '共 {total} 个地址，可用 {free} 个' },
  searchFor: { en: 'Name, ID or range', zh: '名称、ID 或网段' },
  none: {
    en: 'A private network gives NICs their addresses. It lies in a VPC, which is made along with it.',
    zh: '网卡从私有网络获得地址。私有网络位于 VPC 网络中，可一并创建。',
  },
  noneFound: { en: 'No network matches', zh: '没有符合条件的私有网络' },
  clearFilters: { en: 'Clear filters', zh: '清除筛选' },

  newVpc: { en: 'New VPC', zh: '新建 VPC 网络' },
  newVpcHint: { en: 'Made along with the network', zh: '与私有网络一并创建' },
  noVpc: { en: 'None for now', zh: '暂不加入' },
  noVpcHint: { en: 'It has no addresses until it joins one', zh: '加入 VPC 网络后才有地址' },
  vpcName: { en: 'Name of the VPC', zh: 'VPC 网络名称' },
  vpcRange: { en: 'Range of the VPC', zh: 'VPC 网络网段' },
  vpcRangeHint: {
    en: 'A /16 of 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16',
    zh: '10.0.0.0/8、172.16.0.0/12 或 192.168.0.0/16 中的一个 /16 网段',
  },
  rangeHint: { en: 'A /24 of {vpc}; .1 is the gateway', zh: '{vpc} 中的一个 /24 网段，.1 为网关' },
  rangeOwnHint: { en: 'A /24 of private addresses', zh: '一个 /24 私有网段' },
  rangeBridgedHint: { en: 'The /24 of the segment', zh: '物理网段的 /24 网段' },
  mustBeSlash24: { en: 'A /24, such as {example}', zh: '请输入 /24 网段，例如 {example}' },
  mustBeSlash16: {
    en: 'A /16 of 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16',
    zh: '请输入 10.0.0.0/8、172.16.0.0/12 或 192.168.0.0/16 中的 /16 网段',
  },
  startsAt: { en: 'This range starts at {start}', zh: '该网段的起始地址为 {start}' },
  outsideVpc: { en: 'Outside the VPC: it has {vpc}', zh: '不在 VPC 网络 {vpc} 范围内' },
  notPrivate: {
    en: 'Must be of 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16',
    zh: '须在 10.0.0.0/8、172.16.0.0/12 或 192.168.0.0/16 范围内',
  },
  mustBeIpv6: { en: 'A /64, such as fd00:0:0:1::/64', zh: '请输入 /64 前缀，例如 fd00:0:0:1::/64' },
  ipv6Range: { en: 'IPv6 range', zh: 'IPv6 网段' },
  ipv6Hint: { en: 'A /64. Guests take their addresses by themselves', zh: '/64 前缀，云服务器自动获得地址' },
  interface: { en: 'Interface', zh: '网络接口' },
  interfaceHint: { en: 'Of the hypervisors, to the segment', zh: '宿主机上接入该网段的接口' },
  interfaceUnmanagedHint: { en: 'To bridge it to a segment of the hypervisors', zh: '选择后与宿主机的物理网段桥接' },
  noInterfaces: { en: 'No hypervisor offers an interface', zh: '没有宿主机提供可用的网络接口' },
  gatewayHint: { en: 'A machine of the segment that guests are told', zh: '网段中作为网关的设备地址' },
  rangeFirst: { en: 'First address to give out', zh: '起始分配地址' },
  rangeLast: { en: 'Last address to give out', zh: '结束分配地址' },
  mtu: { en: 'MTU', zh: 'MTU' },
  bytes: { en: 'bytes', zh: '字节' },
  madeNotDhcp: {
    en: 'The network is made. Its DHCP settings were refused.',
    zh: '私有网络已创建，但 DHCP 设置未生效。',
  },

  dhcp: { en: 'DHCP', zh: 'DHCP' },
  dhcpSettings: { en: 'DHCP settings', zh: 'DHCP 设置' },
  lease: { en: 'Lease, seconds', zh: '租期（秒）' },
  leaseTime: { en: 'Lease', zh: '租期' },
  leaseOf: { en: '{count} s', zh: '{count} 秒' },
  dns: { en: 'DNS servers', zh: 'DNS 服务器' },
  dnsHint: {
    en: 'Up to three, separated by commas. Empty: those of the VPC',
    zh: '最多 3 个，以逗号分隔；留空则使用 VPC 网络自带的 DNS',
  },
  dnsOwn: { en: 'of the VPC', zh: 'VPC 网络自带' },
  mustBeDns: { en: 'Up to three IPv4 addresses, separated by commas', zh: '请输入最多 3 个 IPv4 地址，以逗号分隔' },
  domain: { en: 'Domain', zh: '域名' },
  mustBeDomain: { en: 'A domain in lower case, such as prod.example.org', zh: '请输入小写域名，例如 prod.example.org' },

  facts: { en: 'Facts', zh: '基本信息' },
  vni: { en: 'VNI', zh: 'VNI' },
  addressing: { en: 'Addressing', zh: '地址与 DHCP' },
  addressRange: { en: 'Gives out', zh: '分配范围' },
  notJoined: { en: 'in no VPC', zh: '未加入 VPC 网络' },
  join: { en: 'Join a VPC', zh: '加入 VPC 网络' },
  joinThis: { en: 'Join “{name}” to a VPC', zh: '将“{name}”加入 VPC 网络' },
  joinIt: { en: 'Join', zh: '加入' },
  leave: { en: 'Leave the VPC', zh: '离开 VPC 网络' },
  leaveThis: { en: 'Take “{name}” out of its VPC?', zh: '将“{name}”移出 VPC 网络？' },
  leaveIt: { en: 'Leave', zh: '离开' },
  leaveLoses: {
    en: 'It loses its range {cidr} and its gateway {gateway}. It stays, and can join a VPC again.',
    zh: '网段 {cidr} 与网关 {gateway} 将被释放。私有网络会保留，可再次加入 VPC 网络。',
  },
  noVpcToJoin: { en: 'There is no VPC yet', zh: '还没有 VPC 网络' },
  onlyRouted: { en: 'Only a routed network lies in a VPC', zh: '只有路由模式的私有网络可加入 VPC 网络' },
  inVpcAlready: { en: 'It is in a VPC already', zh: '已加入 VPC 网络' },
  inNoVpc: { en: 'It is in no VPC', zh: '未加入 VPC 网络' },
  hasNics: {
    en: { one: 'It still has {count} NIC', other: 'It still has {count} NICs' },
    zh: '仍有 {count} 块网卡',
  },
  hasReserved: {
    en: { one: 'It still has {count} reserved address', other: 'It still has {count} reserved addresses' },
    zh: '仍有 {count} 个预留地址',
  },
  setIpv6: { en: 'Set IPv6', zh: '设置 IPv6' },
  ipv6Empty: { en: 'Empty: no IPv6', zh: '留空则不启用 IPv6' },
  ipv6Change: {
    en: 'The IPv6 addresses of its NICs follow.',
    zh: '网卡的 IPv6 地址会随之变化。',
  },
  editThis: { en: 'Edit “{name}”', zh: '编辑“{name}”' },
  deleteThis: { en: 'Delete the network “{name}”?', zh: '删除私有网络“{name}”？' },
  deleteLoses: {
    en: 'Its range {cidr} becomes free in the VPC “{vpc}”. This cannot be undone.',
    zh: '网段 {cidr} 将在 VPC 网络“{vpc}”中释放。此操作不可撤销。',
  },
  deleteLosesOnly: { en: 'It has no NICs. This cannot be undone.', zh: '该网络中没有网卡。此操作不可撤销。' },

  addresses: { en: 'Addresses', zh: '地址' },
  chooseToReserve: {
    en: 'Choose free addresses to reserve them: no NIC is given one then.',
    zh: '点选空闲地址即可预留，预留后不会分配给网卡。',
  },
  reserveChosen: {
    en: { one: 'Reserve {count} address', other: 'Reserve {count} addresses' },
    zh: '预留 {count} 个地址',
  },
  reserve: { en: 'Reserve addresses', zh: '预留地址' },
  chooseFirst: { en: 'Choose free addresses in the grid first', zh: '请先在下方点选空闲地址' },
  noAddresses: {
    en: 'It has no addresses: it is in no VPC yet.',
    zh: '尚未加入 VPC 网络，没有地址。',
  },
  noAddressesUnmanaged: {
    en: 'Nobody gives out addresses in an unmanaged network.',
    zh: '自管网络不分配地址。',
  },
  nicsOf: { en: 'NICs of the network', zh: '网络中的网卡' },
  createNics: { en: 'Create NICs', zh: '申请网卡' },
  noNics: { en: 'No NICs in this network yet', zh: '该私有网络中还没有网卡' },
})
