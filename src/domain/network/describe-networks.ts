import { and, desc, eq, inArray, isNotNull, not, type SQL, sql } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import { network, vpc } from '../../db/schema.ts'
import { type Found, found, matchesText, type Slice } from '../paging.ts'
import { hasTags, tagsOf, type WireTag } from '../tag/tags.ts'
import { findBasic, isBasicNetwork, SUBNETS } from './basic-network.ts'
import { type NetworkRow, type NetworkType, networkView } from './network-view.ts'

export interface DescribeNetworksFilter {
  readonly ids?: readonly string[] | undefined
  readonly types?: readonly NetworkType[] | undefined
  /** An id, or a part of a name. */
  readonly search?: string | undefined
  readonly tagIds?: readonly string[] | undefined
  /** In this VPC, or in any. */
  readonly joined?: { readonly vpcId?: string } | undefined
}

export interface DescribedNetwork {
  readonly network: NetworkRow
  readonly vpc: { readonly id: string; readonly name: string } | null
  /** Of servers with NICs in it; empty unless asked for. */
  readonly serverIds: readonly string[]
  readonly tags: readonly WireTag[]
}

/** Ids of the servers in networks. @param those - condition on `c`, the NICs. */
const serverIds = (those: SQL) => sql<string[]>`coalesce((
  SELECT jsonb_agg(DISTINCT c.server_id) FROM nic c WHERE c.server_id IS NOT NULL AND ${those}), '[]')`

const NO_SERVERS = sql<string[]>`'[]'::jsonb`

/** Networks of a project but the basic one, with what belongs to them, newest first. @param withServers - also who is in them. */
export async function describeNetworks(
  db: Db,
  projectId: string,
  filter: DescribeNetworksFilter,
  slice: Slice,
  withServers: boolean,
): Promise<Found<DescribedNetwork>> {
  const { ids, types, joined } = filter
  const where = and(
    eq(network.projectId, projectId),
    not(isBasicNetwork),
    ids ? inArray(network.id, [...ids]) : undefined,
    types ? inArray(network.type, [...types]) : undefined,
    joined && joined.vpcId === undefined ? isNotNull(network.vpcId) : undefined,
    joined?.vpcId === undefined ? undefined : eq(network.vpcId, joined.vpcId),
    matchesText(filter.search, network.id, network.name),
    hasTags(filter.tagIds, 'network', network.id),
  )
  const rows = await db
    .select({
      network,
      vpc: { id: vpc.id, name: vpc.name },
      serverIds: withServers ? serverIds(sql`c.network_id = network.id`) : NO_SERVERS,
      tags: tagsOf('network', network.id),
    })
    .from(network)
    .leftJoin(vpc, eq(vpc.id, network.vpcId))
    .where(where)
    .orderBy(desc(network.seq))
    .offset(slice.offset)
    .limit(slice.limit)
  return found(slice, rows, () => db.$count(network, where))
}

export interface BasicSummary {
  /** `null`: nothing was put in it yet. */
  readonly createdAt: Date | null
  readonly addressesAvailable: number
  readonly serverIds: readonly string[]
}

/** The basic network of a project as if it were one network. */
export async function describeBasic(db: Db, projectId: string): Promise<BasicSummary> {
  const vpcId = await findBasic(db, { projectId })
  if (vpcId === undefined) return { createdAt: null, addressesAvailable: SUBNETS * ADDRESSES, serverIds: [] }
  const rows = await db.select().from(network).where(eq(network.vpcId, vpcId))
  const used = rows.reduce((sum, row) => sum + ADDRESSES - networkView(row).addresses_available, 0)
  const [of] = await db
    .select({
      createdAt: vpc.createdAt,
      serverIds: serverIds(sql`c.network_id IN (SELECT n.id FROM network n WHERE n.vpc_id = vpc.id)`),
    })
    .from(vpc)
    .where(eq(vpc.id, vpcId))
  return {
    createdAt: of?.createdAt ?? null,
    addressesAvailable: SUBNETS * ADDRESSES - used,
    serverIds: of?.serverIds ?? [],
  }
}

/** What a network of the basic VPC holds. */
const ADDRESSES = 252
