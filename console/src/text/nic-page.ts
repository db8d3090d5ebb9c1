import type { Difference } from '../pages/nics/compare.ts'
import { type Text, texts } from './text.ts'

/** The page of one NIC. */
export const nicPage = texts({
  comparison: { en: 'Asked and seen', zh: '期望与实际' },
  asked: { en: 'What was asked', zh: '期望配置' },
  hostShows: { en: 'What the hypervisor shows', zh: '宿主机实际状态' },
  guestReports: { en: 'What the guest reports', zh: '云服务器上报' },
  allAsAsked: { en: 'all as asked', zh: '一致' },
  differences: { en: { one: '{count} difference', other: '{count} differences' }, zh: '{count} 处不一致' },
  differs: { en: 'Differs', zh: '不一致' },
  seenAt: { en: 'Last seen', zh: '最近上报时间' },
  isOld: {
    en: 'This was seen before the last change of the NIC; it may have come about since.',
    zh: '上报早于最近一次配置变更，可能已经生效。',
  },
  guestSilent: {
    en: 'The guest reports nothing: it is booting, or has no guest agent.',
    zh: '云服务器未上报：可能正在启动，或未安装 guest agent。',
  },
  notPlugged: {
    en: 'The NIC is on no server: there is nothing to compare yet.',
    zh: '网卡尚未挂载到云服务器，暂无可比较的数据。',
  },
  serverStopped: {
    en: 'The server is stopped: the NIC is plugged in when it starts.',
    zh: '云服务器已关机，开机时会插入网卡。',
  },
  notSeenYet: { en: 'The hypervisor has not reported yet.', zh: '宿主机尚未上报。' },
  interface: { en: 'Interface', zh: '接口名称' },
  link: { en: 'Link', zh: '链路' },
  bridge: { en: 'Bridge', zh: '网桥' },
  up: { en: 'up', zh: '已启用' },
  down: { en: 'down', zh: '已停用' },
  job: { en: 'Current job', zh: '当前任务' },
  lastJobs: { en: 'Jobs', zh: '最近任务' },
  noJobs: { en: 'No hypervisor has had to do anything for it yet.', zh: '还没有与该网卡相关的任务。' },
  lastError: { en: 'The last attempt failed', zh: '上次操作失败' },
  place: { en: 'Where it is', zh: '所在位置' },
  settings: { en: 'Settings', zh: '设置' },
  primary: { en: 'primary NIC', zh: '主网卡' },
  notLimited: { en: 'not limited', zh: '不限速' },
  bandwidth: { en: 'Bandwidth', zh: '带宽限制' },
  bandwidthIs: { en: 'in {in}, out {out}', zh: '入 {in}，出 {out}' },
  antiSpoofing: { en: 'Anti-spoofing', zh: '源地址检查' },
  on: { en: 'on', zh: '已开启' },
  off: { en: 'off', zh: '已关闭' },
  pairs: { en: 'Allowed address pairs', zh: '允许的地址对' },
  range3h: { en: '3 hours', zh: '3 小时' },
  range1d: { en: '1 day', zh: '1 天' },
  range15d: { en: '15 days', zh: '15 天' },
  range: { en: 'Range', zh: '时间范围' },
  trafficIn: { en: 'in', zh: '入' },
  trafficOut: { en: 'out', zh: '出' },
  noTraffic: {
    en: 'Nothing was measured in this time. Traffic is measured every five minutes while the NIC is on a server.',
    zh: '该时间段内没有数据。网卡挂载期间每五分钟采集一次流量。',
  },
  trafficSummary: {
    en: 'Traffic of the last {range}: in {in} at most, out {out} at most',
    zh: '最近 {range}的流量：入方向峰值 {in}，出方向峰值 {out}',
  },
  asTable: { en: 'As a table', zh: '以表格显示' },
  asChart: { en: 'As a chart', zh: '以图表显示' },
  time: { en: 'Time', zh: '时间' },
  edit: { en: 'Name, description, tags', zh: '修改名称、描述和标签' },
  changeAddress: { en: 'Change address', zh: '更换地址' },
  removeAddress: { en: 'Remove address', zh: '移除地址' },
  move: { en: 'Move to another network', zh: '移至其他私有网络' },
  changeGroups: { en: 'Security groups', zh: '修改安全组' },
  changeBandwidth: { en: 'Bandwidth limits', zh: '修改带宽限制' },
  changeAntiSpoofing: { en: 'Anti-spoofing and address pairs', zh: '修改源地址检查' },
  removeAddressLoses: {
    en: 'The NIC stays in {network} without an address. {address} becomes free, and another NIC may take it.',
    zh: '网卡将保留在 {network} 中但不再有地址，{address} 会被释放，可能被其他网卡占用。',
  },
  moveLoses: {
    en: 'It gives up its address {address}. In the new network it gets the lowest free one, or the one that you name.',
    zh: '网卡将放弃地址 {address}，并在新的私有网络中自动获得空闲地址，也可以指定地址。',
  },
  moveSame: { en: 'It is there already', zh: '网卡已在该私有网络中' },
  newAddress: { en: 'New address', zh: '新地址' },
  antiSpoofingOn: {
    en: 'It may send from its own MAC and addresses only, and from these pairs',
    zh: '只允许使用自身的 MAC 与地址以及下列地址对发送数据',
  },
  pairsHint: {
    en: 'One on each line: an address or range, and a MAC if it is not the NIC’s own. For virtual addresses (VRRP), and routers (0.0.0.0/0).',
    zh: '每行一个：地址或网段，可在其后填写 MAC（默认为网卡自身的 MAC）。用于虚拟 IP（VRRP）或路由器（0.0.0.0/0）。',
  },
  pairWrong: {
    en: 'Line {line}: an address or range, then a MAC or nothing',
    zh: '第 {line} 行应为地址或网段，其后可填写 MAC',
  },
  noElasticIp: { en: 'with its elastic IP it cannot be moved', zh: '已绑定公网 IP，无法更换位置' },
})

