/** Every rule that the database holds by a named constraint, broken by raw SQL: the routes are not asked. */
import { readFileSync } from 'node:fs'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { REFUSED_BY } from '../../src/db/constraint-errors.ts'
import { aDatabase } from '../support/databases.ts'

const migration = (name: string) => readFileSync(new URL(`../../migrations/${name}.sql`, import.meta.url), 'utf8')
const MIGRATION = migration('0001_init')
/** Its rules that a later migration took away. What later ones brought is broken in the tests of the resources. */
const GONE = [...migration('0002_network_services').matchAll(/DROP CONSTRAINT (\w+)/g)]
  .map(([, name]) => name)
  .filter((name) => !migration('0002_network_services').includes(`ADD CONSTRAINT ${name} `))

const NOT_NULL_COLUMNS = 'id, project_id, network_id, network_cidr, port, address'
/** A NIC of `net-a` (10.0.1.0/24) on port p; `more` sets further columns. */
const nic = (last: number, port: number, more: Record<string, string> = {}) => {
  const names = Object.keys(more)
  return `INSERT INTO nic (${[NOT_NULL_COLUMNS, ...names].join(', ')}) VALUES
    (${[`'52:54:00:00:00:${last.toString(16).padStart(2, '0')}', 'prj-p', 'net-a', '10.0.1.0/24', ${port}, '10.0.1.${port + 1}'`, ...Object.values(more)].join(', ')})`
}
const onServer = (slot: string, more: Record<string, string> = {}) => ({
  state: `'in_use'`,
  server_id: `'i-a'`,
  slot,
  ...more,
})
const network = (id: string, vni: number, more: Record<string, string> = {}) =>
  `INSERT INTO network (${['id, project_id, name, type, vni', ...Object.keys(more)].join(', ')}) VALUES
    (${[`'${id}', 'prj-p', 'n', ${more.type ?? `'managed'`}, ${vni}`, ...Object.values(more)].join(', ')})`
const joined = (cidr: string, vpc = 'vpc-a', vpcCidr = '10.0.0.0/16') => ({
  vpc_id: `'${vpc}'`,
  vpc_cidr: `'${vpcCidr}'`,
  cidr: `'${cidr}'`,
})
const server = (id: string, more: Record<string, string> = {}) => {
  const values: Record<string, string> = {
    guest: `'qemu'`,
    state: `'running'`,
    vcpus: '1',
    memory_mb: '256',
    ...more,
  }
  return `INSERT INTO server (${['id, project_id, hypervisor_id, name', ...Object.keys(values)].join(', ')}) VALUES
    (${[`'${id}', 'prj-p', 'hv', 's'`, ...Object.values(values)].join(', ')})`
}
const job = (id: string, more: Record<string, string> = {}) => {
  const values: Record<string, string> = { action: `'nic.attach'`, server_id: `'i-a'`, ...more }
  return `INSERT INTO job (${['id, project_id, hypervisor_id', ...Object.keys(values)].join(', ')}) VALUES
    (${[`'${id}', 'prj-p', 'hv'`, ...Object.values(values)].join(', ')})`
}
const unmanaged = (sql: string) =>
  sql.replace('type, vni', 'type, mode, vni').replace(`'managed'`, `'unmanaged', 'isolated'`)

const SEED = [
  `INSERT INTO project (id, name) VALUES ('prj-p', 'project'), ('prj-q', 'other')`,
  `INSERT INTO zone VALUES ('z')`,
  `INSERT INTO hypervisor (id, zone_id, token_hash) VALUES ('hv', 'z', 'x')`,
  `INSERT INTO vpc (id, project_id, name, cidr) VALUES
     ('vpc-a', 'prj-p', 'v', '10.0.0.0/16'), ('vpc-b', 'prj-p', 'v', '10.0.0.0/16'), ('vpc-q', 'prj-q', 'v', '10.0.0.0/16')`,
  `INSERT INTO vpc (id, project_id, name, cidr, deleted_at) VALUES ('vpc-gone', 'prj-p', 'v', '10.0.0.0/16', now())`,
  network('net-a', 5000, joined('10.0.1.0/24')),
  network('net-free', 5001),
  unmanaged(network('net-bare', 5002)),
  server('i-a'),
  server('i-adopted', { qmp_socket: `'/run/a.sock'` }),
  job('j-a'),
  job('j-server', { action: `'server.stop'`, server_id: `'i-adopted'` }),
  `SELECT network_take_ports('net-a', 'prj-p', 3, ARRAY['10.0.1.10', '10.0.1.11', '10.0.1.12']::inet[])`,
  nic(0x10, 9),
  nic(0x11, 10, onServer('0', { is_primary: 'true', with_server: 'true' })),
  nic(0x12, 11, onServer('1')),
]

