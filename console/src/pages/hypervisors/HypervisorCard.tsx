import { KeyRound } from 'lucide-react'
import { Link } from 'react-router'
import type { Hypervisor, Server } from '../../api/client.ts'
import { common } from '../../text/common.ts'
import { facts as factNames, hypervisors } from '../../text/hypervisors.ts'
import { useText, useWords } from '../../text/language.tsx'
import { LOCALE } from '../../text/text.ts'
import { Badge } from '../../ui/Badge.tsx'
import { Button } from '../../ui/Button.tsx'
import { Facts, Time } from '../../ui/page.tsx'
import { useNow } from '../jobs/use-now.ts'
import styles from './hypervisors.module.css'

const MOST_SERVERS = 6

interface HypervisorCardProps {
  readonly hypervisor: Hypervisor
  /** On it. */
  readonly servers: readonly Server[]
  /** Why it cannot be given a new token. */
  readonly why: string | undefined
  readonly onNewToken: () => void
}

export function HypervisorCard({ hypervisor, servers, why, onNewToken }: HypervisorCardProps) {
  const t = useText()
  const { id, zone_id, facts, last_seen_at, created_at } = hypervisor
  const nics = servers.reduce((sum, { nic_count }) => sum + nic_count, 0)
  return (
    <li className={styles.card} aria-label={id}>
      <div className={styles.head}>
        <h2>{id}</h2>
        <State hypervisor={hypervisor} />
        <span className={styles.act}>
          <Button
            look="quiet"
            isSmall
            icon={<KeyRound size={15} aria-hidden />}
            label={t(hypervisors.newTokenOf, { id })}
            why={why}
            onPress={onNewToken}
          />
        </span>
      </div>
      <div className={styles.load}>
        <strong>{t(hypervisors.serversOn, { count: servers.length })}</strong>
        <strong>{t(hypervisors.nicsOn, { count: nics })}</strong>
      </div>
      {servers.length > 0 && (
        <p className={styles.servers}>
          {servers.slice(0, MOST_SERVERS).map((server) => (
            <Link key={server.id} to={`/servers/${server.id}`}>
              {server.name}
            </Link>
          ))}
          {servers.length > MOST_SERVERS && (
            <Link to="/servers">{t(hypervisors.andMore, { count: servers.length - MOST_SERVERS })}</Link>
          )}
        </p>
      )}
      <Facts
        facts={[
          [t(hypervisors.zone), zone_id],
          [t(hypervisors.lastSeen), <Ago key="seen" at={last_seen_at} />],
          ...inOrder(facts).map(
            (name) =>
              [
                Object.hasOwn(factNames, name) ? t(factNames[name as keyof typeof factNames]) : name,
                <Fact key={name} value={facts[name]} />,
              ] as const,
          ),
          [t(hypervisors.registered), <Time key="created" at={created_at} />],
        ]}
      />
    </li>
  )
}

/** The facts that have words first, as they stand there. */
function inOrder(facts: Hypervisor['facts']): string[] {
  const known = Object.keys(factNames).filter((name) => Object.hasOwn(facts, name))
  return [...known, ...Object.keys(facts).filter((name) => !known.includes(name))]
}

function State({ hypervisor: { state, last_seen_at } }: { hypervisor: Hypervisor }) {
  const t = useText()
  if (last_seen_at === null) return <Badge tone="idle">{t(hypervisors.notSeen)}</Badge>
  return <Badge tone={state === 'up' ? 'good' : 'bad'}>{t(hypervisors[state])}</Badge>
}

function Fact({ value }: { value: unknown }) {
  const t = useText()
  if (Array.isArray(value)) {
    if (value.length === 0) return <span className="soft">{t(common.none)}</span>
    return <span>{value.map(String).join(', ')}</span>
  }
  return <span>{typeof value === 'object' ? JSON.stringify(value) : String(value)}</span>
}

/** How long ago something was, by the second. */
function Ago({ at }: { at: string | null }) {
  const { t, language } = useWords()
  const now = useNow(at !== null)
  if (at === null) return <span className="soft">{t(hypervisors.notSeen)}</span>
  const seconds = Math.max(0, Math.round((now - Date.parse(at)) / 1000))
  const format = new Intl.RelativeTimeFormat(LOCALE[language], { numeric: 'auto' })
  if (seconds > 48 * 3600) return <Time at={at} />
  const words =
    seconds < 60
      ? format.format(-seconds, 'second')
      : seconds < 3600
        ? format.format(-Math.floor(seconds / 60), 'minute')
        : format.format(-Math.floor(seconds / 3600), 'hour')
  return (
    <time dateTime={at} title={at}>
      {words}
    </time>
  )
}
