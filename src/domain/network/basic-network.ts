/**
 * The basic network of a project: where servers go that are put in no network by name. It is a VPC of its own, made when
 * it is first needed, whose networks follow one another as they fill up.
 */
import { and, asc, eq, isNull, sql } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import { network, project, vpc } from '../../db/schema.ts'
import type { Actor } from '../actor.ts'
import { DomainError, notFound } from '../errors.ts'
import { createVpc, lockVpc } from '../vpc/vpcs.ts'
import { createNetwork } from './create-network.ts'

const BASIC_CIDR = '10.250.0.0/16'
/** Third octets that networks of a VPC may have. */
export const SUBNETS = 254
const THIRDS = Array.from({ length: SUBNETS }, (_, index) => index + 1)

/** Whether a network is part of its project's basic one. For use in a query on `network`. */
export const isBasicNetwork = sql<boolean>`EXISTS (SELECT FROM vpc v WHERE v.id = network.vpc_id AND v.is_basic)`

/**
 * A network of the project's basic VPC that has room for so many more NICs. Until the transaction ends nobody else is
 * given one: of many that come at once each sees what the others took.
 * @param count - 1..252.
 * @returns its id.
 * @throws DomainError `network_full` when there are 254 networks, and none has room.
 */
export async function basicNetwork(tx: Db, actor: Actor, count = 1): Promise<string> {
  const vpcId = (await findBasic(tx, actor)) ?? (await makeBasic(tx, actor))
  await lockVpc(tx, actor, vpcId, 'no key update')
  const networks = await tx
    .select({
      id: network.id,
      third: sql<number>`split_part(host(${network.cidr}), '.', 3)::integer`,
      hasRoom: sql<boolean>`greatest(bit_count(${network.ports} | ${network.reserved}),
        bit_count(${network.unaddressed}) + bit_count(${network.ports} & ~${network.held})) + ${count}::integer <= 252`,
    })
    .from(network)
    .where(eq(network.vpcId, vpcId))
    .orderBy(asc(network.seq))
  const free = networks.find(({ hasRoom }) => hasRoom)
  if (free) return free.id
  const third = THIRDS.find((one) => !networks.some((row) => row.third === one))
  if (third === undefined)
    throw new DomainError('network_full', `the basic network has ${networks.length} of ${SUBNETS} subnets in use`)
  const cidr = BASIC_CIDR.replace('.0.0/16', `.${third}.0/24`)
  return (await createNetwork(tx, actor, { name: `basic-${third}`, vpc_id: vpcId, cidr })).id
}

/** Id of a project's basic VPC, if it has one yet. */
export async function findBasic(db: Db, actor: Pick<Actor, 'projectId'>): Promise<string | undefined> {
  const [row] = await db
    .select({ id: vpc.id })
    .from(vpc)
    .where(and(eq(vpc.projectId, actor.projectId), eq(vpc.isBasic, true), isNull(vpc.deletedAt)))
  return row?.id
}

/** Ids of the networks that a project's basic one has come to have; none until it is needed. */
export async function basicNetworks(db: Db, actor: Pick<Actor, 'projectId'>): Promise<string[]> {
  const rows = await db
    .select({ id: network.id })
    .from(network)
    .where(and(eq(network.projectId, actor.projectId), isBasicNetwork))
    .orderBy(asc(network.seq))
  return rows.map(({ id }) => id)
}

async function makeBasic(tx: Db, actor: Actor): Promise<string> {
  // Of two that need it at once, one makes it. Whoever has written anything of the project holds its key: that is no hindrance.
  const [owner] = await tx
    .select({ id: project.id })
    .from(project)
    .where(eq(project.id, actor.projectId))
    .for('no key update')
  if (!owner) throw notFound('project', actor.projectId)
  const made = await findBasic(tx, actor)
  if (made !== undefined) return made
  const { id } = await createVpc(tx, actor, { name: 'basic', cidr: BASIC_CIDR })
  await tx.update(vpc).set({ isBasic: true }).where(eq(vpc.id, id))
  return id
}

/** Whether a network, of whatever project, is part of a basic one. */
export async function isInBasic(db: Db, networkId: string): Promise<boolean> {
  const [row] = await db.select({ isBasic: isBasicNetwork }).from(network).where(eq(network.id, networkId))
  return row?.isBasic ?? false
}
