import { Link } from 'react-router'
import type { Job } from '../../api/client.ts'
import { common } from '../../text/common.ts'
import { events } from '../../text/events.ts'
import { jobs } from '../../text/jobs.ts'
import { useText } from '../../text/language.tsx'
import { jobActions } from '../../text/states.ts'
import { JobState } from '../../ui/Badge.tsx'
import type { Column } from '../../ui/DataTable.tsx'
import { Time } from '../../ui/page.tsx'
import { ResourceLink } from '../events/ResourceLink.tsx'
import { isNowhere, useJobTime } from './JobSteps.tsx'
import styles from './jobs.module.css'

export interface About {
  readonly type: string
  readonly id: string
}

/** What a job is about: its server, the NICs that it moves, and what else it names. */
export function aboutOf({ server_id, nic_ids, resources }: Pick<Job, 'server_id' | 'nic_ids' | 'resources'>): About[] {
  const about = [
    ...(server_id === null ? [] : [{ type: 'server', id: server_id }]),
    ...nic_ids.map((id) => ({ type: 'nic', id })),
    ...resources,
  ]
  return about.filter(({ id }, index) => about.findIndex((other) => other.id === id) === index)
}

const MOST_SHOWN = 2

export function useJobColumns(): readonly Column<Job>[] {
  const t = useText()
  return [
    {
      id: 'action',
      header: t(jobs.action),
      width: 'minmax(190px, 1.2fr)',
      cell: ({ id, action }) => (
        <Link to={`/jobs/${id}`} title={id}>
          {t(jobActions[action])}
        </Link>
      ),
    },
    {
      id: 'state',
      header: t(common.state),
      width: '120px',
      cell: ({ state, error }) => (
        <span title={error ?? undefined}>
          <JobState state={state} />
        </span>
      ),
    },
    {
      id: 'about',
      header: t(jobs.about),
      width: 'minmax(260px, 2fr)',
      cell: (job) => <Resources about={aboutOf(job)} />,
    },
    {
      id: 'hypervisor',
      header: t(common.hypervisor),
      width: 'minmax(110px, 0.6fr)',
      cell: (job) => <Where job={job} />,
    },
    { id: 'created', header: t(jobs.promised), width: '210px', cell: ({ created_at }) => <Time at={created_at} /> },
    { id: 'duration', header: t(jobs.duration), width: '110px', isEnd: true, cell: (job) => <JobTime job={job} /> },
  ]
}

/** On which hypervisor. */
export function Where({ job }: { job: Job }) {
  const t = useText()
  if (job.hypervisor_id !== null) return <Link to="/hypervisors">{job.hypervisor_id}</Link>
  return <span className="soft">{t(isNowhere(job) ? common.none : jobs.several)}</span>
}

export function JobTime({ job }: { job: Job }) {
  const time = useJobTime(job)
  return <span className={styles.time}>{time}</span>
}

function Resources({ about }: { about: readonly About[] }) {
  const t = useText()
  return (
    <span className={styles.resources}>
      {about.slice(0, MOST_SHOWN).map(({ type, id }) => (
        <ResourceLink key={id} type={type} id={id} />
      ))}
      {about.length > MOST_SHOWN && (
        <span className="soft">{t(events.andMore, { count: about.length - MOST_SHOWN })}</span>
      )}
    </span>
  )
}
