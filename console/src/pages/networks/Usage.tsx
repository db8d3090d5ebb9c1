import type { Network } from '../../api/client.ts'
import { useText } from '../../text/language.tsx'
import { networks } from '../../text/networks.ts'
import styles from './networks.module.css'
import { addressTotal } from './ranges.ts'

/** How many addresses of a network are free, in numbers and as a bar of those in use. */
export function Usage({ network }: { network: Network }) {
  const t = useText()
  if (network.cidr === null) return <span className="soft">–</span>
  const free = network.addresses_available
  const total = Math.max(addressTotal(network.address_range, network.gateway), free)
  const share = total === 0 ? 1 : 1 - free / total
  const level = free === 0 ? 'full' : share > 0.9 ? 'scarce' : 'fine'
  return (
    <span className={styles.usage} title={t(networks.freeOfLong, { free, total })}>
      <span className={styles.usageWords}>{t(networks.freeOf, { free, total })}</span>
      <span className={styles.bar} aria-hidden>
        <span className={styles.used} data-level={level} style={{ width: `${Math.ceil(share * 100)}%` }} />
      </span>
    </span>
  )
}
