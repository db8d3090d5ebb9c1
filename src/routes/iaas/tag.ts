/** Tags, and what they are put on. */
import { attachTags, detachTags, type TaggedType, type TagPair } from '../../domain/tag/tag-resources.ts'
import { createTag, deleteTags, describeTags, type TagRow, updateTag } from '../../domain/tag/tags.ts'
import { type Actions, inTransaction, reads, writes } from './call.ts'
import { ownId, ownMac, wireId, wireTime } from './ids.ts'
import { own, ownNicId } from './own-id.ts'
import type { Parameters } from './parameters.ts'
import { malformed, missing, notAllowed } from './refusals.ts'

/** Kinds of resources by the names that the wire has for them. */
const TYPES: Readonly<Record<string, { type: TaggedType; own: (id: string) => string }>> = {
  instance: { type: 'server', own: (id) => own('i', id) },
  nic: { type: 'nic', own: ownNicId },
  vxnet: { type: 'network', own: (id) => own('net', id) },
  router: { type: 'vpc', own: (id) => own('vpc', id) },
  eip: { type: 'elastic_ip', own: (id) => own('eip', id) },
  security_group: { type: 'security_group', own: (id) => own('sg', id) },
  keypair: { type: 'key_pair', own: (id) => own('kp', id) },
}
const NAMES = new Map(Object.entries(TYPES).map(([name, { type }]) => [type, name]))
const PREFIXES = ['i', 'net', 'vpc', 'eip', 'sg', 'kp'] as const

const COLOR = /^(default|#([0-9a-f]{3}|[0-9a-f]{6}))$/i

export const TAG: Actions = {
  CreateTag: writes(async (call) => {
    const { params } = call
    const name = params.label('tag_name') || params.required('tag_name')
    const color = colorOf(params.text('color'))
    return { tag_id: await inTransaction(call, (tx, actor) => createTag(tx, actor, { name, ...color })) }
  }),

  DescribeTags: reads(async ({ deps, actor, params }) => {
    const filter = {
      ids: params.list('tags'),
      search: params.text('search_word'),
      resourceIds: params.list('resources')?.flatMap(possibleIds),
    }
    const verbose = params.flag('verbose') ?? false
    const found = await describeTags(deps.db, actor.projectId, filter, params.slice(), verbose)
    return { tag_set: found.rows.map(item), total_count: found.total }
  }),

  ModifyTagAttributes: writes(async (call) => {
    const { params } = call
    const id = own('tag', params.required('tag'))
    const [name, description] = [params.label('tag_name'), params.label('description')]
    const changes = {
      ...(name === undefined ? {} : { name }),
      ...(description === undefined ? {} : { description }),
      ...colorOf(params.given('color')),
    }
    await inTransaction(call, (tx, actor) => updateTag(tx, actor, id, changes))
    return {}
  }),

  DeleteTags: writes(async (call) => {
    const tags = [...new Set(call.params.requiredList('tags'))]
    const ids = tags.map((id) => own('tag', id))
    await inTransaction(call, (tx, actor) => deleteTags(tx, actor, ids))
    return { tags }
  }),

  AttachTags: writes(async (call) => {
    const pairs = pairsOf(call.params)
    await inTransaction(call, (tx, actor) => attachTags(tx, actor, pairs))
    return {}
  }),

  DetachTags: writes(async (call) => {
    const pairs = pairsOf(call.params)
    await inTransaction(call, (tx, actor) => detachTags(tx, actor, pairs))
    return {}
  }),
}

const item = (row: TagRow) => ({
  tag_id: row.id,
  tag_name: row.name,
  tag_key: '',
  description: row.description,
  color: row.color,
  owner: wireId(row.projectId),
  create_time: wireTime(row.createdAt),
  resource_count: row.counts.reduce((sum, { count }) => sum + count, 0),
  resource_type_count: row.counts.map(({ type, count }) => ({ resource_type: NAMES.get(type), count })),
  resource_tag_pairs: row.resources.map(({ type, id }) => ({
    tag_id: row.id,
    resource_type: NAMES.get(type),
    resource_id: wireId(id),
  })),
})

function colorOf(color: string | undefined): { color?: string } {
  if (color === undefined) return {}
  if (color !== '' && !COLOR.test(color)) throw notAllowed('parameter color must be default, #rgb or #rrggbb')
  return { color: color || 'default' }
}

function pairsOf(params: Parameters): TagPair[] {
  const pairs = params.objects('resource_tag_pairs')
  if (pairs.length === 0) throw malformed('parameter resource_tag_pairs.n is required')
  return pairs.map((pair) => {
    const [tagId, type, id] = [pair.required('tag_id'), pair.required('resource_type'), pair.required('resource_id')]
    const known = Object.hasOwn(TYPES, type) ? TYPES[type] : undefined
    if (!known) throw missing(type, id)
    return { tagId: own('tag', tagId), type: known.type, id: known.own(id) }
  })
}

/** Our ids that an id of the wire, of whatever kind, may stand for. */
const possibleIds = (id: string): string[] =>
  [...PREFIXES.map((prefix) => ownId(prefix, id)), ownMac(id)].filter(Boolean)
