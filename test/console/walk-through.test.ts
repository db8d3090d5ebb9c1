/** What a newcomer does first: a private network, a server, a NIC with an address in it, plugged into the running server. */
import type { Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { common } from '../../console/src/text/common.ts'
import { networks } from '../../console/src/text/networks.ts'
import { nics } from '../../console/src/text/nics.ts'
import { servers } from '../../console/src/text/servers.ts'
import { shell } from '../../console/src/text/shell.ts'
import { nicStates, serverStates } from '../../console/src/text/states.ts'
import { LANGUAGES } from '../../console/src/text/text.ts'
import { aConsole, type Console, countClicks, describeConsole, type Visit } from '../support/a-console.ts'

const MOST_CLICKS = 12
const ADDRESS = '172.16.1.100'

describeConsole('the walk-through', () => {
  let site: Console
  beforeAll(async () => {
    site = await aConsole()
  })
  afterAll(() => site?.close())

  const place = ({ page, t }: Visit, name: Parameters<Visit['t']>[0]) =>
    page.getByRole('navigation', { name: t(shell.mainNavigation) }).getByRole('link', { name: t(name), exact: true })
  /** Where there is nothing yet it stands there too, and not only at the top. */
  const button = ({ page, t }: Visit, name: Parameters<Visit['t']>[0]) =>
    page
      .getByRole('main')
      .getByRole('button', { name: t(name), exact: true })
      .first()
  const send = ({ page, t }: Visit, name: Parameters<Visit['t']>[0]) =>
    page.getByRole('dialog').getByRole('button', { name: t(name), exact: true })

  const walk = async (visit: Visit, hand: Hand) => {
    const { page, t } = visit
    const type = async (field: Locator, text: string) => {
      await field.waitFor()
      if (!(await hasFocus(field))) await hand.goTo(page, field)
      await page.keyboard.press('ControlOrMeta+a')
      await page.keyboard.type(text)
    }
    const name = page.getByRole('dialog').getByRole('textbox', { name: t(common.name), exact: true })
    const heading = page.getByRole('heading', { level: 1 })

    await hand.press(page, place(visit, common.servers))
    await hand.press(page, button(visit, servers.create))
    await type(name, 'hosta')
    await hand.press(page, send(visit, servers.create))
    await heading
      .filter({ hasText: 'hosta' })
      .filter({ hasText: t(serverStates.running) })
      .waitFor()

    await hand.press(page, place(visit, common.networks))
    await hand.press(page, button(visit, networks.create))
    await type(name, 'private')
    await hand.press(page, send(visit, common.create))
    await heading.filter({ hasText: 'private' }).waitFor()

    await hand.press(page, page.getByRole('main').getByRole('link', { name: t(networks.createNics), exact: true }))
    await hand.choose(page, page.getByRole('radio', { name: t(nics.choose), exact: true }))
    await type(page.getByRole('textbox', { name: t(nics.addresses) }), ADDRESS)
    await hand.press(page, send(visit, nics.createSubmit))
    await hand.press(page, button(visit, common.attach))
    await hand.press(page, send(visit, nics.assign))
    await page
      .getByRole('row')
      .filter({ hasText: ADDRESS })
      .filter({ hasText: t(nicStates.in_use) })
      .filter({ hasText: 'hosta' })
      .waitFor()
  }

  /** What the guest shows, and the gateway answers it. */
  const isPlugged = async () => {
    const { items } = await site.service.get('/v1/servers?name=hosta')
    const guest = site.service.shell(items[0].id, 'namespace')
    expect(await guest.run('ip', ['-4', 'addr', 'show', 'eth1'])).toContain(`inet ${ADDRESS}/24`)
    await guest.run('busybox', ['ping', '-c', '1', '-W', '2', '172.16.1.1'])
  }

  /** Everything goes again, so that the next newcomer finds nothing. */
  const leave = async () => {
    const { service } = site
    for (const { id } of (await service.get('/v1/servers')).items) await service.act('DELETE', `/v1/servers/${id}`)
    for (const kind of ['nics', 'networks', 'vpcs'])
      for (const { id } of (await service.get(`/v1/${kind}`)).items) await service.call('DELETE', `/v1/${kind}/${id}`)
    expect((await service.get('/v1/vpcs')).items).toEqual([])
  }

  it.each(LANGUAGES)('takes a newcomer no more than 12 clicks (%s)', (language) =>
    site.visit({ language }, async (visit) => {
      await visit.signIn()
      const clicks = await countClicks(visit.page)
      await walk(visit, byMouse)
      const counted = await clicks()
      console.log(`walk-through in ${language}: ${counted} clicks`)
      expect(counted).toBeGreaterThan(0)
      expect(counted).toBeLessThanOrEqual(MOST_CLICKS)
      await isPlugged()
      await leave()
    }),
  )

  it('is done by keyboard alone', () =>
    site.visit({}, async (visit) => {
      await visit.signIn()
      const clicks = await countClicks(visit.page)
      await walk(visit, byKeyboard)
      expect(await clicks()).toBe(0)
      await isPlugged()
      await leave()
    }))
})

/** How one gets at things. */
interface Hand {
  press(page: Page, target: Locator): Promise<void>
  /** So that one can type into it. */
  goTo(page: Page, field: Locator): Promise<void>
  choose(page: Page, radio: Locator): Promise<void>
}

const byMouse: Hand = {
  press: (_, target) => target.click(),
  goTo: (_, field) => field.click(),
  // The circle and its words are one label.
  choose: (_, radio) => radio.locator('xpath=ancestor::label').click(),
}

const byKeyboard: Hand = {
  press: async (page, target) => {
    await pressUntil(page, 'Tab', target, hasFocus)
    await page.keyboard.press('Enter')
  },
  goTo: (page, field) => pressUntil(page, 'Tab', field, hasFocus),
  choose: async (page, radio) => {
    const group = page.getByRole('radiogroup').filter({ has: radio })
    const isIn = async () => (await group.locator(':focus').count()) > 0
    await pressUntil(page, 'Tab', radio, isIn)
    await pressUntil(page, 'ArrowRight', radio, (one) => one.isChecked())
  },
}

/** What lies under an open list of a field is not there for the moment. */
const hasFocus = async (target: Locator): Promise<boolean> =>
  (await target.count()) > 0 && (await target.evaluate((element) => element === document.activeElement))

const MOST_PRESSES = 120

async function pressUntil(page: Page, key: string, target: Locator, isThere: (target: Locator) => Promise<boolean>) {
  await target.waitFor({ state: 'attached' })
  for (let presses = 0; !(await isThere(target)); presses++) {
    if (presses === MOST_PRESSES) throw new Error(`${target} cannot be reached by ${key}`)
    await page.keyboard.press(key)
  }
}
