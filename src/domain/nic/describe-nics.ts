/** NICs by position, with what clients of the QingCloud wire see beside them. */
import { and, desc, eq, getTableColumns, inArray, not, or, type SQL, sql } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import { network, nic } from '../../db/schema.ts'
import { isBasicNetwork } from '../network/basic-network.ts'
import type { NetworkType } from '../network/network-view.ts'
import { type Found, found, type Slice } from '../paging.ts'
import { tagsOf, type WireTag } from '../tag/tags.ts'
import { NIC_WITH_GROUPS, type NicWithGroups } from './nics.ts'

export interface NicDescription extends NicWithGroups {
  readonly networkType: NetworkType
  readonly isBasic: boolean
  /** On a server, or on its way out; one that comes with its server is on it from the beginning. */
  readonly isOn: boolean
  readonly elasticIp: { readonly id: string; readonly address: string; readonly bandwidth_mbps: number | null } | null
  readonly tagList: readonly WireTag[]
}

/** Kinds of networks: `basic` is part of its project's basic one, the others are not. */
export type NetworkKind = NetworkType | 'basic'

export interface NicsWanted {
  readonly ids?: readonly string[] | undefined
  /** The whole name. */
  readonly name?: string | undefined
  readonly isOn?: boolean | undefined
  /** In one of these networks, or with `orBasic` in the basic one. */
  readonly networks?: { readonly ids: readonly string[]; readonly orBasic: boolean } | undefined
  readonly kinds?: readonly NetworkKind[] | undefined
  /** On one of these servers. */
  readonly serverIds?: readonly string[] | undefined
}

const isOn = sql<boolean>`(${nic.state} IN ('in_use', 'detaching') OR ${nic.withServer})`
const ELASTIC_IP = sql<NicDescription['elasticIp']>`(
  SELECT jsonb_build_object('id', e.id, 'address', host(e.address), 'bandwidth_mbps', e.bandwidth_mbps)
  FROM elastic_ip e WHERE e.nic_id = nic.id)`

/** NICs of a project, newest first. */
export async function describeNics(
  db: Db,
  projectId: string,
  wanted: NicsWanted,
  slice: Slice,
): Promise<Found<NicDescription>> {
  const { ids, name, networks, serverIds } = wanted
  const where = and(
    eq(nic.projectId, projectId),
    ids && inArray(nic.id, [...ids]),
    name === undefined ? undefined : eq(nic.name, name),
    wanted.isOn === undefined ? undefined : wanted.isOn ? isOn : not(isOn),
    networks && or(inArray(nic.networkId, [...networks.ids]), networks.orBasic ? isBasicNetwork : undefined),
    wanted.kinds && or(...wanted.kinds.map(ofKind)),
    serverIds && and(inArray(nic.serverId, [...serverIds]), isOn),
  )
  const rows = await db
    .select({
      ...getTableColumns(nic),
      groupIds: NIC_WITH_GROUPS.groupIds,
      networkType: network.type,
      isBasic: isBasicNetwork,
      isOn,
      elasticIp: ELASTIC_IP,
      tagList: tagsOf('nic', nic.id),
    })
    .from(nic)
    .innerJoin(network, eq(network.id, nic.networkId))
    .where(where)
    .orderBy(desc(nic.seq))
    .limit(slice.limit)
    .offset(slice.offset)
  return found(slice, rows, async () => {
    const [counted] = await db
      .select({ total: sql<number>`count(*)::integer` })
      .from(nic)
      .innerJoin(network, eq(network.id, nic.networkId))
      .where(where)
    return counted?.total ?? 0
  })
}

const ofKind = (kind: NetworkKind): SQL | undefined =>
  kind === 'basic' ? isBasicNetwork : and(eq(network.type, kind), not(isBasicNetwork))
