import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { Link } from 'react-router'
import { listJobs, type Nic, type Server } from '../../api/client.ts'
import { hypervisorsQuery, type Whole, wholeList } from '../../api/queries.ts'
import { common } from '../../text/common.ts'
import { useText } from '../../text/language.tsx'
import { overview } from '../../text/overview.ts'
import { nicStates, serverStates } from '../../text/states.ts'
import { NIC_TONE, SERVER_TONE, type Tone } from '../../ui/Badge.tsx'
import styles from './overview.module.css'

const DAY_MS = 86_400_000
const MOST_FAILED = 100

/** The newest jobs that failed: those of the last day are among them. */
const failedQuery = () =>
  wholeList('job', { state: 'failed', most: MOST_FAILED }, async () => {
    const { items } = await listJobs({ state: 'failed', limit: MOST_FAILED })
    return { items, next_cursor: null }
  })

interface CountsProps {
  readonly servers: Whole<Server> | undefined
  readonly nics: Whole<Nic> | undefined
}

/** The numbers of everything, with the states they are in. */
export function Counts({ servers, nics }: CountsProps) {
  const t = useText()
  const { data: hypervisors } = useQuery(hypervisorsQuery())
  const { data: failed } = useQuery(failedQuery())
  const count = (of: Whole<unknown> | undefined): string =>
    of === undefined
      ? '–'
      : of.isCut
        ? t(overview.atLeast, { count: of.items.length })
        : t(overview.number, { count: of.items.length })
  const lately = failed?.items.filter(({ created_at: at }) => Date.now() - Date.parse(at) < DAY_MS).length
  const away = hypervisors?.items.filter(({ state }) => state === 'down') ?? []
  /** Registered, but no worker was started there yet: nothing is wrong. */
  const unseen = away.filter(({ last_seen_at }) => last_seen_at === null).length
  const down = away.length - unseen
  return (
    <ul className={styles.counts}>
      <Count to="/nics" label={t(common.nics)} value={count(nics)}>
        <States of={nics?.items} tones={NIC_TONE} say={(state) => t(nicStates[state])} />
      </Count>
      <Count to="/servers" label={t(common.servers)} value={count(servers)}>
        <States of={servers?.items} tones={SERVER_TONE} say={(state) => t(serverStates[state])} />
      </Count>
      <Count to="/hypervisors" label={t(common.hypervisors)} value={count(hypervisors)}>
        {hypervisors && (
          <>
            <Part tone="good">{t(overview.up, { count: hypervisors.items.length - away.length })}</Part>
            {down > 0 && <Part tone="bad">{t(overview.down, { count: down })}</Part>}
            {unseen > 0 && <Part tone="idle">{t(overview.unseen, { count: unseen })}</Part>}
          </>
        )}
      </Count>
      <Count
        to="/jobs?state=failed"
        label={t(overview.failedJobs)}
        value={
          lately === undefined ? '–' : t(lately < MOST_FAILED ? overview.number : overview.atLeast, { count: lately })
        }
        isBad={lately !== undefined && lately > 0}
      >
        {lately !== undefined && (
          <Part tone={lately > 0 ? 'bad' : 'good'}>{t(lately > 0 ? overview.lookAtThem : overview.allWell)}</Part>
        )}
      </Count>
    </ul>
  )
}

interface CountProps {
  readonly to: string
  readonly label: string
  readonly value: string
  readonly isBad?: boolean
  readonly children: ReactNode
}

const Count = ({ to, label, value, isBad, children }: CountProps) => (
  <li>
    <Link className={styles.count} to={to}>
      <span className="soft">{label}</span>
      <span className={styles.value} data-bad={isBad || undefined}>
        {value}
      </span>
      <span className={styles.parts}>{children}</span>
    </Link>
  </li>
)

const Part = ({ tone, children }: { tone: Tone; children: ReactNode }) => (
  <span className={styles.part} data-tone={tone}>
    {children}
  </span>
)

interface StatesProps<S extends string> {
  readonly of: readonly { readonly state: S }[] | undefined
  readonly tones: Readonly<Record<S, Tone>>
  readonly say: (state: S) => string
}

/** How many are in each state, of the states that there are any in. */
function States<S extends string>({ of, tones, say }: StatesProps<S>) {
  const t = useText()
  if (!of) return null
  const states = (Object.keys(tones) as S[])
    .map((state) => ({ state, count: of.filter((one) => one.state === state).length }))
    .filter(({ count }) => count > 0)
  return (
    <>
      {states.map(({ state, count }) => (
        <Part key={state} tone={tones[state]}>
          {t(overview.stateCount, { count, state: say(state) })}
        </Part>
      ))}
    </>
  )
}
