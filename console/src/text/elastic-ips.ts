import type { ElasticIp } from '../api/client.ts'
import { type Text, texts } from './text.ts'

export const elasticIpStates = texts({
  available: { en: 'free', zh: '未绑定' },
  associated: { en: 'associated', zh: '已绑定' },
} satisfies Record<ElasticIp['state'], Text>)

/** Elastic IPs and their pools. */
export const elasticIps = texts({
  searchFor: { en: 'Address, name or ID', zh: '地址、名称或 ID' },
  allocate: { en: 'Allocate elastic IP', zh: '申请公网 IP' },
  allocateIt: { en: 'Allocate', zh: '申请' },
  whatItIs: {
    en: 'An elastic IP is a public address that a NIC or a whole VPC is reached by, and that stays yours when it moves to another.',
    zh: '公网 IP 可绑定到网卡或整个 VPC 网络，供外部访问；换绑后地址保持不变。',
  },
  pool: { en: 'Pool', zh: '地址池' },
  pools: { en: 'Pools', zh: '地址池' },
  associatedWith: { en: 'Associated with', zh: '绑定到' },
  bandwidth: { en: 'Bandwidth', zh: '带宽' },
  mbps: { en: '{count} Mbit/s', zh: '{count} Mbps' },
  unlimited: { en: 'not limited', zh: '不限' },

  address: { en: 'Address', zh: '指定地址' },
  addressHint: { en: 'Empty: the lowest free one', zh: '留空则自动分配最小的可用地址' },
  count: { en: 'Count', zh: '数量' },
  bandwidthMbps: { en: 'Bandwidth in Mbit/s', zh: '带宽（Mbps）' },
  bandwidthHint: { en: 'In each direction. Empty: not limited', zh: '出、入方向各自限速，留空表示不限' },
  poolHint: { en: '{free} of {total} free', zh: '可用 {free} / {total}' },
  poolIsFull: { en: 'All of its addresses are in use', zh: '地址已用完' },

  associate: { en: 'Associate', zh: '绑定' },
  associateTitle: { en: 'Associate {address}', zh: '绑定公网 IP {address}' },
  takenFrom: {
    en: 'It is taken from {holder}, whose connections by this address end.',
    zh: '将先从{holder}解绑，通过该地址的现有连接会中断。',
  },
  with: { en: 'With', zh: '绑定对象' },
  aNic: { en: 'A NIC', zh: '网卡' },
  aNicHint: { en: 'It alone is reached by this address', zh: '仅该网卡使用此地址' },
  aVpc: { en: 'A VPC', zh: 'VPC 网络' },
  aVpcHint: {
    en: 'For source NAT and port forwardings of the whole VPC',
    zh: '用于整个 VPC 网络的源地址转换和端口转发',
  },
  networkHint: { en: 'Routed networks of a VPC', zh: '已加入 VPC 网络的私有网络' },
  notRouted: { en: 'Not in a VPC: it has no way out', zh: '未加入 VPC 网络，无法访问外部' },
  noAddress: { en: 'Has no address', zh: '没有地址' },
  hasOne: { en: 'Has {address} already', zh: '已绑定 {address}' },
  hasThisOne: { en: 'Has this address', zh: '已绑定此地址' },
  overlaps: { en: 'Its range overlaps the segment of the pool, {cidr}', zh: '其网段与地址池网段 {cidr} 重叠' },
  routingOff: { en: 'The router is off', zh: '路由器已关闭' },
  sourceNatOn: { en: 'Source NAT is on', zh: '源地址转换已开启' },
  sourceNatOff: { en: 'Source NAT is off', zh: '源地址转换已关闭' },
  onServer: { en: 'on {server}', zh: '在{server}上' },
  onNoServer: { en: 'on no server yet', zh: '尚未分配到云服务器' },
  noneToChoose: {
    en: 'There is no NIC in a network of a VPC yet.',
    zh: '还没有可绑定的网卡：需要已加入 VPC 网络的私有网络。',
  },

  disassociate: { en: 'Disassociate', zh: '解绑' },
  disassociateTitle: { en: 'Disassociate {address}?', zh: '解绑公网 IP {address}？' },
  disassociateLoses: {
    en: '{holder} is no longer reached by this address, and connections by it end. The address stays yours.',
    zh: '{holder}将无法再通过该地址访问，现有连接会中断。该地址仍为您保留。',
  },
  nicNamed: { en: 'NIC {name}', zh: '网卡 {name} ' },
  vpcNamed: { en: 'VPC {name}', zh: 'VPC 网络 {name} ' },
  notAssociated: { en: 'It is not associated', zh: '尚未绑定' },

  setBandwidth: { en: 'Change bandwidth', zh: '调整带宽' },
  setBandwidthTitle: { en: 'Bandwidth of {address}', zh: '调整 {address} 的带宽' },
  editTitle: { en: 'Edit {address}', zh: '编辑公网 IP {address}' },
  release: { en: 'Release', zh: '释放' },
  releaseTitle: { en: 'Release {address}?', zh: '释放公网 IP {address}？' },
  releaseLoses: {
    en: 'The address goes back to pool {pool}. Another may get it, and you may not get it again: change DNS records and rules that name it first.',
    zh: '地址将归还地址池 {pool}，可能被他人申请，且无法保证再次获得。请先修改引用该地址的 DNS 记录和规则。',
  },
  disassociateFirst: { en: 'Disassociate it first', zh: '请先解绑' },
  showDetails: { en: 'Show details', zh: '查看详情' },
  detailsOf: { en: 'Elastic IP {address}', zh: '公网 IP {address}' },
  heldBy: { en: 'Held by hypervisor', zh: '所在宿主机' },
  segment: { en: 'Segment', zh: '网段' },

  createPool: { en: 'Create pool', zh: '创建地址池' },
  editPool: { en: 'Edit pool', zh: '编辑地址池' },
  whatAPoolIs: {
    en: 'A pool holds public addresses of one segment that the hypervisors reach by an interface of theirs. Elastic IPs are taken from it.',
    zh: '地址池包含某个网段的公网地址，宿主机通过自己的网络接口接入该网段。公网 IP 从地址池中申请。',
  },
  poolNeedsAdmin: {
    en: 'There is no pool yet. An administrator makes one.',
    zh: '还没有地址池，请联系管理员创建。',
  },
  poolFirst: { en: 'There is no pool yet: make one first', zh: '还没有地址池，请先创建' },
  noInterfaces: {
    en: 'No hypervisor offers an interface. Start its worker with PATCHBAY_INTERFACES set to the interfaces that lead to public segments, such as eth1.',
    zh: '没有宿主机提供网络接口。请在启动 worker 时用 PATCHBAY_INTERFACES 指定接入公网网段的接口，例如 eth1。',
  },
  cidr: { en: 'Range of the segment', zh: '网段' },
  cidrHint: { en: 'A /16 to /30', zh: '/16 到 /30' },
  cidrMustBe: {
    en: 'A range without host bits from /16 to /30, such as 203.0.113.0/24',
    zh: '请输入 /16 到 /30 的网段，主机位须为 0，例如 203.0.113.0/24',
  },
  gateway: { en: 'Gateway', zh: '网关' },
  gatewayHint: { en: 'The router of the segment', zh: '该网段的路由器' },
  outsideSegment: { en: 'Not a host address of {cidr}', zh: '不是 {cidr} 中的主机地址' },
  first: { en: 'First address', zh: '起始地址' },
  last: { en: 'Last address', zh: '结束地址' },
  lastBeforeFirst: { en: 'Comes before the first address', zh: '不能小于起始地址' },
  holdsGateway: { en: 'The gateway lies between first and last', zh: '网关不能在起始与结束地址之间' },
  interface: { en: 'Interface', zh: '网络接口' },
  interfaceHint: { en: 'Of the hypervisors, to the segment', zh: '宿主机上接入该网段的接口' },
  interfaceOf: {
    en: { one: 'on {count} hypervisor', other: 'on {count} hypervisors' },
    zh: '{count} 台宿主机具有',
  },
  addresses: { en: 'Addresses', zh: '地址范围' },
  use: { en: 'Free', zh: '可用' },
  poolSize: {
    en: { one: '{count} address to give out', other: '{count} addresses to give out' },
    zh: '共 {count} 个可分配地址',
  },
  deletePool: { en: 'Delete pool “{name}”?', zh: '删除地址池“{name}”？' },
  deletePoolLoses: {
    en: 'The addresses {first} to {last} can no longer be allocated.',
    zh: '地址 {first} 至 {last} 将不能再申请。',
  },
  poolInUse: {
    en: { one: '{count} elastic IP of it is in use', other: '{count} elastic IPs of it are in use' },
    zh: '其中 {count} 个公网 IP 正在使用',
  },
})