/** What a difference between what was asked and what is seen means. */
export const nicDifferences = texts({
  macDiffers: {
    en: 'The guest has changed the MAC of its card: with anti-spoofing on, what it sends is dropped.',
    zh: '云服务器修改了网卡的 MAC，开启源地址检查时其发送的数据会被丢弃。',
  },
  addressMissing: {
    en: 'The guest does not have the address: nobody reaches it there. Its DHCP client may not be running, or somebody removed the address inside.',
    zh: '云服务器中没有该地址，无法通过它通信。可能是 DHCP 客户端未运行，或地址在系统内被删除。',
  },
  addressExtra: {
    en: 'The guest has further addresses. What it sends from them is dropped, unless they are allowed address pairs.',
    zh: '云服务器使用了其他地址，除非加入允许的地址对，否则从这些地址发送的数据会被丢弃。',
  },
  ipv6Missing: {
    en: 'The guest has not formed its IPv6 address: it takes no router advertisements, or has not heard one yet.',
    zh: '云服务器尚未生成 IPv6 地址：可能未接受路由通告，或还没有收到。',
  },
  linkDown: { en: 'The tap device is down: no packet passes.', zh: 'tap 设备已停用，数据无法通过。' },
  bridgeDiffers: {
    en: 'The tap device is on the bridge of another network: the NIC is in the wrong one. The hypervisor repairs this by itself.',
    zh: 'tap 设备接入了其他私有网络的网桥，宿主机会自动修复。',
  },
  bridgeMissing: {
    en: 'The tap device is on no bridge: the NIC is cut off. The hypervisor repairs this by itself.',
    zh: 'tap 设备未接入网桥，网卡无法通信，宿主机会自动修复。',
  },
  mtuDiffers: {
    en: 'The MTU is not that of the network: large packets are lost on one of the ways.',
    zh: 'MTU 与私有网络不一致，较大的数据包可能丢失。',
  },
} satisfies Record<Difference, Text>)
