import { Link } from 'react-router'
import { type Job, listJobs } from '../../api/client.ts'
import { pagedList, useRows } from '../../api/queries.ts'
import { refusalOf } from '../../api/refusal.ts'
import { useParam, useUrlText } from '../../app/url-params.ts'
import { common } from '../../text/common.ts'
import { jobs } from '../../text/jobs.ts'
import { useText } from '../../text/language.tsx'
import { jobActions, jobStates } from '../../text/states.ts'
import { DataTable } from '../../ui/DataTable.tsx'
import { Filter } from '../../ui/Filter.tsx'
import { SearchField } from '../../ui/fields.tsx'
import { Empty, Page, Toolbar } from '../../ui/page.tsx'
import { RefusalView } from '../../ui/Refusal.tsx'
import { useJobColumns } from './columns.tsx'

type Wanted = Pick<NonNullable<Parameters<typeof listJobs>[0]>, 'state' | 'action' | 'resourceId'>
const PAGE = 100

const jobsQuery = (filter: Wanted) => pagedList('job', filter, (cursor) => listJobs({ ...filter, cursor, limit: PAGE }))

export default function JobsPage() {
  const t = useText()
  const search = useUrlText('search')
  const [state, setState] = useParam('state')
  const [action, setAction] = useParam('action')
  const filter: Wanted = {
    ...(search.settled && { resourceId: search.settled.toLowerCase() }),
    ...(state && { state: state as Job['state'] }),
    ...(action && { action: action as Job['action'] }),
  }
  const { rows, error, hasMore, readOn } = useRows(jobsQuery(filter))
  const columns = useJobColumns()
  return (
    <Page title={t(common.jobs)}>
      <Toolbar>
        <SearchField label={t(jobs.searchHint)} value={search.text} onChange={search.setText} />
        <Filter
          label={t(common.state)}
          value={state}
          onChange={setState}
          options={Object.entries(jobStates).map(([id, words]) => ({ id, label: t(words) }))}
        />
        <Filter
          label={t(jobs.action)}
          value={action}
          onChange={setAction}
          options={Object.entries(jobActions).map(([id, words]) => ({ id, label: t(words) }))}
        />
      </Toolbar>
      {error ? (
        <RefusalView refusal={refusalOf(error)} />
      ) : (
        <DataTable
          label={t(common.jobs)}
          columns={columns}
          rows={rows}
          idOf={({ id }) => id}
          nameOf={({ id }) => id}
          hasMore={hasMore}
          onEnd={readOn}
          empty={
            Object.keys(filter).length > 0 ? (
              t(common.nothingFound)
            ) : (
              <Empty>
                <p>{t(jobs.noneYet)}</p>
                <Link to="/servers">{t(common.servers)}</Link>
              </Empty>
            )
          }
        />
      )}
    </Page>
  )
}
