import { useQuery } from '@tanstack/react-query'
import { useParams } from 'react-router'
import { type Job, listJobs } from '../../api/client.ts'
import { jobQuery, wholeList } from '../../api/queries.ts'
import { common } from '../../text/common.ts'
import { jobs } from '../../text/jobs.ts'
import { useText } from '../../text/language.tsx'
import { jobActions } from '../../text/states.ts'
import { JobState } from '../../ui/Badge.tsx'
import { DataTable } from '../../ui/DataTable.tsx'
import { Columns, Copyable, Facts, Failed, Loading, Page, Panel, Time } from '../../ui/page.tsx'
import { useResourceTypeName } from '../events/EventWords.tsx'
import { History } from '../events/History.tsx'
import { ResourceLink } from '../events/ResourceLink.tsx'
import { aboutOf, JobTime, useJobColumns, Where } from './columns.tsx'
import { isNowhere, JobSteps } from './JobSteps.tsx'
import styles from './jobs.module.css'

const partsQuery = (parentId: string) =>
  wholeList('job', { parentId }, (cursor, limit) => listJobs({ parentId, cursor, limit }))

export default function JobPage() {
  const t = useText()
  const { id = '' } = useParams()
  const { data: job, error } = useQuery(jobQuery(id))
  if (error && !job) return <Failed error={error} back={{ label: t(common.jobs), to: '/jobs' }} />
  if (!job) return <Loading />
  return (
    <Page
      title={t(jobActions[job.action])}
      above={{ label: t(common.jobs), to: '/jobs' }}
      beside={<JobState state={job.state} />}
    >
      {job.error !== null && (
        <section className={styles.error} aria-label={t(jobs.error)}>
          <h2>{t(jobs.error)}</h2>
          <p>{job.error}</p>
        </section>
      )}
      <Columns>
        <Panel title={t(common.details)}>
          <JobFacts job={job} />
        </Panel>
        <Panel title={t(jobs.about)}>
          <About job={job} />
        </Panel>
      </Columns>
      {job.hypervisor_id === null ? (
        <Parts job={job} />
      ) : (
        <Panel title={t(jobs.steps)}>
          <JobSteps job={job} />
        </Panel>
      )}
      <Panel title={t(common.history)}>
        <History id={job.id} />
      </Panel>
    </Page>
  )
}

function JobFacts({ job }: { job: Job }) {
  const t = useText()
  return (
    <Facts
      facts={[
        [t(common.id), <Copyable key="id" text={job.id} />],
        [t(common.hypervisor), <Where key="where" job={job} />],
        [
          t(jobs.partOf),
          job.parent_id === null ? undefined : <ResourceLink key="whole" type="job" id={job.parent_id} />,
        ],
        [t(jobs.promised), <Time key="promised" at={job.created_at} />],
        [t(jobs.begun), job.started_at === null ? undefined : <Time key="begun" at={job.started_at} />],
        [t(jobs.ended), job.finished_at === null ? undefined : <Time key="ended" at={job.finished_at} />],
        [t(jobs.duration), job.started_at === null || isNowhere(job) ? undefined : <JobTime key="time" job={job} />],
        [t(jobs.attempts), job.attempts === 0 ? undefined : String(job.attempts)],
      ]}
    />
  )
}

function About({ job }: { job: Job }) {
  const t = useText()
  const typeName = useResourceTypeName()
  const about = aboutOf(job)
  if (about.length === 0) return <p className="soft">{t(common.none)}</p>
  return (
    <ul className={styles.about}>
      {about.map(({ type, id }) => (
        <li key={id}>
          <span className="soft">{typeName(type)}</span> <ResourceLink type={type} id={id} />
        </li>
      ))}
    </ul>
  )
}

/** A job in parts: what each hypervisor does of it. */
function Parts({ job }: { job: Job }) {
  const t = useText()
  const { data } = useQuery(partsQuery(job.id))
  const columns = useJobColumns()
  if (data?.items.length === 0) {
    return (
      <Panel title={t(jobs.steps)}>
        <JobSteps job={job} />
      </Panel>
    )
  }
  return (
    <Panel title={t(jobs.parts)}>
      <DataTable
        label={t(jobs.parts)}
        columns={columns}
        rows={data?.items}
        idOf={({ id }) => id}
        nameOf={({ id }) => id}
      />
    </Panel>
  )
}
