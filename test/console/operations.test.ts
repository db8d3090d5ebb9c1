import { afterAll, beforeAll, expect, it } from 'vitest'
import { accessKeys } from '../../console/src/text/access-keys.ts'
import { common } from '../../console/src/text/common.ts'
import { elasticIps } from '../../console/src/text/elastic-ips.ts'
import { events, eventTypes } from '../../console/src/text/events.ts'
import { hypervisors } from '../../console/src/text/hypervisors.ts'
import { jobs, stepNames } from '../../console/src/text/jobs.ts'
import { networks } from '../../console/src/text/networks.ts'
import { nics } from '../../console/src/text/nics.ts'
import { projects } from '../../console/src/text/projects.ts'
import { reservedAddresses } from '../../console/src/text/reserved-addresses.ts'
import { securityGroups } from '../../console/src/text/security-groups.ts'
import { servers } from '../../console/src/text/servers.ts'
import { shell } from '../../console/src/text/shell.ts'
import { jobActions, jobStates } from '../../console/src/text/states.ts'
import { LANGUAGES, type Text } from '../../console/src/text/text.ts'
import { vpcs } from '../../console/src/text/vpcs.ts'
import { aConsole, type Console, describeConsole, expectAccessible, type Visit } from '../support/a-console.ts'
import { until } from '../support/until.ts'

/** A machine that is not there: to adopt it is tried six times, within some 16 s. */
const GHOST = '/run/patchbay-no-such-machine.sock'

