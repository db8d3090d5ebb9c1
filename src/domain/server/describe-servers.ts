/** Servers as clients of the QingCloud wire see them: each with its NICs and what hangs on them, in one query a page. */
import { and, desc, eq, getTableColumns, inArray, ne, type SQL, sql } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import { network, nic, server } from '../../db/schema.ts'
import type { NetworkType } from '../network/network-view.ts'
import type { NicState } from '../nic/nics.ts'
import { type Found, found, fromOffset, matchesText, type Slice } from '../paging.ts'
import { defaultGroupOf } from '../security-group/default-group.ts'
import { hasTags, tagsOf, type WireTag } from '../tag/tags.ts'
import type { ServerRow } from './servers.ts'

/**
 * What a server is, whatever is being done to it: while it starts it still is stopped. One that was terminated is `ceased`
 * after two hours, or at once when that was asked for.
 */
export type Standing = 'pending' | 'running' | 'stopped' | 'terminated' | 'ceased'

const jobOfServer = (field: SQL) => sql`(SELECT ${field} FROM job j WHERE j.id = server.job_id)`
const jobAction = sql<string | null>`${jobOfServer(sql`j.action`)}`
const standing = sql<Standing>`CASE server.state
  WHEN 'starting' THEN CASE ${jobAction} WHEN 'server.restart' THEN 'running' ELSE 'stopped' END
  WHEN 'stopping' THEN 'running'
  WHEN 'terminating' THEN coalesce(${jobOfServer(sql`j.request ->> 'previous_state'`)}, 'running')
  WHEN 'terminated' THEN CASE
    WHEN server.wire ->> 'ceased' = '1' OR server.deleted_at < now() - interval '2 hours' THEN 'ceased'
    ELSE 'terminated' END
  ELSE server.state::text END`

export interface GroupName {
  readonly id: string
  readonly name: string
  readonly is_default: boolean
}

/** A NIC on a server. */
export interface ServerCard {
  readonly id: string
  readonly slot: number
  readonly state: NicState
  /** It comes and goes with its server's place in the network. */
  readonly with_server: boolean
  readonly network_id: string
  readonly network_name: string
  readonly network_type: NetworkType
  readonly is_basic: boolean
  readonly address: string | null
  readonly ipv6_address: string | null
  /** The first of its groups. */
  readonly group: GroupName
  readonly elastic_ip: { readonly id: string; readonly address: string; readonly bandwidth_mbps: number | null } | null
}

export interface DescribedServer extends ServerRow {
  readonly zoneId: string
  readonly standing: Standing
  /** Of the job that has it in hand. */
  readonly jobAction: string | null
  /** In the order of their slots. */
  readonly cards: ServerCard[]
  /** The group that was kept with the server, for when it has a NIC. */
  readonly keptGroup: GroupName | null
  readonly keyPairIds: string[]
  readonly wireTags: WireTag[]
}

export interface ServerWanted {
  readonly ids?: readonly string[] | undefined
  readonly standings?: readonly string[] | undefined
  readonly zoneId?: string | undefined
  /** An id, or a part of a name. */
  readonly search?: string | undefined
  readonly tagIds?: readonly string[] | undefined
  readonly imageIds?: readonly string[] | undefined
  readonly instanceTypes?: readonly string[] | undefined
  readonly instanceClasses?: readonly string[] | undefined
  readonly vcpus?: readonly number[] | undefined
  readonly memoryMb?: readonly number[] | undefined
  readonly diskSizes?: readonly string[] | undefined
}

const among = (value: SQL, values: readonly (string | number)[] | undefined): SQL | undefined =>
  values && inArray(value, [...values])

/** What only wire clients read of a server; `''` and, as they do, 0 where it was not made by one. */
const kept = (name: string, none: string) => sql`coalesce(server.wire ->> ${name}, ${none})`

const matching = (wanted: ServerWanted): (SQL | undefined)[] => [
  wanted.ids ? inArray(server.id, [...wanted.ids]) : undefined,
  among(standing, wanted.standings),
  wanted.zoneId
    ? sql`EXISTS (SELECT FROM hypervisor h WHERE h.id = server.hypervisor_id AND h.zone_id = ${wanted.zoneId})`
    : undefined,
  matchesText(wanted.search, server.id, server.name),
  hasTags(wanted.tagIds, 'server', server.id),
  among(kept('image_id', ''), wanted.imageIds),
  among(kept('instance_type', ''), wanted.instanceTypes),
  among(kept('instance_class', '0'), wanted.instanceClasses),
  among(kept('os_disk_size', '0'), wanted.diskSizes),
  wanted.vcpus ? inArray(server.vcpus, [...wanted.vcpus]) : undefined,
  wanted.memoryMb ? inArray(server.memoryMb, [...wanted.memoryMb]) : undefined,
]

