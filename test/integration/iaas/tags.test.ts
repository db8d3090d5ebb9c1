/** Tags over the wire. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { transaction } from '../../../src/db/client.ts'
import { createTag } from '../../../src/domain/tag/tags.ts'
import { aService, HYPERVISOR, type Service } from '../../support/a-service.ts'
import { aWireClient, type WireClient } from '../../support/a-wire-client.ts'
import { aHypervisor, aNetwork, aNic, aPool, aServer, aVpc, finish } from '../../support/builders.ts'

let service: Service
let wire: WireClient
beforeAll(async () => {
  service = await aService()
  wire = await aWireClient(service)
})
afterAll(() => service.close())

const aTag = async (tag_name = 'blue'): Promise<string> => (await wire.ok('CreateTag', { tag_name })).tag_id
const describeOne = async (tag: string) =>
  (await wire.ok('DescribeTags', { tags: [tag], limit: 0, offset: 0, verbose: 1 })).tag_set[0]
const pair = (tag_id: string, resource_type: string, resource_id: string) => ({ tag_id, resource_type, resource_id })
const attach = (...resource_tag_pairs: ReturnType<typeof pair>[]) => wire.ok('AttachTags', { resource_tag_pairs })

/** One resource of every kind that can have tags, by the name of the kind. */
async function oneOfEach(): Promise<Record<string, string>> {
  await aHypervisor(service, HYPERVISOR, ['eth1'])
  await aPool(service)
  const network = await aNetwork(service)
  const server = await aServer(service)
  const { security_group_id } = await wire.ok('CreateSecurityGroup', { security_group_name: 'tagged' })
  const eip = (await service.call('POST', '/v1/elastic-ips', {})).body
  await service.db.$client.query(
    `INSERT INTO key_pair (id, project_id, algorithm, public_key) VALUES ('kp-0000000001', $1, 'ssh-rsa', 'AAAA')`,
    [service.projectId],
  )
  return {
    instance: server.id,
    nic: (await aNic(service, { network_id: network.id })).id,
    vxnet: network.id.replace('net-', 'vxnet-'),
    router: (await aVpc(service)).id.replace('vpc-', 'rtr-'),
    eip: eip.id,
    security_group: security_group_id,
    keypair: 'kp-0000000001',
  }
}

describe('a tag', () => {
  it('is made, and described as it was', async () => {
    const { tag_id } = await wire.ok('CreateTag', { tag_name: 'prod', color: '#9f9bb7' })
    expect(tag_id).toMatch(/^tag-[0-9a-z]{10}$/)
    expect(await wire.ok('DescribeTags', { tags: [tag_id], limit: 0, offset: 0, verbose: 0 })).toEqual({
      action: 'DescribeTagsResponse',
      ret_code: 0,
      total_count: 1,
      tag_set: [
        {
          tag_id,
          tag_name: 'prod',
          tag_key: '',
          description: '',
          color: '#9f9bb7',
          owner: service.projectId.replace('prj-', 'usr-'),
          create_time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
          resource_count: 0,
          resource_type_count: [],
          resource_tag_pairs: [],
        },
      ],
    })
  })

  it('needs a name, and a colour that is one', async () => {
    await wire.refused(1100, 'CreateTag', { tag_name: '' })
    for (const color of ['red', '#12', '#12345', 'default ', '#ggg'])
      await wire.refused(1101, 'CreateTag', { tag_name: 'x', color })
    for (const color of ['#abc', '#ABCDEF', 'default']) await wire.ok('CreateTag', { tag_name: 'x', color })
    const tag = await aTag()
    await wire.refused(1101, 'ModifyTagAttributes', { tag, color: 'red' })
  })

  it('of another colour than those is refused by the database', async () => {
    const actor = { keyId: 'k', projectId: service.projectId, role: 'admin' } as const
    const making = transaction(service.db, (tx) => createTag(tx, actor, { name: 'x', color: 'red' }))
    await expect(making).rejects.toMatchObject({ cause: { code: '23514', constraint: 'tag_color' } })
  })

  it('is changed by what is given, and cleared by what is empty', async () => {
    const tag = await aTag('before')
    await wire.ok('ModifyTagAttributes', { tag, tag_name: 'after', color: '#abc', description: 'd' })
    expect(await describeOne(tag)).toMatchObject({ tag_name: 'after', color: '#abc', description: 'd' })
    await wire.ok('ModifyTagAttributes', { tag, description: '', color: '' })
    expect(await describeOne(tag)).toMatchObject({ tag_name: 'after', color: 'default', description: '' })
    await wire.ok('ModifyTagAttributes', { tag })
    await wire.refused(1101, 'ModifyTagAttributes', { tag, tag_name: 'x'.repeat(256) })
  })

  it('is found by a part of its name, by its id, and by what has it', async () => {
    const [a, b] = [await aTag('Needle one'), await aTag('needle two')]
    const nic = await aNic(service)
    await attach(pair(b, 'nic', nic.id))
    const ids = async (query: object) =>
      (await wire.ok('DescribeTags', { ...query })).tag_set.map((one: { tag_id: string }) => one.tag_id)
    expect(await ids({ search_word: 'needle' })).toEqual([b, a])
    expect(await ids({ search_word: a })).toEqual([a])
    expect(await ids({ resources: [nic.id] })).toEqual([b])
    expect(await ids({ resources: ['rtr-0000000000'] })).toEqual([])
    expect(await ids({ tags: ['tag-0000000000', 'nonsense'] })).toEqual([])
    expect(await wire.ok('DescribeTags', { search_word: 'needle', limit: 1, offset: 1 })).toMatchObject({
      total_count: 2,
      tag_set: [{ tag_id: a }],
    })
  })

  it('is deleted with all that it is on; of several, all or none', async () => {
    const [a, b] = [await aTag(), await aTag()]
    await attach(pair(a, 'nic', (await aNic(service)).id))
    const { message } = await wire.refused(2100, 'DeleteTags', { tags: [a, 'tag-0000000000'] })
    expect(message).toBe('ResourceNotFound, tag [tag-0000000000] not found')
    expect(await wire.ok('DeleteTags', { tags: [a, b] })).toMatchObject({ tags: [a, b] })
    expect((await wire.ok('DescribeTags', { tags: [a, b] })).total_count).toBe(0)
    await wire.refused(2100, 'DeleteTags', { tags: [a] })
    await wire.refused(1100, 'DeleteTags')
  })

  it('of another project looks absent', async () => {
    const stranger = await aWireClient(service, { projectId: await service.aProject() })
    const tag = await aTag()
    const nic = await aNic(service)
    expect((await stranger.ok('DescribeTags', { tags: [tag] })).total_count).toBe(0)
    await stranger.refused(2100, 'ModifyTagAttributes', { tag, tag_name: 'mine' })
    await stranger.refused(2100, 'DeleteTags', { tags: [tag] })
    const { tag_id } = await stranger.ok('CreateTag', { tag_name: 'theirs' })
    await stranger.refused(2100, 'AttachTags', { resource_tag_pairs: [pair(tag_id, 'nic', nic.id)] })
    await wire.refused(2100, 'AttachTags', { resource_tag_pairs: [pair(tag_id, 'nic', nic.id)] })
  })

  it('is made by operators, and read by readers', async () => {
    const reader = await aWireClient(service, { role: 'reader' })
    await reader.ok('DescribeTags')
    await reader.refused(1400, 'CreateTag', { tag_name: 'x' })
  })
})

