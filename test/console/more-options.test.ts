import type { Locator } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { common } from '../../console/src/text/common.ts'
import { networks } from '../../console/src/text/networks.ts'
import { nics } from '../../console/src/text/nics.ts'
import { problems } from '../../console/src/text/problems.ts'
import { servers } from '../../console/src/text/servers.ts'
import type { Text } from '../../console/src/text/text.ts'
import { aConsole, type Console, describeConsole, expectAccessible, type Visit } from '../support/a-console.ts'

/** More than the value of a tag may have, which only the service says. */
const TOO_LONG = 'x'.repeat(256)

describeConsole('more options of a form', () => {
  let site: Console
  let vpc: { id: string }
  beforeAll(async () => {
    site = await aConsole()
    vpc = await site.service.post('/v1/vpcs', { name: 'main', cidr: '172.16.0.0/16' })
    await site.service.post('/v1/networks', {
      name: 'there',
      vpc_id: vpc.id,
      cidr: '172.16.1.0/24',
      ipv6_cidr: 'fd00:0:0:1::/64',
    })
  })
  afterAll(() => site?.close())

  const dialog = ({ page }: Visit) => page.getByRole('dialog')
  const field = (visit: Visit, label: Text) => dialog(visit).getByLabel(visit.t(label))
  const submit = (visit: Visit) => dialog(visit).locator('button[type=submit]')
  const more = (visit: Visit) => dialog(visit).getByText(visit.t(common.moreOptions), { exact: true })
  const opened = async (visit: Visit, path: string, create: Text) => {
    await visit.signIn(path)
    await visit.page
      .getByRole('main')
      .getByRole('button', { name: visit.t(create), exact: true })
      .first()
      .click()
    await field(visit, common.name).first().fill('new')
  }
  /** All of it, and nothing before it: in a dialog what is beyond the part that scrolls is behind the buttons. */
  const seen = (words: Locator) =>
    expect
      .poll(() =>
        words.evaluate((element) => {
          const { left, top, bottom } = element.getBoundingClientRect()
          return [top + 2, bottom - 2].every((y) => element.contains(document.elementFromPoint(left + 2, y)))
        }),
      )
      .toBe(true)
  /** Fills in one of them, and closes them over it. */
  const fillInside = async (visit: Visit, label: Text, value: string) => {
    await more(visit).click()
    await field(visit, label).fill(value)
    await more(visit).click()
    await field(visit, label).waitFor({ state: 'hidden' })
  }

  it('keep a security group that was deleted meanwhile, say so at it, and let it be left out', () =>
    site.visit({}, async (visit) => {
      const group = await site.service.post('/v1/security-groups', { name: 'short-lived' })
      await opened(visit, '/nics', nics.create)
      await more(visit).click()
      const box = (name: string) => dialog(visit).getByRole('checkbox', { name, exact: true })
      await box('short-lived').check({ force: true })
      await site.service.call('DELETE', `/v1/security-groups/${group.id}`)
      const gone = box(visit.t(nics.groupGone, { id: group.id }))
      await gone.waitFor()
      expect(await gone.isChecked()).toBe(true)
      await more(visit).click()
      await submit(visit).click()
      await seen(dialog(visit).getByText(`security group ${group.id} not found`))
      expect(await gone.getAttribute('aria-invalid')).toBe('true')
      await expectAccessible(visit.page)
      await gone.click({ force: true })
      await gone.waitFor({ state: 'detached' })
      await submit(visit).click()
      await dialog(visit).waitFor({ state: 'detached' })
    }))

  // The network last: while there is one, the others have it chosen.
  const REFUSED: readonly (readonly [path: string, create: Text, label: Text, value: string, words: RegExp])[] = [
    ['/nics', nics.create, common.tags, `long=${TOO_LONG}`, /long: .*255/],
    ['/servers', servers.create, common.tags, `long=${TOO_LONG}`, /long: .*255/],
    ['/networks', networks.create, networks.ipv6Range, 'fd00:0:0:1::/64', /ipv6_cidr is that of another network/],
  ]
  it.each(REFUSED)('open when the service refuses a field of theirs (%s)', (path, create, label, value, words) =>
    site.visit({}, async (visit) => {
      await opened(visit, path, create)
      await fillInside(visit, label, value)
      await submit(visit).click()
      await seen(dialog(visit).getByText(words))
      expect(await field(visit, label).inputValue()).toBe(value)
      expect(await field(visit, label).getAttribute('aria-invalid')).toBe('true')
      await expectAccessible(visit.page)
      // Whoever closes them over it is brought back to it, and what is put right can be sent.
      await more(visit).click()
      await field(visit, label).waitFor({ state: 'hidden' })
      await submit(visit).click()
      await field(visit, label).waitFor()
      await field(visit, label).fill('')
      await submit(visit).click()
      await dialog(visit).waitFor({ state: 'detached' })
    }),
  )

  it('open and close by keyboard, and keep what was filled in', () =>
    site.visit({}, async (visit) => {
      await opened(visit, '/networks', networks.create)
      await more(visit).focus()
      await more(visit).press('Enter')
      await field(visit, common.description).fill('kept')
      await expectAccessible(visit.page)
      await more(visit).press('Space')
      await field(visit, common.description).waitFor({ state: 'hidden' })
      // What is closed is no stop of the keyboard's.
      await visit.page.keyboard.press('Tab')
      expect(await visit.page.evaluate(() => document.activeElement?.closest('footer') !== null)).toBe(true)
      await expectAccessible(visit.page)
      await submit(visit).click()
      await visit.page.getByRole('heading', { level: 1, name: 'new' }).waitFor()
      await visit.page.getByText('kept', { exact: true }).waitFor()
    }))

  it('open when the form finds a field of theirs wrong, which has the focus then', () =>
    site.visit({}, async (visit) => {
      await opened(visit, '/networks', networks.create)
      await fillInside(visit, networks.lease, '5')
      await submit(visit).click()
      const lease = field(visit, networks.lease)
      await lease.waitFor()
      await seen(dialog(visit).getByText(visit.t(common.mustBeNumber, { min: 120, max: 31_536_000 })))
      expect(await lease.evaluate((element) => element === document.activeElement)).toBe(true)
    }))

  it('say in Chinese too what the service refused', () =>
    site.visit({ language: 'zh' }, async (visit) => {
      await opened(visit, '/networks', networks.create)
      await fillInside(visit, networks.ipv6Range, 'fd00:0:0:1::/64')
      await submit(visit).click()
      await field(visit, networks.ipv6Range).waitFor()
      await expect.poll(() => dialog(visit).getByText(visit.t(problems.cidr_overlaps)).count()).toBe(2)
    }))
})
