/** Key pairs and uploaded data of the wire. */
import { createPublicKey } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { aService, type Service } from '../../support/a-service.ts'
import { aWireClient, type WireAnswer, type WireClient, type WireParameters } from '../../support/a-wire-client.ts'
import { aServer, finish } from '../../support/builders.ts'
import { decoded } from '../../support/wire-shapes.ts'

let service: Service
let wire: WireClient
beforeAll(async () => {
  service = await aService()
  wire = await aWireClient(service)
})
afterAll(() => service.close())

const ED25519 = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFa5Dv1VNGEiEMzEYkWJzsSAqFXm+GTMOJGkvyNEhhTJ'
const aKey = async (parameters: WireParameters = {}): Promise<string> =>
  (await wire.ok('CreateKeyPair', { mode: 'user', public_key: ED25519, ...parameters })).keypair_id
const describeOne = async (id: string): Promise<WireAnswer> => {
  const answer = await wire.ok('DescribeKeyPairs', { keypairs: [id], verbose: 1 })
  decoded('DescribeKeyPairs', answer)
  return answer.keypair_set[0]
}
const found = async (parameters: WireParameters): Promise<string[]> =>
  (await wire.ok('DescribeKeyPairs', { limit: 100, ...parameters })).keypair_set.map(
    (one: WireAnswer) => one.keypair_id,
  )

it('a pair that is made: its private key is shown once, and is the one that the public key belongs to', async () => {
  const answer = await wire.ok('CreateKeyPair', { keypair_name: 'made', mode: 'system', encrypt_method: 'ssh-rsa' })
  expect(answer.private_key).toMatch(/^-----BEGIN RSA PRIVATE KEY-----\n/)
  const pair = await describeOne(answer.keypair_id)
  expect(pair).toEqual({
    keypair_id: expect.stringMatching(/^kp-[0-9a-z]+$/),
    keypair_name: 'made',
    description: '',
    encrypt_method: 'ssh-rsa',
    pub_key: expect.stringMatching(/^AAAAB3NzaC1yc2E/),
    instance_ids: [],
    tags: [],
    create_time: expect.stringMatching(/Z$/),
    owner: expect.stringMatching(/^usr-/),
    root_user_id: expect.stringMatching(/^usr-/),
  })
  const { rows } = await service.db.$client.query(`SELECT row_to_json(k)::text AS text FROM key_pair k`)
  for (const { text } of rows) expect(text).not.toContain('PRIVATE')

  // The fields of the public key are those of RFC 4253: name, exponent, modulus, each after its length.
  const blob = Buffer.from(pair.pub_key, 'base64')
  const fields: Buffer[] = []
  for (let at = 0; at < blob.length; at += 4 + blob.readUInt32BE(at)) {
    fields.push(blob.subarray(at + 4, at + 4 + blob.readUInt32BE(at)))
  }
  const [name, e, n] = fields
  expect([name?.toString(), fields.length]).toEqual(['ssh-rsa', 3])
  const jwk = createPublicKey(answer.private_key).export({ format: 'jwk' })
  const number = (bytes: Buffer | undefined) => BigInt(`0x${bytes?.toString('hex')}`)
  expect([number(e), number(n)]).toEqual([jwk.e, jwk.n].map((text) => number(Buffer.from(text ?? '', 'base64url'))))
  expect((n?.[0] ?? 255) < 0x80).toBe(true) // a positive number
})

it('a public key of the caller’s own: algorithm and base64 are told apart, its comment is dropped', async () => {
  const [algorithm = '', base64 = ''] = ED25519.split(' ')
  const answer = await wire.ok('CreateKeyPair', {
    keypair_name: 'own',
    mode: 'user',
    encrypt_method: 'ssh-rsa', // what the Go client says of itself
    public_key: `${ED25519} me@home\n`,
  })
  expect(answer).not.toHaveProperty('private_key')
  expect(await describeOne(answer.keypair_id)).toMatchObject({ encrypt_method: algorithm, pub_key: base64 })
})

it.each<[number, WireParameters, RegExp]>([
  [1100, { mode: 'user' }, /public_key is required/],
  [1101, { mode: 'user', public_key: 'nonsense' }, /public_key/],
  [1101, { mode: 'user', public_key: 'ssh-ed25519 AAAA' }, /public_key/],
  [1101, { mode: 'user', public_key: ED25519.replace('ssh-ed25519', 'ssh-rsa') }, /public_key/],
  [1101, { mode: 'user', public_key: `${ED25519}!` }, /public_key/],
  [1101, { mode: 'other' }, /mode must be one of system, user/],
  [1101, { encrypt_method: 'ssh-dss' }, /ssh-dss/],
  [1101, { encrypt_method: 'none' }, /encrypt_method/],
  [1100, { public_key: ED25519 }, /mode user/],
  [1101, { keypair_name: 'x'.repeat(256) }, /keypair_name/],
])('a pair is refused with %i: %j', async (code, parameters, words) => {
  const { message } = await wire.refused(code, 'CreateKeyPair', parameters)
  expect(message).toMatch(words)
})

