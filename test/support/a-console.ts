/**
 * The console as a reader has it: Chromium in front of a running service. One service and one browser for a file of tests,
 * a new profile for each `visit`, which fails on whatever should not happen in any: an error that nobody caught, a line on
 * the console, something that the Content-Security-Policy refuses, a request to another host.
 */
import { mkdtemp, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { AxeResults } from 'axe-core'
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { expect } from 'vitest'
import { common } from '../../console/src/text/common.ts'
import { shell } from '../../console/src/text/shell.ts'
import { type Language, LOCALE, say, type Text, type Values } from '../../console/src/text/text.ts'
import type { AccessRole } from '../../src/domain/actor.ts'
import { aServiceWithEips, type ServiceWithEips } from './a-service-with-eips.ts'
import { whileTaken } from './given-time.ts'
import { madeWith } from './made-with.ts'
import { describeOnKernel } from './needs-root.ts'

/** How long a reader waits for anything. */
const PATIENCE_MS = 10_000
const VIEWPORT = { width: 1440, height: 900 }
const axeSource = readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** `describe` for tests with a browser. */
export const describeConsole = (name: string, tests: () => void): void =>
  describeOnKernel(name, tests, { 'chromium-headless-shell': 'chromium-headless-shell' })

export interface KeyPair {
  readonly access_key_id: string
  readonly secret_access_key: string
}

export interface VisitOptions extends Pick<BrowserContextOptions, 'viewport' | 'colorScheme' | 'reducedMotion'> {
  readonly language?: Language
  /** What may happen in this visit all the same, as part of the fault's words. */
  readonly expects?: readonly RegExp[]
}

export interface Visit {
  readonly page: Page
  readonly context: BrowserContext
  /** The words of a text of the console in the language of the visit. */
  t(text: Text, values?: Values): string
  /** Opens a path of the console. */
  open(path: string): Promise<void>
  /**
   * Opens a path of the console signed in, `/` unless said otherwise, and ends when the frame of the console is there. The
   * first time by the form; the session is then that of all visits of this role, for only so many may sign in within a
   * minute. A test that ends its session signs in by `fillSignIn`.
   */
  signIn(path?: string, role?: AccessRole): Promise<void>
}

export interface Console {
  /** For arrangement, and for what others do meanwhile: it calls as admin, with a bearer token. */
  readonly service: ServiceWithEips
  /** A visit in a profile of its own; afterwards nothing may have gone wrong in it. */
  visit(options: VisitOptions, act: (visit: Visit) => Promise<void>): Promise<void>
  /** The key that `signIn` uses for a role. */
  keyOf(role: AccessRole): Promise<KeyPair>
  close(): Promise<void>
}

export const aConsole = async (): Promise<Console> =>
  madeWith(await aServiceWithEips(), async (service) => {
    const browser = await launchBrowser()
    const keys = new Map<AccessRole, Promise<KeyPair>>()
    const sessions: Sessions = new Map()
    const keyOf = (role: AccessRole): Promise<KeyPair> => {
      const key = keys.get(role) ?? service.post('/v1/access-keys', { name: `test ${role}`, role })
      keys.set(role, key)
      return key
    }
    return {
      service,
      keyOf,
      visit: (options, act) => visit({ browser, url: service.url, keyOf, sessions }, options, act),
      close: async () => {
        await browser.close()
        await service.dispose()
      },
    }
  })

/** Debian's Chromium without its windows, which is a quarter faster, and without whatever it does for itself on the network. */
export const launchBrowser = (): Promise<Browser> =>
  chromium.launch({
    executablePath: '/usr/bin/chromium-headless-shell',
    args: [
      // The tests run as root, for whom it has no sandbox.
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })

/** The cookies of those who have signed in. */
type Sessions = Map<AccessRole, Awaited<ReturnType<BrowserContext['cookies']>>>

async function visit(
  site: { browser: Browser; url: string; keyOf: Console['keyOf']; sessions: Sessions },
  { language = 'en', expects = [], viewport = VIEWPORT, ...options }: VisitOptions,
  act: (visit: Visit) => Promise<void>,
): Promise<void> {
  const context = await site.browser.newContext({
    baseURL: site.url,
    locale: LOCALE[language],
    viewport,
    ...options,
  })
  context.setDefaultTimeout(PATIENCE_MS)
  const faults = watch(context, site.url)
  const page = await context.newPage()
  const t: Visit['t'] = (text, values) => say(text, language, values)
  try {
    await act({
      page,
      context,
      t,
      open: async (url) => void (await page.goto(url)),
      signIn: async (path = '/', role = 'admin') => {
        const cookies = site.sessions.get(role)
        if (cookies) await context.addCookies(cookies)
        await page.goto(path)
        if (!cookies) await fillSignIn(page, t, await site.keyOf(role))
        await frameOf(page, t).waitFor()
        site.sessions.set(role, await context.cookies())
      },
    })
    // What the last act set off may still be on its way.
    await page.evaluate(() => new Promise(requestAnimationFrame))
  } catch (error) {
    throw new Error(`${await seen(page)}${listed(faults)}`, { cause: error })
  } finally {
    await context.close()
  }
  const unexpected = faults.filter((fault) => !expects.some((pattern) => pattern.test(fault)))
  if (unexpected.length > 0) throw new Error(`nothing should go wrong in a visit, and this did:${listed(unexpected)}`)
}

/** Fills in the form and sends it; what comes of it is not waited for. */
export async function fillSignIn(page: Page, t: Visit['t'], key: KeyPair): Promise<void> {
  await page.getByLabel(t(shell.accessKeyId)).fill(key.access_key_id)
  await page.getByLabel(t(shell.secretAccessKey)).fill(key.secret_access_key)
  await page.getByRole('button', { name: t(shell.signIn), exact: true }).click()
}

/** Where one is signed in, in a window of any width. */
export const frameOf = (page: Page, t: Visit['t']) => page.getByRole('link', { name: t(shell.skipToContent) })

const listed = (faults: readonly string[]): string => faults.map((fault) => `\n- ${fault}`).join('')

/** What was on the page when a test failed, as words and as a picture. */
async function seen(page: Page): Promise<string> {
  try {
    const file = path.join(await mkdtemp(path.join(tmpdir(), 'patchbay-console-')), 'page.png')
    await page.screenshot({ path: file })
    return `at ${page.url()}, see ${file}:\n${await page.locator('body').ariaSnapshot()}\n`
  } catch (error) {
    return `(the page cannot be shown: ${error})\n`
  }
}

/** Collects what should not happen in any visit. */
function watch(context: BrowserContext, url: string): string[] {
  const faults: string[] = []
  context.on('weberror', (error) => faults.push(`not caught: ${error.error().stack ?? error.error()}`))
  context.on('console', (message) => {
    // A refusal is an answer, and how the page takes it is what the tests look at.
    const isRefusal = /^Failed to load resource: the server responded with a status of 4/.test(message.text())
    if (message.type() === 'error' && !isRefusal) faults.push(`console: ${message.text()} (${message.location().url})`)
  })
  context.on('request', (request) => {
    const { protocol, origin } = new URL(request.url())
    if (['http:', 'https:', 'ws:', 'wss:'].includes(protocol) && origin !== url)
      faults.push(`request to another host: ${request.url()}`)
  })
  return faults
}

/** Counts how often a button of the mouse goes down from now on, pages that are loaded anew included. */
export async function countClicks(page: Page): Promise<() => Promise<number>> {
  let clicks = 0
  await page.exposeFunction('toldOfClick', () => {
    clicks += 1
  })
  const listen = () => {
    const { toldOfClick } = window as unknown as { toldOfClick: () => void }
    window.addEventListener('mousedown', () => toldOfClick(), { capture: true })
  }
  await page.addInitScript(listen)
  await page.evaluate(listen)
  return async () => {
    await page.evaluate(() => undefined) // what the page told before this has arrived then
    return clicks
  }
}

/**
 * Expects something to take less than a time, in one of a few measurements: what else the machine has to do only ever adds
 * to it. When its host never gave it all its time, that which was taken does not count.
 * @param measure - does it anew, and tells how long it took in milliseconds.
 */
export async function expectWithin(what: string, limitMs: number, measure: () => Promise<number>): Promise<void> {
  const times: string[] = []
  let isWithin = false
  let isExcused = false
  while (times.length < MOST_TIMES && !isWithin) {
    const { result: ms, taken } = await whileTaken(measure)
    times.push(taken > 0.01 ? `${ms.toFixed(0)} (${(taken * 100).toFixed(0)} % of the time taken)` : ms.toFixed(0))
    isWithin = ms < limitMs
    isExcused ||= ms * (1 - taken) < limitMs
  }
  const told = `${what}, in ms: ${times.join(', ')}`
  console.log(told)
  expect(isWithin || isExcused, `${told}; limit ${limitMs}`).toBe(true)
}
const MOST_TIMES = 8

/** Ends when all that the page asks for is there. */
export async function settled(page: Page): Promise<void> {
  await page.getByRole('heading').first().waitFor()
  const isLoading = Object.values(common.loading)
  await page.waitForFunction((words) => {
    // biome-ignore lint/performance/useDomNodeTextContent: what is seen, line by line
    const lines = document.body.innerText.split('\n')
    return !lines.some((line) => words.includes(line))
  }, isLoading)
}

/** Fails when the page, as it is now, breaks a rule of WCAG 2.1 A or AA that axe-core can see. */
export async function expectAccessible(page: Page): Promise<void> {
  // Colours on their way from one to another are neither.
  await page.evaluate(async () => {
    const ending = document.getAnimations().filter(({ effect }) => effect?.getComputedTiming().endTime !== Infinity)
    await Promise.allSettled(ending.map(({ finished }) => finished))
  })
  await page.evaluate(await axeSource)
  const { violations } = await page.evaluate(() => {
    const { axe } = window as unknown as { axe: { run(context: object, options: object): Promise<AxeResults> } }
    // What React Aria has a screen reader say stays a few seconds, and may by then name what is no longer there.
    return axe.run(document.querySelector('[data-live-announcer]') ? { exclude: '[data-live-announcer]' } : document, {
      runOnly: { type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'] },
      resultTypes: ['violations'],
    })
  })
  if (violations.length === 0) return
  const said = violations.map(({ id, help, helpUrl, nodes }) =>
    [
      `${id}: ${help} (${helpUrl})`,
      ...nodes.map(({ html, failureSummary }) => `  ${html}\n    ${failureSummary}`),
    ].join('\n'),
  )
  throw new Error(`${page.url()} is not accessible:\n${said.join('\n')}`)
}