const groupName = (g: SQL) => sql`jsonb_build_object('id', ${g}.id, 'name', ${g}.name, 'is_default', ${g}.is_default)`

const cardsOf = (projectId: string) => sql<ServerCard[]>`coalesce((
  SELECT jsonb_agg(jsonb_build_object(
    'id', n.id::text, 'slot', n.slot, 'state', n.state, 'with_server', n.with_server,
    'network_id', w.id, 'network_name', w.name, 'network_type', w.type,
    'is_basic', EXISTS (SELECT FROM vpc v WHERE v.id = w.vpc_id AND v.is_basic),
    'address', host(n.address), 'ipv6_address', host(n.ipv6_address),
    'group', ${groupName(sql`g`)},
    'elastic_ip', CASE WHEN e.id IS NOT NULL THEN jsonb_build_object(
      'id', e.id, 'address', host(e.address), 'bandwidth_mbps', e.bandwidth_mbps) END) ORDER BY n.slot)
  FROM nic n
  JOIN network w ON w.id = n.network_id
  JOIN security_group g ON g.id = coalesce(
    (SELECT min(m.group_id) FROM nic_security_group m WHERE m.nic_id = n.id), ${defaultGroupOf(projectId)})
  LEFT JOIN elastic_ip e ON e.nic_id = n.id
  WHERE n.server_id = server.id), '[]')`

/** Terminated servers are found only by their ids, or when their standing is asked for. */
export async function describeServers(
  db: Db,
  projectId: string,
  wanted: ServerWanted,
  slice: Slice,
): Promise<Found<DescribedServer>> {
  const isAll = wanted.ids === undefined && wanted.standings === undefined
  const where = and(
    eq(server.projectId, projectId),
    isAll ? ne(server.state, 'terminated') : undefined,
    ...matching(wanted),
  )
  const rows = await db
    .select({
      ...getTableColumns(server),
      standing,
      jobAction,
      zoneId: sql<string>`(SELECT h.zone_id FROM hypervisor h WHERE h.id = server.hypervisor_id)`,
      cards: cardsOf(projectId),
      keptGroup: sql<GroupName | null>`(SELECT ${groupName(sql`g`)} FROM security_group g
        WHERE g.id = server.wire ->> 'security_group_id' AND g.project_id = server.project_id)`,
      keyPairIds: sql<string[]>`array(
        SELECT k.key_pair_id FROM key_pair_server k WHERE k.server_id = server.id ORDER BY 1)`,
      wireTags: tagsOf('server', server.id),
    })
    .from(server)
    .where(fromOffset(db, server, where, slice))
    .orderBy(desc(server.seq))
    .limit(slice.limit)
  return found(slice, rows, () => db.$count(server, where))
}

/** A server in a network, by one NIC. */
export interface Member {
  readonly server: ServerRow
  readonly standing: Standing
  readonly jobAction: string | null
  readonly nicId: string
  readonly slot: number
  readonly address: string | null
  readonly networkId: string
  /** DHCP options that its VPC has for the server, as clients of the QingCloud wire write them. */
  readonly dhcpStatic: { readonly id: string; readonly options: string } | null
}

/** The servers in some networks, newest first; a server stands there once for each NIC that it has in one. */
export async function describeMembers(
  db: Db,
  projectId: string,
  networkIds: readonly string[],
  wanted: ServerWanted,
  slice: Slice,
): Promise<Found<Member>> {
  const where = and(
    eq(nic.projectId, projectId),
    inArray(nic.networkId, [...networkIds]),
    // One that is being attached is not in yet, unless it was made for the purpose.
    sql`(${nic.withServer} OR ${nic.state} IN ('in_use', 'detaching'))`,
    ...matching(wanted),
  )
  const inThem = db
    .select({
      server: getTableColumns(server),
      standing,
      jobAction,
      nicId: nic.id,
      slot: sql<number>`${nic.slot}`,
      address: nic.address,
      networkId: network.id,
      dhcpStatic: sql<Member['dhcpStatic']>`(
        SELECT jsonb_build_object('id', s.id, 'options', coalesce(s.vals ->> 'val2', '')) FROM vpc_static s
        WHERE s.vpc_id = ${network.vpcId} AND s.type = 3 AND s.vals ->> 'val1' = ${server.id} ORDER BY s.seq LIMIT 1)`,
    })
    .from(nic)
    .innerJoin(server, eq(server.id, nic.serverId))
    .innerJoin(network, eq(network.id, nic.networkId))
    .where(where)
  const rows = await inThem.orderBy(desc(server.seq), nic.slot).limit(slice.limit).offset(slice.offset)
  return found(slice, rows, async () => {
    const [counted] = await db
      .select({ total: sql<number>`count(*)::int` })
      .from(nic)
      .innerJoin(server, eq(server.id, nic.serverId))
      .where(where)
    return counted?.total ?? 0
  })
}
