import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { registerHypervisor } from '../../src/domain/hypervisor/hypervisors.ts'
import { type Answer, aService, expectProblem, type Service } from '../support/a-service.ts'
import { aNetwork, aNic, aServer, aVpc, finish } from '../support/builders.ts'

let service: Service
beforeAll(async () => {
  service = await aService()
})
afterAll(() => service.close())

const GROUPS = '/v1/security-groups'
const made = async (answer: Promise<Answer>) => {
  const { status, body } = await answer
  expect(status, JSON.stringify(body)).toBeLessThan(300)
  return body
}
const aGroup = (over: object = {}) => made(service.call('POST', GROUPS, { name: 'web', ...over }))
const group = (id: string) => made(service.call('GET', `${GROUPS}/${id}`))
const rulesOf = async (id: string) => (await made(service.call('GET', `${GROUPS}/${id}/rules`))).items
const add = (id: string, ...rules: object[]) => service.call('POST', `${GROUPS}/${id}/rules`, { rules })
const replace = (id: string, rules: object[], headers: Record<string, string> = {}) =>
  service.call('PUT', `${GROUPS}/${id}/rules`, { rules }, { headers })
const defaultGroup = () => `sg-${service.projectId.slice(4)}`
const SSH = { protocol: 'tcp', port_first: 22 }
/** The fields that a refusal names, with what it says of each. */
const said = ({ body }: Answer) =>
  Object.fromEntries((body.errors ?? []).map((one: { pointer: string; detail: string }) => [one.pointer, one.detail]))

/** A NIC on a server, in these groups. */
async function anAttachedNic(security_group_ids?: string[], over: object = {}) {
  const network_id = (over as { network_id?: string }).network_id ?? (await aNetwork(service)).id
  const body = { network_id, ...(security_group_ids ? { security_group_ids } : {}) }
  const nic = await made(service.call('POST', '/v1/nics', body))
  const server = await aServer(service)
  await finish(service, (await made(service.call('POST', `/v1/nics/${nic.id}/attach`, { server_id: server.id }))).id)
  return nic
}

