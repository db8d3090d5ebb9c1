import { texts } from './text.ts'

export const reservedAddresses = texts({
  reserve: { en: 'Reserve addresses', zh: '预留地址' },
  reserveIt: { en: 'Reserve', zh: '预留' },
  searchFor: { en: 'Name, ID or address', zh: '名称、ID 或地址' },
  none: {
    en: 'A reserved address is given to no NIC. Machines of the network may share it, as a virtual IP for example.',
    zh: '预留地址不会分配给网卡，可供网络中的云服务器共用，例如用作虚拟 IP。',
  },
  noneFound: { en: 'No reserved address matches', zh: '没有符合条件的预留地址' },
  howMany: { en: 'How many', zh: '数量' },
  howChosen: { en: 'Which', zh: '方式' },
  lowestFree: { en: 'The lowest free ones', zh: '自动选取' },
  lowestFreeHint: { en: 'Only their number is given', zh: '只需填写数量' },
  chosenHere: { en: 'Chosen in the grid', zh: '指定地址' },
  chosenHereHint: { en: 'Click each address', zh: '在地址网格中点选' },
  chooseSome: { en: 'Choose addresses in the grid', zh: '请在网格中点选地址' },
  willReserve: { en: 'To be reserved', zh: '将预留' },
  noNetworks: { en: 'No network has addresses yet', zh: '还没有可分配地址的私有网络' },
  editThis: { en: 'Edit {address}', zh: '编辑 {address}' },
  release: { en: 'Release', zh: '释放' },
  releaseOne: { en: 'Release {address}?', zh: '释放 {address}？' },
  releaseMany: {
    en: { one: 'Release {count} address?', other: 'Release {count} addresses?' },
    zh: '释放 {count} 个预留地址？',
  },
  releaseLoses: {
    en: 'It goes back to the network “{network}”: machines that use it lose it, and the next NIC may be given it.',
    zh: '地址将归还私有网络“{network}”：正在使用它的云服务器将无法继续使用，之后可能分配给新网卡。',
  },
  releaseManyLoses: {
    en: 'They go back to their networks: machines that use them lose them, and the next NICs may be given them.',
    zh: '这些地址将归还所属私有网络：正在使用的云服务器将无法继续使用，之后可能分配给新网卡。',
  },
})
