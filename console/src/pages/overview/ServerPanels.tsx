import { useState } from 'react'
import { Link } from 'react-router'
import type { Nic, Server } from '../../api/client.ts'
import { common } from '../../text/common.ts'
import { useText } from '../../text/language.tsx'
import { overview } from '../../text/overview.ts'
import { ServerState } from '../../ui/Badge.tsx'
import { LinkButton } from '../../ui/Button.tsx'
import { SearchField } from '../../ui/fields.tsx'
import { Loading, Panel } from '../../ui/page.tsx'
import { MiniPanel } from '../servers/MiniPanel.tsx'
import { lookOf, SLOTS } from '../servers/slots.ts'
import { useCards, useCardsOf } from '../servers/use-cards.ts'
import styles from './overview.module.css'

const MOST_PANELS = 60
/** So many are found without searching. */
const FEW = 12

const NONE: readonly Nic[] = []

/** Every server as a small panel, those that need a look first. */
export function ServerPanels({ servers }: { servers: readonly Server[] | undefined }) {
  const t = useText()
  const [search, setSearch] = useState('')
  const cards = useCards()
  const wanted = search.trim().toLowerCase()
  const isTroubled = ({ id, last_error }: Server): boolean =>
    last_error !== null || (cards?.byServer.get(id) ?? NONE).some((nic) => lookOf(nic) === 'failed')
  const found = (servers ?? [])
    .filter(({ name, id }) => name.toLowerCase().includes(wanted) || id.includes(wanted))
    .sort((a, b) => Number(isTroubled(b)) - Number(isTroubled(a)) || byName.compare(a.name, b.name))
  return (
    <Panel
      title={t(common.servers)}
      actions={
        (servers?.length ?? 0) > FEW && (
          <SearchField label={t(overview.searchServers)} value={search} onChange={setSearch} />
        )
      }
    >
      {servers === undefined && <Loading />}
      {servers?.length === 0 && <p className="soft">{t(overview.noServers)}</p>}
      {wanted !== '' && found.length === 0 && <p className="soft">{t(common.nothingFound)}</p>}
      <ul className={styles.panels}>
        {found.slice(0, MOST_PANELS).map((server) => (
          <li key={server.id}>
            <ServerPanel server={server} />
          </li>
        ))}
      </ul>
      {found.length > MOST_PANELS && (
        <div>
          <LinkButton to="/servers" isSmall>
            {t(overview.moreServers, { count: found.length })}
          </LinkButton>
        </div>
      )}
    </Panel>
  )
}

const byName = new Intl.Collator(undefined, { numeric: true })

function ServerPanel({ server: { id, name, state, last_error: error } }: { server: Server }) {
  const t = useText()
  const nics = useCardsOf(id)
  return (
    <Link className={styles.server} to={`/servers/${id}`} data-failed={error !== null || undefined}>
      <span className={styles.serverHead}>
        <strong className={styles.serverName}>{name}</strong>
        <ServerState state={state} />
        <span className={styles.used}>{nics && t(overview.slotsUsed, { used: nics.length, total: SLOTS })}</span>
      </span>
      <MiniPanel nics={nics ?? NONE} isOn={state === 'running'} />
    </Link>
  )
}