describe('a security group', () => {
  it('made without rules lets everything out, and is read back the same', async () => {
    const answer = await service.call('POST', GROUPS, { name: 'web', description: 'd', tags: { a: 'b' } })
    expect(answer).toMatchObject({
      status: 201,
      headers: { etag: `"${answer.body.generation}"`, location: `${GROUPS}/${answer.body.id}` },
      body: { name: 'web', description: 'd', tags: { a: 'b' }, is_default: false, rule_count: 1, applied: true },
    })
    expect(answer.body.id).toMatch(/^sg-[a-z0-9]{10}$/)
    expect(await group(answer.body.id)).toEqual(answer.body)
    expect(await rulesOf(answer.body.id)).toMatchObject([
      { direction: 'out', priority: 100, action: 'accept', protocol: 'all', remote_cidr: null, remote_group_id: null },
    ])
  })

  it('made with rules has exactly those, an empty list included', async () => {
    const rules = [SSH, { protocol: 'udp', port_first: 1000, port_last: 2000, direction: 'out', action: 'drop' }]
    expect((await rulesOf((await aGroup({ rules })).id)).map((one: { protocol: string }) => one.protocol)).toEqual([
      'udp',
      'tcp',
    ])
    expect(await aGroup({ rules: [] })).toMatchObject({ rule_count: 0 })
  })

  it('refused with a bad rule leaves nothing behind', async () => {
    const refused = await service.call('POST', GROUPS, {
      name: 'half',
      rules: [SSH, { protocol: 'gre', port_first: 1 }],
    })
    expectProblem(refused, 400, 'rule_invalid')
    expect(said(refused)).toEqual({ '/rules/1/port_first': 'is of tcp and udp only, not of gre' })
    expect((await service.call('GET', `${GROUPS}?name=half`)).body.items).toEqual([])
  })

  it('is listed newest first, in pages, and by name', async () => {
    const name = 'listed'
    const ids = [await aGroup({ name }), await aGroup({ name }), await aGroup({ name })].map(({ id }) => id).reverse()
    const first = (await service.call('GET', `${GROUPS}?name=${name}&limit=2`)).body
    const second = (await service.call('GET', `${GROUPS}?name=${name}&limit=2&cursor=${first.next_cursor}`)).body
    expect([...first.items, ...second.items].map(({ id }) => id)).toEqual(ids)
    expect(second.next_cursor).toBeNull()
  })

  it('is changed by PATCH, and not over a change that the caller has not seen', async () => {
    const one = await aGroup()
    const patch = (body: object, etag: number) =>
      service.call('PATCH', `${GROUPS}/${one.id}`, body, { headers: { 'if-match': `"${etag}"` } })
    const changed = await patch({ name: 'new' }, one.generation)
    expect(changed).toMatchObject({ status: 200, body: { name: 'new', generation: one.generation + 1 } })
    expectProblem(await patch({ name: 'newer' }, one.generation), 412, 'precondition_failed')
  })

  it('counts its rules, and its generation counts their changes', async () => {
    const one = await aGroup()
    await made(add(one.id, SSH, SSH))
    const after = await group(one.id)
    expect(after).toMatchObject({ rule_count: 3 })
    expect(after.generation).toBeGreaterThan(one.generation)
  })

  it('is deleted with its rules, also with one that names itself', async () => {
    const one = await aGroup()
    await made(add(one.id, { protocol: 'all', remote_group_id: one.id }))
    expect((await service.call('DELETE', `${GROUPS}/${one.id}`)).status).toBe(204)
    expectProblem(await service.call('GET', `${GROUPS}/${one.id}`), 404, 'not_found')
    const left = await service.db.$client.query('SELECT 1 FROM security_group_rule WHERE group_id = $1', [one.id])
    expect(left.rows).toEqual([])
  })

  it('is not deleted while NICs are in it or other groups name it; the refusal counts them', async () => {
    const [used, naming] = [await aGroup(), await aGroup()]
    const nic = await made(
      service.call('POST', '/v1/nics', { network_id: (await aNetwork(service)).id, security_group_ids: [used.id] }),
    )
    await made(add(naming.id, { ...SSH, remote_group_id: used.id }, { protocol: 'icmp', remote_group_id: used.id }))
    const refused = await service.call('DELETE', `${GROUPS}/${used.id}`)
    expectProblem(refused, 409, 'security_group_in_use')
    expect(refused.body.detail).toBe(
      `security group ${used.id} has 1 NICs in it (${nic.id}), and 2 rules of other groups that name it`,
    )
    expect((await service.call('DELETE', `/v1/nics/${nic.id}`)).status).toBe(204)
    expectProblem(await service.call('DELETE', `${GROUPS}/${used.id}`), 409, 'security_group_in_use')
    await made(replace(naming.id, []))
    expect((await service.call('DELETE', `${GROUPS}/${used.id}`)).status).toBe(204)
  })

  it('is not deleted while routers of VPCs are in it; the refusal names some, and counts all', async () => {
    const used = await aGroup()
    const vpcs = await Promise.all(Array.from({ length: 4 }, () => aVpc(service)))
    const ids = vpcs.map(({ id }) => id).sort()
    await service.db.$client.query('UPDATE vpc SET security_group_id = $2 WHERE id = ANY($1)', [ids, used.id])
    const refused = await service.call('DELETE', `${GROUPS}/${used.id}`)
    expectProblem(refused, 409, 'security_group_in_use')
    expect(refused.body.detail).toBe(`security group ${used.id} has 4 VPCs in it (${ids.slice(0, 3).join(', ')}, …)`)
  })

  it('of another project looks absent, whatever is done with it', async () => {
    const other = await service.tokenOf('admin', await service.aProject())
    const one = await aGroup()
    const [rule] = await rulesOf(one.id)
    const as = (method: string, path: string, body?: object) =>
      service.call(method, `${GROUPS}/${one.id}${path}`, body, { token: other })
    for (const refused of [
      await as('GET', ''),
      await as('PATCH', '', { name: 'x' }),
      await as('DELETE', ''),
      await as('GET', '/rules'),
      await as('POST', '/rules', { rules: [SSH] }),
      await as('PUT', '/rules', { rules: [] }),
      await as('GET', `/rules/${rule.id}`),
      await as('PATCH', `/rules/${rule.id}`, { priority: 1 }),
      await as('DELETE', `/rules/${rule.id}`),
    ]) {
      expectProblem(refused, 404, 'not_found')
    }
    expect((await service.call('GET', GROUPS, undefined, { token: other })).body.items).toHaveLength(1) // its own default
    const naming = await service.call(
      'POST',
      GROUPS,
      { name: 'n', rules: [{ protocol: 'all', remote_group_id: one.id }] },
      { token: other },
    )
    expectProblem(naming, 404, 'not_found')
    expect(said(naming)).toEqual({ '/rules/0/remote_group_id': `security group ${one.id} not found` })
  })

  it('is read by readers and changed by operators', async () => {
    const one = await aGroup()
    const [reader, operator] = [await service.tokenOf('reader'), await service.tokenOf('operator')]
    expect((await service.call('GET', `${GROUPS}/${one.id}/rules`, undefined, { token: reader })).status).toBe(200)
    for (const [method, path, body] of [
      ['POST', '', { name: 'x' }],
      ['PUT', `/${one.id}/rules`, { rules: [] }],
      ['DELETE', `/${one.id}`, undefined],
    ] as const) {
      expectProblem(await service.call(method, `${GROUPS}${path}`, body, { token: reader }), 403, 'forbidden')
    }
    expect((await service.call('DELETE', `${GROUPS}/${one.id}`, undefined, { token: operator })).status).toBe(204)
  })

  it('asked for twice under one Idempotency-Key is made once', async () => {
    const ask = () => service.call('POST', GROUPS, { name: 'once' }, { headers: { 'idempotency-key': 'g1' } })
    expect((await ask()).body.id).toBe((await ask()).body.id)
  })
})

