/** `npm run screenshots`: every view of the table, light and dark, as docs/screenshots/<name>-<light|dark>.png. */
import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import type { Locator } from 'playwright-core'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { common } from '../../console/src/text/common.ts'
import { shell } from '../../console/src/text/shell.ts'
import type { Language } from '../../console/src/text/text.ts'
import { aConsole, type Console, settled, type Visit } from '../support/a-console.ts'
import { aSmallWorld, type SmallWorld } from '../support/a-small-world.ts'

interface View {
  readonly name: string
  readonly path: (world: SmallWorld) => string
  /** What is there when the view is. */
  readonly waitFor: (visit: Visit, world: SmallWorld) => Locator
  readonly language?: Language
  readonly isSignedOut?: true
}

const heading = ({ page }: Visit, name: string): Locator => page.getByRole('heading', { name, level: 1 })

const VIEWS: readonly View[] = [
  {
    name: 'sign-in',
    path: () => '/',
    waitFor: ({ page, t }) => page.getByLabel(t(shell.accessKeyId)),
    isSignedOut: true,
  },
  { name: 'overview', path: () => '/', waitFor: (visit) => heading(visit, visit.t(common.overview)) },
  {
    name: 'nics',
    path: () => '/nics?state=in_use',
    waitFor: ({ page }) => page.getByRole('row').filter({ hasText: 'web-1' }).first(),
  },
  {
    name: 'nics-zh',
    language: 'zh',
    path: () => '/nics?state=in_use',
    waitFor: ({ page }) => page.getByRole('row').filter({ hasText: 'web-1' }).first(),
  },
  {
    name: 'nic',
    path: ({ busyNic }) => `/nics/${busyNic.id}`,
    waitFor: ({ page }, { busyNic }) => page.getByText(busyNic.address).first(),
  },
  { name: 'servers', path: () => '/servers', waitFor: ({ page }) => page.getByText('app-1').first() },
  {
    name: 'server',
    path: ({ servers }) => `/servers/${servers['app-1']}`,
    waitFor: (visit) => heading(visit, 'app-1'),
  },
  { name: 'networks', path: () => '/networks', waitFor: ({ page }) => page.getByText('172.16.2.0/24').first() },
  { name: 'network', path: ({ networks }) => `/networks/${networks.app}`, waitFor: (visit) => heading(visit, 'app') },
  { name: 'vpc', path: ({ vpcs }) => `/vpcs/${vpcs.production}`, waitFor: (visit) => heading(visit, 'production') },
  {
    name: 'security-group',
    path: ({ groups }) => `/security-groups/${groups.web}`,
    waitFor: (visit) => heading(visit, 'web'),
  },
  { name: 'elastic-ips', path: () => '/elastic-ips', waitFor: ({ page }) => page.getByText('www').first() },
  { name: 'jobs', path: () => '/jobs', waitFor: (visit) => heading(visit, visit.t(common.jobs)) },
  { name: 'events', path: () => '/events', waitFor: (visit) => heading(visit, visit.t(common.events)) },
]

const folder = path.join(import.meta.dirname, '../../docs/screenshots')

describe('screenshots', () => {
  let site: Console
  let world: SmallWorld
  beforeAll(async () => {
    await mkdir(folder, { recursive: true })
    site = await aConsole()
    world = await aSmallWorld(site.service)
  })
  afterAll(() => site?.close())

  for (const view of VIEWS) {
    for (const colorScheme of ['light', 'dark'] as const) {
      it(`${view.name}, ${colorScheme}`, () => picture(view, colorScheme))
    }
  }

  const picture = ({ name, language = 'en', isSignedOut, ...view }: View, colorScheme: 'light' | 'dark') =>
    site.visit({ language, colorScheme }, async (visit) => {
      const { page, signIn, open } = visit
      await (isSignedOut ? open : signIn)(view.path(world))
      await view.waitFor(visit, world).waitFor()
      await settled(page)
      await page.evaluate(() => document.fonts.ready.then(() => undefined))
      // Without a blinking caret, and with what fades in at its end.
      await page.screenshot({ path: path.join(folder, `${name}-${colorScheme}.png`), animations: 'disabled' })
    })
})
