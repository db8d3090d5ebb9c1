import { Link } from 'react-router'
import type { Network } from '../../api/client.ts'
import { common } from '../../text/common.ts'
import { useText } from '../../text/language.tsx'
import { overview } from '../../text/overview.ts'
import { LinkButton } from '../../ui/Button.tsx'
import { Loading, Panel } from '../../ui/page.tsx'
import { UsageBar } from '../../ui/UsageBar.tsx'
import { addressTotal } from '../networks/ranges.ts'
import styles from './overview.module.css'

const MOST_NETWORKS = 8

/** How full the networks are, the fullest first. */
export function NetworkUse({ networks }: { networks: readonly Network[] | undefined }) {
  const t = useText()
  const uses = (networks ?? [])
    .filter(({ cidr }) => cidr !== null)
    .map((network) => {
      const total = addressTotal(network.address_range, network.gateway)
      const used = Math.max(0, total - network.addresses_available)
      return { network, total, used, share: total === 0 ? 1 : used / total }
    })
    .sort((a, b) => b.share - a.share || a.network.name.localeCompare(b.network.name))
  return (
    <Panel
      title={t(overview.addresses)}
      actions={
        <LinkButton to="/networks" isSmall look="quiet">
          {t(overview.allNetworks)}
        </LinkButton>
      }
    >
      {networks === undefined && <Loading />}
      {networks && uses.length === 0 && <p className="soft">{t(overview.noNetworks)}</p>}
      <ul className={styles.uses}>
        {uses.slice(0, MOST_NETWORKS).map(({ network, total, used }) => (
          <li key={network.id} className={styles.use}>
            <Link to={`/networks/${network.id}`}>{network.name || t(common.unnamed)}</Link>
            <span className={styles.used}>{t(overview.slotsUsed, { used, total })}</span>
            <UsageBar used={used} total={total} />
          </li>
        ))}
      </ul>
    </Panel>
  )
}