describe('the default group', () => {
  it('comes with the project: its members talk among themselves and reach out', async () => {
    expect(await group(defaultGroup())).toMatchObject({ name: 'default', is_default: true, rule_count: 2 })
    const both = await rulesOf(defaultGroup())
    expect(both.map((one: Answer['body']) => [one.direction, one.remote_group_id]).sort()).toEqual([
      ['in', defaultGroup()],
      ['out', null],
    ])
  })

  it('is not deleted, and its rules are changed like any other’s', async () => {
    const refused = await service.call('DELETE', `${GROUPS}/${defaultGroup()}`)
    expectProblem(refused, 409, 'security_group_default')
    const job = await made(add(defaultGroup(), SSH))
    const id = job.resources[1].id
    await made(service.call('DELETE', `${GROUPS}/${defaultGroup()}/rules/${id}`))
    expect(await group(defaultGroup())).toMatchObject({ rule_count: 2 })
  })

  it('goes with its project, which is kept by every other group', async () => {
    const project = await service.aProject()
    const token = await service.tokenOf('admin', project)
    const other = (await service.call('POST', GROUPS, { name: 'g' }, { token })).body
    const naming = { rules: [{ protocol: 'all', remote_group_id: `sg-${project.slice(4)}` }] }
    await made(service.call('PUT', `${GROUPS}/${other.id}/rules`, naming, { token }))
    expectProblem(await service.call('DELETE', `/v1/projects/${project}`), 409, 'project_in_use')
    await service.call('DELETE', `${GROUPS}/${other.id}`, undefined, { token })
    expect((await service.call('DELETE', `/v1/projects/${project}`)).status).toBe(204)
  })
})