it('is changed, found and deleted', async () => {
  const a = await aKey({ keypair_name: 'Findable a' })
  const b = (await wire.ok('CreateKeyPair', { keypair_name: 'findable b' })).keypair_id
  await wire.ok('ModifyKeyPairAttributes', { keypair: a, description: 'text' })
  expect(await describeOne(a)).toMatchObject({ keypair_name: 'Findable a', description: 'text' })
  await wire.ok('ModifyKeyPairAttributes', { keypair: a, keypair_name: 'findable z', description: '' })
  expect(await describeOne(a)).toMatchObject({ keypair_name: 'findable z', description: '' })
  const { tag_id } = await wire.ok('CreateTag', { tag_name: 'k' })
  await wire.ok('AttachTags', { resource_tag_pairs: [{ tag_id, resource_type: 'keypair', resource_id: a }] })

  expect(await found({ search_word: 'FINDABLE' })).toEqual([b, a])
  expect(await found({ keypairs: [a, 'kp-0000000000', 'x'] })).toEqual([a])
  expect(await found({ search_word: 'findable', encrypt_method: 'ssh-rsa' })).toEqual([b])
  expect(await found({ tags: [tag_id] })).toEqual([a])
  expect(await wire.ok('DescribeKeyPairs', { search_word: 'findable', limit: 1 })).toMatchObject({ total_count: 2 })
  const stranger = await aWireClient(service, { projectId: await service.aProject() })
  expect((await stranger.ok('DescribeKeyPairs', { keypairs: [a] })).total_count).toBe(0)
  await stranger.refused(2100, 'DeleteKeyPairs', { keypairs: [a] })

  await wire.refused(2100, 'DeleteKeyPairs', { keypairs: [a, 'kp-0000000000'] })
  expect((await wire.ok('DeleteKeyPairs', { keypairs: [a, b] })).keypairs).toEqual([a, b])
  expect(await found({ search_word: 'findable' })).toEqual([])
  await wire.refused(2100, 'ModifyKeyPairAttributes', { keypair: a, keypair_name: 'x' })
  await wire.refused(1100, 'ModifyKeyPairAttributes', { keypair_name: 'x' })
  await wire.refused(1100, 'DeleteKeyPairs')
})

it('is put on instances and taken off, by jobs that are done; until then it stays', async () => {
  const [a, b] = [await aKey(), await aKey()]
  const [one, two] = [await aServer(service), await aServer(service)]
  const both = { keypairs: [a, b], instances: [one.id, two.id] }
  const attach = await wire.ok('AttachKeyPairs', both)
  const job = (await service.call('GET', `/v1/jobs/${attach.job_id}`)).body
  expect(job.state).toBe('successful')
  expect(job.resources).toContainEqual({ type: 'key_pair', id: a })
  await wire.ok('AttachKeyPairs', both)
  expect((await describeOne(a)).instance_ids).toEqual([one.id, two.id].sort())
  expect(await found({ instance_id: one.id })).toEqual([b, a])
  const { message } = await wire.refused(1400, 'DeleteKeyPairs', { keypairs: [a] })
  expect(message).toContain(`[${one.id}]`)
  await wire.ok('DetachKeyPairs', { ...both, keypairs: [a] })
  await wire.ok('DetachKeyPairs', { ...both, keypairs: [a] })
  await wire.ok('DeleteKeyPairs', { keypairs: [a] })

  await finish(service, (await wire.ok('TerminateInstances', { instances: [one.id] })).job_id)
  expect((await describeOne(b)).instance_ids).toEqual([two.id])
  await wire.refused(1400, 'AttachKeyPairs', { keypairs: [b], instances: [one.id] })
  for (const action of ['AttachKeyPairs', 'DetachKeyPairs']) {
    await wire.refused(2100, action, { keypairs: ['kp-0000000000'], instances: [two.id] })
    await wire.refused(2100, action, { keypairs: [b], instances: ['i-0000000000'] })
    await wire.refused(1100, action, { keypairs: [b] })
    await wire.refused(1100, action, { instances: [two.id] })
  }
})

it('UploadUserDataAttachment keeps base64 decoded, and a script as it is', async () => {
  const kept = async (attachment_content: string) => {
    const answer = await wire.ok('UploadUserDataAttachment', { attachment_content }, { method: 'POST' })
    const { rows } = await service.db.$client.query('SELECT content FROM user_data WHERE id = $1', [
      answer.attachment_id,
    ])
    return rows[0].content
  }
  const bytes = Buffer.from([0x1f, 0x8b, 8, 0, 255, 1, 2])
  expect(await kept(bytes.toString('base64'))).toEqual(bytes)
  expect((await kept('#!/bin/sh\necho ü\n')).toString()).toBe('#!/bin/sh\necho ü\n')
  expect(await kept(Buffer.alloc(600_000, 7).toString('base64'))).toHaveLength(600_000)
  await wire.refused(1100, 'UploadUserDataAttachment', { attachment_name: 'x' }, { method: 'POST' })
  const tooLarge = { attachment_content: 'ü'.repeat(2 ** 20 + 1) }
  await wire.refused(1100, 'UploadUserDataAttachment', tooLarge, { method: 'POST' })
})
