import { useQuery } from '@tanstack/react-query'
import { Link } from 'react-router'
import { listJobs } from '../../api/client.ts'
import { jobQuery, wholeList } from '../../api/queries.ts'
import { useText } from '../../text/language.tsx'
import { nicPage } from '../../text/nic-page.ts'
import { jobActions } from '../../text/states.ts'
import { JobState } from '../../ui/Badge.tsx'
import { Panel, Time } from '../../ui/page.tsx'
import { JobSteps } from '../jobs/JobSteps.tsx'
import styles from './nics.module.css'

const SHOWN = 6

/** Not to the last page: a NIC that has been around for years has had thousands. */
const lastJobsQuery = (nicId: string) =>
  wholeList('job', { nicId, limit: SHOWN }, async () => ({
    items: (await listJobs({ nicId, limit: SHOWN })).items,
    next_cursor: null,
  }))

/** The job that a NIC is in the hands of, as it goes on, and those before. */
export function NicJobs({ nicId, jobId }: { readonly nicId: string; readonly jobId: string | null }) {
  const t = useText()
  const current = useQuery({ ...jobQuery(jobId ?? ''), enabled: jobId !== null }).data
  const { data } = useQuery(lastJobsQuery(nicId))
  return (
    <>
      {current && jobId !== null && (
        <Panel title={t(nicPage.job)}>
          <JobLine {...current} />
          <JobSteps job={current} />
        </Panel>
      )}
      <Panel title={t(nicPage.lastJobs)}>
        {data?.items.length === 0 && <p className="soft">{t(nicPage.noJobs)}</p>}
        <ul className={styles.jobs}>
          {data?.items.map((job) => (
            <li key={job.id}>
              <JobLine {...job} />
              {job.error !== null && <p className={styles.error}>{job.error}</p>}
            </li>
          ))}
        </ul>
      </Panel>
    </>
  )
}

type JobLineProps = Pick<
  Awaited<ReturnType<typeof listJobs>>['items'][number],
  'id' | 'action' | 'state' | 'created_at'
>

function JobLine({ id, action, state, created_at }: JobLineProps) {
  const t = useText()
  return (
    <div className={styles.job}>
      <Link to={`/jobs/${id}`}>{t(jobActions[action])}</Link>
      <JobState state={state} />
      <span className="soft">
        <Time at={created_at} />
      </span>
    </div>
  )
}
