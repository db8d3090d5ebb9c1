import { afterAll, beforeAll, expect, it } from 'vitest'
import { common } from '../../console/src/text/common.ts'
import { changedFields, eventTypes } from '../../console/src/text/events.ts'
import { LANGUAGES } from '../../console/src/text/text.ts'
import { aConsole, type Console, describeConsole, expectAccessible } from '../support/a-console.ts'

describeConsole('the page of a server', () => {
  let site: Console
  let network: { id: string }
  beforeAll(async () => {
    site = await aConsole()
    const vpc = await site.service.post('/v1/vpcs', { name: 'main', cidr: '172.16.0.0/16' })
    network = await site.service.post('/v1/networks', { name: 'web', vpc_id: vpc.id, cidr: '172.16.1.0/24' })
  })
  afterAll(() => site?.close())

  it.each(LANGUAGES)('tells in its history which card came into which slot, and went, as it happens (%s)', (language) =>
    site.visit({ language }, async (visit) => {
      const { page, t, open } = visit
      const { service } = site
      const { server_id: id } = await service.act('POST', '/v1/servers', { name: `s-${language}`, guest: 'namespace' })
      const nic = await service.post('/v1/nics', { network_id: network.id, name: 'card' })
      await open(`/servers/${id}`)
      await visit.signIn()
      const history = page.getByRole('region', { name: t(common.history), exact: true })
      const entry = (type: keyof typeof eventTypes) =>
        history.getByRole('listitem').filter({ has: page.getByText(t(eventTypes[type]), { exact: true }) })
      await entry('server.running').waitFor()
      await page.evaluate(() => Object.assign(window, { isTheSame: true }))

      await service.act('POST', `/v1/nics/${nic.id}/attach`, { server_id: id, slot: 5 })
      const arrived = entry('nic.in_use')
      await arrived.getByText(`${t(changedFields.slot)} 5`, { exact: true }).waitFor()
      expect(await arrived.getByRole('link', { name: nic.id, exact: true }).getAttribute('href')).toBe(
        `/nics/${nic.id}`,
      )
      // Whose history it is need not be said again.
      expect(await history.getByRole('link', { name: `s-${language}` }).count()).toBe(0)
      await expectAccessible(page)

      await service.act('POST', `/v1/nics/${nic.id}/detach`)
      await entry('nic.available').getByRole('link', { name: nic.id, exact: true }).waitFor()
      expect(await page.evaluate(() => 'isTheSame' in window)).toBe(true)
    }),
  )
})
