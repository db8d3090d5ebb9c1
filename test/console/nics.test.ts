import type { CDPSession } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { common } from '../../console/src/text/common.ts'
import { nicDifferences, nicPage } from '../../console/src/text/nic-page.ts'
import { nics } from '../../console/src/text/nics.ts'
import { problems } from '../../console/src/text/problems.ts'
import { nicStates } from '../../console/src/text/states.ts'
import {
  aConsole,
  type Console,
  describeConsole,
  expectAccessible,
  expectWithin,
  type Visit,
} from '../support/a-console.ts'

const MANY = 10_000
const PER_NETWORK = 250
const DRAWN_MS = 100
/** Of 60 in a second. */
const FRAME_MS = 1000 / 60

describeConsole('NICs', () => {
  let site: Console
  let vpc: { id: string }
  let network: { id: string; name: string }
  let server: string
  beforeAll(async () => {
    site = await aConsole()
    const { service } = site
    vpc = await service.post('/v1/vpcs', { name: 'main', cidr: '172.16.0.0/16' })
    network = await service.post('/v1/networks', { name: 'web', vpc_id: vpc.id, cidr: '172.16.1.0/24' })
    const job = await service.act('POST', '/v1/servers', { name: 'web-1', guest: 'namespace' })
    server = job.server_id
  })
  afterAll(() => site?.close())

  const aNic = async (over: object = {}) => site.service.post('/v1/nics', { network_id: network.id, ...over })
  const nicsOf = async (filter: string) => (await site.service.get(`/v1/nics?limit=1000&${filter}`)).items
  const button = ({ page, t }: Visit, name: Parameters<Visit['t']>[0]) =>
    page.getByRole('button', { name: t(name), exact: true })
  const cell = ({ page }: Visit, address: string) => page.getByRole('gridcell', { name: new RegExp(`^${address}\\D`) })
  const row = ({ page }: Visit, text: string) => page.getByRole('row').filter({ hasText: text })
  const nameField = ({ page, t }: Visit) => page.getByRole('textbox', { name: t(common.name) })
  const dialog = ({ page }: Visit) => page.getByRole('dialog')

  it('are made with addresses chosen in the grid, and are assigned to a server with three more clicks', () =>
    site.visit({}, async (visit) => {
      const { page, t } = visit
      const used = await aNic({ address: '172.16.1.50', name: 'older' })
      await visit.signIn('/nics')
      await button(visit, nics.create).click()
      // There is one network: it is chosen already.
      await expect.poll(() => page.getByRole('combobox', { name: t(common.network) }).inputValue()).toBe('web')
      await nameField(visit).fill('grid')
      await page.getByText(t(nics.choose), { exact: true }).click()
      await cell(visit, '172.16.1.40').click()
      await cell(visit, '172.16.1.42').click()
      expect(await page.getByLabel(t(nics.count)).inputValue()).toBe('2')
      // One that somebody has is not chosen, and says whose it is.
      await cell(visit, used.address).click()
      expect(await cell(visit, used.address).getAttribute('aria-label')).toContain('older')
      expect(await page.getByRole('textbox', { name: t(nics.addresses) }).inputValue()).toBe('172.16.1.40, 172.16.1.42')
      await expectAccessible(page)
      await dialog(visit)
        .getByRole('button', { name: t(nics.createSubmit), exact: true })
        .click()
      await dialog(visit).waitFor({ state: 'detached' })

      const made = await nicsOf('search=grid')
      expect(made.map(({ address }: { address: string }) => address).sort()).toEqual(['172.16.1.40', '172.16.1.42'])
      // They are selected.
      await page.getByText(t(common.selected, { count: 2 })).waitFor()
      await button(visit, common.attach).click()
      expect(await page.getByRole('combobox', { name: t(common.server) }).inputValue()).toBe('web-1')
      await dialog(visit)
        .getByRole('button', { name: t(nics.assign), exact: true })
        .click()
      for (const address of ['172.16.1.40', '172.16.1.42'])
        await row(visit, address)
          .filter({ hasText: t(nicStates.in_use) })
          .filter({ hasText: 'web-1' })
          .waitFor()
      const inside = await site.service.shell(server, 'namespace').run('ip', ['-4', 'addr'])
      expect(inside).toContain('172.16.1.40/24')
      expect(inside).toContain('172.16.1.42/24')
      await expectAccessible(page)
    }))

  it('the grid is one tab stop, in which arrow keys move and Enter chooses', () =>
    site.visit({ language: 'zh' }, async (visit) => {
      const { page, t } = visit
      await visit.signIn(`/nics?create=1`)
      await page.getByText(t(nics.choose), { exact: true }).click()
      await cell(visit, '172.16.1.2').waitFor()
      await page.getByRole('textbox', { name: t(nics.addresses) }).focus()
      await page.keyboard.press('Tab')
      for (const key of ['ArrowDown', 'ArrowRight', 'ArrowRight', 'Enter', 'ArrowUp', 'Home', 'End', 'ArrowLeft', ' '])
        await page.keyboard.press(key)
      expect(await page.getByRole('textbox', { name: t(nics.addresses) }).inputValue()).toBe('172.16.1.36, 172.16.1.30')
      await page.keyboard.press('Tab')
      expect(await page.evaluate(() => document.activeElement?.getAttribute('role'))).not.toBe('gridcell')
    }))

  it('draws the 252 addresses of a network within 100 ms of their data', () =>
    site.visit({}, async (visit) => {
      const { page, t } = visit
      await visit.signIn()
      // Each time in a page that has just been loaded, and shows it for the first time.
      await expectWithin('252 addresses are drawn', DRAWN_MS, async () => {
        await visit.open('/nics?create=1')
        await page.getByText(t(nics.choose), { exact: true }).waitFor()
        return page.evaluate(drawingTime, t(nics.choose))
      })
    }))

  it('that ask for a taken address are refused at its field, and what was typed stays', () =>
    site.visit({}, async (visit) => {
      const { page, t } = visit
      await aNic({ address: '172.16.1.77' })
      await visit.signIn('/nics?create=1')
      await nameField(visit).fill('late')
      await page.getByText(t(nics.choose), { exact: true }).click()
      const addresses = page.getByRole('textbox', { name: t(nics.addresses) })
      await addresses.fill('172.16.1.78 172.16.1.77')
      await dialog(visit)
        .getByRole('button', { name: t(nics.createSubmit), exact: true })
        .click()
      await dialog(visit)
        .getByRole('alert')
        .filter({ hasText: t(problems.address_in_use) })
        .waitFor()
      expect(await addresses.getAttribute('aria-invalid')).toBe('true')
      const described = (await addresses.getAttribute('aria-describedby')) ?? ''
      const words = await page.evaluate(
        (ids) =>
          ids
            .split(' ')
            .map((id) => document.getElementById(id)?.textContent)
            .join(' '),
        described,
      )
      expect(words).toContain('172.16.1.77')
      expect(await addresses.inputValue()).toBe('172.16.1.78 172.16.1.77')
      expect(await nameField(visit).inputValue()).toBe('late')
      expect(await nicsOf('search=late')).toEqual([])
    }))

  it('have a page that marks what is not as asked, and says what it means', () =>
    site.visit({}, async (visit) => {
      const { page, t } = visit
      const { id, address } = await aNic({ name: 'compared' })
      await site.service.act('POST', `/v1/nics/${id}/attach`, { server_id: server })
      await visit.signIn(`/nics/${id}`)
      const table = page.getByRole('table').filter({ hasText: t(nicPage.guestReports) })
      await page.getByText(t(nicPage.allAsAsked)).waitFor()
      expect(await row(visit, t(nics.ipv4)).textContent()).toBe(`${t(nics.ipv4)}${address}–${address}`)
      await expectAccessible(page)
      // From now on it is to have an IPv6 address, which the guest has not been seen with.
      await site.service.act('PUT', `/v1/networks/${network.id}/ipv6`, { ipv6_cidr: 'fd00:16:1::/64' })
      await table.getByText(t(nicDifferences.ipv6Missing)).waitFor()
      await page.getByText(t(nicPage.differences, { count: 1 })).waitFor()
      expect(
        await table.getByRole('row').filter({ hasText: 'fd00:16:1:' }).getByLabel(t(nicPage.differs)).count(),
      ).toBe(1)
      await expectAccessible(page)
    }))

  it('are deleted together, after a word on what is lost', () =>
    site.visit({}, async (visit) => {
      const { page, t } = visit
      for (const address of ['172.16.1.91', '172.16.1.92', '172.16.1.93']) await aNic({ name: 'doomed', address })
      await visit.signIn('/nics?search=doomed')
      await row(visit, '172.16.1.93').waitFor()
      // What cannot be done yet says why.
      expect(await button(visit, common.delete).getAttribute('aria-disabled')).toBe('true')
      await page.getByRole('columnheader').first().locator('label').click()
      await button(visit, common.delete).click()
      const question = page.getByRole('alertdialog', { name: t(nics.deleteTitle, { count: 3 }) })
      await question.getByText(t(nics.losesAddress, { address: '172.16.1.92', network: 'web' })).waitFor()
      await question.getByRole('button', { name: t(common.delete), exact: true }).click()
      await question.waitFor({ state: 'detached' })
      await page.getByText(t(common.nothingFound)).waitFor()
      expect(await nicsOf('search=doomed')).toEqual([])
    }))

  it('that are changed elsewhere change here, without a reload', () =>
    site.visit({}, async (visit) => {
      const { t } = visit
      await visit.signIn('/nics?search=172.16.1.99')
      await visit.page.getByText(t(common.nothingFound)).waitFor()
      const { id } = await aNic({ address: '172.16.1.99' })
      await row(visit, '172.16.1.99')
        .filter({ hasText: t(common.unnamed) })
        .waitFor()
      await site.service.call('PATCH', `/v1/nics/${id}`, { name: 'renamed' })
      await row(visit, '172.16.1.99').filter({ hasText: 'renamed' }).waitFor()
    }))

  it('by the ten thousand scroll smoothly, with few of them in the document', async () => {
    const { service } = site
    for (let index = 0; index < MANY / PER_NETWORK; index++) {
      const { id } = await service.post('/v1/networks', {
        name: `many ${index}`,
        vpc_id: vpc.id,
        cidr: `172.16.${index + 2}.0/24`,
      })
      await service.post('/v1/nics/batch', { network_id: id, count: PER_NETWORK, name: 'many' })
    }
    await site.visit({}, async (visit) => {
      const { page, t } = visit
      await visit.signIn('/nics')
      await row(visit, 'many').first().waitFor()
      const cdp = await visit.context.newCDPSession(page)
      await cdp.send('Performance.enable', { timeDomain: 'threadTicks' })
      const table = page.getByRole('region', { name: t(common.nics) })
      for (const part of ['begins', 'has all its rows'] as const) {
        const begun = await cpuSeconds(cdp)
        const { frames, mostInDocument } = await table.evaluate(scrollOn)
        const frameMs = (1000 * ((await cpuSeconds(cdp)) - begun)) / frames
        expect(frameMs, `of each frame, when the list ${part}`).toBeLessThan(FRAME_MS)
        expect(mostInDocument).toBeLessThan(100)
        if (part === 'begins') expect(await table.evaluate(readToEnd)).toBeGreaterThanOrEqual(MANY)
      }
      await row(visit, '172.16.2.2').last().waitFor()
    })
  })
})