describe('rules', () => {
  it('are added with defaults: inward, accept, priority 50, one port, from anyone', async () => {
    const one = await aGroup({ rules: [] })
    const answer = await add(one.id, SSH, { protocol: 'icmp', icmp_type: 8, remote_cidr: '10.0.0.0/8', name: 'ping' })
    expect(answer.status).toBe(202)
    const [job, [ping, ssh]] = [answer.body, await rulesOf(one.id)]
    expect(job).toMatchObject({ action: 'network.apply', state: 'successful' })
    expect(job.resources).toEqual([
      { type: 'security_group', id: one.id },
      { type: 'security_group_rule', id: ssh.id },
      { type: 'security_group_rule', id: ping.id },
    ])
    const { id, created_at, ...fields } = ssh
    expect(id).toMatch(/^sgr-/)
    expect(fields).toEqual({
      name: '',
      direction: 'in',
      priority: 50,
      action: 'accept',
      protocol: 'tcp',
      port_first: 22,
      port_last: 22,
      icmp_type: null,
      icmp_code: null,
      remote_cidr: null,
      remote_group_id: null,
    })
    expect(ping).toMatchObject({ name: 'ping', icmp_type: 8, icmp_code: null, remote_cidr: '10.0.0.0/8' })
    expect((await service.call('GET', `${GROUPS}/${one.id}/rules/${ping.id}`)).body).toEqual(ping)
  })

  it.each([
    ['ports of icmp', { protocol: 'icmp', port_first: 1 }, 'port_first', 'is of tcp and udp only, not of icmp'],
    ['ports of all', { protocol: 'all', port_first: 1 }, 'port_first', 'is of tcp and udp only, not of all'],
    ['a last port of gre', { protocol: 'gre', port_last: 1 }, 'port_last', 'is of tcp and udp only, not of gre'],
    ['a last port alone', { protocol: 'tcp', port_last: 5 }, 'port_first', 'is required with port_last'],
    [
      'ports the wrong way round',
      { protocol: 'udp', port_first: 9, port_last: 8 },
      'port_last',
      'must not be less than port_first, which is 9',
    ],
    ['an icmp type of tcp', { protocol: 'tcp', icmp_type: 8 }, 'icmp_type', 'is of icmp and icmpv6 only, not of tcp'],
    ['a code without type', { protocol: 'icmpv6', icmp_code: 0 }, 'icmp_type', 'is required with icmp_code'],
    [
      'two remotes',
      { protocol: 'all', remote_cidr: '10.0.0.0/8', remote_group_id: 'sg-0000000000' },
      'remote_group_id',
      'cannot be given together with remote_cidr',
    ],
    ['IPv6 with icmp', { protocol: 'icmp', remote_cidr: 'fd00::/8' }, 'remote_cidr', 'must be of IPv4, as icmp is'],
    ['IPv6 with ipip', { protocol: 'ipip', remote_cidr: '::/0' }, 'remote_cidr', 'must be of IPv4, as ipip is'],
    [
      'IPv4 with icmpv6',
      { protocol: 'icmpv6', remote_cidr: '0.0.0.0/0' },
      'remote_cidr',
      'must be of IPv6, as icmpv6 is',
    ],
  ])('with %s are refused, in a new one, in a list and in a change', async (_what, rule, field, detail) => {
    const one = await aGroup()
    const refused = await add(one.id, SSH, rule)
    expectProblem(refused, 400, 'rule_invalid')
    expect(said(refused)).toEqual({ [`/rules/1/${field}`]: detail })
    expect(said(await replace(one.id, [rule]))).toEqual({ [`/rules/0/${field}`]: detail })
    const [now] = await rulesOf(one.id)
    expect(said(await service.call('PATCH', `${GROUPS}/${one.id}/rules/${now.id}`, rule))).toEqual({
      [`/${field}`]: detail,
    })
    expect(await group(one.id)).toEqual(one)
  })

  it.each([
    ['port_first', { protocol: 'tcp', port_first: 0 }],
    ['port_last', { protocol: 'tcp', port_first: 1, port_last: 65_536 }],
    ['icmp_type', { protocol: 'icmp', icmp_type: 256 }],
    ['priority', { protocol: 'all', priority: 101 }],
    ['priority', { protocol: 'all', priority: -1 }],
    ['protocol', {}],
    ['protocol', { protocol: 'sctp' }],
    ['direction', { protocol: 'all', direction: 'both' }],
    ['action', { protocol: 'all', action: 'reject' }],
    ['remote_cidr', { protocol: 'all', remote_cidr: '10.0.0.1/8' }],
    ['remote_cidr', { protocol: 'all', remote_cidr: '10.0.0.1' }],
    ['remote_cidr', { protocol: 'all', remote_cidr: 'fd00::1/64' }],
    ['remote_cidr', { protocol: 'all', remote_cidr: 'FD00::/8' }],
    ['remote_cidr', { protocol: 'all', remote_cidr: 'fd00:0::/32' }],
    ['remote_cidr', { protocol: 'all', remote_cidr: 'fe80::%1/64' }],
    ['remote_cidr', { protocol: 'all', remote_cidr: '::/129' }],
    ['remote_cidr', { protocol: 'all', remote_cidr: '::ffff:a00:1/128' }],
    ['remote_cidr', { protocol: 'all', remote_cidr: '::ffff:0:0/96' }],
    ['remote_group_id', { protocol: 'all', remote_group_id: 'net-0000000000' }],
  ])('with a malformed %s are refused at its index', async (field, rule) => {
    const one = await aGroup()
    const refused = await add(one.id, SSH, rule)
    expectProblem(refused, 400, 'invalid_request')
    expect(Object.keys(said(refused))).toEqual([`/rules/1/${field}`])
  })

  it('come one to a hundred at a time, and never more than a thousand to a group', async () => {
    const one = await aGroup({ rules: Array.from({ length: 990 }, () => SSH) })
    expect(one.rule_count).toBe(990)
    expectProblem(await add(one.id), 400, 'invalid_request')
    expectProblem(await add(one.id, ...Array.from({ length: 101 }, () => SSH)), 400, 'invalid_request')
    const refused = await add(one.id, ...Array.from({ length: 11 }, () => SSH))
    expectProblem(refused, 409, 'security_group_full')
    expect(said(refused)).toEqual({
      '/rules': `security group ${one.id} has 990 of 1000 rules; 11 more were asked for`,
    })
    await made(add(one.id, ...Array.from({ length: 10 }, () => SSH)))
    const thousand = Array.from({ length: 1000 }, () => SSH)
    await made(replace(one.id, thousand))
    expect(await group(one.id)).toMatchObject({ rule_count: 1000 })
    expectProblem(await replace(one.id, [...thousand, SSH]), 400, 'invalid_request')
    expectProblem(await service.call('POST', GROUPS, { name: 'x', rules: [...thousand, SSH] }), 400, 'invalid_request')
  })

  it('added by two at once never go over the limit', async () => {
    const one = await aGroup({ rules: Array.from({ length: 950 }, () => SSH) })
    const answers = await Promise.all(
      Array.from({ length: 4 }, () => add(one.id, ...Array.from({ length: 30 }, () => SSH))),
    )
    expect(answers.map(({ status }) => status).sort()).toEqual([202, 409, 409, 409])
    expect(await group(one.id)).toMatchObject({ rule_count: 980 })
  })

  it('that are wrong in a thousand places are refused with a hundred of them', async () => {
    const refused = await service.call('POST', GROUPS, {
      name: 'x',
      rules: Array.from({ length: 1000 }, () => ({ protocol: 'gre', port_first: 1 })),
    })
    expectProblem(refused, 400, 'rule_invalid')
    expect(refused.body.errors).toHaveLength(100)
  })

  it('are replaced all at once, and not over a change that the caller has not seen', async () => {
    const one = await aGroup({ rules: [SSH, SSH] })
    const stale = { 'if-match': `"${one.generation}"` }
    const before = (await rulesOf(one.id)).map(({ id }: { id: string }) => id)
    expect((await replace(one.id, [{ protocol: 'udp' }], stale)).body.resources).toEqual([
      { type: 'security_group', id: one.id },
    ])
    const after = await rulesOf(one.id)
    expect(after).toMatchObject([{ protocol: 'udp', port_first: null, port_last: null }])
    expect(before).not.toContain(after[0].id)
    expectProblem(await replace(one.id, [], stale), 412, 'precondition_failed')
    expect(await rulesOf(one.id)).toEqual(after)
    await made(replace(one.id, []))
    expect(await group(one.id)).toMatchObject({ rule_count: 0 })
  })

  it('are read with the ETag of their group, and changed only over what the caller has seen', async () => {
    const one = await aGroup({ rules: [SSH] })
    const [{ id }] = await rulesOf(one.id)
    const url = `${GROUPS}/${one.id}/rules`
    for (const path of [url, `${url}/${id}`]) {
      expect((await service.call('GET', path)).headers.etag).toBe(`"${one.generation}"`)
    }
    await made(service.call('PATCH', `${GROUPS}/${one.id}`, { name: 'changed' }))
    const acts = [
      ['PATCH', `${url}/${id}`, { priority: 9 }],
      ['POST', url, { rules: [SSH] }],
      ['PUT', url, { rules: [SSH, SSH] }],
      ['DELETE', `${url}/${id}`, undefined],
    ] as const
    const now = [await group(one.id), await rulesOf(one.id)]
    for (const [method, path, body] of acts) {
      const stale = await service.call(method, path, body, { headers: { 'if-match': `"${one.generation}"` } })
      expectProblem(stale, 412, 'precondition_failed')
    }
    expect([await group(one.id), await rulesOf(one.id)]).toEqual(now)
    for (const [method, path, body] of acts.filter(([method]) => method !== 'PUT')) {
      const etag = (await service.call('GET', url)).headers.etag ?? ''
      expect((await service.call(method, path, body, { headers: { 'if-match': etag } })).status).toBe(202)
    }
    expect(await group(one.id)).toMatchObject({ rule_count: 1 })
  })

  it('changed by two who have seen the same are changed by one of them', async () => {
    const one = await aGroup({ rules: [SSH] })
    const headers = { 'if-match': `"${one.generation}"` }
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => service.call('POST', `${GROUPS}/${one.id}/rules`, { rules: [SSH] }, { headers })),
    )
    expect(answers.map(({ status }) => status).sort()).toEqual([202, ...Array(7).fill(412)])
    expect(await group(one.id)).toMatchObject({ rule_count: 2 })
  })

  it('are changed field by field, and null takes a field out', async () => {
    const one = await aGroup({ rules: [{ protocol: 'tcp', port_first: 80, port_last: 90, remote_cidr: '10.0.0.0/8' }] })
    const [{ id }] = await rulesOf(one.id)
    const patch = async (changes: object) => {
      const answer = await service.call('PATCH', `${GROUPS}/${one.id}/rules/${id}`, changes)
      expect(answer.status, JSON.stringify(answer.body)).toBe(202)
      expect(answer.body.resources).toEqual([
        { type: 'security_group', id: one.id },
        { type: 'security_group_rule', id },
      ])
      return (await rulesOf(one.id))[0]
    }
    expect(await patch({ priority: 3, name: 'n' })).toMatchObject({
      priority: 3,
      name: 'n',
      port_first: 80,
      port_last: 90,
    })
    expect(await patch({ port_first: 85, port_last: 95 })).toMatchObject({ port_first: 85, port_last: 95 })
    expect(await patch({ port_first: 90 })).toMatchObject({ port_first: 90, port_last: 95 })
    expect(await patch({ name: '' })).toMatchObject({ name: '', priority: 3 })
    const refused = await service.call('PATCH', `${GROUPS}/${one.id}/rules/${id}`, { port_first: 443 })
    expectProblem(refused, 400, 'rule_invalid')
    expect(said(refused)).toEqual({ '/port_last': 'must not be less than port_first, which is 443' })
    expect(await patch({ port_last: 91 })).toMatchObject({ port_first: 90, port_last: 91 })
    expect(await patch({ port_first: null })).toMatchObject({ port_first: null, port_last: null })
    expect(await patch({ port_first: 22 })).toMatchObject({ port_first: 22, port_last: 22 })
    expect(await patch({ remote_cidr: null, remote_group_id: one.id })).toMatchObject({ remote_group_id: one.id })
    expect(await patch({ port_first: null, protocol: 'icmpv6', icmp_type: 128 })).toMatchObject({
      protocol: 'icmpv6',
      port_first: null,
      port_last: null,
      icmp_type: 128,
    })
    expect((await group(one.id)).generation).toBeGreaterThan(one.generation)
  })

  it('of another group, or of none, are not found under this one', async () => {
    const [one, other] = [await aGroup(), await aGroup()]
    const [theirs] = await rulesOf(other.id)
    for (const id of [theirs.id, 'sgr-0000000000']) {
      expectProblem(await service.call('PATCH', `${GROUPS}/${one.id}/rules/${id}`, { priority: 1 }), 404, 'not_found')
      expectProblem(await service.call('DELETE', `${GROUPS}/${one.id}/rules/${id}`), 404, 'not_found')
      expectProblem(await service.call('GET', `${GROUPS}/${one.id}/rules/${id}`), 404, 'not_found')
    }
    expect(await rulesOf(other.id)).toEqual([theirs])
  })

  it('that name groups which are not there are refused, each by its place', async () => {
    const one = await aGroup()
    const lost = { protocol: 'all', remote_group_id: 'sg-0000000000' }
    const refused = await add(one.id, lost, SSH, { protocol: 'all', remote_group_id: one.id }, lost)
    expectProblem(refused, 404, 'not_found')
    expect(Object.keys(said(refused))).toEqual(['/rules/0/remote_group_id', '/rules/3/remote_group_id'])
  })

  it('leave their trace in the events of the group', async () => {
    const one = await aGroup({ rules: [] })
    const jobs = [await made(add(one.id, SSH))]
    const [, { id }] = jobs[0].resources
    jobs.push(await made(service.call('PATCH', `${GROUPS}/${one.id}/rules/${id}`, { priority: 7 })))
    jobs.push(await made(service.call('DELETE', `${GROUPS}/${one.id}/rules/${id}`)))
    jobs.push(await made(replace(one.id, [SSH])))
    await service.call('DELETE', `${GROUPS}/${one.id}`)
    const { items } = (await service.call('GET', `/v1/events?resource_id=${one.id}`)).body
    expect(items.reverse().map(({ type, data }: Answer['body']) => [type, data])).toEqual([
      ['security_group.created', { name: 'web', rule_count: 0 }],
      ['security_group.rules_added', { rule_ids: [id] }],
      ['security_group.rule_changed', { rule_id: id, priority: 7 }],
      ['security_group.rule_deleted', { rule_id: id }],
      ['security_group.rules_replaced', { rule_count: 1 }],
      ['security_group.deleted', { name: 'web' }],
    ])
    const ids = jobs.map((job) => job.id)
    expect(items.map(({ job_id }: Answer['body']) => job_id)).toEqual([null, ...ids, null])
  })
})

