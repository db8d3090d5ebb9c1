import type { ReactNode } from 'react'
import type { Event } from '../../api/client.ts'
import { common } from '../../text/common.ts'
import { changedFields, events, eventTypes, resourceTypes } from '../../text/events.ts'
import { useText, useWords } from '../../text/language.tsx'
import { jobActions } from '../../text/states.ts'
import { LOCALE, type Text } from '../../text/text.ts'
import type { Tone } from '../../ui/Badge.tsx'
import { useStepName } from '../jobs/step-name.ts'
import styles from './events.module.css'
import { ResourceLink } from './ResourceLink.tsx'

/** Of tables whose keys come from the service, which may know more than this console. */
const known = (table: Readonly<Record<string, Text>>, key: string): Text | undefined =>
  Object.hasOwn(table, key) ? table[key] : undefined

/** What happened, in words. */
export function useEventTitle(): (type: string) => string {
  const t = useText()
  return (type) => {
    const words = known(eventTypes, type)
    return words ? t(words) : type
  }
}

export function useResourceTypeName(): (type: string) => string {
  const t = useText()
  return (type) => {
    const words = known(resourceTypes, type)
    return words ? t(words) : type
  }
}

export function toneOf({ type, data }: Event): Tone {
  if (typeof data.error === 'string' || type === 'job.failed' || type === 'hypervisor.down') return 'bad'
  if (/\.(attaching|detaching|starting|stopping|terminating|pending|working|progress|retry)$/.test(type)) return 'busy'
  if (/\.(in_use|running|successful|created|up|associated|joined)$/.test(type)) return 'good'
  if (/\.(deleted|terminated|stopped)$/.test(type)) return 'idle'
  return 'info'
}

/** Other resources that an event names. */
const LINKED = { server_id: 'server', network_id: 'network', vpc_id: 'vpc', nic_id: 'nic' } as const
/** What is said otherwise, or by the event's own page. */
const UNTOLD = new Set([
  ...Object.keys(LINKED),
  ...[
    'error',
    'action',
    'nic_ids',
    'resources',
    'rule_id',
    'rule_ids',
    'server_ids',
    'pool_id',
    'host',
    'guest',
    'step',
  ],
])
const MOST_LINKS = 3

interface EventDetailsProps {
  readonly event: Event
  readonly address?: string | null
  /** On one line, in a table. */
  readonly isInRow?: boolean
  /** Whose history it stands in: what else it is of, or names, is linked. */
  readonly of?: string
}

/** What an event tells besides its type: where, what was changed into what, and what went wrong. */
export function EventDetails({ event, address, isInRow, of }: EventDetailsProps) {
  const t = useText()
  const stepName = useStepName()
  const { type, data } = event
  const isOfJob = type.startsWith('job.')
  const parts: ReactNode[] = []
  if (of !== undefined && of !== event.resource_id)
    parts.push(<ResourceLink key="of" type={event.resource_type} id={event.resource_id} />)
  if (isOfJob && typeof data.action === 'string') {
    const action = known(jobActions, data.action)
    parts.push(<span key="action">{action ? t(action) : data.action}</span>)
  }
  if (isOfJob && typeof data.step === 'string') parts.push(<span key="step">{stepName(data.step)}</span>)
  if (address) parts.push(<code key="whose">{address}</code>)
  const nics = Array.isArray(data.nic_ids) ? data.nic_ids.filter((id) => typeof id === 'string') : []
  for (const id of nics.slice(0, MOST_LINKS)) parts.push(<ResourceLink key={id} type="nic" id={id} />)
  if (nics.length > MOST_LINKS)
    parts.push(<span key="more">{t(events.andMore, { count: nics.length - MOST_LINKS })}</span>)
  for (const [field, type] of Object.entries(LINKED)) {
    const id = data[field]
    if (typeof id === 'string' && id !== of) parts.push(<ResourceLink key={field} type={type} id={id} />)
  }
  for (const [field, value] of Object.entries(data)) {
    if (UNTOLD.has(field) || value === null) continue
    parts.push(<Changed key={field} field={field} value={value} />)
  }
  const error = typeof data.error === 'string' ? data.error : undefined
  if (parts.length === 0 && error === undefined) return null
  return (
    <span className={isInRow ? styles.inRow : styles.details}>
      {parts}
      {error !== undefined && (
        <span className={styles.error} title={error}>
          {error}
        </span>
      )}
    </span>
  )
}

function Changed({ field, value }: { field: string; value: unknown }) {
  const { t, language } = useWords()
  const words = known(changedFields, field)
  const say = (one: unknown): string => {
    if (one === null || one === '') return t(common.none)
    if (typeof one === 'boolean') return t(one ? common.yes : common.no)
    if (typeof one === 'number') return one.toLocaleString(LOCALE[language])
    if (typeof one === 'string') return one
    if (Array.isArray(one)) return one.length === 0 ? t(common.none) : one.map(say).join(', ')
    const inside = Object.entries(one as object)
    if (inside.length === 0) return t(common.none)
    return inside
      .map(([name, each]) => {
        const called = known(changedFields, name)
        return `${called ? t(called) : name} ${say(each)}`
      })
      .join(', ')
  }
  return (
    <span className={styles.changed}>
      <span className="soft">{words ? t(words) : field}</span> {say(value)}
    </span>
  )
}
