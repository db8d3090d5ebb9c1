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
  const button = ({ page, t }: Visit, name: Parameters<Visit['t']>[0]) =>
    page.getByRole('main').getByRole('button', { name: t(name), exact: true })
  const send = ({ page, t }: Visit, name: Parameters<Visit['t']>[0]) =>
    page.getByRole('dialog').getByRole('button', { name: t(name), exact: true })

  /** How one gets at something, and chooses it. */
  type Choose = (visit: Visit, target: Locator) => Promise<void>

  /** Types into the field that has the focus already: a hand that has to go back to the mouse would count. */
  const type = async ({ page }: Visit, field: Locator, text: string) => {
    await expect.poll(() => hasFocus(field)).toBe(true)
    await page.keyboard.press('ControlOrMeta+a')
    await page.keyboard.type(text)
  }

  const walk = async (visit: Visit, choose: Choose) => {
    const { page, t } = visit
    const name = page.getByRole('dialog').getByRole('textbox', { name: t(common.name) })
    await choose(visit, place(visit, common.networks))
    await choose(visit, button(visit, networks.create))
    await type(visit, name, 'private')
    await choose(visit, send(visit, common.create))
    await page.getByRole('heading', { level: 1, name: 'private' }).waitFor()

    await choose(visit, place(visit, common.servers))
    await choose(visit, button(visit, servers.create))
    await type(visit, name, 'hosta')
    await choose(visit, send(visit, servers.create))
    await page
      .getByRole('heading', { level: 1, name: 'hosta' })
      .filter({ hasText: t(serverStates.running) })
      .waitFor()

    await choose(visit, place(visit, common.nics))
    await choose(visit, button(visit, nics.create))
    await choose(visit, page.getByText(t(nics.choose), { exact: true }))
    await type(visit, page.getByRole('textbox', { name: t(nics.addresses) }), ADDRESS)
    await choose(visit, send(visit, nics.createSubmit))
    await choose(visit, button(visit, common.attach))
    await choose(visit, send(visit, nics.assign))
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
    await guest.run('ping', ['-c', '1', '-W', '2', '172.16.1.1'])
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
      await walk(visit, (_, target) => target.click())
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

const hasFocus = (target: Locator): Promise<boolean> =>
  target.evaluate((element) => element === document.activeElement).catch(() => false)

const MOST_TABS = 120

/** Goes there by Tab, through whatever lies before it, and presses it. */
async function byKeyboard({ page }: Visit, target: Locator): Promise<void> {
  await target.waitFor()
  const radio = await target.evaluate(
    (element) => element.closest('label')?.querySelector('input[type=radio]') !== null,
  )
  if (radio) return byArrows(page, target)
  for (let tabs = 0; !(await hasFocus(target)); tabs++) {
    if (tabs === MOST_TABS) throw new Error(`${target} cannot be reached by Tab`)
    await page.keyboard.press('Tab')
  }
  await page.keyboard.press('Enter')
}

/** One of several: Tab goes to the group, an arrow from one to the next. */
async function byArrows(page: Page, label: Locator): Promise<void> {
  const isChosen = () => label.evaluate((element) => element.closest('label')?.querySelector('input')?.checked ?? false)
  const isInGroup = () => page.evaluate(() => document.activeElement?.closest('[role=radiogroup]') != null)
  for (let tabs = 0; !(await isInGroup()); tabs++) {
    if (tabs === MOST_TABS) throw new Error(`${label} cannot be reached by Tab`)
    await page.keyboard.press('Tab')
  }
  for (let arrows = 0; !(await isChosen()); arrows++) {
    if (arrows === MOST_TABS) throw new Error(`${label} cannot be chosen by arrow keys`)
    await page.keyboard.press('ArrowRight')
  }
  await page.keyboard.press('Tab')
}
