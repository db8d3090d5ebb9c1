/** What is true of every page: it can be read by everybody, in both languages, on a telephone, and is there at once. */
import { readdirSync } from 'node:fs'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { common } from '../../console/src/text/common.ts'
import { LANGUAGE_NAME, LANGUAGES, type Language, type TextTable } from '../../console/src/text/text.ts'
import {
  aConsole,
  type Console,
  describeConsole,
  expectAccessible,
  expectWithin,
  frameOf,
  settled,
} from '../support/a-console.ts'
import { aSmallWorld, type SmallWorld } from '../support/a-small-world.ts'

const READY_MS = 1_500
/** For a test that opens every page, one after the other. */
const ALL_PAGES_MS = 300_000
const MOST_SCRIPT_BYTES = 250_000
/** Pixels that a list takes where it is long, and the browser's bars are not laid over it. */
const SCROLLBAR = 15

describeConsole('every page', () => {
  let site: Console
  let world: SmallWorld
  beforeAll(async () => {
    site = await aConsole()
    world = await aSmallWorld(site.service)
  })
  afterAll(() => site?.close())

  const firstOf = async (kind: string): Promise<string> => (await site.service.get(`/v1/${kind}?limit=1`)).items[0].id
  const pages = async (): Promise<readonly string[]> => [
    '/',
    '/nics',
    '/nics?create=1',
    `/nics/${world.busyNic.id}`,
    '/servers',
    '/servers?create=1',
    `/servers/${world.servers['web-1']}`,
    '/networks',
    '/networks?create=1',
    `/networks/${world.networks.web}`,
    '/vpcs',
    `/vpcs/${world.vpcs.production}`,
    '/security-groups',
    `/security-groups/${world.groups.web}`,
    '/elastic-ips',
    '/reserved-addresses',
    '/hypervisors',
    '/jobs',
    `/jobs/${await firstOf('jobs')}`,
    '/events',
    '/access-keys',
    '/projects',
    '/no-such-page',
  ]

  it.each([
    ['en', 'light'],
    ['zh', 'dark'],
  ] as const)(
    'breaks no rule of WCAG 2.1 AA that axe-core can see, is all in one language, and has every table whole (%s, %s)',
    (language, colorScheme) =>
      site.visit({ language, colorScheme }, async (visit) => {
        const foreign = await wordsOfAnother(language)
        await visit.signIn()
        for (const url of await pages()) {
          await visit.open(url)
          await settled(visit.page)
          await expectAccessible(visit.page)
          // biome-ignore lint/performance/useDomNodeTextContent: what is seen, line by line
          const lines = (await visit.page.locator('body').innerText()).split('\n')
          expect(lines.filter(foreign), url).toEqual([])
          // In a window of 1440 pixels.
          expect(await visit.page.evaluate(tooWide), url).toEqual([])
        }
      }),
    ALL_PAGES_MS,
  )

  it(
    'fits a window of 360 pixels: only tables and pictures scroll sideways, inside themselves',
    () =>
      site.visit({ viewport: { width: 360, height: 740 } }, async (visit) => {
        await visit.signIn()
        for (const url of await pages()) {
          await visit.open(url)
          await settled(visit.page)
          const over = await visit.page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)
          expect(over, url).toBeLessThanOrEqual(0)
        }
      }),
    ALL_PAGES_MS,
  )

  it.each(LANGUAGES)(
    'of servers has its table whole in a window of 1280 pixels, bar of scrolling included (%s)',
    (language) =>
      site.visit({ language, viewport: { width: 1280 - SCROLLBAR, height: 900 } }, async (visit) => {
        await visit.signIn('/servers')
        await visit.page.getByText('web-1').first().waitFor()
        expect(await visit.page.evaluate(tooWide)).toEqual([])
      }),
  )

  it('is there in 1.5 s, with less than 250 kB of JavaScript', () =>
    site.visit({}, async (visit) => {
      await visit.signIn()
      const { page, t } = visit
      const showOverview = async () => {
        await visit.open('/')
        await frameOf(page, t).waitFor()
        await page.getByRole('heading', { level: 1, name: t(common.overview) }).waitFor()
        await page.getByText('web-1').first().waitFor()
      }
      await expectWithin('first view', READY_MS, async () => {
        // As for who comes for the first time: a page that was seen before has its scripts at hand.
        await visit.context.newCDPSession(page).then((cdp) => cdp.send('Network.clearBrowserCache'))
        const began = performance.now()
        await showOverview()
        return performance.now() - began
      })
      const scripts = new Map<string, Promise<Buffer>>()
      page.on('response', (answer) => {
        if (answer.request().resourceType() === 'script') scripts.set(answer.url(), answer.body())
      })
      await showOverview()
      const bodies = await Promise.all(scripts.values())
      const bytes = bodies.reduce((sum, body) => sum + gzipSync(body).length, 0)
      console.log(`first view: ${bodies.length} scripts, ${(bytes / 1000).toFixed(0)} kB gzip`)
      expect(bytes).toBeGreaterThan(0)
      expect(bytes).toBeLessThan(MOST_SCRIPT_BYTES)
    }))
})

/** In the page: what tables are called that are wider than what they stand in. */
function tooWide(): string[] {
  const isTooWide = (element: Element | null): boolean =>
    element !== null &&
    ((getComputedStyle(element).overflowX === 'auto' && element.scrollWidth > element.clientWidth) ||
      isTooWide(element.parentElement))
  return [...document.querySelectorAll('table')].filter(isTooWide).map((table) => table.ariaLabel ?? 'a table')
}

/**
 * Whether a line is of the other language. What people call their things is in any: so English words are foreign where
 * the console has them in its tables, and Chinese ones wherever they stand.
 */
async function wordsOfAnother(language: Language): Promise<(line: string) => boolean> {
  if (language === 'en') return (line) => /[\u4e00-\u9fff]/.test(line.replace(LANGUAGE_NAME.zh, ''))
  const folder = path.join(import.meta.dirname, '../../console/src/text')
  const files = readdirSync(folder).filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
  const tables = await Promise.all(files.map((file) => import(path.join(folder, file)) as Promise<object>))
  const english = new Set(
    tables
      .flatMap((table) => Object.values(table))
      .filter((table): table is TextTable => typeof table === 'object' && table !== null)
      .flatMap((table) => Object.values(table))
      .filter((text) => typeof text?.en === 'string' && text.en !== text.zh && / /.test(text.en))
      .map(({ en }) => en),
  )
  if (english.size < 100) throw new Error(`only ${english.size} English texts were found`)
  return (line) => english.has(line.trim())
}
