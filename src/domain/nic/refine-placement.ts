import { refusedConstraint, translateRefusal } from '../../db/constraint-errors.ts'
import { bodyError, DomainError } from '../errors.ts'

interface PlacementAsked {
  readonly networkId: string
  readonly count?: number
  readonly addresses: readonly string[]
  readonly pointer: (index: number) => string
}

/** Says, for a refused placement, which limit or which address it was. */
export async function refinePlacement(error: unknown, asked: PlacementAsked): Promise<never> {
  const refusal = translateRefusal(error)
  if (!(refusal instanceof DomainError)) throw refusal
  const detail = refusedConstraint(error)?.message ?? ''
  const at = Math.max(0, asked.addresses.indexOf(detail))
  switch (refusal.code) {
    case 'network_full': {
      const wants = (asked.count ?? 1) > 1 ? `; ${asked.count} were asked for` : ''
      throw bodyError('network_full', '/network_id', `network ${asked.networkId} has ${detail}${wants}`, error)
    }
    case 'address_in_use':
      throw bodyError(
        'address_in_use',
        asked.pointer(at),
        `address ${detail} is already used in network ${asked.networkId}`,
        error,
      )
    case 'address_out_of_range':
      throw bodyError(
        'address_out_of_range',
        asked.pointer(at),
        `address ${detail} is not one that network ${asked.networkId} gives out: see its address_range`,
        error,
      )
    case 'network_unmanaged':
      throw bodyError('network_unmanaged', asked.pointer(at), `network ${asked.networkId} has no addresses`, error)
    case 'network_not_joined':
      throw bodyError(
        'network_not_joined',
        '/network_id',
        `network ${asked.networkId} has no addresses: join it to a VPC first`,
        error,
      )
    case 'security_group_in_use':
      throw bodyError('not_found', '/security_group_ids', 'a security group was deleted meanwhile', error)
    case 'network_in_use':
      throw new DomainError('network_changed', `network ${asked.networkId} changed meanwhile; try again`, {
        cause: error,
      })
    default:
      throw refusal
  }
}
