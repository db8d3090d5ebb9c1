/** `search` on the lists of what has a name. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Answer, aService, expectProblem, HYPERVISOR, type Service } from '../support/a-service.ts'
import { aHypervisor, aNetwork, aPool, aServer, aVpc } from '../support/builders.ts'

let service: Service
let made: Record<string, Answer['body']>
beforeAll(async () => {
  service = await aService()
  await aHypervisor(service, HYPERVISOR, ['eth1'])
  await aPool(service)
  const post = async (url: string, body: object) => (await service.call('POST', url, body)).body
  for (const name of ['Front end', 'back']) {
    const network = await aNetwork(service, { name })
    await aVpc(service, { name })
    await aServer(service, { name })
    await post('/v1/security-groups', { name })
    await post('/v1/elastic-ips', { name })
    await post('/v1/reserved-addresses', { network_id: network.id, name })
  }
  const lists = ['vpcs', 'networks', 'servers', 'security-groups', 'elastic-ips', 'reserved-addresses']
  made = Object.fromEntries(await Promise.all(lists.map(async (list) => [list, (await find(list, 'front E'))[0]])))
})
afterAll(() => service.close())

const find = async (list: string, text: string, more = '') => {
  const { status, body } = await service.call('GET', `/v1/${list}?search=${encodeURIComponent(text)}${more}`)
  expect(status, JSON.stringify(body)).toBe(200)
  return body.items
}

describe.each(['vpcs', 'networks', 'servers', 'security-groups', 'elastic-ips', 'reserved-addresses'])(
  'search on /v1/%s',
  (list) => {
    it('finds by a part of the name in any case, and by the whole id', async () => {
      const one = made[list]
      expect(one).toMatchObject({ name: 'Front end' })
      for (const text of ['Front end', 'FRONT', 't e', one.id]) expect(await find(list, text), text).toEqual([one])
      for (const text of [one.id.slice(0, -1), 'front-end', '%', '_']) expect(await find(list, text), text).toEqual([])
    })

    it('goes together with other filters, and finds nothing of another project', async () => {
      expect(await find(list, 'front', '&name=Front%20end')).toEqual([made[list]])
      expect(await find(list, 'front', '&name=back')).toEqual([])
      const token = await service.tokenOf('reader', await service.aProject())
      const theirs = await service.call('GET', `/v1/${list}?search=front`, undefined, { token })
      expect(theirs.body.items).toEqual([])
    })

    it.each(['', 'x'.repeat(129), 'a\u0000b'])('refuses "%s"', async (text) => {
      const answer = await service.call('GET', `/v1/${list}?search=${encodeURIComponent(text)}`)
      expectProblem(answer, 400, 'invalid_request')
      expect(answer.body.errors).toMatchObject([{ in: 'query', pointer: '/search' }])
    })
  },
)

it.each(['elastic-ips', 'reserved-addresses'])('search on /v1/%s finds by a part of the address too', async (list) => {
  const { address } = made[list]
  expect(await find(list, address)).toContainEqual(made[list])
  expect(await find(list, address.split('.').slice(1).join('.'))).toContainEqual(made[list])
  expect(await find(list, `${address}/32`)).toEqual([])
})
