/** Routers and vxnets that an act names. What the basic network is made of has other ids of its own, that nobody is told. */
import type { Db } from '../../db/client.ts'
import type { Actor } from '../../domain/actor.ts'
import { findBasic, isInBasic } from '../../domain/network/basic-network.ts'
import { own } from './own-id.ts'
import { missing } from './refusals.ts'

/** The VPC that a router is. @throws WireError 2100 for what is no id of a router; the domain finds those that are not there. */
export async function ownRouter(tx: Db, actor: Actor, id: string): Promise<string> {
  const vpcId = own('vpc', id)
  if (vpcId === (await findBasic(tx, actor))) throw missing('router', id)
  return vpcId
}

/** The same, of several, each once. */
export async function ownRouters(tx: Db, actor: Actor, ids: readonly string[]): Promise<string[]> {
  const found: string[] = []
  for (const id of new Set(ids)) found.push(await ownRouter(tx, actor, id))
  return found
}

/** The network that a vxnet is, which is not the basic one. @throws WireError 2100, as `ownRouter`. */
export async function ownVxnet(tx: Db, id: string): Promise<string> {
  const networkId = own('net', id)
  if (await isInBasic(tx, networkId)) throw missing('vxnet', id)
  return networkId
}

/** The same, of several, each once, in the order of their ids: that in which they are locked. */
export async function ownVxnets(tx: Db, ids: readonly string[]): Promise<string[]> {
  const found: string[] = []
  for (const id of new Set(ids)) found.push(await ownVxnet(tx, id))
  return found.sort()
}
