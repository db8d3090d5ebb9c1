import type { Network } from '../../api/client.ts'
import { useText } from '../../text/language.tsx'
import { networks } from '../../text/networks.ts'
import { Usage } from '../../ui/UsageBar.tsx'
import { addressTotal } from './ranges.ts'

/** How many addresses of a network are free. */
export function AddressUsage({ network }: { network: Network }) {
  const t = useText()
  if (network.cidr === null) return <span className="soft">–</span>
  const free = network.addresses_available
  const total = Math.max(addressTotal(network.address_range, network.gateway), free)
  return <Usage free={free} total={total} title={t(networks.freeOfLong, { free, total })} />
}
