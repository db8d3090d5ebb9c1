import type { Job, Nic, Server } from '../api/client.ts'
import { type Text, texts } from './text.ts'

/** The states of things. A state that the API gains does not compile until it has words. */
export const nicStates = texts({
  available: { en: 'available', zh: '可用' },
  attaching: { en: 'attaching', zh: '挂载中' },
  in_use: { en: 'in use', zh: '使用中' },
  detaching: { en: 'detaching', zh: '卸载中' },
} satisfies Record<Nic['state'], Text>)

export const serverStates = texts({
  pending: { en: 'being created', zh: '创建中' },
  starting: { en: 'starting', zh: '启动中' },
  running: { en: 'running', zh: '运行中' },
  stopping: { en: 'stopping', zh: '关机中' },
  stopped: { en: 'stopped', zh: '已关机' },
  terminating: { en: 'being deleted', zh: '删除中' },
  terminated: { en: 'deleted', zh: '已删除' },
} satisfies Partial<Record<Server['state'], Text>>)

export const jobStates = texts({
  pending: { en: 'waiting', zh: '等待中' },
  working: { en: 'running', zh: '进行中' },
  successful: { en: 'done', zh: '成功' },
  failed: { en: 'failed', zh: '失败' },
} satisfies Record<Job['state'], Text>)

export const jobActions = texts({
  'server.create': { en: 'Create server', zh: '创建云服务器' },
  'server.start': { en: 'Start server', zh: '启动云服务器' },
  'server.stop': { en: 'Stop server', zh: '关闭云服务器' },
  'server.restart': { en: 'Restart server', zh: '重启云服务器' },
  'server.delete': { en: 'Delete server', zh: '删除云服务器' },
  'nic.attach': { en: 'Assign NIC to server', zh: '分配网卡到云服务器' },
  'nic.detach': { en: 'Detach NIC', zh: '卸载网卡' },
  'network.apply': { en: 'Apply network settings', zh: '应用网络配置' },
} satisfies Record<Job['action'], Text>)
