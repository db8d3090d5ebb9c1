/** What every other test of the console relies on: that a visit in which something goes wrong is a failed one. */
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { aConsole, type Console, countClicks, describeConsole, expectAccessible } from '../support/a-console.ts'

describeConsole('a visit', () => {
  let site: Console
  beforeAll(async () => {
    site = await aConsole()
  })
  afterAll(() => site?.close())

  /** What a visit says that went wrong when this is done in the page. */
  const faultsOf = (act: (page: Page) => Promise<unknown>) =>
    site
      .visit({}, async ({ page, open }) => {
        await open('/')
        await act(page)
        await page.waitForTimeout(300) // for what nobody waits for
      })
      .then(
        () => 'nothing',
        (error: Error) => `${error.message}${error.cause ?? ''}`,
      )

  it('in which nothing goes wrong is a good one', async () => {
    expect(await faultsOf(async () => undefined)).toBe('nothing')
  })

  it('fails on an error that nobody caught, and on one that is only logged', async () => {
    const throws = () => void setTimeout(() => Promise.reject(new Error('lost')))
    expect(await faultsOf((page) => page.evaluate(throws))).toContain('not caught: Error: lost')
    expect(await faultsOf((page) => page.evaluate(() => console.error('oh')))).toContain('console: oh')
  })

  it('fails on what the policy refuses: styles and scripts inside the page, and other hosts', async () => {
    const styles = () => document.body.setAttribute('style', 'color: red')
    expect(await faultsOf((page) => page.evaluate(styles))).toContain('Content Security Policy')
    const scripts = () => {
      const script = document.createElement('script')
      script.textContent = 'document.title = "not ours"'
      document.head.append(script)
      return document.title
    }
    expect(await faultsOf(async (page) => expect(await page.evaluate(scripts)).not.toBe('not ours'))).toContain(
      'Content Security Policy',
    )
    const asksElsewhere = () => {
      new Image().src = 'http://example.invalid/picture.png'
    }
    expect(await faultsOf((page) => page.evaluate(asksElsewhere))).toContain(
      'request to another host: http://example.invalid/picture.png',
    )
  })

  it('takes a refusal of the API for an answer', async () => {
    const refused = () => fetch('/v1/nics', { headers: { authorization: 'Bearer wrong' } }).then(({ status }) => status)
    expect(await faultsOf(async (page) => expect(await page.evaluate(refused)).toBe(401))).toBe('nothing')
  })

  it('fails on what a screen reader cannot tell, and nobody can read', async () => {
    const worsen = () => {
      const image = document.createElement('img')
      image.src = 'data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA='
      const text = document.createElement('p')
      text.textContent = 'grey on white'
      text.style.cssText = 'color: #ccc; background: #fff'
      document.body.append(image, text)
    }
    const faults = await faultsOf(async (page) => {
      await page.evaluate(worsen)
      await expectAccessible(page)
    })
    expect(faults).toContain('image-alt: Images must have alternative text')
    expect(faults).toContain('color-contrast')
  })

  it('counts how often the mouse was pressed, before and after a page is loaded anew', () =>
    site.visit({}, async ({ page, open }) => {
      await open('/')
      const clicks = await countClicks(page)
      await page.locator('body').click()
      await page.reload()
      await page.locator('body').dblclick()
      await page.keyboard.press('Enter')
      expect(await clicks()).toBe(3)
    }))
})
