import { useQuery } from '@tanstack/react-query'
import { networksQuery, serversQuery } from '../../api/queries.ts'
import { common } from '../../text/common.ts'
import { useText } from '../../text/language.tsx'
import { Failed, Page } from '../../ui/page.tsx'
import { allNicsQuery } from '../servers/use-cards.ts'
import { Counts } from './Counts.tsx'
import { FirstSteps } from './FirstSteps.tsx'
import { NetworkUse } from './NetworkUse.tsx'
import styles from './overview.module.css'
import { RecentEvents } from './RecentEvents.tsx'
import { ServerPanels } from './ServerPanels.tsx'

/** How everything stands: every card of every server, what runs out, what went wrong, what happened last. */
export default function OverviewPage() {
  const t = useText()
  const servers = useQuery(serversQuery())
  const networks = useQuery(networksQuery())
  const nics = useQuery(allNicsQuery())
  const error = servers.error ?? networks.error ?? nics.error
  if (error) return <Failed error={error} back={{ label: t(common.nics), to: '/nics' }} />
  return (
    <Page title={t(common.overview)}>
      {servers.data && networks.data && nics.data && (
        <FirstSteps servers={servers.data.items} networks={networks.data.items} nics={nics.data.items} />
      )}
      <Counts servers={servers.data} nics={nics.data} />
      <div className={styles.columns}>
        <ServerPanels servers={servers.data?.items} />
        <div className={styles.side}>
          <NetworkUse networks={networks.data?.items} />
          <RecentEvents />
        </div>
      </div>
    </Page>
  )
}
