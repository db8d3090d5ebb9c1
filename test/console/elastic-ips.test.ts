import { afterAll, beforeAll, expect, it } from 'vitest'
import { common } from '../../console/src/text/common.ts'
import { portForwardings as forwardings, elasticIps as words } from '../../console/src/text/elastic-ips.ts'
import { problems } from '../../console/src/text/problems.ts'
import { shell } from '../../console/src/text/shell.ts'
import type { Text } from '../../console/src/text/text.ts'
import { aConsole, type Console, describeConsole, expectAccessible, type Visit } from '../support/a-console.ts'

describeConsole('elastic IPs', () => {
  let site: Console
  let vpc: { id: string }
  let server: string
  let nic: { id: string; address: string }
  beforeAll(async () => {
    site = await aConsole()
    const { service } = site
    vpc = await service.post('/v1/vpcs', { name: 'main', cidr: '172.16.0.0/16' })
    const network = await service.post('/v1/networks', { name: 'web', vpc_id: vpc.id, cidr: '172.16.1.0/24' })
    await service.post('/v1/networks', { name: 'alone', mode: 'isolated', cidr: '10.1.1.0/24' })
    const job = await service.act('POST', '/v1/servers', {
      name: 'web-1',
      guest: 'namespace',
      network_id: network.id,
    })
    server = job.server_id
    nic = (await service.get(`/v1/nics?server_id=${server}`)).items[0]
  })
  afterAll(() => site?.close())

  const dialog = ({ page }: Visit) => page.getByRole('dialog')
  const alert = ({ page }: Visit) => page.getByRole('alertdialog')
  const startAct = async ({ page, t }: Visit, of: string, act: Text) => {
    await page.getByRole('button', { name: `${t(common.actions)}: ${of}` }).click()
    return page.getByRole('menuitem', { name: t(act), exact: true })
  }
  const field = (visit: Visit, text: Text) => dialog(visit).getByRole('textbox', { name: visit.t(text) })
  const press = (visit: Visit, text: Text) =>
    dialog(visit)
      .getByRole('button', { name: visit.t(text), exact: true })
      .click()
  const closed = (visit: Visit) => dialog(visit).waitFor({ state: 'detached' })

  it('are allocated and given to a NIC, whose row shows it and which is reached by it', () =>
    site.visit({}, async (visit) => {
      const { page, t, open } = visit
      await visit.signIn('/elastic-ips?create=1')
      await field(visit, words.count).fill('2')
      await field(visit, common.name).fill('front')
      await press(visit, words.allocateIt)
      await closed(visit)
      await page.getByRole('link', { name: '203.0.113.11' }).waitFor()
      await expectAccessible(page)

      await (await startAct(visit, '203.0.113.10', words.associate)).click()
      // Of the two networks one has no way out: it says so, and the other is chosen already, as is its only NIC.
      const network = dialog(visit).getByRole('combobox', { name: t(common.network) })
      await expect.poll(() => network.inputValue()).toBe('web')
      await network.click()
      await network.fill('alone')
      const alone = page.getByRole('option', { name: 'alone' })
      expect(await alone.getAttribute('aria-disabled')).toBe('true')
      await page.getByText(t(words.notRouted)).waitFor()
      await network.press('Escape')
      await dialog(visit)
        .getByRole('combobox', { name: t(common.nic) })
        .waitFor()
      await press(visit, words.associate)
      await closed(visit)
      await page.getByRole('row').filter({ hasText: '203.0.113.10' }).getByText(nic.address).waitFor()
      await open('/nics')
      await page.getByRole('row').filter({ hasText: nic.address }).getByText('203.0.113.10').waitFor()

      const groups = await site.service.get('/v1/security-groups?name=default')
      await site.service.act('POST', `/v1/security-groups/${groups.items[0].id}/rules`, {
        rules: [{ protocol: 'icmp' }],
      })
      const ping = () => site.service.outside.run('busybox', 'ping', '-c', '1', '-W', '1', '203.0.113.10')
      await expect.poll(async () => (await ping()).exitCode, { timeout: 10_000 }).toBe(0)
    }))

  it('that are associated are not released; what is lost is said, and that another NIC cannot have two', () =>
    site.visit({ language: 'zh' }, async (visit) => {
      const { page, t, open } = visit
      const one = await site.service.post('/v1/elastic-ips', { address: '203.0.113.15', name: 'held' })
      const other = await site.service.post('/v1/vpcs', { name: 'other', cidr: '172.17.0.0/16' })
      await site.service.act('POST', `/v1/elastic-ips/${one.id}/associate`, { vpc_id: other.id })
      await site.service.post('/v1/elastic-ips', { address: '203.0.113.16' })
      await visit.signIn('/elastic-ips')
      const release = await startAct(visit, '203.0.113.15', words.release)
      expect(await release.getAttribute('aria-disabled')).toBe('true')
      await page.getByText(t(words.disassociateFirst)).waitFor()
      await page.getByRole('menu').press('Escape')

      await open('/elastic-ips?search=0.113.16')
      await (await startAct(visit, '203.0.113.16', words.associate)).click()
      await dialog(visit).getByText(t(words.aVpcHint)).click()
      const vpc = dialog(visit).getByRole('combobox', { name: t(common.vpc) })
      await vpc.click()
      await page.getByText(t(words.hasOne, { address: '203.0.113.15' })).waitFor()
      await vpc.press('Escape')
      await press(visit, common.cancel)

      await open('/elastic-ips?search=held')
      await (await startAct(visit, '203.0.113.15', words.disassociate)).click()
      await alert(visit)
        .getByText(t(words.vpcNamed, { name: 'other' }).trim())
        .waitFor()
      await alert(visit)
        .getByRole('button', { name: t(words.disassociate), exact: true })
        .click()
      await alert(visit).waitFor({ state: 'detached' })
      await expect.poll(async () => (await site.service.get(`/v1/elastic-ips/${one.id}`)).state).toBe('available')
      await page.getByRole('row').filter({ hasText: 'held' }).getByText('–').waitFor()

      await (await startAct(visit, '203.0.113.15', words.release)).click()
      await alert(visit)
        .getByText(t(words.releaseLoses, { pool: 'public' }))
        .waitFor()
      await alert(visit)
        .getByRole('button', { name: t(words.release), exact: true })
        .click()
      await page.getByText('203.0.113.15').first().waitFor({ state: 'detached' })
    }))

  it('come from pools, which admins make; those that are in use stay', () =>
    site.visit({}, async (visit) => {
      const { page, t } = visit
      await site.service.post('/v1/elastic-ips', { address: '203.0.113.20' })
      await visit.signIn('/elastic-ips?tab=pools')
      const remove = await startAct(visit, 'public', common.delete)
      expect(await remove.getAttribute('aria-disabled')).toBe('true')
      await page.getByRole('menu').press('Escape')
      await page.getByRole('button', { name: t(words.createPool) }).click()
      await field(visit, common.name).fill('second')
      await field(visit, words.cidr).fill('203.0.113.0/31')
      await press(visit, common.create)
      await dialog(visit).getByText(t(words.cidrMustBe)).waitFor()
      // The rest is proposed for a good range; that it overlaps only the service knows.
      await field(visit, words.cidr).fill('203.0.113.0/25')
      expect(await field(visit, words.last).inputValue()).toBe('203.0.113.126')
      await press(visit, common.create)
      await dialog(visit).getByText(t(problems.elastic_ip_pool_overlaps)).waitFor()
      await field(visit, words.cidr).fill('198.51.100.0/24')
      await press(visit, common.create)
      await closed(visit)
      await page.getByText('198.51.100.2 – 198.51.100.254').waitFor()
      await expectAccessible(page)
      await (await startAct(visit, 'second', common.delete)).click()
      await alert(visit)
        .getByRole('button', { name: t(common.delete), exact: true })
        .click()
      await page.getByText('198.51.100.0/24').waitFor({ state: 'detached' })

      const asReader = site.visit({}, async (reader) => {
        await reader.signIn('/elastic-ips?tab=pools', 'operator')
        const create = reader.page.getByRole('button', { name: t(words.createPool) })
        expect(await create.getAttribute('aria-disabled')).toBe('true')
        await create.hover()
        const why = t(common.needsRole, { role: t(shell.operator), needed: t(shell.admin) })
        await reader.page.getByRole('tooltip').getByText(why).waitFor()
      })
      await asReader
    }))

  it('of a VPC have ports that go to addresses inside: added, switched off, deleted', () =>
    site.visit({}, async (visit) => {
      const { page, t } = visit
      await visit.signIn(`/vpcs/${vpc.id}`)
      await page.getByText(t(forwardings.noElasticIp)).waitFor()
      await page.getByRole('button', { name: t(forwardings.add) }).click()
      await field(visit, forwardings.port).fill('8080')
      await field(visit, forwardings.targetAddress).fill('172.17.1.5')
      await press(visit, common.add)
      await dialog(visit)
        .getByText(t(forwardings.outside, { cidr: '172.16.0.0/16' }))
        .waitFor()
      // An address of no machine, which the service knows.
      await field(visit, forwardings.targetAddress).fill('172.16.1.1')
      await press(visit, common.add)
      await dialog(visit).getByText(t(problems.address_out_of_range)).waitFor()
      await field(visit, forwardings.targetAddress).fill(nic.address)
      await field(visit, forwardings.targetPort).fill('80')
      await press(visit, common.add)
      await closed(visit)
      const row = page.getByRole('row').filter({ hasText: `${nic.address}:80` })
      await row.getByText(t(forwardings.hasNoEffect)).waitFor()

      const [address] = (await site.service.get('/v1/elastic-ips?state=available')).items
      await site.service.act('POST', `/v1/elastic-ips/${address.id}/associate`, { vpc_id: vpc.id })
      await row.getByText(t(forwardings.enabled), { exact: true }).waitFor()

      const acts = page.getByRole('button', { name: t(forwardings.showOf, { name: 'TCP 8080' }) })
      await acts.click()
      await page.getByRole('menuitem', { name: t(forwardings.disable) }).click()
      await row.getByText(t(forwardings.disabled), { exact: true }).waitFor()
      await acts.click()
      await page.getByRole('menuitem', { name: t(common.delete) }).click()
      await alert(visit)
        .getByRole('button', { name: t(common.delete), exact: true })
        .click()
      await row.waitFor({ state: 'detached' })
      expect((await site.service.get(`/v1/vpcs/${vpc.id}/port-forwardings`)).items).toEqual([])
    }))
})
