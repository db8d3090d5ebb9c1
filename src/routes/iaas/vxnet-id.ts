/** Which network a vxnet of the wire is: `vxnet-0` stands for those of the project's basic VPC. */
import type { Db } from '../../db/client.ts'
import type { Actor } from '../../domain/actor.ts'
import { basicNetwork } from '../../domain/network/basic-network.ts'
import { BASIC_VXNET, wireId } from './ids.ts'
import { own } from './own-id.ts'

/** The network that a new NIC in a vxnet goes to. */
export const networkOf = async (tx: Db, actor: Actor, vxnetId: string): Promise<string> =>
  vxnetId === BASIC_VXNET ? basicNetwork(tx, actor) : own('net', vxnetId)

/** The vxnet that a network is part of. @param isBasic - see `isBasicNetwork`. */
export const vxnetId = (networkId: string, isBasic: boolean): string => (isBasic ? BASIC_VXNET : wireId(networkId))

/** `vxnet_type`: 0 self-managed, 1 managed, 2 basic. */
export const vxnetType = (type: 'managed' | 'unmanaged', isBasic: boolean): number =>
  isBasic ? 2 : type === 'managed' ? 1 : 0

/** An address after a vertical bar: `vxnet-abc|192.168.1.5`. */
export function splitVxnet(text: string): { readonly vxnet: string; readonly address?: string } {
  const [vxnet = '', address] = text.split('|', 2)
  return address === undefined || address === '' ? { vxnet } : { vxnet, address }
}
