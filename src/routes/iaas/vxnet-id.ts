/** Which network a vxnet of the wire is: `vxnet-0` stands for those of the project's basic VPC. */
import { isIPv4 } from 'node:net'
import type { Db } from '../../db/client.ts'
import type { Actor } from '../../domain/actor.ts'
import { DomainError } from '../../domain/errors.ts'
import { basicNetwork } from '../../domain/network/basic-network.ts'
import { BASIC_VXNET, wireId } from './ids.ts'
import { own } from './own-id.ts'
import { malformed } from './refusals.ts'

/** The network that so many new NICs in a vxnet go to. */
export const networkOf = async (tx: Db, actor: Actor, vxnetId: string, count = 1): Promise<string> =>
  vxnetId === BASIC_VXNET ? basicNetwork(tx, actor, count) : own('net', vxnetId)

/** The vxnet that a network is part of. @param isBasic - see `isBasicNetwork`. */
export const vxnetId = (networkId: string, isBasic: boolean): string => (isBasic ? BASIC_VXNET : wireId(networkId))

/** `vxnet_type`: 0 self-managed, 1 managed, 2 basic. */
export const vxnetType = (type: 'managed' | 'unmanaged', isBasic: boolean): number =>
  isBasic ? 2 : type === 'managed' ? 1 : 0

/**
 * A refusal that names the network that a vxnet stands for, as one that names the vxnet: ids of what the basic network is
 * made of are told to nobody. For use as a `catch` handler.
 */
export const namingVxnet =
  (networkId: string, vxnet: string) =>
  (error: unknown): never => {
    if (!(error instanceof DomainError)) throw error
    throw new DomainError(error.code, error.message.replaceAll(networkId, vxnet), { cause: error })
  }

/** An address after a vertical bar: `vxnet-abc|192.168.1.5`. @throws WireError 1100. */
export function splitVxnet(text: string): { readonly vxnet: string; readonly address?: string } {
  const [vxnet = '', address = ''] = text.split('|', 2)
  if (address === '') return { vxnet }
  if (!isIPv4(address)) throw malformed('what follows the vertical bar after a vxnet must be an IPv4 address')
  return { vxnet, address }
}
