import { afterAll, beforeAll, expect, it } from 'vitest'
import { common } from '../../console/src/text/common.ts'
import { networks } from '../../console/src/text/networks.ts'
import { problems } from '../../console/src/text/problems.ts'
import { reservedAddresses } from '../../console/src/text/reserved-addresses.ts'
import { nicStates } from '../../console/src/text/states.ts'
import { LANGUAGES, type Text } from '../../console/src/text/text.ts'
import { vpcs } from '../../console/src/text/vpcs.ts'
import { aConsole, type Console, describeConsole, expectAccessible, type Visit } from '../support/a-console.ts'

describeConsole('networks and VPCs', () => {
  let site: Console
  beforeAll(async () => {
    site = await aConsole()
  })
  afterAll(() => site?.close())

  const aVpc = (name: string) => site.service.post('/v1/vpcs', { name, cidr: '172.16.0.0/16' })
  const aNetwork = (name: string, place: object = {}) => site.service.post('/v1/networks', { name, ...place })
  const networksOf = async (vpcId: string) => (await site.service.get(`/v1/networks?vpc_id=${vpcId}`)).items
  const button = ({ page, t }: Visit, name: Text, values = {}) =>
    page.getByRole('button', { name: t(name, values), exact: true })
  /** Not a message that something is done, which has the same role. */
  const dialog = ({ page }: Visit) => page.locator('[role=dialog], [role=alertdialog][tabindex="-1"]')
  const inDialog = (visit: Visit, name: Text) => dialog(visit).getByRole('button', { name: visit.t(name), exact: true })
  const closed = (visit: Visit) => dialog(visit).waitFor({ state: 'detached' })
  const field = ({ page, t }: Visit, label: Text) => page.getByRole('textbox', { name: t(label), exact: true })
  /** What stands at a field that is not as it should be. */
  const wordsAt = async (visit: Visit, label: Text) => {
    const input = field(visit, label)
    await visit.page.waitForFunction((element) => element?.matches(':invalid'), await input.elementHandle())
    const ids = (await input.getAttribute('aria-describedby'))?.split(' ') ?? []
    const words = await Promise.all(ids.map((id) => visit.page.locator(`[id="${id}"]`).textContent()))
    return words.join(' ')
  }
  const act = async (visit: Visit, name: Text) => {
    await button(visit, common.moreActions).click()
    await visit.page.getByRole('menuitem', { name: visit.t(name) }).click()
  }
  const signedIn = async (visit: Visit, path: string) => {
    await visit.signIn(path)
  }

  it.each(LANGUAGES)('a network is made with its VPC in one go, in a range that is free (%s)', (language) =>
    site.visit({ language }, async (visit) => {
      const { page, t } = visit
      const name = `first-${language}`
      await signedIn(visit, '/networks')
      await button(visit, networks.create).first().click()
      await page.getByRole('textbox', { name: t(common.name), exact: true }).fill(name)
      await expectAccessible(page)
      if (language !== LANGUAGES[0]) {
        // By now there is a VPC, which is chosen first.
        await inDialogSelect(visit, common.vpc, networks.newVpc)
      }
      expect(await field(visit, networks.range).inputValue()).toBe('172.16.1.0/24')
      await inDialog(visit, common.create).click()
      await page.getByRole('heading', { level: 1, name }).waitFor()
      const [made] = (await site.service.get(`/v1/networks?name=${name}`)).items
      const vpc = await site.service.get(`/v1/vpcs/${made.vpc_id}`)
      expect([vpc.name, vpc.cidr, made.cidr]).toEqual([name, '172.16.0.0/16', '172.16.1.0/24'])
      await page.getByRole('grid').waitFor()
      await expectAccessible(page)
    }),
  )

  const inDialogSelect = async ({ page, t }: Visit, label: Text, option: Text | string) => {
    await page
      .getByRole('dialog')
      .getByRole('button', { name: t(label) })
      .click()
    await page.getByRole('option', { name: typeof option === 'string' ? option : t(option) }).click()
  }

  it('a range that cannot be is told at its field before it is sent, one that overlaps by the service', () =>
    site.visit({}, async (visit) => {
      const { page, t } = visit
      const vpc = await aVpc('crowded')
      await aNetwork('there', { vpc_id: vpc.id, cidr: '172.16.1.0/24' })
      let sent = 0
      page.on('request', (request) => {
        if (request.method() === 'POST' && request.url().endsWith('/v1/networks')) sent += 1
      })
      await signedIn(visit, `/networks?vpc=${vpc.id}`)
      await page.getByRole('row', { name: /there/ }).waitFor()
      await button(visit, networks.create).click()
      await page.getByRole('textbox', { name: t(common.name), exact: true }).fill('new')
      const range = field(visit, networks.range)
      expect(await range.inputValue()).toBe('172.16.2.0/24')
      for (const [typed, words] of [
        ['nonsense', t(networks.mustBeSlash24, { example: '172.16.1.0/24' })],
        ['172.16.9.7/24', t(networks.startsAt, { start: '172.16.9.0/24' })],
        ['10.0.0.0/24', t(networks.outsideVpc, { vpc: '172.16.0.0/16' })],
      ] as const) {
        await range.fill(typed)
        await inDialog(visit, common.create).click()
        expect(await wordsAt(visit, networks.range)).toContain(words)
      }
      expect(sent).toBe(0)
      await range.fill('172.16.1.0/24')
      await inDialog(visit, common.create).click()
      await page.getByRole('alert').waitFor()
      expect(await page.getByRole('alert').textContent()).toContain(t(problems.cidr_overlaps))
      expect(await wordsAt(visit, networks.range)).toContain('overlaps')
      expect(await page.getByRole('textbox', { name: t(common.name), exact: true }).inputValue()).toBe('new')
      await range.fill('172.16.2.0/24')
      await inDialog(visit, common.create).click()
      await page.getByRole('heading', { level: 1, name: 'new' }).waitFor()
      expect(await networksOf(vpc.id)).toHaveLength(2)
    }))

  it('a VPC that was made for a network which was then refused is chosen, and not made again', () =>
    site.visit({}, async (visit) => {
      const { page, t } = visit
      await signedIn(visit, '/networks')
      await button(visit, networks.create).first().click()
      await page.getByRole('textbox', { name: t(common.name), exact: true }).fill('late')
      await inDialogSelect(visit, common.vpc, networks.newVpc)
      await page.getByLabel(t(networks.vpcName)).fill('late vpc')
      // The last /24 of a VPC is reserved, which only the service says.
      await field(visit, networks.range).fill('172.16.255.0/24')
      await inDialog(visit, common.create).click()
      await page.getByRole('alert').waitFor()
      expect(
        await page
          .getByRole('dialog')
          .getByRole('button', { name: t(common.vpc) })
          .textContent(),
      ).toContain('late vpc')
      await field(visit, networks.range).fill('172.16.5.0/24')
      await inDialog(visit, common.create).click()
      await page.getByRole('heading', { level: 1, name: 'late' }).waitFor()
      const made = (await site.service.get('/v1/vpcs?name=late%20vpc')).items
      expect(made).toHaveLength(1)
      expect(await networksOf(made[0].id)).toHaveLength(1)
    }))

  it('a network joins a VPC, and leaves it when it is empty', () =>
    site.visit({}, async (visit) => {
      const { page, t } = visit
      const vpc = await aVpc('to join')
      const network = await aNetwork('loose')
      await signedIn(visit, `/networks/${network.id}`)
      await button(visit, networks.join).click()
      await inDialogSelect(visit, common.vpc, 'to join')
      await inDialog(visit, networks.joinIt).click()
      await closed(visit)
      await page.getByRole('link', { name: 'to join' }).first().waitFor()
      expect(await networksOf(vpc.id)).toMatchObject([{ id: network.id, cidr: '172.16.1.0/24' }])

      const { id: nicId } = await site.service.post('/v1/nics', { network_id: network.id })
      await button(visit, common.moreActions).click()
      const leave = page.getByRole('menuitem', { name: t(networks.leave) })
      await expect.poll(() => leave.textContent()).toContain(t(networks.hasNics, { count: 1 }))
      expect(await leave.getAttribute('aria-disabled')).toBe('true')
      await page.getByRole('menu').press('Escape')
      await site.service.call('DELETE', `/v1/nics/${nicId}`)
      await expect.poll(async () => (await site.service.get(`/v1/networks/${network.id}`)).nic_count).toBe(0)
      await page.getByText(t(networks.noNics)).waitFor()
      await act(visit, networks.leave)
      expect(await dialog(visit).textContent()).toContain('172.16.1.0/24')
      await inDialog(visit, networks.leaveIt).click()
      await closed(visit)
      await page.getByText(t(networks.notJoined), { exact: true }).waitFor()
      expect(await networksOf(vpc.id)).toEqual([])
    }))

  it('addresses are reserved from the grid by keyboard, and released again', () =>
    site.visit({}, async (visit) => {
      const { page, t } = visit
      const vpc = await aVpc('reserving')
      const network = await aNetwork('grid', { vpc_id: vpc.id, cidr: '172.16.1.0/24' })
      const reserved = async () =>
        (await site.service.get(`/v1/reserved-addresses?network_id=${network.id}`)).items.map(
          ({ address, name }: { address: string; name: string }) => `${address} ${name}`,
        )
      const cell = (address: string) => page.getByRole('gridcell', { name: new RegExp(`^${address}\\D`) })
      await signedIn(visit, `/networks/${network.id}`)
      await cell('172.16.1.100').focus()
      await page.keyboard.press('Space')
      await page.keyboard.press('ArrowRight')
      await page.keyboard.press('Space')
      await button(visit, networks.reserveChosen, { count: 2 }).press('Enter')
      await page.getByRole('textbox', { name: t(common.name) }).fill('virtual')
      await inDialog(visit, reservedAddresses.reserveIt).press('Enter')
      await closed(visit)
      const row = page.getByRole('row').filter({ hasText: '172.16.1.100' })
      await row.waitFor()
      expect(await reserved()).toEqual(['172.16.1.101 virtual', '172.16.1.100 virtual'])
      expect(await cell('172.16.1.100').getAttribute('aria-label')).toContain('virtual')
      await expectAccessible(page)

      await row.getByRole('button', { name: t(reservedAddresses.release) }).click()
      expect(await dialog(visit).textContent()).toContain('172.16.1.100')
      await inDialog(visit, reservedAddresses.release).click()
      await closed(visit)
      await row.waitFor({ state: 'detached' })
      expect(await reserved()).toEqual(['172.16.1.101 virtual'])

      await visit.open('/reserved-addresses')
      await button(visit, reservedAddresses.editThis, { address: '172.16.1.101' }).click()
      await page.getByRole('textbox', { name: t(common.name) }).fill('renamed')
      await inDialog(visit, common.save).click()
      await closed(visit)
      await page.getByRole('row').filter({ hasText: 'renamed' }).waitFor()
      await expectAccessible(page)
    }))

  it.each(LANGUAGES)('the picture of a VPC shows a card that is attached elsewhere, without reload (%s)', (language) =>
    site.visit({ language, colorScheme: language === 'en' ? 'light' : 'dark' }, async (visit) => {
      const { page, t } = visit
      const vpc = await aVpc(`drawn ${language}`)
      const network = await aNetwork(`lane-${language}`, { vpc_id: vpc.id, cidr: '172.16.1.0/24' })
      const { server_id } = await site.service.act('POST', '/v1/servers', {
        name: `host-${language}`,
        guest: 'namespace',
      })
      const { id: nicId, address } = await site.service.post('/v1/nics', { network_id: network.id })
      await signedIn(visit, `/vpcs/${vpc.id}`)
      const picture = page.getByRole('region', { name: t(vpcs.picture) })
      await picture.getByRole('link', { name: `lane-${language}` }).waitFor()
      await picture.getByRole('link', { name: t(vpcs.freeCard, { address }) }).waitFor()
      expect(await picture.getByRole('link', { name: `host-${language}` }).count()).toBe(0)
      await site.service.act('POST', `/v1/nics/${nicId}/attach`, { server_id, slot: 7 })
      await picture.getByRole('link', { name: `host-${language}` }).waitFor()
      const card = t(vpcs.card, { address, slot: 7, state: t(nicStates.in_use) })
      await picture.getByRole('link', { name: card }).waitFor()
      await expectAccessible(page)

      // The same in words.
      await page.getByText(t(vpcs.asList)).click()
      await page.getByRole('group').getByRole('link', { name: card }).waitFor()
      // What is looked for is told, and the picture moves by keys.
      await page.getByRole('searchbox', { name: t(vpcs.findHere) }).fill(address)
      await page
        .getByRole('status')
        .filter({ hasText: t(vpcs.found, { count: 1 }) })
        .waitFor()
      await picture.focus()
      const place = () => picture.locator('.react-flow__viewport').evaluate((element) => element.style.transform)
      const before = await place()
      await page.keyboard.press('ArrowLeft')
      await expect.poll(place).not.toBe(before)
      await site.service.act('POST', `/v1/servers/${server_id}/stop`, {})
    }),
  )

  it('a VPC is made, its router switched off after a question, and deleted', () =>
    site.visit({}, async (visit) => {
      const { page, t } = visit
      await signedIn(visit, '/vpcs')
      await button(visit, vpcs.create).first().click()
      await page.getByRole('textbox', { name: t(common.name), exact: true }).fill('short-lived')
      await field(visit, networks.range).fill('8.8.0.0/16')
      await inDialog(visit, common.create).click()
      expect(await wordsAt(visit, networks.range)).toContain(t(networks.notPrivate))
      await field(visit, networks.range).fill('10.7.0.0/16')
      await inDialog(visit, common.create).click()
      await page.getByRole('heading', { level: 1, name: 'short-lived' }).waitFor()
      await page.getByText(t(vpcs.routerSwitch)).click()
      await inDialog(visit, vpcs.switchOff).click()
      await closed(visit)
      await page.getByText(t(vpcs.routerIsOff)).waitFor()
      await page.getByText(t(vpcs.sourceNat), { exact: true }).click()
      await expect.poll(() => page.getByRole('switch', { name: t(vpcs.sourceNat) }).isChecked()).toBe(false)
      await act(visit, common.delete)
      await inDialog(visit, common.delete).click()
      await page.getByRole('heading', { level: 1, name: t(common.vpcs) }).waitFor()
      expect((await site.service.get('/v1/vpcs?name=short-lived')).items).toEqual([])
    }))

  it('whoever may only read sees why nothing can be changed, also on a telephone', () =>
    site.visit({ viewport: { width: 360, height: 740 } }, async (visit) => {
      const { page, open } = visit
      const vpc = await aVpc('to read')
      const network = await aNetwork('to read', { vpc_id: vpc.id, cidr: '172.16.1.0/24' })
      await visit.signIn('/networks', 'reader')
      for (const [path, name] of [
        ['/networks', networks.create],
        [`/networks/${network.id}`, common.edit],
        ['/vpcs', vpcs.create],
        [`/vpcs/${vpc.id}`, common.edit],
        ['/reserved-addresses', reservedAddresses.reserve],
      ] as const) {
        await open(path)
        const act = button(visit, name).first()
        await act.waitFor()
        expect(await act.getAttribute('aria-disabled'), path).toBe('true')
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)
        expect(overflow, path).toBeLessThanOrEqual(0)
      }
    }))
})
