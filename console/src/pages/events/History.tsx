import { Link } from 'react-router'
import type { Event } from '../../api/client.ts'
import { historyQuery, useRows } from '../../api/queries.ts'
import { refusalOf } from '../../api/refusal.ts'
import { events } from '../../text/events.ts'
import { useText } from '../../text/language.tsx'
import { Button } from '../../ui/Button.tsx'
import { Loading, Time } from '../../ui/page.tsx'
import { RefusalView } from '../../ui/Refusal.tsx'
import { EventDetails, toneOf, useEventTitle } from './EventWords.tsx'
import styles from './events.module.css'
import { Who } from './who.tsx'

/** What happened to a resource, newest first. @param isServer - its cards and jobs have a part in its history. */
export function History({ id, isServer = false }: { id: string; isServer?: boolean }) {
  const t = useText()
  const { rows, error, hasMore, readOn } = useRows(historyQuery(isServer ? { serverId: id } : { resourceId: id }))
  if (error) return <RefusalView refusal={refusalOf(error)} />
  if (!rows) return <Loading />
  if (rows.length === 0) return <p className="soft">{t(events.noHistory)}</p>
  return (
    <>
      <ol className={styles.history}>
        {rows.map((event) => (
          <Entry key={event.id} event={event} of={id} />
        ))}
      </ol>
      {hasMore && (
        <div>
          <Button isSmall onPress={readOn}>
            {t(events.showMore)}
          </Button>
        </div>
      )}
    </>
  )
}

function Entry({ event, of }: { event: Event; of: string }) {
  const t = useText()
  const titleOf = useEventTitle()
  return (
    <li className={styles.entry} data-tone={toneOf(event)}>
      <div className={styles.entryHead}>
        <span className={styles.title} title={event.type}>
          {titleOf(event.type)}
        </span>
        <EventDetails event={event} address={event.address} of={of} />
      </div>
      <div className={styles.meta}>
        <Time at={event.at} />
        <span>
          <Who actor={event.actor} />
        </span>
        {event.job_id !== null && event.job_id !== event.resource_id && (
          <Link to={`/jobs/${event.job_id}`}>{t(events.showJob)}</Link>
        )}
      </div>
    </li>
  )
}
