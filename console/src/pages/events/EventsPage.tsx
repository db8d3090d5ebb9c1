import { useQueryClient } from '@tanstack/react-query'
import { useCallback, useState } from 'react'
import { Link } from 'react-router'
import { type Event, listEvents } from '../../api/client.ts'
import { useEvents } from '../../api/live.tsx'
import { pagedList, useRows } from '../../api/queries.ts'
import { refusalOf } from '../../api/refusal.ts'
import { useParam, useUrlText } from '../../app/url-params.ts'
import { common } from '../../text/common.ts'
import { events, eventTypes, resourceTypes } from '../../text/events.ts'
import { useText } from '../../text/language.tsx'
import { Button } from '../../ui/Button.tsx'
import { type Column, DataTable } from '../../ui/DataTable.tsx'
import { Filter } from '../../ui/Filter.tsx'
import { SearchField } from '../../ui/fields.tsx'
import { Page, Time, Toolbar } from '../../ui/page.tsx'
import { RefusalView } from '../../ui/Refusal.tsx'
import { EventDetails, toneOf, useEventTitle, useResourceTypeName } from './EventWords.tsx'
import styles from './events.module.css'
import { ResourceLink } from './ResourceLink.tsx'
import { searched } from './search.ts'
import { Who } from './who.tsx'

type Wanted = Omit<NonNullable<Parameters<typeof listEvents>[0]>, 'cursor' | 'limit' | 'lastEventId'>
const PAGE = 100
/** Of more pages than these the top is not read anew by itself (`api/renew.ts`). */
const RENEWED = 2 * PAGE

const eventsQuery = (filter: Wanted) =>
  pagedList('event', filter, (cursor) => listEvents({ ...filter, cursor, limit: PAGE }))

/** Types that the service lists events of; of the others there are none. */
const HAS_EVENTS = Object.keys(resourceTypes).filter((type) =>
  Object.keys(eventTypes).some((event) => event.startsWith(`${type}.`)),
) as NonNullable<Wanted['resourceType']>[]

export default function EventsPage() {
  const t = useText()
  const titleOf = useEventTitle()
  const search = useUrlText('search')
  const [resourceType, setResourceType] = useParam('resource_type')
  const [type, setType] = useParam('type')
  const filter: Wanted = {
    ...searched(search.settled),
    ...(resourceType && { resourceType: resourceType as NonNullable<Wanted['resourceType']> }),
    ...(type && { $type: type }),
  }
  const query = eventsQuery(filter)
  const { rows, error, hasMore, readOn } = useRows(query)
  const columns = useColumns()
  const isFiltered = Object.keys(filter).length > 0
  return (
    <Page title={t(common.events)}>
      <Toolbar>
        <SearchField label={t(events.searchHint)} value={search.text} onChange={search.setText} />
        <Filter
          label={t(events.resourceType)}
          value={resourceType}
          onChange={setResourceType}
          options={HAS_EVENTS.map((id) => ({ id, label: t(resourceTypes[id]) }))}
        />
        <Filter
          label={t(events.type)}
          value={type}
          onChange={setType}
          options={Object.keys(eventTypes)
            .filter((id) => resourceType === '' || id.startsWith(`${resourceType}.`))
            .map((id) => ({ id, label: titleOf(id) }))}
        />
        {rows && rows.length > RENEWED && <NewOnTop key={rows[0]?.id} queryKey={query.queryKey} />}
      </Toolbar>
      {filter.address !== undefined && <p className="soft">{t(events.whoHad, { address: filter.address })}</p>}
      {error ? (
        <RefusalView refusal={refusalOf(error)} />
      ) : (
        <DataTable
          label={t(common.events)}
          columns={columns}
          rows={rows}
          idOf={({ id }) => id}
          nameOf={(event) => titleOf(event.type)}
          hasMore={hasMore}
          onEnd={readOn}
          empty={t(isFiltered ? common.nothingFound : events.noHistoryYet)}
        />
      )}
    </Page>
  )
}

/** So far down the list that it stands still, new events are counted instead. */
function NewOnTop({ queryKey }: { queryKey: readonly unknown[] }) {
  const t = useText()
  const queries = useQueryClient()
  const [count, setCount] = useState(0)
  useEvents(useCallback(() => setCount((now) => now + 1), []))
  if (count === 0) return null
  return (
    <Button isSmall onPress={() => void queries.resetQueries({ queryKey, exact: true })}>
      {t(events.newOnTop, { count })}
    </Button>
  )
}

function useColumns(): readonly Column<Event>[] {
  const t = useText()
  const titleOf = useEventTitle()
  const typeName = useResourceTypeName()
  return [
    { id: 'at', header: t(events.when), width: '210px', cell: ({ at }) => <Time at={at} /> },
    {
      id: 'type',
      header: t(events.what),
      width: '220px',
      cell: (event) => (
        <span className={styles.what} data-tone={toneOf(event)} title={event.type}>
          {titleOf(event.type)}
        </span>
      ),
    },
    {
      id: 'resource',
      header: t(events.resource),
      width: '240px',
      cell: ({ resource_type: type, resource_id: id }) => (
        <>
          <span className="soft">{typeName(type)}</span> <ResourceLink type={type} id={id} />
        </>
      ),
    },
    {
      id: 'details',
      header: t(common.details),
      width: 'minmax(220px, 1fr)',
      // An elastic IP is called by its address already.
      cell: (event) => (
        <EventDetails event={event} address={event.resource_type === 'elastic_ip' ? null : event.address} isInRow />
      ),
    },
    { id: 'actor', header: t(events.who), width: '120px', cell: ({ actor }) => <Who actor={actor} /> },
    {
      id: 'job',
      header: t(common.job),
      width: '126px',
      cell: ({ job_id: id, resource_type: type }) =>
        id !== null &&
        type !== 'job' && (
          <Link to={`/jobs/${id}`}>
            <code>{id}</code>
          </Link>
        ),
    },
  ]
}
