/** What is true of every page: it can be read by everybody, in both languages, on a telephone, and is there at once. */
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { common } from '../../console/src/text/common.ts'
import { LANGUAGES } from '../../console/src/text/text.ts'
import { aConsole, type Console, describeConsole, expectAccessible, frameOf } from '../support/a-console.ts'
import { aSmallWorld, type SmallWorld } from '../support/a-small-world.ts'

const READY_MS = 1_500
const MOST_SCRIPT_BYTES = 250_000

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
  ] as const)('breaks no rule of WCAG 2.1 AA that axe-core can see (%s, %s)', (language, colorScheme) =>
    site.visit({ language, colorScheme }, async (visit) => {
      await visit.signIn()
      for (const path of await pages()) {
        await visit.open(path)
        await settled(visit.page)
        await expectAccessible(visit.page)
      }
    }),
  )

  it('fits a window of 360 pixels: only tables and pictures scroll sideways, inside themselves', () =>
    site.visit({ viewport: { width: 360, height: 740 } }, async (visit) => {
      await visit.signIn()
      for (const path of await pages()) {
        await visit.open(path)
        await settled(visit.page)
        const over = await visit.page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)
        expect(over, path).toBeLessThanOrEqual(0)
      }
    }))

  it('has no English words on it in Chinese, and none in Chinese in English', () =>
    Promise.all(
      LANGUAGES.map((language) =>
        site.visit({ language }, async (visit) => {
          await visit.signIn()
          const foreign = language === 'en' ? /[\u4e00-\u9fff]/ : FRAGMENT_OF_ENGLISH
          for (const path of await pages()) {
            await visit.open(path)
            await settled(visit.page)
            // biome-ignore lint/performance/useDomNodeTextContent: what is seen, line by line
            const words = await visit.page.locator('main').first().innerText()
            expect(
              words.split('\n').filter((line) => foreign.test(line)),
              path,
            ).toEqual([])
          }
        }),
      ),
    ))

  it('is there in 1.5 s, with less than 250 kB of JavaScript', () =>
    site.visit({}, async (visit) => {
      await visit.signIn()
      const { page, t } = visit
      const scripts = new Map<string, Promise<Buffer>>()
      page.on('response', (answer) => {
        if (answer.request().resourceType() === 'script') scripts.set(answer.url(), answer.body())
      })
      const began = performance.now()
      await visit.open('/')
      await frameOf(page, t).waitFor()
      await page.getByRole('heading', { level: 1, name: t(common.overview) }).waitFor()
      await page.getByText('web-1').first().waitFor()
      const ms = performance.now() - began
      const bodies = await Promise.all(scripts.values())
      const bytes = bodies.reduce((sum, body) => sum + gzipSync(body).length, 0)
      console.log(`first view: ${ms.toFixed(0)} ms, ${bodies.length} scripts, ${(bytes / 1000).toFixed(0)} kB gzip`)
      expect(bytes).toBeGreaterThan(0)
      expect(bytes).toBeLessThan(MOST_SCRIPT_BYTES)
      expect(ms).toBeLessThan(READY_MS)
    }))
})

/** Three English words in a row are a sentence that nobody translated; names and commands are shorter. */
const FRAGMENT_OF_ENGLISH = /\b[a-z]{2,} [a-z]{2,} [a-z]{2,}\b/

/** All that the page asks for is there. */
async function settled(page: Parameters<typeof expectAccessible>[0]): Promise<void> {
  await page.getByRole('heading').first().waitFor()
  // biome-ignore lint/performance/useDomNodeTextContent: what is seen, line by line
  await page.waitForFunction(() => !/^(Loading…|加载中…)$/m.test(document.body.innerText))
}