describeConsole('operations', () => {
  let site: Console
  let failing: { id: string; server_id: string }
  beforeAll(async () => {
    site = await aConsole()
    const { body } = await site.service.call('POST', '/v1/servers', {
      name: 'ghost',
      guest: 'qemu',
      qmp_socket: GHOST,
      hypervisor_id: 'hv-local',
    })
    failing = body
  })
  afterAll(() => site?.close())

  const heading = ({ page, t }: Visit, text: Text) => page.getByRole('heading', { name: t(text), level: 1 })
  const button = ({ page, t }: Visit, text: Text) => page.getByRole('button', { name: t(text), exact: true })
  const region = ({ page, t }: Visit, text: Text) => page.getByRole('region', { name: t(text), exact: true })

  it.each(LANGUAGES)('what happens is told in words, on top, as it happens (%s)', (language) =>
    site.visit({ language }, async (visit) => {
      const { page, t } = visit
      const name = `told-${language}`
      await visit.signIn('/events')
      await heading(visit, common.events).waitFor()
      const vpc = await site.service.post('/v1/vpcs', {
        name,
        cidr: language === 'en' ? '172.21.0.0/16' : '172.22.0.0/16',
      })
      const told = page
        .getByRole('row')
        .filter({ hasText: t(eventTypes['vpc.created']) })
        .filter({ hasText: name })
      await until('the event to be told', () => told.isVisible(), 3_000)
      expect(await told.getByRole('link', { name }).getAttribute('href')).toBe(`/vpcs/${vpc.id}`)
      expect(await told.textContent()).toContain('first admin')
      // None of them is shown as the service calls it.
      const kinds = await page.locator('[role=row] [data-tone]').allTextContents()
      expect(kinds.filter((words) => /^\w+\.\w+$/.test(words))).toEqual([])
      await expectAccessible(page)
    }),
  )

  it('who had an address is asked by the address', () =>
    site.visit({}, async (visit) => {
      const { page, t } = visit
      const vpc = await site.service.post('/v1/vpcs', { name: 'had', cidr: '172.23.0.0/16' })
      const network = await site.service.post('/v1/networks', { name: 'had', vpc_id: vpc.id, cidr: '172.23.1.0/24' })
      const nic = await site.service.post('/v1/nics', { network_id: network.id, address: '172.23.1.77' })
      expect((await site.service.call('DELETE', `/v1/nics/${nic.id}`)).status).toBe(204)
      await visit.signIn('/events')
      await page.getByRole('searchbox', { name: t(events.searchHint) }).fill('172.23.1.77')
      await page.getByText(t(events.whoHad, { address: '172.23.1.77' })).waitFor()
      await page
        .getByRole('row')
        .filter({ hasText: t(eventTypes['nic.deleted']) })
        .waitFor()
      const rows = await page.getByRole('row').allTextContents()
      expect(rows.slice(1).every((row) => row.includes(nic.id))).toBe(true)
      expect(new URL(page.url()).searchParams.get('search')).toBe('172.23.1.77')
    }))

  it('an access key is made, shown once, works, and is deleted', () =>
    site.visit({}, async (visit) => {
      const { page, t } = visit
      await visit.signIn('/access-keys')
      await button(visit, accessKeys.createKey).click()
      await page.getByRole('textbox', { name: t(common.name) }).fill('backup script')
      await page.getByRole('radio', { name: t(shell.reader) }).check({ force: true })
      await button(visit, common.create).click()

      const once = page.getByRole('alertdialog', { name: t(accessKeys.created) })
      await once.waitFor()
      const [id = '', secret = '', token = ''] = await once.getByRole('definition').allTextContents()
      const asked = () =>
        fetch(`${site.service.url}/v1/session`, { headers: { authorization: `Bearer ${token}` } }).then((answer) =>
          answer.json(),
        )
      expect(await asked()).toMatchObject({ access_key_id: id, name: 'backup script', role: 'reader' })
      // It is not lost by a click beside it, nor by Escape alone.
      await page.mouse.click(5, 5)
      await once.press('Escape')
      await once.getByText(t(accessKeys.notKept)).waitFor()
      await expectAccessible(page)
      await button(visit, accessKeys.kept).click()
      await once.waitFor({ state: 'detached' })
      for (const shownOnce of [secret, token]) expect(await page.content()).not.toContain(shownOnce)

      await page
        .getByRole('row')
        .filter({ hasText: id })
        .getByRole('button', { name: /^Delete/ })
        .click()
      const question = page.getByRole('alertdialog', { name: t(accessKeys.deleteKey) })
      expect(await question.textContent()).toContain('backup script')
      await question.getByRole('button', { name: t(common.delete), exact: true }).click()
      await page.getByRole('row').filter({ hasText: id }).waitFor({ state: 'detached' })
      expect(await asked()).toMatchObject({ code: 'unauthorized' })
    }))

  it('a hypervisor is registered, and what its worker is started with is shown once', () =>
    site.visit({}, async (visit) => {
      const { page, t } = visit
      await visit.signIn('/hypervisors')
      await page.getByRole('listitem', { name: 'hv-local' }).getByText(t(hypervisors.up), { exact: true }).waitFor()
      await button(visit, hypervisors.register).click()
      await page.getByRole('textbox', { name: t(common.id) }).fill('HV 2')
      await page
        .getByRole('dialog')
        .getByRole('button', { name: t(hypervisors.register), exact: true })
        .click()
      // What the service says stands at its field, and what was typed is still there.
      await page.getByRole('dialog').getByRole('alert').waitFor()
      const id = page.getByRole('textbox', { name: t(common.id) })
      expect(await id.inputValue()).toBe('HV 2')
      expect(await id.getAttribute('aria-invalid')).toBe('true')
      await id.fill('hv-2')
      await page
        .getByRole('dialog')
        .getByRole('button', { name: t(hypervisors.register), exact: true })
        .click()
      const once = page.getByRole('alertdialog', { name: t(hypervisors.isRegistered, { id: 'hv-2' }) })
      expect(await once.textContent()).toContain('PATCHBAY_HYPERVISOR_ID=hv-2')
      await button(visit, accessKeys.kept).click()
      await page.getByRole('listitem', { name: 'hv-2' }).getByText(t(hypervisors.notSeen)).first().waitFor()
      await expectAccessible(page)
    }))

  /** Every list in which something can be done, and what. */
  const LISTS: readonly (readonly [path: string, title: Text, act: Text])[] = [
    ['/nics', common.nics, nics.create],
    ['/servers', common.servers, servers.create],
    ['/networks', common.networks, networks.create],
    ['/vpcs', common.vpcs, vpcs.create],
    ['/security-groups', common.securityGroups, securityGroups.create],
    ['/elastic-ips', common.elasticIps, elasticIps.allocate],
    ['/reserved-addresses', common.reservedAddresses, reservedAddresses.reserve],
    ['/hypervisors', common.hypervisors, hypervisors.register],
    ['/access-keys', common.accessKeys, accessKeys.createKey],
    ['/projects', common.projects, projects.createProject],
  ]
  it('who may only read sees in every list what could be done, and why not by them', () =>
    site.visit({}, async (visit) => {
      const { page, t } = visit
      await visit.signIn('/', 'reader')
      const reason = new RegExp(
        (['operator', 'admin'] as const)
          .map((needed) => t(common.needsRole, { role: t(shell.reader), needed: t(shell[needed]) }))
          .join('|'),
      )
      for (const [path, title, what] of LISTS) {
        await page
          .getByRole('navigation')
          .getByRole('link', { name: t(title), exact: true })
          .click()
        await heading(visit, title).waitFor()
        expect(new URL(page.url()).pathname).toBe(path)
        const act = page
          .getByRole('main')
          .getByRole('button', { name: t(what), exact: true, disabled: true })
          .first()
        await page.mouse.move(5, 5) // a tooltip is for a pointer that has been seen to move
        await act.hover()
        await page.getByRole('tooltip').filter({ hasText: reason }).waitFor()
        await act.click({ force: true })
        expect(await page.getByRole('dialog').count(), path).toBe(0)
      }
    }))

  // By now the sixth attempt is over, or the page shows it when it is.
  it('the page of a job that failed shows each attempt with its steps, and why in words', () =>
    site.visit({}, async (visit) => {
      const { page, t } = visit
      await visit.signIn('/jobs')
      await page.getByRole('link', { name: t(jobActions['server.create']) }).click()
      await heading(visit, jobActions['server.create']).waitFor()
      expect(new URL(page.url()).pathname).toBe(`/jobs/${failing.id}`)

      await page.getByRole('heading', { level: 1 }).getByText(t(jobStates.failed)).waitFor({ timeout: 30_000 })
      expect(await region(visit, jobs.error).textContent()).toContain(GHOST)
      const steps = region(visit, jobs.steps)
      await steps.getByRole('heading', { name: t(jobs.attempt, { count: 6 }) }).waitFor()
      expect(await steps.getByText(t(stepNames.monitor), { exact: true }).count()).toBe(6)
      expect(await steps.getByText(GHOST).count()).toBe(6)
      const history = region(visit, common.history)
      await history.getByText(t(eventTypes['job.failed'])).waitFor()
      await history.getByText(t(eventTypes['job.pending'])).waitFor()
      await expectAccessible(page)
    }))

  it('the page of a job shows the step that is under way, and the one in which an attempt broke off', () =>
    site.visit({}, async (visit) => {
      const { page, t } = visit
      const { service } = site
      // A worker played by this test, for steps that take as long as it likes.
      const { token } = await service.post('/v1/hypervisors', { id: 'hv-slow', zone_id: 'local-1' })
      const tell = async (path: string, body: object) => {
        const url = `/v1/hypervisors/hv-slow${path}`
        const answer = await service.call('POST', url, body, { authorization: `Bearer ${token}` })
        expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300)
      }
      await tell('/heartbeat', { facts: {} })
      const { body: job } = await service.call('POST', '/v1/servers', {
        name: 'slow',
        guest: 'namespace',
        hypervisor_id: 'hv-slow',
      })
      await visit.signIn(`/jobs/${job.id}`)
      await page.getByText(t(jobs.waitsForHypervisor)).waitFor()

      const now = () => new Date().toISOString()
      const underWay = (name: string) => ({ name, started_at: now(), ended_at: null, error: null })
      await tell(`/jobs/${job.id}/claim`, {})
      await tell(`/jobs/${job.id}/progress`, { attempt: 1, steps: [underWay('boot')] })
      const steps = region(visit, jobs.steps)
      const row = (name: keyof typeof stepNames) => steps.getByRole('listitem').filter({ hasText: t(stepNames[name]) })
      await row('boot').getByText(t(jobs.underWay)).waitFor()
      // Its time goes on, though nothing more is told.
      const time = await row('boot').textContent()
      await until('its time to go on', async () => (await row('boot').textContent()) !== time)
      await expectAccessible(page)

      await tell(`/jobs/${job.id}/claim`, {})
      const network = { ...underWay('network'), ended_at: now() }
      await tell(`/jobs/${job.id}/progress`, { attempt: 2, steps: [network, underWay('tap')] })
      await row('tap').getByText(t(jobs.underWay)).waitFor()
      await row('boot').getByText(t(jobs.brokenOff)).waitFor()
      expect(await steps.getByText(t(jobs.underWay)).count()).toBe(1)
      const history = region(visit, common.history)
      await history.getByText(t(stepNames.tap)).waitFor()
      await expectAccessible(page)
    }))
})