describe('a change of rules', () => {
  it('is a job of the hypervisor that holds NICs of the group, and of no other', async () => {
    const [one, other] = [await aGroup(), await aGroup()]
    await anAttachedNic([one.id])
    const job = await made(add(one.id, SSH))
    expect(job).toMatchObject({ action: 'network.apply', state: 'pending', hypervisor_id: 'hv-test', server_id: null })
    await finish(service, job.id)
    expect((await service.call('GET', `/v1/jobs/${job.id}`)).body).toMatchObject({ state: 'successful' })
    expect((await made(add(other.id, SSH))).state).toBe('successful')
    expect(
      (await service.call('GET', `/v1/jobs?resource_id=${one.id}`)).body.items.map(({ id }: Answer['body']) => id),
    ).toEqual([job.id])
  })

  it('on several hypervisors is one job with a part on each', async () => {
    await registerHypervisor(service.db, 'hv-second', 'zone-test')
    const one = await aGroup()
    const { id: network_id } = await aNetwork(service)
    await anAttachedNic([one.id], { network_id })
    const far = await anAttachedNic([one.id], { network_id })
    await service.db.$client.query(
      `UPDATE server SET hypervisor_id = 'hv-second' WHERE id = (SELECT server_id FROM nic WHERE id = $1)`,
      [far.id],
    )
    const job = await made(add(one.id, SSH))
    expect(job).toMatchObject({ state: 'working', hypervisor_id: null })
    const parts = await service.db.$client.query(
      'SELECT hypervisor_id FROM job WHERE parent_id = $1 ORDER BY hypervisor_id',
      [job.id],
    )
    expect(parts.rows.map(({ hypervisor_id }) => hypervisor_id)).toEqual(['hv-second', 'hv-test'])
  })

  it('of the default group shows where NICs are that were put into none', async () => {
    const nic = await anAttachedNic()
    expect(nic.security_group_ids).toEqual([defaultGroup()])
    expect((await made(add(defaultGroup(), SSH))).state).not.toBe('successful')
  })
})

