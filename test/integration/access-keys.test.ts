import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { aService, expectProblem, type Service } from '../support/a-service.ts'
import { aWireClient } from '../support/a-wire-client.ts'

let service: Service
beforeAll(async () => {
  service = await aService()
})
afterAll(() => service.close())

const newKey = (body: object, headers: Record<string, string> = {}) =>
  service.call('POST', '/v1/access-keys', body, { headers })
const vpcsAs = (token: string) => service.call('GET', '/v1/vpcs', undefined, { token })

describe('an access key', () => {
  it('is shown whole when it is made, and never again', async () => {
    const made = await newKey({ role: 'operator', name: 'ci' })
    expect(made.status).toBe(201)
    const { secret_access_key, token, ...rest } = made.body
    expect(made.headers.location).toBe(`/v1/access-keys/${rest.access_key_id}`)
    expect(rest).toMatchObject({ role: 'operator', name: 'ci', project_id: service.projectId })
    expect([secret_access_key.length, token.length]).toEqual([40, 43])
    expect((await service.call('GET', made.headers.location ?? '')).body).toEqual(rest)
    const { items } = (await service.call('GET', `/v1/access-keys?project_id=${service.projectId}`)).body
    expect(items[0]).toEqual(rest)
    expect((await vpcsAs(token)).status).toBe(200)
  })

  it('may be of another project; of one that is not there it is refused', async () => {
    const project = await service.aProject()
    const made = await newKey({ role: 'reader', project_id: project })
    expect(made.body.project_id).toBe(project)
    expectProblem(await newKey({ role: 'reader', project_id: 'prj-0000000000' }), 404, 'project_not_found')
  })

  it('that is deleted is refused with the next request, even one that was just used', async () => {
    const { token, access_key_id: id } = (await newKey({ role: 'admin' })).body
    expect((await vpcsAs(token)).status).toBe(200)
    expect((await service.call('DELETE', `/v1/access-keys/${id}`)).status).toBe(204)
    expectProblem(await vpcsAs(token), 401, 'unauthorized')
    expectProblem(await service.call('DELETE', `/v1/access-keys/${id}`), 404, 'not_found')
    expectProblem(await service.call('GET', `/v1/access-keys/${id}`), 404, 'not_found')
  })

  it('is stored hashed and encrypted only, wherever one looks, an Idempotency-Key notwithstanding', async () => {
    const headers = { 'idempotency-key': 'make-me-a-key' }
    const made = (await newKey({ role: 'reader', name: 'seen once' }, headers)).body
    const again = await newKey({ role: 'reader', name: 'seen once' }, headers)
    expect(again.headers['idempotency-replayed']).toBe('true')
    expect(again.body).toEqual(made)
    const hypervisor = await service.call(
      'POST',
      '/v1/hypervisors',
      { id: 'hv-a', zone_id: 'z' },
      { headers: { 'idempotency-key': 'hv' } },
    )
    const text = await wholeDatabase()
    expect(text).toContain(made.access_key_id) // the search does find what is there
    for (const secret of [made.token, made.secret_access_key, hypervisor.body.token, service.token]) {
      expect(text).not.toContain(secret)
      expect(text).not.toContain(Buffer.from(secret).toString('hex')) // as bytea is shown
      expect(text).not.toContain(Buffer.from(secret).toString('base64').replaceAll('=', ''))
    }
  })

  async function wholeDatabase(): Promise<string> {
    const { $client: client } = service.db
    const { rows } = await client.query<{ name: string }>(
      `SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) AS name FROM pg_tables
       WHERE schemaname IN ('public', 'bullmq')`,
    )
    const tables = await Promise.all(
      rows.map(({ name }) => client.query<{ row: string }>(`SELECT t::text AS row FROM ${name} AS t`)),
    )
    return tables.flatMap((table) => table.rows.map(({ row }) => row)).join('\n')
  }

  it('is made and deleted with an event', async () => {
    const { access_key_id: id } = (await newKey({ role: 'reader' })).body
    await service.call('DELETE', `/v1/access-keys/${id}`)
    const { items } = (await service.call('GET', `/v1/events?resource_id=${id}`)).body
    expect(items.map(({ type }: { type: string }) => type)).toEqual(['access_key.deleted', 'access_key.created'])
  })
})