/** [constraint, SQLSTATE, what breaks it]. 23505 unique, 23503 foreign key, 23514 check, 23P01 exclusion. */
const BREAKS: readonly (readonly [constraint: string, code: string, ...sql: string[]])[] = [
  ['project_name_key', '23505', `INSERT INTO project (id, name) VALUES ('prj-r', 'project')`],
  [
    'access_key_project_fk',
    '23503',
    `INSERT INTO access_key (id, project_id, role, token_hash, secret_encrypted) VALUES ('k', 'none', 'admin', '1', '2')`,
  ],
  [
    'vpc_cidr_private',
    '23514',
    ...[
      '10.0.0.0/15',
      '10.0.1.0/24',
      '11.0.0.0/16',
      '172.32.0.0/16',
      '172.15.0.0/16',
      '192.169.0.0/16',
      'fd00::/16',
    ].map((cidr) => `INSERT INTO vpc (id, project_id, name, cidr) VALUES ('v', 'prj-p', 'v', '${cidr}')`),
  ],
  ['network_vni_key', '23505', network('net-x', 5000)],
  ['network_vni_range', '23514', network('net-x', 4095), network('net-x', 16_777_216)],
  [
    'network_vpc_with_cidr',
    '23514',
    network('net-x', 6000, { vpc_id: `'vpc-a'` }),
    network('net-x', 6000, { cidr: `'10.0.2.0/24'` }),
    network('net-x', 6000, { vpc_id: `'vpc-a'`, cidr: `'10.0.2.0/24'` }),
  ],
  [
    'network_cidr_slash_24',
    '23514',
    network('net-x', 6000, joined('10.0.2.0/23')),
    network('net-x', 6000, joined('10.0.2.0/25')),
  ],
  [
    'network_cidr_in_vpc',
    '23514',
    network('net-x', 6000, joined('10.1.2.0/24')),
    network('net-x', 6000, joined('10.0.0.0/16')),
  ],
  ['network_cidr_of_254', '23514', network('net-x', 6000, joined('10.0.255.0/24'))],
  [
    'network_vpc_fk',
    '23503',
    network('net-x', 6000, joined('10.0.2.0/24', 'vpc-none')),
    network('net-x', 6000, joined('10.0.2.0/24', 'vpc-gone')),
    network('net-x', 6000, joined('10.0.2.0/24', 'vpc-q')),
    network('net-x', 6000, joined('10.9.2.0/24', 'vpc-a', '10.9.0.0/16')),
    `UPDATE vpc SET deleted_at = now() WHERE id = 'vpc-a'`,
    `UPDATE vpc SET cidr = '10.5.0.0/16' WHERE id = 'vpc-a'`,
  ],
  ['network_vpc_cidr_excl', '23P01', network('net-x', 6000, joined('10.0.1.0/24'))],
  [
    'job_finished_at_when_final',
    '23514',
    job('j-x', { state: `'successful'` }),
    job('j-x', { state: `'failed'` }),
    job('j-x', { finished_at: 'now()' }),
    job('j-x', { state: `'working'`, finished_at: 'now()' }),
  ],
  ['job_server_live_key', '23505', job('j-x', { action: `'server.delete'`, server_id: `'i-adopted'` })],
  ['server_job_fk', '23503', server('i-x', { state: `'stopping'`, job_id: `'j-none'` })],
  [
    'server_job_while_transient',
    '23514',
    ...['pending', 'starting', 'stopping', 'terminating'].map((state) => server('i-x', { state: `'${state}'` })),
    server('i-x', { job_id: `'j-a'` }),
  ],
  [
    'server_deleted_at_when_terminated',
    '23514',
    server('i-x', { state: `'terminated'` }),
    server('i-x', { deleted_at: 'now()' }),
  ],
  ['server_adopted_is_qemu', '23514', server('i-x', { guest: `'namespace'`, qmp_socket: `'/run/b.sock'` })],
  ['server_qga_with_qmp', '23514', server('i-x', { qga_socket: `'/run/b.sock'` })],
  ['server_vcpus_range', '23514', server('i-x', { vcpus: '0' }), server('i-x', { vcpus: '65' })],
  ['server_memory_range', '23514', server('i-x', { memory_mb: '127' }), server('i-x', { memory_mb: '1048577' })],
  ['server_qmp_socket_key', '23505', server('i-x', { qmp_socket: `'/run/a.sock'` })],
  ['nic_job_fk', '23503', nic(0x20, 20, onServer('5', { state: `'attaching'`, job_id: `'j-none'` }))],
  [
    'nic_mac_ours',
    '23514',
    nic(0x20, 20).replace('52:54', '52:55'),
    nic(0x20, 20).replace('52:54', '00:00'),
    `UPDATE nic SET id = '01:00:5e:00:00:01' WHERE id = '52:54:00:00:00:10'`,
  ],
  ['nic_port_range', '23514', nic(0x20, 0), `UPDATE nic SET port = 505, address = NULL WHERE port = 9`],
  ['nic_network_port_key', '23505', nic(0x20, 9)],
  [
    'nic_address_is_port',
    '23514',
    `UPDATE nic SET address = '10.0.1.99' WHERE port = 9`,
    `UPDATE nic SET address = '10.0.1.10/24' WHERE port = 9`,
    `UPDATE nic SET address = NULL WHERE port = 9`,
    `UPDATE nic SET network_cidr = NULL WHERE port = 9`,
    `INSERT INTO nic (id, project_id, network_id, port, address) VALUES ('52:54:00:00:00:21', 'prj-p', 'net-bare', 1, '10.0.1.2')`,
  ],
  ['nic_slot_range', '23514', nic(0x20, 20, onServer('64')), nic(0x20, 20, onServer('-1'))],
  ['nic_server_slot_key', '23505', nic(0x20, 20, onServer('1'))],
  ['nic_server_with_slot', '23514', nic(0x20, 20, onServer('NULL')), nic(0x20, 20, { slot: '5' })],
  [
    'nic_server_unless_available',
    '23514',
    nic(0x20, 20, { state: `'in_use'` }),
    nic(0x20, 20, onServer('5', { state: `'available'` })),
  ],
  [
    'nic_primary_is_slot_0',
    '23514',
    nic(0x20, 20, onServer('5', { is_primary: 'true', with_server: 'true' })),
    `UPDATE nic SET slot = 5 WHERE is_primary`,
    `UPDATE nic SET state = 'available', server_id = NULL, slot = NULL WHERE is_primary`,
    `UPDATE nic SET is_primary = false WHERE is_primary`,
  ],
  [
    'nic_job_while_transient',
    '23514',
    nic(0x20, 20, onServer('5', { state: `'attaching'` })),
    nic(0x20, 20, onServer('5', { state: `'detaching'` })),
    nic(0x20, 20, onServer('5', { job_id: `'j-a'` })),
  ],
  [
    'nic_network_fk',
    '23503',
    nic(0x20, 20).replace(`'prj-p', 'net-a'`, `'prj-q', 'net-a'`),
    nic(0x20, 20).replace(`'net-a', '10.0.1.0/24'`, `'net-none', '10.0.1.0/24'`),
    `DELETE FROM network WHERE id = 'net-a'`,
  ],
  [
    'nic_network_cidr_fk',
    '23503',
    nic(0x20, 20).replaceAll('10.0.1.', '10.0.3.'),
    `UPDATE network SET vpc_id = NULL, vpc_cidr = NULL, cidr = NULL WHERE id = 'net-a'`,
    `UPDATE network SET cidr = '10.0.9.0/24' WHERE id = 'net-a'`,
  ],
  [
    'nic_server_fk',
    '23503',
    nic(0x20, 20, onServer('5', { server_id: `'i-none'` })),
    `DELETE FROM server WHERE id = 'i-a'`,
  ],
  [
    'nic_network_address_key',
    '23505',
    `SELECT network_take_ports('net-a', 'prj-p', 1, ARRAY['10.0.1.10']::inet[])`,
    `SELECT network_take_ports('net-a', 'prj-p', 2, ARRAY['10.0.1.40', '10.0.1.40']::inet[])`,
  ],
  [
    'nic_address_in_range',
    '23514',
    ...['10.0.1.0', '10.0.1.1', '10.0.1.254', '10.0.1.255', '10.0.2.5', '192.168.0.1', '::1', '0.0.0.0'].map(
      (address) => `SELECT network_take_ports('net-a', 'prj-p', 1, ARRAY['${address}']::inet[])`,
    ),
  ],
  ['nic_address_needs_cidr', '23514', `SELECT network_take_ports('net-bare', 'prj-p', 1, ARRAY['10.0.1.40']::inet[])`],
  ['network_joined', '23514', `SELECT network_take_ports('net-free', 'prj-p', 1, '{}')`],
  [
    'network_ports_exhausted',
    '23514',
    `SELECT network_take_ports('net-a', 'prj-p', 250, '{}')`, // 3 of 252 are taken
    `SELECT network_take_ports('net-bare', 'prj-p', 253, '{}')`,
  ],
]

