import { texts } from './text.ts'

export const accessKeys = texts({
  createKey: { en: 'Create access key', zh: '创建访问密钥' },
  keyId: { en: 'Access key ID', zh: '访问密钥 ID' },
  secret: { en: 'Secret access key', zh: '私钥' },
  token: { en: 'Token, for Authorization: Bearer', zh: '令牌（用于 Authorization: Bearer）' },
  project: { en: 'Project', zh: '项目' },
  role: { en: 'Role', zh: '角色' },
  whatFor: { en: 'What it is for, such as “backup script”', zh: '用途说明，例如“备份脚本”' },
  readerMay: { en: 'sees everything, changes nothing', zh: '可查看全部内容，不能修改' },
  operatorMay: { en: 'also creates, changes and deletes', zh: '还可以创建、修改和删除资源' },
  adminMay: { en: 'also manages keys, projects, hypervisors and pools', zh: '还可以管理密钥、项目、宿主机和地址池' },
  created: { en: 'Access key created', zh: '访问密钥已创建' },
  deleteKey: { en: 'Delete access key', zh: '删除访问密钥' },
  willStop: {
    en: 'Whatever uses the key “{name}” ({id}, {role}, project {project}) is refused from then on. This cannot be undone.',
    zh: '使用密钥“{name}”（{id}，{role}，项目 {project}）的程序将立即失去访问权限，且无法恢复。',
  },
  isOwn: { en: 'You are signed in with this key: you will be signed out.', zh: '您正在使用该密钥，删除后将退出登录。' },
  lastAdmin: { en: 'It is the last admin key: make another first', zh: '这是最后一个管理员密钥，请先创建另一个' },
  ownMark: { en: 'your key', zh: '当前密钥' },
  searchHint: { en: 'Name, ID or project', zh: '名称、ID 或项目' },
  adminsOnly: { en: 'Only admins see the access keys.', zh: '只有管理员可以查看访问密钥。' },
  yourKey: { en: 'You are signed in with', zh: '当前登录密钥' },
  onlyOnce: {
    en: 'This is shown now and never again. Copy it to where it is needed before you close this.',
    zh: '以下内容仅显示一次，关闭后无法再次查看，请先复制保存。',
  },
  notKept: {
    en: 'Have you copied it? Close again, and it is gone for good.',
    zh: '尚未确认已保存。再次关闭将无法找回。',
  },
  kept: { en: 'I have saved it', zh: '我已保存' },
})