/** In the page: chooses the way with the grid, and measures from when its data are there until the cells are on the screen. */
async function drawingTime(choose: string): Promise<number> {
  const cells = () => document.querySelectorAll('[role=gridcell]').length
  const label = [...document.querySelectorAll('label')].find(({ textContent }) => textContent === choose)
  const drawn = new Promise<number>((resolve) => {
    new MutationObserver((_, observer) => {
      if (cells() < 252) return
      observer.disconnect()
      requestAnimationFrame(() => setTimeout(() => resolve(performance.now())))
    }).observe(document.body, { childList: true, subtree: true })
  })
  const begin = performance.now()
  label?.click()
  const end = await drawn
  const answers = performance.getEntriesByType('resource').filter(({ name }) => /\/v1\/(nics|reserved)/.test(name))
  return end - Math.max(begin, ...answers.map((entry) => (entry as PerformanceResourceTiming).responseEnd))
}

/** What the page's main thread has worked since it was opened, whatever else the machine had to do. */
async function cpuSeconds(cdp: CDPSession): Promise<number> {
  const { metrics } = await cdp.send('Performance.getMetrics')
  return metrics.find(({ name }) => name === 'TaskDuration')?.value ?? Number.NaN
}

/** In the page: scrolls quickly, 6,000 pixels in a second, frame by frame; at the end of the list, backwards. */
async function scrollOn(table: Element) {
  const isAtEnd = table.scrollTop + table.clientHeight >= table.scrollHeight - 1
  const seen = { frames: 60, mostInDocument: 0 }
  for (let frame = 0; frame < seen.frames; frame++) {
    table.scrollTop += isAtEnd ? -100 : 100
    await new Promise(requestAnimationFrame)
    seen.mostInDocument = Math.max(seen.mostInDocument, table.querySelectorAll('tr').length)
  }
  if (isAtEnd) table.scrollTop = table.scrollHeight
  return seen
}

/** In the page: goes to the end, as often as there is more. @returns how many rows there are. */
async function readToEnd(table: Element): Promise<number> {
  const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
  const rows = () => Number(table.querySelector('table')?.getAttribute('aria-rowcount'))
  while (rows() < 0) {
    table.scrollTop = table.scrollHeight
    await pause(20)
  }
  table.scrollTop = table.scrollHeight
  return rows() - 1
}
