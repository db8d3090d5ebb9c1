/** What others do is seen here at once, and a service that was away is back without a reload. */
import type { Route } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { common } from '../../console/src/text/common.ts'
import { problems } from '../../console/src/text/problems.ts'
import { shell } from '../../console/src/text/shell.ts'
import { nicStates } from '../../console/src/text/states.ts'
import { vpcs } from '../../console/src/text/vpcs.ts'
import { aConsole, type Console, describeConsole, type Visit } from '../support/a-console.ts'
import { until } from '../support/until.ts'

describeConsole('the console is live', () => {
  let site: Console
  let network: { id: string }
  let serverId: string
  beforeAll(async () => {
    site = await aConsole()
    const { service } = site
    const vpc = await service.post('/v1/vpcs', { name: 'main', cidr: '172.16.0.0/16' })
    network = await service.post('/v1/networks', { name: 'web', vpc_id: vpc.id, cidr: '172.16.1.0/24' })
    serverId = (await service.act('POST', '/v1/servers', { name: 'web-1', guest: 'namespace' })).server_id
  })
  afterAll(() => site?.close())

  const aNic = (name: string) => site.service.post('/v1/nics', { network_id: network.id, name })
  const rowOf = ({ page }: Visit, name: string) => page.getByRole('row').filter({ hasText: name })
  /** Fails the test when the page is loaded anew. */
  const neverReloaded = async ({ page }: Visit) => {
    await page.evaluate(() => Object.assign(window, { isTheSame: true }))
    return async () => expect(await page.evaluate(() => 'isTheSame' in window)).toBe(true)
  }

  it('a NIC that the API makes, plugs in and deletes is seen to come, to change and to go', () =>
    site.visit({}, async (visit) => {
      const { t } = visit
      await visit.signIn('/nics')
      const stayed = await neverReloaded(visit)
      const nic = await aNic('from-afar')
      await rowOf(visit, 'from-afar')
        .filter({ hasText: t(nicStates.available) })
        .waitFor()
      await site.service.act('POST', `/v1/nics/${nic.id}/attach`, { server_id: serverId })
      await rowOf(visit, 'from-afar')
        .filter({ hasText: t(nicStates.in_use) })
        .filter({ hasText: 'web-1' })
        .waitFor()
      await site.service.act('POST', `/v1/nics/${nic.id}/detach`)
      await rowOf(visit, 'from-afar')
        .filter({ hasText: t(nicStates.available) })
        .waitFor()
      await site.service.call('DELETE', `/v1/nics/${nic.id}`)
      await rowOf(visit, 'from-afar').waitFor({ state: 'detached' })
      await stayed()
    }))

  it('when the API was away it says so, reconnects by itself, and shows what happened meanwhile', () =>
    site.visit({ expects: [/Failed to load resource/, /ERR_CONNECTION/, /ERR_INCOMPLETE/] }, async (visit) => {
      const { page, t } = visit
      await visit.signIn('/nics')
      const stayed = await neverReloaded(visit)
      await aNic('before')
      await rowOf(visit, 'before').waitFor()
      await page.getByText(t(shell.live), { exact: true }).waitFor()

      const pid = site.service.pidOf('api')
      process.kill(pid, 'SIGKILL')
      await page.getByText(t(shell.reconnecting)).waitFor()
      await expect.poll(() => aNic('after').catch(() => undefined), { timeout: 20_000, interval: 200 }).toBeDefined()
      expect(site.service.pidOf('api')).not.toBe(pid)

      await page.getByText(t(shell.reconnecting)).waitFor({ state: 'detached', timeout: 20_000 })
      await rowOf(visit, 'after').first().waitFor()
      await stayed()
    }))

  it('a page that could not be read while the database was away is there as soon as it is back', () =>
    site.visit({ expects: [/Failed to load resource/] }, async (visit) => {
      const { page, open } = visit
      await visit.signIn()
      const body = JSON.stringify({ code: 'unavailable', detail: 'The database does not answer; try again.' })
      await page.route('**/v1/servers?*', (route) => route.fulfill({ status: 503, body }), { times: 3 })
      await open('/servers')
      await rowOf(visit, 'web-1').waitFor()
    }))

  it('two changes in a row are both taken, though no event has come of the first', () =>
    site.visit({}, async (visit) => {
      const { page, t } = visit
      const vpc = await site.service.post('/v1/vpcs', { name: 'named', cidr: '172.17.0.0/16' })
      // The stream is asked for, and never answered.
      const held: Route[] = []
      await page.route('**/v1/events', (route) => void held.push(route))
      await visit.signIn(`/vpcs/${vpc.id}`)
      for (const name of ['once', 'twice']) {
        await page.getByRole('button', { name: t(common.edit), exact: true }).click()
        await page.getByRole('textbox', { name: t(common.name) }).fill(name)
        await page.getByRole('dialog').locator('button[type=submit]').click()
        await page.getByRole('dialog').waitFor({ state: 'detached' })
        await page.getByRole('heading', { level: 1, name, exact: true }).waitFor()
      }
      // And of acts that are answered with a job.
      for (const label of [vpcs.sourceNat, vpcs.routerSwitch, vpcs.sourceNat].map((text) => t(text))) {
        const control = page.getByRole('switch', { name: label, exact: true })
        const wasOn = await control.isChecked()
        await control.press('Space')
        if (wasOn && label === t(vpcs.routerSwitch))
          await page
            .getByRole('alertdialog')
            .getByRole('button', { name: t(vpcs.switchOff), exact: true })
            .click()
        await until('the switch to be seen switched', async () => (await control.isChecked()) !== wasOn, 5_000)
      }
      expect(await page.getByRole('alert').count()).toBe(0)
      const { name, source_nat, routing } = await site.service.get(`/v1/vpcs/${vpc.id}`)
      expect({ name, source_nat, routing }).toEqual({ name: 'twice', source_nat: true, routing: false })
      expect(held.length).toBeGreaterThan(0)
    }))

  it('what was typed into a form while the service is away is sent when it is back, and once', () =>
    site.visit({ expects: [/Failed to load resource/, /ERR_CONNECTION/, /ERR_INCOMPLETE/] }, async (visit) => {
      const { page, t } = visit
      await visit.signIn('/nics?create=1')
      const dialog = page.getByRole('dialog')
      await dialog.getByRole('textbox', { name: t(common.name) }).fill('patient')
      // It arrives, and the answer does not.
      const loseAnswer = async (route: Route) => {
        await route.fetch()
        await route.abort('connectionfailed')
      }
      await page.route('**/v1/nics/batch', loseAnswer, { times: 1 })
      const send = dialog.locator('button[type=submit]')
      await send.click()
      await dialog
        .getByRole('alert')
        .filter({ hasText: t(shell.unreachable) })
        .waitFor()
      expect(await dialog.getByRole('textbox', { name: t(common.name) }).inputValue()).toBe('patient')
      // And once more: it says that it failed, though it was done.
      const sayFailed = async (route: Route) => {
        await route.fetch()
        const body = JSON.stringify({ code: 'unavailable', detail: 'The database does not answer; try again.' })
        await route.fulfill({ status: 503, contentType: 'application/problem+json', body })
      }
      await page.route('**/v1/nics/batch', sayFailed, { times: 1 })
      await send.click()
      await dialog
        .getByRole('alert')
        .filter({ hasText: t(problems.unavailable) })
        .waitFor()
      await send.click()
      await dialog.waitFor({ state: 'detached' })
      expect((await site.service.get('/v1/nics?search=patient')).items).toHaveLength(1)
    }))
})
