import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { common } from '../../console/src/text/common.ts'
import { changedFields, eventTypes } from '../../console/src/text/events.ts'
import { servers } from '../../console/src/text/servers.ts'
import { serverStates } from '../../console/src/text/states.ts'
import { LANGUAGES } from '../../console/src/text/text.ts'
import { aConsole, type Console, describeConsole, expectAccessible } from '../support/a-console.ts'
import { until } from '../support/until.ts'

describeConsole('the page of a server', () => {
  let site: Console
  let network: { id: string }
  beforeAll(async () => {
    site = await aConsole()
    const vpc = await site.service.post('/v1/vpcs', { name: 'main', cidr: '172.16.0.0/16' })
    network = await site.service.post('/v1/networks', { name: 'web', vpc_id: vpc.id, cidr: '172.16.1.0/24' })
  })
  afterAll(() => site?.close())

  it.each(LANGUAGES)('tells in its history which card came into which slot, and went, as it happens (%s)', (language) =>
    site.visit({ language }, async (visit) => {
      const { page, t } = visit
      const { service } = site
      const { server_id: id } = await service.act('POST', '/v1/servers', { name: `s-${language}`, guest: 'namespace' })
      const nic = await service.post('/v1/nics', { network_id: network.id, name: 'card' })
      await visit.signIn(`/servers/${id}`)
      const history = page.getByRole('region', { name: t(common.history), exact: true })
      const entry = (type: keyof typeof eventTypes) =>
        history.getByRole('listitem').filter({ has: page.getByText(t(eventTypes[type]), { exact: true }) })
      await entry('server.running').waitFor()
      await page.evaluate(() => Object.assign(window, { isTheSame: true }))

      await service.act('POST', `/v1/nics/${nic.id}/attach`, { server_id: id, slot: 5 })
      const arrived = entry('nic.in_use')
      await arrived.getByText(`${t(changedFields.slot)} 5`, { exact: true }).waitFor()
      expect(await arrived.getByRole('link', { name: nic.id, exact: true }).getAttribute('href')).toBe(
        `/nics/${nic.id}`,
      )
      // Whose history it is need not be said again.
      expect(await history.getByRole('link', { name: `s-${language}` }).count()).toBe(0)
      await expectAccessible(page)

      await service.act('POST', `/v1/nics/${nic.id}/detach`)
      await entry('nic.available').getByRole('link', { name: nic.id, exact: true }).waitFor()
      expect(await page.evaluate(() => 'isTheSame' in window)).toBe(true)
    }),
  )

  it('is that of a machine of one’s own too, which is adopted by its socket and goes on running when it is let go', () =>
    site.visit({}, async (visit) => {
      const { page, t } = visit
      const { service } = site
      const folder = await mkdtemp(path.join(tmpdir(), 'patchbay-own-'))
      const socket = path.join(folder, 'qmp.sock')
      const machine = ['-machine', 'q35', '-nodefaults', '-display', 'none', '-m', '64', '-S']
      const ports = ['-device', 'pcie-root-port,id=rp1,chassis=1']
      const own = spawn(
        'nsenter',
        [`--net=/run/netns/${service.netns}`, '--', 'qemu-system-x86_64', ...machine, ...ports]
          // Its monitor is all that adoption asks for.
          .concat('-qmp', `unix:${socket},server=on,wait=off`),
        { stdio: 'ignore' },
      )
      const ended = once(own, 'exit')
      try {
        await until('it listens', () => existsSync(socket))
        await visit.signIn('/servers')
        await page
          .getByRole('main')
          .getByRole('button', { name: t(servers.create), exact: true })
          .first()
          .click()
        const form = page.getByRole('dialog')
        await form.getByRole('textbox', { name: t(common.name), exact: true }).fill('own')
        await form
          .getByRole('radio', { name: t(servers.qemu) })
          .locator('xpath=ancestor::label')
          .click()
        await form.getByText(t(common.moreOptions), { exact: true }).click()
        // There is one hypervisor only, so nobody is asked whose socket it is.
        await form.getByRole('textbox', { name: t(servers.qmpSocket) }).fill(socket)
        await form.locator('button[type=submit]').click()
        await page
          .getByRole('heading', { level: 1, name: 'own' })
          .filter({ hasText: t(serverStates.running) })
          .waitFor()
        await page.getByText(t(servers.adopted)).first().waitFor()
        const { items } = await service.get('/v1/servers?name=own')
        expect(items).toMatchObject([{ qmp_socket: socket, hypervisor_id: 'hv-local' }])
        await service.act('DELETE', `/v1/servers/${items[0].id}`)
        expect([own.exitCode, own.signalCode]).toEqual([null, null])
      } finally {
        own.kill()
        await ended
        await rm(folder, { recursive: true })
      }
    }))
})
