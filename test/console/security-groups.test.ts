import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Rule } from '../../console/src/pages/security-groups/rules.ts'
import { common } from '../../console/src/text/common.ts'
import { problems } from '../../console/src/text/problems.ts'
import { securityGroups as words } from '../../console/src/text/security-groups.ts'
import { shell } from '../../console/src/text/shell.ts'
import type { Text } from '../../console/src/text/text.ts'
import { aConsole, type Console, describeConsole, expectAccessible, type Visit } from '../support/a-console.ts'
import { adminKeyOf, aWireClientAt } from '../support/a-wire-client.ts'

describeConsole('security groups', () => {
  let site: Console
  beforeAll(async () => {
    site = await aConsole()
  })
  afterAll(() => site?.close())

  const aGroup = (name: string, rules: object[] = []) => site.service.post('/v1/security-groups', { name, rules })
  const rulesOf = async (id: string) => (await site.service.get(`/v1/security-groups/${id}/rules`)).items
  const dialog = ({ page }: Visit) => page.getByRole('dialog')
  const button = ({ page, t }: Visit, text: Text) => page.getByRole('button', { name: t(text), exact: true })
  const inDialog = (visit: Visit, text: Text) =>
    button({ ...visit, page: visit.page }, text).and(dialog(visit).locator('button'))
  const table = ({ page, t }: Visit, text: Text) => page.getByRole('table', { name: t(text), exact: true })
  const openGroup = async (visit: Visit, id: string) => {
    await visit.signIn(`/security-groups/${id}`)
    await table(visit, words.inbound).waitFor()
  }

  it.each(['en', 'zh'] as const)('are made with starting rules, each said in a sentence (%s)', (language) =>
    site.visit({ language }, async (visit) => {
      const { page, t } = visit
      await visit.signIn('/security-groups?create=1')
      await dialog(visit)
        .getByRole('textbox', { name: t(common.name), exact: true })
        .fill(`web ${language}`)
      await dialog(visit).getByText(t(words.template_same_group_hint)).click()
      await expectAccessible(page)
      await inDialog(visit, common.create).click()
      await page.getByRole('heading', { name: `web ${language}`, level: 1 }).waitFor()
      const said = t(words.accept_in, { what: t(words.whatAll), who: t(words.whoThisGroup) })
      await table(visit, words.inbound).getByText(said).waitFor()
      await table(visit, words.outbound)
        .getByText(t(words.accept_out, { what: t(words.whatAll), who: t(words.whoAnyone) }))
        .waitFor()
      await expectAccessible(page)
    }),
  )

  it('refuse a wrong range at its field, before it is sent and when the service does, and keep the form', () =>
    site.visit({}, async (visit) => {
      const { page, t } = visit
      const { id } = await aGroup('ranges')
      await openGroup(visit, id)
      await button(visit, words.addInbound).click()
      await dialog(visit).getByRole('button', { name: 'HTTPS' }).click()
      await dialog(visit).getByText(t(words.aRange), { exact: true }).click()
      const range = dialog(visit).getByRole('textbox', { name: t(words.range) })
      const describes = async (text: string) => {
        await dialog(visit).getByText(text).waitFor()
        const ids = (await range.getAttribute('aria-describedby'))?.split(' ') ?? []
        const described = await Promise.all(ids.map((one) => page.locator(`[id="${one}"]`).textContent()))
        expect(described.join(' ')).toContain(text)
      }
      await range.fill('10.0.0.1/8')
      await inDialog(visit, common.add).click()
      await describes(t(words.rangeMustBe))
      expect(await rulesOf(id)).toEqual([])
      // Not in canonical form, which only the service knows.
      await range.fill('fd00:0:0::/48')
      await inDialog(visit, common.add).click()
      await describes('must be a CIDR without host bits')
      await dialog(visit).getByText(t(problems.invalid_request)).waitFor()
      expect(
        await dialog(visit)
          .getByRole('textbox', { name: t(words.portFirst) })
          .inputValue(),
      ).toBe('443')
      await range.fill('10.0.0.0/8')
      await inDialog(visit, common.add).click()
      await dialog(visit).waitFor({ state: 'detached' })
      expect(await rulesOf(id)).toMatchObject([{ port_first: 443, port_last: 443, remote_cidr: '10.0.0.0/8' }])
    }))

  it('have their rules changed, put in another order and deleted', () =>
    site.visit({}, async (visit) => {
      const { page, t } = visit
      const { id } = await aGroup('changing', [
        { name: 'SSH', protocol: 'tcp', port_first: 22, priority: 10 },
        { name: 'HTTP', protocol: 'tcp', port_first: 80, priority: 11 },
        { name: 'HTTPS', protocol: 'tcp', port_first: 443, priority: 12 },
      ])
      await openGroup(visit, id)
      const inbound = table(visit, words.inbound)
      const anyone = t(words.whoAnyone)
      const tcp = (port: string) =>
        t(words.accept_in, { what: t(words.whatPort, { protocol: 'TCP', port }), who: anyone })
      const order = async () =>
        (await rulesOf(id))
          .sort((a: { priority: number }, b: { priority: number }) => a.priority - b.priority)
          .map(({ name }: { name: string }) => name)

      // No number is free between: all get new ones, and none is lost.
      await page.getByRole('button', { name: t(words.moveUp, { rule: tcp('443') }) }).click()
      await expect.poll(order).toEqual(['SSH', 'HTTPS', 'HTTP'])
      await inbound.getByRole('row').nth(2).getByText(tcp('443')).waitFor()

      await page.getByRole('button', { name: t(words.editRule, { rule: tcp('80') }) }).click()
      await dialog(visit)
        .getByRole('textbox', { name: t(words.portLast) })
        .fill('79')
      await inDialog(visit, common.save).click()
      await dialog(visit)
        .getByText(t(words.portLastTooSmall, { first: '80' }))
        .waitFor()
      await dialog(visit)
        .getByRole('textbox', { name: t(words.portLast) })
        .fill('8080')
      await dialog(visit).getByText(t(words.drop), { exact: true }).click()
      await inDialog(visit, common.save).click()
      const what = t(words.whatPorts, { protocol: 'TCP', first: '80', last: '8080' })
      const said = t(words.drop_in, { what, who: anyone })
      await inbound.getByText(said).waitFor()

      await page.getByRole('button', { name: t(words.deleteTheRule, { rule: said }) }).click()
      const confirm = page.getByRole('alertdialog')
      await confirm.getByText(said).waitFor()
      await confirm.getByRole('button', { name: t(common.delete), exact: true }).click()
      await inbound.getByText(said).waitFor({ state: 'detached' })
      await expect.poll(order).toEqual(['SSH', 'HTTPS'])
    }))

  it('that are put in another order lose no rule that came meanwhile, though no event has told of it', () =>
    site.visit({}, async (visit) => {
      const { page, t } = visit
      const { id } = await aGroup('hurried', [
        { name: 'SSH', protocol: 'tcp', port_first: 22, priority: 10 },
        { name: 'HTTP', protocol: 'tcp', port_first: 80, priority: 11 },
        { name: 'HTTPS', protocol: 'tcp', port_first: 443, priority: 12 },
      ])
      // The stream is asked for, and never answered.
      await page.route('**/v1/events', () => undefined)
      await openGroup(visit, id)
      await table(visit, words.inbound).getByRole('row').nth(3).waitFor()
      await site.service.act('POST', `/v1/security-groups/${id}/rules`, {
        rules: [{ name: 'theirs', protocol: 'tcp', port_first: 8443, priority: 13 }],
      })
      const names = async () => (await rulesOf(id)).map(({ name }: { name: string }) => name).sort()
      const move = page.getByRole('button', {
        name: t(words.moveUp, {
          rule: t(words.accept_in, {
            what: t(words.whatPort, { protocol: 'TCP', port: '443' }),
            who: t(words.whoAnyone),
          }),
        }),
      })
      await move.click()
      await page.getByText(t(problems.precondition_failed)).waitFor()
      expect(await names()).toEqual(['HTTP', 'HTTPS', 'SSH', 'theirs'])

      // One's own act brings what is there now, and what is asked of that is done.
      await page.getByRole('button', { name: t(words.addInbound) }).click()
      await dialog(visit)
        .getByRole('textbox', { name: t(common.name) })
        .fill('ours')
      await dialog(visit)
        .getByRole('textbox', { name: t(words.portFirst) })
        .fill('8080')
      await inDialog(visit, common.add).click()
      await dialog(visit).waitFor({ state: 'detached' })
      await move.click()
      const isMoved = async () => {
        const priorityOf = new Map((await rulesOf(id)).map((rule: Rule) => [rule.name, rule.priority]))
        return Number(priorityOf.get('HTTPS')) < Number(priorityOf.get('HTTP'))
      }
      await expect.poll(isMoved).toBe(true)
      expect(await names()).toEqual(['HTTP', 'HTTPS', 'SSH', 'ours', 'theirs'])
    }))

  it('that are the default cannot be deleted, and say why; others say what is lost and what keeps them', () =>
    site.visit({}, async (visit) => {
      const { page, t } = visit
      const group = await aGroup('in use', [{ protocol: 'all' }])
      const network = await site.service.post('/v1/networks', { name: 'alone', mode: 'isolated', cidr: '10.1.1.0/24' })
      const nic = await site.service.post('/v1/nics', { network_id: network.id, security_group_ids: [group.id] })
      await visit.signIn('/security-groups')
      const startDeletion = async (name: string) => {
        await page.getByRole('button', { name: `${t(common.actions)}: ${name}` }).click()
        return page.getByRole('menuitem', { name: t(common.delete) })
      }
      const ofDefault = await startDeletion('default')
      expect(await ofDefault.getAttribute('aria-disabled')).toBe('true')
      await page.getByText(t(words.cannotDeleteDefault)).waitFor()
      await page.getByRole('menu').press('Escape')

      await (await startDeletion('in use')).click()
      const confirm = page.getByRole('alertdialog')
      await confirm.getByText(t(words.deleteHasMembers, { count: 1 })).waitFor()
      expect(
        await confirm.getByRole('button', { name: t(common.delete), exact: true }).getAttribute('aria-disabled'),
      ).toBe('true')
      // It is told as soon as the NIC is gone.
      await site.service.call('DELETE', `/v1/nics/${nic.id}`)
      await confirm.getByText(t(words.deleteLoses, { count: 1 })).waitFor()
      await confirm.getByRole('button', { name: t(common.delete), exact: true }).click()
      await page.getByRole('link', { name: 'in use' }).waitFor({ state: 'detached' })
      expect((await site.service.call('GET', `/v1/security-groups/${group.id}`)).status).toBe(404)
    }))

  it('whose rules wait to be applied say so, and are applied with one press', () =>
    site.visit({}, async (visit) => {
      const { page, t } = visit
      const { id } = await aGroup('waiting')
      await openGroup(visit, id)
      const wire = aWireClientAt(site.service.url, await adminKeyOf(site.service))
      const ssh = { protocol: 'tcp', priority: 0, action: 'accept', direction: 0, val1: '22', val2: '22', val3: '' }
      await wire.ok('AddSecurityGroupRules', { security_group: id, rules: [ssh] })
      await page.getByText(t(words.notAppliedHint)).waitFor()
      await button(visit, words.apply).click()
      await page.getByText(t(words.notAppliedHint)).waitFor({ state: 'detached' })
      expect(await site.service.get(`/v1/security-groups/${id}`)).toMatchObject({ applied: true, rule_count: 1 })
      expect(await rulesOf(id)).toMatchObject([{ port_first: 22 }])
    }))

  it('are only looked at by a reader, who is told why; and fit a telephone', () =>
    site.visit({ viewport: { width: 360, height: 740 } }, async (visit) => {
      const { page, t } = visit
      const { id } = await aGroup('read only', [{ protocol: 'tcp', port_first: 22 }])
      await visit.signIn(`/security-groups/${id}`, 'reader')
      const add = button(visit, words.addInbound)
      await add.waitFor()
      expect(await add.getAttribute('aria-disabled')).toBe('true')
      await add.hover()
      const why = t(common.needsRole, { role: t(shell.reader), needed: t(shell.operator) })
      await page.getByRole('tooltip').getByText(why).waitFor()
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)
      expect(overflow).toBeLessThanOrEqual(0)
    }))
})