let client: pg.Client
let database: Awaited<ReturnType<typeof aDatabase>>
beforeAll(async () => {
  database = await aDatabase(inject('postgresUrl'))
  client = new pg.Client({ connectionString: database.url })
  await client.connect()
  for (const sql of SEED) await client.query(sql)
})
afterAll(async () => {
  await client.end()
  await database.drop()
})

/** What PostgreSQL says to a statement, which is taken back again. */
async function refusal(sql: string): Promise<{ code?: string | undefined; constraint?: string | undefined }> {
  await client.query('BEGIN')
  try {
    await client.query(sql)
    return {}
  } catch (error) {
    if (!(error instanceof pg.DatabaseError)) throw error
    return { code: error.code, constraint: error.constraint }
  } finally {
    await client.query('ROLLBACK')
  }
}

describe('the database refuses what breaks', () => {
  it.each(BREAKS)('%s', async (constraint, code, ...statements) => {
    for (const sql of statements) expect(await refusal(sql), sql).toEqual({ code, constraint })
  })

  it('no rule that is not broken here', () => {
    const named = [...MIGRATION.matchAll(/CONSTRAINT (?:= ')?(\w+)/g), ...MIGRATION.matchAll(/UNIQUE INDEX (\w+)/g)]
    const standing = new Set(named.map(([, name]) => name).filter((name) => !GONE.includes(name)))
    expect([...standing].sort()).toEqual(BREAKS.map(([name]) => name).sort())
  })
})

describe('the database allows', () => {
  it('a NIC without address and port 252 in an unmanaged network, and the same CIDR in two VPCs', async () => {
    const bare = `INSERT INTO nic (id, project_id, network_id, port) VALUES ('52:54:00:00:00:30', 'prj-p', 'net-bare', 252)`
    expect(await refusal(bare)).toEqual({})
    expect(await refusal(network('net-x', 6000, joined('10.0.1.0/24', 'vpc-b')))).toEqual({})
  })

  it('a new server behind the socket of a terminated one', async () => {
    await client.query(server('i-old', { qmp_socket: `'/run/old'`, state: `'terminated'`, deleted_at: 'now()' }))
    expect(await refusal(server('i-new', { qmp_socket: `'/run/old'` }))).toEqual({})
  })

  it('a second live job about a server whose other live job is about its NICs', async () => {
    expect(await refusal(job('j-x', { action: `'server.stop'` }))).toEqual({})
  })
})

it('every name in REFUSED_BY is a constraint or index of the database, or raised by one of its functions', async () => {
  const { rows } = await client.query<{ name: string }>(`
    SELECT conname AS name FROM pg_constraint
    UNION SELECT relname FROM pg_class WHERE relkind = 'i'
    UNION SELECT (regexp_matches(prosrc, 'CONSTRAINT = ''(\\w+)''', 'g'))[1] FROM pg_proc
      WHERE pronamespace = 'public'::regnamespace`)
  const known = new Set(rows.map(({ name }) => name))
  expect(Object.keys(REFUSED_BY).filter((name) => !known.has(name))).toEqual([])
})
