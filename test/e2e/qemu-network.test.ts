import { afterAll, beforeAll, expect, it } from 'vitest'
import { runInNamespace } from '../../src/workers/host/run-command.ts'
import { aRunningService, type RunningService } from '../support/a-running-service.ts'
import { aServerOf } from '../support/a-topology.ts'
import { anOutside, type Outside, SEGMENT } from '../support/an-outside.ts'
import { describeOnKernel } from '../support/needs-root.ts'
import { expectRate, growthOf } from '../support/rates.ts'
import { until } from '../support/until.ts'

const NEEDS = { 'qemu-system-x86_64': 'qemu-system-x86' }
/** The shell's half of a request. Not wget: a static busybox crashes when it looks up an address. */
const REQUEST = `printf 'GET /passwd HTTP/1.0\\r\\n\\r\\n'`
/** Boots under software emulation, beside everything else that runs. */
const BOOT_MS = 60_000

describeOnKernel(
  'the network around the cards of two QEMU guests',
  () => {
    let outside: Outside
    let service: RunningService
    let vpc: { id: string }
    let a: string
    let b: string
    let cardOfA: { id: string; address: string; ipv6_address: string }
    let cardOfB: typeof cardOfA
    let open: { id: string }

    const inside = (server: string, program: string, ...args: string[]) =>
      service.shell(server, 'qemu').run(program, args)
    const succeeds = (act: Promise<unknown>): Promise<boolean> =>
      act.then(
        () => true,
        () => false,
      )
    const pings = (server: string, address: string, ...options: string[]) =>
      succeeds(inside(server, 'busybox', 'ping', '-c', '1', '-W', '2', ...options, address))
    const soon = (what: string, holds: () => Promise<boolean>) => until(what, holds, 15_000)
    const aNetwork = (over: object) => service.post('/v1/networks', { name: 'network', ...over })
    const primaryOf = async (server: string) => {
      const { items } = await service.get(`/v1/nics?server_id=${server}`)
      return items.find(({ primary }: { primary: boolean }) => primary)
    }

    beforeAll(async () => {
      outside = await anOutside()
      service = await aRunningService({ ...outside.environment, PATCHBAY_DNS: SEGMENT.gateway })
      vpc = await service.post('/v1/vpcs', { name: 'vpc', cidr: '172.16.0.0/16' })
      const one = await aNetwork({ vpc_id: vpc.id, cidr: '172.16.1.0/24', ipv6_cidr: 'fd00:16:1::/64' })
      const two = await aNetwork({ vpc_id: vpc.id, cidr: '172.16.2.0/24', ipv6_cidr: 'fd00:16:2::/64' })
      await service.act('PUT', `/v1/networks/${one.id}/dhcp`, { domain: 'lab.example' })
      a = await aServerOf(service, { name: 'alpha', guest: 'qemu', vcpus: 1, network_id: one.id })
      b = await aServerOf(service, { name: 'beta', guest: 'qemu', vcpus: 1, network_id: two.id })
      cardOfA = await primaryOf(a)
      cardOfB = await primaryOf(b)
      const addressed = (server: string, address: string) => async () =>
        (await inside(server, 'ip', 'addr').catch(() => '')).includes(address)
      await until('a to have booted', addressed(a, cardOfA.address), BOOT_MS)
      await until('b to have booted', addressed(b, cardOfB.address), BOOT_MS)
      open = await service.post('/v1/security-groups', {
        name: 'open',
        rules: [
          { direction: 'in', protocol: 'all' },
          { direction: 'out', protocol: 'all' },
        ],
      })
    })
    afterAll(async () => {
      await service?.dispose()
      await outside?.dispose()
    })

    it('routes between the networks of a VPC, full-size packets too', async () => {
      await soon('a to reach b', () => pings(a, cardOfB.address))
      expect(await pings(a, cardOfB.address, '-s', '1472')).toBe(true) // 1500 bytes; Linux sets DF
    })

    it('gives the address, the name server and the search domain by DHCP, and answers for the name of the server', async () => {
      const resolv = await inside(a, 'cat', '/etc/resolv.conf')
      expect(resolv).toContain('nameserver 172.16.1.1')
      expect(resolv).toContain('search lab.example')
      // It ends with 1, for there is no IPv6 address to be had.
      const answer = await inside(a, 'sh', '-c', 'nslookup alpha.lab.example 172.16.1.1; true')
      expect(answer).toContain(cardOfA.address)
    })

    it('gives the IPv6 address that the API shows, and routes it', async () => {
      await soon('SLAAC', async () =>
        (await inside(a, 'ip', '-6', 'addr', 'show', 'eth0')).includes(cardOfA.ipv6_address),
      )
      await soon('a to reach b by IPv6', () => pings(a, cardOfB.ipv6_address))
    })

    it('closes what no rule opens, and opens it while the guests run', async () => {
      await inside(b, 'busybox', 'httpd', '-p', '80', '-h', '/etc')
      const fetches = async () =>
        (await inside(a, 'sh', '-c', `${REQUEST} | nc -w 2 ${cardOfB.address} 80; true`)).includes('root:')
      expect(await fetches()).toBe(true) // the default group: its members talk to each other
      const closed = await service.post('/v1/security-groups', { name: 'closed' })
      await service.act('PUT', `/v1/nics/${cardOfB.id}/security-groups`, { security_group_ids: [closed.id] })
      expect(await fetches()).toBe(false)
      expect(await pings(a, cardOfB.address)).toBe(false)
      await service.act('POST', `/v1/security-groups/${closed.id}/rules`, {
        rules: [{ direction: 'in', protocol: 'tcp', port_first: 80, remote_cidr: `${cardOfA.address}/32` }],
      })
      expect(await fetches()).toBe(true)
      expect(await pings(a, cardOfB.address)).toBe(false)
      await service.act('PUT', `/v1/nics/${cardOfB.id}/security-groups`, { security_group_ids: [open.id] })
    })

    it('stops a guest that takes another address or another MAC, unless it is allowed to', async () => {
      await inside(a, 'ip', 'addr', 'add', '172.16.1.77/24', 'dev', 'eth0')
      const asAnother = () => pings(a, '172.16.1.1', '-I', '172.16.1.77')
      expect(await asAnother()).toBe(false)
      expect(await pings(a, '172.16.1.1')).toBe(true)
      await service.act('PUT', `/v1/nics/${cardOfA.id}/anti-spoofing`, {
        enabled: true,
        allowed_address_pairs: [{ address: '172.16.1.77' }],
      })
      await soon('the pair to be allowed', asAnother)
      await service.act('PUT', `/v1/nics/${cardOfA.id}/anti-spoofing`, { enabled: true, allowed_address_pairs: [] })
      expect(await asAnother()).toBe(false)
      await inside(a, 'ip', 'addr', 'del', '172.16.1.77/24', 'dev', 'eth0')
      await inside(a, 'sh', '-c', 'ip link set eth0 address 52:54:00:de:ad:01')
      expect(await pings(a, '172.16.1.1')).toBe(false)
      await inside(a, 'ip', 'link', 'set', 'eth0', 'address', cardOfA.id)
      await soon('a to be back', () => pings(a, '172.16.1.1'))
    })

    it('gives a way out by source NAT, a way in by elastic IP and by port forwarding', async () => {
      const pool = await service.post('/v1/elastic-ip-pools', {
        name: 'public',
        cidr: SEGMENT.cidr,
        gateway: SEGMENT.gateway,
        first: '203.0.113.10',
        last: '203.0.113.20',
        interface: 'eth1',
      })
      const allocate = () => service.post('/v1/elastic-ips', { pool_id: pool.id })
      const [ofVpc, ofA] = [await allocate(), await allocate()]
      expect(await pings(b, SEGMENT.gateway)).toBe(false)
      await service.act('POST', `/v1/elastic-ips/${ofVpc.id}/associate`, { vpc_id: vpc.id })
      await soon('b to reach the outside', () => pings(b, SEGMENT.gateway))
      await service.act('PUT', `/v1/vpcs/${vpc.id}/source-nat`, { enabled: false })
      expect(await pings(b, SEGMENT.gateway)).toBe(false)

      await service.act('POST', `/v1/vpcs/${vpc.id}/port-forwardings`, {
        protocol: 'tcp',
        port: 8080,
        address: cardOfB.address,
        target_port: 80,
      })
      const page = await outside.run('sh', '-c', `${REQUEST} | busybox nc -w 3 ${ofVpc.address} 8080`)
      expect(page.stdout).toContain('root:')

      await service.act('PUT', `/v1/nics/${cardOfA.id}/security-groups`, { security_group_ids: [open.id] })
      await service.act('POST', `/v1/elastic-ips/${ofA.id}/associate`, { nic_id: cardOfA.id })
      const fromOutside = async () =>
        (await outside.run('busybox', 'ping', '-c', '1', '-W', '2', ofA.address)).exitCode === 0
      await soon('the outside to reach a by its elastic IP', fromOutside)
      expect(await pings(a, SEGMENT.gateway)).toBe(true)
      await service.act('POST', `/v1/elastic-ips/${ofA.id}/disassociate`)
      expect(await fromOutside()).toBe(false)
    })

    it('keeps the bandwidth that was asked for, within 10 %', async () => {
      await service.act('PUT', `/v1/nics/${cardOfA.id}/bandwidth`, { in_mbps: null, out_mbps: 10 })
      await inside(b, 'sh', '-c', '(sleep 60 | nc -l -p 5001) >/dev/null 2>&1 &')
      await inside(a, 'sh', '-c', `(dd if=/dev/zero bs=64k | nc ${cardOfB.address} 5001) >/dev/null 2>&1 &`)
      const tap = `tap${cardOfB.id.slice(6).replaceAll(':', '')}`
      const received = async (): Promise<number> => {
        const { stdout } = await runInNamespace(service.netns, 'ip', ['-s', '-j', 'link', 'show', 'dev', tap])
        return JSON.parse(stdout)[0].stats64.tx.bytes
      }
      const before = await received()
      await soon('the transfer to run', async () => (await received()) > before + 1_000_000)
      await expectRate(10, () => growthOf(received))
      await inside(a, 'killall', 'nc')
      await service.act('PUT', `/v1/nics/${cardOfA.id}/bandwidth`, { in_mbps: null, out_mbps: null })
    })

    it('plugs cards of other modes beside it: isolated without a gateway, bridged on the segment', async () => {
      const isolated = await aNetwork({ mode: 'isolated', cidr: '192.168.50.0/24' })
      const bridged = await aNetwork({
        mode: 'bridged',
        interface: 'eth1',
        cidr: SEGMENT.lan,
        gateway: SEGMENT.machine,
      })
      const attach = async (server: string, network: { id: string }, address?: string) => {
        const nic = await service.post('/v1/nics', {
          network_id: network.id,
          security_group_ids: [open.id],
          ...(address ? { address } : {}),
        })
        await service.act('POST', `/v1/nics/${nic.id}/attach`, { server_id: server })
        await soon('DHCP', async () => (await inside(server, 'ip', 'addr')).includes(`${nic.address}/24`))
        return nic
      }
      await attach(a, isolated)
      const other = await attach(b, isolated)
      await soon('a to reach b in the isolated network', () => pings(a, other.address))
      expect(await inside(a, 'ip', 'route')).not.toMatch(/default via 192\.168\.50/)

      const onSegment = await attach(a, bridged)
      await soon('a to reach the machine on the segment', () => pings(a, SEGMENT.machine))
      const back = await outside.run('busybox', 'ping', '-c', '1', '-W', '2', onSegment.address)
      expect(back.exitCode).toBe(0)
    })

    it('does not hand out an address that a machine on the segment uses', async () => {
      const bridged = (await service.get('/v1/networks?mode=bridged')).items[0]
      const taken = '192.168.77.99'
      await outside.run('ip', 'addr', 'add', `${taken}/24`, 'dev', 'eth0')
      const nic = await service.post('/v1/nics', { network_id: bridged.id, address: taken })
      const { body: job } = await service.call(
        'POST',
        `/v1/nics/${nic.id}/attach`,
        { server_id: b },
        { prefer: 'wait=60' },
      )
      expect(job).toMatchObject({
        state: 'failed',
        error: expect.stringMatching(/192\.168\.77\.99 .* is used by [0-9a-f:]{17}/),
      })
      expect(await service.get(`/v1/nics/${nic.id}`)).toMatchObject({ state: 'available', last_error: job.error })
      expect(await inside(b, 'ip', 'link')).not.toContain(nic.id)
    })
  },
  NEEDS,
)