describe('whoever passes by the routes', () => {
  const SQL_RULE = `INSERT INTO security_group_rule (id, group_id, project_id, direction, priority, action, protocol`
  const rule = (groupId: string, more: Record<string, string>, { priority = '50', protocol = `'tcp'` } = {}) =>
    `${SQL_RULE}${Object.keys(more)
      .map((name) => `, ${name}`)
      .join('')}) VALUES ('sgr-x', '${groupId}',
     '${service.projectId}', 'in', ${priority}, 'accept', ${protocol}${Object.values(more)
       .map((value) => `, ${value}`)
       .join('')})`

  it.each<[string, string, Record<string, string>, { priority?: string; protocol?: string }?]>([
    ['security_group_rule_priority_range', '23514', {}, { priority: '101' }],
    ['security_group_rule_ports_of_tcp_udp', '23514', { port_first: '1', port_last: '1' }, { protocol: `'all'` }],
    ['security_group_rule_ports_range', '23514', { port_first: '2', port_last: '1' }],
    ['security_group_rule_ports_range', '23514', { port_first: '2' }],
    ['security_group_rule_icmp_only', '23514', { icmp_type: '8' }],
    ['security_group_rule_icmp_range', '23514', { icmp_code: '8' }, { protocol: `'icmp'` }],
    ['security_group_rule_one_remote', '23514', { remote_cidr: `'::/0'`, remote_group_id: `'sg-0000000000'` }],
    ['security_group_rule_family', '23514', { remote_cidr: `'::/0'` }, { protocol: `'icmp'` }],
    ['security_group_rule_family', '23514', { remote_cidr: `'0.0.0.0/0'` }, { protocol: `'icmpv6'` }],
    ['security_group_rule_remote_fk', '23503', { remote_group_id: `'sg-0000000000'` }],
  ])('is held by %s', async (constraint, code, more, of) => {
    const one = await aGroup()
    await expect(service.db.$client.query(rule(one.id, more, of))).rejects.toMatchObject({ constraint, code })
  })

  it('cannot put more than a thousand rules into a group, nor two default groups into a project', async () => {
    const one = await aGroup()
    const many = `${SQL_RULE}) SELECT 'sgr-many' || n, '${one.id}', '${service.projectId}', 'in', 1, 'drop', 'all'
      FROM generate_series(1, 1000) n`
    await expect(service.db.$client.query(many)).rejects.toMatchObject({ constraint: 'security_group_rules_limit' })
    const second = `INSERT INTO security_group (id, project_id, name, is_default)
      VALUES ('sg-second', '${service.projectId}', 'n', true)`
    await expect(service.db.$client.query(second)).rejects.toMatchObject({ constraint: 'security_group_default_key' })
  })

  it('cannot make a project whose default group could not be named for it', async () => {
    for (const id of ['p', 'prj-', 'prj-A', 'prj-a\n', 'sg-abc']) {
      const insert = service.db.$client.query('INSERT INTO project (id, name) VALUES ($1, $1)', [id])
      await expect(insert).rejects.toMatchObject({ constraint: 'project_id_form', code: '23514' })
    }
  })

  it('cannot put a NIC into a group of another project, nor delete a group with NICs', async () => {
    const other = await service.tokenOf('admin', await service.aProject())
    const theirs = (await service.call('POST', GROUPS, { name: 'g' }, { token: other })).body
    const [one, nic] = [await aGroup(), await aNic(service)]
    const put = (groupId: string) =>
      service.db.$client.query('INSERT INTO nic_security_group VALUES ($1, $2, $3)', [
        nic.id,
        groupId,
        service.projectId,
      ])
    await expect(put(theirs.id)).rejects.toMatchObject({ constraint: 'nic_security_group_group_fk', code: '23503' })
    await put(one.id)
    await expect(service.db.$client.query('DELETE FROM security_group WHERE id = $1', [one.id])).rejects.toMatchObject({
      constraint: 'nic_security_group_group_fk',
      code: '23503',
    })
  })
})