/** Port forwardings of a VPC. */
export const portForwardings = texts({
  title: { en: 'Port forwardings', zh: '端口转发' },
  whatItIs: {
    en: 'Brings what comes to a port of the VPC’s elastic IP to an address inside.',
    zh: '将 VPC 网络公网 IP 的端口转发到网络内的地址。',
  },
  noElasticIp: {
    en: 'The VPC has no elastic IP: forwardings have effect when it gets one.',
    zh: 'VPC 网络尚未绑定公网 IP，绑定后端口转发才会生效。',
  },
  toElasticIps: { en: 'To the elastic IPs', zh: '前往公网 IP' },
  add: { en: 'Add port forwarding', zh: '添加端口转发' },
  edit: { en: 'Edit port forwarding', zh: '编辑端口转发' },
  delete: { en: 'Delete this port forwarding?', zh: '删除此端口转发？' },
  enable: { en: 'Enable', zh: '启用' },
  disable: { en: 'Disable', zh: '停用' },
  enabled: { en: 'on', zh: '已启用' },
  disabled: { en: 'off', zh: '已停用' },
  hasNoEffect: { en: 'no effect yet', zh: '未生效' },
  protocol: { en: 'Protocol', zh: '协议' },
  port: { en: 'Public port', zh: '公网端口' },
  target: { en: 'To', zh: '转发到' },
  targetAddress: { en: 'Address in the VPC', zh: '内网地址' },
  targetPort: { en: 'Port there', zh: '内网端口' },
  targetPortHint: { en: 'Empty: the same port', zh: '留空则与公网端口相同' },
  isOn: { en: 'In force at once', zh: '立即启用' },
  outside: { en: 'Outside the VPC, which has {cidr}', zh: '不在 VPC 网络 {cidr} 范围内' },
  meaning: {
    en: '{protocol} port {port} of {outside} goes to port {target} of {address}.',
    zh: '{outside} 的 {protocol} {port} 端口转发到 {address} 的 {target} 端口。',
  },
  theElasticIp: { en: 'the elastic IP', zh: '公网 IP' },
  stops: { en: 'Connections by it end.', zh: '通过它的连接将中断。' },
  showOf: { en: 'Actions for {name}', zh: '{name} 的操作' },
})
