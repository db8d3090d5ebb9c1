/** The commands of qingcloud-cli for NICs, vxnets and routers, each with the noise that it sends, by a client in Python. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { runInNamespace } from '../../src/workers/host/run-command.ts'
import { aCli, type Cli, fieldOf, PAGE } from '../support/a-cli.ts'
import type { WireAnswer } from '../support/a-wire-client.ts'
import { describeOnKernel } from '../support/needs-root.ts'

describeOnKernel(
  'qingcloud-cli for networks',
  () => {
    let cli: Cli
    beforeAll(async () => {
      cli = await aCli()
    })
    afterAll(() => cli?.dispose())
    const inside = async (...args: string[]) => (await runInNamespace(cli.instance, 'ip', args)).stdout

    it('nics: create, describe, attach, detach, modify, delete', async () => {
      const vxnet = await cli.aVxnet('cards')
      const router = await cli.aRouter('172.16.0.0/16')
      const joined = { vxnet, router, ip_network: '172.16.1.0/24', features: 1 }
      await cli.act('JoinRouter', joined)
      const { nics } = await cli.ok('CreateNics', {
        vxnet,
        nic_name: 'card',
        count: 2,
        private_ips: ['172.16.1.20', '172.16.1.21'],
      })
      expect(nics.map(({ private_ip }: WireAnswer) => private_ip)).toEqual(['172.16.1.20', '172.16.1.21'])
      const macs = fieldOf(nics, 'nic_id')
      const free = await cli.ok('DescribeNics', {
        nics: macs,
        nic_name: '',
        status: ['available'],
        vxnet_type: [1, 0],
        vxnets: [vxnet],
        instances: [],
        ...PAGE,
      })
      expect(fieldOf(free.nic_set, 'nic_id').sort()).toEqual([...macs].sort())
      await cli.ok('ModifyNicAttributes', { nic: macs[0], nic_name: 'renamed', private_ip: '172.16.1.30' })

      await cli.act('AttachNics', { nics: macs, instance: cli.instance })
      for (const mac of macs) expect(await inside('link')).toContain(mac)
      expect(await inside('addr')).toContain('172.16.1.30/24')
      const used = await cli.ok('DescribeNics', { nic_name: 'renamed', status: ['in-use'], ...PAGE })
      expect(used.nic_set).toEqual([expect.objectContaining({ nic_id: macs[0], private_ip: '172.16.1.30' })])
      await cli.act('DetachNics', { nics: macs })
      for (const mac of macs) expect(await inside('link')).not.toContain(mac)
      await cli.ok('DeleteNics', { nics: macs })
      expect((await cli.ok('DescribeNics', { nics: macs, ...PAGE })).total_count).toBe(0)
    })

    it('vxnets: create, describe, modify, join, its instances, leave, delete', async () => {
      const vxnet = await cli.aVxnet('servers & more +~*')
      const router = await cli.aRouter('192.168.0.0/16')
      await cli.act('JoinRouter', { vxnet, router, ip_network: '192.168.5.0/24', features: 1, manager_ip: '' })
      const found = await cli.ok('DescribeVxnets', {
        search_word: '& more',
        verbose: 0,
        vxnet_type: 1,
        mode: 0,
        ...PAGE,
      })
      expect(found.vxnet_set).toEqual([expect.objectContaining({ vxnet_id: vxnet, vxnet_name: 'servers & more +~*' })])
      await cli.ok('ModifyVxnetAttributes', { vxnet, vxnet_name: '服务器', description: 'a b' })
      const { instances } = await cli.act('RunInstances', {
        image_id: 'centos7x64d',
        instance_type: 'small_b',
        login_passwd: 'Zhu88jie',
        login_mode: 'passwd',
      })
      await cli.act('JoinVxnet', { vxnet: `${vxnet}|192.168.5.50`, instances })
      const members = await cli.ok('DescribeVxnetInstances', {
        vxnet,
        instances: [],
        status: '',
        'instance_type.1': '',
        'image.1': '',
        ...PAGE,
      })
      expect(members.total_count).toBe(1)
      expect(members.instance_set[0]).toMatchObject({
        vxnet_id: vxnet,
        instance_id: instances[0],
        private_ip: '192.168.5.50',
        image_id: 'centos7x64d',
        status: 'running',
        transition_status: '',
      })
      const refused = await cli.ask('DeleteVxnets', { vxnets: [vxnet] })
      expect(refused.ret_code).toBe(1400)
      await cli.act('LeaveVxnet', { vxnet, instances })
      await cli.act('LeaveRouter', { router, vxnets: [vxnet] })
      expect((await cli.ok('DescribeVxnets', { vxnets: [vxnet], verbose: 1, ...PAGE })).vxnet_set[0]).toMatchObject({
        vxnet_name: '服务器',
        description: 'a b',
        vpc_router_id: '',
        instance_ids: [],
      })
      expect(await cli.ok('DeleteVxnets', { vxnets: [vxnet] })).toMatchObject({ vxnets: [vxnet] })
    })

    it('routers: create, describe, modify, update, power, join, vxnets, leave, delete', async () => {
      const router = await cli.aRouter('172.17.0.0/16')
      const vxnet = await cli.aVxnet('behind')
      expect(router).toMatch(/^rtr-[0-9a-z]+$/)
      await cli.ok('ModifyRouterAttributes', { router, router_name: 'core', description: '', security_group: '' })
      await cli.act('UpdateRouters', { routers: [router] })
      const joined = await cli.act('JoinRouter', {
        vxnet,
        router,
        ip_network: '172.17.9.0/24',
        features: 1,
        manager_ip: '172.17.9.1',
        dyn_ip_start: '172.17.9.2',
        dyn_ip_end: '172.17.9.254',
      })
      expect(joined).toMatchObject({ router_id: router, vxnet_id: vxnet })
      for (const asked of [router, '*']) {
        const { router_vxnet_set } = await cli.ok('DescribeRouterVxnets', { router: asked, vxnet: '', ...PAGE })
        expect(router_vxnet_set).toContainEqual(
          expect.objectContaining({
            router_id: router,
            vxnet_id: vxnet,
            manager_ip: '172.17.9.1',
            ip_network: '172.17.9.0/24',
            dyn_ip_start: '172.17.9.2',
            dyn_ip_end: '172.17.9.254',
            features: 1,
          }),
        )
      }
      const found = await cli.ok('DescribeRouters', {
        search_word: 'core',
        vxnet: '',
        status: ['active'],
        verbose: 1,
        ...PAGE,
      })
      expect(found.router_set).toEqual([expect.objectContaining({ router_id: router, is_applied: 1 })])
      expect(fieldOf(found.router_set[0].vxnets, 'vxnet_id')).toEqual([vxnet])
      await cli.act('PowerOffRouters', { routers: [router] })
      const off = await cli.ok('DescribeRouters', { routers: [router], status: ['poweroffed'], ...PAGE })
      expect(off.total_count).toBe(1)
      await cli.act('PowerOnRouters', { routers: [router] })
      await cli.act('LeaveRouter', { router, vxnets: [vxnet] })
      expect(await cli.act('DeleteRouters', { routers: [router] })).toMatchObject({ routers: [router] })
      expect((await cli.ok('DescribeRouters', { routers: [router], ...PAGE })).router_set[0].status).toBe('deleted')
      await cli.ok('DeleteVxnets', { vxnets: [vxnet] })
    })

    it('router statics and their entries: add, describe, modify, delete', async () => {
      const router = await cli.aRouter('172.18.0.0/16')
      const { router_statics } = await cli.ok('AddRouterStatics', {
        router,
        statics: [
          { static_type: '2', val1: 'openvpn', router_static_id: '' },
          { static_type: 6, val1: '1.2.3.4|k|10.254.1.2|10.254.1.3', val2: '172.29.1.0/24', router_static_name: 'gre' },
        ],
      })
      expect(router_statics).toHaveLength(2)
      const [vpn, tunnel] = router_statics
      const listed = await cli.ok('DescribeRouterStatics', { router, vxnet: '', verbose: 1, ...PAGE })
      expect(listed.total_count).toBe(2)
      const [shown] = (await cli.ok('DescribeRouterStatics', { router_statics: [vpn], static_type: 2, ...PAGE }))
        .router_static_set
      expect(shown).toMatchObject({ val1: 'openvpn', val2: '1194', val3: 'udp', router_id: router })
      expect(
        await cli.ok('ModifyRouterStaticAttributes', { router_static: tunnel, val2: '172.29.2.0/24' }),
      ).toMatchObject({
        router_static_id: tunnel,
      })
      await cli.act('UpdateRouters', { routers: [router] })

      const added = await cli.ok('AddRouterStaticEntries', {
        router_static: vpn,
        entries: [{ val1: 'user', val2: 'secret', router_static_entry_id: '' }],
      })
      const [entry] = added.router_static_entries
      expect(entry).toMatch(/^rse-/)
      await cli.ok('ModifyRouterStaticEntryAttributes', { router_static_entry: entry, val1: 'user2', val2: 'secret2' })
      const entries = await cli.ok('DescribeRouterStaticEntries', { router_static: vpn, ...PAGE })
      expect(entries.router_static_entry_set).toEqual([
        expect.objectContaining({ router_static_entry_id: entry, val1: 'user2' }),
      ])
      await cli.ok('DeleteRouterStaticEntries', { router_static_entries: [entry] })
      await cli.ok('DeleteRouterStatics', { router_statics: [vpn, tunnel] })
      expect((await cli.ok('DescribeRouterStatics', { router, ...PAGE })).total_count).toBe(0)
      await cli.act('DeleteRouters', { routers: [router] })
    })

    it('the same by POST, in the order of insertion and with + for spaces, on one connection', async () => {
      const before = cli.connections()
      const { vxnets } = await cli.ok('CreateVxnets', { vxnet_name: 'z +/~* ü', vxnet_type: 0, count: 12 }, 'POST')
      expect(vxnets).toHaveLength(12)
      const found = await cli.ok('DescribeVxnets', { vxnets, limit: 100, offset: 0 }, 'POST')
      expect(found.vxnet_set.every(({ vxnet_name }: WireAnswer) => vxnet_name === 'z +/~* ü')).toBe(true)
      expect(found.total_count).toBe(12)
      expect((await cli.ask('NoSuchAction', { a: 'b c' }, 'POST')).ret_code).toBe(1101)
      expect((await cli.ask('DeleteVxnets', {}, 'POST')).ret_code).toBe(1100)
      await cli.ok('DeleteVxnets', { vxnets }, 'POST')
      expect(cli.connections()).toBe(before)
      expect(before).toBe(1)
    })
  },
  { python3: 'python3' },
)
