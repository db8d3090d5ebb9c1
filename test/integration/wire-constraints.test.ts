/** What the migration for the QingCloud wire holds by named constraints, broken by raw SQL; and what it makes of old rows. */
import { readdirSync, readFileSync } from 'node:fs'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { aService, type Service } from '../support/a-service.ts'
import { aWireClient } from '../support/a-wire-client.ts'
import { type Belongings, belongings } from '../support/belongings.ts'
import { aHypervisor, aPool } from '../support/builders.ts'
import { anEmptyDatabase, type TestDatabase } from '../support/databases.ts'

const FOLDER = new URL('../../migrations/', import.meta.url)
const migration = (name: string) => readFileSync(new URL(name, FOLDER), 'utf8')
const WIRE = '0003_qingcloud_wire.sql'
const TESTS = new URL('.', import.meta.url)

describe('the database refuses', () => {
  let service: Service
  let own: Belongings
  let theirs: Belongings
  beforeAll(async () => {
    service = await aService()
    await aHypervisor(service, 'hv-test', ['eth1'])
    await aPool(service)
    own = await belongings(service, await aWireClient(service))
    theirs = await belongings(service, await aWireClient(service, { projectId: await service.aProject() }))
  })
  afterAll(() => service.close())

  const refusal = async (text: string): Promise<string> => {
    try {
      await service.db.$client.query(text)
      return 'nothing'
    } catch (error) {
      const { code, constraint } = error as pg.DatabaseError
      return `${code} ${constraint}`
    }
  }
  const net = (vxnet: string) => vxnet.replace('vxnet-', 'net-')

  it.each<[constraint: string, (project: string) => string[]]>([
    [
      '23514 job_asked_whole',
      () => [
        `UPDATE job SET asked = NULL WHERE id = '${own.job}'`,
        `UPDATE job SET asked_action = NULL WHERE id = '${own.job}'`,
      ],
    ],
    [
      '23503 key_pair_server_key_pair_fk',
      (project) => [
        `INSERT INTO key_pair_server VALUES ('${theirs.keypair}', '${own.machine}', '${project}')`,
        `DELETE FROM key_pair WHERE id = '${own.keypair}'`,
      ],
    ],
    [
      '23503 key_pair_server_server_fk',
      (project) => [`INSERT INTO key_pair_server VALUES ('${own.keypair}', '${theirs.machine}', '${project}')`],
    ],
    [
      '23505 network_vpc_place_key',
      (project) => [
        `INSERT INTO network (id, project_id, name, type, vni, vpc_id, vpc_cidr, cidr)
           SELECT 'net-' || n, '${project}', '', 'managed', 16000000 + n, v.id, v.cidr, set_masklen(v.cidr + n * 256, 24)::cidr
           FROM vpc v, unnest(ARRAY[0, 254]) n WHERE v.id = '${own.second.replace('rtr', 'vpc')}'`,
      ],
    ],
    ['23503 nic_traffic_nic_fk', () => [`INSERT INTO nic_traffic VALUES ('52:54:00:00:00:01', now(), 1, 1)`]],
    [
      '23503 security_group_snapshot_group_fk',
      (project) => [
        `INSERT INTO security_group_snapshot (id, project_id, group_id, rules) VALUES ('sgs-x', '${project}', '${theirs.group}', '[]')`,
      ],
    ],
    [
      '23503 tag_resource_tag_fk',
      (project) => [
        `INSERT INTO tag_resource (tag_id, project_id, resource_type, resource_id) VALUES ('${theirs.tag}', '${project}', 'server', '${own.machine}')`,
      ],
    ],
    [
      '23514 tag_resource_type',
      (project) => [
        `INSERT INTO tag_resource (tag_id, project_id, resource_type, resource_id) VALUES ('${own.tag}', '${project}', 'volume', 'vol-x')`,
      ],
    ],
    ['23514 user_data_size', () => [`UPDATE user_data SET content = convert_to(repeat('x', 2097153), 'UTF8')`]],
    [
      '23503 vpc_static_network_fk',
      () => [
        `UPDATE vpc_static SET network_id = '${net(theirs.vxnet)}' WHERE id = '${own.vpn.replace('rtrs', 'vs')}'`,
        `UPDATE vpc_static SET network_id = 'net-none' WHERE id = '${own.vpn.replace('rtrs', 'vs')}'`,
      ],
    ],
  ])('%s', async (constraint, breaks) => {
    for (const text of breaks(service.projectId)) expect(await refusal(text), text).toBe(constraint)
  })

  it('no rule that is not broken in a test', () => {
    const tests = readdirSync(TESTS, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.test.ts'))
      .map((name) => readFileSync(new URL(name, TESTS), 'utf8'))
      .join('\n')
    const named = [...migration(WIRE).matchAll(/(?:CONSTRAINT|UNIQUE INDEX) (\w+)/g)].map(([, name]) => name ?? '')
    expect(named.filter((name) => !tests.includes(name))).toEqual([])
  })

  it('a network that goes leaves statics without it', async () => {
    const id = own.vpn.replace('rtrs', 'vs')
    const client = await service.db.$client.connect()
    await client.query('BEGIN')
    await client.query(`UPDATE vpc_static SET network_id = '${net(own.unjoined)}' WHERE id = '${id}'`)
    await client.query(`DELETE FROM network WHERE id = '${net(own.unjoined)}'`)
    const { rows } = await client.query(`SELECT network_id, project_id FROM vpc_static WHERE id = '${id}'`)
    await client.query('ROLLBACK')
    client.release()
    expect(rows).toEqual([{ network_id: null, project_id: service.projectId }])
  })
})

describe('over a database with rows of the migrations before', () => {
  let database: TestDatabase
  let client: pg.Client
  beforeAll(async () => {
    database = await anEmptyDatabase(inject('postgresUrl'))
    client = new pg.Client({ connectionString: database.url })
    await client.connect()
    for (const name of readdirSync(FOLDER)
      .filter((name) => name < WIRE)
      .sort())
      await client.query(migration(name))
    await client.query(OLD_ROWS)
    await client.query('BEGIN')
    await client.query(migration(WIRE))
    await client.query('COMMIT')
  })
  afterAll(async () => {
    await client.end()
    await database.drop()
  })

  const one = async (text: string) => (await client.query(text)).rows[0]
  const take = (network: string, count: number, purpose: string) =>
    client.query(`SELECT * FROM network_take_ports('${network}', 'prj-p', ${count}, '{}', '${purpose}')`)

  it('primary NICs came with their servers, others did not', async () => {
    const { rows } = await client.query(
      `SELECT is_primary, with_server FROM nic WHERE server_id IS NOT NULL ORDER BY 1`,
    )
    expect(rows).toEqual([
      { is_primary: false, with_server: false },
      { is_primary: true, with_server: true },
    ])
  })

  it('a network with 252 NICs is as full as it was, for whatever purpose', async () => {
    expect(
      await one(`SELECT bit_count(ports) AS n, bit_count(unaddressed) AS bare FROM network WHERE id = 'net-full'`),
    ).toEqual({ n: '252', bare: '0' })
    for (const purpose of ['nic', 'unaddressed', 'hold'])
      await expect(take('net-full', 1, purpose)).rejects.toMatchObject({ constraint: 'network_ports_exhausted' })
    await client.query(`DELETE FROM nic WHERE network_id = 'net-full' AND port = 100`)
    expect((await take('net-full', 1, 'unaddressed')).rows).toMatchObject([{ port: 253, address: null }])
    expect((await take('net-full', 1, 'hold')).rows).toMatchObject([{ port: 100 }])
  })

  it('one without addresses too', async () => {
    expect((await take('net-bare', 1, 'unaddressed')).rows).toMatchObject([{ port: 3, address: null, cidr: null }])
    await expect(take('net-bare', 1, 'hold')).rejects.toMatchObject({ constraint: 'nic_address_needs_cidr' })
  })

  it('routers are on, forwardings in force, rules applied', async () => {
    expect(await one('SELECT routing, is_basic, security_group_id, wire FROM vpc')).toEqual({
      routing: true,
      is_basic: false,
      security_group_id: null,
      wire: {},
    })
    expect(await one('SELECT enabled FROM port_forwarding')).toEqual({ enabled: true })
    expect(await one('SELECT in_force FROM security_group')).toEqual({ in_force: null })
    expect(await one('SELECT asked_action, asked FROM job')).toEqual({ asked_action: null, asked: null })
  })
})

const OLD_ROWS = `
  INSERT INTO project (id, name) VALUES ('prj-p', 'project');
  INSERT INTO zone VALUES ('z');
  INSERT INTO hypervisor (id, zone_id, token_hash) VALUES ('hv', 'z', 'x');
  INSERT INTO vpc (id, project_id, name, cidr) VALUES ('vpc-a', 'prj-p', 'v', '10.0.0.0/16');
  INSERT INTO network (id, project_id, name, type, vni, vpc_id, vpc_cidr, cidr)
    VALUES ('net-full', 'prj-p', 'n', 'managed', 5000, 'vpc-a', '10.0.0.0/16', '10.0.1.0/24');
  INSERT INTO network (id, project_id, name, type, mode, vni) VALUES ('net-bare', 'prj-p', 'n', 'unmanaged', 'isolated', 5001);
  INSERT INTO nic (id, project_id, network_id, network_cidr, port, address)
    SELECT ('52:54:00:00:01:' || lpad(to_hex(t.port::integer), 2, '0'))::macaddr, 'prj-p', 'net-full', t.cidr, t.port, t.address
    FROM network_take_ports('net-full', 'prj-p', 252, '{}') t;
  INSERT INTO nic (id, project_id, network_id, port)
    SELECT ('52:54:00:00:02:' || lpad(to_hex(t.port::integer), 2, '0'))::macaddr, 'prj-p', 'net-bare', t.port
    FROM network_take_ports('net-bare', 'prj-p', 2, '{}') t;
  INSERT INTO server (id, project_id, hypervisor_id, name, guest, state, vcpus, memory_mb)
    VALUES ('i-a', 'prj-p', 'hv', 's', 'qemu', 'running', 1, 256);
  INSERT INTO job (id, project_id, hypervisor_id, action, server_id) VALUES ('j-a', 'prj-p', 'hv', 'nic.attach', 'i-a');
  UPDATE nic SET server_id = 'i-a', slot = 0, state = 'in_use', is_primary = true WHERE network_id = 'net-full' AND port = 1;
  UPDATE nic SET server_id = 'i-a', slot = 1, state = 'in_use' WHERE network_id = 'net-full' AND port = 2;
  INSERT INTO port_forwarding (id, project_id, vpc_id, vpc_cidr, name, protocol, port, address, target_port)
    VALUES ('pf-a', 'prj-p', 'vpc-a', '10.0.0.0/16', '', 'tcp', 80, '10.0.1.5', 80);
`
