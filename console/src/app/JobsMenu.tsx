import { useQuery } from '@tanstack/react-query'
import { ListChecks } from 'lucide-react'
import { useCallback } from 'react'
import { Dialog, DialogTrigger, Popover } from 'react-aria-components'
import { Link } from 'react-router'
import { type Event, getJob, listJobs } from '../api/client.ts'
import { useEvents } from '../api/live.tsx'
import { wholeList } from '../api/queries.ts'
import { common } from '../text/common.ts'
import { useText } from '../text/language.tsx'
import { shell } from '../text/shell.ts'
import { jobActions } from '../text/states.ts'
import { JobState } from '../ui/Badge.tsx'
import { Button } from '../ui/Button.tsx'
import page from '../ui/page.module.css'
import { isOurs } from './our-jobs.ts'
import { tell } from './toasts.ts'

const running = () =>
  wholeList('job', { isRunning: true }, async () => {
    const [working, pending] = await Promise.all([
      listJobs({ state: 'working', limit: 100 }),
      listJobs({ state: 'pending', limit: 100 }),
    ])
    return { items: [...working.items, ...pending.items], next_cursor: null }
  })

/** The work that goes on: it can be left, and is found again here. */
export function JobsMenu() {
  const t = useText()
  const { data } = useQuery(running())
  useEvents(useCallback(tellOutcome, []))
  const jobs = data?.items ?? []
  const words = jobs.length > 0 ? t(shell.jobsRunning, { count: jobs.length }) : t(shell.noJobsRunning)
  return (
    <DialogTrigger>
      <Button look="quiet" isPending={false} icon={<ListChecks size={18} aria-hidden />} label={words}>
        {jobs.length > 0 ? String(jobs.length) : undefined}
      </Button>
      <Popover placement="bottom end">
        <Dialog className={page.menu} aria-label={words}>
          <p className={page.menuItem}>{words}</p>
          {jobs.slice(0, 8).map((job) => (
            <Link key={job.id} className={page.menuItem} to={`/jobs/${job.id}`}>
              <span>
                {t(jobActions[job.action])} <JobState state={job.state} />
              </span>
            </Link>
          ))}
          <Link className={page.menuItem} to="/jobs">
            {t(common.jobs)}
          </Link>
        </Dialog>
      </Popover>
    </DialogTrigger>
  )
}

/** Tells how a job ended that was begun in this tab. */
function tellOutcome({ type, resource_id: id }: Event): void {
  if ((type !== 'job.successful' && type !== 'job.failed') || !isOurs(id)) return
  void getJob(id).then(({ action, state, error }) => {
    const hasFailed = state === 'failed'
    tell({
      tone: hasFailed ? 'bad' : 'good',
      words: (t) => t(hasFailed ? shell.jobFailed : shell.jobDone, { action: t(jobActions[action]) }),
      ...(error === null ? {} : { detail: error }),
      to: `/jobs/${id}`,
    })
  }, NOT_TOLD)
}

/** The list of jobs tells it too. */
const NOT_TOLD = () => undefined
