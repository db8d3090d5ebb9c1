/**
 * VPCs, networks and NICs by the hundred thousand, in the shape that the service itself would have stored: everything
 * that the schema demands holds, only the events are left out.
 */
import type pg from 'pg'

/** NICs in each network; the schema allows 252. */
export const NICS_PER_NETWORK = 250
const NETWORKS_PER_VPC = 254
/** 2^32 divided by the golden ratio, odd: multiplying by it modulo 2^32 scatters numbers, and no two meet. */
const SCATTER = 2654435761
const FIRST_MAC = 0x525400000000

export const networkIdOf = (index: number): string => `net-bench${index}`

/** Makes networks `from` up to, not including, `to`. Each says that its first `taken` ports are taken. */
export async function fillNetworks(
  sql: pg.Client,
  projectId: string,
  { from, to, taken }: { from: number; to: number; taken: number },
): Promise<void> {
  const vpcs = [Math.ceil(from / NETWORKS_PER_VPC), Math.ceil(to / NETWORKS_PER_VPC) - 1]
  await sql.query(
    `INSERT INTO vpc (id, project_id, name, cidr)
     SELECT 'vpc-bench' || v, $1, 'bench', ('10.' || v || '.0.0/16')::cidr FROM generate_series($2::int, $3::int) AS v`,
    [projectId, ...vpcs],
  )
  await sql.query(
    `INSERT INTO network (id, project_id, name, type, vni, vpc_id, vpc_cidr, cidr, ports)
     SELECT 'net-bench' || n, $1, 'bench', 'managed', network_free_vni(), 'vpc-bench' || v, ('10.' || v || '.0.0/16')::cidr,
            ('10.' || v || '.' || s + 1 || '.0/24')::cidr, (repeat('1', $4) || repeat('0', 252 - $4))::bit(252)
     FROM generate_series($2::int, $3::int) AS n, LATERAL (SELECT n / ${NETWORKS_PER_VPC} AS v, n % ${NETWORKS_PER_VPC} AS s)`,
    [projectId, from, to - 1, taken],
  )
}

/**
 * Makes NICs `from` up to, not including, `to`, both whole networks. They come in scattered order, so that the NICs of
 * one network lie as far apart on disk as those of a grown installation.
 */
export async function fillNics(sql: pg.Client, projectId: string, from: number, to: number): Promise<void> {
  await fillNetworks(sql, projectId, {
    from: from / NICS_PER_NETWORK,
    to: to / NICS_PER_NETWORK,
    taken: NICS_PER_NETWORK,
  })
  // Checks and unique indexes work as ever; the foreign keys, half of the time, are compared in one go below.
  await sql.query('SET session_replication_role = replica')
  await sql.query(
    `INSERT INTO nic (id, project_id, network_id, network_cidr, port, address, name)
     SELECT to_hex(${FIRST_MAC} + n * ${SCATTER} % 4294967296)::macaddr, $1, w.id, w.cidr, p.port,
            set_masklen(w.cidr::inet, 32) + p.port + 1, 'nic-' || n
     FROM generate_series($2::bigint, $3::bigint) AS n
     CROSS JOIN LATERAL (SELECT n % ${NICS_PER_NETWORK} + 1 AS port) AS p
     JOIN network w ON w.id = 'net-bench' || n / ${NICS_PER_NETWORK}
     ORDER BY n * ${SCATTER} % 4294967296`,
    [projectId, from, to - 1],
  )
  await sql.query('RESET session_replication_role')
  await assertForeignKeys(sql, to)
  await sql.query('VACUUM ANALYZE')
  await sql.query('CHECKPOINT')
}

async function assertForeignKeys(sql: pg.Client, expected: number): Promise<void> {
  const { rows } = await sql.query<{ count: string }>(
    `SELECT count(*) FROM nic JOIN network w
     ON (w.id, w.project_id, w.cidr) = (nic.network_id, nic.project_id, nic.network_cidr)
     WHERE nic.server_id IS NULL AND nic.job_id IS NULL AND get_bit(w.ports, nic.port - 1) = 1`,
  )
  if (Number(rows[0]?.count) !== expected) throw new Error(`${rows[0]?.count} of ${expected} NICs fit their networks`)
}

/** The project that the first start makes. */
export async function projectOf(sql: pg.Client): Promise<string> {
  const { rows } = await sql.query<{ id: string }>('SELECT id FROM project ORDER BY seq LIMIT 1')
  if (!rows[0]) throw new Error('there is no project')
  return rows[0].id
}