describe('the last admin key', () => {
  it('is not deleted, not even when two admins delete each other’s at once', async () => {
    const alone = await aService()
    try {
      const [mine] = (await alone.call('GET', '/v1/access-keys')).body.items
      const remove = (id: string, token = alone.token) =>
        alone.call('DELETE', `/v1/access-keys/${id}`, undefined, { token })
      expectProblem(await remove(mine.access_key_id), 409, 'last_admin_key')
      const other = (await alone.call('POST', '/v1/access-keys', { role: 'admin' })).body
      const answers = await Promise.all([remove(other.access_key_id), remove(mine.access_key_id, other.token)])
      expect(answers.map(({ status }) => status).sort()).toEqual([204, 409])
      const { rows } = await alone.db.$client.query(`SELECT FROM access_key WHERE role = 'admin'`)
      expect(rows).toHaveLength(1)
    } finally {
      await alone.close()
    }
  })
})

describe('a project', () => {
  it('is made once per name, read and listed', async () => {
    const made = await service.call('POST', '/v1/projects', { name: 'team-a' })
    expect(made.status).toBe(201)
    expect((await service.call('GET', made.headers.location ?? '')).body).toEqual(made.body)
    expect((await service.call('GET', '/v1/projects?limit=1')).body.items).toEqual([made.body])
    const twice = await service.call('POST', '/v1/projects', { name: 'team-a' })
    expectProblem(twice, 409, 'name_in_use')
    expect(twice.body.errors).toMatchObject([{ in: 'body', pointer: '/name' }])
  })

  it('is deleted with its keys when it has no resources, and never the one of the key in use', async () => {
    const project = await service.aProject()
    const url = `/v1/projects/${project}`
    const token = await service.tokenOf('operator', project)
    const vpc = await service.call('POST', '/v1/vpcs', { name: 'v', cidr: '10.0.0.0/16' }, { token })
    await service.call('POST', '/v1/security-groups', { name: 'g' }, { token })
    const refused = await service.call('DELETE', url)
    expectProblem(refused, 409, 'project_in_use')
    expect(refused.body.detail).toBe(`project ${project} still has 1 VPCs, 1 security groups`)
    expect((await vpcsAs(token)).status).toBe(200)
    const [group] = (await service.call('GET', '/v1/security-groups?name=g', undefined, { token })).body.items
    await service.call('DELETE', `/v1/security-groups/${group.id}`, undefined, { token })
    await service.call('DELETE', `/v1/vpcs/${vpc.body.id}`, undefined, { token })
    expect((await service.call('DELETE', url)).status).toBe(204)
    expectProblem(await vpcsAs(token), 401, 'unauthorized')
    expectProblem(await service.call('GET', url), 404, 'not_found')
    expectProblem(await service.call('DELETE', url), 404, 'not_found')
    expectProblem(await service.call('DELETE', `/v1/projects/${service.projectId}`), 409, 'project_in_use')
  })

  it('is told what of the QingCloud wire is left in it; user data, which nobody can delete, goes with it', async () => {
    const project = await service.aProject()
    const url = `/v1/projects/${project}`
    const wire = await aWireClient(service, { projectId: project })
    await wire.ok('UploadUserDataAttachment', { attachment_content: 'text' })
    const { tag_id } = await wire.ok('CreateTag', { tag_name: 't' })
    const refused = await service.call('DELETE', url)
    expectProblem(refused, 409, 'project_in_use')
    expect(refused.body.detail).toBe(`project ${project} still has 1 tags`)
    await wire.ok('DeleteTags', { tags: [tag_id] })
    expect((await service.call('DELETE', url)).status).toBe(204)
  })

  it('of an admin who deletes another’s while that one deletes theirs: one of them stays', async () => {
    const alone = await aService()
    try {
      const other = await alone.aProject()
      const theirs = await alone.tokenOf('admin', other)
      const answers = await Promise.all([
        alone.call('DELETE', `/v1/projects/${other}`),
        alone.call('DELETE', `/v1/projects/${alone.projectId}`, undefined, { token: theirs }),
      ])
      expect(answers.map(({ status }) => status).sort()).toEqual([204, 401])
    } finally {
      await alone.close()
    }
  })
})

describe('a hypervisor', () => {
  it('that is registered again has a new token, and its old one is refused', async () => {
    const register = () => service.call('POST', '/v1/hypervisors', { id: 'hv-twice', zone_id: 'z-1' })
    const first = await register()
    expect(first).toMatchObject({ status: 201, headers: { location: '/v1/hypervisors/hv-twice' } })
    const second = await register()
    const queueAs = (token: string) => service.call('GET', '/v1/hypervisors/hv-twice/queue', undefined, { token })
    expectProblem(await queueAs(first.body.token), 401, 'unauthorized')
    expect((await queueAs(second.body.token)).body).toEqual(service.deps.queueAccess)
    expect((await service.call('GET', '/v1/hypervisors/hv-twice')).body).toMatchObject({ state: 'down', facts: {} })
    expect((await service.call('GET', '/v1/hypervisors?limit=1')).body.items).toMatchObject([{ id: 'hv-twice' }])
  })
})
