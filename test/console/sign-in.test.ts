import { afterAll, beforeAll, expect, it } from 'vitest'
import { common } from '../../console/src/text/common.ts'
import { problems } from '../../console/src/text/problems.ts'
import { shell } from '../../console/src/text/shell.ts'
import { LANGUAGE_NAME, LANGUAGES } from '../../console/src/text/text.ts'
import { vpcs } from '../../console/src/text/vpcs.ts'
import {
  aConsole,
  type Console,
  describeConsole,
  expectAccessible,
  fillSignIn,
  frameOf,
  type KeyPair,
  type Visit,
} from '../support/a-console.ts'

/** A stream of a session that has ended is closed within 15 s. */
const STREAM_ENDS_MS = 20_000

describeConsole('signing in', () => {
  let site: Console
  let key: KeyPair
  beforeAll(async () => {
    site = await aConsole()
    key = await site.keyOf('admin')
  })
  afterAll(() => site?.close())

  const signInButton = ({ page, t }: Visit) => page.getByRole('button', { name: t(shell.signIn), exact: true })
  /** Ends the session from elsewhere: the page does not know, and still has its cookie. */
  const endSession = async ({ context }: Visit) => {
    const [cookie] = await context.cookies()
    const answer = await fetch(`${site.service.url}/v1/session`, {
      method: 'DELETE',
      headers: { cookie: `${cookie?.name}=${cookie?.value}` },
    })
    expect(answer.status).toBe(204)
  }

  it.each(LANGUAGES)('by the form leads to the console, in the language of the browser (%s)', (language) =>
    site.visit({ language }, async ({ page, t, open }) => {
      await open('/')
      expect(await page.locator('html').getAttribute('lang')).toMatch(new RegExp(`^${language}`))
      await expectAccessible(page)
      await fillSignIn(page, t, key)
      await frameOf(page, t).waitFor()
      await page.getByRole('navigation', { name: t(shell.mainNavigation) }).waitFor()
      expect(await page.getByLabel(t(shell.secretAccessKey)).count()).toBe(0)
    }),
  )

  it('gives the session to the browser alone: no script can read its cookie', () =>
    site.visit({}, async (visit) => {
      await visit.signIn()
      const cookies = await visit.context.cookies()
      expect(cookies).toHaveLength(1)
      expect(cookies[0]).toMatchObject({ name: 'patchbay_session', httpOnly: true, sameSite: 'Strict', path: '/' })
      expect(await visit.page.evaluate(() => document.cookie)).toBe('')
      const stored = await visit.page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]))
      for (const secret of [cookies[0]?.value, key.secret_access_key]) expect(stored).not.toContain(secret)
    }))

  it.each(LANGUAGES)('with a wrong key is refused in the form, which keeps what was typed (%s)', (language) =>
    site.visit({ language }, async (visit) => {
      const { page, t, open } = visit
      await open('/')
      await fillSignIn(page, t, { ...key, secret_access_key: 'wrong' })
      const refusal = page.getByRole('alert')
      await refusal.waitFor()
      expect(await refusal.textContent()).toContain(t(problems.unauthorized))
      expect(await page.getByLabel(t(shell.accessKeyId)).inputValue()).toBe(key.access_key_id)
      await expectAccessible(page)
      await fillSignIn(page, t, key)
      await frameOf(page, t).waitFor()
    }),
  )

  it('asks for both parts of a key before it asks the service', () =>
    site.visit({}, async (visit) => {
      const { page, t, open } = visit
      let asked = 0
      await open('/')
      page.on('request', (request) => {
        if (request.method() === 'POST') asked += 1
      })
      await signInButton(visit).click()
      const id = page.getByLabel(t(shell.accessKeyId))
      expect(await id.evaluate((input) => input.matches(':invalid') && document.activeElement === input)).toBe(true)
      expect(asked).toBe(0)
    }))

  it('is done by keyboard alone', () =>
    site.visit({}, async ({ page, t, open }) => {
      await open('/')
      await page.getByLabel(t(shell.accessKeyId)).waitFor()
      await page.keyboard.type(key.access_key_id)
      await page.keyboard.press('Tab')
      await page.keyboard.type(key.secret_access_key)
      await page.keyboard.press('Enter')
      await frameOf(page, t).waitFor()
    }))

  it('leads to the page that was asked for, and a reload stays there', () =>
    site.visit({}, async ({ page, t, open }) => {
      await open('/networks?search=web')
      await fillSignIn(page, t, key)
      await frameOf(page, t).waitFor()
      expect(new URL(page.url()).pathname).toBe('/networks')
      await page.reload()
      await frameOf(page, t).waitFor()
      expect(new URL(page.url()).pathname).toBe('/networks')
    }))

  it('takes another language before and after', () =>
    site.visit({ language: 'en' }, async ({ page, open }) => {
      await open('/')
      await page.getByRole('button', { name: LANGUAGE_NAME.zh }).click()
      await page.getByRole('button', { name: shell.signIn.zh, exact: true }).waitFor()
      await page.reload()
      await page.getByRole('button', { name: shell.signIn.zh, exact: true }).waitFor()
      expect(await page.locator('html').getAttribute('lang')).toBe('zh-CN')
    }))

  it('ends by signing out: the session is over, and the form is back', () =>
    site.visit({}, async (visit) => {
      const { page, t, open, context } = visit
      await open('/')
      await fillSignIn(page, t, key)
      await page.getByRole('button', { name: t(shell.account) }).click()
      const [cookie] = await context.cookies()
      await page.getByRole('menuitem', { name: t(shell.signOut) }).click()
      await signInButton(visit).waitFor()
      expect(await context.cookies()).toEqual([])
      const headers = { cookie: `${cookie?.name}=${cookie?.value}` }
      expect((await fetch(`${site.service.url}/v1/session`, { headers })).status).toBe(401)
      await page.goBack().catch(() => undefined)
      await open('/nics')
      await signInButton(visit).waitFor()
    }))

  it('again after the session has ended leads back to where one was', () =>
    site.visit({}, async (visit) => {
      const { page, t, open } = visit
      const search = () => page.getByRole('main').getByRole('searchbox')
      await open('/networks')
      await fillSignIn(page, t, key)
      await search().fill('what I was about to look for')
      await endSession(visit)
      // Nothing is asked of the service meanwhile: it closes the stream of events.
      await page.getByText(t(shell.sessionEnded)).waitFor({ timeout: STREAM_ENDS_MS })
      await expectAccessible(page)
      await fillSignIn(page, t, key)
      await page.getByText(t(shell.sessionEnded)).waitFor({ state: 'detached' })
      expect(new URL(page.url()).pathname).toBe('/networks')
      expect(await search().inputValue()).toBe('what I was about to look for')
    }))

  it('again while a dialog is open is possible, and the dialog is then as it was', () =>
    site.visit({}, async (visit) => {
      const { page, t, open } = visit
      await open('/vpcs')
      await fillSignIn(page, t, key)
      await page
        .getByRole('main')
        .getByRole('button', { name: t(vpcs.create), exact: true })
        .first()
        .click()
      const form = page.getByRole('dialog', { name: t(vpcs.create) })
      await form.getByRole('textbox', { name: t(common.name), exact: true }).fill('typed before')
      await endSession(visit)
      await form.locator('button[type=submit]').click()
      await page.getByText(t(shell.sessionEnded)).waitFor()
      await expectAccessible(page)
      await page.keyboard.press('Escape')
      await fillSignIn(page, t, key)
      await page.getByText(t(shell.sessionEnded)).waitFor({ state: 'detached' })
      expect(await form.getByRole('textbox', { name: t(common.name), exact: true }).inputValue()).toBe('typed before')
      await form.locator('button[type=submit]').click()
      await form.waitFor({ state: 'detached' })
      expect((await site.service.get('/v1/vpcs?name=typed%20before')).items).toHaveLength(1)
    }))

  it('as somebody else in another tab is that here too, for both have one cookie', () =>
    site.visit({}, async (visit) => {
      const { page, t, open, context } = visit
      await open('/')
      await fillSignIn(page, t, key)
      await page
        .getByRole('button', { name: t(shell.account) })
        .filter({ hasText: 'test admin' })
        .waitFor()
      const other = await context.newPage()
      await other.goto('/')
      await other.getByRole('button', { name: t(shell.account) }).click()
      await other.getByRole('menuitem', { name: t(shell.signOut) }).click()
      await page.getByText(t(shell.sessionEnded)).waitFor()
      await fillSignIn(other, t, await site.keyOf('reader'))
      await page.getByText(t(shell.sessionEnded)).waitFor({ state: 'detached' })
      await page
        .getByRole('button', { name: t(shell.account) })
        .filter({ hasText: 'test reader' })
        .waitFor()
    }))

  it('stays so when the service does not answer to signing out, and says it', () =>
    site.visit({ expects: [/Failed to load resource/] }, async (visit) => {
      const { page, t, open } = visit
      await open('/')
      await fillSignIn(page, t, key)
      await page.route('**/v1/session', (route) => route.abort('connectionfailed'), { times: 1 })
      await page.getByRole('button', { name: t(shell.account) }).click()
      await page.getByRole('menuitem', { name: t(shell.signOut) }).click()
      await page.getByText(t(shell.notSignedOut)).waitFor()
      await frameOf(page, t).waitFor()
    }))

  it('fits a telephone', () =>
    site.visit({ viewport: { width: 360, height: 640 } }, async (visit) => {
      await visit.open('/')
      await signInButton(visit).waitFor()
      const overflow = await visit.page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)
      expect(overflow).toBeLessThanOrEqual(0)
      await visit.signIn()
    }))
})
