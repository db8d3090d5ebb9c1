import type { Locator } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { common } from '../../console/src/text/common.ts'
import { overview } from '../../console/src/text/overview.ts'
import { problems } from '../../console/src/text/problems.ts'
import { servers } from '../../console/src/text/servers.ts'
import { shell } from '../../console/src/text/shell.ts'
import { jobActions, nicStates, serverStates } from '../../console/src/text/states.ts'
import {
  aConsole,
  type Console,
  describeConsole,
  expectAccessible,
  expectWithin,
  type Visit,
} from '../support/a-console.ts'
import { until } from '../support/until.ts'

const RENDER_MS = 100

interface Card {
  readonly id: string
  readonly name: string
  readonly address: string
}

describeConsole('the patch panel', () => {
  let site: Console
  let network: { id: string; name: string }
  let server: string
  beforeAll(async () => {
    site = await aConsole()
    const { service } = site
    const vpc = await service.post('/v1/vpcs', { name: 'main', cidr: '172.16.0.0/16' })
    network = await service.post('/v1/networks', { name: 'web', vpc_id: vpc.id, cidr: '172.16.1.0/24' })
    server = await aServer('web-1')
  })
  afterAll(() => site?.close())

  const aServer = async (name: string): Promise<string> =>
    (await site.service.act('POST', '/v1/servers', { name, guest: 'namespace', network_id: network.id })).server_id
  const aCard = (name: string): Promise<Card> => site.service.post('/v1/nics', { network_id: network.id, name })
  const isInGuest = async ({ id }: Card) =>
    (await site.service.shell(server, 'namespace').run('ip', ['-o', 'link'])).includes(id)
  const stateOf = async ({ id }: Card) => (await site.service.get(`/v1/nics/${id}`)).state

  const tray = ({ page, t }: Visit) => page.getByRole('group', { name: t(servers.freeNics) })
  const inTray = (visit: Visit, { name }: Card) => tray(visit).getByRole('button', { name: new RegExp(`^${name} `) })
  const freeSlot = ({ page, t }: Visit, slot: number) =>
    page.getByRole('button', { name: t(servers.slotFree, { slot: String(slot) }), exact: true })
  /** A slot with this card in this state. */
  const usedSlot = ({ page, t }: Visit, slot: number, card: Card, state: keyof typeof nicStates = 'in_use') =>
    page.getByRole('button', {
      name: t(servers.slotUsed, {
        slot: String(slot),
        nic: card.name,
        address: card.address,
        network: network.name,
        state: t(nicStates[state]),
      }),
      exact: true,
    })
  const says = ({ page }: Visit, words: string) => page.getByRole('status').filter({ hasText: words }).waitFor()

  /** With the mouse, as a hand does it: it goes down, moves, stays over the place, and lets go when told. */
  const carry = async ({ page }: Visit, from: Locator, to: Locator): Promise<() => Promise<void>> => {
    await from.scrollIntoViewIfNeeded()
    const [start, end] = [await from.boundingBox(), await to.boundingBox()]
    if (!start || !end) throw new Error('not on the page')
    await page.mouse.move(start.x + 6, start.y + start.height / 2)
    await page.mouse.down()
    await page.mouse.move(start.x + 14, start.y + start.height / 2 + 6, { steps: 3 })
    await page.mouse.move(end.x + end.width / 3, end.y + end.height / 2, { steps: 6 })
    return () => page.mouse.up()
  }

  it('a free card that is dragged onto a slot is attached there, and one that is dragged off is detached', () =>
    site.visit({}, async (visit) => {
      const { t, page } = visit
      const card = await aCard('mouse')
      await visit.signIn(`/servers/${server}`)
      await inTray(visit, card).waitFor()
      await expectAccessible(page)

      const drop = await carry(visit, inTray(visit, card), freeSlot(visit, 20))
      await says(visit, t(servers.dropHere, { slot: '20' }))
      await drop()
      // At once, before the service has begun.
      await until('the card to be shown in the slot', () => usedSlot(visit, 20, card, 'attaching').isVisible(), 1_000)
      await usedSlot(visit, 20, card).waitFor()
      expect(await isInGuest(card)).toBe(true)
      expect(await inTray(visit, card).count()).toBe(0)
      await page.getByText(t(shell.jobDone, { action: t(jobActions['nic.attach']) })).waitFor()
      await expectAccessible(page)

      const dropOff = await carry(visit, usedSlot(visit, 20, card), tray(visit))
      await says(visit, t(servers.dropTray))
      await dropOff()
      await freeSlot(visit, 20).waitFor()
      await inTray(visit, card).waitFor()
      expect(await isInGuest(card)).toBe(false)
    }))

  it('the same by keyboard alone, and Escape leaves everything as it was', () =>
    site.visit({ language: 'zh' }, async (visit) => {
      const { page, t } = visit
      const card = await aCard('keys')
      await visit.signIn(`/servers/${server}`)
      await inTray(visit, card).focus()
      await page.keyboard.press('Enter')
      await page.getByRole('status').filter({ hasText: /插槽/ }).waitFor()
      await page.keyboard.press('Escape')
      await says(visit, t(servers.panelHint))

      await page.keyboard.press('Enter')
      // Tab goes from one slot that takes the card to the next.
      for (let tabs = 0; tabs < 70; tabs++) {
        if ((await page.getByRole('status').allTextContents()).includes(t(servers.dropHere, { slot: '9' }))) break
        await page.keyboard.press('Tab')
      }
      await says(visit, t(servers.dropHere, { slot: '9' }))
      await page.keyboard.press('Enter')
      await usedSlot(visit, 9, card).waitFor()
      expect(await isInGuest(card)).toBe(true)

      await usedSlot(visit, 9, card).focus()
      await page.keyboard.press('Enter')
      await says(visit, t(servers.dropTray))
      await page.keyboard.press('Enter')
      await freeSlot(visit, 9).waitFor()
      await inTray(visit, card).waitFor()
      expect(await isInGuest(card)).toBe(false)
    }))

  it('an occupied slot takes no card and says whose it is, the primary slot and another slot neither', () =>
    site.visit({}, async (visit) => {
      const { t } = visit
      const [there, card] = [await aCard('there'), await aCard('wants')]
      await site.service.act('POST', `/v1/nics/${there.id}/attach`, { server_id: server, slot: 3 })
      await visit.signIn(`/servers/${server}`)
      const drop = await carry(visit, inTray(visit, card), usedSlot(visit, 3, there))
      await says(visit, t(servers.whyTaken, { slot: '3', nic: 'there' }))
      await drop()
      await says(visit, t(servers.panelHint))
      await inTray(visit, card).waitFor()
      expect(await stateOf(card)).toBe('available')

      const move = await carry(visit, usedSlot(visit, 3, there), freeSlot(visit, 8))
      await says(visit, t(servers.whyMove, { nic: 'there' }))
      await move()
      await usedSlot(visit, 3, there).waitFor()
      expect(await stateOf(there)).toBe('in_use')
    }))

  it('a slot makes a new card and plugs it in; its menu takes it out; the primary one stays, and says why', () =>
    site.visit({}, async (visit) => {
      const { page, t } = visit
      await visit.signIn(`/servers/${server}`)
      await freeSlot(visit, 33).click()
      const dialog = page.getByRole('dialog')
      await dialog.getByText(t(servers.fresh), { exact: true }).click()
      // There is one network: it is chosen already.
      expect(await dialog.getByRole('combobox', { name: t(common.network) }).inputValue()).toBe('web')
      await dialog.getByRole('textbox', { name: t(common.name) }).fill('fresh')
      await dialog.getByRole('textbox', { name: t(common.address) }).fill('172.16.1.33')
      await expectAccessible(page)
      await dialog.getByRole('button', { name: t(servers.plug), exact: true }).click()
      await dialog.waitFor({ state: 'detached' })
      const card = { id: '', name: 'fresh', address: '172.16.1.33' }
      await usedSlot(visit, 33, card).click()
      await page.getByRole('menuitem', { name: t(common.detach), exact: true }).click()
      await freeSlot(visit, 33).waitFor()

      await page.getByRole('button', { name: new RegExp(`^${t(common.slot)} 0: web-1,`) }).press('Space')
      const detach = page.getByRole('menuitem', { name: t(common.detach) }).first()
      expect(await detach.getAttribute('aria-disabled')).toBe('true')
      await page.getByRole('menu').getByText(t(problems.nic_primary)).first().waitFor()
    }))

  it('a card that is attached elsewhere appears by itself, and its light goes with the server', () =>
    site.visit({}, async (visit) => {
      const { page, t } = visit
      const card = await aCard('elsewhere')
      await visit.signIn(`/servers/${server}`)
      await inTray(visit, card).waitFor()
      await site.service.act('POST', `/v1/nics/${card.id}/attach`, { server_id: server, slot: 50 })
      await until('the card to be shown in the slot', () => usedSlot(visit, 50, card).isVisible(), 2_000)

      const button = (text: Parameters<Visit['t']>[0]) => page.getByRole('button', { name: t(text), exact: true })
      const heading = (state: keyof typeof serverStates) =>
        page.getByRole('heading', { level: 1 }).filter({ hasText: t(serverStates[state]) })
      expect(await button(servers.start).getAttribute('aria-disabled')).toBe('true')
      await button(servers.stop).click()
      await heading('stopped').waitFor()
      await says(visit, t(servers.offline))
      await expectAccessible(page)
      expect(await button(servers.restart).getAttribute('aria-disabled')).toBe('true')
      await button(servers.start).click()
      await heading('running').waitFor()
      await until('the card to be in the guest again', () => isInGuest(card))
    }))

  it('the 65th card is refused in words, and is back where it was; 64 ports are drawn within 100 ms', () =>
    site.visit({}, async (visit) => {
      const { page, t, open } = visit
      const full = await aServer('full')
      const { items } = await site.service.post('/v1/nics/batch', { network_id: network.id, count: 63 })
      const ids = items.map(({ id }: Card) => id)
      await site.service.act('POST', `/v1/servers/${full}/attach-nics`, { nic_ids: ids })
      const card = await aCard('too-many')
      await page.addInitScript(() => {
        new MutationObserver((_, observer) => {
          if (document.querySelectorAll('[data-slot-number]').length < 64) return
          observer.disconnect()
          requestAnimationFrame(() => performance.mark('drawn'))
        }).observe(document, { childList: true, subtree: true })
      })
      /** From the last answer that the panel is made of to the frame that it is drawn in. */
      const drawnAfterMs = async (): Promise<number> => {
        await open(`/servers/${full}`)
        await inTray(visit, card).waitFor()
        return page.evaluate((id) => {
          const drawn = performance.getEntriesByName('drawn')[0]?.startTime ?? Number.POSITIVE_INFINITY
          const answers = performance
            .getEntriesByType('resource')
            .filter(
              ({ name }) =>
                name.endsWith(`/v1/servers/${id}`) || (name.includes('/v1/nics?') && name.includes(`server_id=${id}`)),
            )
            .map((entry) => (entry as PerformanceResourceTiming).responseEnd)
            .filter((end) => end < drawn)
          return drawn - Math.max(...answers)
        }, full)
      }
      await visit.signIn(`/servers/${full}`)
      await expectWithin('64 ports are drawn', RENDER_MS, drawnAfterMs)

      const drop = await carry(
        visit,
        inTray(visit, card),
        page.getByText(t(servers.panelUsed, { count: 64, total: 64 })),
      )
      await says(visit, t(problems.server_full))
      await drop()
      await page
        .getByRole('alert')
        .filter({ hasText: t(problems.server_full) })
        .waitFor()
      await inTray(visit, card).waitFor()
      expect(await stateOf(card)).toBe('available')
      await expectAccessible(page)
    }))

  it('who may only read sees it all, can move nothing, and is told why', () =>
    site.visit({ colorScheme: 'dark' }, async (visit) => {
      const { page, t } = visit
      const card = await aCard('seen')
      await visit.signIn(`/servers/${server}`, 'reader')
      const why = t(common.needsRole, { role: t(shell.reader), needed: t(shell.operator) })
      await says(visit, why)
      await inTray(visit, card).waitFor()
      expect(await inTray(visit, card).getAttribute('draggable')).toBe('false')
      expect(await inTray(visit, card).getAttribute('aria-disabled')).toBe('true')
      await expectAccessible(page)
    }))

  it('servers are made, stopped and deleted in their list, which says what is lost', () =>
    site.visit({ viewport: { width: 360, height: 740 } }, async (visit) => {
      const { page, t } = visit
      await visit.signIn('/servers?create=1')
      const dialog = page.getByRole('dialog')
      await dialog.getByRole('textbox', { name: t(common.name) }).fill('brief')
      await expectAccessible(page)
      await dialog.getByRole('button', { name: t(servers.create), exact: true }).click()
      await page
        .getByRole('heading', { level: 1 })
        .filter({ hasText: t(serverStates.running) })
        .waitFor()
      const isTooWide = () => page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth)
      expect(await isTooWide()).toBe(false)

      await page
        .getByRole('link', { name: t(common.servers), exact: true })
        .last()
        .click()
      await page
        .getByText(t(common.selectRow, { name: 'brief' }))
        .or(page.getByLabel(t(common.selectRow, { name: 'brief' })))
        .first()
        .click({ force: true })
      await page.getByRole('button', { name: t(common.delete), exact: true }).click()
      const question = page.getByRole('alertdialog')
      await question.getByText(t(servers.deleteLoses, { name: 'brief' })).waitFor()
      await question.getByText(/172\.16\.1\.\d+/).waitFor()
      await question.getByRole('button', { name: t(servers.deleteMany, { count: 1 }) }).click()
      await page.getByRole('link', { name: 'brief', exact: true }).waitFor({ state: 'detached' })
      expect(await isTooWide()).toBe(false)
    }))

  it('the overview shows every server, and goes along with what happens', () =>
    site.visit({}, async (visit) => {
      const { page, t } = visit
      await visit.signIn('/')
      const used = async () => (await site.service.get(`/v1/nics?server_id=${server}`)).items.length as number
      const panel = async () =>
        page
          .getByRole('link', { name: /^web-1/ })
          .getByText(t(overview.slotsUsed, { used: await used(), total: 64 }), { exact: true })
      await (await panel()).waitFor()
      await expectAccessible(page)
      const card = await aCard('glance')
      await site.service.act('POST', `/v1/nics/${card.id}/attach`, { server_id: server })
      await until('one more slot to be shown as used', async () => (await panel()).isVisible(), 2_000)
    }))
})
