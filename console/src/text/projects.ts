import { texts } from './text.ts'

export const projects = texts({
  createProject: { en: 'Create project', zh: '创建项目' },
  created: { en: 'Project created', zh: '项目已创建' },
  nowAKey: { en: 'Create an access key to work in it', zh: '请为该项目创建访问密钥' },
  deleteProject: { en: 'Delete project', zh: '删除项目' },
  willGo: {
    en: {
      one: 'The project “{name}” goes, with its access key and the record of its jobs. Its events stay.',
      other: 'The project “{name}” goes, with its {count} access keys and the record of its jobs. Its events stay.',
    },
    zh: '项目“{name}”将被删除，其 {count} 个访问密钥和任务记录将一并删除，操作日志会保留。',
  },
  mustBeEmpty: {
    en: 'It must have no servers, networks or other resources left.',
    zh: '项目中不能有云服务器、私有网络等资源。',
  },
  isOwn: { en: 'It is the project that you are in', zh: '不能删除当前所在的项目' },
  ownMark: { en: 'you are here', zh: '当前项目' },
  keys: { en: 'Access keys', zh: '访问密钥数' },
  searchHint: { en: 'Name or ID', zh: '名称或 ID' },
  adminsOnly: { en: 'Only admins see all projects.', zh: '只有管理员可以查看全部项目。' },
  yourProject: { en: 'Your project', zh: '当前项目' },
  whatItIs: {
    en: 'Keys of one project do not see what belongs to another.',
    zh: '不同项目的资源相互隔离，密钥只能访问所属项目。',
  },
})
