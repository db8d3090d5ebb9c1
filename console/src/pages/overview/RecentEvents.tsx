import { listEvents } from '../../api/client.ts'
import { pagedList, useRows } from '../../api/queries.ts'
import { useText, useWords } from '../../text/language.tsx'
import { overview } from '../../text/overview.ts'
import { LOCALE } from '../../text/text.ts'
import { LinkButton } from '../../ui/Button.tsx'
import { Loading, Panel } from '../../ui/page.tsx'
import { toneOf, useEventTitle } from '../events/EventWords.tsx'
import { ResourceLink } from '../events/ResourceLink.tsx'
import styles from './overview.module.css'

const READ = 40
const SHOWN = 12
/** What goes on below what people ask for. */
const UNTOLD = new Set(['job.pending', 'job.working', 'job.progress', 'job.successful', 'nic.observed'])

const recentQuery = () => pagedList('event', { most: READ }, () => listEvents({ limit: READ }))

/** What happened last. */
export function RecentEvents() {
  const t = useText()
  const titleOf = useEventTitle()
  const { rows } = useRows(recentQuery())
  const events = rows?.filter(({ type }) => !UNTOLD.has(type)).slice(0, SHOWN)
  return (
    <Panel
      title={t(overview.recent)}
      actions={
        <LinkButton to="/events" isSmall look="quiet">
          {t(overview.allEvents)}
        </LinkButton>
      }
    >
      {!events && <Loading />}
      {events?.length === 0 && <p className="soft">{t(overview.nothingYet)}</p>}
      <ol className={styles.events}>
        {events?.map((event) => (
          <li key={event.id} className={styles.event} data-tone={toneOf(event)}>
            <span className={styles.eventWords}>
              {titleOf(event.type)} <ResourceLink type={event.resource_type} id={event.resource_id} />
            </span>
            <ShortTime at={event.at} />
          </li>
        ))}
      </ol>
    </Panel>
  )
}

const DAY_MS = 86_400_000

/** The time of today, the date of what is older. */
function ShortTime({ at }: { at: string }) {
  const { language } = useWords()
  const date = new Date(at)
  const words =
    Date.now() - date.getTime() < DAY_MS
      ? date.toLocaleTimeString(LOCALE[language], { timeStyle: 'medium' })
      : date.toLocaleDateString(LOCALE[language], { dateStyle: 'medium' })
  return (
    <time className={styles.used} dateTime={at} title={date.toLocaleString(LOCALE[language])}>
      {words}
    </time>
  )
}
