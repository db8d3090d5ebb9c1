import { texts } from './text.ts'

/** The first page: how everything stands. */
export const overview = texts({
  firstSteps: { en: 'First steps', zh: '快速开始' },
  firstHint: {
    en: 'Three steps to a server with a card of your own. They tick off by themselves.',
    zh: '三步让云服务器用上您的网卡，完成后会自动打勾。',
  },
  makeNetwork: { en: 'Create a network', zh: '创建私有网络' },
  makeNetworkHint: { en: 'A VPC comes with it', zh: '可同时创建 VPC 网络' },
  makeServer: { en: 'Create a server', zh: '创建云服务器' },
  makeServerHint: { en: 'A namespace starts at once', zh: '网络命名空间可即时启动' },
  makeNic: { en: 'Create a NIC', zh: '申请网卡' },
  makeNicHint: { en: 'Then assign it to the server', zh: '随后分配到云服务器' },
  plugNic: { en: 'Plug it in', zh: '挂载网卡' },
  plugNicHint: { en: 'Drag it onto a slot of the panel', zh: '拖到面板的插槽上' },
  done: { en: 'done', zh: '已完成' },

  failedJobs: { en: 'Failed jobs, last day', zh: '近 24 小时失败任务' },
  allWell: { en: 'All went well', zh: '全部正常' },
  lookAtThem: { en: 'See what went wrong', zh: '查看失败原因' },
  up: { en: '{count} up', zh: '在线 {count}' },
  down: { en: '{count} down', zh: '离线 {count}' },
  unseen: { en: '{count} not connected yet', zh: '尚未连接 {count}' },
  stateCount: { en: '{count} {state}', zh: '{state} {count}' },
  number: { en: '{count}', zh: '{count}' },
  atLeast: { en: '{count}+', zh: '{count}+' },

  searchServers: { en: 'Search servers', zh: '搜索云服务器' },
  moreServers: { en: 'Show all {count}', zh: '查看全部 {count} 台' },
  noServers: { en: 'No servers yet: their panels will be here.', zh: '还没有云服务器，创建后面板会显示在这里。' },
  slotsUsed: { en: '{used}/{total}', zh: '{used}/{total}' },
  addresses: { en: 'Addresses in use', zh: '地址使用情况' },
  noNetworks: { en: 'No networks with addresses yet', zh: '还没有可分配地址的私有网络' },
  allNetworks: { en: 'All networks', zh: '全部私有网络' },
  recent: { en: 'Recent events', zh: '最近操作' },
  allEvents: { en: 'All events', zh: '全部日志' },
  nothingYet: { en: 'Nothing has happened yet', zh: '暂无操作' },
})
