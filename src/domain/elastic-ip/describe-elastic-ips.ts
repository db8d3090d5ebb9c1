/** Elastic IPs for clients of the QingCloud wire. */
import { and, desc, eq, getTableColumns, inArray, or, type SQL, sql } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import { elasticIp, elasticIpPool, nic, server, vpc } from '../../db/schema.ts'
import { type Found, found, matchesText, type Slice } from '../paging.ts'
import { hasTags, tagsOf, type WireTag } from '../tag/tags.ts'
import { type ElasticIpRow, type ElasticIpState, IN_STATE } from './elastic-ips.ts'

export type DescribedElasticIp = ElasticIpRow & {
  readonly poolName: string
  readonly nicName: string | null
  readonly serverId: string | null
  readonly serverName: string | null
  readonly vpcName: string | null
  /** Whether a hypervisor is yet to be told of what was last changed. */
  readonly changing: boolean
  readonly tagged: readonly WireTag[]
}

export interface ElasticIpsWanted {
  readonly ids?: readonly string[] | undefined
  readonly states?: readonly ElasticIpState[] | undefined
  /** Of a server that has them, by whatever NIC. */
  readonly serverId?: string | undefined
  /** An id, a part of a name, or an address. */
  readonly search?: string | undefined
  readonly tagIds?: readonly string[] | undefined
}

const CHANGING = sql<boolean>`EXISTS (SELECT FROM job j WHERE j.finished_at IS NULL
  AND j.resources @> jsonb_build_array(jsonb_build_object('type', 'elastic_ip', 'id', ${elasticIp.id})))`

/** Elastic IPs of a project, newest first, with who has them. */
export async function describeElasticIps(
  db: Db,
  projectId: string,
  { ids, states, serverId, search, tagIds }: ElasticIpsWanted,
  slice: Slice,
): Promise<Found<DescribedElasticIp>> {
  const where = and(
    eq(elasticIp.projectId, projectId),
    ids && inArray(elasticIp.id, [...ids]),
    states && (states.length > 0 ? or(...states.map((state) => IN_STATE[state])) : sql`false`),
    serverId === undefined ? undefined : inArray(elasticIp.nicId, nicsOf(db, serverId)),
    search === undefined ? undefined : or(matchesText(search, elasticIp.id, elasticIp.name), hasAddress(search)),
    hasTags(tagIds, 'elastic_ip', elasticIp.id),
  )
  const rows = await db
    .select({
      ...getTableColumns(elasticIp),
      poolName: elasticIpPool.name,
      nicName: nic.name,
      serverId: server.id,
      serverName: server.name,
      vpcName: vpc.name,
      changing: CHANGING,
      tagged: tagsOf('elastic_ip', elasticIp.id),
    })
    .from(elasticIp)
    .innerJoin(elasticIpPool, eq(elasticIpPool.id, elasticIp.poolId))
    .leftJoin(nic, eq(nic.id, elasticIp.nicId))
    .leftJoin(server, eq(server.id, nic.serverId))
    .leftJoin(vpc, eq(vpc.id, elasticIp.vpcId))
    .where(where)
    .orderBy(desc(elasticIp.seq))
    .limit(slice.limit)
    .offset(slice.offset)
  return found(slice, rows, () => db.$count(elasticIp, where))
}

const nicsOf = (db: Db, serverId: string) => db.select({ id: nic.id }).from(nic).where(eq(nic.serverId, serverId))
const hasAddress = (text: string): SQL => sql`host(${elasticIp.address}) = ${text}`
