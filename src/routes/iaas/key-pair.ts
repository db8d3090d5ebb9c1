/** SSH key pairs. */
import {
  attachKeyPairs,
  createKeyPair,
  type DescribedKeyPair,
  deleteKeyPairs,
  describeKeyPairs,
  detachKeyPairs,
  updateKeyPair,
} from '../../domain/key-pair/key-pairs.ts'
import { makeRsaKey, parsePublicKey } from '../../domain/key-pair/ssh-keys.ts'
import { type Actions, type Call, inTransaction, promise, reads, writes } from './call.ts'
import { ownId, wireId, wireTime } from './ids.ts'
import { instancesOf } from './instance.ts'
import { own } from './own-id.ts'
import type { Parameters } from './parameters.ts'
import { malformed, notAllowed } from './refusals.ts'

const METHODS = ['ssh-rsa', 'ssh-dss'] as const

export const KEY_PAIR: Actions = {
  CreateKeyPair: writes(async (call) => {
    const { params } = call
    const name = params.label('keypair_name') ?? ''
    const mode = params.oneOf('mode', ['system', 'user']) ?? 'system'
    const key = mode === 'user' ? givenKey(params) : await madeKey(params)
    const keypair_id = await inTransaction(call, (tx, actor) => createKeyPair(tx, actor, { ...key, name }))
    return 'privateKey' in key ? { keypair_id, private_key: key.privateKey } : { keypair_id }
  }),

  DescribeKeyPairs: reads(async ({ deps, actor, params }) => {
    const instance = params.text('instance_id')
    const wanted = {
      ids: params.list('keypairs'),
      serverId: instance === undefined ? undefined : ownId('i', instance),
      algorithms: params.list('encrypt_method'),
      search: params.text('search_word'),
      tagIds: params.list('tags'),
    }
    const { rows, total } = await describeKeyPairs(deps.db, actor.projectId, wanted, params.slice())
    return { keypair_set: rows.map(item), total_count: total }
  }),

  ModifyKeyPairAttributes: writes(async (call) => {
    const { params } = call
    const id = own('kp', params.required('keypair'))
    const changes = { name: params.label('keypair_name'), description: params.label('description') }
    await inTransaction(call, (tx, actor) => updateKeyPair(tx, actor, id, changes))
    return { keypair_id: id }
  }),

  DeleteKeyPairs: writes(async (call) => {
    const keypairs = keyPairsOf(call)
    await inTransaction(call, (tx, actor) => deleteKeyPairs(tx, actor, keypairs))
    return { keypairs }
  }),

  AttachKeyPairs: writes((call) => {
    const [ids, instances] = [keyPairsOf(call), instancesOf(call)]
    return promise(call, (tx, actor) => attachKeyPairs(tx, actor, ids, instances))
  }),

  DetachKeyPairs: writes((call) => {
    const [ids, instances] = [keyPairsOf(call), instancesOf(call)]
    return promise(call, (tx, actor) => detachKeyPairs(tx, actor, ids, instances))
  }),
}

const keyPairsOf = ({ params }: Call): string[] => params.requiredList('keypairs', 100).map((id) => own('kp', id))

function givenKey(params: Parameters) {
  const key = parsePublicKey(params.required('public_key'))
  if (!key) throw notAllowed('parameter public_key must be an algorithm and a key in base64, as OpenSSH writes them')
  return key
}

async function madeKey(params: Parameters) {
  if (params.text('public_key') !== undefined) throw malformed('parameter public_key goes with mode user')
  if ((params.oneOf('encrypt_method', METHODS) ?? 'ssh-rsa') !== 'ssh-rsa') {
    throw notAllowed('no ssh-dss keys are made any more, as no server takes them: ssh-rsa, or a key of your own')
  }
  return makeRsaKey()
}

const item = (row: DescribedKeyPair) => ({
  keypair_id: row.id,
  keypair_name: row.name,
  description: row.description,
  encrypt_method: row.algorithm,
  pub_key: row.publicKey,
  instance_ids: row.serverIds,
  tags: row.wireTags,
  create_time: wireTime(row.createdAt),
  owner: wireId(row.projectId),
  root_user_id: wireId(row.projectId),
})
