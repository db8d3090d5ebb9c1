/** What tags are put on. A resource that goes loses them: the triggers `…_untagged` see to it. */
import { and, eq, inArray, isNull, ne, or, type SQL, sql } from 'drizzle-orm'
import type { PgColumn, PgTable } from 'drizzle-orm/pg-core'
import type { Db } from '../../db/client.ts'
import { elasticIp, network, nic, securityGroup, server, vpc } from '../../db/schema.ts'
import { keyPair, tagResource } from '../../db/schema-wire.ts'
import type { Actor } from '../actor.ts'
import { notFound } from '../errors.ts'
import { ownTags } from './tags.ts'

interface Tagged {
  readonly table: PgTable & { readonly id: PgColumn; readonly projectId: PgColumn }
  /** What it is called in a refusal. */
  readonly what: string
  /** Which rows are still there. */
  readonly live?: SQL
}

/** What can have tags; `tag_resource_type` holds the same. */
const TAGGED = {
  server: { table: server, what: 'server', live: ne(server.state, 'terminated') },
  nic: { table: nic, what: 'NIC' },
  network: { table: network, what: 'network' },
  vpc: { table: vpc, what: 'VPC', live: isNull(vpc.deletedAt) },
  elastic_ip: { table: elasticIp, what: 'elastic IP' },
  security_group: { table: securityGroup, what: 'security group' },
  key_pair: { table: keyPair, what: 'key pair' },
} as const satisfies Record<string, Tagged>

export type TaggedType = keyof typeof TAGGED

/** A tag on a resource. */
export interface TagPair {
  readonly tagId: string
  readonly type: TaggedType
  readonly id: string
}

/** Puts tags on resources, all or none; those that are there stay. @throws DomainError `not_found`. */
export async function attachTags(tx: Db, actor: Actor, pairs: readonly TagPair[]): Promise<void> {
  await assertPairs(tx, actor, pairs)
  const rows = pairs.map(({ tagId, type, id }) => ({
    tagId,
    projectId: actor.projectId,
    resourceType: type,
    resourceId: id,
  }))
  await tx.insert(tagResource).values(rows).onConflictDoNothing()
}

/** Takes tags off resources, all or none; where there is none, there is none. @throws DomainError `not_found`. */
export async function detachTags(tx: Db, actor: Actor, pairs: readonly TagPair[]): Promise<void> {
  await assertPairs(tx, actor, pairs)
  await tx
    .delete(tagResource)
    .where(
      or(
        ...pairs.map(({ tagId, type, id }) =>
          and(eq(tagResource.tagId, tagId), eq(tagResource.resourceType, type), eq(tagResource.resourceId, id)),
        ),
      ),
    )
}

/** Locks the resources, which so stay until the tags are written, and the tags. */
async function assertPairs(tx: Db, actor: Actor, pairs: readonly TagPair[]): Promise<void> {
  for (const [type, { table, what, live }] of Object.entries<Tagged>(TAGGED)) {
    const ids = [...new Set(pairs.filter((pair) => pair.type === type).map(({ id }) => id))]
    if (ids.length === 0) continue
    const rows = await tx
      .select({ id: sql<string>`${table.id}::text` })
      .from(table)
      .where(and(inArray(table.id, ids), eq(table.projectId, actor.projectId), live))
      .orderBy(table.id)
      .for('share')
    const missing = ids.find((id) => !rows.some((row) => row.id === id))
    if (missing !== undefined) throw notFound(what, missing)
  }
  await ownTags(
    tx,
    actor,
    pairs.map(({ tagId }) => tagId),
  )
}
