import { texts } from './text.ts'

/** What workers say of themselves, by its name. What is not here is shown as it is. */
export const facts = texts({
  hostname: { en: 'Host name', zh: '主机名' },
  kernel: { en: 'Kernel', zh: '内核' },
  node: { en: 'Node.js', zh: 'Node.js' },
  guests: { en: 'Kinds of guests', zh: '虚拟机类型' },
  interfaces: { en: 'Interfaces', zh: '网络接口' },
  netns: { en: 'Namespace', zh: '网络命名空间' },
  queue: { en: 'Queue', zh: '任务队列' },
})

export const hypervisors = texts({
  up: { en: 'up', zh: '在线' },
  down: { en: 'down', zh: '离线' },
  notSeen: { en: 'not connected yet', zh: '尚未连接' },
  zone: { en: 'Zone', zh: '区域' },
  lastSeen: { en: 'Last heard from', zh: '最近心跳' },
  serversOn: { en: { one: '{count} server', other: '{count} servers' }, zh: '{count} 台云服务器' },
  nicsOn: { en: { one: '{count} NIC', other: '{count} NICs' }, zh: '{count} 块网卡' },
  andMore: { en: 'and {count} more', zh: '另有 {count} 台' },
  registered: { en: 'Registered', zh: '登记时间' },
  register: { en: 'Register hypervisor', zh: '登记宿主机' },
  newToken: { en: 'New token', zh: '更换令牌' },
  newTokenOf: { en: 'New token for {id}', zh: '更换 {id} 的令牌' },
  idHint: { en: 'Lower-case letters, digits and -, such as hv-2', zh: '小写字母、数字和“-”，例如 hv-2' },
  zoneHint: { en: 'A zone that is new is made', zh: '区域不存在时将自动创建' },
  known: {
    en: 'It is registered already: it gets a new token, and its worker stops until it is started with that. Its guests go on running.',
    zh: '该宿主机已登记：将生成新令牌，其 worker 会停止，直到使用新令牌重新启动。虚拟机不受影响。',
  },
  isRegistered: { en: 'Hypervisor {id} is registered', zh: '宿主机 {id} 已登记' },
  token: { en: 'Token of the worker', zh: 'worker 令牌' },
  howToStart: { en: 'Run this on the hypervisor, in the folder of Patchbay', zh: '在宿主机的 Patchbay 目录中执行' },
  searchHint: { en: 'ID, zone or interface', zh: 'ID、区域或网络接口' },
  noneYet: { en: 'No hypervisor is registered', zh: '还没有登记宿主机' },
})
