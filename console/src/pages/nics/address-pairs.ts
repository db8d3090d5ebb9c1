/** Allowed address pairs as lines of text: an address or range, and a MAC if it is not the NIC's own. */
import type { Nic } from '../../api/client.ts'

type Pairs = Nic['allowed_address_pairs']
const MAC = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i

const linesOf = (text: string): string[][] => text.split('\n').map((line) => line.split(/[\s,]+/).filter(Boolean))

export const textOfPairs = (pairs: Pairs): string =>
  pairs.map(({ address, mac }) => (mac === undefined ? address : `${address} ${mac}`)).join('\n')

export const pairsFrom = (text: string): Pairs =>
  linesOf(text).flatMap(([address, mac]) =>
    address === undefined ? [] : [mac === undefined ? { address } : { address, mac: mac.toLowerCase() }],
  )

/** The first line, from 1, that is no pair. Whether an address is one, the service says. */
export function wrongLine(text: string): number | undefined {
  const index = linesOf(text).findIndex(
    ([address, mac, ...rest]) =>
      address !== undefined &&
      (!/^[0-9a-f.:]+(\/\d{1,3})?$/i.test(address) || (mac !== undefined && !MAC.test(mac)) || rest.length > 0),
  )
  return index < 0 ? undefined : index + 1
}
