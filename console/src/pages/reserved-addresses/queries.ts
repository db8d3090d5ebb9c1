import { listReservedAddresses } from '../../api/client.ts'
import { wholeList } from '../../api/queries.ts'

/** @param filter - of one network, or of all of them. */
export const reservedQuery = (filter: { networkId?: string } = {}) =>
  wholeList('reserved_address', filter, (cursor, limit) => listReservedAddresses({ ...filter, cursor, limit }))