describe('tags on resources', () => {
  it('go on every kind, twice as well as once, are counted, and come off', async () => {
    const tag = await aTag()
    const each = await oneOfEach()
    const pairs = Object.entries(each).map(([type, id]) => pair(tag, type, id))
    await attach(...pairs)
    await attach(...pairs)
    const described = await describeOne(tag)
    expect(described.resource_count).toBe(pairs.length)
    expect(described.resource_tag_pairs).toHaveLength(pairs.length)
    expect(described.resource_tag_pairs).toEqual(expect.arrayContaining(pairs))
    const counts = Object.keys(each).map((resource_type) => ({ resource_type, count: 1 }))
    expect(described.resource_type_count).toEqual(expect.arrayContaining(counts))
    const short = (await wire.ok('DescribeTags', { tags: [tag] })).tag_set[0]
    expect(short).toMatchObject({ resource_count: pairs.length, resource_tag_pairs: [] })

    await wire.ok('DetachTags', { resource_tag_pairs: pairs.slice(1) })
    await wire.ok('DetachTags', { resource_tag_pairs: pairs.slice(1) })
    expect((await describeOne(tag)).resource_tag_pairs).toEqual(pairs.slice(0, 1))
  })

  it('are refused on what there is none of, and then none goes on', async () => {
    const tag = await aTag()
    const nic = await aNic(service)
    for (const [type, id] of [
      ['nic', '52:54:00:00:00:00'],
      ['nic', 'no mac'],
      ['vxnet', 'vxnet-0'],
      ['router', nic.id],
      ['instance', 'i-00000000'],
      ['volume', 'vol-00000000'],
      ['constructor', 'x'],
    ] as const) {
      const resource_tag_pairs = [pair(tag, 'nic', nic.id), pair(tag, type, id)]
      const { message } = await wire.refused(2100, 'AttachTags', { resource_tag_pairs })
      expect(message).toContain(`[${id}] not found`)
    }
    await wire.refused(2100, 'AttachTags', { resource_tag_pairs: [pair('tag-0000000000', 'nic', nic.id)] })
    await wire.refused(1100, 'AttachTags')
    await wire.refused(1100, 'AttachTags', { resource_tag_pairs: [{ tag_id: tag, resource_type: 'nic' }] })
    expect((await describeOne(tag)).resource_count).toBe(0)
  })

  it('go with what they are on', async () => {
    const tag = await aTag()
    const nic = await aNic(service)
    const server = await aServer(service)
    const vpc = await aVpc(service)
    await attach(
      pair(tag, 'nic', nic.id),
      pair(tag, 'instance', server.id),
      pair(tag, 'router', vpc.id.replace('vpc-', 'rtr-')),
    )
    await service.call('DELETE', `/v1/nics/${nic.id}`)
    await service.call('DELETE', `/v1/vpcs/${vpc.id}`)
    await finish(service, (await service.call('DELETE', `/v1/servers/${server.id}`)).body.id)
    expect(await describeOne(tag)).toMatchObject({ resource_count: 0 })
    await wire.refused(2100, 'AttachTags', { resource_tag_pairs: [pair(tag, 'instance', server.id)] })
  })

  it('show at the resources, and find them', async () => {
    const [tag, other] = [await aTag('shown'), await aTag('other')]
    const { security_group_id: id } = await wire.ok('CreateSecurityGroup', { security_group_name: 'g' })
    await attach(pair(tag, 'security_group', id), pair(other, 'security_group', id))
    const found = await wire.ok('DescribeSecurityGroups', { tags: [tag, 'tag-0000000000'] })
    expect(found.security_group_set).toMatchObject([
      {
        security_group_id: id,
        tags: [
          { tag_id: tag, tag_name: 'shown', color: 'default', description: '' },
          { tag_id: other, tag_name: 'other' },
        ],
      },
    ])
    expect((await wire.ok('DescribeSecurityGroups', { tags: ['tag-0000000000'] })).total_count).toBe(0)
  })
})
