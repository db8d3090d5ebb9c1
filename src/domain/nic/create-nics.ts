import type { QueryResultRow } from 'pg'
import type { Db } from '../../db/client.ts'
import { refusedConstraint } from '../../db/constraint-errors.ts'
import type { Actor } from '../actor.ts'
import { bodyError } from '../errors.ts'
import { newMac } from '../ids.ts'
import { defaultGroupOf } from '../security-group/default-group.ts'
import { assertGroups } from '../security-group/membership.ts'
import type { NicSettings } from './nic-settings.ts'
import { NIC_COLUMNS, type NicRow, type NicView, nicView } from './nics.ts'
import { refinePlacement } from './refine-placement.ts'

export interface NewNics extends NicSettings {
  readonly networkId: string
  readonly count: number
  readonly name?: string | undefined
  readonly description?: string | undefined
  readonly tags?: Record<string, string> | undefined
  /** For the first NICs of the batch; the others take the lowest free addresses. */
  readonly addresses?: readonly string[] | undefined
  /** False: without address, also where the network has some. True when absent. */
  readonly addressed?: boolean | undefined
  /** The server that the NIC comes and goes with, in which slot (0: its primary one), and the job that will plug it. */
  readonly withServer?: { readonly serverId: string; readonly slot: number; readonly jobId: string } | undefined
  /** Where the body names address n, to blame it. */
  readonly pointer: (index: number) => string
}

/**
 * Ports, NICs and events in one statement and one round trip: all of them or none.
 * $1 network, $2 project, $3 count, $4 wanted addresses, $5 MACs, $6 name, $7 description, $8 tags, $9 actor,
 * $10 server that it comes with, $11 job, $12 anti-spoofing, $13 allowed address pairs, $14 and $15 bandwidth in and out, $16 groups,
 * $17 whether the default group is one of them, or there are none, $18 slot on the server, $19 what the ports are for.
 */
export const CREATE_NICS = `
WITH made AS (
  INSERT INTO nic (id, project_id, network_id, network_cidr, port, address, name, description, tags,
                   is_primary, with_server, state, server_id, slot, job_id,
                   ipv6_address, anti_spoofing, allowed_address_pairs, bandwidth_in_mbps, bandwidth_out_mbps, in_default_group)
  SELECT m.mac, $2, $1, t.cidr, t.port, t.address, $6, $7, $8,
         $18::smallint IS NOT DISTINCT FROM 0, $10::text IS NOT NULL,
         CASE WHEN $10::text IS NULL THEN 'available' ELSE 'attaching' END::nic_state, $10, $18, $11,
         eui64_address(t.ipv6_cidr, m.mac), $12, $13, $14, $15, $17
  FROM network_take_ports($1, $2, $3, $4::inet[], $19) AS t
  JOIN unnest($5::macaddr[]) WITH ORDINALITY AS m (mac, n) USING (n)
  RETURNING *
), grouped AS (
  INSERT INTO nic_security_group (nic_id, group_id, project_id)
  SELECT made.id, group_id, made.project_id FROM made, unnest($16::text[]) AS group_id
), told AS (
  INSERT INTO event (project_id, type, resource_type, resource_id, address, actor, job_id, data)
  SELECT project_id, 'nic.created', 'nic', id::text, had.address, $9, $11,
         jsonb_build_object('network_id', network_id, 'name', name)
           || CASE WHEN server_id IS NULL THEN '{}' ELSE jsonb_build_object('server_id', server_id, 'slot', slot) END
  FROM made, unnest(CASE WHEN ipv6_address IS NULL THEN ARRAY[made.address] ELSE ARRAY[made.address, ipv6_address] END)
    AS had (address)
)
SELECT ${NIC_COLUMNS} FROM made ORDER BY port`

/** Tries at drawing MACs that no NIC has: with a million NICs one draw in 4,000 collides. */
const MAC_DRAWS = 4

/**
 * Makes NICs in one network, all or none. Runs as a single statement, so `db` may be a pool.
 * @returns in the order of their addresses, those that were asked for first.
 * @throws DomainError `not_found` (network or security group), `network_full` (with limit and use), `network_not_joined`, `address_in_use`,
 *   `address_out_of_range`, `invalid_request` (more addresses than NICs, or for NICs without).
 */
export async function createNics(db: Db, actor: Actor, wanted: NewNics): Promise<NicView[]> {
  assertAddressesFit(wanted)
  const groupIds = [...(wanted.security_group_ids ?? [])].sort()
  if (wanted.security_group_ids) await assertGroups(db, actor, wanted.security_group_ids)
  for (let draws = 1; ; draws++) {
    const macs = Array.from({ length: wanted.count }, newMac)
    const values = [
      wanted.networkId,
      actor.projectId,
      wanted.count,
      wanted.addresses ?? [],
      macs,
      wanted.name ?? '',
      wanted.description ?? '',
      JSON.stringify(wanted.tags ?? {}),
      actor.keyId,
      wanted.withServer?.serverId ?? null,
      wanted.withServer?.jobId ?? null,
      wanted.anti_spoofing ?? true,
      JSON.stringify(wanted.allowed_address_pairs ?? []),
      wanted.bandwidth?.in_mbps ?? null,
      wanted.bandwidth?.out_mbps ?? null,
      groupIds,
      groupIds.length === 0 || groupIds.includes(defaultGroupOf(actor.projectId)),
      wanted.withServer?.slot ?? null,
      wanted.addressed === false ? 'unaddressed' : 'nic',
    ]
    try {
      // Named: parsed and planned once per connection, on the busiest statement of the service.
      const { rows } = await db.$client.query<NicRow & QueryResultRow>({
        name: 'create_nics',
        text: CREATE_NICS,
        values,
      })
      if (rows.length === 0) throw bodyError('not_found', '/network_id', `network ${wanted.networkId} not found`)
      return rows.map((row) => nicView({ ...row, groupIds, elasticIp: null }))
    } catch (error) {
      // Inside an open transaction a second draw is not possible: it is aborted, and `transaction` begins it again.
      const collided = refusedConstraint(error)?.constraint === 'nic_pkey' && 'totalCount' in db.$client
      if (collided && draws < MAC_DRAWS) continue
      return await refinePlacement(error, { ...wanted, addresses: wanted.addresses ?? [] })
    }
  }
}

function assertAddressesFit({ count, addresses = [], addressed = true, pointer }: NewNics): void {
  if (!addressed && addresses.length > 0) {
    throw bodyError('invalid_request', pointer(0), 'must not be given for a NIC without address')
  }
  if (addresses.length > count) {
    throw bodyError('invalid_request', '/addresses', `has ${addresses.length} addresses for ${count} NICs`)
  }
}
